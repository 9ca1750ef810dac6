/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One run: one policy at one point, from an empty domain to an empty domain.
 */
#ifndef PERF_RUN_H
#define PERF_RUN_H

#include <stdatomic.h>

#include "bench.h"
#include "insns.h"
#include "worker.h"

struct perf_xstats {
	struct sluice_xstat xs[PERF_MAX_XSTATS];
	unsigned int n;
};

/** Everything that one run found, before it becomes a result. */
struct perf_run {
	struct perf_bench *b;
	const struct perf_point *pt;
	const char *policy;          /**< as asked for */
	char in_force[32];           /**< as the domain took it */
	uint32_t batch, deadline_us; /**< the same */
	uint32_t copy_max, copy_max_read;   /**< the same; 0: it has no threshold */
	uint32_t crossover, crossover_read; /**< where copying stops being cheaper; 0: not known */
	struct sluice_domain *dom;
	struct sluice_device *dev[RTE_MAX_LCORE];
	struct perf_worker *worker;  /**< layout.nb_workers of them */
	unsigned int nb_workers;
	/* The conductor (first worker) writes, the others wait. */
	atomic_uint go;              /**< workers may start */
	atomic_uint finished;        /**< workers that have ended */
	atomic_uint running;         /**< the hardware must go on */
	atomic_bool abort;
	atomic_uint preempted;       /**< times the OS took a lcore of the run away */
	/* Filled by the conductor while the other workers are quiet. */
	double sync_before, sync_after; /**< bare SYNC round trip, median, ns; below 0: failed */
	int sync_err;                   /**< … with this -errno */
	uint64_t start, end;            /**< ticks */
	int drain_rc;
	struct perf_xstats x0, x1;
	struct sluice_engine_stats e0, e1;
	struct sluice_domain_stats dst;
	/* Filled when all is quiet. */
	struct sluice_hist stale;
	struct sluice_dma_stats dma;    /**< of all channels */
	struct perf_insns insns;
};

/**
 * Run @p policy. Afterwards everything of the run is freed but r's memory itself;
 * perf_run_free() for that.
 * @return 0, or an exit status with an error line printed.
 */
int perf_run(struct perf_run *r, struct perf_bench *b, const struct perf_point *pt,
	     const struct perf_policy *policy);
void perf_run_free(struct perf_run *r);

#endif
