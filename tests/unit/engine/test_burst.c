/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * burst.c: what a burst is on every policy, and what is done for policies without one of their own.
 */
#include "rig.h"

#define PA UINT64_C(0x300000000)

static struct rig r;
static struct sluice_seg seg[40];

static void
up(const char *policy)
{
	const struct sluice_domain_conf conf = { .policy = policy, .iova_size = 8 << 20, .batch = 8,
						 .ring = 64, .deadline_us = 1000 };

	rig_up(&r, "", &conf);
	for (unsigned int i = 0; i < RTE_DIM(seg); i++)
		seg[i] = (struct sluice_seg){ .pa = PA + 0x10000 * i, .len = 4096 * (1 + i % 3),
					      .prot = SLUICE_RW, .cookie = i };
}

static void
down(void)
{
	r.f->immediate = true;
	assert_int_equal(sluice_domain_drain(r.d), 0);
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.maps, st.unmaps + st.live);
	assert_int_equal(st.queued, st.released);
	rig_down(&r);
}

static const char *const policies[] = { "passthrough", "strict", "strict-batched", "deferred",
					"strict-async" };

static void
a_burst_is_one_call_after_the_other(void **state)
{
	uint64_t pa;

	(void)state;
	for (unsigned int p = 0; p < RTE_DIM(policies); p++) {
		up(policies[p]);
		assert_int_equal(sluice_map_burst(r.d, seg, 40), 40);
		for (unsigned int i = 0; i < 40; i++) {
			assert_int_equal(sluice_iova_to_pa(r.d, seg[i].iova, &pa), 0);
			assert_int_equal(pa, seg[i].pa);
		}
		assert_int_equal(stats_of(r.d).maps, 40);
		assert_int_equal(sluice_unmap_burst(r.d, seg, 40), 40);
		assert_int_equal(stats_of(r.d).unmaps, 40);
		assert_int_equal(stats_of(r.d).live, 0);
		assert_int_equal(sluice_map_burst(r.d, seg, 0), 0);
		assert_int_equal(sluice_unmap_burst(r.d, seg, 0), 0);
		down();
	}
}

/* How many were done, from the front, and why not the next. */
static void
a_burst_stops_where_a_call_fails(void **state)
{
	(void)state;
	for (unsigned int p = 1; p < RTE_DIM(policies); p++) {
		up(policies[p]);
		seg[7].prot = 0;
		assert_int_equal(sluice_map_burst(r.d, seg, 40), 7);
		assert_int_equal(rte_errno, EINVAL);
		assert_int_equal(stats_of(r.d).maps, 7);
		assert_int_equal(stats_of(r.d).map_errors, 1);
		uint64_t good = seg[4].iova;

		seg[4].iova += 1 << 20;
		assert_int_equal(sluice_unmap_burst(r.d, seg, 7), 4);
		assert_int_equal(rte_errno, ENOENT);
		assert_int_equal(stats_of(r.d).unmaps, 4);
		assert_int_equal(stats_of(r.d).unmap_errors, 1);
		seg[4].iova = good;
		assert_int_equal(sluice_unmap_burst(r.d, seg + 4, 3), 3);
		down();
	}
}

/* On a policy without cookies an asynchronous unmap is an unmap. */
static void
async_where_there_is_no_async(void **state)
{
	unsigned int later;
	uint64_t cookie;

	(void)state;
	for (unsigned int p = 0; p + 1 < RTE_DIM(policies); p++) {
		up(policies[p]);
		assert_int_equal(sluice_map_burst(r.d, seg, 10), 10);
		assert_int_equal(sluice_unmap_async(r.d, seg[0].iova, seg[0].len, 1), 0);
		later = 99;
		assert_int_equal(sluice_unmap_async_burst(r.d, seg + 1, 9, &later), 9);
		assert_int_equal(later, 0);
		sluice_unmap_kick(r.d);
		sluice_engine_poll(r.e);
		sluice_engine_poll(r.e);
		assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 0);
		assert_int_equal(stats_of(r.d).unmaps, 10);
		down();
	}
}

static void
a_kick_flushes_however_little(void **state)
{
	(void)state;
	up("deferred");
	sluice_unmap_kick(r.d); /* nothing to flush */
	sluice_engine_poll(r.e);
	assert_int_equal(r.f->submitted, 0);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	sluice_engine_poll(r.e);
	assert_int_equal(r.f->submitted, 0);
	sluice_unmap_kick(r.d);
	sluice_engine_poll(r.e);
	assert_int_equal(r.f->submitted, 1);
	down();
	up("strict");
	sluice_unmap_kick(r.d);
	sluice_engine_poll(r.e);
	assert_int_equal(r.f->submitted, 0);
	down();
}

/* Cookies first: `later` counts from the front, whatever happens in the middle. */
static void
later_counts_from_the_front(void **state)
{
	unsigned int later;
	uint64_t cookie[40];

	(void)state;
	up("strict-async");
	assert_int_equal(sluice_map_burst(r.d, seg, 40), 40);
	assert_int_equal(sluice_unmap_async_burst(r.d, seg, 10, &later), 10);
	assert_int_equal(later, 10);
	assert_int_equal(flush_ring_close(&r.d->lc[0]->ring, r.iommu), 0); /* as switch.c */
	assert_int_equal(sluice_unmap_async_burst(r.d, seg + 10, 10, &later), 10);
	assert_int_equal(later, 0);
	assert_int_equal(stats_of(r.d).queued, 10);
	flush_ring_open(&r.d->lc[0]->ring, true);
	assert_int_equal(sluice_unmap_async_burst(r.d, seg + 20, 20, &later), 20);
	assert_int_equal(later, 20);
	sluice_unmap_kick(r.d);
	for (unsigned int i = 0; i < 4; i++)
		sluice_engine_poll(r.e);
	assert_int_equal(sluice_unmap_completed(r.d, cookie, 40), 30);
	for (unsigned int i = 0; i < 30; i++)
		assert_int_equal(cookie[i], i < 10 ? i : i + 10);
	down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_is_one_call_after_the_other),
		cmocka_unit_test(a_burst_stops_where_a_call_fails),
		cmocka_unit_test(async_where_there_is_no_async),
		cmocka_unit_test(a_kick_flushes_however_little),
		cmocka_unit_test(later_counts_from_the_front),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
