/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The flush ring and its peers, behind one shape: enqueue by a producer, drain by whoever is the
 * consumer. Every queue carries 64-bit entries and everything that came out is summed.
 */
#ifndef BENCH_RING_PEERS_H
#define BENCH_RING_PEERS_H

#include <string.h>

#include <rte_ring.h>
#include <rte_ring_elem.h>
#if HAVE_CK
#include <ck_ring.h>
#endif
#if HAVE_URCU
/* Small functions inline, as the other peers have them; its licence allows that to programs of
 * any compatible licence. */
#define _LGPL_SOURCE
#include <urcu/wfcqueue.h>
#endif

#include <sluice/sluice.h>

#include "rig.h"

#define PRODUCERS 2u
#define CAPACITY  2048u /* of a shared queue; half of it where each producer has its own */
#define NODES     1024u
#define DRAIN     64u   /* entries that a consumer takes at once */

struct wf_node {
#if HAVE_URCU
	struct cds_wfcq_node node;
#endif
	uint64_t v;
	uint32_t producer;
};

struct ring_bench {
	struct rig rig;
	struct rte_ring *mp, *hts, *rts;
#if HAVE_CK
	ck_ring_t ck __attribute__((aligned(64)));
	ck_ring_buffer_t ck_buf[CAPACITY];
#endif
#if HAVE_URCU
	struct cds_wfcq_head wf_head __attribute__((aligned(64)));
	struct cds_wfcq_tail wf_tail __attribute__((aligned(64)));
#endif
	struct {
		unsigned int lcore;
		uint64_t wf_pos, wf_limit; /* producer: next node, and how far it may go */
		uint64_t sum;              /* of what it got back (flush ring) */
		_Atomic uint64_t wf_used __attribute__((aligned(64))); /* written by the consumer */
	} of[PRODUCERS] __attribute__((aligned(64)));
	struct wf_node wf[PRODUCERS][NODES];
	uint64_t sum __attribute__((aligned(64))); /* of what the consumer got */
};

/* ---- the subject: a ring for each producer, engine in between -------------------------------- */

/* The worker's half of an unmap without page table and IOVA allocator. Entries come back to it:
 * it reads each of them, as a reclaim does. */
static inline unsigned int
sluice_enq(struct ring_bench *b, unsigned int producer, const uint64_t *v, unsigned int n)
{
	struct flush_ring *r = &b->rig.dom[0]->lc[b->of[producer].lcore]->ring;

	for (unsigned int i = 0; i < n; i++) {
		if (__builtin_expect(r->tail - r->reclaim > r->mask, 0)) {
			uint64_t upto = atomic_load_explicit(&r->released, memory_order_acquire);

			if (upto == r->reclaim)
				return i;
			r->released_seen = upto;
			while (r->reclaim != upto)
				b->of[producer].sum += r->ent[r->reclaim++ & r->mask];
		}
		if (flush_ring_put(r, r->tail, v[i]))
			flush_ring_kick_batch(r);
	}
	return n;
}

static inline unsigned int
sluice_drain(struct ring_bench *b)
{
	return sluice_engine_poll(b->rig.engine);
}

/* ---- rings of DPDK -------------------------------------------------------------------------- */

#define RTE_RING_PEER(id, enqueue)                                                                 \
	static inline unsigned int id##_enq(struct ring_bench *b, unsigned int producer,           \
					    const uint64_t *v, unsigned int n)                     \
	{                                                                                          \
		(void)producer;                                                                    \
		return enqueue(b->id, v, sizeof(*v), n, NULL);                                     \
	}                                                                                          \
	static inline unsigned int id##_drain(struct ring_bench *b)                                \
	{                                                                                          \
		uint64_t v[DRAIN], sum = 0;                                                        \
		unsigned int n;                                                                    \
                                                                                                   \
		n = rte_ring_sc_dequeue_burst_elem(b->id, v, sizeof(*v), DRAIN, NULL);             \
		for (unsigned int i = 0; i < n; i++)                                               \
			sum += v[i];                                                               \
		b->sum += sum;                                                                     \
		return n;                                                                          \
	}

RTE_RING_PEER(mp, rte_ring_mp_enqueue_burst_elem)
RTE_RING_PEER(hts, rte_ring_mp_hts_enqueue_burst_elem)
RTE_RING_PEER(rts, rte_ring_mp_rts_enqueue_burst_elem)

/* ---- Concurrency Kit, liburcu: one at a time, they know no bursts ---------------------------- */

#if HAVE_CK
static inline unsigned int
ck_enq(struct ring_bench *b, unsigned int producer, const uint64_t *v, unsigned int n)
{
	(void)producer;
	for (unsigned int i = 0; i < n; i++)
		if (!ck_ring_enqueue_mpsc(&b->ck, b->ck_buf, (void *)(uintptr_t)v[i]))
			return i;
	return n;
}

static inline unsigned int
ck_drain(struct ring_bench *b)
{
	unsigned int n = 0;
	void *v;

	while (n < DRAIN && ck_ring_dequeue_mpsc(&b->ck, b->ck_buf, &v)) {
		b->sum += (uintptr_t)v;
		n++;
	}
	return n;
}
#endif

#if HAVE_URCU
/* The queue has no limit; the producers' nodes do, and come back by a counter. */
static inline unsigned int
wfcq_enq(struct ring_bench *b, unsigned int producer, const uint64_t *v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint64_t pos = b->of[producer].wf_pos;
		struct wf_node *node = &b->wf[producer][pos % NODES];

		if (__builtin_expect(pos == b->of[producer].wf_limit, 0)) {
			b->of[producer].wf_limit = NODES + atomic_load_explicit(
				&b->of[producer].wf_used, memory_order_acquire);
			if (pos == b->of[producer].wf_limit)
				return i;
		}
		node->v = v[i];
		cds_wfcq_node_init(&node->node);
		cds_wfcq_enqueue(&b->wf_head, &b->wf_tail, &node->node);
		b->of[producer].wf_pos = pos + 1;
	}
	return n;
}

static inline unsigned int
wfcq_drain(struct ring_bench *b)
{
	uint64_t used[PRODUCERS] = { 0 };
	unsigned int n = 0;

	while (n < DRAIN) {
		struct cds_wfcq_node *q = __cds_wfcq_dequeue_blocking(&b->wf_head, &b->wf_tail);

		if (q == NULL)
			break;
		const struct wf_node *node = caa_container_of(q, struct wf_node, node);

		b->sum += node->v;
		used[node->producer]++;
		n++;
	}
	for (unsigned int i = 0; i < PRODUCERS && n != 0; i++)
		atomic_store_explicit(&b->of[i].wf_used,
				      atomic_load_explicit(&b->of[i].wf_used, memory_order_relaxed) +
					      used[i],
				      memory_order_release);
	return n;
}
#endif

/** Make all of them; @return NULL after a failed check. @p producers: of the flush ring. */
struct ring_bench *ring_bench_new(unsigned int producers);
/** What came back must be what went in. */
bool ring_bench_free(struct ring_bench *b, const char *who);

#endif
