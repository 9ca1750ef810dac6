/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One run of a policy: it is set up, its lcores start, the first worker conducts it, and the main
 * lcore reads what was counted.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>

#include "../shared/devargs.h"
#include "hw.h"
#include "msg.h"
#include "run.h"
#include "sync.h"
#include "watch.h"

#define STREAM_BASE 0x100u
/* How long a SYNC may take if the device string does not say. */
#define SYNC_TIMEOUT_US 1000000u

static void
snapshot(struct perf_run *r, struct perf_xstats *x, struct sluice_engine_stats *e)
{
	x->n = sluice_iommu_xstats(r->b->iommu, x->xs, PERF_MAX_XSTATS);
	x->n = RTE_MIN(x->n, PERF_MAX_XSTATS);
	sluice_engine_get_stats(r->b->engine, e);
}

/* Involuntary context switches of this thread since it began. */
static unsigned int
switches(void)
{
	struct rusage u;

	return getrusage(RUSAGE_THREAD, &u) == 0 ? (unsigned int)u.ru_nivcsw : 0;
}

static int
follow(void *arg)
{
	struct perf_worker *w = arg;
	struct perf_run *r = w->run;
	unsigned int had;

	/* Acquire: pairs with the conductor's release of go. */
	while (atomic_load_explicit(&r->go, memory_order_acquire) == 0)
		perf_hw_idle(r->b);
	had = switches();
	perf_worker_loop(w);
	atomic_fetch_add_explicit(&r->preempted, switches() - had, memory_order_relaxed);
	/* Release: the conductor's acquire of finished sees all that this worker did. */
	atomic_fetch_add_explicit(&r->finished, 1, memory_order_release);
	return 0;
}

/* The first worker conducts: before and after the run it measures the bare SYNC, from a worker's
 * lcore, and takes snapshots of the counters. The work of the loop and of the final drain lies
 * between the two snapshots. */
static int
conduct(void *arg)
{
	struct perf_worker *w = arg;
	struct perf_run *r = w->run;
	unsigned int had;

	r->sync_before = perf_sync_median_ns(r->b, &r->sync_err);
	snapshot(r, &r->x0, &r->e0);
	had = switches();
	r->start = perf_bench_ticks(r->b);
	for (unsigned int i = 0; i < r->nb_workers; i++)
		r->worker[i].plan.until += rte_rdtsc();
	atomic_store_explicit(&r->go, 1, memory_order_release);
	perf_worker_loop(w);
	while (atomic_load_explicit(&r->finished, memory_order_acquire) != r->nb_workers - 1)
		perf_hw_idle(r->b);
	r->end = perf_bench_ticks(r->b);
	atomic_fetch_add_explicit(&r->preempted, switches() - had, memory_order_relaxed);
	r->drain_rc = sluice_domain_drain(r->dom);
	snapshot(r, &r->x1, &r->e1);
	sluice_domain_get_stats(r->dom, &r->dst);
	r->sync_after = perf_sync_median_ns(r->b, &r->sync_err);
	/* The search for the crossover maps and unmaps, so it comes after all that is counted. In
	 * layout step it would measure the model. */
	if (r->b->layout.kind == PERF_LAYOUT_STEP || r->b->control ||
	    sluice_domain_find_crossover(r->dom, SLUICE_RW, &r->crossover) != 0 ||
	    sluice_domain_find_crossover(r->dom, SLUICE_READ, &r->crossover_read) != 0)
		r->crossover = r->crossover_read = 0;
	/* Release: the main lcore reads everything above when it sees 0. */
	atomic_store_explicit(&r->running, 0, memory_order_release);
	return 0;
}

/* Settings come from the policy's own entry, else from the point; 0 means the policy's default. */
static int
domain_make(struct perf_run *r, const struct perf_policy *p)
{
	struct sluice_domain_conf conf = {
		.policy = p->name,
		.batch = p->batch != 0 ? p->batch : r->pt->batch,
		.deadline_us = p->deadline_us != 0 ? p->deadline_us : r->pt->deadline_us,
		.copy_max = p->copy_max,
	};
	int rc;

	r->dom = sluice_domain_create(r->b->iommu, &conf);
	if (r->dom == NULL)
		return perf_failed("policy %s: cannot make a domain: %s", r->policy,
				   sluice_error()[0] ? sluice_error() : rte_strerror(rte_errno));
	sluice_domain_get_conf(r->dom, &conf);
	snprintf(r->in_force, sizeof(r->in_force), "%s", conf.policy);
	/* Some policies map the whole pool once and for all. The others answer -ENOTSUP. */
	rc = sluice_domain_pool(r->dom, r->b->pool_pa, r->b->pool_size);
	if (rc != 0 && rc != -ENOTSUP)
		return perf_failed("policy %s: cannot map the buffers as a pool: %s", r->policy,
				   sluice_error()[0] ? sluice_error() : rte_strerror(-rc));
	r->batch = conf.batch;
	r->deadline_us = conf.deadline_us;
	r->copy_max = conf.copy_max;
	r->copy_max_read = conf.copy_max_read;
	return 0;
}

static int
device_make(struct perf_run *r, unsigned int i)
{
	uint32_t stream = STREAM_BASE + i;
	char args[96];
	int rc;

	r->dev[i] = sluice_device_add(r->b->iommu, &stream, 1);
	if (r->dev[i] == NULL)
		return perf_failed("device with StreamID 0x%x: %s", stream, sluice_error());
	rc = sluice_device_attach(r->dev[i], r->dom);
	if (rc != 0)
		return perf_failed("device with StreamID 0x%x: attach: %s", stream,
				   rte_strerror(-rc));
	if (!r->b->transfers)
		return 0;
	snprintf(args, sizeof(args), "emu,seed=%" PRIu64 "%s", r->b->o->seed + i,
		 r->b->o->probe_stale ? ",probe=1" : "");
	r->worker[i].dma = sluice_dma_open(r->dev[i], args);
	if (r->worker[i].dma == NULL) {
		perf_usage_error("--dev %s: no DMA behind it: %s", r->b->o->dev, sluice_error());
		return rte_errno == ENOTSUP || rte_errno == EINVAL ? PERF_EXIT_USAGE :
								     PERF_EXIT_FAILED;
	}
	return 0;
}

/* A period that leaves enough bursts of both kinds in short runs too. It is odd because flush
 * queues work in powers of two: a period of 16 would meet the same phase of every batch. */
static uint32_t
each_period(uint64_t pairs, uint32_t burst)
{
	if (pairs == 0 || pairs >= 64 * burst)
		return 17;
	return pairs > 2 * burst ? 3 : 1;
}

static void
plan_make(struct perf_plan *plan, const struct perf_run *r, unsigned int i)
{
	const struct perf_bench *b = r->b;
	const struct perf_options *o = b->o;
	size_t part = (size_t)b->nb_bufs * b->buf_size;

	plan->buffers = b->pool + i * part;
	plan->buffers_pa = b->pool_pa + i * part;
	plan->owners = (_Atomic uint8_t *)(void *)b->watch +
		       (plan->buffers_pa - b->watch_pa) / PERF_PAGE;
	plan->pairs = o->pairs / r->nb_workers + (i < o->pairs % r->nb_workers);
	plan->until = (uint64_t)(o->seconds * (double)rte_get_tsc_hz());
	plan->burst = o->burst;
	plan->timed_every = each_period(plan->pairs, plan->burst);
	plan->bursts_share = perf_policy_shares(r->in_force);
	/* The first touches of rings, tables and magazines are not part of the question. */
	plan->warmup = plan->pairs == 0 || plan->pairs >= 16 * PERF_RING ? 2 * PERF_RING : 0;
	plan->idle = o->pairs != 0 && plan->pairs == 0;
	plan->samples = i == 0;
	plan->watches_copies = b->watch_all && perf_policy_copies(r->in_force);
}

static int
worker_make(struct perf_run *r, unsigned int i)
{
	struct perf_worker *w = &r->worker[i];
	const struct perf_bench *b = r->b;

	w->bench = r->b;
	w->run = r;
	w->dom = r->dom;
	plan_make(&w->plan, r, i);
	w->ring.next_item = (uint32_t)((uint64_t)i * b->wl->nb_items / r->nb_workers);
	if (w->plan.watches_copies) {
		w->ring.copy_pa = calloc(b->nb_bufs, sizeof(*w->ring.copy_pa));
		if (w->ring.copy_pa == NULL)
			return perf_failed("out of memory");
	}
	if (b->wl->has_tails || b->wl->has_reads) {
		w->plan.device_mem = malloc((size_t)b->ring * b->buf_size);
		if (w->plan.device_mem == NULL)
			return perf_failed("out of memory");
	}
	return 0;
}

static int
set_up(struct perf_run *r, const struct perf_policy *policy)
{
	int rc;

	r->worker = aligned_alloc(RTE_CACHE_LINE_SIZE, r->nb_workers * sizeof(*r->worker));
	if (r->worker == NULL)
		return perf_failed("out of memory");
	memset(r->worker, 0, r->nb_workers * sizeof(*r->worker));
	rc = domain_make(r, policy);
	for (unsigned int i = 0; i < r->nb_workers && rc == 0; i++) {
		rc = worker_make(r, i);
		if (rc == 0)
			rc = device_make(r, i);
	}
	return rc;
}

static int
tear_down(struct perf_run *r)
{
	int rc = 0;

	for (unsigned int i = 0; i < r->nb_workers && r->worker != NULL; i++) {
		if (r->worker[i].dma != NULL)
			rc = rc != 0 ? rc : sluice_dma_close(r->worker[i].dma);
		r->worker[i].dma = NULL;
		if (r->dev[i] != NULL)
			rc = rc != 0 ? rc : sluice_device_remove(r->dev[i]);
		r->dev[i] = NULL;
	}
	if (r->dom != NULL)
		rc = rc != 0 ? rc : sluice_domain_destroy(r->dom);
	r->dom = NULL;
	if (rc == 0 || r->b->failed)
		return rc == 0 ? 0 : PERF_EXIT_FAILED;
	return perf_failed("policy %s: tear-down failed: %s", r->policy, rte_strerror(-rc));
}

static void
launch(struct perf_run *r)
{
	struct perf_bench *b = r->b;
	uint64_t since = rte_rdtsc(); /* from now on a worker may wait for the hardware */
	unsigned int had;

	atomic_store_explicit(&r->running, 1, memory_order_relaxed);
	perf_hw_relax_workers(b);
	if (b->layout.kind == PERF_LAYOUT_STEP) {
		conduct(&r->worker[0]);
	} else {
		for (unsigned int i = 0; i < r->nb_workers; i++)
			rte_eal_remote_launch(i == 0 ? conduct : follow, &r->worker[i],
					      b->layout.worker[i]);
		had = switches();
		perf_hw_serve(b, &r->running, since);
		atomic_fetch_add_explicit(&r->preempted, switches() - had, memory_order_relaxed);
		for (unsigned int i = 0; i < r->nb_workers; i++)
			rte_eal_wait_lcore(b->layout.worker[i]);
	}
	perf_hw_relax_control(b);
}

static void
gather(struct perf_run *r)
{
	sluice_hist_reset(&r->stale);
	if (sluice_domain_stale_hist(r->dom) != NULL)
		sluice_hist_merge(&r->stale, sluice_domain_stale_hist(r->dom));
	for (unsigned int i = 0; i < r->nb_workers; i++) {
		struct sluice_dma_stats st;

		if (!r->b->transfers)
			break;
		sluice_dma_get_stats(r->worker[i].dma, &st);
		r->dma.submitted += st.submitted;
		r->dma.completed += st.completed;
		r->dma.bytes += st.bytes;
		r->dma.faults += st.faults;
		r->dma.probes += st.probes;
		r->dma.probe_hits += st.probe_hits;
	}
}

/* Explain a timeout. Emulated hardware is stepped by an lcore of this program, and the OS may
 * have taken that lcore away for longer than a wait lasts. @return the explanation; "" for other
 * errors. */
static const char *
why_late(const struct perf_run *r, int err, char *buf, size_t size)
{
	uint64_t limit = SYNC_TIMEOUT_US, away = r->b->hw_away * 1000 / (rte_get_tsc_hz() / 1000);

	if (err != -ETIMEDOUT)
		return "";
	(void)!devargs_get(r->b->dev, "sync_timeout_us", &limit);
	if (r->b->transfers && r->b->layout.kind != PERF_LAYOUT_STEP && away >= limit / 2)
		snprintf(buf, size, ": lcore %u, which drives the emulated hardware, did not get "
			 "the CPU for %" PRIu64 " ms at a stretch; the limit is sync_timeout_us=%"
			 PRIu64 ": raise it in --dev, or give other lcores (-l), with a CPU each",
			 r->b->layout.hw_lcore, away / 1000, limit);
	else
		snprintf(buf, size, ": the hardware did not complete within sync_timeout_us=%"
			 PRIu64 "; raise it in --dev if that is how long it takes", limit);
	return buf;
}

static int
worker_failures(const struct perf_run *r)
{
	char late[320];

	for (unsigned int i = 0; i < r->nb_workers; i++) {
		const struct perf_measured *m = &r->worker[i].measured;

		if (m->failed_call != NULL)
			return perf_failed("policy %s: %s failed on lcore %u after %" PRIu64
					   " pairs: %s%s", r->policy, m->failed_call,
					   r->b->layout.worker[i], r->worker[i].ring.taken,
					   rte_strerror(-m->err),
					   why_late(r, m->err, late, sizeof(late)));
	}
	if (r->drain_rc != 0)
		return perf_failed("policy %s: drain failed: %s%s", r->policy,
				   rte_strerror(-r->drain_rc),
				   why_late(r, r->drain_rc, late, sizeof(late)));
	if (r->sync_before < 0 || r->sync_after < 0)
		return perf_failed("policy %s: a bare SYNC failed: %s%s", r->policy,
				   rte_strerror(-r->sync_err),
				   why_late(r, r->sync_err, late, sizeof(late)));
	return 0;
}

int
perf_run(struct perf_run *r, struct perf_bench *b, const struct perf_point *pt,
	 const struct perf_policy *policy)
{
	int rc;

	memset(r, 0, sizeof(*r));
	r->b = b;
	r->pt = pt;
	r->policy = policy->name;
	r->nb_workers = b->layout.nb_workers;
	perf_watch_reset(b);
	b->hw_away = 0;
	rc = set_up(r, policy);
	if (rc == 0) {
		launch(r);
		gather(r);
		rc = worker_failures(r);
	}
	if (rc == 0 && b->o->insns)
		rc = perf_insns_measure(r);
	if (rc == 0)
		return tear_down(r);
	/* Tear down as far as possible; memory that the hardware may still use is kept. */
	b->failed = true;
	tear_down(r);
	return rc;
}

void
perf_run_free(struct perf_run *r)
{
	for (unsigned int i = 0; i < r->nb_workers && r->worker != NULL; i++) {
		free(r->worker[i].plan.device_mem);
		free(r->worker[i].ring.copy_pa);
	}
	free(r->worker);
	r->worker = NULL;
}
