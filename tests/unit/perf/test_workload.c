/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Items: the pattern of bytes that were not captured, checks that find every wrong byte, and
 * generated workloads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "workload.h"

static void
pattern_is_by_packet_and_offset(void **state)
{
	uint8_t whole[300], part[300];

	(void)state;
	perf_pattern_fill(whole, 5, 0, 300);
	for (uint32_t from = 0; from < 300; from += 7)
		for (uint32_t to = from; to <= 300; to += 13) {
			memset(part, 0, sizeof(part));
			perf_pattern_fill(part, 5, from, to);
			assert_memory_equal(part, whole + from, to - from);
			for (uint32_t i = to - from; i < 300; i++)
				assert_int_equal(part[i], 0);
			assert_true(perf_pattern_check(part, 5, from, to));
			if (to - from >= 8) {
				assert_false(perf_pattern_check(part, 6, from, to));
				assert_false(perf_pattern_check(part, 5, from + 1, to + 1));
			}
		}
	for (uint32_t i = 0; i < 300; i++)
		assert_int_equal(perf_pattern_byte(5, i), whole[i]);
}

static void
every_wrong_byte_is_found(void **state)
{
	static const uint32_t caps[] = { 0, 1, 63, 64, 199, 200 };
	uint8_t data[200], buf[200];

	(void)state;
	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 3);
	for (unsigned int k = 0; k < sizeof(caps) / sizeof(caps[0]); k++) {
		struct perf_item it = { .data = data, .cap = caps[k], .len = 200, .index = 9 };

		perf_item_copy(&it, buf);
		assert_memory_equal(buf, data, caps[k]);
		assert_true(perf_item_check(&it, buf));
		for (unsigned int i = 0; i < 200; i++) {
			buf[i] ^= 0x10;
			assert_false(perf_item_check(&it, buf));
			buf[i] ^= 0x10;
		}
	}
}

/* A transfer that leaves out any one cache line, or the end, must not pass. */
static void
spoiled_lines_are_found(void **state)
{
	uint8_t data[1000], buf[1000], sent[1000];

	(void)state;
	memset(data, 0xa5, sizeof(data));
	for (uint32_t len = 1; len <= 1000; len += 37) {
		struct perf_item it = { .data = data, .cap = len / 2, .len = len, .index = 1 };

		perf_item_copy(&it, sent);
		for (uint32_t line = 0; line * 64 < len; line++) {
			uint32_t n = len - line * 64 < 64 ? len - line * 64 : 64;

			perf_item_copy(&it, buf);
			perf_item_spoil(&it, buf);
			assert_false(perf_item_check(&it, buf));
			memcpy(buf, sent, line * 64);
			memcpy(buf + line * 64 + n, sent + line * 64 + n, len - line * 64 - n);
			assert_false(perf_item_check(&it, buf));
		}
		perf_item_copy(&it, buf);
		perf_item_spoil(&it, buf);
		memcpy(buf, sent, len - 1);
		assert_false(perf_item_check(&it, buf));
	}
}

static uint32_t
count_len(const struct perf_workload *w, uint32_t len)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->nb_items; i++)
		n += w->item[i].len == len;
	return n;
}

static void
imix_is_7_4_1(void **state)
{
	struct perf_workload w;

	(void)state;
	assert_int_equal(perf_workload_load(&w, "net:imix", 1), 0);
	assert_int_equal(w.nb_items % 12, 0);
	assert_int_equal(count_len(&w, 64), w.nb_items / 12 * 7);
	assert_int_equal(count_len(&w, 594), w.nb_items / 12 * 4);
	assert_int_equal(count_len(&w, 1518), w.nb_items / 12);
	assert_int_equal(w.max_len, 1518);
	assert_int_equal(w.bytes, w.nb_items / 12 * (7 * 64 + 4 * 594 + 1518));
	assert_false(w.has_tails);
	assert_false(w.has_reads);
	perf_workload_free(&w);
}

static void
blk_is_half_reads(void **state)
{
	struct perf_workload w;
	uint32_t writes = 0;

	(void)state;
	assert_int_equal(perf_workload_load(&w, "blk:4k", 1), 0);
	for (uint32_t i = 0; i < w.nb_items; i++)
		writes += w.item[i].to_host;
	assert_int_equal(writes * 2, w.nb_items);
	assert_int_equal(count_len(&w, 4096), w.nb_items);
	assert_true(w.has_reads);
	perf_workload_free(&w);
}

static bool
same(const struct perf_workload *a, const struct perf_workload *b)
{
	for (uint32_t i = 0; i < a->nb_items; i++)
		if (a->item[i].len != b->item[i].len ||
		    memcmp(a->item[i].data, b->item[i].data, a->item[i].len) != 0)
			return false;
	return a->nb_items == b->nb_items;
}

static void
seed_decides(void **state)
{
	struct perf_workload a, b, c;

	(void)state;
	assert_int_equal(perf_workload_load(&a, "net:imix", 7), 0);
	assert_int_equal(perf_workload_load(&b, "net:imix", 7), 0);
	assert_int_equal(perf_workload_load(&c, "net:imix", 8), 0);
	assert_true(same(&a, &b));
	assert_false(same(&a, &c));
	perf_workload_free(&a);
	perf_workload_free(&b);
	perf_workload_free(&c);
}

static void
unknown_is_refused(void **state)
{
	struct perf_workload w;

	(void)state;
	assert_int_equal(perf_workload_load(&w, "net:nothing", 1), 2);
	assert_int_equal(perf_workload_load(&w, "/no/such/file", 1), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pattern_is_by_packet_and_offset),
		cmocka_unit_test(every_wrong_byte_is_found),
		cmocka_unit_test(spoiled_lines_are_found),
		cmocka_unit_test(imix_is_7_4_1),
		cmocka_unit_test(blk_is_half_reads),
		cmocka_unit_test(seed_decides),
		cmocka_unit_test(unknown_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
