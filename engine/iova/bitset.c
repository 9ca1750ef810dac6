/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The lock-free set of bitset.h.
 *
 * 1. A member is a bit of level 0. Setting is fetch_or, clearing is fetch_and: the thread whose
 *    fetch_and returns the bit set owns the member.
 * 2. A bit of level n+1 means: that word of level n may be nonzero. It is set after the word
 *    became nonzero, always, even when it seems set already.
 * 3. The thread that empties a word clears its summary bit and then looks at the word again: a
 *    member put in between (1) and the clearing would be hidden, so the bit is set again when the
 *    word is nonzero. The fetch_and of the summary, the second look, the fetch_or of the member and
 *    the setting of the summary are all seq_cst: either the second look sees the new member, or the
 *    setter's fetch_or of the summary comes after the clearing.
 * 4. So a summary bit may be set for an empty word for a moment (a finder just goes on), and may
 *    be clear for a nonzero word only until its setter returns.
 */
#include <errno.h>
#include <stdlib.h>

#include "bitset.h"

static uint32_t
words(const struct bitset *b, unsigned int level)
{
	uint32_t n = b->size;

	for (unsigned int l = 0; l <= level; l++)
		n = (n + 63) / 64;
	return n;
}

int
bitset_init(struct bitset *b, uint32_t size)
{
	*b = (struct bitset){ .size = size };
	if (size == 0 || size > BITSET_MAX)
		return -EINVAL;
	for (unsigned int l = 0; l < BITSET_LEVELS; l++) {
		b->level[l] = calloc(words(b, l), sizeof(*b->level[l]));
		if (b->level[l] == NULL) {
			bitset_fini(b);
			return -ENOMEM;
		}
	}
	return 0;
}

void
bitset_fini(struct bitset *b)
{
	for (unsigned int l = 0; l < BITSET_LEVELS; l++) {
		free(b->level[l]);
		b->level[l] = NULL;
	}
}

void
bitset_set(struct bitset *b, uint32_t i)
{
	for (unsigned int l = 0; l < BITSET_LEVELS; l++, i /= 64)
		atomic_fetch_or_explicit(&b->level[l][i / 64], UINT64_C(1) << (i % 64),
					 memory_order_seq_cst);
}

/* Word @p w of @p level became empty: tell the level above (3). */
static void
summary_clear(struct bitset *b, unsigned int level, uint32_t w)
{
	for (; level + 1 < BITSET_LEVELS; level++, w /= 64) {
		uint64_t bit = UINT64_C(1) << (w % 64);
		uint64_t old = atomic_fetch_and_explicit(&b->level[level + 1][w / 64], ~bit,
							 memory_order_seq_cst);

		if (atomic_load_explicit(&b->level[level][w], memory_order_seq_cst) != 0) {
			/* The word lives: so do all summaries above it. */
			uint32_t i = w;

			for (unsigned int l = level + 1; l < BITSET_LEVELS; l++, i /= 64)
				atomic_fetch_or_explicit(&b->level[l][i / 64],
							 UINT64_C(1) << (i % 64),
							 memory_order_seq_cst);
			return;
		}
		if ((old & ~bit) != 0)
			return;
	}
}

bool
bitset_clear(struct bitset *b, uint32_t i)
{
	uint64_t bit = UINT64_C(1) << (i % 64);
	uint64_t old = atomic_fetch_and_explicit(&b->level[0][i / 64], ~bit, memory_order_seq_cst);

	if (old == bit)
		summary_clear(b, 0, i / 64);
	return (old & bit) != 0;
}

bool
bitset_test(const struct bitset *b, uint32_t i)
{
	return (atomic_load_explicit(&b->level[0][i / 64], memory_order_acquire) >> (i % 64)) & 1;
}

/* The first set bit at or above @p from of a level, by going up and down. */
static uint32_t
find_from(const struct bitset *b, uint32_t from)
{
	uint32_t i = from;
	unsigned int l = 0;

	for (;;) {
		uint64_t v = 0;

		if (i / 64 < words(b, l))
			v = atomic_load_explicit(&b->level[l][i / 64], memory_order_acquire) &
			    (~UINT64_C(0) << (i % 64));
		if (v != 0) {
			i = (i & ~63u) + (uint32_t)__builtin_ctzll(v);
			if (l == 0)
				return i;
			l--;
			i *= 64;
		} else {
			/* Nothing left in this word: on with the next one, seen from above. */
			i = i / 64 + 1;
			if (++l == BITSET_LEVELS)
				return BITSET_NONE;
		}
	}
}

uint32_t
bitset_find(const struct bitset *b, uint32_t hint)
{
	uint32_t i = hint < b->size ? find_from(b, hint) : BITSET_NONE;

	return i != BITSET_NONE || hint == 0 ? i : find_from(b, 0);
}

uint32_t
bitset_take(struct bitset *b, uint32_t hint)
{
	for (;;) {
		uint32_t i = bitset_find(b, hint);

		if (i == BITSET_NONE || bitset_clear(b, i))
			return i;
		hint = i;
	}
}

/* The first run of @p n members at or above @p from. */
static uint32_t
run_from(const struct bitset *b, uint32_t n, uint32_t from)
{
	uint32_t got = 0;

	for (uint32_t i = from; n != 0 && i < b->size;) {
		uint64_t v = atomic_load_explicit(&b->level[0][i / 64], memory_order_acquire);

		/* Whole words at once, where they are all in or all out. */
		if (i % 64 == 0 && (v == 0 || (v == ~UINT64_C(0) && got + 64 < n))) {
			got = v == 0 ? 0 : got + 64;
			i += 64;
			continue;
		}
		do {
			got = (v >> (i % 64)) & 1 ? got + 1 : 0;
			i++;
			if (got == n)
				return i - n;
		} while (i % 64 != 0 && i < b->size);
	}
	return BITSET_NONE;
}

uint32_t
bitset_find_run(const struct bitset *b, uint32_t n)
{
	return run_from(b, n, 0);
}

uint32_t
bitset_take_run(struct bitset *b, uint32_t n)
{
	uint32_t start = run_from(b, n, 0);

	while (start != BITSET_NONE) {
		uint32_t got = 0;

		while (got < n && bitset_clear(b, start + got))
			got++;
		if (got == n)
			return start;
		for (uint32_t i = 0; i < got; i++)
			bitset_set(b, start + i);
		start = run_from(b, n, start + got + 1);
	}
	return BITSET_NONE;
}

uint32_t
bitset_count(const struct bitset *b)
{
	uint32_t n = 0;

	for (uint32_t w = 0; w < words(b, 0); w++)
		n += (uint32_t)__builtin_popcountll(
			atomic_load_explicit(&b->level[0][w], memory_order_relaxed));
	return n;
}

bool
bitset_valid(const struct bitset *b)
{
	for (unsigned int l = 0; l + 1 < BITSET_LEVELS; l++) {
		for (uint32_t w = 0; w < words(b, l); w++) {
			bool some = atomic_load_explicit(&b->level[l][w], memory_order_relaxed) != 0;
			uint64_t up = atomic_load_explicit(&b->level[l + 1][w / 64],
							   memory_order_relaxed);

			if (some != ((up >> (w % 64)) & 1))
				return false;
		}
	}
	return true;
}
