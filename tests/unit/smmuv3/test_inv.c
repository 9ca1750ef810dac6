/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Invalidations to commands: what is submitted covers what was asked for, and not more than said.
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
	f->s.idr.ril = true;
	fake_cmdq(f, 8, true, false, 0, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	cmdq_free(&f->s.cmdq);
	fake_destroy(f);
	return 0;
}

/* Submit, execute; the log then holds the commands. @return how many, without the SYNC. */
static unsigned int
submit(const struct sluice_inv *inv, unsigned int n)
{
	uint64_t seq;

	f->nlog = 0;
	seq = smmu_inv_submit(&f->s, inv, n);
	assert_int_not_equal(seq, 0);
	while (fake_step(&f->s.regs, 1000) != 0)
		;
	assert_int_equal(smmu_inv_done(&f->s), seq);
	assert_int_equal(smmu_inv_result(&f->s, seq), 0);
	assert_int_equal(f->log[f->nlog - 1].w[0] & 0xff, 0x46);
	return f->nlog - 1;
}

/* The pages that a TLBI_NH_VA covers; fails when it is not a legal one. */
static void
decode(struct smmu_cmd c, uint64_t *page, uint64_t *pages)
{
	uint64_t num = c.w[0] >> 12 & 31, scale = c.w[0] >> 20 & 31, tg = c.w[1] >> 10 & 3;

	assert_int_equal(c.w[0] & 0xff, 0x12);
	*page = c.w[1] >> 12;
	*pages = 1;
	if (tg == 0) {
		assert_int_equal(num | scale, 0);
		return;
	}
	assert_int_equal(tg, 1);
	assert_int_equal(c.w[1] >> 8 & 3, 0);
	assert_true(num != 0 || scale != 0); /* CERROR_ILL */
	*pages = (num + 1) << scale;
}

static void
one_page(void **state)
{
	struct sluice_inv inv = { { { SLUICE_INV_RANGE, SLUICE_INV_LEAF, 0x42 } }, { 1 }, 0x7f00012345000 };

	(void)state;
	assert_int_equal(submit(&inv, 1), 1);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x0042000000000012));
	assert_int_equal(f->log[0].w[1], UINT64_C(0x7f00012345001));
	inv.flags = 0;
	assert_int_equal(submit(&inv, 1), 1);
	assert_int_equal(f->log[0].w[1], UINT64_C(0x7f00012345000));
}

static void
nothing_and_all(void **state)
{
	struct sluice_inv inv = { { { SLUICE_INV_DOMAIN, 0, 0x42 } }, { 0 }, 0 };

	(void)state;
	assert_int_equal(submit(NULL, 0), 0);
	assert_int_equal(submit(&inv, 1), 1);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x0042000000000011));
}

/* Every length up to 5000 and around powers of two, leaf or not: exactly covered, in order. */
static void
ranges_are_exact(void **state)
{
	(void)state;
	for (uint64_t pages = 1; pages < UINT64_C(1) << 31;
	     pages = pages < 5000 ? pages + 1 : pages * 3 / 2 + 1) {
		struct sluice_inv inv = { { { SLUICE_INV_RANGE, pages & 1, 5 } }, { (uint32_t)pages },
					  UINT64_C(0x100000000) };
		uint64_t at = inv.iova >> 12, first, count;
		unsigned int n = submit(&inv, 1);

		assert_true(n <= 7);
		for (unsigned int i = 0; i < n; i++) {
			decode(f->log[i], &first, &count);
			assert_int_equal(f->log[i].w[1] & 1, pages & 1);
			assert_int_equal(first, at);
			at += count;
		}
		assert_int_equal(at - (inv.iova >> 12), pages);
	}
}

static void
without_ril_page_by_page(void **state)
{
	struct sluice_inv inv = { { { SLUICE_INV_RANGE, 1, 5 } }, { 64 }, 0x100000 };

	(void)state;
	f->s.idr.ril = false;
	assert_int_equal(submit(&inv, 1), 64);
	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(f->log[i].w[0], UINT64_C(0x0005000000000012));
		assert_int_equal(f->log[i].w[1], 0x100001 + i * 4096);
	}
	/* One more than the limit: the whole address space. */
	inv.pages = 65;
	assert_int_equal(submit(&inv, 1), 1);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x0005000000000011));
}

/* 64 ranges of two commands each do not fit: one covering command each, at most 1/16 too much. */
static void
too_many_ranges_are_covered(void **state)
{
	struct sluice_inv inv[64];
	uint64_t first, count;

	(void)state;
	for (unsigned int i = 0; i < 64; i++)
		inv[i] = (struct sluice_inv){ { { SLUICE_INV_RANGE, 1, 5 } }, { 33 + i * i * 7 },
					      (uint64_t)i << 32 };
	assert_int_equal(submit(inv, 64), 64);
	for (unsigned int i = 0; i < 64; i++) {
		decode(f->log[i], &first, &count);
		assert_int_equal(first, inv[i].iova >> 12);
		assert_true(count >= inv[i].pages);
		assert_true(count <= inv[i].pages + inv[i].pages / 16 + 1);
	}
	f->s.idr.ril = false;
	assert_int_equal(submit(inv, 64), 64);
	assert_int_equal(f->log[63].w[0], UINT64_C(0x0005000000000011));
}

static void
tiny_queue_invalidates_everything(void **state)
{
	struct sluice_inv inv[64];

	(void)state;
	cmdq_free(&f->s.cmdq);
	fake_cmdq(f, 1, true, false, 0, 0);
	for (unsigned int i = 0; i < 64; i++)
		inv[i] = (struct sluice_inv){ { { SLUICE_INV_DOMAIN, 0, (uint16_t)i } }, { 0 }, 0 };
	assert_int_equal(submit(inv, 64), 1);
	assert_int_equal(f->log[0].w[0], 0x30);
	assert_int_equal(submit(inv, 1), 1);
	assert_int_equal(f->log[0].w[0], 0x11);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_page, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_and_all, setup, teardown),
		cmocka_unit_test_setup_teardown(ranges_are_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(without_ril_page_by_page, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_ranges_are_covered, setup, teardown),
		cmocka_unit_test_setup_teardown(tiny_queue_invalidates_everything, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
