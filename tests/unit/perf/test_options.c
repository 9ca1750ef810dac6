/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The command line, sweep files and device strings: what is taken and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <sluice/sluice.h>

#include "../../../apps/shared/devargs.h"
#include "options.h"
#include "sweep.h"

static char ini[] = "/tmp/sluice-test-ini-XXXXXX";

/* Parse a line of words split at blanks. */
static enum perf_options_verdict
parse(const char *line, struct perf_options *o, int *eal)
{
	static char copy[512]; /* options point into it */
	char *argv[64], *save = NULL;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *t = strtok_r(copy, " ", &save); t != NULL; t = strtok_r(NULL, " ", &save))
		argv[argc++] = t;
	argv[argc] = NULL;
	return perf_options_parse(argc, argv, o, eal);
}

static void
defaults(void **state)
{
	struct perf_options o;
	int eal;

	(void)state;
	assert_int_equal(parse("x -l 0,1", &o, &eal), PERF_OPTIONS_RUN);
	assert_int_equal(eal, 3);
	assert_string_equal(o.dev, "smmuv3,regs=emu");
	assert_string_equal(o.workload, "net:imix");
	assert_int_equal(o.pairs, 200000);
	assert_int_equal(o.rounds, 3);
	assert_int_equal(o.batch, 0); /* each policy's own */
	assert_int_equal(o.deadline_us, 0);
	assert_int_equal(o.burst, 32);
	assert_int_equal(o.nb_policies, 3);
	assert_string_equal(o.policy[0].name, "passthrough");
	assert_string_equal(o.policy[1].name, "strict");
	assert_string_equal(o.policy[2].name, "deferred");
	assert_int_equal(o.policy[2].batch, 0);
	assert_int_equal(o.layout, PERF_LAYOUT_AUTO);
}

static void
all_options(void **state)
{
	struct perf_options o;
	int eal;

	(void)state;
	assert_int_equal(parse("x -l 0 -- --dev d --workload w --policy deferred,strict,deferred "
			       "--pairs 5M --workers 2 --batch 32 --deadline-us 50 --probe-stale "
			       "--sweep s --json j --csv c --report r --seed=9 --layout inline "
			       "--rounds 9 --burst 64", &o, &eal), PERF_OPTIONS_RUN);
	assert_int_equal(eal, 3);
	assert_string_equal(o.dev, "d");
	assert_string_equal(o.workload, "w");
	assert_int_equal(o.nb_policies, 2);
	assert_string_equal(o.policy[0].name, "deferred");
	assert_int_equal(o.burst, 64);
	assert_int_equal(o.pairs, 5000000);
	assert_int_equal(o.workers, 2);
	assert_int_equal(o.batch, 32);
	assert_int_equal(o.deadline_us, 50);
	assert_true(o.probe_stale);
	assert_string_equal(o.sweep, "s");
	assert_string_equal(o.json, "j");
	assert_string_equal(o.csv, "c");
	assert_string_equal(o.report, "r");
	assert_int_equal(o.seed, 9);
	assert_int_equal(o.layout, PERF_LAYOUT_INLINE);
	assert_int_equal(o.rounds, 9);
	assert_int_equal(parse("x -- --seconds 0.5", &o, &eal), PERF_OPTIONS_RUN);
	assert_int_equal(o.pairs, 0);
	assert_true(o.seconds == 0.5);
}

static void
policies_have_settings_of_their_own(void **state)
{
	struct perf_options o;
	char label[64];
	int eal;

	(void)state;
	assert_int_equal(parse("x -- --policy strict-async:batch=32,"
			       "deferred:deadline_us=70:batch=1k,strict,deferred:batch=64,"
			       "strict-async:batch=32", &o, &eal),
			 PERF_OPTIONS_BAD); /* 1000 is no power of two */
	assert_int_equal(parse("x -- --policy strict-async:batch=32,"
			       "deferred:deadline_us=70:batch=512,strict,deferred:batch=64,"
			       "strict-async:batch=32,hybrid:copy_max=512,hybrid,hybrid:copy_max=512",
			       &o, &eal),
			 PERF_OPTIONS_RUN);
	assert_int_equal(o.nb_policies, 6); /* two of them are there already */
	assert_string_equal(o.policy[0].name, "strict-async");
	assert_int_equal(o.policy[0].batch, 32);
	assert_int_equal(o.policy[0].deadline_us, 0);
	assert_string_equal(o.policy[1].name, "deferred");
	assert_int_equal(o.policy[1].batch, 512);
	assert_int_equal(o.policy[1].deadline_us, 70);
	assert_int_equal(o.policy[2].batch, 0);
	assert_int_equal(o.policy[3].batch, 64);
	assert_int_equal(o.policy[4].copy_max, 512);
	assert_int_equal(o.policy[5].copy_max, 0);
	assert_string_equal(perf_policy_label(&o.policy[4], label, sizeof(label)),
			    "hybrid:copy_max=512");
	assert_int_equal(o.batch, 0);
	assert_string_equal(perf_policy_label(&o.policy[1], label, sizeof(label)),
			    "deferred:batch=512:deadline_us=70");
	assert_string_equal(perf_policy_label(&o.policy[2], label, sizeof(label)), "strict");
	assert_string_equal(perf_policy_label(&o.policy[1], label, 12), "deferred:ba");
	for (unsigned int i = 0; i < o.nb_policies; i++) { /* what is written may be given */
		struct perf_options again;

		perf_policy_label(&o.policy[i], label, sizeof(label));
		assert_int_equal(perf_policies_parse(label, "x", &again), 0);
		assert_int_equal(again.nb_policies, 1);
		assert_memory_equal(&again.policy[0], &o.policy[i], sizeof(o.policy[i]));
	}
}

static void
all_is_every_policy(void **state)
{
	struct perf_options o;
	unsigned int n = 0;
	int eal;

	(void)state;
	assert_int_equal(parse("x -- --policy deferred,all:batch=8", &o, &eal), PERF_OPTIONS_RUN);
	while (sluice_policy_name(n) != NULL)
		n++;
	assert_int_equal(o.nb_policies, n + 1);
	for (unsigned int i = 0; i < n; i++) {
		assert_string_equal(o.policy[i + 1].name, sluice_policy_name(i));
		assert_int_equal(o.policy[i + 1].batch, 8);
	}
	assert_int_equal(parse("x -- --policy all", &o, &eal), PERF_OPTIONS_RUN);
	assert_int_equal(o.nb_policies, n);
}

static void
names_that_promise(void **state)
{
	static const struct {
		const char *name;
		bool strict, shares, copies;
	} promise[] = {
		{ "strict", true, false, false },
		{ "strict-batched", true, true, false },
		{ "strict-async", true, false, false },
		{ "contiguous", true, true, false },
		{ "copy", true, false, true },
		{ "hybrid", true, false, true },
	};
	static const char *const others[] = {
		"passthrough", "deferred", "deferred-single", "rollover", "persistent", "static",
		"hugepool", "strict-", "stric", "strictly", "",
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(promise) / sizeof(promise[0]); i++) {
		assert_int_equal(perf_policy_is_strict(promise[i].name), promise[i].strict);
		assert_int_equal(perf_policy_shares(promise[i].name), promise[i].shares);
		assert_int_equal(perf_policy_copies(promise[i].name), promise[i].copies);
	}
	for (unsigned int i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(perf_policy_is_strict(others[i]));
		assert_false(perf_policy_shares(others[i]));
		assert_false(perf_policy_copies(others[i]));
	}
}

/* getopt takes any unique beginning of an option, which must not end without a word. */
static void
abbreviated(void **state)
{
	static const char *const ask[] = { "x -- --hel", "x -- --vers", "x -- --batch 8 --li" };
	struct perf_options o;
	int eal;

	(void)state;
	for (unsigned int i = 0; i < sizeof(ask) / sizeof(ask[0]); i++)
		if (parse(ask[i], &o, &eal) != PERF_OPTIONS_DONE)
			fail_msg("not answered: %s", ask[i]);
	assert_int_equal(parse("x -- --bat 8", &o, &eal), PERF_OPTIONS_RUN);
	assert_int_equal(o.batch, 8);
}

static void
refused(void **state)
{
	static const char *const bad[] = {
		"x -- --batch 0", "x -- --batch 12", "x -- --batch 2097152", "x -- --pairs 0",
		"x -- --pairs", "x -- --pairs 1x", "x -- --pairs 18446744073709551617",
		"x -- --seconds -1", "x -- --seconds inf", "x -- --policy nothing",
		"x -- --policy strict,", "x -- --layout up", "x -- --rounds 100", "x -- --what",
		"x -- word", "x -- --workers 0", "x -- --seed x", "x -- --pairs 5 --seconds 1",
		"x --json f -- --pairs 1", "x --seed=4", "x -- --json f --csv f", "x -- -z",
		"x -- --burst 0", "x -- --burst 65", "x -- --burst x",
		"x -- --policy strict:", "x -- --policy strict:batch",
		"x -- --policy strict:batch=",
		"x -- --policy strict:batch=3", "x -- --policy strict:batch=0",
		"x -- --policy strict:batch=2097152", "x -- --policy strict:deadline_us=0",
		"x -- --policy hybrid:copy_max=0", "x -- --policy hybrid:copy_max=65537",
		"x -- --policy strict:speed=1", "x -- --policy stric:batch=8",
		"x -- --policy strict:batch=8:", "x -- --policy :batch=8", "x -- --policy strict::",
		"x -- --policy strict:batch=00000000000000000000000000000008",
	};
	struct perf_options o;
	int eal;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i], &o, &eal) != PERF_OPTIONS_BAD)
			fail_msg("taken: %s", bad[i]);
}

static void
numbers(void **state)
{
	uint64_t v;

	(void)state;
	assert_int_equal(perf_number_parse("18446744073709551615", 0, UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(perf_number_parse("20k", 0, 20000, &v), 0);
	assert_int_equal(v, 20000);
	assert_int_equal(perf_number_parse("3G", 0, UINT64_MAX, &v), 0);
	assert_true(v == UINT64_C(3000000000));
	assert_int_equal(perf_number_parse("99999999999G", 0, UINT64_MAX, &v), -1);
	assert_int_equal(perf_number_parse("", 0, 9, &v), -1);
	assert_int_equal(perf_number_parse("-1", 0, UINT64_MAX, &v), -1);
	assert_int_equal(perf_number_parse(" 1", 0, 9, &v), -1);
	assert_int_equal(perf_number_parse("1kk", 0, UINT64_MAX, &v), -1);
	assert_int_equal(perf_number_parse("10", 0, 9, &v), -1);
}

static int
sweep(const char *text, struct perf_sweep *s, struct perf_options *o)
{
	FILE *f = fopen(ini, "w");
	int eal;

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(parse("x -- --batch 64", o, &eal), PERF_OPTIONS_RUN);
	o->sweep = ini;
	return perf_sweep_load(s, o);
}

static void
sweep_is_a_cross_product(void **state)
{
	struct perf_options o;
	struct perf_sweep s;

	(void)state;
	assert_int_equal(sweep("[sweep]\nsync_ns = 0, 300\ndeadline_us=10,20,30\npolicy = strict\n"
			       "[sweep more]\nworkers = 2\n", &s, &o), 0);
	assert_int_equal(s.nb_points, 7);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(s.point[i].sync_ns, i / 3 * 300);
		assert_int_equal(s.point[i].deadline_us, 10 + i % 3 * 10);
		assert_int_equal(s.point[i].batch, 64);
		assert_int_equal(s.point[i].workers, 1);
	}
	assert_true(s.point[6].sync_ns == PERF_SYNC_AS_IS);
	assert_int_equal(s.point[6].workers, 2);
	assert_int_equal(o.nb_policies, 1);
	perf_sweep_free(&s);
}

static void
sweep_takes_policies_with_settings(void **state)
{
	struct perf_options o;
	struct perf_sweep s;

	(void)state;
	assert_int_equal(sweep("[sweep]\ndeadline_us=10,20\npolicy = strict-async:batch=32, "
			       "deferred:batch=256:deadline_us=500, strict\n", &s, &o), 0);
	assert_int_equal(s.nb_points, 2);
	assert_int_equal(o.nb_policies, 3);
	assert_int_equal(o.policy[0].batch, 32);
	assert_int_equal(o.policy[1].batch, 256);
	assert_int_equal(o.policy[1].deadline_us, 500);
	assert_int_equal(o.policy[2].batch, 0);
	perf_sweep_free(&s);
}

static void
sweep_refused(void **state)
{
	static const char *const bad[] = {
		"", "words", "[sweep]\nspeed=1\n", "[sweep]\nbatch=0\n", "[sweep]\nbatch=\n",
		"[sweep]\nbatch=3\n", "[other]\nbatch=8\n", "[sweep]\npolicy=x\n",
		"[sweep]\npolicy=strict:batch=3\n",
		"[sweep]\nworkers=0\n", "[sweep]\nsync_ns=1 2 x\n", "[sweep]\nsync_ns=-1\n",
	};
	struct perf_options o;
	struct perf_sweep s;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sweep(bad[i], &s, &o) != 2)
			fail_msg("taken: %s", bad[i]);
}

static void
device_strings(void **state)
{
	char s[64] = "smmuv3,regs=emu,sync_ns=300,ril=0";
	uint64_t v;

	(void)state;
	assert_true(devargs_has(s, "ril"));
	assert_false(devargs_has(s, "sync"));
	assert_false(devargs_has(s, "smmuv3"));
	assert_int_equal(devargs_get(s, "sync_ns", &v), 0);
	assert_int_equal(v, 300);
	assert_int_equal(devargs_set(s, sizeof(s), "sync_ns", 7), 0);
	assert_string_equal(s, "smmuv3,regs=emu,ril=0,sync_ns=7");
	assert_int_equal(devargs_set(s, sizeof(s), "sync_ns", 8), 0);
	assert_string_equal(s, "smmuv3,regs=emu,ril=0,sync_ns=8");
	assert_int_equal(devargs_get("sync_ns=5,x=1", "sync_ns", &v), 0);
	assert_int_equal(v, 5);
	assert_int_equal(devargs_get("sync_ns=,x=1", "sync_ns", &v), -1);
	assert_int_equal(devargs_set(s, 34, "seed", 1), -1);
	assert_true(devargs_emulated("smmuv3"));
	assert_true(devargs_emulated("smmuv3,regs=emu"));
	assert_false(devargs_emulated("smmuv3,regs=emulator"));
	assert_false(devargs_emulated("smmuv3,regs=qtest,x=emu"));
}

static int
set_up(void **state)
{
	int fd = mkstemp(ini);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int
tear_down(void **state)
{
	(void)state;
	return unlink(ini);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(all_options),
		cmocka_unit_test(policies_have_settings_of_their_own),
		cmocka_unit_test(all_is_every_policy),
		cmocka_unit_test(names_that_promise),
		cmocka_unit_test(abbreviated),
		cmocka_unit_test(refused),
		cmocka_unit_test(numbers),
		cmocka_unit_test(sweep_is_a_cross_product),
		cmocka_unit_test(sweep_takes_policies_with_settings),
		cmocka_unit_test(sweep_refused),
		cmocka_unit_test(device_strings),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
