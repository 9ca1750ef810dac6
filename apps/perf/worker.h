/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One worker: an lcore with a device, a DMA channel and a ring of buffers of its own.
 */
#ifndef PERF_WORKER_H
#define PERF_WORKER_H

#include <stdatomic.h>

#include <rte_common.h>

#include "bench.h"

/** Set by a signal: everything winds down. */
extern atomic_bool perf_interrupted;

struct perf_run;

/* Buffers that were mapped together; together they are unmapped. */
struct perf_group {
	uint32_t first; /* of its pieces, in seg[] */
	uint32_t n;
	bool each;      /* timed call by call */
};

/* Unmaps that were submitted together and come back by cookies, one after the other. */
struct perf_wait {
	uint64_t next;  /* whose cookie is due */
	uint64_t later; /* cookies of buffers before this one come, the rest is back already */
	uint64_t end;   /* the first buffer that is not of them */
	uint64_t tsc;   /* of the submission */
};

#define PERF_SEGS  (PERF_RING + PERF_BURST_MAX) /* so that no group wraps */
#define PERF_WAITS (2 * PERF_RING)

/* Written by its lcore alone while it runs; the main lcore reads when all have finished.
 * Buffers are numbered: of all ever posted, those before taken were unmapped, and those before
 * returned are the host's again: returned <= taken <= posted. */
struct perf_worker {
	struct perf_bench *b;
	struct perf_run *run;
	struct sluice_domain *dom;
	struct sluice_dma *dma;
	uint8_t *buf;           /**< its part of the pool: b->nb_bufs buffers */
	uint64_t buf_pa;
	_Atomic uint8_t *owned; /**< its part of the ownership map */
	uint8_t *stage;         /**< the device's memory, a buffer a slot, or NULL: not needed */
	uint64_t *shadow;       /**< of each buffer: where its shadow is, or 0; NULL: nothing copies */
	bool shadows;           /**< the policy copies, and somebody looks */
	uint64_t posted, taken, returned;
	uint64_t target;        /**< pairs to do; 0: until @c until */
	uint64_t until;         /**< TSC */
	uint64_t warm;          /**< pairs at the start that are not timed */
	uint32_t item;          /**< the next item */
	uint32_t each;          /**< one burst in so many is timed call by call */
	uint32_t burst;         /**< calls */
	bool shares;            /**< a burst shares its work: a call's time is its part of that */
	bool done;              /**< more workers than pairs: nothing to do */
	bool samples;           /**< the first worker also looks at what is held */
	atomic_bool *abort;     /**< one failed: all stop */
	uint32_t seg_next;
	uint32_t groups_posted, groups_taken, waits_put, waits_got;
	/* results */
	uint64_t map_tsc, map_n;     /**< whole bursts: ticks, calls */
	uint64_t unmap_tsc, unmap_n; /**< with taking cookies, and waiting for them */
	uint64_t mismatches, faults; /**< packets */
	uint64_t bytes;
	uint64_t cookies_due, cookies; /**< promised, and come */
	_Atomic uint64_t inflight;   /**< buffers mapped now; others may look */
	_Atomic uint64_t waiting;    /**< unmapped, and not back; others may look */
	uint64_t pinned_max;         /**< bytes: the most held for DMA at once, of all workers */
	uint64_t exposed_max;        /**< the most bytes that were handed back too early, at once */
	uint64_t oldest_max;         /**< ns: the oldest entry of a flush queue */
	uint64_t looks;              /**< how often the three above were looked at */
	const char *failed;          /**< the call that failed, or NULL */
	int err;                     /**< its -errno */
	struct perf_worker *all;     /**< every worker of the run, for the sampling one */
	unsigned int nb_all;
	/* cold, or long */
	const struct perf_item *items[PERF_RING]; /**< of the buffers posted */
	struct sluice_seg seg[PERF_SEGS];
	struct perf_group group[PERF_RING];
	struct perf_wait wait[PERF_WAITS];
	struct sluice_hist map_hist, unmap_hist; /**< ticks a call */
	struct sluice_hist release_hist; /**< ticks from an unmap to the return of the buffer, if
					later than the call's own end */
} __rte_cache_aligned;

/** Measure what reading the TSC costs by itself. Once, before any worker runs. */
void perf_worker_calibrate(void);

/** @p t ticks (bench.h) without what reading the clock took. */
uint64_t perf_net_ticks(const struct perf_worker *w, uint64_t t);

/** Play the workload through the ring until the target, the time, or an abort. */
void perf_worker_loop(struct perf_worker *w);

/** Note a failure, the first one, and have all workers stop. @param err -errno */
void perf_worker_fail(struct perf_worker *w, const char *what, int err);

/** Wait in the layout's way, but not for ever. @param since, spins: 0 at the start.
 * @return false: it took too long, and @p what failed. */
bool perf_worker_wait(struct perf_worker *w, uint64_t *since, uint32_t *spins, const char *what);

/** Write the ownership byte of each page of buffer @p seq: SLUICE_WATCH_*. */
static inline void
perf_own(struct perf_worker *w, uint64_t seq, uint8_t whose)
{
	uint32_t pages = w->b->buf_size / PERF_PAGE;
	/* Their number is a power of two. */
	_Atomic uint8_t *o = w->owned + (seq & (w->b->nb_bufs - 1)) * pages;

	for (uint32_t i = 0; i < pages; i++)
		atomic_store_explicit(o + i, whose, memory_order_relaxed);
}

#endif
