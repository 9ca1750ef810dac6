/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * ATS through the whole house: engine, driver, emulated hardware, devices with caches that keep
 * trying addresses they once used. The model counts every access to a page that its owner had back:
 * there must be none, with one device, with several, and with one that answers nothing.
 */
#include "../../../engine/driver.h"
#include "../../../pmd/emu/core/emu.h"
#include "whole.h"

#define DEVS  4u
#define PAGES 64u

static struct sluice_device *dev[DEVS];
static struct sluice_dma *dma[DEVS];
static uint8_t owned[PAGES];
static struct sluice_fault fault[256];
static unsigned int nb_faults;

static void
on_fault(const struct sluice_fault *f, unsigned int n, void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < n; i++)
		if ((f[i].flags & SLUICE_FAULT_QUARANTINED) != 0 && nb_faults < 256)
			fault[nb_faults++] = f[i];
}

static uint32_t
stream(unsigned int i)
{
	return (i + 1) * 8;
}

/* @param extra of the emulated hardware. @param probe devices keep touching what they used. */
static void
up(const char *policy, const char *extra, bool probe)
{
	struct sluice_domain_conf conf = { .policy = policy, .iova_size = 4 << 20, .batch = 8,
					   .deadline_us = 20 };
	char args[192];

	nb_faults = 0;
	memset(owned, 1, sizeof(owned));
	snprintf(args, sizeof(args),
		 "smmuv3,regs=emu,step=1,mem_mb=32,ats=1,atc_timeout_ns=20000,"
		 "sync_timeout_us=2000%s", extra);
	whole_up(args, true, &conf, PAGES * 4096, 4096);
	sluice_engine_set_fault_cb(t.e, on_fault, NULL);
	assert_int_equal(sluice_iommu_watch(t.iommu, t.pa, PAGES * 4096, owned), 0);
	for (unsigned int i = 0; i < DEVS; i++) {
		uint32_t s = stream(i);

		dev[i] = sluice_device_add(t.iommu, &s, 1);
		assert_non_null(dev[i]);
		assert_int_equal(sluice_device_attach(dev[i], t.d), 0);
		assert_int_equal(sluice_device_ats(dev[i], true), 0);
		snprintf(args, sizeof(args), "emu,ats=1,atc=64,seed=%u%s", i + 1,
			 probe ? ",probe=1" : "");
		dma[i] = sluice_dma_open(dev[i], args);
		assert_non_null(dma[i]);
	}
}

static void
down(void)
{
	for (unsigned int i = 0; i < DEVS; i++) {
		emu_inject(t.iommu->emu, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(stream(i), 0));
		assert_int_equal(sluice_dma_close(dma[i]), 0);
		assert_int_equal(sluice_device_remove(dev[i]), 0);
	}
	whole_down();
}

/* A transfer of 8 bytes, to its end. @return its status. */
static int
xfer(unsigned int i, uint64_t iova)
{
	struct sluice_dma_desc one = { .iova = iova, .len = 8, .flags = SLUICE_DMA_TO_HOST };
	struct sluice_dma_cpl c;

	assert_int_equal(sluice_dma_submit(dma[i], &one, 1), 1);
	while (sluice_dma_completed(dma[i], &c, 1) == 0)
		sluice_iommu_step(t.iommu, 1);
	return c.status;
}

static uint64_t
map(unsigned int page, unsigned int pages)
{
	uint64_t iova;

	assert_int_equal(sluice_map(t.d, t.pa + page * 4096u, pages * 4096u, SLUICE_RW, &iova), 0);
	return iova;
}

/* Rounds of map, DMA by everybody, unmap; a page is its owner's again when that is over. */
static void
pairs(unsigned int rounds)
{
	for (unsigned int r = 0; r < rounds; r++) {
		unsigned int page = r % PAGES;
		uint64_t iova;

		owned[page] = 1;
		iova = map(page, 1);
		for (unsigned int i = 0; i < DEVS; i++)
			assert_int_equal(xfer(i, iova),
					 sluice_device_quarantined(dev[i]) ? -EFAULT : 0);
		assert_int_equal(sluice_unmap(t.d, iova, 4096), 0);
		owned[page] = 0;
		for (unsigned int k = 0; k < 20; k++)
			sluice_iommu_step(t.iommu, 8);
	}
}

/* Devices that ask again between the two invalidations get nothing they may not have. */
static void
a2_atc_inv_after_tlbi_sync(void **state)
{
	static const char *const extra[] = { "", ",tlbi_ns=700,sync_ns=300", ",shuffle=1,seed=3" };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		up("strict", extra[i], true);
		pairs(200);
		assert_int_equal(counter("emu_stale_accesses"), 0);
		/* By the caches, all of it: filled by the transfer, or by a probe just before. */
		assert_int_equal(counter("emu_atc_fills") + counter("emu_atc_hits"), 200 * DEVS);
		assert_true(counter("emu_probes") > 200);
		assert_int_equal(counter("emu_atc_timeouts"), 0);
		down();
	}
}

/* Deferred: stale until the flush is over, and not any longer. */
static void
a2_flush_reaches_devices(void **state)
{
	uint64_t iova[8], stale;

	(void)state;
	up("deferred", ",tlbi_ns=300", true);
	for (unsigned int round = 0; round < 50; round++) {
		memset(owned, 1, sizeof(owned));
		for (unsigned int k = 0; k < 8; k++) {
			iova[k] = map(k, 1);
			for (unsigned int i = 0; i < DEVS; i++)
				assert_int_equal(xfer(i, iova[k]), 0);
		}
		for (unsigned int k = 0; k < 8; k++)
			assert_int_equal(sluice_unmap(t.d, iova[k], 4096), 0);
		assert_int_equal(sluice_domain_drain(t.d), 0);
		memset(owned, 0, 8);
		stale = counter("emu_stale_accesses");
		for (unsigned int k = 0; k < 100; k++)
			sluice_iommu_step(t.iommu, 8);
		for (unsigned int i = 0; i < DEVS; i++)
			assert_int_equal(xfer(i, iova[round % 8]), -EFAULT);
		assert_int_equal(counter("emu_stale_accesses"), stale);
		assert_int_equal(stale, 0);
	}
	down();
}

/* 13 pages from the fourth on: their neighbours stay in the cache. */
static void
a16_atc_ranges_are_split(void **state)
{
	uint64_t base = 0x20000000, invs, fills;

	(void)state;
	up("strict", "", false);
	assert_int_equal(sluice_map_fixed(t.d, base, t.pa, 16 * 4096, SLUICE_RW), 0);
	for (unsigned int k = 0; k < 16; k++)
		assert_int_equal(xfer(0, base + k * 4096), 0);
	invs = counter("emu_atc_invs");
	fills = counter("emu_atc_fills");
	assert_int_equal(sluice_unmap_fixed(t.d, base + 3 * 4096, 13 * 4096), 0);
	assert_int_equal(counter("emu_atc_invs") - invs, 3 * DEVS);
	for (unsigned int k = 0; k < 16; k++)
		assert_int_equal(xfer(0, base + k * 4096), k < 3 ? 0 : -EFAULT);
	assert_int_equal(counter("emu_atc_fills"), fills);
	assert_int_equal(sluice_unmap_fixed(t.d, base, 3 * 4096), 0);
	down();
}

/* One device that answers nothing any more, at the hands of @p policy. */
static void
one_dies(const char *policy, unsigned int bad)
{
	struct sluice_engine_stats st;
	uint64_t iova, other;

	up(policy, "", true);
	other = map(1, 1);
	iova = map(0, 1);
	for (unsigned int i = 0; i < DEVS; i++) {
		assert_int_equal(xfer(i, other), 0);
		assert_int_equal(xfer(i, iova), 0);
	}
	emu_inject(t.iommu->emu, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(stream(bad), 1));
	assert_int_equal(sluice_unmap(t.d, iova, 4096), 0);
	assert_int_equal(sluice_domain_drain(t.d), 0);
	owned[0] = 0;
	for (unsigned int i = 0; i < DEVS; i++)
		assert_int_equal(sluice_device_quarantined(dev[i]), i == bad);
	/* It goes on trying, with what it has cached, and gets nowhere. */
	for (unsigned int k = 0; k < 300; k++)
		sluice_iommu_step(t.iommu, 8);
	assert_int_equal(counter("emu_stale_accesses"), 0);
	for (unsigned int i = 0; i < DEVS; i++) {
		assert_int_equal(xfer(i, iova), -EFAULT);
		assert_int_equal(xfer(i, other), i == bad ? -EFAULT : 0);
	}
	assert_int_equal(sluice_unmap(t.d, other, 4096), 0);
	/* The others go on as if nothing had been. */
	assert_int_equal(sluice_domain_drain(t.d), 0);
	owned[1] = 0;
	for (unsigned int i = 0; i < DEVS; i++)
		assert_int_equal(xfer(i, other), -EFAULT);
	assert_int_equal(counter("emu_stale_accesses"), 0);
	for (unsigned int k = 0; k < 64; k++)
		sluice_engine_poll(t.e);
	sluice_engine_get_stats(t.e, &st);
	assert_int_equal(st.quarantined, 1);
	assert_int_equal(nb_faults, 1);
	assert_int_equal(fault[0].stream, stream(bad));
	assert_true(counter("emu_atc_timeouts") >= 1);
	assert_true(counter("cmdq_errors_atc_sync") >= 1);
	assert_int_equal(counter("cmdq_dead"), 0);
	assert_int_equal(sluice_device_attach(dev[bad], t.d), -EPERM);
	down();
}

static void
a12_atc_timeout_bisects_and_quarantines(void **state)
{
	(void)state;
	for (unsigned int bad = 0; bad < DEVS; bad++) {
		one_dies("strict", bad);
		one_dies("deferred", bad);
	}
}

/* Two of four, in the middle of the work of all. */
static void
a12_others_go_on(void **state)
{
	(void)state;
	up("strict", ",tlbi_ns=200", true);
	pairs(50);
	emu_inject(t.iommu->emu, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(stream(0), 1));
	emu_inject(t.iommu->emu, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(stream(2), 1));
	owned[0] = 1;
	assert_int_equal(sluice_unmap(t.d, map(0, 1), 4096), 0);
	assert_true(sluice_device_quarantined(dev[0]));
	assert_true(sluice_device_quarantined(dev[2]));
	pairs(100);
	assert_false(sluice_device_quarantined(dev[1]));
	assert_false(sluice_device_quarantined(dev[3]));
	assert_int_equal(counter("emu_stale_accesses"), 0);
	/* Removed, well again, added again: it works. */
	emu_inject(t.iommu->emu, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(stream(2), 0));
	assert_int_equal(sluice_dma_close(dma[2]), 0);
	assert_int_equal(sluice_device_remove(dev[2]), 0);
	dev[2] = sluice_device_add(t.iommu, &(uint32_t){ stream(2) }, 1);
	assert_int_equal(sluice_device_attach(dev[2], t.d), 0);
	assert_int_equal(sluice_device_ats(dev[2], true), 0);
	dma[2] = sluice_dma_open(dev[2], "emu,ats=1,atc=8,probe=1");
	assert_non_null(dma[2]);
	pairs(50);
	assert_int_equal(counter("emu_stale_accesses"), 0);
	down();
}

/* Slow, but not too slow: it is waited for, and nobody is blamed. */
static void
a12_late_is_not_dead(void **state)
{
	(void)state;
	up("strict", "", true);
	emu_inject(t.iommu->emu, EMU_INJECT_ATC_LATE, EMU_INJECT_ARG(stream(1), 15000));
	pairs(40);
	for (unsigned int i = 0; i < DEVS; i++)
		assert_false(sluice_device_quarantined(dev[i]));
	assert_int_equal(counter("emu_stale_accesses"), 0);
	assert_int_equal(counter("emu_atc_timeouts"), 0);
	/* A SYNC that is lost altogether: the caller hears of it, and gets nothing back. */
	emu_inject(t.iommu->emu, EMU_INJECT_SYNC_HANG, 1);
	owned[5] = 1;
	assert_int_equal(sluice_unmap(t.d, map(5, 1), 4096), -ETIMEDOUT);
	emu_inject(t.iommu->emu, EMU_INJECT_SYNC_HANG, 0);
	pairs(5);
	down();
}

/* Devices move between address spaces with what they have cached: nothing follows them. */
static void
a11_devices_move(void **state)
{
	struct sluice_domain_conf conf = { .policy = "strict", .iova_size = 4 << 20 };
	struct sluice_domain *other;

	(void)state;
	up("strict", "", true);
	other = sluice_domain_create(t.iommu, &conf);
	assert_non_null(other);
	for (unsigned int r = 0; r < 40; r++) {
		unsigned int i = r % DEVS, page = r % PAGES;
		uint64_t iova;

		owned[page] = 1;
		iova = map(page, 1);
		assert_int_equal(xfer(i, iova), 0);
		assert_int_equal(sluice_device_attach(dev[i], other), 0);
		/* The page goes back while the device is elsewhere: it is not told any more. */
		assert_int_equal(sluice_unmap(t.d, iova, 4096), 0);
		owned[page] = 0;
		for (unsigned int k = 0; k < 50; k++)
			sluice_iommu_step(t.iommu, 8);
		assert_int_equal(xfer(i, iova), -EFAULT);
		assert_int_equal(sluice_device_attach(dev[i], t.d), 0);
	}
	assert_int_equal(counter("emu_stale_accesses"), 0);
	assert_int_equal(sluice_domain_destroy(other), 0);
	down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a2_atc_inv_after_tlbi_sync),
		cmocka_unit_test(a2_flush_reaches_devices),
		cmocka_unit_test(a16_atc_ranges_are_split),
		cmocka_unit_test(a12_atc_timeout_bisects_and_quarantines),
		cmocka_unit_test(a12_others_go_on),
		cmocka_unit_test(a12_late_is_not_dead),
		cmocka_unit_test(a11_devices_move),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
