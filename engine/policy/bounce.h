/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Strict mappings for a device that is not trusted (E5). The device never sees a page that holds
 * more than the buffer. Callers map and unmap as with strict; a map can fail for lack of pool
 * pages.
 *
 * 1. The first or the last page of a buffer may hold other data too. For the device such a page is
 *    replaced by a page of shadow memory (policy/copypool.h) with the buffer's bytes at the same
 *    offset, and zeros. The whole pages in between are mapped as they are.
 * 2. An unmap works as with strict: clear the entries, invalidate, SYNC. Only then, when the device
 *    can no longer write, are the bounced bytes copied back, if the protection allows writing, and
 *    the pool page is given up.
 * 3. If no pool page is left, the map fails. It never falls back to the page itself.
 */
#ifndef ENGINE_BOUNCE_H
#define ENGINE_BOUNCE_H

#include "../object/domain.h"

/**
 * sluice_map() for such a device. Bounced bytes must lie in the IOMMU's memory.
 * @return 0; -EINVAL; -ENOSPC: no IOVA, or no pool page (copy_empty); -ENOMEM.
 */
int bounce_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
	       struct dom_lcore *dl);

/** sluice_unmap(), strictly. */
int bounce_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl);

/** The policy of a domain with sluice_domain_conf.untrusted. Its name is "strict". */
extern const struct policy_ops policy_strict_bounce;

#endif
