/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The backend's control operations over the fake: ops.c and config.c are compiled in, with the
 * register source replaced. One test program includes it once.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "fake.h"

static struct fake *f;
static const struct sluice_iommu_ops *ops;
static struct sluice_iommu iommu;

void
sluice_backend_register(struct sluice_backend *b)
{
	ops = b->ops;
}

int
sluice_regs_open(struct sluice_regs *regs, struct rte_kvargs *kv, const char *const *keys)
{
	(void)kv;
	assert_string_equal(keys[0], "cmdq_log2");
	*regs = f->s.regs;
	return 0;
}

void
sluice_regs_close(struct sluice_regs *regs)
{
	(void)regs;
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

	assert_non_null(kv);
	memset((void *)&iommu, 0, sizeof(iommu));
	iommu.ops = ops;
	rc = ops->open(&iommu, kv);
	rte_kvargs_free(kv);
	assert_null(iommu.relax);
	if (rc == 0) {
		iommu.relax = fake_relax;
		iommu.relax_arg = f;
	}
	return rc;
}

static inline struct smmu *
smmu(void)
{
	return iommu.priv;
}

static inline int
setup(void **state)
{
	(void)state;
	f = fake_create();
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	assert_int_equal(sluice_mem_used(f->s.regs.mem), 0);
	fake_destroy(f);
	return 0;
}

static inline uint64_t
reg64(uint32_t off)
{
	return *(uint64_t *)(void *)(f->page + off);
}

static inline void *
at(uint64_t pa)
{
	return f->ram + (pa - FAKE_RAM_PA);
}

/* The stream's STE, found as the hardware does it. */
static inline uint64_t *
ste(uint32_t sid)
{
	uint64_t l1 = ((uint64_t *)at(reg64(0x80) & 0xfffffffffffc0))[sid >> 8];

	if ((l1 & 31) == 0)
		return NULL;
	assert_int_equal(l1 & 31, 9);
	return (uint64_t *)at(l1 & 0xfffffffffffc0) + (size_t)(sid & 255) * 8;
}

#endif
