/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The engine's side of deferred-single: flushes, and what they release (deferred_single.h, 2 to 5).
 */
#include "../flush/flush.h"
#include "../inval/gather.h"
#include "../inval/inval.h"
#include "deferred_single.h"

#define MOVE_BURST   64u
#define RELEASE_TURN 512u /* IOVAs given back in one turn; then other domains have theirs */

SINGLE_UNSEEN static unsigned int
take(struct single *s, uint64_t *e)
{
	/* acq-queue */
	return rte_ring_sc_dequeue_burst_elem(s->q, e, sizeof(e[0]), MOVE_BURST, NULL);
}

/* Move new entries into the engine's queue (2 and 3). */
static void
look(struct single *s, uint64_t now)
{
	uint64_t e[MOVE_BURST], from = s->look_time;
	uint64_t woke = atomic_load_explicit(&s->woke, memory_order_relaxed);
	unsigned int n;

	/* After a sleep: the time that a worker stored, if it is plausible. */
	if (s->slept && woke > from && woke <= now)
		from = woke;
	s->slept = false;
	do {
		n = take(s, e);
		if (SLUICE_TSAN)
			(void)atomic_load_explicit(&s->taken, memory_order_acquire); /* 6 */
		for (unsigned int i = 0; i < n; i++)
			s->ent[s->seen++ & (s->size - 1)] = (struct single_entry){ e[i], from };
	} while (n == MOVE_BURST);
	s->look_time = now;
}

/* What a flush of all entries so far must invalidate: ranges, if they are few. */
static unsigned int
collect(const struct sluice_domain *d, const struct single *s, struct sluice_inv *inv)
{
	unsigned int n = 0, max = s->seen - s->sealed > DOM_CONF(d, range_max) ? 0 : SLUICE_INV_BURST;

	for (uint64_t pos = s->sealed; pos != s->seen; pos++) {
		uint64_t e = s->ent[pos & (s->size - 1)].e;

		if (!gather_add(d, inv, &n, max, flush_entry_pfn(e), flush_entry_pages(e)))
			return gather_all(d, inv);
	}
	return n;
}

static bool
start(struct sluice_domain *d, struct single *s, uint64_t now, enum sluice_flush_cause cause)
{
	struct flush_state *f = &d->flush;
	struct sluice_inv inv[SLUICE_INV_BURST];
	unsigned int n;
	uint64_t seq;

	if (f->head - f->tail == FLUSH_INFLIGHT)
		return false;
	look(s, now);
	if (s->seen == s->sealed)
		return false;
	n = collect(d, s, inv);
	seq = flush_submit(d, inv, n);
	if (seq == 0)
		return false;
	s->sealed = s->seen;
	s->sealed_at[f->head & (FLUSH_INFLIGHT - 1)] = s->sealed;
	if (domain_multis(d))
		multi_start(d, inv, n);
	flush_started(d, seq, n, now, cause);
	return true;
}

/* Move the rest of the magazine to where workers find it. */
static void
mags_flush(struct sluice_domain *d, struct single *s)
{
	for (unsigned int o = 0; o < IOVA_ORDERS; o++) {
		while (s->mag[o].n >= DEPOT_BATCH && !flush_waited(&d->flush))
			iova_mag_spill(&d->iova, &s->mag[o], o);
		iova_mag_flush(&d->iova, &s->mag[o], o);
	}
}

/* 4: release some entries of the flush that was complete at done_at. @return whether none is
 * left. */
static bool
release_some(struct sluice_domain *d, struct single *s, uint64_t upto)
{
	struct flush_state *f = &d->flush;
	uint64_t deadline = atomic_load_explicit(&f->deadline, memory_order_relaxed), pages = 0;
	uint32_t n = (uint32_t)RTE_MIN(upto - s->released, RELEASE_TURN);

	for (uint32_t i = 0; i < n; i++) {
		const struct single_entry *t = &s->ent[(s->released + i) & (s->size - 1)];
		uint32_t pfn = flush_entry_pfn(t->e), len = flush_entry_pages(t->e);
		unsigned int order = iova_order(len);
		uint64_t window = s->done_at - t->from;

		sluice_hist_add(&f->stale, sluice_clock_to_ns(&d->iommu->clock, window));
		if (window > deadline)
			STAT_ADD(f->misses, 1);
		if (order < IOVA_ORDERS)
			iova_put(&d->iova, &s->mag[order], order, pfn);
		else
			iova_run_put(&d->iova, len, pfn);
		pages += len;
	}
	if (s->released + n == upto)
		mags_flush(d, s);
	STAT_ADD(s->pages_released, pages);
	STAT_ADD(s->released, n);
	single_room_free(s, n);
	return s->released == upto;
}

/* Look at the oldest flush. @return whether it is complete and all its entries are released. */
static bool
finish(struct sluice_domain *d, struct single *s, uint64_t now)
{
	struct flush_state *f = &d->flush;
	uint32_t slot = f->tail & (FLUSH_INFLIGHT - 1);

	if (s->done_at == 0) {
		if (!flush_is_done(d, now))
			return false;
		/* After the completion was seen. */
		s->done_at = sluice_clock_ticks(&d->iommu->clock);
		flush_took(f, s->done_at - f->start[slot]);
	}
	if (!release_some(d, s, s->sealed_at[slot]))
		return false;
	s->done_at = 0;
	f->tail++;
	return true;
}

/* ring.h, 10, with one mark for all workers. */
static void
flush_wait_serve(struct sluice_domain *d, struct single *s, uint64_t now)
{
	struct flush_state *f = &d->flush;
	uint64_t asked;

	if (s->released < s->wait_at)
		return;
	mags_flush(d, s); /* a flush that reaches beyond the mark may be half released */
	atomic_store_explicit(&f->answered, f->serving, memory_order_release); /* rel-answered */
	asked = atomic_load_explicit(&f->asked, memory_order_acquire); /* acq-asked */
	if (asked == f->serving)
		return;
	f->serving = asked;
	look(s, now);
	s->wait_at = s->seen;
}

unsigned int
single_poll(struct sluice_domain *d, uint64_t now, bool must_look)
{
	struct single *s = d->priv;
	struct flush_state *f = &d->flush;
	enum sluice_flush_cause cause = SLUICE_FLUSH_CAUSES, wished = flush_wished(f);
	unsigned int work = 0;

	if (flush_in_flight(f)) {
		work += s->done_at != 0;
		work += finish(d, s, now);
	}
	if (must_look) {
		uint64_t wait, oldest;

		look(s, now);
		wait = s->seen == s->sealed ? 0 : now - s->ent[s->sealed & (s->size - 1)].from;
		oldest = s->seen == s->released ? 0 : now - s->ent[s->released & (s->size - 1)].from;
		STAT_SET(f->oldest, oldest);
		if (s->seen - s->released > f->most)
			atomic_store_explicit(&f->most, s->seen - s->released, memory_order_relaxed);
		if (s->seen - s->sealed >= DOM_CONF(d, batch))
			cause = SLUICE_FLUSH_FULL;
		else if (wait != 0 && wait >= flush_patience(f))
			cause = SLUICE_FLUSH_DEADLINE;
	}
	if (__builtin_expect(wished != SLUICE_FLUSH_CAUSES, 0)) {
		cause = wished;
		flush_wait_serve(d, s, now);
	}
	if (cause != SLUICE_FLUSH_CAUSES && start(d, s, now, cause))
		work++;
	return work;
}

/* 5: may the engine sleep? */
void
single_rest(struct sluice_domain *d, uint64_t now)
{
	struct flush_state *f = &d->flush;
	struct single *s = d->priv;
	uint64_t freed;

	(void)now;
	if (flush_in_flight(f) || f->put_off || flush_wished(f) != SLUICE_FLUSH_CAUSES ||
	    s->seen != s->released || s->seen != f->seen_sum) {
		f->seen_sum = s->seen;
		flush_awake(f);
		return;
	}
	s->slept = f->sleep == FLUSH_ASLEEP;
	if (f->sleep != FLUSH_AWAKE || ++f->idle_looks < FLUSH_IDLE_LOOKS)
		return;
	atomic_fetch_or_explicit(&s->waiting, SINGLE_ASLEEP, memory_order_seq_cst);
	freed = atomic_load_explicit(&s->freed, memory_order_acquire);
	if (atomic_load_explicit(&s->taken, memory_order_seq_cst) == freed) {
		f->sleep = FLUSH_ASLEEP;
		s->slept = true;
		return;
	}
	atomic_fetch_and_explicit(&s->waiting, ~SINGLE_ASLEEP, memory_order_relaxed);
	flush_awake(f);
}
