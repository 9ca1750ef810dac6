/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Policies that copy or keep, through the whole house: engine, driver, emulated hardware and a
 * device that keeps trying addresses it once used. Every byte arrives; where nothing may be stale
 * the model counts no access to a page that its owner has back, and where something may, it does
 * count.
 */
#include "whole.h"

#define PAGES    32u
#define MEM_SIZE (2u << 20)

static uint8_t owned[PAGES]; /* the first pages of the memory, which are watched */

static void
up(const struct sluice_domain_conf *conf, const char *dma)
{
	memset(owned, 0, sizeof(owned));
	whole_up("smmuv3,regs=emu,step=1,mem_mb=32,tlbi_ns=300,sync_ns=300", true, conf, MEM_SIZE,
		 MEM_SIZE);
	assert_int_equal(sluice_iommu_watch(t.iommu, t.pa, PAGES * 4096, owned), 0);
	whole_device(dma);
}

/* A transfer, to its end. @return its status. */
static int
xfer(uint64_t iova, void *dev, uint32_t len, bool to_host)
{
	struct sluice_dma_desc one = { .iova = iova, .dev_mem = dev, .len = len,
				       .flags = to_host ? SLUICE_DMA_TO_HOST : 0 };
	struct sluice_dma_cpl c;

	assert_int_equal(sluice_dma_submit(t.dma, &one, 1), 1);
	while (sluice_dma_completed(t.dma, &c, 1) == 0)
		sluice_iommu_step(t.iommu, 1);
	assert_true(c.status != 0 || c.done == len);
	return c.status;
}

static void
own(unsigned int page, unsigned int pages, uint8_t mine)
{
	for (unsigned int i = 0; i < pages; i++)
		__atomic_store_n(&owned[page + i], mine, __ATOMIC_RELAXED);
}

/* Buffers of all sizes to and from the device; both sides compared. The device probes all the while. */
static void
traffic(unsigned int rounds)
{
	static const uint32_t lens[] = { 64, 1500, 4096, 9000, 40000 };
	uint8_t *dev = malloc(65536);

	for (unsigned int i = 0; i < rounds; i++) {
		uint32_t len = lens[i % 5];
		unsigned int page = i * 7 % 20, pages = (len + 4095) / 4096;
		uint8_t *host = t.mem + page * 4096;
		bool to_host = i % 2;
		uint64_t iova;

		memset(host, (int)i, len);
		memset(dev, (int)(i + 1), len);
		own(page, pages, 1);
		assert_int_equal(sluice_map(t.d, t.pa + page * 4096, len,
					    to_host ? SLUICE_RW : SLUICE_READ, &iova), 0);
		assert_int_equal(xfer(iova, dev, len, to_host), 0);
		assert_int_equal(sluice_unmap(t.d, iova, len), 0);
		own(page, pages, 0);
		assert_int_equal(host[0], (uint8_t)(to_host ? i + 1 : i));
		assert_memory_equal(host, dev, len);
		assert_memory_equal(host, host + 1, len - 1); /* all the same byte */
		for (unsigned int k = 0; k < 100; k++)
			sluice_iommu_step(t.iommu, 8);
	}
	free(dev);
}

static void
copies_are_never_stale(void **state)
{
	static const struct sluice_domain_conf conf[] = {
		{ .policy = "copy", .iova_size = 16 << 20, .copy_pool = 1 << 20 },
		{ .policy = "hybrid", .iova_size = 16 << 20, .copy_pool = 1 << 20, .copy_max = 2048 },
		{ .policy = "deferred", .untrusted = true, .iova_size = 16 << 20,
		  .copy_pool = 1 << 20 },
	};
	struct sluice_domain_stats st;
	struct sluice_dma_stats ds;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		up(&conf[i], "emu,probe=1,seed=5");
		traffic(300);
		assert_int_equal(counter("emu_stale_accesses"), 0);
		sluice_dma_get_stats(t.dma, &ds);
		assert_true(ds.probes > 1000);
		sluice_domain_get_stats(t.d, &st);
		assert_true(st.copies > 0);
		assert_int_equal(st.live, 0);
		if (i == 0)
			assert_int_equal(st.syncs, 0);
		whole_down();
	}
}

/* The same device catches those that keep. */
static void
kept_mappings_are_stale(void **state)
{
	static const char *const policy[] = { "static", "hugepool", "persistent" };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct sluice_domain_conf conf = { .policy = policy[i],
						   .iova_size = UINT64_C(256) << 20, .keep_max = 8 };

		up(&conf, "emu,probe=1,seed=5");
		if (i == 1)
			assert_int_equal(sluice_domain_pool(t.d, t.pa, MEM_SIZE), 0);
		traffic(300);
		assert_true(counter("emu_stale_accesses") > 0);
		/* What persistent keeps is over when it is drained. */
		if (i == 2) {
			assert_true(sluice_domain_stale_hist(t.d)->count > 100);
			assert_int_equal(sluice_domain_drain(t.d), 0);
			uint64_t stale = counter("emu_stale_accesses");

			for (unsigned int k = 0; k < 2000; k++)
				sluice_iommu_step(t.iommu, 8);
			assert_int_equal(counter("emu_stale_accesses"), stale);
		}
		whole_down();
	}
}

static void
device_may_do_what_was_asked_for(void **state)
{
	static const char *const policy[] = { "copy", "static", "hugepool", "persistent", "strict" };
	uint8_t byte = 1;

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		struct sluice_domain_conf conf = { .policy = policy[i], .copy_pool = 1 << 20,
						   .untrusted = i == 4,
						   .iova_size = UINT64_C(256) << 20 };
		uint64_t ro, rw;

		up(&conf, "emu");
		if (i == 2)
			assert_int_equal(sluice_domain_pool(t.d, t.pa, MEM_SIZE), 0);
		own(0, PAGES, 1);
		assert_int_equal(sluice_map(t.d, t.pa, 64, SLUICE_READ, &ro), 0);
		assert_int_equal(xfer(ro, &byte, 1, false), 0);
		assert_int_equal(xfer(ro, &byte, 1, true), -EFAULT);
		assert_int_equal(sluice_map(t.d, t.pa, 64, SLUICE_RW, &rw), 0);
		assert_int_equal(xfer(rw, &byte, 1, true), 0);
		assert_int_equal(sluice_unmap(t.d, ro, 64), 0);
		assert_int_equal(sluice_unmap(t.d, rw, 64), 0);
		whole_down();
	}
}

/* Blocks: one entry of the IOTLB for all of a pool. */
static void
blocks_save_translations(void **state)
{
	uint64_t walks[2];
	uint8_t byte;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct sluice_domain_conf conf = { .policy = i == 0 ? "static" : "hugepool",
						   .iova_size = UINT64_C(256) << 20 };
		uint64_t iova;

		up(&conf, "emu");
		own(0, PAGES, 1);
		assert_int_equal(sluice_domain_pool(t.d, t.pa, MEM_SIZE), 0);
		for (unsigned int page = 0; page < 512; page++) {
			assert_int_equal(sluice_map(t.d, t.pa + page * 4096, 64, SLUICE_RW, &iova), 0);
			assert_int_equal(xfer(iova, &byte, 1, false), 0);
			assert_int_equal(sluice_unmap(t.d, iova, 64), 0);
		}
		walks[i] = counter("emu_iotlb_misses");
		whole_down();
	}
	assert_true(walks[0] >= 512);
	assert_true(walks[1] <= 2);
}

/* The bytes around a buffer in its pages: neither seen nor changed. */
static void
e5_untrusted_is_strict_and_bounces(void **state)
{
	static const struct sluice_domain_conf conf = { .policy = "strict-async", .untrusted = true,
							.iova_size = 16 << 20 };
	static const uint32_t at[] = { 100, 4000, 4096, 8000 }, len[] = { 64, 200, 1500, 9000 };
	uint8_t *dev = malloc(4 * 4096);
	uint64_t iova;

	(void)state;
	up(&conf, "emu,probe=1,seed=9");
	assert_string_equal(sluice_domain_policy(t.d), "strict");
	own(0, PAGES, 1);
	for (unsigned int i = 0; i < 16; i++) {
		uint32_t off = at[i % 4], n = len[i / 4], first = off & ~4095u;
		uint32_t span = ((off + n + 4095) & ~4095u) - first;

		memset(t.mem, 0x5a, MEM_SIZE); /* somebody else's */
		memset(t.mem + off, 0xb0, n);  /* the buffer */
		assert_int_equal(sluice_map(t.d, t.pa + off, n, SLUICE_RW, &iova), 0);
		/* All that the device can read there. */
		assert_int_equal(xfer(iova & ~UINT64_C(4095), dev, span, false), 0);
		for (uint32_t k = 0; k < span; k++)
			assert_int_equal(dev[k], first + k >= off && first + k < off + n ? 0xb0 : 0);
		/* And all it can write. */
		memset(dev, 0xdd, span);
		assert_int_equal(xfer(iova & ~UINT64_C(4095), dev, span, true), 0);
		assert_int_equal(sluice_unmap(t.d, iova, n), 0);
		for (uint32_t k = 0; k < 5 * 4096; k++)
			assert_int_equal(t.mem[k], k >= off && k < off + n ? 0xdd : 0x5a);
		/* Strict: over, at once. */
		assert_int_equal(xfer(iova, dev, 1, false), -EFAULT);
		assert_int_equal(xfer(iova + n - 1, dev, 1, true), -EFAULT);
	}
	assert_int_equal(counter("emu_stale_accesses"), 0);
	free(dev);
	whole_down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_never_stale),
		cmocka_unit_test(kept_mappings_are_stale),
		cmocka_unit_test(device_may_do_what_was_asked_for),
		cmocka_unit_test(blocks_save_translations),
		cmocka_unit_test(e5_untrusted_is_strict_and_bounces),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
