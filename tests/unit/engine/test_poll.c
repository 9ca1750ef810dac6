/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * poll.c: whose turn it is to poll while a control call waits; that a turn without work is cheap
 * on the hardware.
 */
#include "rig.h"

#define PA UINT64_C(0x300000000)

static const struct sluice_domain_conf conf = { .policy = "deferred", .iova_size = 2 << 20 };

static void
a_drain_polls_when_nobody_else_does(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	assert_int_equal(sluice_domain_drain(r.d), 0); /* never polled: ours to do */
	assert_true(r.e->polls > 0);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	sluice_engine_poll(r.e); /* this thread polls: still ours */
	assert_int_equal(sluice_domain_drain(r.d), 0);
	rig_down(&r);
}

static void *
poll_once(void *arg)
{
	sluice_engine_poll(arg);
	return NULL;
}

static void *
poll_once_and_release(void *arg)
{
	sluice_engine_poll(arg);
	sluice_engine_release(arg);
	return NULL;
}

static void
a_drain_leaves_polling_to_who_polls(void **state)
{
	struct rig r;
	pthread_t t;

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(pthread_create(&t, NULL, poll_once, r.e), 0);
	pthread_join(t, NULL);
	uint64_t polls = r.e->polls;

	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	assert_int_equal(sluice_domain_drain(r.d), -ETIMEDOUT); /* it does not poll any more */
	assert_int_equal(r.e->polls, polls);
	assert_int_equal(pthread_create(&t, NULL, poll_once_and_release, r.e), 0);
	pthread_join(t, NULL);
	assert_int_equal(sluice_domain_drain(r.d), 0); /* it said so */
	assert_true(r.e->polls > polls);
	rig_down(&r);
}

static void
an_idle_turn_hardly_touches_the_hardware(void **state)
{
	struct sluice_engine_stats st;
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	for (unsigned int i = 0; i < 2560; i++)
		assert_int_equal(sluice_engine_poll(r.e), 0);
	assert_true(r.f->fault_bursts > 0 && r.f->fault_bursts <= 2560 / 8);
	assert_true(r.f->services > 0 && r.f->services <= 2560 / 256);
	assert_int_equal(r.f->submitted, 0);
	sluice_engine_get_stats(r.e, &st);
	assert_int_equal(st.polls, 2560);
	assert_int_equal(st.empty_polls, 2560);
	rig_down(&r);
}

/* Two iommus with clocks of their own under one engine: each domain lives by its own clock. */
static void
each_iommu_has_its_clock(void **state)
{
	const struct sluice_domain_conf c = { .policy = "deferred", .iova_size = 2 << 20,
					      .deadline_us = 100 };
	struct sluice_domain *d2;
	struct fake *g;
	struct rig r;

	(void)state;
	rig_up(&r, "", &c);
	g = fake_open("");
	assert_int_equal(sluice_engine_add_iommu(r.e, g->iommu), 0);
	d2 = sluice_domain_create(g->iommu, &c);
	assert_non_null(d2);
	fake_tick(g, 5000000);
	sluice_engine_poll(r.e);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	assert_int_equal(sluice_unmap(d2, map_ok(d2, PA, 1), 1), 0);
	for (unsigned int i = 0; i < 60; i++) {
		fake_tick(r.f, 2000);
		sluice_engine_poll(r.e);
	}
	assert_int_equal(r.f->submitted, 1); /* 120 us passed here */
	assert_int_equal(g->submitted, 0);   /* and none there */
	assert_int_equal(sluice_domain_destroy(d2), 0);
	assert_int_equal(sluice_engine_del_iommu(r.e, g->iommu), 0);
	fake_close(g);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_drain_polls_when_nobody_else_does),
		cmocka_unit_test(a_drain_leaves_polling_to_who_polls),
		cmocka_unit_test(an_idle_turn_hardly_touches_the_hardware),
		cmocka_unit_test(each_iommu_has_its_clock),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
