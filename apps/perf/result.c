/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Figures are made of a run's counters, and checked: counters that do not add up are an error.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>

#include "msg.h"
#include "result.h"

#define UNSTABLE 0.20

static const struct sluice_xstat *
counter_find(const struct perf_counters *c, const char *name)
{
	for (unsigned int i = 0; i < c->n; i++)
		if (strcmp(c->c[i].name, name) == 0)
			return &c->c[i];
	return NULL;
}

uint64_t
perf_counter_get(const struct perf_counters *c, const char *name)
{
	const struct sluice_xstat *x = counter_find(c, name);

	return x != NULL ? x->value : 0;
}

static uint64_t
counter_sum(const struct perf_counters *c, const char *prefix)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < c->n; i++)
		if (strncmp(c->c[i].name, prefix, strlen(prefix)) == 0)
			sum += c->c[i].value;
	return sum;
}

static void
count(struct perf_counters *c, const char *name, uint64_t v)
{
	if (c->n == RTE_DIM(c->c))
		return;
	snprintf(c->c[c->n].name, sizeof(c->c[0].name), "%s", name);
	c->c[c->n++].value = v;
}

/* An xstat counts since the iommu was opened; a result has what the run added. A value that fell is
 * no counter but a level, and is taken as it is. */
static void
count_xstats(struct perf_counters *c, const struct perf_run *r)
{
	for (unsigned int i = 0; i < r->x1.n; i++) {
		uint64_t before = 0, after = r->x1.xs[i].value;

		for (unsigned int k = 0; k < r->x0.n && before == 0; k++)
			if (strcmp(r->x0.xs[k].name, r->x1.xs[i].name) == 0)
				before = r->x0.xs[k].value;
		count(c, r->x1.xs[i].name, after >= before ? after - before : after);
	}
}

const char *const perf_flush_cause[SLUICE_FLUSH_CAUSES] = {
	[SLUICE_FLUSH_FULL] = "full",
	[SLUICE_FLUSH_DEADLINE] = "deadline",
	[SLUICE_FLUSH_DRAIN] = "drain",
	[SLUICE_FLUSH_ROLLOVER] = "rollover",
	[SLUICE_FLUSH_SWITCH] = "switch",
	[SLUICE_FLUSH_IDLE] = "idle",
};
_Static_assert(SLUICE_FLUSH_CAUSES == SLUICE_FLUSH_IDLE + 1, "a name for each");

static void
count_all(struct perf_result *res, const struct perf_run *r)
{
	struct perf_counters *c = &res->counters;
	const struct sluice_domain_stats *d = &r->dst;
	char name[32];

	count(c, "pairs", res->pairs);
	count(c, "maps", d->maps);
	count(c, "unmaps", d->unmaps);
	count(c, "live", d->live);
	count(c, "map_pages", d->map_pages);
	count(c, "unmap_pages", d->unmap_pages);
	count(c, "map_errors", d->map_errors);
	count(c, "unmap_errors", d->unmap_errors);
	count(c, "queued", d->queued);
	count(c, "released", d->released);
	count(c, "pending", d->pending);
	for (unsigned int i = 0; i < SLUICE_FLUSH_CAUSES; i++) {
		snprintf(name, sizeof(name), "flushes_%s", perf_flush_cause[i]);
		count(c, name, d->flushes[i]);
	}
	count(c, "flush_errors", d->flush_errors);
	count(c, "flush_puts_off", d->flush_puts_off);
	count(c, "deadline_misses", d->deadline_misses);
	count(c, "pending_max", d->pending_max);
	count(c, "cookies", res->cookies);
	count(c, "ring_full", d->ring_full);
	count(c, "invs", d->invs);
	count(c, "syncs", d->syncs);
	count(c, "table_bytes", d->table_bytes);
	count(c, "copies", d->copies);
	count(c, "copy_bytes", d->copy_bytes);
	count(c, "copy_large", d->copy_large);
	count(c, "copy_empty", d->copy_empty);
	count(c, "reuses", d->reuses);
	count(c, "kept_bytes", d->kept_bytes);
	count(c, "dma_submitted", r->dma.submitted);
	count(c, "dma_completed", r->dma.completed);
	count(c, "dma_bytes", r->dma.bytes);
	count(c, "dma_faults", r->dma.faults);
	count(c, "dma_mismatches", res->dma_mismatches);
	count(c, "probes", r->dma.probes);
	count(c, "probe_hits", r->dma.probe_hits);
	count(c, "engine_polls", r->e1.polls - r->e0.polls);
	count(c, "engine_empty_polls", r->e1.empty_polls - r->e0.empty_polls);
	count(c, "engine_faults", r->e1.fault_received - r->e0.fault_received);
	count(c, "engine_fault_overflows", r->e1.fault_overflows - r->e0.fault_overflows);
	count(c, "engine_recoveries", r->e1.recoveries - r->e0.recoveries);
	count(c, "pinned_bytes", res->pinned_bytes);
	count(c, "stale_windows", r->stale.count);
	count_xstats(c, r);
}

static double
ratio(double a, double b)
{
	return b > 0 ? a / b : 0;
}

/* A lower bound of all values; a histogram knows it to a sixteenth. */
static uint64_t
least(const struct sluice_hist *h)
{
	unsigned int i = sluice_hist_index(sluice_hist_quantile(h, 0));

	return i == 0 ? 0 : sluice_hist_upper(i - 1) + 1;
}

static struct perf_dist
dist(const struct sluice_hist *h, double unit)
{
	return (struct perf_dist) {
		.p50 = (double)sluice_hist_quantile(h, 0.50) * unit,
		.p99 = (double)sluice_hist_quantile(h, 0.99) * unit,
		.max = (double)h->max * unit,
		.mean = sluice_hist_mean(h) * unit,
		.min = (double)least(h) * unit,
	};
}

static void
timings(struct perf_result *res, const struct perf_run *r)
{
	double ns = perf_bench_tick_ns(r->b);
	uint64_t map_tsc = 0, map_n = 0, unmap_tsc = 0, unmap_n = 0;
	static struct sluice_hist m, u, back; /* too large for the stack, and used by one thread */

	sluice_hist_reset(&m);
	sluice_hist_reset(&u);
	sluice_hist_reset(&back);
	for (unsigned int i = 0; i < r->nb_workers; i++) {
		const struct perf_worker *w = &r->worker[i];

		sluice_hist_merge(&m, &w->measured.map_hist);
		sluice_hist_merge(&u, &w->measured.unmap_hist);
		sluice_hist_merge(&back, &w->measured.release_hist);
		map_tsc += w->measured.map_ticks;
		map_n += w->measured.map_calls;
		unmap_tsc += w->measured.unmap_ticks;
		unmap_n += w->measured.unmap_calls;
	}
	res->map_ns = dist(&m, ns);
	res->unmap_ns = dist(&u, ns);
	if (map_n != 0)
		res->map_ns.mean = ratio((double)map_tsc, (double)map_n) * ns;
	if (unmap_n != 0)
		res->unmap_ns.mean = ratio((double)unmap_tsc, (double)unmap_n) * ns;
	res->map_known = m.count != 0;
	res->unmap_known = u.count != 0;
	res->pair_ns = res->map_ns.mean + res->unmap_ns.mean;
	/* Memory comes back safe with the end of a strict policy's call, or with a cookie. */
	res->release_known = perf_policy_is_strict(r->in_force) || res->cookies != 0;
	if (res->release_known)
		res->release_us = dist(back.count != 0 ? &back : &u, ns / 1000);
	res->seconds = (double)(r->end - r->start) * ns * 1e-9;
	res->sync_rtt_before_ns = r->sync_before;
	res->sync_rtt_after_ns = r->sync_after;
	res->sync_rtt_ns = (r->sync_before + r->sync_after) / 2;
	res->unstable = fabs(r->sync_after - r->sync_before) > UNSTABLE * r->sync_before;
}

/* The stale window: from the return of the memory to the completion of its invalidation. */
static void
windows(struct perf_result *res, const struct perf_run *r)
{
	/* A policy without a promise that never waited for an invalidation has a window without
	 * end. */
	res->stale_known = perf_policy_is_strict(r->in_force) || r->stale.count != 0;
	/* Where all entries had cookies, memory came back after the invalidation: no window. */
	if (r->dst.queued != res->cookies)
		res->stale_us = dist(&r->stale, 1e-3);
	memcpy(res->flushes, r->dst.flushes, sizeof(res->flushes));
	res->deadline_misses = r->dst.deadline_misses;
	res->pending_max = r->dst.pending_max;
	res->held_known = r->worker[0].measured.samples != 0;
	res->exposed_known = res->held_known && res->stale_known;
	res->oldest_us = (double)r->worker[0].measured.oldest_max_ns / 1000;
	res->exposed_bytes = r->worker[0].measured.exposed_max;
}

static void
walks(struct perf_result *res)
{
	char name[32];

	for (unsigned int i = 0; i < PERF_WALK_LEVELS; i++) {
		snprintf(name, sizeof(name), "emu_walk_reads_l%u", i);
		res->walk_reads_known |= counter_find(&res->counters, name) != NULL;
		res->walk_reads[i] = perf_counter_get(&res->counters, name);
	}
}

void
perf_result_make(struct perf_result *res, const struct perf_run *r)
{
	const struct perf_bench *b = r->b;
	const struct perf_counters *c = &res->counters;
	double hits, unmaps;

	memset(res, 0, sizeof(*res));
	snprintf(res->policy, sizeof(res->policy), "%s", r->policy);
	snprintf(res->in_force, sizeof(res->in_force), "%s", r->in_force);
	snprintf(res->settings, sizeof(res->settings), "%s", b->info.settings);
	snprintf(res->note, sizeof(res->note), "%s", b->host_note);
	res->sync_ns = b->sync_ns;
	res->workers = r->nb_workers;
	res->virt = b->virt;
	/* Preemption does not move virtual time. */
	if (!b->virt)
		res->preempted = atomic_load_explicit(&r->preempted, memory_order_relaxed);
	res->batch = r->batch;
	res->deadline_us = r->deadline_us;
	res->burst = b->o->burst;
	res->ring = b->ring;
	res->buf_size = b->buf_size;
	for (unsigned int i = 0; i < r->nb_workers; i++) {
		res->pairs += r->worker[i].ring.taken;
		res->dma_mismatches += r->worker[i].measured.mismatches;
		res->cookies += r->worker[i].measured.cookies;
	}
	res->pinned_bytes = r->worker[0].measured.pinned_max;
	res->copy_max = r->copy_max;
	res->copy_max_read = r->copy_max_read;
	res->crossover = r->crossover;
	res->crossover_read = r->crossover_read;
	res->insns = r->insns;
	timings(res, r);
	windows(res, r);
	count_all(res, r);
	walks(res);
	unmaps = (double)res->pairs;
	res->syncs_per_unmap = ratio((double)perf_counter_get(c, "cmdq_syncs"), unmaps);
	res->invs_per_unmap = ratio((double)perf_counter_get(c, "cmdq_tlbis"), unmaps);
	res->stale_accesses = perf_counter_get(c, "emu_stale_accesses");
	/* Without probes no device touches old addresses, and a zero would mean nothing. */
	res->stale_counted = (b->transfers && b->o->probe_stale) || res->stale_accesses != 0;
	res->copies_known = b->transfers && r->worker[0].plan.watches_copies;
	res->shadow_accesses = perf_counter_get(c, "emu_shadow_accesses");
	res->probe_faults = perf_counter_get(c, "emu_probe_faults");
	res->probes = r->dma.probes;
	res->probe_hits = r->dma.probe_hits;
	res->dma_bytes = r->dma.bytes;
	res->dma_faults = r->dma.faults;
	hits = (double)perf_counter_get(c, "emu_iotlb_hits");
	res->dma_known = b->transfers;
	res->probes_known = b->transfers && b->o->probe_stale;
	res->cmds_known = counter_find(c, "cmdq_syncs") != NULL;
	res->iotlb_known = counter_find(c, "emu_iotlb_hits") != NULL;
	res->iotlb_hit_rate = ratio(hits, hits + (double)perf_counter_get(c, "emu_iotlb_misses"));
	res->walks_known = res->walk_reads_known || counter_find(c, "emu_walk_reads") != NULL;
	res->walk_reads_per_page = ratio((double)counter_sum(c, "emu_walk_reads"),
					 unmaps * (b->buf_size / PERF_PAGE));
	res->ring_full = r->dst.ring_full;
	res->empty_polls = r->e1.empty_polls - r->e0.empty_polls;
}

static int
equal(const struct perf_run *r, const char *what, uint64_t a, uint64_t b)
{
	if (a == b)
		return 0;
	return perf_failed("policy %s: counters do not add up: %s (%" PRIu64 " against %" PRIu64
			   ")", r->policy, what, a, b);
}

int
perf_result_verify(const struct perf_run *r, const struct perf_result *res)
{
	const struct sluice_domain_stats *d = &r->dst;
	uint64_t pages = r->b->buf_size / PERF_PAGE, bytes = 0, due = 0, returned = 0, bursts = 0;
	int rc = 0;

	for (unsigned int i = 0; i < r->nb_workers; i++) {
		bytes += r->worker[i].measured.bytes;
		due += r->worker[i].measured.cookies_due;
		returned += r->worker[i].ring.returned;
		bursts += r->worker[i].ring.groups_taken;
	}
	rc |= equal(r, "maps = unmaps + live", d->maps, d->unmaps + d->live);
	rc |= equal(r, "queued = released + pending", d->queued, d->released + d->pending);
	rc |= equal(r, "nothing live at the end", d->live, 0);
	rc |= equal(r, "nothing pending after the drain", d->pending, 0);
	rc |= equal(r, "map_pages = unmap_pages", d->map_pages, d->unmap_pages);
	rc |= equal(r, "unmap_pages = pages of all pairs", d->unmap_pages, res->pairs * pages);
	/* Where a burst is one mapping, its unmaps count as one. */
	if (!perf_policy_shares(r->in_force) || d->unmaps != bursts)
		rc |= equal(r, "unmaps = pairs", d->unmaps, res->pairs);
	rc |= equal(r, "cookies that came = cookies that were due", res->cookies, due);
	rc |= equal(r, "buffers that came back = pairs", returned, res->pairs);
	if (res->cookies > d->queued)
		rc |= equal(r, "cookies = entries queued", res->cookies, d->queued);
	rc |= equal(r, "dma submitted = completed", r->dma.submitted, r->dma.completed);
	if (r->b->transfers)
		rc |= equal(r, "dma submitted = pairs", r->dma.submitted, res->pairs);
	rc |= equal(r, "dma bytes = bytes collected", r->dma.bytes, bytes);
	if (r->b->o->pairs != 0 && !atomic_load_explicit(&perf_interrupted, memory_order_relaxed))
		rc |= equal(r, "pairs = pairs asked for", res->pairs, r->b->o->pairs);
	if (res->dma_mismatches != 0)
		rc |= perf_failed("policy %s: %" PRIu64 " packets arrived with wrong bytes",
				  r->policy, res->dma_mismatches);
	if (res->dma_faults != 0)
		rc |= perf_failed("policy %s: %" PRIu64 " transfers to mapped buffers faulted",
				  r->policy, res->dma_faults);
	if (perf_policy_is_strict(r->in_force) && res->stale_accesses != 0)
		rc |= perf_failed("policy %s: %" PRIu64 " stale accesses: not strict", r->policy,
				  res->stale_accesses);
	return rc;
}
