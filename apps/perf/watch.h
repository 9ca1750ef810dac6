/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The ownership map has a byte for each page of the IOMMU's memory, which says whether a device may
 * reach the page now. The emulated hardware looks at the map with each access, and counts accesses
 * that the map does not allow.
 *
 * Where devices probe, all of that memory is watched and not only the buffers: a page that was
 * never given to a device belongs to its owner. A policy that copies maps shadow memory instead of
 * the buffer. The buffer then stays its owner's the whole time. The shadow's pages are the device's
 * until the unmap, and idle after it: they stand for no buffer.
 */
#ifndef PERF_WATCH_H
#define PERF_WATCH_H

#include "worker.h"

/** Make the map of an open bench that has its buffers, and give it to the hardware.
 * @return 0, or an exit status with an error line printed. */
int perf_watch_open(struct perf_bench *b);

/** Take the map from the hardware; perf_bench_close() frees it when the iommu is closed. */
void perf_watch_close(struct perf_bench *b);

/** Give every page back to its owner, before a run. */
void perf_watch_reset(struct perf_bench *b);

/** Find out which of the buffers @p s, just mapped, are shadows. To be called before a device is
 * given their addresses. */
void perf_watch_mapped(struct perf_worker *w, const struct sluice_seg *s, uint32_t n);

/** Mark the shadow of buffer @p seq, if it has one, as idle. */
void perf_watch_copy_idle(struct perf_worker *w, uint64_t seq);

/** Give buffer @p seq back to the host. */
static inline void
perf_watch_back(struct perf_worker *w, uint64_t seq)
{
	perf_own(w, seq, SLUICE_WATCH_OWNER);
	if (__builtin_expect(w->plan.watches_copies, 0))
		perf_watch_copy_idle(w, seq);
}

#endif
