/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The shared part of the IOVA allocator.
 *
 * What callers get. No lock, and no thread waits for another one, except for a bounded look at what
 * others are about to put back (6). An object that is free is found: -ENOSPC means that, in the
 * end, none was there. Whatever a caller gets it owns alone, with its last-level table in place.
 *
 * 1. A chunk is uncut (a bit in `uncut`), or cut into objects of one order. Its eight words then
 *    hold a bit for each free object; `avail[order]` has the chunk when a word may be nonzero.
 * 2. The thread that clears bits in a chunk's words owns those objects. A refill takes a whole word
 *    by one exchange: up to 64 objects for one atomic operation. A free sets bits by fetch_or,
 *    those of one word together.
 * 3. Cutting: the thread that takes the chunk out of `uncut` owns it alone. It gets the last-level
 *    table, writes `order`, keeps the first word's objects, publishes the other words, then
 *    `avail`.
 * 4. Regaining (rollover): exchange all words for 0. If together they are *all* objects, the
 *    chunk is owned alone, and becomes uncut. Else the bits go back.
 * 5. A refill that found the chunk in avail[order] may meet the words of a chunk that was
 *    regained and cut anew for another order since. So it looks at `order` after the exchange: if
 *    it differs, the bits are not of its kind and go back. The look is late enough: holding
 *    bits of the chunk keeps (4) from completing, so `order` cannot change any more.
 *    (The exchange acquires; it pairs with the release of the words in (3), which is after the
 *    write of `order`.)
 * 6. Some operations take things only to look at them, and put them back (4, 5, runs, batches on
 *    their way to their chunks). Meanwhile these belong to no one, and a thread that needs them
 *    would find none. So such an operation counts itself in `hands` before, and adds to `given`
 *    afterwards. A thread that found nothing looks at both, and searches again if anything was in
 *    hand: no -ENOSPC for what is there. It does so for a bounded time only, because a hand may
 *    belong to a thread that does not run.
 */
#include <errno.h>

#include <rte_pause.h>

#include "iova.h"

#define HAND_SPINS 2000u /* looks at a hand that does not move */
#define HAND_LOOKS 16u   /* times that something was in hand */

/* Objects in a chunk of @p order. */
static uint32_t
objects(unsigned int order)
{
	return IOVA_CHUNK_PAGES >> order;
}

/* All objects of word @p w of a chunk of @p order. */
static uint64_t
word_all(unsigned int order, unsigned int w)
{
	uint32_t n = objects(order);

	if (w * 64 >= n)
		return 0;
	return n - w * 64 >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << (n - w * 64)) - 1;
}

/* 6 */
static void
hand_in(struct iova_space *s)
{
	atomic_fetch_add_explicit(&s->hands, 1, memory_order_seq_cst);
}

/* @p back: something was put back. */
static void
hand_out(struct iova_space *s, bool back)
{
	if (back)
		atomic_fetch_add_explicit(&s->given, 1, memory_order_seq_cst);
	atomic_fetch_sub_explicit(&s->hands, 1, memory_order_seq_cst);
}

/* Another thread may have had in hand what was not found. @p given: its value before the search.
 * @return whether another look is worth it. */
static bool
hands_wait(struct iova_space *s, uint32_t given)
{
	for (unsigned int i = 0; i < HAND_SPINS; i++) {
		uint32_t now = atomic_load_explicit(&s->given, memory_order_seq_cst);

		/* Hands first: one that goes between the two has counted. */
		if (now != given)
			return true;
		if (atomic_load_explicit(&s->hands, memory_order_seq_cst) == 0)
			return atomic_load_explicit(&s->given, memory_order_seq_cst) != given;
		rte_pause();
	}
	return false;
}

/* One more, on a long way: there is room. */
static void
iova_put_in(struct iova_mag *m, uint32_t pfn)
{
	RELAXED_SET(m->pfn[RELAXED_GET(m->n) + 1], pfn);
	iova_mag_publish(m, RELAXED_GET(m->n) + 1);
}

/* Objects @p bits of word @p w into the magazine, highest first, so that they come out
 * ascending. */
static void
mag_add_word(struct iova_mag *m, unsigned int order, uint32_t chunk, unsigned int w, uint64_t bits)
{
	uint32_t base = chunk * IOVA_CHUNK_PAGES;

	while (bits != 0) {
		unsigned int b = 63u - (unsigned int)__builtin_clzll(bits);

		bits &= ~(UINT64_C(1) << b);
		iova_put_in(m, base + ((w * 64 + b) << order));
	}
}

/* Objects back into a chunk (2), which then has something to give. */
static void
chunk_give(struct iova_space *s, unsigned int order, uint32_t chunk, unsigned int w, uint64_t bits)
{
	/* release: pairs with the acquire of the exchange in chunk_grab(). */
	uint64_t old = atomic_fetch_or_explicit(&s->chunk[chunk].free[w], bits, memory_order_seq_cst);

	/* Not the first in this word: the thread that put the first one in also sets avail. It may
	 * not have done so yet; it will. */
	if (old == 0)
		bitset_set(&s->avail[order], chunk);
}

/* Does a chunk have a free object of @p order? */
static bool
chunk_has(const struct iova_space *s, unsigned int order, uint32_t chunk)
{
	for (unsigned int w = 0; w < (objects(order) + 63) / 64; w++)
		if (atomic_load_explicit(&s->chunk[chunk].free[w], memory_order_seq_cst) != 0)
			return atomic_load_explicit(&s->order[chunk], memory_order_seq_cst) == order;
	return false;
}

/* Take a word of a chunk found in avail[order]. @return objects taken, 0 when it had none. */
static uint32_t
chunk_grab(struct iova_space *s, struct iova_mag *m, unsigned int order, uint32_t chunk)
{
	struct iova_chunk *c = &s->chunk[chunk];
	unsigned int words = (objects(order) + 63) / 64;
	uint32_t got = 0;

	for (unsigned int w = 0; w < words && got == 0; w++) {
		uint64_t bits;

		if (atomic_load_explicit(&c->free[w], memory_order_relaxed) == 0)
			continue;
		hand_in(s);
		bits = atomic_exchange_explicit(&c->free[w], 0, memory_order_seq_cst);
		unsigned int now = atomic_load_explicit(&s->order[chunk], memory_order_relaxed);

		if (bits != 0 && now != order) { /* (5) */
			chunk_give(s, now, chunk, w, bits);
			hand_out(s, true);
			break;
		}
		hand_out(s, false);
		if (bits == 0)
			continue;
		got = (uint32_t)__builtin_popcountll(bits);
		mag_add_word(m, order, chunk, w, bits);
	}
	if (chunk_has(s, order, chunk))
		return got;
	/* It looks empty, or is of another order now: out of avail, then look again, as bitset.c
	 * (3) does. */
	bitset_clear(&s->avail[order], chunk);
	if (chunk_has(s, order, chunk))
		bitset_set(&s->avail[order], chunk);
	return got;
}

/* Cut a fresh chunk (3). @return 0, -ENOSPC, or what prepare returned. */
static int
chunk_cut(struct iova_space *s, struct iova_mag *m, unsigned int order)
{
	bool more = false;
	int ret = -ENOSPC;
	uint32_t chunk;

	hand_in(s);
	chunk = bitset_take(&s->uncut, 0);
	/* No memory for a table: a chunk further up may have one from before. */
	while (chunk != BITSET_NONE && (ret = s->prepare(s->arg, chunk)) != 0) {
		uint32_t next = chunk + 1 < s->nb_chunks ? bitset_take(&s->uncut, chunk + 1) :
							   BITSET_NONE;

		bitset_set(&s->uncut, chunk);
		if (next != BITSET_NONE && next < chunk) { /* around, and it was tried */
			bitset_set(&s->uncut, next);
			next = BITSET_NONE;
		}
		chunk = next;
	}
	if (chunk == BITSET_NONE) {
		hand_out(s, ret == -ENOMEM);
		return ret;
	}
	atomic_store_explicit(&s->order[chunk], (uint8_t)order, memory_order_relaxed);
	for (unsigned int w = 1; w < 8; w++) {
		uint64_t all = word_all(order, w);

		if (all != 0) {
			/* release: pairs with the exchange in chunk_grab(). */
			atomic_store_explicit(&s->chunk[chunk].free[w], all, memory_order_release);
			more = true;
		}
	}
	mag_add_word(m, order, chunk, 0, word_all(order, 0));
	if (more)
		bitset_set(&s->avail[order], chunk);
	hand_out(s, more);
	m->hint = chunk;
	return 0;
}

/* Give @p n objects back, those of one word with one atomic operation. */
void
iova_space_put(struct iova_space *s, unsigned int order, const uint32_t *pfn, uint32_t n)
{
	for (uint32_t i = 0; i < n;) {
		uint32_t chunk = pfn[i] / IOVA_CHUNK_PAGES;
		unsigned int w = ((pfn[i] % IOVA_CHUNK_PAGES) >> order) / 64;
		uint64_t bits = 0;

		while (i < n && pfn[i] / IOVA_CHUNK_PAGES == chunk &&
		       ((pfn[i] % IOVA_CHUNK_PAGES) >> order) / 64 == w) {
			bits |= UINT64_C(1) << (((pfn[i] % IOVA_CHUNK_PAGES) >> order) % 64);
			i++;
		}
		chunk_give(s, order, chunk, w, bits);
	}
}

/* Batches into their chunks. @return whether there was one. */
static bool
depot_empty(struct iova_space *s)
{
	uint32_t pfn[DEPOT_BATCH];
	bool any = false;

	hand_in(s);
	for (unsigned int o = 0; o < IOVA_ORDERS; o++) {
		while (depot_get(&s->depot, o, pfn)) {
			iova_space_put(s, o, pfn, DEPOT_BATCH);
			any = true;
		}
	}
	hand_out(s, any);
	return any;
}

/* Short of space. @return whether it brought something. */
static bool
rollover(struct iova_space *s)
{
	bool batches = depot_empty(s);

	return iova_space_regain(s) != 0 || batches;
}

int
iova_space_fill(struct iova_space *s, struct iova_mag *m, unsigned int order)
{
	uint32_t pfn[DEPOT_BATCH];
	int ret = -ENOSPC;

	if (depot_get(&s->depot, order, pfn)) {
		for (unsigned int i = 0; i < DEPOT_BATCH; i++)
			iova_put_in(m, pfn[i]);
		return 0;
	}
	for (unsigned int looks = 0; looks <= HAND_LOOKS; looks++) {
		uint32_t given = atomic_load_explicit(&s->given, memory_order_seq_cst), chunk;

		while ((chunk = bitset_find(&s->avail[order], m->hint)) != BITSET_NONE) {
			m->hint = chunk;
			if (chunk_grab(s, m, order, chunk) != 0)
				return 0;
		}
		ret = chunk_cut(s, m, order);
		if (ret != -ENOSPC && ret != -ENOMEM)
			return ret;
		if (looks == 0 && (rollover(s) || ret == -ENOSPC))
			continue;
		if (ret == -ENOMEM || !hands_wait(s, given)) /* 6, above */
			break;
	}
	return ret;
}

/* Only where a run is to be seen is anything taken; some of it may go meanwhile, and the rest is
 * put back. */
static uint32_t
run_take(struct iova_space *s, uint32_t n)
{
	uint32_t first;

	if (bitset_find_run(&s->uncut, n) == BITSET_NONE)
		return BITSET_NONE;
	hand_in(s);
	first = bitset_take_run(&s->uncut, n);
	hand_out(s, first == BITSET_NONE);
	return first;
}

int
iova_run_get(struct iova_space *s, uint32_t pages, uint32_t *pfn)
{
	uint32_t n = (pages + IOVA_CHUNK_PAGES - 1) / IOVA_CHUNK_PAGES, first;

	for (unsigned int looks = 0;; looks++) {
		uint32_t given = atomic_load_explicit(&s->given, memory_order_seq_cst);

		first = run_take(s, n);
		if (first != BITSET_NONE)
			break;
		if (looks == 0)
			(void)rollover(s);
		else if (!hands_wait(s, given) || looks == HAND_LOOKS) /* 6 */
			return -ENOSPC;
	}
	for (uint32_t i = 0; i < n; i++) {
		int ret = s->prepare(s->arg, first + i);

		if (ret != 0) {
			for (uint32_t k = 0; k < n; k++)
				bitset_set(&s->uncut, first + k);
			return ret;
		}
	}
	*pfn = first * IOVA_CHUNK_PAGES;
	return 0;
}

void
iova_run_put(struct iova_space *s, uint32_t pages, uint32_t pfn)
{
	uint32_t n = (pages + IOVA_CHUNK_PAGES - 1) / IOVA_CHUNK_PAGES;

	for (uint32_t i = 0; i < n; i++)
		bitset_set(&s->uncut, pfn / IOVA_CHUNK_PAGES + i);
}

/* (4) for one chunk. */
static bool
chunk_regain(struct iova_space *s, uint32_t chunk, unsigned int order)
{
	struct iova_chunk *c = &s->chunk[chunk];
	uint64_t bits[8];
	bool all = true;

	/* A cheap look first: most chunks have something live. */
	for (unsigned int w = 0; w < 8; w++)
		if (atomic_load_explicit(&c->free[w], memory_order_relaxed) != word_all(order, w))
			return false;
	hand_in(s);
	for (unsigned int w = 0; w < 8; w++) {
		bits[w] = atomic_exchange_explicit(&c->free[w], 0, memory_order_seq_cst);
		all = all && bits[w] == word_all(order, w);
	}
	/* All of them: then it is ours alone, unless the order changed before the exchange. */
	unsigned int now = atomic_load_explicit(&s->order[chunk], memory_order_relaxed);

	if (all && now == order) {
		bitset_clear(&s->avail[order], chunk);
		atomic_store_explicit(&s->order[chunk], IOVA_UNCUT, memory_order_relaxed);
		bitset_set(&s->uncut, chunk);
		hand_out(s, true);
		return true;
	}
	for (unsigned int w = 0; w < 8; w++)
		if (bits[w] != 0)
			chunk_give(s, now, chunk, w, bits[w]);
	hand_out(s, true);
	return false;
}

uint32_t
iova_space_regain(struct iova_space *s)
{
	uint32_t n = 0;

	(void)depot_empty(s);

	for (uint32_t chunk = 0; chunk < s->nb_chunks; chunk++) {
		unsigned int order = atomic_load_explicit(&s->order[chunk], memory_order_relaxed);

		if (order < IOVA_ORDERS && chunk_regain(s, chunk, order))
			n++;
	}
	return n;
}
