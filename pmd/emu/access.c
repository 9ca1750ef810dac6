/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The path of a device's access (IHI 0070 §3.4, §7.3.1): configuration, translation, permission,
 * memory; and the ownership map that tells a stale access.
 */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>

#include "emu_priv.h"

#define PAGE 4096u

/* ---- translation ----------------------------------------------------------------------------- */

static inline uint64_t
offset_mask(unsigned int bits)
{
	return (UINT64_C(1) << bits) - 1;
}

static inline uint64_t *
tlb_find(struct emu_smmu *e, uint64_t vpn, uint16_t tag, unsigned int gran, unsigned int level,
	 uint64_t key)
{
	struct tlb_set *s = &e->tlb[emu_cache_index(vpn, tag, level, emu_level_shift(gran, level),
						       e->tlb_mask)];

	for (unsigned int w = 0; w < TLB_WAYS; w++)
		if (s->key[w] == key && emu_cache_alive(e, key, s->epoch[w]))
			return &s->val[w];
	return NULL;
}

static inline __attribute__((always_inline)) bool
tlb_lookup_gran(struct emu_smmu *e, const struct emu_cd *cd, uint64_t va, unsigned int gran,
		uint64_t *pa, uint8_t *perm)
{
	uint64_t hi = va & SMMU_BIT(55) ? TLB_KEY_HI : 0;

	for (unsigned int level = 3; level >= 1; level--) {
		uint64_t off = offset_mask(GRAN_SHIFT(gran, level));
		uint64_t vpn = ((va & ~off) >> 12) & TLB_VPN;
		uint64_t key = vpn | TLB_KEY_LEVEL(level) | TLB_KEY_GRAN(gran) | TLB_KEY_VALID | hi;
		uint64_t *v;

		if (!(e->tlb_levels[gran] & (1u << level)))
			continue;
		v = tlb_find(e, vpn, cd->asid, gran, level, key | TLB_KEY_ASID(cd->asid));
		if (v == NULL && e->tlb_global)
			v = tlb_find(e, vpn, 0, gran, level,
				     key | TLB_KEY_GLOBAL | (cd->aset ? TLB_KEY_ASET : 0));
		if (v != NULL) {
			*pa = (*v & ~UINT64_C(0xfff)) | (va & off);
			*perm = *v & 0x3f;
			return true;
		}
	}
	return false;
}

/* Three copies, each with its granule's numbers in it: 4 KiB pages pay one branch for the rest. */
static inline bool
tlb_lookup(struct emu_smmu *e, const struct emu_cd *cd, uint64_t va, uint64_t *pa, uint8_t *perm)
{
	unsigned int gran = cd->gran[(va >> 55) & 1];

	if (likely(gran == GRAN_4K))
		return tlb_lookup_gran(e, cd, va, GRAN_4K, pa, perm);
	return gran == GRAN_16K ? tlb_lookup_gran(e, cd, va, GRAN_16K, pa, perm) :
				  tlb_lookup_gran(e, cd, va, GRAN_64K, pa, perm);
}

static inline const struct emu_ste *
ste_get(struct emu_smmu *e, const struct emu_req *r)
{
	const struct emu_ste *s = &e->ste[r->sid & e->cfg_mask];

	return likely(s->cached && s->sid == r->sid) ? s : emu_config_ste_miss(e, r);
}

static inline const struct emu_cd *
cd_get(struct emu_smmu *e, const struct emu_req *r, const struct emu_ste *ste)
{
	const struct emu_cd *c = &e->cd[r->sid & e->cfg_mask];

	return likely(c->cached && c->sid == r->sid) ? c : emu_config_cd_miss(e, r, ste);
}

/* Is @p va in the range of the half that VA[55] picks, and may that half be walked (§3.4.1)? */
static inline bool
in_range(const struct emu_cd *cd, uint64_t va)
{
	unsigned int half = (va >> 55) & 1;
	uint64_t v = va;

	if (cd->tbi[half])
		v = (uint64_t)((int64_t)(va << 8) >> 8);
	return !cd->epd[half] && (half ? ~v : v) >> (64 - cd->tsz[half]) == 0;
}

static uint8_t
perm_needed(const struct emu_req *r)
{
	if (r->write)
		return r->pnu ? EMU_PERM_PW : EMU_PERM_UW;
	if (r->ind)
		return r->pnu ? EMU_PERM_PX : EMU_PERM_UX;
	return r->pnu ? EMU_PERM_PR : EMU_PERM_UR;
}

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
static void
check_stale_hit(struct emu_smmu *e, const struct emu_cd *cd, uint64_t va, uint64_t pa, uint8_t need)
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
	struct emu_walk w;

	if (unlikely(!in_range(cd, r->iova)))
		return fault(e, r, cd, SMMU_EVT_F_TRANSLATION, SMMU_EVT_CLASS_IN, 0);
	if (likely(tlb_lookup(e, cd, r->iova, pa, &perm))) {
		if (unlikely(r->probe))
			check_stale_hit(e, cd, r->iova, *pa, need);
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

/* The page was handed back to its owner, and a device still reaches it. */
static inline void
check_owner(struct emu_smmu *e, uint64_t pa)
{
	uint64_t off = pa - e->watch_pa;

	if (off < e->watch_len &&
	    atomic_load_explicit((_Atomic uint8_t *)(uintptr_t)&e->watch_owned[off / PAGE],
				 memory_order_relaxed) == 0)
		emu_count(&e->st.stale_accesses, 1);
}

enum emu_access
emu_dma(struct emu_smmu *e, uint32_t sid, uint64_t iova, void *dev_mem, uint32_t len,
	bool write_host, uint32_t *done)
{
	uint8_t *dev = dev_mem;
	enum emu_access res = EMU_OK;
	uint32_t left = len;

	while (left != 0) {
		struct emu_req r = { .iova = iova, .sid = sid, .write = write_host };
		uint32_t n = PAGE - (uint32_t)(iova & (PAGE - 1));
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
__attribute__((no_sanitize("thread"))) static uint64_t
peek(void *host)
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
	peek(host);
	emu_count(&e->st.probe_hits, 1);
	return EMU_OK;
}

int
emu_watch(struct emu_smmu *e, uint64_t pa, uint64_t len, const uint8_t *owned)
{
	if ((pa | len) & (PAGE - 1) || (owned == NULL && len != 0)) {
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
