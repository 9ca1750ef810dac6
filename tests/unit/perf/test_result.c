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
	worker.ring.taken = worker.ring.posted = worker.ring.returned = 100;
	worker.measured.map_ticks = 10 * us;
	worker.measured.map_calls = 20;
	worker.measured.unmap_ticks = 40 * us;
	worker.measured.unmap_calls = 20;
	worker.measured.bytes = 5000;
	worker.measured.pinned_max = 32 * 8192;
	for (unsigned int i = 1; i <= 100; i++) {
		sluice_hist_add(&worker.measured.map_hist, us);
		sluice_hist_add(&worker.measured.unmap_hist, i == 100 ? 50 * us : us);
	}
	run.b = &bench;
	run.pt = &point;
	run.policy = "strict";
	strcpy(run.in_force, "strict");
	run.worker = &worker;
	run.nb_workers = 1;
	run.batch = 64;
	run.deadline_us = 70;
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

/* The same, of which each came back by a cookie 3 us after its unmap, and one after 80. */
static void
make_run_with_cookies(void)
{
	uint64_t us = rte_get_tsc_hz() / 1000000;

	make_run();
	run.policy = "strict-async";
	strcpy(run.in_force, "strict-async");
	run.dst.queued = run.dst.released = 100;
	run.dst.flushes[SLUICE_FLUSH_FULL] = 3;
	run.dst.flushes[SLUICE_FLUSH_SWITCH] = 1;
	run.dst.deadline_misses = 2;
	run.dst.pending_max = 33;
	worker.measured.cookies_due = worker.measured.cookies = 100;
	worker.measured.oldest_max_ns = 5000;
	worker.measured.exposed_max = 8192;
	sluice_hist_add_n(&worker.measured.release_hist, 3 * us, 99);
	sluice_hist_add_n(&worker.measured.release_hist, 80 * us, 1);
	sluice_hist_add_n(&run.stale, 3000, 100);
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
	assert_int_equal(res.batch, 64); /* in force, whatever was asked for */
	assert_int_equal(res.deadline_us, 70);
	assert_true(res.walk_reads_known);
	assert_int_equal(res.walk_reads[0], 0);
	assert_int_equal(res.walk_reads[2], 10);
	assert_int_equal(res.walk_reads[3], 30);
	/* Who waits in the call gives back at its end. */
	assert_true(res.release_known);
	assert_true(near(res.release_us.max, 50));
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

static void
cookies_bring_memory_back(void **state)
{
	(void)state;
	make_run_with_cookies();
	perf_result_make(&res, &run);
	assert_int_equal(perf_result_verify(&run, &res), 0);
	assert_true(res.release_known);
	assert_true(res.release_us.p50 >= 3 && res.release_us.p50 < 3.3);
	assert_true(res.release_us.p99 < 3.3);
	assert_true(near(res.release_us.max, 80));
	/* It waited with its memory: nobody had that back, so nothing was stale. */
	assert_true(res.stale_known);
	assert_true(res.stale_us.max == 0);
	assert_int_equal(res.cookies, 100);
	assert_int_equal(res.flushes[SLUICE_FLUSH_FULL], 3);
	assert_int_equal(res.deadline_misses, 2);
	assert_int_equal(res.pending_max, 33);
	assert_true(near(res.oldest_us, 5));
	assert_int_equal(res.exposed_bytes, 8192);
	assert_int_equal(perf_counter_get(&res.counters, "flushes_switch"), 1);
	assert_int_equal(perf_counter_get(&res.counters, "cookies"), 100);
}

static void
a_burst_may_count_as_one(void **state)
{
	(void)state;
	make_run();
	strcpy(run.in_force, "contiguous");
	run.dst.maps = run.dst.unmaps = 4;
	worker.ring.groups_taken = 4;
	perf_result_make(&res, &run);
	assert_int_equal(perf_result_verify(&run, &res), 0);
}

static void
windows_of_those_who_promise_nothing(void **state)
{
	(void)state;
	make_run();
	strcpy(run.in_force, "deferred");
	run.dst.queued = run.dst.released = 100;
	sluice_hist_add_n(&run.stale, 3000, 100);
	perf_result_make(&res, &run);
	assert_false(res.release_known);
	assert_true(res.stale_known);
	assert_true(near(res.stale_us.max, 3));
	make_run();
	strcpy(run.in_force, "passthrough");
	perf_result_make(&res, &run);
	assert_false(res.release_known);
	assert_false(res.stale_known);
}

static void
unknown_walks_are_not_none(void **state)
{
	(void)state;
	make_run();
	for (unsigned int i = 0; i < run.x1.n; i++)
		if (strncmp(run.x1.xs[i].name, "emu_walk", 8) == 0)
			run.x1.xs[i].name[0] = 'x';
	perf_result_make(&res, &run);
	assert_false(res.walk_reads_known);
}

/* Change one number of the flawless run: it must be noticed. */
#define NOTICED(change) NOTICED_IN(make_run(), change)
#define NOTICED_IN(make, change)                                                                   \
	do {                                                                                       \
		make;                                                                              \
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
	NOTICED(run.dst.map_pages += 2; run.dst.unmap_pages += 2);
	/* A burst may count as one mapping where bursts are what is mapped, nothing else may. */
	NOTICED(run.dst.maps = run.dst.unmaps = 4; worker.ring.groups_taken = 4);
	NOTICED(strcpy(run.in_force, "contiguous"); run.dst.maps = run.dst.unmaps = 5;
		worker.ring.groups_taken = 4);
	NOTICED(run.dma.submitted++);
	NOTICED(run.dma.completed--);
	NOTICED(run.dma.submitted--; run.dma.completed--);
	NOTICED(run.dma.bytes++);
	NOTICED(run.dma.faults++);
	NOTICED(worker.measured.mismatches++);
	NOTICED(worker.ring.taken--; worker.ring.returned--; run.dst.maps--; run.dst.unmaps--;
		run.dst.map_pages -= 2; run.dst.unmap_pages -= 2; run.dma.submitted--;
		run.dma.completed--);
	NOTICED(worker.ring.returned--);
	NOTICED_IN(make_run_with_cookies(), worker.measured.cookies--);
	NOTICED_IN(make_run_with_cookies(), worker.measured.cookies_due++);
	NOTICED_IN(make_run_with_cookies(), worker.measured.cookies--; worker.ring.returned--);
	NOTICED_IN(make_run_with_cookies(), run.dst.queued--; run.dst.released--);
	NOTICED_IN(make_run_with_cookies(), run.dst.released--; run.dst.pending++);
	NOTICED_IN(make_run_with_cookies(), run.x1.xs[1].value++);
	NOTICED(run.x1.xs[1].value++);
	NOTICED(strcpy(run.in_force, "contiguous"); run.x1.xs[1].value++);
	NOTICED(strcpy(run.in_force, "hybrid"); run.x1.xs[1].value++);
}

/* Nobody probed: none seen is none looked for. One that is seen is a fact, whoever looked. */
static void
no_probes_no_zero(void **state)
{
	(void)state;
	make_run();
	perf_result_make(&res, &run);
	assert_false(res.stale_counted);
	options.probe_stale = true;
	perf_result_make(&res, &run);
	assert_true(res.stale_counted);
	bench.transfers = false; /* no device is there that could */
	perf_result_make(&res, &run);
	assert_false(res.stale_counted);
	bench.transfers = true;
	options.probe_stale = false;
	run.x1.xs[1].value++;
	perf_result_make(&res, &run);
	assert_true(res.stale_counted);
	assert_int_equal(res.stale_accesses, 1);
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
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures),
		cmocka_unit_test(cookies_bring_memory_back),
		cmocka_unit_test(a_burst_may_count_as_one),
		cmocka_unit_test(windows_of_those_who_promise_nothing),
		cmocka_unit_test(unknown_walks_are_not_none),
		cmocka_unit_test(moved_sync_is_unstable),
		cmocka_unit_test(every_flaw_is_noticed),
		cmocka_unit_test(no_probes_no_zero),
		cmocka_unit_test(only_strict_must_be_strict),
	};

	test_eal_init("0"); /* the TSC's frequency is EAL's to find */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
