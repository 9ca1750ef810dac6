/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Deadlines: every wait of this backend on the hardware has one, by the iommu's own clock.
 */
#ifndef SMMUV3_WAIT_H
#define SMMUV3_WAIT_H

#include <sched.h>
#include <stdbool.h>

#include <rte_pause.h>

#include "../../engine/driver.h"

/* A virtual clock stands still when nobody steps the hardware: then the wait ends after this
 * many TSC cycles (10 to 20 s), or it would never end. */
#define SMMU_WAIT_FROZEN (UINT64_C(1) << 35)
/* Turns of pausing between yields: lcores may share a core. */
#define SMMU_WAIT_YIELD  64u

struct smmu_wait {
	const struct sluice_clock *clock;
	uint64_t start, ticks, tsc;
	unsigned int turn;
};

static inline struct smmu_wait
smmu_wait_begin(const struct sluice_clock *clock, uint64_t ticks)
{
	return (struct smmu_wait){ .clock = clock, .start = sluice_clock_ticks(clock),
				   .ticks = ticks, .tsc = clock->virt ? rte_rdtsc() : 0 };
}

/** @return whether the deadline has passed. */
static inline bool
smmu_wait_over(const struct smmu_wait *w)
{
	if (sluice_clock_ticks(w->clock) - w->start > w->ticks)
		return true;
	return w->clock->virt != NULL && rte_rdtsc() - w->tsc > SMMU_WAIT_FROZEN;
}

/** Spend one turn: the relax hook if there is one, else step what nobody steps, or pause and now and then yield. */
static inline void
smmu_wait_turn(struct smmu_wait *w, struct sluice_iommu *iommu)
{
	w->turn++;
	if (sluice_relax(iommu))
		return;
	if (atomic_load_explicit(&iommu->undriven, memory_order_relaxed)) {
		sluice_drive(iommu);
		return;
	}
	rte_pause();
	if (w->turn % SMMU_WAIT_YIELD == 0)
		sched_yield();
}

#endif
