/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The IOTLB: a set-associative, tagged cache of the leaves of table walks. It serves a leaf,
 * however stale, until an invalidation or another leaf removes it.
 *
 * Dropping a space is O(1), and so is dropping a tag of the first two spaces: each entry has the
 * epoch of its insertion, and is dead if an invalidation that covers it has a later epoch.
 */
#include <stdlib.h>
#include <string.h>

#include "tlb.h"

int
emu_tlb_init(struct emu_tlb *t, uint32_t entries, uint32_t walk_entries, uint32_t spaces)
{
	uint32_t sets = entries / TLB_WAYS;

	t->off = entries == 0;
	t->spaces = spaces;
	t->only = EMU_NO_SPACE;
	t->space_inv = calloc(spaces, sizeof(*t->space_inv));
	t->tag_inv = calloc(EMU_QUICK_SPACES * EMU_TAGS, sizeof(*t->tag_inv));
	if (t->space_inv == NULL || t->tag_inv == NULL)
		return -1;
	if (walk_entries != 0) {
		t->wc = calloc(walk_entries, sizeof(*t->wc));
		if (t->wc == NULL)
			return -1;
		t->wc_mask = walk_entries - 1;
	}
	/* Without an IOTLB there is one set, and nothing is ever inserted. */
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
	free(t->space_inv);
	free(t->tag_inv);
	free(t->wc);
	free(t->set);
}

/* @param more the bits above the space beside the value. @param low the bits of the value below the
 * address. */
static inline __attribute__((always_inline)) void
insert(struct emu_tlb *t, const struct emu_tag *tag, uint64_t va, const struct emu_leaf *l,
       uint64_t more, uint64_t low)
{
	unsigned int sh = l->shift - 12u;
	uint64_t vpn = (va >> 12) & TLB_VPN & ~((UINT64_C(1) << sh) - 1);
	uint16_t id = l->global ? 0 : tag->id;
	uint64_t key = vpn | TLB_KEY_LEVEL(l->level) | TLB_KEY_GRAN(l->gran) | TLB_KEY_TAG(id) |
		       TLB_KEY_VALID;
	struct tlb_set *s;
	unsigned int way = TLB_WAYS;

	if (t->off)
		return;
	if (va & EMU_BIT(55))
		key |= TLB_KEY_HI;
	if (l->global)
		key |= TLB_KEY_GLOBAL | (tag->set ? TLB_KEY_SET : 0);
	s = &t->set[emu_cache_index(vpn, tag->space, id, l->level, sh, t->mask)];
	for (unsigned int i = 0; i < TLB_WAYS; i++) {
		uint32_t space = (uint32_t)(s->who[i] & TLB_WHO_SPACE);

		if (s->key[i] == key && space == tag->space) {
			way = i;
			break;
		}
		if (!(s->key[i] & TLB_KEY_VALID) ||
		    !emu_cache_alive(t, s->key[i], space, s->epoch[i]))
			way = i;
	}
	if (way == TLB_WAYS)
		way = t->rr++ % TLB_WAYS;
	s->key[way] = key;
	s->val[way] = l->pa | low;
	s->epoch[way] = t->epoch;
	s->who[way] = tag->space | more;
	t->levels[l->gran] |= (uint8_t)(1u << l->level);
	emu_cache_of(t, tag->space);
	if (l->global)
		t->global = true;
}

void
emu_tlb_insert(struct emu_tlb *t, const struct emu_tag *tag, uint64_t va, const struct emu_leaf *l)
{
	insert(t, tag, va, l, TLB_WHO_LEVEL(l->level), l->perm);
}

void
emu_tlb_insert_noted(struct emu_tlb *t, const struct emu_tag *tag, uint64_t va,
		     const struct emu_leaf *l)
{
	insert(t, tag, va, l, TLB_WHO_LEVEL(l->of) | TLB_WHO_VIA(l->via),
	       (uint64_t)l->note << TLB_NOTE_SHIFT | l->perm);
	if (l->of != l->level)
		t->pieces = true;
}

/* Nothing is cached any more, so there is nothing to look for. */
static void
forget_all(struct emu_tlb *t)
{
	memset(t->levels, 0, sizeof(t->levels));
	t->wc_grans = 0;
	t->global = t->pieces = false;
	t->only = EMU_NO_SPACE;
}

void
emu_tlb_inv_space(struct emu_tlb *t, uint32_t space)
{
	t->space_inv[space] = ++t->epoch;
	if (t->only == space) /* else the notes about other spaces stay */
		forget_all(t);
}

void
emu_tlb_inv_but(struct emu_tlb *t, uint32_t space)
{
	++t->epoch;
	for (uint32_t i = 0; i <= t->space_max; i++)
		if (i != space)
			t->space_inv[i] = t->epoch;
	if (t->only == EMU_MANY_SPACES)
		t->only = space;
	else if (t->only != space)
		forget_all(t);
}

void
emu_tlb_inv_tag(struct emu_tlb *t, uint32_t space, uint16_t tag)
{
	/* Global leaves stay, since emu_cache_alive() ignores this for them. */
	if (likely(space < EMU_QUICK_SPACES)) {
		t->tag_inv[tag + space * EMU_TAGS] = ++t->epoch;
		return;
	}
	for (uint32_t i = 0; i <= t->mask; i++)
		for (unsigned int w = 0; w < TLB_WAYS; w++) {
			struct tlb_set *s = &t->set[i];

			if (!(s->key[w] & TLB_KEY_GLOBAL) && (uint16_t)(s->key[w] >> 36) == tag &&
			    (s->who[w] & TLB_WHO_SPACE) == space)
				s->key[w] = 0;
		}
	for (uint32_t i = 0; t->wc != NULL && i <= t->wc_mask; i++)
		if (t->wc[i].space == space && (uint16_t)(t->wc[i].key >> 36) == tag)
			t->wc[i].key = 0;
}

/* ---- invalidation by address ----------------------------------------------------------------- */

/* A range of 4 KiB units of a space, all in one half. */
struct range {
	uint64_t first, last;
	uint64_t hi; /* TLB_KEY_HI or 0 */
	uint32_t space;
};

static inline struct range
range_of(uint32_t space, uint64_t va, uint64_t n)
{
	uint64_t first = (va >> 12) & TLB_VPN;

	return (struct range){ .first = first, .last = RTE_MIN(first + (n - 1), TLB_VPN),
			       .hi = va & EMU_BIT(55) ? TLB_KEY_HI : 0, .space = space };
}

/* Is a leaf or table with @p key in the range, and does it match @p tag and @p what? @p level is
 * the level of its descriptor: a piece of a leaf is dropped with the whole leaf. */
static bool
matches(uint64_t key, unsigned int level, const struct range r, uint32_t tag, unsigned int what)
{
	unsigned int gran = (key >> 57) & 3;
	uint64_t n = UINT64_C(1) << emu_level_shift(gran, level);
	uint64_t first = key & TLB_VPN & ~(n - 1);

	return (key & TLB_KEY_VALID) && (what & (1u << gran)) &&
	       (tag == EMU_ANY_TAG || (key & TLB_KEY_GLOBAL) || (uint16_t)(key >> 36) == tag) &&
	       (key & TLB_KEY_HI) == r.hi && first <= r.last && r.first < first + n;
}

static __attribute__((noinline)) void
tlb_scan(struct emu_tlb *t, struct range r, uint32_t tag, unsigned int what)
{
	unsigned int ttl = EMU_TTL_OF(what);

	for (uint32_t i = 0; i <= t->mask; i++)
		for (unsigned int w = 0; w < TLB_WAYS; w++) {
			struct tlb_set *s = &t->set[i];
			unsigned int level = TLB_WHO_LEVEL_OF(s->who[w]);

			if ((s->who[w] & TLB_WHO_SPACE) == r.space &&
			    matches(s->key[w], level, r, tag, what) && (ttl == 0 || level == ttl))
				s->key[w] = 0;
		}
}

/* Drop the entry with exactly @p key, except for the set bit. */
static inline void
tlb_drop(struct tlb_set *s, uint64_t key, uint32_t space)
{
	for (unsigned int w = 0; w < TLB_WAYS; w++)
		if ((s->key[w] & ~TLB_KEY_SET) == key && (s->who[w] & TLB_WHO_SPACE) == space)
			s->key[w] = 0;
}

static inline void
tlb_drop_range(struct emu_tlb *t, struct range r, uint16_t tag, unsigned int what,
	       unsigned int gran)
{
	/* Local copies, because a compiler must assume that stores to the cache change *t. */
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

			tlb_drop(&set[emu_cache_index(n << sh, r.space, tag, level, sh, mask)],
				 key | TLB_KEY_TAG(tag), r.space);
			if (global)
				tlb_drop(&set[emu_cache_index(n << sh, r.space, 0, level, sh,
							      mask)],
					 key | TLB_KEY_GLOBAL, r.space);
		}
	}
}

void
emu_tlb_inv_va(struct emu_tlb *t, uint32_t space, uint64_t va, uint64_t n, uint32_t tag,
	       unsigned int what)
{
	struct range r = range_of(space, va, n);

	/* Scan all sets if any tag matches, if there are more pages than sets, and for pieces of
	 * leaves, which may be wherever the leaf extends. */
	if (tag == EMU_ANY_TAG || unlikely(t->pieces) ||
	    n > (uint64_t)(t->mask + 1) * TLB_WAYS) {
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
			uint32_t i = emu_cache_index(n << sh, r.space, tag, level, sh, t->wc_mask);

			if (t->wc[i].key == (n << sh | TLB_KEY_LEVEL(level) | TLB_KEY_GRAN(gran) |
					     TLB_KEY_TAG(tag) | TLB_KEY_VALID | r.hi) &&
			    t->wc[i].space == r.space)
				t->wc[i].key = 0;
		}
	}
}

void
emu_wc_inv(struct emu_tlb *t, uint32_t space, uint64_t va, uint64_t n, uint32_t tag,
	   unsigned int what)
{
	struct range r = range_of(space, va, n);

	if (t->wc == NULL)
		return;
	if (tag == EMU_ANY_TAG || (n >> 9) > t->wc_mask) {
		for (uint32_t i = 0; i <= t->wc_mask; i++)
			if (t->wc[i].space == space &&
			    matches(t->wc[i].key, (t->wc[i].key >> 52) & 3, r, tag, what))
				t->wc[i].key = 0;
		return;
	}
	if (what & (1u << GRAN_4K))
		wc_drop_range(t, r, (uint16_t)tag, GRAN_4K);
	for (unsigned int gran = GRAN_16K; gran < GRANS; gran++)
		if (unlikely(t->wc_grans & (1u << gran)) && (what & (1u << gran)))
			wc_drop_range(t, r, (uint16_t)tag, gran);
}
