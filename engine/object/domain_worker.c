/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What each worker has of a domain: made when it comes, given up when it leaves, and the list of it
 * all that the engine polls.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_log.h>

#include "../base/heap.h"
#include "../policy/policy.h"
#include "../window/stock.h"
#include "engine.h"

/* Replace the packed list of workers after lc[] changed: one came, or (@p less) is to go.
 * @return 0; -ENOMEM, -ENOTSUP: the list is what it was. */
static int
workers_replace(struct sluice_domain *d, bool less)
{
	struct sluice_engine *e = d->iommu->engine;
	struct dom_workers *w, *old;
	uint32_t n = 0;
	int ret;

	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		n += d->lc[i] != NULL;
	if (engine_grace(e) != 0) /* epoch.h, 5 */
		return epoch_refused();
	w = calloc(1, sizeof(*w) + n * sizeof(w->w[0]));
	if (w == NULL)
		return sluice_fail(ENOMEM, "no memory for the list of workers");
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		if (d->lc[i] != NULL)
			w->w[w->n++] = d->lc[i];
	old = atomic_exchange_explicit(&d->workers, w, memory_order_acq_rel); /* rel-array: epoch.h, 3 */
	ret = engine_retire(e, &old->array, &w->array, less);
	if (ret != 0)
		atomic_store_explicit(&d->workers, old, memory_order_release);
	return ret;
}

static int
ring_init(struct sluice_domain *d, struct dom_lcore *dl)
{
	int ret = flush_ring_init(&dl->ring, d->conf.ring, DOM_CONF(d, batch));

	dl->ring.cookies_from = domain_policy(d)->unmap_async != NULL ? 0 : UINT64_MAX;
	dl->ring.look_time = sluice_clock_ticks(&d->iommu->clock);
	dl->ring.due = &d->iommu->engine->due;
	dl->ring.slot = d->slot;
	return ret;
}

int
domain_rings_init(struct sluice_domain *d)
{
	int ret = 0;

	d->shut = true;
	for (unsigned int i = 0; i < RTE_MAX_LCORE && ret == 0; i++) {
		if (d->lc[i] == NULL)
			continue;
		RELAXED_SET(d->lc[i]->ring.closed, true);
		if (d->lc[i]->ring.ent == NULL)
			ret = ring_init(d, d->lc[i]);
	}
	__atomic_store_n(&d->rings, ret == 0, __ATOMIC_RELEASE);
	return ret;
}

/* @return 0; -errno with the reason in sluice_error(). */
static int
worker_add(struct sluice_domain *d, unsigned int lcore)
{
	struct dom_lcore *dl = heap_zalloc_socket("sluice_dom_lcore", sizeof(*dl),
						  RTE_CACHE_LINE_SIZE,
						  (int)rte_lcore_to_socket_id(lcore));
	const struct policy_ops *p = domain_policy(d);
	int ret;

	if (dl == NULL)
		return sluice_fail(ENOMEM, "no memory for a worker in DPDK's heap");
	ret = d->rings ? ring_init(d, dl) : 0;
	if (ret == -ENOMEM) {
		/* E2: its unmaps are strict. */
		flush_ring_none(&dl->ring);
		rte_log(RTE_LOG_WARNING, domain_log, "no memory for lcore %u's flush ring: its unmaps "
			"are strict\n", lcore);
		ret = 0;
	}
	/* Its policy may be on the way out: then nothing is to be queued any more. */
	if (ret == 0 && d->shut)
		RELAXED_SET(dl->ring.closed, true);
	if (ret == 0 && p->worker_init != NULL)
		ret = p->worker_init(d, dl, lcore);
	if (ret == 0) {
		for (unsigned int o = 0; o < IOVA_ORDERS; o++)
			iova_mag_init(&dl->mag[o]);
		stock_close(d);
		d->lc[lcore] = dl;
		stock_open(d);
		ret = workers_replace(d, false);
		/* It may have been asleep: this ring is not, and would not wake it (ring.h, 11). */
		bitset_set(&d->iommu->engine->due, d->slot);
		if (ret != 0 && p->worker_fini != NULL)
			p->worker_fini(d, dl);
	}
	if (ret != 0) {
		stock_close(d);
		d->lc[lcore] = NULL;
		stock_open(d);
		flush_ring_fini(&dl->ring);
		heap_free(dl);
	}
	return ret;
}

int
domain_worker_add(struct sluice_domain *d, unsigned int lcore)
{
	int ret = 0;

	if (d->lc[lcore] == NULL) /* else it could not leave: domain_worker_del() */
		ret = worker_add(d, lcore);
	if (ret == 0)
		return 0;
	return sluice_fail(-ret, "a domain with policy %s has no place for lcore %u: %s",
			   domain_policy(d)->name, lcore, sluice_error());
}

/* Counters are all that is in there. */
static void
stats_add(struct dom_lcore_stats *to, const struct dom_lcore_stats *from)
{
	const uint64_t *src = (const uint64_t *)(const void *)from;
	uint64_t *dst = (uint64_t *)(void *)to;

	for (unsigned int i = 0; i < sizeof(*to) / sizeof(*dst); i++)
		dst[i] += src[i];
}

/* Is everything that the worker unmapped released? A drain came before. */
static bool
all_released(struct sluice_domain *d, struct dom_lcore *dl)
{
	const struct policy_ops *p = domain_policy(d);

	return atomic_load_explicit(&dl->ring.released, memory_order_acquire) == /* acq-released */
	       atomic_load_explicit(&dl->ring.tail_pub, memory_order_acquire) &&
	       (p->worker_leave == NULL || p->worker_leave(d, dl) == 0);
}

void
domain_worker_del(struct sluice_domain *d, unsigned int lcore)
{
	struct dom_lcore *dl = d->lc[lcore];

	if (dl == NULL)
		return;
	/* Without its invalidation nobody would know of what it left: it stays, idle. */
	if (!all_released(d, dl))
		return;
	/* The cookies that its owner did not take are void, also if it stays. */
	dl->ring.completed = atomic_load_explicit(&dl->ring.released, memory_order_acquire); /* acq-released */
	stock_close(d);
	d->lc[lcore] = NULL;
	stock_open(d);
	if (workers_replace(d, true) != 0) {
		/* No memory for a shorter list, no barrier: it stays, idle. */
		stock_close(d);
		d->lc[lcore] = dl;
		stock_open(d);
		return;
	}
	if (domain_policy(d)->worker_fini != NULL)
		domain_policy(d)->worker_fini(d, dl);
	while (flush_ring_reclaim(d, dl) != 0)
		;
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		iova_mag_flush(&d->iova, &dl->mag[o], o);
	stats_add(&d->gone, &dl->st);
	d->gone_queued += dl->ring.tail;
	flush_ring_fini(&dl->ring);
	heap_free(dl);
}
