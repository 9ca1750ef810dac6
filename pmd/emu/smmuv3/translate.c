/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The path of a device's access (IHI 0070 §3.4, §7.3.1): configuration, translation, permission.
 */
#include "lookup.h"

static __attribute__((noinline)) enum emu_access
fault(struct emu_smmu *e, struct emu_req *r, const struct emu_cd *cd, uint8_t id, uint32_t cls,
      uint64_t fetch)
{
	/* CD.R and CD.A are for translation faults only: an aborted walk is always recorded, and
	 * the access is aborted with it (§5.5). With A = 0 reads see zero, and writes are
	 * ignored. */
	if (cd == NULL || cd->record || id == SMMU_EVT_F_WALK_EABT)
		emu_event(e, r, id, cls, fetch);
	r->zero = cd != NULL && !cd->abort && id != SMMU_EVT_F_WALK_EABT;
	return EMU_FAULT;
}

/* The fault of a walk, of either stage. */
static __attribute__((noinline)) enum emu_access
walk_fault(struct emu_smmu *e, struct emu_req *r, const struct emu_ste *ste,
	   const struct emu_cd *cd, const struct emu_walk *w)
{
	if (!w->s2)
		return fault(e, r, cd, w->fault,
			     w->fault == SMMU_EVT_F_WALK_EABT ? SMMU_EVT_CLASS_TTD :
								SMMU_EVT_CLASS_IN,
			     w->fetch);
	emu_s2_fault(e, r, &ste->s2, w);
	return EMU_FAULT;
}

void
emu_check_stale_hit(struct emu_smmu *e, const struct emu_ste *ste, const struct emu_cd *cd,
		    uint64_t va, uint64_t pa, uint8_t need)
{
	struct emu_walk w;

	emu_walk_fresh(e, ste, cd, va, need, &w);
	if (w.fault != 0 || (w.leaf.pa | (va & emu_offset_mask(w.leaf.shift))) != pa)
		emu_count(&e->core.st.stale_hits, 1);
}

static inline enum emu_access
translate_s1(struct emu_smmu *e, struct emu_req *r, const struct emu_ste *ste,
	     const struct emu_cd *cd)
{
	uint8_t perm, need = emu_perm_needed(r);
	unsigned int shift; /* not used here */
	uint64_t pa;
	struct emu_walk w;

	if (unlikely(!in_range(cd, r->iova)))
		return fault(e, r, cd, SMMU_EVT_F_TRANSLATION, SMMU_EVT_CLASS_IN, 0);
	if (likely(tlb_lookup(e, cd, r->iova, &pa, &perm, &shift))) {
		if (unlikely(r->probe))
			emu_check_stale_hit(e, ste, cd, r->iova, pa, need);
		else
			emu_count(&e->core.st.iotlb_hits, 1);
	} else {
		if (!r->probe)
			emu_count(&e->core.st.iotlb_misses, 1);
		emu_walk(e, cd, NULL, r->iova, false, !r->probe, &w);
		if (w.fault != 0)
			return walk_fault(e, r, ste, cd, &w);
		tlb_fill(e, &cd->tag, r->iova, &w.leaf, false);
		pa = w.leaf.pa | (r->iova & emu_offset_mask(w.leaf.shift));
		perm = w.leaf.perm;
	}
	if (unlikely(!(perm & need)))
		return fault(e, r, cd, SMMU_EVT_F_PERMISSION, SMMU_EVT_CLASS_IN, 0);
	r->pa = pa;
	return EMU_OK;
}

/* Count a hit or a miss; for a probe that hit, check whether the tables still agree. */
static void
took(struct emu_smmu *e, const struct emu_req *r, const struct emu_ste *ste,
     const struct emu_cd *cd, bool hit, uint64_t pa)
{
	if (!r->probe)
		emu_count(hit ? &e->core.st.iotlb_hits : &e->core.st.iotlb_misses, 1);
	else if (hit)
		emu_check_stale_hit(e, ste, cd, r->iova, pa, emu_perm_needed(r));
}

/* Stage 2 alone: the input is an IPA (§3.4). */
static enum emu_access
translate_s2(struct emu_smmu *e, struct emu_req *r, const struct emu_ste *ste)
{
	struct emu_walk w;
	uint64_t pa;
	bool hit;

	/* An address beyond IAS is a fault of stage 1, even without one, and no flag affects it. */
	if (r->iova >> e->conf.oas)
		return fault(e, r, NULL, SMMU_EVT_F_ADDR_SIZE, SMMU_EVT_CLASS_IN, 0);
	hit = emu_s2_leaf(e, &ste->s2, r->iova, SMMU_EVT_CLASS_IN, false, !r->probe, &w);
	pa = w.fault == 0 ? w.leaf.pa | (r->iova & emu_offset_mask(w.leaf.shift)) : 0;
	if (r->iova >> (64 - ste->s2.tsz) == 0) /* else nothing was looked up */
		took(e, r, ste, NULL, hit, pa);
	if (w.fault == 0 && !(w.leaf.perm & emu_perm_needed(r))) {
		w.fault = SMMU_EVT_F_PERMISSION;
		w.s2 = true;
		w.cls = SMMU_EVT_CLASS_IN;
		w.ipa = r->iova;
	}
	if (w.fault != 0)
		return walk_fault(e, r, ste, NULL, &w);
	r->pa = pa;
	return EMU_OK;
}

static __attribute__((noinline)) enum emu_access
without_s1(struct emu_smmu *e, struct emu_req *r, const struct emu_ste *ste)
{
	if (ste->kind == STE_S2)
		return translate_s2(e, r, ste);
	if (ste->kind == STE_ABORT)
		return EMU_FAULT;
	r->pa = r->iova;
	return r->iova >> e->conf.oas ?
		       fault(e, r, NULL, SMMU_EVT_F_ADDR_SIZE, SMMU_EVT_CLASS_IN, 0) :
		       EMU_OK;
}

/* Both stages: a hit is an entry of both. */
static __attribute__((noinline)) enum emu_access
translate_nested(struct emu_smmu *e, struct emu_req *r, const struct emu_ste *ste,
		 const struct emu_cd *cd)
{
	struct emu_walk w = { .fault = 0 };
	uint8_t need = emu_perm_needed(r);
	unsigned int shift;
	const uint64_t *v;
	uint64_t off;

	if (unlikely(!in_range(cd, r->iova)))
		return fault(e, r, cd, SMMU_EVT_F_TRANSLATION, SMMU_EVT_CLASS_IN, 0);
	v = emu_tlb_find(&e->tlb, &cd->tag, r->iova, cd->gran[(r->iova >> 55) & 1], &shift);
	if (likely(v != NULL)) {
		off = r->iova & emu_offset_mask(shift);
		r->pa = (*v & ~UINT64_C(0xfff)) | off;
		took(e, r, ste, cd, true, r->pa);
		if (likely(*v & TLB_PERM & need))
			return EMU_OK;
		/* The note holds the permissions of stage 1. */
		w.fault = SMMU_EVT_F_PERMISSION;
		w.s2 = (*v >> TLB_NOTE_SHIFT) & need;
		w.cls = SMMU_EVT_CLASS_IN;
		w.ipa = TLB_WHO_VIA_OF(tlb_who(v)) | off;
		return walk_fault(e, r, ste, cd, &w);
	}
	took(e, r, ste, cd, false, 0);
	if (emu_nested_walk(e, ste, cd, r->iova, need, false, !r->probe, &w))
		tlb_fill(e, &cd->tag, r->iova, &w.leaf, true);
	if (w.fault != 0)
		return walk_fault(e, r, ste, cd, &w);
	r->pa = w.leaf.pa | (r->iova & emu_offset_mask(w.leaf.shift));
	return EMU_OK;
}

enum emu_access
emu_translate(struct emu *core, struct emu_req *r)
{
	struct emu_smmu *e = smmu_of(core);
	const struct emu_ste *ste;
	const struct emu_cd *cd;

	if (unlikely(!e->smmuen)) { /* §6.3.14: no event either way */
		r->pa = r->iova;
		return (e->ctl.gbpa & SMMU_GBPA_ABORT) || r->iova >> e->conf.oas ? EMU_FAULT :
										   EMU_OK;
	}
	ste = ste_get(e, r);
	if (unlikely(ste == NULL))
		return EMU_FAULT;
	if (unlikely(ste->fault != 0))
		return fault(e, r, NULL, ste->fault, 0, 0);
	r->pnu = ste->priv;
	r->ind = ste->inst && !r->write;
	if (unlikely(ste->kind < STE_S1)) /* see enum ste_kind */
		return without_s1(e, r, ste);
	cd = cd_get(e, r, ste);
	if (unlikely(cd == NULL))
		return EMU_FAULT;
	if (unlikely(cd->fault != 0))
		return fault(e, r, NULL, cd->fault, 0, 0);
	if (unlikely(ste->kind == STE_NESTED))
		return translate_nested(e, r, ste, cd);
	return translate_s1(e, r, ste, cd);
}
