/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Results for programs. Keys are a contract: new ones are added, none is renamed.
 */
#include <math.h>

#include <jansson.h>

#include "../shared/json_text.h"
#include "fields.h"
#include "marks.h"

static json_t *
real(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

/* A value beyond JSON's integers becomes a real one, so that it does not turn negative. */
static json_t *
count(uint64_t v)
{
	return v <= INT64_MAX ? json_integer((json_int_t)v) : json_real((double)v);
}

static json_t *
dist(const struct perf_dist *d, bool is_known)
{
	if (!is_known) /* the mean over whole bursts may be known all the same */
		return json_pack("{s:n, s:n, s:n, s:o}", "p50", "p99", "max", "mean",
				 d->mean > 0 ? real(d->mean) : json_null());
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
flushes(const struct perf_result *r, bool is_known)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < SLUICE_FLUSH_CAUSES; i++)
		json_object_set_new(o, perf_flush_cause[i],
				    is_known ? count(r->flushes[i]) : json_null());
	return o;
}

static json_t *
walk_reads(const struct perf_result *r)
{
	json_t *o = json_object();
	char name[8];

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
value(const struct perf_field *f, const struct perf_book *bk, const struct perf_result *r)
{
	switch (f->kind) {
	case PERF_U32:
	case PERF_U64: return count(perf_field_count(f, bk, r));
	case PERF_REAL: return real(perf_field_real(f, r));
	case PERF_FLAG: return json_boolean(perf_field_flag(f, r));
	case PERF_WORD:
	case PERF_TEXT: return json_text(perf_field_text(f, bk, r));
	case PERF_MARKS: return marks(r);
	case PERF_ROUNDS: return rounds(r);
	case PERF_WALK_READS: return walk_reads(r);
	case PERF_COUNTERS: return counters(&r->counters);
	default: return json_null();
	}
}

static json_t *
result(const struct perf_book *bk, const struct perf_result *r)
{
	json_t *o = json_object(), *v;

	for (unsigned int i = 0; i < perf_nb_fields; i++) {
		const struct perf_field *f = &perf_fields[i];
		bool is_known = perf_field_known(f, r);

		/* If these are not known, their parts are null. */
		if (f->kind == PERF_CALLS || f->kind == PERF_WINDOW)
			v = dist(perf_field_dist(f, r), is_known);
		else if (f->kind == PERF_FLUSHES)
			v = flushes(r, is_known);
		else
			v = is_known ? value(f, bk, r) : json_null();
		json_object_set_new(o, f->key, v);
	}
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
