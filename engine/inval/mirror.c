/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Mirrors: IOMMUs that keep a copy of the page table (A8). A map writes its entries, and is
 * complete when the hardware has taken them into its copy. When there is no room for that, the
 * whole copy is made anew, once, and the map is told of again, once. What fails then, fails the
 * map: never the device's first access.
 *
 * A domain on hardware that walks its tables pays nothing for this: a domain on a mirror gets a
 * policy of its own when it is made, the one that was asked for with maps that do more.
 */
#include <errno.h>
#include <inttypes.h>

#include <rte_errno.h>

#include "../base/heap.h"
#include "mirror.h"
#include "inval.h"
#include "../policy/set.h"

struct mirror {
	struct policy_ops ops; /* base, with these maps */
	const struct policy_ops *base;
	_Atomic uint64_t refreshes;
};

int
aperture_fit(struct sluice_domain_conf *c, const struct sluice_iommu *iommu,
	     const struct pt_format *f)
{
	const uint64_t chunk = pt_format_reach(f), all = UINT64_C(1) << pt_format_ias(f, iommu);
	uint64_t base = RTE_ALIGN_CEIL(iommu->info.aperture_base, chunk), end = all;
	bool limited = iommu->info.aperture_end != 0;

	if (limited && iommu->info.aperture_end < all - 1)
		end = iommu->info.aperture_end + 1;
	end -= end % chunk;
	if (c->iova_base == 0) {
		c->iova_base = SLUICE_IOVA_BASE_DEFAULT;
		/* Not 0: an IOVA of 0 is what drivers take for none. */
		if (c->iova_base < base || c->iova_base >= end || c->iova_size > end - c->iova_base)
			c->iova_base = RTE_MAX(base, chunk);
	}
	if (c->iova_size == 0)
		c->iova_size = c->iova_base < end ?
			       RTE_MIN(SLUICE_IOVA_SIZE_DEFAULT, end - c->iova_base) : chunk;
	if (!limited || (c->iova_base >= base && c->iova_base < end &&
			 c->iova_size <= end - c->iova_base))
		return 0;
	return sluice_fail(EINVAL, "IOVA window %#" PRIx64 "+%#" PRIx64
			   ": this hardware translates %#" PRIx64 " to %#" PRIx64 " alone",
			   c->iova_base, c->iova_size, iommu->info.aperture_base,
			   iommu->info.aperture_end);
}

int
mirror_sync(struct sluice_domain *d, uint64_t iova, uint64_t pages)
{
	const struct sluice_iommu_ops *ops = d->iommu->ops;
	struct mirror *s = d->mirror;
	int ret;

	if (s == NULL)
		return 0;
	ret = ops->map_sync(d->iommu, &d->hw, iova, pages);
	if (ret != -ENOMEM || ops->refresh == NULL)
		return ret;
	atomic_fetch_add_explicit(&s->refreshes, 1, memory_order_relaxed);
	ret = ops->refresh(d->iommu, &d->hw);
	return ret != 0 ? ret : ops->map_sync(d->iommu, &d->hw, iova, pages);
}

/* The first byte of its page. */
static uint64_t
page_of(const struct sluice_domain *d, uint64_t iova)
{
	return iova >> d->page_shift << d->page_shift;
}

/* Pages of the domain's format. */
static uint64_t
pages_of(const struct sluice_domain *d, uint64_t iova, uint64_t len)
{
	return (iova + len - 1 - page_of(d, iova)) / (UINT64_C(1) << d->page_shift) + 1;
}

/* Take a mapping out of the counters: it was never one. */
static void
uncount(struct dom_lcore *dl, uint64_t pages)
{
	STAT_ADD(dl->st.maps, -1);
	STAT_ADD(dl->st.unmaps, -1);
	STAT_ADD(dl->st.map_more, 1 - pages);
	STAT_ADD(dl->st.unmap_more, 1 - pages);
}

/* Undo a map that the hardware did not take: part of it may be in the copy, so it is invalidated
 * before its IOVA is free. What cannot be invalidated stays lost, and live, as with strict, and
 * that is what the mapper is told: the memory is not its own again.
 * @return 0 or as sluice_inv_sync(). */
static int
undo(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	uint64_t pages = pages_of(d, iova, len);
	const struct sluice_inv inv = { .head = d->inv_leaf, .iova = page_of(d, iova),
					.pages = (uint32_t)domain_pages_4k(d, pages) };
	int ret;

	if (d->mirror->base != d->set->rollover) {
		ret = d->set->strict->unmap(d, iova, len, dl);
		if (ret == 0)
			uncount(dl, pages);
		return ret;
	}
	/* Its IOVAs are not the space's: they come round with the window. The memory, now. */
	ret = d->set->rollover->unmap(d, iova, len, dl);
	return ret != 0 ? ret : domain_inv_sync(d, &inv, 1);
}

static int
mirror_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
	     struct dom_lcore *dl)
{
	int ret = d->mirror->base->map(d, pa, len, prot, iova, dl), lost;

	if (ret != 0)
		return ret;
	ret = mirror_sync(d, page_of(d, *iova), domain_pages_4k(d, pages_of(d, *iova, len)));
	if (ret == 0)
		return 0;
	lost = undo(d, *iova, len, dl);
	STAT_ADD(dl->st.map_errors, 1);
	return lost != 0 ? lost : ret;
}

/* For contiguous alone: its burst is one range, mapped and unmapped as a whole. The pieces of other
 * policies' bursts lie anywhere, and the hardware is told of each by itself (burst.c). */
static unsigned int
mirror_map_burst(struct sluice_domain *d, struct sluice_seg *seg, unsigned int n,
		   struct dom_lcore *dl)
{
	const struct policy_ops *base = d->mirror->base;
	unsigned int got = base->map_burst(d, seg, n, dl);
	uint64_t pages = 0;
	int ret;

	if (got == 0)
		return 0;
	for (unsigned int i = 0; i < got; i++)
		pages += pages_of(d, seg[i].iova, seg[i].len);
	ret = mirror_sync(d, page_of(d, seg[0].iova), domain_pages_4k(d, pages));
	if (ret == 0)
		return got;
	if (base->unmap_burst(d, seg, got, dl) == got) {
		uncount(dl, pages);
		rte_errno = -ret;
	}
	STAT_ADD(dl->st.map_errors, 1);
	return 0;
}

static void
mirror_stats(const struct sluice_domain *d, struct sluice_domain_stats *st)
{
	const struct mirror *s = d->mirror;

	if (s->base->stats != NULL)
		s->base->stats(d, st);
	st->refreshes = atomic_load_explicit(&s->refreshes, memory_order_relaxed);
}

const struct policy_ops *
mirror_ops(struct sluice_domain *d, const struct policy_ops *base)
{
	struct mirror *s = d->mirror;

	if (s == NULL)
		return base;
	s->base = base;
	s->ops = *base;
	s->ops.map = mirror_map;
	s->ops.map_burst = base->one_burst ? mirror_map_burst : NULL;
	s->ops.stats = mirror_stats;
	s->ops.live = false; /* the policy that replaced it would not sync */
	return &s->ops;
}

int
mirror_init(struct sluice_domain *d)
{
	const struct policy_ops *base = d->policy;
	struct mirror *s;

	if (d->type != SLUICE_DOMAIN_PAGING || d->iommu->ops->map_sync == NULL)
		return 0;
	if (!base->plain)
		return sluice_fail(ENOTSUP, "'%s' is not for an IOMMU that mirrors its page table", base->name);
	s = heap_zalloc("sluice_mirror", sizeof(*s), RTE_CACHE_LINE_SIZE);
	if (s == NULL)
		return sluice_fail(ENOMEM, "no memory for a policy that syncs its maps");
	d->mirror = s;
	d->policy = mirror_ops(d, base);
	d->map = s->ops.map;
	return 0;
}

void
mirror_fini(struct sluice_domain *d)
{
	heap_free(d->mirror);
	d->mirror = NULL;
}
