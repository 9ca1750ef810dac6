/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Sampling how much memory a policy holds for DMA, and how much of it devices may still reach
 * although it was handed back.
 */
#ifndef PERF_HELD_H
#define PERF_HELD_H

#include "worker.h"

/** Take one sample of all workers of the run, and keep the maxima in w->measured. */
void perf_held_sample(struct perf_worker *w);

#endif
