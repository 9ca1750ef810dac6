/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What every transaction needs on its way, ordinary or of ATS: the caches' lookups, the range
 * check, the permission asked for, the ownership map. Inline: this is on the path of each access.
 */
#ifndef EMU_LOOKUP_H
#define EMU_LOOKUP_H

#include "emu_priv.h"

#define EMU_PAGE 4096u

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
		uint64_t *pa, uint8_t *perm, unsigned int *shift)
{
	uint64_t hi = (va & SMMU_BIT(55) ? TLB_KEY_HI : 0) | cd->world;

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
			*shift = GRAN_SHIFT(gran, level);
			return true;
		}
	}
	return false;
}

/* Three copies, each with its granule's numbers in it: 4 KiB pages pay one branch for the rest.
 * @param shift offset bits of the leaf; who does not need it gives a local that nobody reads. */
static inline __attribute__((always_inline)) bool
tlb_lookup(struct emu_smmu *e, const struct emu_cd *cd, uint64_t va, uint64_t *pa, uint8_t *perm,
	   unsigned int *shift)
{
	unsigned int gran = cd->gran[(va >> 55) & 1];

	if (likely(gran == GRAN_4K))
		return tlb_lookup_gran(e, cd, va, GRAN_4K, pa, perm, shift);
	return gran == GRAN_16K ? tlb_lookup_gran(e, cd, va, GRAN_16K, pa, perm, shift) :
				  tlb_lookup_gran(e, cd, va, GRAN_64K, pa, perm, shift);
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

static inline uint8_t
perm_needed(const struct emu_req *r)
{
	if (r->write)
		return r->pnu ? EMU_PERM_PW : EMU_PERM_UW;
	if (r->ind)
		return r->pnu ? EMU_PERM_PX : EMU_PERM_UX;
	return r->pnu ? EMU_PERM_PR : EMU_PERM_UR;
}

/* The page was handed back to its owner, or stands in for nobody's, and a device still reaches it. */
static inline void
check_owner(struct emu_smmu *e, uint64_t pa)
{
	uint64_t off = pa - e->watch_pa;
	uint8_t whose;

	if (off >= e->watch_len)
		return;
	whose = atomic_load_explicit(
		(_Atomic uint8_t *)(uintptr_t)&e->watch_owned[off / EMU_PAGE],
		memory_order_relaxed);
	if (unlikely(whose != SLUICE_WATCH_DEVICE))
		emu_count(whose == SLUICE_WATCH_SHADOW ? &e->st.shadow_accesses :
							 &e->st.stale_accesses, 1);
}

#endif
