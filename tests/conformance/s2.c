/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stage 2 tables made by hand (Arm DDI 0487, D8), of every granule and start level, STEs that use
 * them, and the events of their faults.
 */
#include "conf.h"

unsigned int
conf_s2_shift(const struct conf_s2 *s, unsigned int level)
{
	return s->granule + (3 - level) * (s->granule - 3);
}

void
conf_s2_make(struct conf *c, struct conf_s2 *s, unsigned int granule, unsigned int bits,
	     unsigned int start)
{
	static const uint8_t tg[3] = { 0, 2, 1 };
	size_t bytes;

	memset(s, 0, sizeof(*s));
	s->granule = granule;
	s->bits = bits;
	s->start = start;
	/* Aligned to their size, side by side as they are. */
	bytes = (size_t)8 << (bits - conf_s2_shift(s, start));
	s->root = conf_mem(c, bytes < 4096 ? 4096 : bytes, bytes < 4096 ? 4096 : bytes,
			   &s->root_pa);
	s->w2 = smmu_field_prep(SMMU_STE_2_S2VMID, CONF_VMID) |
		smmu_field_prep(SMMU_STE_2_S2T0SZ, 64 - bits) |
		smmu_field_prep(SMMU_STE_2_S2SL0, (granule == 12 ? 2 : 3) - start) |
		smmu_field_prep(SMMU_STE_2_S2TG, tg[(granule - 12) / 2]) |
		smmu_field_prep(SMMU_STE_2_S2IR0, SMMU_CD_RGN_WBWA) |
		smmu_field_prep(SMMU_STE_2_S2OR0, SMMU_CD_RGN_WBWA) |
		smmu_field_prep(SMMU_STE_2_S2SH0, SMMU_SH_ISH) |
		smmu_field_prep(SMMU_STE_2_S2PS, c->hw.idr5 & SMMU_IDR5_OAS) | SMMU_STE_2_S2AA64 |
		SMMU_STE_2_S2R;
}

uint64_t *
conf_s2_desc(struct conf *c, struct conf_s2 *s, uint64_t ipa, unsigned int level)
{
	size_t size = (size_t)1 << s->granule;
	uint64_t *table = s->root;

	for (unsigned int l = s->start;; l++) {
		uint64_t i = ipa >> conf_s2_shift(s, l), *d;

		if (l != s->start)
			i &= (UINT64_C(1) << (s->granule - 3)) - 1;
		d = &table[i];
		if (l == level)
			return d;
		if ((*d & SMMU_TTD_V) == 0) {
			uint64_t pa;

			conf_mem(c, size, size, &pa);
			conf_pte(d, pa | SMMU_TTD_TYPE_TABLE);
		}
		table = sluice_raw_mem(c->iommu, *d & SMMU_TTD_ADDR & ~(uint64_t)(size - 1), size);
		CONF_CHECK(c, table != NULL, "a stage 2 table that is not ours at level %u", l);
	}
}

uint64_t
conf_s2_leaf(const struct conf_s2 *s, uint64_t pa, unsigned int level)
{
	return (pa & ~((UINT64_C(1) << conf_s2_shift(s, level)) - 1)) |
	       (level == 3 ? SMMU_TTD_TYPE_PAGE : SMMU_TTD_TYPE_BLOCK) | UINT64_C(0xf) << 2 |
	       UINT64_C(3) << 6 | smmu_field_prep(SMMU_TTD_SH, SMMU_SH_ISH) | SMMU_TTD_AF;
}

void
conf_s2_map(struct conf *c, struct conf_s2 *s, uint64_t ipa, uint64_t pa, unsigned int level)
{
	conf_pte(conf_s2_desc(c, s, ipa, level), conf_s2_leaf(s, pa, level));
}

void
conf_s2_identity(struct conf *c, struct conf_s2 *s)
{
	/* The tables that this makes are mapped as well, which no one needs. */
	for (unsigned int i = 0; i < c->nb_mem; i++)
		for (uint64_t at = 0; at < c->mem[i].size; at += 4096) {
			/* All memory is one linear piece (sluice_raw_mem()). */
			int64_t off = (uint8_t *)c->mem[i].va - (uint8_t *)c->scratch;
			uint64_t pa = (c->scratch_pa + (uint64_t)off + at) & ~UINT64_C(4095);
			uint64_t *d = conf_s2_desc(c, s, pa, 3);

			if (*d == 0)
				conf_pte(d, conf_s2_leaf(s, pa, 3));
		}
}

void
conf_s2_ste(const struct conf_s2 *s, uint64_t w[8], uint64_t config)
{
	w[0] = smmu_field_set(w[0], SMMU_STE_0_CONFIG, config);
	w[2] = s->w2;
	w[3] = s->root_pa;
}

void
conf_s2_attach(struct conf *c, const struct conf_s2 *s, unsigned int d)
{
	uint64_t w[8];

	conf_ste_bypass(w);
	conf_s2_ste(s, w, SMMU_STE_CONFIG_S2);
	conf_ste_set(c, d, w);
}

void
conf_s2_nest(struct conf *c, const struct conf_s2 *s, const struct conf_space *s1, unsigned int d)
{
	uint64_t w[8];

	conf_ste_s1(w, s1->cd_pa);
	conf_s2_ste(s, w, SMMU_STE_CONFIG_NESTED);
	conf_ste_set(c, d, w);
}

uint64_t
conf_s2_cmd(uint64_t op, uint64_t vmid)
{
	return op | smmu_field_prep(SMMU_TLBI_0_VMID, vmid);
}

void
conf_s2_tlbi(struct conf *c, const struct conf_s2 *s)
{
	conf_cmd_ok(c, conf_s2_cmd(SMMU_CMD_TLBI_S12_VMALL,
				   smmu_field_get(SMMU_STE_2_S2VMID, s->w2)), 0);
}

void
conf_s2_event(struct conf *c, uint8_t id, unsigned int d, uint64_t iova, bool read, uint64_t cls,
	      uint64_t ipa)
{
	bool eabt = id == SMMU_EVT_F_WALK_EABT;
	uint64_t want[4] = {
		smmu_field_prep(SMMU_EVT_0_ID, id) |
			smmu_field_prep(SMMU_EVT_0_SID, c->dev[d].sid),
		SMMU_EVT_1_S2 | smmu_field_prep(SMMU_EVT_1_CLASS, cls) |
			(read ? SMMU_EVT_1_RNW : 0), iova,
		ipa & (eabt ? SMMU_EVT_3_FETCHADDR : SMMU_EVT_3_IPA),
	};
	uint64_t ignore[4] = { 0, eabt ? SMMU_EVT_1_REASON : 0, 0, 0 };

	/* What the descriptor was accessed for; UNKNOWN elsewhere (§7.3.15). */
	if (id == SMMU_EVT_F_PERMISSION && cls == SMMU_EVT_CLASS_TTD)
		want[1] |= SMMU_EVT_1_TTRNW;
	else if (id == SMMU_EVT_F_PERMISSION)
		ignore[1] |= SMMU_EVT_1_TTRNW;
	if (c->hw.qemu && !eabt)
		ignore[3] = 0xfff; /* the offset in the page */
	if (c->hw.qemu && cls == SMMU_EVT_CLASS_CD)
		want[1] |= SMMU_EVT_1_RNW; /* of the fetch, not of the access */
	if (c->hw.qemu && cls == SMMU_EVT_CLASS_TTD)
		ignore[1] |= SMMU_EVT_1_S2 | SMMU_EVT_1_RNW | SMMU_EVT_1_TTRNW;
	conf_one_event(c, want, ignore);
}
