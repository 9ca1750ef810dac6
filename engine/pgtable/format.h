/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A page-table format as data, for the control path, which is compiled once for all formats.
 */
#ifndef PGTABLE_FORMAT_H
#define PGTABLE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "../driver.h"

/** Levels have Arm's numbers, 0 to 3; entries of the last one, 3, map pages. */
#define PGTABLE_LEVELS 4u

/** A format whose tables are a radix tree of 64-bit entries. */
struct pt_format {
	const char *name; /**< "lpae-s1-4k", for sluice_domain_conf.format */
	enum sluice_format id;
	uint8_t page_shift;   /**< log2 of the page, and of a table's size */
	uint8_t level_bits;   /**< address bits that one level resolves */
	uint8_t block_levels; /**< bit l: an entry of level l may map a block (3 maps pages) */
	uint8_t concat_bits;  /**< up to 2^this concatenated root tables replace a level */
	uint64_t addr;        /**< the bits of an entry that hold the address */
	uint64_t valid;       /**< in every entry that is not empty; an empty one is 0 */
	uint64_t table;       /**< an entry that points to a table: all of it but the address */
	uint64_t one;         /**< in a last-level entry that is a whole mapping */
	/** Attributes of a page or block for SLUICE_READ / SLUICE_RW; valid bit included, page or
	 * block not. */
	uint64_t (*attr)(unsigned int prot);
	uint64_t page;        /**< in a page's entry, beside attr() */
	uint64_t block;       /**< in a block's entry, beside attr(); not in a table's */
	uint8_t stage;        /**< 1 or 2 */
	uint8_t least_levels; /**< however few the address bits are; 2 or more */
	bool ias_within_oas;  /**< input addresses have no more bits than physical ones */
};

/** The format with that number. */
const struct pt_format *pt_format_get(enum sluice_format id);

/** The format with that name, or NULL. */
const struct pt_format *pt_format_find(const char *name);

/**
 * The format with the name asked for, or (NULL) the first one that the hardware walks.
 * @return NULL with sluice_fail() called: EINVAL: no such name; ENOTSUP: not on this hardware.
 */
const struct pt_format *pt_format_choose(const struct sluice_iommu *iommu, const char *name);

/** Level of the root table for @p ias input bits: as few levels as possible (DDI 0487 D8.2). */
unsigned int pt_format_start(const struct pt_format *f, unsigned int ias);

/** Those of block_levels whose blocks @p iommu has (sluice_iommu_info.page_sizes). */
uint8_t pt_format_blocks(const struct pt_format *f, const struct sluice_iommu *iommu);

/** Chunks of the IOVA space whose entries one last-level table holds. */
static inline uint32_t
pt_format_chunks(const struct pt_format *f)
{
	return 1u << (f->level_bits - 9);
}

/** Input address bits of a table behind @p iommu: what its hardware takes, and the levels have. */
static inline uint8_t
pt_format_ias(const struct pt_format *f, const struct sluice_iommu *iommu)
{
	unsigned int most = f->page_shift + PGTABLE_LEVELS * f->level_bits;

	most = RTE_MIN(most, f->ias_within_oas ? iommu->info.oas : most);
	return (uint8_t)RTE_MIN(most, iommu->info.ias);
}

/** Bytes that one last-level table translates; a window is a multiple of this. */
static inline uint64_t
pt_format_reach(const struct pt_format *f)
{
	return UINT64_C(1) << (f->page_shift + f->level_bits);
}

#endif
