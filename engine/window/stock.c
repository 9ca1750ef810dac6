/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Taking what idle workers have in stock. How it is taken from one of them says iova.h; here it
 * is done for all at once, with two barriers.
 *
 * 1. One at a time in a domain: `robbing` is taken by an exchange, with acquire, and freed with
 *    release. Who comes second waits for the first, and looks again at what that one brought; not
 *    for ever.
 * 2. Workers come and go under it, too (stock_close()), so that what is looked at here is there.
 * 3. Nothing is called, and no lcore disturbed, when nobody has anything. Else all that may be
 *    had is tried, then one membarrier(2) is for all of it, then it is looked at, then a second
 *    one is for all that is left, then it is taken. Those system calls are why no map comes here
 *    that could have an IOVA otherwise.
 * 4. A worker that was at work just then keeps what it has: it is no idler. But who asks is told to
 *    look, and ask, again.
 * 5. Nor does anybody go without who could have a chunk that a trim holds while its table is being
 *    invalidated (`away`): he waits until it is back, as long as hardware may take.
 */
#include <sched.h>

#include <rte_pause.h>

#include "../base/epoch.h"
#include "../object/domain.h"
#include "../iova/hold.h"
#include "stock.h"

#define SPINS 64u
#define LOOKS 64u /* a ring gives some at a time */

/* What was tried. */
struct attempt {
	uint32_t mag[IOVA_ORDERS]; /* iova_mag_try() */
	uint32_t ring;
	uint64_t ring_at;
};

static bool
enter(struct sluice_domain *d, uint64_t ticks)
{
	const struct sluice_clock *clock = &d->iommu->clock;
	uint64_t start = 0;

	for (unsigned int turn = 1;
	     atomic_exchange_explicit(&d->robbing, 1, memory_order_acquire) != 0; turn++) {
		if (turn % SPINS != 0) {
			rte_pause();
			continue;
		}
		sched_yield();
		if (start == 0)
			start = sluice_clock_ticks(clock);
		else if (sluice_clock_ticks(clock) - start > ticks)
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

/* @return whether something was tried, or its owner was at work: *busy. */
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

/* No barrier is to be had, so nothing is proven: everybody keeps what he has. */
static void
give_up(struct dom_lcore *dl, const struct attempt *a)
{
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		if (a->mag[o] != 0 && a->mag[o] != UINT32_MAX)
			hold_drop(&dl->mag[o].hold);
	if (a->ring == 1)
		hold_drop(&dl->ring.hold);
}

/* 5. @return whether there was something to wait for, and it is back. */
static bool
away_wait(struct sluice_domain *d)
{
	struct sluice_iommu *iommu = d->iommu;
	uint64_t start = sluice_clock_ticks(&iommu->clock);
	unsigned int turn = 0;

	while (atomic_load_explicit(&d->iova.away, memory_order_seq_cst) != 0) {
		if (sluice_clock_ticks(&iommu->clock) - start > 2 * iommu->sync_timeout)
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
		seen = epoch_barrier() == 0;
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
