/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Taking down what does not want to go, through the whole house: a DMA channel that is open, hardware
 * that does not acknowledge its end, a command queue that is dead or hangs. Nothing is freed that
 * a device may still reach, and there is always a way to the end. And emulated hardware that nobody
 * steps works nevertheless, or whoever waited in vain is told what is missing.
 */
#include "../../../pmd/emu/core/emu.h"
#include "whole.h"

#define PAGES 8u

/* Nobody steps: no hook, no other thread. */
static void
up(const char *settings, const char *policy)
{
	struct sluice_domain_conf conf = { .policy = policy };
	char args[128];

	snprintf(args, sizeof(args), "smmuv3,regs=emu,mem_mb=32%s", settings);
	whole_up(args, false, &conf, PAGES * 4096, 4096);
	whole_device("emu");
}

/* The device writes a byte a page to @p iova. @return how that ended. */
static int
dma_write(uint64_t iova, uint8_t byte)
{
	struct sluice_dma_desc one = { .iova = iova, .dev_mem = &byte, .len = 1,
				       .flags = SLUICE_DMA_TO_HOST };
	struct sluice_dma_cpl c;

	assert_int_equal(sluice_dma_submit(t.dma, &one, 1), 1);
	for (unsigned int i = 0; sluice_dma_completed(t.dma, &c, 1) == 0; i++) {
		assert_true(i < 1000);
		if (i > 100) /* it was driven, and is to be driven on */
			(void)sluice_iommu_step(t.iommu, 16);
	}
	return c.status;
}

/* ---- nobody steps ----------------------------------------------------------------------------- */

static void
works_undriven(void **state)
{
	static const char *const policies[] = { "strict", "deferred", "strict-async" };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(policies); i++) {
		uint64_t iova, cookie = 0;
		int ret;

		up(",step=1,sync_ns=3000,tlbi_ns=2000", policies[i]);
		assert_int_equal(sluice_map(t.d, t.pa, 4096, SLUICE_RW, &iova), 0);
		assert_int_equal(dma_write(iova, 0x5a), 0);
		assert_int_equal(t.mem[0], 0x5a);
		ret = sluice_unmap_async(t.d, iova, 4096, 77);
		assert_int_equal(ret, i == 2);
		/* The engine's poll alone gets there. */
		for (unsigned int k = 0; ret == 1 && k < 10000 && cookie == 0; k++) {
			sluice_engine_poll(t.e);
			(void)sluice_unmap_completed(t.d, &cookie, 1);
		}
		assert_int_equal(cookie, i == 2 ? 77 : 0);
		assert_int_equal(sluice_domain_drain(t.d), 0);
		assert_int_not_equal(dma_write(iova, 0x66), 0);
		assert_int_equal(t.mem[0], 0x5a);
		whole_down();
	}
}

/* Who says that he drives it, and does not, is told. */
static void
says_what_is_missing(void **state)
{
	uint64_t iova;

	(void)state;
	/* The clock of what is not stepped stands: the TSC instead, and little patience. */
	up(",sync_timeout_us=20000", "deferred");
	assert_int_equal(sluice_map(t.d, t.pa, 4096, SLUICE_RW, &iova), 0);
	assert_int_equal(sluice_unmap(t.d, iova, 4096), 0);
	(void)sluice_iommu_step(t.iommu, 1);
	assert_int_equal(sluice_domain_drain(t.d), -ETIMEDOUT);
	assert_non_null(strstr(sluice_error(), "sluice_iommu_step()"));
	assert_int_equal(sluice_device_detach(t.dev), -ETIMEDOUT);
	assert_non_null(strstr(sluice_error(), "sluice_iommu_step()"));
	/* At the end the library steps again. */
	assert_int_equal(sluice_iommu_stop(t.iommu), 0);
	whole_down();
}

/* ---- closing ---------------------------------------------------------------------------------- */

static void
not_with_a_channel_open(void **state)
{
	(void)state;
	up("", "strict");
	assert_int_equal(sluice_device_remove(t.dev), 0);
	assert_int_equal(sluice_domain_destroy(t.d), 0);
	assert_int_equal(sluice_worker_unregister(t.e, 0), 0);
	assert_int_equal(sluice_engine_del_iommu(t.e, t.iommu), 0);
	assert_int_equal(sluice_engine_destroy(t.e), 0);
	assert_int_equal(sluice_iommu_close(t.iommu), -EBUSY);
	assert_int_equal(rte_errno, EBUSY);
	assert_non_null(strstr(sluice_error(), "1 open DMA channel"));
	/* It is a channel like any other still. */
	assert_int_not_equal(dma_write(0, 1), 0);
	assert_int_equal(sluice_dma_close(t.dma), 0);
	sluice_iommu_mem_free(t.iommu, t.mem, PAGES * 4096);
	assert_int_equal(sluice_iommu_close(t.iommu), 0);
}

static void
kept_until_it_stops(void **state)
{
	struct emu *emu;
	struct emu_stats st;

	(void)state;
	up("", "strict");
	emu = t.iommu->emu;
	assert_int_equal(sluice_dma_close(t.dma), 0);
	assert_int_equal(sluice_device_remove(t.dev), 0);
	assert_int_equal(sluice_domain_destroy(t.d), 0);
	assert_int_equal(sluice_worker_unregister(t.e, 0), 0);
	assert_int_equal(sluice_engine_del_iommu(t.e, t.iommu), 0);
	assert_int_equal(sluice_engine_destroy(t.e), 0);
	emu_inject(emu, EMU_INJECT_ACK_HANG, 1);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(sluice_iommu_close(t.iommu), -ETIMEDOUT);
		assert_int_equal(rte_errno, ETIMEDOUT);
		assert_non_null(strstr(sluice_error(), "kept"));
	}
	/* All of it is there. */
	emu_get_stats(emu, &st);
	t.mem[0] = 1;
	sluice_iommu_mem_free(t.iommu, t.mem, PAGES * 4096);
	emu_inject(emu, EMU_INJECT_ACK_HANG, 0);
	assert_int_equal(sluice_iommu_close(t.iommu), 0);
}

static void
step(void *arg)
{
	sluice_iommu_step(arg, 16);
}

/* No command can be fetched, ever again: the driver gives the queue up. */
static void
abort_fetches(void *arg)
{
	emu_inject(t.iommu->emu, EMU_INJECT_CERROR_ABT, 1);
	step(arg);
}

/* The queue hangs, or is dead: nothing can be invalidated any more, so the hardware is stopped. */
static void
stopped(const char *policy, bool dead)
{
	uint64_t iova, other;

	up(",step=1,sync_timeout_us=100", policy);
	assert_int_equal(sluice_map(t.d, t.pa, 4096, SLUICE_RW, &iova), 0);
	assert_int_equal(sluice_map(t.d, t.pa + 4096, 4096, SLUICE_RW, &other), 0);
	assert_int_equal(dma_write(iova, 1), 0);
	if (dead) {
		sluice_iommu_set_relax(t.iommu, abort_fetches, t.iommu);
		for (unsigned int i = 0; sluice_iommu_sync(t.iommu) != -EIO; i++) {
			assert_true(i < 1000);
			sluice_engine_poll(t.e); /* looks for errors */
		}
		sluice_iommu_set_relax(t.iommu, step, t.iommu);
		assert_int_equal(sluice_iommu_sync(t.iommu), -EIO);
	} else {
		emu_inject(t.iommu->emu, EMU_INJECT_SYNC_HANG, 1);
	}
	(void)sluice_unmap(t.d, iova, 4096);
	/* As it is, nothing can be taken down, and nothing is. */
	assert_in_range(-sluice_device_detach(t.dev), 1, 4095);
	assert_int_equal(sluice_domain_destroy(t.d), -EBUSY);
	assert_int_equal(sluice_iommu_close(t.iommu), -EBUSY);
	assert_int_equal(sluice_iommu_stop(t.iommu), 0);
	assert_int_equal(sluice_iommu_stop(t.iommu), 0);
	/* No device reaches anything, whatever it had cached. */
	assert_int_not_equal(dma_write(iova, 2), 0);
	assert_int_not_equal(dma_write(other, 2), 0);
	assert_int_equal(t.mem[0], 1);
	assert_int_equal(t.mem[4096], 0);
	assert_int_equal(sluice_unmap(t.d, other, 4096), 0);
	assert_int_equal(sluice_domain_drain(t.d), 0);
	assert_int_equal(sluice_iommu_sync(t.iommu), 0);
	whole_down();
}

static void
a_hanging_queue_can_be_closed(void **state)
{
	(void)state;
	stopped("strict", false);
	stopped("deferred", false);
	stopped("strict-async", false);
	stopped("persistent", false);
}

static void
a_dead_queue_can_be_closed(void **state)
{
	(void)state;
	stopped("strict", true);
	stopped("deferred", true);
	stopped("contiguous", true);
	stopped("copy", true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(works_undriven),
		cmocka_unit_test(says_what_is_missing),
		cmocka_unit_test(not_with_a_channel_open),
		cmocka_unit_test(kept_until_it_stops),
		cmocka_unit_test(a_hanging_queue_can_be_closed),
		cmocka_unit_test(a_dead_queue_can_be_closed),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
