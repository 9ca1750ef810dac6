/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the tests of the backend on emulated hardware share: the backend's operations, one iommu
 * opened with them and stepped by the thread that waits, an address space of 512 pages, and a look at a counter.
 * The backend is linked alone: its constructor registers it here, not with the engine.
 */
#ifndef ON_EMU_H
#define ON_EMU_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../../pmd/emu/core/emu.h"
#include "../../../pmd/smmuv3/smmuv3.h"
#include "../eal.h"
#include "../xstat.h"

static const struct sluice_iommu_ops *ops;
static struct sluice_iommu iommu;
static uint64_t *table[4]; /* one table a level: IOVA 0 … 2 MiB */
static uint64_t buf_pa;    /* what the pages of the last one lead to */
static uint8_t *buf;

void
sluice_backend_register(struct sluice_backend *b)
{
	ops = b->ops;
}

static inline void
relax(void *arg)
{
	(void)arg;
	ops->step(&iommu, 16);
}

static inline void
shut(void)
{
	assert_int_equal(ops->stop(&iommu), 0);
	ops->close(&iommu);
}

static inline int
open_with(const char *args)
{
	struct rte_kvargs *kv = rte_kvargs_parse(args, NULL);
	int rc;

	memset((void *)&iommu, 0, sizeof(iommu));
	iommu.ops = ops;
	rc = ops->open(&iommu, kv);
	rte_kvargs_free(kv);
	if (rc == 0)
		iommu.relax = relax;
	return rc;
}

static inline void *
mem(size_t size, uint64_t *pa)
{
	void *p = sluice_mem_alloc(iommu.mem, size, 4096, pa);

	assert_non_null(p);
	return p;
}

/* IOVA i * 4096 to page i of buf, for 512 pages, except those unmapped later. */
static inline struct sluice_hwdom
paging(void)
{
	struct sluice_hwdom hd = { .ias = 48 };
	uint64_t pa[4];

	for (unsigned int i = 0; i < 4; i++)
		table[i] = mem(4096, &pa[i]);
	for (unsigned int i = 0; i < 3; i++)
		table[i][0] = pa[i + 1] | 3;
	buf = mem(512 * 4096, &buf_pa);
	for (unsigned int i = 0; i < 512; i++) {
		/* Page, AttrIndx 1, AP[1], inner shareable, AF, nG. */
		table[3][i] = (buf_pa + i * 4096u) | 3 | 1u << 2 | 1u << 6 | 3u << 8 | 1u << 10 |
			      1u << 11;
		memset(buf + i * 4096u, (int)i & 0xff, 4096);
	}
	hd.ttb = pa[0];
	assert_int_equal(ops->hwdom_init(&iommu, &hd), 0);
	return hd;
}

static inline uint64_t
counter(const char *name)
{
	struct sluice_xstat xs[XSTAT_MAX];

	return xstat_value(xs, ops->xstats(&iommu, xs, XSTAT_MAX), name);
}

#endif
