/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * IOVAs step by step: two allocators that meet in the depot, in a chunk that runs dry, and in one that
 * is regained and cut anew. Nothing is handed out twice, nothing is lost.
 */
#include "engine/iova/iova.h"
#include "steps.h"
#include "tests/unit/engine/rig.h"

#define CHUNKS 1u
#define PAGES  (CHUNKS * IOVA_CHUNK_PAGES)

static struct iova_space s;
static struct iova_mag a, b; /* of who is stopped, of who runs in between */
static unsigned int order_a, order_b;

static int
prepare(void *arg, uint32_t chunk)
{
	(void)arg, (void)chunk;
	return 0;
}

/* ---- the depot: its tag ------------------------------------------------------------------------ */

static struct depot d;
static uint32_t batch_a[DEPOT_BATCH], batch_b[2][DEPOT_BATCH];
static bool got_a, got_b[2];

static void
batch(uint32_t *pfn, uint32_t first)
{
	for (uint32_t i = 0; i < DEPOT_BATCH; i++)
		pfn[i] = first + i;
}

static void
depot_up(void)
{
	assert_int_equal(depot_init(&d), 0);
	for (uint32_t i = 0; i < 3; i++) {
		batch(batch_a, 1000 * i);
		assert_true(depot_put(&d, 0, batch_a));
	}
}

static void
first_gets(void)
{
	got_a = depot_get(&d, 0, batch_a);
}

/* Two out; one comes back as another order's, the other where it was: the head is the same then, what is
 * behind it is not. */
static void
second_gets_and_puts(void)
{
	got_b[0] = depot_get(&d, 0, batch_b[0]);
	got_b[1] = depot_get(&d, 0, batch_b[1]);
	for (unsigned int i = 2; i-- > 0;)
		if (got_b[i] && depot_put(&d, i, batch_b[i]))
			got_b[i] = false;
}

static void
each_batch_once(void)
{
	unsigned int seen[3] = { 0 };

	if (got_a)
		seen[batch_a[0] / 1000]++;
	for (unsigned int i = 0; i < 2; i++)
		if (got_b[i])
			seen[batch_b[i][0] / 1000]++;
	for (unsigned int i = 0; i < 8; i++)
		if (depot_get(&d, i % 2, batch_a))
			seen[batch_a[0] / 1000]++;
	if (seen[0] != 1 || seen[1] != 1 || seen[2] != 1)
		steps_failed("a batch was handed out twice, or lost");
	depot_fini(&d);
}

static void
a_batch_has_one_owner(void **state)
{
	(void)state;
	steps_explore(depot_up, (struct steps_fiber){ first_gets, 0 },
		      (struct steps_fiber){ second_gets_and_puts, 1 }, each_batch_once);
}

/* ---- the space ------------------------------------------------------------------------------- */

static uint8_t live[PAGES];
static uint32_t given[64];

static void
take_all(struct iova_mag *m, unsigned int order)
{
	for (; m->n != 0; m->n--)
		for (uint32_t p = m->pfn[m->n]; p < m->pfn[m->n] + (1u << order); p++)
			if (live[p]++ != 0)
				steps_failed("a page was handed out twice");
}

static void
space_up(void)
{
	assert_int_equal(iova_space_init(&s, CHUNKS, prepare, NULL), 0);
	memset(live, 0, sizeof(live));
	iova_mag_init(&a);
	iova_mag_init(&b);
	order_a = order_b = 0;
}

static void
first_refills(void)
{
	(void)iova_mag_refill(&s, &a, order_a);
}

/* Whoever has something free can be found. */
static void
nothing_is_lost(void)
{
	take_all(&a, order_a);
	take_all(&b, order_b);
	for (uint32_t c = 0; c < CHUNKS; c++) {
		unsigned int order = s.order[c];

		for (unsigned int w = 0; w < 8 && order < IOVA_ORDERS; w++)
			if (s.chunk[c].free[w] != 0 && !bitset_test(&s.avail[order], c))
				steps_failed("a chunk has something to give that nobody finds");
	}
	for (unsigned int order = 0; order < IOVA_ORDERS; order++)
		while (iova_mag_refill(&s, &a, order) == 0)
			take_all(&a, order);
	for (uint32_t p = 0; p < PAGES; p++)
		if (live[p] != 1)
			steps_failed("a page was lost, or is of two owners");
	iova_space_fini(&s);
}

/* All but the last word of a chunk is taken; some of it comes back while that is taken, too. */
static void
last_word_up(void)
{
	space_up();
	for (unsigned int i = 0; i < 7; i++) {
		assert_int_equal(iova_mag_refill(&s, &b, 0), 0);
		if (i == 0)
			memcpy(given, b.pfn + 1, sizeof(given));
		take_all(&b, 0);
	}
}

static void
second_gives_back(void)
{
	for (unsigned int i = 0; i < RTE_DIM(given); i++)
		live[given[i]] = 0;
	iova_space_put(&s, 0, given, RTE_DIM(given));
}

static void
given_back_is_found(void **state)
{
	(void)state;
	steps_explore(last_word_up, (struct steps_fiber){ first_refills, 0 },
		      (struct steps_fiber){ second_gives_back, 1 }, nothing_is_lost);
}

/* A chunk of pairs, all free. */
static void
pairs_up(void)
{
	space_up();
	order_a = 1;
	assert_int_equal(iova_mag_refill(&s, &a, 1), 0);
	iova_mag_flush(&s, &a, 1);
}

/* It is regained, and cut into single pages. The first four words are given back while the others are taken: what is free then looks like all
 * that a chunk of pairs has. */
static void
second_cuts_anew(void)
{
	struct iova_mag kept = IOVA_MAG_INIT;

	if (iova_space_regain(&s) == 0)
		return;
	for (unsigned int w = 0; w < 8 && iova_mag_refill(&s, &b, 0) == 0; w++) {
		if (w >= 4) {
			take_all(&b, 0);
			continue;
		}
		memcpy(kept.pfn + 1 + kept.n, b.pfn + 1, b.n * sizeof(b.pfn[0]));
		kept.n += b.n;
		b.n = 0;
	}
	iova_mag_flush(&s, &kept, 0);
}

static void
first_regains(void)
{
	(void)iova_space_regain(&s);
}

static void
a_refill_of_the_wrong_order(void **state)
{
	(void)state;
	steps_explore(pairs_up, (struct steps_fiber){ first_refills, 0 },
		      (struct steps_fiber){ second_cuts_anew, 1 }, nothing_is_lost);
}

static void
a_regain_of_the_wrong_order(void **state)
{
	(void)state;
	steps_explore(pairs_up, (struct steps_fiber){ first_regains, 0 },
		      (struct steps_fiber){ second_cuts_anew, 1 }, nothing_is_lost);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_has_one_owner),
		cmocka_unit_test(given_back_is_found),
		cmocka_unit_test(a_refill_of_the_wrong_order),
		cmocka_unit_test(a_regain_of_the_wrong_order),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
