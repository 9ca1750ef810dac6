/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Hardware that fails under the whole library: completions that are not signalled, a queue that
 * looks full for long, a reset. Each wait ends in time and names the cause, nothing is released that was not
 * invalidated, and everything goes on when the hardware answers after all.
 */
#include "../../../pmd/emu/core/emu.h"
#include "whole.h"

#include <sluice/raw.h>

#define PAGES 64u

static void
up(const char *settings, const char *policy)
{
	struct sluice_domain_conf conf = { .policy = policy };
	char args[160];

	snprintf(args, sizeof(args), "smmuv3,regs=emu,step=1,mem_mb=32%s", settings);
	whole_up(args, true, &conf, PAGES * 4096, 4096);
	whole_device("emu");
}

static uint64_t
map(unsigned int page)
{
	uint64_t iova;

	assert_int_equal(sluice_map(t.d, t.pa + page * 4096, 4096, SLUICE_RW, &iova), 0);
	return iova;
}

static struct sluice_domain_stats
stats(void)
{
	struct sluice_domain_stats st;

	sluice_domain_get_stats(t.d, &st);
	return st;
}

static void
inject(enum emu_inject what, uint64_t arg)
{
	emu_inject(t.iommu->emu, what, arg);
}

/* The device reads a byte of @p iova. @return how that ended. */
static int
touch(uint64_t iova)
{
	uint8_t byte;
	struct sluice_dma_desc one = { .iova = iova, .dev_mem = &byte, .len = 1 };
	struct sluice_dma_cpl c;

	assert_int_equal(sluice_dma_submit(t.dma, &one, 1), 1);
	for (unsigned int i = 0; sluice_dma_completed(t.dma, &c, 1) == 0; i++) {
		assert_true(i < 1000);
		(void)sluice_iommu_step(t.iommu, 16);
	}
	return c.status;
}

static void
poll_for(uint64_t ns)
{
	uint64_t end = sluice_iommu_now_ns(t.iommu) + ns;

	while (sluice_iommu_now_ns(t.iommu) < end) {
		(void)sluice_iommu_step(t.iommu, 16);
		sluice_engine_poll(t.e);
	}
}

static unsigned int
cookies(void)
{
	uint64_t c[PAGES];

	return sluice_unmap_completed(t.d, c, PAGES);
}

/* ---- completions that nobody is told of ------------------------------------------------------- */

/* CONS tells of them, a little later; with sync=cons nothing is to be told. */
static void
a12_a_lost_signal(void **state)
{
	static const char *const syncs[] = { "", ",sync=cons" };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(syncs); i++) {
		uint64_t iova;

		up(syncs[i], "strict");
		iova = map(0);
		assert_int_equal(touch(iova), 0);
		inject(EMU_INJECT_SYNC_LOST, 1);
		assert_int_equal(sluice_unmap(t.d, iova, 4096), 0);
		assert_int_not_equal(touch(iova), 0);
		assert_int_equal(counter("cmdq_cons_fallbacks"), i == 0);
		assert_int_equal(counter("emu_msis") == counter("emu_syncs"), 0);
		assert_int_equal(stats().unmaps, 1);
		assert_int_equal(stats().unmap_errors, 0);
		inject(EMU_INJECT_SYNC_LOST, 0);
		/* That was one, and the next one is told of at once. */
		assert_int_equal(sluice_unmap(t.d, map(1), 4096), 0);
		assert_int_equal(counter("cmdq_cons_fallbacks"), i == 0);
		whole_down();
	}
}

/* The same for the engine, which waits for nothing: the cookies come all the same. */
static void
a12_a_lost_signal_in_a_flush(void **state)
{
	uint64_t iova[4];
	unsigned int n = 0;

	(void)state;
	up("", "strict-async");
	for (unsigned int i = 0; i < 4; i++)
		iova[i] = map(i);
	inject(EMU_INJECT_SYNC_LOST, 1);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(sluice_unmap_async(t.d, iova[i], 4096, i), 1);
	for (unsigned int i = 0; i < 100 && n < 4; i++) {
		poll_for(100000);
		n += cookies();
	}
	assert_int_equal(n, 4);
	assert_true(counter("cmdq_cons_fallbacks") >= 1);
	assert_int_equal(stats().flush_errors, 0);
	whole_down();
}

/* ---- progress that is published late ---------------------------------------------------------- */

/* Longer than a SYNC may take: the unmap fails in time, its IOVA is not given to anybody, and what
 * comes after the hardware has woken up is as ever. */
static void
a12_late_strict(void **state)
{
	uint64_t iova, start;

	(void)state;
	up(",sync_timeout_us=100", "strict");
	iova = map(0);
	start = sluice_iommu_now_ns(t.iommu);
	inject(EMU_INJECT_CONS_HOLD, 1000000);
	assert_int_equal(sluice_unmap(t.d, iova, 4096), -ETIMEDOUT);
	assert_in_range(sluice_iommu_now_ns(t.iommu) - start, 100000, 200000);
	assert_non_null(strstr(sluice_error(), "a SYNC did not complete within 100 us"));
	assert_int_equal(stats().unmap_errors, 1);
	assert_int_equal(stats().unmaps, 0);
	assert_int_equal(stats().live, 1);
	poll_for(1000000);
	for (unsigned int i = 0; i < 600; i++) {
		uint64_t other = map(1);

		assert_int_not_equal(other, iova);
		assert_int_equal(sluice_unmap(t.d, other, 4096), 0);
	}
	assert_int_equal(stats().unmap_errors, 1);
	assert_int_equal(stats().unmaps, 600);
	assert_int_equal(counter("cmdq_dead"), 0);
	whole_down();
}

/* A queue that looks full for longer than a SYNC may take: nothing is submitted, and that is said. */
static void
a12_late_full(void **state)
{
	uint64_t iova[8], start, before;
	unsigned int full = 0;

	(void)state;
	up(",cmdq_log2=3,sync_timeout_us=100", "strict");
	for (unsigned int i = 0; i < 8; i++)
		iova[i] = map(i);
	before = counter("cmdq_full_timeouts");
	inject(EMU_INJECT_CONS_HOLD, 2000000);
	for (unsigned int i = 0; i < 8; i++) {
		start = sluice_iommu_now_ns(t.iommu);
		assert_in_range(-sluice_unmap(t.d, iova[i], 4096), 1, 4095);
		assert_in_range(sluice_iommu_now_ns(t.iommu) - start, 100000, 200000);
		full += strstr(sluice_error(), "stayed full") != NULL;
	}
	/* Eight slots, two a submission. */
	assert_int_equal(full, 4);
	assert_int_equal(counter("cmdq_full_timeouts"), before + full);
	assert_int_equal(stats().unmap_errors, 8);
	poll_for(2000000);
	assert_int_equal(sluice_unmap(t.d, map(1), 4096), 0);
	assert_int_equal(stats().unmaps, 1);
	assert_int_equal(stats().live, 8);
	whole_down();
}

/* Flush queues keep everything until the hardware answers, then everything comes, once. */
static void
a12_late_flush(void **state)
{
	unsigned int n = 0;
	uint64_t iova[PAGES];

	(void)state;
	up(",sync_timeout_us=100", "strict-async");
	for (unsigned int i = 0; i < PAGES; i++)
		iova[i] = map(i);
	inject(EMU_INJECT_CONS_HOLD, 1000000);
	for (unsigned int i = 0; i < PAGES; i++)
		assert_int_equal(sluice_unmap_async(t.d, iova[i], 4096, i), 1);
	poll_for(900000);
	assert_int_equal(cookies(), 0);
	assert_in_range(stats().flush_errors, 1, 8);
	assert_int_equal(sluice_domain_drain(t.d), 0);
	for (unsigned int i = 0; i < 10; i++)
		n += cookies();
	assert_int_equal(n, PAGES);
	assert_int_equal(stats().live, 0);
	whole_down();
}

/* ---- reset underneath ------------------------------------------------------------------------- */

/* The hardware is as in the beginning; nobody has told the driver. */
static void
reset_now(void)
{
	inject(EMU_INJECT_RESET, 1);
	(void)sluice_iommu_step(t.iommu, 64);
}

static void
says_reset(void)
{
	assert_non_null(strstr(sluice_error(), "was reset underneath"));
}

/* Nothing can be taken down as usual, and the reason is given; stopped, everything can. */
static void
down_after_reset(void)
{
	assert_int_equal(counter("resets"), 1);
	assert_int_equal(counter("cmdq_dead"), 1);
	assert_int_equal(sluice_device_detach(t.dev), -EIO);
	says_reset();
	assert_int_equal(sluice_iommu_sync(t.iommu), -EIO);
	says_reset();
	assert_int_equal(sluice_domain_destroy(t.d), -EBUSY);
	/* No queue is turned on for that: it would read commands from nowhere. */
	assert_int_equal(sluice_raw_reg_write(t.iommu, 0x98, 4, 1), 0); /* CMDQ_PROD */
	assert_int_equal(sluice_iommu_stop(t.iommu), 0);
	assert_int_equal(counter("emu_cerrors"), 0);
	assert_int_equal(sluice_domain_drain(t.d), 0);
	whole_down();
}

/* Who waits notices, in the wait. The IOVA is nobody's. */
static void
a12_reset_strict(void **state)
{
	static const char *const syncs[] = { "", ",sync=cons", ",sync_timeout_us=20" };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(syncs); i++) {
		uint64_t iova, other, start;

		up(syncs[i], "strict");
		iova = map(0);
		other = map(1);
		assert_int_equal(touch(iova), 0);
		reset_now();
		assert_int_not_equal(touch(iova), 0);
		start = sluice_iommu_now_ns(t.iommu);
		assert_int_equal(sluice_unmap(t.d, iova, 4096), -EIO);
		says_reset();
		/* 20 us, or some turns of a wait of 160 ns each. */
		assert_in_range(sluice_iommu_now_ns(t.iommu) - start, 0, 1000000);
		/* The next one does not wait at all. */
		start = sluice_iommu_now_ns(t.iommu);
		assert_int_equal(sluice_unmap(t.d, other, 4096), -EIO);
		says_reset();
		assert_int_equal(sluice_iommu_now_ns(t.iommu), start);
		assert_int_equal(stats().unmap_errors, 2);
		assert_int_equal(stats().unmaps, 0);
		assert_int_equal(stats().live, 2);
		down_after_reset();
	}
}

/* The engine notices by itself, within its turns, and releases nothing of what was queued. */
static void
a12_reset_flush(void **state)
{
	static const char *const policies[] = { "strict-async", "deferred", "rollover" };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(policies); i++) {
		uint64_t iova[PAGES];

		up("", policies[i]);
		for (unsigned int k = 0; k < PAGES; k++)
			iova[k] = map(k);
		reset_now();
		for (unsigned int k = 0; k < PAGES; k++)
			assert_true(sluice_unmap_async(t.d, iova[k], 4096, k) >= 0);
		poll_for(300000);
		assert_int_equal(counter("resets"), 1);
		assert_int_equal(cookies(), 0);
		assert_int_equal(sluice_domain_drain(t.d), -ETIMEDOUT);
		says_reset();
		assert_true(stats().flush_errors >= 1);
		assert_int_equal(cookies(), 0);
		assert_int_equal(stats().released, 0);
		assert_int_equal(stats().pending, stats().queued);
		down_after_reset();
	}
}

/* Flushes that were under way are not complete either. */
static void
a12_reset_in_flight(void **state)
{
	(void)state;
	for (unsigned int cons = 0; cons < 2; cons++) {
		uint64_t iova[4];
		unsigned int n = 0;

		up(cons ? ",sync=cons,cmdq_log2=4,sync_ns=1000000" :
			  ",cmdq_log2=4,sync_ns=1000000", "strict-async");
		for (unsigned int i = 0; i < 4; i++)
			iova[i] = map(i);
		for (unsigned int i = 0; i < 4; i++)
			assert_int_equal(sluice_unmap_async(t.d, iova[i], 4096, i), 1);
		poll_for(100000);
		assert_int_equal(cookies(), 0);
		reset_now();
		poll_for(1000000);
		n = cookies();
		assert_int_equal(n, 0);
		assert_int_equal(counter("resets"), 1);
		down_after_reset();
	}
}

/* A device's events of before do not come again. */
static void
reset_no_old_events(void **state)
{
	struct sluice_engine_stats es;
	uint64_t before;

	(void)state;
	up(",evtq_log2=3", "strict");
	for (unsigned int i = 0; i < 5; i++)
		assert_int_not_equal(touch(0x7000), 0);
	poll_for(100000);
	sluice_engine_get_stats(t.e, &es);
	before = es.fault_received;
	assert_int_equal(before, 5);
	reset_now();
	poll_for(100000);
	sluice_engine_get_stats(t.e, &es);
	assert_int_equal(es.fault_received, before);
	assert_int_equal(counter("evtq_bad_prod"), 0);
	down_after_reset();
}

/* Whoever turns it off past the driver has not reset it. */
static void
raw_write_is_no_reset(void **state)
{
	uint64_t cr0;

	(void)state;
	up("", "strict");
	assert_int_equal(sluice_raw_reg_read(t.iommu, 0x20, 4, &cr0), 0);
	assert_int_equal(sluice_raw_reg_write(t.iommu, 0x20, 4, 0), 0);
	poll_for(100000);
	assert_int_equal(sluice_raw_reg_write(t.iommu, 0x20, 4, cr0), 0);
	poll_for(100000);
	assert_int_equal(counter("resets"), 0);
	assert_int_equal(sluice_unmap(t.d, map(0), 4096), 0);
	whole_down();
}

/* Closed at once, before anybody has looked. */
static void
reset_unseen_and_closed(void **state)
{
	(void)state;
	up("", "strict");
	reset_now();
	assert_int_equal(sluice_iommu_stop(t.iommu), 0);
	whole_down();
}

/* ---- invalidations that lose a race with traffic ---------------------------------------------- */

/* @return how often a page was still reached after its unmap had returned. */
static unsigned int
reached(const char *settings, const char *policy)
{
	unsigned int n = 0;

	up(settings, policy);
	for (unsigned int i = 0; i < 200; i++) {
		uint64_t iova = map(i % PAGES);

		assert_int_equal(touch(iova), 0);
		assert_int_equal(sluice_unmap(t.d, iova, 4096), 0);
		n += touch(iova) == 0;
	}
	whole_down();
	return n;
}

/* The hardware can fail so, and is told everything twice. */
static void
a2_tlbi_racy(void **state)
{
	static const char *const policies[] = { "strict", "strict-batched", "contiguous" };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(policies); i++) {
		assert_in_range(reached(",tlbi_racy=1", policies[i]), 1, 199);
		assert_int_equal(reached(",tlbi_racy=1,quirk=none,seed=3,tlbi_ns=300", policies[i]) != 0, 1);
		assert_int_equal(reached(",tlbi_racy=1,quirk=repeat-tlbi-cfgi", policies[i]), 0);
		assert_int_equal(reached(",tlbi_racy=1,quirk=repeat-tlbi-cfgi,cmdq_log2=2,sync=cons",
					 policies[i]), 0);
	}
}

/* What is counted: commands are counted as they were meant, and what was added beside them. */
static void
repeats_are_counted(void **state)
{
	uint64_t tlbis, repeats;

	(void)state;
	up(",quirk=repeat-tlbi-cfgi", "strict");
	tlbis = counter("cmdq_tlbis");
	repeats = counter("cmdq_repeats");
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(sluice_unmap(t.d, map(i), 4096), 0);
	assert_int_equal(counter("cmdq_tlbis") - tlbis, 10);
	assert_int_equal(counter("cmdq_repeats") - repeats, 20); /* a TLBI and a SYNC each */
	assert_int_equal(counter("cmdq_cmds"), counter("emu_cmds"));
	whole_down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a12_a_lost_signal),
		cmocka_unit_test(a12_a_lost_signal_in_a_flush),
		cmocka_unit_test(a12_late_strict),
		cmocka_unit_test(a12_late_full),
		cmocka_unit_test(a12_late_flush),
		cmocka_unit_test(a12_reset_strict),
		cmocka_unit_test(a12_reset_flush),
		cmocka_unit_test(a12_reset_in_flight),
		cmocka_unit_test(reset_no_old_events),
		cmocka_unit_test(raw_write_is_no_reset),
		cmocka_unit_test(reset_unseen_and_closed),
		cmocka_unit_test(a2_tlbi_racy),
		cmocka_unit_test(repeats_are_counted),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
