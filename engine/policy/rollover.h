/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * rollover: no timer and no queue. IOVAs are handed out in order and never reused before the window
 * wraps; one flush of the whole domain per wrap (s390's way). An unmap clears the entry and counts.
 * The stale window is as long as a round through the window takes, so it is measured: for every
 * unmap, and reported at any time.
 *
 * 1. A worker takes a ticket for a 2 MiB chunk, one after the other for ever: round and place
 *    in the window in one number, past what is not to be had. It hands out the pages of its chunk
 *    in ascending order. What was taken belongs to it: a chunk's state is {round, READY or BUSY or
 *    USED}, and only one compare-and-exchange from {this round, READY} to BUSY succeeds. A worker
 *    that was slow between the two fails when the round is over. More than a chunk is a row of
 *    READY chunks with nothing in them, looked for before any of them is taken; what was passed
 *    over has its turn in the next round.
 * 2. Wrap. Who has a ticket for a round that is not there yet waits for it; so those who wait
 *    have the first chunks of it. One of them (`wrapping`) takes a snapshot: for each chunk that
 *    nobody has, the pages that are not mapped. A chunk that is BUSY (half handed out by another
 *    worker) is left to it, and sits out the next round. Its owner's USED is a release [rel-state]; the
 *    snapshot's load is an acquire [acq-state]: it sees every entry that the owner wrote.
 *    Only chunks where something may have changed are looked at. A worker that cleared an
 *    entry marks the chunk in a row of bytes of its own, with release [rel-row], each time; the snapshot
 *    clears the mark by an exchange, with acquire [acq-row], and then looks at the entries: it sees the
 *    clear, or the mark stays for the next. No barrier, and no line that two workers write. What
 *    somebody leaves without having handed it out he marks, too. So where nothing was unmapped a
 *    map fails soon, however large the window is.
 * 3. Then the flush. An unmap clears an entry with release [rel-entry], the snapshot loads it with acquire
 *    [acq-entry]; the ticket (ring.h, 10) is taken with release after that, and the engine submits after
 *    it has seen the ticket. So each page of the snapshot was clear when the flush started: the
 *    flush is never left out, even if no unmap has been counted yet. A page that is unmapped
 *    after it was looked at is not in the snapshot, and not handed out in this round either.
 * 4. When the flush is complete the new round is published: `round`, with release [rel-round]. Who loads
 *    that with acquire [acq-round] sees the snapshots, and every page in them was invalidated.
 * 5. Unmap. After the PTE clear the worker publishes how many it has made, with release [rel-count].
 *    The engine loads that with acquire [acq-count] when it starts a flush: those are covered, and
 *    those alone are accounted for when it is complete.
 * 6. Time. At each look the engine notes {count, time of the look before}; when notes run out,
 *    neighbours become one, with the earlier time. So a window is never less than the truth,
 *    and too long by at most a hundredth or so of the age of the oldest one.
 * 7. A worker marks itself busy in each call, then looks at `closed`; as in persistent.h, 4, the
 *    barrier between the two is executed by who closes, for all (membarrier(2), only when a wrap
 *    found no page, no row, or tables to free). When a worker is closed and not busy (acquire;
 *    pairs with the release of ro_exit()) what it has is his: the chunk of a worker that idles
 *    goes where anybody finds it (A20). One that is busy is no idler and is let go at once. Who
 *    waits for a wrap is not busy meanwhile. Only who wraps closes, so there is one at a time.
 * 8. Tables. A chunk that was passed keeps its table for the next round, up to
 *    SLUICE_ROLLOVER_TABLES of those in which nothing is mapped (`idle`, at most, since the last
 *    snapshot); then a round goes on in chunks that have one, and wraps. What a snapshot finds
 *    beyond that (much was mapped at once, and is gone) is unlinked before the flush of that
 *    wrap, which tells the walk caches, too, for it is of the whole domain; nobody gives the
 *    chunk a new table before the round is published. After a barrier, when no worker is busy
 *    with a call that began before it, or may be looking at the table (by mistake: nothing is
 *    mapped there), it is freed; else in a later wrap. A trim is a wrap that leaves none.
 */
#ifndef POLICY_ROLLOVER_H
#define POLICY_ROLLOVER_H

#include "../base/epoch.h"
#include "../object/domain.h"

#define ROLLOVER_NOTES 256u
#define NO_CHUNK       UINT32_MAX

struct note {
	uint64_t upto; /* unmaps before this count … */
	uint64_t from; /* … and after the note before were made after this time (ticks) */
};

/** What a worker has: dl->priv. It stays when the worker goes, for the next one on that lcore. */
struct ro_worker {
	/* The worker's; or his who closed it (7). */
	uint32_t busy;    /* 7: by the worker */
	uint32_t closed;  /* 7: by who wraps */
	uint8_t *touched; /* [nb_chunks] 2; the worker sets, who wraps clears */
	uint32_t chunk;   /* that it has, or NO_CHUNK; who wraps reads it, relaxed */
	uint32_t word;    /* of bits: what is before it was handed out */
	uint64_t bits[8]; /* pages of the chunk that may be handed out */
	uint64_t more;    /* pages beyond one each, of all unmaps; readers: the engine, relaxed */
	_Atomic uint64_t tail __rte_cache_aligned; /* unmaps; worker writes, engine reads (5) */
	/* The engine's. */
	uint64_t seen __rte_cache_aligned;
	uint64_t sealed, sealed_more, released, released_more;
	uint64_t look_time, gap; /* of the last look; a note covers that much, ticks */
	uint32_t nb_notes;
	struct note note[ROLLOVER_NOTES];
};

struct rollover {
	_Atomic uint64_t ticket; /* the next: round * nb_chunks + chunk */
	_Atomic uint64_t round;  /* that is there */
	_Atomic uint32_t wrapping;
	_Atomic uint32_t held[4]; /* tickets of a round, modulo, whose holders have not looked yet */
	_Atomic uint32_t idle;    /* 8 */
	uint32_t nb_chunks;
	_Atomic uint64_t *state; /* [nb_chunks] round << RO_STATE_BITS | state */
	struct iova_chunk *used; /* [nb_chunks] snapshots: pages that are not to be had */
	uint8_t *passed;         /* [nb_chunks] as ro_worker.touched: what was left by whom it may be */
	struct ro_worker *_Atomic worker[RTE_MAX_LCORE]; /* control adds, e->lock; who wraps reads */
	/* His who wraps. */
	uint32_t nb_retired;
	bool cached; /* the hardware may still know some of them */
	uint64_t **retired; /* [nb_chunks] */
	/* The engine's. */
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

/** Something in this chunk was unmapped, or left: rel-row. */
static inline void
ro_touch(uint8_t *touched, uint32_t chunk)
{
	__atomic_store_n(&touched[chunk], 1, __ATOMIC_RELEASE);
}

/** 7. Enter a call, leave it. Worker. */
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

/** Done with a chunk: 2, rel-state. Who took it. */
static inline void
ro_chunk_done(struct rollover *s, uint32_t chunk)
{
	/* No round's READY: only the next snapshot may take it. */
	atomic_store_explicit(&s->state[chunk], ro_state(0, RO_USED), memory_order_release);
}

/** A worker's chunk, back (1). Worker, or who closed it. */
void ro_chunk_leave(struct rollover *s, struct ro_worker *w);

/**
 * The next chunk of which some page is to be had, wrapping if need be. Worker (1 to 4).
 * @return 0 with *chunk set; -ENOSPC; -ENOMEM.
 */
int ro_chunk_get(struct sluice_domain *d, struct ro_worker *me, uint32_t *chunk);

/** @p n chunks in a row with nothing in them. Worker. @return 0 with *first set; -ENOSPC; -ENOMEM. */
int ro_row_get(struct sluice_domain *d, struct ro_worker *me, uint32_t n, uint32_t *first);

/**
 * 2 to 4, 8. @p me NULL: no worker. @p tables: that many may be kept with nothing in them.
 * @p rob: take what idle workers have, first. @return 0: the round after @p round is there, or is
 * worth looking at; -ENOSPC.
 */
int ro_wrap(struct sluice_domain *d, struct ro_worker *me, uint64_t round, uint32_t tables,
	    bool rob);

/** Is this chunk marked (2)? */
bool ro_touched(const struct rollover *s, uint32_t chunk);

/** policy_ops.trim. */
int rollover_trim(struct sluice_domain *d);

/** The engine's turn (3, 5, 6). @return work done. */
unsigned int rollover_poll(struct sluice_domain *d, uint64_t now, bool must_look);

#endif
