/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * rollover: no timer and no queue. IOVAs are handed out in order and never reused before the window
 * wraps; one flush of the whole domain per wrap (s390's way). An unmap clears the entry and counts.
 * The stale window is as long as a round through the window takes, so it is measured: for every
 * unmap, and reported at any time.
 *
 * 1. A worker takes a ticket for a 2 MiB chunk, one after the other for ever: round and place
 *    in the window in one number. It hands out the pages of its chunk in ascending order. What
 *    was taken belongs to it: a chunk's state is {round, READY or BUSY or USED}, and only one
 *    compare-and-exchange from {this round, READY} to BUSY succeeds. A worker that was slow between
 *    the two fails when the round is over.
 * 2. Wrap. Who has a ticket for a round that is not there yet waits for it; so those who wait
 *    have the first chunks of it. One of them (`wrapping`) takes a snapshot: for each chunk that
 *    nobody has, the pages that are not mapped. A chunk that is BUSY (half handed out by another
 *    worker) is left to it, and sits out the next round. Its owner's USED is a release [R1]; the
 *    snapshot's load is an acquire [A1]: it sees every entry that the owner wrote.
 * 3. Then the flush. An unmap clears an entry with release [R4], the snapshot loads it with acquire
 *    [A4]; the ticket (flush.h, 10) is taken with release after that, and the engine submits after
 *    it has seen the ticket. So each page of the snapshot was clear when the flush started: the
 *    flush is never left out, even if no unmap has been counted yet. A page that is unmapped
 *    after it was looked at is not in the snapshot, and not handed out in this round either.
 * 4. When the flush is complete the new round is published: `round`, with release [R2]. Who loads
 *    that with acquire [A2] sees the snapshots, and every page in them was invalidated.
 * 5. Unmap. After the PTE clear the worker publishes how many it has made, with release [R3].
 *    The engine loads that with acquire [A3] when it starts a flush: those are covered, and
 *    those alone are accounted for when it is complete.
 * 6. Time. At each look the engine notes {count, time of the look before}; when notes run out,
 *    neighbours become one, with the earlier time. So a window is never less than the truth,
 *    and too long by at most a hundredth or so of the age of the oldest one.
 */
#ifndef POLICY_ROLLOVER_H
#define POLICY_ROLLOVER_H

#include "../engine.h"

#define ROLLOVER_NOTES 256u
#define NO_CHUNK       UINT32_MAX

struct note {
	uint64_t upto; /* unmaps before this count … */
	uint64_t from; /* … and after the note before were made after this time (ticks) */
};

struct ro_worker {
	/* The worker's. */
	uint32_t chunk;   /* that it has, or NO_CHUNK */
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
	uint32_t nb_chunks;
	_Atomic uint64_t *state;  /* [nb_chunks] round << STATE_BITS | state */
	struct iova_chunk *clear; /* [nb_chunks] snapshots, of rounds from 1 */
	/* The engine's. */
	uint64_t released, released_pages;
};

/**
 * Take @p n chunks in a row, wrapping if need be; @p whole: every page of them is to be free.
 * Worker (1 to 4). @return 0 with *first and *round set; -ENOSPC; -ENOMEM.
 */
int rollover_chunks_get(struct sluice_domain *d, struct rollover *s, uint32_t n, bool whole,
			uint32_t *first, uint64_t *round);

/** Done with a chunk: 2, R1. Who took it. */
void rollover_chunk_done(struct rollover *s, uint32_t chunk);

/** The pages of a chunk that was taken in @p round: bits[8]. */
void rollover_chunk_pages(const struct rollover *s, uint32_t chunk, uint64_t round, uint64_t *bits);

/** The engine's turn (3, 5, 6). @return work done. */
unsigned int rollover_poll(struct sluice_domain *d, uint64_t now, bool must_look);

#endif
