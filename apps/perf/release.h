/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Buffers on their way back: at once, or when the cookie of their unmap comes out.
 */
#ifndef PERF_RELEASE_H
#define PERF_RELEASE_H

#include "worker.h"

/**
 * The next @p n buffers after w->ring.taken were unmapped at @p tsc. Cookies of the first @p later
 * of them will come; the others are back now.
 */
void perf_release(struct perf_worker *w, uint32_t n, uint32_t later, uint64_t tsc);

/** Take what cookies there are. Inline: most policies have none, and this is on the clock. */
void perf_release_poll_some(struct perf_worker *w);

static inline void
perf_release_poll(struct perf_worker *w)
{
	if (w->ring.waits_put != w->ring.waits_got)
		perf_release_poll_some(w);
}

/** The same between other things that the worker does, or waits for: only cookies that come are on
 * the clock. */
void perf_release_idle(struct perf_worker *w);

/** Have what is queued flushed, wait until buffers before @p seq are back.
 * @return false: failed. */
bool perf_release_wait(struct perf_worker *w, uint64_t seq);

/** The same within a run, where the time counts as the unmaps': who does not wait in the call and
 * runs out of buffers waits here. */
bool perf_release_room(struct perf_worker *w, uint64_t seq);

#endif
