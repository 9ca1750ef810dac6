/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The table and the JSON file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "bench.h"
#include "report.h"

bool
report_unquiet(const struct report_machine *m)
{
	double a = m->ping_pong[0], b = m->ping_pong[1];

	return a > 0 && (b > a * 1.2 || b < a / 1.2);
}

void
report_table(const struct report_machine *m)
{
	const struct bench_results *b = &bench_results;

	printf("%s\n", m->line);
	if (m->ping_pong[0] > 0)
		printf("cache line to the other lcore and back: %.0f ns before, %.0f ns after%s\n",
		       m->ping_pong[0], m->ping_pong[1],
		       report_unquiet(m) ? " (moved by more than 20 %: repeat this run)" : "");
	printf("%u rounds, variants in turn; ns: median (quartiles); ratio: to the first variant, "
	       "median of the rounds'\n", bench_opts.rounds);
	if (bench_opts.smoke)
		printf("SMOKE RUN: counts are tiny, the times mean nothing\n");
	for (unsigned int i = 0; i < b->nb_rows; i++) {
		const struct bench_row *r = &b->row[i];

		if (r->first)
			printf("\n%s: %s%s%s%s\n  [%s]\n", r->bench, r->name, r->goal[0] ? "  (" : "",
			       r->goal, r->goal[0] ? ")" : "", r->layout);
		printf("  %-10s %-20s %9.2f (%.2f-%.2f)%*s %7.2fx  %s\n", r->metric, r->variant,
		       r->median, r->q1, r->q3,
		       (int)(18 - snprintf(NULL, 0, "(%.2f-%.2f)", r->q1, r->q3)), "", r->ratio,
		       r->what);
	}
	for (unsigned int i = 0; i < b->nb_notes; i++)
		printf("%s%s\n", i == 0 ? "\n" : "", b->note[i]);
	printf("\nchecks: %" PRIu64 ", failed: %" PRIu64 "\n", b->checks, b->failed);
}

static json_t *
row_json(const struct bench_row *r)
{
	json_t *rounds = json_array();

	for (unsigned int i = 0; i < r->rounds; i++)
		json_array_append_new(rounds, json_real(r->round[i]));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:f, "
			 "s:f, s:o}",
			 "bench", r->bench, "case", r->name, "metric", r->metric, "unit", "ns",
			 "variant", r->variant, "what", r->what, "layout", r->layout, "goal", r->goal,
			 "n", (json_int_t)r->n, "median", r->median, "q1", r->q1, "q3", r->q3, "min",
			 r->min, "max", r->max, "ratio", r->ratio, "rounds", rounds);
}

bool
report_json(const struct report_machine *m, const char *path)
{
	const struct bench_results *b = &bench_results;
	json_t *results = json_array(), *notes = json_array(), *top;
	bool ok;

	for (unsigned int i = 0; i < b->nb_rows; i++)
		json_array_append_new(results, row_json(&b->row[i]));
	for (unsigned int i = 0; i < b->nb_notes; i++)
		json_array_append_new(notes, json_string(b->note[i]));
	top = json_pack("{s:s, s:s, s:s, s:[f,f], s:b, s:b, s:i, s:I, s:I, s:o, s:o}", "version",
			SLUICE_VERSION, "host", m->line, "layout", m->lcores, "ping_pong_ns",
			m->ping_pong[0], m->ping_pong[1], "unquiet", report_unquiet(m), "smoke",
			bench_opts.smoke, "rounds", (int)bench_opts.rounds, "checks",
			(json_int_t)b->checks, "failed", (json_int_t)b->failed, "notes", notes,
			"results", results);
	errno = 0;
	ok = top != NULL && json_dump_file(top, path, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0;
	json_decref(top);
	if (!ok)
		fprintf(stderr, "sluice-bench: cannot write '%s': %s\n", path,
			errno != 0 ? strerror(errno) : "results are not representable");
	return ok;
}
