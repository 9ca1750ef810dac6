/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Looks into the driver and the emulated SMMU, for names of cache lines and for counts. Not
 * instrumented: nobody pays for it.
 */
#include "engine/driver.h"
#include "pmd/emu/smmuv3/emu_smmuv3.h"
#include "pmd/smmuv3/smmuv3.h"
#include "scale.h"

struct scale_queue
scale_queue(struct sluice_iommu *iommu)
{
	struct smmu *s = iommu->fast.queue;
	struct cmdq *cq = &s->cmdq;

	line_name(&cq->tail, 64, "cmdq.tail");
	line_name(&cq->head, 64, "cmdq.head");
	line_name(cq->cmds, (cq->mask + 1) * SMMU_CMD_BYTES, "commands");
	line_name(cq->slots, (cq->mask + 1) * sizeof(*cq->slots), "cmdq.slots");
	line_name(cq->lcore, sizeof(cq->lcore), "cmdq.lcore");
	if (cq->msi != NULL)
		line_name(cq->msi, 64, "SYNC's word");
	return (struct scale_queue){
		.cmds = cq->cmds, .pa = cq->pa, .mask = cq->mask,
		.head = atomic_load_explicit(&cq->head, memory_order_relaxed),
		.prod = (volatile uint32_t *)(void *)(s->regs.base + SMMU_CMDQ_PROD),
		.cons = (volatile uint32_t *)(void *)(s->regs.base + SMMU_CMDQ_CONS),
		.regs = s->regs.base,
		.ram = (void *)sluice_mem_span(iommu->mem).va, .ram_len = sluice_mem_span(iommu->mem).len,
	};
}

void
scale_hw_step(struct sluice_iommu *iommu)
{
	/* Not sluice_iommu_step(), which notes in the iommu itself that somebody steps. */
	(void)emu_step(iommu->emu, 1);
}

void
scale_hw_counts(struct sluice_iommu *iommu, uint64_t *syncs, uint64_t *cmds)
{
	struct emu_smmuv3_stats st;

	emu_smmuv3_get_stats(iommu->emu, &st);
	*syncs = st.syncs;
	*cmds = st.cmds;
}
