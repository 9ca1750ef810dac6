/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Page tables: the control path. The fast path writes last-level entries itself (pgtable/run.h), in
 * tables from pgtable_leaf_entry().
 */
#include <errno.h>

#include <sluice/map.h>

#include "pgtable.h"

#define LEVELS PGTABLE_LEVELS

/* Address bits below an entry of @p level: 39, 30, 21, 12 with 4 KiB pages. */
static unsigned int
level_shift(const struct pgtable *pt, unsigned int level)
{
	return pt->fmt->page_shift + pt->fmt->level_bits * (LEVELS - 1u - level);
}

/* Bytes of a table. */
static size_t
table_size(const struct pgtable *pt)
{
	return (size_t)1 << pt->fmt->page_shift;
}

/* The root has an entry for every address in range; callers check the range. */
static uint64_t *
entry(const struct pgtable *pt, uint64_t *table, unsigned int level, uint64_t iova)
{
	uint64_t i = iova >> level_shift(pt, level);

	return &table[level == pt->start ? i : i & ((UINT64_C(1) << pt->fmt->level_bits) - 1)];
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
is_table(const struct pgtable *pt, uint64_t e, unsigned int level)
{
	uint64_t both = pt->fmt->valid | pt->fmt->table;

	return level < LEVELS - 1 && (e & both) == both;
}

/* The table that an entry points to. */
static uint64_t *
table_at(const struct pgtable *pt, uint64_t e)
{
	return sluice_span_va(&pt->span, e & pt->fmt->addr, table_size(pt));
}

/* Get a zeroed table. Tables of 4 KiB come from the page allocator, without a lock. Larger ones, of
 * which each serves 32 MiB and more, come from the memory's other end, under its lock. */
static uint64_t *
table_get(struct pgtable *pt)
{
	size_t size = table_size(pt);

	return size == 4096 ? sluice_mem_page_get(pt->mem, NULL) :
			      sluice_mem_alloc(pt->mem, size, size, NULL);
}

static void
table_put(struct pgtable *pt, uint64_t *table)
{
	if (table_size(pt) == 4096)
		sluice_mem_page_put(pt->mem, table);
	else
		sluice_mem_free(pt->mem, table, table_size(pt));
}

int
pgtable_init(struct pgtable *pt, struct sluice_mem *mem, const struct pt_format *fmt,
	     unsigned int ias)
{
	*pt = (struct pgtable){ .fmt = fmt, .mem = mem, .span = sluice_mem_span(mem),
				.ias = (uint8_t)ias };
	pt->start = (uint8_t)pt_format_start(fmt, ias);
	/* A root that is smaller than a page takes a whole page. */
	pt->root_size = RTE_MAX((size_t)8 << (ias - level_shift(pt, pt->start)), (size_t)4096);
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

/* Pages set aside for a map, linked through their first words. The hardware has not seen them. */
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

/* The table behind an entry. If the entry is empty, a table is installed, from @p s if that is not
 * NULL. @return NULL: no memory, or the entry is a block. */
static uint64_t *
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
							    pa | pt->fmt->table | pt->fmt->valid,
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

uint64_t *
pgtable_leaf_entry(struct pgtable *pt, uint64_t iova)
{
	uint64_t *table = pt->root;

	for (unsigned int level = pt->start; level < LEVELS - 1 && table != NULL; level++)
		table = next_table(pt, entry(pt, table, level, iova), level, NULL);
	return table != NULL ? entry(pt, table, LEVELS - 1, iova) : NULL;
}

/* The entry that translates @p iova, or the invalid one where the walk ends. */
static uint64_t *
find(const struct pgtable *pt, uint64_t iova, unsigned int *level)
{
	uint64_t *table = pt->root;

	for (unsigned int l = pt->start;; l++) {
		uint64_t *e = entry(pt, table, l, iova);
		uint64_t v = load(e);

		if (!is_table(pt, v, l)) {
			*level = l;
			return e;
		}
		table = table_at(pt, v);
	}
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

	store(parent(pt, iova), pa | pt->fmt->table | pt->fmt->valid);
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

/* May a page or block of @p level map the first part of what is left? */
static bool
fits(const struct pgtable *pt, unsigned int level, uint64_t iova, uint64_t pa, uint64_t size)
{
	uint64_t bytes = UINT64_C(1) << level_shift(pt, level);

	return ((pt->fmt->block_levels | 1u << (LEVELS - 1)) & 1u << level) != 0 &&
	       ((iova | pa) & (bytes - 1)) == 0 && size >= bytes;
}

/* How many bytes of [iova, iova+size) the entry of @p level for @p iova covers. */
static uint64_t
share(const struct pgtable *pt, unsigned int level, uint64_t iova, uint64_t size)
{
	uint64_t bytes = UINT64_C(1) << level_shift(pt, level);

	return RTE_MIN(bytes - (iova & (bytes - 1)), size);
}

/* Check a map of [iova, iova+size) in a table of @p level (NULL: the table does not exist yet), and
 * count the tables that it needs. @return 0, -EEXIST, -ENOMEM. */
static int
plan(const struct pgtable *pt, uint64_t *table, unsigned int level, uint64_t iova, uint64_t pa,
     uint64_t size, uint64_t *need)
{
	uint64_t n;

	if (table == NULL && level == LEVELS - 1)
		return 0;
	for (uint64_t off = 0; off < size; off += n) {
		uint64_t v = table == NULL ? 0 : load(entry(pt, table, level, iova + off));
		int ret;

		n = share(pt, level, iova + off, size - off);
		if (v != 0 && !is_table(pt, v, level))
			return -EEXIST;
		if (v == 0 && fits(pt, level, iova + off, pa + off, n))
			continue;
		if (v == 0 && ++*need > pt->span.len >> pt->fmt->page_shift)
			return -ENOMEM;
		ret = plan(pt, v == 0 ? NULL : table_at(pt, v), level + 1,
			   iova + off, pa + off, n, need);
		if (ret != 0)
			return ret;
	}
	return 0;
}

/* Do what was planned. Another thread may have made a table for nearby addresses since; then one
 * table fewer is taken. */
static void
fill(struct pgtable *pt, uint64_t *table, unsigned int level, uint64_t iova, uint64_t pa, uint64_t size,
     uint64_t attr, struct stock *s)
{
	uint64_t n;

	for (uint64_t off = 0; off < size; off += n) {
		uint64_t *e = entry(pt, table, level, iova + off);

		n = share(pt, level, iova + off, size - off);
		if (load(e) == 0 && fits(pt, level, iova + off, pa + off, n))
			store(e, (pa + off) | attr | (level == LEVELS - 1 ? pt->fmt->table : 0));
		else
			fill(pt, next_table(pt, e, level, s), level + 1, iova + off, pa + off, n, attr, s);
	}
}

int
pgtable_map(struct pgtable *pt, uint64_t iova, uint64_t pa, uint64_t size, uint64_t attr)
{
	struct stock s = { NULL };
	uint64_t need = 0, *page;
	int ret = plan(pt, pt->root, pt->start, iova, pa, size, &need);

	/* Get all tables before the first entry is written: the hardware may walk an entry at
	 * once, and what was never written need not be invalidated (A18). */
	for (; ret == 0 && need > 0; need--) {
		page = table_get(pt);
		if (page != NULL)
			stock_put(&s, page);
		else
			ret = -ENOMEM;
	}
	if (ret == 0)
		fill(pt, pt->root, pt->start, iova, pa, size, attr, &s);
	while ((page = stock_get(&s)) != NULL)
		table_put(pt, page);
	return ret;
}

int
pgtable_unmap(struct pgtable *pt, uint64_t iova, uint64_t size)
{
	/* The first pass checks, the second one acts: all or nothing. */
	for (unsigned int act = 0; act < 2; act++) {
		for (uint64_t off = 0; off < size;) {
			unsigned int level;
			uint64_t *e = find(pt, iova + off, &level);
			uint64_t bytes = UINT64_C(1) << level_shift(pt, level);

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
is_empty(const struct pgtable *pt, const uint64_t *table)
{
	for (size_t i = 0; i < table_size(pt) / sizeof(*table); i++)
		if (load(&table[i]) != 0)
			return false;
	return true;
}

/* Cut empty tables below @p table for [iova, iova+size). Lower ones go first, which may empty those
 * above. */
static unsigned int
cut_below(struct pgtable *pt, uint64_t *table, unsigned int level, uint64_t iova, uint64_t size,
	  const struct pgtable_keep *keep, struct pgtable_cut *cut, unsigned int n)
{
	uint64_t bytes = UINT64_C(1) << level_shift(pt, level), part;
	unsigned int got = 0;

	for (uint64_t off = 0; off < size && got < n; off += part) {
		uint64_t *e = entry(pt, table, level, iova + off), v = load(e), *below;
		uint64_t first = (iova + off) & ~(bytes - 1);

		part = share(pt, level, iova + off, size - off);
		if (!is_table(pt, v, level))
			continue;
		below = table_at(pt, v);
		got += cut_below(pt, below, level + 1, iova + off, part, keep, cut + got, n - got);
		if (got == n || (keep->from < first + bytes && first < keep->upto) || !is_empty(pt, below))
			continue;
		store(e, 0);
		cut[got++] = (struct pgtable_cut){ .entry = e, .value = v };
	}
	return got;
}

unsigned int
pgtable_cut_empty(struct pgtable *pt, uint64_t iova, uint64_t size, const struct pgtable_keep *keep,
	       struct pgtable_cut *cut, unsigned int n)
{
	return cut_below(pt, pt->root, pt->start, iova, size, keep, cut, n);
}

void
pgtable_cut_end(struct pgtable *pt, const struct pgtable_cut *cut, unsigned int n, bool unknown)
{
	/* The parent of a table that is put back comes later in the list, so it still exists. */
	for (unsigned int i = 0; i < n; i++) {
		if (unknown)
			pgtable_table_free(pt, table_at(pt, cut[i].value));
		else
			store(cut[i].entry, cut[i].value);
	}
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
