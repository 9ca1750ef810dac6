/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * strict: an unmap returns only when no device can reach the memory any more. One invalidation
 * and its SYNC for each unmap, waited for by the caller.
 */
#include <errno.h>

#include "../domain.h"
#include "../wait.h"

/* A device may still hold the translation: the IOVA is never given out again. The mapping counts as
 * live, for that is what it may be. */
static __rte_noinline int
lost(struct dom_lcore *dl, int ret)
{
	STAT_ADD(dl->st.unmap_errors, 1);
	return ret;
}

static inline int
unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	struct sluice_iommu *iommu = d->iommu;
	uint32_t pfn, pages;
	uint64_t seq;
	int ret = window_clear(d, iova, len, &pfn, &pages);

	if (__builtin_expect(ret != 0, 0)) {
		STAT_ADD(dl->st.unmap_errors, 1);
		return ret;
	}
	struct sluice_inv inv = { .op = SLUICE_INV_RANGE,
				  .flags = SLUICE_INV_LEAF,
				  .tag = d->tag,
				  .pages = pages,
				  .iova = iova & ~UINT64_C(4095) };

	if (domain_spans(d)) {
		ret = span_inv_sync(d, &inv, 1);
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

/* A copy of its own, so that the one for a page has nothing of ranges in it. */
static __rte_noinline int
unmap_run(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	return unmap(d, iova, len, dl);
}

static int
strict_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	if (__builtin_expect(!one_page(iova, len), 0))
		return unmap_run(d, iova, len, dl);
	return unmap(d, iova, len, dl);
}

const struct policy_ops policy_strict = {
	.name = "strict",
	.type = SLUICE_DOMAIN_PAGING,
	.live = true,
	.map = window_map,
	.unmap = strict_unmap,
};
