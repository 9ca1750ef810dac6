/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Map and unmap through the window: the path that everything else is built around.
 *
 * A map of one page takes an IOVA from this lcore's magazine, finds the last-level table by one
 * index, and stores one entry. An unmap checks with one load, stores once, and does what the policy
 * asks for. Neither takes a lock, allocates, or writes a cache line that another lcore writes.
 */
#include <errno.h>

#include "../object/domain.h"
#include "../pgtable/run.h"
#include "stock.h"
#include "window.h"
#include "../policy/policy.h"

#define STOCK_TRIES 8u

/* Set the entries of more than one chunk: each chunk has a table of its own. */
static void
run_set_long(struct sluice_domain *d, uint32_t pfn, uint32_t pages, uint64_t v)
{
	for (uint32_t done = 0; done < pages; done += IOVA_CHUNK_PAGES) {
		uint64_t *pte = domain_leaf(d, pfn + done);
		uint32_t n = RTE_MIN(pages - done, IOVA_CHUNK_PAGES);

		for (uint32_t i = 0; i < n; i++)
			pte_store(&pte[i], v + ((uint64_t)(done + i) << PT_SHIFT));
	}
	uint64_t *first = domain_leaf(d, (uint32_t)pfn);
	uint32_t end = pfn + pages - 1;
	uint64_t *last = &domain_leaf(d, end)[end % IOVA_CHUNK_PAGES];

	pte_store(first, pte_load(first) | PTE_FIRST);
	pte_store(last, pte_load(last) | PTE_LAST);
}

/* One try at an IOVA. */
static int
try_iova(struct sluice_domain *d, struct dom_lcore *dl, unsigned int order, uint32_t pages,
	 uint32_t *pfn)
{
	return order < IOVA_ORDERS ? iova_get(&d->iova, &dl->mag[order], order, pfn)
				   : iova_run_get(&d->iova, pages, pfn);
}

/* Move all IOVAs that this lcore holds to the shared space, for every order and every lcore. */
static void
give_all(struct sluice_domain *d, struct dom_lcore *dl)
{
	while (flush_ring_reclaim(d, dl) != 0)
		;
	(void)flush_ring_give(d, &dl->ring);
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		iova_mag_flush(&d->iova, &dl->mag[o], o);
}

/* Get an IOVA when the magazine is empty, or one of more than one page. */
int
window_get(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pages, uint32_t *pfn)
{
	unsigned int order = iova_order(pages);
	int ret;

	if (order < IOVA_ORDERS && iova_mag_count(&dl->mag[order]) == 0)
		flush_ring_reclaim(d, dl);
	ret = try_iova(d, dl, order, pages, pfn);
	if (ret == 0)
		return 0;
	/* Space is short, or memory for a table; IOVAs that have a table help then, too. Use what
	 * flushes have released and what this lcore keeps of any order. */
	give_all(d, dl);
	ret = try_iova(d, dl, order, pages, pfn);
	if (ret != 0 && domain_flush_waits(d)) {
		/* Still short: use what waits in the flush queues of all workers (A6; ring.h, 10).
		 * Even a flush that ran out of time may have released something. */
		(void)domain_flush_wait(d, SLUICE_FLUSH_ROLLOVER);
		give_all(d, dl);
		ret = try_iova(d, dl, order, pages, pfn);
	}
	/* Use what idle workers hold (A20). Several workers may be short at once and take it from
	 * one another as soon as it is there, hence more than one try. */
	for (unsigned int i = 0; ret != 0 && i < STOCK_TRIES && stock_take(d, dl); i++)
		ret = try_iova(d, dl, order, pages, pfn);
	return ret;
}

static __rte_noinline int
map_fail(struct dom_lcore *dl, int ret)
{
	STAT_ADD(dl->st.map_errors, 1);
	return ret;
}

int
window_set_run(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pfn, uint32_t pages,
	       uint64_t pa, size_t len, unsigned int prot, uint64_t *iova)
{
	uint64_t offset = pa & PT_OFFSET, v = (pa - offset) | d->pte_attr[prot];

	name_put(d->names, pfn, name_of_run(pa, len, pages));
	if (pages <= IOVA_CHUNK_PAGES)
		pte_run_set(domain_pte(d, pfn), v, pages);
	else
		run_set_long(d, pfn, pages, v);
	*iova = d->iova_base + ((uint64_t)pfn << PT_SHIFT) + offset;
	STAT_ADD(dl->st.maps, 1);
	STAT_ADD(dl->st.map_more, pages - 1);
	return 0;
}

/* Every map but that of one page from a magazine that is not empty. Everything is checked here. */
static __rte_noinline int
map_slow(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot,
	 uint64_t *iova, struct dom_lcore *dl)
{
	uint64_t pages = pt_pages(pa, len);
	uint32_t pfn;
	int ret;

	/* len - 1 wraps for 0; pa_limit - pa wraps if pa is beyond the limit, hence both tests. */
	if (len - 1 >= PT_MAX_LEN || prot > 3 || d->pte_attr[prot] == 0 ||
	    pa >= d->pa_limit || len > d->pa_limit - pa)
		return map_fail(dl, -EINVAL);
	ret = window_get(d, dl, (uint32_t)pages, &pfn);
	if (ret != 0)
		return map_fail(dl, ret);
	if (pages == 1)
		return window_set_one(d, dl, pfn, pa, len, d->pte_one[prot], iova);
	return window_set_run(d, dl, pfn, (uint32_t)pages, pa, len, prot, iova);
}

int
window_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot,
	   uint64_t *iova, struct dom_lcore *dl)
{
	uint64_t attr = d->pte_one[prot & 3];
	uint32_t pfn;

	if (__builtin_expect(!one_page(pa, len) || prot > 3 || attr == 0 || pa >= d->pa_limit ||
			     !iova_mag_pop(&dl->mag[0], &pfn), 0))
		return map_slow(d, pa, len, prot, iova, dl);
	return window_set_one(d, dl, pfn, pa, len, attr, iova);
}

/* Check a mapping of more than one chunk. */
static int
run_check_long(const struct sluice_domain *d, uint32_t pfn, uint32_t pages)
{
	if (pfn % IOVA_CHUNK_PAGES != 0)
		return -EINVAL;
	for (uint32_t done = 0; done < pages; done += IOVA_CHUNK_PAGES) {
		const uint64_t *pte = domain_leaf(d, pfn + done);
		uint32_t n = RTE_MIN(pages - done, IOVA_CHUNK_PAGES);

		if (pte == NULL || pte_load(&pte[0]) == 0)
			return -ENOENT;
		if (!pte_run_check(pte, n, done == 0, done + n == pages))
			return -EINVAL;
	}
	return 0;
}

static void
run_clear_long(struct sluice_domain *d, uint32_t pfn, uint32_t pages)
{
	for (uint32_t done = 0; done < pages; done += IOVA_CHUNK_PAGES) {
		uint64_t *pte = domain_leaf(d, pfn + done);

		/* Another caller may have unmapped it just now, by mistake, and a trim may have
		 * taken the table. */
		if (pte != NULL)
			pte_run_clear(pte, RTE_MIN(pages - done, IOVA_CHUNK_PAGES));
	}
}

/* Check a mapping of up to one chunk. */
static inline int
run_check(const struct sluice_domain *d, uint32_t pfn, uint64_t pages, uint64_t **out)
{
	uint64_t *pte = domain_leaf(d, pfn);

	if (__builtin_expect(pte == NULL, 0))
		return -ENOENT;
	pte += pfn % IOVA_CHUNK_PAGES;
	/* A mapping of so many pages is alone in an object of that order and begins at its start:
	 * is the chunk cut that way? A relaxed load is enough: while the mapping lives, its chunk
	 * stays as it is (iova.c, 5); if there is no mapping, the first entry says so. */
	unsigned int order = iova_order((uint32_t)pages);

	if (atomic_load_explicit(&d->iova.order[pfn / IOVA_CHUNK_PAGES], memory_order_relaxed) !=
		    order || (pfn & ((1u << order) - 1)) != 0 ||
	    !pte_run_ends(pte, (uint32_t)pages))
		return pte_load(pte) == 0 ? -ENOENT : -EINVAL;
	*out = pte;
	return 0;
}

int
window_check_run(const struct sluice_domain *d, uint32_t pfn, uint32_t pages, uint64_t **pte)
{
	return pages > d->nb_pages - pfn ? -EINVAL : run_check(d, pfn, pages, pte);
}

int
window_clear_run(struct sluice_domain *d, uint32_t pfn, uint64_t iova, size_t len,
		 uint32_t *pages_out)
{
	uint64_t pages = pt_pages(iova, len), *pte = NULL;
	int ret;

	if (len - 1 >= PT_MAX_LEN || pages > d->nb_pages - pfn)
		return -EINVAL;
	*pages_out = (uint32_t)pages;
	if (__builtin_expect(pages > IOVA_CHUNK_PAGES, 0))
		ret = run_check_long(d, pfn, (uint32_t)pages);
	else
		ret = run_check(d, pfn, pages, &pte);
	if (ret == 0 && !name_claim(d->names, pfn, name_of_run(iova, len, pages)))
		ret = name_error(d->names, pfn);
	if (ret != 0)
		return ret;
	if (__builtin_expect(pages > IOVA_CHUNK_PAGES, 0))
		run_clear_long(d, pfn, (uint32_t)pages);
	else
		pte_run_clear(pte, (uint32_t)pages);
	return 0;
}

int
window_clear_slow(struct sluice_domain *d, uint64_t iova, size_t len, uint32_t *pfn_out,
		  uint32_t *pages_out)
{
	uint64_t pfn = (iova - d->iova_base) >> PT_SHIFT; /* out of range if below the window */
	const uint64_t *pte;

	if (pfn >= d->nb_pages)
		return -EINVAL;
	*pfn_out = (uint32_t)pfn;
	if (!one_page(iova, len))
		return window_clear_run(d, (uint32_t)pfn, iova, len, pages_out);
	/* One page: window_clear_one() has refused it already. Find out why. */
	pte = domain_leaf(d, (uint32_t)pfn);
	if (pte == NULL || pte_load(&pte[pfn % IOVA_CHUNK_PAGES]) == 0)
		return -ENOENT;
	return window_is_one(&pte[pfn % IOVA_CHUNK_PAGES]) ? name_error(d->names, pfn) : -EINVAL;
}

int
window_clear_claimed(struct sluice_domain *d, uint32_t pfn, uint32_t pages)
{
	uint64_t *pte = NULL;
	int ret;

	if (pages > IOVA_CHUNK_PAGES) {
		ret = run_check_long(d, pfn, pages);
		if (ret == 0)
			run_clear_long(d, pfn, pages);
		return ret;
	}
	pte = domain_leaf(d, pfn);
	if (pages > 1) {
		ret = run_check(d, pfn, pages, &pte);
	} else if (pte == NULL) {
		ret = -ENOENT;
	} else {
		pte += pfn % IOVA_CHUNK_PAGES;
		ret = window_is_one(pte) ? 0 : pte_load(pte) == 0 ? -ENOENT : -EINVAL;
	}
	if (ret == 0)
		pte_run_clear(pte, pages);
	return ret;
}
