/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The points at which policies are compared: a single one, or the cross products of a sweep file.
 */
#ifndef PERF_SWEEP_H
#define PERF_SWEEP_H

#include <stdint.h>

#include "options.h"

#define PERF_MAX_POINTS 4096u
#define PERF_SYNC_AS_IS UINT64_MAX

/** One setting of everything that can vary. */
struct perf_point {
	uint64_t sync_ns; /**< PERF_SYNC_AS_IS: what the device string says */
	uint32_t workers;
	uint32_t batch;
	uint32_t deadline_us;
	const struct perf_policy *policy; /**< the policies to compare here */
	unsigned int nb_policies;
};

/** All points. Those with equal sync_ns and workers are side by side. */
struct perf_sweep {
	struct perf_point *point;
	unsigned int nb_points;
	struct perf_policy **list; /**< the lists that the points' policies are in */
	unsigned int nb_lists;
};

/**
 * Make the points of the file o->sweep, or without a file the one point that the options describe.
 * A section without a policy list takes the list of the section before it; the first section takes
 * that of @p o. The last list remains in @p o.
 * @return 0, or an exit status with an error line printed.
 */
int perf_sweep_load(struct perf_sweep *s, struct perf_options *o);
void perf_sweep_free(struct perf_sweep *s);

#endif
