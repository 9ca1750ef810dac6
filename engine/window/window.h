/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The parts that policies are made of: map and unmap through a domain's window, without what an
 * unmap waits for. The case of one page is inline; the rest is in map.c.
 */
#ifndef WINDOW_WINDOW_H
#define WINDOW_WINDOW_H

#include <errno.h>

#include "../object/domain.h"
#include "../pgtable/pt.h"
#include "../pgtable/run.h"
#include "free.h"
#include "leaf.h"
#include "names.h"

/** Map through the window. Every policy that uses the page table shares this. */
int window_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot,
	       uint64_t *iova, struct dom_lcore *dl);

/** Get an IOVA of @p pages from the magazines or the shared space.
 * @return 0 with *pfn set; -ENOSPC; -ENOMEM. */
int window_get(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pages, uint32_t *pfn);

/* Are @p len bytes at @p addr in one page? For no bytes the answer is false: len - 1 wraps. */
static inline bool
one_page(uint64_t addr, size_t len)
{
	return len - 1 < PT_PAGE - (addr & PT_OFFSET);
}

/* Is this entry a whole mapping of one page? */
static inline bool
window_is_one(const uint64_t *pte)
{
	const uint64_t whole = PTE_VALID | PTE_FIRST | PTE_LAST;

	return (pte_load(pte) & whole) == whole;
}

/** Is there one whole mapping of 2 … IOVA_CHUNK_PAGES pages?
 * @return 0 with *pte its first entry; -errno. */
int window_check_run(const struct sluice_domain *d, uint32_t pfn, uint32_t pages, uint64_t **pte);

/** Map @p len bytes, in two pages or more, at IOVAs that the caller took. @p prot must be allowed.
 * @return 0. */
int window_set_run(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pfn, uint32_t pages,
		   uint64_t pa, size_t len, unsigned int prot, uint64_t *iova);

/* window_clear() of more than one page, or where nothing is mapped: map.c. */
int window_clear_run(struct sluice_domain *d, uint32_t pfn, uint64_t iova, size_t len,
		     uint32_t *pages);
/* The same, for one page too, for a caller that checks the names of all pieces itself. */
int window_clear_claimed(struct sluice_domain *d, uint32_t pfn, uint32_t pages);

/**
 * The page of an address, for an unmap.
 * @return the page; if the address or the length is out of range, a number beyond the window or
 *   the wrong page. An address below the window wraps. A length of two pages or more is ORed into
 *   the number; one too long for a name (names.h, 3) puts it beyond every window. If the result is
 *   another page of the window, its name does not match.
 */
static inline uint64_t
window_pfn(const struct sluice_domain *d, uint64_t iova, size_t len)
{
	return (iova - d->iova_base) >> PT_SHIFT | len >> (PT_SHIFT + 1);
}

/**
 * Clear [iova, iova+len) if it is a whole mapping of one page. @p pfn is from window_pfn() and in
 * the window. The name alone decides: the entry need not be read.
 * @return false: there is another mapping, or none, and nothing changed.
 */
static inline bool
window_clear_one(struct sluice_domain *d, uint64_t pfn, uint64_t iova, size_t len)
{
	uint64_t *pte;

	if (__builtin_expect(!name_claim(d->names, pfn, name_of(iova, len)), 0))
		return false;
	pte = domain_leaf(d, (uint32_t)pfn);
	/* Another lcore unmapped it at the same time, by mistake, and a trim took the table. */
	if (__builtin_expect(pte == NULL, 0))
		return false;
	pte_store(pte + pfn % IOVA_CHUNK_PAGES, 0);
	return true;
}

/* window_clear() of all but one page, and of errors: map.c. */
int window_clear_slow(struct sluice_domain *d, uint64_t iova, size_t len, uint32_t *pfn,
		      uint32_t *pages);

/**
 * First half of an unmap: check that [iova, iova+len) is one whole mapping, clear its entries.
 * It is inline for one page, so a policy's unmap need not save and restore registers between the
 * two halves.
 * @return 0 with *pfn and *pages set; -EINVAL; -ENOENT: nothing changed.
 */
static inline int
window_clear(struct sluice_domain *d, uint64_t iova, size_t len, uint32_t *pfn_out,
	     uint32_t *pages_out)
{
	uint64_t pfn = window_pfn(d, iova, len);

	if (__builtin_expect(pfn >= d->nb_pages || !window_clear_one(d, pfn, iova, len), 0))
		return window_clear_slow(d, iova, len, pfn_out, pages_out);
	*pfn_out = (uint32_t)pfn;
	*pages_out = 1;
	return 0;
}

/** Map @p len bytes, in one page, at an IOVA that the caller took. @p attr is d->pte_one[] of an
 * allowed protection. */
static inline int
window_set_one(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pfn, uint64_t pa,
	       size_t len, uint64_t attr, uint64_t *iova)
{
	uint64_t offset = pa & PT_OFFSET;

	name_put(d->names, pfn, name_of(pa, len));
	pte_store(domain_pte(d, pfn), (pa - offset) | attr);
	*iova = d->iova_base + ((uint64_t)pfn << PT_SHIFT) + offset;
	STAT_ADD(dl->st.maps, 1);
	return 0;
}

#endif
