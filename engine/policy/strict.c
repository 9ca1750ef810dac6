/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * strict: an unmap returns only when no device can reach the memory any more. Each unmap costs one
 * invalidation and its SYNC, and the caller waits for them.
 */
#include <errno.h>

#include "../object/domain.h"
#include "../base/wait.h"
#include "../inval/inval.h"
#include "../window/window.h"
#include "policy.h"

/* A device may still hold the translation, so the IOVA is never handed out again. The mapping
 * counts as live, for it may be. */
static __rte_noinline int
lost(struct dom_lcore *dl, int ret)
{
	STAT_ADD(dl->st.unmap_errors, 1);
	return ret;
}

/* The entries are cleared: invalidate them, then free the IOVA. */
static inline int
forget(struct sluice_domain *d, uint64_t iova, uint32_t pfn, uint32_t pages, struct dom_lcore *dl)
{
	struct sluice_iommu *iommu = d->iommu;
	uint64_t seq;
	int ret;
	struct sluice_inv inv = { .head = d->inv_leaf,
				  .pages = PT_INV_PAGES(pages),
				  .iova = iova & ~PT_OFFSET };

	if (domain_multis(d)) {
		ret = multi_inv_sync(d, &inv, 1);
	} else {
		seq = iommu->fast.inv_submit(iommu->fast.queue, &inv, 1);
		if (__builtin_expect(seq == 0, 0))
			return lost(dl, -EIO);
		ret = inv_wait(iommu, seq);
	}
	if (domain_has_ats(d) && ret == 0)
		ret = ats_inv_sync(d, &inv, 1);
	STAT_ADD(dl->st.invs, 1);
	STAT_ADD(dl->st.syncs, 1);
	if (__builtin_expect(ret != 0, 0))
		return lost(dl, ret);
	window_free(d, dl, pfn, pages);
	STAT_ADD(dl->st.unmaps, 1);
	if (__builtin_expect(pages != 1, 0))
		STAT_ADD(dl->st.unmap_more, pages - 1);
	return 0;
}

/* More than one page: in a function of its own, so that the one for a page needs no range. */
static __rte_noinline int
unmap_slow(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	uint32_t pfn, pages;
	int ret = window_clear(d, iova, len, &pfn, &pages);

	if (ret != 0) {
		STAT_ADD(dl->st.unmap_errors, 1);
		return ret;
	}
	return forget(d, iova, pfn, pages, dl);
}

static int
strict_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	uint64_t pfn = window_pfn(d, iova, len);

	if (__builtin_expect(pfn >= d->nb_pages || !window_clear_one(d, pfn, iova, len), 0))
		return unmap_slow(d, iova, len, dl);
	return forget(d, iova, (uint32_t)pfn, 1, dl);
}

const struct policy_ops policy_strict = {
	.name = "strict",
	.type = SLUICE_DOMAIN_PAGING,
	.plain = true,
	.live = true,
	.map = window_map,
	.unmap = strict_unmap,
};
