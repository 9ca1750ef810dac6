/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Buffers on their way back to the host: with the return of their unmap, or with its cookie.
 */
#ifndef PERF_RELEASE_H
#define PERF_RELEASE_H

#include "worker.h"

/**
 * The next @p n buffers after w->ring.taken were unmapped at @p tsc. Cookies of the first @p later
 * of them will come; the others are back now.
 */
void perf_release(struct perf_worker *w, uint32_t n, uint32_t later, uint64_t tsc);

/** Take all cookies that are ready. */
void perf_release_poll_some(struct perf_worker *w);

/** The same; inline, because the clock is running and most policies have no cookies. */
static inline void
perf_release_poll(struct perf_worker *w)
{
	if (w->ring.waits_put != w->ring.waits_got)
		perf_release_poll_some(w);
}

/** The same between other work of the worker, and while it waits: the time counts only if a cookie
 * came. */
void perf_release_idle(struct perf_worker *w);

/** Start a flush of what is queued, and wait until all buffers before @p seq are back.
 * @return false on a failure. */
bool perf_release_wait(struct perf_worker *w, uint64_t seq);

/** The same within a run. The time counts as unmap time: a policy whose unmap does not wait makes
 * the worker wait here instead, when it runs out of buffers. */
bool perf_release_room(struct perf_worker *w, uint64_t seq);

#endif
