/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * sim-scale: operations a virtual second of 1 … 64 workers. See README.md.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../rt/sim.h"
#include "kernel_like.h"
#include "report.h"
#include "scale.h"

const struct scale_subject scale_subjects[] = {
	{ "bound", NULL, SUBJECT_NONE, 0, 1, 2048, 0 },
	{ "strict", "strict", SUBJECT_SYNC, 0, 1, 64, 512 },
	{ "strict-batched", "strict-batched", SUBJECT_SYNC, 0, 32, 1024, 4096 },
	{ "strict-async", "strict-async", SUBJECT_ASYNC, 0, 1, 2048, 8192 },
	{ "deferred", "deferred", SUBJECT_SYNC, 0, 1, 4096, 16384 },
	{ "deferred-single", "deferred-single", SUBJECT_SYNC, 0, 1, 2048, 131072 },
	{ "rollover", "rollover", SUBJECT_SYNC, 0, 1, 2048, 65536 },
	{ "contiguous", "contiguous", SUBJECT_SYNC, 0, 64, 2048, 8192 },
	{ "persistent", "persistent", SUBJECT_SYNC, 0, 1, 2048, 0 },
	{ "copy", "copy", SUBJECT_SYNC, 0, 1, 512, 0 },
	{ "kernel-lock", NULL, SUBJECT_KERNEL, KERNEL_STRICT_LOCK, 1, 64, 512 },
	{ "kernel-strict", NULL, SUBJECT_KERNEL, KERNEL_STRICT_OWNER, 1, 64, 512 },
	{ "kernel-deferred", NULL, SUBJECT_KERNEL, KERNEL_DEFERRED, 1, 4096, 16384 },
};
const unsigned int scale_nb_subjects = sizeof(scale_subjects) / sizeof(scale_subjects[0]);

#define LIST 16u

static struct {
	const char *subjects, *workers, *syncs, *bells, *csv, *json;
	unsigned int burst;
	bool reg_read;
	struct scale_conf conf;
} opt = {
	.subjects = "all", .workers = "1,2,4,8,16,32,64", .syncs = "1000", .bells = "0,5000",
	.conf = { .line = { .transfer = 100, .fetch = 50, .hold = 20, .access_16th = 8, .pause = 20, .clock = 8,
			    .reg_read = 300, .ahead = 10 } },
};

static void
fail(const char *why)
{
	printf("FAILED: %s, %u workers, doorbell %u ns: %s\n",
	       opt.conf.subject != NULL ? opt.conf.subject->name : "?", opt.conf.workers,
	       opt.conf.line.doorbell, why);
	fflush(stdout);
}

static const char usage[] =
	"sim-scale: many workers on one SMMU in virtual time, with a cost model of cache lines\n"
	"  --policy NAME,…|all   what is measured (--list)\n"
	"  --workers N,…         (1,2,4,8,16,32,64)\n"
	"  --sync NS,…           a SYNC takes so long, and they come one after the other (1000)\n"
	"  --doorbell NS,…       a doorbell holds its writer up for so long (0,5000)\n"
	"  --reg-read NS         a read of a register does (300; or the doorbell, if that is longer)\n"
	"  --transfer NS --fetch NS --hold NS --access NS --pause NS --clock NS   rt/line.h (100 50 20 0.5 20 8)\n"
	"  --stores-wait         stores are not posted\n"
	"  --burst N             pages a call (1; strict-batched 32, contiguous 64)\n"
	"  --batch N --ring N    of flush queues\n"
	"  --domains each        a domain for each worker\n"
	"  --lines N             which lines moved, and where in the code\n"
	"  --csv FILE --json FILE\n"
	"  --quick               an eighth of the pairs\n";

static void
list(void)
{
	for (unsigned int i = 0; i < scale_nb_subjects; i++)
		puts(scale_subjects[i].name);
}

enum { O_POLICY = 1, O_WORKERS, O_SYNC, O_BELL, O_READ, O_TRANSFER, O_FETCH, O_HOLD, O_ACCESS, O_PAUSE, O_CLOCK,
       O_WAIT, O_BURST, O_BATCH, O_RING, O_DOMAINS, O_LINES, O_CSV, O_JSON, O_QUICK, O_LIST, O_HELP };

static const struct option options[] = {
	{ "policy", 1, NULL, O_POLICY }, { "workers", 1, NULL, O_WORKERS }, { "sync", 1, NULL, O_SYNC },
	{ "doorbell", 1, NULL, O_BELL }, { "reg-read", 1, NULL, O_READ },
	{ "transfer", 1, NULL, O_TRANSFER }, { "fetch", 1, NULL, O_FETCH },
	{ "hold", 1, NULL, O_HOLD },
	{ "access", 1, NULL, O_ACCESS }, { "pause", 1, NULL, O_PAUSE }, { "clock", 1, NULL, O_CLOCK },
	{ "stores-wait", 0, NULL, O_WAIT }, { "burst", 1, NULL, O_BURST }, { "batch", 1, NULL, O_BATCH },
	{ "ring", 1, NULL, O_RING }, { "domains", 1, NULL, O_DOMAINS }, { "lines", 1, NULL, O_LINES },
	{ "csv", 1, NULL, O_CSV }, { "json", 1, NULL, O_JSON }, { "quick", 0, NULL, O_QUICK },
	{ "list", 0, NULL, O_LIST }, { "help", 0, NULL, O_HELP }, { 0 },
};

static uint32_t
number(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || v > 1000000000) {
		fprintf(stderr, "%s: a number is expected\n", text);
		exit(2);
	}
	return (uint32_t)v;
}

static void
take(int o)
{
	struct scale_conf *c = &opt.conf;

	switch (o) {
	case O_POLICY: opt.subjects = optarg; break;
	case O_WORKERS: opt.workers = optarg; break;
	case O_SYNC: opt.syncs = optarg; break;
	case O_BELL: opt.bells = optarg; break;
	case O_READ: c->line.reg_read = number(optarg); opt.reg_read = true; break;
	case O_TRANSFER: c->line.transfer = number(optarg); break;
	case O_FETCH: c->line.fetch = number(optarg); break;
	case O_HOLD: c->line.hold = number(optarg); break;
	case O_ACCESS: c->line.access_16th = (uint32_t)(strtod(optarg, NULL) * 16 + 0.5); break;
	case O_PAUSE: c->line.pause = number(optarg); break;
	case O_CLOCK: c->line.clock = number(optarg); break;
	case O_WAIT: c->line.stores_wait = true; break;
	case O_BURST: opt.burst = number(optarg); break;
	case O_BATCH: c->batch = number(optarg); break;
	case O_RING: c->ring = number(optarg); break;
	case O_DOMAINS: c->domain_each = strcmp(optarg, "each") == 0; break;
	case O_LINES: c->lines = number(optarg); break;
	case O_CSV: opt.csv = optarg; break;
	case O_JSON: opt.json = optarg; break;
	case O_QUICK: c->quick = true; break;
	case O_LIST: list(); exit(0);
	case O_HELP: fputs(usage, stdout); exit(0);
	default: fputs(usage, stderr); exit(2);
	}
}

static unsigned int
numbers(const char *text, uint32_t *v)
{
	char copy[128], *save, *t;
	unsigned int n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (t = strtok_r(copy, ",", &save); t != NULL && n < LIST; t = strtok_r(NULL, ",", &save))
		v[n++] = number(t);
	return n;
}

/* Is @p name in the list? */
static bool
wanted(const char *name)
{
	size_t len = strlen(name);

	if (strcmp(opt.subjects, "all") == 0)
		return true;
	for (const char *p = opt.subjects; (p = strstr(p, name)) != NULL; p++)
		if ((p == opt.subjects || p[-1] == ',') && (p[len] == '\0' || p[len] == ','))
			return true;
	return false;
}

static unsigned int
curve(const struct scale_subject *s)
{
	uint32_t workers[LIST], bell[LIST], sync[LIST];
	unsigned int nb = numbers(opt.workers, workers), nb_bell = numbers(opt.bells, bell),
		     nb_sync = numbers(opt.syncs, sync), points = 0;
	struct scale_conf *c = &opt.conf;
	uint32_t reg_read = c->line.reg_read;

	c->subject = s;
	c->burst = opt.burst != 0 && opt.burst <= SCALE_BURST ? opt.burst : s->burst;
	for (unsigned int y = 0; y < nb_sync; y++)
		for (unsigned int b = 0; b < nb_bell; b++)
			for (unsigned int i = 0; i < nb; i++, points++) {
				struct scale_result r;

				c->sync_ns = sync[y];
				c->line.doorbell = bell[b];
				c->line.reg_read = opt.reg_read || bell[b] < reg_read ? reg_read : bell[b];
				c->workers = workers[i];
				SIM_CHECK(workers[i] != 0 && workers[i] <= SCALE_WORKERS,
					  "1 to %u workers", SCALE_WORKERS);
				r = scale_run(c);
				report_point(c, &r);
			}
	c->line.reg_read = reg_read;
	return points;
}

int
main(int argc, char **argv)
{
	unsigned int points = 0;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		take(o);
	sim_on_fail = fail;
	if (optind != argc || !report_begin(opt.csv, opt.json, &opt.conf)) {
		fputs(usage, stderr);
		return 2;
	}
	for (unsigned int i = 0; i < scale_nb_subjects; i++)
		if (wanted(scale_subjects[i].name))
			points += curve(&scale_subjects[i]);
	return report_end() && points != 0 ? 0 : 1;
}
