/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Fuzz target: any bytes as a sweep file. Either points within bounds, or one line that says why
 * not.
 */
#include <rte_bitops.h> /* rte_is_power_of_2(), since DPDK 24.07 */
#include <rte_common.h>
#include <rte_lcore.h>

#include "../../apps/perf/options.h"
#include "../../apps/perf/sweep.h"
#include "fuzz.h"

static void
check(const struct perf_sweep *s, const struct perf_options *o)
{
	FUZZ_REQUIRE(s->nb_points >= 1 && s->nb_points <= PERF_MAX_POINTS);
	FUZZ_REQUIRE(o->nb_policies >= 1 && o->nb_policies <= PERF_MAX_POLICIES);
	for (unsigned int i = 0; i < s->nb_points; i++) {
		const struct perf_point *p = &s->point[i];

		FUZZ_REQUIRE(p->sync_ns <= 1000000000 || p->sync_ns == PERF_SYNC_AS_IS);
		FUZZ_REQUIRE(p->workers >= 1 && p->workers < RTE_MAX_LCORE);
		FUZZ_REQUIRE(p->batch == 0 || rte_is_power_of_2(p->batch));
		FUZZ_REQUIRE(p->batch <= 1u << 20 && p->deadline_us <= 1000000000);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char tool[] = "sluice-perf", *argv[] = { tool, NULL };
	struct perf_options o;
	struct perf_sweep s;
	struct fuzz_said said;
	int rc, eal_argc;

	FUZZ_REQUIRE(perf_options_parse(1, argv, &o, &eal_argc) == PERF_OPTIONS_RUN);
	o.sweep = fuzz_file(data, size);
	fuzz_listen(&said);
	rc = perf_sweep_load(&s, &o);
	fuzz_listened(&said);
	if (rc == 0)
		check(&s, &o);
	else
		FUZZ_REQUIRE(rc == 2 && fuzz_one_line(&said, "sluice-perf: "));
	perf_sweep_free(&s);
	fuzz_said_free(&said);
	return 0;
}
