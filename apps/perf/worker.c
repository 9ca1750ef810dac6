/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The measured loop: a NIC's RX ring. Buffers are prepared, mapped and posted in bursts; the
 * device transfers; completed ones are unmapped in bursts, compared, and go back to the end of
 * the line. Only map and unmap, and the ownership bytes that belong to them, are timed.
 */
#include <errno.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>

#include "hw.h"
#include "worker.h"

#define STALL_SECONDS 10u /* no completion for so long: the channel is stuck */
#define PINNED_EVERY  16u /* bursts */

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

static inline uint64_t
net_tsc(uint64_t t)
{
	return t > tsc_overhead ? t - tsc_overhead : 0;
}

static inline uint8_t *
host_buf(const struct perf_worker *w, uint64_t seq)
{
	return w->buf + seq % w->b->nb_bufs * w->b->buf_size;
}

static inline uint8_t *
device_mem(const struct perf_worker *w, uint64_t seq)
{
	return w->stage + seq % w->b->ring * w->b->buf_size;
}

static inline void
own(struct perf_worker *w, uint64_t seq, uint8_t mine)
{
	uint32_t pages = w->b->buf_size / PERF_PAGE;
	_Atomic uint8_t *o = w->owned + seq % w->b->nb_bufs * pages;

	for (uint32_t i = 0; i < pages; i++)
		atomic_store_explicit(o + i, mine, memory_order_relaxed);
}

/* What the device is to send, or the host is to have read from it; and what must change. */
static void *
prepare(struct perf_worker *w, uint64_t seq)
{
	const struct perf_item *it = w->slot[seq % w->b->ring].item;

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

static inline int
map_one(struct perf_worker *w, uint64_t seq)
{
	struct perf_slot *s = &w->slot[seq % w->b->ring];
	uint64_t pa = w->buf_pa + seq % w->b->nb_bufs * w->b->buf_size;

	own(w, seq, 1);
	return sluice_map(w->dom, pa, w->b->buf_size, s->item->to_host ? SLUICE_RW : SLUICE_READ,
			  &s->iova);
}

/* @return how many were mapped; fewer than n: w->err says why. */
static uint32_t
map_burst(struct perf_worker *w, uint32_t n, bool each)
{
	uint64_t t0 = rte_rdtsc(), t1;
	uint32_t i;
	int rc = 0;

	if (each) {
		for (i = 0; i < n && rc == 0; i++) {
			t0 = rte_rdtsc();
			rc = map_one(w, w->posted + i);
			t1 = rte_rdtsc();
			sluice_hist_add(&w->map_hist, net_tsc(t1 - t0));
		}
	} else {
		for (i = 0; i < n && rc == 0; i++)
			rc = map_one(w, w->posted + i);
		if (w->posted >= w->warm) {
			w->map_tsc += net_tsc(rte_rdtsc() - t0);
			w->map_n += i;
		}
	}
	if (likely(rc == 0))
		return i;
	own(w, w->posted + i - 1, 0);
	w->failed = "sluice_map";
	w->err = rc;
	return i - 1;
}

static inline int
unmap_one(struct perf_worker *w, uint64_t seq)
{
	int rc = sluice_unmap(w->dom, w->slot[seq % w->b->ring].iova, w->b->buf_size);

	if (likely(rc == 0))
		own(w, seq, 0);
	return rc;
}

static int
unmap_burst(struct perf_worker *w, uint32_t n, bool each)
{
	uint64_t t0 = rte_rdtsc(), t1;
	int one, rc = 0;
	uint32_t i;

	if (each) {
		for (i = 0; i < n; i++) {
			t0 = rte_rdtsc();
			one = unmap_one(w, w->taken + i);
			t1 = rte_rdtsc();
			rc = unlikely(one != 0) ? one : rc;
			sluice_hist_add(&w->unmap_hist, net_tsc(t1 - t0));
		}
	} else {
		for (i = 0; i < n; i++) {
			one = unmap_one(w, w->taken + i);
			rc = unlikely(one != 0) ? one : rc;
		}
		if (w->taken >= w->warm) {
			w->unmap_tsc += net_tsc(rte_rdtsc() - t0);
			w->unmap_n += n;
		}
	}
	return rc;
}

static void
fail(struct perf_worker *w, const char *what, int err)
{
	if (w->failed == NULL) {
		w->failed = what;
		w->err = err;
	}
	atomic_store_explicit(w->abort, true, memory_order_relaxed);
}

/* Wait in the layout's way, but not for ever. @return false: it took too long. */
static bool
wait_a_little(struct perf_worker *w, uint64_t *since, uint32_t *spins)
{
	perf_hw_idle(w->b);
	if ((++*spins & 1023u) != 0)
		return true;
	if (*since == 0)
		*since = rte_rdtsc();
	if (rte_rdtsc() - *since < (uint64_t)STALL_SECONDS * rte_get_tsc_hz())
		return true;
	fail(w, "DMA channel", -ETIMEDOUT);
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
		if (!wait_a_little(w, &since, &spins))
			return false;
	}
}

static bool
post(struct perf_worker *w, uint32_t n, bool each)
{
	struct sluice_dma_desc d[PERF_BURST];
	uint32_t mapped;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t seq = w->posted + i;
		struct perf_slot *s = &w->slot[seq % w->b->ring];

		s->item = &w->b->wl->item[w->item];
		w->item = w->item + 1 < w->b->wl->nb_items ? w->item + 1 : 0;
		d[i].dev_mem = prepare(w, seq);
		d[i].len = s->item->len;
		d[i].flags = s->item->to_host ? SLUICE_DMA_TO_HOST : 0;
		d[i].dev_off = 0;
		d[i].cookie = seq;
	}
	mapped = map_burst(w, n, each);
	for (uint32_t i = 0; i < mapped; i++)
		d[i].iova = w->slot[(w->posted + i) % w->b->ring].iova;
	w->posted += mapped;
	atomic_store_explicit(&w->inflight, w->posted - w->taken, memory_order_relaxed);
	if (mapped > 0 && !submit(w, d, mapped))
		return false;
	if (unlikely(mapped < n))
		fail(w, w->failed, w->err);
	return true;
}

static void
compare(struct perf_worker *w, const struct sluice_dma_cpl *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t seq = w->taken + i;
		const struct perf_item *it = w->slot[seq % w->b->ring].item;

		if (c[i].status != 0)
			w->faults++;
		else if (c[i].done != it->len || c[i].cookie != seq ||
			 !perf_item_check(it, it->to_host ? host_buf(w, seq) : device_mem(w, seq)))
			w->mismatches++;
		w->bytes += c[i].done;
	}
}

static bool
collect(struct perf_worker *w, uint32_t n, bool each)
{
	struct sluice_dma_cpl c[PERF_BURST];
	uint64_t since = 0;
	uint32_t spins = 0, got = 0;
	int rc;

	while (w->b->transfers && got < n) {
		got += sluice_dma_completed(w->dma, c + got, (uint16_t)(n - got));
		if (got < n && !wait_a_little(w, &since, &spins))
			return false;
	}
	rc = unmap_burst(w, n, each);
	if (unlikely(rc != 0))
		fail(w, "sluice_unmap", rc);
	if (w->b->transfers)
		compare(w, c, n);
	w->taken += n;
	atomic_store_explicit(&w->inflight, w->posted - w->taken, memory_order_relaxed);
	return true;
}

/* Buffers mapped, and those unmapped but still waiting for their invalidation. */
static void
pinned_sample(struct perf_worker *w)
{
	struct sluice_domain_stats st;
	uint64_t n;

	sluice_domain_stats(w->dom, &st);
	n = st.pending;
	for (unsigned int i = 0; i < w->nb_all; i++)
		n += atomic_load_explicit(&w->all[i].inflight, memory_order_relaxed);
	if (n > w->pinned_max)
		w->pinned_max = n;
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
	return rte_rdtsc() < w->until ? PERF_BURST : 0;
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
		n = RTE_MIN(wanted(w), (uint64_t)w->b->ring - (w->posted - w->taken));
		n = RTE_MIN(n, (uint64_t)PERF_BURST);
		if (n > 0 && !post(w, (uint32_t)n, each))
			return;
		if (w->samples_pinned && burst % PINNED_EVERY == PINNED_EVERY - 1)
			pinned_sample(w);
		/* A full ring, or nothing more to post: take from the other end. */
		n = RTE_MIN((uint64_t)PERF_BURST, w->posted - w->taken);
		if (n > 0 && (w->posted - w->taken == w->b->ring || wanted(w) == 0) &&
		    !collect(w, (uint32_t)n, each))
			return;
		if (inline_engine)
			perf_hw_idle(w->b);
		burst++;
	} while (w->posted != w->taken || wanted(w) > 0);
	if (w->samples_pinned && w->pinned_max == 0)
		w->pinned_max = RTE_MIN(w->posted, (uint64_t)w->b->ring);
}
