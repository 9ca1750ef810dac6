/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What is complete, and how it ended: step 5 of cmdq.h, and the repair of a queue that stopped.
 */
#include <errno.h>

#include "cmdq.h"

/* Looks at an MSI word that does not move before CONS is looked at as well. */
#define IDLE_LOOKS 1024u
/* How often the queue may stop at one and the same command before it is given up. */
#define MAX_REPEATS 8u

void
cmdq_raise_floor(struct cmdq *cq, uint64_t pos)
{
	uint64_t f = atomic_load_explicit(&cq->floor, memory_order_relaxed);

	/* Release: pairs with the acquire in cmdq_done(). */
	while (f < pos && !atomic_compare_exchange_weak_explicit(&cq->floor, &f, pos,
								 memory_order_acq_rel,
								 memory_order_relaxed))
		;
}

/* By CONS: back from there to the latest burst that ended in a real SYNC. */
static uint64_t
done_by_cons(struct cmdq *cq)
{
	uint64_t cons = cmdq_read_cons(cq);
	uint64_t floor = atomic_load_explicit(&cq->floor, memory_order_acquire);

	/* One lap at most. A slot that was reused meanwhile names another position: it is passed
	 * over, which can only make the answer too small. */
	for (uint64_t p = cons; p > floor && cons - p <= cq->mask; p--) {
		/* Relaxed: CONS, acquired above, was moved past this slot after it was written. */
		if (atomic_load_explicit(&cmdq_slot(cq, p - 1)->end, memory_order_relaxed) ==
		    (p << 1 | 1)) {
			cmdq_raise_floor(cq, p);
			return p;
		}
	}
	return floor;
}

uint64_t
cmdq_done(struct cmdq *cq)
{
	struct cmdq_lcore *lc;
	uint64_t tail, done, floor;
	uint32_t word;

	if (unlikely(!atomic_load_explicit(&cq->msi_on, memory_order_relaxed)))
		return done_by_cons(cq);
	/* Acquire: pairs with the hardware's write, after everything the SYNC waited for. */
	word = atomic_load_explicit(cq->msi, memory_order_acquire);
	/* tail is within one lap of every SYNC that can complete, so signed 32 bits reach it. */
	tail = atomic_load_explicit(&cq->tail, memory_order_relaxed);
	done = tail + (uint64_t)(int64_t)(int32_t)(word - (uint32_t)tail);
	floor = atomic_load_explicit(&cq->floor, memory_order_acquire);
	if (unlikely(floor > done))
		done = floor;

	/* Has the word stood still for long? A SYNC that was rewritten in repair sends none. */
	lc = cmdq_self(cq);
	if (likely(atomic_load_explicit(&lc->done, memory_order_relaxed) != done)) {
		atomic_store_explicit(&lc->done, done, memory_order_relaxed);
		atomic_store_explicit(&lc->idle, 0, memory_order_relaxed);
	} else {
		uint32_t idle = atomic_load_explicit(&lc->idle, memory_order_relaxed) + 1;

		atomic_store_explicit(&lc->idle, idle, memory_order_relaxed);
		if (unlikely(idle % IDLE_LOOKS == 0)) {
			uint64_t cons = done_by_cons(cq);

			if (cons > done) {
				atomic_fetch_add_explicit(&cq->cons_fallbacks, 1,
							  memory_order_relaxed);
				done = cons;
			}
		}
	}
	return done;
}

int
cmdq_result(struct cmdq *cq, uint64_t seq)
{
	/* Acquire: pairs with the release in record_failed() and cmdq_kill(). */
	uint32_t n = atomic_load_explicit(&cq->nb_failed, memory_order_acquire);
	const struct cmdq_errors *err = &cq->err;

	if (likely(n == 0))
		return 0;
	if (seq > atomic_load_explicit(&err->dead_from, memory_order_relaxed))
		return -EIO;
	for (uint32_t i = 0; i < RTE_DIM(err->seq); i++)
		if (atomic_load_explicit(&err->seq[i], memory_order_relaxed) == seq)
			return -EIO;
	/* So many failed that some were forgotten: rather a false alarm than silence. */
	return seq <= atomic_load_explicit(&err->forgotten, memory_order_relaxed) ? -EIO : 0;
}

static void
record_failed(struct cmdq *cq, uint64_t seq)
{
	struct cmdq_errors *err = &cq->err;
	uint32_t n = atomic_load_explicit(&cq->nb_failed, memory_order_relaxed);
	_Atomic uint64_t *slot = &err->seq[n % RTE_DIM(err->seq)];
	uint64_t old = atomic_load_explicit(slot, memory_order_relaxed);

	if (n != 0 && atomic_load_explicit(&err->seq[(n - 1) % RTE_DIM(err->seq)],
					   memory_order_relaxed) == seq)
		return;
	if (old > atomic_load_explicit(&err->forgotten, memory_order_relaxed))
		atomic_store_explicit(&err->forgotten, old, memory_order_relaxed);
	atomic_store_explicit(slot, seq, memory_order_relaxed);
	/* Never 0 again. */
	atomic_store_explicit(&cq->nb_failed, n + 1 != 0 ? n + 1 : 1, memory_order_release);
}

void
cmdq_kill(struct cmdq *cq)
{
	uint64_t done;
	uint32_t n;

	if (cmdq_is_dead(cq))
		return;
	atomic_store_explicit(&cq->limit, INT64_MIN, memory_order_relaxed);
	done = done_by_cons(cq);
	atomic_store_explicit(&cq->err.dead_from, done, memory_order_relaxed);
	n = atomic_load_explicit(&cq->nb_failed, memory_order_relaxed);
	/* Release, before the floor lets waiters go on and ask for the result. */
	atomic_store_explicit(&cq->nb_failed, n != 0 ? n : 1, memory_order_release);
	cmdq_raise_floor(cq, UINT64_MAX);
}

/* The end of the burst that holds the slot at pos: the first slot from there on that ends one. */
static uint64_t
burst_end(struct cmdq *cq, uint64_t pos)
{
	for (uint64_t e = pos + 1; e - pos <= cq->max_burst; e++)
		if (atomic_load_explicit(&cmdq_slot(cq, e - 1)->end, memory_order_relaxed) >> 1 == e)
			return e;
	return 0;
}

bool
cmdq_repair(struct cmdq *cq)
{
	uint32_t code = (uint32_t)smmu_field_get(SMMU_CMDQ_CONS_ERR,
						 regs_read32(cq->regs, SMMU_CMDQ_CONS));
	struct cmdq_errors *err = &cq->err;
	struct smmu_cmd nop = { { SMMU_CMD_SYNC, 0 } };
	uint64_t pos, end;

	if (cmdq_is_dead(cq))
		return false;
	atomic_fetch_add_explicit(&err->cerror[code < RTE_DIM(err->cerror) ? code : 0], 1,
				  memory_order_relaxed);
	/* Make sure that this is CONS itself and not what somebody read of it earlier: the
	 * hardware has stopped, so it does not move any more. */
	cmdq_refresh(cq);
	pos = cmdq_read_cons(cq);
	err->repeats = pos == err->last_pos ? err->repeats + 1 : 0;
	err->last_pos = pos;
	end = burst_end(cq, pos);
	if (end == 0 || err->repeats > MAX_REPEATS) {
		cmdq_kill(cq);
		return false;
	}
	if (code == SMMU_CERROR_ILL) {
		/* §7.1: overwritten with a SYNC that signals nothing. The last slot is the SYNC (or
		 * what stands for it) of its own submission: written anew as what it was to be,
		 * once, and nothing was lost. */
		if (pos == end - 1 && err->repeats == 0) {
			cmdq_put(cq, pos, cmdq_sync(cq, end));
		} else {
			cmdq_put(cq, pos, nop);
			record_failed(cq, end);
		}
		rte_io_wmb();
	}
	/* An aborted fetch (CERROR_ABT), an ATC timeout: only tried again, the slot is good. */
	atomic_fetch_add_explicit(&err->repaired, 1, memory_order_relaxed);
	return true;
}
