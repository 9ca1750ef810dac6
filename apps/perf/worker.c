/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The measured loop: a NIC's RX ring. Buffers are prepared, mapped and posted in bursts; the
 * device transfers; completed ones are unmapped in bursts, compared, and go back to the end of
 * the line, once they are the host's again (release.c). Only map, unmap and taking cookies, and
 * the ownership bytes that belong to them, are timed.
 */
#include <errno.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_errno.h>

#include "hw.h"
#include "release.h"
#include "watch.h"

#define STALL_SECONDS 10u /* no completion for so long: the channel is stuck */
#define SAMPLE_EVERY  16u /* bursts */

atomic_bool perf_interrupted;

static uint64_t tsc_overhead;

void
perf_worker_calibrate(void)
{
	uint64_t best = UINT64_MAX;

	for (unsigned int i = 0; i < 10000; i++) {
		uint64_t t = rte_rdtsc();

		t = rte_rdtsc() - t;
		if (t < best)
			best = t;
	}
	tsc_overhead = best;
}

uint64_t
perf_net_ticks(const struct perf_worker *w, uint64_t t)
{
	if (unlikely(w->b->virt)) /* reading that clock takes no time */
		return t;
	return t > tsc_overhead ? t - tsc_overhead : 0;
}

static inline uint64_t
buf_offset(const struct perf_worker *w, uint64_t seq)
{
	return (seq & (w->b->nb_bufs - 1)) * w->b->buf_size; /* a power of two */
}

static inline uint8_t *
host_buf(const struct perf_worker *w, uint64_t seq)
{
	return w->buf + buf_offset(w, seq);
}

static inline uint8_t *
device_mem(const struct perf_worker *w, uint64_t seq)
{
	return w->stage + (seq & (w->b->ring - 1)) * w->b->buf_size;
}

static inline const struct perf_item **
item_of(struct perf_worker *w, uint64_t seq)
{
	return &w->items[seq & (w->b->ring - 1)];
}

/* What the device is to send, or the host is to have read from it; and what must change. */
static void *
prepare(struct perf_worker *w, uint64_t seq)
{
	const struct perf_item *it = *item_of(w, seq);

	if (!it->to_host) {
		perf_item_copy(it, host_buf(w, seq));
		perf_item_spoil(it, device_mem(w, seq));
		return device_mem(w, seq);
	}
	perf_item_spoil(it, host_buf(w, seq));
	if (it->cap == it->len)
		return (void *)(uintptr_t)it->data; /* the device only reads it */
	perf_item_copy(it, device_mem(w, seq));
	return device_mem(w, seq);
}

static void
call_time(const struct perf_worker *w, struct sluice_hist *h, uint64_t t, uint32_t n)
{
	sluice_hist_add_n(h, perf_net_ticks(w, t) / n, n);
}

static int
map_each(struct perf_worker *w, struct sluice_seg *s, uint32_t n, uint32_t *done)
{
	uint64_t t;
	int rc;

	for (*done = 0; *done < n; s++, (*done)++) {
		t = perf_bench_ticks(w->b);
		perf_own(w, s->cookie, SLUICE_WATCH_DEVICE);
		rc = sluice_map(w->dom, s->pa, s->len, s->prot, &s->iova);
		t = perf_bench_ticks(w->b) - t;
		if (unlikely(rc != 0))
			return rc;
		call_time(w, &w->map_hist, t, 1);
	}
	return 0;
}

/* @return how many were mapped; fewer than g->n: w->err says why. */
static uint32_t
map_group(struct perf_worker *w, const struct perf_group *g)
{
	struct sluice_seg *s = &w->seg[g->first];
	uint64_t t;
	uint32_t i;

	if (g->each && !w->shares) {
		w->err = map_each(w, s, g->n, &i);
	} else {
		t = perf_bench_ticks(w->b);
		for (i = 0; i < g->n; i++)
			perf_own(w, s[i].cookie, SLUICE_WATCH_DEVICE);
		i = sluice_map_burst(w->dom, s, g->n);
		t = perf_bench_ticks(w->b) - t;
		w->err = i < g->n ? -rte_errno : 0;
		if (g->each && i != 0) {
			call_time(w, &w->map_hist, t, i);
		} else if (w->posted >= w->warm) {
			w->map_tsc += perf_net_ticks(w, t);
			w->map_n += i;
		}
	}
	for (uint32_t k = i; k < g->n; k++)
		perf_own(w, s[k].cookie, SLUICE_WATCH_OWNER);
	return i;
}

/* Each by itself. @return 0 or -errno of the first that failed; the rest was unmapped. */
static int
unmap_each(struct perf_worker *w, const struct sluice_seg *s, uint32_t n)
{
	uint64_t t0, t1;
	int one, rc = 0;

	for (uint32_t i = 0; i < n; i++) {
		t0 = perf_bench_ticks(w->b);
		one = sluice_unmap_async(w->dom, s[i].iova, s[i].len, s[i].cookie);
		if (likely(one >= 0))
			perf_release(w, 1, (uint32_t)one, t0);
		t1 = perf_bench_ticks(w->b);
		if (unlikely(one < 0)) {
			/* Its page stays the device's, for it may still be. */
			rc = rc != 0 ? rc : one;
			w->taken++;
			continue;
		}
		call_time(w, &w->unmap_hist, t1 - t0, 1);
	}
	perf_release_poll(w);
	return rc;
}

static int
unmap_group(struct perf_worker *w, const struct perf_group *g)
{
	const struct sluice_seg *s = &w->seg[g->first];
	unsigned int n, later;
	uint64_t t0, t;
	int rc;

	if (g->each && !w->shares)
		return unmap_each(w, s, g->n);
	t0 = perf_bench_ticks(w->b);
	n = sluice_unmap_async_burst(w->dom, s, g->n, &later);
	rc = n < g->n ? -rte_errno : 0;
	perf_release(w, n, later, t0);
	perf_release_poll(w);
	t = perf_bench_ticks(w->b) - t0;
	if (g->each && n != 0) {
		call_time(w, &w->unmap_hist, t, n);
		/* What a burst shares is over for all of them at its end. */
		sluice_hist_add_n(&w->release_hist, perf_net_ticks(w, t), n - later);
	} else if (w->taken > w->warm) {
		w->unmap_tsc += perf_net_ticks(w, t);
		w->unmap_n += n;
	}
	w->taken += g->n - n;
	return rc;
}

void
perf_worker_fail(struct perf_worker *w, const char *what, int err)
{
	if (w->failed == NULL) {
		w->failed = what;
		w->err = err;
	}
	atomic_store_explicit(w->abort, true, memory_order_relaxed);
}

bool
perf_worker_wait(struct perf_worker *w, uint64_t *since, uint32_t *spins, const char *what)
{
	perf_hw_idle(w->b);
	if ((++*spins & 1023u) != 0)
		return true;
	if (*since == 0)
		*since = rte_rdtsc();
	if (rte_rdtsc() - *since < (uint64_t)STALL_SECONDS * rte_get_tsc_hz())
		return true;
	perf_worker_fail(w, what, -ETIMEDOUT);
	return false;
}

static bool
submit(struct perf_worker *w, const struct sluice_dma_desc *d, uint32_t n)
{
	uint64_t since = 0;
	uint32_t spins = 0, done = 0;

	if (!w->b->transfers)
		return true;
	for (;;) {
		done += sluice_dma_submit(w->dma, d + done, (uint16_t)(n - done));
		if (done == n)
			return true;
		if (!perf_worker_wait(w, &since, &spins, "DMA channel"))
			return false;
	}
}

/* Where the pieces of the next group go: side by side. The hole that this leaves at the end is
 * shorter than what PERF_SEGS is longer than the ring. */
static uint32_t
seg_take(struct perf_worker *w, uint32_t n)
{
	uint32_t first = w->seg_next + n <= PERF_SEGS ? w->seg_next : 0;

	w->seg_next = first + n;
	return first;
}

static bool
post(struct perf_worker *w, uint32_t n, bool each)
{
	struct perf_group *g = &w->group[w->groups_posted % PERF_RING];
	struct sluice_dma_desc d[PERF_BURST_MAX];
	struct sluice_seg *s;
	uint32_t mapped;

	if (w->posted + n > w->b->nb_bufs && !perf_release_room(w, w->posted + n - w->b->nb_bufs))
		return false;
	*g = (struct perf_group) { .first = seg_take(w, n), .n = n, .each = each };
	s = &w->seg[g->first];
	for (uint32_t i = 0; i < n; i++) {
		uint64_t seq = w->posted + i;
		const struct perf_item *it = &w->b->wl->item[w->item];

		*item_of(w, seq) = it;
		w->item = w->item + 1 < w->b->wl->nb_items ? w->item + 1 : 0;
		d[i].dev_mem = prepare(w, seq);
		d[i].len = it->len;
		d[i].flags = it->to_host ? SLUICE_DMA_TO_HOST : 0;
		d[i].dev_off = 0;
		d[i].cookie = seq;
		s[i].pa = w->buf_pa + buf_offset(w, seq);
		s[i].cookie = seq;
		s[i].len = w->b->buf_size;
		s[i].prot = it->to_host ? SLUICE_RW : SLUICE_READ;
	}
	perf_release_idle(w);
	mapped = map_group(w, g);
	perf_watch_mapped(w, s, mapped);
	for (uint32_t i = 0; i < mapped; i++)
		d[i].iova = s[i].iova;
	g->n = mapped;
	w->groups_posted += mapped > 0;
	w->posted += mapped;
	atomic_store_explicit(&w->inflight, w->posted - w->taken, memory_order_relaxed);
	if (mapped > 0 && !submit(w, d, mapped))
		return false;
	if (unlikely(mapped < n))
		perf_worker_fail(w, "sluice_map", w->err);
	return true;
}

static void
compare(struct perf_worker *w, const struct sluice_dma_cpl *c, const struct perf_group *g)
{
	for (uint32_t i = 0; i < g->n; i++) {
		uint64_t seq = w->seg[g->first + i].cookie;
		const struct perf_item *it = *item_of(w, seq);

		if (c[i].status != 0)
			w->faults++;
		else if (c[i].done != it->len || c[i].cookie != seq ||
			 !perf_item_check(it, it->to_host ? host_buf(w, seq) : device_mem(w, seq)))
			w->mismatches++;
		w->bytes += c[i].done;
	}
}

static bool
collect(struct perf_worker *w)
{
	const struct perf_group *g = &w->group[w->groups_taken++ % PERF_RING];
	struct sluice_dma_cpl c[PERF_BURST_MAX];
	uint64_t since = 0;
	uint32_t spins = 0, got = 0;
	int rc;

	while (w->b->transfers && got < g->n) {
		got += sluice_dma_completed(w->dma, c + got, (uint16_t)(g->n - got));
		perf_release_idle(w);
		if (got < g->n && !perf_worker_wait(w, &since, &spins, "DMA channel"))
			return false;
	}
	rc = unmap_group(w, g);
	if (unlikely(rc != 0))
		perf_worker_fail(w, "sluice_unmap", rc);
	if (w->b->transfers)
		compare(w, c, g);
	perf_release_idle(w);
	atomic_store_explicit(&w->inflight, w->posted - w->taken, memory_order_relaxed);
	return true;
}

/* Buffers mapped, those whose cookie has not come, and those that were handed back while their
 * invalidation is still due, each once, however often it was; or what stays mapped anyway, if that
 * is more. Only what was handed back is exposed. */
static void
sample(struct perf_worker *w)
{
	uint64_t held = 0, waiting = 0, size = w->b->buf_size, early, bytes;
	struct sluice_domain_stats st;

	/* Before the flush queues: what comes back in between is counted rather once too often. */
	for (unsigned int i = 0; i < w->nb_all; i++) {
		held += atomic_load_explicit(&w->all[i].inflight, memory_order_relaxed);
		waiting += atomic_load_explicit(&w->all[i].waiting, memory_order_relaxed);
	}
	sluice_domain_get_stats(w->dom, &st);
	early = st.pending - RTE_MIN(st.pending, waiting);
	bytes = RTE_MIN((held + waiting + early) * size, (uint64_t)w->b->pool_size);
	w->pinned_max = RTE_MAX(w->pinned_max, RTE_MAX(bytes, st.kept_bytes));
	/* Among pending entries are those with cookies, and nobody has their memory back. */
	bytes = st.exposed_bytes - RTE_MIN(st.exposed_bytes, waiting * size);
	w->exposed_max = RTE_MAX(w->exposed_max, bytes);
	w->oldest_max = RTE_MAX(w->oldest_max, st.oldest_ns);
	w->looks++;
}

/* How many more buffers may be posted by the plan, the ring aside. */
static uint64_t
wanted(const struct perf_worker *w)
{
	if (atomic_load_explicit(w->abort, memory_order_relaxed) ||
	    atomic_load_explicit(&perf_interrupted, memory_order_relaxed))
		return 0;
	if (w->target != 0)
		return w->target - w->posted;
	return rte_rdtsc() < w->until ? w->burst : 0;
}

void
perf_worker_loop(struct perf_worker *w)
{
	bool each, inline_engine = w->b->layout.kind != PERF_LAYOUT_SPLIT;
	uint64_t burst = 0, n;

	if (w->done)
		return;
	do {
		each = burst % w->each == w->each - 1 && w->posted >= w->warm;
		n = RTE_MIN(wanted(w), (uint64_t)RTE_MIN(w->burst, w->b->ring));
		if (n > w->b->ring - (w->posted - w->taken))
			n = 0; /* whole bursts: what is mapped together is unmapped together */
		if (n > 0 && !post(w, (uint32_t)n, each))
			return;
		if (w->samples && burst % SAMPLE_EVERY == SAMPLE_EVERY - 1)
			sample(w);
		/* No room for another, or nothing more to post: take from the other end. */
		if (w->posted != w->taken &&
		    (w->b->ring - (w->posted - w->taken) < w->burst || wanted(w) == 0) &&
		    !collect(w))
			return;
		if (inline_engine)
			perf_hw_idle(w->b);
		burst++;
	} while (w->posted != w->taken || wanted(w) > 0);
	perf_release_wait(w, w->posted);
	if (w->samples && w->pinned_max == 0)
		w->pinned_max = RTE_MIN(w->posted, (uint64_t)w->b->ring) * w->b->buf_size;
}
