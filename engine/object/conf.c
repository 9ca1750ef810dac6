/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A domain's settings: defaults in, nonsense out.
 */
#include <errno.h>
#include <inttypes.h>

#include "conf.h"
#include "../inval/mirror.h"
#include "../policy/policy.h"

/* Look at the rings this often, within 1 … 4 µs (ring.h, 7): often enough for the stale window
 * to be known to a few microseconds, seldom enough not to disturb the worker's cache line. */
#define LOOK_MIN_NS 1000u
#define LOOK_MAX_NS 4000u

#define RING_MAX     (1u << 20)
#define RING_DEFAULT (4 * SLUICE_BATCH_DEFAULT) /* at least: a policy with larger batches may follow */

/* A policy's defaults. */
uint32_t
batch_of(const struct policy_ops *p)
{
	return p->batch != 0 ? p->batch : SLUICE_BATCH_DEFAULT;
}

uint32_t
deadline_of(const struct policy_ops *p)
{
	return p->deadline_us != 0 ? p->deadline_us : SLUICE_DEADLINE_US_DEFAULT;
}

/* Defaults in, nonsense out. */
int
conf_check(struct sluice_domain_conf *c, const struct policy_ops *p,
	   const struct sluice_iommu *iommu)
{
	const uint64_t chunk = UINT64_C(2) << 20;

	if (aperture_fit(c, iommu) != 0)
		return -EINVAL;
	c->batch = c->batch != 0 ? c->batch : batch_of(p);
	c->ring = c->ring != 0 ? c->ring : RTE_MAX(4 * c->batch, RING_DEFAULT);
	c->deadline_us = c->deadline_us != 0 ? c->deadline_us : deadline_of(p);
	c->range_max = c->range_max != 0 ? c->range_max : SLUICE_RANGE_MAX_DEFAULT;
	c->copy_pool = c->copy_pool != 0 ? c->copy_pool : SLUICE_COPY_POOL_DEFAULT;
	c->keep_max = c->keep_max != 0 ? c->keep_max : SLUICE_KEEP_MAX_DEFAULT;
	if (c->copy_pool % 4096 != 0 || c->copy_pool > UINT64_C(1) << 30)
		return sluice_fail(EINVAL, "copy_pool %" PRIu64 ": a multiple of 4096 up to 1 GiB",
				   c->copy_pool);
	if (c->copy_max > SLUICE_COPY_MAX || c->copy_max_read > SLUICE_COPY_MAX)
		return sluice_fail(EINVAL, "copy_max %u, copy_max_read %u: up to %u", c->copy_max,
				   c->copy_max_read, SLUICE_COPY_MAX);
	if (c->keep_max > SLUICE_KEEP_MAX)
		return sluice_fail(EINVAL, "keep_max %u: up to %u", c->keep_max, SLUICE_KEEP_MAX);
	if (!rte_is_power_of_2(c->batch) || c->batch > RING_MAX / 4)
		return sluice_fail(EINVAL, "batch %u: a power of two up to %u", c->batch, RING_MAX / 4);
	if (!rte_is_power_of_2(c->ring) || c->ring < c->batch || c->ring > RING_MAX)
		return sluice_fail(EINVAL, "ring %u: a power of two from the batch (%u) to %u", c->ring,
				   c->batch, RING_MAX);
	if (c->iova_base % chunk != 0 || c->iova_size % chunk != 0 ||
	    c->iova_size / chunk > BITSET_MAX || c->iova_base >> iommu->info.ias != 0 ||
	    (c->iova_base + c->iova_size - 1) >> iommu->info.ias != 0)
		return sluice_fail(EINVAL,
				   "IOVA window %#" PRIx64 "+%#" PRIx64
				   ": multiples of 2 MiB, at most 512 GiB, within %u bits",
				   c->iova_base, c->iova_size, iommu->info.ias);
	return 0;
}

void
deadline_set(struct sluice_domain *d, uint32_t us)
{
	uint64_t look_ns = RTE_MAX(us * UINT64_C(1000) / 16, LOOK_MIN_NS);

	look_ns = RTE_MIN(look_ns, LOOK_MAX_NS);
	atomic_store_explicit(&d->flush.look_every, sluice_clock_from_ns(&d->iommu->clock, look_ns),
			      memory_order_relaxed);
	atomic_store_explicit(&d->flush.deadline,
			      sluice_clock_from_ns(&d->iommu->clock, us * UINT64_C(1000)),
			      memory_order_relaxed);
}
