/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The IOTLB and the walk cache of an emulated IOMMU. A caller inserts tagged leaves and tables and
 * finds them again, however stale, until an invalidation or another entry removes them. Lookups are
 * inline, because each access makes one. Each kind of IOMMU defines what its tags and permissions
 * mean.
 */
#ifndef EMU_TLB_H
#define EMU_TLB_H

#include <stddef.h>

#include "core.h"

/*
 * A granule is GRAN_4K, _16K or _64K: pages of 4 KiB << 2 * granule, tables of as many bytes.
 *
 * A key holds everything except the space, so a way that misses costs one comparison: VA[47:12]
 * with the bits below the leaf clear, tag (0 if global), level, which half (VA[55]), global and
 * then its set, granule, valid.
 */
#define GRAN_4K  0u
#define GRAN_16K 1u
#define GRAN_64K 2u
#define GRANS    3u
#define GRAN_PAGE_SHIFT(g) (12u + 2u * (g))
#define GRAN_IDX_BITS(g)   (9u + 2u * (g))
/** Bits of an address below a descriptor of @p level: 12 to 39, 14 to 47, 16 to 55. */
#define GRAN_SHIFT(g, level) (GRAN_PAGE_SHIFT(g) + (3u - (level)) * GRAN_IDX_BITS(g))

#define TLB_KEY_TAG(tag)   ((uint64_t)(tag) << 36)
#define TLB_KEY_LEVEL(lvl) ((uint64_t)(lvl) << 52)
#define TLB_KEY_HI         EMU_BIT(54)
#define TLB_KEY_GLOBAL     EMU_BIT(55)
#define TLB_KEY_SET        EMU_BIT(56)
#define TLB_KEY_GRAN(g)    ((uint64_t)(g) << 57)
#define TLB_KEY_VALID      EMU_BIT(63)
#define TLB_VPN            (EMU_BIT(36) - 1)

#define TLB_WAYS   4u
#define TLB_PERM   0x3fu  /* EMU_PERM_* in a value */
#define TLB_NOTE   0xfc0u /* the note in a value */
#define TLB_NOTE_SHIFT 6u
#define EMU_TAGS   65536u
#define EMU_QUICK_SPACES 2u /* spaces in which a tag is dropped without a scan */

/*
 * The space is the other half of a match; it is compared only if the key matches. The same word
 * holds what only invalidations and faults use: the level of the leaf's descriptor, which differs
 * from the key's level if the entry is a piece of the leaf, and the output address of stage 1.
 */
#define TLB_WHO_SPACE      ((UINT64_C(1) << 20) - 1)
#define TLB_WHO_LEVEL(lvl) ((uint64_t)(lvl) << 20)
#define TLB_WHO_LEVEL_OF(who) ((unsigned int)((who) >> 20) & 3)
#define TLB_WHO_VIA(a)     (((a) >> 12 & TLB_VPN) << 28)
#define TLB_WHO_VIA_OF(who) ((who) >> 28 << 12)

/** The owner of a translation. */
struct emu_tag {
	uint32_t space; /**< kind of address space and virtual machine, numbered by the kind of
			   IOMMU */
	uint16_t id;    /**< the address space: 0 where there are none */
	bool set;       /**< which globals it sees; invalidations ignore it */
};

/** A translation. */
struct emu_leaf {
	uint64_t pa;    /**< of the leaf's first byte */
	uint8_t gran;
	uint8_t level;
	uint8_t shift;  /**< offset bits of the leaf */
	uint8_t perm;
	bool global;
	/* only for emu_tlb_insert_noted() */
	uint8_t note;   /**< 6 bits, defined by the kind of IOMMU */
	uint8_t of; /**< level of the descriptor: @p level, or above it for a piece of the leaf */
	uint64_t via;   /**< the intermediate address of its first byte, if there is one */
};

/** One set: two cache lines, of which a hit compares the first. */
struct tlb_set {
	uint64_t key[TLB_WAYS];
	uint64_t val[TLB_WAYS];   /**< physical address [51:12] | EMU_PERM_* */
	uint64_t epoch[TLB_WAYS]; /**< of the insertion; dead if an invalidation is later */
	uint64_t who[TLB_WAYS];   /**< TLB_WHO_* */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct tlb_set) == 128, "two cache lines");

/** A cached table descriptor of level 0..2: the address of the next level's table. */
struct wc_entry {
	uint64_t key;
	uint64_t epoch;
	uint64_t space;
	uint64_t next; /**< table address [47:12] | what the IOMMU collected on the way to it */
};

struct emu_tlb {
	uint64_t epoch;      /**< counts invalidations of a tag or of everything */
	uint64_t *space_inv; /**< epoch of the last invalidation of each space */
	uint64_t *tag_inv;   /**< the same for each tag: of space 0, then of space 1 */
	uint32_t spaces;     /**< how many there may be */
	uint32_t space_max;  /**< the highest with something cached */
	uint32_t only; /**< the only space with something cached, or EMU_NO_SPACE, _SPACES */
	struct tlb_set *set;
	uint32_t mask, rr;
	uint8_t levels[GRANS]; /**< bit n: leaves of level n may be cached */
	bool off;            /**< nothing is ever inserted */
	bool global;         /**< global leaves may be cached */
	bool pieces;         /**< pieces of leaves may be cached */
	uint8_t wc_grans;    /**< bit n: tables of granule n may be cached; 4K: not kept */
	uint32_t wc_mask;
	struct wc_entry *wc; /**< NULL: no walk cache */
};

#define EMU_NO_SPACE UINT32_MAX
#define EMU_MANY_SPACES (UINT32_MAX - 1)

/**
 * @param entries, walk_entries powers of two, or 0: no caching.
 * @param spaces at least EMU_QUICK_SPACES, at most 2^20. @return 0 or -1: no memory.
 */
int emu_tlb_init(struct emu_tlb *t, uint32_t entries, uint32_t walk_entries, uint32_t spaces);
void emu_tlb_fini(struct emu_tlb *t);
void emu_tlb_insert(struct emu_tlb *t, const struct emu_tag *tag, uint64_t va,
		    const struct emu_leaf *l);
/** Insert a leaf with its note, level and intermediate address. */
void emu_tlb_insert_noted(struct emu_tlb *t, const struct emu_tag *tag, uint64_t va,
			  const struct emu_leaf *l);
void emu_tlb_inv_space(struct emu_tlb *t, uint32_t space);
/** Drop every space but @p space. */
void emu_tlb_inv_but(struct emu_tlb *t, uint32_t space);
/** Drop all entries of one tag that are not global. */
void emu_tlb_inv_tag(struct emu_tlb *t, uint32_t space, uint16_t tag);

#define EMU_ANY_TAG    0x10000u
#define EMU_GRANS_ALL  ((1u << GRANS) - 1)
#define EMU_TTL(level) ((unsigned int)(level) << GRANS)
#define EMU_TTL_OF(what) ((what) >> GRANS & 3)

/**
 * Drop leaves (or tables) of a space that cover part of @p n units of 4 KiB from @p va on. The
 * arguments are scalars, because every command comes here.
 * @param tag drop globals and entries of this tag, or of EMU_ANY_TAG.
 * @param what bit g: entries from tables of granule g; | EMU_TTL(level): only leaves of that level.
 */
void emu_tlb_inv_va(struct emu_tlb *t, uint32_t space, uint64_t va, uint64_t n, uint32_t tag,
		    unsigned int what);
void emu_wc_inv(struct emu_tlb *t, uint32_t space, uint64_t va, uint64_t n, uint32_t tag,
		unsigned int what);

/** Log2 of the units of 4 KiB that a leaf, or a table of the next level, maps. */
static inline unsigned int
emu_level_shift(unsigned int gran, unsigned int level)
{
	return GRAN_SHIFT(gran, level) - 12;
}

/**
 * Position of a leaf or table of @p level in a cache with @p mask + 1 places. @p shift is its
 * emu_level_shift().
 */
static inline uint32_t
emu_cache_index(uint64_t vpn, uint32_t space, uint16_t tag, unsigned int level, unsigned int shift,
		uint32_t mask)
{
	return (uint32_t)((vpn >> shift) + tag * 0x9e5u + space * 0x6d3u + (3 - level) * 0x155u) &
	       mask;
}

/** @return whether an entry of that epoch survived. */
static inline bool
emu_cache_alive(const struct emu_tlb *t, uint64_t key, uint32_t space, uint64_t epoch)
{
	if (epoch < t->space_inv[space])
		return false;
	return (key & TLB_KEY_GLOBAL) || unlikely(space >= EMU_QUICK_SPACES) ||
	       epoch >= t->tag_inv[((key >> 36) & 0xffff) + space * EMU_TAGS];
}

/* ---- the IOTLB's lookup ---------------------------------------------------------------------- */

static inline const uint64_t *
tlb_find(const struct emu_tlb *t, uint64_t vpn, uint32_t space, uint16_t tag, unsigned int gran,
	 unsigned int level, uint64_t key)
{
	const struct tlb_set *s = &t->set[emu_cache_index(
		vpn, space, tag, level, emu_level_shift(gran, level), t->mask)];

	for (unsigned int w = 0; w < TLB_WAYS; w++)
		if (s->key[w] == key && (s->who[w] & TLB_WHO_SPACE) == space &&
		    emu_cache_alive(t, key, space, s->epoch[w]))
			return &s->val[w];
	return NULL;
}

/* The data beside a value that was found. */
static inline uint64_t
tlb_who(const uint64_t *val)
{
	return val[2 * TLB_WAYS];
}
_Static_assert(offsetof(struct tlb_set, who) ==
	       offsetof(struct tlb_set, val) + 2 * TLB_WAYS * sizeof(uint64_t), "tlb_who()");

static inline __attribute__((always_inline)) const uint64_t *
tlb_lookup_gran(const struct emu_tlb *t, const struct emu_tag *tag, uint64_t va, unsigned int gran,
		unsigned int *shift)
{
	uint64_t hi = va & EMU_BIT(55) ? TLB_KEY_HI : 0;

	for (unsigned int level = 3; level >= 1; level--) {
		uint64_t off = emu_offset_mask(GRAN_SHIFT(gran, level));
		uint64_t vpn = ((va & ~off) >> 12) & TLB_VPN;
		uint64_t key = vpn | TLB_KEY_LEVEL(level) | TLB_KEY_GRAN(gran) | TLB_KEY_VALID | hi;
		const uint64_t *v;

		if (!(t->levels[gran] & (1u << level)))
			continue;
		v = tlb_find(t, vpn, tag->space, tag->id, gran, level, key | TLB_KEY_TAG(tag->id));
		if (v == NULL && t->global)
			v = tlb_find(t, vpn, tag->space, 0, gran, level,
				     key | TLB_KEY_GLOBAL | (tag->set ? TLB_KEY_SET : 0));
		if (v != NULL) {
			*shift = GRAN_SHIFT(gran, level);
			return v;
		}
	}
	return NULL;
}

/**
 * Three copies of the lookup, each with constants of its granule; 4 KiB pages pay one branch for
 * this.
 * @param shift offset bits of the leaf. @return the value, or NULL.
 */
static inline __attribute__((always_inline)) const uint64_t *
emu_tlb_find(const struct emu_tlb *t, const struct emu_tag *tag, uint64_t va, unsigned int gran,
	     unsigned int *shift)
{
	if (likely(gran == GRAN_4K))
		return tlb_lookup_gran(t, tag, va, GRAN_4K, shift);
	return gran == GRAN_16K ? tlb_lookup_gran(t, tag, va, GRAN_16K, shift) :
				  tlb_lookup_gran(t, tag, va, GRAN_64K, shift);
}

/** @param shift as for emu_tlb_find(); a caller without use for it passes a local variable. */
static inline __attribute__((always_inline)) bool
emu_tlb_lookup(const struct emu_tlb *t, const struct emu_tag *tag, uint64_t va, unsigned int gran,
	       uint64_t *pa, uint8_t *perm, unsigned int *shift)
{
	const uint64_t *v = emu_tlb_find(t, tag, va, gran, shift);

	if (v == NULL)
		return false;
	*pa = (*v & ~UINT64_C(0xfff)) | (va & emu_offset_mask(*shift));
	*perm = *v & TLB_PERM;
	return true;
}

/* ---- the walk cache -------------------------------------------------------------------------- */

static inline uint64_t
wc_key(const struct emu_tag *tag, uint64_t va, unsigned int gran, unsigned int level)
{
	uint64_t key = (va >> 12) & TLB_VPN &
		       ~((UINT64_C(1) << emu_level_shift(gran, level)) - 1);

	key |= TLB_KEY_LEVEL(level) | TLB_KEY_GRAN(gran) | TLB_KEY_TAG(tag->id) | TLB_KEY_VALID;
	return va & EMU_BIT(55) ? key | TLB_KEY_HI : key;
}

static inline struct wc_entry *
wc_place(struct emu_tlb *t, uint64_t key, uint32_t space, unsigned int gran, unsigned int level)
{
	return &t->wc[emu_cache_index(key & TLB_VPN, space, (uint16_t)(key >> 36), level,
				       emu_level_shift(gran, level), t->wc_mask)];
}

/** The next table below @p level in a walk of @p va, or NULL. A walk cache must exist. */
static inline const struct wc_entry *
emu_wc_lookup(struct emu_tlb *t, const struct emu_tag *tag, uint64_t va, unsigned int gran,
	      unsigned int level)
{
	uint64_t key = wc_key(tag, va, gran, level);
	struct wc_entry *c = wc_place(t, key, tag->space, gran, level);

	return c->key == key && c->space == tag->space &&
			       emu_cache_alive(t, key, tag->space, c->epoch) ?
		       c :
		       NULL;
}

/** Something of @p space is about to be cached. */
static inline void
emu_cache_of(struct emu_tlb *t, uint32_t space)
{
	if (likely(t->only == space))
		return;
	t->only = t->only == EMU_NO_SPACE ? space : EMU_MANY_SPACES;
	if (space > t->space_max)
		t->space_max = space;
}

static inline void
emu_wc_insert(struct emu_tlb *t, const struct emu_tag *tag, uint64_t va, unsigned int gran,
	      unsigned int level, uint64_t next)
{
	uint64_t key = wc_key(tag, va, gran, level);
	struct wc_entry *c = wc_place(t, key, tag->space, gran, level);

	*c = (struct wc_entry){ .key = key, .epoch = t->epoch, .space = tag->space, .next = next };
	emu_cache_of(t, tag->space);
	if (gran != GRAN_4K)
		t->wc_grans |= (uint8_t)(1u << gran);
}

#endif
