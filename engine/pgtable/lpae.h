/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * VMSAv8-64 stage-1 page tables (Arm DDI 0487 D8), 4 KiB granule, 4 levels, 48-bit input.
 * Tables are installed by compare-and-exchange: any lcore may need one, none waits.
 */
#ifndef PGTABLE_LPAE_H
#define PGTABLE_LPAE_H

#include "../base/mem.h"

#define LPAE_ENTRIES   512u
#define LPAE_VALID     (UINT64_C(1) << 0)
#define LPAE_TABLE     (UINT64_C(1) << 1) /* levels 0-2: table; level 3: page */
#define LPAE_ATTR(i)   ((uint64_t)(i) << 2)
#define LPAE_AP_UNPRIV (UINT64_C(1) << 6)
#define LPAE_AP_RO     (UINT64_C(1) << 7)
#define LPAE_SH_INNER  (UINT64_C(3) << 8)
#define LPAE_AF        (UINT64_C(1) << 10)
#define LPAE_NG        (UINT64_C(1) << 11)
#define LPAE_XN        (UINT64_C(3) << 53)
#define LPAE_ADDR      UINT64_C(0x0000fffffffff000)

/* Software bits (58:55 are ignored by hardware): where one mapping begins and ends, so that an
 * unmap can tell that it names exactly one whole mapping without any table beside this one. */
#define LPAE_SW_FIRST (UINT64_C(1) << 55)
#define LPAE_SW_LAST  (UINT64_C(1) << 56)

/* MAIR index of normal write-back memory; the backend's MAIR must agree (attr 1 = 0xff). */
#define LPAE_MAIR_IDX_WB 1

struct lpae {
	struct sluice_mem *mem;
	struct sluice_mem_span span;
	uint64_t *root;
	uint64_t root_pa;
	_Atomic uint64_t tables; /* table pages held, root included */
	_Atomic uint64_t freed;  /* how many were freed, ever: lpae_walk() */
};

/** Addresses [from, upto) that others map in: no table that translates any of them is cut. */
struct lpae_keep {
	uint64_t from, upto;
};

/** A table that was taken out of the tables above it: where it hung, and what was there. */
struct lpae_cut {
	uint64_t *entry, value;
};

/** @return 0 or -ENOMEM. */
int lpae_init(struct lpae *pt, struct sluice_mem *mem);

/** Free every table. The hardware must not use them any more. */
void lpae_fini(struct lpae *pt);

/** Attributes of a page or block for SLUICE_READ / SLUICE_RW; valid bit included, type bit not. */
uint64_t lpae_attr(unsigned int prot);

/**
 * The last-level table that translates the 2 MiB around @p iova, made if need be.
 * @return NULL: out of memory, or a block is in the way.
 */
uint64_t *lpae_leaf_table(struct lpae *pt, uint64_t iova);

/**
 * Take the last-level table of the 2 MiB around @p iova out of the tables above it. Nothing is
 * mapped there, and nobody else changes that meanwhile. The hardware may know it until a
 * SLUICE_INV_RANGE without SLUICE_INV_LEAF is complete. @return it, or NULL: there is none.
 */
uint64_t *lpae_leaf_unlink(struct lpae *pt, uint64_t iova);

/** Undo that: the same table in the same place, whether the hardware still knows it or not. */
void lpae_leaf_relink(struct lpae *pt, uint64_t iova, const uint64_t *table);

/** Free a table that was taken out. Nobody, and no hardware, looks at it any more. */
void lpae_table_free(struct lpae *pt, uint64_t *table);

/**
 * Map with the largest blocks that fit. All or nothing: what is in the way, and whether there are
 * tables enough, is known before the first entry is written, so that a failure was never visible to
 * hardware. @return 0, -EEXIST, -ENOMEM.
 */
int lpae_map(struct lpae *pt, uint64_t iova, uint64_t pa, uint64_t size, uint64_t attr);

/** Unmap pages and whole blocks. All or nothing. @return 0, -ENOENT, -ERANGE (cuts a block). */
int lpae_unmap(struct lpae *pt, uint64_t iova, uint64_t size);

/**
 * Take tables that translate some of [iova, iova+size) and hold nothing out of those above them.
 * Nobody else maps there meanwhile. The hardware may know them until a SLUICE_INV_RANGE of all of it
 * without SLUICE_INV_LEAF is complete; until lpae_cut_end() nothing may be mapped there.
 * @return how many, up to @p n; when it is @p n there may be more.
 */
unsigned int lpae_cut_empty(struct lpae *pt, uint64_t iova, uint64_t size,
			    const struct lpae_keep *keep, struct lpae_cut *cut, unsigned int n);

/** Free what was taken out; or, if hardware may still know it, put it back where it was. */
void lpae_cut_end(struct lpae *pt, const struct lpae_cut *cut, unsigned int n, bool unknown);

/** Translate. Any thread, also while tables are freed. @return 0 with *pa set, -ENOENT. */
int lpae_walk(const struct lpae *pt, uint64_t iova, uint64_t *pa);

#endif
