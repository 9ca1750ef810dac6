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
#ifndef POLICY_DEFERRED_SINGLE_H
#define POLICY_DEFERRED_SINGLE_H

/* Explicit acquire and release on every machine: what the essay names, and a race detector sees. */
#ifndef RTE_USE_C11_MEM_MODEL
#define RTE_USE_C11_MEM_MODEL 1
#endif
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "../base/tsan.h"
#include "../object/domain.h"

#define SINGLE_ASLEEP (UINT32_C(1) << 31) /* in `waiting`: the engine looks here no more (5) */

/* 6. */
#if SLUICE_TSAN
#define SINGLE_UNSEEN __attribute__((noinline, no_sanitize("thread")))
#else
#define SINGLE_UNSEEN
#endif

struct single_entry {
	uint64_t e;    /* flush_entry() */
	uint64_t from; /* ticks: it came after that */
};

struct single {
	_Atomic uint64_t taken; /* entries let in; workers write */
	/* Who waits for room, and the engine's SINGLE_ASLEEP; how many of those found it. */
	_Atomic uint32_t waiting, let_in;
	_Atomic uint64_t woke; /* ticks; by who took SINGLE_ASLEEP out */
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

/** 4 and 5: so many places more. The engine, seldom a worker. */
static inline void
single_room_free(struct single *s, uint32_t n)
{
	atomic_fetch_add_explicit(&s->freed, n, memory_order_release); /* rel-freed */
}

/** The engine's turn (2 to 4), and its look for whether it may sleep (5). */
unsigned int single_poll(struct sluice_domain *d, uint64_t now, bool must_look);
void single_rest(struct sluice_domain *d, uint64_t now);

#endif
