/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Flush rings, the engine's side: sealing, flushing, releasing. The essay is in ring.h; the step
 * numbers here are the same.
 */
#include <errno.h>
#include <string.h>

#include <rte_malloc.h>

#include "../inval/ats.h"
#include "../inval/gather.h"
#include "../base/epoch.h"
#include "../iova/hold.h"
#include "../base/wait.h"
#include "flush.h"
#include "../inval/inval.h"

/* Step 7: note the earliest time at which the entries since the last look can have come. */
static void
ring_look(struct flush_ring *r, uint64_t tail, uint64_t now)
{
	if (tail != r->seen) {
		struct flush_look *l = &r->look[(r->look_head - 1) & (FLUSH_LOOKS - 1)];
		uint64_t from = r->look_time, woke;

		/* 11d. What the worker wrote before its put came with tail. */
		if (atomic_load_explicit(&r->woke_pos, memory_order_relaxed) == r->seen) {
			woke = atomic_load_explicit(&r->woke, memory_order_relaxed);
			from = woke > from && woke <= now ? woke : from;
		}
		/* Out of notes: the last note covers these entries, too, with its earlier time. */
		if (r->look_head - r->look_tail < FLUSH_LOOKS) {
			l = &r->look[r->look_head++ & (FLUSH_LOOKS - 1)];
			l->from = from;
		}
		l->upto = tail;
		r->seen = tail;
	}
	r->look_time = now;
}

/* The earliest time at which the oldest entry that no flush covers can have come. */
static uint64_t
ring_oldest(const struct flush_ring *r, uint64_t now)
{
	for (uint32_t i = r->look_tail; i != r->look_head; i++) {
		const struct flush_look *l = &r->look[i & (FLUSH_LOOKS - 1)];

		if (l->upto > r->sealed)
			return l->from;
	}
	return now;
}

/* Account for the stale windows of entries [from, upto), which end at @p now. */
static void
ring_account(struct sluice_domain *d, struct flush_ring *r, uint64_t from, uint64_t upto,
	     uint64_t now)
{
	uint64_t deadline = atomic_load_explicit(&d->flush.deadline, memory_order_relaxed);

	while (r->look_tail != r->look_head && from < upto) {
		struct flush_look *l = &r->look[r->look_tail & (FLUSH_LOOKS - 1)];
		uint64_t end = RTE_MIN(l->upto, upto);

		if (end > from) {
			sluice_hist_add_n(&d->flush.stale,
					  sluice_clock_to_ns(&d->iommu->clock, now - l->from),
					  end - from);
			if (now - l->from > deadline)
				STAT_ADD(d->flush.misses, end - from);
		}
		from = RTE_MAX(from, end);
		if (l->upto <= upto)
			r->look_tail++;
	}
}

static struct dom_workers *
workers(const struct sluice_domain *d)
{
	return atomic_load_explicit(&d->workers, memory_order_acquire); /* acq-array: epoch.h, 2 */
}

/*
 * What a flush must invalidate, and up to where it then seals each ring: ranges when they are few,
 * else the whole address space. Ranges that do not fit into one submission wait for the next.
 */
static unsigned int
collect(struct sluice_domain *d, struct dom_workers *ws, struct sluice_inv *inv, uint32_t total)
{
	unsigned int n = 0;

	if (total > DOM_CONF(d, range_max)) {
		for (uint32_t i = 0; i < ws->n; i++)
			ws->w[i]->ring.seal = ws->w[i]->ring.seen;
		return gather_all(d, inv);
	}
	for (uint32_t i = 0; i < ws->n; i++) {
		struct flush_ring *r = &ws->w[i]->ring;

		for (r->seal = r->sealed; r->seal != r->seen; r->seal++) {
			uint64_t e = RELAXED_GET(r->ent[r->seal & r->mask]);

			if (!gather_add(d, inv, &n, SLUICE_INV_BURST, flush_entry_pfn(e),
					flush_entry_pages(e)))
				break;
		}
	}
	return n;
}

uint64_t
flush_submit(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n)
{
	uint64_t seq = domain_inv_try(d, d->iommu, inv, n);

	if (__builtin_expect(seq - 1 < SLUICE_INV_FULL - 1, 1))
		return seq;
	STAT_ADD(d->flush.errors, seq == 0);
	return 0;
}

void
flush_started(struct sluice_domain *d, uint64_t seq, unsigned int n, uint64_t now,
	      enum sluice_flush_cause cause)
{
	struct flush_state *f = &d->flush;
	uint32_t slot = f->head & (FLUSH_INFLIGHT - 1);

	f->seq[slot] = seq;
	f->start[slot] = now;
	f->late[slot] = false;
	f->head++;
	STAT_ADD(f->flushes[cause], 1);
	STAT_ADD(f->invs, n);
	STAT_ADD(f->syncs, 1);
}

/* Steps 3 and 6: seal every worker's ring and submit one flush for all of them. */
static bool
start(struct sluice_domain *d, uint64_t now, enum sluice_flush_cause cause)
{
	struct flush_state *f = &d->flush;
	struct dom_workers *ws = workers(d);
	struct sluice_inv inv[SLUICE_INV_BURST];
	uint32_t total = 0, slot = f->head & (FLUSH_INFLIGHT - 1);
	unsigned int n;
	uint64_t seq;

	if (f->head - f->tail == FLUSH_INFLIGHT)
		return false;
	for (uint32_t i = 0; i < ws->n; i++) {
		struct flush_ring *r = &ws->w[i]->ring;

		/* acq-tail */
		ring_look(r, atomic_load_explicit(&r->tail_pub, memory_order_acquire), now);
		total += (uint32_t)(r->seen - r->sealed);
	}
	if (total == 0)
		return false;
	n = collect(d, ws, inv, total);
	seq = flush_submit(d, inv, n);
	if (seq == 0)
		return false;
	for (uint32_t i = 0; i < ws->n; i++) {
		struct flush_ring *r = &ws->w[i]->ring;

		r->sealed = r->seal;
		r->sealed_at[slot] = r->sealed;
	}
	if (domain_multis(d))
		multi_start(d, inv, n);
	flush_started(d, seq, n, now, cause);
	return true;
}

/* A command of flush @p slot was refused, so what it covered is not invalidated. Submit everything
 * that is sealed and not released again, as one flush of the whole address space. */
static void
again(struct sluice_domain *d, uint32_t slot, uint64_t now)
{
	struct sluice_inv inv = domain_inv_all(d);
	uint64_t seq = domain_inv_try(d, d->iommu, &inv, 1);

	if (seq == SLUICE_INV_FULL)
		return;
	STAT_ADD(d->flush.errors, 1);
	if (seq == 0) /* dead: it stays unreleased for ever, and is counted at every try */
		return;
	d->flush.seq[slot] = seq;
	d->flush.start[slot] = now;
	STAT_ADD(d->flush.invs, 1);
	STAT_ADD(d->flush.syncs, 1);
}

bool
flush_is_done(struct sluice_domain *d, uint64_t now)
{
	struct flush_state *f = &d->flush;
	uint32_t slot = f->tail & (FLUSH_INFLIGHT - 1);
	struct sluice_iommu *iommu = d->iommu;

	if (iommu->fast.inv_done(iommu->fast.queue) < f->seq[slot]) {
		/* Lost, perhaps: nothing is reclaimed, unless it completes after all. */
		if (!f->late[slot] && now - f->start[slot] > iommu->sync_timeout) {
			f->late[slot] = true;
			STAT_ADD(f->errors, 1);
		}
		return false;
	}
	if (iommu->fast.inv_result(iommu->fast.queue, f->seq[slot]) != 0) {
		again(d, slot, now);
		return false;
	}
	if (domain_multis(d) && !multi_done(d, now))
		return false;
	return !domain_has_ats(d) || ats_flush(d, slot);
}

/* Step 10: give the IOVAs of entries [from, upto) to the shared space, those of one order together.
 * @return pages beyond one each; *got: how many IOVAs. */
static uint64_t
ring_take(struct sluice_domain *d, struct flush_ring *r, uint64_t from, uint64_t upto, uint32_t *got)
{
	uint32_t pfn[DEPOT_BATCH], n = 0;
	unsigned int order = 0;
	uint64_t more = 0;

	for (; from != upto; from++) {
		uint64_t *at = &r->ent[from & r->mask], e = RELAXED_GET(*at);
		uint32_t pages = flush_entry_pages(e);

		if (pages == 0)
			continue;
		if (n == RTE_DIM(pfn) || (n != 0 && iova_order(pages) != order)) {
			iova_space_put(&d->iova, order, pfn, n);
			n = 0;
		}
		order = iova_order(pages);
		if (order < IOVA_ORDERS)
			pfn[n++] = flush_entry_pfn(e);
		else
			iova_run_put(&d->iova, pages, flush_entry_pfn(e));
		more += pages - 1;
		++*got;
		RELAXED_SET(*at, (e & FLUSH_COOKIE) | FLUSH_TAKEN);
	}
	iova_space_put(&d->iova, order, pfn, n);
	return more;
}

/* Step 4: release what the oldest flush covers, if it is complete. */
static bool
finish(struct sluice_domain *d, uint64_t now)
{
	struct flush_state *f = &d->flush;
	uint32_t slot = f->tail & (FLUSH_INFLIGHT - 1);
	struct dom_workers *ws = workers(d);
	bool waited = flush_waited(f);
	uint32_t taken = 0;

	if (!flush_is_done(d, now))
		return false;
	now = sluice_clock_ticks(&d->iommu->clock); /* not before the completion was seen */
	flush_took(f, now - f->start[slot]);
	for (uint32_t i = 0; i < ws->n; i++) {
		struct flush_ring *r = &ws->w[i]->ring;
		uint64_t from = atomic_load_explicit(&r->released, memory_order_relaxed);
		uint64_t upto = r->sealed_at[slot];

		if (upto == from)
			continue;
		ring_account(d, r, from, upto, now);
		if (__builtin_expect(waited, 0))
			STAT_ADD(r->more_taken, ring_take(d, r, from, upto, &taken));
		atomic_store_explicit(&r->released, upto, memory_order_release); /* rel-released */
	}
	f->tail++;
	return true;
}

/* Step 10: when everything before the marks is released, the wait that is served is answered, and
 * those that asked since are served next. */
static void
flush_wait_serve(struct flush_state *f, const struct dom_workers *ws)
{
	uint64_t asked;

	for (uint32_t i = 0; i < ws->n; i++)
		if (atomic_load_explicit(&ws->w[i]->ring.released, memory_order_relaxed) <
		    ws->w[i]->ring.wait_at)
			return;
	atomic_store_explicit(&f->answered, f->serving, memory_order_release); /* rel-answered */
	asked = atomic_load_explicit(&f->asked, memory_order_acquire); /* acq-asked */
	if (asked == f->serving)
		return;
	f->serving = asked;
	for (uint32_t i = 0; i < ws->n; i++) {
		struct flush_ring *r = &ws->w[i]->ring;

		r->wait_at = atomic_load_explicit(&r->tail_pub, memory_order_acquire); /* acq-tail */
	}
}

uint32_t
flush_ring_try(struct flush_ring *r, uint64_t *at)
{
	/* acq-released */
	uint64_t released = atomic_load_explicit(&r->released, memory_order_acquire);

	if (r->ent == NULL || RTE_MAX(RELAXED_GET(r->reclaim), RELAXED_GET(r->robbed)) >= released)
		return 0;
	if (!hold_try(&r->hold))
		return UINT32_MAX;
	*at = RELAXED_GET(r->reclaim);
	if (*at >= released) {
		hold_drop(&r->hold);
		return 0;
	}
	__atomic_fetch_or(&r->ent[*at & r->mask], FLUSH_TAG, __ATOMIC_RELAXED);
	return 1;
}

/* Free the IOVAs of released entries from @p at on, @p most entries; the caller has `hold`, which this
 * gives up. @return how many. */
static uint32_t
give_held(struct sluice_domain *d, struct flush_ring *r, uint64_t at, uint32_t most)
{
	uint64_t upto = atomic_load_explicit(&r->released, memory_order_acquire); /* acq-released */
	uint32_t got = 0;

	at = RTE_MAX(at, r->robbed);
	upto = RTE_MIN(upto, at + most);
	RELAXED_SET(r->robbed, upto);
	STAT_ADD(r->more_robbed, ring_take(d, r, at, upto, &got));
	hold_free(&r->hold);
	return got;
}

uint32_t
flush_ring_rob(struct sluice_domain *d, struct flush_ring *r, uint64_t at)
{
	/* Acquire: for a race detector; the barrier was executed before this call. */
	uint64_t reclaim = __atomic_load_n(&r->reclaim, __ATOMIC_ACQUIRE);

	if (reclaim > at || (RELAXED_GET(r->ent[at & r->mask]) & FLUSH_TAG) == 0 ||
	    !hold_take(&r->hold)) {
		hold_drop(&r->hold);
		return 0;
	}
	return give_held(d, r, at, FLUSH_ROB);
}

uint32_t
flush_ring_give(struct sluice_domain *d, struct flush_ring *r)
{
	if (r->ent == NULL)
		return 0;
	hold_own(&r->hold); /* 12: nobody else is taking them */
	return give_held(d, r, RELAXED_GET(r->reclaim), UINT32_MAX);
}

uint64_t
flush_patience(const struct flush_state *f)
{
	uint64_t deadline = atomic_load_explicit(&f->deadline, memory_order_relaxed);
	uint64_t look = atomic_load_explicit(&f->look_every, memory_order_relaxed);
	uint64_t margin = 2 * f->took + RTE_MAX(look, f->gap);

	return deadline - RTE_MIN(margin, deadline / 2);
}

unsigned int
flush_poll(struct sluice_domain *d, uint64_t now, bool look)
{
	struct flush_state *f = &d->flush;
	struct dom_workers *ws = workers(d);
	enum sluice_flush_cause cause = SLUICE_FLUSH_CAUSES, wished;
	unsigned int work = 0;
	uint64_t waiting = 0, oldest = now;

	while (flush_in_flight(f) && finish(d, now))
		work++;
	for (uint32_t i = 0; i < ws->n; i++) {
		struct flush_ring *r = &ws->w[i]->ring;

		if (atomic_load_explicit(&r->kick, memory_order_acquire) > r->sealed) /* acq-kick */
			cause = SLUICE_FLUSH_FULL;
		if (look) {
			ring_look(r, atomic_load_explicit(&r->tail_pub, memory_order_acquire),
				  now); /* acq-tail */
			waiting += r->seen - atomic_load_explicit(&r->released, memory_order_relaxed);
			if (r->look_tail != r->look_head)
				oldest = RTE_MIN(oldest,
						 r->look[r->look_tail & (FLUSH_LOOKS - 1)].from);
			if (cause == SLUICE_FLUSH_CAUSES && now - ring_oldest(r, now) >= flush_patience(f))
				cause = SLUICE_FLUSH_DEADLINE;
			else if (cause == SLUICE_FLUSH_CAUSES && RELAXED_GET(f->eager) && !flush_in_flight(f) &&
				 r->seen != r->sealed)
				cause = SLUICE_FLUSH_IDLE;
		}
	}
	if (look)
		STAT_SET(f->oldest, now - oldest); /* not in ns: that is a long division */
	if (waiting > f->most)
		atomic_store_explicit(&f->most, waiting, memory_order_relaxed);
	wished = flush_wished(f);
	if (__builtin_expect(wished != SLUICE_FLUSH_CAUSES, 0)) {
		cause = wished;
		flush_wait_serve(f, ws);
	}
	if (cause != SLUICE_FLUSH_CAUSES && start(d, now, cause))
		work++;
	return work;
}
