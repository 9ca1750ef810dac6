/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Second half of an unmap: the IOVA may be used again. This is the same for every page-table
 * format.
 */
#ifndef WINDOW_FREE_H
#define WINDOW_FREE_H

#include "../object/domain.h"

/** What window_free() does for more than one page. */
void window_free_run(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pfn, uint32_t pages);

/** Give @p pages from @p pfn on, which nothing translates any more, back to the allocator. */
static inline void
window_free(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pfn, uint32_t pages)
{
	if (__builtin_expect(pages == 1, 1))
		iova_put(&d->iova, &dl->mag[0], 0, pfn);
	else
		window_free_run(d, dl, pfn, pages);
}

#endif
