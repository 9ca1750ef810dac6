/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The bench that policies are measured on: an open iommu, its engine, the workers' buffers.
 */
#ifndef PERF_BENCH_H
#define PERF_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_cycles.h>

#include <sluice/sluice.h>

#include "layout.h"
#include "options.h"
#include "sweep.h"
#include "workload.h"

#define PERF_PAGE     4096u
#define PERF_RING     256u /* posted buffers a worker, as many NICs' default RX ring */
#define PERF_MAX_XSTATS 192u

struct perf_bench {
	struct sluice_iommu *iommu;
	struct sluice_engine *engine;
	struct perf_layout layout;
	const struct perf_workload *wl;
	const struct perf_options *o;
	uint8_t *pool;       /**< every worker's buffers, page aligned */
	uint64_t pool_pa;
	uint8_t *watch;      /**< a byte a page: whose it is (watch.h). Written by the worker whose
				buffer it is, read by the hardware; relaxed */
	uint64_t watch_pa, watch_len; /**< which pages */
	bool watch_all;      /**< they are all of the IOMMU's memory */
	size_t pool_size;
	uint32_t buf_size;   /**< multiple of PERF_PAGE */
	uint32_t ring;       /**< posted buffers a worker */
	uint32_t nb_bufs;    /**< buffers a worker: twice the ring, so that what was handed back
				stays with the host for a while */
	bool virt;           /**< time is the model's: the same run takes the same time */
	bool transfers;      /**< a device moves bytes; else nothing does between map and unmap */
	bool failed;         /**< an error was said: tear-down says no more */
	bool control;        /**< what runs is a control: broken hardware, nothing is shown */
	bool in_place;       /**< of what copies: the buffers themselves are mapped */
	uint64_t hw_away;    /**< TSC: the longest that the hardware's lcore did not run. Written by
				that lcore during a run, read after it */
	bool polling;        /**< engine's lcore only: a relax hook must not poll within a poll */
	/* cold */
	struct sluice_iommu_info info;
	uint64_t sync_ns;    /**< injected SYNC latency, 0 if none */
	char dev[512];       /**< the device string as it was opened */
	char slowed[64];     /**< what --probe-stale added to it, "key=value,…", or "" */
	char host_note[128]; /**< what a reader must know of this bench, or "" */
};

/**
 * Open the iommu of @p pt, start an engine, register the workers of @p l, get their buffers.
 * @return 0, or an exit status with an error line printed.
 */
int perf_bench_open(struct perf_bench *b, const struct perf_options *o,
		    const struct perf_workload *wl, const struct perf_layout *l,
		    const struct perf_point *pt);

/** Undo it. @return 0, or an exit status with an error line printed. */
int perf_bench_close(struct perf_bench *b);

/** Ticks now: cycles, or the model's ns. */
static inline uint64_t
perf_bench_ticks(const struct perf_bench *b)
{
	return likely(!b->virt) ? rte_rdtsc() : sluice_iommu_now_ns(b->iommu);
}

/** Nanoseconds a tick. */
static inline double
perf_bench_tick_ns(const struct perf_bench *b)
{
	return b->virt ? 1 : 1e9 / (double)rte_get_tsc_hz();
}

#endif
