/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Whose turn it is at something that one lcore owns and works on with plain loads and stores, and
 * that others may once in a while take things from (iova.h, 6).
 *
 * The owner's short ways do not look at this word at all. His long ones hold it, and he never waits
 * for one who only tries: he takes the word from him. He waits for one who has taken and is
 * copying, which is bounded by what there is to copy: no system call, no hardware.
 */
#ifndef ENGINE_HOLD_H
#define ENGINE_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_pause.h>

enum { HOLD_FREE, HOLD_OWNER, HOLD_TRIED, HOLD_TAKEN };

/** The owner begins a long way: whoever tries has failed. */
static inline void
hold_own(uint32_t *h)
{
	uint32_t was = HOLD_FREE;

	/* Acquire: pairs with hold_free() of who took. */
	while (!__atomic_compare_exchange_n(h, &was, HOLD_OWNER, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		if (was != HOLD_TAKEN)
			continue;
		rte_pause();
		was = HOLD_FREE;
	}
}

/** The owner, or who has taken, is done. */
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
