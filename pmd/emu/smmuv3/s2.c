/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stage 2 (IHI 0070 §3.4, §5.2, §7.3): its part of an STE, the translation of an IPA, and both
 * stages together.
 *
 * The IOTLB holds leaves of stage 2 by VMID and IPA, and leaves of both stages together by VMID,
 * ASID and VA, like those of stage 1 alone. So an invalidation by IPA finds only the former
 * (§4.4.3.1), and a hit costs the same with two stages as with one.
 */
#include "lookup.h"

/* ---- its part of an STE ---------------------------------------------------------------------- */

#define NO_LEVEL 0xffu
#define CONCAT_BITS 4u /* up to 16 tables in a row (DDI 0487, D8.2.2) */

/* S2TG has TG0's codes. S2SL0 (D8.2): level 3 of 4 KiB tables takes IDR3.STT, level 0 of 16 KiB
 * tables IDR5.DS. */
static const struct {
	uint8_t gran, start[4];
} by_tg[4] = {
	[SMMU_CD_TG0_4K] = { GRAN_4K, { 2, 1, 0, NO_LEVEL } },
	[SMMU_CD_TG0_16K] = { GRAN_16K, { 3, 2, 1, NO_LEVEL } },
	[SMMU_CD_TG0_64K] = { GRAN_64K, { 3, 2, 1, NO_LEVEL } },
	[3] = { GRANS, { NO_LEVEL, NO_LEVEL, NO_LEVEL, NO_LEVEL } },
};

bool
emu_s2_decode(const struct emu_smmu *e, struct emu_s2 *s2, uint16_t vmid, const uint64_t w[4])
{
	unsigned int ps = smmu_oas_bits(smmu_field_get(SMMU_STE_2_S2PS, w[2]));
	unsigned int tg = (unsigned int)smmu_field_get(SMMU_STE_2_S2TG, w[2]);
	unsigned int ia, sh;

	*s2 = (struct emu_s2){
		.tag = { .space = emu_space_ipa(vmid) },
		.tsz = (uint8_t)smmu_field_get(SMMU_STE_2_S2T0SZ, w[2]),
		.gran = by_tg[tg].gran,
		.start = by_tg[tg].start[smmu_field_get(SMMU_STE_2_S2SL0, w[2])],
		.ps = (uint8_t)(ps < e->conf.oas ? ps : e->conf.oas),
		.affd = w[2] & SMMU_STE_2_S2AFFD, .ptw = w[2] & SMMU_STE_2_S2PTW,
		.fwb = e->conf.ril && (w[1] & SMMU_STE_1_S2FWB), /* IDR3.FWB */
		.record = w[2] & SMMU_STE_2_S2R,
	};
	/* Stalls and table updates by hardware are not implemented; tables are little-endian. IPAs
	 * have OAS bits (§3.4); there are neither small tables (STT) nor 52-bit addresses. */
	if (!(w[2] & SMMU_STE_2_S2AA64) ||
	    (w[2] & (SMMU_STE_2_S2S | SMMU_STE_2_S2HA | SMMU_STE_2_S2HD | SMMU_STE_2_S2ENDI)) ||
	    s2->gran == GRANS || !(e->conf.gran & (1u << s2->gran)) || s2->start == NO_LEVEL ||
	    s2->tsz < 16 || s2->tsz < 64 - e->conf.oas || s2->tsz > 39)
		return false;
	ia = 64u - s2->tsz;
	sh = GRAN_SHIFT(s2->gran, s2->start);
	if (ia <= sh || ia - sh > GRAN_IDX_BITS(s2->gran) + CONCAT_BITS)
		return false;
	s2->ttb = w[3] & SMMU_STE_3_S2TTB;
	if (s2->ttb >> s2->ps)
		return false;
	s2->ttb &= ~((UINT64_C(8) << (ia - sh)) - 1); /* aligned to the size of the tables */
	return true;
}

/* ---- an IPA ---------------------------------------------------------------------------------- */

static bool
s2_faulted(struct emu_walk *w, uint8_t id, uint8_t cls, uint64_t ipa)
{
	w->fault = id;
	w->s2 = true;
	w->cls = cls;
	w->ipa = ipa;
	return false;
}

bool
emu_s2_leaf(struct emu_smmu *e, const struct emu_s2 *s2, uint64_t ipa, uint8_t cls, bool fresh,
	    bool count, struct emu_walk *w)
{
	const uint64_t *v = NULL;
	unsigned int shift;

	w->fault = 0;
	w->s2 = false;
	if (ipa >> (64 - s2->tsz))
		return s2_faulted(w, SMMU_EVT_F_TRANSLATION, cls, ipa);
	if (!fresh)
		v = emu_tlb_find(&e->tlb, &s2->tag, ipa, s2->gran, &shift);
	if (v != NULL) {
		w->leaf = (struct emu_leaf){
			.pa = *v & ~UINT64_C(0xfff), .gran = s2->gran, .shift = (uint8_t)shift,
			.perm = *v & TLB_PERM, .note = (*v & TLB_NOTE) >> TLB_NOTE_SHIFT,
		};
		return true;
	}
	emu_s2_walk(e, s2, ipa, fresh, count, w);
	if (w->fault != 0)
		return s2_faulted(w, w->fault, cls, ipa);
	if (!fresh)
		tlb_fill(e, &s2->tag, ipa, &w->leaf, true);
	return false;
}

bool
emu_s2_fetch(struct emu_smmu *e, const struct emu_s2 *s2, uint64_t ipa, uint8_t cls, bool fresh,
	     bool count, struct emu_walk *w, uint64_t *pa)
{
	emu_s2_leaf(e, s2, ipa, cls, fresh, count, w);
	if (w->fault != 0)
		return false;
	/* A read of data; privilege makes no difference to S2AP. */
	if (!(w->leaf.perm & EMU_PERM_PR) || (s2->ptw && (w->leaf.note & EMU_NOTE_DEVICE)))
		return s2_faulted(w, SMMU_EVT_F_PERMISSION, cls, ipa);
	*pa = w->leaf.pa | (ipa & emu_offset_mask(w->leaf.shift));
	return true;
}

void
emu_s2_fault(struct emu_smmu *e, const struct emu_req *r, const struct emu_s2 *s2,
	     const struct emu_walk *w)
{
	/* As with CD.R: an aborted walk is always recorded (§5.5). */
	if (s2->record || w->fault == SMMU_EVT_F_WALK_EABT)
		emu_event_s2(e, r, w);
}

/* ---- both stages ----------------------------------------------------------------------------- */

/*
 * Combine a leaf of stage 1 with the leaf of stage 2 behind @p va: as large as the smaller of the
 * two, in a size of stage 1's granule. @return false: the granule has no size as small as that.
 */
static bool
combine(struct emu_leaf *l, const struct emu_leaf *s2, uint64_t va)
{
	uint64_t first;

	l->note = l->perm;
	l->perm &= s2->perm;
	l->of = l->level;
	while (l->level < 3 && GRAN_SHIFT(l->gran, l->level) > s2->shift)
		l->level++;
	first = l->pa | (va & emu_offset_mask(l->shift));
	l->shift = (uint8_t)RTE_MIN(GRAN_SHIFT(l->gran, l->level), (unsigned int)s2->shift);
	l->via = first & ~emu_offset_mask(l->shift);
	l->pa = s2->pa | (l->via & emu_offset_mask(s2->shift));
	return l->shift == GRAN_SHIFT(l->gran, l->level);
}

bool
emu_nested_walk(struct emu_smmu *e, const struct emu_ste *ste, const struct emu_cd *cd, uint64_t va,
		uint8_t need, bool fresh, bool count, struct emu_walk *w)
{
	struct emu_leaf s1;
	uint64_t ipa;
	bool fits;

	emu_walk(e, cd, &ste->s2, va, fresh, count, w);
	if (w->fault != 0)
		return false;
	s1 = w->leaf;
	/* An access that stage 1 forbids does not get to stage 2 (§7.3.20). */
	if (!(s1.perm & need)) {
		w->fault = SMMU_EVT_F_PERMISSION;
		return false;
	}
	ipa = s1.pa | (va & emu_offset_mask(s1.shift));
	emu_s2_leaf(e, &ste->s2, ipa, SMMU_EVT_CLASS_IN, fresh, count, w);
	if (w->fault != 0)
		return false;
	fits = combine(&s1, &w->leaf, va);
	w->leaf = s1;
	if (!(s1.perm & need))
		s2_faulted(w, SMMU_EVT_F_PERMISSION, SMMU_EVT_CLASS_IN, ipa);
	return fits;
}

void
emu_walk_fresh(struct emu_smmu *e, const struct emu_ste *ste, const struct emu_cd *cd, uint64_t va,
	       uint8_t need, struct emu_walk *w)
{
	if (ste->kind == STE_NESTED)
		emu_nested_walk(e, ste, cd, va, need, true, false, w);
	else if (ste->kind == STE_S2)
		emu_s2_leaf(e, &ste->s2, va, SMMU_EVT_CLASS_IN, true, false, w);
	else
		emu_walk(e, cd, NULL, va, true, false, w);
	if (w->fault == 0 && !(w->leaf.perm & need))
		w->fault = SMMU_EVT_F_PERMISSION;
}
