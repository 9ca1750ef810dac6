/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The pair: map and unmap one 4 KiB page. Without invalidation, and deferred with the engine's
 * polls counted in; one worker and two.
 *
 * "lifo" undoes each mapping at once, "fifo" keeps 256 mapped and undoes the oldest, as a ring
 * of receive buffers does.
 */
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_pause.h>

#include <sluice/sluice.h>

#include "bench.h"
#include "par.h"
#include "peer_map.h"
#include "rig.h"

#define DEPTH     256u
#define POLL_EACH 64u /* pairs between two polls of an engine that the worker polls itself */
#define PA(i)     ((UINT64_C(1) << 32) + (((i) & 4095u) << 12))

struct pair {
	struct rig rig;
	struct peer_space *peer;
	unsigned int threads;
	uint64_t depth, n;
	bool poll; /* thread 0 polls the engine between pairs */
	_Atomic unsigned int busy; /* threads still at work */
	_Atomic int bad;
};

/* The loop, once for each way to map: @map and @unmap are inlined calls. */
#define PAIR_LOOP(name, MAP, UNMAP, BETWEEN)                                                       \
	static uint64_t name(void *arg, unsigned int i)                                            \
	{                                                                                          \
		struct pair *p = arg;                                                              \
		struct sluice_domain *d = p->rig.nb_domains != 0 ? p->rig.dom[0] : NULL;           \
		uint64_t held[DEPTH], mask = p->depth - 1, n = p->n;                               \
		int bad = 0;                                                                       \
                                                                                                   \
		(void)d, (void)i;                                                                  \
		for (uint64_t k = 0; k < mask; k++)                                                \
			bad |= MAP(PA(k), &held[k]);                                               \
		uint64_t start = rte_rdtsc_precise();                                              \
		for (uint64_t k = 0; k < n; k++) {                                                 \
			bad |= MAP(PA(k), &held[(k + mask) & mask]);                               \
			bad |= UNMAP(held[k & mask]);                                              \
			BETWEEN;                                                                   \
		}                                                                                  \
		uint64_t cycles = rte_rdtsc_precise() - start;                                     \
		for (uint64_t k = n; k < n + mask; k++)                                            \
			bad |= UNMAP(held[k & mask]);                                              \
		if (bad != 0)                                                                      \
			p->bad = bad;                                                              \
		atomic_fetch_sub_explicit(&p->busy, 1, memory_order_release);                      \
		return cycles;                                                                     \
	}

#define SLUICE_MAP(pa, iova) sluice_map(d, pa, 4096, SLUICE_RW, iova)
#define SLUICE_UNMAP(iova)   sluice_unmap(d, iova, 4096)
#define PEER_MAP(pa, iova)   peer_map(p->peer, i, pa, 4096, iova)
#define PEER_UNMAP(iova)     peer_unmap(p->peer, i, iova, 4096)
#define POLL                                                                                       \
	do {                                                                                       \
		if (k % POLL_EACH == POLL_EACH - 1 && i == 0)                                      \
			sluice_engine_poll(p->rig.engine);                                         \
	} while (0)

PAIR_LOOP(sluice_loop, SLUICE_MAP, SLUICE_UNMAP, (void)0)
PAIR_LOOP(sluice_poll_loop, SLUICE_MAP, SLUICE_UNMAP, POLL)
PAIR_LOOP(peer_loop, PEER_MAP, PEER_UNMAP, (void)0)

/* The last thread only polls, until the others are done. */
static uint64_t
engine_or_worker(void *arg, unsigned int i)
{
	struct pair *p = arg;

	if (i != p->threads)
		return sluice_loop(arg, i);
	while (atomic_load_explicit(&p->busy, memory_order_acquire) != 0)
		if (sluice_engine_poll(p->rig.engine) == 0)
			rte_pause();
	sluice_engine_release(p->rig.engine);
	return 0;
}

static bool
run(struct pair *p, par_fn fn, unsigned int team, uint64_t n, double *out)
{
	uint64_t cycles;

	p->n = n;
	atomic_store(&p->busy, p->threads);
	cycles = par_run(fn, p, team, NULL);
	out[0] = bench_ns(cycles) / (double)(n * p->threads);
	return bench_check(p->bad == 0, "a map or unmap returned %d", (int)p->bad);
}

static bool
run_sluice(void *arg, uint64_t n, double *out)
{
	struct pair *p = arg;

	return run(p, p->poll ? sluice_poll_loop : sluice_loop, p->threads, n, out);
}

static bool
run_sluice_engine(void *arg, uint64_t n, double *out)
{
	struct pair *p = arg;

	return run(p, engine_or_worker, p->threads + 1, n, out);
}

static bool
run_peer(void *arg, uint64_t n, double *out)
{
	struct pair *p = arg;

	return run(p, peer_loop, p->threads, n, out);
}

static bool
one_worker(const char *name, uint64_t depth)
{
	struct pair none = { .threads = 1, .depth = depth }, inl = none, two = none, mag = none,
		    pool = none;
	const struct bench_case c = { .bench = "pair", .name = name, .goal = "G1 G7",
				      .layout = "worker on thread 0; engine-own: engine on thread 1",
				      .metric = { "pair" } };
	struct bench_variant v[5] = {
		{ "sluice", "no invalidation: clear the entry, free the IOVA", run_sluice, &none },
		{ "sluice-deferred", "flush queue 256, the worker polls the engine every 64 pairs",
		  run_sluice, &inl },
		{ "magazine+walk", "stand-in: locked per-thread magazines, 4-level walk", run_peer,
		  &mag },
		{ "mempool+walk", "stand-in: rte_mempool cache, 4-level walk", run_peer, &pool },
		{ "sluice-engine-own", "flush queue 256, engine polled by another lcore",
		  run_sluice_engine, &two },
	};
	bool both = par_lcores() > 1, ok = rig_up(&none.rig, RIG_NONE, 1, 1, 1024);

	ok = rig_up(&inl.rig, RIG_DEFERRED, 1, 1, 1024) && ok;
	if (both)
		ok = rig_up(&two.rig, RIG_DEFERRED, 1, 1, 1024) && ok;
	inl.poll = true;
	mag.peer = peer_space_new(PEER_MAGAZINE, 0, 1u << 15);
	pool.peer = peer_space_new(PEER_MEMPOOL, 0, 1u << 15);
	ok = ok && mag.peer != NULL && pool.peer != NULL && bench_compare(&c, v, both ? 5 : 4);
	ok = rig_down(&none.rig, name) && ok;
	ok = rig_down(&inl.rig, name) && ok;
	if (both)
		ok = rig_down(&two.rig, name) && ok;
	peer_space_free(mag.peer);
	peer_space_free(pool.peer);
	return ok;
}

/* Both speeds in one run: variant 0 is two workers, and the ratio of one to it is the speed-up. */
static bool
two_workers(void)
{
	struct pair one = { .threads = 1, .depth = DEPTH }, two = { .threads = 2, .depth = DEPTH };
	const struct bench_case c = { .bench = "pair", .name = "fifo 256, two workers",
				      .goal = "G1 >= 1.9x",
				      .layout = "two: threads 0 and 1; one: thread 0",
				      .metric = { "pair" } };
	struct bench_variant v[] = {
		{ "sluice-2-workers", "one domain, no invalidation; wall time of both / all pairs",
		  run_sluice, &two },
		{ "sluice-1-worker", "the same domain, thread 0 alone", run_sluice, &one },
		{ "magazine+walk-2", "stand-in, two threads on one address space", run_peer, &two },
	};
	bool ok = rig_up(&two.rig, RIG_NONE, 2, 1, 1024);

	one.rig = two.rig;
	two.peer = peer_space_new(PEER_MAGAZINE, 0, 1u << 15);
	ok = ok && two.peer != NULL && bench_compare(&c, v, RTE_DIM(v));
	ok = rig_down(&two.rig, c.name) && ok;
	peer_space_free(two.peer);
	return ok;
}

bool
bench_pair(void)
{
	bool ok = one_worker("lifo, one worker", 1);

	ok = one_worker("fifo 256, one worker", DEPTH) && ok;
	if (par_lcores() > 1)
		ok = two_workers() && ok;
	else
		bench_note("pair: two workers need two lcores; left out");
	return ok;
}
