/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Raw access: what the engine refuses before a backend sees it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/driver.h"

static unsigned int calls;

static void
info(struct sluice_iommu *iommu, struct sluice_raw_info *i)
{
	(void)iommu;
	*i = (struct sluice_raw_info){ .arch = "fake", .regs_bytes = 0x100, .cmd_words = 2,
				       .event_words = 4, .max_cmds = 3,
				       .entry_words = { [SLUICE_RAW_STREAM] = 8 } };
}

static uint64_t
reg_read(struct sluice_iommu *iommu, uint32_t off, unsigned int size)
{
	(void)iommu;
	calls++;
	return (uint64_t)off << 8 | size;
}

static void
reg_write(struct sluice_iommu *iommu, uint32_t off, unsigned int size, uint64_t v)
{
	(void)iommu;
	(void)v;
	assert_int_equal(off % size, 0);
	calls++;
}

static int
cmds(struct sluice_iommu *iommu, const uint64_t *words, unsigned int n)
{
	(void)iommu;
	(void)words;
	calls++;
	return n == 3 ? -EIO : 0;
}

static int
entry_read(struct sluice_iommu *iommu, enum sluice_raw_entry kind, uint32_t sid, uint64_t *words)
{
	(void)iommu;
	(void)kind;
	calls++;
	words[0] = sid;
	return 0;
}

static int
entry_write(struct sluice_iommu *iommu, enum sluice_raw_entry kind, uint32_t sid,
	    const uint64_t *words)
{
	(void)iommu;
	(void)kind;
	(void)sid;
	(void)words;
	calls++;
	return 0;
}

static int
events(struct sluice_iommu *iommu, uint64_t *words, struct sluice_fault *f, unsigned int n)
{
	(void)iommu;
	(void)words;
	(void)f;
	return (int)n;
}

static int
reset(struct sluice_iommu *iommu)
{
	(void)iommu;
	return -ETIMEDOUT;
}

static const struct sluice_raw_ops raw = { info,	reg_read,    reg_write, cmds, entry_read,
					   entry_write, entry_write, events,	reset };
static const struct sluice_iommu_ops with = { .name = "with", .raw = &raw };
static const struct sluice_iommu_ops without = { .name = "without" };

static void
not_supported(void **state)
{
	struct sluice_iommu iommu = { .ops = &without };
	struct sluice_raw_info i;
	uint64_t w[8];

	(void)state;
	assert_int_equal(sluice_raw_get_info(&iommu, &i), -ENOTSUP);
	assert_non_null(strstr(sluice_error(), "without"));
	assert_int_equal(sluice_raw_reg_read(&iommu, 0, 4, w), -ENOTSUP);
	assert_int_equal(sluice_raw_reg_write(&iommu, 0, 4, 0), -ENOTSUP);
	assert_int_equal(sluice_raw_cmds(&iommu, w, 1), -ENOTSUP);
	assert_int_equal(sluice_raw_entry_read(&iommu, SLUICE_RAW_STREAM, 0, w), -ENOTSUP);
	assert_int_equal(sluice_raw_entry_write(&iommu, SLUICE_RAW_STREAM, 0, w), -ENOTSUP);
	assert_int_equal(sluice_raw_entry_change(&iommu, SLUICE_RAW_STREAM, 0, w), -ENOTSUP);
	assert_int_equal(sluice_raw_events(&iommu, w, NULL, 1), -ENOTSUP);
	assert_int_equal(sluice_raw_reset(&iommu), -ENOTSUP);
}

static void
arguments(void **state)
{
	static const struct {
		uint32_t off;
		unsigned int size;
		int ret;
	} regs[] = { { 0, 4, 0 },	    { 0xfc, 4, 0 },	  { 0xf8, 8, 0 },
		     { 0xfc, 8, -EINVAL },  { 0x100, 4, -EINVAL }, { 2, 4, -EINVAL },
		     { 4, 8, -EINVAL },	    { 0, 2, -EINVAL },	  { 0, 0, -EINVAL },
		     { ~UINT32_C(3), 4, -EINVAL } };
	struct sluice_iommu iommu = { .ops = &with };
	uint64_t w[8] = { 0 };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(regs); i++) {
		calls = 0;
		assert_int_equal(sluice_raw_reg_read(&iommu, regs[i].off, regs[i].size, w),
				 regs[i].ret);
		assert_int_equal(sluice_raw_reg_write(&iommu, regs[i].off, regs[i].size, 0),
				 regs[i].ret);
		assert_int_equal(calls, regs[i].ret == 0 ? 2 : 0);
		if (regs[i].ret == 0)
			assert_int_equal(w[0], (uint64_t)regs[i].off << 8 | regs[i].size);
	}
	calls = 0;
	assert_int_equal(sluice_raw_get_info(&iommu, NULL), -EINVAL);
	assert_int_equal(sluice_raw_cmds(&iommu, w, 4), -EINVAL);
	assert_int_equal(sluice_raw_cmds(&iommu, NULL, 1), -EINVAL);
	assert_int_equal(sluice_raw_entry_read(&iommu, SLUICE_RAW_ENTRIES, 0, w), -EINVAL);
	assert_int_equal(sluice_raw_entry_write(&iommu, SLUICE_RAW_STREAM, 0, NULL), -EINVAL);
	assert_int_equal(sluice_raw_entry_change(&iommu, SLUICE_RAW_CONTEXT, 0, w), -ENOTSUP);
	assert_int_equal(calls, 0);
	assert_int_equal(sluice_raw_cmds(&iommu, NULL, 0), 0);
	assert_int_equal(sluice_raw_cmds(&iommu, w, 3), -EIO);
	assert_int_equal(sluice_raw_entry_read(&iommu, SLUICE_RAW_STREAM, 77, w), 0);
	assert_int_equal(w[0], 77);
	assert_int_equal(sluice_raw_entry_write(&iommu, SLUICE_RAW_STREAM, 0, w), 0);
	assert_int_equal(calls, 4);
	assert_int_equal(sluice_raw_events(&iommu, w, NULL, 2), 2);
	assert_int_equal(sluice_raw_reset(&iommu), -ETIMEDOUT);
}

static void
memory(void **state)
{
	static uint8_t buf[8192] __attribute__((aligned(4096)));
	struct sluice_iommu iommu = { .ops = &without,
				      .mem = sluice_mem_create(buf, 0x40000000, sizeof(buf)) };

	(void)state;
	assert_non_null(iommu.mem);
	assert_ptr_equal(sluice_raw_mem(&iommu, 0x40000010, 16), buf + 16);
	assert_ptr_equal(sluice_raw_mem(&iommu, 0x40000000, 8192), buf);
	assert_null(sluice_raw_mem(&iommu, 0x40000000, 8193));
	assert_null(sluice_raw_mem(&iommu, 0x3ffffff0, 16));
	assert_null(sluice_raw_mem(&iommu, 0x40002000, 1));
	sluice_mem_destroy(iommu.mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_supported),
		cmocka_unit_test(arguments),
		cmocka_unit_test(memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
