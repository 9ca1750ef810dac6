/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * How rollover finds chunks: by tickets, and in rows (rollover.h, 1 and 8).
 */
#include <errno.h>

#include "rollover.h"
#include "../window/window.h"

/* Take a chunk. @return whether it was READY in this round. */
static bool
take(struct rollover *s, uint32_t chunk, uint64_t round)
{
	uint64_t state = ro_state(round, RO_READY);

	/* Acquire: pairs with the release in snapshot(), which comes before rel-round anyway. */
	return atomic_compare_exchange_strong_explicit(&s->state[chunk], &state,
						       ro_state(round, RO_BUSY),
						       memory_order_acquire, memory_order_relaxed);
}

/* Put a chunk back as it was. */
static void
put_back(struct rollover *s, uint32_t chunk, uint64_t round)
{
	atomic_store_explicit(&s->state[chunk], ro_state(round, RO_READY), memory_order_release);
}

static bool
is_ready(const struct rollover *s, uint32_t chunk, uint64_t round)
{
	return atomic_load_explicit(&s->state[chunk], memory_order_relaxed) ==
	       ro_state(round, RO_READY);
}

static bool
is_empty(const struct rollover *s, uint32_t chunk)
{
	uint64_t used = 0;

	for (unsigned int w = 0; w < 8; w++)
		used |= atomic_load_explicit(&s->used[chunk].free[w], memory_order_relaxed);
	return used == 0;
}

/* ---- one ------------------------------------------------------------------------------------- */

/* The next READY chunk from @p from on; with @p tables only one that has a table. */
static uint32_t
next_ready(const struct sluice_domain *d, const struct rollover *s, uint64_t round, uint32_t from,
	   bool tables)
{
	for (uint32_t c = from; c < s->nb_chunks; c++)
		if (is_ready(s, c, round) && (!tables || domain_leaf(d, c * IOVA_CHUNK_PAGES) != NULL))
			return c;
	return NO_CHUNK;
}

/* The next round does not begin, so its tickets are handed out again: otherwise they would ascend
 * without end. If two workers hold the same ticket, the second finds the chunk taken. */
static void
tickets_back(struct rollover *s, uint64_t round)
{
	uint64_t t = atomic_load_explicit(&s->ticket, memory_order_relaxed);

	while (t > (round + 1) * s->nb_chunks && ro_round(s) == round &&
	       !atomic_compare_exchange_weak_explicit(&s->ticket, &t, (round + 1) * s->nb_chunks,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

/* Wait for the round of a ticket. @return 0; -ENOSPC: that round does not begin. */
static int
round_wait(struct sluice_domain *d, struct ro_worker *me, uint64_t round)
{
	struct rollover *s = d->priv;
	uint64_t now;
	int ret = 0;

	atomic_fetch_add_explicit(&s->held[round % ROLLOVER_HELD], 1, memory_order_relaxed);
	while (ret == 0 && (now = ro_round(s)) < round) {
		ret = ro_wrap(d, me, now, SLUICE_ROLLOVER_TABLES, false);
		if (ret != 0)
			tickets_back(s, now);
	}
	atomic_fetch_sub_explicit(&s->held[round % ROLLOVER_HELD], 1, memory_order_relaxed);
	return ret;
}

static bool
advance(struct rollover *s, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong_explicit(&s->ticket, &from, to, memory_order_relaxed,
						       memory_order_relaxed);
}

/* Take the chunk of a ticket, and make sure it has a table. @return 0; -EBUSY; -ENOMEM. */
static int
chunk_use(struct sluice_domain *d, struct rollover *s, uint32_t chunk, uint64_t round, bool tables)
{
	bool has;
	int ret;

	if (!take(s, chunk, round))
		return -EBUSY;
	has = domain_leaf(d, chunk * IOVA_CHUNK_PAGES) != NULL;
	ret = has || !tables ? d->iova.prepare(d->iova.arg, chunk) : -EBUSY;
	if (ret != 0)
		put_back(s, chunk, round);
	else if (!has)
		atomic_fetch_add_explicit(&s->idle, 1, memory_order_relaxed);
	return ret;
}

int
ro_chunk_get(struct sluice_domain *d, struct ro_worker *me, uint32_t *chunk)
{
	struct rollover *s = d->priv;
	uint64_t last = ro_round(s) + ROLLOVER_WRAPS;
	bool no_memory = false;
	int ret;

	for (;;) {
		uint64_t now = ro_round(s), t = atomic_load_explicit(&s->ticket, memory_order_relaxed);
		uint64_t round = t / s->nb_chunks;
		bool tables = no_memory || atomic_load_explicit(&s->idle, memory_order_relaxed) >=
						   SLUICE_ROLLOVER_TABLES; /* 8 */

		if (round > last)
			return no_memory ? -ENOMEM : -ENOSPC;
		*chunk = (uint32_t)(t % s->nb_chunks);
		if (round < now) { /* the round ended early */
			(void)advance(s, t, now * s->nb_chunks);
			continue;
		}
		if (round == now) {
			*chunk = next_ready(d, s, round, *chunk, tables);
			if (*chunk == NO_CHUNK) {
				(void)advance(s, t, (round + 1) * s->nb_chunks);
				continue;
			}
		}
		if (!advance(s, t, round * s->nb_chunks + *chunk + 1))
			continue;
		if (round > now) {
			ret = round_wait(d, me, round);
			if (ret != 0)
				return no_memory ? -ENOMEM : ret;
		}
		ret = chunk_use(d, s, *chunk, round, tables);
		if (ret == 0)
			return 0;
		no_memory |= ret == -ENOMEM;
	}
}

/* ---- many ------------------------------------------------------------------------------------ */

static uint32_t
row_find(const struct rollover *s, uint64_t round, uint32_t n, uint32_t from)
{
	uint32_t got = 0;

	for (uint32_t c = from; c < s->nb_chunks; c++) {
		got = is_ready(s, c, round) && is_empty(s, c) ? got + 1 : 0;
		if (got == n)
			return c + 1 - n;
	}
	return NO_CHUNK;
}

/* Can another round have such a row? A chunk that a worker has may be free by then. */
static bool
row_possible(const struct rollover *s, uint32_t n)
{
	uint32_t got = 0;

	for (uint32_t c = 0; c < s->nb_chunks; c++) {
		unsigned int state = atomic_load_explicit(&s->state[c], memory_order_relaxed) &
				     ((1u << RO_STATE_BITS) - 1);
		bool may = state == RO_BUSY || ro_touched(s, c) || (state == RO_READY && is_empty(s, c));

		got = may ? got + 1 : 0;
		if (got == n)
			return true;
	}
	return false;
}

/* Take all of a row, or none of it. @return 0; -EBUSY; -ENOMEM. */
static int
row_take(struct sluice_domain *d, struct rollover *s, uint64_t round, uint32_t first, uint32_t n)
{
	uint32_t got = 0;
	int ret = 0;

	while (got < n && take(s, first + got, round))
		got++;
	if (got < n)
		ret = -EBUSY;
	for (uint32_t i = 0; i < n && ret == 0; i++)
		ret = d->iova.prepare(d->iova.arg, first + i);
	while (ret != 0 && got > 0)
		put_back(s, first + --got, round);
	return ret;
}

/* Tickets go past the row: chunks before it wait for the next round, to keep IOVAs in order. */
static void
tickets_past(struct rollover *s, uint64_t next)
{
	uint64_t t = atomic_load_explicit(&s->ticket, memory_order_relaxed);

	while (t < next && !atomic_compare_exchange_weak_explicit(&s->ticket, &t, next,
								  memory_order_relaxed,
								  memory_order_relaxed))
		;
}

int
ro_row_get(struct sluice_domain *d, struct ro_worker *me, uint32_t n, uint32_t *first)
{
	struct rollover *s = d->priv;
	uint32_t tables = SLUICE_ROLLOVER_TABLES;
	int none = -ENOSPC;

	for (unsigned int wraps = 0;;) {
		uint64_t now = ro_round(s), t = atomic_load_explicit(&s->ticket, memory_order_relaxed);
		uint32_t from = t < now * s->nb_chunks	      ? 0 :
				t >= (now + 1) * s->nb_chunks ? s->nb_chunks :
								(uint32_t)(t % s->nb_chunks);
		int ret = -ENOSPC;

		*first = row_find(s, now, n, from);
		if (*first != NO_CHUNK)
			ret = row_take(d, s, now, *first, n);
		if (ret == 0) {
			tickets_past(s, now * s->nb_chunks + *first + n);
			return 0;
		}
		if (ret == -EBUSY)
			continue; /* somebody has taken one of them: there is less to find */
		if (ret == -ENOMEM && tables == 0)
			return ret;
		if (ret == -ENOMEM) {
			none = ret;
			tables = 0; /* give up empty tables: their memory may be enough */
		}
		if (wraps++ == ROLLOVER_WRAPS || !row_possible(s, n))
			return none;
		tickets_past(s, (now + 1) * s->nb_chunks);
		if (ro_wrap(d, me, now, tables, wraps > 1) != 0)
			return none;
	}
}
