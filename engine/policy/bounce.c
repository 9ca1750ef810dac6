/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Bounce pages (bounce.h).
 */
#include <errno.h>
#include <string.h>

#include "bounce.h"
#include "copypool.h"
#include "../inval/inval.h"
#include "../window/window.h"
#include "policy.h"

/* The ends of a buffer that share a page with something else. */
struct ends {
	uint64_t offset, pages;
	struct copypool_slot *first, *last; /* NULL: the buffer fills that page */
};

static __rte_noinline int
map_fail(struct dom_lcore *dl, int err)
{
	STAT_ADD(dl->st.map_errors, 1);
	return -err;
}

/* Get a pool page that holds the bytes [pa, pa+len), all in one page. @return NULL: none is
 * left. */
static struct copypool_slot *
page_take(struct copypool *s, uint64_t pa, uint64_t len)
{
	struct copypool_slot *p = copypool_take(s, 0);
	uint64_t offset = pa & PT_OFFSET;

	if (p == NULL) {
		STAT_ADD(s->empty, 1);
		return NULL;
	}
	p->owner = sluice_span_va(&s->span, pa, len);
	p->piece = (uint32_t)len;
	/* 1: cleared, since this device must not see what an earlier buffer left. */
	memset(p->va, 0, offset);
	memcpy(p->va + offset, p->owner, len);
	memset(p->va + offset + len, 0, PT_PAGE - offset - len);
	STAT_ADD(s->bytes, len);
	return p;
}

static void
pages_put(struct copypool *s, const struct ends *e)
{
	if (e->first != NULL)
		copypool_put(s, e->first);
	if (e->last != NULL)
		copypool_put(s, e->last);
}

/* Get pool pages for the ends that need one. @return 0, -EINVAL, -ENOSPC. */
static int
ends_take(struct copypool *s, uint64_t pa, size_t len, struct ends *e)
{
	uint64_t tail = (pa + len) & PT_OFFSET;
	uint64_t head = e->pages == 1 ? len : PT_PAGE - e->offset;

	e->first = e->last = NULL;
	if (e->pages == 1)
		tail = 0;
	if ((head < PT_PAGE && sluice_span_va(&s->span, pa, head) == NULL) ||
	    (tail != 0 && sluice_span_va(&s->span, pa + len - tail, tail) == NULL))
		return -EINVAL;
	if (head < PT_PAGE && (e->first = page_take(s, pa, head)) == NULL)
		return -ENOSPC;
	if (tail != 0 && (e->last = page_take(s, pa + len - tail, tail)) == NULL) {
		pages_put(s, e);
		return -ENOSPC;
	}
	return 0;
}

/* Set the entries, each to its final value at once, so that the page itself is never visible. */
static void
run_set(struct sluice_domain *d, uint32_t pfn, uint64_t page, unsigned int prot,
	const struct ends *e)
{
	uint64_t attr = d->pte_attr[prot];

	for (uint64_t i = 0; i < e->pages; i++) {
		uint64_t v = (page + (i << PT_SHIFT)) | attr;

		if (i == 0)
			v = (e->first != NULL ? e->first->pa : page) | attr | PTE_FIRST;
		if (i == e->pages - 1 && e->last != NULL)
			v = e->last->pa | attr | (i == 0 ? PTE_FIRST : 0);
		if (i == e->pages - 1)
			v |= PTE_LAST;
		pte_store(domain_pte(d, pfn + (uint32_t)i), v);
	}
}

/* Record the whole mapping, for the check at its unmap. */
static void
remember(struct copypool_slot *p, uint64_t iova, size_t len, unsigned int prot)
{
	if (p == NULL)
		return;
	p->iova = iova;
	p->len = (uint32_t)len;
	p->prot = (uint8_t)prot;
}

int
bounce_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
	   struct dom_lcore *dl)
{
	struct copypool *s = dl->priv;
	struct ends e = { .offset = pa & PT_OFFSET };
	uint32_t pfn;
	int ret;

	/* len - 1 wraps for 0; pa_limit - pa wraps if pa is beyond the limit, hence both tests. */
	if (len - 1 >= PT_MAX_LEN || prot > 3 || d->pte_attr[prot] == 0 ||
	    pa >= d->pa_limit || len > d->pa_limit - pa)
		return map_fail(dl, EINVAL);
	e.pages = pt_pages(pa, len);
	if (((pa | len) & PT_OFFSET) == 0)
		return window_map(d, pa, len, prot, iova, dl);
	ret = ends_take(s, pa, len, &e);
	if (ret != 0)
		return map_fail(dl, -ret);
	ret = window_get(d, dl, (uint32_t)e.pages, &pfn);
	if (ret != 0) {
		pages_put(s, &e);
		return map_fail(dl, -ret);
	}
	*iova = d->iova_base + ((uint64_t)pfn << PT_SHIFT) + e.offset;
	name_put(d->names, pfn, name_of_run(pa, len, e.pages));
	remember(e.first, *iova, len, prot);
	remember(e.last, *iova, len, prot);
	run_set(d, pfn, pa - e.offset, prot, &e);
	STAT_ADD(s->copies, 1);
	STAT_ADD(dl->st.maps, 1);
	STAT_ADD(dl->st.map_more, e.pages - 1);
	return 0;
}

/* The pool page that an entry points to; NULL: it points elsewhere. */
static struct copypool_slot *
page_of(const struct sluice_domain *d, uint64_t pfn)
{
	const uint64_t *leaf = domain_leaf(d, (uint32_t)pfn);
	uint64_t pte = leaf == NULL ? 0 : pte_load(&leaf[pfn % IOVA_CHUNK_PAGES]);

	return (pte & PTE_VALID) == 0 ? NULL : copypool_find_pa(d, pte & PTE_ADDR);
}

/* Find the pool pages of the mapping that the caller names. @return whether they agree with it. */
static bool
ends_find(const struct sluice_domain *d, uint64_t iova, size_t len, struct ends *e)
{
	uint64_t pfn = (iova - d->iova_base) >> PT_SHIFT; /* out of range if below the window */

	e->first = e->last = NULL;
	e->pages = pt_pages(iova, len);
	if (len - 1 >= PT_MAX_LEN || pfn >= d->nb_pages ||
	    e->pages > d->nb_pages - pfn)
		return true; /* window_clear() will refuse it */
	e->first = page_of(d, pfn);
	e->last = e->pages == 1 ? NULL : page_of(d, pfn + e->pages - 1);
	return (e->first == NULL || (e->first->iova == iova && e->first->len == len)) &&
	       (e->last == NULL || (e->last->iova == iova && e->last->len == len));
}

/* 2, after the invalidation: copy back and give up the pool pages. */
static void
page_back(struct copypool *s, struct copypool_slot *p)
{
	if (p == NULL)
		return;
	if ((p->prot & SLUICE_WRITE) != 0) {
		memcpy(p->owner, p->va + ((uintptr_t)p->owner & PT_OFFSET), p->piece);
		STAT_ADD(s->bytes, p->piece);
	}
	copypool_put(s, p);
}

int
bounce_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	struct copypool *s = dl->priv;
	uint32_t pfn, pages;
	struct ends e;
	int ret = ends_find(d, iova, len, &e) ? 0 : -EINVAL;

	if (ret == 0)
		ret = window_clear(d, iova, len, &pfn, &pages);
	if (ret != 0) {
		STAT_ADD(dl->st.unmap_errors, 1);
		return ret;
	}
	struct sluice_inv inv = { .head = d->inv_leaf,
				  .pages = PT_INV_PAGES(pages),
				  .iova = d->iova_base + ((uint64_t)pfn << PT_SHIFT) };

	ret = domain_inv_sync(d, &inv, 1);
	STAT_ADD(dl->st.invs, 1);
	STAT_ADD(dl->st.syncs, 1);
	if (ret != 0) {
		/* As in strict.c, the IOVA and the pool pages are never used again. */
		STAT_ADD(dl->st.unmap_errors, 1);
		return ret;
	}
	page_back(s, e.first);
	page_back(s, e.last);
	window_free(d, dl, pfn, pages);
	STAT_ADD(dl->st.unmaps, 1);
	STAT_ADD(dl->st.unmap_more, pages - 1);
	return 0;
}

const struct policy_ops policy_strict_bounce = {
	.name = "strict",
	.type = SLUICE_DOMAIN_PAGING,
	.map = bounce_map,
	.unmap = bounce_unmap,
	.init = copypool_init_unmapped,
	.fini = copypool_fini,
	.worker_init = copypool_worker_init,
	.worker_fini = copypool_worker_fini,
	.stats = copypool_stats,
};
