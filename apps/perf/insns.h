/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Instructions a pair, where the clock counts instructions: a guest of QEMU under -icount shift=0.
 */
#ifndef PERF_INSNS_H
#define PERF_INSNS_H

/** Instructions a call, each the median of many chunks of calls; 0: not measured. */
struct perf_insns {
	double map, unmap; /**< in bursts of PERF_BURST, the engine's work aside */
	double pair;       /**< map, unmap, map, unmap, …; all of the engine's work within */
};

struct perf_run;

/**
 * Does the TSC advance by one nanosecond an instruction?
 * @return 0, or PERF_EXIT_USAGE with an error line printed.
 */
int perf_insns_check(void);

/**
 * Measure 4 KiB map+unmap in the run's domain, from the lcore that polls its engine.
 * @return 0 with r->insns filled, or PERF_EXIT_FAILED with an error line printed.
 */
int perf_insns_measure(struct perf_run *r);

#endif
