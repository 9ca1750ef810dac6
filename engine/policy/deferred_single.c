/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * deferred-single: deferred, with one queue for all workers, as Linux has it for s390: few and
 * large flushes (32768 entries, a second), paid for by a stale window as long, and by a line
 * that all workers write.
 *
 * 1. Unmap. The worker takes room (5), clears the PTEs, and puts the entry into an
 *    rte_ring of several producers, whose tail is a release store [rel-queue].
 * 2. The engine, at each look, moves what is there into its own queue: the tail is loaded with
 *    acquire [acq-queue, pairs with rel-queue], so that it has seen the PTE clear of every entry that it has.
 *    Only these are sealed by a flush that starts then: as ring.h, 3, the flush starts after
 *    the unmap whatever the clocks say.
 * 3. Time, as ring.h, 7: an entry that is found at one look was not there at the look before,
 *    and gets the time of that one. So its stale window is never less than the truth.
 * 4. Release. A flush that is complete gives its entries' IOVAs back, some in each turn,
 *    through a magazine of the engine's own: whole batches to the depot, where any worker finds
 *    them, the rest to the chunks. Then `freed` goes up, with release [rel-freed]: who is let in by
 *    that, with acquire [acq-freed], finds the place in the rte_ring empty.
 * 5. Room. `taken` counts what was let in, `freed` what came out again; compare-and-exchange takes
 *    room only while taken - freed < size (freed is loaded first and only grows, so the difference
 *    is never too small). So a full queue refuses before anything has changed, neither queue can
 *    overflow, and who gives up waiting has nothing to give back. Who comes while others wait
 *    lets one of them go first (`let_in`), within bounds: else the lcore that polls would always
 *    be the first to find room.
 *    Sleep, as ring.h, 11: where there are many domains the engine sets a bit of `waiting` when it
 *    has found nothing for a while, and looks whether anybody is in: taken and freed differ from
 *    before an unmap clears anything until it is released. Who unmaps looks at the bit after his
 *    entry is in; who finds it set takes it out, leaves the time, and calls the engine. Both sides
 *    write first and then look, all of that seq_cst: one of the two sees the other. So what is found
 *    after a sleep returned no earlier than the time that was left: who did not leave it saw the bit
 *    taken out, and returned after that.
 * 6. Of several producers of an rte_ring the later one waits for the earlier one's tail with a
 *    relaxed load before it stores its own (DPDK until 25.07): enough for every machine, since a
 *    release store stays behind loads before it, but not for the letter of C11. A race detector
 *    goes by the letter: from it the ring is hidden, and `taken` shows the hand-over.
 */
#include <errno.h>
#include <inttypes.h>

/* Explicit acquire and release on every machine: what the essay names, and a race detector sees. */
#ifndef RTE_USE_C11_MEM_MODEL
#define RTE_USE_C11_MEM_MODEL 1
#endif
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "../base/heap.h"
#include "../base/tsan.h"
#include "../flush/flush.h"
#include "../inval/gather.h"
#include "../inval/inval.h"
#include "../window/window.h"
#include "policy.h"

#define SINGLE_BATCH       32768u   /* Linux: dma-iommu.c, IOVA_SINGLE_FQ_SIZE */
#define SINGLE_DEADLINE_US 1000000u /* … IOVA_SINGLE_FQ_TIMEOUT */
#define MOVE_BURST   64u
#define POLITE_TURNS 4096u /* looks that who comes later leaves to those who wait */
#define ASLEEP       (UINT32_C(1) << 31) /* in `waiting`: the engine looks here no more (5) */
#define RELEASE_TURN 512u /* IOVAs given back in one turn: others wait for theirs */

struct single_entry {
	uint64_t e;    /* flush_entry() */
	uint64_t from; /* ticks: it came after that */
};

struct single {
	_Atomic uint64_t taken; /* entries let in; workers write */
	/* Who waits for room, and the engine's ASLEEP; how many of those found it. */
	_Atomic uint32_t waiting, let_in;
	_Atomic uint64_t woke; /* ticks; by who took ASLEEP out */
	/* Entries that came out; the engine writes, seldom a worker. */
	_Atomic uint64_t freed __rte_cache_aligned;
	uint32_t size;  /* entries; power of two */
	/* Engine only; positions in ent[]. */
	struct single_entry *ent __rte_cache_aligned; /* [size] */
	uint64_t seen, sealed, released;
	uint64_t sealed_at[FLUSH_INFLIGHT];
	uint64_t look_time;  /* of the last look */
	bool slept;          /* since then */
	uint64_t done_at;    /* the oldest flush was complete then; 0: it is not */
	uint64_t wait_at;    /* ring.h, 10 */
	uint64_t pages_released;
	struct iova_mag mag[IOVA_ORDERS];
	struct rte_ring q[] __rte_cache_aligned; /* 2 * size: it cannot be full */
};

/* ---- the ring: 6 ----------------------------------------------------------------------------- */

#if SLUICE_TSAN
#define UNSEEN __attribute__((noinline, no_sanitize("thread")))
#else
#define UNSEEN
#endif

UNSEEN static void
put(struct single *s, uint64_t e)
{
	/* There is room (5). */
	(void)rte_ring_mp_enqueue_bulk_elem(s->q, &e, sizeof(e), 1, NULL); /* rel-queue */
}

UNSEEN static unsigned int
take(struct single *s, uint64_t *e)
{
	return rte_ring_sc_dequeue_burst_elem(s->q, e, sizeof(e[0]), MOVE_BURST, NULL); /* acq-queue */
}

/* ---- worker ---------------------------------------------------------------------------------- */

/* Take room for one. Freed is loaded first, so that it is never beyond taken; and only grows. */
static bool
room_take(struct single *s)
{
	uint64_t freed = atomic_load_explicit(&s->freed, memory_order_acquire); /* acq-freed */
	uint64_t t = atomic_load_explicit(&s->taken, memory_order_relaxed);

	do {
		if (__builtin_expect(t - freed >= s->size, 0))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&s->taken, &t, t + 1, memory_order_seq_cst,
							memory_order_relaxed)); /* 5, sleep */
	return true;
}

static void
room_free(struct single *s, uint32_t n)
{
	atomic_fetch_add_explicit(&s->freed, n, memory_order_release); /* rel-freed */
}

/* The queue is full: wait, bounded. @return 0 or -EAGAIN. */
static __rte_noinline int
room_wait(struct sluice_domain *d, struct single *s, struct dom_lcore *dl)
{
	struct sluice_iommu *iommu = d->iommu;
	uint64_t start = sluice_clock_ticks(&iommu->clock), polls = d->wait->turns(d);
	uint32_t others = atomic_fetch_add_explicit(&s->waiting, 1, memory_order_relaxed) & ~ASLEEP;
	uint32_t let_in = atomic_load_explicit(&s->let_in, memory_order_relaxed);
	int ret = 0;

	STAT_ADD(dl->st.ring_full, 1);
	bitset_set(d->due, d->slot);
	for (unsigned int turn = 1;; turn++) {
		bool polite = others != 0 && turn < POLITE_TURNS &&
			      let_in == atomic_load_explicit(&s->let_in, memory_order_relaxed);

		if (!polite && room_take(s)) {
			atomic_fetch_add_explicit(&s->let_in, 1, memory_order_relaxed);
			break;
		}
		ret = d->wait->turn(d, turn);
		if (ret == 0 && sluice_clock_ticks(&iommu->clock) - start > iommu->sync_timeout)
			ret = d->wait->failed(d, polls, EAGAIN);
		if (ret != 0)
			break;
	}
	atomic_fetch_sub_explicit(&s->waiting, 1, memory_order_relaxed);
	return ret;
}

static __rte_noinline void
wake(struct sluice_domain *d, struct single *s)
{
	uint64_t now = sluice_clock_ticks(&d->iommu->clock);

	if ((atomic_fetch_and_explicit(&s->waiting, ~ASLEEP, memory_order_seq_cst) & ASLEEP) == 0)
		return;
	atomic_store_explicit(&s->woke, now, memory_order_relaxed);
	bitset_set(d->due, d->slot);
}

static int
single_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	struct single *s = d->priv;
	uint32_t pfn, pages;
	uint64_t e;
	bool free = (atomic_load_explicit(&s->waiting, memory_order_relaxed) & ~ASLEEP) == 0;
	int ret = free && room_take(s) ? 0 : room_wait(d, s, dl);

	if (ret == 0) {
		ret = window_clear(d, iova, len, &pfn, &pages);
		if (ret != 0)
			room_free(s, 1);
	}
	if (ret != 0) {
		STAT_ADD(dl->st.unmap_errors, 1);
		return ret;
	}
	e = flush_entry(pfn, pages);
	STAT_ADD(dl->st.unmaps, 1);
	STAT_ADD(dl->st.unmap_more, pages - 1);
	if (SLUICE_TSAN)
		atomic_fetch_add_explicit(&s->taken, 0, memory_order_release); /* 6 */
	put(s, e);
	if (__builtin_expect(atomic_load_explicit(&s->waiting, memory_order_seq_cst) & ASLEEP, 0))
		wake(d, s);
	return 0;
}

/* ---- engine ---------------------------------------------------------------------------------- */

/* 2 and 3. */
static void
look(struct single *s, uint64_t now)
{
	uint64_t e[MOVE_BURST], from = s->look_time;
	uint64_t woke = atomic_load_explicit(&s->woke, memory_order_relaxed);
	unsigned int n;

	/* After a sleep: the time that was left, if it is one that can be. */
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

/* What a flush of all that was seen must invalidate: ranges when they are few. */
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

/* The magazine's rest to where workers find it. */
static void
mags_flush(struct sluice_domain *d, struct single *s)
{
	for (unsigned int o = 0; o < IOVA_ORDERS; o++) {
		while (s->mag[o].n >= DEPOT_BATCH && !flush_waited(&d->flush))
			iova_mag_spill(&d->iova, &s->mag[o], o);
		iova_mag_flush(&d->iova, &s->mag[o], o);
	}
}

/* 4: some entries of the flush that was complete at done_at. @return whether that was all of it. */
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
	room_free(s, n);
	return s->released == upto;
}

/* The oldest flush. @return whether it is complete and all of it released. */
static bool
finish(struct sluice_domain *d, struct single *s, uint64_t now)
{
	struct flush_state *f = &d->flush;
	uint32_t slot = f->tail & (FLUSH_INFLIGHT - 1);

	if (s->done_at == 0) {
		if (!flush_is_done(d, now))
			return false;
		s->done_at = sluice_clock_ticks(&d->iommu->clock); /* not before that was seen */
		flush_took(f, s->done_at - f->start[slot]);
	}
	if (!release_some(d, s, s->sealed_at[slot]))
		return false;
	s->done_at = 0;
	f->tail++;
	return true;
}

/* ring.h, 10, with one mark for all. */
static void
flush_wait_serve(struct sluice_domain *d, struct single *s, uint64_t now)
{
	struct flush_state *f = &d->flush;
	uint64_t asked;

	if (s->released < s->wait_at)
		return;
	mags_flush(d, s); /* a flush that reaches beyond the mark is in the middle of its release */
	atomic_store_explicit(&f->answered, f->serving, memory_order_release); /* rel-answered */
	asked = atomic_load_explicit(&f->asked, memory_order_acquire); /* acq-asked */
	if (asked == f->serving)
		return;
	f->serving = asked;
	look(s, now);
	s->wait_at = s->seen;
}

static unsigned int
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

/* 5, sleep. */
static void
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
	atomic_fetch_or_explicit(&s->waiting, ASLEEP, memory_order_seq_cst);
	freed = atomic_load_explicit(&s->freed, memory_order_acquire);
	if (atomic_load_explicit(&s->taken, memory_order_seq_cst) == freed) {
		f->sleep = FLUSH_ASLEEP;
		s->slept = true;
		return;
	}
	atomic_fetch_and_explicit(&s->waiting, ~ASLEEP, memory_order_relaxed);
	flush_awake(f);
}

/* ---- control --------------------------------------------------------------------------------- */

static int
single_init(struct sluice_domain *d)
{
	uint32_t size = d->conf.ring;
	ssize_t q = rte_ring_get_memsize(2 * size);
	struct single *s = q < 0 ? NULL :
			   heap_zalloc("sluice_single", sizeof(*s) + (size_t)q, RTE_CACHE_LINE_SIZE);

	if (s == NULL)
		return -ENOMEM;
	s->ent = sluice_host_alloc(size * sizeof(*s->ent));
	if (s->ent == NULL || rte_ring_init(s->q, "sluice_single", 2 * size, RING_F_SC_DEQ) != 0) {
		sluice_host_free(s->ent, size * sizeof(*s->ent));
		heap_free(s);
		return -ENOMEM;
	}
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		iova_mag_init(&s->mag[o]);
	s->size = size;
	s->look_time = sluice_clock_ticks(&d->iommu->clock);
	d->priv = s;
	return 0;
}

static void
single_fini(struct sluice_domain *d)
{
	struct single *s = d->priv;

	if (s == NULL)
		return;
	sluice_host_free(s->ent, s->size * sizeof(*s->ent));
	heap_free(s);
	d->priv = NULL;
}

static void
single_stats(const struct sluice_domain *d, struct sluice_domain_stats *st)
{
	const struct single *s = d->priv;
	uint64_t pages = STAT_GET(s->pages_released);

	/* Every unmap is queued. Workers go on between one load and the other. */
	st->queued = st->unmaps;
	st->released = RTE_MIN(STAT_GET(s->released), st->queued);
	st->pending = st->queued - st->released;
	st->exposed_bytes = st->pending == 0 ? 0 :
			    (st->unmap_pages - RTE_MIN(pages, st->unmap_pages)) * 4096;
}

const struct policy_ops policy_deferred_single = {
	.name = "deferred-single",
	.type = SLUICE_DOMAIN_PAGING,
	.plain = true,
	.deferred = true,
	.flush_waits = true,
	.batch = SINGLE_BATCH,
	.deadline_us = SINGLE_DEADLINE_US,
	.map = window_map,
	.unmap = single_unmap,
	.init = single_init,
	.fini = single_fini,
	.poll = single_poll,
	.rest = single_rest,
	.stats = single_stats,
};
