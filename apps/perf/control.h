/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The control shows whether a policy that does not keep its promise would be caught on the hardware
 * of this run. Without it, "0 stale accesses" would not mean that a policy is safe.
 */
#ifndef PERF_CONTROL_H
#define PERF_CONTROL_H

#include "bench.h"
#include "result.h"

/** What was seen of one policy in the control, where it could not be safe. */
struct perf_seen {
	struct perf_policy policy;
	uint64_t early;    /**< stale accesses where SYNCs do not wait for invalidations */
	uint64_t in_place; /**< stale accesses where buffers are mapped instead of copied */
};

struct perf_control {
	struct perf_seen seen[PERF_MAX_POLICIES];
	unsigned int n;
};

/**
 * With --probe-stale on emulated hardware: run every policy for a moment on a bench like that of
 * the results, whose hardware is broken (key sync_early). A SYNC is then complete when it is
 * consumed, even while invalidations are still under way, as if the engine did not wait for them.
 * If no stale access is seen, the policy runs once more with invalidations that last until memory
 * is back. For a policy that copies, buffers are mapped instead. None of this is in the results.
 * The bench of the results must be closed.
 * @return 0, or an exit status with an error line printed.
 */
int perf_control_run(struct perf_control *c, const struct perf_options *o,
		     const struct perf_workload *wl, const struct perf_layout *l,
		     const struct perf_point *pt);

/** Note in a result of @p policy whether a stale access would have been seen. */
void perf_control_judge(const struct perf_control *c, const struct perf_policy *policy,
			struct perf_result *res);

#endif
