/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * flush_wait.c, and what flush.c and map.c do for it: when no IOVA is left, all flush queues are emptied
 * before the map fails (A6).
 */
#include "rig.h"

#define PA    UINT64_C(0x300000000)
#define PAGES IOVA_CHUNK_PAGES

/* One chunk; nothing is flushed by itself. */
static struct sluice_domain_conf
conf_of(const char *policy)
{
	return (struct sluice_domain_conf){ .policy = policy, .iova_size = 2 << 20, .batch = 1024,
					    .ring = 1024, .deadline_us = 1000000 };
}

static struct rig r;
static uint64_t iova[PAGES];

static void
up(const char *policy)
{
	struct sluice_domain_conf conf = conf_of(policy);

	rig_up(&r, "", &conf);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
}

static void
map_all(unsigned int lcore)
{
	as_lcore(lcore);
	for (unsigned int i = 0; i < PAGES; i++)
		iova[i] = map_ok(r.d, PA + i * UINT64_C(4096), 4096);
}

static void
unmap_all(unsigned int lcore)
{
	as_lcore(lcore);
	for (unsigned int i = 0; i < PAGES; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
}

static int
map_errno(void)
{
	uint64_t v;

	return sluice_map(r.d, PA, 4096, SLUICE_RW, &v);
}

/* All IOVAs wait in the ring of a worker that does nothing any more. */
static void
a6_map_waits_for_flush_queues(void **state)
{
	(void)state;
	up("deferred");
	map_all(1);
	unmap_all(1);
	assert_int_equal(r.f->submitted, 0);
	map_all(0); /* every one of them */
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.flushes[SLUICE_FLUSH_ROLLOVER], 1);
	assert_int_equal(st.released, PAGES);
	assert_int_equal(st.pending, 0);
	assert_true(fake_covered(r.f, 1, r.f->submitted, r.d->hw.tag, iova[0], 1));
	/* The idle worker finds nothing in its ring to take a second time. */
	as_lcore(1);
	assert_int_equal(map_errno(), -ENOSPC);
	assert_int_equal(r.d->lc[1]->mag[0].n, 0);
	unmap_all(0);
	map_all(1);
	unmap_all(1);
	assert_int_equal(atomic_load(&r.d->flush.wishes), 0);
	rig_down(&r);
}

/* The IOVA does not come back before the invalidation is complete, nor after for ever. */
static unsigned int relaxed;

static void
complete_late(void *arg)
{
	(void)arg;
	if (++relaxed == 100)
		fake_complete_all(r.f);
}

static void
a6_waits_for_the_invalidation(void **state)
{
	(void)state;
	up("deferred");
	r.f->immediate = false;
	map_all(1);
	unmap_all(1);
	relaxed = 0;
	r.f->on_relax = complete_late;
	as_lcore(0);
	assert_int_equal(map_errno(), 0);
	assert_true(relaxed >= 100);
	rig_down(&r);
}

static void
a6_is_bounded(void **state)
{
	uint64_t start;

	(void)state;
	up("deferred");
	r.f->immediate = false; /* the hardware never answers */
	map_all(1);
	unmap_all(1);
	as_lcore(0);
	start = r.f->now;
	assert_int_equal(map_errno(), -ENOSPC);
	assert_true(r.f->now - start <= 3 * FAKE_TIMEOUT);
	assert_int_equal(atomic_load(&r.d->flush.wishes), 0);
	/* What was lost comes back when it is complete after all. */
	fake_complete_all(r.f);
	assert_int_equal(map_errno(), 0);
	rig_down(&r);
}

static void
a6_cookies_survive_a_flush_wait(void **state)
{
	uint64_t cookie[PAGES];
	unsigned int n;

	(void)state;
	up("strict-async");
	map_all(1);
	for (unsigned int i = 0; i < PAGES; i++)
		assert_int_equal(sluice_unmap_async(r.d, iova[i], 4096, 1000 + i), 1);
	map_all(0);
	as_lcore(1);
	assert_int_equal(map_errno(), -ENOSPC); /* looks through its ring, and leaves cookies there */
	n = sluice_unmap_completed(r.d, cookie, PAGES);
	assert_int_equal(n, PAGES);
	for (unsigned int i = 0; i < PAGES; i++)
		assert_int_equal(cookie[i], 1000 + i);
	assert_int_equal(map_errno(), -ENOSPC); /* they are the other worker's now */
	as_lcore(0);
	for (unsigned int i = 0; i < PAGES; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
	rig_down(&r);
}

/* Objects of several orders, and more than a chunk; exposed_bytes is right afterwards. */
static void
a6_gives_back_every_size(void **state)
{
	struct sluice_domain_conf conf = conf_of("deferred");
	const size_t len[] = { 1 << 12, 3 << 12, 64 << 12, 2 << 20, 5 << 20 };
	uint64_t v[RTE_DIM(len)], whole;

	(void)state;
	conf.iova_size = 16 << 20;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	as_lcore(1);
	for (unsigned int i = 0; i < RTE_DIM(len); i++)
		v[i] = map_ok(r.d, PA, len[i]);
	for (unsigned int i = 0; i < RTE_DIM(len); i++)
		assert_int_equal(sluice_unmap(r.d, v[i], len[i]), 0);
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		iova_mag_flush(&r.d->iova, &r.d->lc[1]->mag[o], o);
	as_lcore(0);
	whole = map_ok(r.d, PA, 16 << 20);
	assert_int_equal(sluice_unmap(r.d, whole, 16 << 20), 0);
	assert_int_equal(stats_of(r.d).exposed_bytes, 16 << 20);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	as_lcore(1);
	while (flush_ring_reclaim(r.d, r.d->lc[1]) != 0)
		;
	assert_int_equal(stats_of(r.d).exposed_bytes, 4096);
	rig_down(&r);
}

/* Full of live mappings: the error comes, and soon. With nothing queued there is nothing to
 * flush. */
static void
a6_full_is_full(void **state)
{
	(void)state;
	up("deferred");
	map_all(1);
	as_lcore(0);
	assert_int_equal(map_errno(), -ENOSPC);
	assert_int_equal(stats_of(r.d).map_errors, 1);
	assert_int_equal(r.f->submitted, 0);
	unmap_all(1);
	rig_down(&r);
}

/* No queue, no wait. */
static void
a6_strict_does_not_wait(void **state)
{
	uint64_t start;

	(void)state;
	up("strict");
	map_all(1);
	as_lcore(0);
	start = r.f->now;
	assert_int_equal(map_errno(), -ENOSPC);
	assert_int_equal(r.f->now, start);
	unmap_all(1);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a6_map_waits_for_flush_queues),
		cmocka_unit_test(a6_waits_for_the_invalidation),
		cmocka_unit_test(a6_is_bounded),
		cmocka_unit_test(a6_cookies_survive_a_flush_wait),
		cmocka_unit_test(a6_gives_back_every_size),
		cmocka_unit_test(a6_full_is_full),
		cmocka_unit_test(a6_strict_does_not_wait),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
