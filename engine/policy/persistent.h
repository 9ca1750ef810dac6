/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What persistent keeps for each worker: mappings that were unmapped and still stand.
 *
 * 1. A kept mapping's entries stay as they are but for PTE_KEPT in the first, which hardware
 *    ignores: who unmaps it again is told that it is not mapped.
 * 2. It is found by what it maps: first page, number of pages, protection (the key). Of several
 *    with the same key any will do.
 * 3. They stand in the order in which they were unmapped; the oldest go first.
 * 4. The worker whose it is works alone, but for drains (sluice_domain_drain(), any lcore). Worker
 *    and drain exclude each other at no cost to the worker but two stores and a load: it
 *    writes `busy`, then looks at `closed`. There is no barrier between the two: who drains sets
 *    closed, then has membarrier(2) execute one on every thread: either busy is visible to him, and
 *    he waits until it is not set (acquire; pairs with the release of keep_exit()), or the worker's
 *    load comes after and sees closed, and waits until it is open again. Every load of closed that
 *    lets a worker in is an acquire: it pairs with the release of keep_open(), so that the worker
 *    sees what a drain before it left. What is under way on both sides is bounded.
 */
#ifndef POLICY_PERSISTENT_H
#define POLICY_PERSISTENT_H

#include "../object/domain.h"

#define KEEP_LIMIT 32768u /* mappings a worker keeps at most, whatever it is told */
#define KEEP_PAGES IOVA_CHUNK_PAGES /* larger mappings are not kept */
#define KEEP_NIL   UINT32_MAX

/** One kept mapping. */
struct keep_node {
	uint64_t key;
	uint64_t since; /* clock ticks: its unmap */
	uint32_t pfn, pages;
	uint32_t chain; /* next with the same hash; or next free */
	uint32_t newer, older;
};

/** Of one worker: dl->priv. Written by it, or by who drains (4); stat fields: read by anybody. */
struct keep {
	uint32_t busy;         /* 4: by the worker */
	uint32_t closed;       /* 4: by who drains */
	uint32_t *head;        /* [2 * KEEP_LIMIT] by hash; 0: none; else index + 1 */
	struct keep_node *node; /* [KEEP_LIMIT] */
	uint32_t free, fresh;  /* list of those given back; the first never used */
	uint32_t oldest, newest;
	uint32_t n;            /* kept now */
	/* Counters. */
	uint64_t kept;         /* ever */
	uint64_t reused, evicted;
	uint64_t pages;        /* kept now */
	uint64_t lost_pages;   /* evicted, but the invalidation failed: a device may still reach them */
	uint64_t errors;       /* evictions that failed */
	uint64_t misses;       /* stale for longer than the deadline */
	uint64_t most;         /* the most kept at once */
	uint64_t since;        /* of the oldest; 0: nothing is kept */
	uint32_t gen;          /* of the histogram: keep_domain.gen when it was last emptied */
	struct dom_lcore *dl;  /* whose it is */
	struct keep *next;     /* in keep_domain.all; its lock */
	struct sluice_hist stale; /* ns, from the unmap to the end of the window */
};

/** Of the domain: d->priv. */
struct keep_domain {
	/* Of `all`, and held while somebody drains. Not e->lock: hardware is waited for, and who makes
	 * it work may want that. Taken after e->lock by who has both. */
	pthread_mutex_t lock;
	struct keep *all;
	uint32_t gen;              /* sluice_domain_stale_reset() counts it up */
	struct sluice_hist merged; /* what sluice_domain_stale_hist() showed last */
	struct keep gone;          /* counters and histogram of workers that left; e->lock */
};

/** Enter; from then on the worker is alone. */
void keep_enter_slow(struct keep *k);

static inline void
keep_enter(struct keep *k)
{
	RELAXED_SET(k->busy, 1);
	if (SLUICE_TSAN)
		atomic_thread_fence(memory_order_seq_cst);
	else
		atomic_signal_fence(memory_order_seq_cst);
	if (__builtin_expect(__atomic_load_n(&k->closed, __ATOMIC_ACQUIRE) != 0, 0))
		keep_enter_slow(k);
}

static inline void
keep_exit(struct keep *k)
{
	__atomic_store_n(&k->busy, 0, __ATOMIC_RELEASE);
}

/** Take a kept mapping out, of that key. @return its page number, or KEEP_NIL. */
uint32_t keep_find(struct sluice_domain *d, struct keep *k, uint64_t key);

/** Keep one more; there must be room (n < KEEP_LIMIT). */
void keep_add(struct sluice_domain *d, struct keep *k, uint64_t key, uint32_t pfn, uint32_t pages);

/**
 * Evict up to SLUICE_INV_BURST of the oldest: entries cleared, one invalidation and SYNC, IOVAs
 * freed.
 * @return how many; -ETIMEDOUT, -EIO: a device may still reach them, their IOVAs are lost.
 */
int keep_evict(struct sluice_domain *d, struct dom_lcore *dl, uint32_t n);

/** Evict all that any worker keeps, and free its IOVAs for all. Not within keep_enter(). */
int keep_rollover(struct sluice_domain *d);

/* policy_ops: keep.c, keep_stats.c */
int keep_worker_init(struct sluice_domain *d, struct dom_lcore *dl, unsigned int lcore);
void keep_worker_fini(struct sluice_domain *d, struct dom_lcore *dl);
int keep_drain(struct sluice_domain *d);
int keep_init(struct sluice_domain *d);
void keep_fini(struct sluice_domain *d);
void keep_stats(const struct sluice_domain *d, struct sluice_domain_stats *st);
const struct sluice_hist *keep_stale(const struct sluice_domain *d);
void keep_stale_reset(struct sluice_domain *d);
/** A worker goes: what it counted stays. */
void keep_gone(struct keep_domain *kd, const struct keep *k);

#endif
