/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The contexts of paging domains. A stage-1 address space has a CD and an ASID. ASIDs are unique in
 * this SMMU, with any VMID, so an ASID alone finds its context. A stage-2 address space has a VMID,
 * from 1 on; VMID 0 belongs to all stage-1 spaces without a stage 2.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_atomic.h>

#include "smmuv3.h"

int
smmu_ctxs_init(struct smmu *s)
{
	int rc = smmu_ids_init(&s->asids, s->idr.asid16);

	if (rc == 0)
		rc = smmu_ids_init(&s->vmids, s->idr.vmid16);
	if (rc != 0)
		return rc;
	s->ctxs = calloc(s->asids.count, sizeof(*s->ctxs));
	s->s2_ctxs = calloc(s->vmids.count, sizeof(*s->s2_ctxs));
	if (s->idr.s2p && s->idr.s1p) {
		s->vmid_of = calloc(s->asids.count, sizeof(*s->vmid_of));
		s->children = calloc(s->vmids.count, sizeof(*s->children));
		if (s->vmid_of == NULL || s->children == NULL)
			return -ENOMEM;
	}
	return s->ctxs == NULL || s->s2_ctxs == NULL ? -ENOMEM : 0;
}

static void
ctx_free(struct smmu *s, struct smmu_ctx *ctx)
{
	if (ctx->cd != NULL)
		sluice_mem_free(s->iommu->mem, (void *)ctx->cd, SMMU_CD_BYTES);
	free(ctx);
}

void
smmu_ctxs_free(struct smmu *s)
{
	for (uint32_t i = 0; s->ctxs != NULL && i < s->asids.count; i++)
		if (s->ctxs[i] != NULL)
			ctx_free(s, s->ctxs[i]);
	for (uint32_t i = 0; s->s2_ctxs != NULL && i < s->vmids.count; i++)
		if (s->s2_ctxs[i] != NULL)
			ctx_free(s, s->s2_ctxs[i]);
	free(s->ctxs);
	free(s->s2_ctxs);
	free((void *)s->vmid_of);
	free((void *)s->children);
	smmu_ids_free(&s->asids);
	smmu_ids_free(&s->vmids);
}

/* Make a tag and a CD for a stage-1 context. Under s->lock. @return the tag or -errno. */
static int
add_s1(struct smmu *s, struct smmu_ctx *ctx, const struct sluice_hwdom *hd)
{
	uint64_t cd[ENTRY_WORDS];
	int asid = smmu_id_get(&s->asids);

	if (asid < 0)
		return sluice_fail(ENOSPC, "smmuv3: all %u ASIDs are in use", s->asids.count - 1);
	ctx->asid = (uint16_t)asid;
	s->ctxs[asid] = ctx;
	if (ctx->parent != NULL) {
		ctx->parent->users++;
		ctx->vmid = ctx->parent->vmid;
		atomic_store_explicit(&s->vmid_of[asid], ctx->vmid, memory_order_relaxed);
		/* Pairs with the fence in tell_children() (inv.c): either an unmapping thread sees
		 * this, or each walk of the stream that is attached next sees what it cleared. */
		atomic_fetch_add_explicit(&s->children[ctx->vmid], 1, memory_order_seq_cst);
	}
	/* No stream points to it, so the hardware cannot have cached it (§3.21.3.1). */
	cd_s1(cd, hd->ttb, hd->ias, smmu_formats[hd->format].tg, s->idr.oas_code, ctx->asid);
	entry_fill(ctx->cd, cd);
	return asid;
}

/* The same for stage 2. */
static int
add_s2(struct smmu *s, struct smmu_ctx *ctx, const struct sluice_hwdom *hd)
{
	int vmid = smmu_id_get(&s->vmids);

	if (vmid < 0)
		return sluice_fail(ENOSPC, "smmuv3: all %u VMIDs are in use", s->vmids.count - 1);
	ctx->vmid = (uint16_t)vmid;
	s->s2_ctxs[vmid] = ctx;
	ste_s2_words(ctx->s2, hd, s->idr.oas_code, ctx->vmid);
	return vmid;
}

int
smmu_hwdom_init(struct sluice_iommu *iommu, struct sluice_hwdom *hd)
{
	struct smmu *s = iommu->priv;
	struct smmu_ctx *ctx;
	bool s2;
	int tag = smmu_format_check(s, hd);

	if (tag != 0)
		return tag;
	s2 = smmu_formats[hd->format].s2;
	if (hd->parent != NULL && (s2 || !smmu_formats[hd->parent->format].s2))
		return sluice_fail(EINVAL, "smmuv3: only a stage 1 over a stage 2 can be nested");
	ctx = calloc(1, sizeof(*ctx));
	if (ctx == NULL)
		return sluice_fail(ENOMEM, "smmuv3: no memory for a context");
	ctx->parent = hd->parent != NULL ? hd->parent->priv : NULL;
	if (!s2)
		ctx->cd = sluice_mem_alloc(iommu->mem, SMMU_CD_BYTES, SMMU_CD_BYTES, &ctx->cd_pa);
	if (!s2 && ctx->cd == NULL) {
		free(ctx);
		return sluice_fail(ENOMEM, "smmuv3: no memory for a context descriptor");
	}
	pthread_mutex_lock(&s->lock);
	tag = s2 ? add_s2(s, ctx, hd) : add_s1(s, ctx, hd);
	pthread_mutex_unlock(&s->lock);
	if (tag < 0) {
		ctx_free(s, ctx);
		return tag;
	}
	rte_io_wmb();
	hd->tag = (uint16_t)tag;
	hd->priv = ctx;
	return 0;
}

/* Free the tag: no TLB entry carries it any more. Under s->lock. */
static void
forget(struct smmu *s, struct smmu_ctx *ctx)
{
	if (ctx->cd == NULL) {
		s->s2_ctxs[ctx->vmid] = NULL;
		smmu_id_put(&s->vmids, ctx->vmid);
	} else {
		s->ctxs[ctx->asid] = NULL;
		smmu_id_put(&s->asids, ctx->asid);
	}
	if (ctx->parent != NULL) {
		ctx->parent->users--;
		atomic_store_explicit(&s->vmid_of[ctx->asid], 0, memory_order_relaxed);
		atomic_fetch_sub_explicit(&s->children[ctx->vmid], 1, memory_order_relaxed);
	}
	ctx_free(s, ctx);
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
		rc = sluice_fail(EBUSY, "smmuv3: address space %u is attached to %u streams, or has "
				 "that many others nested in it", hd->tag, ctx->users);
		goto out;
	}
	/* The last CFGI_STE dropped the cached CD; now drop the TLB entries with this tag. */
	cmd = ctx->cd != NULL ? cmd_tlbi_asid(ctx->vmid, ctx->asid) : cmd_tlbi_vmall(ctx->vmid);
	rc = smmu_strtab_settle(s);
	if (rc == 0)
		rc = smmu_sync_cmds(s, &cmd, 1);
	if (rc != 0)
		goto out;
	forget(s, ctx);
	hd->priv = NULL;
out:
	pthread_mutex_unlock(&s->lock);
	return rc;
}

struct smmu_ctx *
smmu_ctx_of(struct smmu *s, const _Atomic uint64_t *ste)
{
	uint64_t w0 = atomic_load_explicit(&ste[0], memory_order_relaxed);
	uint64_t w2 = atomic_load_explicit(&ste[2], memory_order_relaxed);
	uint64_t vmid = smmu_field_get(SMMU_STE_2_S2VMID, w2);
	struct sluice_mem_span span = sluice_mem_span(s->iommu->mem);
	const uint64_t *cd;

	if (!ste_translates(w0))
		return NULL;
	if (smmu_field_get(SMMU_STE_0_CONFIG, w0) == SMMU_STE_CONFIG_S2)
		return vmid < s->vmids.count ? s->s2_ctxs[vmid] : NULL;
	cd = sluice_span_va(&span, w0 & SMMU_STE_0_S1CONTEXTPTR, SMMU_CD_BYTES);
	return cd != NULL ? s->ctxs[smmu_field_get(SMMU_CD_0_ASID, cd[0])] : NULL;
}
