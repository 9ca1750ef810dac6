/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A word that says whose turn it is at something that one lcore owns, works on with plain loads and
 * stores, and that other threads take things from once in a while (iova.h, 6).
 *
 * What callers get. The owner's short ways do not look at this word at all. Its long ways hold it.
 * The owner never waits for a thread that only tries: it takes the word from that thread. It does
 * wait for a thread that has taken and is copying, which is bounded by what there is to copy: no
 * system call, no hardware.
 *
 *     FREE  --hold_own-->  OWNER  --hold_free-->  FREE        the owner's long ways
 *     FREE  --hold_try-->  TRIED  --hold_take-->  TAKEN  --hold_free-->  FREE    another thread
 *     TRIED --hold_own-->  OWNER                              the owner came first: no hold_take()
 */
#ifndef ENGINE_HOLD_H
#define ENGINE_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_pause.h>

enum { HOLD_FREE, HOLD_OWNER, HOLD_TRIED, HOLD_TAKEN };

/** The owner begins a long way: a try that is under way has failed. */
static inline void
hold_own(uint32_t *h)
{
	uint32_t was = HOLD_FREE;

	/* Acquire: pairs with the hold_free() of the thread that took. */
	while (!__atomic_compare_exchange_n(h, &was, HOLD_OWNER, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		if (was != HOLD_TAKEN)
			continue;
		rte_pause();
		was = HOLD_FREE;
	}
}

/** The owner, or the thread that has taken, is done. */
static inline void
hold_free(uint32_t *h)
{
	__atomic_store_n(h, HOLD_FREE, __ATOMIC_RELEASE);
}

static inline bool
hold_move(uint32_t *h, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(h, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/** Begin a try. @return false: the owner is at work. */
static inline bool
hold_try(uint32_t *h)
{
	return hold_move(h, HOLD_FREE, HOLD_TRIED);
}

/** What was tried is certain. @return false: the owner came first. */
static inline bool
hold_take(uint32_t *h)
{
	return hold_move(h, HOLD_TRIED, HOLD_TAKEN);
}

/** Give a try up. */
static inline void
hold_drop(uint32_t *h)
{
	(void)hold_move(h, HOLD_TRIED, HOLD_FREE);
}

#endif
