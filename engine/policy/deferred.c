/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * deferred: an unmap returns at once; the invalidation comes with the next flush of the worker's
 * ring, and only then is the IOVA reused. Until then a device may still reach memory that its owner
 * has back: the stale window.
 */
#include <errno.h>

#include "../domain.h"

static int
deferred_unmap(struct sluice_domain *d, struct dom_lcore *dl, uint64_t iova, size_t len)
{
	struct flush_ring *r = &dl->ring;
	uint32_t pfn, pages;
	int ret = 0;

	/* Room first: nothing may have changed when there is none. */
	if (__builtin_expect(r->tail - r->reclaim > r->mask, 0) && !flush_ring_room(d, dl))
		ret = flush_ring_wait(d, dl);
	if (__builtin_expect(ret == 0, 1))
		ret = window_clear(d, iova, len, &pfn, &pages);
	if (__builtin_expect(ret != 0, 0)) {
		STAT_ADD(dl->st.unmap_errors, 1);
		return ret;
	}
	flush_ring_put(r, flush_entry(pfn, pages));
	STAT_ADD(dl->st.unmaps, 1);
	STAT_ADD(dl->st.unmap_pages, pages);
	return 0;
}

const struct policy_ops policy_deferred = {
	.name = "deferred",
	.type = SLUICE_DOMAIN_PAGING,
	.deferred = true,
	.map = window_map,
	.unmap = deferred_unmap,
};
