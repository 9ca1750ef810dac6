/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Hitless change of an STE or CD (IHI 0070 §3.21.3).
 *
 * The hardware may read the eight words in any order, at any time, and keep what it read until it
 * is told; only one aligned 64-bit store is atomic. Each configuration looks at some bits and
 * ignores the rest. So:
 *
 * 1. Bits that the present configuration ignores can be given their new value at once. That is
 *    done in the words where the new configuration uses some of them.
 * 2. A word is *critical* when after that it still differs in a bit that the new configuration
 *    uses.
 *    One critical word: store it, and the hardware goes from old to new in one step. Between 1
 *    and 2, and after 2, the hardware is told (CFGI, SYNC), so that it never combines a cached old
 *    word with a new one.
 * 3. What the new configuration ignores is set to its final value.
 * 4. Several critical words: there is no way round a break. V is cleared first, the rest is
 *    written, V is set last, each followed by CFGI and SYNC.
 */
#include <stdbool.h>
#include <string.h>

#include <rte_atomic.h>

#include "entry.h"

static void
put(_Atomic uint64_t *e, unsigned int i, uint64_t v)
{
	/* Release: words before this one are visible when this one is (in program order, each is
	 * complete before the CFGI is published, which has a write barrier of its own). */
	atomic_store_explicit(&e[i], v, memory_order_release);
}

static void
get(const _Atomic uint64_t *e, uint64_t cur[ENTRY_WORDS])
{
	for (unsigned int i = 0; i < ENTRY_WORDS; i++)
		cur[i] = atomic_load_explicit(&e[i], memory_order_relaxed);
}

/* Store words first … last-1 but @skip that differ, and tell the hardware if there were any. */
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
		/* A word that is not looked at can wait for 3, which may not be needed at all. */
		first[i] = ((cur[i] ^ target[i]) & used_then[i] & ~used_now[i]) == 0 ? cur[i] :
			   (cur[i] & used_now[i]) | (target[i] & ~used_now[i]);
		if (((first[i] ^ target[i]) & used_then[i]) != 0) {
			critical++;
			word = (int)i;
		}
	}
	if (critical > 1) {
		/* 4 */
		rc = store_word(e, 0, cur[0] & ~ops->valid, ops);
		if (rc == 0)
			rc = store_words(e, target, 0, ops);
		return rc != 0 ? rc : store_word(e, 0, target[0], ops);
	}
	if (critical == 1) {
		/* 1: the critical word is left for 2, where all of it changes at once. */
		rc = store_words(e, first, word, ops);
		if (rc == 0)
			rc = store_word(e, (unsigned int)word, target[word], ops);
		if (rc != 0)
			return rc;
	}
	/* 3 */
	return store_words(e, target, -1, ops);
}

void
entry_fill(_Atomic uint64_t *e, const uint64_t target[ENTRY_WORDS])
{
	for (unsigned int i = ENTRY_WORDS; i-- > 0; )
		put(e, i, target[i]);
}
