/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The mappings that persistent keeps for each worker after their unmap. The next map of the same
 * memory with the same protection finds one again: only a bit of the entry that hardware ignores
 * changes, and nothing is invalidated. The worker's calls take no lock and no locked instruction,
 * although a drain by any lcore may take everything away.
 *
 * 1. The entries of a kept mapping stay as they are except for PTE_KEPT in the first, a bit that
 *    hardware ignores: a second unmap of it is told that it is not mapped.
 * 2. A kept mapping is found by what it maps: first page, number of pages, protection (the key). Of
 *    several with the same key any will do.
 * 3. They are kept in the order in which they were unmapped; the oldest are evicted first.
 * 4. Only the worker touches what it keeps, apart from drains (sluice_domain_drain(), any lcore). A
 *    worker and a drain exclude each other, at the cost of two stores and a load for the worker: it
 *    sets `busy`, then looks at `closed`, with no barrier between the two. The draining thread sets
 *    `closed`, then calls membarrier(2), which makes every thread run a full barrier. Either the
 *    drain then sees `busy` and waits until it is clear (acquire; pairs with the release of
 *    keep_exit()), or the worker's load comes later, sees `closed`, and waits until it is open
 *    again. Every load of `closed` that lets a worker in is an acquire that pairs with the release
 *    of keep_open(), so the worker sees what an earlier drain left. Both waits are bounded.
 * 5. An eviction clears the entries of the oldest and puts them into a list of their own,
 *    `cleared`, where no map finds them. When their invalidation is complete, their IOVAs are free.
 *    If it failed, they stay in that list: a device may still reach them, so they are pending, and a
 *    drain returns the error. The next eviction, of the worker or of a drain, invalidates the whole
 *    domain and releases them with its own. They take places of mappings that could be kept (KEEP_LIMIT is
 *    for both). Without a place an unmap is strict; if that succeeds, hardware answers again, and
 *    what is cleared is invalidated again, too.
 */
#ifndef POLICY_PERSISTENT_H
#define POLICY_PERSISTENT_H

#include "../object/domain.h"

#define KEEP_LIMIT 32768u /* mappings that a worker keeps, or could not evict, at most */
#define KEEP_PAGES IOVA_CHUNK_PAGES /* larger mappings are not kept */
#define KEEP_NIL   UINT32_MAX

/** One kept mapping, or one that is being evicted. */
struct keep_node {
	uint64_t key;
	uint64_t since; /* time of its unmap, clock ticks */
	uint32_t pfn, pages;
	uint32_t chain; /* the next with the same hash; the next cleared one; the next free one */
	uint32_t newer, older;
};

/** What one worker keeps: dl->priv. Written by the worker or by a drain (4); any thread reads the
 * counters. */
struct keep {
	uint32_t busy;         /* 4: written by the worker */
	uint32_t closed;       /* 4: written by a drain */
	uint32_t *head;        /* [2 * KEEP_LIMIT] by hash: index + 1; 0: none */
	struct keep_node *node; /* [KEEP_LIMIT] */
	uint32_t free, fresh;  /* list of nodes given back; the first node never used */
	uint32_t oldest, newest;
	uint32_t n;            /* kept now */
	uint32_t cleared, cleared_last, nb_cleared; /* 5: list, the oldest first */
	/* Counters. */
	uint64_t kept;         /* in all, ever */
	uint64_t reused, evicted;
	uint64_t pages;        /* kept now */
	uint64_t cleared_pages; /* 5: a device may still reach them */
	uint64_t errors;       /* evictions that failed */
	uint64_t misses;       /* stale for longer than the deadline */
	uint64_t most;         /* the most kept or cleared at once */
	uint64_t since;        /* time of the oldest unmap; 0: nothing is kept or cleared */
	uint32_t gen;          /* keep_domain.gen when the histogram was last emptied */
	struct dom_lcore *dl;  /* the worker */
	struct keep *next;     /* in keep_domain.all, under its lock */
	struct sluice_hist stale; /* ns, from the unmap to the end of the window */
};

/** What the domain has: d->priv. */
struct keep_domain {
	/* Protects `all`, and is held during a drain. e->lock would not do: a drain waits for
	 * hardware, and the thread that drives the hardware may need e->lock. If both, e->lock
	 * is taken first. */
	pthread_mutex_t lock;
	struct keep *all;
	uint32_t gen;              /* sluice_domain_stale_reset() increments it */
	struct sluice_hist merged; /* the last result of sluice_domain_stale_hist() */
	struct keep gone;          /* counters and histogram of workers that left; e->lock */
};

/** Enter a call; until keep_exit() no drain takes anything. */
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

/** Take out a kept mapping with that key. @return its page number, or KEEP_NIL. */
uint32_t keep_find(struct sluice_domain *d, struct keep *k, uint64_t key);

/** Is there no place for one more? */
static inline bool
keep_full(const struct keep *k)
{
	return k->n + k->nb_cleared >= KEEP_LIMIT;
}

/** Keep one more mapping; there must be a place (keep_full()). */
void keep_add(struct sluice_domain *d, struct keep *k, uint64_t key, uint32_t pfn, uint32_t pages);

/**
 * Evict up to @p n, and up to SLUICE_INV_BURST, of the oldest, and what an earlier eviction could
 * not invalidate (5): clear their entries, do one invalidation and SYNC, free their IOVAs.
 * @return how many; -ETIMEDOUT, -EIO: a device may still reach them; the next eviction tries again.
 */
int keep_evict(struct sluice_domain *d, struct dom_lcore *dl, uint32_t n);

/** Evict what all workers keep, and free the IOVAs for all. Not within keep_enter(). */
int keep_rollover(struct sluice_domain *d);

/* policy_ops: keep.c, keep_stats.c */
int keep_worker_init(struct sluice_domain *d, struct dom_lcore *dl, unsigned int lcore);
int keep_worker_leave(struct sluice_domain *d, struct dom_lcore *dl);
void keep_worker_fini(struct sluice_domain *d, struct dom_lcore *dl);
int keep_drain(struct sluice_domain *d);
int keep_init(struct sluice_domain *d);
void keep_fini(struct sluice_domain *d);
void keep_stats(const struct sluice_domain *d, struct sluice_domain_stats *st);
const struct sluice_hist *keep_stale(const struct sluice_domain *d);
void keep_stale_reset(struct sluice_domain *d);
/** A worker leaves, with nothing kept: add its counters to the domain's. */
void keep_gone(struct keep_domain *kd, const struct keep *k);

#endif
