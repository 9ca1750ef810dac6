/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Usage: soak [--seeds N] [--first SEED] [--ops N] [--seconds T]
 *
 * N runs on stepped hardware, each a different machine and a different story, the same for the same
 * seed; then T seconds with threads: workers, the engine and the hardware on their own. See soak.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include "engine/base/tsan.h"
#include "soak.h"
#include "tests/unit/eal.h"

static uint64_t total_ops, total_switches, total_injected, total_churned, total_failed;

static void
sum_up(void)
{
	for (unsigned int i = 0; i < SOAK_WORKERS; i++)
		total_ops += soak.w[i].ops;
	total_switches += soak.switches;
	total_injected += soak.injected;
	total_churned += soak.churned;
	total_failed += soak.failed;
}

static void
close_all(void)
{
	sluice_engine_release(soak.e);
	sluice_iommu_mem_free(soak.iommu, soak.mem, sizeof(soak.owned) * 4096);
	SOAK_CHECK(sluice_engine_del_iommu(soak.e, soak.iommu) == 0, "%s", sluice_error());
	SOAK_CHECK(sluice_engine_destroy(soak.e) == 0, "%s", sluice_error());
	SOAK_CHECK(sluice_iommu_close(soak.iommu) == 0, "%s", sluice_error());
}

static void
run_stepped(uint64_t seed, unsigned int ops)
{
	soak_up(seed, false);
	soak_begin();
	for (unsigned int i = 0; i < ops && soak_failures == 0; i++) {
		struct worker *w = &soak.w[soak_rnd(&soak.rng) % SOAK_WORKERS];

		if (w->here)
			worker_op(w);
		if (soak_rnd(&soak.rng) % 4 == 0)
			control_op();
		RTE_PER_LCORE(_lcore_id) = LCORE_ID_ANY;
		if (soak_rnd(&soak.rng) % 2 == 0)
			(void)sluice_engine_poll(soak.e);
		if (soak_rnd(&soak.rng) % 2 == 0)
			(void)sluice_iommu_step(soak.iommu, 1 + soak_rnd(&soak.rng) % 32);
	}
	soak_down();
	sum_up();
	close_all();
	if (soak_failures != 0)
		printf("seed %" PRIu64 ": failed\n", seed);
}

static _Atomic bool stop_hardware, stop_engine;

static void *
hardware_loop(void *arg)
{
	(void)arg;
	while (!atomic_load_explicit(&stop_hardware, memory_order_acquire))
		if (sluice_iommu_step(soak.iommu, 64) == 0)
			sched_yield();
	return NULL;
}

static void *
engine_loop(void *arg)
{
	(void)arg;
	while (!atomic_load_explicit(&stop_engine, memory_order_acquire))
		if (sluice_engine_poll(soak.e) == 0)
			sched_yield();
	sluice_engine_release(soak.e);
	return NULL;
}

/* Rounds of a second: each ends with everything torn down and added up. */
static void
run_free(uint64_t seed, double seconds)
{
	uint64_t hz = rte_get_tsc_hz(), end = rte_get_tsc_cycles() + (uint64_t)(seconds * (double)hz);

	while (rte_get_tsc_cycles() < end && soak_failures == 0) {
		uint64_t round = RTE_MIN(end, rte_get_tsc_cycles() + hz);
		pthread_t hardware, engine;

		stop_hardware = stop_engine = false;
		soak_up(seed++, true);
		pthread_create(&hardware, NULL, hardware_loop, NULL);
		pthread_create(&engine, NULL, engine_loop, NULL);
		soak_begin();
		while (rte_get_tsc_cycles() < round && soak_failures == 0) {
			control_op();
			sched_yield();
		}
		soak_down();
		stop_engine = true;
		pthread_join(engine, NULL);
		sum_up();
		stop_hardware = true;
		pthread_join(hardware, NULL);
		close_all();
	}
}

int
main(int argc, char **argv)
{
	uint64_t seeds = 10, first = 1, ops = 4000;
	double seconds = 3;

	for (int i = 1; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--seeds") == 0)
			seeds = strtoull(value, NULL, 0);
		else if (strcmp(argv[i], "--first") == 0)
			first = strtoull(value, NULL, 0);
		else if (strcmp(argv[i], "--ops") == 0)
			ops = strtoull(value, NULL, 0);
		else if (strcmp(argv[i], "--seconds") == 0)
			seconds = atof(value);
		else
			value = "";
		if (value[0] == '\0') {
			fprintf(stderr, "usage: soak [--seeds N] [--first SEED] [--ops N] "
				"[--seconds T]\n");
			return 2;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_eal_init("0");
	for (uint64_t s = first; s < first + seeds && soak_failures == 0; s++)
		run_stepped(s, (unsigned int)ops);
	run_free(first, seconds);
	printf("%" PRIu64 " seeds, %g s: %" PRIu64 " operations, %" PRIu64 " policy changes, %" PRIu64
	       " domains, %" PRIu64 " injected, %" PRIu64 " control calls failed; %u failures\n",
	       seeds, seconds, total_ops, total_switches, total_churned, total_injected, total_failed,
	       soak_failures);
	return soak_failures != 0;
}
