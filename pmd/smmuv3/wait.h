/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One turn of this backend's waits; engine/base/deadline.h bounds them.
 */
#ifndef SMMUV3_WAIT_H
#define SMMUV3_WAIT_H

#include <sched.h>

#include <rte_pause.h>

#include "../../engine/base/deadline.h"
#include "../../engine/driver.h"

/* Turns of pausing between yields: lcores may share a core. */
#define SMMU_WAIT_YIELD 64u

/** Spend one turn: the relax hook, else steps of undriven emulated hardware, else a pause. */
static inline void
smmu_wait_turn(struct sluice_iommu *iommu, unsigned int turn)
{
	if (sluice_relax(iommu))
		return;
	if (atomic_load_explicit(&iommu->undriven, memory_order_relaxed)) {
		sluice_drive(iommu);
		return;
	}
	rte_pause();
	if (turn % SMMU_WAIT_YIELD == 0)
		sched_yield();
}

#endif
