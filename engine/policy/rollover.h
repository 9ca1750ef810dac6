/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * rollover works without a timer or a flush queue: an unmap clears the entry and counts, no more.
 * IOVAs are handed out in ascending order and never reused before the window wraps; each wrap costs
 * one flush of the whole domain (as Linux does it for s390). The stale window of an unmap lasts as
 * long as a round through the window; it is measured for every unmap and can be read at any time.
 *
 * 1. Tickets. A worker takes a ticket for a 2 MiB chunk. Tickets ascend for ever and pass over
 *    chunks that are not available; one number holds both the round and the place in the window.
 *    The worker hands out the pages of its chunk in ascending order. A chunk belongs to the worker
 *    that took it: the chunk's state is {round, READY or BUSY or USED}, and only one
 *    compare-and-exchange from {this round, READY} to BUSY succeeds. If the round ends between
 *    ticket and exchange, the exchange of the slow worker fails. A mapping of more than a chunk
 *    needs a row of READY chunks that are empty; the row is found before any of them is taken, and
 *    chunks that were passed over have their turn in the next round.
 * 2. Wrap. A worker with a ticket for a round that has not begun waits for it, so the waiting
 *    workers have the first chunks of that round. One of them (`wrapping`) takes a snapshot: for
 *    each chunk that no worker has, which pages are not mapped. A chunk that is BUSY (another
 *    worker is handing it out) stays with its owner and sits out the next round. The owner's USED
 *    is a release [rel-state] and the snapshot's load an acquire [acq-state], so the snapshot sees
 *    every entry that the owner wrote. Only chunks that may have changed are looked at. A worker
 *    that cleared an entry marks the chunk, with release [rel-row], in a row of bytes of its own;
 *    the snapshot clears the mark by an exchange with acquire [acq-row], and then looks at the
 *    entries: either it sees the clear, or the mark stays for the next snapshot. This needs no
 *    barrier, and no two workers write the same line. A worker that leaves pages of a chunk unused
 *    marks the chunk too. So where nothing was unmapped a map fails soon, however large the window
 *    is.
 * 3. Flush. An unmap clears an entry with release [rel-entry], the snapshot loads it with acquire
 *    [acq-entry]. After that the flush ticket (ring.h, 10) is taken with release, and the engine
 *    submits once it has seen the ticket. So each page of the snapshot was clear when the flush
 *    started. The flush is never left out, even if no unmap has been counted yet. A page that is
 *    unmapped after the snapshot looked at it is not in the snapshot and is not handed out in this
 *    round either.
 * 4. New round. When the flush is complete the new round is published: `round` is stored with
 *    release [rel-round]. A worker that loads it with acquire [acq-round] sees the snapshots, and
 *    every page in them was invalidated.
 * 5. Count. After it has cleared the entry the worker publishes how many unmaps it has made, with
 *    release [rel-count]. The engine loads that with acquire [acq-count] when it starts a flush:
 *    exactly those unmaps are covered, and accounted for when the flush is complete.
 * 6. Time. At each look the engine notes {count, time of the look before}. When notes run out,
 *    neighbours are merged under the earlier time. So a window is never reported too short, and too
 *    long by at most about a hundredth of the age of the oldest note.
 * 7. Idle workers. A worker sets `busy` at the start of each call, then looks at `closed`. The
 *    barrier between the two is run by the closing thread for all threads (membarrier(2), as in
 *    persistent.h, 4), and only if a wrap found no page, no row, or tables to free. Once a worker
 *    is closed and not busy (acquire; pairs with the release of ro_exit()), the closing thread owns
 *    what the worker has: an idle worker's chunk goes to where every worker finds it (A20). A
 *    worker that is busy is not idle, and is opened again at once. A worker that waits for a wrap
 *    is not busy meanwhile. Only the wrapping thread closes workers, so one thread at a time does.
 * 8. Tables. A chunk that was passed over keeps its table for the next round, up to
 *    SLUICE_ROLLOVER_TABLES tables in which nothing is mapped (`idle`: at most so many since the
 *    last snapshot). Once that many are idle, the round goes on only in chunks that have a table,
 *    then wraps. Tables beyond that, left when much was mapped at once and is gone, are unlinked by
 *    the snapshot before the flush of that wrap. The flush is of the whole domain, so it covers the
 *    walk caches too, and no chunk gets a new table before the round is published. After a barrier,
 *    when no worker is in a call that began before it (and might look at the table by mistake, for
 *    nothing is mapped there), the tables are freed; else a later wrap frees them. A trim is a wrap
 *    that leaves no empty table.
 */
#ifndef POLICY_ROLLOVER_H
#define POLICY_ROLLOVER_H

#include "../base/epoch.h"
#include "../object/domain.h"

#define ROLLOVER_NOTES 256u
#define ROLLOVER_WRAPS 4u /* rounds that one map may go through */
/* More than the rounds for which tickets can be out at once: a worker has one, and in a window of one
 * chunk each is for a round of its own. */
#define ROLLOVER_HELD  (4u * RTE_MAX_LCORE)
#define NO_CHUNK       UINT32_MAX

struct note {
	uint64_t upto; /* unmaps before this count … */
	uint64_t from; /* … and after the note before were made after this time (ticks) */
};

/** A worker's state: dl->priv. It stays when the worker leaves, for the next one on that lcore. */
struct ro_worker {
	/* Owned by the worker, or by the thread that closed it (7). */
	uint32_t busy;    /* 7: written by the worker */
	uint32_t closed;  /* 7: written by the wrapping thread */
	uint8_t *touched; /* [nb_chunks] 2; the worker sets, the wrapping thread clears */
	uint32_t chunk;   /* its chunk or NO_CHUNK; the wrapping thread reads it, relaxed */
	uint32_t word;    /* index into bits: all before it was handed out */
	uint64_t bits[8]; /* pages of the chunk that may be handed out */
	uint64_t more;    /* pages beyond the first of each unmap; the engine reads, relaxed */
	_Atomic uint64_t tail __rte_cache_aligned; /* unmaps; worker writes, engine reads (5) */
	/* Owned by the engine. */
	uint64_t seen __rte_cache_aligned;
	uint64_t sealed, sealed_more, released, released_more;
	uint64_t look_time, gap; /* time of the last look; what a note covers; ticks */
	uint32_t nb_notes;
	struct note note[ROLLOVER_NOTES];
};

struct rollover {
	_Atomic uint64_t ticket; /* the next one: round * nb_chunks + chunk */
	_Atomic uint64_t round;  /* the round that has begun */
	_Atomic uint32_t wrapping;
	/* By round modulo HELD: tickets whose workers have not looked yet. */
	_Atomic uint32_t held[ROLLOVER_HELD];
	_Atomic uint32_t idle;    /* 8: tables with nothing mapped */
	uint32_t nb_chunks;
	_Atomic uint64_t *state; /* [nb_chunks] round << RO_STATE_BITS | state */
	struct iova_chunk *used; /* [nb_chunks] snapshots: pages that are not available */
	uint8_t *passed;         /* [nb_chunks] like ro_worker.touched; any worker sets it */
	struct ro_worker *_Atomic worker[RTE_MAX_LCORE]; /* added under e->lock; read by a wrap */
	/* Owned by the wrapping thread. */
	uint32_t nb_retired;
	bool cached; /* the hardware may still know some of the retired tables */
	uint64_t **retired; /* [nb_chunks] */
	/* Owned by the engine. */
	uint64_t released, released_pages;
};

enum { RO_READY, RO_BUSY, RO_USED, RO_STATE_BITS = 2 };

static inline uint64_t
ro_state(uint64_t round, unsigned int state)
{
	return round << RO_STATE_BITS | state;
}

static inline uint64_t
ro_round(const struct rollover *s)
{
	return atomic_load_explicit(&s->round, memory_order_acquire); /* acq-round */
}

/** Mark that something in this chunk was unmapped or left unused: rel-row. */
static inline void
ro_touch(uint8_t *touched, uint32_t chunk)
{
	__atomic_store_n(&touched[chunk], 1, __ATOMIC_RELEASE);
}

/** 7. A worker enters and leaves a call. */
void ro_enter_slow(struct ro_worker *w);

static inline void
ro_enter(struct ro_worker *w)
{
	RELAXED_SET(w->busy, 1);
	if (SLUICE_TSAN)
		atomic_thread_fence(memory_order_seq_cst);
	else
		atomic_signal_fence(memory_order_seq_cst);
	if (__builtin_expect(__atomic_load_n(&w->closed, __ATOMIC_ACQUIRE) != 0, 0))
		ro_enter_slow(w);
}

static inline void
ro_exit(struct ro_worker *w)
{
	__atomic_store_n(&w->busy, 0, __ATOMIC_RELEASE);
}

/** The owner has finished with its chunk: 2, rel-state. */
static inline void
ro_chunk_done(struct rollover *s, uint32_t chunk)
{
	/* READY in no round, so only the next snapshot may take it. */
	atomic_store_explicit(&s->state[chunk], ro_state(0, RO_USED), memory_order_release);
}

/** Give a worker's chunk back (1). Called by the worker or the thread that closed it. */
void ro_chunk_leave(struct rollover *s, struct ro_worker *w);

/**
 * Get the next chunk that has a page to hand out, for a worker; wrap if necessary (1 to 4).
 * @return 0 with *chunk set; -ENOSPC; -ENOMEM.
 */
int ro_chunk_get(struct sluice_domain *d, struct ro_worker *me, uint32_t *chunk);

/** Get @p n empty chunks in a row, for a worker. @return 0 with *first set; -ENOSPC; -ENOMEM. */
int ro_row_get(struct sluice_domain *d, struct ro_worker *me, uint32_t n, uint32_t *first);

/**
 * Begin the next round (2 to 4, 8).
 * @param me NULL: the caller is no worker.
 * @param tables how many empty tables may be kept.
 * @param rob first take what idle workers have.
 * @return 0: the round after @p round has begun, or another look is worth it; -ENOSPC.
 */
int ro_wrap(struct sluice_domain *d, struct ro_worker *me, uint64_t round, uint32_t tables,
	    bool rob);

/** Is this chunk marked (2)? */
bool ro_touched(const struct rollover *s, uint32_t chunk);

/** policy_ops.trim. */
int rollover_trim(struct sluice_domain *d);

/** One turn of the engine (3, 5, 6). @return work done. */
unsigned int rollover_poll(struct sluice_domain *d, uint64_t now, bool must_look);

#endif
