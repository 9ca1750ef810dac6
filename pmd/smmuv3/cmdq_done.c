/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Which submissions are complete and how they ended (step 5 of cmdq.h), and the repair of a queue
 * that has stopped.
 */
#include <errno.h>

#include "cmdq.h"

/* Looks at an unchanged MSI word before CONS is read as well. */
#define IDLE_LOOKS 1024u
/* The most slots from any position back to the nearest real SYNC (4): part of an incomplete
 * burst, and the fillers of one group before it. */
#define SYNC_REACH (CMDQ_MAX_BURST - 1 + CMDQ_SHARE_GROUP - 1)
/* How often the queue may stop at the same command before it is declared dead. */
#define MAX_REPEATS 8u
/* The same for a SYNC after ATC invalidations that timed out: each of a burst may time out anew. */
#define MAX_TIMEOUTS CMDQ_MAX_BURST

/* Bit 0 of an entry in err.seq[], beside the sequence number. */
#define FAILED_REFUSED UINT64_C(0)
#define FAILED_TIMEOUT UINT64_C(1)

void
cmdq_raise_floor(struct cmdq *cq, uint64_t pos)
{
	uint64_t f = atomic_load_explicit(&cq->floor, memory_order_relaxed);

	/* Release: pairs with the acquire in cmdq_done_slow() and done_by_cons(). */
	while (f < pos && !atomic_compare_exchange_weak_explicit(&cq->floor, &f, pos,
								 memory_order_acq_rel,
								 memory_order_relaxed))
		;
}

/* Find the latest burst before CONS that ended in a real SYNC. */
static uint64_t
done_by_cons(struct cmdq *cq)
{
	uint64_t cons = cmdq_read_cons(cq);
	uint64_t floor = atomic_load_explicit(&cq->floor, memory_order_acquire);
	/* A real SYNC is no further back than this, if its slot was not reused. */
	uint64_t reach = RTE_MIN(cq->mask, (uint64_t)SYNC_REACH);

	/* A slot that was reused meanwhile holds another position and is passed over; this can
	 * only make the answer too small. */
	for (uint64_t p = cons; p > floor && cons - p <= reach; p--) {
		/* Relaxed: CONS, acquired above, was moved past this slot after it was written. */
		if (atomic_load_explicit(&cmdq_slot(cq, p - 1)->end, memory_order_relaxed) == p) {
			cmdq_raise_floor(cq, p);
			return p;
		}
	}
	return floor;
}

/* What the word in memory says, where SYNCs write one, and the floor. */
static uint64_t
done_by_msi(struct cmdq *cq)
{
	/* Acquire: pairs with the hardware's write, which follows everything that the SYNC
	 * waited for. */
	uint32_t word = atomic_load_explicit(cq->msi, memory_order_acquire); /* acq-done */
	/* tail is within one lap of every SYNC that can complete, so 32 signed bits suffice. */
	uint64_t tail = atomic_load_explicit(&cq->tail, memory_order_relaxed);
	uint64_t done = tail + (uint64_t)(int64_t)(int32_t)(word - (uint32_t)tail);
	uint64_t floor = atomic_load_explicit(&cq->floor, memory_order_acquire);

	return unlikely(floor > done) ? floor : done;
}

uint64_t
cmdq_done_slow(struct cmdq *cq)
{
	struct cmdq_lcore *lc;
	uint64_t done;

	if (unlikely(!atomic_load_explicit(&cq->msi_on, memory_order_relaxed)))
		return done_by_cons(cq);
	done = done_by_msi(cq);
	/* Has the word not changed for long? A SYNC that a repair has replaced sends no MSI. */
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
cmdq_result_slow(const struct cmdq *cq, uint64_t seq)
{
	const struct cmdq_errors *err = &cq->err;

	if (seq > atomic_load_explicit(&err->dead_from, memory_order_relaxed))
		return cmdq_fail(cq);
	for (uint32_t i = 0; i < RTE_DIM(err->seq); i++) {
		uint64_t bad = atomic_load_explicit(&err->seq[i], memory_order_relaxed);

		if (bad >> 1 == seq)
			return bad & FAILED_TIMEOUT ?
				       sluice_fail(ETIMEDOUT, "smmuv3: a device did not answer an ATC "
						   "invalidation") :
				       sluice_fail(EIO, "smmuv3: the hardware refused a command");
	}
	/* So many failed that some were forgotten: report a failure that may be none, not the
	 * reverse. */
	return seq > atomic_load_explicit(&err->forgotten, memory_order_relaxed) ? 0 :
	       sluice_fail(EIO, "smmuv3: so many commands failed that it is not known which");
}

/* @param how FAILED_REFUSED or FAILED_TIMEOUT. */
static void
record_failed(struct cmdq *cq, uint64_t seq, uint64_t how)
{
	struct cmdq_errors *err = &cq->err;
	uint32_t n = atomic_load_explicit(&cq->nb_failed, memory_order_relaxed);
	_Atomic uint64_t *slot = &err->seq[n % RTE_DIM(err->seq)];
	uint64_t old = atomic_load_explicit(slot, memory_order_relaxed);

	if (n != 0 && atomic_load_explicit(&err->seq[(n - 1) % RTE_DIM(err->seq)],
					   memory_order_relaxed) >> 1 == seq)
		return;
	if (old >> 1 > atomic_load_explicit(&err->forgotten, memory_order_relaxed))
		atomic_store_explicit(&err->forgotten, old >> 1, memory_order_relaxed);
	atomic_store_explicit(slot, seq << 1 | how, memory_order_relaxed);
	/* It is never 0 again. */
	atomic_store_explicit(&cq->nb_failed, n + 1 != 0 ? n + 1 : 1, memory_order_release);
}

void
cmdq_kill(struct cmdq *cq, const char *why, bool cons)
{
	uint64_t done;
	uint32_t n;

	if (cmdq_is_dead(cq))
		return;
	atomic_store_explicit(&cq->why, why, memory_order_relaxed);
	/* Release: pairs with the fence in cmdq_fail(). */
	atomic_store_explicit(&cq->limit, INT64_MIN, memory_order_release);
	/* CONS cannot end the waits any more; floor does. */
	atomic_store_explicit(&cq->cons, NULL, memory_order_relaxed);
	/* Without CONS, what only CONS told of counts as not executed: an error too many. */
	done = cons ? done_by_cons(cq) :
	       atomic_load_explicit(&cq->msi_on, memory_order_relaxed) ? done_by_msi(cq) :
	       atomic_load_explicit(&cq->floor, memory_order_relaxed);
	atomic_store_explicit(&cq->err.dead_from, done, memory_order_relaxed);
	n = atomic_load_explicit(&cq->nb_failed, memory_order_relaxed);
	/* Release, before floor lets waiters go on and ask for the result. */
	atomic_store_explicit(&cq->nb_failed, n != 0 ? n : 1, memory_order_release);
	cmdq_raise_floor(cq, UINT64_MAX);
}

/* The end of the burst that holds the slot at pos: the first slot from pos on that ends a burst. */
static uint64_t
burst_end(struct cmdq *cq, uint64_t pos)
{
	for (uint64_t e = pos + 1; e - pos <= cq->max_burst; e++)
		if ((atomic_load_explicit(&cmdq_slot(cq, e - 1)->end, memory_order_relaxed) &
		     ~SLOT_FILLER) == e)
			return e;
	return 0;
}

/*
 * The SYNC at pos reports ATC invalidations that timed out (§4.7.3, CERROR_ATC_INV_SYNC), but not
 * which; it may be any since the last complete SYNC. Nothing else is lost: the same SYNC completes
 * it when it is tried again. So the submissions with an ATC_INV have failed, and those that only
 * share the SYNC (cmdq.h, 4) have not.
 *
 * A submission of inv_submit() has a SYNC of its own before the last slot (atc.c): then exactly
 * that one has failed. Otherwise (raw commands) this looks back over the slots, as far as they
 * still hold their commands: once the hardware has consumed a slot, it may be filled again.
 */
static void
record_timeouts(struct cmdq *cq, uint64_t pos, uint64_t end)
{
	uint64_t head = atomic_load_explicit(&cq->head, memory_order_acquire);
	bool atc = false;

	if (pos != end - 1) {
		record_failed(cq, end, FAILED_TIMEOUT);
		return;
	}
	for (uint64_t p = pos; p-- > cq->start && pos - p <= cq->max_burst + CMDQ_SHARE_GROUP; ) {
		uint64_t w = atomic_load_explicit(&cmdq_slot(cq, p)->end, memory_order_relaxed);

		if (head > p + cq->mask + 1)
			break;
		if ((w & ~SLOT_FILLER) == p + 1) {
			if (atc)
				record_failed(cq, end, FAILED_TIMEOUT);
			atc = false;
			end = p + 1;
			if ((w & SLOT_FILLER) == 0)
				return;
		}
		if (smmu_field_get(SMMU_CMD_0_OP, cq->cmds[p & cq->mask].w[0]) == SMMU_CMD_ATC_INV)
			atc = true;
	}
	if (atc)
		record_failed(cq, end, FAILED_TIMEOUT);
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
	/* Make sure that this is CONS itself, not an earlier value that another thread read. The
	 * hardware has stopped, so CONS does not move any more. */
	cmdq_refresh(cq);
	pos = cmdq_read_cons(cq);
	err->repeats = pos == err->last_pos ? err->repeats + 1 : 0;
	err->last_pos = pos;
	end = burst_end(cq, pos);
	if (end == 0 ||
	    err->repeats > (code == SMMU_CERROR_ATC_INV_SYNC ? MAX_TIMEOUTS : MAX_REPEATS)) {
		cmdq_kill(cq, "the command queue is dead: it stopped again and again at a command "
			  "that cannot be fetched or replaced", true);
		return false;
	}
	if (code == SMMU_CERROR_ILL) {
		/* §7.1: replace it with a SYNC that signals nothing. The last slot is the SYNC
		 * of its own submission, or the filler in its place: it is written again as it
		 * was meant to be, once, and nothing is lost. */
		if (pos == end - 1 && err->repeats == 0) {
			cmdq_put(cq, pos, cmdq_sync(cq, end));
		} else {
			cmdq_put(cq, pos, nop);
			record_failed(cq, end, FAILED_REFUSED);
		}
		rte_io_wmb();
	} else if (code == SMMU_CERROR_ATC_INV_SYNC) {
		record_timeouts(cq, pos, end);
	}
	/* An aborted fetch (CERROR_ABT) or an ATC timeout: the slot is good and is only tried
	 * again. */
	atomic_fetch_add_explicit(&err->repaired, 1, memory_order_relaxed);
	return true;
}
