/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A violating case made small.
 *
 * 1. One number of the plan after the other is made as small as it can be while the case still
 *    violates the same: first the least, then by halves. Of faults, each kind is left out in turn.
 * 2. A smaller plan runs in another order, in which the bug may not show: so for each plan some
 *    hundred schedules are tried, at first the one that there is. The least that violates counts, so
 *    that the result is the same on any number of processors.
 * 3. Again, until nothing can be made smaller: what was needed before may not be any more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "campaign.h"
#include "pool.h"

#define ROUNDS 5u
#define NB(list) ((unsigned int)(sizeof(list) / sizeof((list)[0])))

/* What is made small first: what makes a story short. Then all the rest as it comes. */
static const enum plan_field first[] = {
	PLAN_workers, PLAN_domains, PLAN_ops, PLAN_faults, PLAN_strikes, PLAN_control, PLAN_devices,
	PLAN_ats, PLAN_live, PLAN_pages,
};

/* No part of a story; and too little of it is a violation of its own. */
static const enum plan_field kept[] = { PLAN_policy, PLAN_ram_mb, PLAN_timeout_us };

struct shrinking {
	const struct options *o;
	struct plan best, cand;
	char reason[POOL_REASON]; /* of the case that is made small */
	char last[POOL_REASON];
	uint32_t tries;
	bool yes;
};

/* ---- is it the same violation? --------------------------------------------------------------- */

/* "file.c:12" in front, and for a touch of memory the "(file.c:12)" at the end. */
static bool
same_place(const char *a, const char *b)
{
	const char *p = strchr(a, ':'), *ka = strrchr(a, '('), *kb = strrchr(b, '(');

	if (p != NULL)
		p = strchr(p + 1, ':');
	if (p == NULL)
		return strcmp(a, b) == 0;
	if (strncmp(a, b, (size_t)(p - a) + 1) != 0)
		return false;
	if (strncmp(a, "arena.c:", 8) != 0 || ka == NULL || kb == NULL)
		return true;
	return strcmp(ka, kb) == 0;
}

static bool
wanted(const struct pool_find *f, void *arg)
{
	const struct shrinking *s = arg;

	if (f->steps == 0) /* it could not even be made */
		return false;
	return s->o->any || s->reason[0] == '\0' || same_place(s->reason, f->reason);
}

/* ---- one plan -------------------------------------------------------------------------------- */

static void
plan_of(struct plan *p, uint64_t at, void *arg)
{
	const struct shrinking *s = arg;

	*p = s->cand;
	if (at != 0)
		p->schedule = at;
}

static void
found(const struct pool_find *f, void *arg)
{
	struct shrinking *s = arg;

	s->yes = true;
	s->best = f->plan;
	snprintf(s->last, sizeof(s->last), "%s", f->reason);
}

/* Does s->cand violate it in some order? Then it is the best. */
static bool
violates(struct shrinking *s)
{
	const struct pool_conf conf = {
		.nb = 1 + (uint64_t)s->tries, .jobs = s->o->jobs, .hang_s = s->o->hang_s, .least = true,
		.plan_of = plan_of, .run = s->o->run, .wanted = wanted, .found = found, .arg = s,
	};
	struct pool_sum sum;

	s->yes = false;
	if (pool_run(&conf, &sum) != 0)
		return false;
	return s->yes;
}

static void
say(const struct shrinking *s, enum plan_field f)
{
	printf("  %s=%u", plan_name(f), s->best.v[f]);
	if (s->best.schedule != s->best.seed)
		printf(", schedule %" PRIu64, s->best.schedule);
	putchar('\n');
	fflush(stdout);
}

/* ---- reductions ------------------------------------------------------------------------------ */

static bool
with(struct shrinking *s, enum plan_field f, uint32_t v)
{
	s->cand = s->best;
	s->cand.v[f] = v;
	if (!violates(s))
		return false;
	say(s, f);
	return true;
}

static bool
smaller(struct shrinking *s, enum plan_field f)
{
	uint32_t lo = plan_least(f), was = s->best.v[f];

	if (was <= lo)
		return false;
	if (with(s, f, lo))
		return true;
	for (lo++; lo < s->best.v[f];) {
		uint32_t mid = lo + (s->best.v[f] - lo) / 2;

		if (!with(s, f, mid))
			lo = mid + 1;
	}
	return s->best.v[f] < was;
}

static bool
fewer_faults(struct shrinking *s)
{
	bool some = false;

	if (s->best.v[PLAN_faults] == 0)
		return false;
	if (with(s, PLAN_faults, 0))
		return true;
	for (unsigned int bit = 0; bit < 32; bit++)
		if ((s->best.v[PLAN_faults] & 1u << bit) != 0)
			some |= with(s, PLAN_faults, s->best.v[PLAN_faults] & ~(1u << bit));
	return some;
}

/* The domain that matters may be the second: its policy is then the first one's. */
static bool
fewer_domains(struct shrinking *s)
{
	const uint32_t was = s->best.v[PLAN_domains], policy = s->best.v[PLAN_policy];

	for (uint32_t n = 1; n < was; n++)
		for (uint32_t k = 0; k < was; k++) {
			s->cand = s->best;
			s->cand.v[PLAN_domains] = n;
			s->cand.v[PLAN_policy] = (policy + WORLD_POLICY_STEP * k) % WORLD_POLICIES;
			if (!violates(s))
				continue;
			say(s, PLAN_domains);
			return true;
		}
	return false;
}

static bool
is_in(const enum plan_field *list, unsigned int n, enum plan_field f)
{
	for (unsigned int i = 0; i < n; i++)
		if (list[i] == f)
			return true;
	return false;
}

static bool
reduce(struct shrinking *s, enum plan_field f)
{
	return f == PLAN_faults ? fewer_faults(s) : f == PLAN_domains ? fewer_domains(s) : smaller(s, f);
}

static bool
round_of_all(struct shrinking *s)
{
	bool some = false;

	for (unsigned int i = 0; i < NB(first); i++)
		some |= reduce(s, first[i]);
	for (unsigned int f = 0; f < PLAN_NB; f++)
		if (!is_in(first, NB(first), f) && !is_in(kept, NB(kept), f))
			some |= reduce(s, f);
	return some;
}

int
shrink(const struct options *o)
{
	struct shrinking s = { .o = o };
	char text[800];

	options_plan(o, o->seed, &s.cand);
	if (!violates(&s)) {
		fprintf(stderr, "sim: seed %" PRIu64 " violates nothing\n", o->seed);
		return EXIT_USAGE;
	}
	strcpy(s.reason, s.last);
	s.tries = o->tries;
	printf("seed %" PRIu64 ": %s\n", o->seed, s.reason);
	for (unsigned int i = 0; i < ROUNDS && round_of_all(&s); i++)
		;
	plan_print(&s.best, NULL, text, sizeof(text));
	printf("the line for the seeds file; give it a name:\nNAME %" PRIu64 " %s %s\n", s.best.seed,
	       text, s.last);
	return EXIT_VIOLATION;
}
