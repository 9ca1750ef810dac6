/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The device owns a buffer until its unmap says otherwise. Under most policies the return of the
 * call says so. If the call promises a cookie, the buffer stays the device's until the cookie has
 * come, and is not posted again before. The number of a buffer is its cookie, so the next cookie is
 * always known: no cookie may come twice, out of turn, or not at all.
 */
#include <errno.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>

#include "release.h"
#include "watch.h"

/* Move @c returned up to the oldest buffer whose cookie is still to come. */
static void
settle(struct perf_worker *w)
{
	while (w->ring.waits_got != w->ring.waits_put) {
		const struct perf_wait *q = &w->ring.waits[w->ring.waits_got % PERF_WAITS];

		if (q->next != q->later)
			break;
		w->ring.returned = q->end;
		w->ring.waits_got++;
	}
	atomic_store_explicit(&w->ring.awaited, w->ring.taken - w->ring.returned,
			      memory_order_relaxed);
}

void
perf_release(struct perf_worker *w, uint32_t n, uint32_t later, uint64_t tsc)
{
	uint64_t first = w->ring.taken;

	for (uint32_t i = later; i < n; i++)
		perf_watch_back(w, first + i);
	w->ring.taken += n;
	if (likely(later == 0 && w->ring.waits_put == w->ring.waits_got)) {
		w->ring.returned = w->ring.taken;
		return;
	}
	w->ring.waits[w->ring.waits_put++ % PERF_WAITS] = (struct perf_wait) {
		.next = first, .later = first + later, .end = w->ring.taken, .tsc = tsc,
	};
	w->measured.cookies_due += later;
	settle(w);
}

/* Take those of the @p n cookies that belong to the oldest burst. @return how many those were; 0 if
 * the first cookie was not due. */
static unsigned int
take(struct perf_worker *w, const uint64_t *cookie, unsigned int n, uint64_t now)
{
	struct perf_wait *q = &w->ring.waits[w->ring.waits_got % PERF_WAITS];
	unsigned int i;

	if (unlikely(w->ring.waits_got == w->ring.waits_put))
		return 0;
	n = (unsigned int)RTE_MIN((uint64_t)n, q->later - q->next);
	for (i = 0; i < n && likely(cookie[i] == q->next + i); i++)
		perf_watch_back(w, q->next + i);
	q->next += i;
	w->measured.cookies += i;
	sluice_hist_add_n(&w->measured.release_hist, perf_net_ticks(w, now - q->tsc), i);
	if (q->next == q->later)
		settle(w);
	return i;
}

void
perf_release_poll_some(struct perf_worker *w)
{
	uint64_t cookie[PERF_BURST_MAX], now;
	unsigned int n, k;

	do {
		n = sluice_unmap_completed(w->dom, cookie, PERF_BURST_MAX);
		now = perf_bench_ticks(w->bench);
		for (unsigned int i = 0; i < n; i += k) {
			k = take(w, cookie + i, n - i, now);
			if (unlikely(k == 0)) {
				perf_worker_fail(w, "sluice_unmap_completed (a cookie that was not "
						 "due)", -EBADMSG);
				return;
			}
		}
	} while (n == PERF_BURST_MAX);
}

void
perf_release_idle(struct perf_worker *w)
{
	uint64_t had = w->measured.cookies, t;

	if (w->ring.waits_put == w->ring.waits_got)
		return;
	t = perf_bench_ticks(w->bench);
	perf_release_poll_some(w);
	if (w->measured.cookies != had && w->ring.taken > w->plan.warmup)
		w->measured.unmap_ticks += perf_net_ticks(w, perf_bench_ticks(w->bench) - t);
}

bool
perf_release_wait(struct perf_worker *w, uint64_t seq)
{
	uint64_t since = 0;
	uint32_t spins = 0;
	bool ok = true;

	if (w->ring.returned >= seq)
		return true;
	/* The batch is not full, and will not fill up while the worker waits for its buffers. */
	sluice_unmap_kick(w->dom);
	perf_release_poll(w);
	while (ok && w->ring.returned < seq) {
		ok = w->measured.failed_call == NULL &&
		     perf_worker_wait(w, &since, &spins, "sluice_unmap_completed");
		perf_release_poll(w);
	}
	return ok;
}

bool
perf_release_room(struct perf_worker *w, uint64_t seq)
{
	uint64_t t0;
	bool ok;

	if (likely(w->ring.returned >= seq))
		return true;
	t0 = perf_bench_ticks(w->bench);
	ok = perf_release_wait(w, seq);
	if (w->ring.taken > w->plan.warmup)
		w->measured.unmap_ticks += perf_net_ticks(w, perf_bench_ticks(w->bench) - t0);
	return ok;
}
