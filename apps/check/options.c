/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The command line. Arguments in front of "--" are for EAL; without a "--" all are options of ours.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <rte_version.h>

#include <sluice/sluice.h>

#include "../shared/args.h"
#include "check.h"

static const struct option long_options[] = {
	{ "dev", required_argument, NULL, 'd' },  { "dma", required_argument, NULL, 'm' },
	{ "case", required_argument, NULL, 'c' }, { "seed", required_argument, NULL, 's' },
	{ "json", required_argument, NULL, 'j' }, { "list", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },       { "version", no_argument, NULL, 'v' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
"sluice-check: is this IOMMU right, and this driver? A list of cases, each with real DMA.\n"
"\n"
"usage: sluice-check [options]\n"
"       sluice-check EAL options -- [options]\n"
"\n"
"  --dev STRING    backend and register source, key=value,... (smmuv3,regs=emu);\n"
"                  regs=qtest starts a QEMU of its own; regs=devmem needs the SMMU for\n"
"                  itself: devices behind it are cut off while cases run\n"
"  --dma NAME      the device that makes DMA: emu, edu, testdev (one for the register source)\n"
"  --case GLOB     only cases whose name matches, such as 'tlbi.*'; may be repeated\n"
"  --list          the cases, and what each proves\n"
"  --json FILE     results for programs; - for stdout (the lines then go to stderr)\n"
"  --seed N        seed of everything random (1)\n"
"  --help, --version\n"
"\n"
"Each case is a line: ok, FAIL or skip, its name, and a remark or the reason. The last line\n"
"is the sum. Without EAL options it runs without huge pages, on one lcore.\n"
"\n"
"Exit status: 0 no case failed; 1 a case failed, or a signal ended the run; 2 bad arguments,\n"
"or a device that does not open.\n";

static int
seed_parse(const char *s, uint64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoull(s, &end, 0);
	/* JSON's integers reach no further. */
	if (errno == 0 && end != s && *end == '\0' && *s != '-' && *v <= INT64_MAX)
		return -1;
	return check_usage("--seed: \"%s\" is not a whole number from 0 to %lld", s,
			   (long long)INT64_MAX);
}

static int
take(int opt, const char *arg, struct check_options *o)
{
	switch (opt) {
	case 'd':
		o->conf.dev = arg;
		return -1;
	case 'm':
		o->conf.dma = arg;
		return -1;
	case 'c':
		if (o->nb_globs == CHECK_GLOBS)
			return check_usage("--case: at most %u of them", CHECK_GLOBS);
		o->glob[o->nb_globs++] = arg;
		return -1;
	case 'j':
		if (arg[0] == '\0')
			return check_usage(
				"--json: the name is empty; give a file or - for stdout");
		o->json = arg;
		return -1;
	case 's':
		return seed_parse(arg, &o->conf.seed);
	case 'l':
		o->list = true;
		return -1;
	case 'h':
		fputs(help, stdout);
		return CHECK_OK;
	default:
		printf("sluice-check %s (%s)\n", sluice_version(), rte_version());
		return CHECK_OK;
	}
}

bool
check_wanted(const struct check_options *o, const struct conf_case *k)
{
	for (unsigned int i = 0; i < o->nb_globs; i++)
		if (fnmatch(o->glob[i], k->name, 0) == 0)
			return true;
	return o->nb_globs == 0;
}

static int
check_globs(const struct check_options *o)
{
	for (unsigned int i = 0; i < o->nb_globs; i++) {
		const struct check_options one = { .glob = { o->glob[i] }, .nb_globs = 1 };
		unsigned int n = 0;

		while (conf_case_get(n) != NULL && !check_wanted(&one, conf_case_get(n)))
			n++;
		if (conf_case_get(n) == NULL)
			return check_usage("--case: \"%s\" matches no case; see --list",
					   o->glob[i]);
	}
	return -1;
}

int
check_options_parse(int argc, char **argv, struct check_options *o)
{
	char **av = argv;
	int ac = argc, opt;

	memset(o, 0, sizeof(*o));
	o->conf.dev = "smmuv3,regs=emu";
	o->conf.seed = 1;
	for (int i = 1; i < argc && o->eal_argc == 0; i++)
		if (strcmp(argv[i], "--") == 0)
			o->eal_argc = i;
	if (o->eal_argc != 0) {
		const char *stray = args_misplaced(o->eal_argc, argv, long_options);

		if (stray != NULL)
			return check_usage("%s belongs behind the \"--\" that ends the EAL options",
					   stray);
		av = argv + o->eal_argc; /* getopt takes the "--" for argv[0] */
		ac = argc - o->eal_argc;
	}
	opterr = 0;
	optind = 0;
	while ((opt = getopt_long(ac, av, "+:", long_options, NULL)) != -1) {
		int rc;

		if (opt == '?' || opt == ':')
			return check_usage(opt == ':' ? "%s needs a value; see --help"
						      : "unknown option %s; see --help (EAL "
							"options need a \"--\" "
							"behind them)",
					   av[optind - 1]);
		rc = take(opt, optarg, o);
		if (rc >= 0)
			return rc;
	}
	if (optind < ac)
		return check_usage("\"%s\" is not an option; see --help", av[optind]);
	return check_globs(o);
}
