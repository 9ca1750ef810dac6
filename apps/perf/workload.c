/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Items and their bytes, which a device sends and which the check expects.
 */
#include <stdlib.h>
#include <string.h>

#include "msg.h"
#include "workload.h"

#define CACHE_LINE 64u

/* A 64-bit finalizer (the multiply-xorshift of splitmix64). Each input bit changes each output
 * bit, so that neither a shifted nor a swapped packet compares equal. */
static uint64_t
pattern_word(uint32_t index, uint32_t word)
{
	uint64_t x = ((uint64_t)index << 32 | word) + UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

uint8_t
perf_pattern_byte(uint32_t index, uint32_t at)
{
	return (uint8_t)(pattern_word(index, at / 8) >> (at % 8 * 8));
}

void
perf_pattern_fill(uint8_t *dst, uint32_t index, uint32_t from, uint32_t to)
{
	uint32_t at = from;

	while (at < to) {
		uint64_t w = pattern_word(index, at / 8) >> (at % 8 * 8);

		do {
			*dst++ = (uint8_t)w;
			w >>= 8;
			at++;
		} while (at < to && at % 8 != 0);
	}
}

bool
perf_pattern_check(const uint8_t *buf, uint32_t index, uint32_t from, uint32_t to)
{
	for (uint32_t at = from; at < to;) {
		uint64_t w = pattern_word(index, at / 8) >> (at % 8 * 8);

		do {
			if (*buf++ != (uint8_t)w)
				return false;
			w >>= 8;
			at++;
		} while (at < to && at % 8 != 0);
	}
	return true;
}

void
perf_item_copy(const struct perf_item *it, uint8_t *dst)
{
	if (it->cap > 0)
		memcpy(dst, it->data, it->cap);
	perf_pattern_fill(dst + it->cap, it->index, it->cap, it->len);
}

bool
perf_item_check(const struct perf_item *it, const uint8_t *buf)
{
	return (it->cap == 0 || memcmp(buf, it->data, it->cap) == 0) &&
	       perf_pattern_check(buf + it->cap, it->index, it->cap, it->len);
}

static void
spoil(const struct perf_item *it, uint8_t *buf, uint32_t at)
{
	uint8_t right = at < it->cap ? it->data[at] : perf_pattern_byte(it->index, at);

	buf[at] = (uint8_t)~right;
}

void
perf_item_spoil(const struct perf_item *it, uint8_t *buf)
{
	for (uint32_t at = 0; at < it->len; at += CACHE_LINE)
		spoil(it, buf, at);
	spoil(it, buf, it->len - 1);
}

static void
measure(struct perf_workload *w)
{
	for (uint32_t i = 0; i < w->nb_items; i++) {
		const struct perf_item *it = &w->item[i];

		w->bytes += it->len;
		if (it->len > w->max_len)
			w->max_len = it->len;
		w->has_tails |= it->cap < it->len;
		w->has_reads |= !it->to_host;
	}
}

int
perf_workload_load(struct perf_workload *w, const char *what, uint64_t seed)
{
	const char *base = strrchr(what, '/');
	int rc;

	memset(w, 0, sizeof(*w));
	base = base != NULL ? base + 1 : what;
	strncpy(w->name, base, sizeof(w->name) - 1);
	if (strcmp(what, "net:imix") == 0) {
		rc = perf_gen_imix(w, seed);
	} else if (strcmp(what, "blk:4k") == 0) {
		rc = perf_gen_blk(w, seed);
	} else if (strncmp(what, "net:", 4) == 0 || strncmp(what, "blk:", 4) == 0) {
		return perf_usage_error("--workload: unknown workload \"%s\"; known are net:imix, "
					"blk:4k, or a pcap or pcapng file", what);
	} else {
		rc = perf_pcap_load(w, what, 0);
		if (rc != 0) {
			perf_workload_free(w);
			return rc;
		}
	}
	if (rc != 0) {
		perf_workload_free(w);
		return perf_failed("--workload %s: out of memory", what);
	}
	measure(w);
	return 0;
}

void
perf_workload_free(struct perf_workload *w)
{
	free(w->item);
	free(w->arena);
	w->item = NULL;
	w->arena = NULL;
	w->nb_items = 0;
}
