/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The policy of a blocked domain: every call is refused. It cannot be chosen by name.
 */
#include <errno.h>

#include "../object/domain.h"
#include "policy.h"

static int
blocked_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot,
	    uint64_t *iova, struct dom_lcore *dl)
{
	(void)d, (void)pa, (void)len, (void)prot, (void)iova;
	STAT_ADD(dl->st.map_errors, 1);
	return -EINVAL;
}

static int
blocked_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	(void)d, (void)iova, (void)len;
	STAT_ADD(dl->st.unmap_errors, 1);
	return -ENOENT;
}

const struct policy_ops policy_blocked = {
	.name = "blocked",
	.type = SLUICE_DOMAIN_BLOCKED,
	.map = blocked_map,
	.unmap = blocked_unmap,
};
