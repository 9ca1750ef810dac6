/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Everything that is queued in a domain, flushed and waited for: a control call, beside workers that
 * go on.
 */
#include <errno.h>

#include "engine.h"
#include "../flush/flush.h"
#include "../policy/policy.h"

/* Where each worker's ring ends now: upto[RTE_MAX_LCORE]. */
static void
mark(const struct sluice_domain *d, uint64_t *upto)
{
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		upto[i] = d->lc[i] == NULL ? 0 :
			  atomic_load_explicit(&d->lc[i]->ring.tail_pub, memory_order_acquire);
}

/* Is everything before the marks released? */
static bool
reached(const struct sluice_domain *d, const uint64_t *upto)
{
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		/* A ring shorter than its mark is another one: the worker left, drained, and came back. */
		if (d->lc[i] != NULL &&
		    atomic_load_explicit(&d->lc[i]->ring.released, memory_order_acquire) < upto[i] &&
		    atomic_load_explicit(&d->lc[i]->ring.tail_pub, memory_order_acquire) >= upto[i])
			return false;
	return true;
}

int
domain_drain(struct sluice_domain *d, enum sluice_flush_cause cause)
{
	struct sluice_iommu *iommu = d->iommu;
	uint64_t start = sluice_clock_ticks(&iommu->clock), polls = d->wait->turns(d);
	uint64_t upto[RTE_MAX_LCORE];
	bool done;
	int ret = 0;

	/* Acquire: pairs with domain_rings_init(); a drain may come at any time. */
	if (!__atomic_load_n(&d->rings, __ATOMIC_ACQUIRE))
		return 0;
	/* What is queued now; others may go on queuing. The lock keeps lc[] as it is: workers come
	 * and go under it. */
	pthread_mutex_lock(d->lc_lock);
	mark(d, upto);
	pthread_mutex_unlock(d->lc_lock);
	/* Wishes are counted: several may drain at once. */
	atomic_fetch_add_explicit(&d->flush.wishes, flush_wish(cause), memory_order_release);
	bitset_set(d->due, d->slot);
	for (unsigned int turn = 1; ret == 0; turn++) {
		pthread_mutex_lock(d->lc_lock);
		done = reached(d, upto);
		pthread_mutex_unlock(d->lc_lock);
		if (done)
			break;
		if (d->wait->turn(d, turn) != 0)
			ret = sluice_fail(EAGAIN, "a callback of the engine cannot wait for it");
		else if (sluice_clock_ticks(&iommu->clock) - start > 2 * iommu->sync_timeout)
			ret = d->wait->failed(d, polls, ETIMEDOUT);
	}
	atomic_fetch_sub_explicit(&d->flush.wishes, flush_wish(cause), memory_order_release);
	return ret;
}

int
sluice_domain_drain(struct sluice_domain *d)
{
	if (d == NULL)
		return sluice_null("a domain");
	const struct policy_ops *p = domain_policy(d);

	return p->drain != NULL ? p->drain(d) : domain_drain(d, SLUICE_FLUSH_DRAIN);
}
