/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Does a pair cost the same however much there is? Over the number of domains, and over the
 * number of live mappings. Variant 0 is the smallest size; each ratio is growth against it.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rte_common.h>
#include <rte_cycles.h>

#include <sluice/sluice.h>

#include "bench.h"
#include "par.h"
#include "rig.h"

#define PA(i)     ((UINT64_C(1) << 32) + (((i) & 4095u) << 12))
#define POLL_EACH 64u
#define STAY      32u /* pairs on one domain before the next, as a burst of packets does */
#define SIZES     6u

struct scale {
	struct rig rig;
	uint32_t domains;
	bool deferred;
	uint32_t busy; /* only so many of them are, evenly spread; 0: all */
	uint64_t *live; /* IOVAs that are mapped */
	uint64_t nb_live;
	uint64_t at;    /* where the oldest is */
	enum { BESIDE, OLDEST, RANDOM } pattern;
	uint64_t seed;
};

static bool
run_domains(void *arg, uint64_t n, double *out)
{
	struct scale *s = arg;
	uint64_t iova, start = rte_rdtsc_precise();
	uint32_t at = 0;
	int bad = 0;

	for (uint64_t k = 0; k < n; k++) {
		struct sluice_domain *d = s->rig.dom[at];

		bad |= sluice_map(d, PA(k), 4096, SLUICE_RW, &iova);
		bad |= sluice_unmap(d, iova, 4096);
		/* An odd distance: at a power of two they would share a few sets of the cache. */
		if (s->busy != 0)
			at = (uint32_t)(k % s->busy) * ((s->domains / s->busy - 1) | 1);
		else if (k % STAY == STAY - 1)
			at = at + 1 < s->domains ? at + 1 : 0;
		if (s->deferred && k % POLL_EACH == POLL_EACH - 1)
			sluice_engine_poll(s->rig.engine);
	}
	out[0] = bench_ns(rte_rdtsc_precise() - start) / (double)n;
	return bench_check(bad == 0, "a map or unmap over domains failed");
}

static bool
domains(enum rig_policy policy, uint32_t busy, const char *name, const char *goal)
{
	const struct bench_case c = { .bench = "scale", .name = name, .goal = goal,
				      .layout = "worker (and engine) on thread 0",
				      .metric = { "pair" } };
	struct bench_variant v[SIZES] = { 0 };
	struct scale s[SIZES] = { 0 };
	char label[SIZES][16];
	unsigned int nb = 0;
	bool ok = true;

	for (uint32_t n = RTE_MAX(busy, 1u); n <= bench_opts.max_domains && nb < SIZES && ok; n *= 4) {
		/* 1, 4, 16, …: the last one is what was asked for. */
		if (nb == SIZES - 1 || n * 4 > bench_opts.max_domains)
			n = bench_opts.max_domains;
		s[nb].domains = n;
		s[nb].deferred = policy == RIG_DEFERRED;
		s[nb].busy = busy;
		ok = rig_up(&s[nb].rig, policy, 1, n, 32);
		/* Those that will not be busy fall asleep first. */
		for (uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / 50;
		     ok && busy != 0 && rte_rdtsc() < end; )
			sluice_engine_poll(s[nb].rig.engine);
		snprintf(label[nb], sizeof(label[nb]), "%u domains", n);
		v[nb] = (struct bench_variant){ label[nb], busy != 0 ? "a pair on each of few in turn" :
						"32 pairs on each in turn", run_domains, &s[nb] };
		nb++;
	}
	ok = ok && bench_compare(&c, v, nb);
	for (unsigned int i = 0; i < nb; i++)
		ok = rig_down(&s[i].rig, name) && ok;
	return ok;
}

static bool
run_live(void *arg, uint64_t n, double *out)
{
	struct scale *s = arg;
	struct sluice_domain *d = s->rig.dom[0];
	uint64_t extra, at = s->at, seed = s->seed, start;
	int bad = 0;

	start = rte_rdtsc_precise();
	for (uint64_t k = 0; k < n; k++) {
		uint64_t *slot = &extra;

		if (s->pattern == OLDEST) {
			slot = &s->live[at];
			at = at + 1 < s->nb_live ? at + 1 : 0;
		} else if (s->pattern == RANDOM) {
			slot = &s->live[(bench_rand(&seed) >> 20) % s->nb_live];
		}
		if (s->pattern != BESIDE)
			bad |= sluice_unmap(d, *slot, 4096);
		bad |= sluice_map(d, PA(k), 4096, SLUICE_RW, slot);
		if (s->pattern == BESIDE)
			bad |= sluice_unmap(d, *slot, 4096);
	}
	out[0] = bench_ns(rte_rdtsc_precise() - start) / (double)n;
	s->at = at;
	s->seed = seed;
	return bench_check(bad == 0, "a map or unmap beside %lu live ones failed", s->nb_live);
}

static bool
live_up(struct scale *s, uint64_t n)
{
	int bad = 0;

	s->nb_live = n;
	s->seed = 1;
	s->live = malloc(n * sizeof(s->live[0]));
	/* The window: what is live, and as much again as magazines may hold. */
	if (s->live == NULL || !rig_up(&s->rig, RIG_NONE, 1, 1, RTE_ALIGN_CEIL(n / 256 + 4, 2)))
		return false;
	for (uint64_t i = 0; i < n; i++)
		bad |= sluice_map(s->rig.dom[0], PA(i), 4096, SLUICE_RW, &s->live[i]);
	return bench_check(bad == 0, "%lu mappings do not fit", n);
}

static bool
live(void)
{
	static const struct { const char *name, *goal; } pattern[] = {
		[BESIDE] = { "live mappings, another one comes and goes", "G14 +-10 %" },
		[OLDEST] = { "live mappings, the oldest is replaced", "G14 +-10 %" },
		[RANDOM] = { "live mappings, any is replaced (cache misses included)", "G14" },
	};
	struct bench_variant v[SIZES] = { 0 };
	struct scale s[SIZES] = { 0 };
	char label[SIZES][24];
	unsigned int nb = 0;
	bool ok = true;

	for (uint64_t n = 1024; n <= bench_opts.max_live && nb < SIZES && ok; n *= 16) {
		if (nb == SIZES - 1 || n * 16 > bench_opts.max_live)
			n = bench_opts.max_live;
		ok = live_up(&s[nb], n);
		snprintf(label[nb], sizeof(label[nb]), "%lu live", n);
		v[nb] = (struct bench_variant){ label[nb], "one domain, no invalidation", run_live,
						&s[nb] };
		nb++;
	}
	for (unsigned int p = 0; p < RTE_DIM(pattern) && ok; p++) {
		const struct bench_case c = { .bench = "scale", .name = pattern[p].name,
					      .goal = pattern[p].goal,
					      .layout = "worker on thread 0", .metric = { "pair" } };

		for (unsigned int i = 0; i < nb; i++)
			s[i].pattern = p;
		ok = bench_compare(&c, v, nb);
	}
	for (unsigned int i = 0; i < nb; i++) {
		int bad = 0;

		for (uint64_t k = 0; k < s[i].nb_live && ok; k++)
			bad |= sluice_unmap(s[i].rig.dom[0], s[i].live[k], 4096);
		ok = rig_down(&s[i].rig, "live mappings") && bad == 0 && ok;
		free(s[i].live);
	}
	return ok;
}

bool
bench_scale(void)
{
	bool ok = domains(RIG_NONE, 0, "domains, no invalidation", "G14 +-10 %");

	ok = domains(RIG_DEFERRED, 0, "domains, deferred, polled by the worker", "G14 +-10 %") && ok;
	ok = domains(RIG_DEFERRED, 8, "domains of which 8 are busy, polled by the worker", "A13") && ok;
	return live() && ok;
}
