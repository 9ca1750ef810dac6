/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Devices that cache translations: telling them, and what happens to one that does not answer.
 * The essay is in ats.h; the numbers here are its.
 */
#include <errno.h>

#include <rte_rcu_qsbr.h>

#include "ats.h"
#include "gather.h"
#include "../base/deadline.h"
#include "../base/wait.h"
#include "inval.h"

/* 2: pieces for each range_max. */
#define PIECES_FACTOR 4u

/* ---- 2: pieces ------------------------------------------------------------------------------- */

/* Log2 of the largest aligned power of two that begins at page @p at and has at most @p left. */
static unsigned int
piece_log2(uint64_t at, uint64_t left)
{
	unsigned int fits = 63 - (unsigned int)__builtin_clzll(left);
	unsigned int aligned = at != 0 ? (unsigned int)__builtin_ctzll(at) : 63;

	return RTE_MIN(fits, aligned);
}

/* More than @p max pieces, or something that is no range? */
static bool
too_many(const struct sluice_inv *inv, unsigned int n, uint64_t max)
{
	uint64_t pieces = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t at = inv[i].iova >> 12, left = inv[i].pages;

		if (inv[i].op != SLUICE_INV_RANGE)
			return true;
		while (left != 0 && pieces <= max) {
			uint64_t size = UINT64_C(1) << piece_log2(at, left);

			at += size;
			left -= size;
			pieces++;
		}
	}
	return pieces > max;
}

static struct sluice_inv
forget_all(uint32_t stream)
{
	return (struct sluice_inv){ .op = SLUICE_INV_ATC, .flags = SLUICE_ATC_ALL,
				    .stream = stream };
}

/* Next piece for the entry at r->at. @return false: none is left for it. */
static bool
next_piece(struct ats_run *r, uint32_t stream, struct sluice_inv *out)
{
	if (r->everything) {
		*out = forget_all(stream);
		return r->range++ == 0;
	}
	while (r->range < r->n) {
		const struct sluice_inv *v = &r->inv[r->range];
		uint64_t at = (v->iova >> 12) + r->page;

		if (r->page < v->pages) {
			unsigned int log2 = piece_log2(at, v->pages - r->page);

			*out = (struct sluice_inv){ .op = SLUICE_INV_ATC, .flags = (uint8_t)log2,
						    .stream = stream, .iova = at << 12 };
			r->page += UINT64_C(1) << log2;
			return true;
		}
		r->range++;
		r->page = 0;
	}
	return false;
}

/* Gather as many pieces as one submission takes, from where the last one ended. @return their
 * number. */
static unsigned int
collect(struct ats_run *r, const struct ats_list *l, struct sluice_inv *out)
{
	unsigned int n = 0;

	r->lo = r->hi = r->at;
	for (; r->at < l->n; r->at++, r->range = 0, r->page = 0) {
		if (ats_quarantined(l->ent[r->at].dev))
			continue;
		while (n < SLUICE_ATC_BURST && next_piece(r, l->ent[r->at].stream, &out[n])) {
			n++;
			r->hi = r->at + 1;
		}
		/* Full: the next submission begins with what is left of this entry. */
		if (n == SLUICE_ATC_BURST)
			break;
	}
	return n;
}

/* ---- 4: devices that do not answer ----------------------------------------------------------- */

/* Where to cut [lo, hi) in two, between devices; lo: it is one device. */
static uint32_t
middle(const struct ats_list *l, uint32_t lo, uint32_t hi)
{
	uint32_t m = lo + (hi - lo) / 2, up = m;

	while (up < hi && up > lo && l->ent[up].dev == l->ent[up - 1].dev)
		up++;
	if (up > lo && up < hi)
		return up;
	while (m > lo && l->ent[m].dev == l->ent[m - 1].dev)
		m--;
	return m;
}

/* The submission to entries [r->lo, r->hi) timed out. */
static int
narrow(struct ats_run *r, const struct ats_list *l)
{
	uint32_t m = middle(l, r->lo, r->hi);

	if (m == r->lo) {
		r->stream = 0;
		r->seq = 0;
		r->state = ATS_BLOCK;
		return 0;
	}
	r->state = ATS_PROBE;
	if (r->depth + 2 > ATS_DEPTH)
		return -EIO; /* cannot be: halves of 63 */
	r->half[r->depth].lo = m;
	r->half[r->depth++].hi = r->hi;
	r->half[r->depth].lo = r->lo;
	r->half[r->depth++].hi = m;
	return 0;
}

/* Block the streams of a device, one after the other. @return 1: all are; 0: not yet; -errno. */
static int
block(struct sluice_domain *d, struct ats_run *r, struct sluice_device *dev)
{
	const struct sluice_iommu_fast *fast = &d->iommu->fast;
	int ret;

	while (r->stream < dev->nb_streams && !ats_quarantined(dev)) {
		if (r->seq == 0) {
			ret = d->iommu->ops->block(d->iommu, dev->stream[r->stream], &r->seq);
			if (ret != 0)
				return ret == -EAGAIN ? 0 : -ETIMEDOUT;
		} else if (fast->inv_done(fast->queue) < r->seq) {
			return 0;
		} else if (fast->inv_result(fast->queue, r->seq) != 0) {
			return -ETIMEDOUT;
		} else {
			r->seq = 0;
			r->stream++;
			continue;
		}
		r->stream += r->seq == 0;
	}
	ats_blocked(d, dev);
	return 1;
}

/* ---- 5: steps -------------------------------------------------------------------------------- */

void
ats_run_begin(struct sluice_domain *d, struct ats_run *r, const struct sluice_inv *inv,
	      unsigned int n)
{
	uint64_t max = (uint64_t)DOM_CONF(d, range_max) * PIECES_FACTOR;

	r->inv = inv;
	r->n = n;
	r->everything = too_many(inv, n, max);
	r->engine = true;
	r->version = r->seq = 0;
	r->state = ATS_SEND;
}

/* @return 0; -EAGAIN no room at present; -EIO. */
static int
submit(struct sluice_domain *d, struct ats_run *r, const struct sluice_inv *inv, unsigned int n)
{
	uint64_t seq = r->engine ? domain_inv_try(d, d->iommu, inv, n) :
				   d->iommu->fast.inv_try(d->iommu->fast.queue, inv, n);

	if (seq == 0 || seq == SLUICE_INV_FULL)
		return seq == 0 ? -EIO : -EAGAIN;
	r->seq = seq;
	r->state = ATS_WAIT;
	ats_count(&d->ats->invs, n);
	ats_count(&d->ats->syncs, 1);
	return 0;
}

/* Halves that are waiting to be tried: the next one with a device in it. @return 1: none left; else
 * what submit() returns. */
static int
probe(struct sluice_domain *d, struct ats_run *r, const struct ats_list *l)
{
	struct sluice_inv inv[SLUICE_ATC_BURST];

	while (r->depth != 0) {
		unsigned int n = 0;

		r->depth--;
		r->lo = r->half[r->depth].lo;
		r->hi = r->half[r->depth].hi;
		for (uint32_t i = r->lo; i < r->hi; i++)
			if (!ats_quarantined(l->ent[i].dev))
				inv[n++] = forget_all(l->ent[i].stream);
		if (n != 0) {
			int ret = submit(d, r, inv, n);

			r->depth += ret == -EAGAIN;
			return ret;
		}
	}
	return 1;
}

/* One step within a reader's section. */
static int
step(struct sluice_domain *d, struct ats_run *r, const struct ats_list *l)
{
	uint32_t at = r->at, range = r->range;
	struct sluice_inv inv[SLUICE_ATC_BURST];
	uint64_t page = r->page;
	unsigned int n;
	int ret;

	if (l->version != r->version) { /* 3a */
		r->version = l->version;
		at = r->at = range = r->range = r->depth = 0;
		page = r->page = 0;
		r->state = ATS_SEND;
	}
	if (r->state == ATS_WAIT) {
		ret = d->iommu->fast.inv_result(d->iommu->fast.queue, r->seq);
		if (ret == -ETIMEDOUT) {
			ats_count(&d->ats->timeouts, 1);
			ret = narrow(r, l);
		} else {
			r->state = ATS_PROBE;
		}
		if (ret != 0)
			return ret;
	}
	if (r->state == ATS_BLOCK) {
		ret = block(d, r, l->ent[r->lo].dev);
		if (ret <= 0)
			return ret;
		r->state = ATS_PROBE;
	}
	if (r->state == ATS_PROBE) {
		ret = probe(d, r, l);
		if (ret <= 0)
			return ret == -EAGAIN ? 0 : ret;
		r->state = ATS_SEND;
	}
	n = collect(r, l, inv);
	ret = n != 0 ? submit(d, r, inv, n) : 1;
	if (ret == -EAGAIN) {
		/* The next step submits the same. */
		r->at = at;
		r->range = range;
		r->page = page;
		return 0;
	}
	return ret;
}

int
ats_run_step(struct sluice_domain *d, struct ats_run *r, unsigned int reader)
{
	const struct ats_list *l;
	struct ats_dom *a;
	int ret;

	/* Acquire: pairs with the release in replace(); ats was set before. */
	if (atomic_load_explicit(&d->ats_list, memory_order_acquire) == NULL)
		return 1;
	a = d->ats;
	if (r->version != 0 && r->seq != 0 && (r->state == ATS_WAIT || r->state == ATS_BLOCK) &&
	    d->iommu->fast.inv_done(d->iommu->fast.queue) < r->seq)
		return 0;
	rte_rcu_qsbr_thread_online(a->qs, reader);
	l = atomic_load_explicit(&d->ats_list, memory_order_acquire); /* 3a */
	ret = l != NULL ? step(d, r, l) : 1;
	rte_rcu_qsbr_thread_offline(a->qs, reader);
	return ret;
}

int
ats_inv_sync(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n)
{
	struct sluice_iommu *iommu = d->iommu;
	unsigned int reader = rte_lcore_id();
	enum ats_state state = ATS_SEND;
	struct deadline end = { 0 };
	uint64_t seq = 0;
	struct ats_run r;
	int ret;

	if (reader >= RTE_MAX_LCORE)
		reader = ATS_READER_OTHER;
	ats_run_begin(d, &r, inv, n);
	r.engine = false;
	for (unsigned int turn = 1; (ret = ats_run_step(d, &r, reader)) == 0; turn++) {
		sluice_wait_turn(iommu, turn);
		/* A deadline for each SYNC, and for room for it, looked at now and then: see
		 * sluice_inv_wait(). */
		if (r.seq != seq || r.state != state) {
			seq = r.seq;
			state = r.state;
			end = (struct deadline){ 0 };
		} else if (turn % 256 == 0 &&
			   deadline_look(&end, &iommu->clock, iommu->sync_timeout)) {
			return sluice_sync_lost(iommu);
		}
	}
	return ret > 0 ? 0 : ret;
}

/* What the flush in @p slot covers: entries that are sealed there and not released, as ranges when
 * they are few. A policy with a queue of its own has no such entries: then everything. */
static unsigned int
flush_ranges(struct sluice_domain *d, uint32_t slot, struct sluice_inv *inv)
{
	struct dom_workers *ws = atomic_load_explicit(&d->workers, memory_order_acquire);
	unsigned int n = 0, max = RTE_MIN(DOM_CONF(d, range_max), SLUICE_INV_BURST);

	if (!d->rings) /* a queue of the policy's own */
		return gather_all(d, inv);
	for (uint32_t i = 0; i < ws->n; i++) {
		const struct flush_ring *r = &ws->w[i]->ring;
		uint64_t pos = atomic_load_explicit(&r->released, memory_order_relaxed);

		for (; pos < r->sealed_at[slot]; pos++) {
			uint64_t e = r->ent[pos & r->mask];

			if (!gather_add(d, inv, &n, max, flush_entry_pfn(e), flush_entry_pages(e)))
				return gather_all(d, inv);
		}
	}
	return n != 0 ? n : gather_all(d, inv);
}

bool
ats_flush(struct sluice_domain *d, uint32_t slot)
{
	struct ats_dom *a;
	uint64_t now;
	int ret;

	/* Acquire: see ats_run_step(). */
	if (atomic_load_explicit(&d->ats_list, memory_order_acquire) == NULL)
		return true;
	a = d->ats;
	/* A run belongs to its flush: the last device may have left in the middle of another. */
	if (!a->active || a->flush != d->flush.tail) {
		ats_run_begin(d, &a->run, a->inv, flush_ranges(d, slot, a->inv));
		a->active = true;
		a->late = false;
		a->flush = d->flush.tail;
		a->began = sluice_clock_ticks(&d->iommu->clock);
	}
	ret = ats_run_step(d, &a->run, ATS_READER_ENGINE);
	if (ret != 0) {
		a->active = false;
		if (ret < 0)
			STAT_ADD(d->flush.errors, 1);
		return ret > 0;
	}
	/* Lost, perhaps: counted once. It may still complete. */
	now = sluice_clock_ticks(&d->iommu->clock);
	if (!a->late && now - a->began > d->iommu->sync_timeout) {
		a->late = true;
		STAT_ADD(d->flush.errors, 1);
	}
	return false;
}
