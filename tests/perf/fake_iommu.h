/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * An iommu without hardware: invalidations complete at once and cost nothing, so that what is
 * measured is the engine alone.
 */
#ifndef BENCH_FAKE_IOMMU_H
#define BENCH_FAKE_IOMMU_H

#include <stdint.h>

struct sluice_iommu;

/** What it saw. */
struct fake_counts {
	uint64_t submits, ranges, domains;
};

/** Opened by sluice_iommu_open("fake[,mem_mb=N]"). N: memory for page tables. */
struct fake_counts fake_iommu_counts(struct sluice_iommu *iommu);

#endif
