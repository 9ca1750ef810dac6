/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Times sluice_iommu_sync(). Where lcores share a CPU, one SYNC can take as long as a scheduler's
 * tick, and fewer SYNCs are timed. In layout step their number never changes, for it is part of the
 * run.
 */
#include <rte_cycles.h>

#include "median.h"
#include "sync.h"
#include "worker.h"

#define SYNCS     501u
#define SYNCS_MIN 21u
#define PATIENCE_MS 200u

double
perf_sync_median_ns(const struct perf_bench *b, int *err)
{
	uint64_t hz = rte_get_tsc_hz(), start = rte_rdtsc(), t0;
	double ticks[SYNCS];
	bool all = b->layout.kind == PERF_LAYOUT_STEP;
	unsigned int n;
	int rc;

	for (n = 0; n < SYNCS; n++) {
		t0 = perf_bench_ticks(b);
		rc = sluice_iommu_sync(b->iommu);
		if (rc != 0) {
			*err = rc;
			return -1;
		}
		ticks[n] = (double)(perf_bench_ticks(b) - t0);
		if (atomic_load_explicit(&perf_interrupted, memory_order_relaxed))
			break;
		if (!all && n + 1 >= SYNCS_MIN &&
		    rte_rdtsc() - start > hz / 1000 * PATIENCE_MS)
			break;
	}
	n = n < SYNCS ? n + 1 : n;
	return perf_median(ticks, n) * perf_bench_tick_ns(b);
}
