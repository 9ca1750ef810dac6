/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The main lcore steps the emulated hardware; the others map and unmap.
 */
#include <stdio.h>
#include <string.h>

#include "layout.h"
#include "msg.h"

/* With --lcores '(0-2)@(0-1)' lcores share CPUs, and a spinning lcore keeps another from
 * running. */
static bool
oversubscribed(const struct perf_layout *l)
{
	rte_cpuset_t all = rte_lcore_cpuset(l->hw_lcore), one;
	unsigned int used = l->nb_workers + 1;

	if (l->kind == PERF_LAYOUT_STEP)
		return false;
	for (unsigned int i = 0; i < l->nb_workers; i++) {
		one = rte_lcore_cpuset(l->worker[i]);
		CPU_OR(&all, &all, &one);
	}
	return (unsigned int)CPU_COUNT(&all) < used;
}

int
perf_layout_plan(struct perf_layout *l, enum perf_layout_kind kind, unsigned int workers)
{
	unsigned int lcores = rte_lcore_count(), id;

	memset(l, 0, sizeof(*l));
	if (kind == PERF_LAYOUT_AUTO)
		kind = lcores == 1 && workers == 1 ? PERF_LAYOUT_STEP : PERF_LAYOUT_SPLIT;
	l->kind = kind;
	l->hw_lcore = rte_get_main_lcore();
	l->engine_lcore = l->hw_lcore;
	if (kind == PERF_LAYOUT_STEP) {
		if (workers > 1)
			return perf_usage_error("--workers %u: layout step has one worker; give "
						"more lcores (-l) and --layout split", workers);
		l->nb_workers = 1;
		l->worker[0] = l->hw_lcore;
		return 0;
	}
	if (lcores < workers + 1)
		return perf_usage_error("--workers %u needs %u lcores in layout %s, EAL has %u: "
					"give more with -l or --lcores, or fewer workers", workers,
					workers + 1, perf_layout_name(kind), lcores);
	RTE_LCORE_FOREACH_WORKER(id)
		if (l->nb_workers < workers)
			l->worker[l->nb_workers++] = id;
	if (kind == PERF_LAYOUT_INLINE)
		l->engine_lcore = l->worker[0];
	l->oversubscribed = oversubscribed(l);
	return 0;
}

void
perf_layout_describe(const struct perf_layout *l, char *buf, size_t size)
{
	char ids[128] = "";
	size_t at = 0;

	for (unsigned int i = 0; i < l->nb_workers && at < sizeof(ids); i++)
		at += (size_t)snprintf(ids + at, sizeof(ids) - at, "%s%u", i ? "," : "",
				       l->worker[i]);
	if (l->kind == PERF_LAYOUT_STEP)
		snprintf(buf, size, "step: lcore %u does everything", l->hw_lcore);
	else if (l->kind == PERF_LAYOUT_INLINE)
		snprintf(buf, size, "inline: workers on lcore %s, the first polls the engine; "
			 "hardware on lcore %u%s", ids, l->hw_lcore,
			 l->oversubscribed ? "; lcores share CPUs" : "");
	else
		snprintf(buf, size, "split: workers on lcore %s; engine and hardware on lcore %u%s",
			 ids, l->hw_lcore, l->oversubscribed ? "; lcores share CPUs" : "");
}
