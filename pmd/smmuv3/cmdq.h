/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The command queue: multi-producer insertion without a lock, in which no producer waits for
 * another.
 *
 * Words. A *position* counts command slots since the beginning of time in 64 bits; it never
 * repeats. Slot = position mod size; PROD and CONS hold position mod 2 * size (§3.5.1). A *burst*
 * is the slots [start, end) of one submission; its last slot is a SYNC. Its sequence number is
 * end, the position after the SYNC.
 *
 * 1. Admission and reservation. One fetch_add on `head` gives a producer its burst: positions are
 *    handed out once, in order, and nothing can take one back. So there must be room beforehand.
 *    a. An lcore adds (up to FAA_BURST slots) when own_end + n - tail <= limit, where own_end is
 *       where its own last burst ended: it does not even read head. (An lcore that may not add has
 *       an own_end far ahead of all, and is refused by the same check.) limit = size - lcores *
 *       FAA_BURST. Why this cannot overfill: look at the adds in their order, up to any one of
 *       them, and let T be the largest tail that their checks had seen. Call an add *high* that
 *       moves head beyond T + limit. After a high add the same lcore's own_end is beyond T +
 *       limit, so its next check fails while it sees no tail above T. So each lcore has at most
 *       one high add, and head <= T + limit + lcores * FAA_BURST = T + size.
 *    b. Larger bursts, threads that are no lcore of EAL, and queues too small for such a margin use
 *       compare-and-exchange on head against the same limit; such an add is never high.
 *    c. Full: read CONS, raise tail, try again, until the deadline. Then 0 is returned: nothing
 *       has been reserved, so nothing needs to be undone. What must not wait (the engine's turn)
 *       reads CONS once, and tries once more: a try that is refused has touched nothing that others
 *       see, and one that is not is an add like any other, by a. or b.
 *    `tail` is a lower bound of CONS that every producer shares. A slot may be written again only
 *    after the hardware's last read of it: that read comes before its write of CONS, which
 *    cmdq_refresh() acquires and passes on by the release of tail, which the check acquires. The
 *    T above may have been seen by another producer only, one whose add came before: so adds
 *    are acq_rel, and each acquires what all earlier ones knew.
 *
 * 2. Fill. The slots of a burst belong to one producer alone: plain stores.
 *
 * 3. Publication by a baton. PROD must grow, and must not pass a slot that is not filled. Each
 *    slot has a word; only the word of a burst's first slot is used, by exactly two parties, the
 *    owner of the burst and the publisher of the burst before it:
 *      READY(end)     from the owner: filled, the burst ends there.
 *      PASSED(start)  from the publisher: everything before is published, carry on.
 *    a. The owner exchanges READY into the word. It finds PASSED: the baton is its own, go to b.
 *       Else the publisher has not been here yet and will find READY: the owner is done. (When a
 *       plain load finds PASSED already, the publisher will not come back: no exchange needed.)
 *    b. The holder looks ahead over words that say READY, then writes PROD once for all of them.
 *    c. It exchanges PASSED into the word of the next slot. It finds READY: that owner has left
 *       and the baton is still the holder's, back to b. Else the next owner will find PASSED.
 *    Both sides exchange, and exchanges on one word are totally ordered, so exactly one of the
 *    two sees the other's mark: the baton is never lost and never doubled. A producer does a
 *    bounded number of steps for itself, and one lap of b-c more for each burst that others
 *    finished meanwhile.
 *    Values hold whole positions, so a word from an earlier lap never looks like one of this lap
 *    (an old READY ends at or before start; an old PASSED names an earlier start).
 *    Orders: exchanges are acq_rel. The release half of READY pairs with the acquire in b or c:
 *    the commands are visible to the holder before it writes PROD. The release half of PASSED
 *    pairs with the acquire in a: PROD writes of successive holders happen one after the other and
 *    in the order of positions, each is larger than the last, and PROD never goes backwards.
 *    rte_io_wmb() stands between commands and PROD (§3.5.2); it is cumulative, so it covers what
 *    other producers wrote and this holder has acquired.
 *
 * 4. Shared SYNCs. A producer that finds head beyond its own end when it fills its last slot knows
 *    that another burst is reserved behind it, and that it ends in a SYNC. That SYNC completes
 *    everything before it (§4.7.3), so this one is not needed: the slot gets a filler.
 *    Can that lose a completion? Between reservation and publication there is no way to fail: no
 *    allocation, no check, no wait. By induction on position: the last burst reserved finds head
 *    equal to its end and keeps its SYNC; every burst before it is covered by a SYNC at or before
 *    that. What it costs: completion may also depend on a *later* producer leaving those few
 *    instructions; in a FIFO it always depended on every earlier one. And the chain is bounded: a
 *    burst that touches the last slot of a group of SHARE_GROUP keeps its SYNC, whatever is
 *    behind it.
 *
 * 5. Completion. MSI: every SYNC writes the low half of its sequence number to one word of memory;
 *    SYNCs complete in order, so the word only grows (modulo 2^32), and `tail` is near enough to
 *    extend it. Else, and when the word stands still, CONS: the latest burst that ended at or
 *    before CONS in a real SYNC is complete, with all before it. For that, and to say whose a
 *    refused command was, the last slot of each burst keeps its end, and whether that SYNC is real.
 *    CONS are the low bits of a position. The rest comes from tail, read before it: the least
 *    position from tail on that has these bits is CONS, or whole laps before it if tail was old.
 *    So what is found may be too small, which is right (a waiting thread looks again), never too
 *    large.
 *    a. Plain: CONS is right behind a real SYNC; one look at the slot before it, whose end must be
 *       that very position. Nothing is written.
 *    b. Else backwards to the nearest real SYNC, over less than a burst and a SHARE_GROUP (4), or
 *       slots that were reused meanwhile and name later positions. floor keeps what was found.
 *    A queue that died takes CONS away from a, and sets floor beyond everything: all waits end.
 */
#ifndef SMMUV3_CMDQ_H
#define SMMUV3_CMDQ_H

#include <rte_branch_prediction.h>

#include "cmdq_struct.h"

struct cmdq_conf {
	struct sluice_iommu *iommu; /**< ->mem, ->clock, ->sync_timeout, ->relax, ->ops are used */
	struct sluice_regs *regs;
	uint8_t log2size;       /**< 1 … 19 */
	bool msi;               /**< SYNCs complete by a write to memory, else by CONS */
	bool share;             /**< share SYNCs (4) */
	const bool *lcores;     /**< RTE_MAX_LCORE flags: which may use fetch_add; NULL: none */
	uint64_t start;         /**< first position, for tests; a multiple of 2 * size */
};

struct cmdq_stats {
	uint64_t cmds, subs, syncs, shared, doorbells, full_waits, full_timeouts;
};

/** Allocate; no register is written. @return 0 or -ENOMEM. */
int cmdq_init(struct cmdq *cq, const struct cmdq_conf *conf);
void cmdq_free(struct cmdq *cq);

/** Step 1 for everything but the plain case. @return the position, or CMDQ_NONE. */
uint64_t cmdq_reserve_slow(struct cmdq *cq, struct cmdq_lcore *lc, unsigned int n);

/** Step 1 without 1c's wait: one look at CONS. @return the position, or CMDQ_NONE. */
uint64_t cmdq_reserve_now(struct cmdq *cq, struct cmdq_lcore *lc, unsigned int n);

/**
 * Put commands and a SYNC into the queue. @param n up to max_burst - 1.
 * @return the sequence number, or 0.
 */
uint64_t cmdq_submit(struct cmdq *cq, const struct smmu_cmd *cmds, unsigned int n);

/** The same at once. @return the sequence number; 0 the queue is dead; SLUICE_INV_FULL no room. */
uint64_t cmdq_try(struct cmdq *cq, const struct smmu_cmd *cmds, unsigned int n);

/** Step 5, whatever is not plain: b., and MSI. */
uint64_t cmdq_done_slow(struct cmdq *cq);
/** cmdq_result() when some command failed. */
int cmdq_result_slow(const struct cmdq *cq, uint64_t seq);

/** CONS as a position; never beyond the truth. Raises nothing. */
uint64_t cmdq_read_cons(struct cmdq *cq);
/** Raise tail to CONS. */
void cmdq_refresh(struct cmdq *cq);
/** Raise floor to @p pos. */
void cmdq_raise_floor(struct cmdq *cq, uint64_t pos);

/**
 * The queue stopped with CMDQ_ERR (§7.1): repair the slot, or declare the queue dead.
 * The caller holds the service lock and acknowledges afterwards. @return whether it may go on.
 */
bool cmdq_repair(struct cmdq *cq);
/** Nothing is accepted from now on, and every wait ends with an error. */
void cmdq_kill(struct cmdq *cq);

void cmdq_get_stats(const struct cmdq *cq, struct cmdq_stats *st);

static inline bool
cmdq_is_dead(const struct cmdq *cq)
{
	return atomic_load_explicit(&cq->limit, memory_order_relaxed) == INT64_MIN;
}

/** The line of the calling thread. */
static inline struct cmdq_lcore *
cmdq_self(struct cmdq *cq)
{
	unsigned int id = rte_lcore_id();

	return &cq->lcore[likely(id < RTE_MAX_LCORE) ? id : RTE_MAX_LCORE];
}

/* Add one to a counter of a line that is the caller's own. */
static inline void
cmdq_count_own(_Atomic uint64_t *c)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static inline struct cmdq_slot *
cmdq_slot(const struct cmdq *cq, uint64_t pos)
{
	return &cq->slots[pos & cq->mask];
}

/**
 * Step 1a, once. Nothing but the plain case, so that the callers' fast path stays small.
 * @param start the position of the first of @p n slots
 * @return whether there was room; false: try cmdq_reserve_slow().
 */
static inline bool
cmdq_reserve_fast(struct cmdq *cq, struct cmdq_lcore *lc, unsigned int n, uint64_t *start)
{
	uint64_t tail;

	if (unlikely(n > CMDQ_FAA_BURST))
		return false;
	/* Pairs with the release in cmdq_refresh(). */
	tail = atomic_load_explicit(&cq->tail, memory_order_acquire);
	/* Signed: an lcore that was idle is far behind tail. */
	if (unlikely((int64_t)(lc->end + n - tail) >
		     atomic_load_explicit(&cq->limit, memory_order_relaxed)))
		return false;
	/* 1: acquires from, and releases to, the adds of all producers. */
	*start = atomic_fetch_add_explicit(&cq->head, n, memory_order_acq_rel);
	lc->end = *start + n;
	cmdq_count_own(&lc->subs);
	return true;
}

/** Step 1. @return the position of the first of @p n slots, or CMDQ_NONE. */
static inline uint64_t
cmdq_reserve(struct cmdq *cq, struct cmdq_lcore *lc, unsigned int n)
{
	uint64_t start;

	return likely(cmdq_reserve_fast(cq, lc, n, &start)) ? start :
							      cmdq_reserve_slow(cq, lc, n);
}

/** Step 2, one command. */
static inline void
cmdq_put(struct cmdq *cq, uint64_t pos, struct smmu_cmd c)
{
	cq->cmds[pos & cq->mask] = c;
}

/** The SYNC whose sequence number is @p seq. */
static inline struct smmu_cmd
cmdq_sync(const struct cmdq *cq, uint64_t seq)
{
	return (struct smmu_cmd){ { cq->sync_w0 | (seq << CMD_MSIDATA_SHIFT & cq->sync_data),
				    cq->sync_w1 } };
}

/* The two marks. Compared as numbers, in the word of the slot at pos: what is left of earlier laps
 * < PASSED(pos) < READY(any end of a burst that starts at pos). */
static inline uint64_t
baton_passed(uint64_t pos)
{
	return pos << 2 | BATON_PASSED;
}

static inline uint64_t
baton_ready(uint64_t end)
{
	return end << 2 | BATON_READY;
}

/** Steps 3b and 3c: the baton is the caller's, all before @p e is filled. @return @p seq. */
uint64_t cmdq_publish(struct cmdq *cq, struct cmdq_lcore *lc, uint64_t e, uint64_t seq);
/** cmdq_commit() in full. */
uint64_t cmdq_commit_slow(struct cmdq *cq, struct cmdq_lcore *lc, uint64_t start, uint64_t end);

/** Fill the last slot of the burst that ends at @p end. */
static inline void
cmdq_put_last(struct smmu_cmd *cmd, struct cmdq_slot *slot, uint64_t end, struct smmu_cmd c,
	      bool real)
{
	*cmd = c;
	/* Read after CONS went past the slot: ordered by READY or PROD, as the slot itself. */
	atomic_store_explicit(&slot->end, real ? end : end | SLOT_FILLER, memory_order_relaxed);
}

/**
 * Steps 4 and 3: all but the last slot of [start, end) is filled; fill that one and publish.
 * Here for a producer that is alone at the moment: none behind it, the baton waiting for it,
 * registers that are a store away. Everything else is a tail call.
 * @return the sequence number.
 */
static inline uint64_t
cmdq_commit(struct cmdq *cq, struct cmdq_lcore *lc, uint64_t start, uint64_t end)
{
	/* Once: after each acquire the compiler would read them again. */
	_Atomic uint32_t *prod = cq->prod;
	struct cmdq_slot *slots = cq->slots;
	uint64_t mask = cq->mask, last = (end - 1) & mask, w;
	uint32_t wrap_mask = cq->wrap_mask;

	/* 4 and 3a. Acquire pairs with the release half of PASSED in 3c. */
	if (unlikely(atomic_load_explicit(&cq->head, memory_order_relaxed) != end ||
		     atomic_load_explicit(&slots[start & mask].baton, memory_order_acquire) !=
			     baton_passed(start) ||
		     prod == NULL))
		return cmdq_commit_slow(cq, lc, start, end);
	cmdq_put_last(&cq->cmds[last], &slots[last], end, cmdq_sync(cq, end), true);
	/* 3b. The release is for emulated registers; see regs.h. */
	rte_io_wmb();
	atomic_store_explicit(prod, (uint32_t)end & wrap_mask, memory_order_release);
	/* 3c. Release: this PROD write before the next holder's. Acquire: pairs with the release
	 * half of READY in 3a. */
	w = atomic_exchange_explicit(&slots[end & mask].baton, baton_passed(end),
				     memory_order_acq_rel);
	if (unlikely(w > baton_passed(end)))
		return cmdq_publish(cq, lc, w >> 2, end);
	return end;
}

/**
 * Step 5; a. is here.
 * @return a sequence number that is complete, with all before it.
 */
static inline uint64_t
cmdq_done(struct cmdq *cq)
{
	_Atomic uint32_t *reg = atomic_load_explicit(&cq->cons, memory_order_relaxed);
	uint64_t pos;

	if (reg != NULL) {
		/* Acquire: tail is read before CONS. Pairs with the release in cmdq_refresh(),
		 * whose CONS was no later one. */
		pos = atomic_load_explicit(&cq->tail, memory_order_acquire);
		/* Acquire: pairs with the hardware's write, after all that the SYNC waited for. */
		pos += (atomic_load_explicit(reg, memory_order_acquire) - (uint32_t)pos) &
		       cq->wrap_mask;
		if (likely(atomic_load_explicit(&cmdq_slot(cq, pos - 1)->end,
						memory_order_relaxed) == pos))
			return pos;
	}
	return cmdq_done_slow(cq);
}

/** How the submission @p seq ended, which is complete: 0 or -EIO. */
static inline int
cmdq_result(const struct cmdq *cq, uint64_t seq)
{
	/* Acquire: pairs with the release in record_failed() and cmdq_kill(). */
	if (likely(atomic_load_explicit(&cq->nb_failed, memory_order_acquire) == 0))
		return 0;
	return cmdq_result_slow(cq, seq);
}

#endif
