/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The cases of a seeds file: what was found once, and mended. Each is to go well.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign.h"
#include "pool.h"
#include "world/world.h"

#define CASES 512u
#define NAME  48u

static struct {
	char name[NAME];
	struct plan plan;
} list[CASES];
static unsigned int nb;

/* One line: name, seed, settings, words. @return NULL, or what is wrong with it. */
static const char *
parse(char *line, const char *only)
{
	char *save = NULL, *name = strtok_r(line, " \t\n", &save), *seed, *set, *what, *end;
	const char *why;

	if (name == NULL || name[0] == '#')
		return NULL;
	seed = strtok_r(NULL, " \t\n", &save);
	set = strtok_r(NULL, " \t\n", &save);
	what = strtok_r(NULL, "\n", &save);
	if (what == NULL)
		return "name, seed, settings (or -) and what it showed are expected";
	if (strlen(name) >= NAME || nb == CASES)
		return "too long a name, or too many cases";
	for (unsigned int i = 0; i < nb; i++)
		if (strcmp(list[i].name, name) == 0)
			return "this name is there already";
	plan_make(&list[nb].plan, strtoull(seed, &end, 0));
	if (*end != '\0')
		return "the seed is no number";
	why = strcmp(set, "-") == 0 ? NULL : plan_set(&list[nb].plan, set);
	if (why == NULL)
		why = world_wrong(&list[nb].plan);
	strcpy(list[nb].name, name);
	nb += only == NULL || strcmp(name, only) == 0;
	return why;
}

static int
read_list(const struct options *o)
{
	FILE *f = fopen(o->file, "r");
	char line[2048];
	unsigned int n = 0;

	if (f == NULL) {
		fprintf(stderr, "sim: %s: %s\n", o->file, strerror(errno));
		return -1;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		const char *why = parse(line, o->only);

		n++;
		if (why == NULL)
			continue;
		fprintf(stderr, "sim: %s:%u: %s\n", o->file, n, why);
		(void)fclose(f);
		return -1;
	}
	(void)fclose(f);
	if (nb == 0)
		fprintf(stderr, "sim: %s: no such case is in it\n", o->file);
	return nb == 0 ? -1 : 0;
}

static void
plan_of(struct plan *p, uint64_t at, void *arg)
{
	(void)arg;
	*p = list[at].plan;
}

static void
found(const struct pool_find *f, void *arg)
{
	char text[800];

	(void)arg;
	plan_print(&f->plan, NULL, text, sizeof(text));
	printf("%s: seed %" PRIu64 ": %s\n  %s\n", list[f->at].name, f->plan.seed, f->reason, text);
	fflush(stdout);
}

int
named(const struct options *o)
{
	struct pool_conf conf = { .jobs = o->jobs, .hang_s = o->hang_s, .plan_of = plan_of,
				  .run = o->run, .found = found };
	struct pool_sum sum;
	int ret;

	if (read_list(o) != 0)
		return EXIT_USAGE;
	conf.nb = nb;
	ret = pool_run(&conf, &sum);
	if (ret != 0) {
		fprintf(stderr, "sim: no processes: %s\n", strerror(-ret));
		return EXIT_USAGE;
	}
	printf("%" PRIu64 " named seeds, %" PRIu64 " violations\n", sum.runs, sum.violations);
	return sum.violations != 0 ? EXIT_VIOLATION : EXIT_OK;
}
