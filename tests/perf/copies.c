/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Copy or map? hybrid beside the two that it is made of, from 64 bytes to 64 KiB (G11), over emulated
 * hardware. Its thresholds are those that were measured on this machine just before.
 */
#include <stdio.h>

#include <rte_common.h>
#include <rte_cycles.h>

#include "bench.h"
#include "hw.h"
#include "par.h"

#define LONGEST 65536u

struct copies {
	struct hw *h;
	struct sluice_domain *d;
	uint32_t len;
	uint32_t found; /* by find() */
	int bad;
};

static uint64_t
pairs(void *arg, uint64_t n)
{
	struct copies *c = arg;
	uint64_t start = rte_rdtsc_precise(), iova;

	for (uint64_t k = 0; k < n; k++) {
		uint64_t pa = c->h->pa + k % 32 * LONGEST;

		c->bad |= sluice_map(c->d, pa, c->len, SLUICE_RW, &iova);
		c->bad |= sluice_unmap(c->d, iova, c->len);
	}
	return rte_rdtsc_precise() - start;
}

static bool
run(void *arg, uint64_t n, double *out)
{
	struct copies *c = arg;

	out[0] = bench_ns(hw_run(c->h, pairs, c, n)) / (double)n;
	return bench_check(c->bad == 0, "%u bytes: a call failed", c->len);
}

static uint64_t
find(void *arg, uint64_t n)
{
	struct copies *c = arg;

	(void)n;
	c->bad |= sluice_domain_find_crossover(c->d, SLUICE_RW, &c->found);
	return 0;
}

/* @return the crossover, or 0 after a failed check. */
static uint32_t
tune(struct copies *c)
{
	struct sluice_domain_conf conf = { 0 };

	hw_run(c->h, find, c, 1);
	conf.copy_max = conf.copy_max_read = RTE_MAX(c->found, 64u);
	c->bad |= sluice_domain_tune(c->d, &conf);
	return bench_check(c->bad == 0, "no crossover: %s", sluice_error()) ? c->found : 0;
}

bool
bench_copies(void)
{
	static const char *const policy[] = { "hybrid", "copy", "strict" };
	struct copies c[RTE_DIM(policy)] = { 0 };
	struct bench_variant v[RTE_DIM(policy)];
	uint32_t crossover = 0;
	struct hw h;
	bool ok;

	if (par_lcores() < 2) {
		bench_note("copies: hardware beside a worker needs two lcores; left out");
		return true;
	}
	ok = hw_up(&h, "");
	for (unsigned int i = 0; i < RTE_DIM(policy) && ok; i++) {
		c[i].h = &h;
		ok = (c[i].d = hw_domain(&h, policy[i], 0)) != NULL;
		v[i] = (struct bench_variant){ policy[i], "map and unmap of one buffer, read and write",
					       run, &c[i] };
	}
	if (ok)
		ok = (crossover = tune(&c[0])) != 0;
	for (uint32_t len = 64; len <= LONGEST && ok; len *= 4) {
		struct bench_case k = { .bench = "copies", .layout = HW_LAYOUT,
					.goal = "G11 hybrid <= 1.10x the best", .metric = { "pair" },
					.fixed_n = bench_opts.smoke ? 64 : 2048 };
		char name[72];

		snprintf(name, sizeof(name), "%u bytes, two lcores", len);
		k.name = name;
		for (unsigned int i = 0; i < RTE_DIM(policy); i++)
			c[i].len = len;
		ok = bench_compare(&k, v, RTE_DIM(policy));
	}
	if (crossover != 0)
		bench_note("copies: the crossover is at %u bytes", crossover);
	for (unsigned int i = 0; i < RTE_DIM(policy); i++)
		if (c[i].d != NULL)
			ok = hw_domain_down(c[i].d, policy[i]) && ok;
	return hw_down(&h, "copies") && ok;
}
