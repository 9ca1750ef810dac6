/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the control path of page tables is made of: entries, tables, and a table installed where
 * there is none. For tables.c and blocks.c.
 */
#ifndef PGTABLE_TREE_H
#define PGTABLE_TREE_H

#include "pgtable.h"

#define LEVELS PGTABLE_LEVELS

/* Address bits below an entry of @p level: 39, 30, 21, 12 with 4 KiB pages. */
static inline unsigned int
level_shift(const struct pgtable *pt, unsigned int level)
{
	return pt->fmt->page_shift + pt->fmt->level_bits * (LEVELS - 1u - level);
}

/* Bytes of a table. */
static inline size_t
table_size(const struct pgtable *pt)
{
	return (size_t)1 << pt->fmt->page_shift;
}

/* The root has an entry for every address in range; callers check the range. */
static inline uint64_t *
entry(const struct pgtable *pt, uint64_t *table, unsigned int level, uint64_t iova)
{
	uint64_t i = iova >> level_shift(pt, level);

	return &table[level == pt->start ? i : i & ((UINT64_C(1) << pt->fmt->level_bits) - 1)];
}

static inline uint64_t
load(const uint64_t *e)
{
	return atomic_load_explicit((const _Atomic uint64_t *)e, memory_order_acquire);
}

static inline void
store(uint64_t *e, uint64_t v)
{
	atomic_store_explicit((_Atomic uint64_t *)e, v, memory_order_release);
}

static inline bool
is_table(const struct pgtable *pt, uint64_t e, unsigned int level)
{
	return level < LEVELS - 1 && (e & (pt->fmt->table | pt->fmt->block)) == pt->fmt->table;
}

/* The table that an entry points to. */
static inline uint64_t *
table_at(const struct pgtable *pt, uint64_t e)
{
	return sluice_span_va(&pt->span, e & pt->fmt->addr, table_size(pt));
}

/* Get a zeroed table. Tables of 4 KiB come from the page allocator, without a lock. Larger ones, of
 * which each serves 32 MiB and more, come from the memory's other end, under its lock. */
static inline uint64_t *
table_get(struct pgtable *pt)
{
	size_t size = table_size(pt);

	return size == 4096 ? sluice_mem_page_get(pt->mem, NULL) :
			      sluice_mem_alloc(pt->mem, size, size, NULL);
}

static inline void
table_put(struct pgtable *pt, uint64_t *table)
{
	if (table_size(pt) == 4096)
		sluice_mem_page_put(pt->mem, table);
	else
		sluice_mem_free(pt->mem, table, table_size(pt));
}

/* Pages set aside for a map, linked through their first words. The hardware has not seen them. */
struct stock {
	uint64_t *first;
};

static inline void
stock_put(struct stock *s, uint64_t *page)
{
	*page = (uint64_t)(uintptr_t)s->first;
	s->first = page;
}

/* @return a page of zeroes, or NULL. */
static inline uint64_t *
stock_get(struct stock *s)
{
	uint64_t *page = s->first;

	if (page != NULL) {
		s->first = (uint64_t *)(uintptr_t)*page;
		*page = 0;
	}
	return page;
}

/* The table behind an entry. If the entry is empty, a table is installed, from @p s if that is not
 * NULL. @return NULL: no memory, or the entry is a block. */
static inline uint64_t *
next_table(struct pgtable *pt, uint64_t *e, unsigned int level, struct stock *s)
{
	uint64_t old = load(e), pa;

	if (old == 0) {
		uint64_t *t = s != NULL ? stock_get(s) : table_get(pt);

		if (t == NULL)
			return NULL;
		pa = sluice_span_pa(&pt->span, t);
		/* release: the hardware, and a thread that loads the entry with acquire, see
		 * zeroes. */
		if (atomic_compare_exchange_strong_explicit((_Atomic uint64_t *)e, &old,
							    pa | pt->fmt->table,
							    memory_order_acq_rel,
							    memory_order_acquire)) {
			atomic_fetch_add_explicit(&pt->tables, 1, memory_order_relaxed);
			return t;
		}
		/* Another thread was first; `old` is its table. */
		if (s != NULL)
			stock_put(s, t);
		else
			table_put(pt, t);
	}
	return is_table(pt, old, level) ? table_at(pt, old) : NULL;
}

#endif
