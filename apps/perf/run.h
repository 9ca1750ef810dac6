/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A run is one policy at one point, from an empty domain to an empty domain.
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

/** Everything about one run, and everything that it found. */
struct perf_run {
	struct perf_bench *b;
	const struct perf_point *pt;
	const char *policy;          /**< as asked for */
	char in_force[32];           /**< as the domain took it */
	uint32_t batch, deadline_us; /**< as the domain took them */
	uint32_t copy_max, copy_max_read;   /**< likewise; 0: the policy has no threshold */
	uint32_t crossover, crossover_read; /**< bytes from which on copying costs more than a map;
						0: not known */
	struct sluice_domain *dom;
	struct sluice_device *dev[RTE_MAX_LCORE];
	struct perf_worker *worker;  /**< layout.nb_workers of them */
	unsigned int nb_workers;
	/* Signals between the lcores of the run. The conductor is the first worker. */
	atomic_uint go;              /**< workers may start */
	atomic_uint finished;        /**< workers that have ended, the conductor aside */
	atomic_uint running;         /**< the hardware must go on; the conductor clears it */
	atomic_bool abort;           /**< a worker failed, and all stop */
	atomic_uint preempted;       /**< times that the OS took an lcore of the run away */
	/* Written by the conductor while the other workers do nothing. */
	double sync_before, sync_after; /**< bare SYNC round trip, median, ns; below 0: failed */
	int sync_err;                   /**< the -errno of that failure */
	uint64_t start, end;            /**< ticks */
	int drain_rc;
	struct perf_xstats x0, x1;
	struct sluice_engine_stats e0, e1;
	struct sluice_domain_stats dst;
	/* Written by the main lcore when all workers have ended. */
	struct sluice_hist stale;
	struct sluice_dma_stats dma;    /**< of all channels */
	struct perf_insns insns;
};

/**
 * Run @p policy. Afterwards the domain and the devices are gone; what the run found is in @p r
 * until perf_run_free().
 * @return 0, or an exit status with an error line printed.
 */
int perf_run(struct perf_run *r, struct perf_bench *b, const struct perf_point *pt,
	     const struct perf_policy *policy);
void perf_run_free(struct perf_run *r);

#endif
