/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The bare SYNC round trip: the yardstick that stands beside every result.
 */
#ifndef PERF_SYNC_H
#define PERF_SYNC_H

#include "bench.h"

/** The median of a few hundred bare SYNCs from this lcore, ns; of fewer when the program is told to
 * end. Below 0: one failed, and @p err says how (-errno). */
double perf_sync_median_ns(const struct perf_bench *b, int *err);

#endif
