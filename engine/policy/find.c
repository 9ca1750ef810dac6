/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Finds a policy by name, in the set of a domain's page-table format.
 */
#include <string.h>

#include "set.h"

extern const struct policy_set policy_set_lpae_4k, policy_set_lpae_16k, policy_set_lpae_64k,
	policy_set_vtd_s2_4k;

/* Formats that differ in attributes alone share what was compiled (fmt/). */
static const struct policy_set *const set_of[SLUICE_FORMATS] = {
	[SLUICE_FORMAT_LPAE_S1_4K] = &policy_set_lpae_4k,
	[SLUICE_FORMAT_LPAE_S1_16K] = &policy_set_lpae_16k,
	[SLUICE_FORMAT_LPAE_S1_64K] = &policy_set_lpae_64k,
	[SLUICE_FORMAT_LPAE_S2_4K] = &policy_set_lpae_4k,
	[SLUICE_FORMAT_LPAE_S2_16K] = &policy_set_lpae_16k,
	[SLUICE_FORMAT_LPAE_S2_64K] = &policy_set_lpae_64k,
	[SLUICE_FORMAT_VTD_S2_4K_SNP] = &policy_set_vtd_s2_4k,
	[SLUICE_FORMAT_VTD_S2_4K] = &policy_set_vtd_s2_4k,
};

const struct policy_set *
policy_set_of(const struct pt_format *f)
{
	return set_of[f->id];
}

const struct policy_ops *
policy_find(const struct policy_set *set, const char *name)
{
	for (unsigned int i = 0; i < set->n; i++)
		if (strcmp(set->list[i]->name, name) == 0)
			return set->list[i];
	return NULL;
}

const struct policy_ops *
policy_clamp(const struct policy_set *set, const struct policy_ops *p,
	     const struct sluice_iommu *iommu)
{
	/* E1: decided before the backend is called. */
	return p->deferred && (iommu->caps & SLUICE_CAP_DEFERRED) == 0 ? set->strict : p;
}

const char *
sluice_policy_name(unsigned int i)
{
	return i < policy_set_lpae_4k.n ? policy_set_lpae_4k.list[i]->name : NULL;
}
