/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Fuzz target: any words, one a line, as the command line of sluice-perf; and what it does to the
 * device string among them.
 */
#include <inttypes.h>

#include <rte_bitops.h> /* rte_is_power_of_2(), since DPDK 24.07 */
#include <rte_common.h>

#include "../../apps/shared/devargs.h"
#include "../../apps/perf/options.h"
#include "fuzz.h"

#define WORDS 64

static int
split(char *text, size_t len, char **argv)
{
	static char tool[] = "sluice-perf";
	int argc = 0;
	size_t at = 0;

	argv[argc++] = tool;
	while (at < len && argc < WORDS) {
		argv[argc++] = text + at;
		at += strcspn(text + at, "\n");
		text[at++] = '\0';
	}
	argv[argc] = NULL;
	return argc;
}

/* A key that was set is there, once, with that value. */
static void
devargs(const char *dev)
{
	const char *first;
	char buf[128];
	uint64_t v;

	(void)devargs_emulated(dev);
	(void)devargs_get(dev, "sync_ns", &v);
	if ((size_t)snprintf(buf, sizeof(buf), "%s", dev) >= sizeof(buf))
		return;
	/* Given twice, or where the backend's name belongs: the library will refuse it. */
	first = strstr(buf, "sync_ns");
	if (first == buf || (first != NULL && strstr(first + 1, "sync_ns") != NULL))
		return;
	if (devargs_set(buf, sizeof(buf), "sync_ns", 7) != 0)
		return;
	FUZZ_REQUIRE(devargs_has(buf, "sync_ns"));
	FUZZ_REQUIRE(devargs_get(buf, "sync_ns", &v) == 0 && v == 7);
	FUZZ_REQUIRE(devargs_set(buf, sizeof(buf), "sync_ns", 123456) != 0 ||
		     (devargs_get(buf, "sync_ns", &v) == 0 && v == 123456));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size), *argv[WORDS + 1];
	enum perf_options_verdict verdict;
	struct perf_options o;
	struct fuzz_said said;
	int eal_argc = -1, argc = split(text, strlen(text), argv);

	fuzz_listen(&said);
	verdict = perf_options_parse(argc, argv, &o, &eal_argc);
	fuzz_listened(&said);
	switch (verdict) {
	case PERF_OPTIONS_RUN:
		FUZZ_REQUIRE(said.err_len == 0 && said.out_len == 0);
		FUZZ_REQUIRE(eal_argc >= 1 && eal_argc <= argc);
		FUZZ_REQUIRE(o.nb_policies >= 1 && o.nb_policies <= PERF_MAX_POLICIES);
		FUZZ_REQUIRE((o.batch == 0 || rte_is_power_of_2(o.batch)) && o.workers >= 1);
		FUZZ_REQUIRE(o.burst >= 1 && o.burst <= PERF_BURST_MAX);
		for (unsigned int i = 0; i < o.nb_policies; i++)
			FUZZ_REQUIRE(o.policy[i].name != NULL &&
				     (o.policy[i].batch == 0 || rte_is_power_of_2(o.policy[i].batch)));
		FUZZ_REQUIRE(o.rounds >= 1 && o.rounds <= PERF_MAX_ROUNDS);
		FUZZ_REQUIRE(o.pairs > 0 || o.seconds > 0);
		FUZZ_REQUIRE(o.dev != NULL && o.workload != NULL);
		devargs(o.dev);
		break;
	case PERF_OPTIONS_DONE:
		FUZZ_REQUIRE(said.err_len == 0 && said.out_len > 0);
		break;
	case PERF_OPTIONS_BAD:
		FUZZ_REQUIRE(said.out_len == 0 && fuzz_one_line(&said, "sluice-perf: "));
		break;
	}
	fuzz_said_free(&said);
	free(text);
	return 0;
}
