/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Hitless change of an STE or CD (IHI 0070 §3.21.3): the hardware sees the old structure or the new
 * one, and streams go on meanwhile. If the two differ in too much, it sees an invalid structure in
 * between (4).
 *
 * The hardware may read the eight words at any time and in any order, and may cache what it read
 * until an invalidation; only one aligned 64-bit store is atomic. Each configuration uses some bits
 * and ignores the others. So:
 *
 * 1. Bits that the present configuration ignores get their new values at once, in those words where
 *    the new configuration uses some of them.
 * 2. A word is *critical* if it then still differs in a bit that the new configuration uses. If
 *    there is one critical word, its store takes the hardware from old to new in one step. Between
 *    1 and 2, and after 2, comes an invalidation (CFGI, SYNC), so the hardware never combines a
 *    cached old word with a new one.
 * 3. Bits that the new configuration ignores get their final values.
 * 4. With several critical words a break cannot be avoided: V is cleared first, then the rest is
 *    written, then V is set, each followed by CFGI and SYNC.
 */
#include <stdbool.h>
#include <string.h>

#include <rte_atomic.h>

#include "entry.h"

static void
put(_Atomic uint64_t *e, unsigned int i, uint64_t v)
{
	/* Release: if this word is visible, so are the words stored before it. All are complete
	 * before the CFGI is published, which has a write barrier of its own. */
	atomic_store_explicit(&e[i], v, memory_order_release);
}

static void
get(const _Atomic uint64_t *e, uint64_t cur[ENTRY_WORDS])
{
	for (unsigned int i = 0; i < ENTRY_WORDS; i++)
		cur[i] = atomic_load_explicit(&e[i], memory_order_relaxed);
}

/* Store those words of first … last-1, but @skip, that differ; if there are any, invalidate. */
static int
store_words(_Atomic uint64_t *e, const uint64_t v[ENTRY_WORDS], int skip,
	    const struct entry_ops *ops)
{
	bool changed = false;

	for (unsigned int i = 0; i < ENTRY_WORDS; i++) {
		if ((int)i == skip ||
		    atomic_load_explicit(&e[i], memory_order_relaxed) == v[i])
			continue;
		put(e, i, v[i]);
		changed = true;
	}
	return changed ? ops->sync(ops->arg) : 0;
}

static int
store_word(_Atomic uint64_t *e, unsigned int i, uint64_t v, const struct entry_ops *ops)
{
	put(e, i, v);
	return ops->sync(ops->arg);
}

int
entry_write(_Atomic uint64_t *e, const uint64_t target[ENTRY_WORDS], const struct entry_ops *ops)
{
	uint64_t cur[ENTRY_WORDS], used_now[ENTRY_WORDS], used_then[ENTRY_WORDS];
	uint64_t first[ENTRY_WORDS];
	unsigned int critical = 0;
	int word = -1, rc;

	get(e, cur);
	ops->used(cur, used_now);
	ops->used(target, used_then);
	for (unsigned int i = 0; i < ENTRY_WORDS; i++) {
		/* A word that the new configuration ignores can wait for 3, which may not be
		 * needed. */
		first[i] = ((cur[i] ^ target[i]) & used_then[i] & ~used_now[i]) == 0 ? cur[i] :
			   (cur[i] & used_now[i]) | (target[i] & ~used_now[i]);
		if (((first[i] ^ target[i]) & used_then[i]) != 0) {
			critical++;
			word = (int)i;
		}
	}
	if (critical > 1) {
		/* 4: several critical words. */
		rc = store_word(e, 0, cur[0] & ~ops->valid, ops);
		if (rc == 0)
			rc = store_words(e, target, 0, ops);
		return rc != 0 ? rc : store_word(e, 0, target[0], ops);
	}
	if (critical == 1) {
		/* 1: the critical word waits for 2, where all of it changes at once. */
		rc = store_words(e, first, word, ops);
		if (rc == 0)
			rc = store_word(e, (unsigned int)word, target[word], ops);
		if (rc != 0)
			return rc;
	}
	/* 3: the ignored bits. */
	return store_words(e, target, -1, ops);
}

void
entry_fill(_Atomic uint64_t *e, const uint64_t target[ENTRY_WORDS])
{
	for (unsigned int i = ENTRY_WORDS; i-- > 0; )
		put(e, i, target[i]);
}
