/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Fuzz target: any bytes as a capture file. Either packets within bounds, or one line that says why
 * not.
 */
#include "../../apps/perf/workload.h"
#include "fuzz.h"

#define TRY_ITEMS 4u
#define TRY_LEN   65536u

/* What a transfer does with an item: make it, compare it, spoil it. */
static void
play(const struct perf_item *it)
{
	uint8_t *buf = malloc(it->len);

	FUZZ_REQUIRE(buf != NULL);
	perf_item_copy(it, buf);
	FUZZ_REQUIRE(perf_item_check(it, buf));
	perf_item_spoil(it, buf);
	FUZZ_REQUIRE(!perf_item_check(it, buf));
	free(buf);
}

static void
check(const struct perf_workload *w)
{
	const uint8_t *at = w->arena;
	uint64_t bytes = 0;

	FUZZ_REQUIRE(w->nb_items > 0);
	FUZZ_REQUIRE(memchr(w->note, '\0', sizeof(w->note)) != NULL);
	for (uint32_t i = 0; i < w->nb_items; i++) {
		const struct perf_item *it = &w->item[i];

		FUZZ_REQUIRE(it->len > 0 && it->len <= PERF_MAX_ITEM && it->cap <= it->len);
		FUZZ_REQUIRE(it->len <= w->max_len && it->index == i && it->data == at);
		at += it->cap;
		bytes += it->len;
		if (i < TRY_ITEMS && it->len <= TRY_LEN)
			play(it);
	}
	FUZZ_REQUIRE(bytes == w->bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	struct perf_workload w;
	struct fuzz_said said;
	int rc;

	fuzz_listen(&said);
	rc = perf_workload_load(&w, path, 1);
	fuzz_listened(&said);
	if (rc == 0) {
		check(&w);
		perf_workload_free(&w);
	} else {
		FUZZ_REQUIRE(rc == 2 && fuzz_one_line(&said, "sluice-perf: "));
	}
	fuzz_said_free(&said);
	return 0;
}
