/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The command line. What is wrong with it is said in one line, and ends the program with status 2.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign.h"
#include "pool.h"

enum { SEEDS = 256, FIRST, JOBS, SET, SEED, SHRINK, NAMED, ONLY, JSON, EVENTS, TRACE, TRIES, ANY, STOP,
       HANG, HELP, VERSION };

static const struct option known[] = {
	{ "seeds", required_argument, NULL, SEEDS }, { "first", required_argument, NULL, FIRST },
	{ "jobs", required_argument, NULL, JOBS }, { "set", required_argument, NULL, SET },
	{ "seed", required_argument, NULL, SEED }, { "shrink", required_argument, NULL, SHRINK },
	{ "named", required_argument, NULL, NAMED }, { "only", required_argument, NULL, ONLY },
	{ "json", required_argument, NULL, JSON }, { "events", required_argument, NULL, EVENTS },
	{ "trace", no_argument, NULL, TRACE }, { "tries", required_argument, NULL, TRIES },
	{ "any", no_argument, NULL, ANY }, { "stop", no_argument, NULL, STOP },
	{ "hang", required_argument, NULL, HANG }, { "help", no_argument, NULL, HELP },
	{ "version", no_argument, NULL, VERSION }, { 0 },
};

static void
help(void)
{
	puts("sim - engine, driver and hardware in one thread; a seed decides who goes on at each step\n"
	     "\n"
	     "  sim --seeds N      a campaign: seeds 1 to N, each a world of its own. What a run violates\n"
	     "                     is printed with the seed that repeats it.\n"
	     "      --first S      begin with seed S\n"
	     "      --jobs J       in J processes (one for each processor); finds and sums are the same\n"
	     "      --stop         only the least seed that violates something\n"
	     "      --json FILE    everything that is known in the end, for programs\n"
	     "  sim --seed N       one seed once more: its story if it violates something. The same\n"
	     "                     bytes each time.\n"
	     "      --events N     the last N events of it (200)\n"
	     "      --trace        notes as they come\n"
	     "  sim --shrink N     make the case of seed N small, and print the line for the seeds file\n"
	     "      --tries K      schedules that are tried for each smaller plan (200)\n"
	     "      --any          any violation will do, not only the one in the same line of source\n"
	     "  sim --named FILE   replay the cases of a seeds file (tests/sim/seeds)\n"
	     "      --only NAME    this one alone\n"
	     "\n"
	     "  --set KEY=N,...    replace what the seed gives, in any of these ways\n"
	     "  --hang S           a run of more than S seconds of processor time hangs (120)\n"
	     "\n"
	     "First steps:  sim --seeds 1000;  sim --seed 17 --trace;  sim --seeds 1000 --set faults=0\n"
	     "\n"
	     "Keys of --set (schedule=N: the same plan in another order):");
	for (unsigned int f = 0; f < PLAN_NB; f++)
		printf("  %-12s at least %u: %s\n", plan_name(f), plan_least(f), plan_text(f));
	puts("\nStatus: 0 no violation, and everything happened that must; 1 a violation, or something\n"
	     "never happened in 1000 seeds or more without --set; 2 wrong usage.");
}

/* @return false, with the complaint printed: it is not a number, or out of bounds. */
static bool
number(const char *name, const char *text, uint64_t least, uint64_t most, uint64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoull(text, &end, 0);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || *v < least || *v > most) {
		fprintf(stderr, "sim: --%s %s: a number from %" PRIu64 " to %" PRIu64 " is expected\n",
			name, text, least, most);
		return false;
	}
	return true;
}

static bool
number32(const char *name, const char *text, uint32_t least, uint32_t most, uint32_t *v)
{
	uint64_t wide;

	if (!number(name, text, least, most, &wide))
		return false;
	*v = (uint32_t)wide;
	return true;
}

static bool
mode(struct options *o, int which, const char *name)
{
	if (o->mode != MODE_NONE) {
		fprintf(stderr, "sim: --%s: only one of --seeds, --seed, --shrink and --named\n", name);
		return false;
	}
	o->mode = which;
	return true;
}

static bool
settings(struct options *o, const char *text)
{
	struct plan p;
	const char *why;

	plan_make(&p, 1);
	why = plan_set(&p, text);
	if (why == NULL)
		why = world_wrong(&p);
	if (why != NULL)
		fprintf(stderr, "sim: --set: %s\n", why);
	o->set = text;
	return why == NULL;
}

/* @return false: it was wrong, and that has been said. */
static bool
take(struct options *o, int c, const char *name)
{
	switch (c) {
	case SEEDS:
		return mode(o, MODE_CAMPAIGN, name) && number(name, optarg, 1, INT64_MAX, &o->nb);
	case SEED:
		return mode(o, MODE_REPLAY, name) && number(name, optarg, 0, UINT64_MAX, &o->seed);
	case SHRINK:
		return mode(o, MODE_SHRINK, name) && number(name, optarg, 0, UINT64_MAX, &o->seed);
	case NAMED:
		o->file = optarg;
		return mode(o, MODE_NAMED, name);
	case FIRST:
		return number(name, optarg, 0, INT64_MAX, &o->first);
	case JOBS:
		return number32(name, optarg, 1, POOL_JOBS, &o->jobs);
	case SET:
		return settings(o, optarg);
	case EVENTS:
		return number32(name, optarg, 1, 65536, &o->events);
	case TRIES:
		return number32(name, optarg, 1, 1000000, &o->tries);
	case HANG:
		return number32(name, optarg, 1, 86400, &o->hang_s);
	case ONLY:
		o->only = optarg;
		return true;
	case JSON:
		o->json = optarg;
		return true;
	case TRACE:
		return o->trace = true;
	case ANY:
		return o->any = true;
	case STOP:
		return o->stop = true;
	default:
		return false;
	}
}

/* Options that say nothing in this way of running are a mistake, not a wish. */
static bool
fits(const struct options *o, const bool *given)
{
	static const struct {
		int option, mode;
	} of[] = { { FIRST, MODE_CAMPAIGN }, { STOP, MODE_CAMPAIGN }, { JSON, MODE_CAMPAIGN },
		   { EVENTS, MODE_REPLAY }, { TRACE, MODE_REPLAY }, { TRIES, MODE_SHRINK },
		   { ANY, MODE_SHRINK }, { ONLY, MODE_NAMED } };
	static const char *const modes[] = { "", "seeds", "seed", "shrink", "named" };

	if (o->mode == MODE_NONE) {
		fputs("sim: what is it to do? --seeds N, --seed N, --shrink N or --named FILE; --help "
		      "says more\n", stderr);
		return false;
	}
	for (unsigned int i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		if (given[of[i].option - SEEDS] && of[i].mode != (int)o->mode) {
			fprintf(stderr, "sim: --%s goes with --%s only\n",
				known[of[i].option - SEEDS].name, modes[of[i].mode]);
			return false;
		}
	if (o->mode == MODE_NAMED && o->set != NULL) {
		fputs("sim: --set: the cases of a seeds file are as they are\n", stderr);
		return false;
	}
	return true;
}

int
options_read(struct options *o, int argc, char **argv, int *status)
{
	bool given[VERSION - SEEDS + 1] = { false };
	int c, which = 0;

	*o = (struct options){ .first = 1, .hang_s = 120, .events = 200, .tries = 200 };
	*status = EXIT_USAGE;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", known, &which)) != -1) {
		if (c == HELP || c == VERSION) {
			c == HELP ? help() : (void)puts("sim " SLUICE_VERSION);
			*status = EXIT_OK;
			return -1;
		}
		if (c == ':' || c == '?') {
			fprintf(stderr, "sim: %s: %s; --help says which options there are\n",
				argv[optind - 1], c == ':' ? "a value is missing" : "unknown option");
			return -1;
		}
		given[c - SEEDS] = true;
		if (!take(o, c, known[c - SEEDS].name))
			return -1;
	}
	if (optind < argc) {
		fprintf(stderr, "sim: %s: no such argument; --help says what there is\n", argv[optind]);
		return -1;
	}
	return fits(o, given) ? 0 : -1;
}

void
options_plan(const struct options *o, uint64_t seed, struct plan *p)
{
	plan_make(p, seed);
	if (o->set != NULL)
		(void)plan_set(p, o->set); /* it was looked at: settings() */
}
