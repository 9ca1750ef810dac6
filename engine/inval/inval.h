/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Invalidate for a domain, wherever it may be cached: in the IOMMU, in the others that it is
 * behind, in devices. A domain with one IOMMU and no such device pays two loads for that.
 */
#ifndef INVAL_INVAL_H
#define INVAL_INVAL_H

#include "../object/domain.h"

/** Does any device of the domain cache translations (ATS)? A domain without one pays this load, and
 * no more. */
static inline bool
domain_has_ats(const struct sluice_domain *d)
{
	/* Relaxed: code that uses the list loads it anew (ats.c). After the IOMMU's invalidation:
	 * ats.h, 3c. */
	return __builtin_expect(atomic_load_explicit(&d->ats_list, memory_order_relaxed) != NULL, 0);
}

/**
 * Tell all devices of the domain what the IOMMU was told, and wait (ats.h). The IOMMU's
 * invalidation is complete. Any thread; of those without an lcore id one at a time in a domain.
 * @param n up to SLUICE_INV_BURST.
 * @return 0: no device can reach it any more (some may be in quarantine now); -ETIMEDOUT, -EIO: one
 *   may, and nothing may be reclaimed.
 */
int ats_inv_sync(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n);

/** Is the domain behind more than one IOMMU? A domain behind one pays this load alone. */
static inline bool
domain_multis(const struct sluice_domain *d)
{
	/* Relaxed: code that uses it loads it anew; multi.h, 3. */
	return __builtin_expect(atomic_load_explicit(&d->multi, memory_order_relaxed) != NULL, 0);
}

/** sluice_inv_sync() in all IOMMUs of the domain: issued to all, then waited for (multi.h, 1). */
int multi_inv_sync(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n);

/** Submit the flush that is about to be noted (flush_started()) in the other IOMMUs. Engine. */
void multi_start(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n);

/** Is the oldest flush complete in the other IOMMUs too? One that failed is begun again. Engine. */
bool multi_done(struct sluice_domain *d, uint64_t now);

/** Invalidate in the IOMMUs, and wait: but not for devices' own caches. @return as
 * sluice_inv_sync(). */
static inline int
domain_tlb_sync(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n)
{
	return domain_multis(d) ? multi_inv_sync(d, inv, n) : sluice_inv_sync(d->iommu, inv, n);
}

/** Invalidate and wait, until no device behind the domain can hold the translations: strict's
 * wait. */
static inline int
domain_inv_sync(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n)
{
	int ret = domain_tlb_sync(d, inv, n);

	return domain_has_ats(d) && ret == 0 ? ats_inv_sync(d, inv, n) : ret;
}

/**
 * Submit for the domain in one of its IOMMUs, if there is room. If not, the submission is put off
 * and counted, and the domain is polled again in the next turn. Engine.
 * @return what inv_try() returns.
 */
uint64_t domain_inv_try(struct sluice_domain *d, struct sluice_iommu *iommu,
			const struct sluice_inv *inv, unsigned int n);

#endif
