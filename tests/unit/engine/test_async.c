/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * policy/strict_async.c and the cookies of flush.c (A14): when a cookie comes and when it must not,
 * in what order, what happens when nobody takes them, and who waits instead.
 */
#include "fixture.h"

#define PA UINT64_C(0x300000000)

static const struct sluice_domain_conf conf = {
	.policy = "strict-async", .iova_size = 8 << 20, .batch = 8, .ring = 16, .deadline_us = 1000,
};

static const struct plan plan = { &conf, .by_hand = true };

/* Time for a look, and a turn. */
static void
turn(void)
{
	fake_tick(r.f, 10000);
	sluice_engine_poll(r.e);
}

static void
unmap_later(size_t len, uint64_t cookie)
{
	assert_int_equal(sluice_unmap_async(r.d, map_ok(r.d, PA, len), len, cookie), 1);
}

/* Takes all there are: they must be first, first + 1, … */
static unsigned int
take(uint64_t first)
{
	unsigned int n, total = 0;
	uint64_t cookie[3];

	while ((n = sluice_unmap_completed(r.d, cookie, RTE_DIM(cookie))) != 0)
		for (unsigned int i = 0; i < n; i++)
			assert_int_equal(cookie[i], first + total++);
	return total;
}

static void
a14_a_cookie_comes_once_and_only_after_completion(void **state)
{
	uint64_t pa, iova = map_ok(r.d, PA, 4096), cookie;

	(void)state;
	assert_int_equal(sluice_unmap_async(r.d, iova, 4096, 77), 1);
	assert_int_equal(sluice_iova_to_pa(r.d, iova, &pa), -ENOENT);
	assert_int_equal(r.f->submitted, 0);
	assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 0);
	turn(); /* nothing is in flight, somebody waits: flushed */
	assert_int_equal(r.f->submitted, 1);
	assert_true(fake_covered(r.f, 1, 1, r.d->hw.tag, iova, 1));
	turn();
	assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 0);
	fake_complete(r.f, 1);
	assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 0); /* the engine has not seen it */
	turn();
	assert_int_equal(sluice_unmap_completed(r.d, &cookie, 0), 0);
	assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 1);
	assert_int_equal(cookie, 77);
	assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 0);
	assert_int_equal(stats_of(r.d).flushes[SLUICE_FLUSH_IDLE], 1);
}

/* Neither the memory nor the IOVA: it is not given out again before its cookie was taken. */
static void
a14_the_iova_stays_until_the_cookie_is_taken(void **state)
{
	uint64_t iova = map_ok(r.d, PA, 4096), other[511], cookie;

	(void)state;
	assert_int_equal(sluice_unmap_async(r.d, iova, 4096, 5), 1);
	turn();
	fake_complete_all(r.f);
	turn();
	for (unsigned int i = 0; i < RTE_DIM(other); i++) {
		other[i] = map_ok(r.d, PA, 4096);
		assert_int_not_equal(other[i], iova);
	}
	assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 1);
	assert_int_equal(map_ok(r.d, PA, 4096), iova);
	r.f->on_relax = rig_serve;
	r.f->on_relax_arg = &r;
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	for (unsigned int i = 0; i < RTE_DIM(other); i++)
		assert_int_equal(sluice_unmap(r.d, other[i], 4096), 0);
}

/* Random bursts, polls and completions, several laps of the ring: every cookie, in order. */
static void
a14_in_order_exactly_once(void **state)
{
	uint64_t given = 0, taken = 0, seed = 7;

	(void)state;
	while (given < 5000) {
		switch (rnd(&seed) % 5) {
		case 0:
		case 1:
			for (unsigned int n = rnd(&seed) % 12; n-- > 0 && given - taken < 16;)
				unmap_later(rnd(&seed) % 4 != 0 ? 4096 : 3 * 4096, given++);
			break;
		case 2:
			turn();
			break;
		case 3:
			fake_complete_all(r.f);
			break;
		default:
			taken += take(taken);
		}
		assert_true(taken <= atomic_load(&r.d->lc[0]->ring.released));
	}
	fake_complete_all(r.f);
	turn();
	fake_complete_all(r.f);
	turn();
	taken += take(taken);
	assert_int_equal(taken, given);
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.maps, given);
	assert_int_equal(st.unmaps, given);
	assert_int_equal(st.queued, given);
	assert_int_equal(st.released, given);
	assert_int_equal(st.map_pages, st.unmap_pages);
	assert_int_equal(st.exposed_bytes, 0);
}

static uint64_t called, sum;

static void
on_release(const uint64_t *cookie, unsigned int n, void *arg)
{
	assert_ptr_equal(arg, &sum);
	assert_true(n > 0);
	called++;
	for (unsigned int i = 0; i < n; i++)
		sum += cookie[i];
}

static void
a14_by_a_callback(void **state)
{
	struct sluice_domain_conf c = conf;

	(void)state;
	c.ring = 128;
	c.iova_base = UINT64_C(1) << 40;
	struct sluice_domain *d = sluice_domain_create(r.iommu, &c);

	assert_non_null(d);
	called = sum = 0;
	r.f->immediate = true;
	assert_int_equal(sluice_unmap_dispatch(d, on_release, &sum), 0);
	assert_int_equal(called, 0);
	for (uint64_t i = 1; i <= 100; i++)
		assert_int_equal(sluice_unmap_async(d, map_ok(d, PA, 4096), 4096, i), 1);
	sluice_unmap_kick(d);
	turn();
	turn();
	assert_int_equal(sluice_unmap_dispatch(d, on_release, &sum), 100);
	assert_int_equal(sum, 5050);
	assert_int_equal(sluice_unmap_dispatch(d, on_release, &sum), 0);
	assert_int_equal(sluice_domain_destroy(d), 0);
}

static void
a14_nobody_takes_cookies(void **state)
{
	uint64_t iova, pa;

	(void)state;
	r.f->immediate = true;
	for (uint64_t i = 0; i < 16; i++)
		unmap_later(4096, i);
	turn();
	turn();
	iova = map_ok(r.d, PA, 4096);
	uint64_t t0 = r.f->now;

	/* Known at once, and nothing has changed. */
	assert_int_equal(sluice_unmap_async(r.d, iova, 4096, 16), -EAGAIN);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), -EAGAIN);
	assert_int_equal(r.f->now, t0);
	assert_int_equal(sluice_iova_to_pa(r.d, iova, &pa), 0);
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.ring_full, 2);
	assert_int_equal(st.unmap_errors, 2);
	assert_int_equal(st.unmaps, 16);
	assert_int_equal(st.live, 1);
	/* And not before they are complete: that one is worth waiting for. */
	assert_int_equal(take(0), 16);
	assert_int_equal(sluice_unmap_async(r.d, iova, 4096, 16), 1);
	turn();
	turn();
	assert_int_equal(take(16), 1);
}

/* Full, but not of cookies that could be taken: it waits for the flush, then says so. */
static void
a14_a_full_ring_waits_for_the_flush_not_for_ever(void **state)
{
	uint64_t iova;

	(void)state;
	for (uint64_t i = 0; i < 16; i++)
		unmap_later(4096, i);
	iova = map_ok(r.d, PA, 4096);
	uint64_t t0 = r.f->now;

	assert_int_equal(sluice_unmap_async(r.d, iova, 4096, 16), -EAGAIN);
	assert_true(r.f->now - t0 >= FAKE_TIMEOUT && r.f->now - t0 < 2 * FAKE_TIMEOUT);
	r.f->on_relax = rig_serve;
	r.f->on_relax_arg = &r;
	t0 = r.f->now;
	assert_int_equal(sluice_unmap_async(r.d, iova, 4096, 16), -EAGAIN); /* now it is choked */
	assert_true(r.f->now - t0 < FAKE_TIMEOUT / 10);
	assert_int_equal(take(0), 16);
	assert_int_equal(sluice_unmap_async(r.d, iova, 4096, 16), 1);
	turn();
	fake_complete_all(r.f);
	turn();
	assert_int_equal(take(16), 1);
}

/* sluice_unmap() promises what it does with strict. */
static void
a14_a_plain_unmap_waits(void **state)
{
	struct sluice_seg seg[20] = { { 0 } };
	uint64_t iova = map_ok(r.d, PA, 4096);

	(void)state;
	r.f->on_relax = rig_serve;
	r.f->on_relax_arg = &r;
	unmap_later(4096, 0);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	assert_true(fake_covered(r.f, 1, r.f->done, r.d->hw.tag, iova, 1));
	assert_int_equal(stats_of(r.d).pending, 0);
	assert_int_equal(take(0), 1); /* the cookie before it; none of its own */
	/* More than the ring holds. */
	for (unsigned int i = 0; i < RTE_DIM(seg); i++)
		seg[i] = (struct sluice_seg){ .pa = PA, .len = 4096, .prot = SLUICE_RW };
	assert_int_equal(sluice_map_burst(r.d, seg, RTE_DIM(seg)), RTE_DIM(seg));
	assert_int_equal(sluice_unmap_burst(r.d, seg, RTE_DIM(seg)), RTE_DIM(seg));
	for (unsigned int i = 0; i < RTE_DIM(seg); i++)
		assert_true(fake_covered(r.f, 1, r.f->done, r.d->hw.tag, seg[i].iova, 1));
	assert_int_equal(stats_of(r.d).pending, 0);
	assert_int_equal(take(0), 0);
	/* The window is whole again. */
	assert_int_equal(sluice_worker_unregister(r.e, 0), 0);
	assert_int_equal(iova_space_free_pages(&r.d->iova), 4 * 512);
	assert_int_equal(sluice_worker_register(r.e, 0), 0);
}

/* With and without cookies, of one page and of several, in any order. */
static void
a14_cookies_among_plain_unmaps(void **state)
{
	uint64_t given = 0, taken = 0, seed = 11, pairs = 0;

	(void)state;
	r.f->on_relax = rig_serve;
	r.f->on_relax_arg = &r;
	for (; pairs < 2000; pairs++) {
		size_t len = (1 + rnd(&seed) % 5) * 4096;
		uint64_t iova = map_ok(r.d, PA, len);

		if (rnd(&seed) % 2 == 0) {
			assert_int_equal(sluice_unmap_async(r.d, iova, len, given), 1);
			given++;
		} else {
			assert_int_equal(sluice_unmap(r.d, iova, len), 0);
		}
		if (given - taken > rnd(&seed) % 10) {
			sluice_unmap_kick(r.d);
			turn();
			fake_complete_all(r.f);
			turn();
			taken += take(taken);
			assert_int_equal(given, taken);
		}
	}
	sluice_unmap_kick(r.d);
	turn();
	fake_complete_all(r.f);
	turn();
	taken += take(taken);
	assert_int_equal(given, taken);
	assert_int_equal(stats_of(r.d).released, pairs);
	assert_int_equal(sluice_worker_unregister(r.e, 0), 0);
	assert_int_equal(iova_space_free_pages(&r.d->iova), 4 * 512);
	assert_int_equal(sluice_worker_register(r.e, 0), 0);
}

static void
wrong_arguments_change_nothing(void **state)
{
	struct sluice_seg seg[3] = { { .pa = PA, .len = 4096, .prot = SLUICE_RW, .cookie = 0 },
				     { .iova = 0x1000, .len = 4096, .cookie = 1 },
				     { .pa = PA, .len = 4096, .prot = SLUICE_RW, .cookie = 2 } };
	uint64_t iova = map_ok(r.d, PA, 3 * 4096);
	unsigned int later;

	(void)state;
	assert_int_equal(sluice_unmap_async(r.d, iova, 4096, 9), -EINVAL);
	assert_int_equal(sluice_unmap_async(r.d, iova + 4096, 4096, 9), -EINVAL);
	assert_int_equal(sluice_unmap_async(r.d, iova + (1 << 20), 4096, 9), -ENOENT);
	assert_int_equal(sluice_unmap_async(r.d, 0, 4096, 9), -EINVAL);
	assert_int_equal(sluice_unmap_async(r.d, UINT64_MAX, 4096, 9), -EINVAL);
	assert_int_equal(sluice_unmap_async(r.d, iova, 0, 9), -EINVAL);
	assert_int_equal(stats_of(r.d).unmap_errors, 6);
	assert_int_equal(stats_of(r.d).queued, 0);
	/* A burst stops at the first, and names it by its count. */
	assert_int_equal(sluice_map_burst(r.d, &seg[0], 1), 1);
	assert_int_equal(sluice_map_burst(r.d, &seg[2], 1), 1);
	assert_int_equal(sluice_unmap_async_burst(r.d, seg, 3, &later), 1);
	assert_int_equal(rte_errno, EINVAL);
	assert_int_equal(later, 1);
	assert_int_equal(stats_of(r.d).queued, 1);
	as_lcore(5);
	uint64_t cookie;

	assert_int_equal(sluice_unmap_async(r.d, iova, 3 * 4096, 9), -ENXIO);
	assert_int_equal(sluice_unmap_async_burst(r.d, seg, 3, &later), 0);
	assert_int_equal(rte_errno, ENXIO);
	assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 0);
	sluice_unmap_kick(r.d);
	as_lcore(0);
	r.f->immediate = true;
	assert_int_equal(sluice_unmap_async(r.d, seg[2].iova, 4096, 1), 1);
	assert_int_equal(sluice_unmap_async(r.d, iova, 3 * 4096, 2), 1);
	turn();
	turn();
	assert_int_equal(take(0), 3);
}

/* A SYNC that never comes back: no cookie, no IOVA, whatever is done; should it come, both. */
static void
a12_a_lost_sync_brings_no_cookie(void **state)
{
	uint64_t iova = map_ok(r.d, PA, 4096), t0;

	(void)state;
	assert_int_equal(sluice_unmap_async(r.d, iova, 4096, 0), 1);
	turn();
	assert_int_equal(r.f->submitted, 1);
	fake_tick(r.f, FAKE_TIMEOUT + 1);
	turn();
	turn();
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.flush_errors, 1); /* counted once */
	assert_int_equal(st.released, 0);
	assert_int_equal(take(0), 0);
	/* Who waits is told, and his entry stays too. */
	uint64_t second = map_ok(r.d, PA, 4096);

	t0 = r.f->now;
	assert_int_equal(sluice_unmap(r.d, second, 4096), -ETIMEDOUT);
	assert_true(r.f->now - t0 >= FAKE_TIMEOUT && r.f->now - t0 < 6 * FAKE_TIMEOUT);
	assert_int_equal(stats_of(r.d).unmap_errors, 1);
	assert_int_equal(stats_of(r.d).pending, 2);
	assert_int_equal(sluice_worker_unregister(r.e, 0), -ETIMEDOUT);
	fake_complete_all(r.f);
	turn();
	turn();
	fake_complete_all(r.f);
	turn();
	assert_int_equal(take(0), 1);
	assert_int_equal(stats_of(r.d).pending, 0);
}

/* Refused: submitted again, as the whole domain, and only that one's completion counts. */
static void
a12_a_refused_flush_is_begun_again(void **state)
{
	uint64_t iova = map_ok(r.d, PA, 4096);

	(void)state;
	assert_int_equal(sluice_unmap_async(r.d, iova, 4096, 0), 1);
	r.f->bad_from = 1;
	r.f->bad_upto = 2;
	turn();
	fake_complete(r.f, 1);
	turn();
	assert_int_equal(take(0), 0);
	assert_int_equal(r.f->submitted, 2);
	assert_int_equal(fake_sub(r.f, 2)->inv[0].op, SLUICE_INV_DOMAIN);
	assert_int_equal(stats_of(r.d).flush_errors, 1);
	turn();
	assert_int_equal(take(0), 0);
	fake_complete(r.f, 1);
	turn();
	assert_int_equal(take(0), 1);
}

static void
a_worker_leaves_with_cookies(void **state)
{
	(void)state;
	r.f->immediate = true;
	assert_int_equal(sluice_worker_register(r.e, 2), 0);
	as_lcore(2);
	for (uint64_t i = 0; i < 6; i++)
		unmap_later(i % 2 ? 4096 : 2 * 4096, i);
	turn();
	turn();
	for (uint64_t i = 6; i < 9; i++) /* these are queued still */
		unmap_later(4096, i);
	as_lcore(0);
	assert_int_equal(sluice_worker_unregister(r.e, 2), 0);
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.queued, 9);
	assert_int_equal(st.released, 9);
	assert_int_equal(st.live, 0);
	/* Void, but their IOVAs are not lost. */
	assert_int_equal(sluice_worker_unregister(r.e, 0), 0);
	assert_int_equal(iova_space_free_pages(&r.d->iova), 4 * 512);
	assert_int_equal(sluice_worker_register(r.e, 0), 0);
	assert_int_equal(sluice_worker_register(r.e, 2), 0);
	as_lcore(2);
	assert_int_equal(take(0), 0);
	unmap_later(4096, 42);
	turn();
	turn();
	assert_int_equal(take(42), 1);
	as_lcore(0);
}

/* Nobody polls, and several wait: one at a time takes the engine's turns. */
static void
who_waits_polls_when_nobody_does(void **state)
{
	(void)state;
	r.f->immediate = true;
	sluice_engine_release(r.e);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	assert_int_equal(atomic_load(&r.e->poller), 0);
	/* Somebody else is in the middle of such a turn: this one is not made. */
	uint64_t polls = r.e->polls;

	atomic_store(&r.e->poller, 1);
	assert_int_equal(sluice_engine_poll(r.e), 0);
	engine_wait_turn(r.d, 1);
	assert_int_equal(r.e->polls, polls);
	atomic_store(&r.e->poller, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

/* A cookie that was not taken stands in the ring before unmaps without one: their addresses are
 * to be had all the same when IOVAs run out (map.h), and the cookie still comes. */
static void
a6_addresses_behind_a_cookie(void **state)
{
	const size_t len = 2 << 20;
	uint64_t iova[4];

	(void)state;
	r.f->immediate = true;
	unmap_later(4096, 1);
	turn();
	turn();
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(sluice_map(r.d, PA, len, SLUICE_RW, &iova[i]), 0);
		assert_int_equal(sluice_unmap(r.d, iova[i], len), 0);
	}
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(sluice_map(r.d, PA, len, SLUICE_RW, &iova[i]), 0);
	/* The fourth 2 MiB are cut for the one page, whose address is free again, too. */
	assert_int_equal(sluice_map(r.d, PA, 4096, SLUICE_RW, &iova[3]), 0);
	assert_int_equal(take(1), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a14_a_cookie_comes_once_and_only_after_completion),
		T(a14_the_iova_stays_until_the_cookie_is_taken),
		T(a14_in_order_exactly_once),
		T(a14_by_a_callback),
		T(a14_nobody_takes_cookies),
		T(a14_a_full_ring_waits_for_the_flush_not_for_ever),
		T(a14_a_plain_unmap_waits),
		T(a14_cookies_among_plain_unmaps),
		T(wrong_arguments_change_nothing),
		T(a12_a_lost_sync_brings_no_cookie),
		T(a12_a_refused_flush_is_begun_again),
		T(a_worker_leaves_with_cookies),
		T(a6_addresses_behind_a_cookie),
		T(who_waits_polls_when_nobody_does),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
