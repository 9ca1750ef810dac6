/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * strict-async: an unmap is queued and the caller does not wait. A cookie returns when the
 * invalidation is complete; then the memory is the caller's again and the IOVA is free. As with
 * strict, no device ever reaches a page that its owner has back; as with deferred, a batch pays one
 * SYNC.
 *
 * The flush ring serves as completion ring too: an entry stays there until its cookie was taken
 * (ring.h, 9).
 */
#include <errno.h>

#include <rte_errno.h>
#include <rte_prefetch.h>

#include "../base/deadline.h"
#include "ring_burst.h"
#include "../window/window.h"
#include "policy.h"

/* As deferred_map(), but an entry may be reused only when its cookie was taken. */
static int
async_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot,
	  uint64_t *iova, struct dom_lcore *dl)
{
	struct flush_ring *r = &dl->ring;
	uint64_t at = RELAXED_OWN(r->reclaim), e, attr;

	if (__builtin_expect(at >= r->completed ||
			     !one_page(pa, len) || prot > 3 || (attr = d->pte_one[prot]) == 0 ||
			     pa >= d->pa_limit || !flush_ring_pop(r, at, FLUSH_COOKIE >> 32, &e), 0))
		return window_map(d, pa, len, prot, iova, dl);
	return window_set_one(d, dl, flush_entry_pfn(e), pa, len, attr, iova);
}

/* Clear and queue an unmap of any size. The caller has begun a put.
 * @return 1; 0: done strictly, because the ring is closed; -errno. */
static __rte_noinline int
put_slow(struct sluice_domain *d, uint64_t iova, size_t len, uint64_t flag, uint64_t cookie,
	 struct dom_lcore *dl)
{
	return ring_put_slow(d, iova, len, NULL, flag, cookie, dl);
}

/* A function of its own with its caller's arguments in its caller's places: with put_slow() there
 * instead, every unmap saves registers for the call that it does not make (two instructions). */
static __rte_noinline int
unmap_async_slow(struct sluice_domain *d, uint64_t iova, size_t len, uint64_t cookie,
		 struct dom_lcore *dl)
{
	return put_slow(d, iova, len, FLUSH_COOKIE, cookie, dl);
}

static int
async_unmap_async(struct sluice_domain *d, uint64_t iova, size_t len, uint64_t cookie,
		  struct dom_lcore *dl)
{
	struct flush_ring *r = &dl->ring;
	uint64_t pos = flush_ring_begin(r);
	uint64_t pfn = window_pfn(d, iova, len);

	if (__builtin_expect(!flush_ring_has_room(r, pos) || pfn >= d->nb_pages ||
			     !window_clear_one(d, pfn, iova, len), 0))
		return unmap_async_slow(d, iova, len, cookie, dl);
	r->cookie[pos & r->mask] = cookie;
	STAT_ADD(dl->st.unmaps, 1);
	if (__builtin_expect(flush_ring_put(r, pos, flush_entry((uint32_t)pfn, 1) | FLUSH_COOKIE), 0))
		flush_ring_kick_batch(r);
	return 1;
}

static unsigned int
async_map_burst(struct sluice_domain *d, struct sluice_seg *seg, unsigned int n,
		struct dom_lcore *dl)
{
	return ring_map_all(d, seg, n, &dl->ring.completed, FLUSH_COOKIE >> 32, dl);
}

/* Pieces with a cookie come first; after one that was done strictly, the rest are too (burst.c). */
static unsigned int
async_unmap_async_burst(struct sluice_domain *d, const struct sluice_seg *seg, unsigned int n,
			unsigned int *later, struct dom_lcore *dl)
{
	unsigned int i = 0, done;
	int ret = 1;

	/* After a burst of unmaps the caller asks what is complete. Prefetch the engine's cache
	 * line: it arrives while the burst is finished. */
	rte_prefetch0(&dl->ring.released);
	while (i < n) {
		done = ret == 1 ? ring_unmap_burst(d, seg + i, n - i, FLUSH_COOKIE, dl) : 0;
		*later += done;
		i += done;
		if (i == n)
			break;
		ret = ret == 1 ? async_unmap_async(d, seg[i].iova, seg[i].len, seg[i].cookie, dl) :
				 policy_strict.unmap(d, seg[i].iova, seg[i].len, dl);
		if (ret < 0) {
			rte_errno = -ret;
			break;
		}
		*later += (unsigned int)ret;
		i++;
	}
	return i;
}

/* Wait until all that this worker queued is released. @return 0 or -ETIMEDOUT. */
static int
wait_released(struct sluice_domain *d, struct dom_lcore *dl)
{
	struct sluice_iommu *iommu = d->iommu;
	struct flush_ring *r = &dl->ring;
	uint64_t polls = d->wait->turns(d);
	struct deadline end = { 0 };

	flush_ring_kick(r, r->tail);
	for (unsigned int turn = 1;
	     atomic_load_explicit(&r->released, memory_order_acquire) < r->tail; /* acq-released */
	     turn++) {
		(void)d->wait->turn(d, turn); /* not in a callback: see strictly() */
		if (turn % 64 == 0 && deadline_look(&end, &iommu->clock, 2 * iommu->sync_timeout)) {
			STAT_ADD(dl->st.unmap_errors, 1);
			return d->wait->failed(d, polls, ETIMEDOUT);
		}
	}
	return 0;
}

/* A wait for the ring is a wait for the engine, which would never end in a callback of the
 * engine. */
static bool
strictly(const struct sluice_domain *d)
{
	return d->wait->in_turn(d);
}

/* The synchronous unmap keeps the promise of strict, through the ring. An entry that is not
 * released in time stays queued, and its IOVA is not reused before it is. */
static int
async_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	int ret;

	if (strictly(d))
		return policy_strict.unmap(d, iova, len, dl);
	flush_ring_begin(&dl->ring);
	ret = put_slow(d, iova, len, 0, 0, dl);
	if (ret == 1)
		ret = wait_released(d, dl);
	return ret;
}

static unsigned int
async_unmap_burst(struct sluice_domain *d, const struct sluice_seg *seg, unsigned int n,
		  struct dom_lcore *dl)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < n; i++) {
		if (strictly(d)) {
			ret = policy_strict.unmap(d, seg[i].iova, seg[i].len, dl);
		} else {
			flush_ring_begin(&dl->ring);
			ret = put_slow(d, seg[i].iova, seg[i].len, 0, 0, dl);
		}
		if (ret < 0)
			break;
	}
	rte_errno = ret < 0 ? -ret : 0;
	if (i == 0 || strictly(d))
		return i;
	ret = wait_released(d, dl);
	if (ret == 0)
		return i;
	rte_errno = -ret;
	return 0;
}

const struct policy_ops policy_strict_async = {
	.name = "strict-async",
	.type = SLUICE_DOMAIN_PAGING,
	.plain = true,
	.deferred = true,
	.ring = true,
	.eager = true,
	.live = true,
	.batch = SLUICE_ASYNC_BATCH_DEFAULT,
	.deadline_us = SLUICE_ASYNC_DEADLINE_US_DEFAULT,
	.map = async_map,
	.unmap = async_unmap,
	.unmap_burst = async_unmap_burst,
	.map_burst = async_map_burst,
	.unmap_async = async_unmap_async,
	.unmap_async_burst = async_unmap_async_burst,
};
