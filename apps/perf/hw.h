/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The lcore that stands in for hardware, and waiting in each layout.
 */
#ifndef PERF_HW_H
#define PERF_HW_H

#include <stdatomic.h>

#include "bench.h"

/** Relax hook (struct perf_bench): the caller steps the hardware and polls the engine itself.
 * Control path of all layouts, everything in layout step. */
void perf_hw_tick(void *bench);

/** Install what the layout's workers do while they wait. Before they start. */
void perf_hw_relax_workers(struct perf_bench *b);
/** Install what the main lcore does while it waits. When no worker runs. */
void perf_hw_relax_control(struct perf_bench *b);

/** What a worker does when it has nothing to do but wait for somebody. */
void perf_hw_idle(struct perf_bench *b);

/** The main lcore's work while workers run: until *running is 0.
 * @param since TSC before the first of them could wait for it. */
void perf_hw_serve(struct perf_bench *b, const atomic_uint *running, uint64_t since);

#endif
