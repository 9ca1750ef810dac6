/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Writes, checks and clears runs of last-level entries: the fast path of map and unmap. The
 * hardware sees each entry either old or new, never half written.
 *
 * A single entry is one relaxed store (relaxed.h). It is ordered later, by what publishes it: the
 * caller's doorbell for a map; the release of the flush ring or the command queue for an unmap.
 * Runs are stored two entries at a time with 16-byte stores. The table walker needs each 64-bit
 * entry to appear whole, not the pair. An aligned 16-byte store gives that on x86-64 (whole with
 * AVX, else as eight-byte halves; both vendors document it) and on Arm (DDI 0487 B2.2.1: two 64-bit
 * accesses, each single-copy atomic).
 *
 * This is a property of the instruction, so the instruction is written in assembly. A vector store
 * in C promises less: a compiler may turn a run of zeroes into a call of memset() (clang does),
 * which promises nothing about an entry, or into a store of 32 or 64 bytes, for which there is no
 * promise either. On other machines, and under a race detector, which knows nothing of the walker,
 * entries are stored one by one.
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

/** Store two entries, each whole. @p pte is a multiple of 16. */
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

/** Store pte[0 … n-1] = v, v + PT_PAGE, … with n >= 2; the first and the last get their marks. */
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
		/* Four entries a turn: with two, the loop runs at half the speed if its
		 * alignment is bad, and with one sum every addition would wait for the one
		 * before. */
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
 * Are pte[0 … n-1] exactly one mapping, or the part of one that is in this table?
 * @param first the part has the mapping's first entry. @param last it has the last entry.
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
	/* There must be no mark between the two. Then every entry belongs to this mapping and is
	 * valid, because mappings are only written and cleared as a whole. */
	if (!SLUICE_TSAN) {
		pte_pair or2 = { 0, 0 };

		if ((((uintptr_t)pte >> 3) & 1) == 0 && n > 2)
			marks |= pte_load(&pte[i++]);
		/* Any kind of load will do: the caller owns the entries, and marks are single
		 * bits. */
		for (; i + 2 < n; i += 2)
			or2 |= *(const pte_pair *)(const void *)&pte[i];
		marks |= or2[0] | or2[1];
	}
	for (; i < n - 1; i++)
		marks |= pte_load(&pte[i]);
	return (marks & (PTE_FIRST | PTE_LAST)) == 0;
}

/**
 * The same check by the two ends alone, for a caller that knows that the n >= 2 entries are in one
 * object of the allocator, from its start. An object holds at most one mapping, so there is no mark
 * between the first entry and the last.
 */
static inline bool
pte_run_ends(const uint64_t *pte, uint32_t n)
{
	const uint64_t mask = PTE_VALID | PTE_FIRST | PTE_LAST;

	return (pte_load(&pte[0]) & mask) == (PTE_VALID | PTE_FIRST) &&
	       (pte_load(&pte[n - 1]) & mask) == (PTE_VALID | PTE_LAST);
}

/** Clear pte[0 … n-1]. */
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
