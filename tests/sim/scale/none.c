/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The bound: a map and an unmap without any invalidation. Unsafe on purpose, hence only here.
 */
#include "window/window.h"

void scale_none(struct sluice_domain *d);

static int
none_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	uint32_t pfn, pages;
	int ret = window_clear(d, iova, len, &pfn, &pages);

	if (ret != 0) {
		STAT_ADD(dl->st.unmap_errors, 1);
		return ret;
	}
	window_free(d, dl, pfn, pages);
	STAT_ADD(dl->st.unmaps, 1);
	STAT_ADD(dl->st.unmap_more, pages - 1);
	return 0;
}

void
scale_none(struct sluice_domain *d)
{
	d->unmap = none_unmap;
}
