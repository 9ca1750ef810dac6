/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Waiting for an invalidation: bounded, and never deaf to the hardware's errors.
 */
#include <errno.h>
#include <sched.h>

#include <rte_pause.h>

#include "deadline.h"
#include "wait.h"

/* Turns spent looking without a pause: a SYNC takes well under a microsecond, and a pause
 * instruction alone can take a tenth of that. */
#define SPIN_TURNS    1024u
/* Turns between yields after that: lcores may share a core (tests, small machines). */
#define YIELD_TURNS   64u
/* Turns between looks at the hardware's error state. */
#define SERVICE_TURNS 4096u

/* How deep this thread is in relax hooks. */
static _Thread_local unsigned int relaxing;

bool
sluice_relax(struct sluice_iommu *iommu)
{
	if (iommu->relax == NULL)
		return false;
	relaxing++;
	iommu->relax(iommu->relax_arg);
	relaxing--;
	return true;
}

bool
sluice_relaxing(void)
{
	return relaxing != 0;
}

void
sluice_wait_turn(struct sluice_iommu *iommu, unsigned int turn)
{
	if (sluice_relax(iommu))
		;
	else if (atomic_load_explicit(&iommu->undriven, memory_order_relaxed))
		sluice_drive(iommu);
	else if (turn > SPIN_TURNS) {
		rte_pause();
		if (turn % YIELD_TURNS == 0)
			sched_yield();
	}
	if (turn % SERVICE_TURNS == 0)
		iommu->ops->service(iommu);
}

int
sluice_sync_lost(const struct sluice_iommu *iommu)
{
	const char *why = sluice_broken(iommu);

	if (why != NULL)
		return sluice_fail(ETIMEDOUT, "%s: %s", iommu->info.backend, why);
	return sluice_fail(ETIMEDOUT, "%s: a SYNC did not complete within %u us (sync_timeout_us): the "
			   "hardware hangs%s", iommu->info.backend,
			   (unsigned int)(sluice_clock_to_ns(&iommu->clock, iommu->sync_timeout) / 1000),
			   iommu->ops->step == NULL ? "" : ", or, as it is emulated, nobody steps it "
			   "(sluice_iommu_step(), sluice_iommu_set_relax()): the lcore that does is starved, "
			   "or there is none");
}

int
sluice_inv_wait(struct sluice_iommu *iommu, uint64_t seq)
{
	struct sluice_iommu_fast *fast = &iommu->fast;
	struct deadline end = { 0 };

	for (unsigned int turn = 1; fast->inv_done(fast->queue) < seq; turn++) {
		sluice_wait_turn(iommu, turn);
		/* The clock is read now and then only: a deadline of a second can wait. */
		if (turn % 256 == 0 && deadline_look(&end, &iommu->clock, iommu->sync_timeout)) {
			/* An error that nobody has looked at yet may be the cause, and end the wait. */
			iommu->ops->service(iommu);
			if (fast->inv_done(fast->queue) < seq)
				return sluice_sync_lost(iommu);
			break;
		}
	}
	return fast->inv_result(fast->queue, seq);
}

int
sluice_inv_sync(struct sluice_iommu *iommu, const struct sluice_inv *inv, unsigned int n)
{
	uint64_t seq = iommu->fast.inv_submit(iommu->fast.queue, inv, n);

	return seq == 0 ? -EIO : sluice_inv_wait(iommu, seq);
}
