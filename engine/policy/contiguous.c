/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * contiguous: strict for whole descriptors. A burst gets contiguous IOVAs, although its pieces are
 * scattered in memory, and is unmapped as a whole with one range invalidation and one SYNC. Walk
 * caches are kept, since the last-level tables stay. The idea is from F&S (SOSP 2024).
 *
 * A burst is one mapping whose pages lie anywhere. Its first and last entry carry the marks of a
 * run, and each piece has its name (names.h), so only the same burst with the same pieces can be
 * unmapped. It counts as one mapping.
 */
#include <errno.h>

#include <rte_errno.h>

#include "../object/domain.h"
#include "../inval/inval.h"
#include "../window/window.h"
#include "policy.h"

static unsigned int
fail(uint64_t *counter, unsigned int n, int err)
{
	STAT_ADD(*counter, n);
	rte_errno = err;
	return 0;
}

/* Set the entries of one piece from page @p pfn on; @p pte is the entry of that page, @p total the
 * number of pages of all pieces. @return the entry after them. */
static inline uint64_t *
piece_set(struct sluice_domain *d, uint32_t pfn, uint64_t *pte, uint64_t pages,
	  uint64_t total, struct sluice_seg *s)
{
	uint64_t offset = s->pa & PT_OFFSET, v = (s->pa - offset) | d->pte_attr[s->prot];

	s->iova = d->iova_base + ((uint64_t)pfn << PT_SHIFT) + offset;
	name_put(d->names, pfn, name_of_run(s->pa, s->len, total));
	for (; pages != 0; pages--, pfn++, v += PT_PAGE) {
		/* The next chunk has a table of its own. */
		if (__builtin_expect(pfn % IOVA_CHUNK_PAGES == 0, 0))
			pte = domain_pte(d, pfn);
		pte_store(pte++, v);
	}
	return pte;
}

/* How many pieces, from the first on, can be one mapping? @return the number; *total is their
 * pages, *err why there are no more, or 0 if that is all. */
static unsigned int
pieces_ok(const struct sluice_domain *d, const struct sluice_seg *seg, unsigned int n,
	  uint64_t *total, int *err)
{
	unsigned int i;

	*total = 0;
	*err = 0;
	for (i = 0; i < n && *err == 0; i++) {
		const struct sluice_seg *s = &seg[i];
		uint64_t pages = pt_pages(s->pa, s->len);

		/* The checks of map.c; here len - 1 wraps for 0 in 32 bits. */
		if (s->len - 1 >= (UINT32_C(1) << 31) || s->prot > 3 || d->pte_attr[s->prot] == 0 ||
		    s->pa >= d->pa_limit || s->len > d->pa_limit - s->pa)
			*err = EINVAL;
		else if (*total + pages > IOVA_MAX_PAGES)
			*err = i == 0 ? EINVAL : E2BIG;
		else
			*total += pages;
	}
	return *err == 0 ? n : i - 1;
}

static unsigned int
contiguous_map_burst(struct sluice_domain *d, struct sluice_seg *seg, unsigned int n,
		     struct dom_lcore *dl)
{
	uint32_t pfn, at;
	uint64_t total, *pte;
	int ret, err;

	n = pieces_ok(d, seg, n, &total, &err);
	if (err != 0)
		(void)fail(&dl->st.map_errors, 1, err);
	if (n == 0)
		return 0;
	ret = window_get(d, dl, (uint32_t)total, &pfn);
	if (ret != 0)
		return fail(&dl->st.map_errors, 1, -ret);
	at = pfn;
	pte = domain_pte(d, pfn);
	for (unsigned int i = 0; i < n; i++) {
		uint64_t pages = pt_pages(seg[i].pa, seg[i].len);

		pte = piece_set(d, at, pte, pages, total, &seg[i]);
		at += (uint32_t)pages;
	}
	pte = domain_pte(d, pfn);
	pte_store(pte, pte_load(pte) | PTE_FIRST);
	pte = domain_pte(d, at - 1);
	pte_store(pte, pte_load(pte) | PTE_LAST);
	STAT_ADD(dl->st.maps, 1);
	STAT_ADD(dl->st.map_more, total - 1);
	return n;
}

/* Do the pieces follow one another, page by page? @return the pages in all; 0: no. */
static uint64_t
total_pages(const struct sluice_seg *seg, unsigned int n)
{
	uint64_t next = seg[0].iova & ~PT_OFFSET, total = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t pages = pt_pages(seg[i].iova, seg[i].len);

		if (seg[i].len == 0 || (seg[i].iova & ~PT_OFFSET) != next)
			return 0;
		next += pages << PT_SHIFT;
		total += pages;
	}
	return total <= IOVA_MAX_PAGES ? total : 0;
}

static void
unclaim(struct sluice_domain *d, const struct sluice_seg *seg, unsigned int n, uint64_t total)
{
	for (unsigned int i = 0; i < n; i++)
		name_put(d->names, (uint32_t)((seg[i].iova - d->iova_base) >> PT_SHIFT),
			 name_of_run(seg[i].iova, seg[i].len, total));
}

/* Does each piece have its exact name? This removes the names, before the entries are checked;
 * if the pieces then turn out not to be a whole burst, the names are put back. */
static int
claim(struct sluice_domain *d, const struct sluice_seg *seg, unsigned int n, uint64_t total)
{
	for (unsigned int i = 0; i < n; i++) {
		uint64_t pfn = (seg[i].iova - d->iova_base) >> PT_SHIFT;

		if (__builtin_expect(!name_claim(d->names, pfn,
						 name_of_run(seg[i].iova, seg[i].len, total)), 0)) {
			unclaim(d, seg, i, total);
			return name_error(d->names, pfn);
		}
	}
	return 0;
}

static unsigned int
contiguous_unmap_burst(struct sluice_domain *d, const struct sluice_seg *seg, unsigned int n,
		       struct dom_lcore *dl)
{
	struct sluice_inv inv = { .head = d->inv_leaf };
	uint64_t pfn, total;
	uint32_t pages;
	int ret;

	if (n == 0)
		return 0;
	total = total_pages(seg, n);
	inv.iova = seg[0].iova & ~PT_OFFSET;
	pfn = (inv.iova - d->iova_base) >> PT_SHIFT; /* out of range if below the window */
	if (total == 0 || pfn >= d->nb_pages || total > d->nb_pages - pfn)
		return fail(&dl->st.unmap_errors, 1, EINVAL);
	pages = (uint32_t)total;
	ret = claim(d, seg, n, total);
	if (ret == 0) {
		ret = window_clear_claimed(d, (uint32_t)pfn, pages);
		if (ret != 0)
			unclaim(d, seg, n, total);
	}
	if (ret != 0)
		return fail(&dl->st.unmap_errors, 1, -ret);
	inv.pages = PT_INV_PAGES(pages);
	ret = domain_inv_sync(d, &inv, 1);
	STAT_ADD(dl->st.invs, 1);
	STAT_ADD(dl->st.syncs, 1);
	if (ret != 0)
		return fail(&dl->st.unmap_errors, 1, -ret);
	window_free(d, dl, (uint32_t)pfn, pages);
	STAT_ADD(dl->st.unmaps, 1);
	STAT_ADD(dl->st.unmap_more, pages - 1);
	return n;
}

/* A single call is a burst of one piece. */
static int
contiguous_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	return policy_strict.unmap(d, iova, len, dl);
}

const struct policy_ops policy_contiguous = {
	.name = "contiguous",
	.type = SLUICE_DOMAIN_PAGING,
	.plain = true,
	.one_burst = true,
	.map = window_map,
	.unmap = contiguous_unmap,
	.map_burst = contiguous_map_burst,
	.unmap_burst = contiguous_unmap_burst,
};
