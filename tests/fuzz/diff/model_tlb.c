/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The reference model, translation: what TLBs and walk caches may hold, what a TLBI must take
 * away (IHI 0070 §4.4), and every way in which a walk can end (§3.4; DDI 0487 D8).
 */
#include <stdlib.h>
#include <string.h>

#include "diff.h"

#define LEAVES_MAX 8192u
#define TABLES_MAX 4096u
#define FAN        64u /* tables that one walk may be in at one level */

/* What a TLB may hold. */
struct entry {
	uint64_t base;   /* VA */
	uint64_t pa;
	uint16_t asid;
	uint8_t gran, level;
	uint8_t perm;    /* AP[2:1] << 0, UXN << 2, PXN << 3 */
	bool global, aset;
};

/* What a walk cache may hold: below @c base the next table is at @c pa. */
struct table {
	uint64_t base, pa;
	uint16_t asid;
	uint8_t gran, level;
};

struct model_tlb {
	const struct world *w;
	unsigned int nb_leaves, nb_tables;
	struct entry leaf[LEAVES_MAX];
	struct table table[TABLES_MAX];
};

/* A context, decoded for the half that an address is in. */
struct half {
	unsigned int gran, start, tsz;
	uint64_t ttb;
	bool off;
};

struct model_tlb *
model_tlb_create(const struct world *w)
{
	struct model_tlb *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->w = w;
	return t;
}

void
model_tlb_destroy(struct model_tlb *t)
{
	free(t);
}

void
model_tlb_reset(struct model_tlb *t)
{
	t->nb_leaves = t->nb_tables = 0;
}

/* ---- contexts -------------------------------------------------------------------------------- */

static unsigned int
cd_ips(const struct model_cd *cd)
{
	unsigned int bits = smmu_oas_bits(smmu_field_get(SMMU_CD_0_IPS, cd->w[0]));

	return bits < 44 ? bits : 44; /* both implementations have OAS = 44 */
}

static bool
cd_half(const struct model_cd *cd, unsigned int high, struct half *h)
{
	static const uint8_t tg[2][4] = { { 0, 2, 1, 3 }, { 3, 1, 0, 2 } };
	uint64_t w = cd->w[0];
	unsigned int bits;

	h->off = w & (high ? SMMU_CD_0_EPD1 : SMMU_CD_0_EPD0);
	if (h->off)
		return true;
	h->gran = tg[high][smmu_field_get(high ? SMMU_CD_0_TG1 : SMMU_CD_0_TG0, w)];
	h->tsz = (unsigned int)smmu_field_get(high ? SMMU_CD_0_T1SZ : SMMU_CD_0_T0SZ, w);
	h->ttb = cd->w[1 + high] & SMMU_CD_1_TTB0;
	if (h->gran == 3 || h->tsz < 16 || h->tsz > 39 || h->ttb >> cd_ips(cd))
		return false;
	bits = 9 + 2 * h->gran;
	h->start = 4 - (64 - h->tsz - gran_page(h->gran) + bits - 1) / bits;
	return true;
}

/* Legal (§5.4) for: stage 1, terminate only, no HTTU, little-endian, 16-bit ASIDs. */
static bool
cd_legal(const struct model_cd *cd, struct half h[2])
{
	uint64_t w = cd->w[0];

	return (w & SMMU_CD_0_V) && (w & SMMU_CD_0_AA64) && !(w & SMMU_CD_0_S) &&
	       !(w & (SMMU_CD_0_HA | SMMU_CD_0_HD)) &&
	       (!(w & SMMU_CD_0_ENDI) || ((w & SMMU_CD_0_EPD0) && (w & SMMU_CD_0_EPD1))) &&
	       cd_half(cd, 0, &h[0]) && cd_half(cd, 1, &h[1]);
}

static bool
in_range(const struct model_cd *cd, const struct half *h, uint64_t va)
{
	unsigned int high = (va >> 55) & 1;

	if (cd->w[0] & (high ? SMMU_CD_0_TBI1 : SMMU_CD_0_TBI0))
		va = high ? va | UINT64_C(0xff) << 56 : va & ~(UINT64_C(0xff) << 56);
	return !h->off && (high ? ~va : va) >> (64 - h->tsz) == 0;
}

/* ---- walks ----------------------------------------------------------------------------------- */

/* VA[55] and VA[47:0]: what tells one translation from another. */
static uint64_t
canon(uint64_t va)
{
	return (va & ((UINT64_C(1) << 48) - 1)) | (va & (UINT64_C(1) << 55));
}

static bool
add_leaf(struct model_tlb *t, const struct entry *e)
{
	for (unsigned int i = 0; i < t->nb_leaves; i++)
		if (memcmp(&t->leaf[i], e, sizeof(*e)) == 0)
			return true;
	if (t->nb_leaves == LEAVES_MAX)
		return false;
	t->leaf[t->nb_leaves++] = *e;
	return true;
}

static bool
add_table(struct model_tlb *t, const struct table *e)
{
	for (unsigned int i = 0; i < t->nb_tables; i++)
		if (memcmp(&t->table[i], e, sizeof(*e)) == 0)
			return true;
	if (t->nb_tables == TABLES_MAX)
		return false;
	t->table[t->nb_tables++] = *e;
	return true;
}

/* Where walks of an address may be at one level. */
struct front {
	uint64_t at[FAN];
	unsigned int n;
	bool overflow;
};

static void
front_add(struct front *f, uint64_t pa)
{
	for (unsigned int i = 0; i < f->n; i++)
		if (f->at[i] == pa)
			return;
	if (f->n == FAN)
		f->overflow = true;
	else
		f->at[f->n++] = pa;
}

/* Tables that caches may know for @p va below a descriptor of @p level. */
static void
front_cached(const struct model_tlb *t, struct front *f, uint16_t asid, const struct half *h,
	     unsigned int level, uint64_t va)
{
	uint64_t base = canon(va) & ~((UINT64_C(1) << gran_shift(h->gran, level)) - 1);

	for (unsigned int i = 0; i < t->nb_tables; i++)
		if (t->table[i].asid == asid && t->table[i].gran == h->gran &&
		    t->table[i].level == level && t->table[i].base == base)
			front_add(f, t->table[i].pa);
}

static uint8_t
perm_of(uint64_t d)
{
	return (uint8_t)((d & SMMU_TTD_AP1 ? 1 : 0) | (d & SMMU_TTD_AP2 ? 2 : 0) |
			 (d & SMMU_TTD_UXN ? 4 : 0) | (d & SMMU_TTD_PXN ? 8 : 0));
}

/* DDI 0487 D8.4, without WXN, UWXN, PAN and hierarchical limits, which cases do not have. */
static bool
allowed(uint8_t perm, const struct access *a)
{
	bool unpriv = perm & 1, ro = perm & 2;

	if (a->inst)
		return a->priv ? !(perm & 8) && !(unpriv && !ro) : !(perm & 4);
	return (a->priv || unpriv) && !(a->write && ro);
}

static void
fault(struct access *a, const struct model_cd *cd, unsigned int id, uint64_t fetch)
{
	bool eabt = id == SMMU_EVT_F_WALK_EABT;
	uint64_t w1 = (a->write ? 0 : SMMU_EVT_1_RNW) | (a->priv ? SMMU_EVT_1_PNU : 0) |
		      (a->inst ? SMMU_EVT_1_IND : 0) |
		      smmu_field_prep(SMMU_EVT_1_CLASS,
				      eabt ? SMMU_EVT_CLASS_TTD : SMMU_EVT_CLASS_IN);

	/* CD.R is about translation faults only (§5.5). STAG, or REASON, is UNKNOWN; so is IPA. */
	if (eabt || (cd->w[0] & SMMU_CD_0_R)) {
		outcome_event(a, id, w1, a->va, fetch, ~SMMU_EVT_1_STAG,
			      eabt ? SMMU_EVT_3_FETCHADDR : 0);
	} else {
		struct outcome *o = &a->out[a->n];

		for (unsigned int i = 0; i < a->n; i++)
			if (a->out[i].end == END_FAULT && !a->out[i].event)
				return;
		if (a->n == OUTCOMES_MAX) {
			a->overflow = true;
			return;
		}
		memset(o, 0, sizeof(*o));
		o->end = END_FAULT;
		a->n++;
	}
}

/* What one descriptor makes of a walk. @return false: it ends here. */
static bool
descriptor(struct model_tlb *t, const struct model_cd *cd, const struct half *h, uint64_t va,
	   unsigned int level, uint64_t d, struct access *a, bool *fits, uint64_t *next)
{
	uint64_t out = d & SMMU_TTD_ADDR & ~((UINT64_C(1) << gran_page(h->gran)) - 1);
	uint64_t off = (UINT64_C(1) << gran_shift(h->gran, level)) - 1;
	uint16_t asid = (uint16_t)smmu_field_get(SMMU_CD_0_ASID, cd->w[0]);
	bool table = level < 3 && (d & SMMU_TTD_TABLE);
	bool block = level == 2 || (level == 1 && h->gran == 0);
	struct entry e;

	if (!(d & SMMU_TTD_V) || (!table && level < 3 && !block) ||
	    (level == 3 && !(d & SMMU_TTD_TABLE))) {
		if (a != NULL)
			fault(a, cd, SMMU_EVT_F_TRANSLATION, 0);
		return false;
	}
	if (!table)
		out &= ~off;
	if (out >> cd_ips(cd)) {
		if (a != NULL)
			fault(a, cd, SMMU_EVT_F_ADDR_SIZE, 0);
		return false;
	}
	*next = out;
	if (table)
		return true;
	if (!(d & SMMU_TTD_AF) && !(cd->w[0] & SMMU_CD_0_AFFD)) {
		if (a != NULL)
			fault(a, cd, SMMU_EVT_F_ACCESS, 0);
		return false;
	}
	memset(&e, 0, sizeof(e));
	e.base = canon(va) & ~off;
	e.pa = out;
	e.global = !(d & SMMU_TTD_NG);
	e.aset = e.global && (cd->w[0] & SMMU_CD_0_ASET);
	e.asid = e.global ? 0 : asid;
	e.gran = (uint8_t)h->gran;
	e.level = (uint8_t)level;
	e.perm = perm_of(d);
	if (a == NULL)
		*fits &= add_leaf(t, &e);
	else if (allowed(e.perm, a))
		outcome_ok(a, out | (a->va & off));
	else
		fault(a, cd, SMMU_EVT_F_PERMISSION, 0);
	return false;
}

/*
 * Follow every walk of @p va that memory and caches allow. @p a NULL: note what it leaves in
 * caches; else: note how it ends. @return false: too many.
 */
static bool
walk(struct model_tlb *t, const struct model_cd *cd, const struct half *h, uint64_t va,
     struct access *a)
{
	uint16_t asid = (uint16_t)smmu_field_get(SMMU_CD_0_ASID, cd->w[0]);
	uint64_t in = va & ((UINT64_C(1) << (64 - h->tsz)) - 1);
	unsigned int top = 64 - h->tsz - gran_shift(h->gran, h->start);
	uint64_t size = UINT64_C(8) << top;
	struct front f = { .n = 0 };
	bool fits = true;

	front_add(&f, h->ttb & ~((size < 64 ? 64 : size) - 1));
	for (unsigned int level = h->start; level < 4; level++) {
		struct front below = { .n = 0 };
		uint64_t idx = in >> gran_shift(h->gran, level);

		if (level != h->start)
			idx &= (UINT64_C(1) << (9 + 2 * h->gran)) - 1;
		for (unsigned int i = 0; i < f.n; i++) {
			uint64_t pa = f.at[i] + idx * 8, next;
			const uint64_t *p = world_mem(t->w, pa);
			struct table e;

			if (p == NULL) {
				if (a != NULL)
					fault(a, cd, SMMU_EVT_F_WALK_EABT, pa);
				continue;
			}
			if (!descriptor(t, cd, h, va, level, *p, a, &fits, &next))
				continue;
			front_add(&below, next);
			if (a != NULL)
				continue;
			memset(&e, 0, sizeof(e));
			e.base = canon(va) & ~((UINT64_C(1) << gran_shift(h->gran, level)) - 1);
			e.pa = next;
			e.asid = asid;
			e.gran = (uint8_t)h->gran;
			e.level = (uint8_t)level;
			fits &= add_table(t, &e);
		}
		if (level < 3)
			front_cached(t, &below, asid, h, level, va);
		fits &= !below.overflow;
		f = below;
	}
	return fits;
}

bool
model_tlb_fill(struct model_tlb *t, const struct model_cd *cd, uint64_t va)
{
	struct half h[2];
	unsigned int high = (va >> 55) & 1;

	return !cd_legal(cd, h) || !in_range(cd, &h[high], va) || walk(t, cd, &h[high], va, NULL);
}

void
model_tlb_access(struct model_tlb *t, const struct model_cd *cd, struct access *a)
{
	uint16_t asid = (uint16_t)smmu_field_get(SMMU_CD_0_ASID, cd->w[0]);
	unsigned int high = (a->va >> 55) & 1;
	struct half h[2];

	if (!cd_legal(cd, h)) {
		outcome_event(a, SMMU_EVT_C_BAD_CD, 0, 0, 0, 0, 0);
		return;
	}
	if (!in_range(cd, &h[high], a->va)) {
		fault(a, cd, SMMU_EVT_F_TRANSLATION, 0);
		return;
	}
	if (!walk(t, cd, &h[high], a->va, a))
		a->overflow = true;
	for (unsigned int i = 0; i < t->nb_leaves; i++) {
		const struct entry *e = &t->leaf[i];
		uint64_t off = (UINT64_C(1) << gran_shift(e->gran, e->level)) - 1;

		if ((e->global ? e->aset != !!(cd->w[0] & SMMU_CD_0_ASET) : e->asid != asid) ||
		    (canon(a->va) & ~off) != e->base)
			continue;
		if (allowed(e->perm, a))
			outcome_ok(a, e->pa | (a->va & off));
		else
			fault(a, cd, SMMU_EVT_F_PERMISSION, 0);
	}
}

/* ---- TLBI (§4.4) ----------------------------------------------------------------------------- */

struct scope {
	uint64_t first, last; /* canonical addresses, inclusive */
	uint16_t asid;
	bool any;             /* ASID */
	unsigned int tg, ttl; /* 0: any; else granule + 1, level */
	bool leaf;
};

/* A range in the units that TG names; without TG the one leaf that holds the address. */
static void
scope_va(struct scope *s, uint64_t w0, uint64_t w1)
{
	uint64_t va = w1 & SMMU_TLBI_1_ADDR, bytes = 4096, half = va & (UINT64_C(1) << 55);

	s->tg = (unsigned int)smmu_field_get(SMMU_TLBI_1_TG, w1);
	if (s->tg != 0) {
		unsigned int g = s->tg - 1;

		s->ttl = (unsigned int)smmu_field_get(SMMU_TLBI_1_TTL, w1);
		if (g == 1 && s->ttl == 1) /* as 0 without DS (§4.4.1) */
			s->ttl = 0;
		bytes = (smmu_field_get(SMMU_TLBI_0_NUM, w0) + 1)
			<< (smmu_field_get(SMMU_TLBI_0_SCALE, w0) + gran_page(g));
		va &= ~((UINT64_C(1) << gran_page(g)) - 1);
	}
	s->first = canon(va);
	s->last = s->first + bytes - 1;
	/* Not beyond the half in which it begins. */
	if (s->last > (half | ((UINT64_C(1) << 48) - 1)))
		s->last = half | ((UINT64_C(1) << 48) - 1);
	s->leaf = w1 & SMMU_TLBI_1_LEAF;
}

static bool
covers(const struct scope *s, uint64_t base, unsigned int gran, unsigned int level)
{
	uint64_t end = base + ((UINT64_C(1) << gran_shift(gran, level)) - 1);

	return (s->tg == 0 || s->tg == gran + 1) && base <= s->last && s->first <= end;
}

static void
drop(struct model_tlb *t, const struct scope *s, bool by_asid_only)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < t->nb_leaves; i++) {
		const struct entry *e = &t->leaf[i];
		/* Globals do not go with an ASID, but do go with an address under any ASID. */
		bool who = s->any || (e->global ? !by_asid_only : e->asid == s->asid);

		if (!(who && covers(s, e->base, e->gran, e->level) &&
		      (s->ttl == 0 || s->ttl == e->level)))
			t->leaf[n++] = t->leaf[i];
	}
	t->nb_leaves = n;
	n = 0;
	for (unsigned int i = 0; i < t->nb_tables; i++) {
		const struct table *e = &t->table[i];

		if (s->leaf || !(s->any || e->asid == s->asid) ||
		    !covers(s, e->base, e->gran, e->level))
			t->table[n++] = t->table[i];
	}
	t->nb_tables = n;
}

bool
model_tlb_legal(uint64_t w0, uint64_t w1)
{
	uint64_t op = smmu_field_get(SMMU_CMD_0_OP, w0), range = w0 & 0x01f1f000;
	struct scope s = { .tg = 0 };

	if (op != SMMU_CMD_TLBI_NH_VA && op != SMMU_CMD_TLBI_NH_VAA)
		return op != 0;
	scope_va(&s, w0, w1);
	return s.tg == 0 || range != 0 || s.ttl != 0; /* NUM, SCALE, a level (§4.4.1.1) */
}

void
model_tlb_cmd(struct model_tlb *t, uint64_t w0, uint64_t w1)
{
	struct scope s = { .first = 0, .last = UINT64_MAX,
			   .asid = (uint16_t)smmu_field_get(SMMU_TLBI_0_ASID, w0) };

	switch (smmu_field_get(SMMU_CMD_0_OP, w0)) {
	case SMMU_CMD_TLBI_NH_ALL:
	case SMMU_CMD_TLBI_NSNH_ALL:
		s.any = true;
		drop(t, &s, false);
		break;
	case SMMU_CMD_TLBI_NH_ASID:
		drop(t, &s, true);
		break;
	case SMMU_CMD_TLBI_NH_VAA:
		s.any = true;
		/* fall through */
	case SMMU_CMD_TLBI_NH_VA:
		scope_va(&s, w0, w1);
		drop(t, &s, false);
		break;
	default:
		break;
	}
}
