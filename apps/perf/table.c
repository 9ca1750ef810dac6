/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The table for people: widths come from what is in the columns.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"

#define MAX_COLS 20u
#define CELL     32u

struct grid {
	unsigned int cols, rows; /* rows without the head */
	char (*cell)[MAX_COLS][CELL];
};

static void
put(struct grid *g, unsigned int row, unsigned int *col, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void
put(struct grid *g, unsigned int row, unsigned int *col, const char *fmt, ...)
{
	va_list ap;

	if (*col >= MAX_COLS)
		return;
	va_start(ap, fmt);
	vsnprintf(g->cell[row][*col], CELL, fmt, ap);
	va_end(ap);
	(*col)++;
}

static void
head(struct grid *g, const struct perf_book *bk, const struct perf_varied *v)
{
	unsigned int c = 0;

	put(g, 0, &c, "policy");
	if (v->sync_ns)
		put(g, 0, &c, "sync_ns");
	if (v->workers)
		put(g, 0, &c, "workers");
	if (v->batch)
		put(g, 0, &c, "batch");
	if (v->deadline_us)
		put(g, 0, &c, "deadline");
	if (v->sync_ns || v->workers)
		put(g, 0, &c, "SYNC ns");
	put(g, 0, &c, "map ns");
	put(g, 0, &c, "unmap ns");
	put(g, 0, &c, "pair ns");
	if (bk->o->insns)
		put(g, 0, &c, "pair insns");
	put(g, 0, &c, "unmap p50");
	put(g, 0, &c, "p99 ns");
	put(g, 0, &c, "SYNCs/unmap");
	put(g, 0, &c, "stale p99");
	put(g, 0, &c, "max us");
	put(g, 0, &c, "stale accesses");
	put(g, 0, &c, "release p99 us");
	put(g, 0, &c, "pinned KiB");
	put(g, 0, &c, "strict/this");
	g->cols = c;
}

static void
time_us(struct grid *g, unsigned int row, unsigned int *c, bool known, double us)
{
	if (known)
		put(g, row, c, "%.1f", us);
	else
		put(g, row, c, "n/a");
}

/* Of flush queues: not said of a policy that has none. */
static void
setting(struct grid *g, unsigned int row, unsigned int *c, const struct perf_result *r, uint32_t n)
{
	if (perf_counter_get(&r->counters, "queued") != 0)
		put(g, row, c, "%u", n);
	else
		put(g, row, c, "-");
}

/* n/a: nobody looked. "?": nobody could have seen one. "+Ns": and of shadow memory. */
static void
accesses(struct grid *g, unsigned int row, unsigned int *c, const struct perf_result *r)
{
	char shadow[32] = "";

	if (!r->stale_counted) {
		put(g, row, c, "n/a");
		return;
	}
	if (r->shadow_known)
		snprintf(shadow, sizeof(shadow), "+%" PRIu64 "s", r->shadow_accesses);
	put(g, row, c, "%" PRIu64 "%s%.20s", r->stale_accesses, r->stale_provable ? "" : "?", shadow);
}

static void
body(struct grid *g, unsigned int row, const struct perf_varied *v, const struct perf_result *r)
{
	unsigned int c = 0;

	put(g, row, &c, "%.26s%s%s%s", r->policy, strcmp(r->policy, r->in_force) != 0 ? "!" : "",
	    r->unstable ? "~" : "", r->preempted != 0 ? "*" : "");
	if (v->sync_ns)
		put(g, row, &c, "%" PRIu64, r->sync_ns);
	if (v->workers)
		put(g, row, &c, "%u", r->workers);
	if (v->batch)
		setting(g, row, &c, r, r->batch);
	if (v->deadline_us)
		setting(g, row, &c, r, r->deadline_us);
	if (v->sync_ns || v->workers)
		put(g, row, &c, "%.0f", r->sync_rtt_ns);
	put(g, row, &c, "%.1f", r->map_ns.mean);
	put(g, row, &c, "%.1f", r->unmap_ns.mean);
	put(g, row, &c, "%.1f", r->pair_ns);
	if (r->insns.pair > 0)
		put(g, row, &c, "%.1f", r->insns.pair);
	put(g, row, &c, "%.0f", r->unmap_ns.p50);
	put(g, row, &c, "%.0f", r->unmap_ns.p99);
	put(g, row, &c, "%.4f", r->syncs_per_unmap);
	time_us(g, row, &c, r->stale_known, r->stale_us.p99);
	time_us(g, row, &c, r->stale_known, r->stale_us.max);
	accesses(g, row, &c, r);
	time_us(g, row, &c, r->release_known, r->release_us.p99);
	put(g, row, &c, "%" PRIu64, r->pinned_bytes >> 10);
	if (r->strict_ratio > 0)
		put(g, row, &c, "%.2fx", r->strict_ratio);
	else
		put(g, row, &c, "-");
}

static void
grid_print(const struct grid *g, FILE *f)
{
	size_t width[MAX_COLS] = { 0 };

	for (unsigned int r = 0; r <= g->rows; r++)
		for (unsigned int c = 0; c < g->cols; c++)
			if (strlen(g->cell[r][c]) > width[c])
				width[c] = strlen(g->cell[r][c]);
	for (unsigned int r = 0; r <= g->rows; r++)
		for (unsigned int c = 0; c < g->cols; c++)
			fprintf(f, "%*s%s", c == 0 ? -(int)width[c] : (int)width[c],
				g->cell[r][c], c + 1 < g->cols ? "  " : "\n");
}

static void
sync_range(const struct perf_book *bk, FILE *f)
{
	double lo = bk->result[0].sync_rtt_ns, hi = lo;

	for (unsigned int i = 1; i < bk->nb_results; i++) {
		lo = bk->result[i].sync_rtt_ns < lo ? bk->result[i].sync_rtt_ns : lo;
		hi = bk->result[i].sync_rtt_ns > hi ? bk->result[i].sync_rtt_ns : hi;
	}
	fprintf(f, "SYNC      bare round trip from a worker's lcore: %.0f ns", lo);
	if (hi - lo >= 1)
		fprintf(f, " to %.0f ns", hi);
	fputc('\n', f);
}

static void
preamble(const struct perf_book *bk, const struct perf_varied *v, FILE *f)
{
	const struct perf_result *r = &bk->result[0];
	char huge[64];

	perf_host_huge_text(&bk->host, huge, sizeof(huge));
	fprintf(f, "sluice-perf %s: %s\n", sluice_version(), PERF_HONEST);
	fprintf(f, "host      %s, %u cores, %s, %s, %s\n", bk->host.cpu, bk->host.cores,
		bk->host.kernel, bk->host.dpdk, huge);
	fprintf(f, "iommu     %s, registers %s: %s\n", bk->info.backend, bk->info.regs,
		r->settings);
	fprintf(f, "layout    %s%s\n", bk->layout_text, bk->layout == PERF_LAYOUT_STEP &&
		(bk->info.caps & SLUICE_CAP_EMULATED) ? ", virtual time" : "");
	fprintf(f, "workload  %s: %u packets, %" PRIu64 " bytes, the longest %u; buffers of %u "
		"bytes, %u posted\n", bk->wl->name, bk->wl->nb_items, bk->wl->bytes,
		bk->wl->max_len, r->buf_size, r->ring);
	if (bk->wl->note[0] != '\0')
		fprintf(f, "          %s\n", bk->wl->note);
	if (r->note[0] != '\0')
		fprintf(f, "          %s\n", r->note);
	fprintf(f, "run       %" PRIu64 " pairs a run in bursts of %u, %u %s, ", r->pairs, r->burst,
		r->rounds, r->rounds == 1 ? "round" : "rounds, the median shown");
	if (!v->batch)
		fprintf(f, "batch %u, ", r->batch);
	if (!v->deadline_us)
		fprintf(f, "deadline %u us, ", r->deadline_us);
	fprintf(f, "stale probes %s, seed %" PRIu64 "\n", bk->o->probe_stale ? "on" : "off",
		bk->o->seed);
	if (bk->slowed[0] != '\0')
		fprintf(f, "          the probes made the hardware slow, %s, so that who does not wait "
			"is caught\n", bk->slowed);
	sync_range(bk, f);
	fputc('\n', f);
}

/* What a policy copies instead of mapping it, and whether that is the right place to stop. */
static void
copies(const struct perf_result *r, FILE *f)
{
	if (r->copy_max == 0 && r->crossover == 0)
		return;
	fprintf(f, "%s:", r->policy);
	if (r->copy_max != 0)
		fprintf(f, " buffers up to %" PRIu64 " bytes are copied, up to %" PRIu64
			" if the device only reads them%s", r->copy_max, r->copy_max_read,
			r->crossover != 0 ? ";" : ".");
	if (r->crossover != 0)
		fprintf(f, " from %" PRIu64 " and %" PRIu64 " bytes on, measured after the run, "
			"copying costs more than mapping.", r->crossover, r->crossover_read);
	fputc('\n', f);
}

static void
stale_marks(const struct perf_book *bk, FILE *f)
{
	bool counted = true, blind = false, shadow = false;

	for (unsigned int i = 0; i < bk->nb_results; i++) {
		const struct perf_result *r = &bk->result[i];

		counted &= r->stale_counted;
		blind |= r->stale_counted && !r->stale_provable;
		shadow |= r->shadow_known;
	}
	if (!counted)
		fputs(bk->o->probe_stale ? "  n/a: there is no device that could probe for them.\n" :
					   "  n/a: nothing probed for them (--probe-stale).\n", f);
	if (blind)
		fputs("  ?: not provable on this hardware: it completes invalidations before anybody "
		      "could see that a policy did not wait\n     (a control run with completions that "
		      "came too early saw nothing). Give it a longer tlbi_ns.\n", f);
	if (shadow)
		fputs("  +Ns: it also reached shadow memory that stood in for nobody N times: what it "
		      "had been given, not its owner's.\n", f);
}

static void
footnotes(const struct perf_book *bk, FILE *f)
{
	uint64_t preempted = 0;
	bool unstable = false, clamped = false, pass = false;

	for (unsigned int i = 0; i < bk->nb_results; i++) {
		preempted += bk->result[i].preempted;
		unstable |= bk->result[i].unstable;
		clamped |= strcmp(bk->result[i].policy, bk->result[i].in_force) != 0;
		pass |= !bk->result[i].stale_known;
	}
	fputs("\nTimes include one ownership byte a page", f);
	fputs(pass ? "; the passthrough row is the floor of the harness itself.\n" : ".\n", f);
	fputs("stale accesses: the device reached a page that unmap had already handed back.\n"
	      "release: from the submission of an unmap to the return of its memory, where no "
	      "device reaches it any more then.\n", f);
	stale_marks(bk, f);
	for (unsigned int i = 0; i < bk->nb_results; i++)
		copies(&bk->result[i], f);
	if (preempted > 0)
		fprintf(f, "* preempted: no round was free of it; the OS took an lcore away (%"
			PRIu64 " times in the rows shown).\n  Means, maxima and ratios include "
			"that, p50 does not: trust those on a quiet machine only.\n", preempted);
	if (bk->o->insns)
		fputs("pair insns: instructions of one map+unmap, the engine's share of them included.\n",
		      f);
	if (bk->layout == PERF_LAYOUT_STEP && (bk->info.caps & SLUICE_CAP_EMULATED))
		fputs("layout step: times include the model's own work on the same lcore; counters "
		      "are exact, times are no measure. Stale windows are virtual time.\n", f);
	if (unstable)
		fputs("~ unstable: the bare SYNC moved by more than 20 % during the run.\n", f);
	if (clamped)
		fputs("! the hardware cannot do this; a stricter policy was in force.\n", f);
}

void
perf_table_print(const struct perf_book *bk, FILE *f)
{
	struct perf_varied v = perf_book_varied(bk);
	struct grid g = { .rows = bk->nb_results };

	if (bk->nb_results == 0)
		return;
	g.cell = calloc(g.rows + 1, sizeof(*g.cell));
	if (g.cell == NULL)
		return;
	head(&g, bk, &v);
	for (unsigned int i = 0; i < bk->nb_results; i++)
		body(&g, i + 1, &v, &bk->result[i]);
	preamble(bk, &v, f);
	grid_print(&g, f);
	footnotes(bk, f);
	free(g.cell);
}
