/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * STEs, CDs and ASIDs against words worked out by hand from the specification.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../../pmd/smmuv3/smmuv3.h"

static void
expect(const uint64_t *e, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	assert_int_equal(e[0], w0);
	assert_int_equal(e[1], w1);
	assert_int_equal(e[2], w2);
	assert_int_equal(e[3], w3);
	for (unsigned int i = 4; i < ENTRY_WORDS; i++)
		assert_int_equal(e[i], 0);
}

static void
stes(void **state)
{
	uint64_t e[ENTRY_WORDS];

	(void)state;
	ste_abort(e); /* V, Config 0; SHCFG incoming */
	expect(e, 0x1, UINT64_C(1) << 44, 0, 0);
	ste_bypass(e); /* Config 0b100 */
	expect(e, 0x9, UINT64_C(1) << 44, 0, 0);
	ste_s1(e, 0x123456789ac0); /* Config 0b101; CIR = COR = 1, CSH = 3 */
	expect(e, 0x123456789acb, UINT64_C(1) << 44 | 0xd4, 0, 0);
}

static void
cds(void **state)
{
	uint64_t e[ENTRY_WORDS];

	(void)state;
	/* T0SZ 16, IR0 = OR0 = 1, SH0 3, EPD1, V; IPS 4, AA64, R, A, ASET, ASID. */
	cd_s1(e, 0x0000fffffffff000, 48, 4, 0xbeef);
	expect(e, UINT64_C(0xbeefe204c0003510), UINT64_C(0x0000fffffffff000), 0, 0x04ff44);
	cd_s1(e, 0x1000, 40, 0, 1);
	expect(e, UINT64_C(0x0001e200c0003518), 0x1000, 0, 0x04ff44);
}

static void
asids(void **state)
{
	for (unsigned int wide = 0; wide <= 1; wide++) {
		unsigned int count = wide ? 65535 : 255;
		struct smmu_asids a;
		bool *seen = calloc(65536, 1);

		(void)state;
		assert_int_equal(smmu_asids_init(&a, wide), 0);
		for (unsigned int i = 0; i < count; i++) {
			int id = smmu_asid_get(&a);

			assert_true(id > 0 && id <= (int)count);
			assert_false(seen[id]);
			seen[id] = true;
		}
		assert_int_equal(smmu_asid_get(&a), -ENOSPC);
		smmu_asid_put(&a, 77);
		smmu_asid_put(&a, 3);
		assert_int_equal(smmu_asid_get(&a), 3);
		assert_int_equal(smmu_asid_get(&a), 77);
		assert_int_equal(smmu_asid_get(&a), -ENOSPC);
		/* A freed one comes back last. */
		smmu_asid_put(&a, 78);
		smmu_asid_put(&a, 76);
		assert_int_equal(smmu_asid_get(&a), 78);
		smmu_asid_put(&a, 78);
		assert_int_equal(smmu_asid_get(&a), 76);
		smmu_asids_free(&a);
		free(seen);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stes), cmocka_unit_test(cds), cmocka_unit_test(asids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
