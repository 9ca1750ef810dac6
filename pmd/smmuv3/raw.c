/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Raw access to this SMMU for conformance tests and debugging. It uses the driver's own queues and
 * tables, so these are under test as well.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_atomic.h>

#include "smmuv3.h"

static void
raw_info(struct sluice_iommu *iommu, struct sluice_raw_info *info)
{
	struct smmu *s = iommu->priv;

	snprintf(info->arch, sizeof(info->arch), "smmuv3");
	info->regs_bytes = SMMU_REGS_SIZE;
	info->cmd_words = SMMU_CMD_DWORDS;
	info->event_words = SMMU_EVT_DWORDS;
	info->entry_words[SLUICE_RAW_STREAM] = SMMU_STE_DWORDS;
	info->entry_words[SLUICE_RAW_STREAM_L1] = 1;
	info->entry_words[SLUICE_RAW_CONTEXT] = SMMU_CD_DWORDS;
	info->max_cmds = (uint8_t)s->cmdq.max_cmds;
}

static uint64_t
raw_reg_read(struct sluice_iommu *iommu, uint32_t off, unsigned int size)
{
	struct smmu *s = iommu->priv;

	return size == 8 ? regs_read64(&s->regs, off) : regs_read32(&s->regs, off);
}

static void
raw_reg_write(struct sluice_iommu *iommu, uint32_t off, unsigned int size, uint64_t v)
{
	struct smmu *s = iommu->priv;

	/* Who changes CR0 past this driver knows what that does. */
	if (off <= SMMU_CR0 && SMMU_CR0 < off + size)
		smmu_cr0_expect(s, 0);
	rte_io_wmb();
	if (size == 8)
		regs_write64(&s->regs, off, v);
	else
		regs_write32(&s->regs, off, (uint32_t)v);
}

static int
raw_cmds(struct sluice_iommu *iommu, const uint64_t *words, unsigned int n)
{
	struct smmu_cmd cmds[SLUICE_INV_BURST];

	memcpy(cmds, words, n * sizeof(*cmds));
	return smmu_sync_cmds(iommu->priv, cmds, n);
}

/* ---- entries --------------------------------------------------------------------------------- */

/* Find an entry in memory. Under s->lock. */
static int
entry_find(struct smmu *s, enum sluice_raw_entry kind, uint32_t sid, _Atomic uint64_t **e)
{
	struct sluice_mem_span span = sluice_mem_span(s->iommu->mem);
	_Atomic uint64_t *ste;
	uint64_t w;
	int rc;

	if (kind == SLUICE_RAW_STREAM_L1) {
		if (!s->strtab.two_level)
			return sluice_fail(ENOENT, "the stream table is linear: no level 1");
		if ((uint64_t)sid >> s->strtab.log2size != 0)
			return sluice_fail(EINVAL, "stream 0x%x: streams below 2^%u", sid,
					   s->strtab.log2size);
		*e = &s->strtab.l1[sid >> STRTAB_SPLIT];
		return 0;
	}
	rc = smmu_strtab_ste(s, sid, &ste);
	if (rc != 0 || kind == SLUICE_RAW_STREAM) {
		*e = ste;
		return rc;
	}
	w = atomic_load_explicit(&ste[0], memory_order_relaxed);
	*e = NULL;
	if (ste_translates(w) && smmu_field_get(SMMU_STE_0_CONFIG, w) != SMMU_STE_CONFIG_S2)
		*e = sluice_span_va(&span, w & SMMU_STE_0_S1CONTEXTPTR, SMMU_CD_BYTES);
	return *e != NULL ? 0 : sluice_fail(ENOENT, "stream 0x%x has no context descriptor", sid);
}

static unsigned int
entry_words(enum sluice_raw_entry kind)
{
	return kind == SLUICE_RAW_STREAM_L1 ? 1 : ENTRY_WORDS;
}

static int
raw_entry_read(struct sluice_iommu *iommu, enum sluice_raw_entry kind, uint32_t sid,
	       uint64_t *words)
{
	struct smmu *s = iommu->priv;
	_Atomic uint64_t *e;
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = entry_find(s, kind, sid, &e);
	for (unsigned int i = 0; rc == 0 && i < entry_words(kind); i++)
		words[i] = atomic_load_explicit(&e[i], memory_order_relaxed);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int
raw_entry_write(struct sluice_iommu *iommu, enum sluice_raw_entry kind, uint32_t sid,
		const uint64_t *words)
{
	struct smmu *s = iommu->priv;
	_Atomic uint64_t *e;
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = entry_find(s, kind, sid, &e);
	/* The word with V, or the pointer, comes last. */
	for (unsigned int i = entry_words(kind); rc == 0 && i-- > 0; )
		atomic_store_explicit(&e[i], words[i], memory_order_release);
	rte_io_wmb();
	pthread_mutex_unlock(&s->lock);
	return rc;
}

struct cd_arg {
	struct smmu *s;
	uint32_t sid;
};

static int
sync_cd(void *arg)
{
	struct cd_arg *a = arg;
	struct smmu_cmd cmd = cmd_cfgi_cd(a->sid, 0, true);

	return smmu_sync_cmds(a->s, &cmd, 1);
}

static int
raw_entry_change(struct sluice_iommu *iommu, enum sluice_raw_entry kind, uint32_t sid,
		 const uint64_t *words)
{
	struct smmu *s = iommu->priv;
	struct cd_arg arg = { s, sid };
	struct entry_ops ops = { cd_used, sync_cd, SMMU_CD_0_V, &arg };
	_Atomic uint64_t *e;
	int rc;

	if (kind == SLUICE_RAW_STREAM_L1)
		return sluice_fail(ENOTSUP, "level-1 descriptors are not changed in steps");
	pthread_mutex_lock(&s->lock);
	rc = entry_find(s, kind, sid, &e);
	if (rc == 0)
		rc = kind == SLUICE_RAW_STREAM ? smmu_strtab_write(s, sid, e, words) :
						 entry_write(e, words, &ops);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* ---- events and reset ------------------------------------------------------------------------ */

static int
raw_events(struct sluice_iommu *iommu, uint64_t *words, struct sluice_fault *f, unsigned int n)
{
	struct smmu *s = iommu->priv;
	struct evtq *q = &s->evtq;
	struct sluice_fault scratch[EVTQ_BURST];
	unsigned int done = 0, got;

	do {
		/* The driver's own consumer gives slots back, so their records are copied first;
		 * then it gets exactly these. */
		uint32_t prod = regs_read32(q->regs, SMMU_EVENTQ_PROD);
		uint32_t avail = (prod - q->cons) & (2 * q->mask + 1), at = q->cons;

		avail = avail <= q->mask + 1 ? RTE_MIN(avail, EVTQ_BURST) : 0;
		avail = RTE_MIN(avail, n - done);
		rte_io_rmb();
		for (unsigned int i = 0; words != NULL && i < avail; i++)
			memcpy(&words[(size_t)(done + i) * SMMU_EVT_DWORDS],
			       &q->recs[(size_t)((at + i) & q->mask) * SMMU_EVT_DWORDS],
			       SMMU_EVT_BYTES);
		got = evtq_burst(q, f != NULL ? f + done : scratch, avail);
		done += got;
	} while (got != 0 && done < n);
	return (int)done;
}

static int
raw_reset(struct sluice_iommu *iommu)
{
	struct smmu *s = iommu->priv;
	int rc;

	if (s->stopped)
		return sluice_fail(EPERM, "smmuv3: it was stopped, for good");
	pthread_mutex_lock(&s->lock);
	rc = smmu_reset_quiesce(s);
	/* Positions never restart: the queue goes on where its producers are. */
	s->cmdq.start = atomic_load_explicit(&s->cmdq.head, memory_order_relaxed);
	s->evtq.cons = s->evtq.ovflg = 0;
	if (rc == 0)
		rc = smmu_reset_bring_up(s);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

const struct sluice_raw_ops smmu_raw_ops = {
	.info = raw_info,
	.reg_read = raw_reg_read,
	.reg_write = raw_reg_write,
	.cmds = raw_cmds,
	.entry_read = raw_entry_read,
	.entry_write = raw_entry_write,
	.entry_change = raw_entry_change,
	.events = raw_events,
	.reset = raw_reset,
};
