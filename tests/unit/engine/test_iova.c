/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * iova.c with one thread: random use against an array of owners, exact accounting of free pages,
 * exhaustion exactly when full, chunks that are regained and cut anew, a prepare that fails.
 */
#include "engine/iova/iova.h"
#include "rig.h"

static unsigned int prepared, prepare_fail_at;
static uint8_t prepared_chunk[4096];

static int
prepare(void *arg, uint32_t chunk)
{
	assert_ptr_equal(arg, &prepared);
	if (prepare_fail_at != 0 && --prepare_fail_at == 0)
		return -ENOMEM;
	prepared++;
	prepared_chunk[chunk] = 1;
	return 0;
}

static void
space_up(struct iova_space *s, uint32_t chunks)
{
	prepared = prepare_fail_at = 0;
	memset(prepared_chunk, 0, sizeof(prepared_chunk));
	assert_int_equal(iova_space_init(s, chunks, prepare, &prepared), 0);
	assert_int_equal(iova_space_free_pages(s), (uint64_t)chunks * IOVA_CHUNK_PAGES);
}

static void
init_refuses_nonsense(void **state)
{
	struct iova_space s;

	(void)state;
	assert_int_equal(iova_space_init(&s, 0, prepare, &prepared), -EINVAL);
	assert_int_equal(iova_space_init(&s, BITSET_MAX + 1, prepare, &prepared), -EINVAL);
}

static void
order_rounds_up_to_a_power_of_two(void **state)
{
	(void)state;
	assert_int_equal(iova_order(0), 0);
	for (uint32_t p = 1; p <= IOVA_MAX_PAGES; p += p < 2000 ? 1 : 997) {
		unsigned int o = iova_order(p);

		assert_true((UINT64_C(1) << o) >= p);
		assert_true(o == 0 || (UINT64_C(1) << (o - 1)) < p);
	}
	assert_int_equal(iova_order(512), IOVA_ORDERS - 1);
	assert_int_equal(iova_order(513), IOVA_ORDERS);
}

/* A refill gives ascending neighbours: contiguous IOVAs for descriptors in a row. */
static void
a_fresh_refill_ascends(void **state)
{
	struct iova_mag m = IOVA_MAG_INIT;
	struct iova_space s;

	(void)state;
	space_up(&s, 4);
	for (uint32_t i = 0; i < 300; i++) {
		uint32_t pfn;

		assert_int_equal(iova_get(&s, &m, 0, &pfn), 0);
		assert_int_equal(pfn, i);
	}
	iova_mag_flush(&s, &m, 0);
	iova_space_fini(&s);
}

/* Each order fills the whole space, then -ENOSPC; everything given back is there again. */
static void
enospc_exactly_when_full(void **state)
{
	const uint32_t chunks = 5;

	(void)state;
	for (unsigned int o = 0; o < IOVA_ORDERS; o++) {
		uint32_t n = chunks * (IOVA_CHUNK_PAGES >> o), pfn;
		uint8_t *taken = calloc(chunks * IOVA_CHUNK_PAGES, 1);
		uint32_t *all = calloc(n, sizeof(*all));
		struct iova_mag m = IOVA_MAG_INIT;
		struct iova_space s;

		space_up(&s, chunks);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(iova_get(&s, &m, o, &all[i]), 0);
			assert_int_equal(all[i] % (1u << o), 0);
			assert_true(all[i] + (1u << o) <= chunks * IOVA_CHUNK_PAGES);
			assert_int_equal(prepared_chunk[all[i] / IOVA_CHUNK_PAGES], 1);
			for (uint32_t k = 0; k < 1u << o; k++)
				assert_int_equal(taken[all[i] + k]++, 0);
		}
		assert_int_equal(prepared, chunks);
		assert_int_equal(iova_get(&s, &m, o, &pfn), -ENOSPC);
		for (unsigned int other = 0; other < IOVA_ORDERS; other++) {
			struct iova_mag mo = IOVA_MAG_INIT;

			assert_int_equal(iova_get(&s, &mo, other, &pfn), -ENOSPC);
		}
		assert_int_equal(iova_space_free_pages(&s), 0);
		for (uint32_t i = 0; i < n; i++)
			iova_put(&s, &m, o, all[i]);
		iova_mag_flush(&s, &m, o);
		assert_int_equal(m.n, 0);
		assert_int_equal(iova_space_free_pages(&s), chunks * IOVA_CHUNK_PAGES);
		assert_int_equal(iova_space_regain(&s), chunks);
		assert_int_equal(bitset_count(&s.uncut), chunks);
		for (unsigned int k = 0; k < IOVA_ORDERS; k++) {
			assert_true(bitset_valid(&s.avail[k]));
			assert_int_equal(bitset_count(&s.avail[k]), 0);
		}
		iova_space_fini(&s);
		free(all);
		free(taken);
	}
}

static void
a_full_magazine_spills_its_older_half(void **state)
{
	struct iova_mag m = IOVA_MAG_INIT;
	struct iova_space s;
	uint32_t pfn[IOVA_MAG + 1];

	(void)state;
	space_up(&s, 2);
	for (unsigned int i = 0; i <= IOVA_MAG; i++)
		assert_int_equal(iova_get(&s, &m, 0, &pfn[i]), 0);
	iova_mag_flush(&s, &m, 0);
	for (unsigned int i = 0; i < IOVA_MAG; i++)
		iova_put(&s, &m, 0, pfn[i]);
	assert_int_equal(m.n, IOVA_MAG);
	iova_put(&s, &m, 0, pfn[IOVA_MAG]);
	assert_int_equal(m.n, IOVA_MAG - DEPOT_BATCH + 1);
	/* What was put last, warm in caches, comes out first. */
	for (unsigned int i = 0; i <= IOVA_MAG / 2; i++) {
		uint32_t got;

		assert_int_equal(iova_get(&s, &m, 0, &got), 0);
		assert_int_equal(got, pfn[IOVA_MAG - i]);
	}
	for (unsigned int i = 0; i <= IOVA_MAG / 2; i++)
		iova_put(&s, &m, 0, pfn[IOVA_MAG - i]);
	iova_mag_flush(&s, &m, 0);
	assert_int_equal(iova_space_free_pages(&s), 2 * IOVA_CHUNK_PAGES);
	iova_space_fini(&s);
}

static void
regained_chunks_serve_another_order(void **state)
{
	struct iova_mag m0 = IOVA_MAG_INIT, m5 = IOVA_MAG_INIT, m9 = IOVA_MAG_INIT;
	uint32_t pages[2 * IOVA_CHUNK_PAGES], pfn = 0, keep;
	struct iova_space s;

	(void)state;
	space_up(&s, 2);
	for (uint32_t i = 0; i < 2 * IOVA_CHUNK_PAGES; i++)
		assert_int_equal(iova_get(&s, &m0, 0, &pages[i]), 0);
	assert_int_equal(iova_get(&s, &m9, 9, &pfn), -ENOSPC);
	/* All but one page of one chunk come back: only the other chunk can be cut anew. */
	keep = pages[700];
	for (uint32_t i = 0; i < 2 * IOVA_CHUNK_PAGES; i++)
		if (pages[i] != keep)
			iova_put(&s, &m0, 0, pages[i]);
	iova_mag_flush(&s, &m0, 0);
	assert_int_equal(iova_get(&s, &m9, 9, &pfn), 0);
	assert_int_not_equal(pfn / IOVA_CHUNK_PAGES, keep / IOVA_CHUNK_PAGES);
	assert_int_equal(iova_get(&s, &m9, 9, &pages[0]), -ENOSPC);
	assert_int_equal(iova_get(&s, &m5, 5, &pages[0]), -ENOSPC);
	assert_int_equal(iova_space_free_pages(&s), IOVA_CHUNK_PAGES - 1);
	iova_put(&s, &m0, 0, keep);
	iova_mag_flush(&s, &m0, 0);
	assert_int_equal(iova_get(&s, &m5, 5, &pages[0]), 0);
	assert_int_equal(pages[0] / IOVA_CHUNK_PAGES, keep / IOVA_CHUNK_PAGES);
	iova_put(&s, &m5, 5, pages[0]);
	iova_mag_flush(&s, &m5, 5);
	iova_put(&s, &m9, 9, pfn);
	iova_mag_flush(&s, &m9, 9);
	assert_int_equal(iova_space_free_pages(&s), 2 * IOVA_CHUNK_PAGES);
	iova_space_fini(&s);
}

static void
runs_of_chunks(void **state)
{
	struct iova_space s;
	uint32_t a, b, c;

	(void)state;
	space_up(&s, 8);
	assert_int_equal(iova_run_get(&s, 513, &a), 0);
	assert_int_equal(iova_run_get(&s, 1024, &b), 0);
	assert_int_equal(a % IOVA_CHUNK_PAGES, 0);
	assert_int_equal(b % IOVA_CHUNK_PAGES, 0);
	assert_int_not_equal(a, b);
	assert_int_equal(iova_space_free_pages(&s), 4 * IOVA_CHUNK_PAGES);
	assert_int_equal(prepared, 4);
	assert_int_equal(iova_run_get(&s, 4 * 512 + 1, &c), -ENOSPC);
	assert_int_equal(iova_run_get(&s, 4 * 512, &c), 0);
	iova_run_put(&s, 513, a);
	iova_run_put(&s, 4 * 512, c);
	assert_int_equal(iova_run_get(&s, 5 * 512, &c), -ENOSPC); /* b is in between */
	iova_run_put(&s, 1024, b);
	assert_int_equal(iova_run_get(&s, 8 * 512, &c), 0);
	assert_int_equal(iova_run_get(&s, 8 * 512 + 1, &a), -ENOSPC);
	iova_run_put(&s, 8 * 512, c);
	/* Chunks that were cut and are free again serve a run. */
	struct iova_mag m = IOVA_MAG_INIT;

	assert_int_equal(iova_get(&s, &m, 0, &a), 0);
	iova_put(&s, &m, 0, a);
	iova_mag_flush(&s, &m, 0);
	assert_int_equal(iova_run_get(&s, 8 * 512, &c), 0);
	iova_run_put(&s, 8 * 512, c);
	assert_int_equal(iova_space_free_pages(&s), 8 * IOVA_CHUNK_PAGES);
	iova_space_fini(&s);
}

/* The Nth prepare fails, for each N: nothing is lost, and the next try succeeds. */
static void
a_failing_prepare_loses_nothing(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= 6; n++) {
		struct iova_mag m = IOVA_MAG_INIT;
		struct iova_space s;
		uint32_t pfn, run;

		space_up(&s, 6);
		prepare_fail_at = n;
		int ret = iova_run_get(&s, 6 * 512, &run);

		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(iova_space_free_pages(&s), 6 * IOVA_CHUNK_PAGES);
		assert_int_equal(iova_run_get(&s, 6 * 512, &run), 0);
		iova_run_put(&s, 6 * 512, run);

		prepare_fail_at = n;
		unsigned int failed = 0, got = 0;

		while ((ret = iova_get(&s, &m, 9, &pfn)) != -ENOSPC) {
			failed += ret == -ENOMEM;
			got += ret == 0;
			assert_true(ret == 0 || ret == -ENOMEM);
			assert_true(failed + got < 20);
		}
		/* Another chunk is taken, where there is one. */
		assert_int_equal(failed, n == 6);
		assert_int_equal(got, 6);
		iova_space_fini(&s);
	}
}

/*
 * Who frees the first object of a word sets avail afterwards, and may be late: by then the chunk
 * can be regained and cut for another order. A refill that follows such a stale hint must go on.
 */
static void
a_stale_avail_bit_does_not_trap_a_refill(void **state)
{
	struct iova_mag m0 = IOVA_MAG_INIT, m3 = IOVA_MAG_INIT;
	struct iova_space s;
	uint32_t pfn = 0, other = 0;

	(void)state;
	space_up(&s, 3);
	assert_int_equal(iova_get(&s, &m0, 0, &pfn), 0);
	iova_mag_flush(&s, &m0, 0); /* a chunk of order 0 with free objects in every word */
	bitset_set(&s.avail[3], pfn / IOVA_CHUNK_PAGES); /* the late setter */
	alarm(5);
	assert_int_equal(iova_get(&s, &m3, 3, &other), 0);
	alarm(0);
	assert_int_not_equal(other / IOVA_CHUNK_PAGES, pfn / IOVA_CHUNK_PAGES);
	iova_put(&s, &m3, 3, other);
	iova_mag_flush(&s, &m3, 3);
	iova_put(&s, &m0, 0, pfn);
	iova_mag_flush(&s, &m0, 0);
	assert_int_equal(iova_space_free_pages(&s), 3 * IOVA_CHUNK_PAGES);
	iova_space_fini(&s);
}

enum { CHUNKS = 24, LIVE = 3000 };

/* What random_against_owners() knows of the space. */
static struct {
	uint8_t owned[CHUNKS * IOVA_CHUNK_PAGES];
	struct {
		uint32_t pfn, pages;
	} live[LIVE];
	unsigned int n; /* of live */
	struct iova_mag mag[2][IOVA_ORDERS];
	uint64_t held; /* pages */
	unsigned int full;
} model;

static void
model_flush(struct iova_space *s)
{
	for (unsigned int k = 0; k < 2 * IOVA_ORDERS; k++)
		iova_mag_flush(s, &model.mag[k & 1][k / 2], k / 2);
}

static uint32_t
pages_held(uint32_t pages)
{
	unsigned int o = iova_order(pages);

	return o < IOVA_ORDERS ? 1u << o : RTE_ALIGN_CEIL(pages, 512u);
}

static void
model_get(struct iova_space *s, unsigned int lcore, uint32_t pages)
{
	unsigned int o = iova_order(pages);
	uint32_t pfn;
	int ret;

	ret = o < IOVA_ORDERS ? iova_get(s, &model.mag[lcore][o], o, &pfn)
			      : iova_run_get(s, pages, &pfn);
	if (ret != 0) {
		assert_int_equal(ret, -ENOSPC);
		model.full++;
		/* Full? Only if magazines hide what is free. */
		model_flush(s);
		return;
	}
	for (uint32_t k = 0; k < pages; k++)
		assert_int_equal(model.owned[pfn + k]++, 0);
	model.live[model.n].pfn = pfn;
	model.live[model.n++].pages = pages;
	model.held += pages_held(pages);
}

static void
model_put(struct iova_space *s, unsigned int lcore, unsigned int k)
{
	uint32_t pfn = model.live[k].pfn, pages = model.live[k].pages;
	unsigned int o = iova_order(pages);

	for (uint32_t i = 0; i < pages; i++)
		model.owned[pfn + i] = 0;
	if (o < IOVA_ORDERS)
		iova_put(s, &model.mag[lcore][o], o, pfn);
	else
		iova_run_put(s, pages, pfn);
	model.held -= pages_held(pages);
	model.live[k] = model.live[--model.n];
}

static void
model_agrees(const struct iova_space *s)
{
	assert_int_equal(iova_space_free_pages(s), CHUNKS * IOVA_CHUNK_PAGES - model.held);
	for (unsigned int k = 0; k < IOVA_ORDERS; k++)
		assert_true(bitset_valid(&s->avail[k]));
	assert_true(bitset_valid(&s->uncut));
}

/* Random orders, puts by "another lcore", flushes, regains: an array of owners sees all of it. */
static void
random_against_owners(void **state)
{
	uint64_t seed = 99;
	struct iova_space s;

	(void)state;
	space_up(&s, CHUNKS);
	for (unsigned int k = 0; k < 2 * IOVA_ORDERS; k++)
		iova_mag_init(&model.mag[k & 1][k / 2]);
	for (unsigned int step = 0; step < 60000; step++) {
		unsigned int lcore = rnd(&seed) & 1, way = (unsigned int)(rnd(&seed) % 100);

		if (way < 50 + (step / 5000) % 2 * 10 && model.n < LIVE) {
			uint32_t pages = 1u + (uint32_t)(rnd(&seed) >> (55 + rnd(&seed) % 9));

			if (rnd(&seed) % 500 == 0)
				pages = 513 + (uint32_t)(rnd(&seed) % 1500);
			model_get(&s, lcore, pages);
		} else if (model.n != 0) {
			model_put(&s, lcore, (unsigned int)(rnd(&seed) % model.n));
		}
		if (step % 1000 == 0) {
			if (step % 5000 == 0)
				iova_space_regain(&s);
			model_flush(&s);
			model_agrees(&s);
		}
	}
	assert_true(model.full > 0); /* the space did run full */
	iova_space_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_refuses_nonsense),
		cmocka_unit_test(order_rounds_up_to_a_power_of_two),
		cmocka_unit_test(a_fresh_refill_ascends),
		cmocka_unit_test(enospc_exactly_when_full),
		cmocka_unit_test(a_full_magazine_spills_its_older_half),
		cmocka_unit_test(regained_chunks_serve_another_order),
		cmocka_unit_test(runs_of_chunks),
		cmocka_unit_test(a_failing_prepare_loses_nothing),
		cmocka_unit_test(random_against_owners),
		cmocka_unit_test(a_stale_avail_bit_does_not_trap_a_refill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
