/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The command queue away from the fast path: how it is made, what happens when it is full, and how
 * CONS is read. cmdq.h explains the queue; step numbers refer to it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmdq.h"
#include "wait.h"

/* Turns of a wait for room between two looks at the hardware's error state. */
#define FULL_SERVICE_TURNS 256u

static void
count(const struct cmdq_lcore *lc, _Atomic uint64_t *c)
{
	if (lc->many)
		atomic_fetch_add_explicit(c, 1, memory_order_relaxed);
	else
		cmdq_count_own(c);
}

uint64_t
cmdq_publish(struct cmdq *cq, struct cmdq_lcore *lc, uint64_t e, uint64_t seq)
{
	uint64_t w = baton_ready(e);

	do {
		e = w >> 2;
		/* 3b. acq-ready pairs with rel-ready in cmdq_commit_slow(). */
		while ((w = atomic_load_explicit(&cmdq_slot(cq, e)->baton,
						 memory_order_acquire)) > baton_passed(e)) /* acq-ready */
			e = w >> 2;
		rte_io_wmb(); /* dev-slots */
		regs_write32(cq->regs, SMMU_CMDQ_PROD, (uint32_t)e & cq->wrap_mask);
		atomic_fetch_add_explicit(&lc->extra, 1, memory_order_relaxed);
		/* 3c. Release orders this PROD write before the next holder's. Acquire as in 3b. */
		w = atomic_exchange_explicit(&cmdq_slot(cq, e)->baton, baton_passed(e),
					     memory_order_acq_rel); /* rel-passed, acq-ready */
	} while (w > baton_passed(e));
	return seq;
}

uint64_t
cmdq_commit_slow(struct cmdq *cq, struct cmdq_lcore *lc, uint64_t start, uint64_t end)
{
	_Atomic uint64_t *word = &cmdq_slot(cq, start)->baton;
	struct smmu_cmd *cmd = &cq->cmds[(end - 1) & cq->mask];
	struct cmdq_slot *slot = cmdq_slot(cq, end - 1);

	/* 4. Relaxed: head only grows, and the producer that moved it past end will fill its
	 *    slots. */
	if (cq->share && atomic_load_explicit(&cq->head, memory_order_relaxed) != end &&
	    (start ^ end) < CMDQ_SHARE_GROUP) {
		count(lc, &lc->shared);
		cmdq_put_last(cmd, slot, end, cmd_filler(), false);
	} else {
		cmdq_put_last(cmd, slot, end, cmdq_sync(cq, end), true);
	}
	/* This burst needs no plain PROD write: another producer's covers it, or an extra one. */
	atomic_fetch_add_explicit(&lc->left, 1, memory_order_relaxed);
	/* 3a. acq-passed pairs with rel-passed in 3c. */
	if (atomic_load_explicit(word, memory_order_acquire) != baton_passed(start) && /* acq-passed */
	    atomic_exchange_explicit(word, baton_ready(end),
				     memory_order_acq_rel) != /* rel-ready, acq-passed */
		    baton_passed(start))
		return end;
	return cmdq_publish(cq, lc, end, end);
}

static void
init_lcores(struct cmdq *cq, const bool *lcores)
{
	uint64_t size = cq->mask + 1;
	unsigned int n = 0;

	/* 6 needs the way of 1b: it is chosen by that nobody may add. */
	for (unsigned int i = 0; lcores != NULL && !cq->repeat && i < RTE_MAX_LCORE; i++)
		n += lcores[i];
	/* 1b: the margin may take at most half of the queue. */
	if (n * CMDQ_FAA_BURST > size / 2)
		n = 0;
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++) {
		cq->lcore[i].faa_max = n != 0 && lcores[i] ? CMDQ_FAA_BURST : 0;
		cq->lcore[i].end = cq->start + (cq->lcore[i].faa_max != 0 ? 0 : CMDQ_FAR);
	}
	cq->lcore[RTE_MAX_LCORE].end = cq->start + CMDQ_FAR;
	cq->lcore[RTE_MAX_LCORE].many = 1;
	atomic_store_explicit(&cq->limit, (int64_t)(size - n * CMDQ_FAA_BURST),
			      memory_order_relaxed);
	cq->max_burst = RTE_MIN(CMDQ_MAX_BURST, (uint32_t)(size - n * CMDQ_FAA_BURST));
	cq->max_cmds = RTE_MIN(SLUICE_INV_BURST, cq->repeat ? cq->max_burst / 2 - 1 :
							      cq->max_burst - 1);
}

int
cmdq_init(struct cmdq *cq, const struct cmdq_conf *conf)
{
	size_t size = (size_t)1 << conf->log2size;
	struct sluice_mem *mem = conf->iommu->mem;

	memset(cq, 0, sizeof(*cq));
	cq->mask = size - 1;
	cq->log2size = conf->log2size;
	cq->iommu = conf->iommu;
	cq->regs = conf->regs;
	cq->wrap_mask = (uint32_t)(2 * size - 1);
	if (cq->regs->base != NULL)
		cq->prod = (_Atomic uint32_t *)(void *)(cq->regs->base + SMMU_CMDQ_PROD);
	cq->share = conf->share;
	cq->repeat = conf->repeat;
	cq->start = conf->start;
	/* §6.3.26: aligned to its own size, at least 32 bytes. */
	cq->cmds = sluice_mem_alloc(mem, size * SMMU_CMD_BYTES,
				    RTE_MAX(size * SMMU_CMD_BYTES, (size_t)RTE_CACHE_LINE_SIZE),
				    &cq->pa);
	cq->slots = aligned_alloc(RTE_CACHE_LINE_SIZE,
				  RTE_MAX(size * sizeof(*cq->slots), (size_t)RTE_CACHE_LINE_SIZE));
	if (cq->cmds == NULL || cq->slots == NULL)
		goto nomem;
	memset((void *)cq->slots, 0, size * sizeof(*cq->slots));
	cq->sync_w0 = cmd_sync_word0(conf->msi);
	cq->sync_data = conf->msi ? SMMU_SYNC_0_MSIDATA : 0;
	if (conf->msi) {
		cq->msi = sluice_mem_alloc(mem, RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_SIZE,
					   &cq->msi_pa);
		if (cq->msi == NULL)
			goto nomem;
		cq->sync_w1 = cq->msi_pa & SMMU_SYNC_1_MSIADDRESS;
		atomic_store_explicit(cq->msi, (uint32_t)cq->start, memory_order_relaxed);
	}
	atomic_store_explicit(&cq->msi_on, conf->msi, memory_order_relaxed);
	if (!conf->msi && cq->regs->base != NULL)
		atomic_store_explicit(&cq->cons, (void *)(cq->regs->base + SMMU_CMDQ_CONS),
				      memory_order_relaxed);
	atomic_store_explicit(&cq->head, cq->start, memory_order_relaxed);
	atomic_store_explicit(&cq->tail, cq->start, memory_order_relaxed);
	atomic_store_explicit(&cq->floor, cq->start, memory_order_relaxed);
	atomic_store_explicit(&cq->err.dead_from, UINT64_MAX, memory_order_relaxed);
	cq->err.last_pos = CMDQ_NONE;
	/* The first producer finds the baton waiting for it. */
	atomic_store_explicit(&cmdq_slot(cq, cq->start)->baton, baton_passed(cq->start),
			      memory_order_relaxed);
	init_lcores(cq, conf->lcores);
	return 0;
nomem:
	cmdq_free(cq);
	return -ENOMEM;
}

void
cmdq_free(struct cmdq *cq)
{
	struct sluice_mem *mem = cq->iommu->mem;

	if (cq->cmds != NULL)
		sluice_mem_free(mem, cq->cmds, (cq->mask + 1) * SMMU_CMD_BYTES);
	if (cq->msi != NULL)
		sluice_mem_free(mem, (void *)cq->msi, RTE_CACHE_LINE_SIZE);
	free(cq->slots);
	cq->cmds = NULL;
	cq->msi = NULL;
	cq->slots = NULL;
}

uint64_t
cmdq_read_cons(struct cmdq *cq)
{
	/* tail is read before and after CONS. If both agree, tail did not move meanwhile, and
	 * CONS was within size of it, because head - tail <= size always holds (1a). If not,
	 * another thread has just looked, and its result will do. Acquire: see cmdq_refresh();
	 * it also keeps the three reads in order. */
	uint64_t tail = atomic_load_explicit(&cq->tail, memory_order_acquire);
	uint32_t reg = regs_read32(cq->regs, SMMU_CMDQ_CONS); /* an acquire: acq-cons */
	uint64_t again = atomic_load_explicit(&cq->tail, memory_order_acquire);
	uint64_t ahead = (reg - tail) & cq->wrap_mask;

	if (tail != again)
		return again;
	if (unlikely(ahead > cq->mask + 1)) {
		atomic_fetch_add_explicit(&cq->bad_cons, 1, memory_order_relaxed);
		return tail;
	}
	return tail + ahead;
}

void
cmdq_refresh(struct cmdq *cq)
{
	uint64_t cons = cmdq_read_cons(cq);
	uint64_t tail = atomic_load_explicit(&cq->tail, memory_order_relaxed);

	/* rel-room: the read of CONS, which follows the hardware's reads of the slots, is ordered
	 * before any producer's writes to them. Pairs with acq-room in cmdq_reserve(). */
	while (cons > tail &&
	       !atomic_compare_exchange_weak_explicit(&cq->tail, &tail, cons, memory_order_acq_rel,
						      memory_order_relaxed)) /* rel-room */
		;
}

/* Try 1a or 1b once. Memory orders as in cmdq_reserve(). */
static uint64_t
try_reserve(struct cmdq *cq, struct cmdq_lcore *lc, unsigned int n)
{
	uint64_t tail = atomic_load_explicit(&cq->tail, memory_order_acquire); /* acq-room */
	int64_t limit = atomic_load_explicit(&cq->limit, memory_order_relaxed);
	uint64_t head;

	if (n <= lc->faa_max) {
		if ((int64_t)(lc->end + n - tail) > limit)
			return CMDQ_NONE;
		head = atomic_fetch_add_explicit(&cq->head, n,
						 memory_order_acq_rel); /* rel-head, acq-head */
	} else {
		head = atomic_load_explicit(&cq->head, memory_order_relaxed);
		do {
			if ((int64_t)(head + n - tail) > limit)
				return CMDQ_NONE;
		} while (!atomic_compare_exchange_weak_explicit(&cq->head, &head, head + n,
								memory_order_acq_rel,
								memory_order_relaxed)); /* rel-head, acq-head */
	}
	if (lc->faa_max != 0)
		lc->end = head + n;
	count(lc, &lc->subs);
	return head;
}

uint64_t
cmdq_reserve_now(struct cmdq *cq, struct cmdq_lcore *lc, unsigned int n)
{
	uint64_t pos = try_reserve(cq, lc, n);

	if (likely(pos != CMDQ_NONE) || cmdq_is_dead(cq))
		return pos;
	/* 1c. A look at CONS usually finds room at once; that does not count as a wait. Try again
	 * even if tail did not move: another producer may have moved it before. */
	cmdq_refresh(cq);
	return try_reserve(cq, lc, n);
}

int
cmdq_fail(const struct cmdq *cq)
{
	const char *why;

	/* Pairs with the release of limit in cmdq_kill(): a queue that was seen dead says why. */
	atomic_thread_fence(memory_order_acquire);
	why = atomic_load_explicit(&cq->why, memory_order_relaxed);
	if (why != NULL)
		return sluice_fail(EIO, "smmuv3: %s", why);
	return sluice_fail(EIO, "smmuv3: the command queue stayed full for the SYNC timeout "
			   "(sync_timeout_us): the hardware hangs, or is starved of its lcore");
}

uint64_t
cmdq_reserve_slow(struct cmdq *cq, struct cmdq_lcore *lc, unsigned int n)
{
	struct sluice_iommu *iommu = cq->iommu;
	uint64_t pos = cmdq_reserve_now(cq, lc, n);
	struct deadline end;

	if (likely(pos != CMDQ_NONE))
		return pos;
	if (cmdq_is_dead(cq))
		goto none;
	count(lc, &lc->full_waits);
	end = deadline_begin(&iommu->clock, iommu->sync_timeout);
	for (unsigned int turn = 1; !deadline_passed(&end) && !cmdq_is_dead(cq); turn++) {
		smmu_wait_turn(iommu, turn);
		/* The queue may have stopped because of an error. */
		if (turn % FULL_SERVICE_TURNS == 0 && iommu->ops != NULL)
			iommu->ops->service(iommu);
		cmdq_refresh(cq);
		pos = try_reserve(cq, lc, n);
		if (pos != CMDQ_NONE)
			return pos;
	}
	atomic_fetch_add_explicit(&lc->full_timeouts, 1, memory_order_relaxed);
	/* The wait may have been too short for a look at the hardware's errors: name the cause. */
	if (iommu->ops != NULL)
		iommu->ops->service(iommu);
none:
	(void)cmdq_fail(cq);
	return CMDQ_NONE;
}

/* 6. CFGI and TLBI are 0x03 to 0x3f. */
static bool
is_repeated(struct smmu_cmd c)
{
	uint64_t op = smmu_field_get(SMMU_CMD_0_OP, c.w[0]);

	return op >= SMMU_CMD_CFGI_STE && op < SMMU_CMD_ATC_INV;
}

/* 6. Is one of these commands repeated? */
static bool
repeats(const struct cmdq *cq, const struct smmu_cmd *cmds, unsigned int n)
{
	unsigned int i = 0;

	if (likely(!cq->repeat))
		return false;
	while (i < n && !is_repeated(cmds[i]))
		i++;
	return i < n;
}

unsigned int
cmdq_slots(const struct cmdq *cq, const struct smmu_cmd *cmds, unsigned int n)
{
	return repeats(cq, cmds, n) ? 2 * n + 2 : n + 1;
}

/* 6. Each stretch up to a SYNC twice, with a SYNC between. @return the slots used, but the last. */
static unsigned int
fill_twice(struct cmdq *cq, uint64_t start, const struct smmu_cmd *cmds, unsigned int n)
{
	uint64_t at = start;

	for (unsigned int from = 0, to; from <= n; from = to + 1) {
		for (to = from; to < n && smmu_field_get(SMMU_CMD_0_OP, cmds[to].w[0]) != SMMU_CMD_SYNC;)
			cmdq_put(cq, at++, cmds[to++]);
		cmdq_put(cq, at++, cmd_sync_silent());
		for (unsigned int i = from; i < to; i++)
			cmdq_put(cq, at++, is_repeated(cmds[i]) ? cmds[i] : cmd_filler());
		if (to < n)
			cmdq_put(cq, at++, cmds[to]);
	}
	atomic_fetch_add_explicit(&cq->repeats, at - start - n, memory_order_relaxed);
	return (unsigned int)(at - start);
}

uint64_t
cmdq_fill(struct cmdq *cq, struct cmdq_lcore *lc, uint64_t start, const struct smmu_cmd *cmds,
	  unsigned int n)
{
	if (unlikely(repeats(cq, cmds, n))) {
		n = fill_twice(cq, start, cmds, n);
		return cmdq_commit(cq, lc, start, start + n + 1);
	}
	for (unsigned int i = 0; i < n; i++)
		cmdq_put(cq, start + i, cmds[i]);
	return cmdq_commit(cq, lc, start, start + n + 1);
}

uint64_t
cmdq_submit(struct cmdq *cq, const struct smmu_cmd *cmds, unsigned int n)
{
	struct cmdq_lcore *lc = cmdq_self(cq);
	uint64_t start = cmdq_reserve(cq, lc, cmdq_slots(cq, cmds, n));

	return unlikely(start == CMDQ_NONE) ? 0 : cmdq_fill(cq, lc, start, cmds, n);
}

uint64_t
cmdq_try(struct cmdq *cq, const struct smmu_cmd *cmds, unsigned int n)
{
	struct cmdq_lcore *lc = cmdq_self(cq);
	unsigned int room = cmdq_slots(cq, cmds, n);
	uint64_t start;

	if (unlikely(!cmdq_reserve_fast(cq, lc, room, &start)))
		start = cmdq_reserve_now(cq, lc, room);
	if (likely(start != CMDQ_NONE))
		return cmdq_fill(cq, lc, start, cmds, n);
	return cmdq_is_dead(cq) ? 0 : SLUICE_INV_FULL;
}

void
cmdq_get_stats(const struct cmdq *cq, struct cmdq_stats *st)
{
	memset(st, 0, sizeof(*st));
	for (unsigned int i = 0; i <= RTE_MAX_LCORE; i++) {
		const struct cmdq_lcore *lc = &cq->lcore[i];

		st->subs += atomic_load_explicit(&lc->subs, memory_order_relaxed);
		st->shared += atomic_load_explicit(&lc->shared, memory_order_relaxed);
		/* One PROD write for each burst, but for those that took the long way. */
		st->doorbells += atomic_load_explicit(&lc->extra, memory_order_relaxed);
		st->doorbells -= atomic_load_explicit(&lc->left, memory_order_relaxed);
		st->full_waits += atomic_load_explicit(&lc->full_waits, memory_order_relaxed);
		st->full_timeouts += atomic_load_explicit(&lc->full_timeouts, memory_order_relaxed);
	}
	st->doorbells += st->subs;
	st->syncs = st->subs - st->shared;
	st->cmds = atomic_load_explicit(&cq->head, memory_order_relaxed) - cq->start;
}
