/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * domain_create.c, conf.c, domain_ctl.c: defaults, every field that can be wrong, failures half-way,
 * destroying.
 */
#include <sluice/device.h>

#include "rig.h"

#define PA UINT64_C(0x300000000)

static void
defaults(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", NULL);
	r.d = sluice_domain_create(r.iommu, NULL);
	assert_non_null(r.d);
	assert_string_equal(sluice_domain_policy(r.d), "strict");
	assert_int_equal(r.d->iova_base, UINT64_C(4) << 30);
	assert_int_equal(r.d->nb_pages, (UINT64_C(66) << 30) >> 12);
	assert_int_equal(r.d->conf.batch, 256);
	assert_int_equal(r.d->conf.ring, 1024);
	assert_int_equal(r.d->conf.deadline_us, 10000);
	assert_int_equal(r.d->conf.range_max, 16);
	assert_int_equal(stats_of(r.d).table_bytes, 4096);
	assert_int_equal(r.iommu->nb_domains, 1);
	uint64_t iova = map_ok(r.d, PA, 4096);

	assert_true(iova >= UINT64_C(4) << 30 && iova < UINT64_C(70) << 30);
	assert_int_equal(stats_of(r.d).table_bytes, 4 * 4096);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	rig_down(&r);
}

static void
wrong_fields_are_named(void **state)
{
	static const struct {
		struct sluice_domain_conf c;
		const char *names;
	} bad[] = {
		{ { .policy = "lazy" }, "lazy" },
		{ { .policy = "" }, "policy" },
		{ { .policy = "blocked" }, "blocked" },
		{ { .batch = 3 }, "batch 3" },
		{ { .batch = 1u << 19 }, "batch" },
		{ { .batch = UINT32_MAX }, "batch" },
		{ { .batch = 64, .ring = 32 }, "ring 32" },
		{ { .batch = 64, .ring = 96 }, "ring 96" },
		{ { .ring = 1u << 21 }, "ring" },
		{ { .iova_base = 4096 }, "0x1000" },
		{ { .iova_size = 4096 }, "0x1000" },
		{ { .iova_size = (UINT64_C(512) << 30) + (2 << 20) }, "window" },
		{ { .iova_base = UINT64_C(1) << 48 }, "window" },
		{ { .iova_base = (UINT64_C(1) << 48) - (2 << 20), .iova_size = 4 << 20 }, "window" },
	};
	struct rig r;

	(void)state;
	rig_up(&r, "", NULL);
	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		rte_errno = 0;
		assert_null(sluice_domain_create(r.iommu, &bad[i].c));
		assert_int_equal(rte_errno, EINVAL);
		assert_non_null(strstr(sluice_error(), bad[i].names));
	}
	assert_int_equal(r.iommu->nb_domains, 0);
	assert_int_equal(r.f->nb_calls, 0); /* the backend heard of none */
	rig_down(&r);
}

/* A type that is none is refused as well. */
static void
a_type_that_is_none(void **state)
{
	const struct sluice_domain_conf c = { .type = (enum sluice_domain_type)7 };
	struct rig r;

	(void)state;
	rig_up(&r, "", NULL);
	r.d = sluice_domain_create(r.iommu, &c);
	bool refused = r.d == NULL;

	rig_down(&r);
	assert_true(refused);
}

static void
edges_that_are_right(void **state)
{
	static const struct sluice_domain_conf good[] = {
		{ .batch = 1, .ring = 1 },
		{ .policy = "deferred", .batch = 1, .ring = 1 },
		{ .policy = "deferred", .batch = 1u << 18 },
		{ .iova_base = 2 << 20, .iova_size = 2 << 20 },
		{ .iova_base = (UINT64_C(1) << 48) - (2 << 20), .iova_size = 2 << 20 },
		{ .iova_base = 2 << 20, .iova_size = UINT64_C(512) << 30 },
		{ .policy = "deferred", .range_max = UINT32_MAX, .deadline_us = UINT32_MAX },
	};
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(good); i++) {
		rig_up(&r, "", &good[i]);
		for (unsigned int k = 0; k < 3; k++) {
			uint64_t iova = map_ok(r.d, PA, 8192);

			assert_true(iova >= r.d->iova_base &&
				    iova + 8192 <= r.d->iova_base + r.d->conf.iova_size);
			assert_int_equal(sluice_unmap(r.d, iova, 8192), 0);
			sluice_engine_poll(r.e);
			sluice_engine_poll(r.e);
		}
		rig_down(&r);
	}
}

static void
no_engine_no_bypass(void **state)
{
	const struct sluice_domain_conf id = { .type = SLUICE_DOMAIN_IDENTITY };
	const struct sluice_domain_conf pt = { .policy = "passthrough" };
	struct fake *f = fake_open("");
	struct rig r;

	(void)state;
	assert_null(sluice_domain_create(f->iommu, NULL));
	assert_int_equal(rte_errno, ENXIO);
	fake_close(f);
	rig_up(&r, "caps=1", NULL);
	assert_null(sluice_domain_create(r.iommu, &id));
	assert_int_equal(rte_errno, EINVAL);
	assert_null(sluice_domain_create(r.iommu, &pt));
	assert_int_equal(rte_errno, EINVAL);
	rig_down(&r);
	rig_up(&r, "", &id);
	assert_string_equal(sluice_domain_policy(r.d), "passthrough");
	rig_down(&r);
}

static void
the_backend_refuses(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", NULL);
	r.f->fail_at = 1;
	r.f->fail_err = ENOSPC;
	assert_null(sluice_domain_create(r.iommu, NULL));
	assert_int_equal(rte_errno, ENOSPC);
	assert_int_equal(r.iommu->nb_domains, 0);
	assert_int_equal(sluice_mem_used(r.iommu->mem), 0); /* the root table went back */
	r.d = sluice_domain_create(r.iommu, NULL);
	assert_non_null(r.d);
	rig_down(&r);
}

static void
no_memory_for_a_root_table(void **state)
{
	struct rig r;
	void *all;

	(void)state;
	rig_up(&r, "mem=1", NULL);
	all = sluice_mem_alloc(r.iommu->mem, 1 << 20, 4096, NULL);
	assert_non_null(all);
	assert_null(sluice_domain_create(r.iommu, NULL));
	assert_int_equal(rte_errno, ENOMEM);
	assert_int_equal(r.f->hwdoms, 0);
	sluice_mem_free(r.iommu->mem, all, 1 << 20);
	rig_down(&r);
}

static void
destroy_refuses_and_cleans_up(void **state)
{
	const uint32_t stream = 7;
	const struct sluice_domain_conf conf = { .policy = "deferred" };
	struct sluice_device *dev;
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_domain_destroy(NULL), 0);
	dev = sluice_device_add(r.iommu, &stream, 1);
	assert_int_equal(sluice_device_attach(dev, r.d), 0);
	assert_int_equal(sluice_domain_destroy(r.d), -EBUSY);
	assert_int_equal(sluice_device_remove(dev), 0);
	/* Entries that wait are flushed before anything is freed. */
	uint64_t iova = map_ok(r.d, PA, 4096);
	uint16_t tag = r.d->hw.tag;

	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	assert_int_equal(r.f->submitted, 0);
	r.f->nb_calls = 0;
	struct sluice_domain *d = r.d;

	r.d = NULL;
	assert_int_equal(sluice_domain_destroy(d), 0);
	assert_int_equal(r.f->submitted, 1);
	assert_true(fake_covered(r.f, 1, 1, tag, iova, 1));
	assert_int_equal(r.f->nb_calls, 1);
	assert_int_equal(r.f->call[0].op, FAKE_FINI);
	assert_int_equal(r.f->call[0].id, tag);
	rig_down(&r);
}

/* The last invalidation fails: memory is kept, and destroying again later is allowed. */
static void
destroy_that_failed_may_be_tried_again(void **state)
{
	const struct sluice_domain_conf conf = { .policy = "deferred", .iova_size = 2 << 20 };
	struct sluice_domain *old;
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	r.f->fail_at = 1;
	r.f->fail_err = ETIMEDOUT;
	assert_int_equal(sluice_domain_destroy(r.d), -ETIMEDOUT);
	assert_true(sluice_mem_used(r.iommu->mem) != 0);
	assert_int_equal(sluice_engine_del_iommu(r.e, r.iommu), -EBUSY);
	old = r.d;
	r.d = sluice_domain_create(r.iommu, &conf); /* made in between */
	assert_non_null(r.d);
	assert_int_equal(sluice_domain_destroy(old), 0);
	/* The other one is none the worse: the engine still serves it, workers still get it. */
	assert_ptr_equal(TAILQ_FIRST(&r.e->domains), r.d);
	assert_int_equal(sluice_worker_register(r.e, 4), 0);
	assert_non_null(r.d->lc[4]);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	rig_down(&r);
}

static void
many_domains_come_and_go(void **state)
{
	struct sluice_domain *d[40];
	struct rig r;

	(void)state;
	rig_up(&r, "", NULL);
	for (unsigned int round = 0; round < 5; round++) {
		for (unsigned int i = 0; i < 40; i++) {
			const struct sluice_domain_conf c = {
				.policy = sluice_policy_name(i % 3), .iova_size = 2 << 20,
				.batch = 4
			};

			d[i] = sluice_domain_create(r.iommu, &c);
			assert_non_null(d[i]);
			uint64_t iova = map_ok(d[i], PA, 4096);

			assert_int_equal(sluice_unmap(d[i], iova, 4096), 0);
			sluice_engine_poll(r.e);
		}
		assert_int_equal(r.iommu->nb_domains, 40);
		for (unsigned int i = 0; i < 40; i++)
			assert_int_equal(sluice_domain_destroy(d[(i * 7 + round) % 40]), 0);
		assert_int_equal(sluice_mem_used(r.iommu->mem), 0);
		assert_int_equal(r.f->hwdoms, 0);
	}
	rig_down(&r);
}

/* The hardware's side could not be taken down: the domain is as it was, and can be tried again. */
static void
a12_a_destroy_that_fails_leaves_a_domain(void **state)
{
	const struct sluice_domain_conf c = { .policy = "deferred", .iova_size = 2 << 20 };
	struct rig s;

	(void)state;
	rig_up(&s, "", &c);
	s.f->fail_at = 1;
	assert_int_equal(sluice_domain_destroy(s.d), -EIO);
	assert_int_equal(sluice_unmap(s.d, map_ok(s.d, 0x1000, 4096), 4096), 0);
	assert_int_equal(stats_of(s.d).pending, 1);
	assert_int_equal(sluice_domain_drain(s.d), 0);
	assert_int_equal(stats_of(s.d).pending, 0);
	assert_int_equal(sluice_worker_unregister(s.e, 0), 0);
	assert_int_equal(sluice_worker_register(s.e, 0), 0);
	assert_int_equal(sluice_unmap(s.d, map_ok(s.d, 0x1000, 4096), 4096), 0);
	rig_down(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a12_a_destroy_that_fails_leaves_a_domain),
		cmocka_unit_test(defaults),
		cmocka_unit_test(wrong_fields_are_named),
		cmocka_unit_test(edges_that_are_right),
		cmocka_unit_test(no_engine_no_bypass),
		cmocka_unit_test(the_backend_refuses),
		cmocka_unit_test(no_memory_for_a_root_table),
		cmocka_unit_test(destroy_refuses_and_cleans_up),
		cmocka_unit_test(many_domains_come_and_go),
		cmocka_unit_test(destroy_that_failed_may_be_tried_again),
		cmocka_unit_test(a_type_that_is_none),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
