/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Giving IOVAs of more than one page back (free.h).
 */
#include "free.h"

void
window_free_run(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pfn, uint32_t pages)
{
	unsigned int order = iova_order(pages);

	if (__builtin_expect(order < IOVA_ORDERS, 1))
		iova_put(&d->iova, &dl->mag[order], order, pfn);
	else
		iova_run_put(&d->iova, pages, pfn);
}
