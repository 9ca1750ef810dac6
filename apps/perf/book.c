/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * For fairness the policies take turns, round after round, and the median round of each is shown. A
 * ratio is taken within a round, and the median of the ratios is shown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "median.h"
#include "msg.h"
#include "progress.h"

#define UNSTABLE_RETRIES 2u

/* All rounds of all policies at one point. A failure is noted in the policy's first round. */
struct round_set {
	const struct perf_point *pt;
	struct perf_result *res; /* [round][policy] */
	unsigned int nb_policies, rounds;
};

static struct perf_result *
at(const struct round_set *s, unsigned int round, unsigned int policy)
{
	return &s->res[round * s->nb_policies + policy];
}

/* One run. If the bare SYNC moved too far during the run, it is thrown away and repeated; if that
 * does not help, the last try is kept and marked. */
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
			if (perf_result_verify(r, res) != 0) {
				snprintf(res->error, sizeof(res->error), "%s", perf_msg_last());
				*verdict |= PERF_EXIT_FAILED;
			}
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
strict_index(const struct round_set *s)
{
	for (unsigned int i = 0; i < s->nb_policies; i++)
		if (strcmp(s->pt->policy[i].name, "strict") == 0 && !at(s, 0, i)->failed)
			return (int)i;
	return -1;
}

/* The class of a round, 0 being the best: neither preempted nor unstable; only preempted;
 * unstable. A median is taken over the rounds of the best class that occurs. */
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
	m = perf_median(v, n);
	for (unsigned int i = 0; i < s->rounds; i++)
		if (trust(at(s, i, policy)) == best && at(s, i, policy)->pair_ns == m)
			return at(s, i, policy);
	return at(s, 0, policy);
}

/* Strict's pair time divided by this policy's, the median over the rounds; 0: strict was not
 * measured with it. */
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
	return n != 0 ? perf_median(v, n) : 0;
}

/* The result of a policy that failed: what was asked for, and what went wrong. */
static void
conclude_failed(struct perf_result *res, const struct perf_result *first,
		const struct perf_bench *b, const struct perf_point *pt,
		const struct perf_policy *policy)
{
	memset(res, 0, sizeof(*res));
	res->failed = true;
	snprintf(res->error, sizeof(res->error), "%s", first->error);
	snprintf(res->policy, sizeof(res->policy), "%s", policy->name);
	snprintf(res->settings, sizeof(res->settings), "%s", b->info.settings);
	res->sync_ns = pt->sync_ns != PERF_SYNC_AS_IS ? pt->sync_ns : b->sync_ns;
	res->workers = pt->workers;
	res->batch = policy->batch != 0 ? policy->batch : pt->batch;
	res->deadline_us = policy->deadline_us != 0 ? policy->deadline_us : pt->deadline_us;
	res->burst = b->o->burst;
}

static void
conclude_good(struct perf_result *res, const struct round_set *s, unsigned int p, int strict)
{
	*res = *median_round(s, p);
	res->rounds = s->rounds;
	for (unsigned int i = 0; i < s->rounds; i++) {
		res->rounds_pair_ns[i] = at(s, i, p)->pair_ns;
		res->clean_rounds += trust(at(s, i, p)) == 0;
		/* An error in another round is shown, too. */
		if (res->error[0] == '\0')
			memcpy(res->error, at(s, i, p)->error, sizeof(res->error));
	}
	res->strict_ratio = median_ratio(s, p, strict);
	if (res->unstable)
		perf_note("policy %s: the bare SYNC moved from %.0f to %.0f ns during the run: "
			  "unstable, repeat it on a quieter machine", res->policy,
			  res->sync_rtt_before_ns, res->sync_rtt_after_ns);
	if (strcmp(res->policy, res->in_force) != 0)
		perf_note("policy %s: the hardware cannot; %s was in force", res->policy,
			  res->in_force);
}

static void
conclude(struct perf_book *bk, const struct round_set *s, const struct perf_bench *b)
{
	int strict = strict_index(s);

	pthread_mutex_lock(&bk->lock);
	for (unsigned int p = 0; p < s->nb_policies; p++) {
		struct perf_result *res = &bk->result[bk->nb_results];

		if (at(s, 0, p)->failed)
			conclude_failed(res, at(s, 0, p), b, s->pt, &s->pt->policy[p]);
		else if (s->rounds == 0)
			continue;
		else
			conclude_good(res, s, p, strict);
		bk->nb_measured += !res->failed;
		perf_policy_label(&s->pt->policy[p], res->label, sizeof(res->label));
		bk->nb_results++;
	}
	pthread_mutex_unlock(&bk->lock);
}

static bool
stopped(void)
{
	return atomic_load_explicit(&perf_interrupted, memory_order_relaxed);
}

static int
bench_open(struct perf_book *bk, struct perf_bench *b, const struct perf_point *pt)
{
	struct perf_layout l;
	int rc = perf_layout_plan(&l, bk->o->layout, pt->workers);

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

static void
fail(struct round_set *s, unsigned int p)
{
	struct perf_result *res = at(s, 0, p);

	res->failed = true;
	snprintf(res->error, sizeof(res->error), "%s", perf_msg_last());
}

/* One policy's run of one round. The bench is opened anew after a failed run, which may have left
 * hardware that cannot be trusted any more. */
static int
turn(struct perf_book *bk, struct perf_bench *b, struct round_set *s, unsigned int round,
     unsigned int p)
{
	int rc = 0, verdict = 0;

	if (b->iommu == NULL)
		rc = bench_open(bk, b, s->pt);
	if (rc == 0)
		rc = measure(&bk->control, b, s->pt, &s->pt->policy[p], at(s, round, p), &verdict);
	if (rc == 0 || stopped())
		return rc != 0 ? rc : verdict;
	fail(s, p);
	b->failed = true;
	perf_bench_close(b);
	return rc;
}

/* @return 0, or an exit status; failures are noted in the results, and do not end the point. */
static int
point_fill(struct perf_book *bk, struct perf_bench *b, const struct perf_point *pt,
	   struct perf_progress *pg)
{
	struct round_set s = { .pt = pt, .nb_policies = pt->nb_policies };
	int verdict = 0;

	s.res = calloc((size_t)bk->o->rounds * s.nb_policies, sizeof(*s.res));
	if (s.res == NULL)
		return perf_failed("out of memory");
	while (s.rounds < bk->o->rounds && !stopped()) {
		for (unsigned int p = 0; p < s.nb_policies && !stopped(); p++) {
			if (at(&s, 0, p)->failed)
				continue;
			perf_progress_show(pg, pt->policy[p].name);
			verdict |= turn(bk, b, &s, s.rounds, p);
			perf_progress_clear(pg);
		}
		s.rounds += !stopped(); /* a round that was cut short counts for no policy */
	}
	conclude(bk, &s, b);
	free(s.res);
	return verdict;
}

/* With probes each point has a control of its own, for which no other bench may be open. */
static bool
same_bench(const struct perf_book *bk, const struct perf_point *a, const struct perf_point *b)
{
	return a->sync_ns == b->sync_ns && a->workers == b->workers && !bk->o->probe_stale;
}

/* Open or keep a bench for a point. If the first bench cannot be opened, the command line is at
 * fault and the program ends; later bench failures belong to their points. */
static int
bench_for(struct perf_book *bk, struct perf_bench *b, const struct perf_point *pt,
	  const struct perf_point *before)
{
	int rc = 0;

	if (before != NULL && !same_bench(bk, pt, before))
		rc = perf_bench_close(b);
	if (b->iommu == NULL && before == NULL)
		rc = bench_open(bk, b, pt);
	return rc;
}

int
perf_book_fill(struct perf_book *bk, const struct perf_sweep *s)
{
	struct perf_progress pg;
	struct perf_bench b = { .iommu = NULL };
	int rc = 0, verdict = 0;

	for (unsigned int i = 0; i < s->nb_points; i++)
		bk->max_results += s->point[i].nb_policies;
	bk->result = calloc(bk->max_results, sizeof(*bk->result));
	if (bk->result == NULL)
		return perf_failed("out of memory");
	perf_host_get(&bk->host);
	perf_worker_calibrate();
	if (bk->o->insns)
		rc = perf_insns_check();
	perf_progress_start(&pg, bk->max_results * bk->o->rounds);
	for (unsigned int i = 0; i < s->nb_points && rc == 0 && !stopped(); i++) {
		verdict |= rc = bench_for(bk, &b, &s->point[i], i > 0 ? &s->point[i - 1] : NULL);
		if (i > 0)
			rc = 0;
		if (rc != 0)
			break;
		verdict |= point_fill(bk, &b, &s->point[i], &pg);
		if (bk->each_point != NULL && i + 1 < s->nb_points && !stopped())
			bk->each_point(bk);
	}
	perf_progress_clear(&pg);
	b.failed |= verdict != 0;
	verdict |= perf_bench_close(&b);
	if (stopped())
		return PERF_EXIT_FAILED; /* the caller prints the line about the signal */
	bk->complete = rc == 0;
	return rc != 0 ? rc : verdict != 0 ? PERF_EXIT_FAILED : 0;
}

void
perf_book_free(struct perf_book *bk)
{
	free(bk->result);
	bk->result = NULL;
	bk->nb_results = 0;
}
