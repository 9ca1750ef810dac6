/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * deferred-single: deferred, with one queue for all workers, as Linux does it for s390. An unmap
 * returns at once, and its IOVA is reused after the next flush. Flushes are few and large (32768
 * entries, or once a second); the price is a stale window of that length, and a cache line that all
 * workers write. If the queue is full, an unmap waits for room, or fails before anything has
 * changed.
 *
 * 1. Unmap. The worker takes room (5), clears the entries of the page table, and puts an entry into
 *    an rte_ring with several producers. The ring's tail is a release store [rel-queue].
 * 2. Move. At each look the engine moves new entries into its own queue. It loads the tail with
 *    acquire [acq-queue, pairs with rel-queue], so for every entry it has, it sees the cleared page
 *    table. A flush covers exactly the entries that the engine had when the flush started. So, as
 *    in ring.h, 3, the flush starts after the unmap, whatever the clocks say.
 * 3. Time, as in ring.h, 7. An entry that is found at one look was not there at the look before,
 *    and gets the time of that earlier look. So its stale window is never reported too short.
 * 4. Release. When a flush is complete, the IOVAs of its entries are given back, some in each turn,
 *    through a magazine of the engine's own: whole batches go to the depot, where every worker
 *    finds them, the rest to the chunks. Then `freed` is increased with release [rel-freed]. A
 *    worker that is let in by this, with acquire [acq-freed], finds the place in the rte_ring
 *    empty.
 * 5. Room. `taken` counts the entries that were let in, `freed` those that came out again. A
 *    compare-and-exchange takes room only while taken - freed < size; `freed` is loaded first and
 *    only grows, so the difference is never too small. So a full queue refuses before anything has
 *    changed, neither queue can overflow, and a worker that gives up waiting has nothing to undo. A
 *    worker that comes while others wait lets one of them go first (`let_in`), within bounds:
 *    otherwise the lcore that polls would always be the first to find room.
 *    Sleep, as in ring.h, 11. Where there are many domains, the engine sets a bit of `waiting` when
 *    it has found nothing for a while, and then checks that no worker is inside: taken and freed
 *    differ from before an unmap clears anything until it is released. An unmapping worker looks at
 *    the bit after its entry is in. If the bit is set, the worker clears it, stores the time, and
 *    calls the engine. Both sides write first and then look, all with seq_cst, so at least one sees
 *    the other. An unmap that is found after a sleep returned no earlier than the stored time: if
 *    its worker did not store the time, the worker saw the bit cleared, and returned after that.
 * 6. Race detectors. If an rte_ring has several producers, a later one waits for the earlier one's
 *    tail with a relaxed load before it stores its own (DPDK until 25.07). This is enough on every
 *    machine, since a release store stays behind earlier loads, but C11 does not promise it. A race
 *    detector follows C11: the ring is hidden from it, and `taken` shows the hand-over instead.
 */
#ifndef POLICY_DEFERRED_SINGLE_H
#define POLICY_DEFERRED_SINGLE_H

/* Explicit acquire and release on every machine, as above, and visible to a race detector. */
#ifndef RTE_USE_C11_MEM_MODEL
#define RTE_USE_C11_MEM_MODEL 1
#endif
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "../base/tsan.h"
#include "../object/domain.h"

#define SINGLE_ASLEEP (UINT32_C(1) << 31) /* in `waiting`: the engine does not look here (5) */

/* 6: for functions that are hidden from a race detector. */
#if SLUICE_TSAN
#define SINGLE_UNSEEN __attribute__((noinline, no_sanitize("thread")))
#else
#define SINGLE_UNSEEN
#endif

struct single_entry {
	uint64_t e;    /* flush_entry() */
	uint64_t from; /* ticks: the entry came after this */
};

struct single {
	_Atomic uint64_t taken; /* entries let in; written by workers */
	/* Number of workers that wait for room, with SINGLE_ASLEEP; how many of them found it. */
	_Atomic uint32_t waiting, let_in;
	_Atomic uint64_t woke; /* ticks; written by the worker that cleared SINGLE_ASLEEP */
	/* Entries that came out; written by the engine, seldom by a worker. */
	_Atomic uint64_t freed __rte_cache_aligned;
	uint32_t size;  /* entries; power of two */
	/* Engine only: positions in ent[]. */
	struct single_entry *ent __rte_cache_aligned; /* [size] */
	uint64_t seen, sealed, released;
	uint64_t sealed_at[FLUSH_INFLIGHT];
	uint64_t look_time;  /* time of the last look */
	bool slept;          /* the engine has slept since then */
	uint64_t done_at;    /* when the oldest flush was complete; 0: it is not */
	uint64_t wait_at;    /* ring.h, 10 */
	uint64_t pages_released;
	struct iova_mag mag[IOVA_ORDERS];
	struct rte_ring q[] __rte_cache_aligned; /* 2 * size entries, so it is never full */
};

/** 4 and 5: give @p n places back. Called by the engine, seldom by a worker. */
static inline void
single_room_free(struct single *s, uint32_t n)
{
	atomic_fetch_add_explicit(&s->freed, n, memory_order_release); /* rel-freed */
}

/** One turn of the engine (2 to 4), and its check whether it may sleep (5). */
unsigned int single_poll(struct sluice_domain *d, uint64_t now, bool must_look);
void single_rest(struct sluice_domain *d, uint64_t now);

#endif
