/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the tests of the whole library share: emulated hardware, an engine with lcore 0 as its
 * worker, one domain, memory of the iommu for buffers, and (where a test asks for it) a device at
 * stream 8 with a DMA channel. whole_up() makes all but the device, whole_device() the device,
 * whole_down() takes down what there is, and fails the test if something does not want to go.
 */
#ifndef WHOLE_H
#define WHOLE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_common.h>
#include <rte_errno.h>
#include <sluice/sluice.h>

#include "../eal.h"
#include "../xstat.h"

static struct {
	struct sluice_iommu *iommu;
	struct sluice_engine *e;
	struct sluice_domain *d;
	struct sluice_device *dev;
	struct sluice_dma *dma;
	uint8_t *mem;
	size_t size; /* of mem */
	uint64_t pa;
} t;

static inline void
whole_relax(void *iommu)
{
	sluice_iommu_step(iommu, 16);
}

/**
 * @param args of the iommu.
 * @param driven a waiting thread steps the hardware.
 * @param size, align of the memory.
 */
static inline void
whole_up(const char *args, bool driven, const struct sluice_domain_conf *conf, size_t size,
	 size_t align)
{
	memset(&t, 0, sizeof(t));
	t.iommu = sluice_iommu_open(args);
	assert_non_null(t.iommu);
	if (driven)
		sluice_iommu_set_relax(t.iommu, whole_relax, t.iommu);
	t.e = sluice_engine_create();
	assert_non_null(t.e);
	assert_int_equal(sluice_engine_add_iommu(t.e, t.iommu), 0);
	assert_int_equal(sluice_worker_register(t.e, 0), 0);
	t.d = sluice_domain_create(t.iommu, conf);
	assert_non_null(t.d);
	t.size = size;
	t.mem = sluice_iommu_mem_alloc(t.iommu, size, align, &t.pa);
	assert_non_null(t.mem);
}

/** @param dma the channel's settings: "emu,probe=1". */
static inline void
whole_device(const char *dma)
{
	uint32_t stream = 8;

	t.dev = sluice_device_add(t.iommu, &stream, 1);
	assert_non_null(t.dev);
	assert_int_equal(sluice_device_attach(t.dev, t.d), 0);
	t.dma = sluice_dma_open(t.dev, dma);
	assert_non_null(t.dma);
}

static inline void
whole_down(void)
{
	if (t.dev != NULL) {
		assert_int_equal(sluice_dma_close(t.dma), 0);
		assert_int_equal(sluice_device_remove(t.dev), 0);
	}
	assert_int_equal(sluice_domain_destroy(t.d), 0);
	assert_int_equal(sluice_worker_unregister(t.e, 0), 0);
	sluice_iommu_mem_free(t.iommu, t.mem, t.size);
	assert_int_equal(sluice_engine_del_iommu(t.e, t.iommu), 0);
	assert_int_equal(sluice_engine_destroy(t.e), 0);
	assert_int_equal(sluice_iommu_close(t.iommu), 0);
}

/** The counter of that name, which must be there. */
static inline uint64_t
counter(const char *name)
{
	struct sluice_xstat xs[XSTAT_MAX];

	return xstat_value(xs, sluice_iommu_xstats(t.iommu, xs, XSTAT_MAX), name);
}

#endif
