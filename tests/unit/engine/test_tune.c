/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * sluice_domain_tune(): batch, deadline and threshold of a domain in use.
 */
#include "fixture.h"

#define PA UINT64_C(0x300000000)

static const struct sluice_domain_conf conf = {
	.policy = "deferred", .iova_size = 8 << 20, .batch = 64, .ring = 256, .deadline_us = 100000,
};

static const struct plan plan = { &conf };

static int
tune(uint32_t batch, uint32_t deadline_us, uint32_t range_max)
{
	const struct sluice_domain_conf c = { .batch = batch, .deadline_us = deadline_us,
					      .range_max = range_max };

	return sluice_domain_tune(r.d, &c);
}

/* Unmaps until the engine flushes. */
static unsigned int
until_flush(void)
{
	uint64_t subs = r.f->submitted;

	for (unsigned int n = 1;; n++) {
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
		sluice_engine_poll(r.e);
		if (r.f->submitted != subs)
			return n;
		assert_true(n < 1000);
	}
}

static void
the_batch_at_once(void **state)
{
	(void)state;
	assert_int_equal(until_flush(), 64);
	assert_int_equal(tune(8, 0, 0), 0);
	assert_int_equal(until_flush(), 8);
	assert_int_equal(until_flush(), 8);
	assert_int_equal(tune(128, 0, 0), 0);
	assert_true(until_flush() <= 128); /* the first may be of the old size */
	assert_int_equal(until_flush(), 128);
	/* A worker that comes later has it too. */
	assert_int_equal(tune(16, 0, 0), 0);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	as_lcore(1);
	assert_int_equal(until_flush(), 16);
	as_lcore(0);
}

static void
the_deadline(void **state)
{
	(void)state;
	assert_int_equal(tune(0, 100, 0), 0);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	uint64_t t0 = r.f->now;

	while (r.f->submitted == 0 && r.f->now - t0 < 1000000) {
		fake_tick(r.f, 500);
		sluice_engine_poll(r.e);
	}
	assert_true(r.f->now - t0 <= 100000);
	assert_int_equal(stats_of(r.d).flushes[SLUICE_FLUSH_DEADLINE], 1);
}

static void
the_threshold(void **state)
{
	(void)state;
	for (uint32_t max = 4; max <= 32; max *= 2) {
		assert_int_equal(tune(64, 0, max), 0);
		for (unsigned int over = 0; over < 2; over++) {
			for (unsigned int i = 0; i < max + over; i++)
				assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
			assert_int_equal(sluice_domain_drain(r.d), 0);
			assert_int_equal(fake_sub(r.f, r.f->submitted)->inv[0].op,
					 over ? SLUICE_INV_DOMAIN : SLUICE_INV_RANGE);
		}
	}
}

static void
nonsense_changes_nothing(void **state)
{
	struct sluice_domain_conf c;

	(void)state;
	assert_int_equal(tune(0, 0, 0), 0);
	assert_int_equal(tune(7, 1, 1), -EINVAL);
	assert_non_null(strstr(sluice_error(), "batch 7"));
	assert_int_equal(tune(512, 1, 1), -EINVAL); /* more than the ring holds */
	assert_non_null(strstr(sluice_error(), "ring 256"));
	sluice_domain_get_conf(r.d, &c);
	assert_int_equal(c.batch, 64);
	assert_int_equal(c.deadline_us, 100000);
	assert_int_equal(c.range_max, SLUICE_RANGE_MAX_DEFAULT);
	assert_int_equal(c.ring, 256);
	assert_string_equal(c.policy, "deferred");
	assert_int_equal(tune(256, 7, 8), 0);
	sluice_domain_get_conf(r.d, &c);
	assert_int_equal(c.batch, 256);
	assert_int_equal(c.deadline_us, 7);
	assert_int_equal(c.range_max, 8);
	assert_int_equal(until_flush() > 0, 1);
}

/* While strict: what is set then is what holds when there are rings. */
static void
before_there_are_rings(void **state)
{
	(void)state;
	assert_int_equal(sluice_domain_set_policy(r.d, "strict"), 0);
	assert_int_equal(tune(4, 0, 0), 0);
	assert_int_equal(sluice_domain_set_policy(r.d, "deferred"), 0);
	assert_int_equal(until_flush(), 4);
	struct sluice_domain_conf c = conf;

	c.policy = "strict";
	c.iova_base = UINT64_C(1) << 40;
	struct sluice_domain *kept = r.d;

	r.d = sluice_domain_create(r.iommu, &c);
	assert_non_null(r.d);
	assert_int_equal(tune(4, 0, 0), 0);
	assert_int_equal(sluice_domain_set_policy(r.d, "deferred"), 0);
	assert_int_equal(until_flush(), 4);
	assert_int_equal(sluice_domain_destroy(r.d), 0);
	r.d = kept;
}

static void
expect(uint32_t batch, uint32_t deadline_us)
{
	struct sluice_domain_conf c;

	sluice_domain_get_conf(r.d, &c);
	assert_int_equal(c.batch, batch);
	assert_int_equal(c.deadline_us, deadline_us);
	assert_int_equal(r.d->flush.deadline, deadline_us * UINT64_C(1000));
}

/* Of another policy: what it would have had, but for what somebody asked for. */
static void
a_new_policy_brings_its_defaults(void **state)
{
	struct sluice_domain *kept = r.d;
	struct sluice_domain_conf c = { .policy = "deferred", .iova_size = 8 << 20,
					.iova_base = UINT64_C(1) << 40 };

	(void)state;
	r.d = sluice_domain_create(r.iommu, &c);
	expect(256, 10000);
	assert_int_equal(sluice_domain_set_policy(r.d, "strict-async"), 0);
	expect(SLUICE_ASYNC_BATCH_DEFAULT, SLUICE_ASYNC_DEADLINE_US_DEFAULT);
	assert_int_equal(sluice_domain_set_policy(r.d, "strict"), 0);
	assert_int_equal(sluice_domain_set_policy(r.d, "deferred"), 0);
	expect(256, 10000);
	assert_int_equal(until_flush(), 256); /* from the first batch on */
	assert_int_equal(sluice_domain_set_policy(r.d, "strict-async"), 0);
	assert_int_equal(tune(0, 77, 0), 0);
	assert_int_equal(sluice_domain_set_policy(r.d, "deferred"), 0);
	expect(256, 77);
	assert_int_equal(until_flush(), 256);
	assert_int_equal(tune(128, 0, 0), 0);
	assert_int_equal(sluice_domain_set_policy(r.d, "strict-async"), 0);
	expect(128, 77);
	assert_int_equal(sluice_domain_destroy(r.d), 0);
	/* The first rings only now. */
	c.policy = "strict";
	r.d = sluice_domain_create(r.iommu, &c);
	assert_int_equal(sluice_domain_set_policy(r.d, "strict-async"), 0);
	expect(SLUICE_ASYNC_BATCH_DEFAULT, SLUICE_ASYNC_DEADLINE_US_DEFAULT);
	assert_int_equal(sluice_domain_destroy(r.d), 0);
	/* Asked for at creation; and a ring that the default does not fit into. */
	c.policy = "strict-async";
	c.deadline_us = 60;
	c.ring = 64;
	r.d = sluice_domain_create(r.iommu, &c);
	assert_int_equal(sluice_domain_set_policy(r.d, "deferred"), 0);
	expect(64, 60);
	assert_int_equal(until_flush(), 64);
	assert_int_equal(sluice_domain_destroy(r.d), 0);
	r.d = kept;
	assert_int_equal(sluice_domain_set_policy(r.d, "strict-async"), 0);
	expect(64, 100000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_batch_at_once),
		T(the_deadline),
		T(the_threshold),
		T(nonsense_changes_nothing),
		T(before_there_are_rings),
		T(a_new_policy_brings_its_defaults),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
