/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The policies to compare, each with settings of its own; and what a policy promises.
 */
#ifndef PERF_POLICIES_H
#define PERF_POLICIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One entry of a list such as "strict-async:batch=32,deferred". */
struct perf_policy {
	const char *name;     /**< from sluice_policy_name() */
	uint32_t batch;       /**< 0: the point's, or else the policy's own default */
	uint32_t deadline_us; /**< likewise */
	uint32_t copy_max;    /**< hybrid: bytes up to which it copies; 0: its own default */
};

struct perf_options;

/** Read a comma list of policies into @p o; "all" stands for all policies.
 * @return 0, or -1 with an error line printed that starts with @p where. */
int perf_policies_parse(const char *list, const char *where, struct perf_options *o);

/** Write a policy with its settings as they may be given. @return @p buf. */
const char *perf_policy_label(const struct perf_policy *p, char *buf, size_t size);

/** Does this policy promise that no device reaches memory that was handed back? */
bool perf_policy_is_strict(const char *name);

/** Does this policy copy some buffers, and map the copy? */
bool perf_policy_copies(const char *name);

/** Do both have the same name and the same settings? */
bool perf_policy_equal(const struct perf_policy *a, const struct perf_policy *b);

/** Do the calls of a burst share work under this policy? Then the time of one call means nothing,
 * and a call's time is its part of the burst's time. */
bool perf_policy_shares(const char *name);

#endif
