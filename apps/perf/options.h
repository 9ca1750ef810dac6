/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The options of the command line.
 */
#ifndef PERF_OPTIONS_H
#define PERF_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "policies.h"

#define PERF_MAX_POLICIES 64
#define PERF_MAX_ROUNDS   99
#define PERF_BURST        32u /* calls, by default */
#define PERF_BURST_MAX    64u

/** Limits of the flush queues' settings, wherever one is given: for all policies, for one policy,
 * in a sweep. A batch is a power of two. */
#define PERF_BATCH_MAX       (1u << 20)
#define PERF_DEADLINE_US_MAX 1000000000u
#define PERF_WORKERS_MAX     (RTE_MAX_LCORE - 1) /* the main lcore is no worker */

enum perf_layout_kind {
	PERF_LAYOUT_AUTO,   /**< step with one lcore, else split */
	PERF_LAYOUT_SPLIT,  /**< main: engine and emulated hardware; the others: workers */
	PERF_LAYOUT_INLINE, /**< main: emulated hardware; the first worker polls the engine */
	PERF_LAYOUT_STEP,   /**< one lcore does everything, deterministically */
};

struct perf_options {
	const char *dev;
	const char *workload;
	const char *sweep;  /**< path or NULL */
	const char *json;   /**< path, "-" or NULL */
	const char *csv;    /**< path, "-" or NULL */
	const char *report; /**< folder or NULL */
	struct perf_policy policy[PERF_MAX_POLICIES];
	unsigned int nb_policies;
	uint64_t pairs;     /**< map/unmap pairs per run, over all workers; 0: by time */
	double seconds;     /**< length of a run, used if pairs is 0 */
	uint64_t seed;
	uint32_t workers;
	uint32_t batch;       /**< 0: each policy's own default */
	uint32_t deadline_us; /**< 0: the same */
	uint32_t burst;       /**< buffers mapped together, and unmapped together */
	uint32_t rounds;
	enum perf_layout_kind layout;
	bool probe_stale;
	bool insns;         /**< count instructions as well */
};

/** What perf_options_parse() found. */
enum perf_options_verdict {
	PERF_OPTIONS_RUN,  /**< go on */
	PERF_OPTIONS_DONE, /**< help, version or list was printed: exit 0 */
	PERF_OPTIONS_BAD,  /**< an error line was printed: exit 2 */
};

/**
 * Split the command line at "--" and read what follows it. EAL need not have started.
 * @param eal_argc receives how many arguments, argv[0] included, belong to EAL.
 */
enum perf_options_verdict perf_options_parse(int argc, char **argv, struct perf_options *o,
					     int *eal_argc);

/** Read a whole decimal number in [min, max], behind which k, M or G may follow.
 * @return 0, or -1 with nothing printed. */
int perf_number_parse(const char *s, uint64_t min, uint64_t max, uint64_t *v);

/** "split", "inline", "step" or "auto". */
const char *perf_layout_name(enum perf_layout_kind k);

#endif
