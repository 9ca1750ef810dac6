/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The control: is the hardware of this run one on which a policy that does not keep its promise
 * would be caught? Nobody may read "0 stale accesses" as safe before that is shown.
 */
#ifndef PERF_CONTROL_H
#define PERF_CONTROL_H

#include "bench.h"
#include "result.h"

/** What was seen of one policy when it could not be safe. */
struct perf_seen {
	struct perf_policy policy;
	uint64_t early;    /**< stale accesses where SYNCs do not wait for invalidations */
	uint64_t in_place; /**< where the buffers themselves are mapped instead of copies */
};

struct perf_control {
	struct perf_seen seen[PERF_MAX_POLICIES];
	unsigned int n;
};

/**
 * With --probe-stale on emulated hardware: run every policy for a moment on a bench as that of the
 * results, but for hardware that is broken (key sync_early): a SYNC is complete when it is consumed,
 * whatever invalidations are still under way, as if the engine did not wait; where nothing is seen
 * of that, once more with invalidations that last until memory is back. What copies is shown by
 * mapping in place of it. Nothing of it is in the results. The bench of the results is closed.
 * @return 0, or an exit status with an error line printed.
 */
int perf_control_run(struct perf_control *c, const struct perf_options *o,
		     const struct perf_workload *wl, const struct perf_layout *l,
		     const struct perf_point *pt);

/** Say of a result of @p policy whether its stale accesses, if there are none, prove anything. */
void perf_control_judge(const struct perf_control *c, const struct perf_policy *policy,
			struct perf_result *res);

#endif
