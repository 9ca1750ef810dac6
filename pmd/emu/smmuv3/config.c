/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Configuration (IHI 0070 §3.3, §5): L1STDs, STEs and CDs are found, checked and cached. A cached
 * one is used until a CFGI command covers it, even if it was invalid or illegal (§3.21.1).
 */
#include <stdlib.h>
#include <string.h>

#include "priv.h"

/* Allocate entries, zeroed, on cache lines of their own. */
static void *
cache_alloc(uint32_t n, size_t size)
{
	void *p = aligned_alloc(64, n * size);

	if (p != NULL)
		memset(p, 0, n * size);
	return p;
}

int
emu_config_init(struct emu_smmu *e)
{
	uint32_t n = e->conf.cfg_cache ? e->conf.cfg_cache : 1;

	e->cfg.mask = n - 1;
	e->cfg.ste = cache_alloc(n, sizeof(*e->cfg.ste));
	e->cfg.cd = cache_alloc(n, sizeof(*e->cfg.cd));
	e->cfg.l1std = calloc(n, sizeof(*e->cfg.l1std));
	return e->cfg.ste && e->cfg.cd && e->cfg.l1std ? 0 : -1;
}

void
emu_config_fini(struct emu_smmu *e)
{
	free(e->cfg.ste);
	free(e->cfg.cd);
	free(e->cfg.l1std);
}

/* The L1STD of a stream, cached or fetched. @return false: the fetch aborted (recorded). */
static bool
l1std_get(struct emu_smmu *e, const struct emu_req *r, uint64_t *val)
{
	uint32_t idx = r->sid >> e->cfg.st_split;
	struct emu_l1std *c = &e->cfg.l1std[idx & e->cfg.mask];
	uint64_t pa = e->cfg.strtab_base + (uint64_t)idx * SMMU_L1STD_BYTES;
	void *p;

	if (c->cached && c->idx == idx) {
		*val = c->val;
		return true;
	}
	p = emu_pa(&e->core, pa, SMMU_L1STD_BYTES);
	emu_count(&e->st.ste_reads, 1);
	if (p == NULL) {
		emu_count(&e->core.st.mem_aborts, 1);
		emu_event(e, r, SMMU_EVT_F_STE_FETCH, 0, pa);
		return false;
	}
	*val = emu_ld64(p);
	*c = (struct emu_l1std){ .idx = idx, .cached = e->conf.cfg_cache != 0, .val = *val };
	return true;
}

/* Find the stream's STE (§3.3.2). @return false: there is none, and the event was recorded. */
static bool
ste_address(struct emu_smmu *e, const struct emu_req *r, uint64_t *pa)
{
	unsigned int span;
	uint64_t l1, idx;

	if ((uint64_t)r->sid >> e->cfg.st_log2)
		goto bad;
	if (!e->cfg.st_2lvl) {
		*pa = e->cfg.strtab_base + (uint64_t)r->sid * SMMU_STE_BYTES;
		return true;
	}
	if (!l1std_get(e, r, &l1))
		return false;
	span = (unsigned int)smmu_field_get(SMMU_L1STD_SPAN, l1);
	idx = r->sid & ((1u << e->cfg.st_split) - 1);
	if (span == 0 || span > SMMU_L1STD_SPAN_MAX || span > e->cfg.st_split + 1u ||
	    idx >= UINT64_C(1) << (span - 1))
		goto bad;
	*pa = (l1 & SMMU_L1STD_L2PTR & ~((UINT64_C(1) << (span + 5)) - 1)) + idx * SMMU_STE_BYTES;
	return true;
bad:
	if (e->recinvsid)
		emu_event(e, r, SMMU_EVT_C_BAD_STREAMID, 0, 0);
	return false;
}

/* The stages of a Config other than abort. */
#define CONFIG_S1 1u
#define CONFIG_S2 2u
#define STRW_RESERVED smmu_field_prep(SMMU_STE_1_STRW, 1) /* 0bx1 */

/* StreamWorld and VMID of a stream that is translated. STRW is RES0 without Hyp and unused under
 * stage 2, and then not looked at; VMIDs are of NS-EL1, where there is stage 2. @return whether
 * they are legal. */
static bool
ste_world(const struct emu_smmu *e, struct emu_ste *s, unsigned int config, const uint64_t w[4])
{
	bool strw = e->conf.hyp && !(config & CONFIG_S2);

	if (strw && (w[1] & STRW_RESERVED))
		return false;
	s->el2 = strw && smmu_field_get(SMMU_STE_1_STRW, w[1]) == SMMU_STE_STRW_EL2;
	if (e->conf.s2 && !s->el2)
		s->vmid = (uint16_t)smmu_field_get(SMMU_STE_2_S2VMID, w[2]);
	return e->conf.vmid16 || s->vmid < 256;
}

/* Is a stream legal that is translated (§5.2.2, SteIllegal())? An S1ContextPtr beyond IAS, which is
 * OAS here, may be ILLEGAL under stage 2 too (§3.4.3). S1CDMax, S1Fmt and S1DSS are IGNORED where
 * IDR1.SSIDSIZE is 0. There are no stalls, for which S1STALLD is, and no split-stage ATS. */
static bool
ste_legal(const struct emu_smmu *e, struct emu_ste *s, unsigned int config, const uint64_t w[4])
{
	if (((config & CONFIG_S1) && !e->conf.s1) || ((config & CONFIG_S2) && !e->conf.s2) ||
	    s->eats == SMMU_STE_EATS_SPLIT || !ste_world(e, s, config, w))
		return false;
	if ((config & CONFIG_S1) && ((w[1] & SMMU_STE_1_S1STALLD) || s->cdptr >> e->conf.oas))
		return false;
	return !(config & CONFIG_S2) || emu_s2_decode(e, &s->s2, s->vmid, w);
}

/* Check and decode (§5.2, "Validity of STE"), for what the IDRs offer. */
static void
ste_decode(const struct emu_smmu *e, struct emu_ste *s, const uint64_t w[4])
{
	static const uint8_t kind[] = { STE_BYPASS, STE_S1, STE_S2, STE_NESTED };
	unsigned int config = (unsigned int)smmu_field_get(SMMU_STE_0_CONFIG, w[0]);

	s->priv = smmu_field_get(SMMU_STE_1_PRIVCFG, w[1]) == SMMU_STE_PRIVCFG_PRIV;
	s->inst = smmu_field_get(SMMU_STE_1_INSTCFG, w[1]) == 3;
	s->cdptr = w[0] & SMMU_STE_0_S1CONTEXTPTR;
	s->el2 = false;
	s->vmid = 0;
	s->eats = e->conf.ats ? (uint8_t)smmu_field_get(SMMU_STE_1_EATS, w[1]) : SMMU_STE_EATS_OFF;
	s->fault = 0;
	if (!(w[0] & SMMU_STE_0_V)) {
		s->fault = SMMU_EVT_C_BAD_STE;
	} else if (!(config & 4)) {
		s->kind = STE_ABORT;
	} else {
		s->kind = kind[config & (CONFIG_S1 | CONFIG_S2)];
		if (s->kind != STE_BYPASS && !ste_legal(e, s, config, w))
			s->fault = SMMU_EVT_C_BAD_STE;
	}
}

const struct emu_ste *
emu_config_ste_miss(struct emu_smmu *e, const struct emu_req *r)
{
	struct emu_ste *s = e->conf.cfg_cache ? &e->cfg.ste[r->sid & e->cfg.mask] :
						&e->cfg.ste_scratch;
	uint64_t pa, w[4];
	uint64_t *p;

	if (!ste_address(e, r, &pa))
		return NULL;
	p = emu_pa(&e->core, pa, SMMU_STE_BYTES);
	emu_count(&e->st.ste_reads, 1);
	if (p == NULL) {
		emu_count(&e->core.st.mem_aborts, 1);
		emu_event(e, r, SMMU_EVT_F_STE_FETCH, 0, pa);
		return NULL;
	}
	for (int i = 3; i >= 0; i--) /* in any order: V last catches drivers */
		w[i] = emu_ld64(&p[i]);
	s->sid = r->sid;
	ste_decode(e, s, w);
	s->cached = e->conf.cfg_cache != 0;
	return s;
}

/* TG0 and TG1 have different codes for the same granules (§5.4). */
static const uint8_t tg_gran[2][4] = {
	{ [SMMU_CD_TG0_4K] = GRAN_4K, [SMMU_CD_TG0_16K] = GRAN_16K, [SMMU_CD_TG0_64K] = GRAN_64K,
	  [3] = GRANS },
	{ [SMMU_CD_TG1_4K] = GRAN_4K, [SMMU_CD_TG1_16K] = GRAN_16K, [SMMU_CD_TG1_64K] = GRAN_64K,
	  [0] = GRANS },
};

/*
 * One half of a CD (§5.4), ignored if its EPD is set. TxSZ is 16 to 39 with every granule:
 * there are no small tables (IDR3.STT) and no 52-bit addresses (IDR5.VAX).
 */
static bool
cd_half(const struct emu_smmu *e, struct emu_cd *c, unsigned int half, uint64_t tg)
{
	unsigned int g = tg_gran[half][tg], bits = GRAN_IDX_BITS(g);

	if (c->epd[half])
		return true;
	if (g == GRANS || !(e->conf.gran & (1u << g)) || c->tsz[half] < 16 || c->tsz[half] > 39 ||
	    c->ttb[half] >> c->ips)
		return false;
	c->gran[half] = (uint8_t)g;
	/* As many levels as are needed to resolve the bits above the page. */
	c->start[half] =
		(uint8_t)(4 - (64u - c->tsz[half] - GRAN_PAGE_SHIFT(g) + bits - 1) / bits);
	return true;
}

static void
cd_decode(const struct emu_smmu *e, struct emu_cd *c, const struct emu_ste *ste,
	  const uint64_t w[3])
{
	unsigned int ips = smmu_oas_bits(smmu_field_get(SMMU_CD_0_IPS, w[0]));
	bool ok;

	c->tsz[0] = (uint8_t)smmu_field_get(SMMU_CD_0_T0SZ, w[0]);
	c->tsz[1] = (uint8_t)smmu_field_get(SMMU_CD_0_T1SZ, w[0]);
	/* EL2 without E2H has TTB0 and nothing else: EPDn, what is about TTB1, PAN and the ASID are
	 * IGNORED (§5.4). */
	c->one = ste->el2 && !e->e2h;
	c->tag.space = ste->el2 ? EMU_SPACE_EL2 : emu_space_va(ste->vmid);
	c->epd[0] = (w[0] & SMMU_CD_0_EPD0) && !c->one;
	c->epd[1] = (w[0] & SMMU_CD_0_EPD1) || c->one;
	c->tbi[0] = w[0] & SMMU_CD_0_TBI0;
	c->tbi[1] = w[0] & SMMU_CD_0_TBI1;
	c->had[0] = w[1] & SMMU_CD_1_HAD0;
	c->had[1] = w[2] & SMMU_CD_2_HAD1;
	c->affd = w[0] & SMMU_CD_0_AFFD;
	c->wxn = w[0] & SMMU_CD_0_WXN;
	c->pan = (w[0] & SMMU_CD_0_PAN) && !c->one;
	c->tag.set = w[0] & SMMU_CD_0_ASET;
	c->record = w[0] & SMMU_CD_0_R;
	c->abort = w[0] & SMMU_CD_0_A;
	c->tag.id = c->one ? 0 : (uint16_t)smmu_field_get(SMMU_CD_0_ASID, w[0]);
	c->ips = (uint8_t)(ips < e->conf.oas ? ips : e->conf.oas);
	c->ttb[0] = w[1] & SMMU_CD_1_TTB0;
	c->ttb[1] = w[2] & SMMU_CD_2_TTB1;
	/* Stalls and table updates by hardware are not implemented; tables are little-endian. */
	ok = (w[0] & SMMU_CD_0_V) && !(w[0] & SMMU_CD_0_S) && (w[0] & SMMU_CD_0_AA64) &&
	     !(w[0] & (SMMU_CD_0_HA | SMMU_CD_0_HD)) &&
	     (!(w[0] & SMMU_CD_0_ENDI) || (c->epd[0] && c->epd[1])) &&
	     cd_half(e, c, 0, smmu_field_get(SMMU_CD_0_TG0, w[0])) &&
	     cd_half(e, c, 1, smmu_field_get(SMMU_CD_0_TG1, w[0]));
	c->fault = ok ? 0 : SMMU_EVT_C_BAD_CD;
}

const struct emu_cd *
emu_config_cd_miss(struct emu_smmu *e, const struct emu_req *r, const struct emu_ste *ste)
{
	struct emu_cd *c = e->conf.cfg_cache ? &e->cfg.cd[r->sid & e->cfg.mask] :
					       &e->cfg.cd_scratch;
	uint64_t pa = ste->cdptr, w[3];
	struct emu_walk under;
	uint64_t *p;

	if (ste->kind == STE_NESTED && !emu_s2_fetch(e, &ste->s2, pa, SMMU_EVT_CLASS_CD, false,
						     !r->probe, &under, &pa)) {
		e->cfg.cd_fault = under.fault;
		emu_s2_fault(e, r, &ste->s2, &under);
		return NULL;
	}
	p = emu_pa(&e->core, pa, SMMU_CD_BYTES);
	emu_count(&e->st.cd_reads, 1);
	if (p == NULL) {
		e->cfg.cd_fault = SMMU_EVT_F_CD_FETCH;
		emu_count(&e->core.st.mem_aborts, 1);
		emu_event(e, r, SMMU_EVT_F_CD_FETCH, 0, pa);
		return NULL;
	}
	for (int i = 2; i >= 0; i--)
		w[i] = emu_ld64(&p[i]);
	c->sid = r->sid;
	cd_decode(e, c, ste, w);
	c->cached = e->conf.cfg_cache != 0;
	return c;
}

void
emu_config_inv_ste(struct emu_smmu *e, uint32_t sid, uint32_t mask, bool leaf)
{
	for (uint32_t i = 0; i <= e->cfg.mask; i++) {
		if ((e->cfg.ste[i].sid & mask) == (sid & mask))
			e->cfg.ste[i].cached = false;
		if ((e->cfg.cd[i].sid & mask) == (sid & mask))
			e->cfg.cd[i].cached = false;
		if (!leaf && (((e->cfg.l1std[i].idx << e->cfg.st_split) ^ sid) & mask &
			      ~((1u << e->cfg.st_split) - 1)) == 0)
			e->cfg.l1std[i].cached = false;
	}
}

void
emu_config_inv_cd(struct emu_smmu *e, uint32_t sid)
{
	if (e->cfg.cd[sid & e->cfg.mask].sid == sid)
		e->cfg.cd[sid & e->cfg.mask].cached = false;
}
