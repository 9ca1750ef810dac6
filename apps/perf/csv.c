/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Results for spreadsheets and gnuplot: one header, one line a result, keys as in the JSON with
 * a dot for a member. An empty field is what the JSON calls null.
 */
#include <inttypes.h>

#include "book.h"

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
static const char tail[] = ",stale_provable,stale_control,shadow_accesses";

static void
text(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s != '\0'; s++) {
		if (*s == '"')
			fputc('"', f);
		fputc(*s, f);
	}
	fputc('"', f);
}

static void
dist(FILE *f, const struct perf_dist *d)
{
	fprintf(f, ",%.1f,%.1f,%.1f,%.3f", d->p50, d->p99, d->max, d->mean);
}

/* 0 is what the JSON calls null. */
static void
counted(FILE *f, uint64_t v)
{
	fputc(',', f);
	if (v != 0)
		fprintf(f, "%" PRIu64, v);
}

/* What came later than the rest; columns are only added. */
static void
later(FILE *f, const struct perf_result *r)
{
	fprintf(f, ",%u", r->burst);
	if (r->release_known)
		fprintf(f, ",%.3f,%.3f,%.3f", r->release_us.p50, r->release_us.p99,
			r->release_us.max);
	else
		fputs(",,,", f);
	fprintf(f, ",%" PRIu64 ",%" PRIu64 ",%.3f,%" PRIu64 ",%" PRIu64, r->cookies,
		r->deadline_misses, r->oldest_us, r->pending_max, r->exposed_bytes);
	for (unsigned int i = 0; i < PERF_WALK_LEVELS; i++) {
		fputc(',', f);
		if (r->walk_reads_known)
			fprintf(f, "%" PRIu64, r->walk_reads[i]);
	}
	counted(f, r->copy_max);
	counted(f, r->copy_max_read);
	counted(f, r->crossover);
	counted(f, r->crossover_read);
	for (unsigned int i = 0; i < SLUICE_FLUSH_CAUSES; i++)
		fprintf(f, ",%" PRIu64, r->flushes[i]);
	if (r->stale_counted)
		fprintf(f, ",%d", r->stale_provable);
	else
		fputc(',', f);
	counted(f, r->stale_control);
	fputc(',', f);
	if (r->shadow_known)
		fprintf(f, "%" PRIu64, r->shadow_accesses);
}

static void
line(FILE *f, const struct perf_book *bk, const struct perf_result *r)
{
	fprintf(f, "%s,%s,", r->policy, r->in_force);
	text(f, bk->wl->name);
	fprintf(f, ",%s,%u,%u,%u,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.6f,%u",
		perf_layout_name(bk->layout), r->workers, r->batch, r->deadline_us, r->sync_ns,
		bk->o->seed, r->pairs, r->seconds, r->rounds);
	dist(f, &r->map_ns);
	dist(f, &r->unmap_ns);
	fprintf(f, ",%.3f,", r->pair_ns);
	if (r->strict_ratio > 0)
		fprintf(f, "%.4f", r->strict_ratio);
	fprintf(f, ",%.1f,%d,%.6f,%.6f", r->sync_rtt_ns, r->unstable, r->syncs_per_unmap,
		r->invs_per_unmap);
	if (r->stale_known)
		fprintf(f, ",%.3f,%.3f,%.3f", r->stale_us.p50, r->stale_us.p99, r->stale_us.max);
	else
		fputs(",,,", f);
	fputc(',', f);
	if (r->stale_counted)
		fprintf(f, "%" PRIu64, r->stale_accesses);
	fprintf(f, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
		",%.6f,%.6f,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",",
		r->dma_bytes, r->dma_faults, r->dma_mismatches, r->probes, r->probe_hits,
		r->probe_faults, r->iotlb_hit_rate, r->walk_reads_per_page, r->pinned_bytes,
		r->ring_full, r->empty_polls);
	if (r->insns.pair > 0)
		fprintf(f, "%.1f", r->insns.pair);
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
