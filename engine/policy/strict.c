/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * strict: an unmap returns only when no device can reach the memory any more. One invalidation
 * and its SYNC for each unmap, waited for by the caller.
 */
#include <errno.h>

#include "../domain.h"

static int
strict_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	uint32_t pfn, pages;
	int ret = window_clear(d, iova, len, &pfn, &pages);

	if (__builtin_expect(ret != 0, 0)) {
		STAT_ADD(dl->st.unmap_errors, 1);
		return ret;
	}
	struct sluice_inv inv = { .op = SLUICE_INV_RANGE,
				  .flags = SLUICE_INV_LEAF,
				  .tag = d->tag,
				  .pages = pages,
				  .iova = d->iova_base + ((uint64_t)pfn << 12) };

	ret = sluice_inv_sync(d->iommu, &inv, 1);
	STAT_ADD(dl->st.invs, 1);
	STAT_ADD(dl->st.syncs, 1);
	if (__builtin_expect(ret != 0, 0)) {
		/* A device may still hold the translation: the IOVA is never given out again. The
		 * mapping counts as live, for that is what it may be. */
		STAT_ADD(dl->st.unmap_errors, 1);
		return ret;
	}
	window_free(d, dl, pfn, pages);
	STAT_ADD(dl->st.unmaps, 1);
	if (__builtin_expect(pages != 1, 0))
		STAT_ADD(dl->st.unmap_more, pages - 1);
	return 0;
}

const struct policy_ops policy_strict = {
	.name = "strict",
	.type = SLUICE_DOMAIN_PAGING,
	.map = window_map,
	.unmap = strict_unmap,
};
