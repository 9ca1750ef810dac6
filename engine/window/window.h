/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What policies are made of: map and unmap through a domain's window, without what an unmap waits
 * for. Inline as far as it is one page; the rest is in map.c.
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

/** Map through the window. Shared by every policy that uses the page table. */
int window_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot,
	       uint64_t *iova, struct dom_lcore *dl);

/** An IOVA of @p pages, from the magazines or the space. @return 0 with *pfn set; -ENOSPC; -ENOMEM. */
int window_get(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pages, uint32_t *pfn);

/* Do @p len bytes at @p addr lie in one page? No bytes do not: len - 1 wraps. */
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

/** Is there one whole mapping of 2 … IOVA_CHUNK_PAGES pages? @return 0 with *pte its first; -errno. */
int window_check_run(const struct sluice_domain *d, uint32_t pfn, uint32_t pages, uint64_t **pte);

/** Map @p len bytes, in two pages or more, at IOVAs that the caller took, with an allowed protection.
 * @return 0. */
int window_set_run(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pfn, uint32_t pages,
		   uint64_t pa, size_t len, unsigned int prot, uint64_t *iova);

/* Of more than one page, or where there is none: map.c. */
int window_clear_run(struct sluice_domain *d, uint32_t pfn, uint64_t iova, size_t len,
		     uint32_t *pages);
/* The same, one page included, for a caller that looks at the names of all pieces itself. */
int window_clear_claimed(struct sluice_domain *d, uint32_t pfn, uint32_t pages);

/**
 * The page of an address, for an unmap.
 * @return what is no page of the window if either is out of range: an address below the window
 *   wraps; a length of two pages and more gets in the way, one that a name cannot say certainly
 *   (names.h, 3). What it may then be is another page of the window: the name says no.
 */
static inline uint64_t
window_pfn(const struct sluice_domain *d, uint64_t iova, size_t len)
{
	return (iova - d->iova_base) >> PT_SHIFT | len >> (PT_SHIFT + 1);
}

/**
 * Is [iova, iova+len) a mapping of one page, whole and alone? Then it is cleared; page @p pfn is
 * window_pfn() and in the window. Its name says it all: the entry need not be looked at.
 * @return false: it is something else, or nothing, and nothing changed.
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

/* What is not one page, or an error: map.c. */
int window_clear_slow(struct sluice_domain *d, uint64_t iova, size_t len, uint32_t *pfn,
		      uint32_t *pages);

/**
 * First half of an unmap: check that [iova, iova+len) is one whole mapping, clear its entries.
 * Inline for one page: the policies are what makes an unmap, and nothing is to be saved and
 * restored between the two halves.
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

/** Map @p len bytes, in one page, at an IOVA that the caller took, with d->pte_one[] of an allowed
 * protection. */
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
