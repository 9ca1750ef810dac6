/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Generated workloads. The same seed gives the same bytes in the same order.
 */
#include <stdlib.h>

#include "workload.h"

#define IMIX_ROUNDS 100u /* of 12 packets each: a working set like that of a short capture */
#define BLK_BLOCKS  256u
#define BLK_BYTES   4096u

/* xorshift64*: small and good enough to fill packets. */
static uint64_t
next(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t
seeded(uint64_t seed)
{
	uint64_t s = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	return s != 0 ? s : 1;
}

static void
shuffle(struct perf_item *it, uint32_t n, uint64_t *s)
{
	for (uint32_t i = n - 1; i > 0; i--) {
		uint32_t j = (uint32_t)(next(s) % (i + 1));
		struct perf_item t = it[i];

		it[i] = it[j];
		it[j] = t;
	}
}

/* Give each item its bytes; lengths and directions are set. */
static int
fill(struct perf_workload *w, uint64_t *s)
{
	size_t total = 0, at = 0;

	for (uint32_t i = 0; i < w->nb_items; i++)
		total += w->item[i].len;
	w->arena = malloc(total);
	if (w->arena == NULL)
		return -1;
	for (size_t i = 0; i < total; i++)
		w->arena[i] = (uint8_t)(next(s) >> 56);
	for (uint32_t i = 0; i < w->nb_items; i++) {
		struct perf_item *it = &w->item[i];

		it->data = w->arena + at;
		it->cap = it->len;
		it->index = i;
		at += it->len;
	}
	return 0;
}

int
perf_gen_imix(struct perf_workload *w, uint64_t seed)
{
	static const uint16_t mix[12] = { 64, 64, 64, 64, 64, 64, 64, 594, 594, 594, 594, 1518 };
	uint64_t s = seeded(seed);

	w->nb_items = 12 * IMIX_ROUNDS;
	w->item = calloc(w->nb_items, sizeof(*w->item));
	if (w->item == NULL)
		return -1;
	for (uint32_t i = 0; i < w->nb_items; i++) {
		w->item[i].len = mix[i % 12];
		w->item[i].to_host = true;
	}
	shuffle(w->item, w->nb_items, &s);
	return fill(w, &s);
}

int
perf_gen_blk(struct perf_workload *w, uint64_t seed)
{
	uint64_t s = seeded(seed);

	w->nb_items = BLK_BLOCKS;
	w->item = calloc(w->nb_items, sizeof(*w->item));
	if (w->item == NULL)
		return -1;
	for (uint32_t i = 0; i < w->nb_items; i++) {
		w->item[i].len = BLK_BYTES;
		w->item[i].to_host = i % 2 == 0;
	}
	shuffle(w->item, w->nb_items, &s);
	return fill(w, &s);
}
