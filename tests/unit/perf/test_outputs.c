/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Results on their way out: a made-up book through table, JSON, CSV and page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "book.h"
#include "report/report.h"

static char *text;
static size_t text_len;

static struct perf_options options;
static struct perf_workload workload = { .name = "a \"quoted\", name.pcap", .nb_items = 3 };
static struct perf_result results[4];
static struct perf_book book;

static void
make_book(void)
{
	memset(results, 0, sizeof(results));
	memset(&book, 0, sizeof(book));
	options = (struct perf_options) {
		.dev = "smmuv3,regs=emu", .seed = UINT64_C(1) << 62, .nb_policies = 2,
		.policy = { { .name = "passthrough" }, { .name = "strict" } },
	};
	book.o = &options;
	book.wl = &workload;
	book.layout = PERF_LAYOUT_SPLIT;
	book.result = results;
	book.nb_results = 2;
	strcpy(book.info.backend, "smmuv3");
	for (unsigned int i = 0; i < 2; i++) {
		struct perf_result *r = &results[i];

		strcpy(r->policy, i ? "strict" : "passthrough");
		strcpy(r->in_force, r->policy);
		strcpy(r->label, r->policy);
		r->rounds = 3;
		r->pairs = 1000;
		r->batch = 256;
		r->pair_ns = i ? 500 : 12.5;
		r->strict_ratio = i ? 1 : 40;
		r->stale_known = r->exposed_known = i;
		r->map_known = r->unmap_known = r->cmds_known = r->held_known = true;
		r->dma_known = r->iotlb_known = r->walks_known = true;
		r->sync_rtt_ns = 444;
		r->burst = 32;
		r->release_known = i;
		r->release_us = (struct perf_dist) { 1.5, 2.5, 3.5, 1.75 };
		r->flushes[SLUICE_FLUSH_SWITCH] = 7;
		r->walk_reads_known = !i;
		r->walk_reads[3] = 9;
		strcpy(r->counters.c[0].name, "maps");
		r->counters.c[0].value = 1000 + i;
		r->counters.n = 1;
	}
}

static char *
written(int (*fn)(const struct perf_book *, FILE *))
{
	FILE *f;

	free(text);
	text = NULL;
	f = open_memstream(&text, &text_len);
	assert_non_null(f);
	assert_int_equal(fn(&book, f), 0);
	fclose(f);
	return text;
}

static void
json_holds_what_was_measured(void **state)
{
	json_error_t e;
	json_t *o, *r;

	(void)state;
	make_book();
	results[1].walk_reads_per_page = NAN; /* must not make the document unreadable */
	o = json_loads(written(perf_json_write), 0, &e);
	assert_non_null(o);
	r = json_array_get(json_object_get(o, "results"), 0);
	assert_string_equal(json_string_value(json_object_get(r, "policy")), "passthrough");
	assert_string_equal(json_string_value(json_object_get(r, "workload")), workload.name);
	assert_true(json_real_value(json_object_get(r, "pair_ns")) == 12.5);
	assert_true(json_is_null(json_object_get(json_object_get(r, "stale_us"), "max")));
	assert_true(json_integer_value(json_object_get(r, "seed")) == (json_int_t)options.seed);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(r, "counters"),
							    "maps")), 1000);
	r = json_array_get(json_object_get(o, "results"), 1);
	assert_true(json_is_real(json_object_get(json_object_get(r, "stale_us"), "max")));
	assert_true(json_is_null(json_object_get(r, "walk_reads_per_page")));
	assert_int_equal(json_array_size(json_object_get(r, "rounds_pair_ns")), 3);
	json_decref(o);
}

static double
member(json_t *result, const char *object, const char *key)
{
	json_t *v = json_object_get(json_object_get(result, object), key);

	assert_true(json_is_number(v));
	return json_number_value(v);
}

static void
json_holds_the_way_back(void **state)
{
	static const char *const keys[] = {
		"burst", "cookies", "deadline_misses", "oldest_us", "pending_max", "exposed_bytes",
	};
	json_t *o, *r;

	(void)state;
	make_book();
	o = json_loads(written(perf_json_write), 0, NULL);
	assert_non_null(o);
	for (unsigned int i = 0; i < 2; i++) {
		r = json_array_get(json_object_get(o, "results"), i);
		/* What stays with the device for ever is no figure of bytes. */
		for (unsigned int k = 0; k < RTE_DIM(keys); k++)
			assert_true(json_is_number(json_object_get(r, keys[k])) ||
				    (i == 0 && json_is_null(json_object_get(r, keys[k]))));
		assert_true(member(r, "flushes", "full") == 0);
		assert_true(member(r, "flushes", "deadline") == 0);
		assert_true(member(r, "flushes", "drain") == 0);
		assert_true(member(r, "flushes", "rollover") == 0);
		assert_true(member(r, "flushes", "switch") == 7);
	}
	assert_true(member(r, "release_us", "p50") == 1.5);
	assert_true(member(r, "release_us", "p99") == 2.5);
	assert_true(member(r, "release_us", "max") == 3.5);
	assert_true(json_is_null(json_object_get(r, "walk_reads")));
	r = json_array_get(json_object_get(o, "results"), 0);
	assert_true(json_is_null(json_object_get(json_object_get(r, "release_us"), "p99")));
	assert_true(member(r, "walk_reads", "l3") == 9);
	json_decref(o);
}

/* Fields of a CSV line, quotes understood. */
static unsigned int
fields(const char *s)
{
	unsigned int n = 1;
	bool in = false;

	for (; *s != '\0' && *s != '\n'; s++) {
		in ^= *s == '"';
		n += *s == ',' && !in;
	}
	return n;
}

static void
csv_lines_fit_the_header(void **state)
{
	const char *s, *second;

	(void)state;
	make_book();
	s = written(perf_csv_write);
	second = strchr(s, '\n') + 1;
	assert_int_equal(fields(second), fields(s));
	assert_int_equal(fields(strchr(second, '\n') + 1), fields(s));
	assert_non_null(strstr(s, "\"a \"\"quoted\"\", name.pcap\""));
}

static int
table(const struct perf_book *bk, FILE *f)
{
	perf_table_print(bk, f);
	return 0;
}

/* The column of a word's last letter in a line. */
static long
right_edge(const char *line, const char *word)
{
	const char *at = strstr(line, word);

	return at != NULL ? at - line + (long)strlen(word) : -1;
}

static void
table_is_aligned_and_honest(void **state)
{
	const char *s, *h, *pass, *strict;

	(void)state;
	make_book();
	s = written(table);
	assert_non_null(strstr(s, PERF_HONEST));
	h = strstr(s, "\npolicy") + 1;
	pass = strstr(s, "\npassthrough") + 1;
	strict = strstr(s, "\nstrict ") + 1;
	assert_int_equal(right_edge(h, "pair ns"), right_edge(pass, "12.5"));
	assert_int_equal(right_edge(h, "pair ns"), right_edge(strict, "500.0"));
	assert_int_equal(right_edge(h, "strict/this"), right_edge(pass, "40.00x"));
	assert_null(strstr(s, "unstable"));
	assert_null(strstr(h, "batch"));
	results[1].unstable = true;
	results[1].batch = 32;
	s = written(table);
	assert_non_null(strstr(s, "strict~"));
	assert_non_null(strstr(s, "unstable"));
	assert_non_null(strstr(strstr(s, "\npolicy"), "batch"));
}

static int
html(const struct perf_book *bk, FILE *f)
{
	static const struct perf_drawn none;

	return perf_html_write(bk, &none, f);
}

/* The field of that name in line @p n of the CSV. */
static const char *
csv_field(unsigned int n, const char *name)
{
	const char *s = written(perf_csv_write), *h = s, *at = strstr(s, name);
	unsigned int col = 0;
	static char field[64];
	bool in = false;

	assert_non_null(at);
	for (; h < at; h++)
		col += *h == ',';
	while (n-- != 0)
		s = strchr(s, '\n') + 1;
	for (; col != 0; s++) {
		in ^= *s == '"';
		col -= *s == ',' && !in;
	}
	snprintf(field, sizeof(field), "%.*s", (int)strcspn(s, ",\n"), s);
	return field;
}

static json_t *
json_field(json_t **doc, unsigned int n, const char *name)
{
	json_decref(*doc);
	*doc = json_loads(written(perf_json_write), 0, NULL);
	assert_non_null(*doc);
	return json_object_get(json_array_get(json_object_get(*doc, "results"), n), name);
}

/* Nobody looked: no output says that there was none. */
static void
not_looked_for_is_not_none(void **state)
{
	json_t *doc = NULL;

	(void)state;
	make_book();
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(json_is_null(json_field(&doc, i, "stale_accesses")));
		assert_true(json_is_null(json_field(&doc, i, "stale_provable")));
		assert_true(json_is_null(json_field(&doc, i, "shadow_accesses")));
		assert_string_equal(csv_field(i + 1, "stale_accesses"), "");
		assert_string_equal(csv_field(i + 1, "stale_provable"), "");
	}
	json_decref(doc);
	assert_non_null(strstr(written(table), "n/a: no device probed for them"));
	assert_non_null(strstr(written(html), "<td>0.0</td><td>n/a</td><td>n/a</td>"));
}

/* A zero that this hardware could not have disproved carries a mark everywhere; another does not. */
static void
unprovable_zeros_are_marked(void **state)
{
	json_t *doc = NULL;
	const char *s;

	(void)state;
	make_book();
	results[0].stale_counted = results[1].stale_counted = true;
	results[0].stale_provable = true;
	results[0].stale_control = 77;
	results[1].copies_known = true;
	results[1].shadow_accesses = 1234;
	assert_true(json_is_true(json_field(&doc, 0, "stale_provable")));
	assert_int_equal(json_integer_value(json_field(&doc, 0, "stale_control")), 77);
	assert_int_equal(json_integer_value(json_field(&doc, 0, "stale_accesses")), 0);
	assert_true(json_is_false(json_field(&doc, 1, "stale_provable")));
	assert_true(json_is_null(json_field(&doc, 1, "stale_control")));
	assert_int_equal(json_integer_value(json_field(&doc, 1, "shadow_accesses")), 1234);
	json_decref(doc);
	assert_string_equal(csv_field(1, "stale_accesses"), "0");
	assert_string_equal(csv_field(1, "stale_provable"), "1");
	assert_string_equal(csv_field(1, "stale_control"), "77");
	assert_string_equal(csv_field(1, "shadow_accesses"), "");
	assert_string_equal(csv_field(2, "stale_provable"), "0");
	assert_string_equal(csv_field(2, "shadow_accesses"), "1234");
	s = written(table);
	assert_non_null(strstr(s, " 0?+1234s "));
	assert_non_null(strstr(s, "? not provable on this hardware"));
	assert_non_null(strstr(s, "+Ns: "));
	s = written(html);
	assert_non_null(strstr(s, "<td>0</td><td>n/a</td>"));
	assert_non_null(strstr(s, "<td>0 (not provable)</td><td>1234</td>"));
	results[1].stale_provable = true;
	assert_null(strstr(written(table), "not provable"));
}

/* The longest names and figures there are fit on a wide screen. */
static void
table_is_not_too_wide(void **state)
{
	const char *h;

	(void)state;
	make_book();
	for (unsigned int i = 0; i < 2; i++) {
		struct perf_result *r = &results[i];

		strcpy(r->policy, "deferred-single");
		strcpy(r->in_force, r->policy);
		r->batch = 256 << i;
		r->deadline_us = 10000 << i;
		r->map_ns.mean = r->unmap_ns.mean = r->pair_ns = 1234.5;
		r->unmap_ns.p99 = 12345;
		r->stale_us.p50 = r->stale_us.p99 = r->stale_us.max = 12345.6;
		r->pinned_bytes = UINT64_C(1) << 30;
		r->stale_counted = r->release_known = r->stale_known = true;
		r->stale_accesses = 1234567;
	}
	h = strstr(written(table), "\npolicy") + 1;
	assert_true(strchr(h, '\n') - h <= 170);
	assert_non_null(strstr(h, "release p99 us"));
}

static bool
worthwhile(const char *name)
{
	for (unsigned int i = 0; i < perf_nb_plots; i++)
		if (strcmp(perf_plots[i].name, name) == 0)
			return perf_plots[i].worthwhile(&book);
	fail_msg("no plot %s", name);
	return false;
}

/* Policies with other defaults than one another are no sweep; one at two points is. */
static void
defaults_are_no_sweep(void **state)
{
	(void)state;
	make_book();
	results[1].batch = 32;
	results[1].deadline_us = 50;
	assert_false(worthwhile("sweep-pair"));
	memcpy(&results[2], &results[0], 2 * sizeof(results[0]));
	book.nb_results = 4;
	assert_false(worthwhile("sweep-pair"));
	results[3].batch = 64;
	assert_true(worthwhile("sweep-pair"));
}

static int
script(const struct perf_book *bk, FILE *f)
{
	for (unsigned int i = 0; i < perf_nb_plots; i++)
		if (strcmp(perf_plots[i].name, "cost") == 0)
			perf_plots[i].script(bk, f);
	return 0;
}

/* Strict's row in one of the ways in which a row can be less than it looks. */
static void
mark(unsigned int m)
{
	struct perf_result *r = &results[1];

	make_book();
	switch (m) {
	case 0:
		r->failed = true;
		strcpy(r->error, "it <broke>");
		break;
	case 1: strcpy(r->error, "bytes \"differ\""); break;
	case 2: strcpy(r->in_force, "strict-batched"); break;
	case 3: r->unstable = true; break;
	case 4: r->stale_counted = true; break;
	case 5: r->preempted = 3; break;
	}
}

static void
outputs_agree_on(unsigned int m, const char *sign, const char *name)
{
	char word[64];
	json_t *o, *r;

	mark(m);
	o = json_loads(written(perf_json_write), 0, NULL);
	assert_non_null(o);
	r = json_array_get(json_object_get(o, "results"), 0);
	assert_int_equal(json_array_size(json_object_get(r, "marks")), 0);
	r = json_array_get(json_object_get(o, "results"), 1);
	assert_int_equal(json_array_size(json_object_get(r, "marks")), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(r, "marks"), 0)),
			    name);
	assert_true(json_is_null(json_object_get(r, "error")) == (m > 1));
	assert_true(json_is_null(json_object_get(r, "pair_ns")) == (m == 0));
	json_decref(o);
	written(perf_csv_write);
	snprintf(word, sizeof(word), ",%s,", name);
	assert_non_null(strstr(strstr(text, "\nstrict,"), word));
	assert_null(strstr(strstr(text, "\npassthrough,"), word) < strstr(text, "\nstrict,") ?
		    strstr(strstr(text, "\npassthrough,"), word) : NULL);
	snprintf(word, sizeof(word), "\nstrict%s ", sign);
	assert_non_null(strstr(written(table), word));
	snprintf(word, sizeof(word), "<td>strict%s</td>", sign);
	assert_non_null(strstr(written(html), word));
	assert_non_null(strstr(text, "class=\"mark\""));
	assert_null(strstr(text, "<broke>"));
	snprintf(word, sizeof(word), "\"strict%s\"", sign);
	assert_true((strstr(written(script), word) != NULL) == (m != 0));
}

/* What one output marks, all of them do. */
static void
marks_are_everywhere(void **state)
{
	(void)state;
	outputs_agree_on(0, "#", "failed");
	outputs_agree_on(1, "^", "wrong");
	outputs_agree_on(2, "!", "clamped");
	outputs_agree_on(3, "~", "unstable");
	outputs_agree_on(4, "?", "unprovable");
	outputs_agree_on(5, "*", "preempted");
}

/* What nobody looked at is null, and an empty field; never 0. */
static void
unmeasured_is_null(void **state)
{
	static const char *const keys[] = {
		"probes", "probe_hits", "probe_faults", "stale_accesses", "copy_max", "strict_ratio",
		"dma_bytes", "dma_faults", "dma_mismatches", "iotlb_hit_rate", "walk_reads_per_page",
		"syncs_per_unmap", "invs_per_unmap", "oldest_us", "exposed_bytes", "walk_reads",
	};
	json_t *o, *r;

	(void)state;
	make_book();
	results[1].dma_known = results[1].iotlb_known = results[1].walks_known = false;
	results[1].cmds_known = results[1].held_known = results[1].exposed_known = false;
	results[1].unmap_known = false;
	results[1].strict_ratio = 0;
	o = json_loads(written(perf_json_write), 0, NULL);
	r = json_array_get(json_object_get(o, "results"), 1);
	for (unsigned int i = 0; i < RTE_DIM(keys); i++)
		if (!json_is_null(json_object_get(r, keys[i])))
			fail_msg("%s is not null", keys[i]);
	assert_true(json_is_null(json_object_get(json_object_get(r, "unmap_ns"), "p99")));
	json_decref(o);
	assert_non_null(strstr(written(table), "n/a"));
	assert_non_null(strstr(strstr(written(perf_csv_write), "\nstrict,"), ",,,"));
}

/* A name may hold any bytes. The key stays, the document stays valid. */
static void
names_of_any_bytes(void **state)
{
	json_t *o, *r;

	(void)state;
	make_book();
	strcpy(workload.name, "caf\xe9 \x1b[1m\xc3\xa9.pcap");
	options.dev = "smmuv3,x=\xff";
	o = json_loads(written(perf_json_write), 0, NULL);
	assert_non_null(o);
	r = json_array_get(json_object_get(o, "results"), 0);
	assert_string_equal(json_string_value(json_object_get(r, "workload")),
			    "caf\xef\xbf\xbd \x1b[1m\xc3\xa9.pcap");
	assert_string_equal(json_string_value(json_object_get(json_object_get(o, "iommu"), "dev")),
			    "smmuv3,x=\xef\xbf\xbd");
	assert_string_equal(json_string_value(json_object_get(json_object_get(o, "iommu"),
							      "backend")), "smmuv3");
	json_decref(o);
	assert_null(strchr(written(perf_csv_write), '\x1b'));
	assert_null(strchr(written(html), '\x1b'));
	strcpy(workload.name, "a \"quoted\", name.pcap");
}

static int
tear_down(void **state)
{
	(void)state;
	free(text);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_holds_what_was_measured),
		cmocka_unit_test(json_holds_the_way_back),
		cmocka_unit_test(csv_lines_fit_the_header),
		cmocka_unit_test(table_is_aligned_and_honest),
		cmocka_unit_test(not_looked_for_is_not_none),
		cmocka_unit_test(unprovable_zeros_are_marked),
		cmocka_unit_test(table_is_not_too_wide),
		cmocka_unit_test(defaults_are_no_sweep),
		cmocka_unit_test(marks_are_everywhere),
		cmocka_unit_test(unmeasured_is_null),
		cmocka_unit_test(names_of_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
