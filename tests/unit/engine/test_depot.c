/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The depot: what was left is taken once, whole and of its own order; a full depot says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/iova/depot.h"

static void
batch(uint32_t *pfn, uint32_t first)
{
	for (uint32_t i = 0; i < DEPOT_BATCH; i++)
		pfn[i] = first + i;
}

static void
orders_do_not_mix(void **state)
{
	uint32_t in[DEPOT_BATCH], out[DEPOT_BATCH];
	struct depot d;

	(void)state;
	assert_int_equal(depot_init(&d), 0);
	for (unsigned int o = 0; o < DEPOT_ORDERS; o++) {
		assert_false(depot_get(&d, o, out));
		batch(in, 1000 * o);
		assert_true(depot_put(&d, o, in));
		assert_int_equal(depot_count(&d, o), DEPOT_BATCH);
	}
	for (unsigned int o = 0; o < DEPOT_ORDERS; o++) {
		batch(in, 1000 * o);
		assert_true(depot_get(&d, o, out));
		assert_memory_equal(in, out, sizeof(in));
		assert_false(depot_get(&d, o, out));
		assert_int_equal(depot_count(&d, o), 0);
	}
	depot_fini(&d);
}

static void
full_is_full_and_every_batch_comes_back_once(void **state)
{
	static uint8_t seen[DEPOT_BATCHES];
	uint32_t pfn[DEPOT_BATCH];
	struct depot d;

	(void)state;
	assert_int_equal(depot_init(&d), 0);
	for (unsigned int round = 0; round < 3; round++) {
		memset(seen, 0, sizeof(seen));
		for (uint32_t i = 0; i < DEPOT_BATCHES; i++) {
			batch(pfn, i * DEPOT_BATCH);
			assert_true(depot_put(&d, 0, pfn));
		}
		assert_false(depot_put(&d, 1, pfn));
		assert_int_equal(depot_count(&d, 0), DEPOT_BATCHES * DEPOT_BATCH);
		for (uint32_t i = 0; i < DEPOT_BATCHES; i++) {
			assert_true(depot_get(&d, 0, pfn));
			assert_int_equal(pfn[DEPOT_BATCH - 1], pfn[0] + DEPOT_BATCH - 1);
			assert_int_equal(seen[pfn[0] / DEPOT_BATCH]++, 0);
		}
		assert_false(depot_get(&d, 0, pfn));
	}
	depot_fini(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_do_not_mix),
		cmocka_unit_test(full_is_full_and_every_batch_comes_back_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
