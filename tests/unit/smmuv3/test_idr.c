/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Identification: what is decoded, and what is refused with a line that names it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake.h"

static struct fake *f;

static int
setup(void **state)
{
	(void)state;
	f = fake_create();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_destroy(f);
	return 0;
}

static void
decoded(void **state)
{
	struct smmu_idr idr;

	(void)state;
	assert_int_equal(smmu_idr_read(&f->s.regs, &idr), 0);
	assert_true(idr.asid16 && idr.msi && idr.two_level && idr.ril);
	assert_false(idr.s2p || idr.hyp);
	assert_int_equal(idr.sid_bits, 16);
	assert_int_equal(idr.cmdqs, 10);
	assert_int_equal(idr.evtqs, 10);
	assert_int_equal(idr.oas_code, 4);
	assert_int_equal(idr.oas, 44);
	assert_int_equal(idr.ias, 48);
	fake_wr(f, 0x14, 6 | 1u << 4); /* 52 bits: 48 of them with these tables */
	assert_int_equal(smmu_idr_read(&f->s.regs, &idr), 0);
	assert_int_equal(idr.oas, 48);
}

static void
formats(void **state)
{
	struct smmu_idr idr;

	(void)state;
	assert_int_equal(smmu_idr_read(&f->s.regs, &idr), 0);
	assert_int_equal(idr.formats, 1u << SLUICE_FORMAT_LPAE_S1_4K);
	assert_int_equal(idr.page_sizes, 0x40201000);
	/* Stage 2 beside it, VMID16; 16 and 64 KiB. */
	fake_wr(f, 0x00, fake_rd(f, 0x00) | 1 | 1u << 18);
	fake_wr(f, 0x14, 4 | 7u << 4);
	assert_int_equal(smmu_idr_read(&f->s.regs, &idr), 0);
	assert_true(idr.s1p && idr.s2p && idr.vmid16);
	assert_int_equal(idr.formats, 0x3f);
	assert_int_equal(idr.page_sizes, 0x40201000 | 0x2004000 | 0x20010000);
	/* Stage 2 alone, 64 KiB alone. */
	fake_wr(f, 0x00, fake_rd(f, 0x00) & ~2u);
	fake_wr(f, 0x14, 4 | 4u << 4);
	assert_int_equal(smmu_idr_read(&f->s.regs, &idr), 0);
	assert_int_equal(idr.formats, 1u << SLUICE_FORMAT_LPAE_S2_64K);
}

static void
refuse(uint32_t off, uint32_t clear, uint32_t set, const char *word)
{
	struct smmu_idr idr;

	fake_idrs(f);
	fake_wr(f, off, (fake_rd(f, off) & ~clear) | set);
	assert_int_equal(smmu_idr_read(&f->s.regs, &idr), -ENODEV);
	if (strstr(sluice_error(), word) == NULL)
		fail_msg("\"%s\" does not name %s", sluice_error(), word);
}

static void
refused(void **state)
{
	(void)state;
	refuse(0x00, UINT32_MAX, UINT32_MAX, "nothing answers");
	refuse(0x1c, 0, 0x10, "AIDR");
	refuse(0x00, 3, 0, "S1P");
	refuse(0x00, 3u << 2, 1u << 2, "TTF");
	refuse(0x00, 3u << 21, 3u << 21, "TTENDIAN");
	refuse(0x00, 3u << 21, 1u << 21, "TTENDIAN");
	refuse(0x00, 1u << 4, 0, "COHACC");
	refuse(0x00, 3u << 27, 2u << 27, "ST_LEVEL");
	refuse(0x00, 3u << 24, 2u << 24, "STALL_MODEL");
	refuse(0x00, 3u << 24, 3u << 24, "STALL_MODEL");
	refuse(0x04, 0, 1u << 29, "preset");
	refuse(0x04, 0, 1u << 30, "preset");
	refuse(0x04, 63, 33, "SIDSIZE");
	refuse(0x04, 31u << 21, 20u << 21, "queue");
	refuse(0x04, 31u << 16, 20u << 16, "queue");
	refuse(0x04, 31u << 21, 0, "command queue of one entry");
	refuse(0x14, 7u << 4, 0, "granule");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(decoded, setup, teardown),
		cmocka_unit_test_setup_teardown(formats, setup, teardown),
		cmocka_unit_test_setup_teardown(refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
