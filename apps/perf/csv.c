/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Results for spreadsheets and gnuplot: one header, one line a result, keys as in the JSON with
 * a dot for a member. An empty field is what the JSON calls null.
 */
#include <inttypes.h>
#include <math.h>

#include "../shared/text.h"
#include "book.h"
#include "marks.h"

static const char header[] =
	"policy,policy_in_force,workload,layout,workers,batch,deadline_us,sync_ns,seed,pairs,"
	"seconds,rounds,map_ns.p50,map_ns.p99,map_ns.max,map_ns.mean,unmap_ns.p50,unmap_ns.p99,"
	"unmap_ns.max,unmap_ns.mean,pair_ns,strict_ratio,sync_rtt_ns,unstable,syncs_per_unmap,"
	"invs_per_unmap,stale_us.p50,stale_us.p99,stale_us.max,stale_accesses,dma_bytes,"
	"dma_faults,dma_mismatches,probes,probe_hits,probe_faults,iotlb_hit_rate,"
	"walk_reads_per_page,pinned_bytes,ring_full,empty_polls,pair_insns,burst,release_us.p50,"
	"release_us.p99,release_us.max,cookies,deadline_misses,oldest_us,pending_max,exposed_bytes,"
	"walk_reads.l0,walk_reads.l1,walk_reads.l2,walk_reads.l3,copy_max,"
	"copy_max_read,crossover_bytes,crossover_read_bytes";

/* Behind flushes.*, which came before. */
static const char tail[] = ",marks,preempted,clean_rounds,error,stale_provable,stale_control,"
	"shadow_accesses";

/* Quoted; what is no text, or would act upon a terminal, is replaced. */
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

/* A field, or an empty one: what the JSON calls null. */
static void
count(FILE *f, bool known, uint64_t v)
{
	fputc(',', f);
	if (known)
		fprintf(f, "%" PRIu64, v);
}

static void
real(FILE *f, bool known, unsigned int digits, double v)
{
	fputc(',', f);
	if (known && isfinite(v))
		fprintf(f, "%.*f", (int)digits, v);
}

static void
dist(FILE *f, bool known, const struct perf_dist *d)
{
	real(f, known, 1, d->p50);
	real(f, known, 1, d->p99);
	real(f, known, 1, d->max);
	real(f, known || d->mean > 0, 3, d->mean);
}

static void
window(FILE *f, bool known, const struct perf_dist *d)
{
	real(f, known, 3, d->p50);
	real(f, known, 3, d->p99);
	real(f, known, 3, d->max);
}

static void
marks(FILE *f, const struct perf_result *r)
{
	const char *between = "";

	fputc(',', f);
	for (unsigned int i = 0; i < perf_nb_marks; i++)
		if (perf_marks[i].on(r)) {
			fprintf(f, "%s%s", between, perf_marks[i].name);
			between = " ";
		}
	count(f, !r->failed && !r->virt, r->preempted);
	count(f, !r->failed, r->clean_rounds);
	fputc(',', f);
	if (r->error[0] != '\0')
		text(f, r->error);
}

/* What came later than the rest; columns are only added. */
static void
later(FILE *f, const struct perf_result *r)
{
	bool ran = !r->failed;

	fprintf(f, ",%u", r->burst);
	window(f, r->release_known, &r->release_us);
	count(f, ran, r->cookies);
	count(f, ran, r->deadline_misses);
	real(f, r->held_known, 3, r->oldest_us);
	count(f, ran, r->pending_max);
	count(f, r->exposed_known, r->exposed_bytes);
	for (unsigned int i = 0; i < PERF_WALK_LEVELS; i++)
		count(f, r->walk_reads_known, r->walk_reads[i]);
	count(f, r->copy_max != 0, r->copy_max);
	count(f, r->copy_max_read != 0, r->copy_max_read);
	count(f, r->crossover != 0, r->crossover);
	count(f, r->crossover_read != 0, r->crossover_read);
	for (unsigned int i = 0; i < SLUICE_FLUSH_CAUSES; i++)
		count(f, ran, r->flushes[i]);
	marks(f, r);
	count(f, r->stale_counted, r->stale_provable);
	count(f, r->stale_control != 0, r->stale_control);
	count(f, r->shadow_known, r->shadow_accesses);
}

static void
line(FILE *f, const struct perf_book *bk, const struct perf_result *r)
{
	bool ran = !r->failed;

	fprintf(f, "%s,%s,", r->policy, r->in_force);
	text(f, bk->wl->name);
	fprintf(f, ",%s,%u,%u,%u,%" PRIu64 ",%" PRIu64, perf_layout_name(bk->layout), r->workers,
		r->batch, r->deadline_us, r->sync_ns, bk->o->seed);
	count(f, ran, r->pairs);
	real(f, ran, 6, r->seconds);
	count(f, ran, r->rounds);
	dist(f, r->map_known, &r->map_ns);
	dist(f, r->unmap_known, &r->unmap_ns);
	real(f, ran, 3, r->pair_ns);
	real(f, r->strict_ratio > 0, 4, r->strict_ratio);
	real(f, ran, 1, r->sync_rtt_ns);
	count(f, ran, r->unstable);
	real(f, r->cmds_known, 6, r->syncs_per_unmap);
	real(f, r->cmds_known, 6, r->invs_per_unmap);
	window(f, r->stale_known, &r->stale_us);
	count(f, r->stale_counted, r->stale_accesses);
	count(f, r->dma_known, r->dma_bytes);
	count(f, r->dma_known, r->dma_faults);
	count(f, r->dma_known, r->dma_mismatches);
	count(f, r->probes_known, r->probes);
	count(f, r->probes_known, r->probe_hits);
	count(f, r->probes_known, r->probe_faults);
	real(f, r->iotlb_known, 6, r->iotlb_hit_rate);
	real(f, r->walks_known, 6, r->walk_reads_per_page);
	count(f, ran, r->pinned_bytes);
	count(f, ran, r->ring_full);
	count(f, ran, r->empty_polls);
	real(f, r->insns.pair > 0, 1, r->insns.pair);
	later(f, r);
	fputc('\n', f);
}

int
perf_csv_write(const struct perf_book *bk, FILE *f)
{
	fputs(header, f);
	for (unsigned int i = 0; i < SLUICE_FLUSH_CAUSES; i++)
		fprintf(f, ",flushes.%s", perf_flush_cause[i]);
	fputs(tail, f);
	fputc('\n', f);
	for (unsigned int i = 0; i < bk->nb_results; i++)
		line(f, bk, &bk->result[i]);
	return ferror(f) ? -1 : 0;
}
