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
	expect(cmd_tlbi_asid(0, 0xabcd), UINT64_C(0xabcd000000000011), 0);
	expect(cmd_tlbi_asid(5, 0xabcd), UINT64_C(0xabcd000500000011), 0);
	expect(cmd_tlbi_va(0, 7, 0x123456789000, true), UINT64_C(0x0007000000000012),
	       UINT64_C(0x123456789001));
	expect(cmd_tlbi_va(9, 7, 0x123456789fff, false), UINT64_C(0x0007000900000012),
	       UINT64_C(0x123456789000));
	/* VMID 47:32 of them all; an IPA has no ASID. */
	expect(cmd_tlbi_nh_all(0x1234), UINT64_C(0x0000123400000010), 0);
	expect(cmd_tlbi_vmall(0x1234), UINT64_C(0x0000123400000028), 0);
	expect(cmd_tlbi_ipa(0x1234, 0x123456789000, true), UINT64_C(0x000012340000002a),
	       UINT64_C(0x123456789001));
}

static void
ranges(void **state)
{
	(void)state;
	/* 3 pages: NUM 2, SCALE 0, TG 4K. */
	expect(cmd_tlbi_range(cmd_tlbi_va(0, 1, 0x10000, true), 3, 0, 1), UINT64_C(0x0001000000002012), 0x10401);
	/* 32 << 26 pages: NUM 31, SCALE 26. */
	expect(cmd_tlbi_range(cmd_tlbi_va(0, 1, 0, false), 32, 26, 1), UINT64_C(0x0001000001a1f012), 0x400);
	/* One unit with a scale: NUM 0, SCALE 5: legal. */
	expect(cmd_tlbi_range(cmd_tlbi_va(0, 1, 0x2000, true), 1, 5, 1), UINT64_C(0x0001000000500012), 0x2401);
	/* One page: never NUM = SCALE = TTL = 0 with TG set; the plain form. */
	expect(cmd_tlbi_range(cmd_tlbi_va(0, 1, 0x2000, false), 1, 0, 1),
	       UINT64_C(0x0001000000000012), 0x2000);
	/* By IPA, in units of 16 KiB (TG 2) and of 64 KiB (TG 3). */
	expect(cmd_tlbi_range(cmd_tlbi_ipa(6, 0x8000, true), 3, 0, 2),
	       UINT64_C(0x000000060000202a), 0x8801);
	expect(cmd_tlbi_range(cmd_tlbi_ipa(6, 0x20000, false), 1, 4, 3),
	       UINT64_C(0x000000060040002a), 0x20c00);
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
