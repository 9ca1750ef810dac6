/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What knows the engine's inside. The bound: a map and an unmap without any invalidation, unsafe on
 * purpose, hence only here. And names of lines that all workers share.
 */
#include "object/domain.h"
#include "window/window.h"
#include "scale.h"

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

void
scale_names(struct sluice_domain *d)
{
	line_name(&d->iova.hands, sizeof(d->iova.hands), "iova: hands");
	line_name(d->iova.avail[0].level[0], d->iova.avail[0].size / 8, "iova: chunks with free pages");
	line_name(d->iova.uncut.level[0], d->iova.uncut.size / 8, "iova: chunks not cut");
	line_name(&d->iova.depot, sizeof(d->iova.depot), "iova: depot");
	line_name(&d->flush, sizeof(d->flush), "domain: flush state");
}
