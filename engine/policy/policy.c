/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The list of unmap policies.
 */
#include <string.h>

#include "../object/domain.h"
#include "policy.h"

static const struct policy_ops *const policies[] = {
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

const struct policy_ops *
policy_find(const char *name)
{
	for (unsigned int i = 0; i < RTE_DIM(policies); i++)
		if (strcmp(policies[i]->name, name) == 0)
			return policies[i];
	return NULL;
}

const char *
sluice_policy_name(unsigned int i)
{
	return i < RTE_DIM(policies) ? policies[i]->name : NULL;
}
