/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The command queue, with many producers and without a lock. A caller puts a burst of commands and
 * a SYNC into the queue and gets a sequence number, which it can wait for. No producer waits for
 * another; it waits (bounded) only while the queue is full, and a refused burst has changed
 * nothing.
 *
 * Terms. A *position* counts command slots since the queue was made, in 64 bits; it never repeats.
 * The slot is position mod size; PROD and CONS hold position mod 2 * size (§3.5.1). A *burst* is
 * the slots [start, end) of one submission; its last slot is a SYNC. Its sequence number is end,
 * the position after the SYNC.
 *
 * 1. Admission and reservation. One fetch_add on `head` gives a producer its burst: positions are
 *    handed out once, in order, and cannot be taken back. So there must be room beforehand.
 *    a. An lcore adds (up to FAA_BURST slots) if own_end + n - tail <= limit, where own_end is the
 *       end of its own last burst: it does not even read head. (An lcore that may not add has an
 *       own_end far ahead of all others, so the same check refuses it.) limit = size - lcores *
 *       FAA_BURST. Why this cannot overfill: take the adds in their order, up to any one of them,
 *       and let T be the largest tail that their checks had seen. Call an add *high* if it moves
 *       head beyond T + limit. After a high add the own_end of the same lcore is beyond T + limit,
 *       so its next check fails unless it sees a tail above T. So each lcore has at most one high
 *       add, and head <= T + limit + lcores * FAA_BURST = T + size.
 *    b. Larger bursts, threads that are not lcores of EAL, and queues too small for such a margin
 *       use compare-and-exchange on head against the same limit; such an add is never high.
 *    c. If the queue is full, the producer reads CONS, raises tail and tries again, until the
 *       deadline. Then it returns 0: nothing was reserved, so nothing needs to be undone. A caller
 *       that must not wait (the engine's turn) reads CONS once and tries once more. A refused try
 *       has changed nothing that others see; any other is a normal add by a. or b.
 *    `tail` is a lower bound of CONS, shared by all producers. A slot may be written again only
 *    after the hardware's last read of it. That read comes before the hardware's write of CONS,
 *    which cmdq_refresh() acquires [acq-cons] and passes on by the release of tail [rel-room],
 *    which the check acquires [acq-room].
 *    It may be that only another producer, with an earlier add, has seen the T above. So adds are
 *    acq_rel [rel-head, acq-head], and each acquires what all earlier ones knew.
 *
 * 2. Fill. The slots of a burst belong to one producer alone, which uses plain stores.
 *
 * 3. Publication by a baton. PROD must only grow, and must not pass a slot that is not filled. Each
 *    slot has a word. Only the word of a burst's first slot is used, by exactly two parties: the
 *    owner of the burst, and the publisher of the burst before it:
 *      READY(end)     from the owner: the burst is filled, and ends there.
 *      PASSED(start)  from the publisher: everything before is published; the baton is passed on.
 *    a. The owner exchanges READY into the word. If it finds PASSED, it holds the baton and goes to
 *       b. Otherwise the publisher has not come yet and will find READY: the owner is done. (If a
 *       plain load finds PASSED, the publisher will not come back, and no exchange is needed.)
 *    b. The holder looks ahead over words that are READY, then writes PROD once for all of them.
 *    c. The holder exchanges PASSED into the word of the next slot. If it finds READY, that owner
 *       is gone and the holder keeps the baton: back to b. Otherwise the next owner will find
 *       PASSED.
 *    Both sides exchange, and exchanges on one word are totally ordered, so exactly one of the two
 *    sees the other's mark: the baton is never lost and never doubled. A producer takes a bounded
 *    number of steps for itself, and one round of b-c more for each burst that others finished
 *    meanwhile.
 *    Values hold whole positions, so a word from an earlier lap never looks like one of this lap
 *    (an old READY ends at or before start; an old PASSED has an earlier start).
 *    Orders: exchanges are acq_rel. The release half of READY [rel-ready] pairs with the acquire
 *    in b or c [acq-ready]: the commands are visible to the holder before it writes PROD. The
 *    release half of PASSED [rel-passed] pairs with the acquire in a [acq-passed]: PROD writes of
 *    successive holders happen one after the other, in the order of positions; each is larger than
 *    the last, so PROD never goes backwards.
 *    rte_io_wmb() is between commands and PROD (§3.5.2) [dev-slots]. It is cumulative, so it covers
 *    what other producers wrote and this holder has acquired.
 *
 * 4. Shared SYNCs. If a producer fills its last slot and finds head beyond its own end, another
 *    burst is reserved behind it, which ends in a SYNC too. That SYNC completes everything before
 *    it (§4.7.3), so this one is not needed: the slot gets a filler.
 *    This loses no completion. Between reservation and publication nothing can fail: there is no
 *    allocation, no check, no wait. By induction on positions, the last burst reserved finds head
 *    equal to its end and keeps its SYNC, and every burst before it is covered by a SYNC at or
 *    before that one. The cost: completion may also depend on a *later* producer finishing those
 *    few instructions; in a FIFO it always depends on every earlier one. The chain is bounded: a
 *    burst that touches the last slot of a group of SHARE_GROUP keeps its SYNC in any case.
 *
 * 5. Completion. With MSI every SYNC writes the low half of its sequence number to one word of
 *    memory. SYNCs complete in order, so the word only grows (modulo 2^32), and `tail` is near
 *    enough to extend it. Without MSI, and if the word does not move, CONS is read: the latest
 *    burst that ended at or before CONS in a real SYNC is complete, with all before it. For that,
 *    and to find the submission of a refused command, the last slot of each burst holds its end,
 *    and whether its SYNC is real. CONS is the low bits of a position. The rest comes from tail,
 *    read before it: the least position from tail on with these bits is CONS, or whole laps before
 *    it if tail was old. So the result may be too small, which is harmless (a waiting thread looks
 *    again), never too large.
 *    a. Plain case: CONS is right behind a real SYNC. One look at the slot before it shows this:
 *       its end must be that very position. Nothing is written.
 *    b. Otherwise search back to the nearest real SYNC, over less than a burst and a SHARE_GROUP
 *       (4), or over slots that were reused meanwhile and hold later positions. floor keeps the
 *       result.
 *    A dead queue takes CONS away from a and sets floor beyond everything, so all waits end.
 *
 * 6. Repetition, for hardware that needs it. NVIDIA's erratum T264-SMMU-3 (SMMUs of Tegra264): a
 *    TLB entry can survive an invalidation that races with traffic to the same entry. NVIDIA's
 *    workaround is to issue each TLBI and CFGI, each followed by a SYNC, twice; the second must
 *    begin only after the SYNC of the first, and then evicts the entry for certain. ATC_INV is not
 *    affected and must not be repeated. No register tells of the erratum, only the device tree
 *    ("nvidia,tegra264-smmu"). So a burst of A B becomes A B SYNC A B SYNC, where the first SYNC
 *    signals nothing. In a burst that has SYNCs of its own, each stretch up to one is repeated
 *    before it, because what follows relies on that. The plain case of 1a is not used, so that the
 *    fast path need not ask.
 */
#ifndef SMMUV3_CMDQ_H
#define SMMUV3_CMDQ_H

#include <rte_branch_prediction.h>

#include "cmdq_struct.h"

struct cmdq_conf {
	struct sluice_iommu *iommu; /**< ->mem, ->clock, ->sync_timeout, ->relax, ->ops are used */
	struct sluice_regs *regs;
	uint8_t log2size;       /**< 1 … 19 */
	bool msi;               /**< SYNCs complete by a write to memory; else by CONS */
	bool share;             /**< share SYNCs (4) */
	bool repeat;            /**< issue TLBI and CFGI twice (6); needs four entries */
	const bool *lcores;     /**< RTE_MAX_LCORE flags: which may use fetch_add; NULL: none */
	uint64_t start;         /**< first position, for tests; a multiple of 2 * size */
};

struct cmdq_stats {
	uint64_t cmds, subs, syncs, shared, doorbells, full_waits, full_timeouts;
};

/** Allocate; no register is written. @return 0 or -ENOMEM. */
int cmdq_init(struct cmdq *cq, const struct cmdq_conf *conf);
void cmdq_free(struct cmdq *cq);

/** Step 1 for all but the plain case. @return the position, or CMDQ_NONE. */
uint64_t cmdq_reserve_slow(struct cmdq *cq, struct cmdq_lcore *lc, unsigned int n);

/** Step 1 without the wait of 1c: one look at CONS. @return the position, or CMDQ_NONE. */
uint64_t cmdq_reserve_now(struct cmdq *cq, struct cmdq_lcore *lc, unsigned int n);

/**
 * Put commands and a SYNC into the queue. @param n up to max_cmds.
 * @return the sequence number, or 0.
 */
uint64_t cmdq_submit(struct cmdq *cq, const struct smmu_cmd *cmds, unsigned int n);

/** The same without a wait. @return the sequence number; 0: the queue is dead; SLUICE_INV_FULL. */
uint64_t cmdq_try(struct cmdq *cq, const struct smmu_cmd *cmds, unsigned int n);

/** The slots that @p n commands and their SYNC take. */
unsigned int cmdq_slots(const struct cmdq *cq, const struct smmu_cmd *cmds, unsigned int n);
/** Steps 2 to 4 of so many slots from @p start on. @return the sequence number. */
uint64_t cmdq_fill(struct cmdq *cq, struct cmdq_lcore *lc, uint64_t start,
		   const struct smmu_cmd *cmds, unsigned int n);

/** Step 5 for all but the plain case: b., and MSI. */
uint64_t cmdq_done_slow(struct cmdq *cq);
/** cmdq_result() once a command has failed. */
int cmdq_result_slow(const struct cmdq *cq, uint64_t seq);

/** CONS as a position, never too large. Nothing is raised. */
uint64_t cmdq_read_cons(struct cmdq *cq);
/** Raise tail to CONS. */
void cmdq_refresh(struct cmdq *cq);
/** Raise floor to @p pos. */
void cmdq_raise_floor(struct cmdq *cq, uint64_t pos);

/**
 * The queue has stopped with CMDQ_ERR (§7.1): repair the slot, or declare the queue dead. The
 * caller holds the service lock and acknowledges the error afterwards. @return whether the queue
 * may go on.
 */
bool cmdq_repair(struct cmdq *cq);
/**
 * Declare the queue dead: it accepts nothing, and every wait ends with an error. Under the service
 * lock.
 * @param why a clause for error messages, constant.
 * @param cons CONS still says what the hardware has done.
 */
void cmdq_kill(struct cmdq *cq, const char *why, bool cons);
/** Set the error message of a queue that took nothing, dead or full. @return -EIO. */
int cmdq_fail(const struct cmdq *cq);

void cmdq_get_stats(const struct cmdq *cq, struct cmdq_stats *st);

static inline bool
cmdq_is_dead(const struct cmdq *cq)
{
	return atomic_load_explicit(&cq->limit, memory_order_relaxed) == INT64_MIN;
}

/** The producer line of the calling thread. */
static inline struct cmdq_lcore *
cmdq_self(struct cmdq *cq)
{
	unsigned int id = rte_lcore_id();

	return &cq->lcore[likely(id < RTE_MAX_LCORE) ? id : RTE_MAX_LCORE];
}

/* Add one to a counter in the caller's own line. */
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
 * Try step 1a once: only the plain case, so that the callers' fast path stays small.
 * @param start the position of the first of @p n slots
 * @return whether there was room; false: try cmdq_reserve_slow().
 */
static inline bool
cmdq_reserve_fast(struct cmdq *cq, struct cmdq_lcore *lc, unsigned int n, uint64_t *start)
{
	uint64_t tail;

	if (unlikely(n > CMDQ_FAA_BURST))
		return false;
	/* Pairs with rel-room in cmdq_refresh(). */
	tail = atomic_load_explicit(&cq->tail, memory_order_acquire); /* acq-room */
	/* Signed, because an lcore that was idle is far behind tail. */
	if (unlikely((int64_t)(lc->end + n - tail) >
		     atomic_load_explicit(&cq->limit, memory_order_relaxed)))
		return false;
	/* 1: acquire from and release to the adds of all producers. */
	*start = atomic_fetch_add_explicit(&cq->head, n,
					   memory_order_acq_rel); /* rel-head, acq-head */
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

/* The two marks. In the word of the slot at pos they compare as numbers: marks of earlier laps <
 * PASSED(pos) < READY(any end of a burst that starts at pos). */
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

/** Steps 3b and 3c: the caller holds the baton, and all before @p e is filled. @return @p seq. */
uint64_t cmdq_publish(struct cmdq *cq, struct cmdq_lcore *lc, uint64_t e, uint64_t seq);
/** cmdq_commit() for all but the plain case. */
uint64_t cmdq_commit_slow(struct cmdq *cq, struct cmdq_lcore *lc, uint64_t start, uint64_t end);

/** Fill the last slot of the burst that ends at @p end. */
static inline void
cmdq_put_last(struct smmu_cmd *cmd, struct cmdq_slot *slot, uint64_t end, struct smmu_cmd c,
	      bool real)
{
	*cmd = c;
	/* Read after CONS has passed the slot, so READY or PROD orders it, like the slot itself. */
	atomic_store_explicit(&slot->end, real ? end : end | SLOT_FILLER, memory_order_relaxed);
}

/**
 * Steps 4 and 3: all but the last slot of [start, end) is filled; fill that one and publish. Inline
 * is the case of a producer that is alone: no burst behind it, the baton waiting for it, and PROD
 * addressable. Everything else is a tail call.
 * @return the sequence number.
 */
static inline uint64_t
cmdq_commit(struct cmdq *cq, struct cmdq_lcore *lc, uint64_t start, uint64_t end)
{
	/* Read once: after each acquire the compiler would read them again. */
	_Atomic uint32_t *prod = cq->prod;
	struct cmdq_slot *slots = cq->slots;
	uint64_t mask = cq->mask, last = (end - 1) & mask, w;
	uint32_t wrap_mask = cq->wrap_mask;

	/* 4 and 3a. acq-passed pairs with rel-passed in 3c. */
	if (unlikely(atomic_load_explicit(&cq->head, memory_order_relaxed) != end ||
		     atomic_load_explicit(&slots[start & mask].baton,
					  memory_order_acquire) != /* acq-passed */
			     baton_passed(start) ||
		     prod == NULL))
		return cmdq_commit_slow(cq, lc, start, end);
	cmdq_put_last(&cq->cmds[last], &slots[last], end, cmdq_sync(cq, end), true);
	/* 3b. The release is for emulated registers; see regs.h. */
	rte_io_wmb(); /* dev-slots */
	atomic_store_explicit(prod, (uint32_t)end & wrap_mask, memory_order_release); /* rel-prod */
	/* 3c. rel-passed orders this PROD write before the next holder's. acq-ready pairs with
	 * rel-ready in 3a. */
	w = atomic_exchange_explicit(&slots[end & mask].baton, baton_passed(end),
				     memory_order_acq_rel); /* rel-passed, acq-ready */
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
		pos = atomic_load_explicit(&cq->tail, memory_order_acquire); /* acq-room */
		/* acq-done pairs with the hardware's write, after all that the SYNC waited for. */
		pos += (atomic_load_explicit(reg, memory_order_acquire) - /* acq-done */
			(uint32_t)pos) & cq->wrap_mask;
		if (likely(atomic_load_explicit(&cmdq_slot(cq, pos - 1)->end,
						memory_order_relaxed) == pos))
			return pos;
	}
	return cmdq_done_slow(cq);
}

/** How the complete submission @p seq ended: 0 or -EIO. */
static inline int
cmdq_result(const struct cmdq *cq, uint64_t seq)
{
	/* Acquire: pairs with the release in record_failed() and cmdq_kill(). */
	if (likely(atomic_load_explicit(&cq->nb_failed, memory_order_acquire) == 0))
		return 0;
	return cmdq_result_slow(cq, seq);
}

#endif
