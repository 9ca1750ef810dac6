/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * From a seed to a plan. Few of everything is common, much is rare: small cases find most, and are
 * quick.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "world.h"

static const struct {
	const char *name, *text;
	uint32_t least;
} fields[PLAN_NB] = {
#define X(n, l, t) [PLAN_##n] = { #n, t, l },
	PLAN_FIELDS(X)
#undef X
};

static uint64_t
next(uint64_t *s)
{
	uint64_t z = (*s += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint32_t
below(uint64_t *s, uint32_t n)
{
	return (uint32_t)(((next(s) >> 32) * n) >> 32);
}

#define PICK(s, ...)                                                                               \
	((const uint32_t[]){ __VA_ARGS__ }[below(                                                  \
		s, sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))])

void
plan_make(struct plan *p, uint64_t seed)
{
	uint64_t s = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
	uint32_t *v = p->v;

	memset(p, 0, sizeof(*p));
	p->seed = p->schedule = seed;
	v[PLAN_workers] = PICK(&s, 1, 2, 2, 2, 3, 3, 4, 4, 6, 8, 12, 16);
	v[PLAN_ops] = v[PLAN_workers] > 6 ? PICK(&s, 4, 8, 12) : PICK(&s, 6, 10, 20, 40);
	v[PLAN_domains] = PICK(&s, 1, 1, 1, 2, 3);
	v[PLAN_policy] = below(&s, WORLD_POLICIES);
	v[PLAN_pages] = PICK(&s, 8, 12, 16, 32);
	v[PLAN_live] = PICK(&s, 1, 2, 4, 8);
	v[PLAN_window] = PICK(&s, 2, 2, 4, 8, 64);
	v[PLAN_batch] = PICK(&s, 0, 1, 2, 4, 8);
	v[PLAN_deadline_us] = PICK(&s, 0, 1, 5, 20, 100);
	v[PLAN_ram_mb] = PICK(&s, 4, 8, 8, 8);
	v[PLAN_cmdq_log2] = PICK(&s, 2, 3, 4, 6, 8);
	v[PLAN_sync_ns] = PICK(&s, 0, 1, 50, 300, 3000);
	v[PLAN_tlbi_ns] = PICK(&s, 0, 50, 500, 5000);
	v[PLAN_cons_lag] = PICK(&s, 1, 2, 16, 64);
	v[PLAN_by_cons] = below(&s, 3) == 0;
	v[PLAN_ril] = below(&s, 3) != 0;
	v[PLAN_shuffle] = below(&s, 2);
	v[PLAN_iotlb] = PICK(&s, 4, 6, 8);
	v[PLAN_timeout_us] = PICK(&s, 2000, 5000, 10000);
	v[PLAN_devices] = PICK(&s, 1, 1, 2, 3);
	v[PLAN_ats] = below(&s, 4) == 0 ? 1 + below(&s, v[PLAN_devices]) : 0;
	if (v[PLAN_ats] != 0) /* the driver uses it with queues that hold a burst of them */
		v[PLAN_cmdq_log2] = 8;
	v[PLAN_control] = PICK(&s, 0, 0, 4, 10, 40);
	v[PLAN_faults] = below(&s, 3) == 0 ? (uint32_t)next(&s) & (uint32_t)next(&s) & WORLD_FAULTS : 0;
	v[PLAN_strikes] = PICK(&s, 1, 2, 3, 6);
	if (v[PLAN_faults] == 0)
		v[PLAN_timeout_us] = PICK(&s, 20000, 50000);
	v[PLAN_sched] = PICK(&s, 0, 0, 1, 1, 2);
	v[PLAN_stick] = PICK(&s, 1, 1, 4, 20);
	v[PLAN_depth] = PICK(&s, 1, 3, 6, 20, 60);
	v[PLAN_buffer] = PICK(&s, 0, 4, 16, 60);
	v[PLAN_drain] = PICK(&s, 2, 8, 50, 400);
	v[PLAN_racy] = below(&s, 8) == 0;
	v[PLAN_peer] = v[PLAN_faults] == 0 && below(&s, 5) == 0;
	if (v[PLAN_peer] != 0 && v[PLAN_devices] < 2)
		v[PLAN_devices] = 2;
	v[PLAN_callback] = below(&s, 3) == 0;
	v[PLAN_large] = v[PLAN_faults] == 0 && v[PLAN_workers] <= 4 ? PICK(&s, 0, 0, 2, 6) : 0;
}

const char *
plan_set(struct plan *p, const char *text)
{
	static char why[96];
	char copy[512], *save = NULL;

	if (strlen(text) >= sizeof(copy))
		return "too long";
	strcpy(copy, text);
	for (char *w = strtok_r(copy, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(w, '='), *end;
		unsigned int f = 0;
		uint64_t v;

		if (eq == NULL || eq[1] == '\0') {
			snprintf(why, sizeof(why), "%.40s: KEY=NUMBER is expected", w);
			return why;
		}
		*eq = '\0';
		v = strtoull(eq + 1, &end, 0);
		if (*end != '\0') {
			snprintf(why, sizeof(why), "%.40s=%.40s: a number is expected", w, eq + 1);
			return why;
		}
		if (strcmp(w, "schedule") == 0) {
			p->schedule = v;
			continue;
		}
		while (f < PLAN_NB && strcmp(fields[f].name, w) != 0)
			f++;
		if (f == PLAN_NB) {
			snprintf(why, sizeof(why), "%.40s: no such key", w);
			return why;
		}
		if (v < fields[f].least || v > UINT32_MAX) {
			snprintf(why, sizeof(why), "%.40s=%.40s: at least %u", w, eq + 1,
				 fields[f].least);
			return why;
		}
		p->v[f] = (uint32_t)v;
	}
	return NULL;
}

void
plan_print(const struct plan *p, const struct plan *from, char *text, unsigned int size)
{
	unsigned int n = 0;

	text[0] = '\0';
	if (p->schedule != (from != NULL ? from->schedule : p->seed))
		n += (unsigned int)snprintf(text, size, "schedule=%ju,", (uintmax_t)p->schedule);
	for (unsigned int f = 0; f < PLAN_NB && n < size; f++)
		if (from == NULL || p->v[f] != from->v[f])
			n += (unsigned int)snprintf(text + n, size - n, "%s=%u,", fields[f].name,
						    p->v[f]);
	if (n > 0 && n <= size)
		text[n - 1] = '\0';
}

const char *
plan_name(enum plan_field f)
{
	return fields[f].name;
}

const char *
plan_text(enum plan_field f)
{
	return fields[f].text;
}

uint32_t
plan_least(enum plan_field f)
{
	return fields[f].least;
}
