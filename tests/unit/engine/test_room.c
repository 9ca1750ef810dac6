/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Flushes that find no room in the command queue (A19): put off, counted, in order, and everywhere
 * that the engine submits. test_turn.c has the policies.
 */
#include "ats_rig.h"
#include "engine/inval/multi.h"

static const struct sluice_domain_conf conf = { .policy = "deferred", .iova_size = 4 << 20,
						.batch = 4, .ring = 64, .deadline_us = 1000 };
static struct rig r;

static void
queue(struct sluice_domain *d, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(sluice_unmap(d, map_ok(d, PA, 1), 1), 0);
}

/* One more turn, in which so many tries find no room. */
static void
turn(unsigned int full)
{
	r.f->full = full;
	sluice_engine_poll(r.e);
	r.f->full = UINT32_MAX;
}

/* Eight domains want to flush and there is room for one in each turn: each has it in its turn, even
 * when the first ones want more and more. */
static void
who_was_first_is_first(void **state)
{
	struct sluice_domain *d[8];
	unsigned int served[8] = { 0 }, puts_off = 0;

	(void)state;
	rig_up(&r, "", NULL);
	for (unsigned int i = 0; i < RTE_DIM(d); i++)
		d[i] = sluice_domain_create(r.iommu, &conf);
	for (unsigned int i = 0; i < RTE_DIM(d); i++)
		queue(d[i], 4);
	r.f->full = UINT32_MAX;
	for (unsigned int i = 0; i < 4; i++)
		sluice_engine_poll(r.e);
	assert_int_equal(r.f->submitted, 0);
	for (unsigned int t = 0; t < 16; t++) {
		uint64_t before = r.f->submitted;

		/* The only room there is, and gone after one submission. */
		r.f->room = 1;
		sluice_engine_poll(r.e);
		assert_int_equal(r.f->submitted, before + 1);
		for (unsigned int i = 0; i < RTE_DIM(d); i++)
			if (fake_sub(r.f, before + 1)->inv[0].tag == d[i]->hw.tag) {
				served[i]++;
				queue(d[i], 4); /* and wants more at once */
			}
	}
	for (unsigned int i = 0; i < RTE_DIM(d); i++) {
		assert_int_equal(served[i], 2);
		puts_off += stats_of(d[i]).flush_puts_off;
		assert_int_equal(stats_of(d[i]).flush_errors, 0);
	}
	assert_true(puts_off >= 16);
	/* One try that is refused in a turn is enough: nobody asks the hardware again. */
	uint64_t tries = r.f->tries;

	sluice_engine_poll(r.e);
	assert_int_equal(r.f->tries, tries + 1);
	r.f->full = 0;
	sluice_engine_release(r.e);
	for (unsigned int i = 0; i < RTE_DIM(d); i++)
		assert_int_equal(sluice_domain_destroy(d[i]), 0);
	rig_down(&r);
}

/* One IOMMU is stuck; the other's domain is flushed in time. */
static void
a13_another_iommu_is_not_waited_for(void **state)
{
	struct sluice_domain *d[3];
	struct fake *g;

	(void)state;
	rig_up(&r, "", &conf);
	g = fake_open("");
	assert_int_equal(sluice_engine_add_iommu(r.e, g->iommu), 0);
	for (unsigned int i = 0; i < 2; i++)
		d[i] = sluice_domain_create(r.iommu, &conf);
	d[2] = sluice_domain_create(g->iommu, &conf);
	r.f->full = UINT32_MAX;
	for (unsigned int round = 0; round < 50; round++) {
		for (unsigned int i = 0; round < 10 && i < 2; i++)
			queue(d[i], 4);
		queue(d[2], 1);
		for (unsigned int i = 0; i < 1000 && stats_of(d[2]).pending != 0; i++) {
			fake_tick(r.f, 2000);
			fake_tick(g, 2000);
			sluice_engine_poll(r.e);
		}
		assert_int_equal(stats_of(d[2]).pending, 0);
	}
	assert_int_equal(stats_of(d[2]).deadline_misses, 0);
	assert_int_equal(stats_of(d[2]).flush_puts_off, 0);
	assert_int_equal(r.f->submitted, 0);
	r.f->full = 0;
	sluice_engine_release(r.e);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(sluice_domain_destroy(d[i]), 0);
	assert_int_equal(sluice_engine_del_iommu(r.e, g->iommu), 0);
	fake_close(g);
	rig_down(&r);
}

/* What was refused, and is to be submitted again as the whole domain. */
static void
again_is_put_off_too(void **state)
{
	(void)state;
	rig_up(&r, "", &conf);
	queue(r.d, 4);
	r.f->bad_from = 1;
	r.f->bad_upto = 2;
	turn(0);
	assert_int_equal(r.f->submitted, 1);
	for (unsigned int i = 0; i < 5; i++)
		turn(UINT32_MAX);
	assert_int_equal(r.f->submitted, 1);
	assert_int_equal(stats_of(r.d).flush_puts_off, 1);
	assert_int_equal(stats_of(r.d).flush_errors, 0);
	assert_int_equal(stats_of(r.d).released, 0);
	turn(0);
	turn(0);
	assert_int_equal(fake_sub(r.f, 2)->inv[0].op, SLUICE_INV_DOMAIN);
	assert_int_equal(stats_of(r.d).flush_errors, 1);
	assert_int_equal(stats_of(r.d).released, 4);
	r.f->full = 0;
	rig_down(&r);
}

/* The other IOMMU of a domain has no room: nothing is released until it did all of the domain. */
static void
a15_a_peer_is_put_off(void **state)
{
	struct fake *g;

	(void)state;
	rig_up(&r, "", NULL);
	g = fake_open("mate=1");
	assert_int_equal(sluice_engine_add_iommu(r.e, g->iommu), 0);
	r.d = sluice_domain_create(r.iommu, &conf);
	assert_int_equal(sluice_domain_add_iommu(r.d, g->iommu), 0);
	g->full = UINT32_MAX;
	queue(r.d, 4);
	for (unsigned int i = 0; i < 20; i++)
		sluice_engine_poll(r.e);
	assert_int_equal(r.f->submitted, 1);
	assert_int_equal(g->submitted, 0);
	assert_int_equal(stats_of(r.d).released, 0);
	assert_int_equal(stats_of(r.d).flush_puts_off, 1);
	assert_int_equal(stats_of(r.d).flush_errors, 0);
	assert_int_equal(stats_of(r.d).syncs, 1);
	g->full = 0;
	sluice_engine_poll(r.e);
	sluice_engine_poll(r.e);
	assert_int_equal(g->submitted, 1);
	assert_int_equal(fake_sub(g, 1)->inv[0].op, SLUICE_INV_DOMAIN);
	assert_int_equal(stats_of(r.d).released, 4);
	sluice_engine_release(r.e);
	assert_int_equal(sluice_domain_destroy(r.d), 0);
	r.d = NULL;
	assert_int_equal(sluice_engine_del_iommu(r.e, g->iommu), 0);
	fake_close(g);
	rig_down(&r);
}

/* Devices' caches: each submission waits for its room, none is left out, nothing is told twice. */
static void
devices_are_told_when_there_is_room(void **state)
{
	(void)state;
	up(&r, &deferred, 3);
	r.f->immediate = true;
	queue(r.d, 4);
	sluice_engine_poll(r.e); /* the flush, and the devices' submission in the same turn or the next */
	for (unsigned int round = 0; round < 8; round++) {
		uint64_t before = r.f->submitted, released = stats_of(r.d).released;

		queue(r.d, 4);
		turn(0); /* the IOMMU's part */
		for (unsigned int i = 0; i < 5; i++)
			turn(UINT32_MAX);
		for (unsigned int i = 0; i < 10; i++)
			turn(0);
		assert_true(stats_of(r.d).released >= released + 4);
		for (unsigned int i = 0; i < 3; i++)
			assert_true(atc_invs(r.f, before) >= 3);
	}
	assert_int_equal(stats_of(r.d).flush_errors, 0);
	r.f->full = 0;
	down(&r);
}

/* A device that does not answer, found by a flush: blocked without a wait, whatever is in the way. */
static void
quarantine_waits_for_nothing(void **state)
{
	(void)state;
	up(&r, &deferred, 3);
	r.f->immediate = false;
	r.f->dead[0] = 16;
	r.f->nb_dead = 1;
	r.f->block_later = true;
	r.f->block_busy = 3; /* a control call is under way */
	queue(r.d, 4);
	for (unsigned int i = 0; stats_of(r.d).released == 0; i++) {
		uint64_t now = r.f->now, submitted = r.f->submitted;

		assert_true(i < 100);
		turn(i % 2 == 0 ? UINT32_MAX : 0);
		assert_int_equal(r.f->now, now);
		assert_true(r.f->submitted <= submitted + 1);
		if (i % 3 == 0)
			fake_complete_all(r.f);
	}
	assert_int_equal(r.f->block_busy, 0);
	assert_true(sluice_device_quarantined(dev[1]));
	assert_true(was_blocked(r.f, 16));
	assert_int_equal(stats_of(r.d).flush_errors, 0);
	r.f->full = 0;
	r.f->block_later = false;
	down(&r);
}

/* Blocking it fails, or is not answered: nothing is released before another try succeeded. */
static void
not_blocked_is_not_released(void **state)
{
	(void)state;
	up(&r, &deferred, 2);
	r.f->immediate = false;
	r.f->dead[0] = 16;
	r.f->nb_dead = 1;
	r.f->block_later = true;
	queue(r.d, 4);
	for (unsigned int i = 0; i < 20 && !was_blocked(r.f, 16); i++) {
		fake_complete_all(r.f);
		sluice_engine_poll(r.e);
	}
	assert_true(was_blocked(r.f, 16)); /* begun, and not complete */
	for (unsigned int i = 0; i < 20; i++)
		sluice_engine_poll(r.e);
	assert_false(sluice_device_quarantined(dev[1]));
	assert_int_equal(stats_of(r.d).released, 0);
	/* The hardware refuses what was to block it. */
	r.f->bad_from = r.f->submitted;
	r.f->bad_upto = r.f->submitted + 1;
	fake_complete_all(r.f);
	sluice_engine_poll(r.e);
	assert_false(sluice_device_quarantined(dev[1]));
	assert_int_equal(stats_of(r.d).released, 0);
	assert_int_equal(stats_of(r.d).flush_errors, 1);
	for (unsigned int i = 0; i < 20; i++) {
		fake_complete_all(r.f);
		sluice_engine_poll(r.e);
	}
	assert_true(sluice_device_quarantined(dev[1]));
	assert_int_equal(stats_of(r.d).released, 4);
	r.f->block_later = false;
	down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_was_first_is_first),
		cmocka_unit_test(a13_another_iommu_is_not_waited_for),
		cmocka_unit_test(again_is_put_off_too),
		cmocka_unit_test(a15_a_peer_is_put_off),
		cmocka_unit_test(devices_are_told_when_there_is_room),
		cmocka_unit_test(quarantine_waits_for_nothing),
		cmocka_unit_test(not_blocked_is_not_released),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
