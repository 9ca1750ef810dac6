/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * ATS against the emulated hardware: on and off, invalidation of what devices cached, and whose
 * submission it was when one does not answer.
 */
#include "on_emu.h"

#define OPEN "regs=emu,step=1,mem_mb=32,ats=1,atc_timeout_ns=3000"
#define SID  0x20u
#define DEAD 0x28u

static struct sluice_hwdom hd;
static struct emu_atc *atc[2]; /* of SID, of DEAD */

/* Two streams of one address space, IOVA 0 … 2 MiB, each with a cache. */
static int
setup(void **state)
{
	(void)state;
	assert_int_equal(open_with(OPEN), 0);
	hd = paging();
	assert_int_equal(ops->attach_paging(&iommu, SID, &hd), 0);
	assert_int_equal(ops->attach_paging(&iommu, DEAD, &hd), 0);
	atc[0] = emu_atc_create(iommu.emu, SID, 64);
	atc[1] = emu_atc_create(iommu.emu, DEAD, 64);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	emu_atc_destroy(iommu.emu, atc[0]);
	emu_atc_destroy(iommu.emu, atc[1]);
	shut();
	return 0;
}

static enum emu_access
touch(unsigned int i, uint64_t iova)
{
	uint8_t v;

	return emu_atc_dma(iommu.emu, atc[i], iova, &v, 1, false, NULL);
}

/* Drive and service until it is complete. @return how it ended. */
static int
wait_for(uint64_t seq)
{
	assert_int_not_equal(seq, 0);
	for (unsigned int i = 0; iommu.fast.inv_done(iommu.fast.queue) < seq; i++) {
		assert_true(i < 20000);
		ops->step(&iommu, 8);
		ops->service(&iommu);
	}
	return iommu.fast.inv_result(iommu.fast.queue, seq);
}

static uint64_t
submit(const struct sluice_inv *inv, unsigned int n)
{
	return iommu.fast.inv_submit(iommu.fast.queue, inv, n);
}

static struct sluice_inv
inv_atc(uint32_t stream, uint64_t iova, uint8_t log2)
{
	return (struct sluice_inv){ .op = SLUICE_INV_ATC, .flags = log2, .stream = stream,
				    .iova = iova };
}

static struct sluice_inv
inv_page(uint64_t iova)
{
	return (struct sluice_inv){ .op = SLUICE_INV_RANGE, .flags = SLUICE_INV_LEAF,
				    .tag = hd.tag, .pages = 1, .iova = iova };
}

static void
capability(void **state)
{
	(void)state;
	assert_int_equal(open_with("regs=emu,step=1,mem_mb=32"), 0);
	assert_int_equal(iommu.caps & SLUICE_CAP_ATS, 0);
	assert_int_equal(ops->ats(&iommu, SID, true), -ENOTSUP);
	shut();
	/* A burst of them, and its SYNC, must fit. */
	assert_int_equal(open_with("regs=emu,step=1,mem_mb=32,ats=1,cmdq_log2=5"), 0);
	assert_int_equal(iommu.caps & SLUICE_CAP_ATS, 0);
	shut();
	assert_int_equal(open_with(OPEN), 0);
	assert_int_equal(iommu.caps & SLUICE_CAP_ATS, SLUICE_CAP_ATS);
	assert_int_equal(iommu.info.caps & SLUICE_CAP_ATS, SLUICE_CAP_ATS);
	shut();
}

/* Off after an attach, whatever it was; on, translations are cached; a TLBI does not reach them. */
static void
on_and_off(void **state)
{
	struct sluice_inv inv = inv_page(0x5000);

	(void)state;
	assert_int_equal(ops->ats(&iommu, 0x99, true), -EINVAL); /* no page table */
	assert_int_equal(touch(0, 0x5000), EMU_OK);
	assert_int_equal(counter("emu_atc_fills"), 0);
	assert_int_equal(ops->ats(&iommu, SID, true), 0);
	assert_int_equal(touch(0, 0x5000), EMU_OK);
	assert_int_equal(touch(0, 0x6000), EMU_OK);
	assert_int_equal(counter("emu_atc_fills"), 2);
	table[3][5] = table[3][6] = 0;
	assert_int_equal(wait_for(submit(&inv, 1)), 0);
	assert_int_equal(touch(0, 0x5000), EMU_OK);
	inv = inv_atc(SID, 0x5000, 0);
	assert_int_equal(wait_for(submit(&inv, 1)), 0);
	assert_int_equal(touch(0, 0x5000), EMU_FAULT);
	assert_int_equal(touch(0, 0x6000), EMU_OK);
	/* Off: its cache is emptied on the way. */
	assert_int_equal(ops->ats(&iommu, SID, false), 0);
	assert_int_equal(touch(0, 0x7000), EMU_OK);
	assert_int_equal(counter("emu_atc_fills"), 2);
	assert_int_equal(ops->ats(&iommu, SID, false), 0);
	assert_int_equal(counter("cmdq_atc_invs"), 3);
	assert_int_equal(counter("emu_atc_invs"), 3);
	/* Counted as what they are. */
	assert_int_equal(counter("cmdq_tlbis"), counter("emu_tlbis"));
	assert_int_equal(counter("emu_events"), 0);
	assert_int_equal(counter("emu_guarded_writes"), 0);
}

/* A full burst; one more is turned down, and so is a mixed one. */
static void
bursts(void **state)
{
	struct sluice_inv inv[SLUICE_INV_BURST];

	(void)state;
	for (unsigned int i = 0; i < SLUICE_INV_BURST; i++)
		inv[i] = inv_atc(SID, 0x1000 * i, 0);
	assert_int_equal(wait_for(submit(inv, SLUICE_ATC_BURST)), 0);
	assert_int_equal(counter("emu_atc_invs"), SLUICE_ATC_BURST);
	assert_int_equal(submit(inv, SLUICE_INV_BURST), 0);
	inv[1] = inv_page(0);
	assert_int_equal(submit(inv, 2), 0);
	inv[0] = inv_atc(SID, 0, SLUICE_ATC_ALL + 1);
	assert_int_equal(submit(inv, 1), 0);
	assert_int_equal(counter("emu_atc_invs"), SLUICE_ATC_BURST);
}

/* a12: whose it was fails, with -ETIMEDOUT; those before and behind do not; the queue goes on. */
static void
a12_timeout_is_told_to_whom_it_concerns(void **state)
{
	static const unsigned int order[] = { 0, 1, 0, 2, 0, 1, 2 };
	struct sluice_inv of[3] = { inv_atc(SID, 0, SLUICE_ATC_ALL), inv_page(0x3000),
				    inv_atc(DEAD, 0, SLUICE_ATC_ALL) };
	uint64_t seq[RTE_DIM(order)];

	(void)state;
	assert_int_equal(ops->ats(&iommu, SID, true), 0);
	assert_int_equal(ops->ats(&iommu, DEAD, true), 0);
	assert_int_equal(touch(0, 0x3000), EMU_OK);
	emu_inject(iommu.emu, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(DEAD, 1));
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < RTE_DIM(order); i++)
			seq[i] = submit(&of[order[i]], 1);
		for (unsigned int i = RTE_DIM(order); i-- > 0; )
			assert_int_equal(wait_for(seq[i]), order[i] == 2 ? -ETIMEDOUT : 0);
		assert_int_equal(counter("cmdq_errors_atc_sync"), 2 * (round + 1));
		assert_int_equal(counter("emu_atc_timeouts"), 2 * (round + 1));
	}
	assert_int_equal(counter("cmdq_dead"), 0);
	/* Mended and acknowledged: nothing is left to do. */
	assert_int_equal(ops->service(&iommu), 0);
	/* It was the others' to be forgotten, and it is. */
	assert_int_equal(touch(0, 0x3000), EMU_OK);
	assert_int_equal(counter("emu_atc_fills"), 2);
}

/* Late, but there: nothing has failed. */
static void
late_answer(void **state)
{
	struct sluice_inv inv = inv_atc(SID, 0, SLUICE_ATC_ALL);
	uint64_t seq;

	(void)state;
	assert_int_equal(ops->ats(&iommu, SID, true), 0);
	emu_inject(iommu.emu, EMU_INJECT_ATC_LATE, EMU_INJECT_ARG(SID, 2500));
	seq = submit(&inv, 1);
	for (unsigned int i = 0; i < 200; i++) /* 10 ns each */
		ops->step(&iommu, 1);
	assert_true(iommu.fast.inv_done(iommu.fast.queue) < seq);
	assert_int_equal(wait_for(seq), 0);
	assert_int_equal(counter("cmdq_errors"), 0);
}

/* A burst reserved and not yet published, so that the one before it gives up its SYNC. */
static uint64_t
reserve(unsigned int n)
{
	struct smmu *s = iommu.priv;

	return cmdq_reserve(&s->cmdq, cmdq_self(&s->cmdq), n);
}

static uint64_t
commit(uint64_t start, const struct smmu_cmd *c, unsigned int n)
{
	struct smmu *s = iommu.priv;

	for (unsigned int i = 0; i < n; i++)
		cmdq_put(&s->cmdq, start + i, c[i]);
	return cmdq_commit(&s->cmdq, cmdq_self(&s->cmdq), start, start + n + 1);
}

/*
 * Four bursts under one SYNC, that of the last; two hold an ATC_INV. Those two fail, whether they
 * have a SYNC of their own before the last slot, as inv_submit() makes it, or not.
 */
static void
a12_shared_sync(void **state)
{
	struct smmu_cmd page = cmd_tlbi_va(0, 1, 0x1000, true);

	(void)state;
	assert_int_equal(ops->ats(&iommu, DEAD, true), 0);
	emu_inject(iommu.emu, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(DEAD, 1));
	for (unsigned int own = 0; own < 2; own++) {
		struct smmu_cmd inv[2] = { cmd_atc_inv(DEAD, 0, 52), cmd_sync_silent() };
		uint64_t start[4], seq[4], before = counter("cmdq_syncs_shared");

		/* Not across a group of SHARE_GROUP slots: there each keeps its SYNC. */
		while ((atomic_load(&((struct smmu *)iommu.priv)->cmdq.head) & 63) != 0)
			assert_int_equal(wait_for(submit(NULL, 0)), 0);
		for (unsigned int i = 0; i < 4; i++)
			start[i] = reserve(i % 2 == 0 ? 2 : 2 + own);
		for (unsigned int i = 0; i < 4; i++)
			seq[i] = i % 2 == 0 ? commit(start[i], &page, 1) :
					      commit(start[i], inv, 1 + own);
		assert_int_equal(counter("cmdq_syncs_shared"), before + 3);
		assert_int_equal(wait_for(seq[3]), -ETIMEDOUT);
		assert_int_equal(wait_for(seq[2]), 0);
		assert_int_equal(wait_for(seq[1]), -ETIMEDOUT);
		assert_int_equal(wait_for(seq[0]), 0);
	}
	assert_int_equal(counter("cmdq_dead"), 0);
}

/* A whole burst of dead devices, one after the other or at once, does not kill the queue. */
static void
many_timeouts(void **state)
{
	struct sluice_inv inv[SLUICE_ATC_BURST];

	(void)state;
	assert_int_equal(ops->ats(&iommu, DEAD, true), 0);
	emu_inject(iommu.emu, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(DEAD, 1));
	for (unsigned int i = 0; i < SLUICE_ATC_BURST; i++)
		inv[i] = inv_atc(DEAD, 0x1000 * i, 0);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(wait_for(submit(inv, SLUICE_ATC_BURST)), -ETIMEDOUT);
	assert_int_equal(counter("cmdq_dead"), 0);
}

/* Off for one that does not answer: said so, and it reaches nothing by what it keeps. */
static void
a12_off_contains_a_dead_device(void **state)
{
	struct sluice_fault fault[4];

	(void)state;
	assert_int_equal(ops->ats(&iommu, DEAD, true), 0);
	assert_int_equal(touch(1, 0x5000), EMU_OK);
	emu_inject(iommu.emu, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(DEAD, 1));
	assert_int_equal(ops->ats(&iommu, DEAD, false), -EREMOTEIO);
	assert_int_equal(touch(1, 0x5000), EMU_FAULT);
	assert_int_equal(counter("emu_atc_hits"), 1); /* it tried */
	assert_int_equal(iommu.fast.fault_burst(iommu.fast.queue, fault, 4), 1);
	assert_int_equal(fault[0].code, SMMU_EVT_F_TRANSL_FORBIDDEN);
	assert_int_equal(fault[0].stream, DEAD);
	/* Nor is it trusted with ATS again. */
	assert_int_equal(ops->ats(&iommu, DEAD, true), -EREMOTEIO);
	assert_int_equal(touch(1, 0x5000), EMU_FAULT);
	/* Blocked at once, as in quarantine. */
	emu_inject(iommu.emu, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(DEAD, 0));
	assert_int_equal(ops->ats(&iommu, DEAD, true), 0);
	assert_int_equal(touch(1, 0x6000), EMU_OK);
	emu_inject(iommu.emu, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(DEAD, 1));
	assert_int_equal(ops->attach_blocked(&iommu, DEAD), 0);
	assert_int_equal(touch(1, 0x6000), EMU_FAULT);
	assert_int_equal(ops->ats(&iommu, DEAD, false), 0); /* nothing to wait for */
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capability), T(on_and_off), T(bursts),
		T(a12_timeout_is_told_to_whom_it_concerns), T(late_answer), T(a12_shared_sync),
		T(many_timeouts), T(a12_off_contains_a_dead_device),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
