/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Ranges of a page table: mapped with the largest blocks that fit, unmapped, and their empty tables
 * cut out. Control path.
 */
#include <errno.h>

#include "tree.h"

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

/* May a page or block of @p level map the first part of what is left? */
static bool
fits(const struct pgtable *pt, unsigned int level, uint64_t iova, uint64_t pa, uint64_t size)
{
	uint64_t bytes = UINT64_C(1) << level_shift(pt, level);

	return ((pt->blocks | 1u << (LEVELS - 1)) & 1u << level) != 0 &&
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
			store(e, (pa + off) | attr |
				 (level == LEVELS - 1 ? pt->fmt->page : pt->fmt->block));
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
