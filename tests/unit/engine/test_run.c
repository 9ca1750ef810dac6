/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * pgtable/run.h against a naive model: every alignment and length, neighbours untouched, and an
 * unmap that names anything but one whole mapping is noticed (A17).
 */
#include <sluice/map.h>

#include "engine/pgtable/run.h"
#include "rig.h"

#define CANARY UINT64_C(0xdeadbeefcafef00d)

static uint64_t table[512 + 2] __attribute__((aligned(4096)));

static uint64_t
want_entry(uint64_t v, uint32_t i, uint32_t n)
{
	return (v + ((uint64_t)i << 12)) | (i == 0 ? PTE_FIRST : 0) |
	       (i == n - 1 ? PTE_LAST : 0);
}

/* All lengths 1 … 512 at all starts that fit: a sample of starts for each, all of them when few. */
static void
set_and_clear_write_exactly_the_run(void **state)
{
	const uint64_t v = UINT64_C(0x7ffff000) | pt_format_get(SLUICE_FORMAT_LPAE_S1_4K)->attr(SLUICE_RW) | LPAE_TABLE;

	(void)state;
	for (uint32_t n = 2; n <= 512; n++) {
		for (uint32_t at = 0; at + n <= 512; at += at < 4 ? 1 : 61) {
			for (uint32_t i = 0; i < 512; i++)
				table[i] = CANARY;
			pte_run_set(&table[at], v, n);
			for (uint32_t i = 0; i < 512; i++)
				assert_int_equal(table[i], i - at < n ? want_entry(v, i - at, n)
								      : CANARY);
			pte_run_clear(&table[at], n);
			for (uint32_t i = 0; i < 512; i++)
				assert_int_equal(table[i], i - at < n ? 0 : CANARY);
		}
	}
	for (uint32_t at = 0; at < 512; at++) {
		table[at] = CANARY;
		pte_run_clear(&table[at], 1);
		assert_int_equal(table[at], 0);
	}
}

/* Write a mapping of n pages as the map path does. */
static void
write_mapping(uint32_t at, uint32_t n)
{
	const uint64_t v = (UINT64_C(0x100000000) + ((uint64_t)at << 12)) | pt_format_get(SLUICE_FORMAT_LPAE_S1_4K)->attr(SLUICE_READ) |
			   LPAE_TABLE;

	if (n == 1)
		pte_store(&table[at], v | PTE_FIRST | PTE_LAST);
	else
		pte_run_set(&table[at], v, n);
}

/* The table full of mappings of many lengths: of all (start, length), only the true ones pass. */
static void
check_accepts_only_one_whole_mapping(void **state)
{
	uint64_t seed = 5;

	(void)state;
	for (unsigned int round = 0; round < 12; round++) {
		uint16_t start_of[512], len_of[512]; /* 0 length: a hole */
		uint32_t at = 0;

		memset(table, 0, sizeof(table));
		while (at < 512) {
			uint32_t max = round < 4 ? 4 : round < 8 ? 40 : 512;
			uint32_t n = 1 + (uint32_t)(rnd(&seed) % RTE_MIN(max, 512 - at));
			bool hole = rnd(&seed) % 5 == 0;

			if (!hole)
				write_mapping(at, n);
			for (uint32_t i = 0; i < n; i++) {
				start_of[at + i] = (uint16_t)at;
				len_of[at + i] = hole ? 0 : (uint16_t)n;
			}
			at += n;
		}
		for (at = 0; at < 512; at++)
			for (uint32_t n = 1; at + n <= 512; n++)
				assert_int_equal(pte_run_check(&table[at], n, true, true),
						 len_of[at] == n && start_of[at] == at);
	}
}

/* Pieces of a mapping longer than a table. */
static void
check_tells_the_pieces_of_a_long_mapping(void **state)
{
	const uint64_t v = UINT64_C(0x100000000) | pt_format_get(SLUICE_FORMAT_LPAE_S1_4K)->attr(SLUICE_RW) | LPAE_TABLE;

	(void)state;
	for (uint32_t n = 1; n <= 512; n += n < 8 ? 1 : 63) {
		for (unsigned int kind = 0; kind < 4; kind++) {
			bool first = kind & 1, last = kind & 2;

			memset(table, 0, sizeof(table));
			for (uint32_t i = 0; i < n; i++)
				table[i] = v + ((uint64_t)i << 12);
			table[0] |= first ? PTE_FIRST : 0;
			table[n - 1] |= last ? PTE_LAST : 0;
			for (unsigned int k = 0; k < 4; k++)
				assert_int_equal(pte_run_check(table, n, k & 1, k & 2), k == kind);
			/* A hole at either end, a mark in the middle. */
			uint64_t was = table[n - 1];

			table[n - 1] = 0;
			assert_false(pte_run_check(table, n, first, last));
			table[n - 1] = was;
			for (uint32_t i = 1; i + 1 < n; i++) {
				table[i] |= PTE_LAST;
				assert_false(pte_run_check(table, n, first, last));
				table[i] &= ~PTE_LAST;
				table[i] |= PTE_FIRST;
				assert_false(pte_run_check(table, n, first, last));
				table[i] &= ~PTE_FIRST;
			}
			assert_true(pte_run_check(table, n, first, last));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_and_clear_write_exactly_the_run),
		cmocka_unit_test(check_accepts_only_one_whole_mapping),
		cmocka_unit_test(check_tells_the_pieces_of_a_long_mapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
