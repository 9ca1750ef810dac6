/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Results for spreadsheets and gnuplot: a header, and a line for each result. Columns are the keys
 * of the JSON, with a dot in front of a member; an empty field is what JSON calls null.
 */
#include <inttypes.h>
#include <math.h>

#include "../shared/text.h"
#include "fields.h"
#include "marks.h"

/* In the order in which they were added: programs may count columns. */
static const char *const columns[] = {
	"policy", "policy_in_force", "workload", "layout", "workers", "batch", "deadline_us",
	"sync_ns", "seed", "pairs", "seconds", "rounds", "map_ns", "unmap_ns", "pair_ns",
	"strict_ratio", "sync_rtt_ns", "unstable", "syncs_per_unmap", "invs_per_unmap", "stale_us",
	"stale_accesses", "dma_bytes", "dma_faults", "dma_mismatches", "probes", "probe_hits",
	"probe_faults", "iotlb_hit_rate", "walk_reads_per_page", "pinned_bytes", "ring_full",
	"empty_polls", "pair_insns", "burst", "release_us", "cookies", "deadline_misses",
	"oldest_us", "pending_max", "exposed_bytes", "walk_reads", "copy_max", "copy_max_read",
	"crossover_bytes", "crossover_read_bytes", "flushes", "marks", "preempted", "clean_rounds",
	"error", "stale_provable", "stale_control", "shadow_accesses",
};

/* ---- the header ------------------------------------------------------------------------------ */

static void
members(FILE *f, const char *key, const char *const *name, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		fprintf(f, "%s%s.%s", i > 0 ? "," : "", key, name[i]);
}

static void
title(FILE *f, const struct perf_field *field)
{
	static const char *const of_dist[] = { "p50", "p99", "max", "mean" };
	static const char *const of_walk[PERF_WALK_LEVELS] = { "l0", "l1", "l2", "l3" };

	switch (field->kind) {
	case PERF_CALLS: members(f, field->key, of_dist, 4); break;
	case PERF_WINDOW: members(f, field->key, of_dist, 3); break;
	case PERF_WALK_READS: members(f, field->key, of_walk, PERF_WALK_LEVELS); break;
	case PERF_FLUSHES: members(f, field->key, perf_flush_cause, SLUICE_FLUSH_CAUSES); break;
	default: fputs(field->key, f);
	}
}

/* ---- a line ---------------------------------------------------------------------------------- */

/* Quoted. Bytes that are no UTF-8, or that a terminal would act upon, are replaced. */
static void
text(FILE *f, const char *s)
{
	char copy[512];

	text_utf8(copy, sizeof(copy), s);
	text_clean(copy, "");
	fputc('"', f);
	for (s = copy; *s != '\0'; s++) {
		if (*s == '"')
			fputc('"', f);
		fputc(*s, f);
	}
	fputc('"', f);
}

static void
real(FILE *f, bool known, unsigned int digits, double v)
{
	if (known && isfinite(v))
		fprintf(f, "%.*f", (int)digits, v);
}

static void
counts(FILE *f, bool known, const uint64_t *v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (i > 0)
			fputc(',', f);
		if (known)
			fprintf(f, "%" PRIu64, v[i]);
	}
}

static void
dist(FILE *f, bool known, unsigned int digits, const struct perf_dist *d)
{
	real(f, known, digits, d->p50);
	fputc(',', f);
	real(f, known, digits, d->p99);
	fputc(',', f);
	real(f, known, digits, d->max);
}

static void
marks(FILE *f, const struct perf_result *r)
{
	const char *between = "";

	for (unsigned int i = 0; i < perf_nb_marks; i++)
		if (perf_marks[i].on(r)) {
			fprintf(f, "%s%s", between, perf_marks[i].name);
			between = " ";
		}
}

/* A value that is one field. */
static void
single(FILE *f, const struct perf_field *field, const struct perf_book *bk,
       const struct perf_result *r)
{
	switch (field->kind) {
	case PERF_U32:
	case PERF_U64: fprintf(f, "%" PRIu64, perf_field_count(field, bk, r)); break;
	case PERF_REAL: real(f, true, field->digits, perf_field_real(field, r)); break;
	case PERF_FLAG: fputc(perf_field_flag(field, r) ? '1' : '0', f); break;
	case PERF_WORD: fputs(perf_field_text(field, bk, r), f); break;
	case PERF_TEXT: text(f, perf_field_text(field, bk, r)); break;
	case PERF_MARKS: marks(f, r); break;
	default: break;
	}
}

static void
value(FILE *f, const struct perf_field *field, const struct perf_book *bk,
      const struct perf_result *r)
{
	bool known = perf_field_known(field, r);
	const struct perf_dist *d = perf_field_dist(field, r);

	switch (field->kind) {
	case PERF_CALLS:
		dist(f, known, 1, d);
		fputc(',', f);
		real(f, known || d->mean > 0, 3, d->mean);
		break;
	case PERF_WINDOW: dist(f, known, 3, d); break;
	case PERF_WALK_READS: counts(f, known, r->walk_reads, PERF_WALK_LEVELS); break;
	case PERF_FLUSHES: counts(f, known, r->flushes, SLUICE_FLUSH_CAUSES); break;
	default:
		if (known)
			single(f, field, bk, r);
	}
}

int
perf_csv_write(const struct perf_book *bk, FILE *f)
{
	const struct perf_field *field[RTE_DIM(columns)];

	for (unsigned int i = 0; i < RTE_DIM(columns); i++) {
		field[i] = perf_field_find(columns[i]);
		fputs(i > 0 ? "," : "", f);
		title(f, field[i]);
	}
	fputc('\n', f);
	for (unsigned int k = 0; k < bk->nb_results; k++) {
		for (unsigned int i = 0; i < RTE_DIM(columns); i++) {
			fputs(i > 0 ? "," : "", f);
			value(f, field[i], bk, &bk->result[k]);
		}
		fputc('\n', f);
	}
	return ferror(f) ? -1 : 0;
}
