/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * All results of one invocation, and what they were measured on: what every output is made of.
 */
#ifndef PERF_BOOK_H
#define PERF_BOOK_H

#include <pthread.h>
#include <stdio.h>

#include "control.h"
#include "host.h"
#include "layout.h"
#include "options.h"
#include "result.h"
#include "sweep.h"
#include "workload.h"

/** Printed wherever the figures are. */
#define PERF_HONEST \
	"CPU-side cost against modelled hardware; no claim about any real device's throughput"

struct perf_book {
	const struct perf_options *o;
	const struct perf_workload *wl;
	struct perf_host host;
	struct sluice_iommu_info info;
	enum perf_layout_kind layout;
	char layout_text[256];
	char slowed[64];     /**< what --probe-stale asked of the hardware, "key=value,…", or "" */
	struct perf_control control; /**< at the point at hand */
	struct perf_result *result;
	unsigned int nb_results, max_results;
	unsigned int nb_measured;  /**< results that have figures */
	bool complete;             /**< every point was tried, nothing was cut short */
	pthread_mutex_t lock;      /**< of result[] and nb_results: who is told to end looks, too */
	/** Called between points, when there are results and more to come; or NULL. */
	void (*each_point)(struct perf_book *bk);
};

/**
 * Measure every point with every policy, rounds interleaved.
 * What fails at one point, or under one policy, is kept as a result without figures, and the others
 * are measured.
 * @return 0, or the exit status of what went wrong, said on stderr unless it is perf_interrupted.
 *   Results are in @p bk as far as there are any.
 */
int perf_book_fill(struct perf_book *bk, const struct perf_sweep *s);
void perf_book_free(struct perf_book *bk);

/** Which parameters differ between results. */
struct perf_varied {
	bool sync_ns, workers, batch, deadline_us;
};
struct perf_varied perf_book_varied(const struct perf_book *bk);

/** The first result that has figures; NULL: there is none. */
const struct perf_result *perf_book_first(const struct perf_book *bk);

/** The table for people; nothing when no result has figures. */
void perf_table_print(const struct perf_book *bk, FILE *f);
/** @return 0, or -1: the stream refused. */
int perf_json_write(const struct perf_book *bk, FILE *f);
int perf_csv_write(const struct perf_book *bk, FILE *f);

#endif
