/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One domain behind two emulated SMMUs with the same memory (A15): devices behind both see what is
 * mapped, keep touching what was, and neither ever reaches a page that its owner has back.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <rte_errno.h>
#include <sluice/sluice.h>

#include "../../../engine/driver.h"
#include "../../../pmd/emu/core/emu.h"
#include "../eal.h"

#define PAGES 64u

static struct sluice_iommu *iommu[2];
static struct sluice_engine *e;
static uint8_t owned[PAGES];

static void
relax(void *arg)
{
	(void)arg;
	/* The second one is slow. */
	sluice_iommu_step(iommu[0], 16);
	sluice_iommu_step(iommu[1], 3);
}

static uint64_t
stale(unsigned int i)
{
	struct emu_stats st;

	emu_get_stats(iommu[i]->emu, &st);
	return st.stale_accesses;
}

static void
use(struct sluice_dma *ch, uint64_t iova, int want)
{
	struct sluice_dma_desc d = { .iova = iova, .len = 64, .flags = SLUICE_DMA_TO_HOST };
	struct sluice_dma_cpl c;

	assert_int_equal(sluice_dma_submit(ch, &d, 1), 1);
	while (sluice_dma_completed(ch, &c, 1) == 0)
		relax(NULL);
	assert_int_equal(c.status, want);
}

static struct sluice_domain *domain, *other;
static struct sluice_device *dev[2];
static struct sluice_dma *dma[2];
static uint64_t pa;
static void *mem;

/* Two SMMUs of one board, one domain on both, a device with a channel behind each. */
static void
up(const struct sluice_domain_conf *conf)
{
	uint32_t stream = 8;

	iommu[0] = sluice_iommu_open("smmuv3,regs=emu,step=1,mem_mb=32,mem=board");
	assert_non_null(iommu[0]);
	assert_null(sluice_iommu_open("smmuv3,regs=emu,step=1,mem_mb=16,mem=board"));
	iommu[1] = sluice_iommu_open("smmuv3,regs=emu,step=1,mem_mb=32,mem=board,tlbi_ns=3000");
	assert_non_null(iommu[1]);
	e = sluice_engine_create();
	for (unsigned int i = 0; i < 2; i++) {
		sluice_iommu_set_relax(iommu[i], relax, NULL);
		assert_int_equal(sluice_engine_add_iommu(e, iommu[i]), 0);
	}
	assert_int_equal(sluice_worker_register(e, 0), 0);
	/* So that the tags differ. */
	other = sluice_domain_create(iommu[1], conf);
	domain = sluice_domain_create(iommu[0], conf);
	assert_non_null(domain);
	assert_int_equal(sluice_domain_add_iommu(domain, iommu[1]), 0);
	mem = sluice_iommu_mem_alloc(iommu[0], PAGES * 4096, 4096, &pa);
	memset(owned, 1, sizeof(owned));
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(sluice_iommu_watch(iommu[i], pa, PAGES * 4096, owned), 0);
		dev[i] = sluice_device_add(iommu[i], &stream, 1);
		assert_int_equal(sluice_device_attach(dev[i], domain), 0);
		dma[i] = sluice_dma_open(dev[i], "emu,probe=1");
		assert_non_null(dma[i]);
	}
}

static void
down(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(stale(i), 0);
		assert_int_equal(sluice_dma_close(dma[i]), 0);
		assert_int_equal(sluice_device_remove(dev[i]), 0);
	}
	assert_int_equal(sluice_domain_destroy(domain), 0);
	assert_int_equal(sluice_domain_destroy(other), 0);
	assert_int_equal(sluice_worker_unregister(e, 0), 0);
	sluice_iommu_mem_free(iommu[0], mem, PAGES * 4096);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(sluice_engine_del_iommu(e, iommu[i]), 0);
	/* The first one may go first. */
	assert_int_equal(sluice_iommu_close(iommu[0]), 0);
	assert_int_equal(sluice_iommu_close(iommu[1]), 0);
	assert_int_equal(sluice_engine_destroy(e), 0);
}

static void
a15_two_smmus_one_address_space(void **state)
{
	static const char *const policies[] = { "strict", "strict-batched", "strict-async", "deferred" };
	uint64_t iova;

	(void)state;
	for (unsigned int p = 0; p < 4; p++) {
		const struct sluice_domain_conf conf = { .policy = policies[p], .iova_size = 4 << 20 };

		up(&conf);
		for (unsigned int n = 0; n < 200; n++) {
			unsigned int page = n % PAGES;

			owned[page] = 1;
			assert_int_equal(sluice_map(domain, pa + page * 4096u, 4096, SLUICE_RW, &iova),
					 0);
			use(dma[0], iova, 0);
			use(dma[1], iova, 0);
			assert_int_equal(sluice_unmap(domain, iova, 4096), 0);
			if (p == 3)
				assert_int_equal(sluice_domain_drain(domain), 0);
			owned[page] = 0;
			use(dma[0], iova, -EFAULT);
			use(dma[1], iova, -EFAULT);
		}
		down();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a15_two_smmus_one_address_space),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
