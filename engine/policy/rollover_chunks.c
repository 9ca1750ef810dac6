/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * rollover's chunks and rounds: the essay is in rollover.h; the step numbers here are the same.
 */
#include <errno.h>

#include "rollover.h"

#define MAX_WRAPS 4u /* rounds that one map goes through */

enum { READY, BUSY, USED, STATE_BITS = 2 };

static uint64_t
state_of(uint64_t round, unsigned int state)
{
	return round << STATE_BITS | state;
}

void
rollover_chunk_pages(const struct rollover *s, uint32_t chunk, uint64_t round, uint64_t *bits)
{
	for (unsigned int w = 0; w < 8; w++)
		bits[w] = round == 0 ? ~UINT64_C(0) :
			  atomic_load_explicit(&s->clear[chunk].free[w], memory_order_relaxed);
}

void
rollover_chunk_done(struct rollover *s, uint32_t chunk)
{
	/* No round's READY: only the next snapshot may take it. */
	atomic_store_explicit(&s->state[chunk], state_of(0, USED), memory_order_release);
}

/* Take a chunk (1). @return 0; -EBUSY not to be had; -ENOMEM no table for it. */
static int
chunk_take(struct sluice_domain *d, struct rollover *s, uint32_t chunk, uint64_t round)
{
	uint64_t state = state_of(round, READY);
	int ret;

	/* Acquire: pairs with the release in snapshot(), which was before R2 anyhow. */
	if (!atomic_compare_exchange_strong_explicit(&s->state[chunk], &state, state_of(round, BUSY),
						     memory_order_acquire, memory_order_relaxed))
		return -EBUSY;
	ret = d->iova.prepare(d->iova.arg, chunk);
	if (ret != 0)
		atomic_store_explicit(&s->state[chunk], state_of(round, READY),
				      memory_order_release);
	return ret;
}

static uint64_t
pte_acquire(const uint64_t *pte)
{
	return atomic_load_explicit((const _Atomic uint64_t *)pte, memory_order_acquire);
}

/* 2: chunks that are there for round @p next. @return how many. */
static uint32_t
snapshot(struct sluice_domain *d, struct rollover *s, uint64_t next)
{
	uint32_t ready = 0;

	for (uint32_t c = 0; c < s->nb_chunks; c++) {
		uint64_t state = atomic_load_explicit(&s->state[c], memory_order_acquire); /* A1 */
		const uint64_t *leaf = domain_leaf(d, c * IOVA_CHUNK_PAGES);
		uint64_t any = 0;

		/* First from those who may still want it in this round. */
		if ((state & ((1u << STATE_BITS) - 1)) == BUSY ||
		    !atomic_compare_exchange_strong_explicit(&s->state[c], &state,
							     state_of(next, USED),
							     memory_order_acquire,
							     memory_order_relaxed))
			continue;
		for (unsigned int w = 0; w < 8; w++) {
			uint64_t bits = leaf == NULL ? ~UINT64_C(0) : 0;

			for (unsigned int b = 0; leaf != NULL && b < 64; b++)
				bits |= (uint64_t)(pte_acquire(&leaf[w * 64 + b]) == 0) << b; /* A4 */
			atomic_store_explicit(&s->clear[c].free[w], bits, memory_order_relaxed);
			any |= bits;
		}
		if (any == 0)
			continue;
		atomic_store_explicit(&s->state[c], state_of(next, READY), memory_order_release);
		ready++;
	}
	return ready;
}

static uint64_t
round_now(const struct rollover *s)
{
	return atomic_load_explicit(&s->round, memory_order_acquire); /* A2 */
}

/* Another worker wraps: wait until it has. @return 0 look again; -ENOSPC it takes too long. */
static int
wrap_wait(struct sluice_domain *d, struct rollover *s, uint64_t round)
{
	struct sluice_iommu *iommu = d->iommu;
	uint64_t start = sluice_clock_ticks(&iommu->clock);

	for (unsigned int turn = 1; round_now(s) == round &&
	     atomic_load_explicit(&s->wrapping, memory_order_acquire) != 0; turn++) {
		if (engine_wait_turn(iommu->engine, iommu, turn) != 0 ||
		    sluice_clock_ticks(&iommu->clock) - start > 2 * iommu->sync_timeout)
			return -ENOSPC;
	}
	return 0;
}

/* Who waited for this round and was slow to notice it has its turn before the round is over: else a
 * fast worker could starve it. For a while only; nothing but fairness depends on it. */
static void
let_holders_go(struct sluice_domain *d, struct rollover *s, uint64_t round)
{
	struct sluice_iommu *iommu = d->iommu;
	uint64_t start = sluice_clock_ticks(&iommu->clock);

	for (unsigned int turn = 1;
	     atomic_load_explicit(&s->held[round % 4], memory_order_relaxed) != 0 &&
	     sluice_clock_ticks(&iommu->clock) - start <= iommu->sync_timeout;
	     turn++)
		if (engine_wait_turn(iommu->engine, iommu, turn) != 0)
			break;
}

/* 2 to 4. @return 0: the round after @p round is there, or is worth waiting for; -ENOSPC. */
static int
wrap(struct sluice_domain *d, struct rollover *s, uint64_t round)
{
	int ret = 0;

	if (atomic_exchange_explicit(&s->wrapping, 1, memory_order_acquire) != 0)
		return wrap_wait(d, s, round);
	if (round_now(s) == round) {
		let_holders_go(d, s, round);
		if (snapshot(d, s, round + 1) == 0 || domain_dump(d, SLUICE_FLUSH_ROLLOVER) != 0)
			ret = -ENOSPC;
		else
			atomic_store_explicit(&s->round, round + 1, memory_order_release); /* R2 */
	}
	atomic_store_explicit(&s->wrapping, 0, memory_order_release);
	return ret;
}

/* No memory for the next chunk's table: the round ends here, for those that have tables. */
static void
round_end(struct rollover *s, uint64_t round)
{
	uint64_t t = atomic_load_explicit(&s->ticket, memory_order_relaxed);

	while (t / s->nb_chunks == round &&
	       !atomic_compare_exchange_weak_explicit(&s->ticket, &t, (round + 1) * s->nb_chunks,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

/* The next round does not come: its tickets are given out anew, or there would be ever more of
 * them. Who has one twice finds its chunk taken. */
static void
tickets_back(struct rollover *s, uint64_t round)
{
	uint64_t t = atomic_load_explicit(&s->ticket, memory_order_relaxed);

	while (t > (round + 1) * s->nb_chunks && round_now(s) == round &&
	       !atomic_compare_exchange_weak_explicit(&s->ticket, &t, (round + 1) * s->nb_chunks,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

/* Take @p n chunks; all of them, or none. @return 0; -EBUSY; -ENOMEM no table for one. */
static int
chunks_take(struct sluice_domain *d, struct rollover *s, uint32_t first, uint32_t n, bool whole,
	    uint64_t round)
{
	uint32_t got = 0;
	int ret = 0;

	while (got < n && ret == 0) {
		ret = chunk_take(d, s, first + got, round);
		if (ret != 0)
			break;
		got++;
		for (unsigned int w = 0; whole && round != 0 && w < 8; w++)
			if (atomic_load_explicit(&s->clear[first + got - 1].free[w],
						 memory_order_relaxed) != ~UINT64_C(0))
				ret = -EBUSY;
	}
	while (ret != 0 && got > 0)
		rollover_chunk_done(s, first + --got);
	return ret;
}

/* Use a ticket for @p n chunks: wait for its round, and take them. @return 0; -EBUSY try another;
 * -ENOMEM; -ENOSPC there is no such round. */
static int
ticket_use(struct sluice_domain *d, struct rollover *s, uint64_t t, uint32_t n, bool whole)
{
	uint64_t round = t / s->nb_chunks, now;
	uint32_t first = (uint32_t)(t % s->nb_chunks);

	while ((now = round_now(s)) < round) {
		if (wrap(d, s, now) != 0) {
			tickets_back(s, now);
			return -ENOSPC;
		}
	}
	if (first + (uint64_t)n > s->nb_chunks)
		return -EBUSY;
	return chunks_take(d, s, first, n, whole, round);
}

int
rollover_chunks_get(struct sluice_domain *d, struct rollover *s, uint32_t n, bool whole,
		    uint32_t *first, uint64_t *round)
{
	uint64_t last = round_now(s) + MAX_WRAPS, t;
	int none = -ENOSPC, ret;

	while (n <= s->nb_chunks) {
		t = atomic_fetch_add_explicit(&s->ticket, n, memory_order_relaxed);
		*round = t / s->nb_chunks;
		*first = (uint32_t)(t % s->nb_chunks);
		if (*round > last)
			break;
		atomic_fetch_add_explicit(&s->held[*round % 4], 1, memory_order_relaxed);
		ret = ticket_use(d, s, t, n, whole);
		atomic_fetch_sub_explicit(&s->held[*round % 4], 1, memory_order_relaxed);
		if (ret == 0)
			return 0;
		if (ret == -ENOSPC)
			break;
		if (ret == -ENOMEM) {
			none = ret;
			round_end(s, *round);
		}
	}
	return none;
}
