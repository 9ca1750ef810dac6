/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The command line is read before EAL starts, so that a slip is reported at once.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bitops.h> /* rte_is_power_of_2(), since DPDK 24.07 */
#include <rte_common.h>

#include <sluice/sluice.h>

#include "../shared/args.h"
#include "help.h"
#include "msg.h"
#include "options.h"

enum {
	OPT_DEV = 256, OPT_WORKLOAD, OPT_POLICY, OPT_PAIRS, OPT_SECONDS, OPT_WORKERS, OPT_BATCH,
	OPT_DEADLINE, OPT_PROBE, OPT_SWEEP, OPT_JSON, OPT_CSV, OPT_REPORT, OPT_SEED, OPT_LAYOUT,
	OPT_ROUNDS, OPT_BURST, OPT_INSNS, OPT_LIST, OPT_HELP, OPT_VERSION,
};

static const struct option long_options[] = {
	{ "dev", required_argument, NULL, OPT_DEV },
	{ "workload", required_argument, NULL, OPT_WORKLOAD },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "pairs", required_argument, NULL, OPT_PAIRS },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "batch", required_argument, NULL, OPT_BATCH },
	{ "burst", required_argument, NULL, OPT_BURST },
	{ "deadline-us", required_argument, NULL, OPT_DEADLINE },
	{ "probe-stale", no_argument, NULL, OPT_PROBE },
	{ "sweep", required_argument, NULL, OPT_SWEEP },
	{ "json", required_argument, NULL, OPT_JSON },
	{ "csv", required_argument, NULL, OPT_CSV },
	{ "report", required_argument, NULL, OPT_REPORT },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "layout", required_argument, NULL, OPT_LAYOUT },
	{ "rounds", required_argument, NULL, OPT_ROUNDS },
	{ "insns", no_argument, NULL, OPT_INSNS },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const char *const layout_names[] = {
	[PERF_LAYOUT_AUTO] = "auto", [PERF_LAYOUT_SPLIT] = "split",
	[PERF_LAYOUT_INLINE] = "inline", [PERF_LAYOUT_STEP] = "step",
};

const char *
perf_layout_name(enum perf_layout_kind k)
{
	return layout_names[k];
}

int
perf_number_parse(const char *s, uint64_t min, uint64_t max, uint64_t *v)
{
	unsigned long long n;
	uint64_t mult = 1;
	char *end;

	if (s[0] < '0' || s[0] > '9')
		return -1;
	errno = 0;
	n = strtoull(s, &end, 10);
	if (errno != 0)
		return -1;
	if (*end == 'k' || *end == 'K')
		mult = 1000;
	else if (*end == 'M')
		mult = 1000000;
	else if (*end == 'G')
		mult = 1000000000;
	if (mult != 1)
		end++;
	if (*end != '\0' || n > UINT64_MAX / mult || n * mult < min || n * mult > max)
		return -1;
	*v = n * mult;
	return 0;
}

static int
layout_parse(const char *s, enum perf_layout_kind *k)
{
	for (unsigned int i = 0; i < RTE_DIM(layout_names); i++)
		if (strcmp(s, layout_names[i]) == 0) {
			*k = (enum perf_layout_kind)i;
			return 0;
		}
	perf_usage_error("--layout: unknown layout \"%s\"; known are split, inline, step", s);
	return -1;
}

static int
number(const char *opt, const char *s, uint64_t min, uint64_t max, uint64_t *v)
{
	if (perf_number_parse(s, min, max, v) == 0)
		return 0;
	perf_usage_error("%s: \"%s\" is not a whole number from %llu to %llu", opt, s,
			 (unsigned long long)min, (unsigned long long)max);
	return -1;
}

static int
number32(const char *opt, const char *s, uint32_t min, uint32_t max, uint32_t *v)
{
	uint64_t n;

	if (number(opt, s, min, max, &n) != 0)
		return -1;
	*v = (uint32_t)n;
	return 0;
}

static int
seconds_parse(const char *s, double *v)
{
	char *end;

	*v = strtod(s, &end);
	if (end != s && *end == '\0' && isfinite(*v) && *v > 0 && *v <= 86400)
		return 0;
	perf_usage_error("--seconds: \"%s\" is not a time above 0 and up to 86400", s);
	return -1;
}

static int
batch_parse(const char *s, uint32_t *v)
{
	if (number32("--batch", s, 0, PERF_BATCH_MAX, v) != 0)
		return -1;
	if (rte_is_power_of_2(*v))
		return 0;
	perf_usage_error("--batch: %s is not a power of two from 1 to %u, such as 256", s,
			 PERF_BATCH_MAX);
	return -1;
}

static int
option_take(int opt, char *arg, struct perf_options *o)
{
	switch (opt) {
	case OPT_DEV: o->dev = arg; return 0;
	case OPT_WORKLOAD: o->workload = arg; return 0;
	case OPT_SWEEP: o->sweep = arg; return 0;
	case OPT_JSON: o->json = arg; return 0;
	case OPT_CSV: o->csv = arg; return 0;
	case OPT_REPORT: o->report = arg; return 0;
	case OPT_PROBE: o->probe_stale = true; return 0;
	case OPT_INSNS: o->insns = true; return 0;
	case OPT_POLICY: return perf_policies_parse(arg, "--policy", o);
	case OPT_PAIRS: return number("--pairs", arg, 1, UINT64_C(1) << 48, &o->pairs);
	case OPT_SECONDS:
		o->pairs = 0;
		return seconds_parse(arg, &o->seconds);
	case OPT_WORKERS: return number32("--workers", arg, 1, PERF_WORKERS_MAX, &o->workers);
	case OPT_BATCH: return batch_parse(arg, &o->batch);
	case OPT_BURST: return number32("--burst", arg, 1, PERF_BURST_MAX, &o->burst);
	case OPT_DEADLINE:
		return number32("--deadline-us", arg, 1, PERF_DEADLINE_US_MAX, &o->deadline_us);
	case OPT_SEED: return number("--seed", arg, 0, INT64_MAX, &o->seed);
	case OPT_LAYOUT: return layout_parse(arg, &o->layout);
	case OPT_ROUNDS: return number32("--rounds", arg, 1, PERF_MAX_ROUNDS, &o->rounds);
	default: return -1;
	}
}

static bool
inform(int opt)
{
	switch (opt) {
	case OPT_HELP: perf_help(); return true;
	case OPT_VERSION: perf_version(); return true;
	case OPT_LIST: perf_list(); return true;
	default: return false;
	}
}

/* --help, --version and --list are answered on both sides of "--", whatever else is there. */
static bool
informed(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return inform(OPT_HELP);
		if (strcmp(argv[i], "--version") == 0)
			return inform(OPT_VERSION);
		if (strcmp(argv[i], "--list") == 0)
			return inform(OPT_LIST);
	}
	return false;
}

static void
defaults(struct perf_options *o)
{
	memset(o, 0, sizeof(*o));
	o->dev = "smmuv3,regs=emu";
	o->workload = "net:imix";
	o->pairs = 200000;
	o->workers = 1;
	o->burst = PERF_BURST;
	o->rounds = 3;
	o->seed = 1;
}

enum perf_options_verdict
perf_options_parse(int argc, char **argv, struct perf_options *o, int *eal_argc)
{
	bool pairs = false, seconds = false;
	const char *stray;
	char **av;
	int ac, opt;

	defaults(o);
	if (informed(argc, argv))
		return PERF_OPTIONS_DONE;
	for (*eal_argc = 1; *eal_argc < argc; (*eal_argc)++)
		if (strcmp(argv[*eal_argc], "--") == 0)
			break;
	stray = args_misplaced(*eal_argc, argv, long_options);
	if (stray != NULL) {
		perf_usage_error("%s belongs behind the \"--\" that ends the EAL options: "
				 "sluice-perf [EAL options] -- [options]", stray);
		return PERF_OPTIONS_BAD;
	}
	/* getopt takes the "--" for argv[0]. */
	av = argv + *eal_argc;
	ac = argc - *eal_argc;
	opterr = 0;
	optind = 0;
	while (ac > 0 && (opt = getopt_long(ac, av, "+:", long_options, NULL)) != -1) {
		if (opt == '?' || opt == ':') {
			perf_usage_error(opt == ':' ? "%s needs a value; see --help" :
					 "unknown option %s; see --help", av[optind - 1]);
			return PERF_OPTIONS_BAD;
		}
		if (inform(opt)) /* an abbreviation such as "--hel", which getopt knows */
			return PERF_OPTIONS_DONE;
		if (option_take(opt, optarg, o) != 0)
			return PERF_OPTIONS_BAD;
		pairs |= opt == OPT_PAIRS;
		seconds |= opt == OPT_SECONDS;
	}
	if (ac > 0 && optind < ac) {
		perf_usage_error("\"%s\" is not an option; see --help", av[optind]);
		return PERF_OPTIONS_BAD;
	}
	if (pairs && seconds) {
		perf_usage_error("--pairs and --seconds exclude one another: give one of them");
		return PERF_OPTIONS_BAD;
	}
	/* A device such as /dev/null may be both. Two spellings of one file are found on
	 * opening. */
	if (o->json != NULL && o->csv != NULL && strcmp(o->json, o->csv) == 0 &&
	    strncmp(o->json, "/dev/", 5) != 0) {
		perf_usage_error("--json and --csv both name \"%s\": give each its own file",
				 o->json);
		return PERF_OPTIONS_BAD;
	}
	if (o->nb_policies == 0 &&
	    perf_policies_parse("passthrough,strict,deferred", "--policy", o) != 0)
		return PERF_OPTIONS_BAD;
	return PERF_OPTIONS_RUN;
}
