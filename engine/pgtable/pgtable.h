/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A domain's page table, in any format: a radix tree with Arm's numbers for its levels; the last
 * one is 3. Any lcore may add a table, by compare-and-exchange and without waiting.
 */
#ifndef PGTABLE_PGTABLE_H
#define PGTABLE_PGTABLE_H

#include "../base/mem.h"
#include "format.h"

/** A domain's tables. */
struct pgtable {
	const struct pt_format *fmt;
	struct sluice_mem *mem;
	struct sluice_mem_span span;
	uint64_t *root;
	uint64_t root_pa;
	size_t root_size;        /* bytes; more than one table's if root tables are concatenated */
	uint8_t start;           /* the root's level */
	uint8_t ias;             /* input address bits */
	uint8_t blocks;          /* bit l: an entry of level l may map a block */
	_Atomic uint64_t tables; /* tables held, 2^page_shift bytes each; the root counts as one */
	_Atomic uint64_t freed;  /* tables freed so far: pgtable_walk() */
};

/** Addresses [from, upto) where other threads map: no table that translates any of them is cut. */
struct pgtable_keep {
	uint64_t from, upto;
};

/** A table that was cut: the entry that pointed to it, and the value of that entry. */
struct pgtable_cut {
	uint64_t *entry, value;
};

/** Make an empty table for @p ias input address bits. @param blocks pt_format_blocks().
 * @return 0 or -ENOMEM. */
int pgtable_init(struct pgtable *pt, struct sluice_mem *mem, const struct pt_format *fmt,
		 unsigned int ias, uint8_t blocks);

/** Free every table. The hardware must not use them any more. */
void pgtable_fini(struct pgtable *pt);

/**
 * The last-level entry that translates @p iova. Its table is made if there is none.
 * @return NULL: out of memory, or a block is in the way.
 */
uint64_t *pgtable_leaf_entry(struct pgtable *pt, uint64_t iova);

/**
 * Unlink the last-level table around @p iova from its parent. Nothing may be mapped there, and no
 * other thread may map there meanwhile. The hardware may know the table until a SLUICE_INV_RANGE
 * without SLUICE_INV_LEAF is complete. @return the table, or NULL: there is none.
 */
uint64_t *pgtable_leaf_unlink(struct pgtable *pt, uint64_t iova);

/** Link it again, at the same place; the hardware may or may not still know it. */
void pgtable_leaf_relink(struct pgtable *pt, uint64_t iova, const uint64_t *table);

/** Free an unlinked table. No thread and no hardware may look at it any more. */
void pgtable_table_free(struct pgtable *pt, uint64_t *table);

/**
 * Map with the largest blocks that fit. All or nothing: conflicts and missing tables are found
 * before the first entry is written, so the hardware never sees part of a map that fails.
 * @return 0, -EEXIST, -ENOMEM.
 */
int pgtable_map(struct pgtable *pt, uint64_t iova, uint64_t pa, uint64_t size, uint64_t attr);

/** Unmap pages and whole blocks. All or nothing. @return 0, -ENOENT, -ERANGE (it cuts a block). */
int pgtable_unmap(struct pgtable *pt, uint64_t iova, uint64_t size);

/**
 * Cut tables that translate part of [iova, iova+size) and are empty: unlink them from their
 * parents. Until pgtable_cut_end() no thread may map there. The hardware may know the tables until
 * a SLUICE_INV_RANGE of all of it without SLUICE_INV_LEAF is complete.
 * @return how many, up to @p n; if it is @p n, there may be more.
 */
unsigned int pgtable_cut_empty(struct pgtable *pt, uint64_t iova, uint64_t size,
			    const struct pgtable_keep *keep, struct pgtable_cut *cut, unsigned int n);

/** Free the cut tables; or put them back, if the hardware may still know them (not @p unknown). */
void pgtable_cut_end(struct pgtable *pt, const struct pgtable_cut *cut, unsigned int n, bool unknown);

/** Translate. Any thread may call it, also while tables are freed. @return 0 with *pa set;
 * -ENOENT. */
int pgtable_walk(const struct pgtable *pt, uint64_t iova, uint64_t *pa);

#endif
