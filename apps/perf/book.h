/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The book holds all results of one invocation, and what they were measured on. Every output is
 * made from it.
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
	char slowed[64];     /**< what --probe-stale added to --dev, "key=value,…", or "" */
	struct perf_control control; /**< of the current point */
	struct perf_result *result;
	unsigned int nb_results, max_results;
	unsigned int nb_measured;  /**< results that have figures */
	bool complete;             /**< every point was tried, and no run was cut short */
	pthread_mutex_t lock;      /**< of result[] and nb_results, which the thread that ends an
				interrupted program reads as well */
	/** Called after each point but the last one; may be NULL. */
	void (*each_point)(struct perf_book *bk);
};

/**
 * Measure every point with every policy, with interleaved rounds. A policy that fails at a point is
 * kept as a result without figures, and the others are measured.
 * @return 0, or an exit status with an error line printed; none is printed for perf_interrupted. In
 *   both cases @p bk has the results that there are.
 */
int perf_book_fill(struct perf_book *bk, const struct perf_sweep *s);
void perf_book_free(struct perf_book *bk);

/** Which parameters differ between results. */
struct perf_varied {
	bool sync_ns, workers, batch, deadline_us;
};
struct perf_varied perf_book_varied(const struct perf_book *bk);

/** The first result that has figures, or NULL. */
const struct perf_result *perf_book_first(const struct perf_book *bk);

/** Print the table for people, unless no result has figures. */
void perf_table_print(const struct perf_book *bk, FILE *f);
/** @return 0, or -1 if the stream failed. */
int perf_json_write(const struct perf_book *bk, FILE *f);
int perf_csv_write(const struct perf_book *bk, FILE *f);

#endif
