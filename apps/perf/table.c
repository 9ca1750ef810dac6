/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The table for people: widths come from what is in the columns.
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
figure(struct grid *g, unsigned int row, unsigned int *c, bool known, const char *fmt, double v)
	__attribute__((format(printf, 5, 0)));

static void
figure(struct grid *g, unsigned int row, unsigned int *c, bool known, const char *fmt, double v)
{
	if (known)
		put(g, row, c, fmt, v);
	else
		put(g, row, c, "n/a");
}

static void
time_us(struct grid *g, unsigned int row, unsigned int *c, bool known, double us)
{
	figure(g, row, c, known, "%.1f", us);
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
body(struct grid *g, unsigned int row, const struct perf_varied *v, const struct perf_result *r,
     bool insns)
{
	unsigned int c = 0;
	char signs[8];

	put(g, row, &c, "%.24s%s", r->policy, perf_marks_signs(r, signs, sizeof(signs)));
	if (v->sync_ns)
		put(g, row, &c, "%" PRIu64, r->sync_ns);
	if (v->workers)
		put(g, row, &c, "%u", r->workers);
	if (v->batch)
		setting(g, row, &c, r, r->batch);
	if (v->deadline_us)
		setting(g, row, &c, r, r->deadline_us);
	if (r->failed) {
		while (c < g->cols)
			put(g, row, &c, "-");
		return;
	}
	if (v->sync_ns || v->workers)
		put(g, row, &c, "%.0f", r->sync_rtt_ns);
	put(g, row, &c, "%.1f", r->map_ns.mean);
	put(g, row, &c, "%.1f", r->unmap_ns.mean);
	put(g, row, &c, "%.1f", r->pair_ns);
	if (insns)
		figure(g, row, &c, r->insns.pair > 0, "%.1f", r->insns.pair);
	figure(g, row, &c, r->unmap_known, "%.0f", r->unmap_ns.p50);
	figure(g, row, &c, r->unmap_known, "%.0f", r->unmap_ns.p99);
	figure(g, row, &c, r->cmds_known, "%.4f", r->syncs_per_unmap);
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

/* What each mark means that is there, and what went wrong in words. */
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
	bool counted = true, shadow = false;

	for (unsigned int i = 0; i < bk->nb_results; i++) {
		const struct perf_result *r = &bk->result[i];

		counted &= r->stale_counted;
		shadow |= r->shadow_known;
	}
	if (!counted)
		fputs(bk->o->probe_stale ? "  n/a: there is no device that could probe for them.\n" :
					   "  n/a: nothing probed for them (--probe-stale).\n", f);
	if (shadow)
		fputs("  +Ns: it also reached shadow memory that stood in for nobody N times: what it "
		      "had been given, not its owner's.\n", f);
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
	      "release: from the submission of an unmap to the return of its memory, where no "
	      "device reaches it any more then.\n", f);
	stale_marks(bk, f);
	for (unsigned int i = 0; i < bk->nb_results; i++)
		copies(&bk->result[i], f);
	if (bk->o->insns)
		fputs("pair insns: instructions of one map+unmap, the engine's share of them included.\n",
		      f);
	if (virt)
		fputs("layout step: times are the model's own, in which only the hardware takes "
		      "time and the processor none. The same seed gives the same figures.\n", f);
	legend(bk, f);
	if (!bk->complete)
		fputs("Not all that was asked for is here.\n", f);
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
	head(&g, bk, &v);
	for (unsigned int i = 0; i < bk->nb_results; i++)
		body(&g, i + 1, &v, &bk->result[i], bk->o->insns);
	preamble(bk, &v, f);
	grid_print(&g, f);
	footnotes(bk, f);
	free(g.cell);
}
