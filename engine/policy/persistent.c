/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * persistent: an unmap keeps the mapping in the page table, and the next map of the same memory
 * reuses it: no address changes, nothing is invalidated. When more than keep_max are kept, the
 * oldest are evicted in batches with one SYNC each. This is for callers that use the same buffers
 * again and again.
 * What an eviction could not invalidate keeps its IOVAs until a later one could (persistent.h, 5).
 *
 * Until the eviction a device may reach memory that its owner has back. The stale window lasts from
 * the unmap to the eviction, or to the next map of the same memory, and no deadline ends it. It is
 * measured (sluice_domain_stale_hist()), and kept mappings are counted: `queued` is how many were
 * ever kept, `released` how many were evicted or reused, `pending` how many are kept now, or were
 * evicted and could not be invalidated.
 */
#include <errno.h>

#include "persistent.h"
#include "../window/window.h"
#include "policy.h"

/* pages: 1 … KEEP_PAGES; prot: 0 … 3. */
static inline uint64_t
key_of(uint64_t pa, uint64_t pages, unsigned int prot)
{
	return (pa & ~PT_OFFSET) | (pages - 1) << 2 | prot;
}

/* The protection of a mapping, from one of its entries. */
static inline unsigned int
prot_of(const struct sluice_domain *d, uint64_t v)
{
	return ((v ^ d->pte_attr[SLUICE_RW]) & PTE_WRITE) != 0 ? SLUICE_READ : SLUICE_RW;
}

/* IOVAs are short: evict what all workers keep (A6), then try once more. */
static __rte_noinline int
map_again(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
	  struct dom_lcore *dl)
{
	int ret = keep_rollover(d);

	if (ret != 0)
		return -ENOSPC;
	/* The first failure is not the result. */
	STAT_SET(dl->st.map_errors, dl->st.map_errors - 1);
	keep_enter(dl->priv);
	ret = window_map(d, pa, len, prot, iova, dl);
	keep_exit(dl->priv);
	return ret;
}

static int
persistent_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
	       struct dom_lcore *dl)
{
	uint64_t pages = pt_pages(pa, len), *pte;
	struct keep *k = dl->priv;
	uint32_t pfn;
	int ret;

	keep_enter(k);
	if (__builtin_expect(len - 1 < KEEP_PAGES << PT_SHIFT && pages <= KEEP_PAGES && prot <= 3, 1) &&
	    (pfn = keep_find(d, k, key_of(pa, pages, prot))) != KEEP_NIL) {
		pte = domain_pte(d, pfn);
		pte_store(pte, pte_load(pte) & ~PTE_KEPT);
		*iova = d->iova_base + ((uint64_t)pfn << PT_SHIFT) + (pa & PT_OFFSET);
		name_put(d->names, pfn, name_of_run(pa, len, pages));
		STAT_ADD(dl->st.maps, 1);
		STAT_ADD(dl->st.map_more, pages - 1);
		ret = 0;
	} else {
		ret = window_map(d, pa, len, prot, iova, dl);
	}
	keep_exit(k);
	return __builtin_expect(ret == -ENOSPC, 0) ? map_again(d, pa, len, prot, iova, dl) : ret;
}

/* Is [iova, iova+len) one whole mapping that is not kept already? @return 0 with all set;
 * -errno. */
static int
check(struct sluice_domain *d, uint64_t iova, size_t len, uint32_t *pfn, uint32_t *pages,
      uint64_t **pte)
{
	uint64_t first = (iova - d->iova_base) >> PT_SHIFT; /* out of range if below the window */
	int ret = 0;

	if (first >= d->nb_pages)
		return -EINVAL;
	*pfn = (uint32_t)first;
	*pages = (uint32_t)pt_pages(iova, len);
	if (__builtin_expect(*pages == 1, 1)) {
		*pte = domain_leaf(d, *pfn);
		/* Loaded once: a trim may take it away before a second load (trim.c, 3). */
		if (__builtin_expect(*pte == NULL, 0))
			return -ENOENT;
		*pte += *pfn % IOVA_CHUNK_PAGES;
		if (!window_is_one(*pte))
			ret = pte_load(*pte) == 0 ? -ENOENT : -EINVAL;
	} else {
		ret = window_check_run(d, *pfn, *pages, pte);
	}
	if (ret == 0 && (pte_load(*pte) & PTE_KEPT) != 0)
		ret = -ENOENT;
	if (ret == 0 && !name_claim(d->names, *pfn, name_of_run(iova, len, *pages)))
		ret = name_error(d->names, *pfn);
	return ret;
}

/* There is no place to keep one more, because evictions failed (persistent.h, 5). */
static __rte_noinline int
unmap_full(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	int ret = policy_strict.unmap(d, iova, len, dl);

	/* Another failure would concern other memory, and is counted. */
	if (ret == 0)
		(void)keep_evict(d, dl, 0);
	return ret;
}

static int
unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	struct keep *k = dl->priv;
	uint32_t pfn, pages, max = RTE_MIN(DOM_CONF(d, keep_max), KEEP_LIMIT - 1);
	uint64_t *pte, v;
	int ret;

	/* len - 1 wraps for 0. */
	if (__builtin_expect(len - 1 >= (size_t)KEEP_PAGES << PT_SHIFT ||
			     (iova & PT_OFFSET) + len > (size_t)KEEP_PAGES << PT_SHIFT, 0))
		return policy_strict.unmap(d, iova, len, dl);
	if (__builtin_expect(keep_full(k), 0))
		return unmap_full(d, iova, len, dl);
	ret = check(d, iova, len, &pfn, &pages, &pte);
	if (__builtin_expect(ret != 0, 0)) {
		STAT_ADD(dl->st.unmap_errors, 1);
		return ret;
	}
	v = pte_load(pte);
	pte_store(pte, v | PTE_KEPT);
	keep_add(d, k, key_of(v & PTE_ADDR, pages, prot_of(d, v)), pfn, pages);
	STAT_ADD(dl->st.unmaps, 1);
	STAT_ADD(dl->st.unmap_more, pages - 1);
	/* This mapping is kept. If an eviction failed, that concerns other memory and is
	 * counted; a drain says so. */
	if (__builtin_expect(k->n > max, 0))
		(void)keep_evict(d, dl, k->n - max + RTE_MIN(max / 2, SLUICE_INV_BURST - 1));
	return 0;
}

static int
persistent_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	int ret;

	keep_enter(dl->priv);
	ret = unmap(d, iova, len, dl);
	keep_exit(dl->priv);
	return ret;
}

const struct policy_ops policy_persistent = {
	.name = "persistent",
	.type = SLUICE_DOMAIN_PAGING,
	.deferred = true,
	.map = persistent_map,
	.unmap = persistent_unmap,
	.init = keep_init,
	.fini = keep_fini,
	.worker_init = keep_worker_init,
	.worker_leave = keep_worker_leave,
	.worker_fini = keep_worker_fini,
	.stats = keep_stats,
	.drain = keep_drain,
	.stale = keep_stale,
	.stale_reset = keep_stale_reset,
};
