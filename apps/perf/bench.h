/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The bench that policies are measured on: an open iommu, its engine and the workers' buffers.
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
#define PERF_RING     256u /* posted buffers per worker: the default RX ring of many NICs */
#define PERF_MAX_XSTATS 192u

struct perf_bench {
	struct sluice_iommu *iommu;
	struct sluice_engine *engine;
	struct perf_layout layout;
	const struct perf_workload *wl;
	const struct perf_options *o;
	uint8_t *pool;       /**< every worker's buffers, page aligned */
	uint64_t pool_pa;
	uint8_t *watch;      /**< a byte per page: its owner (watch.h). Written by the worker that
				has the buffer, read by the hardware; relaxed */
	uint64_t watch_pa, watch_len; /**< the range that the map covers */
	bool watch_all;      /**< it covers all of the IOMMU's memory */
	size_t pool_size;
	uint32_t buf_size;   /**< multiple of PERF_PAGE */
	uint32_t ring;       /**< posted buffers per worker */
	uint32_t nb_bufs;    /**< buffers per worker: twice the ring, so that a buffer that was
				handed back stays with the host for a while */
	bool virt;           /**< virtual time: the same run always takes the same time */
	bool transfers;      /**< a device moves bytes between map and unmap; else nothing does */
	bool failed;         /**< an error was printed, so tear-down prints no other */
	bool control;        /**< this is the control (control.h): the hardware is broken, and its
				results are not shown */
	bool in_place;       /**< control of a policy that copies: the buffers are mapped instead */
	uint64_t hw_away;    /**< TSC: the longest time that the hardware's lcore did not run.
				Written by that lcore during a run, read after it */
	bool polling;        /**< the engine's lcore is in a poll, and must not start another one
				in a relax hook; used by that lcore alone */
	/* cold */
	struct sluice_iommu_info info;
	uint64_t sync_ns;    /**< injected SYNC latency, 0 if none */
	char dev[512];       /**< the device string as it was opened */
	char slowed[64];     /**< what --probe-stale added to it, "key=value,…", or "" */
	char host_note[128]; /**< what a reader of the results must know of this bench, or "" */
};

/**
 * Open the iommu of @p pt, start an engine, register the workers of @p l and get their buffers.
 * @return 0, or an exit status with an error line printed.
 */
int perf_bench_open(struct perf_bench *b, const struct perf_options *o,
		    const struct perf_workload *wl, const struct perf_layout *l,
		    const struct perf_point *pt);

/** Close all of it. @return 0, or an exit status with an error line printed. */
int perf_bench_close(struct perf_bench *b);

/** The time now in ticks: TSC cycles, or ns of virtual time. */
static inline uint64_t
perf_bench_ticks(const struct perf_bench *b)
{
	return likely(!b->virt) ? rte_rdtsc() : sluice_iommu_now_ns(b->iommu);
}

/** Nanoseconds per tick. */
static inline double
perf_bench_tick_ns(const struct perf_bench *b)
{
	return b->virt ? 1 : 1e9 / (double)rte_get_tsc_hz();
}

#endif
