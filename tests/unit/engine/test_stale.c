/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * flush.c, step 7: the stale window of every entry is in the histogram, and is never less than the
 * truth. On a virtual clock the truth is known.
 */
#include "engine/flush/flush.h"
#include "rig.h"

#define PA UINT64_C(0x300000000)

static struct rig r;

static void
up(uint32_t batch, uint32_t ring, uint32_t deadline_us)
{
	const struct sluice_domain_conf conf = { .policy = "deferred", .iova_size = 64 << 20,
						 .batch = batch, .ring = ring,
						 .deadline_us = deadline_us };

	rig_up(&r, "", &conf);
	r.f->immediate = false;
}

static void
one_entry_to_a_few_microseconds(void **state)
{
	const struct sluice_hist *h;

	(void)state;
	up(8, 16, 10000);
	h = sluice_domain_stale_hist(r.d);
	assert_int_equal(h->count, 0);
	fake_tick(r.f, 5000);
	sluice_engine_poll(r.e); /* a look */
	map_unmap(r.d, 1);
	fake_tick(r.f, 100000);
	sluice_engine_poll(r.e); /* sees it; no flush yet */
	atomic_store(&r.d->flush.wishes, flush_wish(SLUICE_FLUSH_DRAIN));
	sluice_engine_poll(r.e);
	atomic_store(&r.d->flush.wishes, 0);
	assert_int_equal(r.f->submitted, 1);
	fake_tick(r.f, 50000);
	fake_complete(r.f, 1);
	assert_int_equal(h->count, 0);
	sluice_engine_poll(r.e);
	assert_int_equal(h->count, 1);
	assert_true(h->max >= 150000 && h->max <= 155000);
	sluice_domain_stale_reset(r.d);
	assert_int_equal(h->count, 0);
	assert_int_equal(h->max, 0);
	rig_down(&r);
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

enum { MAX = 4000 };

/* What two workers queued and when, what the engine released of it, and the windows that were. */
static struct {
	uint64_t queued[2][MAX], n[2], got[2];
	uint64_t truth[2 * MAX], nb, sum, max;
	uint64_t polled, slack; /* the last poll; the longest time between two */
} seen;

/* A poll: what it released ends its window now. */
static void
poll_and_note(void)
{
	sluice_engine_poll(r.e);
	seen.slack = RTE_MAX(seen.slack, r.f->now - seen.polled);
	seen.polled = r.f->now;
	for (unsigned int w = 0; w < 2; w++) {
		uint64_t rel = atomic_load(&r.d->lc[w]->ring.released);

		for (; seen.got[w] < rel; seen.got[w]++) {
			uint64_t t = r.f->now - seen.queued[w][seen.got[w]];

			seen.truth[seen.nb++] = t;
			seen.sum += t;
			seen.max = RTE_MAX(seen.max, t);
		}
	}
}

static void
random_step(uint64_t *s)
{
	unsigned int w = rnd(s) & 1;

	switch (rnd(s) % 5) {
	case 0:
	case 1:
		as_lcore(w);
		if (seen.n[w] - seen.got[w] < 64 && seen.n[w] < MAX) {
			map_unmap(r.d, 1);
			seen.queued[w][seen.n[w]++] = r.f->now;
		}
		break;
	case 2:
		if (rnd(s) % 8 != 0) /* starved now and then: notes run out */
			poll_and_note();
		break;
	case 3:
		fake_tick(r.f, rnd(s) % 3000);
		break;
	default:
		if (r.f->done < r.f->submitted && rnd(s) % 3 == 0)
			fake_complete(r.f, 1);
	}
}

/*
 * Random entries, polls and completions of two workers. The truth: a completion seen by a poll at
 * time T releases an entry queued at t, its window is T - t. Compared as sorted lists: the k-th
 * smallest recorded (by quantile) is no less than the k-th smallest true one, and in sum they are
 * not far apart.
 */
static void
never_less_than_the_truth(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 60; seed += 7) {
		const struct sluice_hist *h;
		uint64_t s = seed;

		memset(&seen, 0, sizeof(seen));
		up(16, 64, 40);
		seen.polled = r.f->now;
		rig_workers(&r, 1);
		h = sluice_domain_stale_hist(r.d);
		for (unsigned int step = 0; step < 12000; step++) {
			random_step(&s);
			/* Every entry released so far was counted, with no less than its due. */
			assert_int_equal(h->count, seen.nb);
			assert_true(h->sum >= seen.sum);
			assert_true(h->max >= seen.max);
		}
		assert_true(seen.nb > 1000);
		qsort(seen.truth, seen.nb, sizeof(seen.truth[0]), by_value);
		for (unsigned int k = 1; k <= 100; k++) {
			uint64_t rank = (seen.nb * k + 99) / 100;

			assert_true(sluice_hist_quantile(h, k / 100.0) >= seen.truth[rank - 1]);
		}
		/* Nor wildly more: the engine's last look and the one before are the error. */
		assert_true(h->sum <= seen.sum + seen.nb * 2 * (seen.slack + 4000) + seen.sum / 4);
		rig_down(&r);
	}
}

/* More looks than notes while nothing completes: still every entry, still not too little. */
static void
out_of_notes(void **state)
{
	const struct sluice_hist *h;

	(void)state;
	up(64, 256, 1000000);
	uint64_t first = r.f->now;

	for (unsigned int i = 0; i < 4 * FLUSH_LOOKS && i < 63; i++) {
		map_unmap(r.d, 1);
		fake_tick(r.f, 5000);
		sluice_engine_poll(r.e);
	}
	assert_int_equal(r.d->lc[0]->ring.look_head - r.d->lc[0]->ring.look_tail, FLUSH_LOOKS);
	map_unmap(r.d, 1); /* the 64th */
	uint64_t last = r.f->now;

	sluice_engine_poll(r.e);
	assert_int_equal(r.f->submitted, 1);
	fake_tick(r.f, 1000000);
	fake_complete(r.f, 1);
	sluice_engine_poll(r.e);
	h = sluice_domain_stale_hist(r.d);
	assert_int_equal(h->count, 64);
	assert_true(h->max >= r.f->now - first);
	assert_true(sluice_hist_quantile(h, 0.0) >= r.f->now - last);
	/* 64 entries, 5 us apart: the exact sum of windows is the least there may be. */
	assert_true(h->sum >= 64 * 1000000 + 5000 * (63 * 64 / 2));
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_entry_to_a_few_microseconds),
		cmocka_unit_test(never_less_than_the_truth),
		cmocka_unit_test(out_of_notes),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
