/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * passthrough: an identity domain. Nothing is protected and nothing invalidated: this is the upper
 * bound for speed.
 */
#include <errno.h>

#include "../object/domain.h"
#include "policy.h"

static int
passthrough_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot,
		uint64_t *iova, struct dom_lcore *dl)
{
	(void)prot;
	if (len == 0 || pa >= d->pa_limit || len > d->pa_limit - pa) {
		STAT_ADD(dl->st.map_errors, 1);
		return -EINVAL;
	}
	STAT_ADD(dl->st.maps, 1);
	if (((pa ^ (pa + len - 1)) >> 12) != 0)
		STAT_ADD(dl->st.map_more, ((pa & 4095) + len - 1) >> 12);
	*iova = pa;
	return 0;
}

static int
passthrough_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	if (len == 0 || iova >= d->pa_limit || len > d->pa_limit - iova) {
		STAT_ADD(dl->st.unmap_errors, 1);
		return -EINVAL;
	}
	STAT_ADD(dl->st.unmaps, 1);
	if (((iova ^ (iova + len - 1)) >> 12) != 0)
		STAT_ADD(dl->st.unmap_more, ((iova & 4095) + len - 1) >> 12);
	return 0;
}

const struct policy_ops policy_passthrough = {
	.name = "passthrough",
	.type = SLUICE_DOMAIN_IDENTITY,
	.map = passthrough_map,
	.unmap = passthrough_unmap,
};
