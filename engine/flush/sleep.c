/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Leaving idle domains alone, until a worker puts something in and wakes them: step 11 of ring.h.
 */
#include "flush.h"

/* Looks between falling asleep and the second look: a store is visible everywhere long before. */
#define DOZE_LOOKS 2u

void
flush_ring_wake(struct sluice_domain *d, struct flush_ring *r)
{
	/* Before the put: what comes from here on is no older than this. */
	atomic_store_explicit(&r->woke_pos, r->tail, memory_order_relaxed);
	atomic_store_explicit(&r->woke, sluice_clock_ticks(&d->iommu->clock), memory_order_relaxed);
	/* Release: the mark of the put under way comes before it. */
	atomic_store_explicit(&r->asleep, false, memory_order_release); /* rel-asleep */
	bitset_set(r->due, r->slot);
}

/* 11a */
static void
doze(struct flush_state *f, const struct dom_workers *ws, uint64_t now)
{
	for (uint32_t i = 0; i < ws->n; i++)
		atomic_store_explicit(&ws->w[i]->ring.asleep, true, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst); /* full-doze, pairs with full-wake */
	for (uint32_t i = 0; i < ws->n; i++)
		RELAXED_SET(ws->w[i]->ring.room_end, 0);
	f->sleep = FLUSH_DOZING;
	f->dozed = now;
}

/* 11b. @return whether no put is under way; *woken: a worker has woken already. */
static bool
second_look(const struct dom_workers *ws, bool *woken)
{
	bool quiet = true;

	*woken = false;
	for (uint32_t i = 0; i < ws->n; i++) {
		const struct flush_ring *r = &ws->w[i]->ring;

		if (!atomic_load_explicit(&r->asleep, memory_order_acquire)) /* acq-asleep */
			*woken = true;
		/* As in flush_ring_close() (8). */
		uint64_t begin = __atomic_load_n(&r->begin, __ATOMIC_ACQUIRE);

		quiet = quiet && begin == r->seen &&
			atomic_load_explicit(&r->tail_pub, memory_order_acquire) == r->seen;
	}
	return quiet;
}

void
flush_rest(struct sluice_domain *d, uint64_t now)
{
	const struct dom_workers *ws = atomic_load_explicit(&d->workers, memory_order_acquire);
	struct flush_state *f = &d->flush;
	bool idle = !flush_in_flight(f) && !f->put_off &&
		    flush_wished(f) == SLUICE_FLUSH_CAUSES, woken;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < ws->n; i++) {
		const struct flush_ring *r = &ws->w[i]->ring;

		idle = idle &&
		       r->seen == atomic_load_explicit(&r->released, memory_order_relaxed);
		sum += r->seen;
	}
	if (!idle || sum != f->seen_sum) {
		f->seen_sum = sum;
		flush_awake(f);
	} else if (f->sleep == FLUSH_AWAKE) {
		if (++f->idle_looks == FLUSH_IDLE_LOOKS)
			doze(f, ws, now);
	} else if (f->sleep == FLUSH_DOZING &&
		   now - f->dozed >= DOZE_LOOKS * atomic_load_explicit(&f->look_every,
								       memory_order_relaxed)) {
		if (!second_look(ws, &woken))
			return; /* a put is under way: a later look finds it */
		if (woken)
			flush_awake(f);
		else
			f->sleep = FLUSH_ASLEEP;
	}
}
