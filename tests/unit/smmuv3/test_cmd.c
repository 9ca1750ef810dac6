/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Every command the driver issues, against words worked out by hand from the specification.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../../pmd/smmuv3/cmd.h"

static void
expect(struct smmu_cmd c, uint64_t w0, uint64_t w1)
{
	assert_int_equal(c.w[0], w0);
	assert_int_equal(c.w[1], w1);
}

static void
configuration(void **state)
{
	(void)state;
	expect(cmd_cfgi_all(), 0x04, 31);
	expect(cmd_cfgi_ste(0x1234, true), UINT64_C(0x0000123400000003), 1);
	expect(cmd_cfgi_ste(0xffffffff, false), UINT64_C(0xffffffff00000003), 0);
	expect(cmd_cfgi_cd(0x12, 0x54321, true), UINT64_C(0x0000001254321005), 1);
}

static void
translation(void **state)
{
	(void)state;
	expect(cmd_tlbi_nsnh_all(), 0x30, 0);
	expect(cmd_tlbi_el2_all(), 0x20, 0);
	expect(cmd_tlbi_asid(0xabcd), UINT64_C(0xabcd000000000011), 0);
	expect(cmd_tlbi_va(7, 0x123456789000, true), UINT64_C(0x0007000000000012),
	       UINT64_C(0x123456789001));
	expect(cmd_tlbi_va(7, 0x123456789fff, false), UINT64_C(0x0007000000000012),
	       UINT64_C(0x123456789000));
}

static void
ranges(void **state)
{
	(void)state;
	/* 3 pages: NUM 2, SCALE 0, TG 4K. */
	expect(cmd_tlbi_range(1, 0x10000, 3, 0, true), UINT64_C(0x0001000000002012), 0x10401);
	/* 32 << 26 pages: NUM 31, SCALE 26. */
	expect(cmd_tlbi_range(1, 0, 32, 26, false), UINT64_C(0x0001000001a1f012), 0x400);
	/* One unit with a scale: NUM 0, SCALE 5: legal. */
	expect(cmd_tlbi_range(1, 0x2000, 1, 5, true), UINT64_C(0x0001000000500012), 0x2401);
	/* One page: never NUM = SCALE = TTL = 0 with TG set; the plain form. */
	expect(cmd_tlbi_range(1, 0x2000, 1, 0, false), UINT64_C(0x0001000000000012), 0x2000);
}

static void
syncs(void **state)
{
	(void)state;
	assert_int_equal(cmd_sync_word0(false), 0x46);
	/* CS 1, MSH inner shareable, MSIAttr write-back. */
	assert_int_equal(cmd_sync_word0(true), 0x0fc01046);
	expect(cmd_filler(), UINT64_C(0xffffffff00000001), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configuration), cmocka_unit_test(translation),
		cmocka_unit_test(ranges), cmocka_unit_test(syncs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
