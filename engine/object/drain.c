/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Everything that is queued in a domain, flushed and waited for: a control call, beside workers
 * that go on. It is a wait for the flush queues (flush_wait.c) with another cause; what it adds is
 * that it asks nothing of the engine where nothing is queued.
 */
#include <errno.h>

#include "engine.h"
#include "../policy/policy.h"

/* Is everything that was put into the workers' rings released? The lock keeps lc[] as it is. */
static bool
rings_empty(struct sluice_domain *d)
{
	bool empty = true;

	pthread_mutex_lock(d->lc_lock);
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		empty = empty && (d->lc[i] == NULL ||
				  atomic_load_explicit(&d->lc[i]->ring.released, memory_order_acquire) >=
				  atomic_load_explicit(&d->lc[i]->ring.tail_pub, memory_order_acquire));
	pthread_mutex_unlock(d->lc_lock);
	return empty;
}

int
domain_drain(struct sluice_domain *d, enum sluice_flush_cause cause)
{
	/* Acquire: pairs with domain_rings_init(); a drain may come at any time. A policy with a
	 * queue of its own has no rings. */
	bool rings = __atomic_load_n(&d->rings, __ATOMIC_ACQUIRE);

	if (!rings && !domain_policy(d)->flush_waits)
		return 0;
	return rings && rings_empty(d) ? 0 : domain_flush_wait(d, cause);
}

int
sluice_domain_drain(struct sluice_domain *d)
{
	if (d == NULL)
		return sluice_null("a domain");
	const struct policy_ops *p = domain_policy(d);

	return p->drain != NULL ? p->drain(d) : domain_drain(d, SLUICE_FLUSH_DRAIN);
}
