/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * bitset.c: random use against a plain array, sizes around every level's edge, the invariant.
 */
#include "engine/iova/bitset.h"
#include "rig.h"

static const uint32_t sizes[] = { 1, 2, 63, 64, 65, 127, 128, 4095, 4096, 4097, 5000, 70000 };

static void
init_refuses_nonsense(void **state)
{
	struct bitset b;

	(void)state;
	assert_int_equal(bitset_init(&b, 0), -EINVAL);
	assert_int_equal(bitset_init(&b, BITSET_MAX + 1), -EINVAL);
	assert_int_equal(bitset_init(&b, BITSET_MAX), 0);
	assert_true(bitset_valid(&b));
	assert_int_equal(bitset_count(&b), 0);
	assert_int_equal(bitset_find(&b, 0), BITSET_NONE);
	assert_int_equal(bitset_take(&b, BITSET_MAX - 1), BITSET_NONE);
	bitset_set(&b, BITSET_MAX - 1);
	assert_int_equal(bitset_find(&b, 0), BITSET_MAX - 1);
	assert_int_equal(bitset_find(&b, BITSET_MAX), BITSET_MAX - 1);
	bitset_fini(&b);
	bitset_fini(&b);
}

static void
clear_tells_who_had_it(void **state)
{
	struct bitset b;

	(void)state;
	assert_int_equal(bitset_init(&b, 200), 0);
	assert_false(bitset_clear(&b, 100));
	bitset_set(&b, 100);
	bitset_set(&b, 100);
	assert_true(bitset_test(&b, 100));
	assert_true(bitset_clear(&b, 100));
	assert_false(bitset_test(&b, 100));
	assert_false(bitset_clear(&b, 100));
	assert_true(bitset_valid(&b));
	bitset_fini(&b);
}

static void
every_member_is_found_alone(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < RTE_DIM(sizes); k++) {
		struct bitset b;
		uint32_t step = sizes[k] > 5000 ? 37 : 1;

		assert_int_equal(bitset_init(&b, sizes[k]), 0);
		for (uint32_t i = 0; i < sizes[k]; i += step) {
			bitset_set(&b, i);
			assert_true(bitset_valid(&b));
			assert_int_equal(bitset_find(&b, 0), i);
			assert_int_equal(bitset_find(&b, i), i);
			assert_int_equal(bitset_find(&b, i + 1), i); /* around */
			assert_int_equal(bitset_find(&b, sizes[k] - 1), i);
			assert_int_equal(bitset_take(&b, (i * 7) % sizes[k]), i);
			assert_int_equal(bitset_find(&b, 0), BITSET_NONE);
		}
		assert_true(bitset_valid(&b));
		bitset_fini(&b);
	}
}

static uint32_t
model_find(const uint8_t *in, uint32_t size, uint32_t hint)
{
	for (uint32_t i = hint; i < size; i++)
		if (in[i])
			return i;
	for (uint32_t i = 0; i < size; i++)
		if (in[i])
			return i;
	return BITSET_NONE;
}

static uint32_t
model_run(const uint8_t *in, uint32_t size, uint32_t n)
{
	uint32_t row = 0;

	for (uint32_t i = 0; n != 0 && i < size; i++) {
		row = in[i] ? row + 1 : 0;
		if (row == n)
			return i + 1 - n;
	}
	return BITSET_NONE;
}

/* What a find returns is the first member from the hint on, then the first of all. */
static void
random_against_a_model(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < RTE_DIM(sizes); k++) {
		uint32_t size = sizes[k], count = 0;
		uint8_t *in = calloc(size, 1);
		uint64_t seed = 3 + size;
		struct bitset b;

		assert_int_equal(bitset_init(&b, size), 0);
		for (unsigned int step = 0; step < 4000; step++) {
			uint32_t i = (uint32_t)(rnd(&seed) % size);
			uint32_t want, n;

			/* Fuller, then emptier, so that words run full and empty. */
			switch (rnd(&seed) % 4 + (step / 1000) % 2) {
			case 0:
			case 1:
				count += !in[i];
				in[i] = 1;
				bitset_set(&b, i);
				break;
			case 2:
				assert_int_equal(bitset_clear(&b, i), in[i]);
				count -= in[i];
				in[i] = 0;
				break;
			case 3:
				want = model_find(in, size, i);
				assert_int_equal(bitset_find(&b, i), want);
				assert_int_equal(bitset_take(&b, i), want);
				if (want != BITSET_NONE) {
					in[want] = 0;
					count--;
				}
				break;
			default:
				n = 1 + (uint32_t)(rnd(&seed) % 5);
				want = model_run(in, size, n);
				assert_int_equal(bitset_take_run(&b, n), want);
				for (uint32_t j = 0; want != BITSET_NONE && j < n; j++, count--)
					in[want + j] = 0;
			}
			if (step % 64 == 0) {
				assert_true(bitset_valid(&b));
				assert_int_equal(bitset_count(&b), count);
				for (uint32_t j = 0; j < size; j++)
					assert_int_equal(bitset_test(&b, j), in[j]);
			}
		}
		assert_int_equal(bitset_count(&b), count);
		assert_true(bitset_valid(&b));
		bitset_fini(&b);
		free(in);
	}
}

static void
runs_at_the_edges(void **state)
{
	struct bitset b;

	(void)state;
	assert_int_equal(bitset_init(&b, 130), 0);
	for (uint32_t i = 0; i < 130; i++)
		bitset_set(&b, i);
	assert_int_equal(bitset_take_run(&b, 0), BITSET_NONE);
	assert_int_equal(bitset_take_run(&b, 131), BITSET_NONE);
	assert_int_equal(bitset_take_run(&b, UINT32_MAX), BITSET_NONE);
	assert_int_equal(bitset_count(&b), 130);
	assert_int_equal(bitset_take_run(&b, 130), 0);
	assert_int_equal(bitset_count(&b), 0);
	assert_int_equal(bitset_take_run(&b, 1), BITSET_NONE);
	/* A row across words, at the very end, after a gap: what was tried is put back. */
	for (uint32_t i = 0; i < 130; i++)
		if (i != 10 && i != 62)
			bitset_set(&b, i);
	assert_int_equal(bitset_take_run(&b, 68), BITSET_NONE);
	assert_int_equal(bitset_count(&b), 128);
	assert_int_equal(bitset_take_run(&b, 67), 63);
	assert_int_equal(bitset_count(&b), 61);
	assert_true(bitset_valid(&b));
	bitset_fini(&b);
}

/* The invariant can say no. */
static void
valid_notices_a_wrong_summary(void **state)
{
	struct bitset b;

	(void)state;
	assert_int_equal(bitset_init(&b, 5000), 0);
	bitset_set(&b, 4321);
	b.level[1][4321 / 64 / 64] = 0;
	assert_false(bitset_valid(&b));
	bitset_set(&b, 4321);
	assert_true(bitset_valid(&b));
	b.level[2][0] |= 1;
	assert_false(bitset_valid(&b));
	bitset_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_refuses_nonsense),
		cmocka_unit_test(clear_tells_who_had_it),
		cmocka_unit_test(every_member_is_found_alone),
		cmocka_unit_test(random_against_a_model),
		cmocka_unit_test(runs_at_the_edges),
		cmocka_unit_test(valid_notices_a_wrong_summary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
