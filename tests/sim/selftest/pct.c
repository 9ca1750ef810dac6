/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Priorities keep what their authors promise (Burckhardt et al., A Randomized Scheduler with
 * Probabilistic Guarantees of Finding Bugs, ASPLOS 2010, theorem 1): a bug of depth d in n fibers and k
 * steps shows with a probability of at least 1 / (n * k^(d-1)), with d - 1 changes of priority.
 * Measured over many seeds; the bound less four standard deviations is what is asked for.
 */
#include <math.h>
#include <stdio.h>

#include "self.h"

static uint32_t x, y, r, s;

static void reset(void) { x = y = 0; r = s = 9; }
static uint32_t get(uint32_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static void set(uint32_t *p, uint32_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }

static void
noise(unsigned int n)
{
	while (n-- > 0)
		sim_step();
}

static void bystander(void *arg) { (void)arg; noise(6); }

/* Depth 1: it reads before it is written. */
static void d1_write(void *arg) { (void)arg; set(&x, 1); }
static void d1_read(void *arg) { (void)arg; noise(30); r = get(&x); }
static bool d1_bug(void) { return r == 0; }

/* Depth 2: it reads between two writes. */
static void d2_write(void *arg) { (void)arg; noise(5); set(&x, 1); set(&x, 0); noise(5); }
static void d2_read(void *arg) { (void)arg; noise(3); r = get(&x); noise(3); }
static bool d2_bug(void) { return r == 1; }

/* Depth 3: … and does not go on before a third. */
static void d3_write(void *arg) { (void)arg; noise(1); set(&x, 1); set(&x, 0); set(&y, 1); noise(1); }
static void d3_read(void *arg) { (void)arg; r = get(&x); s = get(&y); }
static bool d3_bug(void) { return r == 1 && s == 1; }

/* @return how often it must show in so many runs. */
static unsigned int
promised(unsigned int runs, unsigned int n, uint64_t k, unsigned int d)
{
	double mean = runs / (n * pow((double)k, d - 1));

	return (unsigned int)(mean - 4 * sqrt(mean));
}

static void
kept(const struct self_prog *p, unsigned int n, unsigned int d, unsigned int runs)
{
	struct sim_conf conf = self_conf(SIM_PCT, 0);
	unsigned int found, must;

	conf.depth = d - 1;
	self_run(p, &conf);
	conf.length = (uint32_t)sim_steps(); /* k: these programs have no branches */
	found = self_count(p, conf, runs);
	must = promised(runs, n, conf.length, d);
	printf("depth %u, %u fibers, %u steps: %u of %u, %u promised\n", d, n, conf.length, found, runs,
	       must);
	assert_true(must > 20);
	assert_true(found >= must);
}

static void
bound_is_kept(void **state)
{
	const struct self_prog d1 = { reset, { d1_write, d1_read }, d1_bug };
	const struct self_prog d1_of_4 = { reset, { d1_write, d1_read, bystander, bystander }, d1_bug };
	const struct self_prog d2 = { reset, { d2_write, d2_read }, d2_bug };
	const struct self_prog d2_of_4 = { reset, { bystander, d2_write, d2_read, bystander }, d2_bug };
	const struct self_prog d3 = { reset, { d3_write, d3_read }, d3_bug };
	const struct self_prog d3_of_3 = { reset, { d3_read, bystander, d3_write }, d3_bug };

	(void)state;
	kept(&d1, 2, 1, 1000);
	kept(&d1_of_4, 4, 1, 1000);
	kept(&d2, 2, 2, 10000);
	kept(&d2_of_4, 4, 2, 20000);
	kept(&d3, 2, 3, 30000);
	kept(&d3_of_3, 3, 3, 60000);
}

/* It is the priorities that do it: at random, who is to wait for thirty steps of another does not. */
static void
random_does_not_keep_it(void **state)
{
	const struct self_prog d1 = { reset, { d1_write, d1_read }, d1_bug };

	(void)state;
	assert_true(self_count(&d1, self_conf(SIM_RANDOM, 0), 1000) < promised(1000, 2, 1, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(bound_is_kept),
					    cmocka_unit_test(random_does_not_keep_it) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
