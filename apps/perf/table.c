/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The table for people. Each column is as wide as its widest cell.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "marks.h"

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

/* ---- columns --------------------------------------------------------------------------------- */

struct line {
	struct grid *g;
	unsigned int row, col;
	const struct perf_result *r;
};

static void
figure(struct line *l, bool known, const char *fmt, double v) __attribute__((format(printf, 3, 0)));

static void
figure(struct line *l, bool known, const char *fmt, double v)
{
	if (known)
		put(l->g, l->row, &l->col, fmt, v);
	else
		put(l->g, l->row, &l->col, "n/a");
}

static void
span(struct line *l, bool known, double us)
{
	figure(l, known, "%.1f", us);
}

static void
count(struct line *l, uint64_t n)
{
	put(l->g, l->row, &l->col, "%" PRIu64, n);
}

/* Settings of flush queues are not shown for a policy that has none. */
static void
setting(struct line *l, uint32_t n)
{
	if (perf_counter_get(&l->r->counters, "queued") != 0)
		count(l, n);
	else
		put(l->g, l->row, &l->col, "-");
}

static void
policy(struct line *l)
{
	char signs[8];

	put(l->g, l->row, &l->col, "%.24s%s", l->r->policy,
	    perf_marks_signs(l->r, signs, sizeof(signs)));
}

/* n/a: no device probed. "?": a stale access would not have been seen. "+Ns": N accesses reached
 * idle shadow memory. */
static void
accesses(struct line *l)
{
	const struct perf_result *r = l->r;
	char copies[32] = "";

	if (!r->stale_counted) {
		put(l->g, l->row, &l->col, "n/a");
		return;
	}
	if (r->copies_known)
		snprintf(copies, sizeof(copies), "+%" PRIu64 "s", r->shadow_accesses);
	put(l->g, l->row, &l->col, "%" PRIu64 "%s%.20s", r->stale_accesses,
	    r->stale_provable ? "" : "?", copies);
}

static void
ratio(struct line *l)
{
	if (l->r->strict_ratio > 0)
		put(l->g, l->row, &l->col, "%.2fx", l->r->strict_ratio);
	else
		put(l->g, l->row, &l->col, "-");
}

/* clang-format off */
static void sync_ns(struct line *l) { count(l, l->r->sync_ns); }
static void workers(struct line *l) { count(l, l->r->workers); }
static void batch(struct line *l) { setting(l, l->r->batch); }
static void deadline(struct line *l) { setting(l, l->r->deadline_us); }
static void sync_rtt(struct line *l) { figure(l, true, "%.0f", l->r->sync_rtt_ns); }
static void map(struct line *l) { figure(l, true, "%.1f", l->r->map_ns.mean); }
static void unmap(struct line *l) { figure(l, true, "%.1f", l->r->unmap_ns.mean); }
static void pair(struct line *l) { figure(l, true, "%.1f", l->r->pair_ns); }
static void insns(struct line *l) { figure(l, l->r->insns.pair > 0, "%.1f", l->r->insns.pair); }
static void unmap_p50(struct line *l) { figure(l, l->r->unmap_known, "%.0f", l->r->unmap_ns.p50); }
static void unmap_p99(struct line *l) { figure(l, l->r->unmap_known, "%.0f", l->r->unmap_ns.p99); }
static void syncs(struct line *l) { figure(l, l->r->cmds_known, "%.4f", l->r->syncs_per_unmap); }
static void stale_p99(struct line *l) { span(l, l->r->stale_known, l->r->stale_us.p99); }
static void stale_max(struct line *l) { span(l, l->r->stale_known, l->r->stale_us.max); }
static void release(struct line *l) { span(l, l->r->release_known, l->r->release_us.p99); }
static void pinned(struct line *l) { count(l, l->r->pinned_bytes >> 10); }
/* clang-format on */

/* When a column is shown. */
enum shown { ALWAYS, IF_SYNC, IF_WORKERS, IF_BATCH, IF_DEADLINE, IF_HARDWARE, IF_INSNS };

static const struct column {
	const char *head;
	enum shown shown;
	bool failed_too; /* a result without figures shows it as well */
	void (*cell)(struct line *l);
} columns[] = {
	{ "policy", ALWAYS, true, policy },
	{ "sync_ns", IF_SYNC, true, sync_ns },
	{ "workers", IF_WORKERS, true, workers },
	{ "batch", IF_BATCH, true, batch },
	{ "deadline", IF_DEADLINE, true, deadline },
	{ "SYNC ns", IF_HARDWARE, false, sync_rtt },
	{ "map ns", ALWAYS, false, map },
	{ "unmap ns", ALWAYS, false, unmap },
	{ "pair ns", ALWAYS, false, pair },
	{ "pair insns", IF_INSNS, false, insns },
	{ "unmap p50", ALWAYS, false, unmap_p50 },
	{ "p99 ns", ALWAYS, false, unmap_p99 },
	{ "SYNCs/unmap", ALWAYS, false, syncs },
	{ "stale p99", ALWAYS, false, stale_p99 },
	{ "max us", ALWAYS, false, stale_max },
	{ "stale accesses", ALWAYS, false, accesses },
	{ "release p99 us", ALWAYS, false, release },
	{ "pinned KiB", ALWAYS, false, pinned },
	{ "strict/this", ALWAYS, false, ratio },
};
_Static_assert(RTE_DIM(columns) <= MAX_COLS, "room for each");

static bool
is_shown(const struct column *c, const struct perf_book *bk, const struct perf_varied *v)
{
	switch (c->shown) {
	case IF_SYNC: return v->sync_ns;
	case IF_WORKERS: return v->workers;
	case IF_BATCH: return v->batch;
	case IF_DEADLINE: return v->deadline_us;
	case IF_HARDWARE: return v->sync_ns || v->workers;
	case IF_INSNS: return bk->o->insns;
	case ALWAYS: break;
	}
	return true;
}

static void
fill(struct grid *g, const struct perf_book *bk, const struct perf_varied *v)
{
	for (unsigned int i = 0; i < RTE_DIM(columns); i++) {
		const struct column *c = &columns[i];

		if (!is_shown(c, bk, v))
			continue;
		for (unsigned int k = 0; k < bk->nb_results; k++) {
			struct line l = { .g = g, .row = k + 1, .col = g->cols,
					  .r = &bk->result[k] };

			if (l.r->failed && !c->failed_too)
				put(g, l.row, &l.col, "-");
			else
				c->cell(&l);
		}
		put(g, 0, &g->cols, "%s", c->head);
	}
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
	double lo = perf_book_first(bk)->sync_rtt_ns, hi = lo;

	for (unsigned int i = 0; i < bk->nb_results; i++) {
		if (bk->result[i].failed)
			continue;
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
	const struct perf_result *r = perf_book_first(bk);
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
		fprintf(f, "          the hardware was made slow, %s, so that a policy that does "
			"not wait is caught\n", bk->slowed);
	sync_range(bk, f);
	fputc('\n', f);
}

/* Up to which length a policy copies buffers, and from which length on copying costs more. */
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

/* The meaning of each mark in the table, and the errors. */
static void
legend(const struct perf_book *bk, FILE *f)
{
	for (unsigned int m = 0; m < perf_nb_marks; m++) {
		unsigned int n = 0;

		for (unsigned int i = 0; i < bk->nb_results; i++)
			n += perf_marks[m].on(&bk->result[i]);
		if (n != 0)
			fprintf(f, "%s %s\n", perf_marks[m].sign, perf_marks[m].means);
	}
	for (unsigned int i = 0; i < bk->nb_results; i++)
		if (bk->result[i].error[0] != '\0')
			fprintf(f, "  %s (sync_ns %" PRIu64 ", workers %u): %s\n",
				bk->result[i].label, bk->result[i].sync_ns, bk->result[i].workers,
				bk->result[i].error);
}

static void
stale_marks(const struct perf_book *bk, FILE *f)
{
	bool counted = true, copies = false;

	for (unsigned int i = 0; i < bk->nb_results; i++) {
		const struct perf_result *r = &bk->result[i];

		counted &= r->stale_counted;
		copies |= r->copies_known;
	}
	if (!counted)
		fputs(bk->o->probe_stale ? "  n/a: no device could probe for them.\n" :
					   "  n/a: no device probed for them (--probe-stale).\n",
		      f);
	if (copies)
		fputs("  +Ns: N accesses also reached idle memory of a copy pool, which holds what "
		      "the device had been given before.\n", f);
}

static void
footnotes(const struct perf_book *bk, FILE *f)
{
	bool pass = false, virt = false;

	for (unsigned int i = 0; i < bk->nb_results; i++) {
		pass |= !bk->result[i].failed && !bk->result[i].stale_known;
		virt |= bk->result[i].virt;
	}
	if (!virt) {
		fputs("\nTimes include one ownership byte a page", f);
		fputs(pass ? "; the passthrough row is the floor of the harness itself.\n" : ".\n",
		      f);
	} else {
		fputc('\n', f);
	}
	fputs("stale accesses: the device reached a page that unmap had already handed back.\n"
	      "release: from the submission of an unmap to the return of its memory, under "
	      "policies that return it out of reach.\n", f);
	stale_marks(bk, f);
	for (unsigned int i = 0; i < bk->nb_results; i++)
		copies(&bk->result[i], f);
	if (bk->o->insns)
		fputs("pair insns: instructions of one map+unmap, with the engine's share.\n", f);
	if (virt)
		fputs("layout step: time is virtual. The hardware takes time and the processor "
		      "takes none. The same seed gives the same figures.\n", f);
	legend(bk, f);
	if (!bk->complete)
		fputs("The results are not complete.\n", f);
}

void
perf_table_print(const struct perf_book *bk, FILE *f)
{
	struct perf_varied v = perf_book_varied(bk);
	struct grid g = { .rows = bk->nb_results };

	if (perf_book_first(bk) == NULL)
		return;
	g.cell = calloc(g.rows + 1, sizeof(*g.cell));
	if (g.cell == NULL)
		return;
	fill(&g, bk, &v);
	preamble(bk, &v, f);
	grid_print(&g, f);
	footnotes(bk, f);
	free(g.cell);
}
