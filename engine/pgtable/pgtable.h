/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A domain's page table, of whatever format: a radix tree whose levels are numbered as Arm does, the
 * last one 3. Tables are installed by compare-and-exchange: any lcore may need one, none waits.
 */
#ifndef PGTABLE_PGTABLE_H
#define PGTABLE_PGTABLE_H

#include "../base/mem.h"
#include "format.h"

#define PGTABLE_LEVELS 4u

/** A domain's tables. */
struct pgtable {
	const struct pt_format *fmt;
	struct sluice_mem *mem;
	struct sluice_mem_span span;
	uint64_t *root;
	uint64_t root_pa;
	size_t root_size;        /* bytes; more than a table's when root tables lie side by side */
	uint8_t start;           /* the root's level */
	uint8_t ias;             /* input address bits */
	_Atomic uint64_t tables; /* tables held, of 2^page_shift bytes each; the root counts as one */
	_Atomic uint64_t freed;  /* how many were freed, ever: pgtable_walk() */
};

/** Addresses [from, upto) that others map in: no table that translates any of them is cut. */
struct pgtable_keep {
	uint64_t from, upto;
};

/** A table that was taken out of the tables above it: where it hung, and what was there. */
struct pgtable_cut {
	uint64_t *entry, value;
};

/** An empty table of @p ias input address bits. @return 0 or -ENOMEM. */
int pgtable_init(struct pgtable *pt, struct sluice_mem *mem, const struct pt_format *fmt,
		 unsigned int ias);

/** Free every table. The hardware must not use them any more. */
void pgtable_fini(struct pgtable *pt);

/**
 * The entry of the last level that translates @p iova, in a table that is made if need be.
 * @return NULL: out of memory, or a block is in the way.
 */
uint64_t *pgtable_leaf_entry(struct pgtable *pt, uint64_t iova);

/**
 * Take the last-level table around @p iova out of the tables above it. Nothing is
 * mapped there, and nobody else changes that meanwhile. The hardware may know it until a
 * SLUICE_INV_RANGE without SLUICE_INV_LEAF is complete. @return it, or NULL: there is none.
 */
uint64_t *pgtable_leaf_unlink(struct pgtable *pt, uint64_t iova);

/** Undo that: the same table in the same place, whether the hardware still knows it or not. */
void pgtable_leaf_relink(struct pgtable *pt, uint64_t iova, const uint64_t *table);

/** Free a table that was taken out. Nobody, and no hardware, looks at it any more. */
void pgtable_table_free(struct pgtable *pt, uint64_t *table);

/**
 * Map with the largest blocks that fit. All or nothing: what is in the way, and whether there are
 * tables enough, is known before the first entry is written, so that a failure was never visible to
 * hardware. @return 0, -EEXIST, -ENOMEM.
 */
int pgtable_map(struct pgtable *pt, uint64_t iova, uint64_t pa, uint64_t size, uint64_t attr);

/** Unmap pages and whole blocks. All or nothing. @return 0, -ENOENT, -ERANGE (cuts a block). */
int pgtable_unmap(struct pgtable *pt, uint64_t iova, uint64_t size);

/**
 * Take tables that translate some of [iova, iova+size) and hold nothing out of those above them.
 * Nobody else maps there meanwhile. The hardware may know them until a SLUICE_INV_RANGE of all of it
 * without SLUICE_INV_LEAF is complete; until pgtable_cut_end() nothing may be mapped there.
 * @return how many, up to @p n; when it is @p n there may be more.
 */
unsigned int pgtable_cut_empty(struct pgtable *pt, uint64_t iova, uint64_t size,
			    const struct pgtable_keep *keep, struct pgtable_cut *cut, unsigned int n);

/** Free what was taken out; or, if hardware may still know it, put it back where it was. */
void pgtable_cut_end(struct pgtable *pt, const struct pgtable_cut *cut, unsigned int n, bool unknown);

/** Translate. Any thread, also while tables are freed. @return 0 with *pa set, -ENOENT. */
int pgtable_walk(const struct pgtable *pt, uint64_t iova, uint64_t *pa);

#endif
