/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * VMSAv8-64 stage-1 tables: the control path. The fast path writes last-level entries itself
 * (pgtable/run.h), in tables it got from lpae_leaf_table().
 */
#include <errno.h>

#include <sluice/map.h>

#include "lpae.h"

#define LEVELS 4u

/* Address bits below an entry of @p level: 39, 30, 21, 12. */
static unsigned int
level_shift(unsigned int level)
{
	return 12u + 9u * (LEVELS - 1u - level);
}

static uint64_t *
entry(uint64_t *table, unsigned int level, uint64_t iova)
{
	return &table[(iova >> level_shift(level)) & (LPAE_ENTRIES - 1)];
}

static uint64_t
load(const uint64_t *e)
{
	return atomic_load_explicit((const _Atomic uint64_t *)e, memory_order_acquire);
}

static void
store(uint64_t *e, uint64_t v)
{
	atomic_store_explicit((_Atomic uint64_t *)e, v, memory_order_release);
}

static bool
is_table(uint64_t e, unsigned int level)
{
	return level < LEVELS - 1 && (e & (LPAE_VALID | LPAE_TABLE)) == (LPAE_VALID | LPAE_TABLE);
}

int
lpae_init(struct lpae *pt, struct sluice_mem *mem)
{
	*pt = (struct lpae){ .mem = mem, .span = sluice_mem_span(mem) };
	pt->root = sluice_mem_page_get(mem, &pt->root_pa);
	if (pt->root == NULL)
		return -ENOMEM;
	atomic_init(&pt->tables, 1);
	return 0;
}

static void
free_tables(struct lpae *pt, uint64_t *table, unsigned int level)
{
	for (unsigned int i = 0; level < LEVELS - 1 && i < LPAE_ENTRIES; i++) {
		uint64_t e = load(&table[i]);

		if (is_table(e, level))
			free_tables(pt, sluice_span_va(&pt->span, e & LPAE_ADDR, 4096), level + 1);
	}
	sluice_mem_page_put(pt->mem, table);
}

void
lpae_fini(struct lpae *pt)
{
	if (pt->root != NULL)
		free_tables(pt, pt->root, 0);
	pt->root = NULL;
}

uint64_t
lpae_attr(unsigned int prot)
{
	return LPAE_VALID | LPAE_ATTR(LPAE_MAIR_IDX_WB) | LPAE_AP_UNPRIV | LPAE_SH_INNER | LPAE_AF |
	       LPAE_NG | LPAE_XN | ((prot & SLUICE_WRITE) != 0 ? 0 : LPAE_AP_RO);
}

/* Pages put by for a map, linked through their first words: no hardware has seen them. */
struct stock {
	uint64_t *first;
};

static void
stock_put(struct stock *s, uint64_t *page)
{
	*page = (uint64_t)(uintptr_t)s->first;
	s->first = page;
}

/* @return a page of zeroes, or NULL. */
static uint64_t *
stock_get(struct stock *s)
{
	uint64_t *page = s->first;

	if (page != NULL) {
		s->first = (uint64_t *)(uintptr_t)*page;
		*page = 0;
	}
	return page;
}

/* The table behind an entry, installed if the entry is empty: one of @p s, if that is not NULL.
 * NULL: no memory, or a block. */
static uint64_t *
next_table(struct lpae *pt, uint64_t *e, unsigned int level, struct stock *s)
{
	uint64_t old = load(e), pa;

	if (old == 0) {
		uint64_t *t = s != NULL ? stock_get(s) : sluice_mem_page_get(pt->mem, NULL);

		if (t == NULL)
			return NULL;
		pa = sluice_span_pa(&pt->span, t);
		/* release: the hardware, and who loads the entry with acquire, sees a zeroed table. */
		if (atomic_compare_exchange_strong_explicit((_Atomic uint64_t *)e, &old,
							    pa | LPAE_TABLE | LPAE_VALID,
							    memory_order_acq_rel,
							    memory_order_acquire)) {
			atomic_fetch_add_explicit(&pt->tables, 1, memory_order_relaxed);
			return t;
		}
		/* Somebody else was first; old is theirs. */
		if (s != NULL)
			stock_put(s, t);
		else
			sluice_mem_page_put(pt->mem, t);
	}
	return is_table(old, level) ? sluice_span_va(&pt->span, old & LPAE_ADDR, 4096) : NULL;
}

uint64_t *
lpae_leaf_table(struct lpae *pt, uint64_t iova)
{
	uint64_t *table = pt->root;

	for (unsigned int level = 0; level < LEVELS - 1 && table != NULL; level++)
		table = next_table(pt, entry(table, level, iova), level, NULL);
	return table;
}

/* The entry that translates @p iova, or the invalid one where the walk ends. */
static uint64_t *
find(const struct lpae *pt, uint64_t iova, unsigned int *level)
{
	uint64_t *table = pt->root;

	for (unsigned int l = 0;; l++) {
		uint64_t *e = entry(table, l, iova);
		uint64_t v = load(e);

		if (!is_table(v, l)) {
			*level = l;
			return e;
		}
		table = sluice_span_va(&pt->span, v & LPAE_ADDR, 4096);
	}
}

/* The entry above the last level. NULL: there is no table that it could be in. */
static uint64_t *
parent(const struct lpae *pt, uint64_t iova)
{
	uint64_t *table = pt->root;

	for (unsigned int level = 0; level < LEVELS - 2; level++) {
		uint64_t v = load(entry(table, level, iova));

		if (!is_table(v, level))
			return NULL;
		table = sluice_span_va(&pt->span, v & LPAE_ADDR, 4096);
	}
	return entry(table, LEVELS - 2, iova);
}

uint64_t *
lpae_leaf_unlink(struct lpae *pt, uint64_t iova)
{
	uint64_t *e = parent(pt, iova), v = e != NULL ? load(e) : 0;

	if (!is_table(v, LEVELS - 2))
		return NULL;
	store(e, 0);
	return sluice_span_va(&pt->span, v & LPAE_ADDR, 4096);
}

void
lpae_leaf_relink(struct lpae *pt, uint64_t iova, const uint64_t *table)
{
	uint64_t pa = pt->span.pa + (uint64_t)((const uint8_t *)table - (const uint8_t *)pt->span.va);

	store(parent(pt, iova), pa | LPAE_TABLE | LPAE_VALID);
}

void
lpae_table_free(struct lpae *pt, uint64_t *table)
{
	atomic_fetch_sub_explicit(&pt->tables, 1, memory_order_relaxed);
	/* Before the page can be another table, which its release below tells: lpae_walk(), 3. */
	atomic_fetch_add_explicit(&pt->freed, 1, memory_order_relaxed);
	sluice_mem_page_put(pt->mem, table);
}

/* May a page or block of @p level translate the beginning of what is left to map? */
static bool
fits(unsigned int level, uint64_t iova, uint64_t pa, uint64_t size)
{
	uint64_t bytes = UINT64_C(1) << level_shift(level);

	return level > 0 && ((iova | pa) & (bytes - 1)) == 0 && size >= bytes;
}

/* How much of [iova, iova+size) the entry of @p level for @p iova is about. */
static uint64_t
share(unsigned int level, uint64_t iova, uint64_t size)
{
	uint64_t bytes = UINT64_C(1) << level_shift(level);

	return RTE_MIN(bytes - (iova & (bytes - 1)), size);
}

/* What a map of [iova, iova+size) meets in a table of @p level (NULL: one that is not made yet), and
 * how many tables it is short of. @return 0, -EEXIST, -ENOMEM. */
static int
plan(const struct lpae *pt, uint64_t *table, unsigned int level, uint64_t iova, uint64_t pa,
     uint64_t size, uint64_t *need)
{
	uint64_t n;

	if (table == NULL && level == LEVELS - 1)
		return 0;
	for (uint64_t off = 0; off < size; off += n) {
		uint64_t v = table == NULL ? 0 : load(entry(table, level, iova + off));
		int ret;

		n = share(level, iova + off, size - off);
		if (v != 0 && !is_table(v, level))
			return -EEXIST;
		if (v == 0 && fits(level, iova + off, pa + off, n))
			continue;
		if (v == 0 && ++*need > pt->span.len >> 12)
			return -ENOMEM;
		ret = plan(pt, v == 0 ? NULL : sluice_span_va(&pt->span, v & LPAE_ADDR, 4096), level + 1,
			   iova + off, pa + off, n, need);
		if (ret != 0)
			return ret;
	}
	return 0;
}

/* What was planned. Somebody who needs a table for addresses nearby may have made one since: then one
 * less is taken. */
static void
fill(struct lpae *pt, uint64_t *table, unsigned int level, uint64_t iova, uint64_t pa, uint64_t size,
     uint64_t attr, struct stock *s)
{
	uint64_t n;

	for (uint64_t off = 0; off < size; off += n) {
		uint64_t *e = entry(table, level, iova + off);

		n = share(level, iova + off, size - off);
		if (load(e) == 0 && fits(level, iova + off, pa + off, n))
			store(e, (pa + off) | attr | (level == LEVELS - 1 ? LPAE_TABLE : 0));
		else
			fill(pt, next_table(pt, e, level, s), level + 1, iova + off, pa + off, n, attr, s);
	}
}

int
lpae_map(struct lpae *pt, uint64_t iova, uint64_t pa, uint64_t size, uint64_t attr)
{
	struct stock s = { NULL };
	uint64_t need = 0, *page;
	int ret = plan(pt, pt->root, 0, iova, pa, size, &need);

	/* All tables before the first entry: hardware walks what it sees at once, and what was never
	 * written need not be invalidated (A18). */
	for (; ret == 0 && need > 0; need--) {
		page = sluice_mem_page_get(pt->mem, NULL);
		if (page != NULL)
			stock_put(&s, page);
		else
			ret = -ENOMEM;
	}
	if (ret == 0)
		fill(pt, pt->root, 0, iova, pa, size, attr, &s);
	while ((page = stock_get(&s)) != NULL)
		sluice_mem_page_put(pt->mem, page);
	return ret;
}

int
lpae_unmap(struct lpae *pt, uint64_t iova, uint64_t size)
{
	/* First look, then act: all or nothing. */
	for (unsigned int act = 0; act < 2; act++) {
		for (uint64_t off = 0; off < size;) {
			unsigned int level;
			uint64_t *e = find(pt, iova + off, &level);
			uint64_t bytes = UINT64_C(1) << level_shift(level);

			if (load(e) == 0)
				return -ENOENT;
			if (((iova + off) & (bytes - 1)) != 0 || size - off < bytes)
				return -ERANGE;
			if (act)
				store(e, 0);
			off += bytes;
		}
	}
	return 0;
}

static bool
is_empty(const uint64_t *table)
{
	for (unsigned int i = 0; i < LPAE_ENTRIES; i++)
		if (load(&table[i]) != 0)
			return false;
	return true;
}

/* Tables below @p table, for [iova, iova+size): those beneath first, for they empty those above. */
static unsigned int
cut_below(struct lpae *pt, uint64_t *table, unsigned int level, uint64_t iova, uint64_t size,
	  const struct lpae_keep *keep, struct lpae_cut *cut, unsigned int n)
{
	uint64_t bytes = UINT64_C(1) << level_shift(level), part;
	unsigned int got = 0;

	for (uint64_t off = 0; off < size && got < n; off += part) {
		uint64_t *e = entry(table, level, iova + off), v = load(e), *below;
		uint64_t first = (iova + off) & ~(bytes - 1);

		part = share(level, iova + off, size - off);
		if (!is_table(v, level))
			continue;
		below = sluice_span_va(&pt->span, v & LPAE_ADDR, 4096);
		got += cut_below(pt, below, level + 1, iova + off, part, keep, cut + got, n - got);
		if (got == n || (keep->from < first + bytes && first < keep->upto) || !is_empty(below))
			continue;
		store(e, 0);
		cut[got++] = (struct lpae_cut){ .entry = e, .value = v };
	}
	return got;
}

unsigned int
lpae_cut_empty(struct lpae *pt, uint64_t iova, uint64_t size, const struct lpae_keep *keep,
	       struct lpae_cut *cut, unsigned int n)
{
	return cut_below(pt, pt->root, 0, iova, size, keep, cut, n);
}

void
lpae_cut_end(struct lpae *pt, const struct lpae_cut *cut, unsigned int n, bool unknown)
{
	/* A table that is put back hangs in one that comes after it, and is there still. */
	for (unsigned int i = 0; i < n; i++) {
		if (unknown)
			lpae_table_free(pt, sluice_span_va(&pt->span, cut[i].value & LPAE_ADDR, 4096));
		else
			store(cut[i].entry, cut[i].value);
	}
}

/* The entry that ends the walk for @p iova. Of freed tables whatever is in them now. */
static uint64_t
look(const struct lpae *pt, uint64_t iova, unsigned int *level)
{
	const uint64_t *table = pt->root;
	uint64_t v = 0;

	for (*level = 0; table != NULL; ++*level) {
		v = load(&table[(iova >> level_shift(*level)) & (LPAE_ENTRIES - 1)]);
		if (!is_table(v, *level))
			return v;
		table = sluice_span_va(&pt->span, v & LPAE_ADDR, 4096);
	}
	return 0;
}

/*
 * 1. Nothing is locked: a hook or a callback may ask, in the middle of a call that holds the lock.
 * 2. A table that is freed while it is walked stays readable, for the memory is the IOMMU's; what is
 *    read there may be another table's by now, and lead to anywhere in that memory, or nowhere.
 * 3. That table's entries were stored with release after the page was taken, that after it was
 *    freed, and that after `freed` went up: who loaded such an entry, with acquire, sees it, and asks
 *    again. Zeroes need no second look: where a table was freed, nothing was mapped.
 */
int
lpae_walk(const struct lpae *pt, uint64_t iova, uint64_t *pa)
{
	uint64_t freed, e, mask;
	unsigned int level;

	do {
		freed = atomic_load_explicit(&pt->freed, memory_order_acquire);
		e = look(pt, iova, &level);
	} while (atomic_load_explicit(&pt->freed, memory_order_relaxed) != freed);
	mask = (UINT64_C(1) << level_shift(level)) - 1;
	if ((e & LPAE_VALID) == 0 || iova >> 48 != 0)
		return -ENOENT;
	*pa = (e & LPAE_ADDR & ~mask) | (iova & mask);
	return 0;
}
