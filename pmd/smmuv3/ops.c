/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Opens and closes the backend: its two tables, and the order in which its parts come up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smmuv3.h"

/* SMMUs whose open failed after they were given memory, and that could not be stopped: they may
 * still use that memory. Control path; one call at a time, like opening. */
static struct smmu *kept;

/* Emulated hardware is stepped by this function: the thread that stepped it may have stopped. */
static int
shut_down(struct smmu *s)
{
	struct sluice_iommu *iommu = s->iommu;
	void (*relax)(void *) = iommu->relax;
	bool undriven = iommu->undriven;
	int rc;

	if (!s->given || sluice_regs_lost(&s->regs) != NULL)
		return 0; /* there is no hardware, or none that was given memory */
	if (s->regs.ops->step != NULL) {
		iommu->relax = NULL;
		iommu->undriven = true;
	}
	rc = smmu_reset_shutdown(s);
	iommu->relax = relax;
	iommu->undriven = undriven;
	return rc;
}

static int
init_queues(struct smmu *s, const struct smmu_cfg *cfg)
{
	struct cmdq_conf conf = {
		.iommu = s->iommu,
		.regs = &s->regs,
		.log2size = RTE_MIN(cfg->cmdq_log2, s->idr.cmdqs),
		.msi = s->idr.msi && !cfg->want_cons,
		.share = true,
		.repeat = cfg->repeat,
	};
	bool lcores[RTE_MAX_LCORE];
	int rc;

	if (cfg->repeat && conf.log2size < 2)
		return sluice_fail(EINVAL, "quirk=repeat-tlbi-cfgi: this SMMU's command queue has fewer "
				   "than 4 entries (IDR1.CMDQS)");
	if (cfg->want_msi && !conf.msi)
		return sluice_fail(EINVAL, "sync=msi: this SMMU has no MSIs");
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		lcores[i] = rte_lcore_is_enabled(i);
	conf.lcores = lcores;
	rc = cmdq_init(&s->cmdq, &conf);
	if (rc == 0)
		rc = evtq_init(&s->evtq, s->iommu->mem, &s->regs,
			       RTE_MIN(cfg->evtq_log2, s->idr.evtqs));
	return rc != 0 ? sluice_fail(-rc, "smmuv3: no memory for the queues") : 0;
}

static void
fill_info(struct smmu *s)
{
	struct sluice_iommu *iommu = s->iommu;
	struct sluice_iommu_info *info = &iommu->info;

	iommu->formats = s->idr.formats;
	iommu->caps = SLUICE_CAP_DEFERRED | SLUICE_CAP_BYPASS | SLUICE_CAP_COHERENT |
		      (s->idr.ril ? SLUICE_CAP_RANGE_INV : 0) | (s->ats ? SLUICE_CAP_ATS : 0) |
		      (s->cmdq.msi != NULL ? SLUICE_CAP_SYNC_MSI : 0) |
		      (s->regs.ops->step != NULL ? SLUICE_CAP_EMULATED : 0);
	snprintf(info->backend, sizeof(info->backend), "smmuv3");
	snprintf(info->regs, sizeof(info->regs), "%s", s->regs.ops->name);
	snprintf(info->settings, sizeof(info->settings), "%s", s->regs.settings);
	info->caps = iommu->caps;
	info->ias = s->idr.ias;
	info->oas = s->idr.oas;
	info->sid_bits = s->strtab.log2size;
	info->cmdq_entries = (uint32_t)s->cmdq.mask + 1;
	info->evtq_entries = s->evtq.mask + 1;
	info->page_sizes = s->idr.page_sizes;
	iommu->fast = (struct sluice_iommu_fast){
		.inv_submit = smmu_inv_submit,
		.inv_try = smmu_inv_try,
		.inv_done = smmu_inv_done,
		.inv_result = smmu_inv_result,
		.fault_burst = smmu_fault_burst,
		.respond_burst = s->idr.stall || s->idr.pri ? smmu_respond_burst : NULL,
		.queue = s,
	};
}

static void
free_parts(struct smmu *s)
{
	if (s->cmdq.iommu != NULL)
		cmdq_free(&s->cmdq);
	evtq_free(&s->evtq, s->iommu->mem);
	smmu_strtab_free(s);
	smmu_ctxs_free(s);
}

/* All addresses that the hardware is given are in this memory; its OAS must cover them (§3.4). */
static int
check_reach(const struct smmu *s)
{
	struct sluice_mem_span m = sluice_mem_span(s->iommu->mem);

	if ((m.pa + m.len - 1) >> s->idr.oas == 0)
		return 0;
	return sluice_fail(ENODEV, "smmuv3: memory at 0x%jx+0x%jx is beyond the hardware's %u address "
			   "bits (IDR5.OAS)", (uintmax_t)m.pa, (uintmax_t)m.len, s->idr.oas);
}

static int
bring_up(struct smmu *s, const struct smmu_cfg *cfg)
{
	int rc = smmu_idr_read(&s->regs, &s->idr);

	if (rc == 0)
		rc = check_reach(s);
	if (rc != 0)
		return rc;
	rc = smmu_ctxs_init(s);
	if (rc != 0)
		return sluice_fail(-rc, "smmuv3: no memory for contexts");
	rc = init_queues(s, cfg);
	if (rc == 0)
		rc = smmu_strtab_init(s, cfg);
	s->ats = rc == 0 && smmu_ats_possible(s);
	if (rc == 0)
		rc = smmu_reset_quiesce(s);
	if (rc == 0)
		rc = smmu_reset_bring_up(s);
	return rc;
}

static int
smmu_stop(struct sluice_iommu *iommu)
{
	struct smmu *s = iommu->priv;
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = shut_down(s);
	s->stopped = rc == 0;
	pthread_mutex_unlock(&s->lock);
	return rc == 0 ? 0 :
	       sluice_fail(-rc, "smmuv3: the hardware cannot be stopped, and may still use its memory: "
			   "it is kept (%s)", sluice_error());
}

static void
smmu_close(struct sluice_iommu *iommu)
{
	struct smmu *s = iommu->priv;

	free_parts(s);
	pthread_mutex_destroy(&s->lock);
	sluice_regs_close(&s->regs);
	free(s);
	iommu->priv = NULL;
}

static int
smmu_open(struct sluice_iommu *iommu, struct rte_kvargs *kv)
{
	struct smmu_cfg cfg;
	struct smmu *s;
	int rc = smmu_parse(&cfg, kv);

	if (rc != 0)
		return rc;
	s = aligned_alloc(RTE_CACHE_LINE_SIZE,
			  RTE_ALIGN_CEIL(sizeof(*s), (size_t)RTE_CACHE_LINE_SIZE));
	if (s == NULL)
		return sluice_fail(ENOMEM, "smmuv3: no memory");
	memset((void *)s, 0, sizeof(*s));
	s->iommu = iommu;
	atomic_flag_clear(&s->servicing);
	rc = sluice_regs_open(&s->regs, kv, smmu_keys);
	if (rc != 0) {
		free(s);
		return rc;
	}
	pthread_mutex_init(&s->lock, NULL);
	iommu->priv = s;
	iommu->mem = s->regs.mem;
	iommu->clock = s->regs.clock;
	iommu->emu = s->regs.emu;
	iommu->regs = &s->regs;
	iommu->sync_timeout = sluice_clock_from_ns(&iommu->clock, cfg.sync_timeout_us * 1000);
	iommu->undriven = s->regs.ops->step != NULL;
	rc = bring_up(s, &cfg);
	if (rc != 0) {
		/* Report the first error, or its cause. */
		const char *lost = sluice_regs_lost(&s->regs);
		char why[256];
		int err = lost != NULL ? ENODEV : -rc;

		snprintf(why, sizeof(why), "%s", lost != NULL ? lost : sluice_error());
		if (shut_down(s) != 0) {
			s->kept = kept;
			kept = s;
			return sluice_fail(err, "%s; it cannot be stopped either, so the memory that "
					   "it was told of is kept", why);
		}
		free_parts(s);
		pthread_mutex_destroy(&s->lock);
		sluice_regs_close(&s->regs);
		free(s);
		iommu->priv = NULL;
		return sluice_fail(err, "%s", why);
	}
	fill_info(s);
	return 0;
}

static int
smmu_step(struct sluice_iommu *iommu, unsigned int budget)
{
	struct smmu *s = iommu->priv;

	return s->regs.ops->step != NULL ? s->regs.ops->step(&s->regs, budget) : -ENOTSUP;
}

static const char *
smmu_broken(const struct sluice_iommu *iommu)
{
	const struct smmu *s = iommu->priv;

	return atomic_load_explicit(&s->cmdq.why, memory_order_relaxed);
}

static int
smmu_watch(struct sluice_iommu *iommu, uint64_t pa, uint64_t len, const uint8_t *owned)
{
	struct smmu *s = iommu->priv;

	return s->regs.ops->watch != NULL ? s->regs.ops->watch(&s->regs, pa, len, owned) : -ENOTSUP;
}

static const struct sluice_iommu_ops smmuv3_ops = {
	.name = "smmuv3",
	.open = smmu_open,
	.stop = smmu_stop,
	.close = smmu_close,
	.hwdom_init = smmu_hwdom_init,
	.hwdom_fini = smmu_hwdom_fini,
	.attach_paging = smmu_attach_paging,
	.attach_identity = smmu_attach_identity,
	.attach_blocked = smmu_attach_blocked,
	.block = smmu_block,
	.ats = smmu_ats,
	.service = smmu_service,
	.broken = smmu_broken,
	.xstats = smmu_xstats,
	.step = smmu_step,
	.watch = smmu_watch,
	.raw = &smmu_raw_ops,
};

SLUICE_REGISTER_BACKEND(smmuv3, &smmuv3_ops)
