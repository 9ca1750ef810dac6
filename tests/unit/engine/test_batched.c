/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * policy/strict_batched.c: a burst of unmaps, one SYNC; strict's promise for each of them.
 */
#include "fixture.h"

#define PA UINT64_C(0x300000000)

static const struct sluice_domain_conf conf = {
	.policy = "strict-batched", .iova_size = 8 << 20, .range_max = 16,
};

static struct sluice_seg seg[150];

static void
segments(void)
{
	for (unsigned int i = 0; i < RTE_DIM(seg); i++)
		seg[i] = (struct sluice_seg){ .pa = PA + 4096 * i, .len = 4096, .prot = SLUICE_RW };
}

static const struct plan plan = { &conf, .begin = segments };

static void
map(unsigned int n)
{
	assert_int_equal(sluice_map_burst(r.d, seg, n), n);
}

/* Every second one first, so that no two are neighbours. */
static void
scatter(unsigned int n)
{
	struct sluice_seg old[150];

	memcpy(old, seg, sizeof(old));
	for (unsigned int i = 0; i < n; i++)
		seg[i] = old[i < n / 2 ? 2 * i : 2 * (i - n / 2) + 1];
}

static void
one_sync_for_a_burst(void **state)
{
	(void)state;
	map(10);
	assert_int_equal(sluice_unmap_burst(r.d, seg, 10), 10);
	assert_int_equal(r.f->submitted, 1);
	/* Neighbours, upwards or downwards, are one range. */
	assert_int_equal(fake_sub(r.f, 1)->n, 1);
	for (unsigned int i = 0; i < 10; i++)
		assert_true(fake_covered(r.f, 1, 1, r.d->hw.tag, seg[i].iova, 1));
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.unmaps, 10);
	assert_int_equal(st.syncs, 1);
	assert_int_equal(st.invs, 1);
	assert_int_equal(sluice_unmap_burst(r.d, seg, 0), 0);
	assert_int_equal(r.f->submitted, 1);
}

static void
neighbours_downwards_are_one_range(void **state)
{
	struct sluice_seg down[10];

	(void)state;
	map(10);
	for (unsigned int i = 0; i < 10; i++)
		down[i] = seg[9 - i];
	assert_int_equal(sluice_unmap_burst(r.d, down, 10), 10);
	assert_int_equal(fake_sub(r.f, 1)->n, 1);
	assert_int_equal(fake_sub(r.f, 1)->inv[0].pages, 10);
}

static void
a16_ranges_until_they_are_too_many(void **state)
{
	(void)state;
	map(34);
	scatter(34); /* 17 and 17 that are not neighbours, of 4 KiB */
	assert_int_equal(sluice_unmap_burst(r.d, seg, 16), 16);
	assert_int_equal(fake_sub(r.f, 1)->n, 16);
	for (unsigned int i = 0; i < 16; i++) {
		assert_int_equal(fake_sub(r.f, 1)->inv[i].op, SLUICE_INV_RANGE);
		assert_int_equal(fake_sub(r.f, 1)->inv[i].flags, SLUICE_INV_LEAF);
		assert_true(fake_covered(r.f, 1, 1, r.d->hw.tag, seg[i].iova, 1));
	}
	assert_int_equal(sluice_unmap_burst(r.d, seg + 16, 18), 18);
	assert_int_equal(fake_sub(r.f, 2)->n, 1);
	assert_int_equal(fake_sub(r.f, 2)->inv[0].op, SLUICE_INV_DOMAIN);
	assert_int_equal(fake_sub(r.f, 2)->inv[0].tag, r.d->hw.tag);
}

static void
more_than_a_submission_takes(void **state)
{
	(void)state;
	map(150);
	scatter(150);
	const struct sluice_domain_conf c = { .range_max = UINT32_MAX };

	assert_int_equal(sluice_domain_tune(r.d, &c), 0);
	assert_int_equal(sluice_unmap_burst(r.d, seg, 150), 150);
	assert_int_equal(r.f->submitted, 3);
	for (unsigned int i = 0; i < 150; i++)
		assert_true(fake_covered(r.f, 1, 3, r.d->hw.tag, seg[i].iova, 1));
	assert_int_equal(stats_of(r.d).unmaps, 150);
	/* All IOVAs are back. */
	assert_int_equal(sluice_worker_unregister(r.e, 0), 0);
	assert_int_equal(iova_space_free_pages(&r.d->iova), 4 * 512);
	assert_int_equal(sluice_worker_register(r.e, 0), 0);
}

/* What was taken before the bad one is complete: invalidated, waited for, counted. */
static void
a17_it_stops_at_the_first_that_is_wrong(void **state)
{
	uint64_t pa;

	(void)state;
	map(6);
	struct sluice_seg bad = seg[3];

	seg[3] = seg[1]; /* twice */
	assert_int_equal(sluice_unmap_burst(r.d, seg, 6), 3);
	assert_int_equal(rte_errno, ENOENT);
	for (unsigned int i = 0; i < 3; i++)
		assert_true(fake_covered(r.f, 1, 1, r.d->hw.tag, seg[i].iova, 1));
	for (unsigned int i = 4; i < 6; i++)
		assert_int_equal(sluice_iova_to_pa(r.d, seg[i].iova, &pa), 0);
	assert_int_equal(stats_of(r.d).unmaps, 3);
	assert_int_equal(stats_of(r.d).unmap_errors, 1);
	seg[3] = bad;
	seg[4].len = 8192; /* not the length of the mapping */
	assert_int_equal(sluice_unmap_burst(r.d, seg + 3, 3), 1);
	assert_int_equal(rte_errno, EINVAL);
	seg[4].len = 4096;
	assert_int_equal(sluice_unmap_burst(r.d, seg + 4, 2), 2);
	assert_int_equal(stats_of(r.d).live, 0);
	/* The first is wrong: nothing was submitted for it. */
	uint64_t subs = r.f->submitted;

	assert_int_equal(sluice_unmap_burst(r.d, seg, 2), 0);
	assert_int_equal(r.f->submitted, subs);
}

static void
a12_a_failed_burst_frees_nothing(void **state)
{
	uint64_t iova[8];

	(void)state;
	map(8);
	r.f->bad_from = 1;
	r.f->bad_upto = 2;
	assert_int_equal(sluice_unmap_burst(r.d, seg, 8), 0);
	assert_int_equal(rte_errno, EIO);
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.unmaps, 0);
	assert_int_equal(st.unmap_errors, 8);
	assert_int_equal(st.live, 8);
	for (unsigned int i = 0; i < 8; i++) {
		iova[i] = map_ok(r.d, PA, 4096);
		for (unsigned int k = 0; k < 8; k++)
			assert_int_not_equal(iova[i], seg[k].iova);
	}
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
	/* Nothing could be submitted; and one that is lost. */
	map(2);
	r.f->refuse = 1;
	assert_int_equal(sluice_unmap_burst(r.d, seg, 1), 0);
	assert_int_equal(rte_errno, EIO);
	r.f->immediate = false;
	assert_int_equal(sluice_unmap_burst(r.d, seg + 1, 1), 0);
	assert_int_equal(rte_errno, ETIMEDOUT);
}

static void
one_alone_is_strict(void **state)
{
	(void)state;
	uint64_t iova = map_ok(r.d, PA, 3 * 4096);

	assert_int_equal(sluice_unmap(r.d, iova, 4096), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova, 3 * 4096), 0);
	assert_int_equal(r.f->submitted, 1);
	assert_int_equal(fake_sub(r.f, 1)->inv[0].pages, 3);
	as_lcore(9);
	assert_int_equal(sluice_unmap_burst(r.d, seg, 1), 0);
	assert_int_equal(rte_errno, ENXIO);
	assert_int_equal(sluice_map_burst(r.d, seg, 1), 0);
	assert_int_equal(rte_errno, ENXIO);
	as_lcore(0);
	/* Asynchronous is what it is anyway: done. */
	unsigned int later = 99;

	map(3);
	assert_int_equal(sluice_unmap_async_burst(r.d, seg, 3, &later), 3);
	assert_int_equal(later, 0);
	assert_int_equal(r.f->submitted, 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_sync_for_a_burst),
		T(neighbours_downwards_are_one_range),
		T(a16_ranges_until_they_are_too_many),
		T(more_than_a_submission_takes),
		T(a17_it_stops_at_the_first_that_is_wrong),
		T(a12_a_failed_burst_frees_nothing),
		T(one_alone_is_strict),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
