/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * sluice-diff: random sequences on two SMMUs side by side until they disagree.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>

#include "diff.h"

struct options {
	double seconds;
	uint64_t seed;
	unsigned int ops, devs;
	const char *replay, *only, *qemu, *out;
	bool verbose;
};

static const char usage[] =
	"usage: sluice-diff [--seconds N] [--seed N] [--ops N] [--devices N] [--only emu|qemu]\n"
	"                   [--qemu PATH] [--out FILE] [--verbose]\n"
	"       sluice-diff --replay FILE [--only emu|qemu] [--qemu PATH]\n"
	"       sluice-diff --list-deviations\n"
	"exit: 0 they agree, 1 they do not (the case is printed, smaller), 2 usage, 77 no QEMU\n";

static int
number(const char *text, uint64_t min, uint64_t max, uint64_t *v)
{
	char *end;

	*v = strtoull(text, &end, 0);
	if (*end == '\0' && end != text && *text != '-' && *v >= min && *v <= max)
		return 0;
	fprintf(stderr, "sluice-diff: %s: give a number from %" PRIu64 " to %" PRIu64 "\n", text,
		min, max);
	return -1;
}

/* @return -1: go on; else the exit status. */
static int
parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "seconds", 1, NULL, 's' }, { "seed", 1, NULL, 'r' }, { "ops", 1, NULL, 'n' },
		{ "devices", 1, NULL, 'd' }, { "replay", 1, NULL, 'p' }, { "only", 1, NULL, 'o' },
		{ "qemu", 1, NULL, 'q' }, { "out", 1, NULL, 'f' }, { "verbose", 0, NULL, 'v' },
		{ "list-deviations", 0, NULL, 'l' }, { "help", 0, NULL, 'h' }, { 0 },
	};
	uint64_t v = 0;
	int ch, bad = 0;

	while ((ch = getopt_long(argc, argv, "h", longs, NULL)) != -1)
		switch (ch) {
		case 's':
			bad |= number(optarg, 1, 1000000, &v);
			o->seconds = (double)v;
			break;
		case 'r':
			bad |= number(optarg, 0, UINT64_MAX, &o->seed);
			break;
		case 'n':
			bad |= number(optarg, 60, OPS_MAX, &v);
			o->ops = (unsigned int)v;
			break;
		case 'd':
			bad |= number(optarg, 1, DEVS_MAX, &v);
			o->devs = (unsigned int)v;
			break;
		case 'p':
			o->replay = optarg;
			break;
		case 'o':
			bad |= strcmp(optarg, "emu") != 0 && strcmp(optarg, "qemu") != 0;
			o->only = optarg;
			break;
		case 'q':
			o->qemu = optarg;
			break;
		case 'f':
			o->out = optarg;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'l':
			deviations_print(stdout);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			bad = 1;
		}
	if (bad || optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	return -1;
}

static int
start_eal(char *name)
{
	char prefix[48];

	snprintf(prefix, sizeof(prefix), "--file-prefix=sluice-diff-%d", (int)getpid());
	char *argv[] = { name, (char *)(uintptr_t)"--lcores", (char *)(uintptr_t)"0",
			 (char *)(uintptr_t)"--no-huge", (char *)(uintptr_t)"-m",
			 (char *)(uintptr_t)"32", (char *)(uintptr_t)"--no-pci",
			 (char *)(uintptr_t)"--no-shconf", (char *)(uintptr_t)"--no-telemetry",
			 (char *)(uintptr_t)"--log-level=4", prefix };

	return rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])), argv) < 0 ? -1 : 0;
}

/* ---- the two sides --------------------------------------------------------------------------- */

struct pair {
	struct side emu, qemu;
	struct side *side[2];
	unsigned int n;
};

/* Each case has an emulated SMMU with settings of its own. */
static int
open_emu(struct pair *p, const struct diff_case *c)
{
	char args[320];

	side_close(&p->emu);
	snprintf(args, sizeof(args), "smmuv3,regs=emu,step=1,mem_mb=48%s%s", c->emu[0] ? "," : "",
		 c->emu);
	return side_open(&p->emu, "emu", args, c->devs);
}

static int
open_qemu(struct pair *p, const struct options *o, unsigned int devs)
{
	char args[320];

	snprintf(args, sizeof(args), "smmuv3,regs=qtest,mem_mb=64,edu=%u%s%s", devs,
		 o->qemu ? ",qemu=" : "", o->qemu ? o->qemu : "");
	return side_open(&p->qemu, "qemu", args, devs);
}

/* Run one case with fresh settings. @p only: as --only, NULL for both. */
static int
run_on(struct pair *p, const struct diff_case *c, const char *only, struct totals *t,
       struct verdict *v, struct runner *r)
{
	p->n = 0;
	if (only == NULL || strcmp(only, "emu") == 0) {
		if (open_emu(p, c) != 0)
			return -1;
		p->side[p->n++] = &p->emu;
	}
	if (only == NULL || strcmp(only, "qemu") == 0)
		p->side[p->n++] = &p->qemu;
	for (unsigned int i = 0; c->s2 && i < p->n; i++)
		if (!p->side[i]->s2p) {
			fprintf(stderr, "sluice-diff: %s has no stage 2, which the case uses\n",
				p->side[i]->name);
			return 77;
		}
	if (r->model == NULL && runner_init(r, p->side, p->n, t) != 0)
		return -1;
	return run_case(r, c, v);
}

/* ---- findings -------------------------------------------------------------------------------- */

static void
report(const struct options *o, struct pair *p, struct runner *r, struct diff_case *c,
       struct verdict *v)
{
	struct totals scratch = { 0 };
	unsigned int before = c->nb_ops, runs;
	struct verdict again;
	FILE *f;

	printf("sluice-diff: seed %#" PRIx64 ": %s", c->seed, v->text);
	r->totals = &scratch;
	if (run_case(r, c, &again) != 0 || !again.bad) {
		printf("sluice-diff: it does not happen again; what came before matters\n");
	} else {
		/* A side that disagrees with the model does so alone, and the emulator quickly. */
		if (p->n == 2 && v->side == 0) {
			r->world.nb_sides = 1;
			if (run_case(r, c, &again) != 0 || !again.bad)
				r->world.nb_sides = 2;
		}
		*v = again;
		runs = shrink(r, c, v, 300);
		r->world.nb_sides = p->n;
		if (run_case(r, c, &again) == 0 && again.bad)
			*v = again;
		printf("sluice-diff: %u operations of %u are enough (%u runs):\n", c->nb_ops,
		       before, runs);
	}
	printf("%s", v->text);
	case_print(stdout, c);
	f = o->out != NULL ? fopen(o->out, "we") : NULL;
	if (f != NULL) {
		case_print(f, c);
		fclose(f);
		printf("sluice-diff: once more: sluice-diff --replay %s\n", o->out);
	}
}

static void
summary(const struct totals *t, const struct pair *p, double seconds)
{
	printf("sluice-diff: %" PRIu64 " cases, %" PRIu64 " operations, %" PRIu64
	       " rounds, %" PRIu64 " transfers in %.1f s", t->cases, t->ops, t->rounds, t->transfers, seconds);
	if (p->qemu.iommu != NULL)
		printf(" (QEMU %u.%u)", p->qemu.version / 100, p->qemu.version % 100);
	printf("\nsluice-diff: answers: %" PRIu64 " must be fresh, %" PRIu64 " must fault, %" PRIu64
	       " may be stale; %" PRIu64 " transfers left out\n", t->must_pass, t->must_fault,
	       t->may_be_stale, t->cut);
	printf("sluice-diff: events by number:");
	for (unsigned int i = 0; i < 256; i++)
		if (t->by_event[i] != 0)
			printf(" %#04x %" PRIu64, i, t->by_event[i]);
	printf("; of stage 2 for CDs %" PRIu64 ", tables %" PRIu64 ", input %" PRIu64 "\n",
	       t->s2_class[SMMU_EVT_CLASS_CD], t->s2_class[SMMU_EVT_CLASS_TTD],
	       t->s2_class[SMMU_EVT_CLASS_IN]);
}

/* Have all sides both stages? @param c any case, for a moment */
static bool
stage2(const struct options *o, struct pair *p, struct diff_case *c)
{
	bool qemu = o->only == NULL || strcmp(o->only, "qemu") == 0;

	if (qemu && (!p->qemu.s2p || o->only != NULL))
		return p->qemu.s2p;
	c->devs = o->devs;
	return open_emu(p, c) == 0 && p->emu.s2p;
}

static int
fuzz(const struct options *o, struct pair *p, struct diff_case *c)
{
	struct gen_conf g = { .devs = o->devs, .ops = o->ops,
			      .qemu = p->qemu.version, .s2 = stage2(o, p, c) };
	double begin = now_s(), end = begin + o->seconds;
	struct totals t = { 0 };
	struct runner r = { 0 };
	struct verdict v;
	int rc = 0;

	for (uint64_t i = 0; rc == 0 && now_s() < end; i++) {
		case_generate(c, o->seed + i, &g);
		if (o->verbose)
			case_print(stderr, c);
		rc = run_on(p, c, o->only, &t, &v, &r) != 0 ? 3 : v.bad ? 1 : 0;
		if (rc == 1)
			report(o, p, &r, c, &v);
		else if (rc == 3)
			fprintf(stderr, "sluice-diff: that was the case of seed %#" PRIx64 "\n",
				c->seed);
	}
	runner_fini(&r);
	summary(&t, p, now_s() - begin);
	return rc;
}

static int
replay(const struct options *o, struct pair *p, struct diff_case *c)
{
	struct totals t = { 0 };
	struct runner r = { 0 };
	struct verdict v;
	double begin = now_s();
	int rc = run_on(p, c, o->only, &t, &v, &r);

	rc = rc == 77 ? 77 : rc != 0 ? 3 : v.bad ? 1 : 0;
	if (rc == 1)
		fputs(v.text, stdout);
	else if (rc == 0)
		printf("sluice-diff: %s: all agree\n", o->replay);
	summary(&t, p, now_s() - begin);
	runner_fini(&r);
	return rc;
}

int
main(int argc, char **argv)
{
	struct options o = { .seconds = 60, .seed = 1, .ops = 240, .devs = DEVS_MAX };
	struct diff_case *c = calloc(1, sizeof(*c));
	struct pair *p = calloc(1, sizeof(*p));
	int rc = parse(argc, argv, &o);

	if (rc >= 0)
		goto out;
	rc = 2;
	if (c == NULL || p == NULL || (o.replay != NULL && case_read(o.replay, c) != 0))
		goto out;
	rc = 3;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (start_eal(argv[0]) != 0) {
		fputs("sluice-diff: EAL did not start\n", stderr);
		goto out;
	}
	if (o.only == NULL || strcmp(o.only, "qemu") == 0) {
		rc = open_qemu(p, &o, o.replay != NULL ? c->devs : o.devs);
		if (rc != 0) {
			rc = rc == 77 ? 77 : 3;
			goto fini;
		}
	}
	rc = o.replay != NULL ? replay(&o, p, c) : fuzz(&o, p, c);
fini:
	side_close(&p->emu);
	side_close(&p->qemu);
	rte_eal_cleanup();
out:
	free(p);
	free(c);
	return rc;
}
