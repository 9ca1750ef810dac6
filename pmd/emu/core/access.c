/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The path of a device's access (IHI 0070 §3.4, §7.3.1): configuration, translation, permission,
 * memory; and the ownership map that tells a stale access.
 */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>

#include "lookup.h"

/* ---- translation ----------------------------------------------------------------------------- */

static enum emu_access
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
	if (w.fault != 0 || !(w.perm & need) || (w.pa | (va & offset_mask(w.shift))) != pa)
		emu_count(&e->st.stale_hits, 1);
}

static inline enum emu_access
translate_s1(struct emu_smmu *e, struct emu_req *r, const struct emu_cd *cd, uint64_t *pa)
{
	uint8_t perm, need = perm_needed(r);
	unsigned int shift; /* of no interest here */
	struct emu_walk w;

	if (unlikely(!in_range(cd, r->iova)))
		return fault(e, r, cd, SMMU_EVT_F_TRANSLATION, SMMU_EVT_CLASS_IN, 0);
	if (likely(tlb_lookup(e, cd, r->iova, pa, &perm, &shift))) {
		if (unlikely(r->probe))
			emu_check_stale_hit(e, cd, r->iova, *pa, need);
		else
			emu_count(&e->st.iotlb_hits, 1);
	} else {
		if (!r->probe)
			emu_count(&e->st.iotlb_misses, 1);
		emu_walk(e, cd, r->iova, false, !r->probe, &w);
		if (w.fault != 0)
			return fault(e, r, cd, w.fault,
				     w.fault == SMMU_EVT_F_WALK_EABT ? SMMU_EVT_CLASS_TTD :
								       SMMU_EVT_CLASS_IN,
				     w.fetch);
		emu_tlb_insert(e, cd, r->iova, &w);
		*pa = w.pa | (r->iova & offset_mask(w.shift));
		perm = w.perm;
	}
	if (unlikely(!(perm & need)))
		return fault(e, r, cd, SMMU_EVT_F_PERMISSION, SMMU_EVT_CLASS_IN, 0);
	return EMU_OK;
}

static inline enum emu_access
translate(struct emu_smmu *e, struct emu_req *r, uint64_t *pa, bool *zero)
{
	const struct emu_ste *ste;
	const struct emu_cd *cd;
	enum emu_access res;

	*zero = false;
	if (unlikely(!e->smmuen)) { /* §6.3.14: no event either way */
		*pa = r->iova;
		return (e->gbpa & SMMU_GBPA_ABORT) || r->iova >> e->conf.oas ? EMU_FAULT : EMU_OK;
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
		*pa = r->iova;
		return r->iova >> e->conf.oas ?
			       fault(e, r, NULL, SMMU_EVT_F_ADDR_SIZE, SMMU_EVT_CLASS_IN, 0) :
			       EMU_OK;
	}
	cd = cd_get(e, r, ste);
	if (unlikely(cd == NULL))
		return EMU_FAULT;
	if (unlikely(cd->fault != 0))
		return fault(e, r, NULL, cd->fault, 0, 0);
	res = translate_s1(e, r, cd, pa);
	*zero = res == EMU_FAULT && !cd->abort; /* CD.A=0: reads as zero, writes ignored */
	return res;
}

/* ---- memory ---------------------------------------------------------------------------------- */

enum emu_access
emu_dma(struct emu_smmu *e, uint32_t sid, uint64_t iova, void *dev_mem, uint32_t len,
	bool write_host, uint32_t *done)
{
	uint8_t *dev = dev_mem;
	enum emu_access res = EMU_OK;
	uint32_t left = len;

	while (left != 0) {
		struct emu_req r = { .iova = iova, .sid = sid, .write = write_host };
		uint32_t n = EMU_PAGE - (uint32_t)(iova & (EMU_PAGE - 1));
		uint8_t *host;
		uint64_t pa;
		bool zero;

		if (n > left)
			n = left;
		emu_count(&e->st.accesses, 1);
		res = translate(e, &r, &pa, &zero);
		if (unlikely(res != EMU_OK)) {
			if (zero && !write_host)
				memset(dev, 0, n);
			emu_count(&e->st.faults, 1);
			break;
		}
		host = emu_pa(e, pa, n);
		if (unlikely(host == NULL)) {
			emu_count(&e->st.mem_aborts, 1);
			res = EMU_ABORT;
			break;
		}
		check_owner(e, pa);
		if (write_host)
			memcpy(host, dev, n);
		else
			memcpy(dev, host, n);
		emu_count(&e->st.bytes, n);
		iova += n;
		dev += n;
		left -= n;
	}
	if (done != NULL)
		*done = len - left;
	return res;
}

/* A probe reads memory that the CPU may be writing as it pleases: the race is the point of it. */
__attribute__((no_sanitize("thread"))) uint64_t
emu_peek(void *host)
{
	return emu_ld64(host);
}

enum emu_access
emu_probe(struct emu_smmu *e, uint32_t sid, uint64_t iova)
{
	struct emu_req r = { .iova = iova & ~UINT64_C(7), .sid = sid, .probe = true };
	enum emu_access res;
	uint64_t pa;
	void *host;
	bool zero;

	emu_count(&e->st.probes, 1);
	res = translate(e, &r, &pa, &zero);
	if (res != EMU_OK) {
		emu_count(&e->st.probe_faults, 1);
		return res;
	}
	host = emu_pa(e, pa, 8);
	if (host == NULL) {
		emu_count(&e->st.mem_aborts, 1);
		return EMU_ABORT;
	}
	check_owner(e, pa);
	emu_peek(host);
	emu_count(&e->st.probe_hits, 1);
	return EMU_OK;
}

int
emu_watch(struct emu_smmu *e, uint64_t pa, uint64_t len, const uint8_t *owned)
{
	if ((pa | len) & (EMU_PAGE - 1) || (owned == NULL && len != 0)) {
		rte_errno = EINVAL;
		return -EINVAL;
	}
	emu_lock(e);
	e->watch_pa = pa;
	e->watch_len = len;
	e->watch_owned = owned;
	emu_unlock(e);
	return 0;
}
