/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Memory that is mapped once and stays mapped until the domain goes: what static and hugepool
 * share.
 *
 * 1. A region is a piece of physical memory with its place in the window, as long as itself: an
 *    IOVA is the physical address plus a constant, so that a map is an addition. It has two such
 *    places, one for reading only and one for both, so that protections hold with nothing to
 *    change.
 * 2. Region 0 is all memory of the IOMMU (sluice_iommu_mem_alloc()). Of it, a page is mapped when
 *    it is needed for the first time, for not all of it may be shown to a device: queues and page
 *    tables lie there. Whoever maps the same page at the same time stores the same entry.
 * 3. Others are told of by sluice_domain_pool() and are mapped at once. They are found first.
 *    Regions are only ever added: a release store of their number publishes one.
 * 4. An unmap changes no entry. All it does is to keep the book: one word for each page and place
 *    says how many mappings begin there, and the sum of what each of them is (length and
 *    offset). So an unmap is checked exactly where one mapping begins in a page, and where several
 *    do, what cannot be is refused.
 */
#ifndef POLICY_POOL_H
#define POLICY_POOL_H

#include "../object/domain.h"

#define POOL_REGIONS 64u

struct pool_region {
	uint64_t pa, len;           /* whole pages */
	uint64_t iova[2];           /* of pa, by writable */
	_Atomic uint64_t *book[2];  /* [len / page] 4, by writable */
};

/** What a domain has: d->priv. */
struct pool {
	_Atomic uint32_t n;
	/* Control calls, d->lock; readers: anybody, relaxed. */
	uint64_t pool_bytes;
	_Atomic uint64_t lazy_pages; /* of region 0, by whoever maps one for the first time */
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
