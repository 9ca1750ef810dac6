/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The flush ring beside the queues that could have been used in its place.
 *
 * One thread that does both halves; a producer and a consumer on two lcores; two producers and a
 * consumer, which has a third lcore if there is one, else shares the second producer's and is
 * called there once in 32 entries. The consumer of the flush ring is the engine's poll.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_pause.h>

#include "bench.h"
#include "par.h"
#include "ring_peers.h"

#define EACH  32u  /* entries between two drains of a producer that drains */
#define ALONE 256u /* the same when there is only one thread */

enum { PRODUCE = 1, CONSUME = 2 };

struct ring_case {
	struct ring_bench *b;
	unsigned int burst, threads;
	unsigned int role[PAR_MAX];
	unsigned int each;
	uint64_t n;
	_Atomic bool done;            /* thread 0 is through */
	_Atomic unsigned int producing; /* producers that are not */
	uint64_t enqueued[PAR_MAX];   /* by each, in this round */
	uint64_t expect;              /* sum of everything ever enqueued */
	uint64_t total;               /* how many ever */
	uint64_t cycles[PAR_MAX];
};

/* What a thread does, once for each queue. */
#define RING_LOOPS(id)                                                                             \
	static uint64_t id##_thread(void *arg, unsigned int t)                                     \
	{                                                                                          \
		struct ring_case *c = arg;                                                         \
		struct ring_bench *b = c->b;                                                       \
		unsigned int burst = c->burst, since = 0;                                          \
		uint64_t v[32] = { 0 }, k = 0, n = t == 0 ? c->n : UINT64_MAX, cycles;             \
		bool drains = (c->role[t] & CONSUME) != 0;                                         \
		uint64_t start = rte_rdtsc_precise();                                              \
                                                                                                   \
		while ((c->role[t] & PRODUCE) != 0 && k < n) {                                     \
			unsigned int put = 0;                                                      \
                                                                                                   \
			for (unsigned int i = 0; i < burst; i++)                                   \
				v[i] = k + i + 1;                                                  \
			while ((put += id##_enq(b, t, v + put, burst - put)) < burst) {            \
				if (drains)                                                        \
					id##_drain(b);                                             \
				else                                                               \
					rte_pause();                                               \
			}                                                                          \
			k += burst;                                                                \
			since += burst;                                                            \
			if (since >= c->each) {                                                    \
				since = 0;                                                         \
				if (drains)                                                        \
					while (id##_drain(b) >= DRAIN)                             \
						;                                                  \
				if (t != 0 && atomic_load_explicit(&c->done, memory_order_relaxed)) \
					break;                                                     \
			}                                                                          \
		}                                                                                  \
		cycles = rte_rdtsc_precise() - start;                                              \
		c->enqueued[t] = k;                                                                \
		if (t == 0)                                                                        \
			atomic_store_explicit(&c->done, true, memory_order_relaxed);               \
		if ((c->role[t] & PRODUCE) != 0)                                                   \
			atomic_fetch_sub_explicit(&c->producing, 1, memory_order_release);         \
		while (drains && atomic_load_explicit(&c->producing, memory_order_acquire) != 0)   \
			if (id##_drain(b) == 0)                                                    \
				rte_pause();                                                       \
		return cycles;                                                                     \
	}                                                                                          \
                                                                                                   \
	static bool id##_run(void *arg, uint64_t n, double *out)                                   \
	{                                                                                          \
		struct ring_case *c = arg;                                                         \
                                                                                                   \
		round_begin(c, n);                                                                 \
		par_run(id##_thread, c, c->threads, c->cycles);                                    \
		/* The flush ring of one poll is two drains' work: submit, release. */             \
		for (unsigned int idle = 0; idle < 4;)                                             \
			idle = id##_drain(c->b) == 0 ? idle + 1 : 0;                               \
		return round_end(c, out);                                                          \
	}

static void
round_begin(struct ring_case *c, uint64_t n)
{
	c->n = RTE_ALIGN_CEIL(n, ALONE);
	atomic_store(&c->done, false);
	atomic_store(&c->producing, 0);
	for (unsigned int t = 0; t < PAR_MAX; t++) {
		c->enqueued[t] = 0;
		if (t < c->threads && (c->role[t] & PRODUCE) != 0)
			atomic_fetch_add(&c->producing, 1);
	}
}

static bool
round_end(struct ring_case *c, double *out)
{
	uint64_t all = 0;

	for (unsigned int t = 0; t < c->threads; t++) {
		uint64_t k = c->enqueued[t];

		all += k;
		c->expect += k % 2 == 0 ? k / 2 * (k + 1) : (k + 1) / 2 * k;
	}
	c->total += all;
	/* Thread 0 is the pure producer; while it runs the others do too. */
	out[0] = bench_ns(c->cycles[0]) / (double)c->enqueued[0];
	out[1] = bench_ns(c->cycles[0]) / (double)all;
	return true;
}

RING_LOOPS(sluice)
RING_LOOPS(mp)
RING_LOOPS(hts)
RING_LOOPS(rts)
#if HAVE_CK
RING_LOOPS(ck)
#endif
#if HAVE_URCU
RING_LOOPS(wfcq)
#endif

static const struct bench_variant queues[] = {
	{ "sluice", "flush ring: one a worker; engine polls, domain flush of 256", sluice_run, NULL },
	{ "rte_ring MP", "one ring, multi producer, 8-byte entries", mp_run, NULL },
	{ "rte_ring HTS", "head-tail sync", hts_run, NULL },
	{ "rte_ring RTS", "relaxed tail sync", rts_run, NULL },
#if HAVE_CK
	{ "ck_ring MPSC", "Concurrency Kit; knows no bursts", ck_run, NULL },
#endif
#if HAVE_URCU
	{ "wfcqueue", "liburcu; wait-free linked queue, knows no bursts", wfcq_run, NULL },
#endif
};

struct ring_bench *
ring_bench_new(unsigned int producers)
{
	static unsigned int serial;
	struct ring_bench *b = NULL;
	char name[3][32];
	bool ok;

	if (posix_memalign((void **)&b, 64, sizeof(*b)) != 0)
		return NULL;
	memset(b, 0, sizeof(*b));
	snprintf(name[0], sizeof(name[0]), "bench_mp_%u", serial);
	snprintf(name[1], sizeof(name[1]), "bench_hts_%u", serial);
	snprintf(name[2], sizeof(name[2]), "bench_rts_%u", serial++);
	b->mp = rte_ring_create_elem(name[0], 8, CAPACITY, SOCKET_ID_ANY, RING_F_SC_DEQ);
	b->hts = rte_ring_create_elem(name[1], 8, CAPACITY, SOCKET_ID_ANY,
				      RING_F_MP_HTS_ENQ | RING_F_SC_DEQ);
	b->rts = rte_ring_create_elem(name[2], 8, CAPACITY, SOCKET_ID_ANY,
				      RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
	ok = bench_check(b->mp != NULL && b->hts != NULL && b->rts != NULL, "ring: no rings: %s",
			 rte_strerror(rte_errno));
#if HAVE_CK
	ck_ring_init(&b->ck, CAPACITY);
#endif
#if HAVE_URCU
	cds_wfcq_init(&b->wf_head, &b->wf_tail);
#endif
	for (unsigned int p = 0; p < PRODUCERS; p++) {
		b->of[p].lcore = par_lcore(p);
		b->of[p].wf_limit = NODES;
		for (unsigned int i = 0; i < NODES; i++)
			b->wf[p][i].producer = p;
	}
	if (rig_up(&b->rig, RIG_DEFERRED, producers, 1, 64) && ok)
		return b;
	ring_bench_free(b, "ring");
	return NULL;
}

bool
ring_bench_free(struct ring_bench *b, const char *who)
{
	bool ok = rig_down(&b->rig, who);

	rte_ring_free(b->mp);
	rte_ring_free(b->hts);
	rte_ring_free(b->rts);
	free(b);
	return ok;
}

/* What the flush rings still hold goes back, and the domain's books are made to say that every
 * entry was an unmap: here none was, but the entries must all be there. */
static bool
settle(struct ring_bench *b, const struct ring_case *c)
{
	struct sluice_domain *d = b->rig.dom[0];
	uint64_t sum = 0, queued = 0;
	bool ok = sluice_domain_drain(d) == 0;

	for (unsigned int p = 0; p < b->rig.nb_workers; p++) {
		struct dom_lcore *dl = d->lc[b->of[p].lcore];
		struct flush_ring *r = &dl->ring;

		r->released_seen = atomic_load_explicit(&r->released, memory_order_acquire);
		while (r->reclaim != r->released_seen)
			b->of[p].sum += r->ent[r->reclaim++ & r->mask];
		sum += b->of[p].sum;
		queued += r->tail;
		dl->st.maps = dl->st.unmaps = r->tail;
	}
	return bench_check(ok && sum == c->expect && queued == c->total,
			   "flush ring: %lu of %lu entries came back, sum %lu of %lu", queued, c->total,
			   sum, c->expect);
}

static bool
compare(const struct bench_case *c, const struct ring_case *shape, unsigned int producers)
{
	struct bench_variant v[RTE_DIM(queues)];
	struct ring_case rc[RTE_DIM(queues)];
	struct ring_bench *b[RTE_DIM(queues)] = { NULL };
	bool ok = true;

	for (unsigned int i = 0; i < RTE_DIM(queues) && ok; i++) {
		v[i] = queues[i];
		v[i].arg = &rc[i];
		rc[i] = *shape;
		rc[i].b = b[i] = ring_bench_new(producers);
		ok = b[i] != NULL;
	}
	ok = ok && bench_compare(c, v, RTE_DIM(v));
	for (unsigned int i = 0; i < RTE_DIM(queues); i++) {
		if (b[i] == NULL)
			continue;
		if (i == 0)
			ok = settle(b[i], &rc[i]) && ok;
		else
			ok = bench_check(b[i]->sum == rc[i].expect, "%s: sum %lu, not %lu",
					 queues[i].name, b[i]->sum, rc[i].expect) && ok;
		ok = ring_bench_free(b[i], c->name) && ok;
	}
	return ok;
}

bool
bench_ring(void)
{
	unsigned int lcores = par_lcores();
	bool ok = true;

	for (unsigned int burst = 1; burst <= 32 && ok; burst *= 32) {
		struct ring_case shape = { .burst = burst, .threads = 1, .each = ALONE,
					   .role = { PRODUCE | CONSUME } };
		struct bench_case c = { .bench = "ring", .layout = "thread 0 does both",
					.metric = { "enq+deq" } };
		char name[72];

		c.name = name;
		snprintf(name, sizeof(name), "one thread, burst %u", burst);
		ok = compare(&c, &shape, 1);
		if (lcores < 2)
			continue;
		shape.threads = 2;
		shape.role[0] = PRODUCE;
		shape.role[1] = CONSUME;
		c.layout = "producer on thread 0, consumer on thread 1";
		c.metric[0] = "enqueue";
		snprintf(name, sizeof(name), "one producer, consumer of its own, burst %u", burst);
		ok = ok && compare(&c, &shape, 1);
		shape.each = EACH;
		shape.role[1] = lcores > 2 ? PRODUCE : PRODUCE | CONSUME;
		shape.role[2] = CONSUME;
		shape.threads = lcores > 2 ? 3 : 2;
		c.layout = lcores > 2 ? "producers on threads 0 and 1, consumer on thread 2"
				      : "producers on threads 0 and 1, thread 1 drains each 32 entries";
		c.metric[1] = "wall/entry";
		c.goal = burst == 1 ? "G4 >= 10x MP" : "G4 no slower than MP";
		snprintf(name, sizeof(name), "two producers, burst %u", burst);
		ok = ok && compare(&c, &shape, 2);
	}
	if (lcores < 2)
		bench_note("ring: producers beside a consumer need two lcores; left out");
	return ok;
}
