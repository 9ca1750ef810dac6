/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Transfers with a device's own buffer on emulated hardware, as the real makers have them, and the
 * public calls that tell makers apart: the whole library.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <rte_errno.h>

#include <sluice/sluice.h>

#include "../eal.h"

static struct sluice_iommu *iommu;

static void
step(void *arg)
{
	sluice_iommu_step(arg, 16);
}

static int
move(struct sluice_dma *dma, uint64_t iova, uint32_t len, uint16_t off, uint16_t flags)
{
	struct sluice_dma_desc d = { .iova = iova, .len = len, .dev_off = off, .flags = flags };
	struct sluice_dma_cpl c;

	assert_int_equal(sluice_dma_submit(dma, &d, 1), 1);
	while (sluice_dma_completed(dma, &c, 1) == 0)
		sluice_iommu_step(iommu, 16);
	assert_int_equal(c.done, c.status == 0 ? len : 0);
	return c.status;
}

static void
streams_by_name(void)
{
	uint32_t stream;

	assert_int_equal(sluice_dma_stream(iommu, "emu,index=2", &stream), 0);
	assert_int_equal(stream, 24);
	assert_int_equal(sluice_dma_stream(iommu, "emu", &stream), 0);
	assert_int_equal(stream, 8);
	assert_int_equal(sluice_dma_stream(iommu, "emu,index=8191", &stream), -EINVAL);
	assert_int_equal(sluice_dma_stream(iommu, "nosuch", &stream), -EINVAL);
	assert_int_equal(sluice_dma_stream(iommu, "emu,colour=red", &stream), -EINVAL);
	assert_int_equal(sluice_dma_stream(iommu, "edu", &stream), -ENOTSUP);
	assert_non_null(strstr(sluice_error(), "regs=emu"));
}

/* To the device's buffer and back, at its edges and beyond; and after the detach. */
static void
moves(struct sluice_dma *dma, struct sluice_device *dev)
{
	uint64_t pa;
	uint8_t *buf;

	buf = sluice_iommu_mem_alloc(iommu, 3 * 4096, 4096, &pa);
	assert_non_null(buf);
	for (int i = 0; i < 4096; i++)
		buf[i] = (uint8_t)(i * 13);
	assert_int_equal(move(dma, pa, 4096, 0, 0), 0);
	assert_int_equal(move(dma, pa + 4096, 4096, 0, SLUICE_DMA_TO_HOST), 0);
	assert_memory_equal(buf + 4096, buf, 4096);
	assert_int_equal(move(dma, pa + 8192, 16, 100, SLUICE_DMA_TO_HOST), 0);
	assert_memory_equal(buf + 8192, buf + 100, 16);
	assert_int_equal(move(dma, pa, 1, 4095, 0), 0);
	assert_int_equal(move(dma, pa, 2, 4095, 0), -EINVAL);
	assert_int_equal(move(dma, pa, 4097, 0, 0), -EINVAL);
	assert_int_equal(move(dma, pa, UINT32_MAX, 1, 0), -EINVAL);
	assert_int_equal(move(dma, pa, 1, UINT16_MAX, 0), -EINVAL);
	assert_int_equal(sluice_device_detach(dev), 0);
	assert_int_equal(move(dma, pa, 8, 0, 0), -EFAULT); /* and this one does tell */
	sluice_iommu_mem_free(iommu, buf, 3 * 4096);
}

static void
test_own_buffer(void **state)
{
	struct sluice_engine *eng = sluice_engine_create();
	struct sluice_domain_conf conf = { .type = SLUICE_DOMAIN_IDENTITY };
	struct sluice_device *dev;
	struct sluice_domain *dom;
	struct sluice_dma_info info;
	struct sluice_dma *dma;

	(void)state;
	iommu = sluice_iommu_open("smmuv3,regs=emu,step=1,mem_mb=8");
	assert_non_null(iommu);
	sluice_iommu_set_relax(iommu, step, iommu);
	assert_int_equal(sluice_engine_add_iommu(eng, iommu), 0);
	streams_by_name();
	dev = sluice_device_add(iommu, (uint32_t[]){ 3, 24 }, 2);
	assert_non_null(dev);
	dom = sluice_domain_create(iommu, &conf);
	assert_int_equal(sluice_device_attach(dev, dom), 0);
	assert_null(sluice_dma_open(dev, "emu,index=1"));
	assert_int_equal(rte_errno, EINVAL);
	assert_null(sluice_dma_open(dev, "emu,index=2,stream=0"));
	assert_null(sluice_dma_open(dev, "edu"));
	assert_null(sluice_dma_open(dev, "testdev"));
	dma = sluice_dma_open(dev, "emu,index=2");
	assert_non_null(dma);
	assert_int_equal(sluice_dma_get_info(dma, &info), 0);
	assert_int_equal(info.flags, SLUICE_DMA_TELLS | SLUICE_DMA_READS | SLUICE_DMA_ANY_MEM);
	assert_int_equal(info.own_len, 4096);
	assert_int_equal(info.depth, 1024);
	assert_int_equal(sluice_dma_get_info(dma, NULL), -EINVAL);
	assert_int_equal(sluice_dma_get_info(NULL, &info), -EINVAL);

	moves(dma, dev);
	assert_int_equal(sluice_dma_close(dma), 0);
	assert_int_equal(sluice_device_remove(dev), 0);
	assert_int_equal(sluice_domain_destroy(dom), 0);
	assert_int_equal(sluice_engine_del_iommu(eng, iommu), 0);
	assert_int_equal(sluice_engine_destroy(eng), 0);
	assert_int_equal(sluice_iommu_close(iommu), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_own_buffer) };

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
