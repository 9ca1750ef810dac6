/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * switch.c (A9, A10): every pair of policies that can be exchanged, in every state; what goes wrong
 * half-way; who kept a pointer to the old one. With threads: tests/stress/stress_switch.c.
 */
#include "engine/policy/set.h"
#include "rig.h"

#define SET policy_set_of(pt_format_get(SLUICE_FORMAT_LPAE_S1_4K))

#define PA UINT64_C(0x300000000)

static const char *const live[] = { "strict", "strict-batched", "deferred", "strict-async" };

static struct rig r;

static struct sluice_domain_conf
conf(const char *policy)
{
	return (struct sluice_domain_conf){ .policy = policy, .iova_size = 8 << 20, .batch = 8,
					    .ring = 16, .deadline_us = 1000 };
}

static void
up(const char *policy)
{
	struct sluice_domain_conf c = conf(policy);

	rig_up(&r, "", &c);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
}

static void
be_patient(void)
{
	r.f->immediate = false;
	r.f->on_relax = rig_serve;
	r.f->on_relax_arg = &r;
}

/* Does an unmap leave something stale behind when it returns? */
static bool
defers(void)
{
	uint64_t iova = map_ok(r.d, PA, 4096), from = r.f->submitted + 1;
	bool stale;

	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	stale = !fake_covered(r.f, from, r.f->immediate ? r.f->submitted : r.f->done, r.d->hw.tag,
			      iova, 1);
	assert_int_equal(stale, stats_of(r.d).pending != 0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	return stale;
}

static bool
comes_later(void)
{
	uint64_t cookie = 0, iova = map_ok(r.d, PA, 4096);
	int ret = sluice_unmap_async(r.d, iova, 4096, 4711);

	assert_true(ret == 0 || ret == 1);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), ret);
	assert_int_equal(cookie, ret == 1 ? 4711 : 0);
	return ret == 1;
}

static void
check_mode(const char *policy)
{
	assert_string_equal(sluice_domain_policy(r.d), policy);
	for (unsigned int lcore = 0; lcore < 2; lcore++) {
		as_lcore(lcore);
		assert_int_equal(defers(), strcmp(policy, "deferred") == 0);
		assert_int_equal(comes_later(), strcmp(policy, "strict-async") == 0);
	}
	as_lcore(0);
}

/* With mappings alive and something queued: nothing is stale when a switch has returned. */
static void
a9_a10_every_pair_both_ways(void **state)
{
	(void)state;
	for (unsigned int a = 0; a < RTE_DIM(live); a++) {
		for (unsigned int b = 0; b < RTE_DIM(live); b++) {
			uint64_t kept, pa, queued[2], from;

			up(live[a]);
			be_patient();
			check_mode(live[a]);
			for (unsigned int round = 0; round < 3; round++) {
				kept = map_ok(r.d, PA + 0x5000, 4096);
				from = r.f->submitted + 1;
				for (unsigned int i = 0; i < 2; i++) {
					as_lcore(i);
					queued[i] = map_ok(r.d, PA, 4096);
					assert_true(sluice_unmap_async(r.d, queued[i], 4096, i) >= 0);
				}
				as_lcore(0);
				assert_int_equal(sluice_domain_set_policy(r.d, live[b]), 0);
				if (a != b)
					for (unsigned int i = 0; i < 2; i++)
						assert_true(fake_covered(r.f, from, r.f->done,
									 r.d->hw.tag, queued[i], 1));
				for (unsigned int i = 0; i < 2; i++) {
					uint64_t cookie;

					as_lcore(i);
					assert_int_equal(sluice_domain_drain(r.d), 0);
					(void)sluice_unmap_completed(r.d, &cookie, 1);
				}
				as_lcore(0);
				check_mode(live[b]);
				assert_int_equal(sluice_iova_to_pa(r.d, kept, &pa), 0);
				assert_int_equal(pa, PA + 0x5000);
				assert_int_equal(sluice_unmap(r.d, kept, 4096), 0);
				assert_int_equal(sluice_domain_set_policy(r.d, live[a]), 0);
				check_mode(live[a]);
			}
			struct sluice_domain_stats st = stats_of(r.d);

			assert_int_equal(st.maps, st.unmaps);
			assert_int_equal(st.queued, st.released);
			for (unsigned int i = 0; i < 2; i++)
				assert_int_equal(sluice_worker_unregister(r.e, i), 0);
			assert_int_equal(iova_space_free_pages(&r.d->iova), 4 * 512);
			rig_down(&r);
		}
	}
}

static void
only_live_ones(void **state)
{
	(void)state;
	for (unsigned int i = 0; sluice_policy_name(i) != NULL; i++) {
		const char *name = sluice_policy_name(i);

		up("strict");
		int want = policy_find(SET, name)->live ? 0 : -EBUSY;

		assert_int_equal(sluice_domain_set_policy(r.d, name), want);
		assert_string_equal(sluice_domain_policy(r.d), want == 0 ? name : "strict");
		assert_int_equal(sluice_domain_set_policy(r.d, "strict"), 0);
		rig_down(&r);
	}
	up("contiguous");
	assert_int_equal(sluice_domain_set_policy(r.d, "strict"), -EBUSY);
	assert_non_null(strstr(sluice_error(), "contiguous"));
	assert_int_equal(sluice_domain_set_policy(r.d, "nonsense"), -EINVAL);
	assert_int_equal(sluice_domain_set_policy(r.d, NULL), -EINVAL);
	rig_down(&r);
	struct sluice_domain_conf c = { .type = SLUICE_DOMAIN_BLOCKED };

	rig_up(&r, "", &c);
	assert_int_equal(sluice_domain_set_policy(r.d, "strict"), -EBUSY);
	rig_down(&r);
}

/* Capabilities are checked on this path too: Linux's does not. */
static void
a9_e1_clamped_at_the_switch(void **state)
{
	struct sluice_domain_conf c = conf("strict");

	(void)state;
	rig_up(&r, "caps=0x10", &c);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	assert_int_equal(sluice_domain_set_policy(r.d, "deferred"), 0);
	check_mode("strict");
	assert_int_equal(sluice_domain_set_policy(r.d, "strict-async"), 0);
	check_mode("strict");
	assert_null(r.d->lc[0]->ring.ent);
	rig_down(&r);
}

/* The drain fails: what is reported stays, what is done is strict, and it can be tried again. */
static void
a10_a_drain_that_fails(void **state)
{
	uint64_t queued, iova, cookie;

	(void)state;
	for (unsigned int a = 2; a < 4; a++) {
		up(live[a]);
		r.f->immediate = false;
		queued = map_ok(r.d, PA, 4096);
		assert_int_equal(sluice_unmap_async(r.d, queued, 4096, 1), a == 3);
		assert_int_equal(sluice_domain_set_policy(r.d, "strict"), -ETIMEDOUT);
		assert_string_equal(sluice_domain_policy(r.d), live[a]);
		assert_int_equal(stats_of(r.d).pending, 1);
		for (unsigned int lcore = 0; lcore < 2; lcore++) {
			uint64_t syncs = stats_of(r.d).syncs;

			as_lcore(lcore);
			iova = map_ok(r.d, PA, 4096);
			r.f->on_relax = rig_serve;
			r.f->on_relax_arg = &r;
			assert_int_equal(sluice_unmap_async(r.d, iova, 4096, 2), 0); /* strict */
			r.f->on_relax = NULL;
			assert_true(stats_of(r.d).syncs > syncs);
			assert_int_equal(stats_of(r.d).queued, 1);
		}
		as_lcore(0);
		/* A worker that comes now is strict as well. */
		assert_int_equal(sluice_worker_register(r.e, 2), 0);
		as_lcore(2);
		be_patient();
		iova = map_ok(r.d, PA, 4096);
		assert_int_equal(sluice_unmap_async(r.d, iova, 4096, 2), 0);
		assert_int_equal(stats_of(r.d).queued, 1);
		as_lcore(0);
		/* Forth, or back. */
		if (a == 2) {
			assert_int_equal(sluice_domain_set_policy(r.d, "strict"), 0);
			check_mode("strict");
		} else {
			assert_int_equal(sluice_domain_drain(r.d), 0);
			assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 1);
			assert_int_equal(sluice_domain_set_policy(r.d, live[a]), 0);
			check_mode(live[a]);
		}
		assert_int_equal(stats_of(r.d).ring_full, 0); /* closed is not full */
		rig_down(&r);
	}
}

/* ---- ring.h, 8 ------------------------------------------------------------------------------ */

static unsigned int relaxed;

/* A worker in the middle of a put: it saw the ring open, makes room once more, and ends. */
static void
undo_once_and_end(void *arg)
{
	struct flush_ring *ring = arg;

	if (++relaxed == 3) {
		/* What flush_ring_room() does, seen late. */
		RELAXED_SET(ring->room_end, 99);
		if (RELAXED_GET(ring->closed))
			RELAXED_SET(ring->room_end, 0);
		flush_ring_put(ring, ring->tail, flush_entry(0, 1) | FLUSH_TAKEN);
	}
}

static void
give_up(void *arg)
{
	if (++relaxed == 5)
		flush_ring_abort(arg);
}

static void
a10_closing_waits_for_a_put_under_way(void **state)
{
	struct flush_ring *ring;
	uint64_t t0;

	(void)state;
	up("deferred");
	ring = &r.d->lc[1]->ring;
	r.f->on_relax_arg = ring;
	relaxed = 0;
	r.f->on_relax = undo_once_and_end;
	flush_ring_begin(ring);
	assert_int_equal(flush_ring_close(ring, r.iommu), 0);
	assert_int_equal(relaxed, 3);
	assert_int_equal(ring->room_end, 0); /* not 99 */
	assert_int_equal(atomic_load(&ring->tail_pub), 1);
	flush_ring_open(ring, false);
	/* One that makes nothing of it. */
	relaxed = 0;
	r.f->on_relax = give_up;
	flush_ring_begin(ring);
	assert_int_equal(flush_ring_close(ring, r.iommu), 0);
	assert_int_equal(relaxed, 5);
	flush_ring_open(ring, false);
	/* One that is stuck: bounded, and all the others are strict nevertheless. */
	r.f->on_relax = NULL;
	r.f->immediate = true;
	flush_ring_begin(&r.d->lc[0]->ring);
	t0 = r.f->now;
	assert_int_equal(sluice_domain_set_policy(r.d, "strict"), -ETIMEDOUT);
	assert_true(r.f->now - t0 >= 2 * FAKE_TIMEOUT && r.f->now - t0 < 4 * FAKE_TIMEOUT);
	assert_string_equal(sluice_domain_policy(r.d), "deferred");
	flush_ring_abort(&r.d->lc[0]->ring);
	as_lcore(1);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	assert_int_equal(atomic_load(&ring->tail_pub), 1);
	as_lcore(0);
	assert_int_equal(sluice_domain_set_policy(r.d, "strict"), 0);
	check_mode("strict");
	rig_down(&r);
}

/* A worker loaded the pointers, slept, and uses them when the policy is another. */
static void
a9_a_pointer_kept_promises_no_less(void **state)
{
	(void)state;
	for (unsigned int a = 0; a < RTE_DIM(live); a++) {
		for (unsigned int b = 0; b < RTE_DIM(live); b++) {
			const struct policy_ops *old = policy_find(SET, live[a]);
			struct sluice_seg seg[4];
			struct dom_lcore *dl;
			uint64_t cookie[4];

			up(live[a]);
			be_patient();
			dl = r.d->lc[0];
			(void)sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096);
			assert_int_equal(sluice_domain_set_policy(r.d, live[b]), 0);
			for (unsigned int i = 0; i < 4; i++)
				seg[i] = (struct sluice_seg){ .pa = PA, .len = 4096,
							      .prot = SLUICE_RW, .cookie = 9 };
			assert_int_equal(sluice_map_burst(r.d, seg, 4), 4);
			uint64_t from = r.f->submitted + 1;

			if (old->unmap_burst != NULL)
				assert_int_equal(old->unmap_burst(r.d, seg, 4, dl), 4);
			else
				for (unsigned int i = 0; i < 4; i++)
					assert_int_equal(old->unmap(r.d, seg[i].iova, 4096, dl), 0);
			for (unsigned int i = 0; i < 4; i++)
				assert_true(strcmp(live[b], "deferred") == 0 ||
					    fake_covered(r.f, from, r.f->done, r.d->hw.tag,
							 seg[i].iova, 1));
			assert_int_equal(sluice_domain_drain(r.d), 0);
			assert_int_equal(sluice_unmap_completed(r.d, cookie, 4), 0);
			/* A plain unmap by a pointer to async's, then cookieless entries. */
			uint64_t iova = map_ok(r.d, PA, 4096);

			assert_int_equal(old->unmap(r.d, iova, 4096, dl), 0);
			assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
			assert_int_equal(sluice_domain_drain(r.d), 0);
			assert_int_equal(sluice_unmap_completed(r.d, cookie, 4), 0);
			check_mode(live[b]);
			rig_down(&r);
		}
	}
}

/* Rings stay, and so do what they hold: cookies are taken after the switch. */
static void
a10_cookies_survive_a_switch(void **state)
{
	uint64_t cookie[8];

	(void)state;
	up("strict-async");
	be_patient();
	for (uint64_t i = 0; i < 8; i++)
		assert_int_equal(sluice_unmap_async(r.d, map_ok(r.d, PA, 4096), 4096, 10 + i), 1);
	assert_int_equal(sluice_domain_set_policy(r.d, "strict"), 0);
	assert_int_equal(sluice_domain_set_policy(r.d, "deferred"), 0);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	assert_int_equal(sluice_unmap_completed(r.d, cookie, 3), 3);
	assert_int_equal(sluice_unmap_completed(r.d, cookie + 3, 5), 5);
	for (uint64_t i = 0; i < 8; i++)
		assert_int_equal(cookie[i], 10 + i);
	assert_int_equal(sluice_unmap_completed(r.d, cookie, 8), 0);
	check_mode("deferred");
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a9_a10_every_pair_both_ways),
		cmocka_unit_test(only_live_ones),
		cmocka_unit_test(a9_e1_clamped_at_the_switch),
		cmocka_unit_test(a10_a_drain_that_fails),
		cmocka_unit_test(a10_closing_waits_for_a_put_under_way),
		cmocka_unit_test(a9_a_pointer_kept_promises_no_less),
		cmocka_unit_test(a10_cookies_survive_a_switch),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
