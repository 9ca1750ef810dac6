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

/* The table behind an entry, installed if the entry is empty. NULL: no memory, or a block. */
static uint64_t *
next_table(struct lpae *pt, uint64_t *e, unsigned int level)
{
	uint64_t old = load(e), pa;

	if (old == 0) {
		uint64_t *t = sluice_mem_page_get(pt->mem, &pa);

		if (t == NULL)
			return NULL;
		/* release: the hardware, and who loads the entry with acquire, sees a zeroed table. */
		if (atomic_compare_exchange_strong_explicit((_Atomic uint64_t *)e, &old,
							    pa | LPAE_TABLE | LPAE_VALID,
							    memory_order_acq_rel,
							    memory_order_acquire)) {
			atomic_fetch_add_explicit(&pt->tables, 1, memory_order_relaxed);
			return t;
		}
		sluice_mem_page_put(pt->mem, t); /* somebody else was first; old is theirs */
	}
	return is_table(old, level) ? sluice_span_va(&pt->span, old & LPAE_ADDR, 4096) : NULL;
}

uint64_t *
lpae_leaf_table(struct lpae *pt, uint64_t iova)
{
	uint64_t *table = pt->root;

	for (unsigned int level = 0; level < LEVELS - 1 && table != NULL; level++)
		table = next_table(pt, entry(table, level, iova), level);
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

uint64_t *
lpae_leaf_unlink(struct lpae *pt, uint64_t iova)
{
	uint64_t *table = pt->root, *e = NULL, v;

	for (unsigned int level = 0; level < LEVELS - 1; level++) {
		e = entry(table, level, iova);
		v = load(e);
		if (!is_table(v, level))
			return NULL;
		table = sluice_span_va(&pt->span, v & LPAE_ADDR, 4096);
	}
	store(e, 0);
	return table;
}

void
lpae_table_free(struct lpae *pt, uint64_t *table)
{
	atomic_fetch_sub_explicit(&pt->tables, 1, memory_order_relaxed);
	sluice_mem_page_put(pt->mem, table);
}

/* May a page or block of @p level translate the beginning of what is left to map? */
static bool
fits(unsigned int level, uint64_t iova, uint64_t pa, uint64_t size)
{
	uint64_t bytes = UINT64_C(1) << level_shift(level);

	return level > 0 && ((iova | pa) & (bytes - 1)) == 0 && size >= bytes;
}

/* Map the largest piece that fits at @p iova. A table that small pages left behind stays, and what
 * lies below it gets smaller pieces. @return 0 with *bytes set, -EEXIST, -ENOMEM. */
static int
map_piece(struct lpae *pt, uint64_t iova, uint64_t pa, uint64_t size, uint64_t attr,
	  uint64_t *bytes)
{
	uint64_t *table = pt->root;

	for (unsigned int level = 0;; level++) {
		uint64_t *e = entry(table, level, iova);
		uint64_t v = load(e);

		if (v != 0 && !is_table(v, level))
			return -EEXIST;
		if (v == 0 && fits(level, iova, pa, size)) {
			store(e, pa | attr | (level == LEVELS - 1 ? LPAE_TABLE : 0));
			*bytes = UINT64_C(1) << level_shift(level);
			return 0;
		}
		table = next_table(pt, e, level);
		if (table == NULL)
			return -ENOMEM;
	}
}

int
lpae_map(struct lpae *pt, uint64_t iova, uint64_t pa, uint64_t size, uint64_t attr)
{
	uint64_t done = 0, bytes;

	while (done < size) {
		int ret = map_piece(pt, iova + done, pa + done, size - done, attr, &bytes);

		if (ret != 0) {
			if (done != 0)
				(void)lpae_unmap(pt, iova, done);
			return ret;
		}
		done += bytes;
	}
	return 0;
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

int
lpae_walk(const struct lpae *pt, uint64_t iova, uint64_t *pa)
{
	unsigned int level;
	uint64_t e = load(find(pt, iova, &level));
	uint64_t mask = (UINT64_C(1) << level_shift(level)) - 1;

	if ((e & LPAE_VALID) == 0 || iova >> 48 != 0)
		return -ENOENT;
	*pa = (e & LPAE_ADDR & ~mask) | (iova & mask);
	return 0;
}
