/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Memory that is mapped once and stays mapped until the domain is destroyed: what static and
 * hugepool share. A caller's map is an addition and its unmap a check against a book; neither
 * changes an entry (but for the first use of a page of region 0) or invalidates anything.
 *
 * 1. A region is a piece of physical memory with a place of the same length in the window, so an
 *    IOVA is the physical address plus a constant. Each region has two places, one read-only and
 *    one writable, so a protection is chosen by the place and no entry changes.
 * 2. Region 0 is all memory of the IOMMU (sluice_iommu_mem_alloc()). A page of it is mapped when it
 *    is first needed: a device must not see all of it, since queues and page tables are there too.
 *    If two workers map the same page at the same time, they store the same entry.
 * 3. Other regions are added by sluice_domain_pool() and are mapped at once. They are searched
 *    first. Regions are only ever added: a release store of their number publishes a new one.
 * 4. An unmap changes no entry; it only updates the book. One word for each page and place holds
 *    how many mappings begin there, and the sum of their lengths and offsets. So an unmap is
 *    checked exactly where one mapping begins in a page; where several do, what is impossible is
 *    refused.
 */
#ifndef POLICY_POOL_H
#define POLICY_POOL_H

#include "../object/domain.h"

#define POOL_REGIONS 64u

struct pool_region {
	uint64_t pa, len;           /* whole pages */
	uint64_t iova[2];           /* IOVAs of pa: read-only, writable */
	_Atomic uint64_t *book[2];  /* [len / page] 4: read-only, writable */
};

/** What a domain has: d->priv. */
struct pool {
	_Atomic uint32_t n;
	/* Control calls write it under d->lock; any thread reads it, relaxed. */
	uint64_t pool_bytes;
	_Atomic uint64_t lazy_pages; /* pages of region 0 that are mapped; any worker adds */
	bool blocks; /* map pools with the largest blocks that fit */
	struct pool_region region[POOL_REGIONS];
};

int pool_init_pages(struct sluice_domain *d);
int pool_init_blocks(struct sluice_domain *d);
void pool_fini(struct sluice_domain *d);
/** policy_ops.pool. */
int pool_add(struct sluice_domain *d, uint64_t pa, uint64_t len);
void pool_stats(const struct sluice_domain *d, struct sluice_domain_stats *st);
int pool_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
	     struct dom_lcore *dl);
int pool_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl);

#endif
