/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The bare SYNC round trip, the yardstick beside every result.
 */
#ifndef PERF_SYNC_H
#define PERF_SYNC_H

#include "bench.h"

/** Time a few hundred bare SYNCs from this lcore; fewer when a signal ends the program.
 * @param err receives -errno if a SYNC fails.
 * @return the median in ns; below 0 on a failure. */
double perf_sync_median_ns(const struct perf_bench *b, int *err);

#endif
