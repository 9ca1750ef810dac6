/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Runs repeat, time goes on, fibers have variables of their own, and locks exclude.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../rt/tls.h"
#include "self.h"

/* ---- the same seed, the same run ----------------------------------------------------------------- */

static uint32_t *shared;

static void
shared_reset(void)
{
	shared = sim_alloc(64, 64);
}

static void
busy(void *arg)
{
	for (unsigned int i = 0; i < 20; i++) {
		__atomic_fetch_add(&shared[sim_rnd(4)], 1, __ATOMIC_RELAXED);
		if (sim_one_in(5))
			sim_sleep(sim_rnd(100));
		shared[8] = i + (uint32_t)(uintptr_t)arg;
		sim_pause();
	}
}

static bool nothing(void) { return false; }
static const struct self_prog three = { shared_reset, { busy, busy, busy }, nothing };

static uint64_t
hash_of(enum sim_sched sched, uint64_t seed)
{
	struct sim_conf conf = self_conf(sched, 8);

	conf.seed = seed;
	conf.length = 400;
	self_run(&three, &conf);
	return sim_hash();
}

static void
runs_repeat(void **state)
{
	enum { N = 100 };
	uint64_t hash[N];

	(void)state;
	for (unsigned int s = SIM_RANDOM; s <= SIM_STARVE; s++) {
		for (unsigned int i = 0; i < N; i++) {
			hash[i] = hash_of(s, i);
			for (unsigned int k = 0; k < i; k++)
				assert_int_not_equal(hash[k], hash[i]);
		}
		for (unsigned int i = N; i-- > 0;) /* whatever ran before */
			assert_int_equal(hash_of(s, i), hash[i]);
	}
}

/* ---- time ------------------------------------------------------------------------------------- */

static const uint64_t naps[] = { 1000000, 100000, 30000000, 400000 };
static unsigned int order[4], nb_order;
static uint64_t late;

static void time_reset(void) { nb_order = 0; late = 0; }

static void
napper(void *arg)
{
	unsigned int i = (unsigned int)(uintptr_t)arg;
	uint64_t end = sim_now() + naps[i];

	sim_sleep(naps[i]);
	SIM_CHECK(sim_now() >= end, "awake too early");
	if (sim_now() - end > late)
		late = sim_now() - end;
	order[nb_order++] = i;
}

static void
poller(void *arg)
{
	(void)arg;
	sim_daemon();
	while (!sim_over())
		sim_idle();
}

static bool
in_order(void)
{
	return nb_order == 4 && order[0] == 1 && order[1] == 3 && order[2] == 0 && order[3] == 2;
}

/* Who sleeps is awake within a few turns of those who poll: nothing else takes time, unless it starves. */
static void
sleeps_end_in_order(void **state)
{
	const struct self_prog p = { time_reset, { napper, napper, napper, napper, poller }, in_order };

	(void)state;
	for (unsigned int s = SIM_RANDOM; s <= SIM_STARVE; s++)
		for (uint64_t seed = 1; seed <= 200; seed++) {
			struct sim_conf conf = self_conf(s, 4);

			conf.seed = seed;
			conf.jump = 1000000;
			self_run(&p, &conf);
			assert_true(in_order());
			assert_true(late < 200 || s == SIM_STARVE);
		}
}

static bool reached;

static void
waits_a_second(void *arg)
{
	uint64_t begin = sim_now(), last = begin;

	(void)arg;
	while (sim_now() - begin < 1000000000) {
		SIM_CHECK(sim_now() >= last, "time went back");
		last = sim_now();
		sim_pause();
	}
	reached = true;
}

/* In jumps of a millisecond a second has a thousand; in each, two fibers pause once at least, at random
 * three steps in the mean. Before them come some ten jumps that are shorter, of sixteen rounds each. */
static void
a_second_is_near(void **state)
{
	const struct self_prog p = { NULL, { waits_a_second, poller }, nothing };

	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++)
		for (unsigned int s = SIM_RANDOM; s <= SIM_PCT; s++) {
			struct sim_conf conf = self_conf(s, 4);

			reached = false;
			conf.seed = seed;
			conf.jump = 1000000;
			self_run(&p, &conf);
			assert_true(reached);
			assert_in_range(sim_steps(), 2000, 6000);
		}
}

/* A fiber at work takes a nanosecond a step: nobody's wait makes time jump meanwhile. At its first
 * steps it is not known yet whether it works. */
static void
works(void *arg)
{
	uint64_t begin, steps;

	(void)arg;
	for (unsigned int i = 0; i < 200; i++)
		sim_step();
	begin = sim_now();
	steps = sim_steps();
	for (unsigned int i = 0; i < 1000; i++)
		sim_step();
	SIM_CHECK(sim_now() - begin == sim_steps() - steps, "time jumped");
	reached = true;
}

static void
work_takes_its_time(void **state)
{
	const struct self_prog p = { NULL, { works, poller }, nothing };

	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct sim_conf conf = self_conf(SIM_RANDOM, 0);

		reached = false;
		conf.seed = seed;
		self_run(&p, &conf);
		assert_true(reached);
	}
}

/* ---- variables of a thread ------------------------------------------------------------------------ */

static __thread uint64_t mine;
static __thread uint8_t small;
static uint64_t *where[3];
static unsigned int own;

static void
keeps_its_own(void *arg)
{
	unsigned int i = (unsigned int)(uintptr_t)arg;

	SIM_CHECK(mine == 0 && small == 0, "not zero in the beginning");
	sim_lcore_set(i);
	sim_errno_set((int)i + 7);
	where[i] = &mine;
	for (unsigned int k = 0; k < 20; k++) {
		mine = i * 1000 + k;
		small = (uint8_t)(i + k);
		sim_step();
		SIM_CHECK(mine == i * 1000 + k && small == i + k && sim_errno() == (int)i + 7,
			  "another fiber's");
	}
	own++;
}

static void
variables_are_per_fiber(void **state)
{
	const struct self_prog p = { NULL, { keeps_its_own, keeps_its_own, keeps_its_own }, nothing };

	(void)state;
	mine = 5;
	own = 0;
	assert_int_equal(self_count_all(&p, 4, 100), 0);
	assert_int_equal(own, 900);
	assert_ptr_not_equal(where[0], where[1]);
	assert_ptr_not_equal(where[1], where[2]);
	assert_int_equal(mine, 5); /* that of who runs them */
}

/* ---- locks ------------------------------------------------------------------------------------ */

static pthread_mutex_t lock;
static uint32_t count, busy_seen;

static void
lock_reset(void)
{
	count = 0;
	pthread_mutex_init(&lock, NULL);
}

static void
add(void)
{
	uint32_t v = __atomic_load_n(&count, __ATOMIC_RELAXED);

	sim_step();
	__atomic_store_n(&count, v + 1, __ATOMIC_RELAXED);
}

static void
locked(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < 5; i++) {
		if (pthread_mutex_trylock(&lock) != 0) {
			busy_seen++;
			pthread_mutex_lock(&lock);
		}
		add();
		pthread_mutex_unlock(&lock);
	}
}

static void
unlocked(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < 5; i++)
		add();
}

static bool lost(void) { return count != 15; }

static void
locks_exclude(void **state)
{
	const struct self_prog good = { lock_reset, { locked, locked, locked }, lost };
	const struct self_prog bad = { lock_reset, { unlocked, unlocked, unlocked }, lost };

	(void)state;
	busy_seen = 0;
	for (uint32_t buffer = 0; buffer <= 8; buffer += 4)
		assert_int_equal(self_count_all(&good, buffer, 500), 0);
	assert_true(busy_seen != 0);
	assert_true(self_count_all(&bad, 4, 500) > 500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_repeat), cmocka_unit_test(sleeps_end_in_order),
		cmocka_unit_test(a_second_is_near), cmocka_unit_test(work_takes_its_time),
		cmocka_unit_test(variables_are_per_fiber), cmocka_unit_test(locks_exclude),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
