/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Sweep files: each section named [sweep] or [sweep LABEL] is one cross product.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bitops.h> /* rte_is_power_of_2(), since DPDK 24.07 */
#include <rte_cfgfile.h>
#include <rte_common.h>
#include <rte_lcore.h>
#include <rte_log.h>

#include "msg.h"
#include "sweep.h"

#define MAX_VALUES   64u
/* rte_cfgfile cuts a longer line without a word. */
#define MAX_LINE     (CFG_VALUE_LEN - 1)

enum axis { AXIS_SYNC, AXIS_WORKERS, AXIS_BATCH, AXIS_DEADLINE, NB_AXES };

static const struct {
	const char *key;
	uint64_t min, max;
} axes[NB_AXES] = {
	[AXIS_SYNC] = { "sync_ns", 0, 1000000000 },
	[AXIS_WORKERS] = { "workers", 1, PERF_WORKERS_MAX },
	[AXIS_BATCH] = { "batch", 1, PERF_BATCH_MAX },
	[AXIS_DEADLINE] = { "deadline_us", 1, PERF_DEADLINE_US_MAX },
};

struct values {
	uint64_t v[MAX_VALUES];
	unsigned int n;
};

/* @return 0 or an exit status. */
static int
values_parse(struct values *out, enum axis a, const char *list, const char *path)
{
	static const char blank[] = ", \t";
	char copy[CFG_VALUE_LEN + 1], *save = NULL, *tok;

	snprintf(copy, sizeof(copy), "%s", list);
	out->n = 0;
	for (tok = strtok_r(copy, blank, &save); tok != NULL; tok = strtok_r(NULL, blank, &save)) {
		if (out->n == MAX_VALUES)
			return perf_usage_error("%s: %s: more than %u values", path, axes[a].key,
						MAX_VALUES);
		if (perf_number_parse(tok, axes[a].min, axes[a].max, &out->v[out->n]) != 0)
			return perf_usage_error("%s: %s: \"%s\" is not a whole number from %llu to "
						"%llu", path, axes[a].key, tok,
						(unsigned long long)axes[a].min,
						(unsigned long long)axes[a].max);
		if (a == AXIS_BATCH && !rte_is_power_of_2((uint32_t)out->v[out->n]))
			return perf_usage_error("%s: batch: %s is not a power of two, such as 256",
						path, tok);
		out->n++;
	}
	if (out->n == 0)
		return perf_usage_error("%s: %s: no value given", path, axes[a].key);
	return 0;
}

static int
entry_take(struct values val[NB_AXES], const struct rte_cfgfile_entry *e, const char *path,
	   struct perf_options *o)
{
	char where[CFG_VALUE_LEN];

	for (unsigned int a = 0; a < NB_AXES; a++)
		if (strcmp(e->name, axes[a].key) == 0)
			return values_parse(&val[a], (enum axis)a, e->value, path);
	if (strcmp(e->name, "policy") == 0) {
		snprintf(where, sizeof(where), "%s: policy", path);
		return perf_policies_parse(e->value, where, o) == 0 ? 0 : PERF_EXIT_USAGE;
	}
	return perf_usage_error("%s: unknown sweep key \"%s\"; known are batch, deadline_us, "
				"sync_ns, workers, policy", path, e->name);
}

/* Copy the options' list, which the next section may replace, for the points. */
static const struct perf_policy *
policies_keep(struct perf_sweep *s, const struct perf_options *o)
{
	struct perf_policy **list = realloc(s->list, (s->nb_lists + 1) * sizeof(*list));
	struct perf_policy *copy;

	if (list == NULL)
		return NULL;
	s->list = list;
	copy = calloc(o->nb_policies, sizeof(*copy));
	if (copy == NULL)
		return NULL;
	memcpy(copy, o->policy, o->nb_policies * sizeof(*copy));
	return s->list[s->nb_lists++] = copy;
}

/* Workers and SYNC latency are the outer loops, because each change of them needs a new iommu. */
static int
cross(struct perf_sweep *s, const struct values val[NB_AXES], const char *path,
      const struct perf_options *o)
{
	size_t n = (size_t)val[0].n * val[1].n * val[2].n * val[3].n;
	const struct perf_policy *policy = policies_keep(s, o);
	struct perf_point *p;

	if (policy == NULL)
		return perf_failed("%s: out of memory", path);

	if (n > PERF_MAX_POINTS - s->nb_points)
		return perf_usage_error("%s: more than %u combinations", path, PERF_MAX_POINTS);
	p = realloc(s->point, (s->nb_points + n) * sizeof(*p));
	if (p == NULL)
		return perf_failed("%s: out of memory", path);
	s->point = p;
	p += s->nb_points;
	s->nb_points += (unsigned int)n;
	for (unsigned int w = 0; w < val[AXIS_WORKERS].n; w++)
		for (unsigned int y = 0; y < val[AXIS_SYNC].n; y++)
			for (unsigned int b = 0; b < val[AXIS_BATCH].n; b++)
				for (unsigned int d = 0; d < val[AXIS_DEADLINE].n; d++)
					*p++ = (struct perf_point) {
						.workers = (uint32_t)val[AXIS_WORKERS].v[w],
						.sync_ns = val[AXIS_SYNC].v[y],
						.batch = (uint32_t)val[AXIS_BATCH].v[b],
						.deadline_us = (uint32_t)val[AXIS_DEADLINE].v[d],
						.policy = policy,
						.nb_policies = o->nb_policies,
					};
	return 0;
}

static void
from_options(struct values val[NB_AXES], const struct perf_options *o)
{
	val[AXIS_SYNC] = (struct values) { .v = { PERF_SYNC_AS_IS }, .n = 1 };
	val[AXIS_WORKERS] = (struct values) { .v = { o->workers }, .n = 1 };
	val[AXIS_BATCH] = (struct values) { .v = { o->batch }, .n = 1 };
	val[AXIS_DEADLINE] = (struct values) { .v = { o->deadline_us }, .n = 1 };
}

/* A key may be in a section only once: of two lists one would be dropped. */
static int
once(const struct rte_cfgfile_entry *e, int k, const char *path, const char *section)
{
	for (int i = 0; i < k; i++)
		if (strcmp(e[i].name, e[k].name) == 0)
			return perf_usage_error("%s: [%s] has \"%s\" twice; give one list, or two "
						"sections", path, section, e[k].name);
	return 0;
}

static int
section_take(struct perf_sweep *s, struct rte_cfgfile *cfg, int i, struct perf_options *o)
{
	char name[CFG_NAME_LEN + 1] = "";
	struct rte_cfgfile_entry *e;
	struct values val[NB_AXES];
	int n = rte_cfgfile_section_num_entries_by_index(cfg, name, i), rc = 0;

	if (strcmp(name, "sweep") != 0 && strncmp(name, "sweep ", 6) != 0)
		return perf_usage_error("%s: unknown section [%s]; sweeps are in [sweep]", o->sweep,
					name);
	from_options(val, o);
	e = calloc(n > 0 ? (size_t)n : 1, sizeof(*e));
	if (e == NULL)
		return perf_failed("%s: out of memory", o->sweep);
	n = rte_cfgfile_section_entries_by_index(cfg, i, name, e, n);
	for (int k = 0; k < n && rc == 0; k++) {
		rc = once(e, k, o->sweep, name);
		if (rc == 0)
			rc = entry_take(val, &e[k], o->sweep, o);
	}
	free(e);
	return rc != 0 ? rc : cross(s, val, o->sweep, o);
}

/* @return 0, or an exit status with an error line printed that names the file and the line. */
static int
line_check(const char *line, size_t len, const char *path, unsigned int nr)
{
	size_t key = strcspn(line, "=;\n");

	if (strlen(line) != len)
		return perf_usage_error("%s:%u: holds a byte 0; a sweep is text", path, nr);
	len -= len != 0 && line[len - 1] == '\n';
	if (len > MAX_LINE)
		return perf_usage_error("%s:%u: a line of %zu characters, at most %d are read; use "
					"more sections, each with a part of the list", path, nr,
					len, MAX_LINE);
	if (line[0] == '[')
		key = strcspn(line, "]");
	else if (line[key] != '=')
		return 0;
	if (key >= CFG_NAME_LEN)
		return perf_usage_error("%s:%u: a name of %zu characters, at most %d are read",
					path, nr, key, CFG_NAME_LEN - 1);
	return 0;
}

static int
lines_check(FILE *f, const char *path)
{
	unsigned int nr = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = getline(&line, &size, f)) >= 0)
		rc = line_check(line, (size_t)n, path, ++nr);
	free(line);
	return rc;
}

/* rte_cfgfile reports a parse error through the log, and a missing file not at all. */
static int
file_load(struct perf_sweep *s, struct perf_options *o)
{
	struct rte_cfgfile *cfg;
	int n, rc = 0;
	FILE *f;

	f = fopen(o->sweep, "re");
	if (f == NULL)
		return perf_usage_error("--sweep %s: %m; give an .ini file with a [sweep] section",
					o->sweep);
	rc = lines_check(f, o->sweep);
	fclose(f);
	if (rc != 0)
		return rc;
	rte_log_set_level_regexp("lib.cfgfile", RTE_LOG_EMERG);
	cfg = rte_cfgfile_load(o->sweep, 0);
	n = cfg != NULL ? rte_cfgfile_num_sections(cfg, NULL, 0) : 0;
	if (n <= 0)
		rc = perf_usage_error("--sweep %s: not an .ini file with a [sweep] section of "
				      "key = value lines", o->sweep);
	for (int i = 0; i < n && rc == 0; i++)
		rc = section_take(s, cfg, i, o);
	if (cfg != NULL)
		rte_cfgfile_close(cfg);
	return rc;
}

int
perf_sweep_load(struct perf_sweep *s, struct perf_options *o)
{
	struct values val[NB_AXES];
	int rc;

	memset(s, 0, sizeof(*s));
	if (o->sweep != NULL) {
		rc = file_load(s, o);
	} else {
		from_options(val, o);
		rc = cross(s, val, "options", o);
	}
	if (rc != 0)
		perf_sweep_free(s);
	return rc;
}

void
perf_sweep_free(struct perf_sweep *s)
{
	for (unsigned int i = 0; i < s->nb_lists; i++)
		free(s->list[i]);
	free(s->list);
	free(s->point);
	memset(s, 0, sizeof(*s));
}
