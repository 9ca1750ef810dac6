/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Paging contexts, and the three things a stream can be attached to.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_atomic.h>

#include "smmuv3.h"

int
smmu_hwdom_init(struct sluice_iommu *iommu, struct sluice_hwdom *hd)
{
	struct smmu *s = iommu->priv;
	uint64_t cd[ENTRY_WORDS];
	struct smmu_ctx *ctx;
	int asid;

	/* Four levels of 4 KiB tables: T0SZ 16 … 24 (§3.4.1). */
	if (hd->ias > s->idr.ias || hd->ias < 40)
		return sluice_fail(EINVAL, "smmuv3: %u input address bits: 40 to %u are possible",
				   hd->ias, s->idr.ias);
	if ((hd->ttb & 0xfff) != 0 || hd->ttb >> s->idr.oas != 0)
		return sluice_fail(EINVAL, "smmuv3: root table 0x%jx is not a page within %u bits",
				   (uintmax_t)hd->ttb, s->idr.oas);
	ctx = calloc(1, sizeof(*ctx));
	if (ctx == NULL)
		return sluice_fail(ENOMEM, "smmuv3: no memory for a context");
	ctx->cd = sluice_mem_alloc(iommu->mem, SMMU_CD_BYTES, SMMU_CD_BYTES, &ctx->cd_pa);
	if (ctx->cd == NULL) {
		free(ctx);
		return sluice_fail(ENOMEM, "smmuv3: no memory for a context descriptor");
	}
	pthread_mutex_lock(&s->lock);
	asid = smmu_asid_get(&s->asids);
	if (asid > 0)
		s->ctxs[asid] = ctx;
	pthread_mutex_unlock(&s->lock);
	if (asid < 0) {
		sluice_mem_free(iommu->mem, (void *)ctx->cd, SMMU_CD_BYTES);
		free(ctx);
		return sluice_fail(ENOSPC, "smmuv3: all %u ASIDs are in use", s->asids.count - 1);
	}
	ctx->asid = (uint16_t)asid;
	/* No stream points to it, so the hardware cannot have it: nothing to tell (§3.21.3.1). */
	cd_s1(cd, hd->ttb, hd->ias, s->idr.oas_code, ctx->asid);
	entry_fill(ctx->cd, cd);
	rte_io_wmb();
	hd->tag = ctx->asid;
	hd->priv = ctx;
	return 0;
}

int
smmu_hwdom_fini(struct sluice_iommu *iommu, struct sluice_hwdom *hd)
{
	struct smmu *s = iommu->priv;
	struct smmu_ctx *ctx = hd->priv;
	struct smmu_cmd cmd;
	int rc;

	if (ctx == NULL)
		return 0;
	pthread_mutex_lock(&s->lock);
	if (ctx->users != 0) {
		rc = sluice_fail(EBUSY, "smmuv3: address space %u is attached to %u streams",
				 ctx->asid, ctx->users);
		goto out;
	}
	/* The last CFGI_STE dropped the cached CD; what the TLB holds of this ASID goes now. */
	cmd = cmd_tlbi_asid(ctx->asid);
	rc = smmu_strtab_settle(s);
	if (rc == 0)
		rc = smmu_sync_cmds(s, &cmd, 1);
	if (rc != 0)
		goto out;
	s->ctxs[ctx->asid] = NULL;
	smmu_asid_put(&s->asids, ctx->asid);
	sluice_mem_free(iommu->mem, (void *)ctx->cd, SMMU_CD_BYTES);
	free(ctx);
	hd->priv = NULL;
out:
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* The context that an STE points to, or NULL. */
static struct smmu_ctx *
ctx_of(struct smmu *s, const _Atomic uint64_t *ste)
{
	uint64_t w = atomic_load_explicit(&ste[0], memory_order_relaxed);
	struct sluice_mem_span span = sluice_mem_span(s->iommu->mem);
	const uint64_t *cd;

	if (smmu_field_get(SMMU_STE_0_CONFIG, w) != SMMU_STE_CONFIG_S1)
		return NULL;
	cd = sluice_span_va(&span, w & SMMU_STE_0_S1CONTEXTPTR, SMMU_CD_BYTES);
	return cd != NULL ? s->ctxs[smmu_field_get(SMMU_CD_0_ASID, cd[0])] : NULL;
}

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
		old = ctx_of(s, ste);
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

	ste_s1(ste, ctx->cd_pa);
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

/* One word is all that the hardware looks at of an STE that aborts, so that one store changes it in
 * one step (entry.c, 2). Room for the command comes first: without it nothing is changed. */
int
smmu_block(struct sluice_iommu *iommu, uint32_t sid, uint64_t *seq)
{
	struct smmu *s = iommu->priv;
	struct cmdq_lcore *lc = cmdq_self(&s->cmdq);
	uint64_t target[ENTRY_WORDS], start;
	_Atomic uint64_t *ste;
	struct smmu_ctx *old;
	int rc;

	/* A control call has it, and may be waiting for the hardware. */
	if (pthread_mutex_trylock(&s->lock) != 0)
		return -EAGAIN;
	rc = smmu_strtab_known(s, sid, &ste);
	if (rc != 0)
		goto out;
	start = cmdq_reserve_now(&s->cmdq, lc, 2);
	if (start == CMDQ_NONE) {
		rc = cmdq_is_dead(&s->cmdq) ? -EIO : -EAGAIN;
		goto out;
	}
	old = ctx_of(s, ste);
	if (old != NULL)
		old->users--;
	ste_abort(target);
	atomic_store_explicit(&ste[0], target[0], memory_order_release);
	cmdq_put(&s->cmdq, start, cmd_cfgi_ste(sid, true));
	*seq = cmdq_commit(&s->cmdq, lc, start, start + 2);
	atomic_fetch_add_explicit(&s->cfgis, 1, memory_order_relaxed);
	/* Nobody here learns whether the hardware has heard of it: the next change tells it again. */
	s->unsure = true;
	/* Nothing depends on the device's own switch: it may not listen to that either. */
	if (s->regs.ops->ats != NULL)
		(void)s->regs.ops->ats(&s->regs, sid, false);
out:
	pthread_mutex_unlock(&s->lock);
	return rc;
}
