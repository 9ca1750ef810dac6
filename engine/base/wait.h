/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Waiting for the hardware: one turn of a wait, the same in every wait.
 */
#ifndef ENGINE_WAIT_H
#define ENGINE_WAIT_H

#include "../driver.h"

/** Spend one turn: relax hook, or spin, pause, yield; look for errors now and then. */
void sluice_wait_turn(struct sluice_iommu *iommu, unsigned int turn);

/** @return what ops->broken() says, or NULL. */
static inline const char *
sluice_broken(const struct sluice_iommu *iommu)
{
	return iommu->ops->broken != NULL ? iommu->ops->broken(iommu) : NULL;
}

/**
 * sluice_inv_wait(), with the first look at the completion in the caller: hardware that answers
 * within the doorbell's write has done it by then.
 */
static inline int
inv_wait(struct sluice_iommu *iommu, uint64_t seq)
{
	const struct sluice_iommu_fast *fast = &iommu->fast;

	if (fast->inv_done(fast->queue) < seq)
		return sluice_inv_wait(iommu, seq);
	return fast->inv_result(fast->queue, seq);
}

#endif
