/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What callers promise and the fast path does not check, for it would cost a tenth of an unmap: that
 * an unmap names the mapping to the byte (A17), and that no two lcores unmap it at once. Builds with
 * -Dchecks=true check both; in others all of this is nothing.
 *
 * 1. Each page of the window has a word: 0, or the name of the mapping that begins there, which is its
 *    offset in the page and its length. A map writes it.
 * 2. An unmap looks at the entries first, as in every build: what is not mapped, or not so many
 *    pages, gets its error from there. Then it claims the mapping: a compare-and-exchange of
 *    exactly its name for 0. Only who succeeds clears entries.
 * 3. Who does not finds either another name: -EINVAL; or 0, since another one has claimed it between
 *    the look and this: -ENOENT, as it would be a moment later. All orders are relaxed: words
 *    decide who goes on, and publish nothing; what does is what it is in other builds.
 */
#ifndef ENGINE_CHECKS_H
#define ENGINE_CHECKS_H

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>

#ifndef SLUICE_CHECKS
#define SLUICE_CHECKS 0
#endif

/** [pages of the window]; NULL where nothing is checked. */
typedef _Atomic uint64_t *checks_names;

static inline uint64_t
checks_name(uint64_t addr, uint64_t len)
{
	return len << 12 | (addr & 4095);
}

/** 1: [addr, addr+len), of which the offset in the page counts, begins in page @p pfn. */
static inline void
checks_put(checks_names names, uint32_t pfn, uint64_t addr, uint64_t len)
{
	if (SLUICE_CHECKS)
		atomic_store_explicit(&names[pfn], checks_name(addr, len), memory_order_relaxed);
}

/** 2, after the look. @return 0; -EINVAL; -ENOENT. */
static inline int
checks_claim(checks_names names, uint32_t pfn, uint64_t iova, uint64_t len)
{
	uint64_t name = checks_name(iova, len);

	if (!SLUICE_CHECKS || atomic_compare_exchange_strong_explicit(&names[pfn], &name, 0,
								      memory_order_relaxed,
								      memory_order_relaxed))
		return 0;
	return name == 0 ? -ENOENT : -EINVAL; /* 3 */
}

#endif
