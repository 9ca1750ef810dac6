/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Mappings at fixed addresses, outside the window: reserved regions, doorbells, tests. Control
 * path.
 */
#include <errno.h>
#include <inttypes.h>

#include "../inval/mirror.h"
#include "trim.h"
#include "../inval/inval.h"

#define CUTS 64u /* tables given back with one invalidation */

/* Is [iova, iova+size) a place for fixed mappings? */
static int
place_check(const struct sluice_domain *d, uint64_t iova, uint64_t size)
{
	uint64_t limit = UINT64_C(1) << d->pt.ias;
	const uint64_t page = UINT64_C(1) << d->page_shift;

	if (d->type != SLUICE_DOMAIN_PAGING)
		return sluice_fail(EINVAL, "the domain has no page table");
	if (size == 0 || ((iova | size) & (page - 1)) != 0 || iova >= limit || size > limit - iova)
		return sluice_fail(EINVAL, "%#" PRIx64 "+%#" PRIx64 ": multiples of %" PRIu64
				   " within %u bits", iova, size, page, d->pt.ias);
	if (d->iommu->info.aperture_end != 0 &&
	    (iova < d->iommu->info.aperture_base || iova + size - 1 > d->iommu->info.aperture_end))
		return sluice_fail(EINVAL, "%#" PRIx64 "+%#" PRIx64 ": this hardware translates %#" PRIx64
				   " to %#" PRIx64 " alone", iova, size,
				   d->iommu->info.aperture_base, d->iommu->info.aperture_end);
	if (iova < d->iova_base + d->conf.iova_size && d->iova_base < iova + size)
		return sluice_fail(EINVAL, "%#" PRIx64 "+%#" PRIx64 " touches the domain's own window",
				   iova, size);
	return 0;
}

/* [iova, iova+size) was cleared. Make the hardware forget it, then free the tables that are empty
 * now (A5). With @p all the hardware forgets the whole domain, for its copy of the tables may hold
 * more. d->lock is held throughout: a mapping made before the hardware forgets an old table would
 * not be found through it. If the invalidation fails, the tables stay where they are.
 * @return what sluice_inv_sync() returns. */
static int
forget(struct sluice_domain *d, uint64_t iova, uint64_t size, bool all)
{
	const struct pgtable_keep window = { d->iova_base, d->iova_base + d->conf.iova_size };
	struct pgtable_cut cut[CUTS];
	unsigned int n;
	int ret;

	do {
		struct sluice_inv inv = all || size >> 12 > UINT32_C(1) << 31 ? domain_inv_all(d) :
					domain_inv_range(d, iova, size >> 12);

		n = pgtable_cut_empty(&d->pt, iova, size, &window, cut, CUTS);
		inv.flags |= n == 0 ? SLUICE_INV_LEAF : 0;
		ret = domain_inv_sync(d, &inv, 1);
		pgtable_cut_end(&d->pt, cut, n, ret == 0);
	} while (ret == 0 && n == CUTS);
	return ret;
}

int
sluice_map_fixed(struct sluice_domain *d, uint64_t iova, uint64_t pa, uint64_t size,
		 unsigned int prot)
{
	if (d == NULL)
		return sluice_null("a domain");
	int ret = place_check(d, iova, size), sync = 0, lost = 0;

	if (ret != 0)
		return ret;
	if ((pa & ((UINT64_C(1) << d->page_shift) - 1)) != 0 || pa >= d->pa_limit || size > d->pa_limit - pa || prot > 3 ||
	    d->pte_attr[prot] == 0)
		return sluice_fail(EINVAL, "physical address %#" PRIx64 " or protection %u", pa, prot);
	pthread_mutex_lock(&d->lock);
	ret = pgtable_map(&d->pt, iova, pa, size, d->pt.fmt->attr(prot));
	if (ret == -ENOMEM) {
		/* Nothing was mapped. Tables that other domains keep unused may be enough (A20). */
		pthread_mutex_unlock(&d->lock);
		(void)tables_reclaim(d->iommu);
		pthread_mutex_lock(&d->lock);
		ret = pgtable_map(&d->pt, iova, pa, size, d->pt.fmt->attr(prot));
	}
	if (ret == 0 && (sync = mirror_sync(d, iova, size >> 12)) != 0) {
		/* The hardware's copy of the tables may hold part of the mapping (A18). */
		(void)pgtable_unmap(&d->pt, iova, size);
		lost = forget(d, iova, size, true);
	}
	pthread_mutex_unlock(&d->lock);
	if (sync != 0)
		return sluice_fail(lost != 0 ? -lost : -sync, "%#" PRIx64 "+%#" PRIx64
				   ": the IOMMU did not take it%s", iova, size,
				   lost != 0 ? ", and may have kept part of it" : "");
	return ret == 0 ? 0 :
	       sluice_fail(-ret, "%#" PRIx64 "+%#" PRIx64 ": %s", iova, size,
			   ret == -EEXIST ? "something is mapped there" : "no memory for page tables");
}

int
sluice_unmap_fixed(struct sluice_domain *d, uint64_t iova, uint64_t size)
{
	if (d == NULL)
		return sluice_null("a domain");
	int ret = place_check(d, iova, size), lost = 0;

	if (ret != 0)
		return ret;
	pthread_mutex_lock(&d->lock);
	ret = pgtable_unmap(&d->pt, iova, size);
	if (ret == 0)
		lost = forget(d, iova, size, false);
	pthread_mutex_unlock(&d->lock);
	if (ret != 0)
		return sluice_fail(-ret, "%#" PRIx64 "+%#" PRIx64 ": %s", iova, size,
				   ret == -ENOENT ? "a page of it is not mapped" : "it cuts a block");
	return lost;
}

int
sluice_iova_to_pa(struct sluice_domain *d, uint64_t iova, uint64_t *pa)
{
	if (d == NULL || pa == NULL)
		return sluice_null("a domain, or room for an address,");
	if (d->type == SLUICE_DOMAIN_IDENTITY) {
		*pa = iova;
		return 0;
	}
	return d->type == SLUICE_DOMAIN_PAGING ? pgtable_walk(&d->pt, iova, pa) : -ENOENT;
}
