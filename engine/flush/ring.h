/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The flush ring: from a worker's unmap to the release of its IOVA.
 *
 * What callers get. A worker queues an unmap with two plain stores: no lock, no read-modify-write,
 * no barrier instruction, no clock. When an entry is released, its invalidation is complete, and
 * that invalidation was submitted after the unmap's page-table entries were clear. IOVAs return to
 * the worker that unmapped them. When the ring is closed, no put is under way and none begins. What
 * callers must do: one thread per ring, and no use of an IOVA after its unmap.
 *
 * There is one ring for each worker and domain. Entries never move: the worker that put an entry in
 * also takes it out, and in between the engine only moves an index over it.
 *
 *        reclaim        released        sealed             tail
 *           |  reusable    |  in flight    |  not yet flushed |
 *     ------+--------------+---------------+------------------+------> position (64 bit)
 *     worker's own     written by      engine's own      written by
 *                      the engine                         the worker
 *
 *     worker: clear PTE, put entry, rel-tail .................................. acq-released, reuse
 *     engine:                        acq-tail, seal, submit ... done, rel-released
 *     IOMMU:                                          invalidate
 *
 * 1. Unmap. The worker clears the PTEs, writes the entry at `tail`, and publishes tail+1 with a
 *    release store [rel-tail].
 * 2. Kick. When `batch` entries have come together since the last kick, the worker also stores the
 *    position to `kick`, on a cache line of its own [rel-kick]. The engine polls that line, which
 *    changes once a batch, and not the line that changes with every unmap. The worker also puts the
 *    domain into the engine's set of domains with something due, so that an engine with many
 *    domains need not look at all of them in each turn. The set is a hint: every domain has its
 *    turn sooner or later without it (11).
 * 3. Seal. The engine loads `tail` with acquire [acq-tail, pairs with rel-tail]: it has then seen
 *    every PTE clear of every entry before tail. Only then does it submit the invalidation, and the
 *    command queue orders everything seen before the doorbell. So a flush that covers an entry
 *    always *started after* the entry was queued. (Linux pays a full barrier in each unmap for
 *    this; here one barrier in each flush is enough, because the worker reads no epoch: the engine
 *    assigns it by sealing.)
 * 4. Release. When the flush is complete (inv_done, an acquire), the engine publishes `released`
 *    with a release store [rel-released].
 * 5. Reclaim. When its magazine is empty or its ring is full, the worker loads `released` with
 *    acquire [acq-released, pairs with rel-released] and moves the IOVAs of some entries into its
 *    own magazines. Of the other entries that it then knows to be released, a map takes one
 *    straight from the ring.
 * 6. Several flushes may be in flight; each ring remembers where each of them sealed. They are
 *    released in order, because sequence numbers complete in order.
 * 7. Time. The worker reads no clock, except when it wakes the engine (11). The engine looks at
 *    tail now and then (acq-tail again) and notes {position, time of the look before}. An entry is
 *    no older than that look, so the stale window that is computed from it is never less than the
 *    truth.
 * 8. Closing a ring (switch.c) costs its users nothing. The worker marks each put: it writes
 *    `begin`, the position that it is about to publish, before it looks at anything else. When the
 *    put is done, `tail_pub` catches up; when nothing was put, `begin` goes back. There is no
 *    barrier between the store of `begin` and the load of `room_end`. Instead, the closing thread
 *    sets `closed`, then calls membarrier(2), which makes every thread run a full barrier, then
 *    sets room_end to 0, then calls membarrier(2) again. For each worker there are two cases:
 *      - its `begin` is visible to the closing thread, which waits until `begin` equals `tail_pub`;
 *      - or its loads come after the barrier and see the ring closed.
 *    A worker that raises room_end loads `closed` again afterwards. If it still reads "open", its
 *    store came before the first barrier, and the closing thread's 0 comes after it; if not, the
 *    worker stores the 0 itself. From then on nothing more comes in, even when the wait for a stuck
 *    worker was given up. Entries that are in the ring still drain.
 *
 *        worker, its put seen               closing thread           worker, its put refused
 *        begin = pos + 1
 *                                           closed = true
 *                                           membarrier(2)
 *                                           room_end = 0
 *        room_end: there is room            membarrier(2)
 *        clear, entry                       begin != tail_pub: wait  begin = pos + 1
 *        tail_pub = pos + 1                                          room_end is 0: look closer
 *                                           begin == tail_pub: done  closed: begin = pos, no put
 *
 * 9. Cookies (strict-async). An entry may have one: bit 63. A cookie is the caller's handle on
 *    memory that it gets back when the invalidation is complete. So the entry stays where it is
 *    until the caller took the cookie (`completed`), and only then is its IOVA reused. A ring full
 *    of cookies that are not taken refuses more: that is the back-pressure.
 * 10. Waiting for a flush (flush_wait.c). A thread that finds no IOVA, or drains, wishes for a
 *    flush and takes a ticket: it adds 1 to `asked`, with release [rel-asked]. While there is a
 *    wish, the engine loads `asked` with acquire [acq-asked] and then the tails (acq-tail):
 *    everything that was queued before the ticket was taken lies before these marks. When every
 *    `released` has reached its mark, the engine publishes `answered` with release [rel-answered],
 *    and the waiting thread loads that with acquire [acq-answered]. IOVAs in other workers' rings
 *    would be of no use to a thread that needs one. So while a rollover is wished for, the engine
 *    frees an entry's IOVA to the shared space itself, before it publishes `released` over the
 *    entry, and leaves FLUSH_TAKEN in its place (a cookie stays: it names memory, not an IOVA).
 *      - No IOVA is freed twice. An entry between released and sealed is the engine's alone, by
 *        acq-tail and until rel-released. A worker acts on entries before `released` only, and
 *        acq-released brings what was left there. (deferred_map() may load an entry before it knows
 *        whose it is, and then does not use it: hence RELAXED_GET and RELAXED_SET.)
 *      - No IOVA is freed too early: its flush is complete. The thread that takes it from the space
 *        sees the PTE clear: rel-tail, acq-tail, then the release and acquire of the space (iova.c,
 *        2).
 * 11. Sleep. Where there are many domains, the engine looks at the busy ones and leaves the others
 *    alone until they call (poll.c). A put makes no call; it only looks at room_end.
 *      a. When nothing waits in a domain, and nothing was new for some looks, the engine lets it
 *         doze: it sets each ring's `asleep`, then runs a full fence, then sets room_end to 0. The
 *         worker's next put finds no room and looks closer: it raises room_end, runs a full fence,
 *         and reads asleep. If it is set, the worker notes position and time, clears asleep with
 *         release [rel-asleep], and puts its domain into the set of those with something due. (All
 *         of this is off the plain put's path, and happens once in a sleep.) One of the two fences
 *         comes first: either the worker sees asleep, or its store of room_end came before the
 *         engine's 0, which then stays. Only the closing thread (8) stores anything else to
 *         room_end, and that is 0, too.
 *      b. A put that had read room_end before the engine's 0 arrived is not called back, for it has
 *         no fence. So the engine looks a second time, some looks later, as a closing thread does
 *         (8): begin, then tail_pub. Only when both are where they were is the domain asleep, and
 *         not looked at any more. A worker that lost its processor in the middle of a put has
 *         `begin` ahead (what stopped it was a barrier), and the engine goes on looking. A ring
 *         whose worker has woken [acq-asleep, pairs with rel-asleep] is awake.
 *      c. One case is left: a plain store of `begin` takes longer to become visible than the time
 *         between the two looks. Nothing guarantees that it does not. Two things bound the harm:
 *         the worker's next put wakes the domain for both, and a slow round (a few of all domains
 *         every few turns) looks at sleeping domains, too.
 *      d. The note makes the age of what comes after it honest (7): entries came after that time,
 *         if none had slipped in before. This compares two processors' readings of one clock, so a
 *         note from the future is not believed.
 * 12. An idle worker's released entries come to a thread that needs their IOVAs (A20), as its
 *    magazines do (iova.h, 3 to 7: the same `hold`, the other end of the same argument). A map
 *    publishes reclaim + 1 first and loads the entry then; if the entry is not what it expects, it
 *    puts reclaim back. The taking thread sets FLUSH_TAG in the entry at j = reclaim, calls
 *    membarrier(2), and loads reclaim again. If reclaim is not beyond j, and the tag is there,
 *    every entry from j to `released` (acq-released) belongs to the taking thread: a map that had
 *    not published loads after the barrier and meets the tag. The taking thread leaves FLUSH_TAKEN
 *    in these entries, at most FLUSH_ROB at once, for the worker may be waiting; `robbed` is where
 *    the next one goes on. Besides this, only maps and flush_ring_reclaim(), which owns `hold`,
 *    take entries from there. A tag that comes late sets a bit that nothing else reads.
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
/* Looks in a row that find nothing before a domain falls asleep (11): a worker that comes back
 * within them has no clock to read. */
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

/** Compact array of the non-NULL lc[] entries of a domain, for the engine's loops: replaced as a
 * whole, never changed (epoch.h). */
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
	/* Worker only, but for room_end, which a closing thread writes too (8). With RELAXED_GET
	 * and RELAXED_SET: room_end, begin, closed, batch, reclaim. */
	uint64_t *ent;        /* [mask + 1]; the engine reads entries before tail; NULL: no ring */
	uint64_t tail;        /* next position to write */
	uint64_t room_end;    /* there is room before this position; 0: look closer */
	uint64_t begin;       /* the position that a put under way will publish, else tail */
	uint64_t kick_at;     /* position that calls for a kick */
	uint64_t reclaim;     /* next position to take back; readers: threads that take (12) */
	uint64_t released_seen;
	uint32_t mask;
	bool closed;          /* written by the closing thread */
	uint64_t *cookie;     /* [mask + 1], of entries with FLUSH_COOKIE */
	uint64_t completed;   /* cookies before this position were taken */
	uint64_t cookies_from; /* every entry from here on has one; the opening thread sets it */
	uint64_t more, more_back; /* pages beyond one each, of entries put in and taken back */
	uint32_t batch;
	uint32_t slot;        /* of the domain in … */
	struct bitset *due;   /* … the engine's set; NULL: none */
	uint64_t none;        /* flush_ring_none() */
	_Atomic bool asleep;  /* 11: the engine sets, the worker clears it */
	uint32_t hold;        /* hold.h */
	uint64_t robbed;      /* IOVAs of entries before it were taken (12); under `hold` */
	uint64_t more_robbed; /* like more_back, of those */
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
	uint64_t more_taken;  /* like more_back, of entries whose IOVA the engine took */
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
	flush_ring_claim(r, at + 1); /* first-claim */
	*e = RELAXED_GET(r->ent[at & r->mask]);
	if (__builtin_expect(*e >> 32 == kind, 1))
		return true;
	flush_ring_claim(r, at);
	return false;
}

/**
 * Take what an idle worker has not taken back, in two calls with a barrier on every thread between
 * them (12), like iova_mag_try() and _rob().
 * @return 1 with *at set, or what iova_mag_try() returns; then how many IOVAs went back to the
 *    space.
 */
uint32_t flush_ring_try(struct flush_ring *r, uint64_t *at);
uint32_t flush_ring_rob(struct sluice_domain *d, struct flush_ring *r, uint64_t at);
/**
 * Give the IOVAs of this worker's own released entries to the space, also of those that a cookie
 * keeps in the ring, or that stand behind one (9): the cookie names memory, not an IOVA. Worker;
 * for a map that finds no IOVA. @return how many.
 */
uint32_t flush_ring_give(struct sluice_domain *d, struct flush_ring *r);

/** Take the cookies of released entries, oldest first. Worker (9). @return how many. */
uint32_t flush_ring_completed(struct flush_ring *r, uint64_t *cookie, uint32_t n);

/** Wait, bounded, for room (ring full). Worker. @return 0; -EAGAIN nothing was released for the
 * SYNC timeout, or what was is kept by cookies, or this is a callback of the engine's; -ESHUTDOWN
 * it was closed. */
int flush_ring_wait(struct sluice_domain *d, struct dom_lcore *dl);

/** Call for a flush of what is before @p pos. Worker. Step 2. */
static inline void
flush_ring_kick(struct flush_ring *r, uint64_t pos)
{
	r->kick_at = pos + RELAXED_GET(r->batch);
	atomic_store_explicit(&r->kick, pos, memory_order_release); /* rel-kick */
	/* When the domain is in the set already nothing is lost: the set is a hint, and if the
	 * engine is about to take the domain out, its turn comes a little later. With few domains
	 * it stays in. */
	if (r->due != NULL && !bitset_test(r->due, r->slot))
		bitset_set(r->due, r->slot);
}

/** flush_ring_kick() for a full batch: once in many puts, so never inline. */
void flush_ring_kick_batch(struct flush_ring *r);

/** Mark that a put is about to be made (8). Worker. @return its position. */
static inline uint64_t
flush_ring_begin(struct flush_ring *r)
{
	uint64_t pos = r->tail;

	RELAXED_SET(r->begin, pos + 1); /* first-begin */
	if (SLUICE_TSAN)
		atomic_thread_fence(memory_order_seq_cst);
	else
		atomic_signal_fence(memory_order_seq_cst);
	return pos;
}

/** Take the mark back: nothing was put, or a burst was and has published its tail. Worker. */
static inline void
flush_ring_abort(struct flush_ring *r)
{
	/* Release: what this lcore does next is not part of it. */
	__atomic_store_n(&r->begin, r->tail, __ATOMIC_RELEASE); /* rel-abort */
}

/** Is there room at @p pos for sure? Else flush_ring_room() knows. Worker. */
static inline bool
flush_ring_has_room(const struct flush_ring *r, uint64_t pos)
{
	return __builtin_expect(pos < RELAXED_GET(r->room_end), 1);
}

/**
 * Close the ring: nothing more comes in; waits until a put that is under way has ended. Control
 * (8).
 * @return 0; -ETIMEDOUT a worker is stuck in an unmap; -ENOTSUP the system refused the barrier.
 */
int flush_ring_close(struct flush_ring *r, struct sluice_iommu *iommu);

/** Open it again. @p cookies: entries have cookies from now on (cookies_from). Control. */
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

/** The engine left this ring alone, and its worker puts something in (11a). Worker. */
void flush_ring_wake(struct sluice_domain *d, struct flush_ring *r);

#endif
