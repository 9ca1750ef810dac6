/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Changing a domain's policy while workers map and unmap.
 *
 * What callers get. sluice_domain_set_policy() stops no worker. At every moment the reported policy
 * promises no more than the unmaps that are being made keep. When the call returns 0 for a strict
 * policy, nothing that was unmapped before it is stale. When it fails, the old name goes on being
 * reported, unmaps may be strict already, and the call can be repeated.
 *
 * 1. To a policy with flush rings. Rings are set up, closed; then membarrier(2) makes every thread
 *    run a full barrier (epoch_barrier()); then policy, map and unmap are replaced; then the rings
 *    are opened. So a worker that sees the new policy sees whole rings, and until they are open its
 *    unmaps are strict. The reported name changes before the first unmap that is not strict.
 * 2. From a policy with flush rings. The rings are closed (ring.h, 8): from then on every unmap is
 *    strict, and none that is not is under way. What is queued is flushed and waited for. Then the
 *    policy is replaced: the reported name changes when nothing is stale any more.
 *
 *        to deferred: rings closed | barrier | name, map, unmap | rings opened | first deferred
 *        unmap to strict: rings closed | every unmap strict | drained | name, map, unmap
 *
 * 3. A worker may have loaded a pointer to the old policy's unmap and use it only now. The closing
 *    thread has left that worker's ring without room, and only the worker itself makes room again.
 *    So this call looks closer, and an unmap that promises less than the policy in force is done by
 *    the policy in force (ring_burst.h). No grace period is waited for. Without a barrier on every
 *    thread none of this is proven: then nothing is exchanged, and the old name goes on being
 *    reported. Batch and deadline become those of the new policy, where the caller asked for none,
 *    while the rings are closed.
 * 4. Rings stay for the life of the domain, and the engine goes on looking at them: a cookie
 *    that was not taken can still be taken, and IOVAs still come back through them.
 */
#include <errno.h>

#include "engine.h"
#include "../base/deadline.h"
#include "../base/wait.h"
#include "../policy/set.h"

int
flush_ring_close(struct flush_ring *r, struct sluice_iommu *iommu)
{
	struct deadline end = deadline_begin(&iommu->clock, 2 * iommu->sync_timeout);
	uint64_t begin;
	unsigned int turn = 0;
	int ret;

	RELAXED_SET(r->closed, true);
	/* From here on every look at closed sees it. */
	ret = epoch_barrier(); /* all-closed */
	RELAXED_SET(r->room_end, 0);
	ret = ret == 0 ? epoch_barrier() : ret; /* all-room */
	/* Without the barriers a put that is under way may not be visible: nothing is known then. */
	if (ret != 0)
		return ret;
	do {
		/* Pairs with rel-abort, or rel-tail. */
		begin = __atomic_load_n(&r->begin, __ATOMIC_ACQUIRE); /* acq-begin */
		if (begin == atomic_load_explicit(&r->tail_pub, memory_order_acquire)) /* acq-tail */
			return 0;
		sluice_wait_turn(iommu, ++turn);
	} while (!deadline_passed(&end));
	return -ETIMEDOUT;
}

void
flush_ring_open(struct flush_ring *r, bool cookies)
{
	RELAXED_SET(r->cookies_from, cookies ? r->tail : UINT64_MAX);
	__atomic_store_n(&r->closed, false, __ATOMIC_RELEASE); /* rel-open */
}

static void
rings_open(struct sluice_domain *d, const struct policy_ops *p)
{
	d->shut = false;
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		if (d->lc[i] != NULL && d->lc[i]->ring.cookie != NULL)
			flush_ring_open(&d->lc[i]->ring, p->unmap_async != NULL);
}

/* 2, first half. e->lock is held: workers neither come nor go. */
static int
rings_close(struct sluice_domain *d)
{
	int ret = 0, r;

	/* All rings, even when closing one of them fails: unmaps are to be strict. */
	d->shut = true;
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++) {
		r = d->lc[i] == NULL ? 0 : flush_ring_close(&d->lc[i]->ring, d->iommu);
		ret = ret != 0 ? ret : r;
	}
	return ret;
}

void
domain_publish(struct sluice_domain *d, const struct policy_ops *p)
{
	__atomic_store_n(&d->flush.eager, p->eager, __ATOMIC_RELAXED);
	__atomic_store_n(&d->policy, p, __ATOMIC_RELEASE);
	__atomic_store_n(&d->map, p->map, __ATOMIC_RELEASE);
	__atomic_store_n(&d->unmap, p->unmap, __ATOMIC_RELEASE);
}

/* Close the rings: unmaps are strict from now on; then flush what was queued. */
static int
leave(struct sluice_domain *d)
{
	struct sluice_engine *e = d->iommu->engine;
	int ret;

	if (!d->rings)
		return 0;
	pthread_mutex_lock(&e->lock);
	ret = rings_close(d);
	pthread_mutex_unlock(&e->lock);
	return ret == 0 ? domain_drain(d, SLUICE_FLUSH_SWITCH) : ret;
}

/* Set up rings, the first time, and have the engine look at them. */
static int
enter(struct sluice_domain *d)
{
	struct sluice_engine *e = d->iommu->engine;
	int ret = 0;

	if (d->rings)
		return 0;
	pthread_mutex_lock(&e->lock);
	ret = domain_rings_init(d);
	if (ret == 0) {
		ret = engine_view_replace(e);
		bitset_set(&e->due, d->slot);
		/* The engine does not look at the rings: there are none then, until the next
		 * try. */
		if (ret != 0)
			__atomic_store_n(&d->rings, false, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&e->lock);
	return ret;
}

int
sluice_domain_set_policy(struct sluice_domain *d, const char *name)
{
	if (d == NULL)
		return sluice_null("a domain");
	const struct policy_ops *p = name == NULL ? NULL : policy_find(d->set, name);
	const struct policy_ops *old = domain_policy(d);
	int ret = 0;

	if (p == NULL)
		return sluice_fail(EINVAL, "unknown policy '%s'", name == NULL ? "" : name);
	/* Before anything is closed: it could not be waited for. */
	if (engine_in_turn(d->iommu->engine))
		return sluice_fail(EAGAIN, "a callback of the engine cannot wait for it");
	p = policy_clamp(d->set, p, d->iommu);
	if (!p->live || !old->live)
		return sluice_fail(EBUSY, "%s to %s: not while the domain lives", old->name, p->name);
	pthread_mutex_lock(&d->lock);
	old = domain_policy(d);
	/* The same again, after a change that failed half-way: its rings are shut. */
	if (p != old || (p->ring && d->shut)) {
		/* Asked first, so that a refusal changes nothing (epoch.h, 5). */
		ret = epoch_barrier();
		/* Even from one to another with rings: their promises differ. */
		if (ret == 0)
			ret = p != old && old->ring ? leave(d) : 0;
		if (ret == 0 && p->ring)
			ret = enter(d);
		if (ret == 0)
			ret = epoch_barrier();
		if (ret == 0) {
			domain_defaults(d, p);
			domain_publish(d, p);
			/* Under the lock: a worker may have come while the rings were closed. */
			pthread_mutex_lock(&d->iommu->engine->lock);
			if (p->ring)
				rings_open(d, p);
			pthread_mutex_unlock(&d->iommu->engine->lock);
		}
	}
	pthread_mutex_unlock(&d->lock);
	if (ret == 0)
		return 0;
	return sluice_fail(-ret, "%s to %s: %s", old->name, p->name,
			   ret == -ENOMEM ? "no memory for flush rings" :
			   ret == -ENOTSUP ? "this system refuses membarrier(2) now, without which no "
					     "policy can be exchanged safely" :
					     "what was queued could not be flushed");
}
