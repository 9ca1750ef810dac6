/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Puts into a flush ring, for the policies that have one. In a burst what costs something for each
 * call is paid once (marks, counters, the publication of `tail`); what is not one whole page wants a
 * call of its own (ring_put_slow()). Inline, so that each policy has its own with its own constants.
 */
#ifndef POLICY_RING_BURST_H
#define POLICY_RING_BURST_H

#include <errno.h>

#include <rte_errno.h>

#include "../object/domain.h"
#include "../window/window.h"
#include "policy.h"

/** ring_put_slow(): an entry that cannot have a cookie, beside those that have none. */
#define RING_NO_COOKIES (~UINT64_C(0))

/**
 * Is @p unmap still the domain's? After a change of policy the ring has no room until its worker
 * looked closer, so that a caller with a kept pointer does not defer what the policy in force has
 * promised not to (switch.c, 3).
 */
static inline bool
ring_unmap_is(const struct sluice_domain *d, dom_unmap_fn unmap)
{
	return __atomic_load_n(&d->unmap, __ATOMIC_ACQUIRE) == unmap;
}

/**
 * Clear and queue whatever is not one whole page with room in the ring; a put is under way.
 * @param unmap whose put it is, if it is one only while the domain has that unmap; or NULL.
 * @param flag FLUSH_COOKIE: the entry gets @p cookie; 0: it has none; RING_NO_COOKIES.
 * @return 1 queued; 0 done by another policy, for the ring is closed, or was; -errno.
 */
static inline int
ring_put_slow(struct sluice_domain *d, uint64_t iova, size_t len, dom_unmap_fn unmap, uint64_t flag,
	      uint64_t cookie, struct dom_lcore *dl)
{
	struct flush_ring *r = &dl->ring;
	uint32_t pfn, pages;
	int ret = 0;

	/* Room first: nothing may have changed when there is none. */
	if (!flush_ring_room(d, dl))
		ret = flush_ring_wait(d, dl);
	if (ret == -ESHUTDOWN) {
		/* The policy is being changed: strict at once (switch.c). */
		flush_ring_abort(r);
		return policy_strict.unmap(d, iova, len, dl);
	}
	if (unmap != NULL && __builtin_expect(!ring_unmap_is(d, unmap), 0)) {
		flush_ring_abort(r);
		RELAXED_SET(r->room_end, 0);
		return DOM_LOAD(d->unmap)(d, iova, len, dl);
	}
	if (ret == 0)
		ret = window_clear(d, iova, len, &pfn, &pages);
	if (ret != 0) {
		flush_ring_abort(r);
		STAT_ADD(dl->st.unmap_errors, 1);
		return ret;
	}
	if (flag != RING_NO_COOKIES)
		r->cookie[r->tail & r->mask] = cookie;
	STAT_ADD(dl->st.unmaps, 1);
	STAT_ADD(dl->st.unmap_more, pages - 1);
	STAT_ADD(r->more, pages - 1);
	if (flag == 0 && RELAXED_GET(r->cookies_from) != UINT64_MAX)
		RELAXED_SET(r->cookies_from, r->tail + 1);
	if (flush_ring_put(r, r->tail, flush_entry(pfn, pages) | (flag == FLUSH_COOKIE ? flag : 0)))
		flush_ring_kick_batch(r);
	return 1;
}

/**
 * Unmap pieces of one page, from the front, until one is something else or there is no room.
 * @param cookie FLUSH_COOKIE: each entry gets its piece's cookie; 0.
 * @return how many were unmapped; the next one, if any, wants a call of its own.
 */
static inline unsigned int
ring_unmap_burst(struct sluice_domain *d, const struct sluice_seg *seg, unsigned int n,
		 uint64_t cookie, struct dom_lcore *dl)
{
	struct flush_ring *r = &dl->ring;
	uint64_t pos = flush_ring_begin(r), room = RELAXED_GET(r->room_end);
	uint64_t *ent = r->ent, *cookies = r->cookie, mask = r->mask;
	unsigned int i;

	for (i = 0; i < n && pos < room; i++, pos++) {
		uint64_t pfn = window_pfn(d, seg[i].iova, seg[i].len);

		if (__builtin_expect(pfn >= d->nb_pages ||
				     !window_clear_one(d, pfn, seg[i].iova, seg[i].len), 0))
			break;
		RELAXED_SET(ent[pos & mask], flush_entry((uint32_t)pfn, 1) | cookie);
		if (cookie != 0)
			cookies[pos & mask] = seg[i].cookie;
	}
	if (i != 0) {
		STAT_ADD(dl->st.unmaps, i);
		r->tail = pos;
		atomic_store_explicit(&r->tail_pub, pos, memory_order_release); /* rel-tail, ring.h */
	}
	/* Until here begin differed from tail_pub, unless all there was to do was one (ring.h, 8). */
	flush_ring_abort(r);
	if (__builtin_expect(r->tail >= r->kick_at, 0))
		flush_ring_kick_batch(r);
	return i;
}

/**
 * Map pieces of one page with IOVAs straight from the ring.
 * @param upto entries before this position may be taken. @param kind what the upper half of such an
 *   entry is. @return how many were mapped; the next one, if any, wants a call of its own.
 */
static inline unsigned int
ring_map_burst(struct sluice_domain *d, struct sluice_seg *seg, unsigned int n, uint64_t upto,
	       uint32_t kind, struct dom_lcore *dl)
{
	struct flush_ring *r = &dl->ring;
	uint64_t at = RELAXED_OWN(r->reclaim), *ent = r->ent, mask = r->mask, attr;
	unsigned int i;

	if (at >= upto)
		return 0;
	/* All that may be taken, before the first is looked at (ring.h, 12). */
	n = (unsigned int)RTE_MIN(upto - at, (uint64_t)n);
	flush_ring_claim(r, at + n);
	for (i = 0; i < n; i++, at++) {
		uint64_t e = RELAXED_GET(ent[at & mask]), pa = seg[i].pa, offset = pa & PT_OFFSET;
		uint32_t prot = seg[i].prot, pfn = flush_entry_pfn(e);

		if (__builtin_expect(e >> 32 != kind || !one_page(pa, seg[i].len) || prot > 3 ||
				     (attr = d->pte_one[prot]) == 0 || pa >= d->pa_limit, 0))
			break;
		name_put(d->names, pfn, name_of(pa, seg[i].len));
		pte_store(domain_pte(d, pfn), (pa - offset) | attr);
		seg[i].iova = d->iova_base + ((uint64_t)pfn << PT_SHIFT) + offset;
	}
	if (__builtin_expect(i != n, 0))
		flush_ring_claim(r, at);
	STAT_ADD(dl->st.maps, i);
	return i;
}

/** sluice_map_burst(): from the ring while it lasts, through the window what it does not have. */
static inline unsigned int
ring_map_all(struct sluice_domain *d, struct sluice_seg *seg, unsigned int n, const uint64_t *upto,
	     uint32_t kind, struct dom_lcore *dl)
{
	for (unsigned int i = 0;; i++) {
		int ret;

		/* Loaded anew each time: what goes through the window may reclaim. */
		i += ring_map_burst(d, seg + i, n - i, *upto, kind, dl);
		if (i == n)
			return n;
		ret = window_map(d, seg[i].pa, seg[i].len, seg[i].prot, &seg[i].iova, dl);
		if (__builtin_expect(ret != 0, 0)) {
			rte_errno = -ret;
			return i;
		}
	}
}

#endif
