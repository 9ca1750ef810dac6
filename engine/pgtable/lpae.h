/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * VMSAv8-64 stage-1 page tables (Arm DDI 0487 D8), 4 KiB granule, 4 levels, 48-bit input.
 * Tables are installed by compare-and-exchange: any lcore may need one, none waits.
 */
#ifndef PGTABLE_LPAE_H
#define PGTABLE_LPAE_H

#include "../mem.h"

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
 * Take the last-level table of the 2 MiB around @p iova out of the tables above it. Nothing is mapped
 * there, and nobody else changes that meanwhile. The hardware may know it until a SLUICE_INV_RANGE
 * without SLUICE_INV_LEAF is complete. @return it, or NULL: there is none.
 */
uint64_t *lpae_leaf_unlink(struct lpae *pt, uint64_t iova);

/** Free a table that was taken out. Nobody, and no hardware, looks at it any more. */
void lpae_table_free(struct lpae *pt, uint64_t *table);

/** Map with the largest blocks that fit. All or nothing. @return 0, -EEXIST, -ENOMEM. */
int lpae_map(struct lpae *pt, uint64_t iova, uint64_t pa, uint64_t size, uint64_t attr);

/** Unmap pages and whole blocks. All or nothing. @return 0, -ENOENT, -ERANGE (cuts a block). */
int lpae_unmap(struct lpae *pt, uint64_t iova, uint64_t size);

/** Translate. @return 0 with *pa set, -ENOENT. */
int lpae_walk(const struct lpae *pt, uint64_t iova, uint64_t *pa);

#endif
