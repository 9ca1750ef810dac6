/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Which output goes where. When a file format takes stdout the table moves to stderr.
 */
#include "msg.h"
#include "outputs.h"
#include "report/report.h"

int
perf_outputs_open(struct perf_outputs *out, const struct perf_options *o)
{
	int rc;

	out->report = o->report;
	out->csv.f = NULL;
	out->csv.tmp[0] = '\0';
	rc = perf_outfile_open(&out->json, o->json, "--json");
	if (rc == 0)
		rc = perf_outfile_open(&out->csv, o->csv, "--csv");
	if (rc == 0 && o->report != NULL)
		rc = perf_report_prepare(o->report);
	if (rc != 0)
		perf_outputs_discard(out);
	return rc;
}

int
perf_outputs_write(struct perf_outputs *out, const struct perf_book *bk)
{
	FILE *table = out->json.f == stdout || out->csv.f == stdout ? stderr : stdout;
	int rc = 0;

	perf_table_print(bk, table);
	if (out->json.f != NULL && perf_json_write(bk, out->json.f) != 0)
		rc = perf_failed("%s: cannot be written: %m", out->json.path);
	if (rc == 0)
		rc = perf_outfile_commit(&out->json);
	if (rc == 0 && out->csv.f != NULL && perf_csv_write(bk, out->csv.f) != 0)
		rc = perf_failed("%s: cannot be written: %m", out->csv.path);
	if (rc == 0)
		rc = perf_outfile_commit(&out->csv);
	if (rc == 0 && out->report != NULL)
		rc = perf_report_write(bk, out->report, table);
	return rc;
}

void
perf_outputs_discard(struct perf_outputs *out)
{
	perf_outfile_discard(&out->json);
	perf_outfile_discard(&out->csv);
}
