/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Regions that are mapped once: how they are found, and the book of their mappings (pool.h).
 */
#include <errno.h>

#include "pool.h"
#include "../window/window.h"

/* A word of the book: number << 52 | sum of (length << PT_SHIFT | offset). A length is at most
 * 2^31, so the sum does not reach the number up to 255 mappings with 4 KiB pages, 31 with 64
 * KiB. */
#define BOOK_ONE (UINT64_C(1) << 52)
#define BOOK_SUM (BOOK_ONE - 1)
#define BOOK_MAX RTE_MIN(255u, (1u << (52 - 31 - PT_SHIFT)) - 1)

static uint64_t
book_key(uint64_t addr, uint64_t len)
{
	return len << PT_SHIFT | (addr & PT_OFFSET);
}

/* One more mapping begins here. @return 0 or -ENOSPC. */
static int
book_in(_Atomic uint64_t *word, uint64_t key)
{
	uint64_t w = atomic_load_explicit(word, memory_order_relaxed);

	do {
		if (__builtin_expect(w >> 52 >= BOOK_MAX, 0))
			return -ENOSPC;
	} while (!atomic_compare_exchange_weak_explicit(word, &w, w + BOOK_ONE + key,
							memory_order_relaxed, memory_order_relaxed));
	return 0;
}

/* One mapping less. @return 0; -ENOENT: none begins here; -EINVAL: none can be that one. */
static int
book_out(_Atomic uint64_t *word, uint64_t key)
{
	uint64_t w = atomic_load_explicit(word, memory_order_relaxed);

	do {
		uint64_t n = w >> 52, rest = (w & BOOK_SUM) - key;

		if (n == 0)
			return -ENOENT;
		/* The rest must be n - 1 mappings of at least a byte each, or nothing. */
		if (key > (w & BOOK_SUM) || rest < (n - 1) << PT_SHIFT || (n == 1 && rest != 0))
			return -EINVAL;
	} while (!atomic_compare_exchange_weak_explicit(word, &w, w - BOOK_ONE - key,
							memory_order_relaxed, memory_order_relaxed));
	return 0;
}

static struct pool_region *
find_pa(struct pool *p, uint64_t pa, uint64_t len)
{
	/* acquire: pairs with the release in sluice_domain_pool(). */
	uint32_t n = atomic_load_explicit(&p->n, memory_order_acquire);

	/* Region 0 is searched last. */
	for (uint32_t i = n; i-- > 0;) {
		struct pool_region *r = &p->region[i];
		uint64_t off = pa - r->pa; /* out of range if below the region */

		if (off < r->len && len <= r->len - off)
			return r;
	}
	return NULL;
}

static struct pool_region *
find_iova(struct pool *p, uint64_t iova, unsigned int *writable)
{
	uint32_t n = atomic_load_explicit(&p->n, memory_order_acquire); /* pairs as in find_pa() */

	for (uint32_t i = n; i-- > 0;) {
		struct pool_region *r = &p->region[i];

		for (unsigned int w = 2; w-- > 0;) {
			if (iova - r->iova[w] < r->len) {
				*writable = w;
				return r;
			}
		}
	}
	return NULL;
}

/* 2: set the entries of pages that are needed for the first time. */
static void
pages_set(struct sluice_domain *d, struct pool *p, uint64_t iova, uint64_t pa, uint64_t pages,
	  uint64_t attr)
{
	uint32_t pfn = (uint32_t)((iova - d->iova_base) >> PT_SHIFT);

	for (uint64_t i = 0; i < pages; i++) {
		uint64_t *pte = domain_pte(d, pfn + (uint32_t)i);

		if (__builtin_expect(pte_load(pte) == 0, 0) &&
		    atomic_exchange_explicit((_Atomic uint64_t *)pte,
					     ((pa & ~PT_OFFSET) + (i << PT_SHIFT)) | attr,
					     memory_order_relaxed) == 0)
			atomic_fetch_add_explicit(&p->lazy_pages, 1, memory_order_relaxed);
	}
}

int
pool_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
	 struct dom_lcore *dl)
{
	struct pool *p = d->priv;
	struct pool_region *r = find_pa(p, pa, len);
	uint64_t pages = pt_pages(pa, len), off;
	int ret = -EINVAL;

	if (__builtin_expect(r == NULL || len - 1 >= PT_MAX_LEN || prot > 3 ||
			     d->pte_attr[prot] == 0, 0))
		goto fail;
	off = pa - r->pa;
	ret = book_in(&r->book[prot >> 1][off >> PT_SHIFT], book_key(pa, len));
	if (__builtin_expect(ret != 0, 0))
		goto fail;
	*iova = r->iova[prot >> 1] + off;
	if (r == &p->region[0])
		pages_set(d, p, *iova, pa, pages, d->pte_attr[prot]);
	STAT_ADD(dl->st.maps, 1);
	if (__builtin_expect(pages != 1, 0))
		STAT_ADD(dl->st.map_more, pages - 1);
	return 0;
fail:
	STAT_ADD(dl->st.map_errors, 1);
	return ret;
}

int
pool_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	uint64_t pages = pt_pages(iova, len);
	unsigned int w = 0;
	struct pool_region *r = find_iova(d->priv, iova, &w);
	int ret = -EINVAL;

	if (__builtin_expect(r != NULL && len - 1 < PT_MAX_LEN, 1))
		ret = book_out(&r->book[w][(iova - r->iova[w]) >> PT_SHIFT], book_key(iova, len));
	if (__builtin_expect(ret != 0, 0)) {
		STAT_ADD(dl->st.unmap_errors, 1);
		return ret;
	}
	STAT_ADD(dl->st.unmaps, 1);
	if (__builtin_expect(pages != 1, 0))
		STAT_ADD(dl->st.unmap_more, pages - 1);
	return 0;
}

void
pool_stats(const struct sluice_domain *d, struct sluice_domain_stats *st)
{
	const struct pool *p = d->priv;
	uint64_t lazy = atomic_load_explicit(&p->lazy_pages, memory_order_relaxed);
	uint64_t used = (st->map_pages - st->unmap_pages) << 12;

	st->kept_bytes += STAT_GET(p->pool_bytes) + (lazy << PT_SHIFT);
	st->exposed_bytes += st->kept_bytes - RTE_MIN(st->kept_bytes, used);
}
