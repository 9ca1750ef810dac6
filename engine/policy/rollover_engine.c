/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The engine's side of rollover: flushes, and which unmaps they cover (rollover.h, 3, 5, 6).
 */
#include "rollover.h"
#include "../flush/flush.h"
#include "../inval/inval.h"

/* 6: note how many unmaps the worker has made by now. */
static void
look(struct ro_worker *w, uint64_t tail, uint64_t now)
{
	uint32_t last = w->nb_notes - 1;

	if (tail != w->seen && w->nb_notes != 0 && w->look_time - w->note[last].from < w->gap) {
		w->note[last].upto = tail;
	} else if (tail != w->seen) {
		if (w->nb_notes == ROLLOVER_NOTES) {
			w->nb_notes /= 2;
			for (uint32_t i = 0; i < w->nb_notes; i++)
				w->note[i] = (struct note){ w->note[2 * i + 1].upto,
							    w->note[2 * i].from };
			w->gap = (w->look_time - w->note[0].from) / w->nb_notes;
		}
		w->note[w->nb_notes++] = (struct note){ tail, w->look_time };
	}
	w->seen = tail;
	w->look_time = now;
}

/* Everything up to w->sealed was invalidated by @p now. */
static void
account(struct sluice_domain *d, struct ro_worker *w, uint64_t now)
{
	uint64_t deadline = atomic_load_explicit(&d->flush.deadline, memory_order_relaxed);
	uint64_t at = w->released;
	uint32_t i;

	for (i = 0; i < w->nb_notes && at < w->sealed; i++) {
		uint64_t n = RTE_MIN(w->note[i].upto, w->sealed) - at, window = now - w->note[i].from;

		sluice_hist_add_n(&d->flush.stale, sluice_clock_to_ns(&d->iommu->clock, window), n);
		if (window > deadline)
			STAT_ADD(d->flush.misses, n);
		at += n;
		if (w->note[i].upto > w->sealed)
			break; /* the rest of this note waits for the next flush */
	}
	w->nb_notes -= i;
	memmove(w->note, w->note + i, w->nb_notes * sizeof(w->note[0]));
	if (w->nb_notes == 0)
		w->gap = 0;
}

/* Start a flush if one was asked for (3 and 5). */
static bool
start(struct sluice_domain *d, struct dom_workers *ws, uint64_t now, enum sluice_flush_cause cause)
{
	const struct sluice_inv inv = domain_inv_all(d);
	struct flush_state *f = &d->flush;
	/* The ticket. */
	uint64_t asked = atomic_load_explicit(&f->asked, memory_order_acquire), seq;
	uint64_t pending = 0;

	if (flush_in_flight(f) ||
	    asked == atomic_load_explicit(&f->answered, memory_order_relaxed))
		return false;
	for (uint32_t i = 0; i < ws->n; i++) {
		struct ro_worker *w = ws->w[i]->priv;

		/* Loaded before the count, so the pages still exposed are never counted too low. */
		w->sealed_more = RELAXED_GET(w->more);
		look(w, atomic_load_explicit(&w->tail, memory_order_acquire), now); /* acq-count */
		w->sealed = w->seen;
		pending += w->sealed - w->released;
	}
	/* A drain of an empty queue needs no flush. A wrap needs one in any case (3). */
	if (pending == 0 && !flush_waited(f)) {
		/* rel-answered, ring.h */
		atomic_store_explicit(&f->answered, asked, memory_order_release);
		return true;
	}
	seq = flush_submit(d, &inv, 1);
	if (seq == 0)
		return false;
	f->serving = asked;
	if (domain_multis(d))
		multi_start(d, &inv, 1);
	flush_started(d, seq, 1, now, cause);
	return true;
}

static bool
finish(struct sluice_domain *d, struct rollover *s, struct dom_workers *ws, uint64_t now)
{
	struct flush_state *f = &d->flush;

	if (!flush_is_done(d, now))
		return false;
	now = sluice_clock_ticks(&d->iommu->clock); /* read after the completion was seen */
	for (uint32_t i = 0; i < ws->n; i++) {
		struct ro_worker *w = ws->w[i]->priv;
		uint64_t n = w->sealed - w->released;

		account(d, w, now);
		STAT_ADD(s->released, n);
		STAT_ADD(s->released_pages, n + w->sealed_more - w->released_more);
		w->released = w->sealed;
		w->released_more = w->sealed_more;
	}
	f->tail++;
	/* rel-answered, ring.h */
	atomic_store_explicit(&f->answered, f->serving, memory_order_release);
	return true;
}

unsigned int
rollover_poll(struct sluice_domain *d, uint64_t now, bool must_look)
{
	struct dom_workers *ws = atomic_load_explicit(&d->workers, memory_order_acquire);
	struct flush_state *f = &d->flush;
	struct rollover *s = d->priv;
	enum sluice_flush_cause wished = flush_wished(f);
	uint64_t oldest = now, waiting = 0;
	unsigned int work = 0;

	if (flush_in_flight(f))
		work += finish(d, s, ws, now);
	if (must_look) {
		for (uint32_t i = 0; i < ws->n; i++) {
			struct ro_worker *w = ws->w[i]->priv;

			look(w, atomic_load_explicit(&w->tail, memory_order_acquire), now);
			waiting += w->seen - w->released;
			if (w->nb_notes != 0)
				oldest = RTE_MIN(oldest, w->note[0].from);
		}
		STAT_SET(f->oldest, now - oldest);
		if (waiting > f->most)
			atomic_store_explicit(&f->most, waiting, memory_order_relaxed);
	}
	if (__builtin_expect(wished != SLUICE_FLUSH_CAUSES, 0))
		work += start(d, ws, now, wished);
	return work;
}
