/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A campaign: many seeds, what each violates, and whether everything happened that must happen
 * sometimes.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "campaign.h"
#include "pool.h"

struct ctx {
	const struct options *o;
	json_t *finds;
};

static void
plan_of(struct plan *p, uint64_t at, void *arg)
{
	const struct options *o = ((struct ctx *)arg)->o;

	options_plan(o, o->first + at, p);
}

static void
found(const struct pool_find *f, void *arg)
{
	struct ctx *c = arg;
	char text[800];

	bar_clear();
	plan_print(&f->plan, NULL, text, sizeof(text));
	printf("seed %" PRIu64 ": %s\n  %s\n", f->plan.seed, f->reason, text);
	fflush(stdout);
	json_array_append_new(c->finds, json_pack("{s:I, s:s, s:I, s:s}", "seed",
			      (json_int_t)f->plan.seed, "reason", f->reason, "steps",
			      (json_int_t)f->steps, "plan", text));
}

static void
progress(uint64_t runs, uint64_t nb, uint64_t violations, void *arg)
{
	(void)arg;
	bar_show(runs, nb, violations);
}

/* Names what never happened. @return how many those are. */
static unsigned int
uncovered(const struct pool_sum *sum, json_t *never)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < SOMETIMES_NB; i++) {
		if (sum->events[i] != 0)
			continue;
		n++;
		json_array_append_new(never, json_string(sometimes_name[i]));
	}
	return n;
}

static int
write_json(const struct options *o, const struct pool_sum *sum, json_t *finds, json_t *never)
{
	json_t *happened = json_object(), *all;
	char hash[20];
	int ret;

	for (unsigned int i = 0; i < SOMETIMES_NB; i++)
		json_object_set_new(happened, sometimes_name[i], json_pack("{s:I, s:I}", "events",
				    (json_int_t)sum->events[i], "seeds", (json_int_t)sum->seeds[i]));
	snprintf(hash, sizeof(hash), "%016" PRIx64, sum->hash);
	all = json_pack("{s:s, s:I, s:I, s:s?, s:I, s:I, s:I, s:f, s:s, s:I, s:O, s:o, s:O}",
		"version", SLUICE_VERSION, "first", (json_int_t)o->first, "seeds",
		(json_int_t)o->nb, "set", o->set, "runs", (json_int_t)sum->runs, "steps",
		(json_int_t)sum->steps, "virtual_ns", (json_int_t)sum->ns, "wall_s", sum->wall_s,
		"hash", hash, "violations", (json_int_t)sum->violations, "finds", finds, "sometimes",
		happened, "never", never);
	ret = all == NULL ? -1 : json_dump_file(all, o->json, JSON_INDENT(1));
	json_decref(all);
	if (ret != 0)
		fprintf(stderr, "sim: %s: %s\n", o->json, strerror(errno));
	return ret;
}

static void
print_never(const struct options *o, const json_t *never)
{
	printf("in %" PRIu64 " seeds these never happened:", o->nb);
	for (unsigned int i = 0; i < json_array_size(never); i++)
		printf(" %s", json_string_value(json_array_get(never, i)));
	putchar('\n');
}

int
campaign(const struct options *o)
{
	struct ctx c = { .o = o, .finds = json_array() };
	const struct pool_conf conf = {
		.nb = o->nb, .jobs = o->jobs, .hang_s = o->hang_s, .least = o->stop,
		.plan_of = plan_of, .run = o->run, .found = found, .progress = progress, .arg = &c,
	};
	json_t *never = json_array();
	struct pool_sum sum;
	int ret = pool_run(&conf, &sum), status = sum.violations != 0 ? EXIT_VIOLATION : EXIT_OK;

	bar_clear();
	if (ret != 0) {
		fprintf(stderr, "sim: no processes: %s\n", strerror(-ret));
		return EXIT_USAGE;
	}
	/* A campaign that stopped, or whose plans are narrowed, need not have seen everything. */
	if (uncovered(&sum, never) != 0 && o->nb >= CAMPAIGN_COVERS && o->set == NULL &&
	    sum.runs == o->nb) {
		print_never(o, never);
		status = EXIT_VIOLATION;
	}
	if (o->json != NULL && write_json(o, &sum, c.finds, never) != 0)
		status = EXIT_USAGE;
	json_decref(c.finds);
	json_decref(never);
	printf("%" PRIu64 " seeds, %" PRIu64 " steps, %.3f s virtual, %.1f s, hash %016" PRIx64
	       ", %" PRIu64 " violations\n", sum.runs, sum.steps, (double)sum.ns / 1e9, sum.wall_s,
	       sum.hash, sum.violations);
	return status;
}
