/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The lcore that steps the emulated hardware, and how lcores wait in each layout.
 */
#ifndef PERF_HW_H
#define PERF_HW_H

#include <stdatomic.h>

#include "bench.h"

/** Relax hook, with a struct perf_bench: the waiting lcore steps the hardware and polls the engine.
 * Used by the control path in all layouts, and for everything in layout step. */
void perf_hw_tick(void *bench);

/** Install the relax hook of the layout's workers, before they start. */
void perf_hw_relax_workers(struct perf_bench *b);
/** Install the relax hook of the main lcore, when no worker runs. */
void perf_hw_relax_control(struct perf_bench *b);

/** One turn of a worker that has to wait. */
void perf_hw_idle(struct perf_bench *b);

/** The main lcore's work while workers run: step the hardware until *running is 0.
 * @param since the TSC at a time before any worker waited for the hardware. */
void perf_hw_serve(struct perf_bench *b, const atomic_uint *running, uint64_t since);

#endif
