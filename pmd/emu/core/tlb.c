/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The IOTLB: leaves of table walks, set-associative, tagged, served until an invalidation or
 * another leaf takes their place, however stale.
 *
 * Dropping a tag or everything is O(1): each entry carries the epoch in which it was inserted,
 * and is dead when an invalidation that covers it has a later one.
 */
#include <stdlib.h>
#include <string.h>

#include "tlb.h"

int
emu_tlb_init(struct emu_tlb *t, uint32_t entries, uint32_t walk_entries)
{
	uint32_t sets = entries / TLB_WAYS;

	t->off = entries == 0;
	t->tag_inv = calloc(EMU_WORLDS * EMU_TAGS, sizeof(*t->tag_inv));
	if (t->tag_inv == NULL)
		return -1;
	if (walk_entries != 0) {
		t->wc = calloc(walk_entries, sizeof(*t->wc));
		if (t->wc == NULL)
			return -1;
		t->wc_mask = walk_entries - 1;
	}
	/* Without an IOTLB there is one set in which nothing is ever inserted. */
	if (sets == 0)
		sets = 1;
	t->set = aligned_alloc(64, sets * sizeof(*t->set));
	if (t->set == NULL)
		return -1;
	for (uint32_t i = 0; i < sets; i++)
		t->set[i] = (struct tlb_set){ .key = { 0 } };
	t->mask = sets - 1;
	return 0;
}

void
emu_tlb_fini(struct emu_tlb *t)
{
	free(t->tag_inv);
	free(t->wc);
	free(t->set);
}

void
emu_tlb_insert(struct emu_tlb *t, const struct emu_tag *tag, uint64_t va, const struct emu_leaf *l)
{
	unsigned int sh = l->shift - 12u;
	uint64_t vpn = (va >> 12) & TLB_VPN & ~((UINT64_C(1) << sh) - 1);
	uint16_t id = l->global ? 0 : tag->id;
	uint64_t key = vpn | TLB_KEY_LEVEL(l->level) | TLB_KEY_GRAN(l->gran) | TLB_KEY_TAG(id) |
		       tag->world | TLB_KEY_VALID;
	struct tlb_set *s;
	unsigned int way = TLB_WAYS;

	if (t->off)
		return;
	if (va & EMU_BIT(55))
		key |= TLB_KEY_HI;
	if (l->global)
		key |= TLB_KEY_GLOBAL | (tag->set ? TLB_KEY_SET : 0);
	s = &t->set[emu_cache_index(vpn, id, l->level, sh, t->mask)];
	for (unsigned int i = 0; i < TLB_WAYS; i++)
		if (s->key[i] == key || !(s->key[i] & TLB_KEY_VALID) ||
		    !emu_cache_alive(t, s->key[i], s->epoch[i])) {
			way = i;
			if (s->key[i] == key)
				break;
		}
	if (way == TLB_WAYS)
		way = t->rr++ % TLB_WAYS;
	s->key[way] = key;
	s->val[way] = l->pa | l->perm;
	s->epoch[way] = t->epoch;
	t->levels[l->gran] |= (uint8_t)(1u << l->level);
	t->world[tag->world != 0] = true;
	if (l->global)
		t->global = true;
}

void
emu_tlb_inv_all(struct emu_tlb *t, unsigned int world)
{
	t->all_inv[world] = ++t->epoch;
	t->world[world] = false;
	if (t->world[!world]) /* what is noted of the other one's stays */
		return;
	memset(t->levels, 0, sizeof(t->levels));
	t->wc_grans = 0;
	t->global = false;
}

void
emu_tlb_inv_tag(struct emu_tlb *t, uint16_t tag, unsigned int world)
{
	/* Global leaves stay: for them emu_cache_alive() ignores this. */
	t->tag_inv[tag + world * EMU_TAGS] = ++t->epoch;
}

/* ---- invalidation by address ----------------------------------------------------------------- */

/* Units of 4 KiB, all in one half. */
struct range {
	uint64_t first, last;
	uint64_t hi; /* TLB_KEY_HI, TLB_KEY_WORLD: all of these bits */
};

static inline struct range
range_of(uint64_t va, uint64_t n, unsigned int what)
{
	uint64_t first = (va >> 12) & TLB_VPN;

	return (struct range){ .first = first, .last = RTE_MIN(first + (n - 1), TLB_VPN),
			       .hi = (va & EMU_BIT(55) ? TLB_KEY_HI : 0) |
				     (what & EMU_IN_WORLD_1 ? TLB_KEY_WORLD : 0) };
}

/* Is a leaf or table of @p key in the range, and of @p tag and @p what? */
static bool
matches(uint64_t key, const struct range r, uint32_t tag, unsigned int what)
{
	unsigned int gran = (key >> 57) & 3;
	uint64_t first = key & TLB_VPN;
	uint64_t n = UINT64_C(1) << emu_level_shift(gran, (key >> 52) & 3);

	return (key & TLB_KEY_VALID) && (what & (1u << gran)) &&
	       (tag == EMU_ANY_TAG || (key & TLB_KEY_GLOBAL) || (uint16_t)(key >> 36) == tag) &&
	       (key & (TLB_KEY_HI | TLB_KEY_WORLD)) == r.hi && first <= r.last &&
	       r.first < first + n;
}

static __attribute__((noinline)) void
tlb_scan(struct emu_tlb *t, struct range r, uint32_t tag, unsigned int what)
{
	unsigned int ttl = EMU_TTL_OF(what);

	for (uint32_t i = 0; i <= t->mask; i++)
		for (unsigned int w = 0; w < TLB_WAYS; w++) {
			uint64_t key = t->set[i].key[w];

			if (matches(key, r, tag, what) && (ttl == 0 || ((key >> 52) & 3) == ttl))
				t->set[i].key[w] = 0;
		}
}

/* Drop what has exactly @p key but for the set bit. */
static inline void
tlb_drop(struct tlb_set *s, uint64_t key)
{
	for (unsigned int w = 0; w < TLB_WAYS; w++)
		if ((s->key[w] & ~TLB_KEY_SET) == key)
			s->key[w] = 0;
}

static inline void
tlb_drop_range(struct emu_tlb *t, struct range r, uint16_t tag, unsigned int what,
	       unsigned int gran)
{
	/* Locals: for all a compiler knows, stores to the cache could change *t. */
	struct tlb_set *const set = t->set;
	const uint32_t mask = t->mask;
	const bool global = t->global;
	unsigned int ttl = EMU_TTL_OF(what);
	unsigned int levels = t->levels[gran] & (ttl == 0 ? ~0u : 1u << ttl);

	for (; levels != 0; levels &= levels - 1) {
		unsigned int level = (unsigned int)__builtin_ctz(levels);
		unsigned int sh = emu_level_shift(gran, level);

		for (uint64_t n = r.first >> sh; n <= r.last >> sh; n++) {
			uint64_t key = n << sh | TLB_KEY_LEVEL(level) | TLB_KEY_GRAN(gran) |
				       TLB_KEY_VALID | r.hi;

			tlb_drop(&set[emu_cache_index(n << sh, tag, level, sh, mask)],
				 key | TLB_KEY_TAG(tag));
			if (global)
				tlb_drop(&set[emu_cache_index(n << sh, 0, level, sh, mask)],
					 key | TLB_KEY_GLOBAL);
		}
	}
}

void
emu_tlb_inv_va(struct emu_tlb *t, uint64_t va, uint64_t n, uint32_t tag, unsigned int what)
{
	struct range r = range_of(va, n, what);

	/* Any tag: entries may be in any set. So may they when there are more pages than sets. */
	if (tag == EMU_ANY_TAG || n > (uint64_t)(t->mask + 1) * TLB_WAYS) {
		tlb_scan(t, r, tag, what);
		return;
	}
	if (what & (1u << GRAN_4K))
		tlb_drop_range(t, r, (uint16_t)tag, what, GRAN_4K);
	if (likely((t->levels[GRAN_16K] | t->levels[GRAN_64K]) == 0))
		return;
	for (unsigned int gran = GRAN_16K; gran < GRANS; gran++)
		if (what & (1u << gran))
			tlb_drop_range(t, r, (uint16_t)tag, what, gran);
}

static void
wc_drop_range(struct emu_tlb *t, struct range r, uint16_t tag, unsigned int gran)
{
	for (unsigned int level = 0; level <= 2; level++) {
		unsigned int sh = emu_level_shift(gran, level);

		for (uint64_t n = r.first >> sh; n <= r.last >> sh; n++) {
			uint32_t i = emu_cache_index(n << sh, tag, level, sh, t->wc_mask);

			if (t->wc[i].key == (n << sh | TLB_KEY_LEVEL(level) | TLB_KEY_GRAN(gran) |
					     TLB_KEY_TAG(tag) | TLB_KEY_VALID | r.hi))
				t->wc[i].key = 0;
		}
	}
}

void
emu_wc_inv(struct emu_tlb *t, uint64_t va, uint64_t n, uint32_t tag, unsigned int what)
{
	struct range r = range_of(va, n, what);

	if (t->wc == NULL)
		return;
	if (tag == EMU_ANY_TAG || (n >> 9) > t->wc_mask) {
		for (uint32_t i = 0; i <= t->wc_mask; i++)
			if (matches(t->wc[i].key, r, tag, what))
				t->wc[i].key = 0;
		return;
	}
	if (what & (1u << GRAN_4K))
		wc_drop_range(t, r, (uint16_t)tag, GRAN_4K);
	for (unsigned int gran = GRAN_16K; gran < GRANS; gran++)
		if (unlikely(t->wc_grans & (1u << gran)) && (what & (1u << gran)))
			wc_drop_range(t, r, (uint16_t)tag, gran);
}
