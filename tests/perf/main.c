/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * sluice-bench: the micro-benchmarks, each beside a peer in the same run. No time makes it fail;
 * what was measured must have been right, though.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include "bench.h"
#include "machine.h"
#include "report.h"

static const struct {
	const char *name, *what;
	bool (*run)(void);
} benches[] = {
	{ "pair", "map + unmap of 4 KiB, one worker and two (G1, G7)", bench_pair },
	{ "run", "256 x 4 KiB in one call (G3)", bench_run },
	{ "scale", "flat over domains and live mappings? (G14)", bench_scale },
	{ "iova", "IOVA alloc + free (G2)", bench_iova },
	{ "ring", "flush ring (G4)", bench_ring },
	{ "policies", "what safety costs, over emulated hardware (G6-G9)", bench_policies },
	{ "copies", "copy or map, 64 bytes to 64 KiB (G11)", bench_copies },
	{ "reads", "page-table reads by level, counted (G10)", bench_reads },
};

static const struct option options[] = {
	{ "rounds", required_argument, NULL, 'r' },  { "round-us", required_argument, NULL, 'u' },
	{ "json", required_argument, NULL, 'j' },    { "max-live", required_argument, NULL, 'L' },
	{ "max-domains", required_argument, NULL, 'D' }, { "smoke", no_argument, NULL, 's' },
	{ "list", no_argument, NULL, 'l' },          { "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void
help(void)
{
	printf("sluice-bench [EAL arguments --] [options] [benchmark ...]\n"
	       "  --rounds N       odd, 3 to %u (15; below 9 a median says little)\n"
	       "  --round-us N     time of one variant in one round, us (1000)\n"
	       "  --max-live N     largest number of live mappings (4194304)\n"
	       "  --max-domains N  largest number of domains (1024)\n"
	       "  --json FILE      every round of everything\n"
	       "  --smoke          tiny counts: is it all there and right? Times mean nothing\n"
	       "  --list           names of the benchmarks\n"
	       "Without EAL arguments: two CPUs, huge pages if 64 are free, no devices.\n",
	       BENCH_MAX_ROUNDS);
}

static uint64_t
number(const char *name, uint64_t min, uint64_t max)
{
	char *end;

	errno = 0;
	unsigned long long v = strtoull(optarg, &end, 10);

	if (errno != 0 || *end != '\0' || end == optarg || *optarg == '-' || v < min || v > max) {
		fprintf(stderr, "sluice-bench: --%s '%s': a number from %llu to %llu is wanted\n", name,
			optarg, (unsigned long long)min, (unsigned long long)max);
		exit(2);
	}
	return v;
}

/* @return the file for JSON or NULL. */
static const char *
parse(int argc, char **argv)
{
	const char *json = NULL;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'r':
			bench_opts.rounds = (unsigned int)number("rounds", 3, BENCH_MAX_ROUNDS) | 1;
			break;
		case 'u':
			bench_opts.round_us = (unsigned int)number("round-us", 10, 10000000);
			break;
		case 'L':
			bench_opts.max_live = number("max-live", 1024, 1u << 26);
			break;
		case 'D':
			bench_opts.max_domains = (uint32_t)number("max-domains", 1, 4096);
			break;
		case 's':
			bench_opts.smoke = true;
			bench_opts.rounds = 3;
			bench_opts.max_live = 4096;
			bench_opts.max_domains = 16;
			break;
		case 'j':
			json = optarg;
			break;
		case 'l':
			for (unsigned int i = 0; i < RTE_DIM(benches); i++)
				printf("%s\n", benches[i].name);
			exit(0);
		case 'h':
			help();
			exit(0);
		default:
			exit(2); /* getopt has said it */
		}
	}
	return json;
}

static bool
known(const char *name)
{
	for (unsigned int i = 0; i < RTE_DIM(benches); i++)
		if (strcmp(name, benches[i].name) == 0)
			return true;
	return false;
}

static long
free_huge_pages(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	long n = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "HugePages_Free: %ld", &n);
	if (f != NULL)
		fclose(f);
	return n;
}

/* EAL with what is before "--", else with what suits this machine. @return arguments it had. */
static int
eal(int argc, char **argv)
{
	char prefix[48], quiet[] = "--log-level=lib.eal:error", no_pci[] = "--no-pci",
	     in_memory[] = "--in-memory", no_huge[] = "--no-huge", m[] = "-m", mb[] = "512",
	     no_shconf[] = "--no-shconf", lcores[] = "--lcores", two[] = "0,1", one[] = "0",
	     no_tel[] = "--no-telemetry";
	char *av[16] = { argv[0], quiet, no_pci, no_tel, lcores,
			 sysconf(_SC_NPROCESSORS_ONLN) > 1 ? two : one };
	int ac = 6, dashes = 0;

	for (int i = 1; i < argc && dashes == 0; i++)
		if (strcmp(argv[i], "--") == 0)
			dashes = i;
	if (dashes != 0) {
		argv[dashes] = NULL;
		ac = rte_eal_init(dashes, argv);
	} else {
		snprintf(prefix, sizeof(prefix), "--file-prefix=sluice-bench-%d", (int)getpid());
		if (free_huge_pages() >= 64) {
			av[ac++] = in_memory;
		} else {
			av[ac++] = no_huge;
			av[ac++] = m;
			av[ac++] = mb;
			av[ac++] = no_shconf;
			av[ac++] = prefix;
		}
		ac = rte_eal_init(ac, av);
	}
	if (ac < 0) {
		fprintf(stderr, "sluice-bench: EAL did not start: %s; without huge pages give "
			"--no-huge -m 512 before --\n", rte_strerror(rte_errno));
		exit(2);
	}
	return dashes;
}

int
main(int argc, char **argv)
{
	struct report_machine m = { 0 };
	int eaten = 0, status;
	const char *json;

	/* The options first, so that a wrong one is told before anything is set up. */
	for (int i = 1; i < argc && eaten == 0; i++)
		if (strcmp(argv[i], "--") == 0)
			eaten = i;
	json = parse(argc - eaten, argv + eaten);
	for (int i = eaten + optind; i < argc; i++) {
		if (!known(argv[i])) {
			fprintf(stderr, "sluice-bench: no benchmark '%s'; see --list\n", argv[i]);
			return 2;
		}
	}
	int first = eaten + optind;

	optind = 1;
	eal(argc, argv);
	machine_line(m.line, sizeof(m.line));
	machine_lcores(m.lcores, sizeof(m.lcores));
	m.ping_pong[0] = machine_ping_pong();
	for (unsigned int i = 0; i < RTE_DIM(benches); i++) {
		bool wanted = first >= argc;

		for (int k = first; k < argc; k++)
			wanted = wanted || strcmp(argv[k], benches[i].name) == 0;
		if (wanted && !benches[i].run())
			bench_check(false, "%s did not finish", benches[i].name);
	}
	m.ping_pong[1] = machine_ping_pong();
	report_table(&m);
	status = bench_results.failed != 0;
	if (json != NULL && !report_json(&m, json))
		status = 2;
	bench_results_free();
	rte_eal_cleanup();
	return status;
}
