/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * policy/rollover.c: IOVAs in order, none twice in a round, one flush per wrap (A7).
 */
#include "engine/policy/rollover.h"
#include "rollover_rig.h"

static void
a7_in_order_and_one_flush_per_wrap(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 5; round++) {
		for (uint32_t i = 0; i < PAGES; i++) {
			assert_int_equal(map_page(), i);
			unmap_page(i);
			sluice_engine_poll(r.e);
			assert_int_equal(r.f->submitted, round);
		}
	}
	assert_int_equal(stats_of(r.d).flushes[SLUICE_FLUSH_ROLLOVER], 4);
	assert_int_equal(stats_of(r.d).syncs, 4);
	assert_int_equal(stats_of(r.d).queued, 5 * PAGES);
	assert_int_equal(stats_of(r.d).released, 4 * PAGES);
}

static void
live_pages_are_skipped(void **state)
{
	bool live[PAGES] = { false };

	(void)state;
	for (uint32_t i = 0; i < PAGES; i++) {
		live[i] = i % 7 == 0 || i / CHUNK == 1; /* a whole chunk, too */
		assert_int_equal(map_page(), i);
		if (!live[i])
			unmap_page(i);
	}
	for (unsigned int round = 0; round < 3; round++)
		for (uint32_t i = 0; i < PAGES; i++)
			if (!live[i]) {
				assert_int_equal(map_page(), i);
				unmap_page(i);
			}
	for (uint32_t i = 0; i < PAGES; i++)
		if (live[i])
			unmap_page(i);
}

static void
all_live_is_enospc(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < PAGES; i++)
		map_page();
	assert_int_equal(map_errno(), -ENOSPC);
	assert_int_equal(stats_of(r.d).map_errors, 1);
	unmap_page(700);
	assert_int_equal(map_page(), 700);
	assert_int_equal(map_errno(), -ENOSPC);
}

/* A page that is unmapped when its chunk was looked at already waits for the next wrap: the flush
 * that is under way started before. */
static uint32_t late;
static unsigned int relaxed;

static void
unmap_late(void *arg)
{
	(void)arg;
	relaxed++;
	if (relaxed == 5 && late != UINT32_MAX) {
		as_lcore(1);
		unmap_page(late);
		as_lcore(0);
	}
	if (relaxed == 20)
		fake_complete_all(r.f);
}

static void
a7_unmapped_during_the_flush_is_not_reused(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < PAGES; i++) {
		map_page();
		if (i != 5)
			unmap_page(i);
	}
	late = 5;
	relaxed = 0;
	r.f->immediate = false;
	r.f->on_relax = unmap_late;
	assert_int_equal(map_page(), 0);
	unmap_page(0);
	assert_true(relaxed >= 20);
	for (uint32_t i = 1; i < PAGES; i++)
		if (i != 5) {
			assert_int_equal(map_page(), i);
			unmap_page(i);
		}
	/* It is pending until a flush that started after it is complete. */
	late = UINT32_MAX;
	relaxed = 0;
	assert_int_equal(stats_of(r.d).released, PAGES - 1);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(map_page(), i);
	assert_int_equal(stats_of(r.d).released, 2 * PAGES - 1);
}

/* A flush is made at a wrap even when no unmap was counted yet: the entry may be clear before
 * that. */
static void
a7_a_wrap_always_flushes(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < PAGES; i++) {
		map_page();
		unmap_page(i);
	}
	assert_int_equal(sluice_domain_drain(r.d), 0);
	assert_int_equal(r.f->submitted, 1);
	assert_int_equal(stats_of(r.d).pending, 0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	assert_int_equal(r.f->submitted, 1);
	assert_int_equal(map_page(), 0);
	assert_int_equal(r.f->submitted, 2);
}

static void
half_a_chunk_is_left_to_its_owner(void **state)
{
	uint8_t owner[PAGES] = { 0 };

	(void)state;
	as_lcore(1);
	for (uint32_t i = 0; i < CHUNK / 2; i++) {
		assert_int_equal(map_page(), i);
		unmap_page(i);
	}
	as_lcore(0);
	for (unsigned int round = 0; round < 3; round++)
		for (uint32_t i = CHUNK; i < PAGES; i++) {
			assert_int_equal(map_page(), i);
			unmap_page(i);
		}
	/* Now both; nobody is given what the other has. */
	for (uint32_t i = 0; i < PAGES / 2; i++) {
		for (unsigned int l = 0; l < 2; l++) {
			as_lcore(l);
			uint32_t pfn = map_page();

			assert_int_equal(owner[pfn], 0);
			owner[pfn] = 1;
			if (i < CHUNK / 2 && l == 1)
				assert_int_equal(pfn, CHUNK / 2 + i);
		}
		if (i == PAGES / 2 - CHUNK)
			break;
	}
	/* A worker that leaves leaves its chunk. */
	for (uint32_t i = 0; i < PAGES; i++)
		if (owner[i])
			unmap_page(i);
	as_lcore(0);
	assert_int_equal(sluice_worker_unregister(r.e, 1), 0);
	for (unsigned int n = 0; n < 2 * PAGES; n++)
		unmap_page(map_page());
	uint32_t first = UINT32_MAX, pfn;

	for (uint32_t i = 0; i < PAGES; i++) {
		pfn = map_page();
		unmap_page(pfn);
		first = RTE_MIN(first, pfn);
	}
	assert_int_equal(first, 0);
}

static void
sizes(void **state)
{
	uint64_t a, b, c, x;

	(void)state;
	a = map_ok(r.d, PA + 100, 3 * 4096);
	assert_int_equal(a - base, 100);
	b = map_ok(r.d, PA, 510 * 4096);
	assert_int_equal(b - base, 2 << 20);
	c = map_ok(r.d, PA, 3 << 20); /* two chunks */
	assert_int_equal(c - base, 4 << 20);
	assert_int_equal(sluice_map(r.d, PA, 9 << 20, SLUICE_RW, &x), -ENOSPC);
	assert_int_equal(sluice_map(r.d, PA, 0, SLUICE_RW, &x), -EINVAL);
	/* Not what was mapped. */
	assert_int_equal(sluice_unmap(r.d, a, 4096), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, a + 4096, 4096), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, b, 511 * 4096), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, c, 4 << 20), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, base + (1 << 20), 4096), -ENOENT);
	assert_int_equal(sluice_unmap(r.d, base - 4096, 4096), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, a, 3 * 4096), 0);
	assert_int_equal(sluice_unmap(r.d, a, 3 * 4096), -ENOENT);
	assert_int_equal(sluice_unmap(r.d, b, 510 * 4096), 0);
	assert_int_equal(sluice_unmap(r.d, c, 3 << 20), 0);
	assert_int_equal(stats_of(r.d).exposed_bytes, 4 * 4096 + (510 << 12) + (3 << 20));
	assert_int_equal(stats_of(r.d).unmap_errors, 7);
	/* The window is free again after a wrap. */
	x = map_ok(r.d, PA, 8 << 20);
	assert_int_equal(x, base);
	assert_int_equal(stats_of(r.d).exposed_bytes, 0);
	assert_int_equal(sluice_unmap(r.d, x, 8 << 20), 0);
}

static uint64_t done;

static void
complete_and_note(void *arg)
{
	(void)arg;
	if (++relaxed == 10) {
		done = r.f->now;
		fake_complete_all(r.f);
	}
}

/* Every unmap has its window, none shorter than the truth; the oldest one's age is told all the
 * time. */
static void
a7_windows_are_measured(void **state)
{
	const struct sluice_hist *h = sluice_domain_stale_hist(r.d);
	uint64_t sum = 0, seed = 3, now, first = 0, n = 0, at = 0;
	static uint64_t when[PAGES];

	(void)state;
	for (uint32_t i = 0; i < PAGES; i++) {
		map_page();
		fake_tick(r.f, rnd(&seed) % 10000);
		when[n++] = r.f->now;
		first = first == 0 ? r.f->now : first;
		unmap_page(i);
		fake_tick(r.f, rnd(&seed) % 10000);
		sluice_engine_poll(r.e);
		assert_int_equal(stats_of(r.d).exposed_bytes, n * 4096);
	}
	now = r.f->now;
	fake_tick(r.f, 5000);
	sluice_engine_poll(r.e);
	assert_true(stats_of(r.d).oldest_ns >= now - first);
	assert_int_equal(stats_of(r.d).pending_max, PAGES);
	r.f->immediate = false;
	r.f->on_relax = complete_and_note;
	relaxed = 0;
	map_page();
	for (; at < n; at++)
		sum += done - when[at];
	assert_int_equal(h->count, PAGES);
	assert_true(h->sum >= sum);
	assert_true(h->sum <= sum + sum / 20);
	assert_true(h->max >= done - first);
	assert_int_equal(stats_of(r.d).pending, 0);
}

/* The flush is lost: an error, and nothing is handed out; later it works. */
static void
a_lost_flush_hands_out_nothing(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < PAGES; i++) {
		map_page();
		unmap_page(i);
	}
	r.f->immediate = false;
	assert_int_equal(map_errno(), -ENOSPC);
	assert_int_equal(map_errno(), -ENOSPC);
	assert_int_equal(stats_of(r.d).released, 0);
	fake_complete_all(r.f);
	r.f->immediate = true;
	assert_int_equal(map_page(), 0);
	for (uint32_t i = 1; i < PAGES; i++)
		assert_int_equal(map_page(), i);
}

/* No memory for more tables: rounds are as long as there are tables. */
static void
short_of_tables_wraps_early(void **state)
{
	const struct sluice_domain_conf c = { .policy = "rollover", .iova_size = 1 << 30 };
	uint32_t pfn, last = 0, most = 0, wraps = 0;

	(void)state;
	rig_up(&r, "mem=1", &c); /* 256 pages */
	base = r.d->iova_base;
	for (uint32_t i = 0; i < 600 * CHUNK; i++) {
		pfn = map_page();
		unmap_page(pfn);
		wraps += pfn < last;
		last = pfn;
		most = RTE_MAX(most, pfn);
	}
	assert_int_equal(wraps, 2);
	assert_true(most > 200 * CHUNK && most < 256 * CHUNK);
	assert_int_equal(stats_of(r.d).map_errors, 0);
	rig_down(&r);
}

static void
e1_rollover_is_clamped(void **state)
{
	(void)state;
	rig_up(&r, "caps=0x10", &conf);
	assert_string_equal(sluice_domain_policy(r.d), "strict");
	rig_down(&r);
}

/* Workers that wait for rounds to come, one for each in a window of one chunk, do not hold up the
 * wrap that brings them nearer. */
static void
a_wrap_waits_for_its_own_round_alone(void **state)
{
	struct rollover *s = r.d->priv;
	uint64_t round = atomic_load(&s->round), start;

	(void)state;
	for (unsigned int later = 1; later < RTE_MAX_LCORE; later++)
		atomic_fetch_add(&s->held[(round + later) % RTE_DIM(s->held)], 1);
	for (uint32_t i = 0; i < PAGES; i++)
		unmap_page(map_page());
	start = sluice_iommu_now_ns(r.iommu);
	assert_int_equal(map_page(), 0);
	assert_int_equal(atomic_load(&s->round), round + 1);
	assert_true(sluice_iommu_now_ns(r.iommu) - start <
		    sluice_clock_to_ns(&r.iommu->clock, r.iommu->sync_timeout));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a7_in_order_and_one_flush_per_wrap, up, down),
		cmocka_unit_test_setup_teardown(live_pages_are_skipped, up, down),
		cmocka_unit_test_setup_teardown(all_live_is_enospc, up, down),
		cmocka_unit_test_setup_teardown(a7_unmapped_during_the_flush_is_not_reused, up, down),
		cmocka_unit_test_setup_teardown(a7_a_wrap_always_flushes, up, down),
		cmocka_unit_test_setup_teardown(half_a_chunk_is_left_to_its_owner, up, down),
		cmocka_unit_test_setup_teardown(sizes, up, down),
		cmocka_unit_test_setup_teardown(a7_windows_are_measured, up, down),
		cmocka_unit_test_setup_teardown(a_lost_flush_hands_out_nothing, up, down),
		cmocka_unit_test_setup_teardown(a_wrap_waits_for_its_own_round_alone, up, down),
		cmocka_unit_test(short_of_tables_wraps_early),
		cmocka_unit_test(e1_rollover_is_clamped),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
