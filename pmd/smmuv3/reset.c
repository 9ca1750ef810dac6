/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Reset, bring-up and shutdown (IHI 0070 §6.3.9, §6.3.13-6.3.16): handshakes with a deadline.
 */
#include <errno.h>

#include <rte_atomic.h>

#include "smmuv3.h"
#include "wait.h"

/* How long a register handshake may take. */
#define ACK_TIMEOUT_NS UINT64_C(100000000)

static int
poll_reg(struct smmu *s, uint32_t off, uint32_t mask, uint32_t want, const char *name)
{
	const struct sluice_clock *clock = &s->iommu->clock;
	struct deadline end = deadline_begin(clock, sluice_clock_from_ns(clock, ACK_TIMEOUT_NS));
	uint64_t steps = atomic_load_explicit(&s->iommu->steps, memory_order_relaxed);
	uint32_t v;

	for (unsigned int turn = 1; ((v = regs_read32(&s->regs, off)) & mask) != want; turn++) {
		if (deadline_passed(&end))
			return sluice_fail(ETIMEDOUT,
					   "smmuv3: %s stays 0x%08x, expected 0x%08x of 0x%08x%s",
					   name, v, want, mask, sluice_unstepped(s->iommu, steps));
		smmu_wait_turn(s->iommu, turn);
	}
	return 0;
}

void
smmu_cr0_expect(struct smmu *s, uint32_t keep)
{
	uint64_t n = (atomic_load_explicit(&s->cr0, memory_order_relaxed) >> 32) + 1;

	/* Release: pairs with the acquire in reset_underneath(). */
	atomic_store_explicit(&s->cr0, n << 32 | keep, memory_order_release);
}

static int
write_cr0(struct smmu *s, uint32_t v)
{
	int rc;

	/* What was on and stays so must be acknowledged all the time, the rest afterwards. */
	smmu_cr0_expect(s, (uint32_t)atomic_load_explicit(&s->cr0, memory_order_relaxed) & v);
	rte_io_wmb();
	regs_write32(&s->regs, SMMU_CR0, v);
	rc = poll_reg(s, SMMU_CR0ACK, (uint32_t)SMMU_CR0_MASK, v, "CR0ACK");
	if (rc == 0)
		smmu_cr0_expect(s, v);
	return rc;
}

/* Abort all DMA while SMMUEN is 0. §6.3.14: wait for Update 0, store, wait for Update 0. */
static int
gbpa_abort(struct smmu *s)
{
	uint32_t update = (uint32_t)SMMU_GBPA_UPDATE;
	int rc = poll_reg(s, SMMU_GBPA, update, 0, "GBPA.Update");

	if (rc != 0)
		return rc;
	regs_write32(&s->regs, SMMU_GBPA,
		     regs_read32(&s->regs, SMMU_GBPA) | (uint32_t)SMMU_GBPA_ABORT | update);
	return poll_reg(s, SMMU_GBPA, update, 0, "GBPA.Update");
}

int
smmu_reset_quiesce(struct smmu *s)
{
	int rc = gbpa_abort(s);

	if (rc == 0)
		rc = write_cr0(s, 0);
	if (rc != 0)
		return rc;
	regs_write32(&s->regs, SMMU_IRQ_CTRL, 0);
	return poll_reg(s, SMMU_IRQ_CTRLACK, (uint32_t)SMMU_IRQ_CTRL_MASK, 0, "IRQ_CTRLACK");
}

int
smmu_sync_cmds(struct smmu *s, const struct smmu_cmd *cmds, unsigned int n)
{
	struct sluice_iommu *iommu = s->iommu;
	struct deadline end;
	uint64_t seq;
	int rc;

	/* Stopped hardware has cached nothing, so there is nothing to invalidate. */
	if (s->stopped)
		return 0;
	seq = cmdq_submit(&s->cmdq, cmds, n);
	if (seq == 0)
		return -EIO; /* cmdq_fail() has said why */
	for (unsigned int i = 0; i < n; i++)
		if (smmu_field_get(SMMU_CMD_0_OP, cmds[i].w[0]) < SMMU_CMD_TLBI_NH_ALL)
			atomic_fetch_add_explicit(&s->cfgis, 1, memory_order_relaxed);
	end = deadline_begin(&iommu->clock, iommu->sync_timeout);
	for (unsigned int turn = 1; cmdq_done(&s->cmdq) < seq; turn++) {
		if (deadline_passed(&end)) {
			/* An error that nobody has looked at yet may be the cause. */
			smmu_service(iommu);
			if (cmdq_done(&s->cmdq) < seq)
				return sluice_sync_lost(iommu);
			break;
		}
		smmu_wait_turn(iommu, turn);
		if (turn % 64 == 0)
			smmu_service(iommu);
	}
	rc = cmdq_result(&s->cmdq, seq);
	if (rc == -ETIMEDOUT)
		return sluice_fail(EREMOTEIO, "smmuv3: a device did not answer an ATC invalidation");
	return rc;
}

static void
write_attributes(struct smmu *s)
{
	const uint64_t cr2 = SMMU_CR2_PTM | SMMU_CR2_RECINVSID;
	const uint64_t cr1 = smmu_field_prep(SMMU_CR1_QUEUE_IC, SMMU_CR1_CACHE_WB) |
			     smmu_field_prep(SMMU_CR1_QUEUE_OC, SMMU_CR1_CACHE_WB) |
			     smmu_field_prep(SMMU_CR1_QUEUE_SH, SMMU_SH_ISH) |
			     smmu_field_prep(SMMU_CR1_TABLE_IC, SMMU_CR1_CACHE_WB) |
			     smmu_field_prep(SMMU_CR1_TABLE_OC, SMMU_CR1_CACHE_WB) |
			     smmu_field_prep(SMMU_CR1_TABLE_SH, SMMU_SH_ISH);

	regs_write32(&s->regs, SMMU_CR1, (uint32_t)cr1);
	/* Ignore broadcast invalidations of the processor; record unknown streams. */
	regs_write32(&s->regs, SMMU_CR2, (uint32_t)cr2);
}

static void
write_strtab(struct smmu *s)
{
	const struct smmu_strtab *t = &s->strtab;
	uint64_t cfg = smmu_field_prep(SMMU_STRTAB_CFG_LOG2SIZE, t->log2size);

	if (t->two_level)
		cfg |= smmu_field_prep(SMMU_STRTAB_CFG_FMT, SMMU_STRTAB_FMT_2LVL) |
		       smmu_field_prep(SMMU_STRTAB_CFG_SPLIT, STRTAB_SPLIT);
	regs_write64(&s->regs, SMMU_STRTAB_BASE,
		     (t->pa & SMMU_STRTAB_BASE_ADDR) | SMMU_STRTAB_BASE_RA);
	regs_write32(&s->regs, SMMU_STRTAB_BASE_CFG, (uint32_t)cfg);
}

/* Caches may hold anything until they are invalidated (§6.3.9.6), so do it before SMMUEN. */
static int
invalidate_all(struct smmu *s)
{
	struct smmu_cmd cmds[3] = { cmd_cfgi_all(), cmd_tlbi_nsnh_all(), cmd_tlbi_el2_all() };
	unsigned int n = s->idr.hyp ? 3 : 2;
	int rc = 0;

	/* One by one: the queue may have only two entries. */
	for (unsigned int i = 0; i < n && rc == 0; i++)
		rc = smmu_sync_cmds(s, &cmds[i], 1);
	return rc;
}

int
smmu_reset_bring_up(struct smmu *s)
{
	uint32_t start = (uint32_t)(s->cmdq.start & (2 * s->cmdq.mask + 1));
	uint32_t cr0 = (uint32_t)SMMU_CR0_CMDQEN;
	int rc;

	s->given = true;
	write_attributes(s);
	write_strtab(s);
	/* The tables must be in memory before the hardware may read them. */
	rte_io_wmb();

	regs_write64(&s->regs, SMMU_CMDQ_BASE, (s->cmdq.pa & SMMU_Q_BASE_ADDR) |
		     SMMU_Q_BASE_RA_WA | s->cmdq.log2size);
	regs_write32(&s->regs, SMMU_CMDQ_PROD, start);
	regs_write32(&s->regs, SMMU_CMDQ_CONS, start);
	/* Acknowledge the errors of an earlier driver. §7.5 */
	regs_write32(&s->regs, SMMU_GERRORN, regs_read32(&s->regs, SMMU_GERROR));
	rc = write_cr0(s, cr0);
	if (rc == 0)
		rc = invalidate_all(s);
	if (rc != 0)
		return rc;

	regs_write64(&s->regs, SMMU_EVENTQ_BASE, (s->evtq.pa & SMMU_Q_BASE_ADDR) |
		     SMMU_Q_BASE_RA_WA | s->evtq.log2size);
	regs_write32(&s->regs, SMMU_EVENTQ_PROD, 0);
	regs_write32(&s->regs, SMMU_EVENTQ_CONS, 0);
	cr0 |= (uint32_t)SMMU_CR0_EVENTQEN;
	/* Check translated accesses against the STE, so that a device whose ATS is off, or that is
	 * blocked, is stopped whatever it has cached. This comes before SMMUEN, because STEs may be
	 * cached together with it (§3.9.2). */
	if (s->ats)
		cr0 |= (uint32_t)SMMU_CR0_ATSCHK;
	rc = write_cr0(s, cr0);
	if (rc == 0)
		rc = write_cr0(s, cr0 | (uint32_t)SMMU_CR0_SMMUEN);
	return rc;
}

int
smmu_reset_shutdown(struct smmu *s)
{
	/* Without this, DMA would pass untranslated as soon as SMMUEN is 0. */
	int rc = gbpa_abort(s);
	/* What is off already, after a reset underneath, must not be turned on. */
	uint32_t on = regs_read32(&s->regs, SMMU_CR0ACK);

	if (rc == 0)
		rc = write_cr0(s, on & (uint32_t)(SMMU_CR0_CMDQEN | SMMU_CR0_EVENTQEN));
	/* Tables are not read any more; after this, queues are not used either. */
	return rc != 0 ? rc : write_cr0(s, 0);
}
