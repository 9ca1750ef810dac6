/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * policy/deferred.c and the worker's side of the ring: what an unmap does at once, when IOVAs come
 * back, a full ring, a drain, and the clamp to strict (E1).
 */
#include "fixture.h"

#define PA UINT64_C(0x300000000)

static const struct sluice_domain_conf conf = {
	.policy = "deferred", .iova_size = 2 << 20, .batch = 8, .ring = 16, .deadline_us = 1000,
};

static const struct plan plan = { &conf, .by_hand = true };

static void
unmap_returns_at_once_and_keeps_the_iova(void **state)
{
	static uint64_t used[512];
	uint64_t iova, other, pa, now;
	unsigned int n = 0;

	(void)state;
	iova = map_ok(r.d, PA, 4096);
	now = r.f->now;
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	assert_int_equal(r.f->now, now);      /* nothing waited */
	assert_int_equal(r.f->submitted, 0);  /* nothing was sent */
	assert_int_equal(sluice_iova_to_pa(r.d, iova, &pa), -ENOENT);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), -ENOENT);
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.unmaps, 1);
	assert_int_equal(st.unmap_errors, 1);
	assert_int_equal(st.live, 0);
	assert_int_equal(st.queued, 1);
	assert_int_equal(st.pending, 1);
	/* The whole window, and never that one. */
	while (sluice_map(r.d, PA, 4096, SLUICE_RW, &other) == 0) {
		assert_int_not_equal(other, iova);
		used[n++] = other;
	}
	assert_int_equal(n, 511);
	r.f->immediate = true;
	assert_int_equal(sluice_domain_drain(r.d), 0);
	assert_int_equal(stats_of(r.d).pending, 0);
	assert_int_equal(map_ok(r.d, PA, 4096), iova);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	r.f->on_relax = rig_serve;
	r.f->on_relax_arg = &r;
	while (n-- > 0)
		assert_int_equal(sluice_unmap(r.d, used[n], 4096), 0);
}

static void
released_iovas_return_to_the_lcore_that_unmapped(void **state)
{
	uint64_t iova[8];

	(void)state;
	assert_int_equal(sluice_worker_register(r.e, 3), 0);
	for (unsigned int i = 0; i < 8; i++)
		iova[i] = map_ok(r.d, PA, 4096);
	as_lcore(3);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
	assert_int_equal(r.d->lc[3]->mag[0].n, 0);
	sluice_engine_poll(r.e);
	fake_complete_all(r.f);
	sluice_engine_poll(r.e);
	/* Lcore 3 needs one: its own come first, none out of the shared space. */
	uint64_t got = map_ok(r.d, PA, 4096);

	assert_true(got >= iova[0] && got <= iova[7]);
	assert_int_equal(r.d->lc[3]->mag[0].n, 7);
	assert_int_equal(sluice_unmap(r.d, got, 4096), 0);
}

/* Fill the ring with entries that no flush completes. */
static uint64_t
fill(void)
{
	uint64_t iova[17];

	for (unsigned int i = 0; i < 17; i++)
		iova[i] = map_ok(r.d, PA, 4096);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
	return iova[16];
}

static void
a_full_ring_waits_so_long_and_changes_nothing(void **state)
{
	uint64_t last, pa, t0;

	(void)state;
	last = fill();
	t0 = r.f->now;
	assert_int_equal(sluice_unmap(r.d, last, 4096), -EAGAIN);
	assert_true(r.f->now - t0 >= FAKE_TIMEOUT && r.f->now - t0 < 2 * FAKE_TIMEOUT);
	assert_int_equal(sluice_iova_to_pa(r.d, last, &pa), 0);
	assert_int_equal(pa, PA);
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.ring_full, 1);
	assert_int_equal(st.unmaps, 16);
	assert_int_equal(st.unmap_errors, 1);
	assert_int_equal(st.live, 1);
	assert_int_equal(st.pending, 16);
	/* The same call again succeeds when there is room. */
	r.f->immediate = true;
	sluice_engine_poll(r.e);
	sluice_engine_poll(r.e);
	assert_int_equal(sluice_unmap(r.d, last, 4096), 0);
	assert_int_equal(stats_of(r.d).ring_full, 1);
}

static void
a_full_ring_goes_on_as_soon_as_a_flush_completes(void **state)
{
	uint64_t last, t0;

	(void)state;
	last = fill();
	r.f->on_relax = rig_serve;
	r.f->on_relax_arg = &r;
	t0 = r.f->now;
	assert_int_equal(sluice_unmap(r.d, last, 4096), 0);
	assert_true(r.f->now - t0 < FAKE_TIMEOUT / 10);
	assert_int_equal(stats_of(r.d).ring_full, 1);
	assert_int_equal(stats_of(r.d).unmaps, 17);
}

/* Less than a batch since the last kick: the one who waits for room kicks for it. */
static void
a_full_ring_asks_for_what_is_left(void **state)
{
	struct sluice_domain_conf c = { .policy = "deferred", .batch = 16, .ring = 16,
					.iova_base = UINT64_C(1) << 40, .iova_size = 2 << 20,
					.deadline_us = 1000000 };
	struct sluice_domain *d = sluice_domain_create(r.iommu, &c);
	uint64_t iova[40];

	(void)state;
	assert_non_null(d);
	r.f->on_relax = rig_serve;
	r.f->on_relax_arg = &r;
	for (unsigned int i = 0; i < 40; i++)
		iova[i] = map_ok(d, PA, 4096);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(sluice_unmap(d, iova[i], 4096), 0);
	assert_int_equal(sluice_domain_drain(d), 0); /* out of step with the batch */
	for (unsigned int i = 10; i < 40; i++) {
		assert_int_equal(sluice_unmap(d, iova[i], 4096), 0);
		sluice_engine_poll(r.e); /* seals what was kicked; completes nothing */
	}
	assert_int_equal(sluice_domain_destroy(d), 0);
}

/* All objects of any order come back through the ring, runs of chunks as well. */
static void
every_length_comes_back(void **state)
{
	static const size_t len[] = { 4096, 3 * 4096, 512 * 4096, 513 * 4096, 1300 * 4096 };
	struct sluice_domain_conf c = conf;
	struct sluice_domain *d;

	(void)state;
	c.iova_base = UINT64_C(1) << 40;
	c.iova_size = 64 << 20;
	d = sluice_domain_create(r.iommu, &c);
	assert_non_null(d);
	r.f->immediate = true;
	for (unsigned int round = 0; round < 50; round++) {
		for (unsigned int i = 0; i < RTE_DIM(len); i++) {
			uint64_t iova = map_ok(d, PA, len[i]);

			assert_int_equal(sluice_unmap(d, iova, len[i]), 0);
			assert_int_equal(sluice_domain_drain(d), 0);
		}
	}
	assert_int_equal(sluice_worker_unregister(r.e, 0), 0);
	assert_int_equal(iova_space_free_pages(&d->iova), 32 * 512);
	assert_int_equal(sluice_worker_register(r.e, 0), 0);
	assert_int_equal(sluice_domain_destroy(d), 0);
}

static void
drain_waits_for_everything(void **state)
{
	uint64_t iova[5];

	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		iova[i] = map_ok(r.d, PA, 4096);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
	r.f->immediate = true;
	assert_int_equal(sluice_domain_drain(r.d), 0);
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.pending, 0);
	assert_int_equal(st.released, 5);
	assert_int_equal(st.flushes[SLUICE_FLUSH_DRAIN], 1);
	assert_int_equal(st.flushes[SLUICE_FLUSH_FULL], 0);
	uint64_t subs = r.f->submitted;

	assert_int_equal(sluice_domain_drain(r.d), 0); /* nothing to do */
	assert_int_equal(r.f->submitted, subs);
}

static void
drain_that_never_completes(void **state)
{
	uint64_t t0;

	(void)state;
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	t0 = r.f->now;
	assert_int_equal(sluice_domain_drain(r.d), -ETIMEDOUT);
	assert_true(r.f->now - t0 >= FAKE_TIMEOUT && r.f->now - t0 < 4 * FAKE_TIMEOUT);
	assert_true(sluice_error()[0] != '\0');
	assert_int_equal(stats_of(r.d).pending, 1);
	assert_int_equal(sluice_domain_destroy(r.d), -ETIMEDOUT);
	assert_int_equal(sluice_worker_unregister(r.e, 0), -ETIMEDOUT);
	assert_true(r.e->worker[0]);
	fake_complete_all(r.f); /* late, but complete */
	assert_int_equal(sluice_domain_drain(r.d), 0);
	assert_int_equal(stats_of(r.d).pending, 0);
}

static uint64_t busy;

static void
keep_unmapping(void *arg)
{
	uint64_t iova;

	(void)arg;
	fake_complete_all(r.f);
	as_lcore(1);
	if (sluice_map(r.d, PA, 4096, SLUICE_RW, &iova) == 0) {
		assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
		busy++;
	}
	as_lcore(0);
}

/* A drain is for what was queued when it was asked for: others may go on unmapping meanwhile. */
static void
drain_ends_while_others_keep_unmapping(void **state)
{
	(void)state;
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	busy = 0;
	r.f->on_relax = keep_unmapping;
	assert_int_equal(sluice_domain_drain(r.d), 0);
	r.f->on_relax = NULL;
	assert_true(busy > 0);
	assert_int_equal(atomic_load(&r.d->lc[0]->ring.released), 1);
}

/* E1: no capability, no deferring, whatever was asked for; and the backend is never told. */
static void
e1_clamped_to_strict_without_the_capability(void **state)
{
	struct rig s;

	(void)state;
	rig_up(&s, "caps=0x10", &conf);
	assert_string_equal(sluice_domain_policy(s.d), "strict");
	assert_null(s.d->lc[0]->ring.ent);
	uint64_t iova = map_ok(s.d, PA, 4096);

	assert_int_equal(sluice_unmap(s.d, iova, 4096), 0);
	assert_int_equal(s.f->submitted, 1); /* at once */
	assert_int_equal(stats_of(s.d).queued, 0);
	assert_int_equal(map_ok(s.d, PA, 4096), iova);
	assert_int_equal(sluice_unmap(s.d, iova, 4096), 0);
	rig_down(&s);
}

/* Space is short, everything is in the ring: what a flush has released is taken back first. */
static void
short_of_space_takes_back_what_was_released(void **state)
{
	static uint64_t iova[512];

	(void)state;
	r.f->immediate = true;
	for (unsigned int i = 0; i < 512; i++)
		iova[i] = map_ok(r.d, PA, 4096);
	for (unsigned int i = 0; i < 512; i++) {
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
		sluice_engine_poll(r.e);
		sluice_engine_poll(r.e);
	}
	assert_int_equal(sluice_domain_drain(r.d), 0);
	/* Of another order, for which every single page must be back first. */
	iova[0] = map_ok(r.d, PA, 2 << 20);
	assert_int_equal(sluice_unmap(r.d, iova[0], 2 << 20), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unmap_returns_at_once_and_keeps_the_iova, up, down),
		cmocka_unit_test_setup_teardown(released_iovas_return_to_the_lcore_that_unmapped, up,
						down),
		cmocka_unit_test_setup_teardown(a_full_ring_waits_so_long_and_changes_nothing, up,
						down),
		cmocka_unit_test_setup_teardown(a_full_ring_goes_on_as_soon_as_a_flush_completes, up,
						down),
		cmocka_unit_test_setup_teardown(a_full_ring_asks_for_what_is_left, up, down),
		cmocka_unit_test_setup_teardown(every_length_comes_back, up, down),
		cmocka_unit_test_setup_teardown(drain_waits_for_everything, up, down),
		cmocka_unit_test_setup_teardown(drain_that_never_completes, up, down),
		cmocka_unit_test_setup_teardown(drain_ends_while_others_keep_unmapping, up, down),
		cmocka_unit_test(e1_clamped_to_strict_without_the_capability),
		cmocka_unit_test_setup_teardown(short_of_space_takes_back_what_was_released, up, down),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
