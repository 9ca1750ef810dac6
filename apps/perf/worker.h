/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One worker: an lcore with a device, a DMA channel and a ring of buffers of its own.
 */
#ifndef PERF_WORKER_H
#define PERF_WORKER_H

#include <stdatomic.h>

#include <rte_common.h>

#include "bench.h"

#define PERF_BURST 32u

/** Set by a signal: everything winds down. */
extern atomic_bool perf_interrupted;

struct perf_run;

struct perf_slot {
	uint64_t iova;
	const struct perf_item *item;
};

/* Written by its lcore alone while it runs; the main lcore reads when all have finished. */
struct perf_worker {
	struct perf_bench *b;
	struct perf_run *run;
	struct sluice_domain *dom;
	struct sluice_dma *dma;
	uint8_t *buf;           /**< its part of the pool: b->nb_bufs buffers */
	uint64_t buf_pa;
	_Atomic uint8_t *owned; /**< its part of the ownership map */
	uint8_t *stage;         /**< the device's memory, a buffer a slot, or NULL: not needed */
	struct perf_slot slot[PERF_RING];
	uint64_t posted, taken; /**< buffers ever posted, and ever collected */
	uint64_t target;        /**< pairs to do; 0: until @c until */
	uint64_t until;         /**< TSC */
	uint64_t warm;          /**< pairs at the start that are not timed */
	uint32_t item;          /**< the next item */
	uint32_t each;          /**< one burst in so many is timed call by call */
	bool done;              /**< more workers than pairs: nothing to do */
	bool samples_pinned;    /**< the first worker also looks at what is pinned */
	atomic_bool *abort;     /**< one failed: all stop */
	/* results */
	uint64_t map_tsc, map_n;     /**< whole bursts: cycles, calls */
	uint64_t unmap_tsc, unmap_n;
	uint64_t mismatches, faults; /**< packets */
	uint64_t bytes;
	_Atomic uint64_t inflight;   /**< buffers mapped now; others may look */
	uint64_t pinned_max;         /**< the most buffers held for DMA at once, of all workers */
	const char *failed;          /**< the call that failed, or NULL */
	int err;                     /**< its -errno */
	struct sluice_hist map_hist, unmap_hist; /**< cycles a call */
	struct perf_worker *all;     /**< every worker of the run, for the sampling one */
	unsigned int nb_all;
} __rte_cache_aligned;

/** Measure what reading the TSC costs by itself. Once, before any worker runs. */
void perf_worker_calibrate(void);

/** Play the workload through the ring until the target, the time, or an abort. */
void perf_worker_loop(struct perf_worker *w);

#endif
