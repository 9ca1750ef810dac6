/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Workers that come and go (engine_ctl.c, domain_worker.c): errors, what a worker leaves behind, counters of
 * those that left (stats.c).
 */
#include "rig.h"

#define PA UINT64_C(0x300000000)

static const struct sluice_domain_conf conf = { .policy = "deferred", .iova_size = 16 << 20,
						.batch = 64, .ring = 64 };

static void
errors(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_worker_register(r.e, 0), -EEXIST);
	assert_int_equal(sluice_worker_register(r.e, RTE_MAX_LCORE), -EINVAL);
	assert_int_equal(sluice_worker_register(r.e, UINT32_MAX), -EINVAL);
	assert_non_null(strstr(sluice_error(), "lcore"));
	assert_int_equal(sluice_worker_unregister(r.e, 1), -ENOENT);
	assert_int_equal(sluice_worker_unregister(r.e, RTE_MAX_LCORE), -ENOENT);
	assert_int_equal(sluice_worker_register(r.e, RTE_MAX_LCORE - 1), 0);
	as_lcore(RTE_MAX_LCORE - 1);
	uint64_t iova = map_ok(r.d, PA, 1);

	assert_int_equal(sluice_unmap(r.d, iova, 1), 0);
	as_lcore(0);
	assert_int_equal(sluice_worker_unregister(r.e, RTE_MAX_LCORE - 1), 0);
	assert_int_equal(sluice_worker_unregister(r.e, RTE_MAX_LCORE - 1), -ENOENT);
	rig_down(&r);
}

static void
before_and_after_the_domain(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", NULL); /* lcore 0 first, then the domain */
	r.d = sluice_domain_create(r.iommu, &conf);
	assert_non_null(r.d->lc[0]);
	assert_null(r.d->lc[1]);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	assert_non_null(r.d->lc[1]);
	assert_int_equal(atomic_load(&r.d->workers)->n, 2);
	rig_down(&r);
}

static void
who_leaves_is_drained_and_gives_everything_back(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_worker_register(r.e, 2), 0);
	as_lcore(2);
	for (unsigned int i = 0; i < 40; i++) {
		uint64_t iova = map_ok(r.d, PA, (i % 5 + 1) * 4096);

		assert_int_equal(sluice_unmap(r.d, iova, (i % 5 + 1) * 4096), 0);
	}
	assert_true(iova_space_free_pages(&r.d->iova) < 8 * 512);
	assert_int_equal(stats_of(r.d).pending, 40);
	as_lcore(0);
	assert_int_equal(sluice_worker_unregister(r.e, 2), 0);
	assert_null(r.d->lc[2]);
	assert_int_equal(iova_space_free_pages(&r.d->iova), 8 * 512);
	assert_int_equal(stats_of(r.d).pending, 0);
	/* All of the window, for another order. */
	uint64_t iova = map_ok(r.d, PA, 16 << 20);

	assert_int_equal(sluice_unmap(r.d, iova, 16 << 20), 0);
	rig_down(&r);
}

/* Flushes that were on their way when a worker joined do not release its entries. */
static void
a_worker_that_joins_in_between(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	r.f->immediate = false;
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	sluice_engine_poll(r.e);
	assert_int_equal(r.f->submitted, 1);
	assert_int_equal(sluice_worker_register(r.e, 2), 0);
	as_lcore(2);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	as_lcore(0);
	fake_complete(r.f, 1);
	sluice_engine_poll(r.e);
	assert_int_equal(atomic_load(&r.d->lc[0]->ring.released), 64);
	assert_int_equal(atomic_load(&r.d->lc[2]->ring.released), 0);
	rig_down(&r);
}

static void
counters_of_those_that_left_are_kept(void **state)
{
	struct sluice_domain_stats sum = { 0 }, st;
	struct rig r;
	uint64_t iova, x;

	(void)state;
	rig_up(&r, "", &conf);
	for (unsigned int lcore = 1; lcore < 6; lcore++) {
		assert_int_equal(sluice_worker_register(r.e, lcore), 0);
		as_lcore(lcore);
		for (unsigned int i = 0; i < 10 * lcore; i++) {
			iova = map_ok(r.d, PA, lcore * 4096);
			sum.maps++;
			sum.map_pages += lcore;
			if (i % 10 == 0)
				continue; /* stays mapped; pages of at most 5 x 15 */
			assert_int_equal(sluice_unmap(r.d, iova, lcore * 4096), 0);
			sum.unmaps++;
			sum.unmap_pages += lcore;
			if (i % 8 == 0)
				assert_int_equal(sluice_domain_drain(r.d), 0);
		}
		assert_int_equal(sluice_map(r.d, PA, 0, SLUICE_RW, &x), -EINVAL);
		assert_int_equal(sluice_unmap(r.d, 0, 1), -EINVAL);
		sum.map_errors++;
		sum.unmap_errors++;
		as_lcore(0);
		assert_int_equal(sluice_worker_unregister(r.e, lcore), 0);
		st = stats_of(r.d);
		assert_int_equal(st.maps, sum.maps);
		assert_int_equal(st.unmaps, sum.unmaps);
		assert_int_equal(st.map_pages, sum.map_pages);
		assert_int_equal(st.unmap_pages, sum.unmap_pages);
		assert_int_equal(st.map_errors, sum.map_errors);
		assert_int_equal(st.unmap_errors, sum.unmap_errors);
		assert_int_equal(st.live, sum.maps - sum.unmaps);
		assert_int_equal(st.queued, sum.unmaps);
		assert_int_equal(st.queued, st.released + st.pending);
		assert_int_equal(st.pending, 0);
	}
	assert_int_equal(sluice_domain_stale_hist(r.d)->count, sum.unmaps);
	assert_int_equal(st.syncs, r.f->submitted);
	rig_down(&r);
}

/* Counters of strict: who left had submitted and waited. */
static void
strict_counters_are_kept_too(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &(struct sluice_domain_conf){ .policy = "strict" });
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	as_lcore(1);
	for (unsigned int i = 0; i < 7; i++)
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	as_lcore(0);
	assert_int_equal(sluice_worker_unregister(r.e, 1), 0);
	assert_int_equal(stats_of(r.d).invs, 7);
	assert_int_equal(stats_of(r.d).syncs, 7);
	rig_down(&r);
}

static unsigned int others;

static void
others_unmap(void *arg)
{
	struct rig *r = arg;
	uint64_t iova;

	as_lcore(0);
	if (sluice_map(r->d, PA, 4096, SLUICE_RW, &iova) == 0) {
		assert_int_equal(sluice_unmap(r->d, iova, 4096), 0);
		others++;
	}
}

/* Only who leaves must be quiet: the others go on working. */
static void
leaving_while_others_work(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	as_lcore(1);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	others = 0;
	r.f->on_relax = others_unmap;
	r.f->on_relax_arg = &r;
	assert_int_equal(sluice_worker_unregister(r.e, 1), 0);
	assert_true(others > 0);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors),
		cmocka_unit_test(before_and_after_the_domain),
		cmocka_unit_test(who_leaves_is_drained_and_gives_everything_back),
		cmocka_unit_test(a_worker_that_joins_in_between),
		cmocka_unit_test(counters_of_those_that_left_are_kept),
		cmocka_unit_test(strict_counters_are_kept_too),
		cmocka_unit_test(leaving_while_others_work),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
