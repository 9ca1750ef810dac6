/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The policies to compare, each with settings of its own, and what a policy's name promises.
 */
#ifndef PERF_POLICIES_H
#define PERF_POLICIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One entry of a list such as "strict-async:batch=32,deferred". */
struct perf_policy {
	const char *name;     /**< from sluice_policy_name() */
	uint32_t batch;       /**< 0: as for all, else the policy's own default */
	uint32_t deadline_us; /**< the same */
	uint32_t copy_max;    /**< hybrid: bytes up to which it copies; 0: its own default */
};

struct perf_options;

/** Read a comma list of policies ("all": every one) into @p o. @return 0, or -1 and an error
 * line that starts with @p where. */
int perf_policies_parse(const char *list, const char *where, struct perf_options *o);

/** Write it as it may be given, settings included. @return @p buf. */
const char *perf_policy_label(const struct perf_policy *p, char *buf, size_t size);

/** Does a policy of this name promise that no device reaches memory that was handed back? */
bool perf_policy_is_strict(const char *name);

/** Are there buffers of which a policy of this name maps a copy? */
bool perf_policy_copies(const char *name);

/** The same name with the same settings. */
bool perf_policy_equal(const struct perf_policy *a, const struct perf_policy *b);

/** Do the calls of a burst share work under a policy of this name? Then the time of one call says
 * nothing, and a call's time is its part of the burst's. */
bool perf_policy_shares(const char *name);

#endif
