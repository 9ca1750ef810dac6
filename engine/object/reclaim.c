/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Memory for a control call that finds none: page tables that other domains keep (A20).
 *
 * What callers get. sluice_domain_create(), sluice_iommu_mem_alloc() and sluice_worker_register()
 * fail with ENOMEM only after every domain of that memory has been trimmed and the call was
 * tried once more. No lock is held while a trim waits, and a domain is not freed under a trim.
 *
 * 1. A trim waits for hardware and for workers. So no lock is held meanwhile, neither the engine's
 *    nor the caller's domain's: two threads that trim each other's domains would wait for ever.
 * 2. The trimming thread pins a domain, under the engine's lock. The destroying thread marks it
 *    `leaving` under the same lock, and waits until no thread has it pinned; later trims pass it
 *    by. So a pinned domain stays in the list, and the walk goes on from it.
 * 3. Not from a callback of the engine: a trim may wait for the engine there.
 * 4. Nor from a map, though a map may be short of a table, too. What a trim takes (a SYNC, workers
 *    that move, a lock of control calls) is too long for a map to wait for on behalf of another
 *    domain. Instead, creating a domain makes sure that its first map finds what it needs.
 *
 *        trimming thread                destroying thread
 *        lock; pins++; unlock
 *        trim: waits                    lock; leaving; pins != 0: unlock, wait
 *        lock; pins--; next; unlock     lock; pins == 0: go on; unlock
 */
#include <errno.h>
#include <stdio.h>

#include <rte_errno.h>

#include "engine.h"
#include "../base/mem.h"
#include "../window/trim.h"

/* Pages that a new domain and its first map are to find: a table of each level, and some more. */
#define TABLES_MIN 16u

unsigned int
tables_reclaim(struct sluice_iommu *iommu)
{
	struct sluice_engine *e = iommu->engine;
	struct sluice_domain *d, *next;
	unsigned int freed = 0;
	char line[512];
	int err = rte_errno;
	bool said = false;

	if (e == NULL || engine_in_turn(e)) /* 3 */
		return 0;
	snprintf(line, sizeof(line), "%s", sluice_error());
	pthread_mutex_lock(&e->lock);
	for (d = TAILQ_FIRST(&e->domains); d != NULL; d = next) {
		if (!d->leaving && d->iommu->mem == iommu->mem) {
			int n;

			d->pins++; /* 2 */
			pthread_mutex_unlock(&e->lock); /* 1 */
			n = sluice_domain_trim(d);
			freed += n > 0 ? (unsigned int)n : 0;
			said |= n < 0;
			pthread_mutex_lock(&e->lock);
			d->pins--;
		}
		next = TAILQ_NEXT(d, next);
	}
	pthread_mutex_unlock(&e->lock);
	/* What was short is the caller's error, not that a trim did not help. */
	if (said)
		(void)sluice_fail(err, "%s", line);
	rte_errno = err;
	return freed;
}

int
tables_leave(struct sluice_domain *d)
{
	struct sluice_engine *e = d->iommu->engine;
	int ret = 0;

	pthread_mutex_lock(&e->lock);
	d->leaving = true;
	for (unsigned int turn = 1; ret == 0 && d->pins != 0; turn++) {
		pthread_mutex_unlock(&e->lock);
		ret = engine_wait_turn(d, turn);
		pthread_mutex_lock(&e->lock);
	}
	d->leaving = ret == 0;
	pthread_mutex_unlock(&e->lock);
	return ret;
}

void
tables_stay(struct sluice_domain *d)
{
	pthread_mutex_lock(&d->iommu->engine->lock);
	d->leaving = false;
	pthread_mutex_unlock(&d->iommu->engine->lock);
}

struct sluice_domain *
sluice_domain_create(struct sluice_iommu *iommu, const struct sluice_domain_conf *conf)
{
	struct sluice_domain *d;

	if (iommu == NULL) {
		(void)sluice_null("an iommu");
		return NULL;
	}
	/* What other domains keep comes back first (A20), also for the first map, which cannot
	 * ask. */
	if (iommu->engine != NULL && sluice_mem_pages_left(iommu->mem) < TABLES_MIN)
		(void)tables_reclaim(iommu);
	d = domain_create(iommu, conf);
	if (d == NULL && rte_errno == ENOMEM && tables_reclaim(iommu) != 0)
		d = domain_create(iommu, conf);
	return d;
}

void *
sluice_iommu_mem_alloc(struct sluice_iommu *iommu, size_t size, size_t align, uint64_t *pa)
{
	void *va;

	if (iommu == NULL) {
		(void)sluice_null("an iommu");
		return NULL;
	}
	va = sluice_mem_alloc(iommu->mem, size, align, pa);
	if (va == NULL && rte_errno == ENOMEM && tables_reclaim(iommu) != 0)
		va = sluice_mem_alloc(iommu->mem, size, align, pa);
	return va;
}
