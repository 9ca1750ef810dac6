/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Changing a 64-byte structure (STE, CD) that the hardware may be reading: which words to store
 * in which order, and when to tell the hardware.
 */
#ifndef SMMUV3_ENTRY_H
#define SMMUV3_ENTRY_H

#include <stdatomic.h>
#include <stdint.h>

#define ENTRY_WORDS 8u

struct entry_ops {
	/** Which bits of @p e the hardware looks at, given what else it says. */
	void (*used)(const uint64_t e[ENTRY_WORDS], uint64_t used[ENTRY_WORDS]);
	/** Invalidate what the hardware cached of it, and wait. @return 0 or -errno. */
	int (*sync)(void *arg);
	uint64_t valid; /**< the V bit, in word 0 */
	void *arg;
};

/**
 * Turn the structure at @p e into @p target. At every moment the hardware, which may read the
 * words in any order and cache them, sees the old, the new, or (only when the change cannot
 * be made without a break) an invalid structure.
 * @return 0, or what sync() returned: the structure is then on its way between the two.
 */
int entry_write(_Atomic uint64_t *e, const uint64_t target[ENTRY_WORDS],
		const struct entry_ops *ops);

/** Fill a structure that the hardware cannot reach yet. */
void entry_fill(_Atomic uint64_t *e, const uint64_t target[ENTRY_WORDS]);

#endif
