/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What a device's access meets on its way (IHI 0070 §3.4, §7.3.1): configuration, translation,
 * permission.
 */
#include "lookup.h"

static __attribute__((noinline)) enum emu_access
fault(struct emu_smmu *e, const struct emu_req *r, const struct emu_cd *cd, uint8_t id,
      uint32_t cls, uint64_t fetch)
{
	/* CD.R chooses for translation faults only; an aborted walk is always recorded (§5.5). */
	if (cd == NULL || cd->record || id == SMMU_EVT_F_WALK_EABT)
		emu_event(e, r, id, cls, fetch);
	return EMU_FAULT;
}

/* A probe that hit: do the tables, read afresh, still say the same? */
void
emu_check_stale_hit(struct emu_smmu *e, const struct emu_cd *cd, uint64_t va, uint64_t pa,
		    uint8_t need)
{
	struct emu_walk w;

	emu_walk(e, cd, va, true, false, &w);
	if (w.fault != 0 || !(w.leaf.perm & need) ||
	    (w.leaf.pa | (va & emu_offset_mask(w.leaf.shift))) != pa)
		emu_count(&e->core.st.stale_hits, 1);
}

static inline enum emu_access
translate_s1(struct emu_smmu *e, struct emu_req *r, const struct emu_cd *cd)
{
	uint8_t perm, need = emu_perm_needed(r);
	unsigned int shift; /* of no interest here */
	uint64_t pa;
	struct emu_walk w;

	if (unlikely(!in_range(cd, r->iova)))
		return fault(e, r, cd, SMMU_EVT_F_TRANSLATION, SMMU_EVT_CLASS_IN, 0);
	if (likely(tlb_lookup(e, cd, r->iova, &pa, &perm, &shift))) {
		if (unlikely(r->probe))
			emu_check_stale_hit(e, cd, r->iova, pa, need);
		else
			emu_count(&e->core.st.iotlb_hits, 1);
	} else {
		if (!r->probe)
			emu_count(&e->core.st.iotlb_misses, 1);
		emu_walk(e, cd, r->iova, false, !r->probe, &w);
		if (w.fault != 0)
			return fault(e, r, cd, w.fault,
				     w.fault == SMMU_EVT_F_WALK_EABT ? SMMU_EVT_CLASS_TTD :
								       SMMU_EVT_CLASS_IN,
				     w.fetch);
		emu_tlb_insert(&e->tlb, &cd->tag, r->iova, &w.leaf);
		pa = w.leaf.pa | (r->iova & emu_offset_mask(w.leaf.shift));
		perm = w.leaf.perm;
	}
	if (unlikely(!(perm & need)))
		return fault(e, r, cd, SMMU_EVT_F_PERMISSION, SMMU_EVT_CLASS_IN, 0);
	r->pa = pa;
	return EMU_OK;
}

enum emu_access
emu_translate(struct emu *core, struct emu_req *r)
{
	struct emu_smmu *e = smmu_of(core);
	const struct emu_ste *ste;
	const struct emu_cd *cd;
	enum emu_access res;

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
	if (unlikely(ste->kind == STE_ABORT))
		return EMU_FAULT;
	if (unlikely(ste->kind == STE_BYPASS)) {
		r->pa = r->iova;
		return r->iova >> e->conf.oas ?
			       fault(e, r, NULL, SMMU_EVT_F_ADDR_SIZE, SMMU_EVT_CLASS_IN, 0) :
			       EMU_OK;
	}
	cd = cd_get(e, r, ste);
	if (unlikely(cd == NULL))
		return EMU_FAULT;
	if (unlikely(cd->fault != 0))
		return fault(e, r, NULL, cd->fault, 0, 0);
	res = translate_s1(e, r, cd);
	r->zero = res == EMU_FAULT && !cd->abort; /* CD.A=0: reads as zero, writes ignored */
	return res;
}
