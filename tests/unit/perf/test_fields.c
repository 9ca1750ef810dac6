/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Each value is under its own key, in its own column: a result in which no two values are equal,
 * through CSV, JSON and the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "book.h"

/* Columns are only ever added, at the end: programs may count them. */
static const char header[] =
	"policy,policy_in_force,workload,layout,workers,batch,deadline_us,sync_ns,seed,pairs,"
	"seconds,rounds,map_ns.p50,map_ns.p99,map_ns.max,map_ns.mean,unmap_ns.p50,unmap_ns.p99,"
	"unmap_ns.max,unmap_ns.mean,pair_ns,strict_ratio,sync_rtt_ns,unstable,syncs_per_unmap,"
	"invs_per_unmap,stale_us.p50,stale_us.p99,stale_us.max,stale_accesses,dma_bytes,"
	"dma_faults,dma_mismatches,probes,probe_hits,probe_faults,iotlb_hit_rate,"
	"walk_reads_per_page,pinned_bytes,ring_full,empty_polls,pair_insns,burst,release_us.p50,"
	"release_us.p99,release_us.max,cookies,deadline_misses,oldest_us,pending_max,exposed_bytes,"
	"walk_reads.l0,walk_reads.l1,walk_reads.l2,walk_reads.l3,copy_max,copy_max_read,"
	"crossover_bytes,crossover_read_bytes,flushes.full,flushes.deadline,flushes.drain,"
	"flushes.rollover,flushes.switch,flushes.idle,marks,preempted,clean_rounds,error,"
	"stale_provable,stale_control,shadow_accesses\n";

static const char line[] =
	"copy,strict,\"w\",split,2,3,4,5,6,7,"
	"8.000000,9,10.0,11.0,12.0,13.000,14.0,15.0,"
	"16.0,17.000,18.000,19.0000,20.0,1,21.000000,"
	"22.000000,23.000,24.000,25.000,26,27,"
	"28,29,30,31,32,33.000000,"
	"34.000000,35,36,37,38.0,39,40.000,"
	"41.000,42.000,43,44,45.000,46,47,"
	"48,49,50,51,52,53,"
	"54,55,56,57,58,"
	"59,60,61,wrong clamped unstable preempted,62,63,\"an error\","
	"1,64,65\n";

static struct perf_options options = { .dev = "smmuv3", .seed = 6 };
static struct perf_workload workload = { .name = "w" };
static struct perf_result results[2];
static struct perf_book book = { .o = &options, .wl = &workload, .layout = PERF_LAYOUT_SPLIT,
				 .result = results };

static void
make_result(struct perf_result *r)
{
	*r = (struct perf_result) {
		.policy = "copy", .in_force = "strict", .error = "an error", .workers = 2,
		.batch = 3, .deadline_us = 4, .sync_ns = 5, .pairs = 7, .seconds = 8, .rounds = 9,
		.map_known = true, .map_ns = { 10, 11, 12, 13, 0 },
		.unmap_known = true, .unmap_ns = { 14, 15, 16, 17, 0 },
		.pair_ns = 18, .strict_ratio = 19, .sync_rtt_ns = 20, .unstable = true,
		.cmds_known = true, .syncs_per_unmap = 21, .invs_per_unmap = 22,
		.stale_known = true, .stale_us = { 23, 24, 25, 66, 0 },
		.stale_counted = true, .stale_accesses = 26, .stale_provable = true,
		.stale_control = 64, .copies_known = true, .shadow_accesses = 65,
		.dma_known = true, .dma_bytes = 27, .dma_faults = 28, .dma_mismatches = 29,
		.probes_known = true, .probes = 30, .probe_hits = 31, .probe_faults = 32,
		.iotlb_known = true, .iotlb_hit_rate = 33,
		.walks_known = true, .walk_reads_per_page = 34,
		.pinned_bytes = 35, .ring_full = 36, .empty_polls = 37,
		.insns = { .map = 67, .unmap = 68, .pair = 38 }, .burst = 39,
		.release_known = true, .release_us = { 40, 41, 42, 69, 0 }, .cookies = 43,
		.deadline_misses = 44, .held_known = true, .oldest_us = 45, .pending_max = 46,
		.exposed_known = true, .exposed_bytes = 47,
		.walk_reads_known = true, .walk_reads = { 48, 49, 50, 51 },
		.copy_max = 52, .copy_max_read = 53, .crossover = 54, .crossover_read = 55,
		.flushes = { 56, 57, 58, 59, 60, 61 }, .preempted = 62, .clean_rounds = 63,
		.ring = 70, .buf_size = 71, .sync_rtt_before_ns = 72, .sync_rtt_after_ns = 73,
	};
}

static char *
written(int (*fn)(const struct perf_book *bk, FILE *f))
{
	static char text[32768];
	FILE *f = fmemopen(text, sizeof(text), "w");

	assert_non_null(f);
	assert_int_equal(fn(&book, f), 0);
	assert_int_equal(fclose(f), 0);
	return text;
}

static int
table(const struct perf_book *bk, FILE *f)
{
	perf_table_print(bk, f);
	return 0;
}

static void
csv_has_each_value_in_its_column(void **state)
{
	char *text;

	(void)state;
	make_result(&results[0]);
	book.nb_results = 1;
	text = written(perf_csv_write);
	assert_true(strlen(text) > strlen(header));
	assert_string_equal(text + strlen(header), line);
	text[strlen(header)] = '\0';
	assert_string_equal(text, header);
}

/* The number under a key, "object.member" for one of an object. */
static double
number(json_t *result, const char *key)
{
	const char *dot = strchr(key, '.');
	char object[32];

	if (dot == NULL)
		return json_number_value(json_object_get(result, key));
	snprintf(object, sizeof(object), "%.*s", (int)(dot - key), key);
	return json_number_value(json_object_get(json_object_get(result, object), dot + 1));
}

static void
json_has_each_value_under_its_key(void **state)
{
	static const struct {
		const char *key;
		double value;
	} all[] = {
		{ "workers", 2 }, { "batch", 3 }, { "deadline_us", 4 }, { "sync_ns", 5 },
		{ "seed", 6 }, { "pairs", 7 }, { "seconds", 8 }, { "rounds", 9 },
		{ "map_ns.p50", 10 }, { "unmap_ns.mean", 17 }, { "pair_ns", 18 },
		{ "strict_ratio", 19 }, { "sync_rtt_ns", 20 }, { "syncs_per_unmap", 21 },
		{ "invs_per_unmap", 22 }, { "stale_us.mean", 66 }, { "stale_accesses", 26 },
		{ "dma_bytes", 27 }, { "dma_faults", 28 }, { "dma_mismatches", 29 },
		{ "probes", 30 }, { "probe_hits", 31 }, { "probe_faults", 32 },
		{ "iotlb_hit_rate", 33 }, { "walk_reads_per_page", 34 }, { "pinned_bytes", 35 },
		{ "ring_full", 36 }, { "empty_polls", 37 }, { "pair_insns", 38 },
		{ "map_insns", 67 }, { "unmap_insns", 68 }, { "burst", 39 },
		{ "release_us.mean", 69 }, { "cookies", 43 }, { "deadline_misses", 44 },
		{ "oldest_us", 45 }, { "pending_max", 46 }, { "exposed_bytes", 47 },
		{ "walk_reads.l3", 51 }, { "copy_max", 52 }, { "copy_max_read", 53 },
		{ "crossover_bytes", 54 }, { "crossover_read_bytes", 55 }, { "flushes.full", 56 },
		{ "flushes.idle", 61 }, { "preempted", 62 }, { "clean_rounds", 63 },
		{ "stale_control", 64 }, { "shadow_accesses", 65 }, { "ring", 70 },
		{ "buffer_bytes", 71 }, { "sync_rtt_before_ns", 72 }, { "sync_rtt_after_ns", 73 },
	};
	json_t *o, *r;

	(void)state;
	make_result(&results[0]);
	book.nb_results = 1;
	o = json_loads(written(perf_json_write), 0, NULL);
	r = json_array_get(json_object_get(o, "results"), 0);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (number(r, all[i].key) != all[i].value)
			fail_msg("%s: %g", all[i].key, number(r, all[i].key));
	assert_string_equal(json_string_value(json_object_get(r, "policy")), "copy");
	assert_string_equal(json_string_value(json_object_get(r, "policy_in_force")), "strict");
	assert_string_equal(json_string_value(json_object_get(r, "error")), "an error");
	json_decref(o);
}

/* The line of the table that starts with @p word, its blanks folded. */
static char *
row(char *text, const char *word)
{
	static char out[512];
	char *save = NULL, *l = text, *cell;

	while (l != NULL && strncmp(l, word, strlen(word)) != 0) {
		l = strchr(l, '\n');
		l = l != NULL ? l + 1 : NULL;
	}
	assert_non_null(l);
	l[strcspn(l, "\n")] = '\0';
	out[0] = '\0';
	for (cell = strtok_r(l, " ", &save); cell != NULL; cell = strtok_r(NULL, " ", &save)) {
		strcat(out, out[0] != '\0' ? " " : "");
		strcat(out, cell);
	}
	return out;
}

static void
table_has_each_value_in_its_column(void **state)
{
	(void)state;
	make_result(&results[0]);
	make_result(&results[1]);
	strcpy(results[1].policy, "gone");
	results[1].failed = true;
	results[1].workers = 12;
	book.nb_results = 2;
	results[0].pinned_bytes = 35 << 10;
	assert_string_equal(row(written(table), "policy"),
			    "policy workers SYNC ns map ns unmap ns pair ns unmap p50 p99 ns "
			    "SYNCs/unmap stale p99 max us stale accesses release p99 us pinned KiB "
			    "strict/this");
	assert_string_equal(row(written(table), "copy"),
			    "copy^!~* 2 20 13.0 17.0 18.0 14 15 21.0000 24.0 25.0 26+65s 41.0 35 "
			    "19.00x");
	/* What failed has its settings, and no figure. */
	assert_string_equal(row(written(table), "gone"), "gone#~* 12 - - - - - - - - - - - - -");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv_has_each_value_in_its_column),
		cmocka_unit_test(json_has_each_value_under_its_key),
		cmocka_unit_test(table_has_each_value_in_its_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
