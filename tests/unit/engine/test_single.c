/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * policy/deferred_single.c: one queue for all workers. Every step is made by hand: unmap, poll,
 * complete.
 */
#include "fixture.h"

#define PA UINT64_C(0x300000000)
#define US 1000u

static const struct sluice_domain_conf conf = {
	.policy = "deferred-single", .iova_size = 16 << 20, .batch = 8, .ring = 32,
	.deadline_us = 1000, .range_max = 4,
};

static const struct plan plan = { &conf, .workers = 1, .by_hand = true };

static void
poll(void)
{
	fake_tick(r.f, 4 * US + 1);
	sluice_engine_poll(r.e);
}

static void
defaults_are_those_of_s390(void **state)
{
	const struct sluice_domain_conf c = { .policy = "deferred-single" };
	struct sluice_domain_conf got;

	(void)state;
	rig_up(&r, "", &c);
	sluice_domain_get_conf(r.d, &got);
	assert_string_equal(got.policy, "deferred-single");
	assert_int_equal(got.batch, 32768);
	assert_int_equal(got.deadline_us, 1000000);
	rig_down(&r);
}

/* The batch counts what all workers queued; IOVAs come back to the space, not to anybody's
 * stock. */
static void
workers_share_a_batch(void **state)
{
	uint32_t n[2];

	(void)state;
	map_unmap(r.d, 4);
	poll();
	assert_int_equal(r.f->submitted, 0);
	as_lcore(1);
	map_unmap(r.d, 4);
	poll();
	assert_int_equal(r.f->submitted, 1);
	assert_int_equal(fake_sub(r.f, 1)->inv[0].op, SLUICE_INV_DOMAIN);
	assert_int_equal(stats_of(r.d).flushes[SLUICE_FLUSH_FULL], 1);
	assert_int_equal(stats_of(r.d).pending, 8);
	assert_int_equal(stats_of(r.d).exposed_bytes, 8 * 4096);
	for (unsigned int i = 0; i < 2; i++)
		n[i] = r.d->lc[i]->mag[0].n;
	uint64_t before = iova_space_free_pages(&r.d->iova);

	fake_complete_all(r.f);
	poll();
	assert_int_equal(stats_of(r.d).released, 8);
	assert_int_equal(stats_of(r.d).pending, 0);
	assert_int_equal(iova_space_free_pages(&r.d->iova), before + 8);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(r.d->lc[i]->mag[0].n, n[i]);
}

/* A3: what came after a flush started is not released by it, and flushes overlap. */
static void
a3_single_queue_epochs(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		map_unmap(r.d, 8);
		poll();
		assert_int_equal(r.f->submitted, i + 1);
		map_unmap(r.d, 1);
	}
	fake_complete(r.f, 1);
	poll();
	assert_int_equal(stats_of(r.d).released, 8);
	fake_complete(r.f, 2);
	poll();
	poll();
	assert_int_equal(stats_of(r.d).released, 8 + 9 + 9);
	assert_int_equal(stats_of(r.d).pending, 1);
}

/* A refused command releases nothing; what was not flushed is flushed again. */
static void
refused_is_flushed_again(void **state)
{
	(void)state;
	r.f->bad_from = 1;
	r.f->bad_upto = 2;
	map_unmap(r.d, 8);
	poll();
	fake_complete_all(r.f);
	poll();
	assert_int_equal(stats_of(r.d).released, 0);
	assert_int_equal(stats_of(r.d).flush_errors, 1);
	assert_int_equal(r.f->submitted, 2);
	fake_complete_all(r.f);
	poll();
	assert_int_equal(stats_of(r.d).released, 8);
}

static void
full_queue_refuses(void **state)
{
	uint64_t live, pa;

	(void)state;
	map_unmap(r.d, 32);
	live = map_ok(r.d, PA, 4096);
	assert_int_equal(sluice_unmap(r.d, live, 4096), -EAGAIN);
	assert_int_equal(stats_of(r.d).ring_full, 1);
	assert_int_equal(stats_of(r.d).unmap_errors, 1);
	/* Nothing changed. */
	assert_int_equal(sluice_iova_to_pa(r.d, live, &pa), 0);
	fake_complete_all(r.f);
	poll();
	assert_int_equal(sluice_unmap(r.d, live, 4096), 0);
	/* An unmap that fails takes no room. */
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(sluice_unmap(r.d, live, 4096), -ENOENT);
	map_unmap(r.d, 8);
}

static void
ranges_when_they_are_few(void **state)
{
	uint64_t iova = map_ok(r.d, PA, 12288);

	(void)state;
	assert_int_equal(sluice_unmap(r.d, iova, 12288), 0);
	assert_int_equal(stats_of(r.d).exposed_bytes, 12288);
	poll();
	fake_tick(r.f, 1000 * US);
	poll();
	assert_int_equal(stats_of(r.d).flushes[SLUICE_FLUSH_DEADLINE], 1);
	const struct sluice_inv *v = &fake_sub(r.f, 1)->inv[0];

	assert_int_equal(fake_sub(r.f, 1)->n, 1);
	assert_int_equal(v->op, SLUICE_INV_RANGE);
	assert_int_equal(v->pages, 3);
	assert_true(v->iova == iova);
}

/* Every entry has its window, none shorter than the truth. */
static void
windows_are_never_too_short(void **state)
{
	const struct sluice_hist *h = sluice_domain_stale_hist(r.d);
	uint64_t unmapped[8], done, seed = 5, sum = 0;

	(void)state;
	poll();
	for (unsigned int round = 0; round < 50; round++) {
		for (unsigned int i = 0; i < 8; i++) {
			uint64_t iova = map_ok(r.d, PA, 4096);

			fake_tick(r.f, rnd(&seed) % 1000);
			unmapped[i] = r.f->now;
			assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
			if (i < 7 && rnd(&seed) % 2)
				poll();
		}
		poll();
		fake_tick(r.f, rnd(&seed) % 5000);
		done = r.f->now;
		fake_complete_all(r.f);
		for (unsigned int i = 0; i < 8; i++)
			sum += done - unmapped[i];
		poll();
	}
	assert_int_equal(h->count, 400);
	assert_true(h->sum >= sum);
	assert_true(h->sum <= sum + 400 * 2 * (4 * US + 2000));
}

static void
a6_single_queue_is_waited_for(void **state)
{
	struct sluice_domain_conf c = conf;
	uint64_t iova[IOVA_CHUNK_PAGES];

	(void)state;
	c.iova_size = 2 << 20;
	c.batch = c.ring = 1024;
	c.deadline_us = 1000000;
	rig_up(&r, "", &c);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	as_lcore(1);
	for (unsigned int i = 0; i < RTE_DIM(iova); i++)
		iova[i] = map_ok(r.d, PA, 4096);
	for (unsigned int i = 0; i < RTE_DIM(iova); i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
	as_lcore(0);
	for (unsigned int i = 0; i < RTE_DIM(iova); i++)
		iova[i] = map_ok(r.d, PA, 4096);
	assert_int_equal(stats_of(r.d).flushes[SLUICE_FLUSH_ROLLOVER], 1);
	rig_down(&r);
}

/* Only where the hardware can defer (E1). */
static void
e1_single_is_clamped(void **state)
{
	(void)state;
	rig_up(&r, "caps=0x10", &conf);
	assert_string_equal(sluice_domain_policy(r.d), "strict");
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_of_s390),
		cmocka_unit_test_setup_teardown(workers_share_a_batch, up, down),
		cmocka_unit_test_setup_teardown(a3_single_queue_epochs, up, down),
		cmocka_unit_test_setup_teardown(refused_is_flushed_again, up, down),
		cmocka_unit_test_setup_teardown(full_queue_refuses, up, down),
		cmocka_unit_test_setup_teardown(ranges_when_they_are_few, up, down),
		cmocka_unit_test_setup_teardown(windows_are_never_too_short, up, down),
		cmocka_unit_test(a6_single_queue_is_waited_for),
		cmocka_unit_test(e1_single_is_clamped),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
