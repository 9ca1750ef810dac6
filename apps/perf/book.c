/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The campaign: for fairness the policies take turns, round after round, and each shows its
 * median round. A ratio is taken inside a round and the median of those is shown.
 */
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "msg.h"
#include "progress.h"

#define UNSTABLE_RETRIES 2u

/* All rounds of all policies at one point. */
struct round_set {
	struct perf_result *res; /* [round][policy] */
	unsigned int nb_policies, rounds;
};

static struct perf_result *
at(const struct round_set *s, unsigned int round, unsigned int policy)
{
	return &s->res[round * s->nb_policies + policy];
}

static int
cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The lower of the two in the middle for even n: always one that was measured. */
static double
median(double *v, unsigned int n)
{
	qsort(v, n, sizeof(v[0]), cmp_double);
	return v[(n - 1) / 2];
}

/* One run. One during which the bare SYNC moved too far is thrown away and repeated; if it will
 * not hold still the last try is kept and marked. */
static int
measure(const struct perf_control *c, struct perf_bench *b, const struct perf_point *pt,
	const struct perf_policy *policy, struct perf_result *res, int *verdict)
{
	struct perf_run *r = malloc(sizeof(*r));
	int rc = 0;

	if (r == NULL)
		return perf_failed("out of memory");
	for (unsigned int i = 0; i <= UNSTABLE_RETRIES; i++) {
		rc = perf_run(r, b, pt, policy);
		if (rc == 0) {
			perf_result_make(res, r);
			perf_control_judge(c, policy, res);
			*verdict |= perf_result_verify(r, res);
		}
		perf_run_free(r);
		if (rc != 0 || !res->unstable || b->layout.kind == PERF_LAYOUT_STEP ||
		    atomic_load_explicit(&perf_interrupted, memory_order_relaxed))
			break;
	}
	free(r);
	return rc;
}

static int
strict_index(const struct perf_options *o)
{
	for (unsigned int i = 0; i < o->nb_policies; i++)
		if (strcmp(o->policy[i].name, "strict") == 0)
			return (int)i;
	return -1;
}

/* How much a round can be trusted, best first: neither preempted nor unstable, only preempted, the
 * rest. A median is taken over the rounds of the best class there is. */
static unsigned int
trust(const struct perf_result *r)
{
	return r->unstable ? 2 : r->preempted != 0;
}

/* The median round of a policy. */
static const struct perf_result *
median_round(const struct round_set *s, unsigned int policy)
{
	unsigned int n = 0, best = 2;
	double v[PERF_MAX_ROUNDS], m;

	for (unsigned int i = 0; i < s->rounds; i++)
		best = RTE_MIN(best, trust(at(s, i, policy)));
	for (unsigned int i = 0; i < s->rounds; i++)
		if (trust(at(s, i, policy)) == best)
			v[n++] = at(s, i, policy)->pair_ns;
	m = median(v, n);
	for (unsigned int i = 0; i < s->rounds; i++)
		if (trust(at(s, i, policy)) == best && at(s, i, policy)->pair_ns == m)
			return at(s, i, policy);
	return at(s, 0, policy);
}

/* The median over the rounds of strict's pair time over this policy's; 0: no strict beside it. */
static double
median_ratio(const struct round_set *s, unsigned int policy, int strict)
{
	double v[PERF_MAX_ROUNDS];
	unsigned int n = 0, best = 2, t;

	if (strict < 0)
		return 0;
	for (unsigned int pass = 0; pass < 2; pass++)
		for (unsigned int i = 0; i < s->rounds; i++) {
			const struct perf_result *a = at(s, i, (unsigned int)strict);
			const struct perf_result *b = at(s, i, policy);

			t = RTE_MAX(trust(a), trust(b));
			if (pass == 0)
				best = RTE_MIN(best, t);
			else if (t == best && b->pair_ns > 0)
				v[n++] = a->pair_ns / b->pair_ns;
		}
	return n != 0 ? median(v, n) : 0;
}

static void
conclude(struct perf_book *bk, const struct round_set *s)
{
	int strict = strict_index(bk->o);

	for (unsigned int p = 0; p < s->nb_policies; p++) {
		struct perf_result *res = &bk->result[bk->nb_results++];

		*res = *median_round(s, p);
		res->rounds = s->rounds;
		for (unsigned int i = 0; i < s->rounds; i++) {
			res->rounds_pair_ns[i] = at(s, i, p)->pair_ns;
			res->clean_rounds += trust(at(s, i, p)) == 0;
		}
		res->strict_ratio = median_ratio(s, p, strict);
		if (res->unstable)
			perf_note("policy %s: the bare SYNC moved from %.0f to %.0f ns during the "
				  "run: unstable, repeat it on a quieter machine", res->policy,
				  res->sync_rtt_before_ns, res->sync_rtt_after_ns);
		if (strcmp(res->policy, res->in_force) != 0)
			perf_note("policy %s: the hardware cannot; %s was in force", res->policy,
				  res->in_force);
	}
}

static int
point_fill(struct perf_book *bk, struct perf_bench *b, const struct perf_point *pt,
	   struct perf_progress *pg)
{
	struct round_set s = { .nb_policies = bk->o->nb_policies, .rounds = bk->o->rounds };
	int rc = 0, verdict = 0;

	s.res = calloc((size_t)s.rounds * s.nb_policies, sizeof(*s.res));
	if (s.res == NULL)
		return perf_failed("out of memory");
	for (unsigned int i = 0; i < s.rounds && rc == 0; i++)
		for (unsigned int p = 0; p < s.nb_policies && rc == 0; p++) {
			perf_progress_show(pg, bk->o->policy[p].name);
			rc = measure(&bk->control, b, pt, &bk->o->policy[p], at(&s, i, p),
				     &verdict);
			perf_progress_clear(pg);
			if (rc == 0 && atomic_load_explicit(&perf_interrupted,
							    memory_order_relaxed))
				rc = perf_failed("interrupted; nothing was written");
		}
	if (rc == 0)
		conclude(bk, &s);
	free(s.res);
	return rc != 0 ? rc : verdict;
}

static bool
same_bench(const struct perf_point *a, const struct perf_point *b)
{
	return a->sync_ns == b->sync_ns && a->workers == b->workers;
}

static int
bench_change(struct perf_book *bk, struct perf_bench *b, const struct perf_point *pt)
{
	struct perf_layout l;
	int rc = perf_bench_close(b);

	if (rc == 0)
		rc = perf_layout_plan(&l, bk->o->layout, pt->workers);
	if (rc == 0 && bk->o->insns && l.kind != PERF_LAYOUT_STEP)
		rc = perf_usage_error("--insns counts what one lcore does: give one, with -l 0");
	if (rc == 0)
		rc = perf_control_run(&bk->control, bk->o, bk->wl, &l, pt);
	if (rc == 0)
		rc = perf_bench_open(b, bk->o, bk->wl, &l, pt);
	if (rc != 0)
		return rc;
	bk->info = b->info;
	bk->layout = l.kind;
	strcpy(bk->slowed, b->slowed);
	perf_layout_describe(&l, bk->layout_text, sizeof(bk->layout_text));
	return 0;
}

int
perf_book_fill(struct perf_book *bk, const struct perf_sweep *s)
{
	struct perf_progress pg;
	struct perf_bench b = { .iommu = NULL };
	int rc = 0, verdict = 0;

	bk->max_results = s->nb_points * bk->o->nb_policies;
	bk->result = calloc(bk->max_results, sizeof(*bk->result));
	if (bk->result == NULL)
		return perf_failed("out of memory");
	perf_host_get(&bk->host);
	perf_worker_calibrate();
	if (bk->o->insns)
		rc = perf_insns_check();
	perf_progress_start(&pg, bk->max_results * bk->o->rounds);
	for (unsigned int i = 0; i < s->nb_points && rc == 0; i++) {
		if (i == 0 || !same_bench(&s->point[i], &s->point[i - 1]))
			rc = bench_change(bk, &b, &s->point[i]);
		if (rc == 0) {
			unsigned int had = bk->nb_results;

			rc = point_fill(bk, &b, &s->point[i], &pg);
			/* A result that did not hold is kept and shown; the status tells. */
			if (bk->nb_results > had) {
				verdict |= rc;
				rc = 0;
			}
		}
	}
	perf_progress_clear(&pg);
	b.failed |= rc != 0;
	verdict |= perf_bench_close(&b);
	return rc != 0 ? rc : verdict;
}

void
perf_book_free(struct perf_book *bk)
{
	free(bk->result);
	bk->result = NULL;
	bk->nb_results = 0;
}
