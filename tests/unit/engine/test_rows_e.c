/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Domain types, capabilities and defaults (rows E1 to E5). Allocations fail on demand: linked with
 * --wrap=rte_zmalloc. Usage: test_rows_e DRIVER_H
 */
#include <rte_log.h>
#include <rte_malloc.h>
#include <sluice/device.h>

#include "engine/policy/policy.h"
#include "rig.h"

#define PA UINT64_C(0x300000000)

static struct rig r;
static const char *driver_h;
static unsigned int fail_rings; /* the next so many flush rings get no memory */

void *__real_rte_zmalloc(const char *type, size_t size, unsigned int align);
void *__wrap_rte_zmalloc(const char *type, size_t size, unsigned int align);

void *
__wrap_rte_zmalloc(const char *type, size_t size, unsigned int align)
{
	if (fail_rings != 0 && strcmp(type, "sluice_flush") == 0) {
		fail_rings--;
		return NULL;
	}
	return __real_rte_zmalloc(type, size, align);
}

/* What the library logs meanwhile. */
static char said[2048];

static FILE *
listen(void)
{
	FILE *f = fmemopen(said, sizeof(said), "w");

	assert_non_null(f);
	memset(said, 0, sizeof(said));
	assert_int_equal(rte_openlog_stream(f), 0);
	rte_log_set_global_level(RTE_LOG_WARNING);
	return f;
}

static void
listened(FILE *f)
{
	fclose(f);
	rte_openlog_stream(NULL);
}

static const struct sluice_domain_conf deferred = { .policy = "deferred", .iova_size = 2 << 20 };

/* ---- E1 -------------------------------------------------------------------------------------- */

/* A backend that refuses what it does not know: it never hears of anything but the three. */
static void
only_the_three(struct fake *f, enum fake_op op, uint32_t id)
{
	(void)f, (void)id;
	assert_true(op == FAKE_BLOCKED || op == FAKE_IDENTITY || op == FAKE_PAGING ||
		    op == FAKE_INIT || op == FAKE_FINI);
	/* Clamped before the backend hears of it, not after. */
	if (op == FAKE_INIT || op == FAKE_PAGING)
		assert_true(r.d == NULL || !domain_policy(r.d)->deferred ||
			    (r.iommu->caps & SLUICE_CAP_DEFERRED) != 0);
}

static void
e1_clamped_before_the_backend_hears_of_it(void **state)
{
	(void)state;
	for (unsigned int i = 0; sluice_policy_name(i) != NULL; i++) {
		struct sluice_domain_conf c = { .policy = sluice_policy_name(i), .iova_size = 64 << 20 };
		struct sluice_device *dev;
		uint32_t stream = 3;

		rig_up(&r, "caps=0x10", NULL);
		r.f->on_call = only_the_three;
		r.d = sluice_domain_create(r.iommu, &c);
		if (r.d == NULL) { /* one that wants more than a name */
			r.f->on_call = NULL;
			rig_down(&r);
			continue;
		}
		assert_false(domain_policy(r.d)->deferred);
		dev = sluice_device_add(r.iommu, &stream, 1);
		assert_int_equal(sluice_device_attach(dev, r.d), 0);
		assert_int_equal(sluice_device_remove(dev), 0);
		r.f->on_call = NULL;
		rig_down(&r);
	}
}

/* ---- E2 -------------------------------------------------------------------------------------- */

static void
e2_no_memory_for_rings_is_strict_and_said(void **state)
{
	FILE *log;

	(void)state;
	for (unsigned int which = 0; which < 2; which++) {
		rig_up(&r, "", NULL);
		assert_int_equal(sluice_worker_register(r.e, 1), 0);
		/* The first worker's, or the last one's only. */
		log = listen();
		struct sluice_domain_conf c = deferred;

		c.policy = which ? "strict-async" : "deferred";
		fail_rings = which ? 2 : 1;
		r.d = sluice_domain_create(r.iommu, &c);
		fail_rings = 0;
		listened(log);
		assert_non_null(r.d);
		assert_string_equal(sluice_domain_policy(r.d), "strict");
		assert_non_null(strstr(said, "no memory for the flush rings"));
		for (unsigned int lcore = 0; lcore < 2; lcore++) {
			uint64_t before = r.f->submitted, cookie;

			as_lcore(lcore);
			assert_int_equal(sluice_unmap_async(r.d, map_ok(r.d, PA, 4096), 4096, 1), 0);
			assert_int_equal(r.f->submitted, before + 1);
			assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 0);
		}
		as_lcore(0);
		assert_int_equal(stats_of(r.d).queued, 0);
		rig_down(&r);
	}
}

/* A worker that comes later: its own unmaps are strict, whatever the others do. */
static void
e2_a_worker_without_a_ring(void **state)
{
	static const char *const policy[] = { "deferred", "strict-async" };
	struct sluice_seg seg[3];
	unsigned int later;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct sluice_domain_conf c = deferred;
		FILE *log = listen();

		c.policy = policy[i];
		rig_up(&r, "", &c);
		fail_rings = 1;
		assert_int_equal(sluice_worker_register(r.e, 2), 0);
		fail_rings = 0;
		listened(log);
		assert_non_null(strstr(said, "no memory for lcore 2's flush ring"));
		assert_string_equal(sluice_domain_policy(r.d), policy[i]);
		as_lcore(2);
		for (unsigned int round = 0; round < 2; round++) {
			uint64_t before = r.f->submitted, cookie;

			for (unsigned int k = 0; k < 3; k++)
				seg[k] = (struct sluice_seg){ .pa = PA, .len = 4096, .prot = SLUICE_RW };
			assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
			assert_int_equal(sluice_unmap_async(r.d, map_ok(r.d, PA, 9000), 9000, 1), 0);
			assert_int_equal(sluice_map_burst(r.d, seg, 3), 3);
			assert_int_equal(sluice_unmap_burst(r.d, seg, 3), 3);
			assert_int_equal(sluice_map_burst(r.d, seg, 3), 3);
			assert_int_equal(sluice_unmap_async_burst(r.d, seg, 3, &later), 3);
			assert_int_equal(later, 0);
			sluice_unmap_kick(r.d);
			assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 0);
			assert_int_equal(r.f->submitted, before + 8);
			/* There and back: it still has none. */
			assert_int_equal(sluice_domain_set_policy(r.d, "strict"), 0);
			assert_int_equal(sluice_domain_set_policy(r.d, policy[i]), 0);
		}
		as_lcore(0);
		assert_int_equal(stats_of(r.d).ring_full, 0);
		assert_int_equal(stats_of(r.d).live, 0);
		rig_down(&r);
	}
}

/* A live change without memory is refused: what was promised goes on. */
static void
e2_a_change_without_memory_changes_nothing(void **state)
{
	struct sluice_domain_conf c = deferred;

	(void)state;
	c.policy = "strict";
	rig_up(&r, "", &c);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	fail_rings = 1;
	assert_int_equal(sluice_domain_set_policy(r.d, "deferred"), -ENOMEM);
	assert_string_equal(sluice_domain_policy(r.d), "strict");
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	assert_int_equal(stats_of(r.d).queued, 0);
	assert_int_equal(sluice_domain_set_policy(r.d, "deferred"), 0);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	assert_int_equal(stats_of(r.d).queued, 1);
	rig_down(&r);
}

/* ---- E3 -------------------------------------------------------------------------------------- */

/* By construction: what a backend is given has no word for it. */
static void
e3_usage_never_reaches_a_backend(void **state)
{
	static const char *const parts[] = { "struct sluice_iommu_fast {", "struct sluice_hwdom {",
					     "struct sluice_iommu_ops {" };
	static const char *const words[] = { "strict", "deferred", "lazy", "policy", "unmanaged", "sva",
					     "domain_type" };
	static char text[65536];
	FILE *f = fopen(driver_h, "r");

	(void)state;
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	for (unsigned int i = 0; i < RTE_DIM(parts); i++) {
		char *at = strstr(text, parts[i]), *end;

		assert_non_null(at);
		end = strstr(at, "\n};");
		assert_non_null(end);
		*end = '\0';
		for (unsigned int k = 0; k < RTE_DIM(words); k++)
			assert_null(strcasestr(at, words[k]));
		*end = '\n';
	}
	/* Three ways to attach, and no argument that could say more. */
	const struct sluice_iommu_ops *ops = NULL;
	int (*paging)(struct sluice_iommu *, uint32_t, struct sluice_hwdom *) =
		ops == NULL ? NULL : ops->attach_paging;
	int (*other)(struct sluice_iommu *, uint32_t) = ops == NULL ? NULL : ops->attach_identity;

	assert_true(paging == NULL && other == NULL);
}

/* ---- E4 -------------------------------------------------------------------------------------- */

static void
e4_identity_without_bypass(void **state)
{
	const struct sluice_domain_conf id = { .type = SLUICE_DOMAIN_IDENTITY };
	const struct sluice_domain_conf pt = { .policy = "passthrough" };

	(void)state;
	rig_up(&r, "caps=1", NULL);
	assert_null(sluice_domain_create(r.iommu, &id));
	assert_int_equal(rte_errno, EINVAL);
	assert_non_null(strstr(sluice_error(), "bypass"));
	assert_null(sluice_domain_create(r.iommu, &pt));
	assert_int_equal(rte_errno, EINVAL);
	rig_down(&r);
}

static void
e4_pages_larger_than_the_cpus_force_identity(void **state)
{
	struct sluice_domain_conf c = deferred;
	FILE *log;

	(void)state;
	rig_up(&r, "pages=0x20000", NULL); /* 128 KiB and no less */
	log = listen();
	r.d = sluice_domain_create(r.iommu, &c);
	listened(log);
	assert_non_null(r.d);
	assert_string_equal(sluice_domain_policy(r.d), "passthrough");
	assert_non_null(strstr(said, "identity instead of deferred"));
	assert_int_equal(map_ok(r.d, 0x12345000, 4096), 0x12345000);
	assert_int_equal(sluice_unmap(r.d, 0x12345000, 4096), 0);
	c.untrusted = true;
	assert_null(sluice_domain_create(r.iommu, &c));
	assert_int_equal(rte_errno, EINVAL);
	rig_down(&r);
	rig_up(&r, "pages=0x20000,caps=1", NULL);
	c.untrusted = false;
	assert_null(sluice_domain_create(r.iommu, &c));
	assert_int_equal(rte_errno, EINVAL);
	rig_down(&r);
	rig_up(&r, "pages=0x40201000", &deferred);
	assert_string_equal(sluice_domain_policy(r.d), "deferred");
	rig_down(&r);
}

/* ---- E5 -------------------------------------------------------------------------------------- */

static void
e5_requested_device_engine_backend(void **state)
{
	struct sluice_device *dev;
	uint32_t stream = 8;
	char name[16] = "deferred";

	(void)state;
	rig_up(&r, "", NULL);
	dev = sluice_device_add(r.iommu, &stream, 1);
	assert_string_equal(sluice_device_default_policy(dev, NULL), "strict");
	snprintf(r.iommu->info.recommended, sizeof(r.iommu->info.recommended), "strict-async");
	assert_string_equal(sluice_device_default_policy(dev, NULL), "strict-async");
	assert_int_equal(sluice_engine_set_default(r.e, "strict-batched"), 0);
	assert_string_equal(sluice_device_default_policy(dev, NULL), "strict-batched");
	assert_int_equal(sluice_device_set_default(dev, name), 0);
	memset(name, 'x', sizeof(name)); /* ours no longer */
	assert_string_equal(sluice_device_default_policy(dev, NULL), "deferred");
	assert_string_equal(sluice_device_default_policy(dev, "contiguous"), "contiguous");
	assert_int_equal(sluice_device_set_default(dev, "nonsense"), -EINVAL);
	assert_int_equal(sluice_engine_set_default(r.e, "nonsense"), -EINVAL);
	assert_string_equal(sluice_device_default_policy(dev, NULL), "deferred");
	assert_int_equal(sluice_device_set_default(dev, NULL), 0);
	assert_string_equal(sluice_device_default_policy(dev, NULL), "strict-batched");
	assert_int_equal(sluice_engine_set_default(r.e, NULL), 0);
	assert_string_equal(sluice_device_default_policy(dev, NULL), "strict-async");
	assert_int_equal(sluice_device_remove(dev), 0);
	rig_down(&r);
}

static void
e5_untrusted_whatever_is_asked(void **state)
{
	struct sluice_domain_conf c = deferred;
	struct sluice_domain *safe;
	struct sluice_device *dev;
	uint32_t stream = 8;

	(void)state;
	rig_up(&r, "mem=64", &c);
	c.untrusted = true;
	c.iova_size = 64 << 20;
	safe = sluice_domain_create(r.iommu, &c);
	assert_non_null(safe);
	assert_string_equal(sluice_domain_policy(safe), "strict");
	dev = sluice_device_add(r.iommu, &stream, 1);
	assert_int_equal(sluice_device_attach(dev, r.d), 0);
	assert_int_equal(sluice_device_set_untrusted(dev, true), -EBUSY);
	assert_int_equal(sluice_device_detach(dev), 0);
	assert_int_equal(sluice_device_set_untrusted(dev, true), 0);
	assert_int_equal(sluice_device_set_default(dev, "deferred"), 0);
	assert_string_equal(sluice_device_default_policy(dev, "deferred"), "strict");
	assert_int_equal(sluice_device_attach(dev, r.d), -EPERM);
	assert_null(sluice_device_domain(dev));
	assert_int_equal(sluice_device_attach(dev, safe), 0);
	/* Trust is seen to by a change of policy as well. */
	assert_int_equal(sluice_domain_set_policy(safe, "deferred"), -EBUSY);
	assert_int_equal(sluice_device_remove(dev), 0);
	assert_int_equal(sluice_domain_destroy(safe), 0);
	rig_down(&r);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e1_clamped_before_the_backend_hears_of_it),
		cmocka_unit_test(e2_no_memory_for_rings_is_strict_and_said),
		cmocka_unit_test(e2_a_worker_without_a_ring),
		cmocka_unit_test(e2_a_change_without_memory_changes_nothing),
		cmocka_unit_test(e3_usage_never_reaches_a_backend),
		cmocka_unit_test(e4_identity_without_bypass),
		cmocka_unit_test(e4_pages_larger_than_the_cpus_force_identity),
		cmocka_unit_test(e5_requested_device_engine_backend),
		cmocka_unit_test(e5_untrusted_whatever_is_asked),
	};

	driver_h = argc > 1 ? argv[1] : "engine/driver.h";
	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
