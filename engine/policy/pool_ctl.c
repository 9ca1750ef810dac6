/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * sluice_domain_pool(): a control call, the same for every format and policy.
 */
#include <errno.h>

#include "../window/trim.h"
#include "policy.h"

static int
pool_add(struct sluice_domain *d, uint64_t pa, uint64_t len)
{
	const struct policy_ops *ops = domain_policy(d);

	return ops->pool != NULL ? ops->pool(d, pa, len) :
				   sluice_fail(ENOTSUP, "%s keeps no pool", ops->name);
}

int
sluice_domain_pool(struct sluice_domain *d, uint64_t pa, uint64_t len)
{
	if (d == NULL)
		return sluice_null("a domain");
	int ret = pool_add(d, pa, len);

	/* Nothing of the pool was mapped. Tables that other domains keep may be enough (A20). */
	return ret == -ENOMEM && tables_reclaim(d->iommu) != 0 ? pool_add(d, pa, len) : ret;
}
