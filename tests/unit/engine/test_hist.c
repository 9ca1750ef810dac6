/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * hist.h: buckets hold what they say, quantiles are never below the truth and within 1/16 of it.
 */
#include "rig.h"

static void
index_and_upper_agree(void **state)
{
	(void)state;
	/* Every bucket ends right before the next one begins. */
	for (unsigned int i = 0; i < SLUICE_HIST_BUCKETS; i++) {
		uint64_t up = sluice_hist_upper(i);

		assert_int_equal(sluice_hist_index(up), i);
		if (i + 1 < SLUICE_HIST_BUCKETS)
			assert_int_equal(sluice_hist_index(up + 1), i + 1);
	}
	assert_int_equal(sluice_hist_upper(SLUICE_HIST_BUCKETS - 1), (UINT64_C(1) << 40) - 1);
}

static void
exact_below_32_then_within_a_sixteenth(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (uint64_t v = 0; v < 32; v++)
		assert_int_equal(sluice_hist_upper(sluice_hist_index(v)), v);
	for (unsigned int k = 0; k < 100000; k++) {
		uint64_t v = rnd(&seed) >> (24 + rnd(&seed) % 40);
		uint64_t up = sluice_hist_upper(sluice_hist_index(v));

		assert_true(up >= v && up - v <= v / 16);
	}
}

static void
large_values_share_the_last(void **state)
{
	(void)state;
	assert_int_equal(sluice_hist_index(UINT64_C(1) << 40), SLUICE_HIST_BUCKETS - 1);
	assert_int_equal(sluice_hist_index(UINT64_MAX), SLUICE_HIST_BUCKETS - 1);
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
quantiles_against_sorted(void **state)
{
	static const double q[] = { 0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0 };
	static uint64_t v[5000];
	struct sluice_hist *h = calloc(1, sizeof(*h));
	uint64_t seed = 7, sum = 0;

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		v[i] = rnd(&seed) >> (30 + rnd(&seed) % 34);
		sum += v[i];
		sluice_hist_add(h, v[i]);
	}
	qsort(v, 5000, sizeof(v[0]), by_value);
	for (unsigned int k = 0; k < RTE_DIM(q); k++) {
		uint64_t rank = (uint64_t)(q[k] * 5000);
		uint64_t truth, got = sluice_hist_quantile(h, q[k]);

		if ((double)rank < q[k] * 5000 || rank == 0)
			rank++;
		truth = v[rank - 1];
		assert_true(got >= truth && got - truth <= truth / 16);
	}
	assert_int_equal(sluice_hist_quantile(h, 1.0), v[4999]);
	assert_int_equal(h->max, v[4999]);
	assert_int_equal(h->sum, sum);
	assert_true(sluice_hist_mean(h) == (double)sum / 5000.0);
	free(h);
}

static void
empty_merge_and_reset(void **state)
{
	struct sluice_hist *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));

	(void)state;
	assert_int_equal(sluice_hist_quantile(a, 0.5), 0);
	assert_true(sluice_hist_mean(a) == 0.0);
	sluice_hist_add_n(a, 10, 3);
	sluice_hist_add_n(b, 1000, 5);
	sluice_hist_merge(a, b);
	assert_int_equal(a->count, 8);
	assert_int_equal(a->sum, 5030);
	assert_int_equal(a->max, 1000);
	assert_int_equal(a->bucket[10], 3);
	assert_int_equal(a->bucket[sluice_hist_index(1000)], 5);
	assert_int_equal(sluice_hist_quantile(a, 3.0 / 8.0), 10);
	sluice_hist_merge(b, a); /* the larger maximum stays, whichever side has it */
	assert_int_equal(b->max, 1000);
	sluice_hist_reset(a);
	assert_int_equal(a->count, 0);
	assert_int_equal(a->bucket[10], 0);
	assert_int_equal(a->max, 0);
	free(a);
	free(b);
}

/* "The value at or below which a fraction lies" holds beyond the last bucket's edge as well. */
static void
quantile_of_values_beyond_the_last_edge(void **state)
{
	struct sluice_hist *h = calloc(1, sizeof(*h));

	(void)state;
	sluice_hist_add(h, UINT64_C(1) << 41);
	assert_int_equal(sluice_hist_quantile(h, 0.5), UINT64_C(1) << 41);
	free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(index_and_upper_agree),
		cmocka_unit_test(exact_below_32_then_within_a_sixteenth),
		cmocka_unit_test(large_values_share_the_last),
		cmocka_unit_test(quantiles_against_sorted),
		cmocka_unit_test(empty_merge_and_reset),
		cmocka_unit_test(quantile_of_values_beyond_the_last_edge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
