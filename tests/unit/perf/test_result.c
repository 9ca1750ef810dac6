/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * From counters to figures, on a run made by hand; and that each check of the run can fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_cycles.h>

#include "../eal.h"
#include "result.h"

static struct perf_options options = { .pairs = 100 };
static const struct perf_point point = { .batch = 256, .deadline_us = 10000, .workers = 1 };
static struct perf_bench bench;
static struct perf_worker worker;
static struct perf_run run;
static struct perf_result res;

static void
xstat(struct perf_xstats *x, const char *name, uint64_t v)
{
	snprintf(x->xs[x->n].name, sizeof(x->xs[0].name), "%s", name);
	x->xs[x->n++].value = v;
}

/* A hundred strict pairs without a flaw. */
static void
make_run(void)
{
	uint64_t us = rte_get_tsc_hz() / 1000000;

	memset(&bench, 0, sizeof(bench));
	memset(&worker, 0, sizeof(worker));
	memset(&run, 0, sizeof(run));
	bench.o = &options;
	bench.buf_size = 8192;
	bench.transfers = true;
	worker.taken = worker.posted = 100;
	worker.map_tsc = 10 * us;
	worker.map_n = 20;
	worker.unmap_tsc = 40 * us;
	worker.unmap_n = 20;
	worker.bytes = 5000;
	worker.pinned_max = 32;
	for (unsigned int i = 1; i <= 100; i++) {
		sluice_hist_add(&worker.map_hist, us);
		sluice_hist_add(&worker.unmap_hist, i == 100 ? 50 * us : us);
	}
	run.b = &bench;
	run.pt = &point;
	run.policy = "strict";
	strcpy(run.in_force, "strict");
	run.worker = &worker;
	run.nb_workers = 1;
	run.start = 1000;
	run.end = 1000 + 2 * rte_get_tsc_hz();
	run.sync_before = 400;
	run.sync_after = 420;
	run.dst.maps = run.dst.unmaps = 100;
	run.dst.map_pages = run.dst.unmap_pages = 200;
	run.dma.submitted = run.dma.completed = 100;
	run.dma.bytes = 5000;
	xstat(&run.x0, "cmdq_syncs", 1000);
	xstat(&run.x1, "cmdq_syncs", 1050);
	xstat(&run.x0, "emu_stale_accesses", 7);
	xstat(&run.x1, "emu_stale_accesses", 7);
	xstat(&run.x0, "emu_walk_reads_l2", 0);
	xstat(&run.x1, "emu_walk_reads_l2", 10);
	xstat(&run.x1, "emu_walk_reads_l3", 30);
	xstat(&run.x1, "emu_iotlb_hits", 30);
	xstat(&run.x1, "emu_iotlb_misses", 10);
}

static bool
near(double a, double b)
{
	return a > b * 0.99 - 0.001 && a < b * 1.01 + 0.001;
}

static void
figures(void **state)
{
	(void)state;
	make_run();
	perf_result_make(&res, &run);
	assert_true(near(res.map_ns.mean, 500));
	assert_true(near(res.unmap_ns.mean, 2000));
	assert_true(near(res.pair_ns, 2500));
	assert_true(res.map_ns.p50 >= 1000 && res.map_ns.p50 <= 1070);
	assert_true(res.unmap_ns.p99 <= 1070);
	assert_true(near(res.unmap_ns.max, 50000));
	assert_true(near(res.seconds, 2));
	assert_true(near(res.sync_rtt_ns, 410));
	assert_false(res.unstable);
	assert_true(near(res.syncs_per_unmap, 0.5));
	assert_true(near(res.walk_reads_per_page, 0.2));
	assert_true(near(res.iotlb_hit_rate, 0.75));
	assert_int_equal(res.stale_accesses, 0);
	assert_int_equal(res.pinned_bytes, 32 * 8192);
	assert_true(res.stale_known);
	assert_int_equal(perf_counter_get(&res.counters, "cmdq_syncs"), 50);
	assert_int_equal(perf_counter_get(&res.counters, "maps"), 100);
	assert_int_equal(perf_result_verify(&run, &res), 0);
}

static void
moved_sync_is_unstable(void **state)
{
	(void)state;
	make_run();
	run.sync_after = 481;
	perf_result_make(&res, &run);
	assert_true(res.unstable);
	run.sync_after = 319;
	perf_result_make(&res, &run);
	assert_true(res.unstable);
	run.sync_after = 479;
	perf_result_make(&res, &run);
	assert_false(res.unstable);
}

/* Change one number of the flawless run: it must be noticed. */
#define NOTICED(change)                                                                            \
	do {                                                                                       \
		make_run();                                                                        \
		change;                                                                            \
		perf_result_make(&res, &run);                                                      \
		if (perf_result_verify(&run, &res) != 1)                                           \
			fail_msg("not noticed: %s", #change);                                      \
	} while (0)

static void
every_flaw_is_noticed(void **state)
{
	(void)state;
	NOTICED(run.dst.maps++);
	NOTICED(run.dst.maps++; run.dst.live++);
	NOTICED(run.dst.maps--; run.dst.unmaps--);
	NOTICED(run.dst.queued++);
	NOTICED(run.dst.queued++; run.dst.pending++);
	NOTICED(run.dst.map_pages++);
	NOTICED(run.dma.submitted++);
	NOTICED(run.dma.completed--);
	NOTICED(run.dma.submitted--; run.dma.completed--);
	NOTICED(run.dma.bytes++);
	NOTICED(run.dma.faults++);
	NOTICED(worker.mismatches++);
	NOTICED(worker.taken--; run.dst.maps--; run.dst.unmaps--; run.dma.submitted--;
		run.dma.completed--);
	NOTICED(run.x1.xs[1].value++);
	NOTICED(strcpy(run.in_force, "strict-async"); run.x1.xs[1].value++);
}

static void
only_strict_must_be_strict(void **state)
{
	(void)state;
	make_run();
	run.policy = "deferred";
	strcpy(run.in_force, "deferred");
	run.x1.xs[1].value += 5;
	perf_result_make(&res, &run);
	assert_int_equal(res.stale_accesses, 5);
	assert_int_equal(perf_result_verify(&run, &res), 0);
	assert_true(perf_policy_is_strict("strict"));
	assert_true(perf_policy_is_strict("strict-async"));
	assert_false(perf_policy_is_strict("deferred"));
	assert_false(perf_policy_is_strict("passthrough"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures),
		cmocka_unit_test(moved_sync_is_unstable),
		cmocka_unit_test(every_flaw_is_noticed),
		cmocka_unit_test(only_strict_must_be_strict),
	};

	test_eal_init("0"); /* the TSC's frequency is EAL's to find */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
