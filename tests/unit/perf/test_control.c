/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The control: on which hardware it runs, and which zeros it lets stand.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "control.c"

static char opened[512];
static unsigned int opens, closes, runs;
static uint64_t seen_early, seen_in_place;
static uint64_t seen_rarely, seen_slow; /* of a long run; with invalidations that take longer */
static uint64_t tlbi_ns, back_ns, back_slow_ns; /* the last: with invalidations that take longer */
static bool broken_result;

int
perf_bench_open(struct perf_bench *b, const struct perf_options *o, const struct perf_workload *wl,
		const struct perf_layout *l, const struct perf_point *pt)
{
	(void)wl, (void)pt, (void)l;
	assert_false(o->insns);
	assert_int_equal(opens, closes);
	snprintf(opened, sizeof(opened), "%s", o->dev);
	opens++;
	memset(b, 0, sizeof(*b));
	b->o = o;
	b->iommu = (struct sluice_iommu *)(uintptr_t)opened;
	snprintf(b->info.settings, sizeof(b->info.settings), "tlbi_ns=%" PRIu64 ",step=1", tlbi_ns);
	return 0;
}

int
perf_bench_close(struct perf_bench *b)
{
	b->iommu = NULL;
	closes++;
	return 0;
}

/* The stale accesses that perf_result_make() is to find. */
int
perf_run(struct perf_run *r, struct perf_bench *b, const struct perf_point *pt,
	 const struct perf_policy *policy)
{
	(void)pt;
	assert_true(b->control);
	runs++;
	memset(r, 0, sizeof(*r));
	if (b->in_place)
		assert_string_equal(policy->name, "strict");
	assert_true(b->o->pairs == GLANCE * 2 || b->o->pairs == PAIRS * 2);
	r->start = b->in_place ? seen_in_place : seen_early;
	if (b->o->pairs == PAIRS * 2)
		r->start += seen_rarely;
	if (strstr(opened, ",tlbi_ns=1207") != NULL)
		r->start += seen_slow;
	return broken_result ? 1 : 0;
}

void
perf_run_free(struct perf_run *r)
{
	(void)r;
}

void
perf_result_make(struct perf_result *res, const struct perf_run *r)
{
	memset(res, 0, sizeof(*res));
	res->stale_accesses = r->start;
	res->release_known = back_ns != 0;
	res->release_us.min = (double)(back_slow_ns != 0 && opens > 1 ? back_slow_ns : back_ns) / 1000;
}

uint64_t
perf_counter_get(const struct perf_counters *c, const char *name)
{
	for (unsigned int i = 0; i < c->n; i++)
		if (strcmp(c->c[i].name, name) == 0)
			return c->c[i].value;
	return 0;
}

static struct perf_options o;
static const struct perf_layout layout = { .nb_workers = 2 };
static struct perf_point point;
static struct perf_control c;
static struct perf_result res;

static void
start(const char *policies)
{
	memset(&o, 0, sizeof(o));
	o.dev = "smmuv3,regs=emu,tlbi_ns=7";
	o.probe_stale = o.insns = true;
	assert_int_equal(perf_policies_parse(policies, "test", &o), 0);
	point.policy = o.policy;
	point.nb_policies = o.nb_policies;
	opens = closes = runs = 0;
	seen_rarely = seen_slow = tlbi_ns = back_ns = back_slow_ns = 0;
	broken_result = false;
}

static int
control(uint64_t early, uint64_t in_place)
{
	seen_early = early;
	seen_in_place = in_place;
	return perf_control_run(&c, &o, NULL, &layout, &point);
}

static bool
provable(unsigned int policy, uint64_t stale, uint64_t maps, uint64_t copies)
{
	memset(&res, 0, sizeof(res));
	res.stale_accesses = stale;
	strcpy(res.counters.c[0].name, "maps");
	strcpy(res.counters.c[1].name, "copies");
	res.counters.c[0].value = maps;
	res.counters.c[1].value = copies;
	res.counters.n = 2;
	perf_control_judge(&c, &o.policy[policy], &res);
	return res.stale_provable;
}

/* As the results' but for SYNCs that do not wait; only where there is something to find. */
static void
on_broken_hardware(void **state)
{
	(void)state;
	start("strict,deferred");
	assert_int_equal(control(5, 0), 0);
	assert_string_equal(opened, "smmuv3,regs=emu,tlbi_ns=7,sync_early=1");
	assert_int_equal(runs, 2);
	assert_int_equal(opens, 1);
	assert_int_equal(closes, 1);
	o.probe_stale = false;
	assert_int_equal(control(5, 0), 0);
	assert_int_equal(opens, 1);
	assert_false(provable(0, 0, 10, 0));
	start("strict");
	o.dev = "smmuv3,regs=qtest";
	assert_int_equal(control(5, 0), 0);
	assert_int_equal(opens, 0);
}

/* What is not seen at a glance is looked for, and the next policy begins with a glance again. */
static void
what_is_rare_takes_longer(void **state)
{
	(void)state;
	start("strict,deferred");
	seen_rarely = 2;
	assert_int_equal(control(0, 0), 0);
	assert_int_equal(runs, 4);
	assert_true(provable(0, 0, 10, 0));
	assert_int_equal(res.stale_control, 2);
	assert_int_equal(opens, 1);
	assert_int_equal(closes, 1);
}

/* What comes back 1200 ns after an early completion at the least: invalidations take that much more
 * than the 7 of the hardware at hand, for this policy alone. */
static void
a_window_that_closes_itself(void **state)
{
	(void)state;
	start("strict,deferred");
	seen_slow = 3;
	tlbi_ns = 7;
	back_ns = 1200;
	assert_int_equal(control(0, 0), 0);
	assert_string_equal(opened, "smmuv3,regs=emu,sync_early=1,tlbi_ns=1207");
	assert_int_equal(runs, 6);
	assert_int_equal(opens, 4);
	assert_int_equal(closes, 4);
	assert_true(provable(0, 0, 10, 0));
	assert_true(provable(1, 0, 10, 0));
	assert_int_equal(res.stale_control, 3);

	/* Hardware that leaves no window has none to move, and neither has memory that is not waited
	 * for. */
	start("strict");
	seen_slow = 3;
	back_ns = 1200;
	assert_int_equal(control(0, 0), 0);
	assert_int_equal(opens, 1);
	assert_false(provable(0, 0, 10, 0));
	start("strict");
	seen_slow = 3;
	tlbi_ns = 7;
	assert_int_equal(control(0, 0), 0);
	assert_int_equal(opens, 1);
	assert_false(provable(0, 0, 10, 0));

	/* Memory that comes back sooner then left a wider window than it may be: what was seen of that
	 * proves nothing. */
	start("strict");
	seen_slow = 3;
	tlbi_ns = 7;
	back_ns = 1200;
	back_slow_ns = 800;
	assert_int_equal(control(0, 0), 0);
	assert_string_equal(opened, "smmuv3,regs=emu,sync_early=1,tlbi_ns=807");
	assert_int_equal(opens, 3);
	assert_int_equal(closes, 3);
	assert_false(provable(0, 0, 10, 0));

	/* Where it is seen as it is nothing is moved. */
	start("strict");
	tlbi_ns = 7;
	back_ns = 1200;
	assert_int_equal(control(5, 0), 0);
	assert_int_equal(opens, 1);
}

static void
a_zero_needs_a_control(void **state)
{
	(void)state;
	start("strict,deferred:batch=32,deferred");
	assert_int_equal(control(5, 0), 0);
	assert_true(provable(0, 0, 10, 0));
	assert_int_equal(res.stale_control, 5);
	assert_int_equal(control(0, 0), 0);
	assert_false(provable(0, 0, 10, 0));
	assert_false(provable(2, 0, 10, 0));
	assert_true(provable(2, 3, 10, 0)); /* what is seen can be seen */
	/* A policy that was not among them, if only by a setting. */
	assert_int_equal(control(5, 0), 0);
	o.policy[0].batch = 64;
	assert_false(provable(0, 0, 10, 0));
}

/* Copies are shown by mapping in place of them, and what is mapped by early completions. */
static void
what_copies_has_two(void **state)
{
	(void)state;
	start("copy,hybrid:copy_max=512");
	assert_int_equal(control(0, 9), 0);
	assert_int_equal(runs, 6);
	assert_true(provable(0, 0, 10, 10));
	assert_int_equal(res.stale_control, 9);
	assert_false(provable(0, 0, 10, 9));
	assert_false(provable(1, 0, 10, 5));
	assert_int_equal(control(4, 9), 0);
	assert_true(provable(1, 0, 10, 5));
	assert_true(provable(1, 0, 10, 0));
	assert_int_equal(res.stale_control, 4);
	assert_int_equal(control(4, 0), 0);
	assert_false(provable(1, 0, 10, 5));
	assert_true(provable(1, 0, 10, 0));
}

static void
a_run_that_fails_is_told(void **state)
{
	(void)state;
	start("strict,deferred");
	broken_result = true;
	assert_int_equal(control(5, 0), 1);
	assert_int_equal(runs, 1);
	assert_int_equal(closes, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_broken_hardware),
		cmocka_unit_test(what_is_rare_takes_longer),
		cmocka_unit_test(a_window_that_closes_itself),
		cmocka_unit_test(a_zero_needs_a_control),
		cmocka_unit_test(what_copies_has_two),
		cmocka_unit_test(a_run_that_fails_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
