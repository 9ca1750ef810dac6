/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the plots show. Each script has its data inside, so that it makes its plot by itself.
 */
#include <inttypes.h>
#include <string.h>

#include "../marks.h"
#include "report.h"

/* A parameter that can be the x axis of a sweep's plots. The one with most values is taken. */
struct axis {
	const char *label;
	bool log;
	double (*get)(const struct perf_result *r);
};

static double get_sync(const struct perf_result *r) { return (double)r->sync_ns; }
static double get_workers(const struct perf_result *r) { return r->workers; }
static double get_batch(const struct perf_result *r) { return r->batch; }
static double get_deadline(const struct perf_result *r) { return r->deadline_us; }

static const struct axis axes[] = {
	{ "injected SYNC latency, ns", false, get_sync },
	{ "workers", false, get_workers },
	{ "batch, entries", true, get_batch },
	{ "deadline, us", true, get_deadline },
};

/* Is it the first result with its label? There is one curve for each label. */
static bool
first_of_label(const struct perf_book *bk, unsigned int i)
{
	for (unsigned int k = 0; k < i; k++)
		if (strcmp(bk->result[k].label, bk->result[i].label) == 0)
			return false;
	return true;
}

/* The next result from @p i on that has figures and the label of result @p of; or nb_results. */
static unsigned int
next_of_label(const struct perf_book *bk, unsigned int of, unsigned int i)
{
	while (i < bk->nb_results && (bk->result[i].failed ||
				      strcmp(bk->result[i].label, bk->result[of].label) != 0))
		i++;
	return i;
}

/* How many values a policy has there at most. Different defaults of policies are no sweep. */
static unsigned int
distinct(const struct perf_book *bk, const struct axis *a)
{
	unsigned int most = 0, n, i, k;

	for (unsigned int p = 0; p < bk->nb_results; p++) {
		if (!first_of_label(bk, p))
			continue;
		n = 0;
		for (i = next_of_label(bk, p, 0); i < bk->nb_results;
		     i = next_of_label(bk, p, i + 1)) {
			k = next_of_label(bk, p, 0);
			while (k < i && a->get(&bk->result[k]) != a->get(&bk->result[i]))
				k = next_of_label(bk, p, k + 1);
			n += k == i;
		}
		most = RTE_MAX(most, n);
	}
	return most;
}

static const struct axis *
main_axis(const struct perf_book *bk)
{
	const struct axis *best = NULL;
	unsigned int most = 1;

	for (unsigned int i = 0; i < RTE_DIM(axes); i++)
		if (distinct(bk, &axes[i]) > most) {
			most = distinct(bk, &axes[i]);
			best = &axes[i];
		}
	return best;
}

static void
label(const struct perf_book *bk, const struct perf_result *r, FILE *f)
{
	struct perf_varied v = perf_book_varied(bk);
	char signs[8];

	fprintf(f, "\"%s%s", r->policy, perf_marks_signs(r, signs, sizeof(signs)));
	if (v.sync_ns)
		fprintf(f, " sync %" PRIu64, r->sync_ns);
	if (v.workers)
		fprintf(f, " w%u", r->workers);
	/* These are settings of a flush queue, which not every policy has. */
	if (v.batch && perf_counter_get(&r->counters, "queued") != 0)
		fprintf(f, " b%u", r->batch);
	if (v.deadline_us && perf_counter_get(&r->counters, "queued") != 0)
		fprintf(f, " d%u", r->deadline_us);
	fputc('"', f);
}

static bool
always(const struct perf_book *bk)
{
	return perf_book_first(bk) != NULL;
}

static bool
swept(const struct perf_book *bk)
{
	return main_axis(bk) != NULL;
}

static bool
has_windows(const struct perf_book *bk)
{
	for (unsigned int i = 0; i < bk->nb_results; i++)
		if (bk->result[i].stale_us.max > 0)
			return true;
	return false;
}

static void
cost(const struct perf_book *bk, FILE *f)
{
	fputs("$data << EOD\n", f);
	for (unsigned int i = 0; i < bk->nb_results; i++) {
		if (bk->result[i].failed)
			continue;
		label(bk, &bk->result[i], f);
		fprintf(f, " %.3f %.3f\n", bk->result[i].map_ns.mean, bk->result[i].unmap_ns.mean);
	}
	fputs("EOD\nset style data histograms\nset style histogram rowstacked\n"
	      "set style fill solid\nset boxwidth 0.6\nset ylabel 'ns a pair'\nset yrange [0:*]\n"
	      "set xtics rotate by -20\n"
	      "plot $data using 2:xtic(1) title 'map', '' using 3 title 'unmap'\n", f);
}

/* Three bars a result, for p50, p99 and max. @param least what a bar shows at least; 0 is no value
 * on a logarithmic axis. */
static void
bars(const struct perf_book *bk, FILE *f,
     const struct perf_dist *(*get)(const struct perf_result *r), double least, const char *axis)
{
	fputs("$data << EOD\n", f);
	for (unsigned int i = 0; i < bk->nb_results; i++) {
		const struct perf_dist *d = get(&bk->result[i]);
		int digits = least > 0 ? 1 : 3;

		if (d == NULL)
			continue;
		label(bk, &bk->result[i], f);
		fprintf(f, " %.*f %.*f %.*f\n", digits, RTE_MAX(d->p50, least), digits,
			RTE_MAX(d->p99, least), digits, RTE_MAX(d->max, least));
	}
	fprintf(f, "EOD\nset style data histograms\nset style histogram clustered gap 1\n"
		"set style fill solid\n%s\nset xtics rotate by -20\n"
		"plot $data using 2:xtic(1) title 'p50', '' using 3 title 'p99', "
		"'' using 4 title 'max'\n", axis);
}

static const struct perf_dist *
unmap_ns(const struct perf_result *r)
{
	return r->unmap_known ? &r->unmap_ns : NULL;
}

static void
tail(const struct perf_book *bk, FILE *f)
{
	bars(bk, f, unmap_ns, 1,
	     "set logscale y\nset yrange [1:*]\nset ylabel 'unmap, ns (log)'");
}

static const struct perf_dist *
stale_us(const struct perf_result *r)
{
	return r->stale_known ? &r->stale_us : NULL;
}

static void
window(const struct perf_book *bk, FILE *f)
{
	bars(bk, f, stale_us, 0, "set yrange [0:*]\nset ylabel 'stale window, us'");
}

static double
y_pair(const struct perf_result *r)
{
	return r->pair_ns;
}

static double
y_ratio(const struct perf_result *r)
{
	return r->strict_ratio;
}

/* A curve for each label over the main axis. A point with marks is drawn with a cross. */
static void
curves(const struct perf_book *bk, FILE *f, const char *ylabel,
       double (*y)(const struct perf_result *))
{
	const struct axis *a = main_axis(bk);
	const char *between = "";
	bool marked = false;
	char signs[8];

	fputs("$marked << EOD\n", f);
	for (unsigned int i = 0; i < bk->nb_results; i++) {
		const struct perf_result *r = &bk->result[i];

		if (r->failed || perf_marks_signs(r, signs, sizeof(signs))[0] == '\0')
			continue;
		fprintf(f, "%g %.4f\n", a->get(r), y(r));
		marked = true;
	}
	fputs("EOD\n", f);
	for (unsigned int p = 0; p < bk->nb_results; p++) {
		if (!first_of_label(bk, p) || next_of_label(bk, p, 0) == bk->nb_results)
			continue;
		fprintf(f, "$p%u << EOD\n", p);
		for (unsigned int i = next_of_label(bk, p, 0); i < bk->nb_results;
		     i = next_of_label(bk, p, i + 1))
			fprintf(f, "%g %.4f\n", a->get(&bk->result[i]), y(&bk->result[i]));
		fputs("EOD\n", f);
	}
	fprintf(f, "set xlabel '%s'\nset ylabel '%s'\n%sset yrange [0:*]\nplot ", a->label, ylabel,
		a->log ? "set logscale x 2\n" : "");
	for (unsigned int p = 0; p < bk->nb_results; p++) {
		if (!first_of_label(bk, p) || next_of_label(bk, p, 0) == bk->nb_results)
			continue;
		fprintf(f, "%s$p%u using 1:2 smooth unique with linespoints linewidth 2 "
			"pointtype 7 title '%s'", between, p, bk->result[p].label);
		between = ", ";
	}
	if (marked)
		fprintf(f, "%s$marked using 1:2 with points pointtype 2 pointsize 2 linecolor rgb '"
			PERF_INK "' title 'not to be trusted'", between);
	fputc('\n', f);
}

static void
curve_pair(const struct perf_book *bk, FILE *f)
{
	curves(bk, f, "ns a map/unmap pair", y_pair);
}

static void
curve_ratio(const struct perf_book *bk, FILE *f)
{
	curves(bk, f, "strict / this policy", y_ratio);
}

static bool
swept_with_strict(const struct perf_book *bk)
{
	return swept(bk) && perf_book_first(bk)->strict_ratio > 0;
}

const struct perf_plot perf_plots[] = {
	{ "sweep-pair", "Cost of a pair over the sweep", curve_pair, swept },
	{ "sweep-ratio", "How many times cheaper than strict", curve_ratio, swept_with_strict },
	{ "cost", "Mean cost of a map/unmap pair", cost, always },
	{ "tail", "Unmap latency, one call at a time", tail, always },
	{ "window", "Stale window: from unmap's return to the invalidation", window, has_windows },
};
const unsigned int perf_nb_plots = RTE_DIM(perf_plots);
