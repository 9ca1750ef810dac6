/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Strict mappings for a device that is not trusted (E5): a page that holds more than the buffer is
 * never shown to it.
 *
 * 1. The first or the last page of a buffer may hold something else besides. In the device's view
 *    it is replaced by a page of shadow memory (policy/copypool.h) that holds the buffer's bytes,
 *    at their place, and zeros. Whole pages in between are mapped as they are.
 * 2. An unmap is strict's: entries cleared, invalidation, SYNC. Only then are the bounced bytes
 *    copied back, if the device might write, and the pool page given up: nobody writes to it any
 *    more.
 * 3. Where there is no pool page left the map fails. It never falls back to the page itself.
 */
#ifndef ENGINE_BOUNCE_H
#define ENGINE_BOUNCE_H

#include "../object/domain.h"

/**
 * As sluice_map(). Bounced bytes must lie in the IOMMU's memory.
 * @return 0; -EINVAL; -ENOSPC no IOVA, or no pool page (copy_empty); -ENOMEM.
 */
int bounce_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
	       struct dom_lcore *dl);

/** As sluice_unmap(), strict. */
int bounce_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl);

/** What a domain with sluice_domain_conf.untrusted gets. It calls itself "strict". */
extern const struct policy_ops policy_strict_bounce;

#endif
