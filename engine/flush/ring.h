/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The flush ring: from a worker's unmap to the release of its IOVA, without a lock and without
 * a read-modify-write.
 *
 * One ring for each worker and domain. Its entries never move: the worker that put an entry in
 * takes it out again, and the engine in between only moves an index over it.
 *
 *        reclaim        released        sealed             tail
 *           |  reusable    |  in flight    |  not yet flushed |
 *     ------+--------------+---------------+------------------+------> position (64 bit)
 *     worker's own     written by      engine's own      written by
 *                      the engine                         the worker
 *
 * 1. Unmap. The worker clears the PTEs, writes the entry at `tail`, and publishes tail+1 with a
 *    release store [rel-tail]. That is all: a store to the ring, a store to the index.
 * 2. When `batch` entries came together since the last time, it also stores the position to
 *    `kick`, on a cache line of its own [rel-kick]: the engine polls that line, which changes once a
 *    batch, and leaves the line that changes with every unmap alone. It also puts the domain into
 *    the engine's set of those with something due, so that an engine with many domains need not
 *    look at all of them in each turn. The set is a hint: each domain has its turn without it,
 *    sooner or later (11).
 * 3. Seal. The engine loads tail with acquire [acq-tail, pairs with rel-tail]: it has then seen every PTE
 *    clear of every entry before tail. Only then does it submit the invalidation, and the
 *    command queue orders everything seen before the doorbell. So an entry is covered by a flush
 *    that *started after* it was queued, whatever the clocks say: what Linux buys with a full
 *    barrier in each unmap is here one barrier in each flush. (The danger is an epoch that is
 *    read before the clear is visible. Here the worker reads no epoch: the engine, by sealing,
 *    assigns it.)
 * 4. Release. When the flush is complete (inv_done, an acquire), the engine publishes `released`
 *    with a release store [rel-released].
 * 5. Reclaim. When its magazine is empty or its ring is full, the worker loads `released` with
 *    acquire [acq-released, pairs with rel-released] and moves some entries' IOVAs into its own magazines; of those
 *    that it then knows to be released, a map takes one straight from the ring. So IOVAs return to
 *    the lcore that owns them, and nobody else touches the allocator.
 * 6. Several flushes may be in flight; each ring remembers where each of them sealed. They are
 *    released in order, because sequence numbers complete in order.
 * 7. Time. The worker reads no clock (but to wake: 11). The engine looks at tail now and then (acq-tail again) and notes
 *    {position, time of the look before}: an entry is no older than that look, so the
 *    stale window it computes from it is never less than the truth.
 * 8. Closing a ring (switch.c), at no cost to those who use it. A put is marked: the worker writes
 *    `begin`, the position that it is about to publish, before it looks at anything else, and
 *    `tail_pub` catches up when it is done (or `begin` goes back, when nothing was put). There
 *    is no barrier between that store and the load of `room_end`: the one who closes has
 *    membarrier(2) execute one for all. He sets `closed`, then a barrier, then room_end to 0,
 *    then a barrier: either begin is visible to him, and he waits until it equals tail_pub, or the
 *    worker's loads come after and see the ring closed. A worker that raises room_end looks at
 *    `closed` again after that: if it still sees the ring open, its store came before the first
 *    barrier and the 0 comes after it; if not, it stores the 0 itself. From then on nothing more
 *    comes in, even when the wait for a stuck worker was given up; what is in drains.
 * 9. Cookies (strict-async). An entry may have one: bit 63. It is the caller's handle on memory
 *    that it gets back when the invalidation is complete, so the entry stays where it is until
 *    the caller took the cookie (`completed`), and only then is its IOVA reused. A ring full of
 *    cookies that nobody takes refuses more: the back-pressure.
 * 10. Waiting for a flush (flush_wait.c). Who finds no IOVA wishes for a rollover, and takes a ticket, `asked`, with
 *    release [rel-asked]. The engine, while there is a wish, loads `asked` with acquire [acq-asked] and then the
 *    tails (acq-tail): all that was queued before the ticket was taken is before these marks. When every
 *    `released` has reached its mark, it publishes `answered` with release [rel-answered]; the waiter loads
 *    that with acquire [acq-answered].
 *    The IOVAs of other workers would be of no use to him in their rings. So while a rollover is
 *    wished for, the engine frees an entry's IOVA to the shared space itself, before it publishes
 *    `released` over it, and leaves FLUSH_TAKEN in its place (a cookie stays: it names memory, not
 *    an IOVA). Nobody frees it twice: an entry between released and sealed is the engine's
 *    alone, by acq-tail and until rel-released; a worker acts on entries before `released` only, and acq-released brings what
 *    was left there with it. (deferred_map() may load an entry before it knows whose it is, and
 *    then does not use it: hence RELAXED_GET and RELAXED_SET.) Nobody gets it too early: the flush
 *    is complete. Who takes it from the space sees the PTE clear: rel-tail, acq-tail, then the release and
 *    acquire of the space (iova.c, 2).
 * 11. Sleep. Where there are many domains, the engine looks at those where something happens, and
 *    leaves the others alone until they call (poll.c). A put makes no call; it looks at room_end.
 *      a. A domain in which nothing waits, and nothing was new for some looks, dozes off: the engine
 *         sets each ring's `asleep`, then a full fence, then room_end to 0. The worker's next put
 *         finds no room and looks closer: after it has raised room_end, and a full fence, it looks at
 *         asleep, and if it is set notes position and time, clears asleep with release [rel-asleep], and
 *         puts its domain into the set of those with something due. (All of that is away from the
 *         plain put, and once in a sleep.) Of the two fences one is the first: either the worker
 *         sees asleep, or its store of room_end came before the engine's 0, which then stays. Nobody but
 *         who closes a ring stores anything but room there (8), and what he stores is 0, too.
 *      b. A put that had looked at room_end before the 0 was there is not called back: it has no
 *         fence. So the engine looks a second time, some looks later, as who closes does (8): begin
 *         and tail_pub, both where they were; only then is the domain asleep and not looked at any
 *         more. Who is in the middle of a put, and lost its processor there, has begin ahead
 *         (what stopped it was a barrier), and the engine goes on looking. A ring whose worker
 *         has woken [acq-asleep, pairs with rel-asleep] is awake.
 *      c. What is left: begin, stored by a plain store, takes longer to be seen than the looks
 *         between. Nothing guarantees that it does not; the worker's next put calls for both; and
 *         in a slow round (some of all domains every few turns) the engine looks at sleepers,
 *         too.
 *      d. The note makes the age of what comes after it honest (7): it came after that time, if
 *         nothing had slipped in before. That compares two processors' readings of one clock, and
 *         believes no note from the future.
 * 12. Released entries that an idle worker did not take back come to who needs their IOVAs (A20),
 *    as its magazines do (iova.h, 3 to 7; the same `hold`, the other end of the same argument):
 *    a map publishes reclaim + 1 first and loads the entry then; if that is not what it expects
 *    it puts reclaim back. Who wants them sets FLUSH_TAG in the entry at j = reclaim, has a
 *    barrier executed on every thread, and loads reclaim again. If it is not beyond j and the tag
 *    is there, every entry from j to `released` (acq-released) is his: a map that had not published loads
 *    after the barrier. He leaves FLUSH_TAKEN in them. At most FLUSH_ROB of them at once, for the
 *    worker may be waiting; `robbed` is where the next one goes on. Nobody but maps and flush_ring_reclaim(), which owns `hold`, takes
 *    entries from there; a late tag is on a bit that nothing else reads.
 */
#ifndef FLUSH_RING_H
#define FLUSH_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include <sluice/domain.h>

#include "../base/epoch.h"
#include "../base/relaxed.h"
#include "../iova/bitset.h"

struct sluice_domain;
struct dom_lcore;

#define FLUSH_INFLIGHT 8u  /* flushes of one domain at once; power of two */
#define FLUSH_LOOKS    32u /* looks remembered per ring; power of two */
/* Looks in a row that find nothing before a domain falls asleep (11): a worker that comes back within
 * them has no clock to read. */
#define FLUSH_IDLE_LOOKS 16u

#define FLUSH_COOKIE (UINT64_C(1) << 63)

/* An entry: page number in the window, and pages beyond one, so that of one page it is the number;
 * FLUSH_COOKIE. No pages at all, the largest number: nothing is left to be freed of it. */
#define FLUSH_TAKEN  (UINT64_C(0x3fffffff) << 32)

#define FLUSH_TAG    (UINT64_C(1) << 62) /* 12 */
#define FLUSH_ROB    1024u

static inline uint64_t
flush_entry(uint32_t pfn, uint32_t pages)
{
	return (uint64_t)(pages - 1) << 32 | pfn;
}

static inline uint32_t
flush_entry_pfn(uint64_t e)
{
	return (uint32_t)e;
}

static inline uint32_t
flush_entry_pages(uint64_t e)
{
	return ((uint32_t)(e >> 32) + 1) & 0x3fffffff;
}

/** The workers of a domain as the engine sees them: replaced as a whole, never changed. */
struct dom_workers {
	struct epoch_array array; /* first */
	uint32_t n;
	struct dom_lcore *w[];
};

/** The engine's notes on when entries came. */
struct flush_look {
	uint64_t upto; /* entries before this position … */
	uint64_t from; /* … and after the note before came after this time (clock ticks) */
};

struct flush_ring {
	/* Worker only, but for room_end, which who closes the ring writes too (8). With RELAXED_GET
	 * and RELAXED_SET: room_end, begin, closed, batch, reclaim. */
	uint64_t *ent;        /* [mask + 1]; the engine reads entries before tail; NULL: no ring */
	uint64_t tail;        /* next position to write */
	uint64_t room_end;    /* there is room before this position; 0: look closer */
	uint64_t begin;       /* the position that a put under way will publish, else tail */
	uint64_t kick_at;     /* position that calls for a kick */
	uint64_t reclaim;     /* next position to take back; readers: who wants them (12) */
	uint64_t released_seen;
	uint32_t mask;
	bool closed;          /* by who closes */
	uint64_t *cookie;     /* [mask + 1], of entries with FLUSH_COOKIE */
	uint64_t completed;   /* cookies before this position were taken */
	uint64_t cookies_from; /* every entry from here on has one; who opens the ring sets it */
	uint64_t more, more_back; /* pages beyond one each, of entries put in and taken back */
	uint32_t batch;
	uint32_t slot;        /* of the domain in … */
	struct bitset *due;   /* … the engine's set; NULL: none */
	uint64_t none;        /* flush_ring_none() */
	_Atomic bool asleep;  /* 11: the engine sets, the worker clears it */
	uint32_t hold;        /* hold.h */
	uint64_t robbed;      /* what is before was taken by others (12); under `hold`, not the worker */
	uint64_t more_robbed; /* as more_back, of those that others took (12) */
	/* Written by the worker; the engine reads it at a look and at a seal. */
	_Atomic uint64_t tail_pub __rte_cache_aligned;
	_Atomic uint64_t woke_pos, woke; /* 11: where and when (ticks) it last woke */
	/* Written by the worker once a batch; the engine reads it at every poll. */
	_Atomic uint64_t kick __rte_cache_aligned;
	/* Written by the engine; the worker reads it when it needs IOVAs or room. */
	_Atomic uint64_t released __rte_cache_aligned;
	/* Engine only. */
	uint64_t sealed __rte_cache_aligned;
	uint64_t seen;        /* tail at the last look */
	uint64_t look_time;   /* of the last look */
	uint64_t seal;        /* where the flush that is being put together will seal */
	uint64_t wait_at;     /* the mark of the wait that is served (10) */
	uint64_t more_taken;  /* as more_back, of entries whose IOVA the engine took */
	uint64_t sealed_at[FLUSH_INFLIGHT];
	uint32_t look_head, look_tail;
	struct flush_look look[FLUSH_LOOKS];
};

/** Set up, tear down a worker's ring. @return 0 or -ENOMEM. */
int flush_ring_init(struct flush_ring *r, uint32_t entries, uint32_t batch);
void flush_ring_fini(struct flush_ring *r);

/** A ring that there is no memory for: closed for good. Its cookie is NULL. */
void flush_ring_none(struct flush_ring *r);

/**
 * Does the ring have room for one more? Takes back what was released if need be. Worker, between
 * flush_ring_begin() and put or abort. false too when the ring is closed.
 */
bool flush_ring_room(struct sluice_domain *d, struct dom_lcore *dl);

/** Move the IOVAs of released entries into the worker's magazines. @return how many. Worker. */
uint32_t flush_ring_reclaim(struct sluice_domain *d, struct dom_lcore *dl);

/** The owner's reclaim: 12. */
static inline void
flush_ring_claim(struct flush_ring *r, uint64_t reclaim)
{
#if SLUICE_TSAN
	__atomic_store_n(&r->reclaim, reclaim, __ATOMIC_RELEASE);
	atomic_thread_fence(memory_order_seq_cst);
#else
	RELAXED_SET(r->reclaim, reclaim);
	atomic_signal_fence(memory_order_seq_cst);
#endif
}

/**
 * Take one entry of one page from the ring, at @p at, which is reclaim; there is one. Worker.
 * @param kind what its upper half is to be. @return false: it is something else.
 */
static inline bool
flush_ring_pop(struct flush_ring *r, uint64_t at, uint32_t kind, uint64_t *e)
{
	flush_ring_claim(r, at + 1);
	*e = RELAXED_GET(r->ent[at & r->mask]);
	if (__builtin_expect(*e >> 32 == kind, 1))
		return true;
	flush_ring_claim(r, at);
	return false;
}

/**
 * Take what an idle worker has not taken back: try, a barrier, take (12), as iova_mag_try() and
 * _rob().
 * @return as iova_mag_try(), *at is set with 1; how many IOVAs went back to the space.
 */
uint32_t flush_ring_try(struct flush_ring *r, uint64_t *at);
uint32_t flush_ring_rob(struct sluice_domain *d, struct flush_ring *r, uint64_t at);

/** Take the cookies of released entries, oldest first. Worker (9). @return how many. */
uint32_t flush_ring_completed(struct flush_ring *r, uint64_t *cookie, uint32_t n);

/** Wait, bounded, for room (ring full). Worker. @return 0; -EAGAIN nothing was released for the
 * SYNC timeout, or what was is kept by cookies, or this is a callback of the engine's; -ESHUTDOWN it
 * was closed. */
int flush_ring_wait(struct sluice_domain *d, struct dom_lcore *dl);

/** Call for a flush of what is before @p pos. Worker. Step 2. */
static inline void
flush_ring_kick(struct flush_ring *r, uint64_t pos)
{
	r->kick_at = pos + RELAXED_GET(r->batch);
	atomic_store_explicit(&r->kick, pos, memory_order_release); /* rel-kick */
	/* In already: it is a hint, and if the engine is just about to take it out the domain has
	 * its turn a little later. Where there are few domains nobody ever takes it out. */
	if (r->due != NULL && !bitset_test(r->due, r->slot))
		bitset_set(r->due, r->slot);
}

/** The same, for a batch that is full: once in many puts, so never inline. */
void flush_ring_kick_batch(struct flush_ring *r);

/** A put is about to be made: step 8. Worker. @return its position. */
static inline uint64_t
flush_ring_begin(struct flush_ring *r)
{
	uint64_t pos = r->tail;

	RELAXED_SET(r->begin, pos + 1);
	if (SLUICE_TSAN)
		atomic_thread_fence(memory_order_seq_cst);
	else
		atomic_signal_fence(memory_order_seq_cst);
	return pos;
}

/** It was not made after all; or it was, and more than one with it. Worker. */
static inline void
flush_ring_abort(struct flush_ring *r)
{
	/* Release: what this lcore does next is not part of it. */
	__atomic_store_n(&r->begin, r->tail, __ATOMIC_RELEASE);
}

/** Is there room at @p pos for sure? Else flush_ring_room() knows. Worker. */
static inline bool
flush_ring_has_room(const struct flush_ring *r, uint64_t pos)
{
	return __builtin_expect(pos < RELAXED_GET(r->room_end), 1);
}

/**
 * Nothing more may be put in; waits until nobody does. Control (8).
 * @return 0; -ETIMEDOUT somebody is stuck in an unmap; -ENOTSUP no barrier was to be had.
 */
int flush_ring_close(struct flush_ring *r, struct sluice_iommu *iommu);

/** Undo that. @p cookies: what comes in now has a cookie each, but where it is said. Control. */
void flush_ring_open(struct flush_ring *r, bool cookies);

/**
 * Queue one entry at @p pos, which is what flush_ring_begin() returned; there must be room. Worker.
 * Step 1. @return whether a batch is full: flush_ring_kick_batch() is due.
 */
static inline bool
flush_ring_put(struct flush_ring *r, uint64_t pos, uint64_t entry)
{
	RELAXED_SET(r->ent[pos & r->mask], entry);
	r->tail = ++pos;
	atomic_store_explicit(&r->tail_pub, pos, memory_order_release); /* rel-tail */
	return pos >= r->kick_at;
}

/** The engine left this ring alone, and somebody puts something in. Worker (11a). */
void flush_ring_wake(struct sluice_domain *d, struct flush_ring *r);

#endif
