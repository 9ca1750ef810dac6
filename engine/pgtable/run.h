/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A run of last-level entries is a run of stores: the fast path of map and unmap.
 *
 * A single entry is stored whole and in no order (relaxed.h); ordering comes later, from what publishes
 * it (the caller's doorbell for a map; the flush ring's or the command queue's release for an
 * unmap). Runs are stored two entries at a time with 16-byte stores. The table walker needs each
 * 64-bit entry to appear whole, not the pair: an aligned 16-byte store gives that on x86-64 (whole
 * where there is AVX, by eight-byte halves elsewhere; both vendors say so) and on Arm (DDI 0487
 * B2.2.1: two 64-bit accesses, each single-copy atomic).
 *
 * That is a property of the instruction, so the instruction is written down. A vector store in C says
 * less: a compiler may make a run of zeroes a call of memset(), which promises nothing about an
 * entry, and clang does; or one store of 32 or 64 bytes, about which nobody promises anything. On
 * other machines, and under a race detector, which cannot know about the walker, entries are
 * stored one by one.
 */
#ifndef PGTABLE_RUN_H
#define PGTABLE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/relaxed.h"
#include "../base/tsan.h"
#include "pt.h"

typedef uint64_t pte_pair __attribute__((vector_size(16), may_alias));

static inline void
pte_store(uint64_t *pte, uint64_t v)
{
	RELAXED_SET(*pte, v);
}

static inline uint64_t
pte_load(const uint64_t *pte)
{
	return RELAXED_GET(*pte);
}

/** Two entries, each whole; @p pte is a multiple of 16. */
static inline void
pte_pair_store(uint64_t *pte, pte_pair v)
{
#if defined(__x86_64__) && defined(__AVX__)
	__asm__("vmovaps %1, %0" : "=m"(*(pte_pair *)(void *)pte) : "x"(v));
#elif defined(__x86_64__)
	__asm__("movaps %1, %0" : "=m"(*(pte_pair *)(void *)pte) : "x"(v));
#elif defined(__aarch64__)
	__asm__("str %q1, %0" : "=m"(*(pte_pair *)(void *)pte) : "w"(v));
#else
	pte_store(&pte[0], v[0]);
	pte_store(&pte[1], v[1]);
#endif
}

/** Entries pte[0 … n-1] = v, v + PT_PAGE, … n >= 2; first and last get their software bits. */
static inline void
pte_run_set(uint64_t *pte, uint64_t v, uint32_t n)
{
	uint32_t i = 1;

	pte_store(pte, v | PTE_FIRST);
	if (!SLUICE_TSAN) {
		if ((((uintptr_t)pte >> 3) & 1) == 0) {
			pte_store(&pte[i], v + ((uint64_t)i << PT_SHIFT));
			i++;
		}
		/* Four entries a turn: two a turn run at half the speed where the loop happens to lie
		 * badly, and one sum alone would be a chain of additions as long as the run. */
		pte_pair p = { v + ((uint64_t)i << PT_SHIFT), v + ((uint64_t)(i + 1) << PT_SHIFT) };
		pte_pair q = p + (pte_pair){ 2 << PT_SHIFT, 2 << PT_SHIFT };
		const pte_pair step = { 4 << PT_SHIFT, 4 << PT_SHIFT };

		for (; i + 4 < n; i += 4, p += step, q += step) {
			pte_pair_store(&pte[i], p);
			pte_pair_store(&pte[i + 2], q);
		}
	}
	for (; i < n - 1; i++)
		pte_store(&pte[i], v + ((uint64_t)i << PT_SHIFT));
	pte_store(&pte[n - 1], (v + ((uint64_t)(n - 1) << PT_SHIFT)) | PTE_LAST);
}

/**
 * Are pte[0 … n-1] exactly one mapping, or the piece of one that lies in this table? @p first, @p
 * last: the piece holds the mapping's first, last entry.
 */
static inline bool
pte_run_check(const uint64_t *pte, uint32_t n, bool first, bool last)
{
	uint64_t want0 = PTE_VALID | (first ? PTE_FIRST : 0);
	uint64_t want1 = PTE_VALID | (last ? PTE_LAST : 0);
	const uint64_t mask = PTE_VALID | PTE_FIRST | PTE_LAST;
	uint64_t a = pte_load(&pte[0]), b = pte_load(&pte[n - 1]);
	uint64_t marks = 0;
	uint32_t i = 1;

	if (n == 1)
		return (a & mask) == (want0 | want1);
	if ((a & mask) != want0 || (b & mask) != want1)
		return false;
	/* Between the two there must be no mark: then every entry is of this mapping, and valid,
	 * because mappings are only ever written and cleared whole. */
	if (!SLUICE_TSAN) {
		pte_pair or2 = { 0, 0 };

		if ((((uintptr_t)pte >> 3) & 1) == 0 && n > 2)
			marks |= pte_load(&pte[i++]);
		/* However these are loaded: the entries are the caller's, and the marks are bits. */
		for (; i + 2 < n; i += 2)
			or2 |= *(const pte_pair *)(const void *)&pte[i];
		marks |= or2[0] | or2[1];
	}
	for (; i < n - 1; i++)
		marks |= pte_load(&pte[i]);
	return (marks & (PTE_FIRST | PTE_LAST)) == 0;
}

/**
 * The same, told from the two ends alone, for a caller who knows that the n >= 2 entries lie in one
 * object of the allocator from its start: that holds one mapping at most, so there is no mark
 * between the first entry's and the last one's.
 */
static inline bool
pte_run_ends(const uint64_t *pte, uint32_t n)
{
	const uint64_t mask = PTE_VALID | PTE_FIRST | PTE_LAST;

	return (pte_load(&pte[0]) & mask) == (PTE_VALID | PTE_FIRST) &&
	       (pte_load(&pte[n - 1]) & mask) == (PTE_VALID | PTE_LAST);
}

/** Entries pte[0 … n-1] = 0. */
static inline void
pte_run_clear(uint64_t *pte, uint32_t n)
{
	uint32_t i = 0;

	if (!SLUICE_TSAN && n >= 2) {
		const pte_pair zero = { 0, 0 };

		if (((uintptr_t)pte >> 3) & 1)
			pte_store(&pte[i++], 0);
		for (; i + 3 < n; i += 4) {
			pte_pair_store(&pte[i], zero);
			pte_pair_store(&pte[i + 2], zero);
		}
	}
	for (; i < n; i++)
		pte_store(&pte[i], 0);
}

#endif
