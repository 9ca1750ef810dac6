/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * mirror.c: hardware that must be told of maps (A8), and that translates some addresses only.
 */
#include "engine/policy/policy.h"
#include "rig.h"

#define PA    UINT64_C(0x300000000)
#define LIMIT 64u /* pages that fit into the copy */

/* A copy that only grows, until it is made anew; unmapping frees nothing. */
static struct {
	unsigned int used, live, syncs, refreshes;
	unsigned int fail_next; /* so many calls fail, … */
	int err;                /* … with this */
	int refresh_err;
	uint64_t iova, pages;
} copy;

static int
copy_map_sync(struct sluice_iommu *iommu, struct sluice_hwdom *hd, uint64_t iova, uint64_t pages)
{
	(void)iommu;
	assert_int_not_equal(hd->tag, 0);
	copy.syncs++;
	copy.iova = iova;
	copy.pages = pages;
	if (copy.fail_next > 0) {
		copy.fail_next--;
		return copy.err;
	}
	if (copy.used + pages > LIMIT)
		return -ENOMEM;
	copy.used += (unsigned int)pages;
	return 0;
}

static int
copy_refresh(struct sluice_iommu *iommu, struct sluice_hwdom *hd)
{
	(void)iommu, (void)hd;
	copy.refreshes++;
	copy.used = copy.live;
	return copy.refresh_err;
}

static struct sluice_iommu_ops ops;
static struct rig r;

static void
up(const char *policy)
{
	const struct sluice_domain_conf conf = { .policy = policy, .iova_size = 16 << 20 };

	memset(&copy, 0, sizeof(copy));
	copy.err = -EIO;
	rig_up(&r, "", NULL);
	ops = *r.iommu->ops;
	ops.map_sync = copy_map_sync;
	ops.refresh = copy_refresh;
	r.iommu->ops = &ops;
	r.d = sluice_domain_create(r.iommu, &conf);
	assert_non_null(r.d);
}

/* Every map is told of, before it returns, with the pages that it has. */
static void
a8_maps_are_told_of(void **state)
{
	uint64_t iova;

	(void)state;
	up("strict");
	assert_string_equal(sluice_domain_policy(r.d), "strict");
	iova = map_ok(r.d, PA + 100, 4096); /* two pages */
	assert_int_equal(copy.syncs, 1);
	assert_true(copy.iova == iova - 100);
	assert_int_equal(copy.pages, 2);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	rig_down(&r);
}

/* Out of room: one refresh and one more try, and the mapper sees nothing of it. */
static void
a8_out_of_memory_refreshes_once(void **state)
{
	(void)state;
	up("strict");
	for (unsigned int i = 0; i < 3 * LIMIT; i++)
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	assert_int_equal(copy.refreshes, 2);
	assert_int_equal(copy.syncs, 3 * LIMIT + 2);
	assert_int_equal(stats_of(r.d).refreshes, 2);
	assert_int_equal(stats_of(r.d).map_errors, 0);
	rig_down(&r);
}

/* Still no room: the error is the mapper's. The mapping is undone, invalidated, its IOVA free. */
static void
error_reaches_the_mapper(const char *policy)
{
	struct sluice_domain_stats st;
	uint64_t iova = 0, pa, free, n;

	up(policy);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 3 * 4096), 3 * 4096), 0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	free = iova_space_free_pages(&r.d->iova) + r.d->lc[0]->mag[2].n * 4;
	n = r.f->submitted;
	copy.live = copy.used = LIMIT;
	copy.refreshes = 0;
	assert_int_equal(sluice_map(r.d, PA, 3 * 4096, SLUICE_RW, &iova), -ENOMEM);
	assert_int_equal(copy.refreshes, 1);
	/* What the hardware was told of is not there any more, and it knows. */
	assert_int_equal(sluice_iova_to_pa(r.d, copy.iova, &pa), -ENOENT);
	assert_true(fake_covered(r.f, n + 1, r.f->submitted, r.d->hw.tag, copy.iova, 3));
	copy.err = -EIO;
	copy.fail_next = 1;
	assert_int_equal(sluice_map(r.d, PA, 3 * 4096, SLUICE_RW, &iova), -EIO);
	assert_int_equal(copy.refreshes, 1);
	copy.refresh_err = -EIO;
	assert_int_equal(sluice_map(r.d, PA, 3 * 4096, SLUICE_RW, &iova), -EIO);
	st = stats_of(r.d);
	assert_int_equal(st.map_errors, 3);
	assert_int_equal(st.live, 0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	if (strcmp(policy, "rollover") != 0) {
		assert_int_equal(st.maps, 1);
		assert_int_equal(st.map_pages, 3);
		while (flush_ring_reclaim(r.d, r.d->lc[0]) != 0)
			;
		n = iova_space_free_pages(&r.d->iova) + r.d->lc[0]->mag[2].n * 4;
		assert_true(n >= free); /* nothing leaked */
	}
	copy.live = copy.used = 0;
	copy.refresh_err = 0;
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	rig_down(&r);
}

static void
a8_map_sync_error_reaches_the_mapper(void **state)
{
	static const char *const policy[] = { "strict", "strict-batched", "deferred", "strict-async",
					      "contiguous", "deferred-single", "rollover" };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(policy); i++)
		error_reaches_the_mapper(policy[i]);
}

static void
a8_bursts_are_told_of(void **state)
{
	struct sluice_seg seg[4];

	(void)state;
	up("contiguous");
	for (unsigned int i = 0; i < 4; i++)
		seg[i] = (struct sluice_seg){ .pa = PA, .len = 4096, .prot = SLUICE_RW };
	assert_int_equal(sluice_map_burst(r.d, seg, 4), 4);
	assert_int_equal(copy.syncs, 1);
	assert_int_equal(copy.pages, 4);
	assert_int_equal(sluice_unmap_burst(r.d, seg, 4), 4);
	copy.fail_next = 1;
	assert_int_equal(sluice_map_burst(r.d, seg, 4), 0);
	assert_int_equal(rte_errno, EIO);
	assert_int_equal(stats_of(r.d).live, 0);
	assert_int_equal(stats_of(r.d).maps, 1); /* that was none */
	rig_down(&r);
	/* One after the other: the first that fails ends it. */
	up("strict");
	copy.live = copy.used = LIMIT - 2;
	copy.refresh_err = -ENOMEM;
	assert_int_equal(sluice_map_burst(r.d, seg, 4), 2);
	assert_int_equal(rte_errno, ENOMEM);
	assert_int_equal(sluice_unmap_burst(r.d, seg, 2), 2);
	rig_down(&r);
}

/* Policies whose bursts lie anywhere: each piece is told of, the one that fails is invalidated. */
static void
a8_scattered_bursts_are_told_of(const char *policy)
{
	struct sluice_seg seg[4];
	uint64_t n;

	up(policy);
	/* So that the next addresses are no neighbours. */
	for (unsigned int i = 0; i < 4; i++) {
		seg[i] = (struct sluice_seg){ .pa = PA, .len = 4096, .prot = SLUICE_RW };
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096 << i), 4096 << i), 0);
	}
	assert_int_equal(sluice_domain_drain(r.d), 0);
	copy.syncs = copy.used = 0;
	n = r.f->submitted;
	for (unsigned int i = 0; i < 4; i++) {
		seg[i].len = 4096 << i % 2;
		copy.pages = 0;
	}
	assert_int_equal(sluice_map_burst(r.d, seg, 3), 3);
	assert_int_equal(copy.syncs, 3);
	assert_int_equal(copy.used, 1 + 2 + 1);
	assert_true(copy.iova == seg[2].iova);
	copy.live = copy.used = LIMIT;
	assert_int_equal(sluice_map_burst(r.d, &seg[3], 1), 0);
	assert_int_equal(rte_errno, ENOMEM);
	assert_true(fake_covered(r.f, n + 1, r.f->submitted, r.d->hw.tag, copy.iova, 2));
	assert_int_equal(sluice_unmap_burst(r.d, seg, 3), 3);
	assert_int_equal(stats_of(r.d).live, 0);
	rig_down(&r);
}

static void
a8_each_piece_of_a_burst(void **state)
{
	static const char *const policy[] = { "strict", "strict-batched", "deferred", "strict-async",
					      "deferred-single", "rollover" };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(policy); i++)
		a8_scattered_bursts_are_told_of(policy[i]);
}

/* The hardware did not take it, and cannot be told to forget what it took: the mapper hears that
 * the memory is not his. */
static void
a18_undone_in_vain(void **state)
{
	static const char *const policy[] = { "strict", "deferred", "contiguous", "rollover" };
	uint64_t iova;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(policy); i++) {
		struct sluice_seg seg = { .pa = PA, .len = 8192, .prot = SLUICE_RW };

		up(policy[i]);
		copy.live = copy.used = LIMIT;
		r.f->bad_from = 1;
		r.f->bad_upto = UINT64_MAX;
		assert_int_equal(sluice_map(r.d, PA, 4096, SLUICE_RW, &iova), -EIO);
		assert_int_equal(sluice_map_burst(r.d, &seg, 1), 0);
		assert_int_equal(rte_errno, EIO);
		assert_int_equal(sluice_map_fixed(r.d, 0x8000000, PA, 4096, SLUICE_RW), -EIO);
		assert_non_null(strstr(sluice_error(), "kept"));
		r.f->immediate = false;
		assert_int_equal(sluice_map_fixed(r.d, 0x8000000, PA, 4096, SLUICE_RW), -ETIMEDOUT);
		rig_down(&r);
	}
}

static void
a8_fixed_mappings_are_told_of(void **state)
{
	uint64_t pa;

	(void)state;
	up("strict");
	assert_int_equal(sluice_map_fixed(r.d, 0x8000000, PA, 8192, SLUICE_RW), 0);
	assert_int_equal(copy.pages, 2);
	copy.live = copy.used = LIMIT;
	assert_int_equal(sluice_map_fixed(r.d, 0x9000000, PA, 8192, SLUICE_RW), -ENOMEM);
	assert_int_equal(sluice_iova_to_pa(r.d, 0x9000000, &pa), -ENOENT);
	assert_int_equal(fake_sub(r.f, r.f->submitted)->inv[0].op, SLUICE_INV_DOMAIN);
	assert_int_equal(sluice_unmap_fixed(r.d, 0x8000000, 8192), 0);
	rig_down(&r);
}

/* What would not sync is refused, and not only at the first map. */
static void
a8_other_policies_are_refused(void **state)
{
	const struct sluice_domain_conf conf = { .policy = "copy" };

	(void)state;
	up("strict");
	assert_null(sluice_domain_create(r.iommu, &conf));
	assert_int_equal(rte_errno, ENOTSUP);
	assert_int_equal(sluice_domain_set_policy(r.d, "deferred"), -EBUSY);
	rig_down(&r);
}

/* Hardware that walks the tables: nothing is between a map and its policy. */
static void
a8_walking_hardware_pays_nothing(void **state)
{
	const struct sluice_domain_conf conf = { .policy = "deferred" };

	(void)state;
	rig_up(&r, "", &conf);
	assert_ptr_equal(r.d->policy, &policy_deferred);
	assert_ptr_equal(r.d->map, policy_deferred.map);
	rig_down(&r);
}

static void
window_is(uint64_t base, uint64_t size)
{
	struct sluice_domain_conf got;

	sluice_domain_get_conf(r.d, &got);
	assert_true(got.iova_base == base);
	assert_true(got.iova_size == size);
}

static struct sluice_domain *
make(uint64_t base, uint64_t size)
{
	const struct sluice_domain_conf conf = { .policy = "strict", .iova_base = base,
						 .iova_size = size };

	return sluice_domain_create(r.iommu, &conf);
}

static void
a8_aperture_limits_the_window(void **state)
{
	(void)state;
	rig_up(&r, "", NULL);
	r.iommu->info.aperture_base = UINT64_C(0x100100000); /* in the middle of a chunk */
	r.iommu->info.aperture_end = UINT64_C(0x17fffffff);
	r.d = make(0, 0);
	assert_non_null(r.d);
	window_is(UINT64_C(0x100200000), UINT64_C(0x7fe00000));
	assert_int_equal(sluice_map_fixed(r.d, 0x8000000, PA, 4096, SLUICE_RW), -EINVAL);
	assert_non_null(strstr(sluice_error(), "0x17fffffff"));
	assert_null(make(UINT64_C(0x100000000), 2 << 20));
	assert_non_null(strstr(sluice_error(), "0x17fffffff"));
	assert_null(make(UINT64_C(0x17fe00000), 4 << 20));
	assert_null(make(0, UINT64_C(1) << 40));
	assert_int_equal(sluice_domain_destroy(r.d), 0);
	r.d = make(UINT64_C(0x17fe00000), 2 << 20);
	assert_non_null(r.d);
	rig_down(&r);
	/* Few address bits: what there is of them. */
	rig_up(&r, "ias=32", NULL);
	r.d = make(0, 0);
	assert_non_null(r.d);
	window_is(2 << 20, (UINT64_C(1) << 32) - (2 << 20));
	assert_null(make(UINT64_C(1) << 32, 2 << 20));
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a8_maps_are_told_of),
		cmocka_unit_test(a8_out_of_memory_refreshes_once),
		cmocka_unit_test(a8_map_sync_error_reaches_the_mapper),
		cmocka_unit_test(a8_bursts_are_told_of),
		cmocka_unit_test(a8_each_piece_of_a_burst),
		cmocka_unit_test(a8_fixed_mappings_are_told_of),
		cmocka_unit_test(a18_undone_in_vain),
		cmocka_unit_test(a8_other_policies_are_refused),
		cmocka_unit_test(a8_walking_hardware_pays_nothing),
		cmocka_unit_test(a8_aperture_limits_the_window),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
