/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The bare SYNC round trip: the yardstick that stands beside every result.
 */
#ifndef PERF_SYNC_H
#define PERF_SYNC_H

#include <sluice/sluice.h>

#include "options.h"

/** The median of a few hundred bare SYNCs from this lcore, ns; below 0: one failed. */
double perf_sync_median_ns(struct sluice_iommu *iommu, enum perf_layout_kind kind);

#endif
