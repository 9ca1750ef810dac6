/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Changing what the engine polls (domains, workers) while it polls, at no cost to the poll.
 *
 * 1. What the poll walks over are arrays that are never changed, only replaced.
 * 2. The poll marks itself busy with a plain store, then loads the arrays' pointers (acquire,
 *    pairs with the release of the replacement).
 * 3. The control path replaces a pointer, makes every thread of the process execute a full
 *    barrier (membarrier(2)), then waits until the mark is clear or has changed. The barrier
 *    stands in for the one that the poll does not have between its mark and its loads: either
 *    the poll's mark is visible to us, or its loads see the replacement.
 * 4. Then the old array is free. The poll's last store (release) pairs with our load of the mark
 *    (acquire).
 *
 * A race detector does not know membarrier: under it both sides use a fence.
 */
#ifndef ENGINE_EPOCH_H
#define ENGINE_EPOCH_H

#include <stdatomic.h>
#include <stdint.h>

#include "tsan.h"

struct epoch {
	_Atomic uint64_t mark; /* odd: a poll is under way; written by the engine's lcore */
};

static inline void
epoch_enter(struct epoch *e)
{
	uint64_t m = atomic_load_explicit(&e->mark, memory_order_relaxed);

	atomic_store_explicit(&e->mark, m + 1, memory_order_relaxed);
	if (SLUICE_TSAN)
		atomic_thread_fence(memory_order_seq_cst);
	else
		atomic_signal_fence(memory_order_seq_cst);
}

static inline void
epoch_leave(struct epoch *e)
{
	uint64_t m = atomic_load_explicit(&e->mark, memory_order_relaxed);

	atomic_store_explicit(&e->mark, m + 1, memory_order_release);
}

/** Can this system do that? @return 0; -ENOTSUP. */
int epoch_check(void);

/** Have every thread of the process execute a full barrier. Control path: a system call. */
void epoch_barrier(void);

/** Wait until no poll that began before can still see what was replaced. Not from within one. */
void epoch_wait(struct epoch *e);

#endif
