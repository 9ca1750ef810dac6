/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Points as a table for people, as CSV, as JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

#define NAME "simulated: cost model of cache lines, no machine"

static FILE *csv, *json;
static bool first;

static FILE *
open_file(const char *path, bool *ok)
{
	FILE *f = path != NULL ? fopen(path, "w") : NULL;

	if (path != NULL && f == NULL) {
		perror(path);
		*ok = false;
	}
	return f;
}

bool
report_begin(const char *csv_path, const char *json_path, const struct scale_conf *c)
{
	const struct line_conf *l = &c->line;
	bool ok = true;

	csv = open_file(csv_path, &ok);
	json = open_file(json_path, &ok);
	first = true;
	printf("%s\n"
	       "  a transfer %u ns (kept for %u), a fetch %u ns, an access %.2f ns, a pause %u ns, a look at the clock %u ns,\n"
	       "  a store %s; order exact to %u ns; caches without limit, processors in order\n",
	       NAME, l->transfer, l->hold, l->fetch, l->access_16th / 16.0, l->pause, l->clock,
	       l->stores_wait ? "waits" : "is posted", l->ahead);
	printf("%-16s %7s %5s %6s %6s | %9s %9s %5s | %7s %7s %6s %7s %6s | %7s %7s %5s %6s | %7s %7s | %7s %7s\n",
	       "subject", "workers", "burst", "SYNC", "bell", "pairs/us", "a worker", "fair", "transf.", "fetches",
	       "most", "waited", "engine", "SYNCs", "bells", "by 1", "reads", "unmap50", "unmap99", "rel.50", "rel.99");
	if (csv != NULL)
		fprintf(csv, "subject,workers,burst,domains,sync_ns,doorbell_ns,reg_read_ns,transfer_ns,fetch_ns,"
			"access_16th_ns,stores_wait,pairs,ns,pairs_per_us,fair,transfers,fetches,most_of_a_line,"
			"waited_ns,engine_waited,syncs,commands,doorbells,doorbells_of_one,reg_reads,unmap_p50_ns,unmap_p99_ns,"
			"release_p50_ns,release_p99_ns,hash\n");
	if (json != NULL)
		fprintf(json, "{\"what\": \"%s\", \"points\": [", NAME);
	return ok;
}

static void
to_csv(const struct scale_conf *c, const struct scale_result *r)
{
	const struct line_conf *l = &c->line;

	fprintf(csv, "%s,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,", c->subject->name, c->workers, c->burst,
		c->domain_each ? c->workers : 1, c->sync_ns, l->doorbell, l->reg_read, l->transfer, l->fetch,
		l->access_16th, l->stores_wait);
	fprintf(csv, "%" PRIu64 ",%" PRIu64 ",%.4f,%.3f,%.4f,%.4f,%.4f,%.1f,%.3f,%.5f,%.5f,%.5f,%.3f,%.5f,", r->pairs, r->ns,
		r->per_us, r->fair, r->transfers, r->fetches, r->most, r->wait, r->engine_wait, r->syncs,
		r->cmds, r->doorbells, r->ringer, r->reads);
	fprintf(csv, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%016" PRIx64 "\n", r->unmap_p50,
		r->unmap_p99, r->release_p50, r->release_p99, r->hash);
	fflush(csv);
}

static void
to_json(const struct scale_conf *c, const struct scale_result *r)
{
	const struct line_conf *l = &c->line;

	fprintf(json, "%s\n{\"subject\": \"%s\", \"workers\": %u, \"burst\": %u, \"domains\": %u, "
		"\"sync_ns\": %u, \"doorbell_ns\": %u, \"reg_read_ns\": %u, \"transfer_ns\": %u, "
		"\"fetch_ns\": %u, \"access_16th_ns\": %u, \"stores_wait\": %s, ",
		first ? "" : ",", c->subject->name, c->workers, c->burst, c->domain_each ? c->workers : 1,
		c->sync_ns, l->doorbell, l->reg_read, l->transfer, l->fetch, l->access_16th,
		l->stores_wait ? "true" : "false");
	fprintf(json, "\"pairs\": %" PRIu64 ", \"ns\": %" PRIu64 ", \"pairs_per_us\": %.4f, "
		"\"fair\": %.3f, "
		"\"transfers\": %.4f, \"fetches\": %.4f, \"most_of_a_line\": %.4f, \"waited_ns\": %.1f, \"engine_waited\": %.3f, "
		"\"syncs\": %.5f, \"commands\": %.5f, \"doorbells\": %.5f, \"doorbells_of_one\": %.3f, \"reg_reads\": %.5f, ",
		r->pairs, r->ns, r->per_us, r->fair, r->transfers, r->fetches, r->most, r->wait, r->engine_wait, r->syncs,
		r->cmds, r->doorbells, r->ringer, r->reads);
	fprintf(json, "\"unmap_p50_ns\": %" PRIu64 ", \"unmap_p99_ns\": %" PRIu64 ", "
		"\"release_p50_ns\": %" PRIu64 ", \"release_p99_ns\": %" PRIu64 "}",
		r->unmap_p50, r->unmap_p99, r->release_p50, r->release_p99);
	first = false;
}

void
report_point(const struct scale_conf *c, const struct scale_result *r)
{
	printf("%-16s %7u %5u %6u %6u | %9.3f %9.3f %5.2f | %7.3f %7.3f %6.3f %7.1f %6.2f | %7.4f %7.4f %5.2f %6.3f | %7" PRIu64
	       " %7" PRIu64 " |", c->subject->name, c->workers, c->burst, c->sync_ns, c->line.doorbell,
	       r->per_us, r->per_us / c->workers, r->fair, r->transfers, r->fetches, r->most, r->wait, r->engine_wait, r->syncs,
	       r->doorbells, r->ringer, r->reads, r->unmap_p50, r->unmap_p99);
	if (r->release_p50 != 0)
		printf(" %7" PRIu64 " %7" PRIu64, r->release_p50, r->release_p99);
	printf("\n");
	fflush(stdout);
	if (csv != NULL)
		to_csv(c, r);
	if (json != NULL)
		to_json(c, r);
}

bool
report_end(void)
{
	bool ok = fflush(stdout) == 0;

	if (csv != NULL)
		ok = fclose(csv) == 0 && ok;
	if (json != NULL) {
		fprintf(json, "\n]}\n");
		ok = fclose(json) == 0 && ok;
	}
	return ok;
}
