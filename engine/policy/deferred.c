/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * deferred: an unmap returns at once. The invalidation comes with the next flush of the worker's
 * ring, and the IOVA is reused only after that. Until then a device may still reach memory that its
 * owner has back: this time is the stale window.
 */
#include <rte_errno.h>

#include "ring_burst.h"
#include "../window/window.h"
#include "policy.h"

/* Take an IOVA that a flush released straight from the ring: IOVAs that are mapped again in the
 * order of their unmaps need no magazine in between (ring.h, 5). */
static int
deferred_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot,
	     uint64_t *iova, struct dom_lcore *dl)
{
	struct flush_ring *r = &dl->ring;
	uint64_t at = RELAXED_OWN(r->reclaim), e, attr;

	if (__builtin_expect(at == r->released_seen ||
			     !one_page(pa, len) || prot > 3 || (attr = d->pte_one[prot]) == 0 ||
			     pa >= d->pa_limit || !flush_ring_pop(r, at, 0, &e), 0))
		return window_map(d, pa, len, prot, iova, dl);
	return window_set_one(d, dl, flush_entry_pfn(e), pa, len, attr, iova);
}

static int deferred_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl);

/* Every unmap but that of one whole page with room in the ring. The caller has begun a put. */
static __rte_noinline int
unmap_slow(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	int ret = ring_put_slow(d, iova, len, deferred_unmap, RING_NO_COOKIES, 0, dl);

	return ret > 0 ? 0 : ret;
}

static int
deferred_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	struct flush_ring *r = &dl->ring;
	uint64_t pos = flush_ring_begin(r);
	uint64_t pfn = window_pfn(d, iova, len);

	if (__builtin_expect(!flush_ring_has_room(r, pos) || pfn >= d->nb_pages ||
			     !window_clear_one(d, pfn, iova, len), 0))
		return unmap_slow(d, iova, len, dl);
	STAT_ADD(dl->st.unmaps, 1);
	if (__builtin_expect(flush_ring_put(r, pos, flush_entry((uint32_t)pfn, 1)), 0))
		flush_ring_kick_batch(r);
	return 0;
}

static unsigned int
deferred_map_burst(struct sluice_domain *d, struct sluice_seg *seg, unsigned int n,
		   struct dom_lcore *dl)
{
	return ring_map_all(d, seg, n, &dl->ring.released_seen, 0, dl);
}

static unsigned int
deferred_unmap_burst(struct sluice_domain *d, const struct sluice_seg *seg, unsigned int n,
		     struct dom_lcore *dl)
{
	unsigned int i = 0;
	int ret;

	for (;;) {
		if (ring_unmap_is(d, deferred_unmap))
			i += ring_unmap_burst(d, seg + i, n - i, 0, dl);
		if (i == n)
			return n;
		ret = DOM_LOAD(d->unmap)(d, seg[i].iova, seg[i].len, dl);
		if (__builtin_expect(ret != 0, 0)) {
			rte_errno = -ret;
			return i;
		}
		i++;
	}
}

const struct policy_ops policy_deferred = {
	.name = "deferred",
	.type = SLUICE_DOMAIN_PAGING,
	.plain = true,
	.deferred = true,
	.ring = true,
	.live = true,
	.map = deferred_map,
	.unmap = deferred_unmap,
	.map_burst = deferred_map_burst,
	.unmap_burst = deferred_unmap_burst,
};
