/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Global errors (IHI 0070 §7.5): found by polling, repaired if possible, and always counted. And a
 * reset that nobody announced: CR0 and CR0ACK are 0 after it (§6.3), GERROR says nothing of it.
 */
#include <rte_atomic.h>
#include <rte_branch_prediction.h>

#include "smmuv3.h"

/*
 * Is something off that this driver has turned on? Another thread may be changing CR0: what it
 * expected before and after the look counts only if it is the same note, and then the register
 * cannot have changed in between but for a reset.
 */
static bool
reset_underneath(struct smmu *s)
{
	/* Acquire: pairs with the release in smmu_cr0_expect(). What was acknowledged before that
	 * note is seen by the read. */
	uint64_t before = atomic_load_explicit(&s->cr0, memory_order_acquire);
	uint32_t ack, on = (uint32_t)before;

	/* Once is for good: the queue is dead. */
	if (on == 0 || atomic_load_explicit(&s->resets, memory_order_relaxed) != 0)
		return false;
	/* An acquire: a note that came before what is read here is seen below. */
	ack = regs_read32(&s->regs, SMMU_CR0ACK);
	rte_io_rmb();
	return (ack & on) != on &&
	       atomic_load_explicit(&s->cr0, memory_order_relaxed) == before;
}

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
	if (unlikely(reset_underneath(s))) {
		/* CONS is one of the registers that say nothing any more. What was taken for
		 * complete because of it until now (it is 0, and a burst may end there) does no
		 * harm: a reset leaves nothing in the caches, and SMMUEN is 0. */
		if (!cmdq_is_dead(&s->cmdq))
			cmdq_kill(&s->cmdq, "the SMMU was reset underneath this program (CR0ACK has "
				  "lost what was turned on): nothing can be invalidated any more; stop "
				  "the iommu, close it and open it again", false);
		atomic_fetch_add_explicit(&s->resets, 1, memory_order_relaxed);
		goto out;
	}
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
