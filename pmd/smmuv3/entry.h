/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Changes a 64-byte structure (STE, CD) that the hardware may be reading: which words are stored in
 * which order, and when the hardware's cached copy is invalidated.
 */
#ifndef SMMUV3_ENTRY_H
#define SMMUV3_ENTRY_H

#include <stdatomic.h>
#include <stdint.h>

#define ENTRY_WORDS 8u

struct entry_ops {
	/** The bits of @p e that the hardware uses, given its other bits. */
	void (*used)(const uint64_t e[ENTRY_WORDS], uint64_t used[ENTRY_WORDS]);
	/** Invalidate the hardware's cached copy, and wait. @return 0 or -errno. */
	int (*sync)(void *arg);
	uint64_t valid; /**< the V bit, in word 0 */
	void *arg;
};

/**
 * Change the structure at @p e into @p target. The hardware may read the words in any order and
 * cache them; at every moment it sees the old structure, the new one, or (only if the change needs
 * a break) an invalid one.
 * @return 0; the error of sync(): the structure is then between the two.
 */
int entry_write(_Atomic uint64_t *e, const uint64_t target[ENTRY_WORDS],
		const struct entry_ops *ops);

/** Fill a structure that the hardware cannot reach yet. */
void entry_fill(_Atomic uint64_t *e, const uint64_t target[ENTRY_WORDS]);

#endif
