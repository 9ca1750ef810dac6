/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Statistics of persistent: counters and stale windows, summed over workers (persistent.h).
 */
#include <errno.h>

#include "../base/heap.h"
#include "persistent.h"

int
keep_init(struct sluice_domain *d)
{
	struct keep_domain *kd = heap_zalloc("sluice_keep", sizeof(*kd), RTE_CACHE_LINE_SIZE);

	if (kd == NULL)
		return -ENOMEM;
	pthread_mutex_init(&kd->lock, NULL);
	d->priv = kd;
	return 0;
}

void
keep_fini(struct sluice_domain *d)
{
	struct keep_domain *kd = d->priv;

	if (kd == NULL)
		return;
	pthread_mutex_destroy(&kd->lock);
	heap_free(kd);
	d->priv = NULL;
}

static void
add(const struct sluice_domain *d, struct sluice_domain_stats *st, const struct keep *k, uint64_t *more)
{
	uint64_t kept = STAT_GET(k->kept), back = STAT_GET(k->reused) + STAT_GET(k->evicted);

	st->queued += kept;
	st->released += back;
	*more += (STAT_GET(k->pages) + STAT_GET(k->cleared_pages)) << d->page_shift;
	st->flush_errors += STAT_GET(k->errors);
	st->deadline_misses += STAT_GET(k->misses);
	st->pending_max += STAT_GET(k->most);
}

void
keep_stats(const struct sluice_domain *d, struct sluice_domain_stats *st)
{
	const struct keep_domain *kd = d->priv;
	uint64_t now = sluice_clock_ticks(&d->iommu->clock), oldest = now, exposed = 0;

	/* Workers join and leave under the lock. */
	pthread_mutex_lock(d->lc_lock);
	add(d, st, &kd->gone, &exposed);
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++) {
		const struct keep *k = d->lc[i] == NULL ? NULL : d->lc[i]->priv;

		if (k == NULL)
			continue;
		add(d, st, k, &exposed);
		st->reuses += STAT_GET(k->reused);
		if (STAT_GET(k->since) != 0)
			oldest = RTE_MIN(oldest, STAT_GET(k->since));
	}
	pthread_mutex_unlock(d->lc_lock);
	st->reuses += kd->gone.reused;
	st->pending = st->queued - st->released;
	st->oldest_ns = sluice_clock_to_ns(&d->iommu->clock, now - oldest);
	st->exposed_bytes = exposed;
	st->kept_bytes += exposed;
}

void
keep_gone(struct keep_domain *kd, const struct keep *k)
{
	struct keep *g = &kd->gone;

	g->kept += k->kept;
	g->reused += k->reused;
	g->evicted += k->evicted;
	g->errors += k->errors;
	g->misses += k->misses;
	g->most += k->most;
	if (k->gen != kd->gen)
		return;
	if (g->gen != kd->gen)
		sluice_hist_reset(&g->stale);
	g->gen = kd->gen;
	sluice_hist_merge(&g->stale, &k->stale);
}

const struct sluice_hist *
keep_stale(const struct sluice_domain *d)
{
	struct keep_domain *kd = d->priv;

	sluice_hist_reset(&kd->merged);
	pthread_mutex_lock(d->lc_lock);
	if (kd->gone.gen == kd->gen)
		sluice_hist_merge(&kd->merged, &kd->gone.stale);
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++) {
		const struct keep *k = d->lc[i] == NULL ? NULL : d->lc[i]->priv;

		if (k != NULL && STAT_GET(k->gen) == kd->gen)
			sluice_hist_merge(&kd->merged, &k->stale);
	}
	pthread_mutex_unlock(d->lc_lock);
	return &kd->merged;
}

void
keep_stale_reset(struct sluice_domain *d)
{
	struct keep_domain *kd = d->priv;

	STAT_ADD(kd->gen, 1);
}
