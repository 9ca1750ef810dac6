/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The IOVA allocator's peers: pools of objects of one size, as DPDK and Concurrency Kit have
 * them. None of them knows orders, so each order gets a pool of its own; none of them hands out
 * aligned ranges of one space, which the subject does.
 */
#ifndef BENCH_IOVA_PEERS_H
#define BENCH_IOVA_PEERS_H

#include <stdio.h>
#include <stdlib.h>

#include <rte_mempool.h>
#include <rte_ring.h>
#include <rte_stack.h>
#if HAVE_CK
#include <ck_stack.h>
#endif

#include "iova/iova.h"

#define PEER_ORDERS 6u

/* What a get gives and a put takes: a page number for the subject, an address for the pools. */
union iova_object {
	uint32_t pfn;
	void *ptr;
};

struct iova_bench {
	struct iova_space space;
	struct iova_mag mag[IOVA_ORDERS] __attribute__((aligned(64)));
	struct rte_mempool *pool[PEER_ORDERS];
	struct rte_stack *stack[PEER_ORDERS];
	struct rte_ring *ring[PEER_ORDERS];
#if HAVE_CK
	struct {
		ck_stack_t stack __attribute__((aligned(64)));
	} ck[PEER_ORDERS];
	ck_stack_entry_t *ck_entries;
#endif
};

static inline int
sluice_get(struct iova_bench *b, unsigned int order, union iova_object *o)
{
	return iova_get(&b->space, &b->mag[order], order, &o->pfn);
}

static inline void
sluice_put(struct iova_bench *b, unsigned int order, union iova_object o)
{
	iova_put(&b->space, &b->mag[order], order, o.pfn);
}

static inline int
mempool_get(struct iova_bench *b, unsigned int order, union iova_object *o)
{
	return rte_mempool_get(b->pool[order], &o->ptr);
}

static inline void
mempool_put(struct iova_bench *b, unsigned int order, union iova_object o)
{
	rte_mempool_put(b->pool[order], o.ptr);
}

static inline int
stack_get(struct iova_bench *b, unsigned int order, union iova_object *o)
{
	return rte_stack_pop(b->stack[order], &o->ptr, 1) == 1 ? 0 : -1;
}

static inline void
stack_put(struct iova_bench *b, unsigned int order, union iova_object o)
{
	rte_stack_push(b->stack[order], &o.ptr, 1);
}

static inline int
ring_get(struct iova_bench *b, unsigned int order, union iova_object *o)
{
	return rte_ring_mc_dequeue(b->ring[order], &o->ptr);
}

static inline void
ring_put(struct iova_bench *b, unsigned int order, union iova_object o)
{
	rte_ring_mp_enqueue(b->ring[order], o.ptr);
}

#if HAVE_CK
static inline int
ck_get(struct iova_bench *b, unsigned int order, union iova_object *o)
{
	o->ptr = ck_stack_pop_mpmc(&b->ck[order].stack);
	return o->ptr != NULL ? 0 : -1;
}

static inline void
ck_put(struct iova_bench *b, unsigned int order, union iova_object o)
{
	ck_stack_push_mpmc(&b->ck[order].stack, o.ptr);
}
#endif

#endif
