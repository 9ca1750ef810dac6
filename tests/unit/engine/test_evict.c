/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What was unmapped and hardware did not invalidate (policy/keep.c, object/domain_worker.c): it is
 * invalidated again, its IOVAs have no new user before that, and a drain that returns 0 has left
 * nothing that a device can reach (A12). What hardware was told is read from the fake's log.
 */
#include "engine/policy/persistent.h"
#include "rig.h"

#define PA UINT64_C(0x300000000)

static struct rig r;

/* How an invalidation fails: it is not taken, it is refused, its SYNC is lost. */
enum how { NOT_TAKEN, REFUSED, LOST, HOWS };

static void
up(uint32_t keep_max, uint64_t window)
{
	const struct sluice_domain_conf c = { .policy = "persistent", .iova_size = window,
					      .keep_max = keep_max };

	rig_up(&r, "", &c);
}

/* Every invalidation from now on fails. @return what the caller is told. */
static int
fail_all(enum how how)
{
	r.f->refuse = how == NOT_TAKEN ? UINT32_MAX : 0;
	if (how == REFUSED && r.f->bad_upto != UINT64_MAX) {
		r.f->bad_from = r.f->submitted + 1;
		r.f->bad_upto = UINT64_MAX;
	}
	r.f->immediate = how != LOST;
	return how == LOST ? -ETIMEDOUT : -EIO;
}

/* None does. @return the submission after which they succeed. */
static uint64_t
fail_none(void)
{
	fake_complete_all(r.f);
	r.f->refuse = 0;
	r.f->bad_upto = r.f->bad_upto == UINT64_MAX ? r.f->submitted + 1 : 0; /* those stay refused */
	r.f->immediate = true;
	return r.f->submitted;
}

static void
adds_up(uint64_t pending)
{
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.pending, pending);
	assert_int_equal(st.queued, st.released + pending);
	assert_int_equal(st.exposed_bytes == 0, pending == 0);
	if (pending == 0)
		assert_int_equal(st.oldest_ns, 0);
}

static void
a12_a_drain_says_so_until_it_is_done(void **state)
{
	static const size_t len[] = { 4096, 5 * 4096, 2 << 20 };
	uint64_t iova[RTE_DIM(len)], after;

	(void)state;
	for (enum how how = 0; how < HOWS; how++) {
		up(0, 16 << 20);
		for (unsigned int i = 0; i < RTE_DIM(len); i++)
			iova[i] = map_prot(&r, PA + (i << 24), len[i], SLUICE_RW);
		for (unsigned int i = 0; i < RTE_DIM(len); i++)
			assert_int_equal(sluice_unmap(r.d, iova[i], len[i]), 0);
		fake_tick(r.f, 3000);
		for (unsigned int i = 0; i < 3; i++) {
			int err = fail_all(how);

			assert_int_equal(sluice_domain_drain(r.d), err);
			adds_up(3);
			assert_int_equal(stats_of(r.d).flush_errors, i + 1);
			assert_int_equal(stats_of(r.d).exposed_bytes, (1 + 5 + 512) * 4096);
			assert_true(stats_of(r.d).oldest_ns >= 3000);
		}
		assert_int_equal(sluice_domain_stale_hist(r.d)->count, 0);
		after = fail_none();
		assert_int_equal(sluice_domain_drain(r.d), 0);
		adds_up(0);
		assert_int_equal(r.f->submitted, after + 1);
		for (unsigned int i = 0; i < RTE_DIM(len); i++)
			assert_true(fake_covered(r.f, after + 1, r.f->submitted, r.d->hw.tag, iova[i],
						 len[i] >> 12));
		assert_int_equal(sluice_domain_stale_hist(r.d)->count, 3);
		assert_true(sluice_domain_stale_hist(r.d)->max >= 3000);
		assert_int_equal(sluice_domain_drain(r.d), 0); /* nothing is left to be done */
		assert_int_equal(r.f->submitted, after + 1);
		rig_down(&r);
	}
}

/* All IOVAs are in use, and those of a failed eviction are wanted: none comes back early, none is
 * lost. */
static void
a12_an_iova_waits_for_its_invalidation(void **state)
{
	uint64_t iova[512], no, at, after;

	(void)state;
	for (enum how how = 0; how < HOWS; how++) {
		up(0, 2 << 20);
		for (unsigned int i = 0; i < 512; i++)
			iova[i] = map_prot(&r, PA + i * 4096u, 4096, SLUICE_RW);
		for (unsigned int i = 0; i < 512; i++)
			assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
		(void)fail_all(how);
		for (unsigned int i = 0; i < 10; i++)
			assert_int_equal(sluice_map(r.d, PA << 1, 4096, SLUICE_RW, &no), -ENOSPC);
		adds_up(512);
		after = fail_none();
		for (unsigned int i = 0; i < 512; i++) {
			at = map_prot(&r, (PA << 1) + i * 4096u, 4096, SLUICE_RW);
			assert_true(fake_covered(r.f, after + 1, r.f->submitted, r.d->hw.tag, at, 1));
		}
		adds_up(0);
		rig_down(&r);
	}
}

/* The worker's own next eviction takes it along, with one SYNC for both. */
static void
a12_the_next_eviction_takes_it_along(void **state)
{
	uint64_t iova[20], after = 0;
	unsigned int n;

	(void)state;
	up(4, 16 << 20);
	for (unsigned int i = 0; i < RTE_DIM(iova); i++)
		iova[i] = map_prot(&r, PA + i * 4096u, 4096, SLUICE_RW);
	(void)fail_all(NOT_TAKEN);
	for (n = 0; stats_of(r.d).flush_errors == 0; n++)
		assert_int_equal(sluice_unmap(r.d, iova[n], 4096), 0);
	adds_up(n);
	after = fail_none();
	for (; r.f->submitted == after; n++)
		assert_int_equal(sluice_unmap(r.d, iova[n], 4096), 0);
	assert_int_equal(r.f->submitted, after + 1);
	assert_true(n < RTE_DIM(iova));
	assert_true(stats_of(r.d).pending <= 4);
	assert_int_equal(stats_of(r.d).queued, n);
	for (unsigned int i = 0; i < n - stats_of(r.d).pending; i++)
		assert_true(fake_covered(r.f, after + 1, after + 1, r.d->hw.tag, iova[i], 1));
	rig_down(&r);
}

/* Places of evictions that failed are places: with all of them taken an unmap waits for itself. */
static void
a20_none_is_kept_without_a_place(void **state)
{
	uint64_t iova, kept;

	(void)state;
	up(100, 256 << 20);
	(void)fail_all(NOT_TAKEN);
	for (unsigned int i = 0; i < KEEP_LIMIT; i++) {
		iova = map_prot(&r, PA + i * 4096u, 4096, SLUICE_RW);
		assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	}
	adds_up(KEEP_LIMIT);
	assert_int_equal(stats_of(r.d).pending_max, KEEP_LIMIT);
	kept = iova;
	/* As with strict, its owner is told that it is not out of reach; but not that it was none. */
	iova = map_prot(&r, PA << 1, 4096, SLUICE_RW);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), -EIO);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), -ENOENT);
	assert_int_equal(sluice_unmap(r.d, kept, 4096), -ENOENT);
	assert_int_equal(sluice_domain_drain(r.d), -EIO);
	adds_up(KEEP_LIMIT);
	assert_int_equal(stats_of(r.d).live, 1);
	/* Hardware answers: one strict unmap, and what was left over goes with it. */
	fail_none();
	iova = map_prot(&r, (PA << 1) + 4096, 2 * 4096, SLUICE_RW);
	assert_int_equal(sluice_unmap(r.d, iova, 2 * 4096), 0);
	assert_int_equal(sluice_iova_to_pa(r.d, iova, &kept), -ENOENT);
	assert_true(stats_of(r.d).pending <= 100);
	iova = map_prot(&r, PA << 1, 4096, SLUICE_RW);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	assert_int_equal(sluice_iova_to_pa(r.d, iova, &kept), 0); /* kept, as ever */
	assert_int_equal(sluice_domain_drain(r.d), 0);
	adds_up(0);
	assert_int_equal(stats_of(r.d).live, 1);
	rig_down(&r);
}

/* A worker that cannot give up what it keeps stays, idle, and a drain still finds that. */
static void
a12_a_worker_leaves_nothing_behind(void **state)
{
	uint64_t iova;

	(void)state;
	up(0, 16 << 20);
	rig_workers(&r, 1);
	as_lcore(1);
	iova = map_prot(&r, PA, 4096, SLUICE_RW);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	as_lcore(0);
	int err = fail_all(LOST);

	assert_int_equal(sluice_worker_unregister(r.e, 1), err); /* by its drain */
	assert_int_equal(sluice_worker_register(r.e, 1), -EEXIST);
	adds_up(1);
	/* As if something had been unmapped after the drain. */
	(void)fail_all(NOT_TAKEN);
	pthread_mutex_lock(&r.e->lock);
	domain_worker_del(r.d, 1);
	pthread_mutex_unlock(&r.e->lock);
	adds_up(1);
	assert_int_equal(sluice_domain_drain(r.d), -EIO);
	assert_int_equal(sluice_domain_destroy(r.d), -EIO);
	uint64_t after = fail_none();

	assert_int_equal(sluice_domain_drain(r.d), 0);
	assert_true(fake_covered(r.f, after + 1, r.f->submitted, r.d->hw.tag, iova, 1));
	adds_up(0);
	assert_int_equal(sluice_worker_unregister(r.e, 1), 0);
	assert_null(r.d->lc[1]);
	adds_up(0);
	assert_int_equal(stats_of(r.d).queued, 1);
	rig_down(&r);
}

/* The same of flush queues: what is not invalidated stays pending, and a drain says so. */
static void
a12_flush_queues_say_so_too(void **state)
{
	static const char *const policy[] = { "deferred", "deferred-single", "rollover",
					      "strict-async" };
	uint64_t iova, after, cookie;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(policy) * HOWS; i++) {
		const struct sluice_domain_conf c = { .policy = policy[i / HOWS],
						      .iova_size = 16 << 20 };
		enum how how = i % HOWS;

		rig_up(&r, "", &c);
		iova = map_prot(&r, PA, 4096, SLUICE_RW);
		assert_true(sluice_unmap_async(r.d, iova, 4096, 77) >= 0);
		(void)fail_all(how);
		for (unsigned int k = 0; k < 3; k++) {
			assert_int_equal(sluice_domain_drain(r.d), -ETIMEDOUT);
			assert_int_equal(stats_of(r.d).pending, 1);
			assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 0);
		}
		assert_true(stats_of(r.d).flush_errors >= 1);
		after = fail_none();
		assert_int_equal(sluice_domain_drain(r.d), 0);
		assert_int_equal(stats_of(r.d).pending, 0);
		assert_int_equal(stats_of(r.d).released, 1);
		/* A SYNC that was late is complete now. */
		after = how == LOST ? 0 : after;
		assert_true(fake_covered(r.f, after + 1, r.f->submitted, r.d->hw.tag, iova, 1));
		assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), i / HOWS == 3);
		rig_down(&r);
	}
}

static void
a12_a_worker_leaves_no_entry_behind(void **state)
{
	const struct sluice_domain_conf c = { .policy = "deferred", .iova_size = 16 << 20 };
	uint64_t iova;

	(void)state;
	rig_up(&r, "", &c);
	rig_workers(&r, 1);
	as_lcore(1);
	iova = map_prot(&r, PA, 4096, SLUICE_RW);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	as_lcore(0);
	pthread_mutex_lock(&r.e->lock);
	domain_worker_del(r.d, 1);
	pthread_mutex_unlock(&r.e->lock);
	assert_int_equal(stats_of(r.d).pending, 1);
	assert_int_equal(r.f->submitted, 0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	assert_true(fake_covered(r.f, 1, r.f->submitted, r.d->hw.tag, iova, 1));
	assert_int_equal(stats_of(r.d).pending, 0);
	assert_int_equal(sluice_worker_unregister(r.e, 1), 0);
	assert_null(r.d->lc[1]);
	assert_int_equal(stats_of(r.d).released, 1);
	rig_down(&r);
}

/* ---- any order, any failure: with a device that caches all that it ever could ----------------- */

#define PAGES 3072u

static struct {
	uint64_t pa[PAGES]; /* by page of the window: what the device has cached; 0: nothing */
	uint64_t seen;      /* submissions up to here had their effect */
} tlb;

/* Submissions since the last look had their effect, but for those that were refused. */
static void
tlb_follow(void)
{
	for (uint64_t seq = tlb.seen + 1; seq <= r.f->submitted; seq++) {
		if (seq >= r.f->bad_from && seq < r.f->bad_upto)
			continue;
		for (uint32_t i = 0; i < PAGES; i++)
			if (tlb.pa[i] != 0 &&
			    fake_covered(r.f, seq, seq, r.d->hw.tag, r.d->iova_base + i * 4096u, 1))
				tlb.pa[i] = 0;
	}
	tlb.seen = r.f->submitted;
}

struct live {
	uint64_t iova, pa;
	uint32_t pages;
};

/* The device uses a new mapping: it must find that, and not another one. */
static void
tlb_touch(const struct live *m)
{
	uint32_t pfn = (uint32_t)((m->iova - r.d->iova_base) >> 12);

	for (uint32_t i = 0; i < m->pages; i++) {
		assert_true(tlb.pa[pfn + i] == 0 || tlb.pa[pfn + i] == m->pa + i * 4096u);
		tlb.pa[pfn + i] = m->pa + i * 4096u;
	}
}

/* After a drain: the device has only what is mapped. */
static void
tlb_only(const struct live *live, unsigned int n)
{
	uint32_t cached = 0, pages = 0;

	for (uint32_t i = 0; i < PAGES; i++)
		cached += tlb.pa[i] != 0;
	for (unsigned int i = 0; i < n; i++)
		pages += live[i].pages;
	assert_true(cached <= pages);
	assert_int_equal(stats_of(r.d).pending, 0);
}

/* Of the next submissions some are not taken, or one is refused. */
static void
tlb_fail(uint64_t *seed)
{
	unsigned int dice = (unsigned int)(rnd(seed) % 8);

	r.f->refuse = dice == 0 ? 1 + (unsigned int)(rnd(seed) % 3) : 0;
	r.f->bad_from = dice == 1 ? r.f->submitted + 1 : 0;
	r.f->bad_upto = dice == 1 ? r.f->submitted + 2 : 0;
}

static void
a12_no_device_reaches_what_was_drained(void **state)
{
	struct live live[48];
	unsigned int n = 0, full = 0, drains[2] = { 0, 0 };
	uint64_t seed = 2026;

	(void)state;
	up(20, PAGES * 4096);
	rig_workers(&r, 1);
	memset(&tlb, 0, sizeof(tlb));
	for (unsigned int step = 0; step < 20000; step++) {
		as_lcore(rnd(&seed) & 1);
		fake_tick(r.f, 100);
		tlb_fail(&seed);
		if (rnd(&seed) % 100 == 0) {
			int ret = sluice_domain_drain(r.d);

			tlb_follow();
			drains[ret != 0]++;
			if (ret == 0)
				tlb_only(live, n);
		} else if (n < RTE_DIM(live) && (n == 0 || (rnd(&seed) & 1))) {
			live[n].pa = PA + rnd(&seed) % 4096 * 4096;
			live[n].pages = (rnd(&seed) & 1) ? 64 : 1;
			uint64_t errors = stats_of(r.d).flush_errors;

			if (sluice_map(r.d, live[n].pa, live[n].pages * 4096u, SLUICE_RW,
				       &live[n].iova) != 0) {
				assert_true(stats_of(r.d).flush_errors > errors);
				full++;
				tlb_follow();
				continue;
			}
			tlb_follow();
			tlb_touch(&live[n++]);
		} else {
			unsigned int i = (unsigned int)(rnd(&seed) % n);

			assert_int_equal(sluice_unmap(r.d, live[i].iova, live[i].pages * 4096u), 0);
			tlb_follow();
			live[i] = live[--n];
		}
	}
	/* All of it was seen. */
	assert_true(drains[0] > 50 && drains[1] > 20 && full > 5);
	fail_none();
	assert_int_equal(sluice_domain_drain(r.d), 0);
	tlb_follow();
	tlb_only(live, n);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a12_a_drain_says_so_until_it_is_done),
		cmocka_unit_test(a12_an_iova_waits_for_its_invalidation),
		cmocka_unit_test(a12_the_next_eviction_takes_it_along),
		cmocka_unit_test(a20_none_is_kept_without_a_place),
		cmocka_unit_test(a12_a_worker_leaves_nothing_behind),
		cmocka_unit_test(a12_flush_queues_say_so_too),
		cmocka_unit_test(a12_a_worker_leaves_no_entry_behind),
		cmocka_unit_test(a12_no_device_reaches_what_was_drained),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
