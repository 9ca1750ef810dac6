/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The ownership map: a byte for each page of the IOMMU's memory says whether a device may reach it
 * now. The emulated hardware looks at it with each access, and counts those that it does not allow.
 *
 * Where devices probe, all of that memory is watched, not the buffers alone: pages that nobody ever
 * gave to a device are their owner's. A policy that copies hands out shadow memory in place of the buffer. Then the
 * buffer stays its owner's the whole time, and the shadow's pages are the device's until the unmap;
 * after it they stand in for nobody.
 */
#ifndef PERF_WATCH_H
#define PERF_WATCH_H

#include "worker.h"

/** Make the map of an open bench whose buffers are there, and have it watched.
 * @return 0, or an exit status with an error line printed. */
int perf_watch_open(struct perf_bench *b);

/** Nobody looks at the map any more; perf_bench_close() frees it when the iommu is gone. */
void perf_watch_close(struct perf_bench *b);

/** Every page is its owner's: before a run. */
void perf_watch_reset(struct perf_bench *b);

/** Buffers @p s were mapped, and no device knows of it yet: which of them are shadows? */
void perf_watch_mapped(struct perf_worker *w, const struct sluice_seg *s, uint32_t n);

/** The shadow of buffer @p seq, if it has one, stands in for nobody. */
void perf_watch_shadow_idle(struct perf_worker *w, uint64_t seq);

/** Buffer @p seq is the host's again. */
static inline void
perf_watch_back(struct perf_worker *w, uint64_t seq)
{
	perf_own(w, seq, SLUICE_WATCH_OWNER);
	if (__builtin_expect(w->plan.watches_shadows, 0))
		perf_watch_shadow_idle(w, seq);
}

#endif
