/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The measured loop, which works as a NIC's RX ring does. Buffers are prepared, mapped and posted
 * in bursts, and the device transfers. Buffers whose transfer is complete are unmapped in bursts
 * and compared. They are posted again once they belong to the host again (release.c). The clock
 * runs only while the loop maps, unmaps or takes cookies and writes the ownership bytes that
 * belong to these.
 */
#include <errno.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_errno.h>

#include "held.h"
#include "hw.h"
#include "release.h"
#include "run.h"
#include "watch.h"

#define STALL_SECONDS 10u /* a channel without a completion for so long is stuck */
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
	if (unlikely(w->bench->virt)) /* reading the model's clock takes no time */
		return t;
	return t > tsc_overhead ? t - tsc_overhead : 0;
}

static inline uint64_t
buf_offset(const struct perf_worker *w, uint64_t seq)
{
	return (seq & (w->bench->nb_bufs - 1)) * w->bench->buf_size; /* a power of two */
}

static inline uint8_t *
host_buf(const struct perf_worker *w, uint64_t seq)
{
	return w->plan.buffers + buf_offset(w, seq);
}

static inline uint8_t *
device_mem(const struct perf_worker *w, uint64_t seq)
{
	return w->plan.device_mem + (seq & (w->bench->ring - 1)) * w->bench->buf_size;
}

/* Buffers that are mapped. */
static inline uint64_t
in_flight(const struct perf_worker *w)
{
	return w->ring.posted - w->ring.taken;
}

static inline const struct perf_item **
item_of(struct perf_worker *w, uint64_t seq)
{
	return &w->ring.items[seq & (w->bench->ring - 1)];
}

/* Put the item's bytes where the transfer starts, and wrong bytes where it ends, so that a
 * transfer that does not happen is found. @return the device's end of the transfer. */
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
		return (void *)(uintptr_t)it->data; /* the device's end is only read */
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
		t = perf_bench_ticks(w->bench);
		perf_own(w, s->cookie, SLUICE_WATCH_DEVICE);
		rc = sluice_map(w->dom, s->pa, s->len, s->prot, &s->iova);
		t = perf_bench_ticks(w->bench) - t;
		if (unlikely(rc != 0))
			return rc;
		call_time(w, &w->measured.map_hist, t, 1);
	}
	return 0;
}

/* @return how many buffers were mapped. If fewer than g->n, w->measured.err says why. */
static uint32_t
map_group(struct perf_worker *w, const struct perf_group *g)
{
	struct sluice_seg *s = &w->ring.segs[g->first];
	uint64_t t;
	uint32_t i;

	if (g->each && !w->plan.bursts_share) {
		w->measured.err = map_each(w, s, g->n, &i);
	} else {
		t = perf_bench_ticks(w->bench);
		for (i = 0; i < g->n; i++)
			perf_own(w, s[i].cookie, SLUICE_WATCH_DEVICE);
		i = sluice_map_burst(w->dom, s, g->n);
		t = perf_bench_ticks(w->bench) - t;
		w->measured.err = i < g->n ? -rte_errno : 0;
		if (g->each && i != 0) {
			call_time(w, &w->measured.map_hist, t, i);
		} else if (w->ring.posted >= w->plan.warmup) {
			w->measured.map_ticks += perf_net_ticks(w, t);
			w->measured.map_calls += i;
		}
	}
	for (uint32_t k = i; k < g->n; k++)
		perf_own(w, s[k].cookie, SLUICE_WATCH_OWNER);
	return i;
}

/* Unmap call by call. @return 0, or -errno of the first call that failed; the other buffers were
 * unmapped all the same. */
static int
unmap_each(struct perf_worker *w, const struct sluice_seg *s, uint32_t n)
{
	uint64_t t0, t1;
	int one, rc = 0;

	for (uint32_t i = 0; i < n; i++) {
		t0 = perf_bench_ticks(w->bench);
		one = sluice_unmap_async(w->dom, s[i].iova, s[i].len, s[i].cookie);
		if (likely(one >= 0))
			perf_release(w, 1, (uint32_t)one, t0);
		t1 = perf_bench_ticks(w->bench);
		if (unlikely(one < 0)) {
			/* The device may still reach the page, so its owner stays the device. */
			rc = rc != 0 ? rc : one;
			w->ring.taken++;
			continue;
		}
		call_time(w, &w->measured.unmap_hist, t1 - t0, 1);
	}
	perf_release_poll(w);
	return rc;
}

static int
unmap_group(struct perf_worker *w, const struct perf_group *g)
{
	const struct sluice_seg *s = &w->ring.segs[g->first];
	unsigned int n, later;
	uint64_t t0, t;
	int rc;

	if (g->each && !w->plan.bursts_share)
		return unmap_each(w, s, g->n);
	t0 = perf_bench_ticks(w->bench);
	n = sluice_unmap_async_burst(w->dom, s, g->n, &later);
	rc = n < g->n ? -rte_errno : 0;
	perf_release(w, n, later, t0);
	perf_release_poll(w);
	t = perf_bench_ticks(w->bench) - t0;
	if (g->each && n != 0) {
		call_time(w, &w->measured.unmap_hist, t, n);
		/* The work that the calls share ends for all of them with the burst. */
		sluice_hist_add_n(&w->measured.release_hist, perf_net_ticks(w, t), n - later);
	} else if (w->ring.taken > w->plan.warmup) {
		w->measured.unmap_ticks += perf_net_ticks(w, t);
		w->measured.unmap_calls += n;
	}
	w->ring.taken += g->n - n;
	return rc;
}

void
perf_worker_fail(struct perf_worker *w, const char *what, int err)
{
	if (w->measured.failed_call == NULL) {
		w->measured.failed_call = what;
		w->measured.err = err;
	}
	atomic_store_explicit(&w->run->abort, true, memory_order_relaxed);
}

bool
perf_worker_wait(struct perf_worker *w, uint64_t *since, uint32_t *spins, const char *what)
{
	perf_hw_idle(w->bench);
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

	if (!w->bench->transfers)
		return true;
	for (;;) {
		done += sluice_dma_submit(w->dma, d + done, (uint16_t)(n - done));
		if (done == n)
			return true;
		if (!perf_worker_wait(w, &since, &spins, "DMA channel"))
			return false;
	}
}

/* Where the pieces of the next group go. They lie side by side, so a group that does not fit at the
 * end goes to the start. The hole that it leaves is short enough for PERF_SEGS. */
static uint32_t
seg_take(struct perf_worker *w, uint32_t n)
{
	uint32_t first = w->ring.next_seg + n <= PERF_SEGS ? w->ring.next_seg : 0;

	w->ring.next_seg = first + n;
	return first;
}

/* Choose the next item, and describe its transfer and its mapping. */
static void
next_buffer(struct perf_worker *w, uint64_t seq, struct sluice_dma_desc *d, struct sluice_seg *s)
{
	const struct perf_workload *wl = w->bench->wl;
	const struct perf_item *it = &wl->item[w->ring.next_item];

	*item_of(w, seq) = it;
	w->ring.next_item = w->ring.next_item + 1 < wl->nb_items ? w->ring.next_item + 1 : 0;
	d->dev_mem = prepare(w, seq);
	d->len = it->len;
	d->flags = it->to_host ? SLUICE_DMA_TO_HOST : 0;
	d->dev_off = 0;
	d->cookie = seq;
	s->pa = w->plan.buffers_pa + buf_offset(w, seq);
	s->cookie = seq;
	s->len = w->bench->buf_size;
	s->prot = it->to_host ? SLUICE_RW : SLUICE_READ;
}

static bool
post(struct perf_worker *w, uint32_t n, bool each)
{
	struct perf_ring *ring = &w->ring;
	struct perf_group *g = &ring->groups[ring->groups_posted % PERF_RING];
	struct sluice_dma_desc d[PERF_BURST_MAX];
	uint64_t end = ring->posted + n;
	struct sluice_seg *s;
	uint32_t mapped;

	if (end > w->bench->nb_bufs && !perf_release_room(w, end - w->bench->nb_bufs))
		return false;
	*g = (struct perf_group) { .first = seg_take(w, n), .n = n, .each = each };
	s = &ring->segs[g->first];
	for (uint32_t i = 0; i < n; i++)
		next_buffer(w, ring->posted + i, &d[i], &s[i]);
	perf_release_idle(w);
	mapped = map_group(w, g);
	perf_watch_mapped(w, s, mapped);
	for (uint32_t i = 0; i < mapped; i++)
		d[i].iova = s[i].iova;
	g->n = mapped;
	ring->groups_posted += mapped > 0;
	ring->posted += mapped;
	atomic_store_explicit(&ring->mapped, in_flight(w), memory_order_relaxed);
	if (mapped > 0 && !submit(w, d, mapped))
		return false;
	if (unlikely(mapped < n))
		perf_worker_fail(w, "sluice_map", w->measured.err);
	return true;
}

static void
compare(struct perf_worker *w, const struct sluice_dma_cpl *c, const struct perf_group *g)
{
	for (uint32_t i = 0; i < g->n; i++) {
		uint64_t seq = w->ring.segs[g->first + i].cookie;
		const struct perf_item *it = *item_of(w, seq);

		if (c[i].status != 0)
			w->measured.faults++;
		else if (c[i].done != it->len || c[i].cookie != seq ||
			 !perf_item_check(it, it->to_host ? host_buf(w, seq) : device_mem(w, seq)))
			w->measured.mismatches++;
		w->measured.bytes += c[i].done;
	}
}

static bool
collect(struct perf_worker *w)
{
	const struct perf_group *g = &w->ring.groups[w->ring.groups_taken++ % PERF_RING];
	struct sluice_dma_cpl c[PERF_BURST_MAX];
	uint64_t since = 0;
	uint32_t spins = 0, got = 0;
	int rc;

	while (w->bench->transfers && got < g->n) {
		got += sluice_dma_completed(w->dma, c + got, (uint16_t)(g->n - got));
		perf_release_idle(w);
		if (got < g->n && !perf_worker_wait(w, &since, &spins, "DMA channel"))
			return false;
	}
	rc = unmap_group(w, g);
	if (unlikely(rc != 0))
		perf_worker_fail(w, "sluice_unmap", rc);
	if (w->bench->transfers)
		compare(w, c, g);
	perf_release_idle(w);
	atomic_store_explicit(&w->ring.mapped, in_flight(w), memory_order_relaxed);
	return true;
}

/* How many more buffers the plan wants posted, whether or not the ring has room for them. */
static uint64_t
wanted(const struct perf_worker *w)
{
	if (atomic_load_explicit(&w->run->abort, memory_order_relaxed) ||
	    atomic_load_explicit(&perf_interrupted, memory_order_relaxed))
		return 0;
	if (w->plan.pairs != 0)
		return w->plan.pairs - w->ring.posted;
	return rte_rdtsc() < w->plan.until ? w->plan.burst : 0;
}

void
perf_worker_loop(struct perf_worker *w)
{
	bool each, inline_engine = w->bench->layout.kind != PERF_LAYOUT_SPLIT;
	const struct perf_plan *plan = &w->plan;
	uint64_t burst = 0, n, ring = w->bench->ring;

	if (plan->idle)
		return;
	do {
		each = burst % plan->timed_every == plan->timed_every - 1 &&
		       w->ring.posted >= plan->warmup;
		n = RTE_MIN(wanted(w), RTE_MIN((uint64_t)plan->burst, ring));
		if (n > ring - in_flight(w))
			n = 0; /* whole bursts: what is mapped together is unmapped together */
		if (n > 0 && !post(w, (uint32_t)n, each))
			return;
		if (plan->samples && burst % SAMPLE_EVERY == SAMPLE_EVERY - 1)
			perf_held_sample(w);
		/* When there is no room for another burst, or no more to post: take one out. */
		if (in_flight(w) != 0 && (ring - in_flight(w) < plan->burst || wanted(w) == 0) &&
		    !collect(w))
			return;
		if (inline_engine)
			perf_hw_idle(w->bench);
		burst++;
	} while (in_flight(w) != 0 || wanted(w) > 0);
	perf_release_wait(w, w->ring.posted);
	if (plan->samples && w->measured.pinned_max == 0)
		w->measured.pinned_max = RTE_MIN(w->ring.posted, ring) * w->bench->buf_size;
}
