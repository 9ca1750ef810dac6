/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The list of keys.
 */
#include <stddef.h>
#include <string.h>

#include <rte_common.h>

#include "fields.h"

static const char *
workload(const struct perf_book *bk)
{
	return bk->wl->name;
}

static const char *
workload_note(const struct perf_book *bk)
{
	return bk->wl->note;
}

static const char *
layout(const struct perf_book *bk)
{
	return perf_layout_name(bk->layout);
}

static uint64_t
seed(const struct perf_book *bk)
{
	return bk->o->seed;
}

#define AT(member) .at = offsetof(struct perf_result, member)
#define RAN        .known = PERF_KNOWN_RAN
#define REAL_TIME  .known = PERF_KNOWN_REAL
#define SET        .known = PERF_KNOWN_SET
#define IF(member) .known = PERF_KNOWN_IF, .flag = offsetof(struct perf_result, member)
#define DIGITS(n)  .digits = (n)

const struct perf_field perf_fields[] = {
	{ "policy", PERF_WORD, AT(policy) },
	{ "policy_in_force", PERF_WORD, AT(in_force), RAN },
	{ "error", PERF_TEXT, AT(error), SET },
	{ "marks", PERF_MARKS },
	{ "workload", PERF_TEXT, .text = workload },
	{ "workload_note", PERF_TEXT, .text = workload_note },
	{ "layout", PERF_WORD, .text = layout },
	{ "workers", PERF_U32, AT(workers) },
	{ "batch", PERF_U32, AT(batch) },
	{ "deadline_us", PERF_U32, AT(deadline_us) },
	{ "burst", PERF_U32, AT(burst) },
	{ "sync_ns", PERF_U64, AT(sync_ns) },
	{ "seed", PERF_U64, .count = seed },
	{ "ring", PERF_U32, AT(ring), SET },
	{ "buffer_bytes", PERF_U32, AT(buf_size), SET },
	{ "note", PERF_TEXT, AT(note) },
	{ "pairs", PERF_U64, AT(pairs), RAN },
	{ "seconds", PERF_REAL, AT(seconds), RAN, DIGITS(6) },
	{ "rounds", PERF_U32, AT(rounds), RAN },
	{ "clean_rounds", PERF_U32, AT(clean_rounds), RAN },
	{ "rounds_pair_ns", PERF_ROUNDS },
	{ "map_ns", PERF_CALLS, AT(map_ns), IF(map_known) },
	{ "unmap_ns", PERF_CALLS, AT(unmap_ns), IF(unmap_known) },
	{ "pair_ns", PERF_REAL, AT(pair_ns), RAN, DIGITS(3) },
	{ "map_insns", PERF_REAL, AT(insns.map), SET, DIGITS(1) },
	{ "unmap_insns", PERF_REAL, AT(insns.unmap), SET, DIGITS(1) },
	{ "pair_insns", PERF_REAL, AT(insns.pair), SET, DIGITS(1) },
	{ "strict_ratio", PERF_REAL, AT(strict_ratio), SET, DIGITS(4) },
	{ "sync_rtt_ns", PERF_REAL, AT(sync_rtt_ns), RAN, DIGITS(1) },
	{ "sync_rtt_before_ns", PERF_REAL, AT(sync_rtt_before_ns), RAN, DIGITS(1) },
	{ "sync_rtt_after_ns", PERF_REAL, AT(sync_rtt_after_ns), RAN, DIGITS(1) },
	{ "preempted", PERF_U64, AT(preempted), REAL_TIME },
	{ "unstable", PERF_FLAG, AT(unstable), RAN },
	{ "syncs_per_unmap", PERF_REAL, AT(syncs_per_unmap), IF(cmds_known), DIGITS(6) },
	{ "invs_per_unmap", PERF_REAL, AT(invs_per_unmap), IF(cmds_known), DIGITS(6) },
	{ "stale_us", PERF_WINDOW, AT(stale_us), IF(stale_known) },
	{ "stale_accesses", PERF_U64, AT(stale_accesses), IF(stale_counted) },
	{ "stale_provable", PERF_FLAG, AT(stale_provable), IF(stale_counted) },
	{ "stale_control", PERF_U64, AT(stale_control), SET },
	{ "shadow_accesses", PERF_U64, AT(shadow_accesses), IF(copies_known) },
	{ "release_us", PERF_WINDOW, AT(release_us), IF(release_known) },
	{ "cookies", PERF_U64, AT(cookies), RAN },
	{ "flushes", PERF_FLUSHES, .known = PERF_KNOWN_RAN },
	{ "deadline_misses", PERF_U64, AT(deadline_misses), RAN },
	{ "oldest_us", PERF_REAL, AT(oldest_us), IF(held_known), DIGITS(3) },
	{ "pending_max", PERF_U64, AT(pending_max), RAN },
	{ "exposed_bytes", PERF_U64, AT(exposed_bytes), IF(exposed_known) },
	{ "dma_bytes", PERF_U64, AT(dma_bytes), IF(dma_known) },
	{ "dma_faults", PERF_U64, AT(dma_faults), IF(dma_known) },
	{ "dma_mismatches", PERF_U64, AT(dma_mismatches), IF(dma_known) },
	{ "probes", PERF_U64, AT(probes), IF(probes_known) },
	{ "probe_hits", PERF_U64, AT(probe_hits), IF(probes_known) },
	{ "probe_faults", PERF_U64, AT(probe_faults), IF(probes_known) },
	{ "iotlb_hit_rate", PERF_REAL, AT(iotlb_hit_rate), IF(iotlb_known), DIGITS(6) },
	{ "walk_reads_per_page", PERF_REAL, AT(walk_reads_per_page), IF(walks_known), DIGITS(6) },
	{ "walk_reads", PERF_WALK_READS, AT(walk_reads), IF(walk_reads_known) },
	{ "copy_max", PERF_U64, AT(copy_max), SET },
	{ "copy_max_read", PERF_U64, AT(copy_max_read), SET },
	{ "crossover_bytes", PERF_U64, AT(crossover), SET },
	{ "crossover_read_bytes", PERF_U64, AT(crossover_read), SET },
	{ "pinned_bytes", PERF_U64, AT(pinned_bytes), RAN },
	{ "ring_full", PERF_U64, AT(ring_full), RAN },
	{ "empty_polls", PERF_U64, AT(empty_polls), RAN },
	{ "counters", PERF_COUNTERS },
};
const unsigned int perf_nb_fields = RTE_DIM(perf_fields);

const struct perf_field *
perf_field_find(const char *key)
{
	for (unsigned int i = 0; i < RTE_DIM(perf_fields); i++)
		if (strcmp(perf_fields[i].key, key) == 0)
			return &perf_fields[i];
	return NULL;
}

static const void *
value(const struct perf_field *f, const struct perf_result *r)
{
	return (const char *)r + f->at;
}

uint64_t
perf_field_count(const struct perf_field *f, const struct perf_book *bk,
		 const struct perf_result *r)
{
	if (f->count != NULL)
		return f->count(bk);
	return f->kind == PERF_U32 ? *(const uint32_t *)value(f, r) :
				     *(const uint64_t *)value(f, r);
}

double
perf_field_real(const struct perf_field *f, const struct perf_result *r)
{
	return *(const double *)value(f, r);
}

bool
perf_field_flag(const struct perf_field *f, const struct perf_result *r)
{
	return *(const bool *)value(f, r);
}

const char *
perf_field_text(const struct perf_field *f, const struct perf_book *bk, const struct perf_result *r)
{
	return f->text != NULL ? f->text(bk) : value(f, r);
}

const struct perf_dist *
perf_field_dist(const struct perf_field *f, const struct perf_result *r)
{
	return value(f, r);
}

static bool
is_set(const struct perf_field *f, const struct perf_result *r)
{
	if (f->kind == PERF_REAL)
		return perf_field_real(f, r) > 0;
	if (f->kind == PERF_TEXT)
		return perf_field_text(f, NULL, r)[0] != '\0';
	return perf_field_count(f, NULL, r) != 0;
}

bool
perf_field_known(const struct perf_field *f, const struct perf_result *r)
{
	switch (f->known) {
	case PERF_KNOWN_RAN: return !r->failed;
	case PERF_KNOWN_REAL: return !r->failed && !r->virt;
	case PERF_KNOWN_SET: return is_set(f, r);
	case PERF_KNOWN_IF: return *(const bool *)((const char *)r + f->flag);
	case PERF_KNOWN_ALWAYS: break;
	}
	return true;
}
