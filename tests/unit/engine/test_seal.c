/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A3, at the moment it is about: a flush is being submitted, and somebody unmaps. That entry was
 * queued before the submission was over, and is not of this flush: only one that started later
 * releases it. For every policy whose invalidations come later.
 */
#include "rig.h"

#define PA UINT64_C(0x300000000)
#define N  4u /* entries that the flush is for */

static struct rig r;
static uint64_t late_iova, flush_seq;
static unsigned int submits;
static uint64_t (*submit)(void *queue, const struct sluice_inv *inv, unsigned int n);

/* The first flush: lcore 1 comes before its submission, or after it. */
static bool after;

static void
comes(void)
{
	unsigned int later = rte_lcore_id();

	as_lcore(1);
	assert_true(sluice_unmap_async(r.d, late_iova, 4096, 77) >= 0);
	as_lcore(later);
}

static uint64_t
submit_and_be_late(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	bool first = submits++ == 0;
	uint64_t seq;

	if (first && !after)
		comes();
	seq = submit(queue, inv, n);
	if (first && after)
		comes();
	if (first)
		flush_seq = seq;
	return seq;
}

static void
up(const char *policy)
{
	const struct sluice_domain_conf conf = { .policy = policy, .iova_size = 16 << 20, .batch = N,
						 .ring = 64, .deadline_us = 100,
						 .range_max = UINT32_MAX };

	rig_up(&r, "", &conf);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	r.f->immediate = false;
	r.f->log = true;
	as_lcore(1);
	late_iova = map_ok(r.d, PA, 4096);
	as_lcore(0);
	submits = 0;
	submit = r.iommu->fast.inv_submit;
	r.iommu->fast.inv_submit = submit_and_be_late;
}

static void
down(void)
{
	r.iommu->fast.inv_submit = submit;
	rig_down(&r);
}

/* Longer than any deadline, a turn at a time. */
static void
turns(unsigned int n)
{
	while (n-- != 0) {
		fake_tick(r.f, 200000);
		sluice_engine_poll(r.e);
	}
}

static void
one_policy(const char *policy)
{
	uint64_t iova[N];

	up(policy);
	for (unsigned int i = 0; i < N; i++)
		iova[i] = map_ok(r.d, PA + (i + 1) * 4096, 4096);
	for (unsigned int i = 0; i < N; i++)
		assert_true(sluice_unmap_async(r.d, iova[i], 4096, i) >= 0);
	while (submits == 0)
		turns(1);
	assert_int_equal(stats_of(r.d).pending, N + 1);
	assert_false(fake_covered(r.f, flush_seq, flush_seq, r.d->hw.tag, late_iova, 1));
	/* That flush, and no other, is complete. */
	while (r.f->done < flush_seq)
		fake_complete(r.f, 1);
	turns(4);
	assert_int_equal(stats_of(r.d).released, N);
	assert_int_equal(stats_of(r.d).pending, 1);
	/* The next one is for it. */
	assert_true(submits > 1);
	assert_true(fake_covered(r.f, flush_seq + 1, r.f->submitted, r.d->hw.tag, late_iova, 1));
	fake_complete_all(r.f);
	turns(4);
	assert_int_equal(stats_of(r.d).pending, 0);
	down();
}

static void
a3_not_of_the_flush_that_is_being_submitted(void **state)
{
	static const char *const policies[] = { "deferred", "strict-async", "deferred-single" };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(policies); i++)
		for (unsigned int k = 0; k < 2; k++) {
			after = k;
			one_policy(policies[i]);
		}
}

/* rollover has no queue, and flushes when its window wraps, or is drained; it counts by the same rule. */
static void
a3_not_counted_as_flushed(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < 2; k++) {
		after = k;
		up("rollover");
		r.f->immediate = true;
		for (unsigned int i = 0; i < N; i++)
			assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
		assert_int_equal(sluice_domain_drain(r.d), 0);
		assert_int_equal(submits, 1);
		assert_int_equal(stats_of(r.d).released, N);
		assert_int_equal(stats_of(r.d).pending, 1);
		down();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a3_not_of_the_flush_that_is_being_submitted),
		cmocka_unit_test(a3_not_counted_as_flushed),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
