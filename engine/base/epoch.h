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
 * 5. The system may refuse the barrier, also after years of granting it: a filter of system
 *    calls (seccomp) that was put on meanwhile, memory that is short. Then nothing is proven, and
 *    who wanted it keeps what was: he asks for a barrier before he changes anything, and refuses
 *    the change if there is none. If only the second one fails, what was replaced is kept
 *    (`retired`) until one succeeds, and what was to be taken away is put back.
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

/** First in each array that is replaced: the chain of those before it for which there was no grace
 * period yet (5). */
struct epoch_array {
	struct epoch_array *retired;
};

/** Free an array and those before it. They are of free()'s heap, and nothing looks at them any more. */
void epoch_array_free(struct epoch_array *a);

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

/**
 * Have every thread of the process execute a full barrier. Control path: a system call. It may be
 * refused at any time, whatever it said before (5). @return 0; -ENOTSUP: there was no barrier.
 */
int epoch_barrier(void) __attribute__((warn_unused_result));

/** That it was refused, as an error of a control call. @return -ENOTSUP. */
int epoch_refused(void);

/**
 * Wait until no poll that began before can still see what was replaced. Not from within one.
 * @return 0; -ENOTSUP: one may, as there was no barrier.
 */
int epoch_wait(struct epoch *e) __attribute__((warn_unused_result));

#endif
