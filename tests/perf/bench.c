/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Measuring A beside B: one round of each in turn, so that whatever the machine does meanwhile
 * happens to both, and medians of the rounds.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_cycles.h>

#include "bench.h"

struct bench_opts bench_opts = {
	.rounds = 15,
	.round_us = 1000,
	.max_live = UINT64_C(4) << 20,
	.max_domains = 1024,
};
struct bench_results bench_results;

double
bench_ns(uint64_t cycles)
{
	return (double)cycles * 1e9 / (double)rte_get_tsc_hz();
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The value that a fraction q of the sorted ones do not exceed. */
static double
quantile(const double *sorted, unsigned int n, double q)
{
	return sorted[(unsigned int)(q * (n - 1) + 0.5)];
}

static void
summarize(struct bench_row *r, const double *subject)
{
	double v[BENCH_MAX_ROUNDS], ratio[BENCH_MAX_ROUNDS];

	for (unsigned int i = 0; i < r->rounds; i++) {
		v[i] = r->round[i];
		ratio[i] = r->round[i] / subject[i];
	}
	qsort(v, r->rounds, sizeof(v[0]), by_value);
	qsort(ratio, r->rounds, sizeof(ratio[0]), by_value);
	r->min = v[0];
	r->max = v[r->rounds - 1];
	r->q1 = quantile(v, r->rounds, 0.25);
	r->q3 = quantile(v, r->rounds, 0.75);
	r->median = quantile(v, r->rounds, 0.5);
	r->ratio = quantile(ratio, r->rounds, 0.5);
}

static struct bench_row *
rows_add(unsigned int n)
{
	struct bench_results *b = &bench_results;
	struct bench_row *row = realloc(b->row, (b->nb_rows + n) * sizeof(*row));

	if (row == NULL)
		return NULL;
	b->row = row;
	row += b->nb_rows;
	memset(row, 0, n * sizeof(*row));
	b->nb_rows += n;
	return row;
}

/* Operations that take about as long as a round is to take; also the warm-up. */
static uint64_t
calibrate(const struct bench_case *c, const struct bench_variant *v)
{
	uint64_t n = 512, want = rte_get_tsc_hz() / 1000000 * bench_opts.round_us;
	double out[BENCH_MAX_METRICS];

	if (c->fixed_n != 0 || bench_opts.smoke) {
		n = c->fixed_n != 0 ? c->fixed_n : n;
		return v->run(v->arg, n, out) ? n : 0;
	}
	for (;;) {
		uint64_t start = rte_rdtsc_precise();

		if (!v->run(v->arg, n, out))
			return 0;
		uint64_t took = rte_rdtsc_precise() - start;

		if (took >= want / 2 || n >= UINT64_C(1) << 40)
			return n;
		n = took < want / 32 ? n * 16 : n * 2;
	}
}

bool
bench_compare(const struct bench_case *c, const struct bench_variant *v, unsigned int nb)
{
	double out[BENCH_MAX_VARIANTS][BENCH_MAX_ROUNDS][BENCH_MAX_METRICS];
	uint64_t n[BENCH_MAX_VARIANTS];
	unsigned int nb_metrics = 0;
	struct bench_row *row;

	while (c->metric[nb_metrics] != NULL)
		nb_metrics++;
	for (unsigned int i = 0; i < nb; i++) {
		n[i] = calibrate(c, &v[i]);
		if (n[i] == 0)
			return bench_check(false, "%s, %s: %s failed", c->bench, c->name, v[i].name);
	}
	for (unsigned int r = 0; r < bench_opts.rounds; r++) {
		for (unsigned int k = 0; k < nb; k++) {
			unsigned int i = (r + k) % nb;

			if (!v[i].run(v[i].arg, n[i], out[i][r]))
				return bench_check(false, "%s, %s: %s failed in round %u", c->bench,
						   c->name, v[i].name, r);
		}
	}
	row = rows_add(nb * nb_metrics);
	if (row == NULL)
		return bench_check(false, "no memory for results");
	for (unsigned int m = 0; m < nb_metrics; m++) {
		struct bench_row *subject = row;

		for (unsigned int i = 0; i < nb; i++, row++) {
			snprintf(row->bench, sizeof(row->bench), "%s", c->bench);
			snprintf(row->name, sizeof(row->name), "%s", c->name);
			snprintf(row->metric, sizeof(row->metric), "%s", c->metric[m]);
			snprintf(row->variant, sizeof(row->variant), "%s", v[i].name);
			snprintf(row->what, sizeof(row->what), "%s", v[i].what);
			snprintf(row->goal, sizeof(row->goal), "%s", c->goal != NULL ? c->goal : "");
			snprintf(row->layout, sizeof(row->layout), "%s", c->layout);
			row->n = n[i];
			row->rounds = bench_opts.rounds;
			row->first = m == 0 && i == 0;
			for (unsigned int r = 0; r < row->rounds; r++)
				row->round[r] = out[i][r][m];
			summarize(row, subject->round);
		}
	}
	return true;
}

bool
bench_check(bool ok, const char *fmt, ...)
{
	bench_results.checks++;
	if (!ok) {
		va_list ap;

		bench_results.failed++;
		fputs("sluice-bench: check failed: ", stderr);
		va_start(ap, fmt);
		vfprintf(stderr, fmt, ap);
		va_end(ap);
		fputc('\n', stderr);
	}
	return ok;
}

void
bench_note(const char *fmt, ...)
{
	struct bench_results *b = &bench_results;
	void *p = realloc(b->note, (b->nb_notes + 1) * sizeof(b->note[0]));
	va_list ap;

	if (p == NULL)
		return;
	b->note = p;
	va_start(ap, fmt);
	vsnprintf(b->note[b->nb_notes++], sizeof(b->note[0]), fmt, ap);
	va_end(ap);
}

void
bench_results_free(void)
{
	free(bench_results.row);
	free(bench_results.note);
	bench_results = (struct bench_results){ 0 };
}
