/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the engine knows of the flushes of one domain. Numbers are the steps of ring.h.
 */
#ifndef FLUSH_STATE_H
#define FLUSH_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sluice/domain.h>

#include "ring.h"

/** Flushes of one domain. Engine only. */
struct flush_state {
	uint32_t head, tail;  /* ids of flushes in flight: [tail, head) */
	uint64_t seq[FLUSH_INFLIGHT];
	uint64_t start[FLUSH_INFLIGHT]; /* ticks */
	bool late[FLUSH_INFLIGHT];      /* counted as lost already */
	_Atomic uint64_t deadline;   /* ticks */
	_Atomic uint64_t look_every; /* ticks */
	bool eager;           /* flush as soon as nothing is in flight; policy_ops.eager */
	uint64_t took;        /* ticks that recent flushes took: flush_took() */
	uint64_t misses;      /* entries whose stale window was longer than the deadline */
	_Atomic uint64_t most; /* the most entries seen waiting at once */
	uint64_t looked;      /* ticks, last look */
	uint64_t flushes[SLUICE_FLUSH_CAUSES];
	uint64_t errors, invs, syncs;
	uint64_t puts_off;    /* how often a submission found no room */
	bool put_off;         /* the last one found none: it is tried again in each turn */
	struct sluice_hist stale; /* ns */
	_Atomic uint64_t wishes; /* how many threads want a flush, by cause: flush_wish() */
	_Atomic uint64_t asked, answered; /* waiters' tickets (10): workers add, the engine sets */
	uint64_t serving;        /* the ticket whose marks are set */
	uint64_t oldest;         /* ticks: age of the oldest entry at the last look */
	uint32_t turn;          /* the engine's turn that polled this domain last */
	enum flush_sleep { FLUSH_AWAKE, FLUSH_DOZING, FLUSH_ASLEEP } sleep; /* 11 */
	bool listed;            /* in sluice_engine.awake: looked at all the time */
	uint32_t idle_looks;    /* looks in a row that found nothing new */
	uint64_t seen_sum;      /* sum of `seen` of all rings at the last look */
	uint64_t dozed;         /* ticks */
	uint64_t gap;           /* ticks between the last two looks */
};

#endif
