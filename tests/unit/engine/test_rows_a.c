/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Rows of the contract that are nobody's alone: who decides about deferring (A1), what strict waits
 * for (A2), the deadline (A13).
 */
#include <sluice/device.h>

#include "rig.h"

#define PA UINT64_C(0x300000000)

static struct rig r;

/* ---- A1 -------------------------------------------------------------------------------------- */

/* With and without the capability, whatever else the hardware can do; the backend sees the same. */
static void
a1_deferred_is_a_capability(void **state)
{
	static const uint64_t caps[] = { SLUICE_CAP_BYPASS, SLUICE_CAP_BYPASS | SLUICE_CAP_RANGE_INV,
					 UINT64_MAX & ~(SLUICE_CAP_DEFERRED | SLUICE_CAP_ATS) };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(caps); i++) {
		for (unsigned int can = 0; can < 2; can++) {
			struct sluice_domain_conf c = { .policy = "deferred", .iova_size = 2 << 20 };
			uint32_t stream = 8;
			struct sluice_device *dev;
			char settings[48];

			snprintf(settings, sizeof(settings), "caps=%#" PRIx64,
				 caps[i] | (can ? SLUICE_CAP_DEFERRED : 0));
			rig_up(&r, settings, &c);
			assert_string_equal(sluice_domain_policy(r.d), can ? "deferred" : "strict");
			r.f->nb_calls = 0;
			dev = sluice_device_add(r.iommu, &stream, 1);
			assert_non_null(dev);
			assert_int_equal(sluice_device_attach(dev, r.d), 0);
			assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
			assert_int_equal(r.f->submitted, !can);
			assert_int_equal(r.f->call[r.f->nb_calls - 1].op, FAKE_PAGING);
			assert_int_equal(sluice_device_remove(dev), 0);
			rig_down(&r);
		}
	}
}

/* ---- A2 -------------------------------------------------------------------------------------- */

static unsigned int turns;
static uint64_t going;

static void
complete_late(void *arg)
{
	struct dom_lcore *dl = arg;
	uint64_t pa;

	/* Gone from the table, not yet free: neither in a magazine nor anywhere else. */
	assert_int_equal(sluice_iova_to_pa(r.d, going, &pa), -ENOENT);
	for (unsigned int i = 1; i <= dl->mag[0].n; i++)
		assert_int_not_equal(r.d->iova_base + ((uint64_t)dl->mag[0].pfn[i] << 12), going);
	if (++turns == 20)
		fake_complete_all(r.f);
}

static void
a2_strict_waits_before_anything_is_reused(void **state)
{
	static const char *const waits[] = { "strict", "strict-batched", "contiguous" };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(waits); i++) {
		struct sluice_domain_conf c = { .policy = waits[i], .iova_size = 2 << 20 };
		struct sluice_seg seg = { .len = 4096 };

		rig_up(&r, "", &c);
		r.f->immediate = false;
		r.f->on_relax = complete_late;
		r.f->on_relax_arg = r.d->lc[0];
		for (unsigned int burst = 0; burst < 2; burst++) {
			turns = 0;
			seg.iova = going = map_ok(r.d, PA, 4096);
			if (burst)
				assert_int_equal(sluice_unmap_burst(r.d, &seg, 1), 1);
			else
				assert_int_equal(sluice_unmap(r.d, going, 4096), 0);
			assert_int_equal(turns, 20);
			assert_true(fake_covered(r.f, r.f->done, r.f->done, r.d->hw.tag, going, 1));
			assert_int_equal(map_ok(r.d, PA, 4096), going); /* now it is */
			r.f->immediate = true;
			assert_int_equal(sluice_unmap(r.d, going, 4096), 0);
			fake_complete_all(r.f);
			r.f->immediate = false;
		}
		rig_down(&r);
	}
}

/* ---- A13 ------------------------------------------------------------------------------------- */

static const struct sluice_domain_conf bound = { .policy = "deferred", .iova_size = 2 << 20,
						 .batch = 256, .deadline_us = 50 };

static void
drop(void)
{
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
}

/* Polled every microsecond, by hardware that takes ten: not one entry is older than 50. */
static void
a13_the_deadline_is_met_as_long_as_it_is_polled(void **state)
{
	uint64_t seed = 5, due[64], from = 0, upto = 0;

	(void)state;
	rig_up(&r, "", &bound);
	r.f->immediate = false;
	for (unsigned int us = 0; us < 20000; us++) {
		if (rnd(&seed) % 8 == 0)
			drop();
		sluice_engine_poll(r.e);
		while (upto < r.f->submitted)
			due[upto++ % 64] = r.f->now + 10000;
		while (from < upto && due[from % 64] <= r.f->now) {
			fake_complete(r.f, 1);
			from++;
		}
		fake_tick(r.f, 1000);
	}
	struct sluice_domain_stats st = stats_of(r.d);

	assert_true(st.released > 2000);
	assert_int_equal(st.deadline_misses, 0);
	assert_true(sluice_domain_stale_hist(r.d)->max <= 50000);
	rig_down(&r);
}

/* Every fourth flush takes ten times as long: the bound is for that one too, once it has been seen. */
static void
a13_the_slow_ones_count(void **state)
{
	uint64_t due = 0, misses = 0;

	(void)state;
	rig_up(&r, "", &bound);
	r.f->immediate = false;
	for (unsigned int us = 0; us < 8000; us++) {
		if (us % 5 == 0)
			drop();
		sluice_engine_poll(r.e);
		if (r.f->done == r.f->submitted)
			due = 0;
		else if (due == 0)
			due = r.f->now + (r.f->done % 4 == 3 ? 20000 : 2000);
		if (due != 0 && due <= r.f->now) {
			fake_complete(r.f, 1);
			due = 0;
		}
		fake_tick(r.f, 1000);
		if (r.f->done == 8)
			misses = stats_of(r.d).deadline_misses;
	}
	assert_true(r.f->done > 40);
	assert_int_equal(stats_of(r.d).deadline_misses, misses);
	rig_down(&r);
}

static void
a13_misses_are_counted_one_by_one(void **state)
{
	(void)state;
	rig_up(&r, "", &bound);
	sluice_engine_poll(r.e);
	for (unsigned int i = 0; i < 7; i++)
		drop();
	fake_tick(r.f, 60000); /* nobody polls */
	sluice_engine_poll(r.e);
	sluice_engine_poll(r.e);
	assert_int_equal(stats_of(r.d).released, 7);
	assert_int_equal(stats_of(r.d).deadline_misses, 7);
	drop();
	for (unsigned int i = 0; i < 60; i++) {
		fake_tick(r.f, 1000);
		sluice_engine_poll(r.e);
	}
	assert_int_equal(stats_of(r.d).released, 8);
	assert_int_equal(stats_of(r.d).deadline_misses, 7); /* that one was in time */
	rig_down(&r);
}

/* Nobody comes again, and there are more domains than have their turn each time. */
static void
a13_idle_domains_are_flushed_too(void **state)
{
	struct sluice_domain_conf c = bound;
	struct sluice_domain *d[20];

	(void)state;
	rig_up(&r, "", NULL);
	for (unsigned int i = 0; i < RTE_DIM(d); i++) {
		d[i] = sluice_domain_create(r.iommu, &c);
		assert_non_null(d[i]);
	}
	for (unsigned int i = 0; i < 20; i++) {
		fake_tick(r.f, 200);
		sluice_engine_poll(r.e);
	}
	for (unsigned int i = 0; i < RTE_DIM(d); i++)
		assert_int_equal(sluice_unmap(d[i], map_ok(d[i], PA, 4096), 4096), 0);
	for (unsigned int i = 0; i < 250; i++) {
		fake_tick(r.f, 200);
		sluice_engine_poll(r.e);
	}
	for (unsigned int i = 0; i < RTE_DIM(d); i++) {
		assert_int_equal(stats_of(d[i]).pending, 0);
		assert_int_equal(stats_of(d[i]).deadline_misses, 0);
		assert_int_equal(stats_of(d[i]).flushes[SLUICE_FLUSH_DEADLINE], 1);
		assert_int_equal(sluice_domain_destroy(d[i]), 0);
	}
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a1_deferred_is_a_capability),
		cmocka_unit_test(a2_strict_waits_before_anything_is_reused),
		cmocka_unit_test(a13_the_deadline_is_met_as_long_as_it_is_polled),
		cmocka_unit_test(a13_the_slow_ones_count),
		cmocka_unit_test(a13_misses_are_counted_one_by_one),
		cmocka_unit_test(a13_idle_domains_are_flushed_too),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
