/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Changing what the engine polls (lists of domains, of workers) while it polls.
 *
 * What callers get. The polling thread pays two plain stores a turn: no lock, no barrier
 * instruction. The control call that replaces an array knows, when epoch_wait() returns 0, that no
 * poll still looks at the old one, and may free it. It never waits for more than the turn that is
 * under way. When the system refuses membarrier(2), nothing is freed, and the caller is told.
 *
 * 1. What a poll walks over are arrays that are never changed, only replaced.
 * 2. The poll marks itself busy with a plain store [first-mark], then loads the arrays' pointers
 *    with acquire [acq-array, pairs with rel-array].
 * 3. The control call replaces a pointer with release [rel-array], then calls membarrier(2), which
 *    makes every thread of the process run a full barrier [all-epoch], then waits until the mark is
 *    clear or has changed. This barrier stands in for the one that the poll does not have between
 *    its mark and its loads: either the poll's mark is visible to the control call, or the poll's
 *    loads see the replacement.
 * 4. Then the old array may be freed. The poll's last store [rel-leave] pairs with the control
 *    call's load of the mark [acq-leave].
 *
 *        poll, seen                 control call                poll, too late for the old array
 *        mark odd
 *        load old array             store new array
 *        walk                       membarrier(2)
 *        walk                       mark is odd: wait           mark odd
 *        mark even (release)        mark changed: free old      load new array
 *
 * 5. The system may refuse the barrier, even after years of granting it: a filter of system calls
 *    (seccomp) was put on meanwhile, or memory is short. Then nothing is proven, and what is in
 *    force has to stay. So a control call asks for a barrier before it changes anything, and
 *    refuses the change if there is none. If only the second barrier fails, the array that was
 *    replaced is kept (`retired`) until a barrier succeeds; an array from which something was to
 *    be taken away is put back.
 *
 * A race detector does not know membarrier(2): in its builds both sides use a fence.
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

/** Free an array and those before it. They are of free()'s heap; nothing looks at them any more. */
void epoch_array_free(struct epoch_array *a);

static inline void
epoch_enter(struct epoch *e)
{
	uint64_t m = atomic_load_explicit(&e->mark, memory_order_relaxed);

	atomic_store_explicit(&e->mark, m + 1, memory_order_relaxed); /* first-mark */
	if (SLUICE_TSAN)
		atomic_thread_fence(memory_order_seq_cst);
	else
		atomic_signal_fence(memory_order_seq_cst);
}

static inline void
epoch_leave(struct epoch *e)
{
	uint64_t m = atomic_load_explicit(&e->mark, memory_order_relaxed);

	atomic_store_explicit(&e->mark, m + 1, memory_order_release); /* rel-leave */
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
