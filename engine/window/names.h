/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The name of a mapping: its offset in the page and its length. An unmap that gives another address
 * or another length, even by one byte, is an error and changes nothing (A17).
 *
 * 1. Each page of the window has a word. It is 0, or the name of the mapping, or piece of a burst,
 *    that begins there: offset and length, complemented. A map writes the word; an unmap compares
 *    it and replaces it with 0.
 * 2. A name that matches says more than the entry does: a mapping begins here, has one page, and is
 *    alone. The name of a mapping of several pages has the top bit inverted, and so has each piece
 *    of a burst that is one mapping. For those the entries are checked first, then the name.
 * 3. No mapping has the name 0, not even one of no bytes at offset 0: that is why names are
 *    complemented. A length of 2^(64 - PT_SHIFT) or more would lose its upper bits, so callers
 *    refuse it.
 * 4. If two lcores unmap one mapping at once, which is the caller's error, both may succeed: the
 *    word is read and then written, without a locked instruction. In builds with -Dchecks=true one
 *    of them wins: a compare-and-exchange replaces the word with 0, and only the lcore that
 *    succeeds clears entries. All orders are relaxed: the words decide which lcore goes on and
 *    publish nothing.
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

/** 2: what a name is XORed with unless it belongs to a whole mapping of one page. */
#define NAME_RUN (UINT64_C(1) << 63)

/** The name of [addr, addr+len), a whole mapping in one page. Only addr's offset in it counts. */
static inline uint64_t
name_of(uint64_t addr, uint64_t len)
{
	return ~(len << PT_SHIFT | (addr & PT_OFFSET));
}

/** The name of [addr, addr+len), a mapping of @p pages in all, or a piece of one. */
static inline uint64_t
name_of_run(uint64_t addr, uint64_t len, uint64_t pages)
{
	return name_of(addr, len) ^ (pages == 1 ? 0 : NAME_RUN);
}

/** 1: record that the mapping with name @p name begins in page @p pfn. */
static inline void
name_put(uint64_t *n, uint32_t pfn, uint64_t name)
{
	RELAXED_SET(n[pfn], name);
}

/** 1, 4: does the mapping in page @p pfn have name @p name? If so, the name is removed. */
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

/** Why name_claim() failed although the entries show such a mapping: it has another name, or
 * another lcore has claimed it since. */
static inline int
name_error(const uint64_t *n, uint64_t pfn)
{
	return RELAXED_GET(n[pfn]) == 0 ? -ENOENT : -EINVAL;
}

#endif
