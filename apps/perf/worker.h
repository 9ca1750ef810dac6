/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A worker is an lcore with a device, a DMA channel and a ring of buffers of its own.
 */
#ifndef PERF_WORKER_H
#define PERF_WORKER_H

#include <stdatomic.h>

#include <rte_common.h>

#include "bench.h"

/** Set by a signal. All loops then come to an end. */
extern atomic_bool perf_interrupted;

struct perf_run;

/* Buffers that were mapped together, and will be unmapped together. */
struct perf_group {
	uint32_t first; /* index of its first piece in segs[] */
	uint32_t n;     /* pieces */
	bool each;      /* its calls are timed one by one */
};

/* One burst of unmaps whose cookies come back later, in the order of the buffers. */
struct perf_wait {
	uint64_t next;  /* the buffer whose cookie is due next */
	uint64_t later; /* cookies of buffers before this one will come; the rest is back */
	uint64_t end;   /* the first buffer that is not part of this burst */
	uint64_t tsc;   /* when the burst was unmapped */
};

#define PERF_SEGS  (PERF_RING + PERF_BURST_MAX) /* so that no group wraps */
#define PERF_WAITS (2 * PERF_RING)

/** What a worker is to do, and with which memory. Written by the lcore that sets the run up,
 * before the workers start; constant during the run. */
struct perf_plan {
	uint8_t *buffers;         /**< this worker's part of the pool: bench->nb_bufs buffers */
	uint64_t buffers_pa;
	_Atomic uint8_t *owners;  /**< this worker's part of the ownership map (watch.h) */
	uint8_t *device_mem;      /**< the device's memory, a buffer per slot of the ring; NULL: no
				item of the workload needs it */
	uint64_t pairs;           /**< map/unmap pairs to do; 0: go on until @c until */
	uint64_t until;           /**< TSC */
	uint64_t warmup;          /**< pairs at the start that are not timed */
	uint32_t burst;           /**< buffers that are mapped, and unmapped, together */
	uint32_t timed_every;     /**< one burst in so many is timed call by call */
	bool bursts_share;        /**< the calls of a burst share their work, so a call's time is
				its part of the burst's time */
	bool watches_copies;     /**< the policy copies, and the whole memory is watched */
	bool idle;                /**< there are fewer pairs than workers, and none is left here */
	bool samples;             /**< the first worker also samples how much memory is held */
};

/** The buffers in flight. Written by the worker's own lcore; of these fields only the atomic ones
 * are read by another lcore while it runs, by the worker that samples.
 * Buffers are numbered in the order in which they are posted: those before @c taken have been
 * unmapped, and those before @c returned belong to the host again; returned <= taken <= posted. */
struct perf_ring {
	uint64_t posted, taken, returned;
	uint32_t next_item;            /**< index of the workload's item that is posted next */
	uint32_t next_seg;             /**< where the next group's pieces go, if they fit there */
	uint32_t groups_posted, groups_taken;
	uint32_t waits_put, waits_got; /**< bursts with cookies: unmapped, and wholly returned */
	_Atomic uint64_t mapped;       /**< buffers that are mapped now; relaxed */
	_Atomic uint64_t awaited;      /**< buffers unmapped and not yet returned; relaxed */
	uint64_t *copy_pa;           /**< per buffer: the address of its shadow, 0 without one;
					NULL unless plan.watches_copies */
	/* long */
	const struct perf_item *items[PERF_RING]; /**< of the buffers posted */
	struct sluice_seg segs[PERF_SEGS];
	struct perf_group groups[PERF_RING];
	struct perf_wait waits[PERF_WAITS];
};

/** What a worker measured, and what failed. Written by the worker's own lcore; read by the main
 * lcore when all workers have finished. */
struct perf_measured {
	uint64_t map_ticks, map_calls;     /**< whole bursts */
	uint64_t unmap_ticks, unmap_calls; /**< the ticks include taking cookies, and waiting for
					them */
	uint64_t bytes;                    /**< transferred */
	uint64_t mismatches, faults;       /**< packets */
	uint64_t cookies_due, cookies;     /**< cookies promised, and cookies taken */
	uint64_t samples;                  /**< how often the next three were looked at */
	uint64_t pinned_max;    /**< bytes: the most that was held for DMA at once, all workers */
	uint64_t exposed_max;   /**< bytes: the most that was handed back too early, at once */
	uint64_t oldest_max_ns; /**< the longest that an entry of a flush queue was seen to wait */
	const char *failed_call;           /**< the first call that failed, or NULL */
	int err;                           /**< the -errno of that call */
	/* long */
	struct sluice_hist map_hist, unmap_hist; /**< ticks a call */
	struct sluice_hist release_hist;   /**< ticks from an unmap to the return of its buffer,
					where that is later than the end of the call */
};

struct perf_worker {
	struct perf_bench *bench;
	struct perf_run *run;
	struct sluice_domain *dom;
	struct sluice_dma *dma;
	struct perf_plan plan;
	struct perf_ring ring;
	struct perf_measured measured;
} __rte_cache_aligned;

/** Measure what reading the TSC costs by itself. To be called once, before any worker runs. */
void perf_worker_calibrate(void);

/** @return @p t ticks (bench.h) less the time that reading the clock took. */
uint64_t perf_net_ticks(const struct perf_worker *w, uint64_t t);

/** Play the workload through the ring until the plan is done, or the run is aborted. */
void perf_worker_loop(struct perf_worker *w);

/** Note a failure, unless one was noted before, and make all workers stop. @param err -errno */
void perf_worker_fail(struct perf_worker *w, const char *what, int err);

/** Wait one turn, as the layout's workers do. @param since, spins: 0 before the first turn.
 * @return false when the turns together took too long: @p what is then noted as failed. */
bool perf_worker_wait(struct perf_worker *w, uint64_t *since, uint32_t *spins, const char *what);

/** Write the ownership byte of each page of buffer @p seq: SLUICE_WATCH_*. */
static inline void
perf_own(struct perf_worker *w, uint64_t seq, uint8_t whose)
{
	uint32_t pages = w->bench->buf_size / PERF_PAGE;
	/* nb_bufs is a power of two. */
	_Atomic uint8_t *o = w->plan.owners + (seq & (w->bench->nb_bufs - 1)) * pages;

	for (uint32_t i = 0; i < pages; i++)
		atomic_store_explicit(o + i, whose, memory_order_relaxed);
}

#endif
