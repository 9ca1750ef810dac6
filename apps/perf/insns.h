/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Counting instructions, where the clock counts them: in a guest of QEMU under -icount shift=0.
 */
#ifndef PERF_INSNS_H
#define PERF_INSNS_H

/** Instructions per call, each the median over many chunks of calls; 0: not measured. */
struct perf_insns {
	double map, unmap; /**< in bursts of PERF_BURST, without the engine's work */
	double pair;       /**< map and unmap in turns, with all of the engine's work */
};

struct perf_run;

/**
 * Check that the TSC advances by one nanosecond per instruction.
 * @return 0, or PERF_EXIT_USAGE with an error line printed.
 */
int perf_insns_check(void);

/**
 * Measure map and unmap of 4 KiB in the run's domain, on the lcore that polls its engine.
 * @return 0 with r->insns filled, or PERF_EXIT_FAILED with an error line printed.
 */
int perf_insns_measure(struct perf_run *r);

#endif
