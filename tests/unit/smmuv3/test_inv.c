/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Invalidations to commands: what is submitted covers what was asked for, and not more than said.
 */
#include "queue.h"

static int
setup(void **state)
{
	(void)state;
	queue_up(8);
	f->s.idr.ril = true;
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
		struct sluice_inv inv = { { { SLUICE_INV_RANGE,
						  pages & 1 ? SLUICE_INV_LEAF : 0, 5 } }, { (uint32_t)pages },
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
	struct sluice_inv inv = { { { SLUICE_INV_RANGE, SLUICE_INV_LEAF, 5 } }, { 64 }, 0x100000 };

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
		inv[i] = (struct sluice_inv){ { { SLUICE_INV_RANGE, SLUICE_INV_LEAF, 5 } }, { 33 + i * i * 7 },
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

/* Granules of 16 and 64 KiB: units of the granule, rounded outwards. */
static void
other_granules(void **state)
{
	struct sluice_inv inv = { { { SLUICE_INV_RANGE, SLUICE_FORMAT_LPAE_S1_16K | 0x80, 5 } },
				  { 4 }, 0x5000 };

	(void)state;
	/* 0x5000 … 0x9000: the two of 16 KiB at 0x4000. NUM 0, SCALE 1, TG 2. */
	assert_int_equal(submit(&inv, 1), 1);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x0005000000100012));
	assert_int_equal(f->log[0].w[1], 0x4801);
	/* Three of 64 KiB, NUM 2, TG 3; one, the plain form. */
	inv.flags = SLUICE_FORMAT_LPAE_S1_64K;
	inv.pages = 33;
	inv.iova = 0x1f000;
	assert_int_equal(submit(&inv, 1), 1);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x0005000000002012));
	assert_int_equal(f->log[0].w[1], 0x10c00);
	inv.pages = 1;
	assert_int_equal(submit(&inv, 1), 1);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x0005000000000012));
	assert_int_equal(f->log[0].w[1], 0x10000);
	/* Without RIL: one for each of 16 KiB, up to as many as a burst holds. */
	f->s.idr.ril = false;
	inv = (struct sluice_inv){ { { SLUICE_INV_RANGE, SLUICE_FORMAT_LPAE_S1_16K, 5 } }, { 256 },
				   0x100000 };
	assert_int_equal(submit(&inv, 1), 64);
	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(f->log[i].w[0], UINT64_C(0x0005000000000012));
		assert_int_equal(f->log[i].w[1], 0x100000 + i * 0x4000);
	}
	inv.pages = 257;
	assert_int_equal(submit(&inv, 1), 1);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x0005000000000011));
}

static void
stage_2(void **state)
{
	struct sluice_inv inv = { { { SLUICE_INV_RANGE, SLUICE_FORMAT_LPAE_S2_4K | 0x80, 0x42 } },
				  { 1 }, 0x12345000 };

	(void)state;
	assert_int_equal(submit(&inv, 1), 1);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x000000420000002a));
	assert_int_equal(f->log[0].w[1], 0x12345001);
	inv.pages = 3;
	assert_int_equal(submit(&inv, 1), 1);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x000000420000202a));
	assert_int_equal(f->log[0].w[1], 0x12345401);
	inv.op = SLUICE_INV_DOMAIN;
	assert_int_equal(submit(&inv, 1), 1);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x0000004200000028));
}

/* ASID 5 is nested in VMID 0x42. */
static void
nested(void **state)
{
	_Atomic uint16_t vmid_of[256] = { [5] = 0x42 };
	_Atomic uint32_t children[256] = { [0x42] = 1 };
	struct sluice_inv inv[2] = {
		{ { { SLUICE_INV_RANGE, SLUICE_INV_NESTED | SLUICE_INV_LEAF, 5 } }, { 1 }, 0x5000 },
		{ { { SLUICE_INV_RANGE, SLUICE_FORMAT_LPAE_S2_4K, 0x43 } }, { 1 }, 0x6000 },
	};

	(void)state;
	f->s.vmid_of = vmid_of;
	f->s.children = children;
	assert_int_equal(submit(inv, 1), 1);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x0005004200000012));
	assert_int_equal(f->log[0].w[1], 0x5001);
	inv[0].op = SLUICE_INV_DOMAIN;
	assert_int_equal(submit(inv, 1), 1);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x0005004200000011));
	/* A stage 2 without children; then one with: TLBI_NH_ALL, after a SYNC that tells nobody. */
	assert_int_equal(submit(&inv[1], 1), 1);
	inv[0] = inv[1];
	inv[0].tag = 0x42;
	assert_int_equal(submit(inv, 2), 4);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x000000420000002a));
	assert_int_equal(f->log[1].w[0], UINT64_C(0x000000430000002a));
	assert_int_equal(f->log[2].w[0], 0x46);
	assert_int_equal(f->log[3].w[0], UINT64_C(0x0000004200000010));
	/* All of it: the children are in that. */
	inv[0].op = SLUICE_INV_DOMAIN;
	assert_int_equal(submit(inv, 1), 1);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x0000004200000028));
}

/* The same from an lcore, where the plain kind of one page has a path of its own. */
static void
one_page_of_an_lcore(void **state)
{
	_Atomic uint16_t vmid_of[256] = { [5] = 0x42 };
	_Atomic uint32_t children[256] = { 0 };
	struct sluice_inv inv = { { { SLUICE_INV_RANGE, 0, 5 } }, { 1 }, 0x5000 };
	const struct {
		unsigned int flags;
		uint64_t w0, w1;
	} want[] = {
		{ 0, UINT64_C(0x0005000000000012), 0x5000 },
		{ SLUICE_INV_LEAF, UINT64_C(0x0005000000000012), 0x5001 },
		{ SLUICE_INV_NESTED, UINT64_C(0x0005004200000012), 0x5000 },
		{ SLUICE_FORMAT_LPAE_S1_16K, UINT64_C(0x0005004200000012), 0x4000 },
		{ SLUICE_FORMAT_LPAE_S2_4K, UINT64_C(0x000000050000002a), 0x5000 },
		{ SLUICE_FORMAT_LPAE_S2_64K | SLUICE_INV_LEAF, UINT64_C(0x000000050000002a), 1 },
	};
	unsigned int was = RTE_PER_LCORE(_lcore_id);

	(void)state;
	cmdq_free(&f->s.cmdq);
	fake_cmdq(f, 8, true, false, 1, 0);
	f->s.vmid_of = vmid_of;
	f->s.children = children;
	RTE_PER_LCORE(_lcore_id) = 0;
	for (unsigned int i = 0; i < RTE_DIM(want); i++) {
		inv.flags = (uint8_t)want[i].flags;
		assert_int_equal(submit(&inv, 1), 1);
		assert_int_equal(f->log[0].w[0], want[i].w0);
		assert_int_equal(f->log[0].w[1], want[i].w1);
	}
	RTE_PER_LCORE(_lcore_id) = was;
}

/* No room for the SYNC and TLBI_NH_ALL: everything of the VMID by one command. */
static void
nested_without_room(void **state)
{
	_Atomic uint32_t children[256] = { [0x42] = 1 };
	struct sluice_inv inv[64];

	(void)state;
	f->s.children = children;
	for (unsigned int i = 0; i < 64; i++)
		inv[i] = (struct sluice_inv){ { { SLUICE_INV_RANGE, SLUICE_FORMAT_LPAE_S2_4K,
						  (uint16_t)(i == 9 ? 0x42 : 0x43) } }, { 1 }, 0x6000 };
	assert_int_equal(submit(inv, 64), 64);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(f->log[i].w[0], i == 9 ? UINT64_C(0x0000004200000028) :
							  UINT64_C(0x000000430000002a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_page, setup, queue_down),
		cmocka_unit_test_setup_teardown(nothing_and_all, setup, queue_down),
		cmocka_unit_test_setup_teardown(ranges_are_exact, setup, queue_down),
		cmocka_unit_test_setup_teardown(without_ril_page_by_page, setup, queue_down),
		cmocka_unit_test_setup_teardown(too_many_ranges_are_covered, setup, queue_down),
		cmocka_unit_test_setup_teardown(other_granules, setup, queue_down),
		cmocka_unit_test_setup_teardown(stage_2, setup, queue_down),
		cmocka_unit_test_setup_teardown(nested, setup, queue_down),
		cmocka_unit_test_setup_teardown(one_page_of_an_lcore, setup, queue_down),
		cmocka_unit_test_setup_teardown(nested_without_room, setup, queue_down),
		cmocka_unit_test_setup_teardown(tiny_queue_invalidates_everything, setup, queue_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
