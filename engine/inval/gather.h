/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * From what was unmapped to what is invalidated: pages become ranges, neighbours in a row one
 * range, and too many ranges the whole address space (A16).
 */
#ifndef INVAL_GATHER_H
#define INVAL_GATHER_H

#include "../object/domain.h"

/**
 * One more mapping of @p pages at page @p pfn of the window.
 * @param inv what was gathered so far, *n entries; at most @p max.
 * @return false: it would be one range too many, and nothing changed.
 */
static inline bool
gather_add(const struct sluice_domain *d, struct sluice_inv *inv, unsigned int *n, unsigned int max,
	   uint32_t pfn, uint32_t pages)
{
	uint64_t iova = domain_iova(d, pfn);
	uint32_t of_4k = (uint32_t)domain_pages_4k(d, pages);

	if (*n > 0 && inv[*n - 1].iova + ((uint64_t)inv[*n - 1].pages << 12) == iova) {
		inv[*n - 1].pages += of_4k;
		return true;
	}
	if (*n == max)
		return false;
	inv[(*n)++] = (struct sluice_inv){ .head = d->inv_leaf, .pages = of_4k, .iova = iova };
	return true;
}

/** Everything, instead. @return 1, the number of entries. */
static inline unsigned int
gather_all(const struct sluice_domain *d, struct sluice_inv *inv)
{
	inv[0] = domain_inv_all(d);
	return 1;
}

#endif
