/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Reading counters: a domain's are sums over workers of what each of them wrote alone.
 */
#include <string.h>

#include "engine.h"
#include "../policy/policy.h"

static void
add(struct sluice_domain_stats *st, const struct dom_lcore_stats *s, unsigned int shift)
{
	st->maps += STAT_GET(s->maps);
	st->unmaps += STAT_GET(s->unmaps);
	st->map_pages += (STAT_GET(s->maps) + STAT_GET(s->map_more)) << (shift - 12);
	st->unmap_pages += (STAT_GET(s->unmaps) + STAT_GET(s->unmap_more)) << (shift - 12);
	st->map_errors += STAT_GET(s->map_errors);
	st->unmap_errors += STAT_GET(s->unmap_errors);
	st->ring_full += STAT_GET(s->ring_full);
	st->invs += STAT_GET(s->invs);
	st->syncs += STAT_GET(s->syncs);
}

int
sluice_domain_get_stats(const struct sluice_domain *d, struct sluice_domain_stats *st)
{
	if (d == NULL || st == NULL)
		return sluice_null("a domain, or room for its counters,");
	const struct flush_state *f = &d->flush;

	/* Workers come and go under the lock. */
	pthread_mutex_lock(&d->iommu->engine->lock);
	*st = (struct sluice_domain_stats){ .queued = d->gone_queued, .released = d->gone_queued };
	add(st, &d->gone, d->page_shift);
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++) {
		const struct dom_lcore *dl = d->lc[i];

		if (dl == NULL)
			continue;
		add(st, &dl->st, d->page_shift);
		st->released += atomic_load_explicit(&dl->ring.released, memory_order_relaxed);
		st->queued += atomic_load_explicit(&dl->ring.tail_pub, memory_order_relaxed);
		/* Pages beyond one of entries that were not taken back: those pending, and some
		 * released. */
		st->exposed_bytes += (STAT_GET(dl->ring.more) - STAT_GET(dl->ring.more_back) -
				      STAT_GET(dl->ring.more_taken) -
				      STAT_GET(dl->ring.more_robbed)) << d->page_shift;
	}
	pthread_mutex_unlock(&d->iommu->engine->lock);
	st->live = st->maps - st->unmaps;
	st->pending = st->queued - st->released;
	for (unsigned int i = 0; i < SLUICE_FLUSH_CAUSES; i++)
		st->flushes[i] = STAT_GET(f->flushes[i]);
	st->exposed_bytes = st->pending == 0 ? 0 : st->exposed_bytes + (st->pending << d->page_shift);
	st->deadline_misses = STAT_GET(f->misses);
	st->oldest_ns = sluice_clock_to_ns(&d->iommu->clock, STAT_GET(f->oldest));
	st->pending_max = atomic_load_explicit(&f->most, memory_order_relaxed);
	st->flush_errors = STAT_GET(f->errors);
	st->flush_puts_off = STAT_GET(f->puts_off);
	st->invs += STAT_GET(f->invs);
	st->syncs += STAT_GET(f->syncs);
	if (domain_policy(d)->stats != NULL)
		domain_policy(d)->stats(d, st);
	st->table_bytes = atomic_load_explicit(&d->pt.tables, memory_order_relaxed) << d->page_shift;
	return 0;
}

const struct sluice_hist *
sluice_domain_stale_hist(const struct sluice_domain *d)
{
	if (d == NULL) {
		(void)sluice_null("a domain");
		return NULL;
	}
	const struct policy_ops *p = domain_policy(d);

	return p->stale != NULL ? p->stale(d) : &d->flush.stale;
}

void
sluice_domain_stale_reset(struct sluice_domain *d)
{
	if (d == NULL) {
		(void)sluice_null("a domain");
		return;
	}
	if (domain_policy(d)->stale_reset != NULL)
		domain_policy(d)->stale_reset(d);
	sluice_hist_reset(&d->flush.stale);
}

int
sluice_engine_get_stats(const struct sluice_engine *e, struct sluice_engine_stats *st)
{
	if (e == NULL || st == NULL)
		return sluice_null("an engine, or room for its counters,");
	*st = (struct sluice_engine_stats){
		.polls = STAT_GET(e->polls),
		.empty_polls = STAT_GET(e->empty_polls),
		.fault_received = STAT_GET(e->fault_received),
		.recoveries = STAT_GET(e->recoveries),
	};
	for (unsigned int i = 0; i < SLUICE_FAULT_KINDS; i++)
		st->faults[i] = STAT_GET(e->faults[i]);
	for (uint32_t i = 0; i < e->nb_iommus; i++) {
		st->quarantined += atomic_load_explicit(&e->iommu[i]->quarantines,
							memory_order_relaxed);
		struct sluice_xstat xs[128];
		unsigned int n = sluice_iommu_xstats(e->iommu[i], xs, RTE_DIM(xs));

		for (unsigned int k = 0; k < RTE_MIN(n, RTE_DIM(xs)); k++)
			if (strcmp(xs[k].name, "evtq_overflows") == 0)
				st->fault_overflows += xs[k].value;
	}
	return 0;
}
