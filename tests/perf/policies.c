/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What safety costs, over emulated hardware: strict beside the bare SYNC (G6), deferred (G7),
 * strict-async beside deferred (G8), contiguous strict (G9).
 */
#include <string.h>

#include <rte_common.h>
#include <rte_cycles.h>

#include "bench.h"
#include "hw.h"
#include "par.h"

#define BURST 32u
#define RUN   64u /* pages of a descriptor */

struct job {
	struct hw *h;
	struct sluice_domain *d;
	unsigned int burst;
	int bad;
	struct sluice_hist release; /* ns from unmap to release */
	struct sluice_seg seg[HW_PAGES];
};

/* ---- loops: @return cycles of n operations --------------------------------------------------- */

static uint64_t
bare_sync(void *arg, uint64_t n)
{
	struct job *j = arg;
	uint64_t start = rte_rdtsc_precise();

	for (uint64_t k = 0; k < n; k++)
		j->bad |= sluice_iommu_sync(j->h->iommu);
	return rte_rdtsc_precise() - start;
}

/* Unmaps alone are timed. */
static uint64_t
unmaps(void *arg, uint64_t n)
{
	struct job *j = arg;
	uint64_t iova[BURST], cycles = 0, start;

	for (uint64_t k = 0; k < n; k += BURST) {
		for (unsigned int i = 0; i < BURST; i++)
			j->bad |= sluice_map(j->d, j->h->pa + i * 4096u, 4096, SLUICE_RW, &iova[i]);
		start = rte_rdtsc_precise();
		for (unsigned int i = 0; i < BURST; i++)
			j->bad |= sluice_unmap(j->d, iova[i], 4096);
		cycles += rte_rdtsc_precise() - start;
	}
	return cycles;
}

/* The next @p n buffers of a ring of HW_PAGES. */
static struct sluice_seg *
segs(struct job *j, unsigned int n, uint64_t at)
{
	struct sluice_seg *s = &j->seg[at % HW_PAGES];

	if (s->len == 0)
		for (unsigned int i = 0; i < n; i++)
			s[i] = (struct sluice_seg){ .pa = j->h->pa + (at + i) * 4096,
						    .len = 4096, .prot = SLUICE_RW };
	return s;
}

/* Whatever the policy: bursts of map and unmap, what comes back by cookies is waited for only where
 * the ring is full of it, and at the end. */
static uint64_t
pairs(void *arg, uint64_t n)
{
	struct job *j = arg;
	uint64_t cookie[2 * RUN], asked = 0, got = 0, start = rte_rdtsc_precise(), cycles;
	unsigned int later, done;

	for (uint64_t k = 0; k < n; k += j->burst) {
		struct sluice_seg *s = segs(j, j->burst, k);

		j->bad |= sluice_map_burst(j->d, s, j->burst) != j->burst;
		for (done = 0; done < j->burst; asked += later) {
			done += sluice_unmap_async_burst(j->d, s + done, j->burst - done, &later);
			got += sluice_unmap_completed(j->d, cookie, RTE_DIM(cookie));
			/* Full of what is not complete yet; nothing else may stop it. */
			j->bad |= done < j->burst && asked + later == got;
		}
	}
	cycles = rte_rdtsc_precise() - start;
	while (got != asked) {
		sluice_unmap_kick(j->d);
		got += sluice_unmap_completed(j->d, cookie, RTE_DIM(cookie));
	}
	return cycles;
}

/* ---- cases ----------------------------------------------------------------------------------- */

struct kind {
	struct bench_variant v;
	const char *policy; /* NULL: no domain */
	uint32_t batch;
	unsigned int burst;
	uint64_t (*fn)(void *arg, uint64_t n);
	struct job job;
};

static bool
run_kind(void *arg, uint64_t n, double *out)
{
	struct kind *k = arg;

	/* Threads start and stop in a round: what is quick has to do more of it. */
	n = RTE_ALIGN_CEIL(k->fn == pairs && k->batch != 0 && !bench_opts.smoke ? n * 16 : n, RUN);
	out[0] = bench_ns(hw_run(k->job.h, k->fn, &k->job, n)) / (double)n;
	return bench_check(k->job.bad == 0, "%s: a call failed", k->v.name);
}

static bool
compare(struct hw *h, const struct bench_case *c, struct kind *kind, unsigned int n)
{
	struct bench_variant v[BENCH_MAX_VARIANTS];
	bool ok = true;

	for (unsigned int i = 0; i < n && ok; i++) {
		memset(&kind[i].job, 0, sizeof(kind[i].job));
		kind[i].job.h = h;
		kind[i].job.burst = kind[i].burst;
		if (kind[i].policy != NULL)
			ok = (kind[i].job.d = hw_domain(h, kind[i].policy, kind[i].batch)) != NULL;
		v[i] = kind[i].v;
		v[i].run = run_kind;
		v[i].arg = &kind[i];
	}
	ok = ok && bench_compare(c, v, n);
	for (unsigned int i = 0; i < n; i++)
		if (kind[i].job.d != NULL)
			ok = hw_domain_down(kind[i].job.d, kind[i].v.name) && ok;
	return ok;
}

/* How long until memory is back: loaded, and one at a time. */
static uint64_t
latency(void *arg, uint64_t n)
{
	struct job *j = arg;
	bool idle = j->burst == 1;
	uint64_t out = 0, in = 0, limit = idle ? 1 : n;
	uint64_t cookie[RUN];
	unsigned int later;

	while (in < n || out != in) {
		if (in < n && in - out < limit) {
			struct sluice_seg *s = segs(j, j->burst, in);
			uint64_t now;

			j->bad |= sluice_map_burst(j->d, s, j->burst) != j->burst;
			now = rte_rdtsc();
			for (unsigned int i = 0; i < j->burst; i++)
				s[i].cookie = now;
			in += sluice_unmap_async_burst(j->d, s, j->burst, &later);
			j->bad |= later == 0;
		}
		unsigned int got = sluice_unmap_completed(j->d, cookie, RUN);
		uint64_t now = rte_rdtsc();

		for (unsigned int i = 0; i < got; i++)
			sluice_hist_add(&j->release, (uint64_t)bench_ns(now - cookie[i]));
		out += got;
		if (got == 0 && in >= n && !idle)
			sluice_unmap_kick(j->d);
		/* Nobody unmaps as fast as it can for ever: a ring's worth at most. */
		if (!idle)
			limit = 512;
	}
	return 1;
}

static bool
run_latency(void *arg, uint64_t n, double *out)
{
	struct kind *k = arg;
	struct sluice_hist *h = &k->job.release;

	sluice_hist_reset(h);
	hw_run(k->job.h, k->fn, &k->job, RTE_ALIGN_CEIL(n, BURST));
	out[0] = (double)sluice_hist_quantile(h, 0.5);
	out[1] = (double)sluice_hist_quantile(h, 0.99);
	return bench_check(k->job.bad == 0 && h->count != 0, "%s: a call failed", k->v.name);
}

static uint64_t
sync_latency(void *arg, uint64_t n)
{
	struct job *j = arg;

	for (uint64_t k = 0; k < n; k++) {
		uint64_t start = rte_rdtsc();

		j->bad |= sluice_iommu_sync(j->h->iommu);
		sluice_hist_add(&j->release, (uint64_t)bench_ns(rte_rdtsc() - start));
	}
	return 1;
}

static bool
release_latency(struct hw *h)
{
	const struct bench_case c = { .bench = "policies", .name = "until memory is back, two lcores",
				      .goal = "G8 p99 <= 3 SYNCs; idle <= 50 us",
				      .layout = HW_LAYOUT, .metric = { "p50", "p99" },
				      .fixed_n = bench_opts.smoke ? RUN : 2048 };
	static struct kind k[] = {
		{ .v = { "bare SYNC", "submit one, wait for it", run_latency, NULL },
		  .fn = sync_latency },
		{ .v = { "async, loaded", "bursts of 32, up to 512 on their way", run_latency, NULL },
		  .policy = "strict-async", .burst = BURST, .fn = latency },
		{ .v = { "async, idle", "one, then nothing until it is back", run_latency, NULL },
		  .policy = "strict-async", .burst = 1, .fn = latency },
	};
	struct bench_variant v[RTE_DIM(k)];
	bool ok = true;

	for (unsigned int i = 0; i < RTE_DIM(k) && ok; i++) {
		memset(&k[i].job, 0, sizeof(k[i].job));
		k[i].job.h = h;
		k[i].job.burst = k[i].burst;
		if (k[i].policy != NULL)
			ok = (k[i].job.d = hw_domain(h, k[i].policy, 0)) != NULL;
		v[i] = k[i].v;
		v[i].arg = &k[i];
	}
	ok = ok && bench_compare(&c, v, RTE_DIM(k));
	for (unsigned int i = 0; i < RTE_DIM(k); i++)
		if (k[i].job.d != NULL)
			ok = hw_domain_down(k[i].job.d, k[i].v.name) && ok;
	return ok;
}

bool
bench_policies(void)
{
	static struct kind strict[] = {
		{ .v = { "bare SYNC", "submit one, wait for it", NULL, NULL }, .fn = bare_sync },
		{ .v = { "strict unmap", "clear, TLBI, SYNC, wait, free the IOVA", NULL, NULL },
		  .policy = "strict", .fn = unmaps },
	};
	static struct kind safe[] = {
		{ .v = { "deferred 256", "stale until its flush", NULL, NULL },
		  .policy = "deferred", .batch = 256, .burst = BURST, .fn = pairs },
		{ .v = { "strict-async 32", "never stale: memory is back when its flush is", NULL,
			 NULL },
		  .policy = "strict-async", .batch = 32, .burst = BURST, .fn = pairs },
		{ .v = { "strict-async 256", "the same, larger batches", NULL, NULL },
		  .policy = "strict-async", .batch = 256, .burst = BURST, .fn = pairs },
		{ .v = { "strict-batched 32", "one SYNC for a burst, waited for", NULL, NULL },
		  .policy = "strict-batched", .burst = BURST, .fn = pairs },
		{ .v = { "strict", "one SYNC each, waited for", NULL, NULL },
		  .policy = "strict", .burst = BURST, .fn = pairs },
	};
	static struct kind runs[] = {
		{ .v = { "contiguous 64", "a descriptor: one range, one SYNC", NULL, NULL },
		  .policy = "contiguous", .batch = 64, .burst = RUN, .fn = pairs },
		{ .v = { "strict", "page by page", NULL, NULL },
		  .policy = "strict", .burst = RUN, .fn = pairs },
		{ .v = { "deferred 256", "page by page", NULL, NULL },
		  .policy = "deferred", .batch = 256, .burst = RUN, .fn = pairs },
		{ .v = { "strict-batched 64", "page by page, one SYNC", NULL, NULL },
		  .policy = "strict-batched", .burst = RUN, .fn = pairs },
	};
	struct bench_case c = { .bench = "policies", .layout = HW_LAYOUT };

	c.fixed_n = bench_opts.smoke ? RUN : 8192;
	struct hw h;
	bool ok;

	if (par_lcores() < 2) {
		bench_note("policies: hardware beside a worker needs two lcores; left out");
		return true;
	}
	ok = hw_up(&h, "");
	c.name = "strict unmap beside the bare SYNC, two lcores";
	c.goal = "G6 <= 1.05x";
	c.metric[0] = "call";
	ok = ok && compare(&h, &c, strict, RTE_DIM(strict));
	c.name = "4 KiB pair, two lcores, bursts of 32";
	c.goal = "G7 strict >= 15x; G8 async <= 1.03x";
	c.metric[0] = "pair";
	ok = ok && compare(&h, &c, safe, RTE_DIM(safe));
	c.name = "64 pages, two lcores, a page's pair";
	c.goal = "G9 strict >= 45x, deferred >= 4x";
	c.metric[0] = "page";
	ok = ok && compare(&h, &c, runs, RTE_DIM(runs));
	ok = ok && release_latency(&h);
	return hw_down(&h, "policies") && ok;
}
