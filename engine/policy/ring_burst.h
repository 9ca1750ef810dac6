/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Putting unmaps into a flush ring, for the policies that have one. A burst pays the costs of a
 * call (marks, counters, the publication of `tail`) once; a mapping that is not one whole page
 * takes a call of its own (ring_put_slow()). All is inline, so each policy compiles it with its
 * constants.
 */
#ifndef POLICY_RING_BURST_H
#define POLICY_RING_BURST_H

#include <errno.h>

#include <rte_errno.h>

#include "../object/domain.h"
#include "../window/window.h"
#include "policy.h"

/** ring_put_slow(): entries of this policy never have a cookie. */
#define RING_NO_COOKIES (~UINT64_C(0))

/**
 * Is @p unmap still the domain's function? After a change of policy the ring shows no room until
 * its worker has asked this. So a caller that loaded the old function cannot defer an unmap when
 * the new policy promises not to (switch.c, 3).
 */
static inline bool
ring_unmap_is(const struct sluice_domain *d, dom_unmap_fn unmap)
{
	return __atomic_load_n(&d->unmap, __ATOMIC_ACQUIRE) == unmap;
}

/**
 * Clear and queue every unmap but that of one whole page with room in the ring. A put has begun.
 * @param unmap the function of the policy, if only the policy in force may queue; or NULL.
 * @param flag FLUSH_COOKIE: the entry gets @p cookie; 0: it has none; RING_NO_COOKIES.
 * @return 1: queued; 0: done by another policy, because the ring is or was closed; -errno.
 */
static inline int
ring_put_slow(struct sluice_domain *d, uint64_t iova, size_t len, dom_unmap_fn unmap, uint64_t flag,
	      uint64_t cookie, struct dom_lcore *dl)
{
	struct flush_ring *r = &dl->ring;
	uint32_t pfn, pages;
	int ret = 0;

	/* Look for room first: without room nothing may change. */
	if (!flush_ring_room(d, dl))
		ret = flush_ring_wait(d, dl);
	if (ret == -ESHUTDOWN) {
		/* The policy is being changed, so this unmap is strict (switch.c). */
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
 * Unmap pieces of one page each, from the first on, until one is something else or there is no
 * room.
 * @param cookie FLUSH_COOKIE: each entry gets the cookie of its piece; 0: none.
 * @return how many were unmapped; the next one, if any, takes a call of its own.
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
		/* rel-tail, ring.h */
		atomic_store_explicit(&r->tail_pub, pos, memory_order_release);
	}
	/* Until here begin differs from tail_pub, unless there was only one unmap (ring.h, 8). */
	flush_ring_abort(r);
	if (__builtin_expect(r->tail >= r->kick_at, 0))
		flush_ring_kick_batch(r);
	return i;
}

/**
 * Map pieces of one page each, with IOVAs straight from the ring.
 * @param upto entries before this position may be taken.
 * @param kind the upper half of such an entry.
 * @return how many were mapped; the next one, if any, takes a call of its own.
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
	/* Marked as taken before the first one is read (ring.h, 12). */
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

/** sluice_map_burst(): IOVAs come from the ring while it has some, then from the window. */
static inline unsigned int
ring_map_all(struct sluice_domain *d, struct sluice_seg *seg, unsigned int n, const uint64_t *upto,
	     uint32_t kind, struct dom_lcore *dl)
{
	for (unsigned int i = 0;; i++) {
		int ret;

		/* Loaded again each time, since a map through the window may reclaim entries. */
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
