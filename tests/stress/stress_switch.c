/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Live changes of policy (A9, A10) with real threads: workers map, unmap and unmap asynchronously,
 * come and go; an engine polls; a thread plays the hardware and keeps a TLB; a controller changes
 * the policy and tunes it all the while.
 *
 * How it is known whether something is stale:
 * 1. Every mapping uses physical addresses of its own. The hardware's TLB refills at random from
 *    the page table, as devices do. So an address that was unmapped and is still in the TLB is
 *    stale, whatever the IOVA is used for by now.
 * 2. The controller publishes `promise` when a change to a policy that waits has returned, and
 *    takes it back before the next change to one that does not; `changes` counts both. An unmap
 *    that began and ended under one promise must have left nothing in the TLB.
 * 3. When such a change has returned, nothing that any unmap returned for may be in the TLB: each
 *    worker notes what it unmapped last at every page, and the controller looks at all of them.
 * 4. A worker that finds its page stale after the unmap reads the policy's name: it must have been
 *    one that may be stale, before or after the unmap, unless the controller was at work. The name
 *    never lags.
 * 5. A cookie comes in the order given, once, and nothing of its page is in the TLB then.
 */
#include <unistd.h>

#include "engine/base/tsan.h"
#include "late_hw.h"

#define WINDOW_CHUNKS 4u
#define WINDOW_PAGES  (WINDOW_CHUNKS * IOVA_CHUNK_PAGES)
#define WORKERS       3u
#define LIVE          8u  /* mappings a worker holds */
#define OWED          64u /* cookies it is owed, at most; power of two */
#define TURNS         (SLUICE_TSAN ? 100u : 400u) /* of a worker before it goes */
#define MIN_CHANGES   30u

static _Atomic bool stop;
static pthread_mutex_t control = PTHREAD_MUTEX_INITIALIZER; /* one control call at a time */

static int failures;

/* Fails the test unless @p n is 0. */
static void
expect_none(const char *what, uint64_t n)
{
	if (n != 0) {
		failures++;
		printf("FAIL %s: %" PRIu64 "\n", what, n);
	}
}

/* Devices use the pages where the workers are: the lowest of two chunks. */
static uint32_t
low_page(uint64_t *seed)
{
	return (uint32_t)(rnd(seed) % 256 + rnd(seed) % 2 * IOVA_CHUNK_PAGES);
}

/* ---- workers ------------------------------------------------------------------------------- */

static _Atomic uint64_t changes; /* of promise; odd: the controller is changing the policy */
static _Atomic bool promise;     /* the policy waits */

struct map {
	uint64_t iova, pa;
	uint32_t pages;
};

/* What each worker unmapped last at a page, 0: nothing; its worker writes, the controller reads (3). */
static _Atomic uint64_t gone[WORKERS][WINDOW_PAGES];

struct worker {
	pthread_t thread;
	unsigned int id; /* lcore, from 1 */
	_Atomic uint64_t stopped;
	uint64_t seed, generation;
	struct map live[LIVE], owed[OWED];
	unsigned int n;
	uint64_t given, taken;
	uint64_t pairs, async, deferred, broken, lagging, early, disorder, errors, stays;
};

static struct worker worker[WORKERS];

static bool
stale(const struct map *m)
{
	for (uint32_t i = 0; i < m->pages; i++)
		if (atomic_load_explicit(&hw.tlb[((m->iova - dom->iova_base) >> 12) + i],
					 memory_order_relaxed) == m->pa + ((uint64_t)i << 12))
			return true;
	return false;
}

static void
note(struct worker *w, const struct map *m)
{
	for (uint32_t i = 0; i < m->pages; i++)
		atomic_store_explicit(&gone[w->id - 1][((m->iova - dom->iova_base) >> 12) + i],
				      m->pa + ((uint64_t)i << 12), memory_order_release);
}

static bool
may_defer(void)
{
	return strcmp(sluice_domain_policy(dom), "deferred") == 0;
}

/* (5) */
static void
take(struct worker *w)
{
	uint64_t cookie[8];
	unsigned int n = sluice_unmap_completed(dom, cookie, RTE_DIM(cookie));

	for (unsigned int i = 0; i < n; i++) {
		const struct map *m = &w->owed[w->taken % OWED];

		w->disorder += cookie[i] != w->taken || w->taken == w->given;
		w->early += stale(m);
		note(w, m);
		w->taken++;
	}
}

static void
unmap(struct worker *w, const struct map *m)
{
	uint64_t began = atomic_load_explicit(&changes, memory_order_acquire);
	bool promised = atomic_load_explicit(&promise, memory_order_acquire), found, may = may_defer();
	int ret;

	if (w->given - w->taken == OWED || rnd(&w->seed) % 2 == 0) {
		while ((ret = sluice_unmap(dom, m->iova, (size_t)m->pages << 12)) == -EAGAIN)
			take(w); /* full of cookies, or slow hardware */
	} else {
		w->owed[w->given % OWED] = *m;
		while ((ret = sluice_unmap_async(dom, m->iova, (size_t)m->pages << 12, w->given)) ==
		       -EAGAIN)
			take(w);
	}
	if (ret == 1) {
		w->given++;
		w->async++;
		return;
	}
	found = stale(m);
	w->errors += ret != 0;
	w->pairs++;
	w->deferred += found;
	may |= may_defer();
	atomic_thread_fence(memory_order_seq_cst);
	/* (2), (4) */
	if (atomic_load_explicit(&changes, memory_order_acquire) == began && (began & 1) == 0) {
		w->broken += promised && found;
		w->lagging += !may && found;
	}
	note(w, m);
}

static bool
map(struct worker *w)
{
	struct map *m = &w->live[w->n];

	m->pages = rnd(&w->seed) % 4 == 0 ? 1 + (uint32_t)(rnd(&w->seed) % 4) : 1;
	m->pa = (uint64_t)w->id << 44 | (++w->generation & 0xffffffff) << 14; /* (1) */
	int ret = sluice_map(dom, m->pa, (size_t)m->pages << 12, SLUICE_RW, &m->iova);

	w->errors += ret != 0 && ret != -ENOSPC;
	w->n += ret == 0;
	return ret == 0;
}

/* One stay of a worker: comes, works, leaves with nothing but what it did not bother to fetch. */
static void *
worker_loop(void *arg)
{
	struct worker *w = arg;

	RTE_PER_LCORE(_lcore_id) = w->id;
	for (unsigned int i = 0; i < TURNS; i++) {
		if (w->n < LIVE && rnd(&w->seed) % 2 == 0 && map(w))
			continue;
		if (w->n != 0) {
			unsigned int k = (unsigned int)(rnd(&w->seed) % w->n);

			unmap(w, &w->live[k]);
			w->live[k] = w->live[--w->n];
		}
		if (rnd(&w->seed) % 4 == 0)
			take(w);
		if (rnd(&w->seed) % 16 == 0)
			sched_yield();
	}
	while (w->n > 0)
		unmap(w, &w->live[--w->n]);
	sluice_unmap_kick(dom);
	atomic_store_explicit(&w->stopped, 1, memory_order_release);
	return NULL;
}

static void
worker_start(struct worker *w)
{
	expect_none("worker comes", sluice_worker_register(engine, w->id) != 0);
	w->stopped = 0;
	w->stays++;
	if (pthread_create(&w->thread, NULL, worker_loop, w) != 0)
		exit(1);
}

static void
worker_end(struct worker *w)
{
	pthread_join(w->thread, NULL);
	/* What it did not fetch it fetches now, as that lcore; or goes without: it is released then. */
	if (rnd(&w->seed) % 2 == 0) {
		RTE_PER_LCORE(_lcore_id) = w->id;
		expect_none("drain", sluice_domain_drain(dom) != 0);
		while (w->taken != w->given) {
			uint64_t had = w->taken;

			take(w);
			if (had == w->taken)
				break;
		}
		RTE_PER_LCORE(_lcore_id) = 0;
		expect_none("cookies that never came", w->given - w->taken);
	}
	pthread_mutex_lock(&control);
	expect_none("worker goes", sluice_worker_unregister(engine, w->id) != 0);
	pthread_mutex_unlock(&control);
	for (; w->taken != w->given; w->taken++) {
		w->early += stale(&w->owed[w->taken % OWED]);
		note(w, &w->owed[w->taken % OWED]);
	}
}

/* ---- the controller ------------------------------------------------------------------------ */

static uint64_t switched, left_stale;

/* (3): the tables of what is gone first, the TLB after that. */
static void
nothing_is_stale(void)
{
	for (unsigned int w = 0; w < WORKERS; w++)
		for (uint32_t i = 0; i < WINDOW_PAGES; i++) {
			uint64_t pa = atomic_load_explicit(&gone[w][i], memory_order_acquire);

			left_stale += pa != 0 && pa == atomic_load_explicit(&hw.tlb[i],
									    memory_order_relaxed);
		}
}

static void *
controller_loop(void *arg)
{
	static const char *const live[] = { "strict", "deferred", "strict-async", "strict-batched" };
	uint64_t seed = 99;

	(void)arg;
	RTE_PER_LCORE(_lcore_id) = LCORE_ID_ANY;
	while (!atomic_load_explicit(&stop, memory_order_acquire)) {
		const char *to = live[rnd(&seed) % RTE_DIM(live)];
		bool waits = strcmp(to, "deferred") != 0;
		const struct sluice_domain_conf c = { .batch = 1u << rnd(&seed) % 7,
						      .deadline_us = 20 + rnd(&seed) % 500,
						      .range_max = 1 + rnd(&seed) % 64 };

		pthread_mutex_lock(&control);
		atomic_store_explicit(&promise, false, memory_order_seq_cst);
		atomic_fetch_add_explicit(&changes, 1, memory_order_seq_cst);
		expect_none("set_policy", sluice_domain_set_policy(dom, to) != 0);
		expect_none("the name", strcmp(sluice_domain_policy(dom), to) != 0);
		atomic_store_explicit(&promise, waits, memory_order_seq_cst);
		atomic_fetch_add_explicit(&changes, 1, memory_order_seq_cst);
		if (waits)
			nothing_is_stale();
		expect_none("tune", sluice_domain_tune(dom, &c) != 0);
		pthread_mutex_unlock(&control);
		switched++;
		for (uint64_t i = rnd(&seed) % 64; i > 0; i--)
			sched_yield();
	}
	return NULL;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void
check(void)
{
	uint64_t pairs = 0, async = 0, deferred = 0, stays = 0;
	struct sluice_domain_stats st;

	for (unsigned int i = 0; i < WORKERS; i++) {
		const struct worker *w = &worker[i];

		pairs += w->pairs;
		async += w->async;
		deferred += w->deferred;
		stays += w->stays;
		expect_none("stale under a promise", w->broken);
		expect_none("the name lags", w->lagging);
		expect_none("cookies too early", w->early);
		expect_none("cookies out of order", w->disorder);
		expect_none("errors", w->errors);
	}
	expect_none("stale after the change", left_stale);
	sluice_domain_get_stats(dom, &st);
	expect_none("unmaps", st.unmaps - pairs - async);
	expect_none("live", st.live);
	expect_none("pages", st.map_pages - st.unmap_pages);
	expect_none("pending", st.queued - st.released);
	expect_none("errors", st.map_errors + st.flush_errors);
	expect_none("IOVAs lost", WINDOW_PAGES - iova_space_free_pages(&dom->iova));
	expect_none("syncs", st.syncs - atomic_load(&hw.ticket));
	/* Honest: it must have seen all kinds. */
	expect_none("nothing was ever stale", deferred == 0);
	expect_none("no cookies", async == 0);
	printf("%" PRIu64 " changes, %" PRIu64 " stays, %" PRIu64 " unmaps (%" PRIu64 " seen stale), %"
	       PRIu64 " with cookies, %" PRIu64 " submissions, %" PRIu64 " times full\n", switched,
	       stays, pairs, deferred, async, atomic_load(&hw.ticket), st.ring_full);
}

/* stress_switch [SECONDS] */
int
main(int argc, char **argv)
{
	const struct sluice_domain_conf conf = { .policy = "strict", .batch = 16, .ring = 64,
						 .iova_size = (uint64_t)WINDOW_CHUNKS << 21,
						 .deadline_us = 200 };
	double seconds = argc > 1 ? atof(argv[1]) : 3.0;
	const struct hw_conf hc = { .touches = 16, .page = low_page };
	pthread_t controller;
	uint64_t end;

	test_eal_init("0");
	alarm((unsigned int)seconds + 100); /* a hang is a failure */
	hw_up(&hc, &conf);
	for (unsigned int i = 0; i < WORKERS; i++) {
		worker[i].id = i + 1;
		worker[i].seed = 7919 * (i + 1);
		worker_start(&worker[i]);
	}
	pthread_create(&controller, NULL, controller_loop, NULL);
	end = rte_get_tsc_cycles() + (uint64_t)(seconds * (double)rte_get_tsc_hz());
	for (bool over = false; !over;) {
		over = rte_get_tsc_cycles() > end &&
		       atomic_load_explicit(&changes, memory_order_relaxed) > 2 * MIN_CHANGES;
		for (unsigned int i = 0; i < WORKERS; i++) {
			if (!over && !atomic_load_explicit(&worker[i].stopped, memory_order_acquire))
				continue;
			worker_end(&worker[i]);
			if (!over)
				worker_start(&worker[i]);
		}
		usleep(100);
	}
	stop = true;
	pthread_join(controller, NULL);
	hw_stop_polling();
	check();
	hw_stop();
	expect_none("take-down", hw_down() != 0);
	return failures != 0;
}
