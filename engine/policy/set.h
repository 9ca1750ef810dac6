/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The unmap policies of one page-table format.
 */
#ifndef POLICY_SET_H
#define POLICY_SET_H

#include "../pgtable/format.h"
#include "policy.h"

struct policy_set {
	const struct policy_ops *strict;
	const struct policy_ops *bounce;   /**< strict for a device that is not trusted (E5) */
	const struct policy_ops *copy;
	const struct policy_ops *rollover; /**< the one that hands out IOVAs itself */
	const struct policy_ops *const *list; /**< all that can be chosen by name */
	unsigned int n;
};

/** The policies that were compiled for a format. */
const struct policy_set *policy_set_of(const struct pt_format *f);

/** @return the policy of that name, or NULL. */
const struct policy_ops *policy_find(const struct policy_set *set, const char *name);

/** The policy that a domain behind @p iommu gets when @p p is asked for (E1). */
const struct policy_ops *policy_clamp(const struct policy_set *set, const struct policy_ops *p,
				      const struct sluice_iommu *iommu);

#endif
