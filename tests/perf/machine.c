/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The machine under the figures.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_lcore.h>

#include "../../apps/perf/host.h"

#include "bench.h"
#include "machine.h"
#include "par.h"

#define TURNS 2000u

struct table {
	_Atomic uint64_t ping __rte_cache_aligned;
	_Atomic uint64_t pong __rte_cache_aligned;
};

void
machine_lcores(char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < par_lcores() && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%sthread %u: lcore %u on CPU %s",
					i != 0 ? ", " : "", i, par_lcore(i), par_cpus(i));
}

void
machine_line(char *buf, size_t size)
{
	struct perf_host h;
	char huge[64], lcores[256];

	perf_host_get(&h);
	perf_host_huge_text(&h, huge, sizeof(huge));
	machine_lcores(lcores, sizeof(lcores));
	snprintf(buf, size, "%s, %u CPUs, TSC %.2f GHz; %s; %s; %s; %s", h.cpu, h.cores,
		 (double)rte_get_tsc_hz() / 1e9, h.kernel, h.dpdk, huge, lcores);
}

static uint64_t
play(void *arg, unsigned int i)
{
	struct table *t = arg;
	uint64_t start = rte_rdtsc_precise();

	for (uint64_t k = 1; k <= TURNS; k++) {
		if (i == 0)
			atomic_store_explicit(&t->ping, k, memory_order_release);
		while (atomic_load_explicit(i == 0 ? &t->pong : &t->ping, memory_order_acquire) != k)
			;
		if (i == 1)
			atomic_store_explicit(&t->pong, k, memory_order_release);
	}
	return rte_rdtsc_precise() - start;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double
machine_ping_pong(void)
{
	double ns[9];

	if (par_lcores() < 2)
		return 0;
	for (unsigned int r = 0; r < RTE_DIM(ns); r++) {
		struct table t = { 0 };

		ns[r] = bench_ns(par_run(play, &t, 2, NULL)) / TURNS;
	}
	qsort(ns, RTE_DIM(ns), sizeof(ns[0]), by_value);
	return ns[RTE_DIM(ns) / 2];
}
