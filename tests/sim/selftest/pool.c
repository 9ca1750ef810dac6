/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Campaigns and shrinking, on a made-up world whose violations are known: every way in which a run ends
 * is noted, the number of processes changes nothing, and what is made small is as small as it can be.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../campaign.h"
#include "../pool.h"
#include "self.h"

#define MOST 64u

/* What the program has of the real world. */
uint64_t sometimes_count[SOMETIMES_NB];
const char *const sometimes_name[SOMETIMES_NB] = {
#define X(n) #n,
	SOMETIMES(X)
#undef X
};

const char *
world_wrong(const struct plan *p)
{
	(void)p;
	return NULL;
}

static struct pool_find find[MOST];
static unsigned int nb;

static void
found(const struct pool_find *f, void *arg)
{
	unsigned int i = nb++;

	(void)arg;
	assert_true(nb <= MOST);
	for (; i > 0 && find[i - 1].at > f->at; i--)
		find[i] = find[i - 1];
	find[i] = *f;
}

static void
plan_of(struct plan *p, uint64_t at, void *arg)
{
	(void)arg;
	plan_make(p, at);
}

static void a_step(void *arg) { (void)arg; sim_step(); }

/* Each way to end. */
static void
ends(const struct plan *p)
{
	const struct sim_conf conf = { .seed = p->seed, .stick = 1, .max_steps = 1000, .max_ns = 10000 };

	sim_begin(&conf);
	(void)sim_spawn("one", a_step, NULL);
	(void)sim_run();
	sometimes(map);
	if (p->seed % 2 == 0)
		sometimes(unmap);
	switch (p->seed) {
	case 7:
		sim_fail("seven");
	case 11:
		abort();
	case 13:
		_exit(99);
	case 17:
		_exit(0); /* without a word */
	case 19:
		for (volatile bool on = true; on;)
			;
	case 23:
		sim_fail("a second one");
	default:
		break;
	}
}

static struct pool_sum
run(unsigned int jobs, bool least, bool (*wanted)(const struct pool_find *, void *))
{
	const struct pool_conf conf = { .nb = 40, .jobs = jobs, .hang_s = 1, .least = least,
					.plan_of = plan_of, .run = ends, .wanted = wanted,
					.found = found };
	struct pool_sum sum;

	nb = 0;
	assert_int_equal(pool_run(&conf, &sum), 0);
	return sum;
}

static void
every_end_is_noted(void **state)
{
	static const struct {
		uint64_t at;
		const char *why;
	} must[] = { { 7, "pool.c:" }, { 11, "killed by signal 6" }, { 13, "status 99" }, { 17, "status 0" },
		     { 19, "hangs" }, { 23, "a second one" } };
	uint64_t hash = 0;

	(void)state;
	for (unsigned int jobs = 1; jobs <= 5; jobs += 2) {
		struct pool_sum sum = run(jobs, false, NULL);

		assert_int_equal(nb, 6);
		assert_int_equal(sum.violations, 6);
		for (unsigned int i = 0; i < 6; i++) {
			assert_int_equal(find[i].at, must[i].at);
			assert_int_equal(find[i].plan.seed, must[i].at);
			if (strstr(find[i].reason, must[i].why) == NULL)
				fail_msg("%s is not in %s", must[i].why, find[i].reason);
		}
		assert_int_equal(sum.runs, 40);
		/* 34 that went well, and the two that could still say so. */
		assert_int_equal(sum.seeds[SOMETIMES_map], 36);
		assert_int_equal(sum.seeds[SOMETIMES_unmap], 20);
		assert_int_equal(sum.events[SOMETIMES_burst], 0);
		assert_true(jobs == 1 || sum.hash == hash);
		hash = sum.hash;
	}
}

static bool
not_seven(const struct pool_find *f, void *arg)
{
	(void)arg;
	return f->at != 7;
}

static void
the_least_is_found(void **state)
{
	(void)state;
	for (unsigned int jobs = 1; jobs <= 5; jobs += 2) {
		(void)run(jobs, true, NULL);
		assert_int_equal(nb, 1);
		assert_int_equal(find[0].at, 7);
		(void)run(jobs, true, not_seven);
		assert_int_equal(nb, 1);
		assert_int_equal(find[0].at, 11);
	}
}

/* ---- shrinking ---------------------------------------------------------------------------------- */

/* Two workers of five calls with the third kind of fault, in one order of four. */
static void
needs(const struct plan *p)
{
	sim_begin(&(const struct sim_conf){ .seed = p->schedule, .stick = 1, .max_steps = 1000,
					    .max_ns = 10000 });
	(void)sim_spawn("one", a_step, NULL);
	(void)sim_run();
	if (p->v[PLAN_workers] == 1 && p->v[PLAN_ops] > 3)
		sim_fail("another violation");
	if (p->v[PLAN_workers] >= 2 && p->v[PLAN_ops] >= 5 && (p->v[PLAN_faults] & 4) != 0 &&
	    p->schedule % 4 == 1)
		sim_fail("this one");
}

/* What a shrinker prints, line by line. */
static char *
printed(const struct options *o, int status)
{
	static char text[20000];
	FILE *f = tmpfile();
	int was = dup(STDOUT_FILENO);
	size_t n;

	assert_non_null(f);
	fflush(stdout);
	dup2(fileno(f), STDOUT_FILENO);
	assert_int_equal(shrink(o), status);
	fflush(stdout);
	dup2(was, STDOUT_FILENO);
	close(was);
	rewind(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	return text;
}

static void
made_as_small_as_can_be(void **state)
{
	struct options o = { .seed = 41, .set = "workers=9,ops=31,faults=1023", .tries = 20, .jobs = 2,
			     .hang_s = 10, .run = needs };
	struct plan p;
	char *line;

	(void)state;
	line = strstr(printed(&o, EXIT_VIOLATION), "\nNAME 41 ");
	assert_non_null(line);
	assert_non_null(strstr(line, "this one"));
	plan_make(&p, 41);
	assert_null(plan_set(&p, strtok(line + 9, " ")));
	/* Nothing else matters, so all else is at its least. */
	for (unsigned int f = 0; f < PLAN_NB; f++) {
		uint32_t least = f == PLAN_workers ? 2 : f == PLAN_ops ? 5 : f == PLAN_faults ? 4 :
				 plan_least(f);

		if (f == PLAN_policy || f == PLAN_ram_mb || f == PLAN_timeout_us)
			continue;
		if (p.v[f] != least)
			fail_msg("%s=%u, %u would do", plan_name(f), p.v[f], least);
	}
	assert_int_equal(p.schedule % 4, 1);
	/* With any violation one worker of four calls is less. */
	o.any = true;
	line = strstr(printed(&o, EXIT_VIOLATION), "\nNAME 41 ");
	assert_non_null(line);
	assert_non_null(strstr(line, "workers=1,ops=4,"));
	assert_non_null(strstr(line, "faults=0,"));
	/* Nothing to make small. */
	o.set = "workers=1,ops=1";
	(void)printed(&o, EXIT_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_end_is_noted),
					    cmocka_unit_test(the_least_is_found),
					    cmocka_unit_test(made_as_small_as_can_be) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
