/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Each output is made in memory and then written at once. What goes wrong with one output does not
 * concern the others.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../shared/standard.h"
#include "../shared/text.h"
#include "msg.h"
#include "outputs.h"

typedef int (*writer)(const struct perf_book *bk, FILE *f);

static int
one(struct outfile *of, const char *opt, const char *path)
{
	char why[PLACE_WHY];

	if (outfile_open(of, path, why) == 0)
		return 0;
	return perf_usage_error("%s %s: %s", opt, path, why);
}

/* An output must not be a file that the run reads. */
static int
not_an_input(const struct outfile *of, const char *opt, const struct perf_options *o)
{
	if (outfile_is(of, o->workload))
		return perf_usage_error("%s %s: is the workload itself, and would destroy it", opt,
					of->path);
	if (outfile_is(of, o->sweep))
		return perf_usage_error("%s %s: is the sweep file itself, and would destroy it",
					opt, of->path);
	return 0;
}

static int
not_two_in_one(const struct perf_outputs *out)
{
	const struct outfile *of[] = { &out->json, &out->csv };
	static const char *const opt[] = { "--json", "--csv" };

	if (outfile_same(&out->json, &out->csv))
		return perf_usage_error("--json %s and --csv %s are one file: give each its own",
					out->json.path, out->csv.path);
	for (unsigned int i = 0; i < RTE_DIM(of); i++) {
		if (outfile_is_fd(of[i], STDOUT_FILENO) || outfile_is_fd(of[i], STDERR_FILENO))
			return perf_usage_error("%s %s: is where this program prints to, too: give "
						"each its own file", opt[i], of[i]->path);
		if (perf_report_has(&out->report, of[i]))
			return perf_usage_error("%s %s: is a file of the report, too: give each "
						"its own", opt[i], of[i]->path);
	}
	return 0;
}

int
perf_outputs_open(struct perf_outputs *out, const struct perf_options *o)
{
	int rc;

	perf_report_init(&out->report);
	(void)!one(&out->csv, "--csv", NULL);
	rc = one(&out->json, "--json", o->json);
	if (rc == 0)
		rc = one(&out->csv, "--csv", o->csv);
	if (rc == 0)
		rc = not_an_input(&out->json, "--json", o);
	if (rc == 0)
		rc = not_an_input(&out->csv, "--csv", o);
	if (rc == 0 && o->report != NULL)
		rc = perf_report_prepare(&out->report, o->report);
	if (rc == 0)
		rc = not_two_in_one(out);
	if (rc != 0)
		perf_outputs_close(out);
	return rc;
}

static int
put(struct outfile *of, const char *opt, const struct perf_book *bk, writer fn, bool quiet)
{
	char why[PLACE_WHY], *text = NULL;
	size_t len = 0;
	FILE *f;
	int rc;

	if (of->path == NULL)
		return 0;
	f = open_memstream(&text, &len);
	rc = f == NULL || fn(bk, f) != 0 ? -ENOMEM : 0;
	if (f != NULL && fclose(f) != 0)
		rc = -ENOMEM;
	if (rc != 0)
		snprintf(why, sizeof(why), "out of memory");
	else
		rc = outfile_put(of, text, len, why);
	free(text);
	if (rc == 0 || quiet || (rc == -EPIPE && of->stream >= 0)) /* the reader closed the pipe */
		return 0;
	return perf_failed("%s %s: %s", opt, of->path, why);
}

void
perf_outputs_keep(struct perf_outputs *out, const struct perf_book *bk)
{
	if (bk->nb_measured == 0)
		return;
	if (out->json.stream < 0)
		put(&out->json, "--json", bk, perf_json_write, true);
	if (out->csv.stream < 0)
		put(&out->csv, "--csv", bk, perf_csv_write, true);
	perf_report_keep(&out->report, bk);
}

/* The names in the table come from outside, so it is cleaned. */
static void
table_print(const struct perf_book *bk, FILE *to)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		return;
	perf_table_print(bk, f);
	if (fclose(f) == 0) {
		text_clean(text, "\n");
		fputs(text, to);
	}
	free(text);
}

int
perf_outputs_write(struct perf_outputs *out, const struct perf_book *bk)
{
	bool taken = out->json.is_stdout || out->csv.is_stdout;
	FILE *table = taken ? stderr : stdout;
	int rc = 0;

	if (bk->nb_measured == 0)
		return 0;
	rc |= put(&out->json, "--json", bk, perf_json_write, false);
	rc |= put(&out->csv, "--csv", bk, perf_csv_write, false);
	rc |= perf_report_write(&out->report, bk);
	table_print(bk, table);
	if (out->report.written)
		fprintf(table, "\nreport    %s/index.html\n", out->report.shown);
	return rc;
}

void
perf_outputs_close(struct perf_outputs *out)
{
	outfile_close(&out->json);
	outfile_close(&out->csv);
	perf_report_close(&out->report);
}
