/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Results for programs. Keys are a contract: new ones are added, none is renamed.
 */
#include <math.h>

#include <jansson.h>

#include "book.h"

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

static json_t *
count(uint64_t v)
{
	return json_integer((json_int_t)v);
}

static json_t *
counted(uint64_t v)
{
	return v > 0 ? count(v) : json_null();
}

static json_t *
dist(const struct perf_dist *d, bool known)
{
	if (!known)
		return json_pack("{s:n, s:n, s:n, s:n}", "p50", "p99", "max", "mean");
	return json_pack("{s:o, s:o, s:o, s:o}", "p50", real(d->p50), "p99", real(d->p99), "max",
			 real(d->max), "mean", real(d->mean));
}

static json_t *
host(const struct perf_host *h)
{
	return json_pack("{s:s, s:i, s:s, s:s, s:{s:b, s:o, s:o}}", "cpu", h->cpu, "cores",
			 (int)h->cores, "kernel", h->kernel, "dpdk", h->dpdk, "huge_pages", "used",
			 h->huge, "total", count(h->huge_total), "size_kb", count(h->huge_kb));
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

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:i, s:i, s:o, s:o}", "dev",
			 bk->o->dev, "backend", in->backend, "regs", in->regs, "settings",
			 in->settings, "slowed_by_probes", bk->slowed,
			 "capabilities", caps(in->caps), "ias", in->ias, "oas", in->oas,
			 "sid_bits", in->sid_bits, "cmdq_entries", count(in->cmdq_entries),
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
flushes(const uint64_t n[SLUICE_FLUSH_CAUSES])
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < SLUICE_FLUSH_CAUSES; i++)
		json_object_set_new(o, perf_flush_cause[i], count(n[i]));
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
result(const struct perf_book *bk, const struct perf_result *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "policy", json_string(r->policy));
	json_object_set_new(o, "policy_in_force", json_string(r->in_force));
	json_object_set_new(o, "workload", json_string(bk->wl->name));
	json_object_set_new(o, "workload_note", json_string(bk->wl->note));
	json_object_set_new(o, "layout", json_string(perf_layout_name(bk->layout)));
	json_object_set_new(o, "workers", count(r->workers));
	json_object_set_new(o, "batch", count(r->batch));
	json_object_set_new(o, "deadline_us", count(r->deadline_us));
	json_object_set_new(o, "burst", count(r->burst));
	json_object_set_new(o, "sync_ns", count(r->sync_ns));
	json_object_set_new(o, "seed", count(bk->o->seed));
	json_object_set_new(o, "ring", count(r->ring));
	json_object_set_new(o, "buffer_bytes", count(r->buf_size));
	json_object_set_new(o, "note", json_string(r->note));
	json_object_set_new(o, "pairs", count(r->pairs));
	json_object_set_new(o, "seconds", real(r->seconds));
	json_object_set_new(o, "rounds", count(r->rounds));
	json_object_set_new(o, "clean_rounds", count(r->clean_rounds));
	json_object_set_new(o, "rounds_pair_ns", rounds(r));
	json_object_set_new(o, "map_ns", dist(&r->map_ns, true));
	json_object_set_new(o, "unmap_ns", dist(&r->unmap_ns, true));
	json_object_set_new(o, "pair_ns", real(r->pair_ns));
	json_object_set_new(o, "map_insns", known(r->insns.map));
	json_object_set_new(o, "unmap_insns", known(r->insns.unmap));
	json_object_set_new(o, "pair_insns", known(r->insns.pair));
	json_object_set_new(o, "strict_ratio",
			    known(r->strict_ratio));
	json_object_set_new(o, "sync_rtt_ns", real(r->sync_rtt_ns));
	json_object_set_new(o, "sync_rtt_before_ns", real(r->sync_rtt_before_ns));
	json_object_set_new(o, "sync_rtt_after_ns", real(r->sync_rtt_after_ns));
	json_object_set_new(o, "preempted", count(r->preempted));
	json_object_set_new(o, "unstable", json_boolean(r->unstable));
	json_object_set_new(o, "syncs_per_unmap", real(r->syncs_per_unmap));
	json_object_set_new(o, "invs_per_unmap", real(r->invs_per_unmap));
	json_object_set_new(o, "stale_us", dist(&r->stale_us, r->stale_known));
	json_object_set_new(o, "stale_accesses",
			    r->stale_counted ? count(r->stale_accesses) : json_null());
	json_object_set_new(o, "stale_provable",
			    r->stale_counted ? json_boolean(r->stale_provable) : json_null());
	json_object_set_new(o, "stale_control", counted(r->stale_control));
	json_object_set_new(o, "shadow_accesses",
			    r->shadow_known ? count(r->shadow_accesses) : json_null());
	json_object_set_new(o, "release_us", dist(&r->release_us, r->release_known));
	json_object_set_new(o, "cookies", count(r->cookies));
	json_object_set_new(o, "flushes", flushes(r->flushes));
	json_object_set_new(o, "deadline_misses", count(r->deadline_misses));
	json_object_set_new(o, "oldest_us", real(r->oldest_us));
	json_object_set_new(o, "pending_max", count(r->pending_max));
	json_object_set_new(o, "exposed_bytes", count(r->exposed_bytes));
	json_object_set_new(o, "dma_bytes", count(r->dma_bytes));
	json_object_set_new(o, "dma_faults", count(r->dma_faults));
	json_object_set_new(o, "dma_mismatches", count(r->dma_mismatches));
	json_object_set_new(o, "probes", count(r->probes));
	json_object_set_new(o, "probe_hits", count(r->probe_hits));
	json_object_set_new(o, "probe_faults", count(r->probe_faults));
	json_object_set_new(o, "iotlb_hit_rate", real(r->iotlb_hit_rate));
	json_object_set_new(o, "walk_reads_per_page", real(r->walk_reads_per_page));
	json_object_set_new(o, "walk_reads", walk_reads(r));
	json_object_set_new(o, "copy_max", counted(r->copy_max));
	json_object_set_new(o, "copy_max_read", counted(r->copy_max_read));
	json_object_set_new(o, "crossover_bytes", counted(r->crossover));
	json_object_set_new(o, "crossover_read_bytes", counted(r->crossover_read));
	json_object_set_new(o, "pinned_bytes", count(r->pinned_bytes));
	json_object_set_new(o, "ring_full", count(r->ring_full));
	json_object_set_new(o, "empty_polls", count(r->empty_polls));
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
	json_object_set_new(o, "layout_lcores", json_string(bk->layout_text));
	json_object_set_new(o, "results", a);
	rc = json_dumpf(o, f, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	json_decref(o);
	return rc == 0 && fputc('\n', f) != EOF ? 0 : -1;
}
