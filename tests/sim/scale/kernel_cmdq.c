/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The kernel's model: how commands enter the queue, in two generations, from public descriptions.
 *
 * KERNEL_STRICT_LOCK: under a lock the producer looks for room, writes its command and a SYNC, and
 * writes PROD.
 *
 * The others (Linux since 5.4, as its commit "Reduce contention during command-queue insertion" tells
 * it): space is taken by compare-and-exchange; the one that finds nobody to be the owner is the
 * owner. Each writes its commands and marks them valid. The owner waits for its predecessor, ends
 * the gathering, waits until all that was gathered is valid, writes PROD for all, and passes on.
 *
 * In both, each SYNC writes to its own place in the queue when it is complete, and its producer waits
 * for that.
 */
#include <stdlib.h>
#include <string.h>

#include "pmd/smmuv3/cmd.h"
#include "kernel.h"
#include "scale.h"

#define OWNED    (UINT64_C(1) << 31)
#define POS      (OWNED - 1)
#define CONS_SHIFT 32

void
kcmdq_init(struct kernel *k, const struct scale_queue *q)
{
	struct kcmdq *kq = &k->q;

	kq->cmd = q->cmds;
	kq->pa = q->pa;
	kq->mask = q->mask;
	kq->prod = (_Atomic uint32_t *)(void *)(uintptr_t)q->prod;
	kq->cons = (_Atomic uint32_t *)(void *)(uintptr_t)q->cons;
	kq->at = kq->room = (uint32_t)q->head;
	atomic_store(&kq->llq, (uint64_t)kq->at << CONS_SHIFT | kq->at);
	atomic_store(&kq->owner_prod, kq->at);
	/* A slot is valid in even laps when its bit is set, in odd ones when it is clear. This is lap 0. */
	kq->valid = aligned_alloc(64, (q->mask + 1) / 8 < 64 ? 64 : (q->mask + 1) / 8);
	if (kq->valid == NULL)
		abort();
	memset((void *)kq->valid, 0, (q->mask + 1) / 8);
	if (kq->at > q->mask)
		abort();
	for (uint32_t i = 0; i < (kq->at & q->mask); i++)
		kq->valid[i / 64] ^= UINT64_C(1) << (i % 64);
	line_name(kq->valid, (q->mask + 1) / 8, "kernel: valid bits");
	line_name(&kq->llq, 64, "kernel: PROD, CONS and owner");
	line_name(&kq->owner_prod, 64, "kernel: passing on");
	line_name(&kq->users, 64, "kernel: waiters");
	line_name(&kq->lock, 64, "kernel: lock of the queue");
}

static void
put(struct kcmdq *q, uint32_t pos, uint64_t w0, uint64_t w1)
{
	q->cmd[pos & q->mask][0] = w0;
	q->cmd[pos & q->mask][1] = w1;
}

/* The SYNC at @p pos, which writes 0 over its own first word. */
static void
put_sync(struct kcmdq *q, uint32_t pos)
{
	put(q, pos, cmd_sync_word0(true),
	    (q->pa + (pos & q->mask) * SMMU_CMD_BYTES) & SMMU_SYNC_1_MSIADDRESS);
}

static void
wait_sync(struct kcmdq *q, uint32_t pos)
{
	_Atomic uint32_t *word = (_Atomic uint32_t *)(void *)&q->cmd[pos & q->mask][0];

	while (atomic_load_explicit(word, memory_order_acquire) != 0)
		sim_pause();
}

static void
doorbell(struct kcmdq *q, uint32_t pos)
{
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(q->prod, pos & (uint32_t)(2 * q->mask + 1), memory_order_release);
}

/* CONS as a position, at or before @p pos. */
static uint32_t
read_cons(struct kcmdq *q, uint32_t pos)
{
	uint32_t wrap = (uint32_t)(2 * q->mask + 1);

	return pos - ((pos - atomic_load_explicit(q->cons, memory_order_acquire)) & wrap);
}

static void
by_lock(struct kernel *k, struct cpu *c, const uint64_t cmd[2])
{
	struct kcmdq *q = &k->q;
	uint32_t pos;

	qlock_take(&q->lock, &c->node[1]);
	while (q->at + 2 - q->room > q->mask + 1)
		q->room = read_cons(q, q->at);
	pos = q->at;
	put(q, pos, cmd[0], cmd[1]);
	put_sync(q, pos + 1);
	q->at = pos + 2;
	doorbell(q, pos + 2);
	qlock_give(&q->lock, &c->node[1]);
	wait_sync(q, pos + 1);
}

/* Take 2 slots. *owner: this one writes PROD for those that come meanwhile. */
static uint32_t
take(struct kcmdq *q, bool *owner)
{
	uint64_t old = atomic_load_explicit(&q->llq, memory_order_relaxed), new;
	uint32_t pos, cons;

	do {
		pos = (uint32_t)(old & POS);
		cons = (uint32_t)(old >> CONS_SHIFT);
		while (pos + 2 - cons > q->mask + 1)
			cons = read_cons(q, pos);
		new = (uint64_t)cons << CONS_SHIFT | OWNED | (pos + 2);
	} while (!atomic_compare_exchange_weak_explicit(&q->llq, &old, new, memory_order_acq_rel,
							memory_order_relaxed));
	*owner = (old & OWNED) == 0;
	return pos;
}

/* Wait until the slots [from, to) are valid. */
static void
wait_valid(struct kcmdq *q, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i != to; i++) {
		uint32_t slot = i & (uint32_t)q->mask;
		uint64_t lap = (i / (q->mask + 1)) & 1;

		while ((atomic_load_explicit(&q->valid[slot / 64], memory_order_acquire) >> (slot % 64) &
			1) == lap)
			sim_pause();
	}
}

static void
publish(struct kcmdq *q, uint32_t pos)
{
	uint32_t end;

	while (atomic_load_explicit(&q->owner_prod, memory_order_acquire) != pos)
		sim_pause();
	end = (uint32_t)(atomic_fetch_and_explicit(&q->llq, ~OWNED, memory_order_acq_rel) & POS);
	wait_valid(q, pos, end);
	doorbell(q, end);
	atomic_store_explicit(&q->owner_prod, end, memory_order_release);
}

static void
by_owner(struct kernel *k, const uint64_t cmd[2])
{
	struct kcmdq *q = &k->q;
	bool owner;
	uint32_t pos = take(q, &owner);
	uint32_t slot = pos & (uint32_t)q->mask;

	put(q, pos, cmd[0], cmd[1]);
	put_sync(q, pos + 1);
	/* Before the SYNC can complete: CONS is not read past those that wait. */
	atomic_fetch_add_explicit(&q->users, 1, memory_order_relaxed);
	/* Positions are even, so both bits are in one word. */
	atomic_fetch_xor_explicit(&q->valid[slot / 64], UINT64_C(3) << (slot % 64), memory_order_acq_rel);
	if (owner)
		publish(q, pos);
	wait_sync(q, pos + 1);
	/* The last one that waits moves the bound of CONS. */
	if (atomic_fetch_sub_explicit(&q->users, 1, memory_order_acq_rel) == 1) {
		uint64_t old = atomic_load_explicit(&q->llq, memory_order_relaxed);

		while (!atomic_compare_exchange_weak_explicit(
			&q->llq, &old, (old & UINT32_MAX) | (uint64_t)(pos + 2) << CONS_SHIFT,
			memory_order_acq_rel, memory_order_relaxed))
			;
	}
}

void
kcmdq_sync(struct kernel *k, unsigned int cpu, const uint64_t cmd[2])
{
	if (k->kind == KERNEL_STRICT_LOCK)
		by_lock(k, &k->cpu[cpu], cmd);
	else
		by_owner(k, cmd);
}
