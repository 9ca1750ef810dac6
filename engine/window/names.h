/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What a mapping is called: an unmap that names another address or another length, be it by one
 * byte, is an error and changes nothing (A17).
 *
 * 1. Each page of the window has a word: 0, or the name of the mapping, or the piece of a burst, that
 *    begins there: its offset in the page and its length, complemented. A map writes it, an unmap
 *    compares it and puts 0 in its place.
 * 2. A name that was found says more than the entry does: that a mapping begins here, is of one page,
 *    and is alone. A mapping of several pages has the top bit the other way round, and so has each
 *    piece of a burst that is one mapping: for those the entries are looked at first, then the name.
 * 3. Nothing has the name 0, not even a mapping of no bytes at offset 0, which is why names are
 *    complemented. A length of 2^(64 - PT_SHIFT) and more would lose its upper bits: callers keep it out.
 * 4. Builds with -Dchecks=true also let one of two lcores win that unmap a mapping at once: there the
 *    word is exchanged for 0 by a compare-and-exchange, and only the lcore that succeeds clears
 *    entries. In others that is a load and a store, without a locked instruction, and both may
 *    succeed: the caller's error. All orders are relaxed: words decide who goes on, and publish
 *    nothing.
 */
#ifndef ENGINE_NAMES_H
#define ENGINE_NAMES_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "../base/relaxed.h"
#include "../pgtable/pt.h"

#ifndef SLUICE_CHECKS
#define SLUICE_CHECKS 0
#endif

/** 2: the difference of a name that is not a whole mapping's of one page. */
#define NAME_RUN (UINT64_C(1) << 63)

/** The name of [addr, addr+len), a whole mapping in one page. Of addr the offset in the page counts. */
static inline uint64_t
name_of(uint64_t addr, uint64_t len)
{
	return ~(len << PT_SHIFT | (addr & PT_OFFSET));
}

/** The same of a mapping of @p pages in all, or of a piece of it. */
static inline uint64_t
name_of_run(uint64_t addr, uint64_t len, uint64_t pages)
{
	return name_of(addr, len) ^ (pages == 1 ? 0 : NAME_RUN);
}

/** 1: the mapping that is called @p name begins in page @p pfn. */
static inline void
name_put(uint64_t *n, uint32_t pfn, uint64_t name)
{
	RELAXED_SET(n[pfn], name);
}

/** 1, 4: is it called @p name? Then it has no name any more. */
static inline bool
name_claim(uint64_t *n, uint64_t pfn, uint64_t name)
{
	if (SLUICE_CHECKS)
		return __atomic_compare_exchange_n(&n[pfn], &name, 0, false, __ATOMIC_RELAXED,
						   __ATOMIC_RELAXED);
	if (__builtin_expect(RELAXED_GET(n[pfn]) != name, 0))
		return false;
	RELAXED_SET(n[pfn], 0);
	return true;
}

/** Why it was not, although entries say that there is such a mapping: it has another name, or
 * another lcore claimed it since. */
static inline int
name_error(const uint64_t *n, uint64_t pfn)
{
	return RELAXED_GET(n[pfn]) == 0 ? -ENOENT : -EINVAL;
}

#endif
