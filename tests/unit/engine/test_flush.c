/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * flush.c: when flushes start, what they invalidate, and what they release and when (A2, A3, A12,
 * A13, A16). Every step is made by hand: unmap, poll, complete.
 */
#include "engine/flush/flush.h"
#include "fixture.h"

#define PA UINT64_C(0x300000000)
#define US 1000u

static const struct sluice_domain_conf conf = {
	.policy = "deferred", .iova_size = 64 << 20, .batch = 8, .ring = 32, .deadline_us = 1000,
	.range_max = 4,
};

static const struct plan plan = { &conf, .by_hand = true };

static void
poll(void)
{
	fake_tick(r.f, 4 * US + 1); /* far enough for a look at the rings */
	sluice_engine_poll(r.e);
}

static uint64_t
released(unsigned int lcore)
{
	return atomic_load(&r.d->lc[lcore]->ring.released);
}

static void
a_batch_kicks_a_flush(void **state)
{
	(void)state;
	map_unmap(r.d, 7);
	for (unsigned int i = 0; i < 20; i++)
		poll();
	assert_int_equal(r.f->submitted, 0);
	map_unmap(r.d, 1);
	sluice_engine_poll(r.e); /* no time has passed: the kick alone does it */
	assert_int_equal(r.f->submitted, 1);
	assert_int_equal(stats_of(r.d).flushes[SLUICE_FLUSH_FULL], 1);
	assert_int_equal(released(0), 0);
	assert_int_equal(stats_of(r.d).pending, 8);
	fake_complete(r.f, 1);
	assert_int_equal(released(0), 0); /* only a poll releases */
	poll();
	assert_int_equal(released(0), 8);
	assert_int_equal(stats_of(r.d).pending, 0);
	assert_int_equal(stats_of(r.d).released, 8);
	/* And nothing more comes of it. */
	for (unsigned int i = 0; i < 500; i++)
		poll();
	assert_int_equal(r.f->submitted, 1);
}

static void
the_deadline_flushes_an_idle_ring(void **state)
{
	(void)state;
	r.d->flush.took = 0; /* a flush takes no time here */
	poll();
	uint64_t t0 = r.f->now;

	map_unmap(r.d, 1);
	while (r.f->submitted == 0) {
		fake_tick(r.f, US);
		sluice_engine_poll(r.e);
		assert_true(r.f->now - t0 <= 1010 * US);
	}
	assert_true(r.f->now - t0 >= 990 * US); /* not much too early either: batches are the point */
	assert_true(r.f->now - t0 <= 1000 * US);
	assert_int_equal(stats_of(r.d).flushes[SLUICE_FLUSH_DEADLINE], 1);
	assert_int_equal(stats_of(r.d).flushes[SLUICE_FLUSH_FULL], 0);
	fake_complete(r.f, 1);
	poll();
	assert_int_equal(released(0), 1);
	/* An empty ring has no deadline. */
	for (unsigned int i = 0; i < 1000; i++)
		poll();
	assert_int_equal(r.f->submitted, 1);
}

/* The oldest entry decides, not the newest: a trickle does not push the deadline away. */
static void
a_trickle_does_not_postpone_the_deadline(void **state)
{
	(void)state;
	r.d->flush.took = 0; /* a flush takes no time here */
	poll();
	uint64_t t0 = r.f->now;
	unsigned int n = 0;

	while (r.f->submitted == 0) {
		if (r.f->now - t0 >= n * 200 * US) {
			map_unmap(r.d, 1);
			n++;
		}
		fake_tick(r.f, 2 * US);
		sluice_engine_poll(r.e);
		assert_true(r.f->now - t0 <= 1010 * US);
	}
	assert_int_equal(n, 5); /* fewer than a batch */
	assert_int_equal(stats_of(r.d).flushes[SLUICE_FLUSH_DEADLINE], 1);
}

/*
 * Three flushes overlap. Each releases exactly what was queued before it started, in whatever
 * lumps the completions arrive; what was queued later stays.
 */
static void
a3_three_overlapping_flushes(void **state)
{
	(void)state;
	map_unmap(r.d, 8);
	sluice_engine_poll(r.e); /* flush 1 */
	map_unmap(r.d, 8);
	sluice_engine_poll(r.e); /* flush 2 */
	map_unmap(r.d, 8);
	sluice_engine_poll(r.e); /* flush 3 */
	map_unmap(r.d, 3);                /* after all of them */
	assert_int_equal(r.f->submitted, 3);
	poll();
	assert_int_equal(released(0), 0);
	fake_complete(r.f, 1);
	poll();
	assert_int_equal(released(0), 8);
	poll();
	assert_int_equal(released(0), 8);
	fake_complete(r.f, 2);   /* 2 and 3 are seen at once */
	poll();
	assert_int_equal(released(0), 24);
	assert_int_equal(stats_of(r.d).pending, 3);
}

/* An entry that came while a flush was on its way is not released by that flush. */
static void
a3_an_entry_queued_after_the_start_waits_for_the_next(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 50; round++) {
		uint64_t before = released(0);

		map_unmap(r.d, 8);
		sluice_engine_poll(r.e);
		map_unmap(r.d, 1 + round % 7); /* late by one step */
		fake_complete_all(r.f);
		sluice_engine_poll(r.e);
		assert_int_equal(released(0), before + 8);
		/* Drain what was late, so that each round begins alike. */
		r.f->immediate = true;
		assert_int_equal(sluice_domain_drain(r.d), 0);
		fake_complete_all(r.f);
		r.f->immediate = false;
		assert_int_equal(released(0), before + 8 + 1 + round % 7);
	}
}

/*
 * The same with two workers, random steps, up to the limit of flushes in flight. Model: each entry
 * knows how many flushes had been submitted when it was queued.
 */
static void
a3_random_overlap_against_a_model(void **state)
{
	enum { MAX = 20000 };
	static uint64_t queued_at[2][MAX];
	uint64_t n[2] = { 0, 0 }, seed = 17, in_flight_max = 0;

	(void)state;
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	for (unsigned int step = 0; step < 20000; step++) {
		unsigned int who = rnd(&seed) & 1;
		struct flush_ring *ring = &r.d->lc[who]->ring;

		switch (rnd(&seed) % 4) {
		case 0:
		case 1:
			as_lcore(who);
			if (n[who] - released(who) < 32 && n[who] < MAX) {
				map_unmap(r.d, 1);
				queued_at[who][n[who]++] = r.f->submitted;
			}
			assert_int_equal(ring->tail, n[who]);
			break;
		case 2:
			fake_tick(r.f, rnd(&seed) % (100 * US));
			sluice_engine_poll(r.e);
			break;
		default:
			if (r.f->done < r.f->submitted && rnd(&seed) % 4 == 0)
				fake_complete(r.f, 1 + rnd(&seed) % (r.f->submitted - r.f->done));
		}
		in_flight_max = RTE_MAX(in_flight_max, r.f->submitted - r.f->done);
		for (unsigned int w = 0; w < 2; w++) {
			uint64_t rel = released(w);

			/* The newest released entry needs a flush that started after it. */
			assert_true(rel <= n[w]);
			if (rel != 0)
				assert_true(r.f->done > queued_at[w][rel - 1]);
		}
	}
	assert_true(in_flight_max >= 3);
	assert_true(in_flight_max <= FLUSH_INFLIGHT);
	assert_true(released(0) > 1000 && released(1) > 1000);
}

static void
what_is_released_is_covered_by_its_flush(void **state)
{
	uint64_t iova[8];

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		iova[i] = map_ok(r.d, PA, (i % 3 + 1) * 4096);
		assert_int_equal(sluice_unmap(r.d, iova[i], (i % 3 + 1) * 4096), 0);
	}
	sluice_engine_poll(r.e);
	assert_int_equal(fake_sub(r.f, 1)->n, 1);
	assert_int_equal(fake_sub(r.f, 1)->inv[0].op, SLUICE_INV_DOMAIN); /* 8 > range_max */
	for (unsigned int i = 0; i < 8; i++)
		assert_true(fake_covered(r.f, 1, 1, r.d->hw.tag, iova[i], i % 3 + 1));
	fake_complete(r.f, 1);
	poll();
	/* Few entries: each range by itself, or neighbours together. */
	for (unsigned int i = 0; i < 4; i++) {
		iova[i] = map_ok(r.d, PA, (i % 3 + 1) * 4096);
		assert_int_equal(sluice_unmap(r.d, iova[i], (i % 3 + 1) * 4096), 0);
	}
	uint64_t before = stats_of(r.d).invs;

	atomic_store(&r.d->flush.wishes, flush_wish(SLUICE_FLUSH_DRAIN));
	sluice_engine_poll(r.e);
	atomic_store(&r.d->flush.wishes, 0);
	assert_int_equal(r.f->submitted, 2);
	for (unsigned int i = 0; i < fake_sub(r.f, 2)->n; i++) {
		assert_int_equal(fake_sub(r.f, 2)->inv[i].op, SLUICE_INV_RANGE);
		assert_int_equal(fake_sub(r.f, 2)->inv[i].flags, SLUICE_INV_LEAF);
	}
	for (unsigned int i = 0; i < 4; i++)
		assert_true(fake_covered(r.f, 2, 2, r.d->hw.tag, iova[i], i % 3 + 1));
	assert_int_equal(stats_of(r.d).invs - before, fake_sub(r.f, 2)->n);
}

static void
neighbours_become_one_range(void **state)
{
	uint64_t iova[4];

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		iova[i] = map_ok(r.d, PA, 4096);
	for (unsigned int i = 1; i < 4; i++)
		assert_int_equal(iova[i], iova[0] + i * 4096);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
	atomic_store(&r.d->flush.wishes, flush_wish(SLUICE_FLUSH_DRAIN));
	sluice_engine_poll(r.e);
	atomic_store(&r.d->flush.wishes, 0);
	assert_int_equal(fake_sub(r.f, 1)->n, 1);
	assert_int_equal(fake_sub(r.f, 1)->inv[0].iova, iova[0]);
	assert_int_equal(fake_sub(r.f, 1)->inv[0].pages, 3);
	assert_int_equal(sluice_unmap(r.d, iova[3], 4096), 0);
}

/* More ranges than one submission takes: two flushes, and none releases too much. */
static void
more_ranges_than_a_burst(void **state)
{
	const struct sluice_domain_conf c = { .policy = "deferred", .batch = 256, .ring = 256,
					      .range_max = UINT32_MAX, .iova_size = 64 << 20,
					      .iova_base = UINT64_C(1) << 40 };
	struct sluice_domain *d = sluice_domain_create(r.iommu, &c);
	uint64_t iova[200];

	(void)state;
	assert_non_null(d);
	for (unsigned int i = 0; i < 200; i++)
		iova[i] = map_ok(d, PA, 4096);
	for (unsigned int i = 0; i < 200; i += 2) /* no neighbours */
		assert_int_equal(sluice_unmap(d, iova[i], 4096), 0);
	atomic_store(&d->flush.wishes, flush_wish(SLUICE_FLUSH_DRAIN));
	sluice_engine_poll(r.e);
	assert_int_equal(r.f->submitted, 1);
	assert_int_equal(fake_sub(r.f, 1)->n, SLUICE_INV_BURST);
	fake_complete(r.f, 1);
	poll();
	assert_int_equal(atomic_load(&d->lc[0]->ring.released), SLUICE_INV_BURST);
	assert_int_equal(r.f->submitted, 2);
	assert_int_equal(fake_sub(r.f, 2)->n, 100 - SLUICE_INV_BURST);
	fake_complete(r.f, 1);
	poll();
	assert_int_equal(atomic_load(&d->lc[0]->ring.released), 100);
	atomic_store(&d->flush.wishes, 0);
	for (unsigned int i = 0; i < 200; i += 2)
		assert_true(fake_covered(r.f, 1, 2, d->hw.tag, iova[i], 1));
	for (unsigned int i = 1; i < 200; i += 2) {
		assert_false(fake_covered(r.f, 1, 2, d->hw.tag, iova[i], 1));
		assert_int_equal(sluice_unmap(d, iova[i], 4096), 0);
	}
	r.f->immediate = true;
	assert_int_equal(sluice_domain_destroy(d), 0);
}

static void
no_more_than_so_many_in_flight(void **state)
{
	(void)state;
	atomic_store(&r.d->flush.wishes, flush_wish(SLUICE_FLUSH_DRAIN)); /* a flush for each entry */
	for (unsigned int i = 0; i < FLUSH_INFLIGHT + 2; i++) {
		map_unmap(r.d, 1);
		sluice_engine_poll(r.e);
		assert_int_equal(r.f->submitted, RTE_MIN(i + 1, FLUSH_INFLIGHT));
	}
	fake_complete(r.f, 1);
	sluice_engine_poll(r.e); /* one slot is free again: the two that waited go together */
	assert_int_equal(released(0), 1);
	assert_int_equal(r.f->submitted, FLUSH_INFLIGHT + 1);
	fake_complete(r.f, FLUSH_INFLIGHT - 1);
	poll();
	assert_int_equal(released(0), FLUSH_INFLIGHT);
	fake_complete(r.f, 1);
	poll();
	assert_int_equal(released(0), FLUSH_INFLIGHT + 2);
	atomic_store(&r.d->flush.wishes, 0);
}

/* A refused command: nothing it covered is released until it was submitted again and done. */
static void
a12_a_refused_flush_is_retried_and_releases_nothing_before(void **state)
{
	uint64_t iova;

	(void)state;
	iova = map_unmap(r.d, 8);
	sluice_engine_poll(r.e);
	map_unmap(r.d, 8);
	sluice_engine_poll(r.e); /* 2 overlaps, and goes well */
	r.f->bad_from = 1;
	r.f->bad_upto = 2;
	fake_complete(r.f, 2);
	poll();
	assert_int_equal(released(0), 0);
	assert_int_equal(stats_of(r.d).flush_errors, 1);
	assert_int_equal(r.f->submitted, 3); /* again, as a whole address space */
	assert_true(fake_covered(r.f, 3, 3, r.d->hw.tag, iova, 1));
	r.f->bad_from = 3;
	r.f->bad_upto = 4; /* and again in vain */
	fake_complete(r.f, 1);
	poll();
	assert_int_equal(released(0), 0);
	assert_int_equal(stats_of(r.d).flush_errors, 2);
	assert_int_equal(r.f->submitted, 4);
	poll();
	assert_int_equal(released(0), 0);
	assert_int_equal(r.f->submitted, 4);
	fake_complete(r.f, 1);
	poll();
	assert_int_equal(released(0), 16);
	assert_int_equal(stats_of(r.d).pending, 0);
}

/* A queue that takes nothing: nothing is sealed or lost, and it goes on when it takes again. */
static void
a12_a_dead_queue_seals_nothing(void **state)
{
	(void)state;
	map_unmap(r.d, 8);
	r.f->refuse = 3;
	for (unsigned int i = 0; i < 3; i++)
		sluice_engine_poll(r.e);
	assert_int_equal(r.f->submitted, 0);
	assert_int_equal(stats_of(r.d).flush_errors, 3);
	assert_int_equal(stats_of(r.d).syncs, 0);
	assert_int_equal(stats_of(r.d).invs, 0);
	assert_int_equal(r.d->lc[0]->ring.sealed, 0);
	sluice_engine_poll(r.e);
	assert_int_equal(r.f->submitted, 1);
	fake_complete(r.f, 1);
	poll();
	assert_int_equal(released(0), 8);
}

/* Lost for longer than the deadline of a SYNC: counted once, released never, unless it comes. */
static void
a12_a_late_flush_is_counted_once(void **state)
{
	(void)state;
	map_unmap(r.d, 8);
	sluice_engine_poll(r.e);
	fake_tick(r.f, FAKE_TIMEOUT / 2);
	poll();
	assert_int_equal(stats_of(r.d).flush_errors, 0);
	fake_tick(r.f, FAKE_TIMEOUT);
	for (unsigned int i = 0; i < 10; i++)
		poll();
	assert_int_equal(stats_of(r.d).flush_errors, 1);
	assert_int_equal(released(0), 0);
	fake_complete(r.f, 1);
	poll();
	assert_int_equal(released(0), 8);
	assert_int_equal(stats_of(r.d).flush_errors, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_batch_kicks_a_flush, up, down),
		cmocka_unit_test_setup_teardown(the_deadline_flushes_an_idle_ring, up, down),
		cmocka_unit_test_setup_teardown(a_trickle_does_not_postpone_the_deadline, up, down),
		cmocka_unit_test_setup_teardown(a3_three_overlapping_flushes, up, down),
		cmocka_unit_test_setup_teardown(
			a3_an_entry_queued_after_the_start_waits_for_the_next, up, down),
		cmocka_unit_test_setup_teardown(a3_random_overlap_against_a_model, up, down),
		cmocka_unit_test_setup_teardown(what_is_released_is_covered_by_its_flush, up, down),
		cmocka_unit_test_setup_teardown(neighbours_become_one_range, up, down),
		cmocka_unit_test_setup_teardown(more_ranges_than_a_burst, up, down),
		cmocka_unit_test_setup_teardown(no_more_than_so_many_in_flight, up, down),
		cmocka_unit_test_setup_teardown(
			a12_a_refused_flush_is_retried_and_releases_nothing_before, up, down),
		cmocka_unit_test_setup_teardown(a12_a_dead_queue_seals_nothing, up, down),
		cmocka_unit_test_setup_teardown(a12_a_late_flush_is_counted_once, up, down),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
