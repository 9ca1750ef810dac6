/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Regions that are mapped once: how they are made (pool.h). Control path.
 */
#include <errno.h>
#include <inttypes.h>

#include "../base/heap.h"
#include "../base/mem.h"
#include "../window/trim.h"
#include "pool.h"
#include "../inval/inval.h"
#include "../window/window.h"
#include "policy.h"

#define CHUNK ((uint64_t)IOVA_CHUNK_PAGES << PT_SHIFT)

static void
book_free(struct pool_region *r)
{
	for (unsigned int w = 0; w < 2; w++)
		sluice_host_free((void *)r->book[w], (r->len >> PT_SHIFT) * sizeof(*r->book[w]));
}

static int
book_make(struct pool_region *r)
{
	for (unsigned int w = 0; w < 2; w++)
		r->book[w] = sluice_host_alloc((r->len >> PT_SHIFT) * sizeof(*r->book[w]));
	if (r->book[0] != NULL && r->book[1] != NULL)
		return 0;
	book_free(r);
	return -ENOMEM;
}

/* Find a place for @p len bytes from @p pa, at the same offset from a 2 MiB boundary. With @p
 * tables it gets last-level tables, to be filled page by page; otherwise none, so that blocks
 * fit. */
static int
place_take(struct sluice_domain *d, uint64_t pa, uint64_t len, bool tables, uint64_t *iova)
{
	uint64_t chunks = ((pa & (CHUNK - 1)) + len + CHUNK - 1) / CHUNK;
	uint32_t pfn, chunk;

	if (chunks > d->nb_pages / IOVA_CHUNK_PAGES)
		return -ENOSPC;
	if (tables) {
		int ret = iova_run_get(&d->iova, (uint32_t)chunks * IOVA_CHUNK_PAGES, &pfn);

		if (ret != 0)
			return ret;
	} else {
		chunk = bitset_take_run(&d->iova.uncut, (uint32_t)chunks);
		if (chunk == BITSET_NONE)
			return -ENOSPC;
		pfn = chunk * IOVA_CHUNK_PAGES;
	}
	*iova = d->iova_base + ((uint64_t)pfn << PT_SHIFT) + (pa & (CHUNK - 1));
	return 0;
}

/* Give a place back to the allocator. Nothing was mapped there, or it has been invalidated. */
static void
place_put(struct sluice_domain *d, uint64_t iova, uint64_t len)
{
	uint64_t bytes = (iova & (CHUNK - 1)) + len;

	iova_run_put(&d->iova, (uint32_t)((bytes + PT_OFFSET) >> PT_SHIFT),
		     (uint32_t)(((iova & ~(CHUNK - 1)) - d->iova_base) >> PT_SHIFT));
}

/* Map one place with pages or blocks. @return 0; -errno: nothing is mapped. */
static int
place_fill(struct sluice_domain *d, const struct pool_region *r, unsigned int w, bool blocks)
{
	uint64_t attr = d->pt.fmt->attr(w ? SLUICE_RW : SLUICE_READ);
	uint64_t pfn = (r->iova[w] - d->iova_base) >> PT_SHIFT;

	if (blocks)
		return pgtable_map(&d->pt, r->iova[w], r->pa, r->len, attr);
	for (uint64_t off = 0; off < r->len; off += PT_PAGE)
		pte_store(domain_pte(d, (uint32_t)(pfn + (off >> PT_SHIFT))),
			       (r->pa + off) | d->pte_attr[w ? SLUICE_RW : SLUICE_READ]);
	return 0;
}

/* Give up places where something was mapped. A device may have found it, even though no caller was
 * given the address. If the invalidation fails, the places stay out of use permanently (A18).
 * @return 0, or the error of sluice_inv_sync(). */
static int
places_drop(struct sluice_domain *d, const struct pool_region *r)
{
	struct sluice_inv inv = domain_inv_all(d);
	int ret;

	for (unsigned int w = 0; w < 2; w++)
		(void)pgtable_unmap(&d->pt, r->iova[w], r->len); /* it unmaps all or nothing */
	ret = domain_inv_sync(d, &inv, 1);
	for (unsigned int w = 0; w < 2 && ret == 0; w++)
		place_put(d, r->iova[w], r->len);
	return ret;
}

/* Take both places, and map them or not. @return 0; -errno: nothing was taken. */
static int
region_make(struct sluice_domain *d, struct pool_region *r, bool map, bool blocks)
{
	int ret = book_make(r), lost;

	if (ret != 0)
		return ret;
	ret = place_take(d, r->pa, r->len, !blocks, &r->iova[0]);
	if (ret != 0)
		goto no_place;
	ret = place_take(d, r->pa, r->len, !blocks, &r->iova[1]);
	if (ret != 0)
		goto no_second;
	for (unsigned int w = 0; map && w < 2 && ret == 0; w++)
		ret = place_fill(d, r, w, blocks);
	if (ret == 0)
		return 0;
	lost = places_drop(d, r);
	book_free(r);
	return lost != 0 ? lost : ret;
no_second:
	place_put(d, r->iova[0], r->len);
no_place:
	book_free(r);
	return ret;
}

static int
init(struct sluice_domain *d, bool blocks)
{
	struct sluice_mem_span span = sluice_mem_span(d->iommu->mem);
	struct pool *p = heap_zalloc("sluice_pool", sizeof(*p), 0);
	int ret;

	if (p == NULL)
		return -ENOMEM;
	p->blocks = blocks;
	p->region[0] = (struct pool_region){ .pa = span.pa, .len = span.len };
	ret = region_make(d, &p->region[0], false, false);
	if (ret != 0) {
		heap_free(p);
		return ret != -ENOSPC ? ret :
		       sluice_fail(ENOSPC, "an IOVA window of %" PRIu64 " MiB does not hold twice "
				   "the IOMMU's %" PRIu64 " MiB", d->conf.iova_size >> 20, span.len >> 20);
	}
	atomic_init(&p->n, 1);
	d->priv = p;
	return 0;
}

int
pool_init_pages(struct sluice_domain *d)
{
	return init(d, false);
}

int
pool_init_blocks(struct sluice_domain *d)
{
	return init(d, true);
}

void
pool_fini(struct sluice_domain *d)
{
	struct pool *p = d->priv;

	if (p == NULL)
		return;
	for (uint32_t i = 0; i < atomic_load_explicit(&p->n, memory_order_relaxed); i++)
		book_free(&p->region[i]);
	heap_free(p);
	d->priv = NULL;
}

/* Does a pool overlap with it? */
static bool
overlaps(const struct pool *p, uint32_t n, uint64_t pa, uint64_t len)
{
	for (uint32_t i = 1; i < n; i++)
		if (pa < p->region[i].pa + p->region[i].len && p->region[i].pa < pa + len)
			return true;
	return false;
}

int
pool_add(struct sluice_domain *d, uint64_t pa, uint64_t len)
{
	struct pool *p = d->priv;
	struct pool_region *r;
	uint32_t n;
	int ret;

	if (len == 0 || ((pa | len) & PT_OFFSET) != 0 || pa >= d->pa_limit || len > d->pa_limit - pa)
		return sluice_fail(EINVAL, "pool %#" PRIx64 "+%#" PRIx64
				   ": multiples of %" PRIu64 " within the hardware's addresses", pa, len, PT_PAGE);
	pthread_mutex_lock(&d->lock);
	n = atomic_load_explicit(&p->n, memory_order_relaxed);
	if (n == POOL_REGIONS) {
		ret = sluice_fail(ENOSPC, "at most %u pools", POOL_REGIONS - 1);
	} else if (overlaps(p, n, pa, len)) {
		ret = sluice_fail(EEXIST, "pool %#" PRIx64 "+%#" PRIx64 " overlaps another", pa, len);
	} else {
		r = &p->region[n];
		*r = (struct pool_region){ .pa = pa, .len = len };
		ret = region_make(d, r, true, p->blocks);
		if (ret != 0) {
			ret = sluice_fail(-ret, "pool %#" PRIx64 "+%#" PRIx64 ": no %s", pa, len,
					  ret == -ENOSPC ? "place in the IOVA window" :
					  ret == -ENOMEM ? "memory" : "memory, and it may be reached");
		} else {
			STAT_ADD(p->pool_bytes, len);
			atomic_store_explicit(&p->n, n + 1, memory_order_release); /* 3 */
		}
	}
	pthread_mutex_unlock(&d->lock);
	return ret;
}
