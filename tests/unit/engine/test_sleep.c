/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Many domains of which few are busy (A13; ring.h, 11): the deadline is met, a turn costs what there
 * is to do, misses are true. Counted in turns and in virtual time.
 */
#include <unistd.h>

#include "rig.h"

#define PA       UINT64_C(0x300000000)
#define DOMAINS  2048u
#define BUSY     8u
#define US       1000u
#define DEADLINE 50u

static struct rig r;
static struct sluice_domain *dom[DOMAINS];
static unsigned int nb;

static void
poll(unsigned int turns)
{
	while (turns-- > 0) {
		fake_tick(r.f, US);
		sluice_engine_poll(r.e);
	}
}

static bool
asleep(const struct sluice_domain *d)
{
	return d->flush.sleep == FLUSH_ASLEEP;
}

/* @p n domains, all asleep. */
static void
up(unsigned int n, const char *policy)
{
	const struct sluice_domain_conf c = { .policy = policy, .iova_size = 2 << 20, .batch = 64,
					      .ring = 64, .deadline_us = DEADLINE };

	rig_up(&r, "mem=64", NULL);
	for (nb = 0; nb < n; nb++) {
		dom[nb] = sluice_domain_create(r.iommu, &c);
		assert_non_null(dom[nb]);
	}
	/* All of them have just been made: each is looked at until it has been idle for a while. */
	for (unsigned int i = 0; i < 64 + n; i++)
		poll(1);
	for (unsigned int i = 0; i < nb; i++)
		assert_true(asleep(dom[i]));
	assert_int_equal(r.e->nb_awake, 0);
}

static void
down(void)
{
	r.f->immediate = true;
	sluice_engine_release(r.e);
	for (unsigned int i = 0; i < nb; i++)
		assert_int_equal(sluice_domain_destroy(dom[i]), 0);
	rig_down(&r);
}

static void
unmap(struct sluice_domain *d)
{
	assert_int_equal(sluice_unmap(d, map_ok(d, PA, 1), 1), 0);
}

static uint64_t
misses(void)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < nb; i++)
		n += stats_of(dom[i]).deadline_misses;
	return n;
}

static void
few_busy_among_many(const char *policy, unsigned int n)
{
	uint64_t seed = 7, queued = 0, released = 0, visits;

	up(n, policy);
	/* Nobody does anything: a turn looks after four of all, and at nothing else. */
	visits = r.e->visits;
	poll(1000);
	assert_true(r.e->visits - visits <= 4 * 1000);
	visits = r.e->visits;
	for (unsigned int t = 0; t < 20000; t++) {
		/* One unmap in some ten microseconds for each of those that are busy; others too
		 * seldom to be awake. */
		if (rnd(&seed) % 2 == 0) {
			unmap(dom[rnd(&seed) % BUSY * (n / BUSY)]);
			queued++;
		}
		if (t % 500 == 0) {
			unmap(dom[rnd(&seed) % n]);
			queued++;
		}
		poll(1);
	}
	poll(DEADLINE);
	for (unsigned int i = 0; i < nb; i++) {
		struct sluice_domain_stats st = stats_of(dom[i]);

		released += st.released;
		assert_int_equal(st.pending, 0);
		/* And the windows are as long as they say: with each unmap's own time. */
		assert_true(sluice_domain_stale_hist(dom[i])->max <= DEADLINE * US);
	}
	assert_int_equal(released, queued);
	assert_int_equal(misses(), 0);
	/* Those few of all, the busy ones at least once, and some that are about to fall asleep. */
	assert_true(r.e->visits - visits <= 20000 * (4 + 2 * BUSY + 4));
	down();
}

static void
a13_few_busy_among_many(void **state)
{
	(void)state;
	few_busy_among_many("deferred", DOMAINS);
}

static void
a13_with_one_queue_each(void **state)
{
	(void)state;
	few_busy_among_many("deferred-single", 1024);
}

/* One queue for all: somebody who has taken room and not put anything in yet keeps it awake. */
static void
who_is_in_keeps_it_awake(void **state)
{
	uint64_t iova;

	(void)state;
	up(512, "deferred-single");
	unmap(dom[9]);
	poll(DEADLINE);
	assert_int_equal(stats_of(dom[9]).released, 1);
	iova = map_ok(dom[9], PA, 1);
	atomic_fetch_add((_Atomic uint64_t *)dom[9]->priv, 1); /* taken */
	poll(1000);
	assert_false(asleep(dom[9]));
	atomic_fetch_sub((_Atomic uint64_t *)dom[9]->priv, 1);
	assert_int_equal(sluice_unmap(dom[9], iova, 1), 0);
	poll(DEADLINE);
	assert_int_equal(stats_of(dom[9]).released, 2);
	assert_int_equal(misses(), 0);
	down();
}

/* Domains that have no deadline of their own cost the slow round, and are flushed for who asks. */
static void
rollover_is_not_looked_at(void **state)
{
	const struct sluice_domain_conf c = { .policy = "rollover", .iova_size = 4 << 20 };
	uint64_t visits;

	(void)state;
	rig_up(&r, "mem=64", NULL);
	for (nb = 0; nb < 256; nb++)
		dom[nb] = sluice_domain_create(r.iommu, &c);
	poll(100);
	visits = r.e->visits;
	poll(1000);
	assert_true(r.e->visits - visits <= 4 * 1000);
	for (unsigned int i = 0; i < nb; i += 16) {
		unmap(dom[i]);
		assert_int_equal(sluice_domain_drain(dom[i]), 0);
		assert_int_equal(stats_of(dom[i]).pending, 0);
	}
	down();
}

/* An engine that is late counts a miss; one whose entry came just now, after a long sleep, does not. */
static void
a13_a_miss_is_one(void **state)
{
	(void)state;
	up(16, "deferred");
	fake_tick(r.f, 1000 * US);
	unmap(dom[5]); /* nobody has looked at it for a millisecond */
	poll(60);
	assert_int_equal(stats_of(dom[5]).released, 1);
	assert_int_equal(misses(), 0);
	assert_true(sluice_domain_stale_hist(dom[5])->max <= DEADLINE * US);
	for (unsigned int i = 0; i < 200; i++)
		poll(1);
	assert_true(asleep(dom[5]));
	unmap(dom[5]);
	fake_tick(r.f, 51 * US); /* nobody polls: that one is late */
	poll(2);
	assert_int_equal(stats_of(dom[5]).released, 2);
	assert_int_equal(misses(), 1);
	/* A note from the future is not believed: the look before is. */
	poll(200);
	fake_tick(r.f, 1000 * US);
	unmap(dom[5]);
	atomic_store(&dom[5]->lc[0]->ring.woke, r.f->now + 500 * US);
	poll(60);
	assert_int_equal(stats_of(dom[5]).released, 3);
	assert_int_equal(misses(), 2);
	assert_true(sluice_domain_stale_hist(dom[5])->max <= 1300 * US);
	down();
}

/* 11b: a put that had looked for room before there was none is found by the second look; one that is
 * in the middle keeps the engine looking; 11c: what slips through is found by the slow round. */
static void
who_puts_while_it_falls_asleep(void **state)
{
	struct flush_ring *ring;

	(void)state;
	up(64, "deferred");
	ring = &dom[9]->lc[0]->ring;
	unmap(dom[9]);
	poll(DEADLINE);
	assert_int_equal(stats_of(dom[9]).pending, 0);
	for (unsigned int i = 0; dom[9]->flush.sleep != FLUSH_DOZING; i++) {
		assert_true(i < 200);
		poll(1);
	}
	assert_int_equal(RELAXED_GET(ring->room_end), 0);
	assert_true(ring->asleep);
	/* As if its load of room_end had come before: it puts without a word. */
	RELAXED_SET(ring->room_end, ring->reclaim + ring->mask + 1);
	unmap(dom[9]);
	assert_true(ring->asleep);
	poll(DEADLINE);
	assert_int_equal(stats_of(dom[9]).released, 2);
	assert_int_equal(misses(), 0);
	/* In the middle of a put, for a long time. */
	uint64_t iova = map_ok(dom[9], PA, 1);

	for (unsigned int i = 0; dom[9]->flush.sleep != FLUSH_DOZING; i++) {
		assert_true(i < 200);
		poll(1);
	}
	(void)flush_ring_begin(ring);
	poll(500);
	assert_int_equal(dom[9]->flush.sleep, FLUSH_DOZING);
	flush_ring_abort(ring);
	RELAXED_SET(ring->room_end, ring->reclaim + ring->mask + 1);
	assert_int_equal(sluice_unmap(dom[9], iova, 1), 0);
	poll(DEADLINE);
	assert_int_equal(stats_of(dom[9]).released, 3);
	assert_int_equal(misses(), 0);
	/* Slipped through: a round later at the latest it is flushed, and the truth about it told. */
	poll(200);
	assert_true(asleep(dom[9]));
	RELAXED_SET(ring->room_end, ring->reclaim + ring->mask + 1);
	unmap(dom[9]);
	poll(8 * 64 / 4 + DEADLINE);
	assert_int_equal(stats_of(dom[9]).released, 4);
	down();
}

/* Room that its worker raises and the engine takes away at the same time: the worker looks again. */
static void
who_wakes_while_it_falls_asleep(void **state)
{
	struct flush_ring *ring;

	(void)state;
	up(64, "deferred");
	ring = &dom[9]->lc[0]->ring;
	unmap(dom[9]);
	for (unsigned int i = 0; dom[9]->flush.sleep != FLUSH_DOZING; i++) {
		assert_true(i < 200);
		poll(1);
	}
	unmap(dom[9]); /* wakes it, before the second look */
	assert_false(ring->asleep);
	assert_true(RELAXED_GET(ring->room_end) != 0);
	poll(DEADLINE);
	assert_int_equal(stats_of(dom[9]).released, 2);
	assert_int_equal(misses(), 0);
	down();
}

/* Whoever comes late: a worker whose ring the engine has never seen, and one of another domain. */
static void
a_new_worker_wakes_them(void **state)
{
	(void)state;
	up(512, "strict-async"); /* a slow round is longer than the deadline */
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	as_lcore(1);
	for (unsigned int i = 0; i < nb; i += 5)
		assert_int_equal(sluice_unmap_async(dom[i], map_ok(dom[i], PA, 1), 1, i), 1);
	as_lcore(0);
	for (unsigned int i = 1; i < nb; i += 5)
		assert_int_equal(sluice_unmap_async(dom[i], map_ok(dom[i], PA, 1), 1, i), 1);
	poll(DEADLINE);
	for (unsigned int i = 0; i < nb; i++)
		assert_int_equal(stats_of(dom[i]).pending, 0);
	assert_int_equal(misses(), 0);
	poll(500);
	assert_int_equal(r.e->nb_awake, 0);
	/* Asleep, through a change of policy: what comes first afterwards wakes it. */
	assert_int_equal(sluice_domain_set_policy(dom[7], "deferred"), 0);
	poll(500);
	unmap(dom[7]);
	poll(DEADLINE);
	assert_int_equal(stats_of(dom[7]).pending, 0);
	assert_int_equal(misses(), 0);
	/* Domains that come and go in a slot that the engine still remembers. */
	unmap(dom[3]);
	sluice_engine_release(r.e);
	assert_int_equal(sluice_domain_destroy(dom[3]), 0);
	dom[3] = sluice_domain_create(r.iommu, &(struct sluice_domain_conf){ .policy = "deferred",
		.iova_size = 2 << 20, .batch = 64, .ring = 64, .deadline_us = DEADLINE });
	for (unsigned int i = 0; i < 10; i++) {
		unmap(dom[3]);
		poll(DEADLINE);
		assert_int_equal(stats_of(dom[3]).pending, 0);
		poll(300);
	}
	assert_true(r.e->nb_awake <= 1);
	assert_int_equal(misses(), 0);
	down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a13_few_busy_among_many),
		cmocka_unit_test(a13_with_one_queue_each),
		cmocka_unit_test(who_is_in_keeps_it_awake),
		cmocka_unit_test(rollover_is_not_looked_at),
		cmocka_unit_test(a13_a_miss_is_one),
		cmocka_unit_test(who_puts_while_it_falls_asleep),
		cmocka_unit_test(who_wakes_while_it_falls_asleep),
		cmocka_unit_test(a_new_worker_wakes_them),
	};

	alarm(100);
	test_eal_init_mb("0", "192");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
