/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Page tables: the control path. The fast path writes last-level entries itself (pgtable/run.h), in
 * tables from pgtable_leaf_entry().
 */
#include <errno.h>

#include "tree.h"

int
pgtable_init(struct pgtable *pt, struct sluice_mem *mem, const struct pt_format *fmt,
	     unsigned int ias, uint8_t blocks)
{
	unsigned int shift;

	*pt = (struct pgtable){ .fmt = fmt, .mem = mem, .span = sluice_mem_span(mem),
				.ias = (uint8_t)ias, .blocks = blocks };
	pt->start = (uint8_t)pt_format_start(fmt, ias);
	shift = level_shift(pt, pt->start);
	/* A root that is smaller than a page takes a whole page. */
	pt->root_size = RTE_MAX((size_t)8 << (ias > shift ? ias - shift : 0), (size_t)4096);
	pt->root = pt->root_size == 4096 ? sluice_mem_page_get(mem, &pt->root_pa) :
		   sluice_mem_alloc(mem, pt->root_size, pt->root_size, &pt->root_pa);
	if (pt->root == NULL)
		return -ENOMEM;
	atomic_init(&pt->tables, 1);
	return 0;
}

/* Free all tables below a table of @p size bytes. */
static void
free_below(struct pgtable *pt, uint64_t *table, size_t size, unsigned int level)
{
	for (size_t i = 0; level < LEVELS - 1 && i < size / sizeof(*table); i++) {
		uint64_t e = load(&table[i]);

		if (!is_table(pt, e, level))
			continue;
		free_below(pt, table_at(pt, e), table_size(pt), level + 1);
		table_put(pt, table_at(pt, e));
	}
}

void
pgtable_fini(struct pgtable *pt)
{
	if (pt->root == NULL)
		return;
	free_below(pt, pt->root, pt->root_size, pt->start);
	if (pt->root_size == 4096)
		sluice_mem_page_put(pt->mem, pt->root);
	else
		sluice_mem_free(pt->mem, pt->root, pt->root_size);
	pt->root = NULL;
}

uint64_t *
pgtable_leaf_entry(struct pgtable *pt, uint64_t iova)
{
	uint64_t *table = pt->root;

	for (unsigned int level = pt->start; level < LEVELS - 1 && table != NULL; level++)
		table = next_table(pt, entry(pt, table, level, iova), level, NULL);
	return table != NULL ? entry(pt, table, LEVELS - 1, iova) : NULL;
}

/* The entry above the last level for @p iova. NULL: the table that would hold it does not exist. */
static uint64_t *
parent(const struct pgtable *pt, uint64_t iova)
{
	uint64_t *table = pt->root;

	for (unsigned int level = pt->start; level < LEVELS - 2; level++) {
		uint64_t v = load(entry(pt, table, level, iova));

		if (!is_table(pt, v, level))
			return NULL;
		table = table_at(pt, v);
	}
	return entry(pt, table, LEVELS - 2, iova);
}

uint64_t *
pgtable_leaf_unlink(struct pgtable *pt, uint64_t iova)
{
	uint64_t *e = parent(pt, iova), v = e != NULL ? load(e) : 0;

	if (!is_table(pt, v, LEVELS - 2))
		return NULL;
	store(e, 0);
	return table_at(pt, v);
}

void
pgtable_leaf_relink(struct pgtable *pt, uint64_t iova, const uint64_t *table)
{
	uint64_t pa = pt->span.pa + (uint64_t)((const uint8_t *)table - (const uint8_t *)pt->span.va);

	store(parent(pt, iova), pa | pt->fmt->table);
}

void
pgtable_table_free(struct pgtable *pt, uint64_t *table)
{
	atomic_fetch_sub_explicit(&pt->tables, 1, memory_order_relaxed);
	/* Counted before the page is released below and can become another table:
	 * pgtable_walk(), 3. */
	atomic_fetch_add_explicit(&pt->freed, 1, memory_order_relaxed);
	table_put(pt, table);
}

/* The entry that ends the walk for @p iova. A freed table is read with its present contents. */
static uint64_t
look(const struct pgtable *pt, uint64_t iova, unsigned int *level)
{
	uint64_t *table = pt->root;
	uint64_t v = 0;

	for (*level = pt->start; table != NULL; ++*level) {
		v = load(entry(pt, table, *level, iova));
		if (!is_table(pt, v, *level))
			return v;
		table = table_at(pt, v);
	}
	return 0;
}

/*
 * A walk is right even while tables are freed.
 * 1. No lock: a hook or a callback may ask in the middle of a call that holds it.
 * 2. A table that is freed during the walk stays readable, since it is the IOMMU's memory. By then
 *    it may be another table, whose entries lead anywhere in that memory, or nowhere.
 * 3. The other table's entries were stored with release after the page was taken, which was after
 *    it was freed, which was after `freed` was increased. So a walk that loaded such an entry, with
 *    acquire, sees the increase, and walks again. Zeroes need no second walk: where a table was
 *    freed, nothing was mapped.
 */
int
pgtable_walk(const struct pgtable *pt, uint64_t iova, uint64_t *pa)
{
	uint64_t freed, e, mask;
	unsigned int level;

	if (iova >> pt->ias != 0)
		return -ENOENT;
	do {
		freed = atomic_load_explicit(&pt->freed, memory_order_acquire);
		e = look(pt, iova, &level);
	} while (atomic_load_explicit(&pt->freed, memory_order_relaxed) != freed);
	mask = (UINT64_C(1) << level_shift(pt, level)) - 1;
	if ((e & pt->fmt->valid) == 0)
		return -ENOENT;
	*pa = (e & pt->fmt->addr & ~mask) | (iova & mask);
	return 0;
}
