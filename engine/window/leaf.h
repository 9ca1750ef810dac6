/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * From a page of the window to its last-level entry, without a walk. This is the same for every
 * page-table format, because a chunk has 512 entries in all of them.
 */
#ifndef WINDOW_LEAF_H
#define WINDOW_LEAF_H

#include "../object/domain.h"

/* The last-level table of a page. A relaxed load is enough: a caller that got the IOVA from the
 * allocator got the table with it (iova.c, 3); a caller with an invented IOVA sees the table or
 * NULL. */
static inline uint64_t *
domain_leaf(const struct sluice_domain *d, uint32_t pfn)
{
	uint64_t *const *leaf = (uint64_t *const *)(const void *)d->leaf; /* relaxed.h */

	return RELAXED_GET(leaf[pfn / IOVA_CHUNK_PAGES]);
}

static inline uint64_t *
domain_pte(const struct sluice_domain *d, uint32_t pfn)
{
	return &domain_leaf(d, pfn)[pfn % IOVA_CHUNK_PAGES];
}

#endif
