/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A policy's claim is tested by showing, on the same layout with the same timing, that the detector
 * would not have been blind: with completions that come too early some access must be counted.
 *
 * That is the narrowest way of being unsafe: memory comes back after its invalidation was consumed
 * and before it took effect. A policy that forgets to invalidate, or does not wait for
 * consumption either, leaves a window that is longer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "devargs.h"
#include "msg.h"

#define PAIRS 16384u /* of each worker: what is seen once in a thousand is seen */

static int
stale(struct perf_bench *b, const struct perf_point *pt, const struct perf_policy *p, uint64_t *n)
{
	struct perf_result *res = malloc(sizeof(*res));
	struct perf_run *r = malloc(sizeof(*r));
	int rc = -1;

	if (r == NULL || res == NULL) {
		rc = perf_failed("out of memory");
	} else {
		rc = perf_run(r, b, pt, p);
		if (rc == 0) {
			perf_result_make(res, r);
			*n = res->stale_accesses;
		}
		perf_run_free(r);
	}
	free(r);
	free(res);
	return rc;
}

static int
see(struct perf_seen *s, struct perf_bench *b, const struct perf_point *pt)
{
	static const struct perf_policy mapped = { .name = "strict" };
	int rc = stale(b, pt, &s->policy, &s->early);

	if (rc != 0 || !perf_policy_copies(s->policy.name))
		return rc;
	b->in_place = true;
	rc = stale(b, pt, &mapped, &s->in_place);
	b->in_place = false;
	return rc;
}

int
perf_control_run(struct perf_control *c, const struct perf_options *o,
		 const struct perf_workload *wl, const struct perf_layout *l,
		 const struct perf_point *pt)
{
	struct perf_options broken = *o;
	struct perf_bench b = { .iommu = NULL };
	char dev[sizeof(b.dev)];
	int rc;

	c->n = 0;
	if (!o->probe_stale || !perf_devargs_emulated(o->dev))
		return 0;
	snprintf(dev, sizeof(dev), "%s", o->dev);
	if (perf_devargs_set(dev, sizeof(dev), "sync_early", 1) != 0)
		return perf_usage_error("--dev: longer than %zu characters", sizeof(dev) - 1);
	broken.dev = dev;
	broken.pairs = (uint64_t)PAIRS * l->nb_workers;
	broken.insns = false;
	rc = perf_bench_open(&b, &broken, wl, l, pt);
	if (rc != 0)
		return rc;
	b.control = true;
	for (unsigned int i = 0; i < pt->nb_policies && rc == 0; i++) {
		struct perf_seen *s = &c->seen[c->n++];

		*s = (struct perf_seen) { .policy = pt->policy[i] };
		rc = see(s, &b, pt);
	}
	b.failed |= rc != 0;
	return rc != 0 ? perf_bench_close(&b), rc : perf_bench_close(&b);
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
	/* What is seen needs no proof. What copies some and maps the rest has two things to show. */
	res->stale_provable = res->stale_accesses != 0 ||
			      (s != NULL && (copies == maps || s->early != 0) &&
			       (copies == 0 || s->in_place != 0));
}
