/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Global errors (IHI 0070 §7.5): found by polling, repaired if possible, and always counted.
 */
#include <rte_atomic.h>

#include "smmuv3.h"

unsigned int
smmu_service(struct sluice_iommu *iommu)
{
	struct smmu *s = iommu->priv;
	uint32_t gerror, gerrorn, active;
	unsigned int handled = 0;

	/* The thread that gets this does the work; no other waits. Acquire and release pair: the
	 * repair of one holder is complete before the next one looks. */
	if (atomic_flag_test_and_set_explicit(&s->servicing, memory_order_acquire))
		return 0;
	gerror = regs_read32(&s->regs, SMMU_GERROR);
	gerrorn = regs_read32(&s->regs, SMMU_GERRORN);
	active = (gerror ^ gerrorn) & (uint32_t)SMMU_GERROR_MASK;
	if (active == 0)
		goto out;

	for (unsigned int bit = 0; bit < RTE_DIM(s->gerr.count); bit++) {
		if ((active & (1u << bit)) != 0) {
			atomic_fetch_add_explicit(&s->gerr.count[bit], 1, memory_order_relaxed);
			handled++;
		}
	}
	/* Service-failure mode: the hardware has stopped working (§12.3). */
	if ((active & SMMU_GERROR_SFM_ERR) != 0)
		cmdq_kill(&s->cmdq, "the SMMU has stopped working (GERROR.SFM_ERR, service-failure "
			  "mode)", true);
	/* A SYNC's write was aborted, and others may be: use CONS from now on (§7.5.1). */
	if ((active & SMMU_GERROR_MSI_CMDQ_ABT_ERR) != 0)
		atomic_store_explicit(&s->cmdq.msi_on, false, memory_order_relaxed);
	/* The error of a dead queue is not acknowledged, or the hardware would run on. */
	if ((active & SMMU_GERROR_CMDQ_ERR) != 0 && !cmdq_repair(&s->cmdq))
		active &= ~(uint32_t)SMMU_GERROR_CMDQ_ERR;
	/* Acknowledge what was handled and nothing else, after the repaired slot is visible. */
	rte_io_wmb();
	if (active != 0)
		regs_write32(&s->regs, SMMU_GERRORN, gerrorn ^ active);
	atomic_fetch_add_explicit(&s->gerr.handled, handled, memory_order_relaxed);
out:
	atomic_flag_clear_explicit(&s->servicing, memory_order_release);
	return handled;
}
