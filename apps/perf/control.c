/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A policy's claim needs a proof that the detector is not blind: on the same layout with the same
 * timing, but with completions that come too early, stale accesses must be counted.
 *
 * Completions that come too early are the narrowest way of being unsafe: memory comes back after
 * its invalidation was consumed and before the invalidation took effect. A policy that forgets to
 * invalidate, or that does not wait for consumption either, leaves a longer window.
 *
 * Under some policies memory comes back long after such a completion, because the SYNC takes time
 * of its own, or because the worker looks for completions only now and then. The window is then
 * over, and nothing is seen, although the same policy would be caught if it did not wait at all. So
 * the control's invalidations are made to take longer, by the shortest time that memory was away.
 * The window is then at most as wide as the one that this hardware leaves behind a policy that does
 * not wait. Where invalidations take no time there is no window, and none is made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "../shared/devargs.h"
#include "msg.h"

/* Pairs per worker: a short run, and a longer one that sees what happens once in a thousand
 * times. */
#define GLANCE 2048u
#define PAIRS  16384u
#define MOVES  4u /* tries to make a window that is not too wide */

/* What a control runs on: a bench like that of the results, with broken hardware. */
struct scene {
	struct perf_options o;
	const char *given; /* the device string of the results */
	char dev[sizeof(((struct perf_bench *)0)->dev)];
	const struct perf_workload *wl;
	const struct perf_layout *l;
	const struct perf_point *pt;
	struct perf_bench b;
	uint64_t tlbi_ns; /* how long an invalidation takes on the hardware of the results */
};

/* @param tlbi_ns how long an invalidation takes; 0: as on the hardware of the results. */
static int
scene_open(struct scene *s, uint64_t tlbi_ns)
{
	int rc = devargs_set(s->dev, sizeof(s->dev), "sync_early", 1);

	if (tlbi_ns != 0)
		rc |= devargs_set(s->dev, sizeof(s->dev), "tlbi_ns", tlbi_ns);
	if (rc != 0)
		return perf_usage_error("--dev: longer than %zu characters", sizeof(s->dev) - 1);
	rc = perf_bench_open(&s->b, &s->o, s->wl, s->l, s->pt);
	if (rc != 0)
		return rc;
	s->b.control = true;
	if (tlbi_ns == 0 && devargs_get(s->b.info.settings, "tlbi_ns", &s->tlbi_ns) != 0)
		s->tlbi_ns = 0;
	return 0;
}

/* @param n receives the number of stale accesses.
 * @param back_ns receives the shortest time that memory was away; 0: not known. */
static int
stale(struct scene *s, const struct perf_policy *p, uint64_t pairs, uint64_t *n, uint64_t *back_ns)
{
	struct perf_result *res = malloc(sizeof(*res));
	struct perf_run *r = malloc(sizeof(*r));
	int rc = -1;

	s->o.pairs = pairs * s->l->nb_workers;
	if (r == NULL || res == NULL) {
		rc = perf_failed("out of memory");
	} else {
		rc = perf_run(r, &s->b, s->pt, p);
		if (rc == 0) {
			perf_result_make(res, r);
			*n = res->stale_accesses;
			*back_ns = res->release_known ? (uint64_t)(res->release_us.min * 1000) : 0;
		}
		perf_run_free(r);
	}
	free(r);
	free(res);
	return rc;
}

/* Make invalidations longer by the shortest time that memory was away. If memory comes back sooner
 * this time, the window was too wide and what was seen proves nothing: then try once more, with the
 * new time. */
static int
move(struct scene *s, const struct perf_policy *p, bool in_place, uint64_t *n, uint64_t back_ns)
{
	uint64_t least = back_ns;
	int rc = 0;

	for (unsigned int i = 0; i < MOVES && rc == 0; i++) {
		back_ns = least;
		rc = perf_bench_close(&s->b);
		if (rc == 0)
			rc = scene_open(s, s->tlbi_ns + back_ns);
		s->b.in_place = in_place;
		if (rc == 0)
			rc = stale(s, p, PAIRS, n, &least);
		if (rc == 0 && (*n == 0 || least >= back_ns))
			return perf_bench_close(&s->b);
		*n = 0;
	}
	return rc != 0 ? rc : perf_bench_close(&s->b);
}

/* Run until a stale access is seen, or until it is clear that none will be. */
static int
look(struct scene *s, const struct perf_policy *p, bool in_place, uint64_t *n)
{
	uint64_t back_ns = 0;
	int rc = 0;

	if (s->b.iommu == NULL)
		rc = scene_open(s, 0);
	s->b.in_place = in_place;
	if (rc == 0)
		rc = stale(s, p, GLANCE, n, &back_ns);
	if (rc == 0 && *n == 0)
		rc = stale(s, p, PAIRS, n, &back_ns);
	if (rc != 0 || *n != 0 || s->tlbi_ns == 0 || back_ns == 0)
		return rc;
	rc = move(s, p, in_place, n, back_ns);
	/* The next policy begins with the device string that this one began with. */
	snprintf(s->dev, sizeof(s->dev), "%s", s->given);
	return rc;
}

static int
see(struct perf_seen *seen, struct scene *s)
{
	static const struct perf_policy mapped = { .name = "strict" };
	int rc = look(s, &seen->policy, false, &seen->early);

	if (rc != 0 || !perf_policy_copies(seen->policy.name))
		return rc;
	return look(s, &mapped, true, &seen->in_place);
}

int
perf_control_run(struct perf_control *c, const struct perf_options *o,
		 const struct perf_workload *wl, const struct perf_layout *l,
		 const struct perf_point *pt)
{
	struct scene s = { .o = *o, .given = o->dev, .wl = wl, .l = l, .pt = pt };
	int rc = 0;

	c->n = 0;
	if (!o->probe_stale || !devargs_emulated(o->dev))
		return 0;
	snprintf(s.dev, sizeof(s.dev), "%s", s.given);
	s.o.dev = s.dev;
	s.o.insns = false;
	for (unsigned int i = 0; i < pt->nb_policies && rc == 0; i++) {
		struct perf_seen *seen = &c->seen[c->n++];

		*seen = (struct perf_seen) { .policy = pt->policy[i] };
		rc = see(seen, &s);
	}
	if (s.b.iommu == NULL)
		return rc;
	s.b.failed |= rc != 0;
	return rc != 0 ? perf_bench_close(&s.b), rc : perf_bench_close(&s.b);
}

void
perf_control_judge(const struct perf_control *c, const struct perf_policy *policy,
		   struct perf_result *res)
{
	uint64_t maps = perf_counter_get(&res->counters, "maps");
	uint64_t copies = perf_counter_get(&res->counters, "copies");
	const struct perf_seen *s = NULL;

	for (unsigned int i = 0; i < c->n && s == NULL; i++)
		if (perf_policy_equal(&c->seen[i].policy, policy))
			s = &c->seen[i];
	if (s != NULL)
		res->stale_control = maps > copies || copies == 0 ? s->early : s->in_place;
	/* An access that was seen needs no proof. A policy that copies some buffers and maps the
	 * rest needs a proof for each of the two ways. */
	res->stale_provable = res->stale_accesses != 0 ||
			      (s != NULL && (copies == maps || s->early != 0) &&
			       (copies == 0 || s->in_place != 0));
}
