/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Flush rings, the worker's side: making room, taking back what was released, waiting. The essay is
 * in ring.h; the step numbers here are the same.
 */
#include <errno.h>
#include <string.h>

#include "../base/deadline.h"
#include "../base/heap.h"
#include "../iova/hold.h"
#include "../window/free.h"

int
flush_ring_init(struct flush_ring *r, uint32_t entries, uint32_t batch)
{
	/* Cookies behind the entries: the same index. */
	r->ent = heap_zalloc("sluice_flush", 2 * entries * sizeof(*r->ent), RTE_CACHE_LINE_SIZE);
	if (r->ent == NULL)
		return -ENOMEM;
	r->cookie = r->ent + entries;
	r->mask = entries - 1;
	RELAXED_SET(r->batch, batch);
	r->kick_at = batch;
	return 0;
}

void
flush_ring_none(struct flush_ring *r)
{
	/* Maps look at the oldest entry before they know whether there is one. */
	r->ent = &r->none;
	r->cookies_from = UINT64_MAX;
	RELAXED_SET(r->batch, 1);
	RELAXED_SET(r->closed, true);
}

void
flush_ring_fini(struct flush_ring *r)
{
	if (r->ent != &r->none)
		heap_free(r->ent);
	r->ent = NULL;
}

uint32_t
flush_ring_reclaim(struct sluice_domain *d, struct dom_lcore *dl)
{
	struct flush_ring *r = &dl->ring;
	uint64_t at = RELAXED_GET(r->reclaim);
	uint32_t n = 0;

	/* Without a ring all of these are 0. */
	if (at == r->released_seen) {
		/* acq-released */
		r->released_seen = atomic_load_explicit(&r->released, memory_order_acquire);
		if (at == r->released_seen)
			return 0;
	}
	hold_own(&r->hold); /* 12 */
	/* No more than a magazine takes without spilling: entries released just now are warm. */
	for (; at != r->released_seen && n < DEPOT_BATCH; n++) {
		uint64_t e = RELAXED_GET(r->ent[at & r->mask]);
		uint32_t pages = flush_entry_pages(e);

		if ((e & FLUSH_COOKIE) != 0 && at >= r->completed)
			break; /* 9 */
		flush_ring_claim(r, ++at);
		if (pages == 0)
			continue; /* its IOVA was freed already (10, 12) */
		window_free(d, dl, flush_entry_pfn(e), pages);
		STAT_ADD(r->more_back, pages - 1);
	}
	hold_free(&r->hold);
	return n;
}

void
flush_ring_kick_batch(struct flush_ring *r)
{
	flush_ring_kick(r, r->tail);
}

bool
flush_ring_room(struct sluice_domain *d, struct dom_lcore *dl)
{
	struct flush_ring *r = &dl->ring;

	/* acq-open pairs with rel-open; what was replaced before is seen (switch.c, 1). */
	if (__atomic_load_n(&r->closed, __ATOMIC_ACQUIRE) || /* acq-open */
	    (r->tail - RELAXED_GET(r->reclaim) > r->mask && flush_ring_reclaim(d, dl) == 0))
		return false;
	RELAXED_SET(r->room_end, RELAXED_GET(r->reclaim) + r->mask + 1); /* first-raise */
	/* Closed meanwhile: the closing thread may have stored its 0 before this store (8). */
	if (__builtin_expect(RELAXED_GET(r->closed), 0)) {
		RELAXED_SET(r->room_end, 0);
		return false;
	}
	atomic_thread_fence(memory_order_seq_cst); /* 11a, full-wake */
	if (atomic_load_explicit(&r->asleep, memory_order_relaxed))
		flush_ring_wake(d, r);
	/* The batch may have been tuned since. */
	r->kick_at = atomic_load_explicit(&r->kick, memory_order_relaxed) + RELAXED_GET(r->batch);
	return true;
}

uint32_t
flush_ring_completed(struct flush_ring *r, uint64_t *cookie, uint32_t n)
{
	/* Entries that were taken back, without a cookie each, have had their turn. */
	uint64_t pos = RTE_MAX(r->completed, RELAXED_GET(r->reclaim));
	uint32_t got = 0;

	/* acq-released */
	r->released_seen = atomic_load_explicit(&r->released, memory_order_acquire);
	if (pos >= RELAXED_GET(r->cookies_from)) {
		uint32_t at = (uint32_t)pos & r->mask;

		got = (uint32_t)RTE_MIN(r->released_seen - pos, (uint64_t)n);
		n = RTE_MIN(got, r->mask + 1 - at);
		memcpy(cookie, &r->cookie[at], n * sizeof(*cookie));
		memcpy(cookie + n, r->cookie, (got - n) * sizeof(*cookie));
		r->completed = pos + got;
		return got;
	}
	for (; pos != r->released_seen && got < n; pos++)
		if ((RELAXED_GET(r->ent[pos & r->mask]) & FLUSH_COOKIE) != 0)
			cookie[got++] = r->cookie[pos & r->mask];
	r->completed = pos;
	return got;
}

/* Is the oldest entry released, but kept by a cookie that was not taken? */
static bool
flush_ring_choked(const struct flush_ring *r)
{
	return RELAXED_GET(r->reclaim) != r->released_seen && RELAXED_GET(r->reclaim) >= r->completed &&
	       (RELAXED_GET(r->ent[RELAXED_GET(r->reclaim) & r->mask]) & FLUSH_COOKIE) != 0;
}

int
flush_ring_wait(struct sluice_domain *d, struct dom_lcore *dl)
{
	struct sluice_iommu *iommu = d->iommu;
	struct deadline end = deadline_begin(&iommu->clock, iommu->sync_timeout);
	uint64_t polls = d->wait->turns(d);

	if (RELAXED_GET(dl->ring.closed))
		return -ESHUTDOWN;
	STAT_ADD(dl->st.ring_full, 1);
	/* The ring may fill up sooner than the engine flushes: ask for a flush of what is there. */
	flush_ring_kick(&dl->ring, dl->ring.tail);
	for (unsigned int spins = 1;; spins++) {
		/* Mark the put again after each wait: a relax hook that unmaps has taken the mark
		 * away. */
		flush_ring_begin(&dl->ring);
		if (flush_ring_room(d, dl))
			return 0;
		if (RELAXED_GET(dl->ring.closed))
			return -ESHUTDOWN;
		/* Released, but kept by cookies that only this worker can take: nothing will
		 * change. */
		if (flush_ring_choked(&dl->ring))
			return -EAGAIN;
		if (d->wait->turn(d, spins) != 0)
			return -EAGAIN;
		if (deadline_passed(&end))
			return d->wait->failed(d, polls, EAGAIN);
	}
}
