/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The SMMU's side of PCIe ATS (IHI 0070 §3.9.1): Translation Requests, and Translated
 * transactions, which carry a physical address and look at no page table.
 */
#include "lookup.h"

/* Is ATS on: translation with EATS full, which §5.2 calls an effective EATS other than off?
 * There is no split-stage ATS (ste_legal() makes it ILLEGAL). */
static bool
ats_on(const struct emu_ste *ste)
{
	return ste->kind >= STE_S2 && ste->eats == SMMU_STE_EATS_FULL;
}

/* Find the leaf of an address, cached or by a walk: pa, perm and shift of @p w. Missing
 * permissions are not a fault here. @return whether it was cached. */
static bool
leaf(struct emu_smmu *e, const struct emu_req *r, const struct emu_ste *ste,
     const struct emu_cd *cd, uint8_t need, struct emu_walk *w)
{
	const uint64_t *v;
	unsigned int shift;

	w->fault = 0;
	if (ste->kind == STE_S2)
		return emu_s2_leaf(e, &ste->s2, r->iova, SMMU_EVT_CLASS_IN, false, !r->probe, w);
	v = emu_tlb_find(&e->tlb, &cd->tag, r->iova, cd->gran[(r->iova >> 55) & 1], &shift);
	if (v != NULL) {
		w->leaf = (struct emu_leaf){ .pa = *v & ~UINT64_C(0xfff), .perm = *v & TLB_PERM,
					     .shift = (uint8_t)shift };
		return true;
	}
	if (ste->kind == STE_NESTED) {
		if (emu_nested_walk(e, ste, cd, r->iova, need, false, !r->probe, w))
			tlb_fill(e, &cd->tag, r->iova, &w->leaf, true);
		return false;
	}
	emu_walk(e, cd, NULL, r->iova, false, !r->probe, w);
	if (w->fault == 0)
		tlb_fill(e, &cd->tag, r->iova, &w->leaf, false);
	return false;
}

/* Translate by all stages of the stream, from the IOTLB or by a walk. Nothing is recorded
 * (§3.9.1.2): an address that is not mapped or not allowed gives a Success with fewer
 * permissions. */
static enum emu_treq
translate(struct emu_smmu *e, const struct emu_req *r, const struct emu_ste *ste,
	  const struct emu_cd *cd, struct emu_treq_cpl *c)
{
	struct emu_req write = *r;
	struct emu_walk w;
	uint8_t need_r, need_w;
	bool hit;

	write.write = true;
	write.ind = false;
	need_r = emu_perm_needed(r);
	need_w = emu_perm_needed(&write);
	if (cd != NULL ? !in_range(cd, r->iova) : r->iova >> e->conf.oas != 0)
		return EMU_TREQ_SUCCESS;
	hit = leaf(e, r, ste, cd, need_r | need_w, &w);
	if (!r->probe)
		emu_count(hit ? &e->core.st.iotlb_hits : &e->core.st.iotlb_misses, 1);
	if (w.fault == SMMU_EVT_F_WALK_EABT)
		return EMU_TREQ_CA;
	if (w.fault != 0)
		return EMU_TREQ_SUCCESS;
	c->shift = w.leaf.shift;
	c->pa = (w.leaf.pa | (r->iova & emu_offset_mask(c->shift))) & ~emu_offset_mask(c->shift);
	c->r = w.leaf.perm & need_r;
	c->w = w.leaf.perm & need_w;
	return EMU_TREQ_SUCCESS;
}

enum emu_treq
emu_ats_request(struct emu *core, uint32_t sid, uint64_t iova, bool probe, struct emu_treq_cpl *c)
{
	struct emu_smmu *e = smmu_of(core);
	struct emu_req r = { .iova = iova, .sid = sid, .probe = probe, .quiet = true };
	const struct emu_ste *ste;
	const struct emu_cd *cd = NULL;

	*c = (struct emu_treq_cpl){ .shift = 12 };
	if (!e->smmuen) {
		emu_event(e, &r, SMMU_EVT_F_BAD_ATS_TREQ, 0, 0);
		return EMU_TREQ_UR;
	}
	ste = ste_get(e, &r);
	if (ste == NULL || ste->fault != 0)
		return EMU_TREQ_CA;
	if (ste->kind == STE_ABORT)
		return EMU_TREQ_UR;
	if (!ats_on(ste)) {
		emu_event(e, &r, SMMU_EVT_F_BAD_ATS_TREQ, 0, 0);
		return EMU_TREQ_UR;
	}
	if (ste->kind != STE_S2) {
		cd = cd_get(e, &r, ste);
		if (cd == NULL) /* stage 2 of the CD's address is an ordinary translation */
			return e->cfg.cd_fault >= SMMU_EVT_F_TRANSLATION ? EMU_TREQ_SUCCESS :
									   EMU_TREQ_CA;
		if (cd->fault != 0)
			return EMU_TREQ_CA;
	}
	/* The STE's overrides apply as they do to an ordinary read (§13.5). */
	r.pnu = ste->priv;
	r.ind = ste->inst;
	return translate(e, &r, ste, cd, c);
}

bool
emu_ats_translated(struct emu *core, uint32_t sid, uint64_t pa, bool write)
{
	struct emu_smmu *e = smmu_of(core);
	struct emu_req r = { .iova = pa, .sid = sid, .write = write, .quiet = true };
	const struct emu_ste *ste;

	if (!e->smmuen)
		goto forbidden;
	if (!e->atschk)
		return pa >> e->conf.oas == 0;
	ste = ste_get(e, &r);
	if (ste == NULL || ste->fault != 0 || ste->kind == STE_ABORT)
		return false;
	if (ats_on(ste))
		return pa >> e->conf.oas == 0;
forbidden:
	emu_event(e, &r, SMMU_EVT_F_TRANSL_FORBIDDEN, 0, 0);
	return false;
}

void
emu_ats_check_stale(struct emu *core, uint32_t sid, uint64_t iova, uint64_t pa, bool write)
{
	struct emu_smmu *e = smmu_of(core);
	struct emu_req r = { .iova = iova, .sid = sid, .write = write, .probe = true,
			     .quiet = true };
	const struct emu_ste *ste = ste_get(e, &r);
	const struct emu_cd *cd = NULL;

	if (ste == NULL || ste->fault != 0 || ste->kind < STE_S2)
		goto stale;
	if (ste->kind != STE_S2) {
		cd = cd_get(e, &r, ste);
		if (cd == NULL || cd->fault != 0 || !in_range(cd, iova))
			goto stale;
	}
	r.pnu = ste->priv;
	r.ind = ste->inst && !write;
	emu_check_stale_hit(e, ste, cd, iova, pa, emu_perm_needed(&r));
	return;
stale:
	emu_count(&e->core.st.stale_hits, 1);
}

void
emu_ats_invalidate(struct emu_smmu *e, const uint64_t cmd[2])
{
	unsigned int size = (unsigned int)smmu_field_get(SMMU_ATC_1_SIZE, cmd[1]);
	uint64_t mask;

	/* There are no PASIDs, and the command may do nothing then (§4.5.1). */
	if (!e->smmuen || (cmd[0] & SMMU_CMD_0_SSV) != 0)
		return;
	/* The span is aligned to its size by the SMMU; 52 is everything. */
	mask = size >= SMMU_ATC_SIZE_ALL ? 0 : ~emu_offset_mask(size + 12);
	emu_atc_inv(&e->core, (uint32_t)smmu_field_get(SMMU_CMD_0_SID, cmd[0]),
		    cmd[1] & SMMU_ATC_1_ADDR & mask, mask);
}
