/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A result is what one policy did at one point, in the form that every output shows.
 */
#ifndef PERF_RESULT_H
#define PERF_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "run.h"

#define PERF_WALK_LEVELS 4u

/** A distribution, ns unless said otherwise. */
struct perf_dist {
	double p50, p99, max, mean;
	double min; /**< no value is smaller: the lower end of the lowest bucket */
};

struct perf_counters {
	struct sluice_xstat c[PERF_MAX_XSTATS + 64];
	unsigned int n;
};

struct perf_result {
	char policy[32];         /**< as asked for */
	char in_force[32];       /**< as the domain took it */
	char label[64];          /**< the policy with the settings that were given to it alone */
	char error[200];         /**< what went wrong, or "" */
	bool failed;             /**< there are no figures; otherwise an error is a check that did
				not hold */
	bool virt;               /**< times are virtual, and repeat exactly */
	uint64_t sync_ns;        /**< injected */
	uint32_t workers;
	uint32_t batch, deadline_us; /**< in force */
	uint32_t burst;
	uint32_t ring;           /**< posted buffers per worker */
	uint32_t buf_size;       /**< bytes per buffer */
	char settings[160];      /**< the register source's */
	char note[128];
	uint32_t rounds;
	uint32_t clean_rounds;   /**< rounds that were neither preempted nor unstable */
	double rounds_pair_ns[PERF_MAX_ROUNDS]; /**< of every round, in order */
	uint64_t pairs;
	double seconds;
	bool map_known, unmap_known; /**< calls were timed one by one */
	struct perf_dist map_ns, unmap_ns;
	double pair_ns;
	struct perf_insns insns; /**< all 0: not measured */
	double strict_ratio;     /**< strict's pair_ns divided by this one, median over the rounds;
				0: none */
	double sync_rtt_ns, sync_rtt_before_ns, sync_rtt_after_ns;
	uint64_t preempted;      /**< times that the OS took an lcore of the run away */
	bool unstable;           /**< the bare SYNC moved by more than a fifth during the run */
	bool cmds_known;         /**< commands are counted */
	double syncs_per_unmap, invs_per_unmap;
	bool stale_known;        /**< false: nothing is ever invalidated, the window never ends */
	struct perf_dist stale_us;
	bool release_known;      /**< false: memory comes back before it is safe */
	struct perf_dist release_us; /**< from an unmap's submission to its memory's return */
	uint64_t cookies;        /**< unmaps whose memory came back by a cookie */
	uint64_t flushes[SLUICE_FLUSH_CAUSES];
	uint64_t deadline_misses, pending_max;
	bool held_known;         /**< the next three were sampled */
	bool exposed_known;      /**< false: memory that is handed back early stays exposed */
	double oldest_us;        /**< age of the oldest entry of a flush queue in any sample */
	uint64_t exposed_bytes;  /**< the most in any sample of memory handed back and not safe */
	uint64_t stale_accesses;
	bool stale_counted;      /**< devices probed for stale accesses, or some were seen */
	bool stale_provable;     /**< a stale access would have been seen (control.h) */
	uint64_t stale_control;  /**< seen in the control; 0: there was none */
	bool copies_known;       /**< the policy copies, and all memory was watched */
	uint64_t shadow_accesses; /**< accesses to idle shadow memory (watch.h) */
	bool dma_known;          /**< a device moved bytes */
	bool probes_known;       /**< and it was asked to touch old addresses */
	uint64_t dma_bytes, dma_faults, dma_mismatches, probes, probe_hits, probe_faults;
	bool iotlb_known, walks_known; /**< the hardware counts them */
	double iotlb_hit_rate, walk_reads_per_page;
	bool walk_reads_known;   /**< the hardware counts them by level */
	uint64_t walk_reads[PERF_WALK_LEVELS];
	uint64_t copy_max;       /**< bytes: up to this a buffer is copied; 0: never */
	uint64_t copy_max_read;  /**< likewise for buffers that the device only reads */
	uint64_t crossover;      /**< bytes from which on copying costs more; 0: unknown */
	uint64_t crossover_read; /**< likewise for buffers that the device only reads */
	uint64_t pinned_bytes, ring_full, empty_polls;
	struct perf_counters counters; /**< integers that a step run repeats exactly */
};

/** Why a flush was started: "full", "deadline" and so on. */
extern const char *const perf_flush_cause[SLUICE_FLUSH_CAUSES];

/** Turn a finished run into a result. */
void perf_result_make(struct perf_result *res, const struct perf_run *r);

/**
 * Check that the run's counters add up, that all bytes are right, and that a strict policy was
 * strict.
 * @return 0, or PERF_EXIT_FAILED with a line for each check that failed.
 */
int perf_result_verify(const struct perf_run *r, const struct perf_result *res);

/** The counter of that name; 0 if there is none. */
uint64_t perf_counter_get(const struct perf_counters *c, const char *name);

#endif
