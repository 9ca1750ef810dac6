/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The whole way of an unmap with real threads: workers map and unmap, an engine polls, a thread
 * plays the hardware and takes its time. Is anything released before an invalidation that was
 * submitted after its unmap is complete? Is anything lost or handed out twice?
 *
 * How it is known:
 * 1. The hardware keeps a TLB, which refills at random (late_hw.h).
 * 2. Every map uses a physical address of its own. A worker that gets an IOVA finds in the TLB
 *    nothing, or its own new address; an old one means that the IOVA was released too early.
 * 3. Each page has an owner; a worker that maps it must find none.
 * 4. Each page has a plain word, written by its owner before the unmap, read by the hardware when
 *    it executes an invalidation of that range, written again by the next owner. A race detector
 *    that is content with that has seen every hand-over on the way: worker, engine, hardware,
 *    engine, worker.
 */
#include <unistd.h>

#include "engine/policy/policy.h"
#include "late_hw.h"

#define LIVE        16u /* mappings a worker holds */
#define MAX_WORKERS 3u
#define MIN_PAIRS   600u /* of each worker, however long it takes */

struct mode {
	const char *name, *policy;
	unsigned int workers;
	uint32_t batch, ring, range_max, deadline_us;
	bool refuse; /* the hardware refuses commands now and then, the queue submissions */
	uint32_t chunks; /* of the window, 0: as large as can be */
};

static const struct mode modes[] = {
	{ "domain", "deferred", 2, 64, 256, 1, 200, false },
	{ "range", "deferred", 2, 16, 64, UINT32_MAX, 200, false },
	{ "tiny", "deferred", 3, 2, 4, 16, 50, false },
	{ "one", "deferred", 1, 256, 256, 16, 1000, false },
	{ "refuse", "deferred", 2, 16, 64, UINT32_MAX, 200, true },
	/* A window so small that IOVAs come back by flush waits alone (A6): no batch is ever full. */
	{ "flush-wait", "deferred", 3, 1024, 1024, 16, 1000000, false, 2 },
	{ "flush-wait-refuse", "deferred", 2, 1024, 1024, 16, 1000000, true, 2 },
	{ "single", "deferred-single", 3, 64, 256, 16, 200, false },
	{ "single-full", "deferred-single", 2, 4, 4, UINT32_MAX, 50, true },
	{ "single-flush-wait", "deferred-single", 3, 1024, 1024, 16, 1000000, false, 2 },
	{ "rollover", "rollover", 3, 0, 0, 0, 0, false },
	{ "rollover-refuse", "rollover", 2, 0, 0, 0, 0, true },
	{ "strict", "strict", 3, 0, 0, 0, 0, false },
	{ "strict-refuse", "strict", 2, 0, 0, 0, 0, true },
};

/* ---- workers ------------------------------------------------------------------------------- */

struct worker {
	pthread_t thread;
	unsigned int id; /* lcore */
	_Atomic uint64_t pairs; /* written by its worker alone */
	uint64_t errors, stale, doubles, nospace, lost_pages;
};

static _Atomic bool stop_workers;
static _Atomic uint8_t owner[HW_PAGES];

/* Devices use any page. */
static uint32_t
any_page(uint64_t *seed)
{
	return (uint32_t)(rnd(seed) % dom->nb_pages);
}

static uint32_t
pfn_of(uint64_t iova)
{
	return (uint32_t)((iova - dom->iova_base) >> 12);
}

static void
worker_take(struct worker *w, uint32_t pfn, uint32_t pages, uint64_t pa)
{
	for (uint32_t i = 0; i < pages; i++) {
		uint64_t old = atomic_load_explicit(&hw.tlb[pfn + i], memory_order_relaxed);

		w->stale += old != 0 && old != pa + ((uint64_t)i << 12); /* (2) */
		w->doubles += atomic_exchange_explicit(&owner[pfn + i], (uint8_t)w->id,
						       memory_order_relaxed) != 0; /* (3) */
		hw.word[pfn + i] = atomic_load_explicit(&w->pairs, memory_order_relaxed);
	}
}

static void
worker_give(struct worker *w, uint64_t iova, uint32_t pages)
{
	uint32_t pfn = pfn_of(iova);
	int ret;

	for (uint32_t i = 0; i < pages; i++) {
		hw.word[pfn + i]++;
		w->doubles += atomic_exchange_explicit(&owner[pfn + i], 0, memory_order_relaxed) !=
			      w->id;
	}
	do {
		ret = sluice_unmap(dom, iova, (size_t)pages << 12);
	} while (ret == -EAGAIN); /* the ring stayed full: nothing changed */
	if (ret == -EIO && hw.conf.refuse)
		w->lost_pages += UINT64_C(1) << iova_order(pages); /* strict: never given out again */
	else if (ret != 0)
		w->errors++;
	if (ret == 0)
		atomic_fetch_add_explicit(&w->pairs, 1, memory_order_relaxed);
}

static void *
worker_loop(void *arg)
{
	struct worker *w = arg;
	struct {
		uint64_t iova;
		uint32_t pages;
	} live[LIVE];
	uint64_t seed = w->id * 7919, gen = 0;
	unsigned int n = 0;

	RTE_PER_LCORE(_lcore_id) = w->id;
	while (!atomic_load_explicit(&stop_workers, memory_order_acquire)) {
		if (n < LIVE && rnd(&seed) % 2 == 0) {
			uint32_t pages = rnd(&seed) % 4 == 0 ? 1 + (uint32_t)(rnd(&seed) % 5) : 1;
			/* (2): worker and generation are in the address. */
			uint64_t pa = (uint64_t)w->id << 44 | (++gen & 0xffffffff) << 15;
			uint64_t iova;
			int ret = sluice_map(dom, pa, (size_t)pages << 12, SLUICE_RW, &iova);

			if (ret == -ENOSPC) {
				w->nospace++;
				sched_yield();
				if (n == 0)
					continue;
			} else if (ret != 0) {
				w->errors++;
			} else {
				worker_take(w, pfn_of(iova), pages, pa);
				live[n].iova = iova;
				live[n++].pages = pages;
				continue;
			}
		}
		if (n != 0) {
			unsigned int k = (unsigned int)(rnd(&seed) % n);

			worker_give(w, live[k].iova, live[k].pages);
			live[k] = live[--n];
		}
		/* Lost IOVAs add up: stop before the window is gone. */
		if (w->lost_pages > HW_PAGES / 8)
			break;
	}
	while (n-- > 0)
		worker_give(w, live[n].iova, live[n].pages);
	return NULL;
}

/* ---- one run ------------------------------------------------------------------------------- */

static int failures;

#define CHECK(cond, ...)                                                                           \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			failures++;                                                                \
			printf("FAIL %s: %s: ", m->name, #cond);                                   \
			printf(__VA_ARGS__);                                                       \
			printf("\n");                                                              \
		}                                                                                  \
	} while (0)

/* Is space so short, or the policy such, that flushes are made by who finds no IOVA? */
static bool
by_flush_wait(const struct mode *m)
{
	return m->chunks != 0 || strcmp(m->policy, "rollover") == 0;
}

static void
check(const struct mode *m, const struct worker *w)
{
	uint64_t pairs = 0, lost = 0, flushes = 0, nospace = 0;
	struct sluice_domain_stats st;

	for (unsigned int i = 0; i < m->workers; i++) {
		CHECK(w[i].stale == 0, "worker %u got %" PRIu64 " IOVAs too early", i, w[i].stale);
		CHECK(w[i].doubles == 0, "worker %u: %" PRIu64 " pages with two owners", i,
		      w[i].doubles);
		CHECK(w[i].errors == 0, "worker %u: %" PRIu64 " errors", i, w[i].errors);
		CHECK(w[i].pairs >= MIN_PAIRS, "worker %u hardly ran", i);
		pairs += w[i].pairs;
		lost += w[i].lost_pages;
		nospace += w[i].nospace;
	}
	sluice_domain_get_stats(dom, &st);
	for (unsigned int i = 0; i < SLUICE_FLUSH_CAUSES; i++)
		flushes += st.flushes[i];
	CHECK(st.unmaps == pairs, "%" PRIu64 " of %" PRIu64, st.unmaps, pairs);
	CHECK(st.maps == st.unmaps + st.live, "maps %" PRIu64, st.maps);
	CHECK(st.pending == 0 && st.queued == st.released, "%" PRIu64 " pending", st.pending);
	/* rollover takes all of the space for itself. */
	CHECK(strcmp(m->policy, "rollover") == 0 ||
	      iova_space_free_pages(&dom->iova) == dom->nb_pages - lost,
	      "%" PRIu64 " pages free, %" PRIu64 " lost", iova_space_free_pages(&dom->iova), lost);
	if (domain_policy(dom)->deferred) {
		CHECK(st.queued == pairs && st.live == 0, "%" PRIu64 " queued", st.queued);
		CHECK(sluice_domain_stale_hist(dom)->count == pairs, "%" PRIu64 " windows",
		      sluice_domain_stale_hist(dom)->count);
		CHECK(by_flush_wait(m) || st.flushes[SLUICE_FLUSH_FULL] > 0, "no full batch");
		CHECK(!by_flush_wait(m) || st.flushes[SLUICE_FLUSH_ROLLOVER] > 0, "no flush wait");
		CHECK(m->refuse || st.flush_errors == 0, "%" PRIu64, st.flush_errors);
		CHECK(st.syncs >= flushes, "%" PRIu64 " syncs", st.syncs);
		CHECK(st.syncs == atomic_load(&hw.ticket), "%" PRIu64 " submitted",
		      atomic_load(&hw.ticket));
	} else {
		CHECK(st.queued == 0 && flushes == 0, "a strict domain queued");
	}
	CHECK(!m->refuse || hw.refused > 0, "nothing was refused");
	printf("%s: %" PRIu64 " pairs, %" PRIu64 " submissions, %" PRIu64 " executed, %" PRIu64
	       " refused, %" PRIu64 " flush errors, ring full %" PRIu64 ", no space %" PRIu64
	       ", stale p99 %" PRIu64 " us\n",
	       m->name, pairs, atomic_load(&hw.ticket), hw.executed, hw.refused, st.flush_errors,
	       st.ring_full, nospace,
	       sluice_hist_quantile(sluice_domain_stale_hist(dom), 0.99) / 1000);
}

/* On a busy machine the time given may be too short to have seen anything. */
static bool
enough(const struct mode *m, struct worker *w)
{
	for (unsigned int i = 0; i < m->workers; i++)
		if (atomic_load_explicit(&w[i].pairs, memory_order_relaxed) < MIN_PAIRS)
			return false;
	return !m->refuse || atomic_load_explicit(&hw.refused, memory_order_relaxed) > 0;
}

static void
run(const struct mode *m, unsigned int usec)
{
	const struct sluice_domain_conf conf = {
		.policy = m->policy, .batch = m->batch,
		.iova_size = m->chunks != 0 ? (uint64_t)m->chunks << 21 : (uint64_t)HW_PAGES << 12,
		.ring = m->ring, .range_max = m->range_max, .deadline_us = m->deadline_us,
	};
	const struct hw_conf hc = { .touches = 4, .page = any_page, .refuse = m->refuse };
	struct worker w[MAX_WORKERS] = { { 0 } };

	memset(owner, 0, sizeof(owner));
	stop_workers = false;
	hw_up(&hc, &conf);
	for (unsigned int i = 0; i < m->workers; i++) {
		w[i].id = i + 1;
		sluice_worker_register(engine, w[i].id);
		pthread_create(&w[i].thread, NULL, worker_loop, &w[i]);
	}
	usleep(usec);
	for (unsigned int i = 0; i < 3000 && !enough(m, w); i++)
		usleep(10000);
	stop_workers = true;
	for (unsigned int i = 0; i < m->workers; i++)
		pthread_join(w[i].thread, NULL);
	for (unsigned int i = 0; i < m->workers; i++)
		CHECK(sluice_worker_unregister(engine, w[i].id) == 0, "%s", sluice_error());
	hw_stop_polling();
	hw_stop();
	check(m, w);
	CHECK(hw_down() == 0, "%s", sluice_error());
}

/* stress_flush [MODE|all [SECONDS]]: SECONDS for all modes together. */
int
main(int argc, char **argv)
{
	const char *which = argc > 1 ? argv[1] : "all";
	double seconds = argc > 2 ? atof(argv[2]) : 3.0;
	unsigned int n = 0;

	test_eal_init("0");
	alarm((unsigned int)seconds + 100); /* a hang is a failure */
	for (unsigned int i = 0; i < RTE_DIM(modes); i++)
		n += strcmp(which, "all") == 0 || strcmp(which, modes[i].name) == 0;
	for (unsigned int i = 0; i < RTE_DIM(modes); i++)
		if (strcmp(which, "all") == 0 || strcmp(which, modes[i].name) == 0)
			run(&modes[i], (unsigned int)(seconds * 1e6 / n));
	if (n == 0)
		fprintf(stderr, "stress_flush: no mode '%s'\n", which);
	return n == 0 ? 2 : failures != 0;
}
