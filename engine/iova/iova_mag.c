/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Magazines, beyond their short ways: filled, spilled, emptied by their owner; taken from by
 * another lcore when the owner idles. The essay is in iova.h; the numbers here are its.
 */
#include <string.h>

#include "hold.h"
#include "iova.h"

/* The owner's own count (iova.h, 1), which a taking thread reads, too. */
static uint32_t
stock(const struct iova_mag *m)
{
	return RELAXED_GET(m->n);
}

/* Where moved: entries @p from … of one magazine, down. */
static void
entries_move(struct iova_mag *m, uint32_t to, uint32_t from, uint32_t n)
{
	if (!SLUICE_TSAN) {
		memmove(&m->pfn[to], &m->pfn[from], n * sizeof(m->pfn[0]));
		return;
	}
	/* A late tag (7) is an atomic access. */
	for (uint32_t i = 0; i < n; i++)
		RELAXED_SET(m->pfn[to + i], RELAXED_GET(m->pfn[from + i]));
}

/* 6: begin a long way. */
static void
mag_own(struct iova_mag *m)
{
	hold_own(&m->hold); /* acq-hold */
	if (m->gone == 0)
		return;
	entries_move(m, 1, m->gone + 1, stock(m) - m->gone);
	iova_mag_publish(m, stock(m) - m->gone);
	RELAXED_SET(m->gone, 0);
}

/* Entries without their tags (7). */
static void
entries_copy(const struct iova_mag *m, uint32_t n, uint32_t *pfn)
{
	for (uint32_t i = 0; i < n; i++)
		pfn[i] = RELAXED_GET(m->pfn[i + 1]) & ~IOVA_TAG;
}

int
iova_mag_refill(struct iova_space *s, struct iova_mag *m, unsigned int order)
{
	int ret = 0;

	mag_own(m);
	if (stock(m) == 0)
		ret = iova_space_fill(s, m, order);
	else
		RELAXED_SET(m->pfn[stock(m)], RELAXED_GET(m->pfn[stock(m)]) & ~IOVA_TAG); /* 7 */
	hold_free(&m->hold);
	return ret;
}

void
iova_mag_spill(struct iova_space *s, struct iova_mag *m, unsigned int order)
{
	uint32_t pfn[DEPOT_BATCH];

	mag_own(m);
	if (stock(m) >= DEPOT_BATCH) {
		entries_copy(m, DEPOT_BATCH, pfn);
		if (!depot_put(&s->depot, order, pfn))
			iova_space_put(s, order, pfn, DEPOT_BATCH);
		entries_move(m, 1, DEPOT_BATCH + 1, stock(m) - DEPOT_BATCH);
		iova_mag_publish(m, stock(m) - DEPOT_BATCH);
	}
	hold_free(&m->hold);
}

void
iova_mag_flush(struct iova_space *s, struct iova_mag *m, unsigned int order)
{
	uint32_t pfn[IOVA_MAG];

	if (stock(m) == 0)
		return;
	mag_own(m);
	entries_copy(m, stock(m), pfn);
	iova_space_put(s, order, pfn, stock(m));
	iova_mag_publish(m, 0);
	hold_free(&m->hold);
}

uint32_t
iova_mag_try(struct iova_mag *m)
{
	uint32_t at;

	if (iova_mag_count(m) == 0)
		return 0;
	if (!hold_try(&m->hold))
		return UINT32_MAX;
	at = RELAXED_GET(m->n);
	if (at > IOVA_MAG || at <= RELAXED_GET(m->gone)) {
		hold_drop(&m->hold);
		return 0;
	}
	__atomic_fetch_or(&m->pfn[at], IOVA_TAG, __ATOMIC_RELAXED); /* 3 */
	return at;
}

bool
iova_mag_look(struct iova_mag *m, uint32_t at)
{
	/* Acquire: for a race detector; the barrier was before. */
	uint32_t n = __atomic_load_n(&m->n, __ATOMIC_ACQUIRE);

	/* The owner is at a take of the floor: -1. */
	if ((int32_t)n >= (int32_t)at)
		return true;
	hold_drop(&m->hold);
	return false;
}

uint32_t
iova_mag_rob(struct iova_space *s, struct iova_mag *m, unsigned int order, uint32_t at)
{
	uint32_t got, pfn[IOVA_MAG];

	if ((RELAXED_GET(m->pfn[at]) & IOVA_TAG) == 0 || !hold_take(&m->hold)) { /* 4, 5 */
		hold_drop(&m->hold);
		return 0;
	}
	got = at - m->gone;
	for (uint32_t i = 0; i < got; i++)
		pfn[i] = RELAXED_GET(m->pfn[m->gone + 1 + i]) & ~IOVA_TAG;
	RELAXED_SET(m->gone, at);
	hold_free(&m->hold); /* rel-hold */
	iova_space_put(s, order, pfn, got);
	return got;
}
