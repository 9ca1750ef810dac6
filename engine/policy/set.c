/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The list of unmap policies; compiled once for each page-table format.
 */
#include <rte_common.h>

#include "set.h"

static const struct policy_ops *const list[] = {
	&policy_passthrough,
	&policy_strict,
	&policy_strict_batched,
	&policy_deferred,
	&policy_deferred_single,
	&policy_rollover,
	&policy_strict_async,
	&policy_contiguous,
	&policy_static,
	&policy_hugepool,
	&policy_persistent,
	&policy_copy,
	&policy_hybrid,
};

extern const struct policy_set policy_set; /* find.c declares it by its full name */

const struct policy_set policy_set = {
	.strict = &policy_strict,
	.bounce = &policy_strict_bounce,
	.copy = &policy_copy,
	.rollover = &policy_rollover,
	.list = list,
	.n = RTE_DIM(list),
};
