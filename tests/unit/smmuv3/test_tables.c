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
	cd_s1(e, 0x0000fffffffff000, 48, 0, 4, 0xbeef);
	expect(e, UINT64_C(0xbeefe204c0003510), UINT64_C(0x0000fffffffff000), 0, 0x04ff44);
	cd_s1(e, 0x1000, 40, 0, 0, 1);
	expect(e, UINT64_C(0x0001e200c0003518), 0x1000, 0, 0x04ff44);
	/* TG0 2: 16 KiB; 1: 64 KiB. */
	cd_s1(e, 0x4000, 47, 2, 4, 1);
	expect(e, UINT64_C(0x0001e204c0003591), 0x4000, 0, 0x04ff44);
	cd_s1(e, 0x10000, 48, 1, 4, 1);
	expect(e, UINT64_C(0x0001e204c0003550), 0x10000, 0, 0x04ff44);
}

/* Word 2: VMID 15:0, T0SZ 37:32, SL0 39:38, IR0 = OR0 = 1, SH0 3, TG 47:46, PS 50:48, AA64 51,
 * PTW 54, R 58. */
static void
stage_2(void **state)
{
	uint64_t e[ENTRY_WORDS], s2[2];
	struct sluice_hwdom hd = { .ttb = 0x40002000, .format = SLUICE_FORMAT_LPAE_S2_4K, .ias = 40,
				   .start = 1 };

	(void)state;
	/* T0SZ 24; level 1 of 4 KiB: SL0 1. */
	ste_s2_words(s2, &hd, 4, 0xbeef);
	assert_int_equal(s2[0], UINT64_C(0x044c35580000beef));
	assert_int_equal(s2[1], 0x40002000);
	ste_s2(e, s2);
	expect(e, 0xd, UINT64_C(1) << 44, UINT64_C(0x044c35580000beef), 0x40002000);
	ste_nested(e, 0x123456789ac0, s2);
	expect(e, 0x123456789acf, UINT64_C(1) << 44 | 0xd4, UINT64_C(0x044c35580000beef), 0x40002000);
	/* Level 0: SL0 2; level 2: SL0 0. */
	hd.ias = 44;
	hd.start = 0;
	ste_s2_words(s2, &hd, 4, 1);
	assert_int_equal(s2[0], UINT64_C(0x044c359400000001));
	hd.ias = 32;
	hd.start = 2;
	ste_s2_words(s2, &hd, 5, 1);
	assert_int_equal(s2[0], UINT64_C(0x044d352000000001));
	/* 16 KiB: TG 2, level 1: SL0 2. 64 KiB: TG 1, level 2: SL0 1. */
	hd = (struct sluice_hwdom){ 0x40004000, SLUICE_FORMAT_LPAE_S2_16K, 44, 1 };
	ste_s2_words(s2, &hd, 4, 1);
	assert_int_equal(s2[0], UINT64_C(0x044cb59400000001));
	hd = (struct sluice_hwdom){ 0x40010000, SLUICE_FORMAT_LPAE_S2_64K, 42, 2 };
	ste_s2_words(s2, &hd, 4, 1);
	assert_int_equal(s2[0], UINT64_C(0x044c755600000001));
}

struct fit {
	uint8_t format, ias, start;
	bool good;
};

/* Stage 1: as few levels as it takes. Stage 2: up to 16 tables at the start level (DDI 0487,
 * D8.2), and with 44 output bits every level but 3 of 4 KiB, 0 of the others. */
static void
start_levels(void **state)
{
	static const struct fit fits[] = {
		{ SLUICE_FORMAT_LPAE_S1_4K, 48, 0, true }, { SLUICE_FORMAT_LPAE_S1_4K, 40, 0, true },
		{ SLUICE_FORMAT_LPAE_S1_4K, 39, 0, false }, { SLUICE_FORMAT_LPAE_S1_4K, 39, 1, true },
		{ SLUICE_FORMAT_LPAE_S1_4K, 40, 1, false }, { SLUICE_FORMAT_LPAE_S1_4K, 48, 4, false },
		{ SLUICE_FORMAT_LPAE_S1_16K, 48, 0, true }, { SLUICE_FORMAT_LPAE_S1_16K, 47, 1, true },
		{ SLUICE_FORMAT_LPAE_S1_16K, 48, 1, false }, { SLUICE_FORMAT_LPAE_S1_64K, 48, 1, true },
		{ SLUICE_FORMAT_LPAE_S1_64K, 42, 2, true }, { SLUICE_FORMAT_LPAE_S1_64K, 48, 0, false },
		{ SLUICE_FORMAT_LPAE_S2_4K, 40, 1, true }, { SLUICE_FORMAT_LPAE_S2_4K, 43, 1, true },
		{ SLUICE_FORMAT_LPAE_S2_4K, 44, 1, false }, { SLUICE_FORMAT_LPAE_S2_4K, 44, 0, true },
		{ SLUICE_FORMAT_LPAE_S2_4K, 39, 0, false }, { SLUICE_FORMAT_LPAE_S2_4K, 31, 1, true },
		{ SLUICE_FORMAT_LPAE_S2_4K, 30, 1, false }, { SLUICE_FORMAT_LPAE_S2_4K, 34, 2, true },
		{ SLUICE_FORMAT_LPAE_S2_4K, 25, 3, false }, { SLUICE_FORMAT_LPAE_S2_4K, 48, 0, false },
		{ SLUICE_FORMAT_LPAE_S2_16K, 44, 1, true }, { SLUICE_FORMAT_LPAE_S2_16K, 40, 2, true },
		{ SLUICE_FORMAT_LPAE_S2_16K, 41, 2, false }, { SLUICE_FORMAT_LPAE_S2_16K, 44, 0, false },
		{ SLUICE_FORMAT_LPAE_S2_64K, 44, 2, true }, { SLUICE_FORMAT_LPAE_S2_64K, 44, 1, true },
		{ SLUICE_FORMAT_LPAE_S2_64K, 29, 3, true }, { SLUICE_FORMAT_LPAE_S2_64K, 24, 3, false },
	};
	struct smmu *s = calloc(1, sizeof(*s));

	(void)state;
	s->idr = (struct smmu_idr){ .formats = 0x3f, .ias = 48, .oas = 44 };
	for (unsigned int i = 0; i < RTE_DIM(fits); i++) {
		struct sluice_hwdom hd = { .format = fits[i].format, .ias = fits[i].ias,
					   .start = fits[i].start, .ttb = 0x100000 };

		if ((smmu_format_check(s, &hd) == 0) != fits[i].good)
			fail_msg("format %u, %u bits from level %u", hd.format, hd.ias, hd.start);
	}
	/* The levels far up, with fewer output bits. */
	s->idr.oas = 40;
	assert_int_equal(smmu_format_check(s, &(struct sluice_hwdom){ 0x100000,
			 SLUICE_FORMAT_LPAE_S2_4K, 40, 0 }), -EINVAL);
	assert_int_equal(smmu_format_check(s, &(struct sluice_hwdom){ 0x100000,
			 SLUICE_FORMAT_LPAE_S2_16K, 40, 1 }), -EINVAL);
	assert_int_equal(smmu_format_check(s, &(struct sluice_hwdom){ 0x100000,
			 SLUICE_FORMAT_LPAE_S2_4K, 40, 1 }), 0);
	/* Two tables of 4 KiB side by side: aligned to 8 KiB. */
	assert_int_equal(smmu_format_check(s, &(struct sluice_hwdom){ 0x101000,
			 SLUICE_FORMAT_LPAE_S2_4K, 40, 1 }), -EINVAL);
	free(s);
}

static void
asids(void **state)
{
	for (unsigned int wide = 0; wide <= 1; wide++) {
		unsigned int count = wide ? 65535 : 255;
		struct smmu_ids a;
		bool *seen = calloc(65536, 1);

		(void)state;
		assert_int_equal(smmu_ids_init(&a, wide), 0);
		for (unsigned int i = 0; i < count; i++) {
			int id = smmu_id_get(&a);

			assert_true(id > 0 && id <= (int)count);
			assert_false(seen[id]);
			seen[id] = true;
		}
		assert_int_equal(smmu_id_get(&a), -ENOSPC);
		smmu_id_put(&a, 77);
		smmu_id_put(&a, 3);
		assert_int_equal(smmu_id_get(&a), 3);
		assert_int_equal(smmu_id_get(&a), 77);
		assert_int_equal(smmu_id_get(&a), -ENOSPC);
		/* A freed one comes back last. */
		smmu_id_put(&a, 78);
		smmu_id_put(&a, 76);
		assert_int_equal(smmu_id_get(&a), 78);
		smmu_id_put(&a, 78);
		assert_int_equal(smmu_id_get(&a), 76);
		smmu_ids_free(&a);
		free(seen);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stes), cmocka_unit_test(cds), cmocka_unit_test(asids),
		cmocka_unit_test(stage_2), cmocka_unit_test(start_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
