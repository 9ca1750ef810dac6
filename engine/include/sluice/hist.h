/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A small log2 histogram: 16 linear sub-buckets per power of two (values are exact below 32, then
 * within 1/16), 2^0 … 2^40. It has one writer; readers may look at any time and see a recent state.
 * Everything is inline, so the writer pays one shift, one add and one store.
 */
#ifndef SLUICE_HIST_H
#define SLUICE_HIST_H

#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_HIST_SUB_BITS 4
#define SLUICE_HIST_SUB      (1u << SLUICE_HIST_SUB_BITS)
#define SLUICE_HIST_BUCKETS  (SLUICE_HIST_SUB * (41u - SLUICE_HIST_SUB_BITS))

struct sluice_hist {
	uint64_t count; /**< values recorded */
	uint64_t sum;   /**< their sum */
	uint64_t max;   /**< the largest, exact */
	uint64_t bucket[SLUICE_HIST_BUCKETS];
};

/** The bucket a value falls in; values of 2^40 and more share the last one. */
static inline unsigned int
sluice_hist_index(uint64_t v)
{
	if (v < SLUICE_HIST_SUB)
		return (unsigned int)v;
	unsigned int msb = 63u - (unsigned int)__builtin_clzll(v);
	unsigned int i = ((msb - SLUICE_HIST_SUB_BITS + 1u) << SLUICE_HIST_SUB_BITS) +
			 (unsigned int)((v >> (msb - SLUICE_HIST_SUB_BITS)) & (SLUICE_HIST_SUB - 1u));

	return i < SLUICE_HIST_BUCKETS ? i : SLUICE_HIST_BUCKETS - 1u;
}

/** The largest value that falls in bucket @p i; the last one takes all larger ones too. */
static inline uint64_t
sluice_hist_upper(unsigned int i)
{
	if (i < SLUICE_HIST_SUB)
		return i;
	unsigned int shift = (i >> SLUICE_HIST_SUB_BITS) - 1u;
	uint64_t sub = (i & (SLUICE_HIST_SUB - 1u)) + SLUICE_HIST_SUB;

	return ((sub + 1u) << shift) - 1u;
}

/** Record @p n occurrences of @p v. */
static inline void
sluice_hist_add_n(struct sluice_hist *h, uint64_t v, uint64_t n)
{
	h->bucket[sluice_hist_index(v)] += n;
	h->count += n;
	h->sum += v * n;
	if (v > h->max)
		h->max = v;
}

/** Record one value. */
static inline void
sluice_hist_add(struct sluice_hist *h, uint64_t v)
{
	sluice_hist_add_n(h, v, 1);
}

/**
 * The value below or at which a fraction @p q (0..1) of all values lie: the upper edge of the
 * bucket, never more than the maximum. 0 when nothing was recorded.
 */
static inline uint64_t
sluice_hist_quantile(const struct sluice_hist *h, double q)
{
	uint64_t want = (uint64_t)((double)h->count * q), seen = 0;

	if (h->count == 0)
		return 0;
	if ((double)want < (double)h->count * q || want == 0)
		want++;
	for (unsigned int i = 0; i < SLUICE_HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= want) {
			uint64_t up = sluice_hist_upper(i);

			return up < h->max && i < SLUICE_HIST_BUCKETS - 1u ? up : h->max;
		}
	}
	return h->max;
}

/** The mean, 0 when nothing was recorded. */
static inline double
sluice_hist_mean(const struct sluice_hist *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0.0;
}

/** Add everything in @p b to @p a. */
static inline void
sluice_hist_merge(struct sluice_hist *a, const struct sluice_hist *b)
{
	a->count += b->count;
	a->sum += b->sum;
	if (b->max > a->max)
		a->max = b->max;
	for (unsigned int i = 0; i < SLUICE_HIST_BUCKETS; i++)
		a->bucket[i] += b->bucket[i];
}

/** Forget everything. */
static inline void
sluice_hist_reset(struct sluice_hist *h)
{
	memset(h, 0, sizeof(*h));
}

#ifdef __cplusplus
}
#endif
#endif
