/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The IOTLB (IHI 0070 §3.17, §4.4): leaves of stage-1 walks, set-associative, tagged with the
 * ASID, served until an invalidation or another leaf takes their place, however stale.
 *
 * Dropping an ASID or everything is O(1): each entry carries the epoch in which it was inserted,
 * and is dead when an invalidation that covers it has a later one.
 */
#include <stdlib.h>
#include <string.h>

#include "emu_priv.h"

int
emu_tlb_init(struct emu_smmu *e)
{
	uint32_t sets = e->conf.iotlb / TLB_WAYS;

	e->asid_inv = calloc(EMU_WORLDS * EMU_ASIDS, sizeof(*e->asid_inv));
	if (e->asid_inv == NULL)
		return -1;
	if (e->conf.walk_cache != 0) {
		e->wc = calloc(e->conf.walk_cache, sizeof(*e->wc));
		if (e->wc == NULL)
			return -1;
		e->wc_mask = e->conf.walk_cache - 1;
	}
	/* Without an IOTLB there is one set in which nothing is ever inserted. */
	if (sets == 0)
		sets = 1;
	e->tlb = aligned_alloc(64, sets * sizeof(*e->tlb));
	if (e->tlb == NULL)
		return -1;
	for (uint32_t i = 0; i < sets; i++)
		e->tlb[i] = (struct tlb_set){ .key = { 0 } };
	e->tlb_mask = sets - 1;
	return 0;
}

void
emu_tlb_fini(struct emu_smmu *e)
{
	free(e->asid_inv);
	free(e->wc);
	free(e->tlb);
}

void
emu_tlb_insert(struct emu_smmu *e, const struct emu_cd *cd, uint64_t va, const struct emu_walk *w)
{
	unsigned int sh = w->shift - 12u;
	uint64_t vpn = (va >> 12) & TLB_VPN & ~((UINT64_C(1) << sh) - 1);
	uint16_t tag = w->global ? 0 : cd->asid;
	uint64_t key = vpn | TLB_KEY_LEVEL(w->level) | TLB_KEY_GRAN(w->gran) | TLB_KEY_ASID(tag) |
		       cd->world | TLB_KEY_VALID;
	struct tlb_set *s;
	unsigned int way = TLB_WAYS;

	if (e->conf.iotlb == 0)
		return;
	if (va & SMMU_BIT(55))
		key |= TLB_KEY_HI;
	if (w->global)
		key |= TLB_KEY_GLOBAL | (cd->aset ? TLB_KEY_ASET : 0);
	s = &e->tlb[emu_cache_index(vpn, tag, w->level, sh, e->tlb_mask)];
	for (unsigned int i = 0; i < TLB_WAYS; i++)
		if (s->key[i] == key || !(s->key[i] & TLB_KEY_VALID) ||
		    !emu_cache_alive(e, s->key[i], s->epoch[i])) {
			way = i;
			if (s->key[i] == key)
				break;
		}
	if (way == TLB_WAYS)
		way = e->tlb_rr++ % TLB_WAYS;
	s->key[way] = key;
	s->val[way] = w->pa | w->perm;
	s->epoch[way] = e->epoch;
	e->tlb_levels[w->gran] |= (uint8_t)(1u << w->level);
	e->tlb_world[cd->world != 0] = true;
	if (w->global)
		e->tlb_global = true;
}

void
emu_tlb_inv_all(struct emu_smmu *e, unsigned int world)
{
	e->all_inv[world] = ++e->epoch;
	e->tlb_world[world] = false;
	if (e->tlb_world[!world]) /* what is noted of the other one's stays */
		return;
	memset(e->tlb_levels, 0, sizeof(e->tlb_levels));
	e->wc_grans = 0;
	e->tlb_global = false;
}

void
emu_tlb_inv_asid(struct emu_smmu *e, uint16_t asid, unsigned int world)
{
	/* Global leaves stay (§4.4.2): for them emu_cache_alive() ignores this. */
	e->asid_inv[asid + world * EMU_ASIDS] = ++e->epoch;
}

/* ---- invalidation by address ----------------------------------------------------------------- */

/* Units of 4 KiB, all in one half. */
struct range {
	uint64_t first, last;
	uint64_t hi; /* TLB_KEY_HI, TLB_KEY_EL2: all of these bits */
};

static inline struct range
range_of(uint64_t va, uint64_t n, unsigned int what)
{
	uint64_t first = (va >> 12) & TLB_VPN;

	return (struct range){ .first = first, .last = RTE_MIN(first + (n - 1), TLB_VPN),
			       .hi = (va & SMMU_BIT(55) ? TLB_KEY_HI : 0) |
				     (what & EMU_IN_EL2 ? TLB_KEY_EL2 : 0) };
}

/* Is a leaf or table of @p key in the range, and of @p asid and @p what? */
static bool
matches(uint64_t key, const struct range r, uint32_t asid, unsigned int what)
{
	unsigned int gran = (key >> 57) & 3;
	uint64_t first = key & TLB_VPN;
	uint64_t n = UINT64_C(1) << emu_level_shift(gran, (key >> 52) & 3);

	return (key & TLB_KEY_VALID) && (what & (1u << gran)) &&
	       (asid == EMU_ANY_ASID || (key & TLB_KEY_GLOBAL) || (uint16_t)(key >> 36) == asid) &&
	       (key & (TLB_KEY_HI | TLB_KEY_EL2)) == r.hi && first <= r.last && r.first < first + n;
}

static __attribute__((noinline)) void
tlb_scan(struct emu_smmu *e, struct range r, uint32_t asid, unsigned int what)
{
	unsigned int ttl = EMU_TTL_OF(what);

	for (uint32_t i = 0; i <= e->tlb_mask; i++)
		for (unsigned int w = 0; w < TLB_WAYS; w++) {
			uint64_t key = e->tlb[i].key[w];

			if (matches(key, r, asid, what) && (ttl == 0 || ((key >> 52) & 3) == ttl))
				e->tlb[i].key[w] = 0;
		}
}

/* Drop what has exactly @p key but for the ASET bit. */
static inline void
tlb_drop(struct tlb_set *s, uint64_t key)
{
	for (unsigned int w = 0; w < TLB_WAYS; w++)
		if ((s->key[w] & ~TLB_KEY_ASET) == key)
			s->key[w] = 0;
}

static inline void
tlb_drop_range(struct emu_smmu *e, struct range r, uint16_t asid, unsigned int what,
	       unsigned int gran)
{
	/* Locals: for all a compiler knows, stores to the cache could change *e. */
	struct tlb_set *const tlb = e->tlb;
	const uint32_t mask = e->tlb_mask;
	const bool global = e->tlb_global;
	unsigned int ttl = EMU_TTL_OF(what);
	unsigned int levels = e->tlb_levels[gran] & (ttl == 0 ? ~0u : 1u << ttl);

	for (; levels != 0; levels &= levels - 1) {
		unsigned int level = (unsigned int)__builtin_ctz(levels);
		unsigned int sh = emu_level_shift(gran, level);

		for (uint64_t n = r.first >> sh; n <= r.last >> sh; n++) {
			uint64_t key = n << sh | TLB_KEY_LEVEL(level) | TLB_KEY_GRAN(gran) |
				       TLB_KEY_VALID | r.hi;

			tlb_drop(&tlb[emu_cache_index(n << sh, asid, level, sh, mask)],
				 key | TLB_KEY_ASID(asid));
			if (global)
				tlb_drop(&tlb[emu_cache_index(n << sh, 0, level, sh, mask)],
					 key | TLB_KEY_GLOBAL);
		}
	}
}

void
emu_tlb_inv_va(struct emu_smmu *e, uint64_t va, uint64_t n, uint32_t asid, unsigned int what)
{
	struct range r = range_of(va, n, what);

	/* Any ASID: entries may be in any set. So may they when there are more pages than sets. */
	if (asid == EMU_ANY_ASID || n > (uint64_t)(e->tlb_mask + 1) * TLB_WAYS) {
		tlb_scan(e, r, asid, what);
		return;
	}
	if (what & (1u << GRAN_4K))
		tlb_drop_range(e, r, (uint16_t)asid, what, GRAN_4K);
	if (likely((e->tlb_levels[GRAN_16K] | e->tlb_levels[GRAN_64K]) == 0))
		return;
	for (unsigned int gran = GRAN_16K; gran < GRANS; gran++)
		if (what & (1u << gran))
			tlb_drop_range(e, r, (uint16_t)asid, what, gran);
}

static void
wc_drop_range(struct emu_smmu *e, struct range r, uint16_t asid, unsigned int gran)
{
	for (unsigned int level = 0; level <= 2; level++) {
		unsigned int sh = emu_level_shift(gran, level);

		for (uint64_t n = r.first >> sh; n <= r.last >> sh; n++) {
			uint32_t i = emu_cache_index(n << sh, asid, level, sh, e->wc_mask);

			if (e->wc[i].key == (n << sh | TLB_KEY_LEVEL(level) | TLB_KEY_GRAN(gran) |
					     TLB_KEY_ASID(asid) | TLB_KEY_VALID | r.hi))
				e->wc[i].key = 0;
		}
	}
}

void
emu_wc_inv(struct emu_smmu *e, uint64_t va, uint64_t n, uint32_t asid, unsigned int what)
{
	struct range r = range_of(va, n, what);

	if (e->wc == NULL)
		return;
	if (asid == EMU_ANY_ASID || (n >> 9) > e->wc_mask) {
		for (uint32_t i = 0; i <= e->wc_mask; i++)
			if (matches(e->wc[i].key, r, asid, what))
				e->wc[i].key = 0;
		return;
	}
	if (what & (1u << GRAN_4K))
		wc_drop_range(e, r, (uint16_t)asid, GRAN_4K);
	for (unsigned int gran = GRAN_16K; gran < GRANS; gran++)
		if (unlikely(e->wc_grans & (1u << gran)) && (what & (1u << gran)))
			wc_drop_range(e, r, (uint16_t)asid, gran);
}
