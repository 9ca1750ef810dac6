/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Attaching a stream to one of three kinds of domain: paging, identity, blocked.
 */
#include <errno.h>

#include <rte_atomic.h>

#include "smmuv3.h"

static int
attach(struct sluice_iommu *iommu, uint32_t sid, const uint64_t target[ENTRY_WORDS],
       struct smmu_ctx *ctx)
{
	struct smmu *s = iommu->priv;
	_Atomic uint64_t *ste;
	struct smmu_ctx *old;
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = smmu_strtab_ste(s, sid, &ste);
	if (rc == 0) {
		old = smmu_ctx_of(s, ste);
		rc = smmu_strtab_write(s, sid, ste, target);
		if (rc == 0 && old != NULL)
			old->users--;
		if (rc == 0 && ctx != NULL)
			ctx->users++;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int
smmu_attach_paging(struct sluice_iommu *iommu, uint32_t sid, struct sluice_hwdom *hd)
{
	struct smmu_ctx *ctx = hd->priv;
	uint64_t ste[ENTRY_WORDS];

	if (ctx->cd == NULL)
		ste_s2(ste, ctx->s2);
	else if (ctx->parent == NULL)
		ste_s1(ste, ctx->cd_pa);
	else
		ste_nested(ste, ctx->cd_pa, ctx->parent->s2);
	return attach(iommu, sid, ste, ctx);
}

int
smmu_attach_identity(struct sluice_iommu *iommu, uint32_t sid)
{
	uint64_t ste[ENTRY_WORDS];

	ste_bypass(ste);
	return attach(iommu, sid, ste, NULL);
}

int
smmu_attach_blocked(struct sluice_iommu *iommu, uint32_t sid)
{
	uint64_t ste[ENTRY_WORDS];

	ste_abort(ste);
	return attach(iommu, sid, ste, NULL);
}

/* The hardware looks at only one word of an STE that aborts, so one store changes it in one step
 * (entry.c, 2). Room for the command is reserved first: without it nothing changes. */
int
smmu_block(struct sluice_iommu *iommu, uint32_t sid, uint64_t *seq)
{
	struct smmu *s = iommu->priv;
	struct cmdq_lcore *lc = cmdq_self(&s->cmdq);
	const struct smmu_cmd cmd = cmd_cfgi_ste(sid, true);
	uint64_t target[ENTRY_WORDS], start;
	_Atomic uint64_t *ste;
	struct smmu_ctx *old;
	int rc;

	/* A control call has the lock, and may be waiting for the hardware. */
	if (pthread_mutex_trylock(&s->lock) != 0)
		return -EAGAIN;
	rc = smmu_strtab_known(s, sid, &ste);
	if (rc != 0)
		goto out;
	start = cmdq_reserve_now(&s->cmdq, lc, cmdq_slots(&s->cmdq, &cmd, 1));
	if (start == CMDQ_NONE) {
		rc = cmdq_is_dead(&s->cmdq) ? -EIO : -EAGAIN;
		goto out;
	}
	old = smmu_ctx_of(s, ste);
	if (old != NULL)
		old->users--;
	ste_abort(target);
	atomic_store_explicit(&ste[0], target[0], memory_order_release);
	*seq = cmdq_fill(&s->cmdq, lc, start, &cmd, 1);
	atomic_fetch_add_explicit(&s->cfgis, 1, memory_order_relaxed);
	/* This does not learn whether the command completes, so the next change repeats it. */
	s->unsure = true;
	/* Protection does not depend on the device's own switch, which it may ignore too. */
	if (s->regs.ops->ats != NULL)
		(void)s->regs.ops->ats(&s->regs, sid, false);
out:
	pthread_mutex_unlock(&s->lock);
	return rc;
}
