/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Results for programs. Keys are a contract: new ones are added, none is renamed.
 */
#include <math.h>

#include <jansson.h>

#include "../shared/json_text.h"
#include "book.h"
#include "marks.h"

static json_t *
real(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

/* 0 says that it was not measured. */
static json_t *
known(double v)
{
	return v > 0 ? real(v) : json_null();
}

/* What is beyond the format's integers is not made negative. */
static json_t *
count(uint64_t v)
{
	return v <= INT64_MAX ? json_integer((json_int_t)v) : json_real((double)v);
}

static json_t *
counted(uint64_t v)
{
	return v > 0 ? count(v) : json_null();
}

/* null is what was not measured. */
static json_t *
count_if(bool is_known, uint64_t v)
{
	return is_known ? count(v) : json_null();
}

static json_t *
real_if(bool is_known, double v)
{
	return is_known ? real(v) : json_null();
}

static json_t *
dist(const struct perf_dist *d, bool is_known)
{
	if (!is_known) /* a mean over whole bursts may be there all the same */
		return json_pack("{s:n, s:n, s:n, s:o}", "p50", "p99", "max", "mean",
				 known(d->mean));
	return json_pack("{s:o, s:o, s:o, s:o}", "p50", real(d->p50), "p99", real(d->p99), "max",
			 real(d->max), "mean", real(d->mean));
}

static json_t *
host(const struct perf_host *h)
{
	return json_pack("{s:o, s:i, s:o, s:o, s:{s:b, s:o, s:o}}", "cpu", json_text(h->cpu),
			 "cores", (int)h->cores, "kernel", json_text(h->kernel), "dpdk",
			 json_text(h->dpdk), "huge_pages", "used", h->huge, "total",
			 count(h->huge_total), "size_kb", count(h->huge_kb));
}

static json_t *
caps(uint64_t flags)
{
	static const struct {
		uint64_t flag;
		const char *name;
	} names[] = {
		{ SLUICE_CAP_DEFERRED, "deferred" }, { SLUICE_CAP_RANGE_INV, "range_inv" },
		{ SLUICE_CAP_COHERENT, "coherent" }, { SLUICE_CAP_SYNC_MSI, "sync_msi" },
		{ SLUICE_CAP_BYPASS, "bypass" }, { SLUICE_CAP_EMULATED, "emulated" },
		{ SLUICE_CAP_PRI, "pri" }, { SLUICE_CAP_STALL, "stall" },
		{ SLUICE_CAP_ATS, "ats" },
	};
	json_t *a = json_array();

	for (unsigned int i = 0; i < RTE_DIM(names); i++)
		if (flags & names[i].flag)
			json_array_append_new(a, json_string(names[i].name));
	return a;
}

static json_t *
iommu(const struct perf_book *bk)
{
	const struct sluice_iommu_info *in = &bk->info;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:o, s:o}", "dev",
			 json_text(bk->o->dev), "backend", json_text(in->backend), "regs",
			 json_text(in->regs), "settings", json_text(in->settings),
			 "slowed_by_probes", json_text(bk->slowed), "capabilities", caps(in->caps),
			 "ias", in->ias, "oas", in->oas, "sid_bits", in->sid_bits,
			 "cmdq_entries", count(in->cmdq_entries),
			 "evtq_entries", count(in->evtq_entries));
}

static json_t *
counters(const struct perf_counters *c)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < c->n; i++)
		json_object_set_new(o, c->c[i].name, count(c->c[i].value));
	return o;
}

static json_t *
flushes(const struct perf_result *r)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < SLUICE_FLUSH_CAUSES; i++)
		json_object_set_new(o, perf_flush_cause[i], count_if(!r->failed, r->flushes[i]));
	return o;
}

static json_t *
walk_reads(const struct perf_result *r)
{
	json_t *o;
	char name[8];

	if (!r->walk_reads_known)
		return json_null();
	o = json_object();
	for (unsigned int i = 0; i < PERF_WALK_LEVELS; i++) {
		snprintf(name, sizeof(name), "l%u", i);
		json_object_set_new(o, name, count(r->walk_reads[i]));
	}
	return o;
}

static json_t *
rounds(const struct perf_result *r)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < r->rounds; i++)
		json_array_append_new(a, real(r->rounds_pair_ns[i]));
	return a;
}

static json_t *
marks(const struct perf_result *r)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < perf_nb_marks; i++)
		if (perf_marks[i].on(r))
			json_array_append_new(a, json_string(perf_marks[i].name));
	return a;
}

static json_t *
result(const struct perf_book *bk, const struct perf_result *r)
{
	json_t *o = json_object();
	bool ran = !r->failed;

	json_object_set_new(o, "policy", json_text(r->policy));
	json_object_set_new(o, "policy_in_force", ran ? json_text(r->in_force) : json_null());
	json_object_set_new(o, "error", r->error[0] != '\0' ? json_text(r->error) : json_null());
	json_object_set_new(o, "marks", marks(r));
	json_object_set_new(o, "workload", json_text(bk->wl->name));
	json_object_set_new(o, "workload_note", json_text(bk->wl->note));
	json_object_set_new(o, "layout", json_string(perf_layout_name(bk->layout)));
	json_object_set_new(o, "workers", count(r->workers));
	json_object_set_new(o, "batch", count(r->batch));
	json_object_set_new(o, "deadline_us", count(r->deadline_us));
	json_object_set_new(o, "burst", count(r->burst));
	json_object_set_new(o, "sync_ns", count(r->sync_ns));
	json_object_set_new(o, "seed", count(bk->o->seed));
	json_object_set_new(o, "ring", counted(r->ring));
	json_object_set_new(o, "buffer_bytes", counted(r->buf_size));
	json_object_set_new(o, "note", json_text(r->note));
	json_object_set_new(o, "pairs", count_if(ran, r->pairs));
	json_object_set_new(o, "seconds", real_if(ran, r->seconds));
	json_object_set_new(o, "rounds", count_if(ran, r->rounds));
	json_object_set_new(o, "clean_rounds", count_if(ran, r->clean_rounds));
	json_object_set_new(o, "rounds_pair_ns", rounds(r));
	json_object_set_new(o, "map_ns", dist(&r->map_ns, r->map_known));
	json_object_set_new(o, "unmap_ns", dist(&r->unmap_ns, r->unmap_known));
	json_object_set_new(o, "pair_ns", real_if(ran, r->pair_ns));
	json_object_set_new(o, "map_insns", known(r->insns.map));
	json_object_set_new(o, "unmap_insns", known(r->insns.unmap));
	json_object_set_new(o, "pair_insns", known(r->insns.pair));
	json_object_set_new(o, "strict_ratio", known(r->strict_ratio));
	json_object_set_new(o, "sync_rtt_ns", real_if(ran, r->sync_rtt_ns));
	json_object_set_new(o, "sync_rtt_before_ns", real_if(ran, r->sync_rtt_before_ns));
	json_object_set_new(o, "sync_rtt_after_ns", real_if(ran, r->sync_rtt_after_ns));
	json_object_set_new(o, "preempted", count_if(ran && !r->virt, r->preempted));
	json_object_set_new(o, "unstable", ran ? json_boolean(r->unstable) : json_null());
	json_object_set_new(o, "syncs_per_unmap", real_if(r->cmds_known, r->syncs_per_unmap));
	json_object_set_new(o, "invs_per_unmap", real_if(r->cmds_known, r->invs_per_unmap));
	json_object_set_new(o, "stale_us", dist(&r->stale_us, r->stale_known));
	json_object_set_new(o, "stale_accesses",
			    r->stale_counted ? count(r->stale_accesses) : json_null());
	json_object_set_new(o, "stale_provable",
			    r->stale_counted ? json_boolean(r->stale_provable) : json_null());
	json_object_set_new(o, "stale_control", counted(r->stale_control));
	json_object_set_new(o, "shadow_accesses",
			    r->shadow_known ? count(r->shadow_accesses) : json_null());
	json_object_set_new(o, "release_us", dist(&r->release_us, r->release_known));
	json_object_set_new(o, "cookies", count_if(ran, r->cookies));
	json_object_set_new(o, "flushes", flushes(r));
	json_object_set_new(o, "deadline_misses", count_if(ran, r->deadline_misses));
	json_object_set_new(o, "oldest_us", real_if(r->held_known, r->oldest_us));
	json_object_set_new(o, "pending_max", count_if(ran, r->pending_max));
	json_object_set_new(o, "exposed_bytes", count_if(r->exposed_known, r->exposed_bytes));
	json_object_set_new(o, "dma_bytes", count_if(r->dma_known, r->dma_bytes));
	json_object_set_new(o, "dma_faults", count_if(r->dma_known, r->dma_faults));
	json_object_set_new(o, "dma_mismatches", count_if(r->dma_known, r->dma_mismatches));
	json_object_set_new(o, "probes", count_if(r->probes_known, r->probes));
	json_object_set_new(o, "probe_hits", count_if(r->probes_known, r->probe_hits));
	json_object_set_new(o, "probe_faults", count_if(r->probes_known, r->probe_faults));
	json_object_set_new(o, "iotlb_hit_rate", real_if(r->iotlb_known, r->iotlb_hit_rate));
	json_object_set_new(o, "walk_reads_per_page",
			    real_if(r->walks_known, r->walk_reads_per_page));
	json_object_set_new(o, "walk_reads", walk_reads(r));
	json_object_set_new(o, "copy_max", counted(r->copy_max));
	json_object_set_new(o, "copy_max_read", counted(r->copy_max_read));
	json_object_set_new(o, "crossover_bytes", counted(r->crossover));
	json_object_set_new(o, "crossover_read_bytes", counted(r->crossover_read));
	json_object_set_new(o, "pinned_bytes", count_if(ran, r->pinned_bytes));
	json_object_set_new(o, "ring_full", count_if(ran, r->ring_full));
	json_object_set_new(o, "empty_polls", count_if(ran, r->empty_polls));
	json_object_set_new(o, "counters", counters(&r->counters));
	return o;
}

int
perf_json_write(const struct perf_book *bk, FILE *f)
{
	json_t *o = json_object(), *a = json_array();
	int rc;

	for (unsigned int i = 0; i < bk->nb_results; i++)
		json_array_append_new(a, result(bk, &bk->result[i]));
	json_object_set_new(o, "version", json_string(sluice_version()));
	json_object_set_new(o, "claim", json_string(PERF_HONEST));
	json_object_set_new(o, "host", host(&bk->host));
	json_object_set_new(o, "iommu", iommu(bk));
	json_object_set_new(o, "layout", json_string(perf_layout_name(bk->layout)));
	json_object_set_new(o, "layout_lcores", json_text(bk->layout_text));
	json_object_set_new(o, "complete", json_boolean(bk->complete));
	json_object_set_new(o, "results", a);
	/* ASCII: what a terminal would act upon is escaped, too. */
	rc = json_dumpf(o, f, JSON_INDENT(2) | JSON_REAL_PRECISION(9) | JSON_ENSURE_ASCII);
	json_decref(o);
	return rc == 0 && fputc('\n', f) != EOF ? 0 : -1;
}
