/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A lock-free set of small integers, three levels of 64: finding a member looks at three words
 * when the hint is cold and at one when it is warm, however full or empty the set is.
 */
#ifndef ENGINE_BITSET_H
#define ENGINE_BITSET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BITSET_LEVELS 3
#define BITSET_MAX    (1u << 18) /* 64^3 */
#define BITSET_NONE   UINT32_MAX

struct bitset {
	uint32_t size;
	_Atomic uint64_t *level[BITSET_LEVELS]; /* [0]: a bit a member; [n]: a bit a nonzero word */
};

/** An empty set of 0 … size-1. @return 0, -EINVAL (size 0 or > BITSET_MAX), -ENOMEM. */
int bitset_init(struct bitset *b, uint32_t size);
void bitset_fini(struct bitset *b);

/** Put @p i in. release: what was written before is visible to the thread that finds it. */
void bitset_set(struct bitset *b, uint32_t i);

/** Take @p i out. acquire. @return whether it was in: of several callers one is told true. */
bool bitset_clear(struct bitset *b, uint32_t i);

bool bitset_test(const struct bitset *b, uint32_t i);

/**
 * Some member, searched from @p hint upwards and then from 0. Another thread may have taken it
 * out by the time this returns; a member that is put in meanwhile may be missed.
 * @return BITSET_NONE when none was seen.
 */
uint32_t bitset_find(const struct bitset *b, uint32_t hint);

/** Take some member out. @return it, or BITSET_NONE. */
uint32_t bitset_take(struct bitset *b, uint32_t hint);

/** Look for @p n consecutive members, and take nothing. @return the first; BITSET_NONE: none. */
uint32_t bitset_find_run(const struct bitset *b, uint32_t n);

/**
 * Take @p n consecutive members out: all of them or, in the end, none. What is taken where some
 * of a run went meanwhile is put back at once. @return the first, or BITSET_NONE. Rare and slow.
 */
uint32_t bitset_take_run(struct bitset *b, uint32_t n);

/** How many members. Exact while no thread changes it. */
uint32_t bitset_count(const struct bitset *b);

/** The invariant, while no thread changes it: each summary bit says the truth about its word. */
bool bitset_valid(const struct bitset *b);

#endif
