/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Taking the IOVAs that idle workers have in stock, for a map that found none anywhere else.
 * The caller gets them from all idle workers at once, for the price of two membarrier(2) calls;
 * a worker that is mapping or unmapping at that moment keeps its own. iova.h explains how they
 * are taken from one worker.
 *
 * 1. One thread at a time does this in a domain. It takes `robbing` by an exchange with acquire and
 *    frees it with release. A second thread waits for the first, up to a deadline, and then looks
 *    again at what the first one brought.
 * 2. Workers join and leave under the same lock (stock_close()), so a worker that is looked at here
 *    does not go away meanwhile.
 * 3. If no worker has anything, no system call is made and no lcore is disturbed. Otherwise every
 *    stock is tried; one membarrier(2) serves them all; they are looked at; a second membarrier(2)
 *    serves those that are left; and then they are taken. Because of these system calls a map comes
 *    here only if it can get an IOVA in no other way.
 * 4. A worker that is in a call at that moment is not idle and keeps what it has. The caller is
 *    told to look, and to ask, again.
 * 5. A trim may hold a free chunk while its table is being invalidated (`away`). The caller waits
 *    until the chunk is back, for as long as hardware may take.
 */
#include <sched.h>

#include <rte_pause.h>

#include "../base/deadline.h"
#include "../base/epoch.h"
#include "../object/domain.h"
#include "../iova/hold.h"
#include "stock.h"

#define SPINS 64u
#define LOOKS 64u /* one look takes only part of a ring */

/* What was tried with one worker. */
struct attempt {
	uint32_t mag[IOVA_ORDERS]; /* iova_mag_try() */
	uint32_t ring;
	uint64_t ring_at;
};

static bool
enter(struct sluice_domain *d, uint64_t ticks)
{
	struct deadline end = { 0 };

	for (unsigned int turn = 1;
	     atomic_exchange_explicit(&d->robbing, 1, memory_order_acquire) != 0; turn++) {
		if (turn % SPINS != 0) {
			rte_pause();
			continue;
		}
		sched_yield();
		if (deadline_look(&end, &d->iommu->clock, ticks))
			return false;
	}
	return true;
}

void
stock_close(struct sluice_domain *d)
{
	while (!enter(d, UINT64_MAX))
		;
}

void
stock_open(struct sluice_domain *d)
{
	atomic_store_explicit(&d->robbing, 0, memory_order_release);
}

/* @return whether something was tried. *busy is set if the owner was in a call. */
static bool
try(struct dom_lcore *dl, struct attempt *a, bool *busy)
{
	bool any = false;

	for (unsigned int o = 0; o < IOVA_ORDERS; o++) {
		a->mag[o] = iova_mag_try(&dl->mag[o]);
		*busy |= a->mag[o] == UINT32_MAX;
		any |= a->mag[o] != 0 && a->mag[o] != UINT32_MAX;
	}
	a->ring = flush_ring_try(&dl->ring, &a->ring_at);
	*busy |= a->ring == UINT32_MAX;
	return any || a->ring == 1;
}

/* After the first barrier: which magazines are still worth a second one. */
static void
look(struct dom_lcore *dl, struct attempt *a)
{
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		if (a->mag[o] != 0 && a->mag[o] != UINT32_MAX &&
		    !iova_mag_look(&dl->mag[o], a->mag[o]))
			a->mag[o] = 0;
}

static void
rob(struct sluice_domain *d, struct dom_lcore *dl, const struct attempt *a)
{
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		if (a->mag[o] != 0 && a->mag[o] != UINT32_MAX)
			(void)iova_mag_rob(&d->iova, &dl->mag[o], o, a->mag[o]);
	if (a->ring == 1)
		(void)flush_ring_rob(d, &dl->ring, a->ring_at);
}

/* The barrier failed, so nothing is proven: every worker keeps what it has. */
static void
give_up(struct dom_lcore *dl, const struct attempt *a)
{
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		if (a->mag[o] != 0 && a->mag[o] != UINT32_MAX)
			hold_drop(&dl->mag[o].hold);
	if (a->ring == 1)
		hold_drop(&dl->ring.hold);
}

/* 5. @return whether a chunk was away and is back. */
static bool
away_wait(struct sluice_domain *d)
{
	struct deadline end = deadline_begin(&d->iommu->clock, 2 * d->iommu->sync_timeout);
	unsigned int turn = 0;

	while (atomic_load_explicit(&d->iova.away, memory_order_seq_cst) != 0) {
		if (deadline_passed(&end))
			return false;
		if (d->wait->turn(d, ++turn) != 0)
			return false;
	}
	return turn != 0;
}

bool
stock_take(struct sluice_domain *d, const struct dom_lcore *me)
{
	struct attempt attempt[RTE_MAX_LCORE];
	bool any = false, busy = false, seen = true, tried[RTE_MAX_LCORE] = { false };
	bool second = atomic_load_explicit(&d->robbing, memory_order_relaxed) != 0;

	if (!enter(d, d->iommu->sync_timeout))
		return false;
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++) {
		if (d->lc[i] == NULL || d->lc[i] == me)
			continue;
		tried[i] = try(d->lc[i], &attempt[i], &busy);
		any |= tried[i];
	}
	if (any)
		seen = epoch_barrier() == 0; /* all-theft: ring.h, 12 */
	for (unsigned int i = 0; any && seen && i < RTE_MAX_LCORE; i++)
		if (tried[i])
			look(d->lc[i], &attempt[i]);
	if (any && seen)
		seen = epoch_barrier() == 0;
	for (unsigned int i = 0; any && i < RTE_MAX_LCORE; i++) {
		if (tried[i] && seen)
			rob(d, d->lc[i], &attempt[i]);
		else if (tried[i])
			give_up(d->lc[i], &attempt[i]);
	}
	stock_open(d);
	return (any && seen) || busy || second || (me != NULL && away_wait(d));
}

void
stock_take_all(struct sluice_domain *d)
{
	for (unsigned int i = 0; i < LOOKS && stock_take(d, NULL); i++)
		;
	(void)iova_space_regain(&d->iova);
}
