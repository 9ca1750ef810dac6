/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * fixed.c: places, errors, and that an unmap waits whatever the policy.
 */
#include "rig.h"

#define M2 UINT64_C(0x200000)
#define G1 UINT64_C(0x40000000)
#define FAR (UINT64_C(1) << 42) /* beyond the window */

static const struct sluice_domain_conf conf = { .policy = "deferred" };

static void
map_check_unmap(void **state)
{
	struct rig r;
	uint64_t pa;

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_map_fixed(r.d, 0x8000000, 2 * G1, 3 * M2 + 4096, SLUICE_RW), 0);
	assert_int_equal(sluice_iova_to_pa(r.d, 0x8000000 + 3 * M2 + 77, &pa), 0);
	assert_int_equal(pa, 2 * G1 + 3 * M2 + 77);
	assert_int_equal(sluice_map_fixed(r.d, 0x8000000 + M2, G1, 4096, SLUICE_READ), -EEXIST);
	assert_int_equal(sluice_unmap_fixed(r.d, 0x8000000 + 4096, 4096), -ERANGE);
	assert_int_equal(sluice_unmap_fixed(r.d, 0x8000000, 3 * M2 + 8192), -ENOENT);
	assert_int_equal(r.f->submitted, 0);
	assert_int_equal(sluice_unmap_fixed(r.d, 0x8000000, 3 * M2 + 4096), 0);
	assert_int_equal(r.f->submitted, 1);
	assert_true(fake_covered(r.f, 1, 1, r.d->hw.tag, 0x8000000, 3 * 512 + 1));
	assert_int_equal(sluice_iova_to_pa(r.d, 0x8000000, &pa), -ENOENT);
	rig_down(&r);
}

static void
places_that_are_none(void **state)
{
	const uint64_t base = SLUICE_IOVA_BASE_DEFAULT, end = base + SLUICE_IOVA_SIZE_DEFAULT;
	const uint64_t top = UINT64_C(1) << 48;
	const struct {
		uint64_t iova, pa, size;
		unsigned int prot;
	} bad[] = {
		{ 1, 0, 4096, SLUICE_RW },
		{ 0, 1, 4096, SLUICE_RW },
		{ 0, 0, 4095, SLUICE_RW },
		{ 0, 0, 0, SLUICE_RW },
		{ 0, 0, 4096, 0 },
		{ 0, 0, 4096, SLUICE_WRITE },
		{ 0, 0, 4096, 8 },
		{ base, 0, 4096, SLUICE_RW },
		{ base - 4096, 0, 8192, SLUICE_RW },
		{ end - 4096, 0, 4096, SLUICE_RW },
		{ 0, 0, end + M2, SLUICE_RW }, /* around the window */
		{ top, 0, 4096, SLUICE_RW },
		{ top - 4096, 0, 8192, SLUICE_RW },
		{ UINT64_MAX - 4095, 0, 4096, SLUICE_RW },
		{ 4096, 0, UINT64_MAX - 4095, SLUICE_RW },
		{ 0, top, 4096, SLUICE_RW },
		{ 0, top - 4096, 8192, SLUICE_RW },
	};
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		assert_int_equal(sluice_map_fixed(r.d, bad[i].iova, bad[i].pa, bad[i].size,
						  bad[i].prot), -EINVAL);
		assert_true(sluice_error()[0] != '\0');
	}
	assert_int_equal(sluice_unmap_fixed(r.d, base, 4096), -EINVAL);
	assert_int_equal(sluice_unmap_fixed(r.d, 3, 4096), -EINVAL);
	/* Right beside the window, and at both ends of the space. */
	assert_int_equal(sluice_map_fixed(r.d, base - 4096, 0, 4096, SLUICE_READ), 0);
	assert_int_equal(sluice_map_fixed(r.d, end, 0, 4096, SLUICE_READ), 0);
	assert_int_equal(sluice_map_fixed(r.d, 0, 0, 4096, SLUICE_READ), 0);
	assert_int_equal(sluice_map_fixed(r.d, top - 4096, top - 4096, 4096, SLUICE_READ), 0);
	assert_int_equal(sluice_unmap_fixed(r.d, base - 4096, 4096), 0);
	assert_int_equal(sluice_unmap_fixed(r.d, end, 4096), 0);
	assert_int_equal(sluice_unmap_fixed(r.d, 0, 4096), 0);
	assert_int_equal(sluice_unmap_fixed(r.d, top - 4096, 4096), 0);
	rig_down(&r);
}

static void
no_table_memory(void **state)
{
	struct rig r;
	void *keep = NULL, *p;

	(void)state;
	rig_up(&r, "mem=1", &conf);
	while ((p = sluice_mem_page_get(r.iommu->mem, NULL)) != NULL) {
		*(void **)p = keep;
		keep = p;
	}
	assert_int_equal(sluice_map_fixed(r.d, 0, 0, 4096, SLUICE_RW), -ENOMEM);
	while (keep != NULL) {
		p = *(void **)keep;
		sluice_mem_page_put(r.iommu->mem, keep);
		keep = p;
	}
	assert_int_equal(sluice_map_fixed(r.d, 0, 0, 4096, SLUICE_RW), 0);
	assert_int_equal(sluice_unmap_fixed(r.d, 0, 4096), 0);
	rig_down(&r);
}

static uint64_t
tables(const struct rig *r)
{
	return stats_of(r->d).table_bytes / 4096;
}

/* What was there before makes no difference: blocks are blocks, and what they are cut by. */
static void
blocks_after_pages(void **state)
{
	static const uint64_t size[] = { 4096, M2, G1, 3 * 4096 };
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	for (unsigned int i = 0; i < 2 * RTE_DIM(size); i++) {
		uint64_t n = size[i % RTE_DIM(size)], at = FAR + (n < M2 ? M2 + 7 * 4096 : 0);

		assert_int_equal(sluice_map_fixed(r.d, at, 2 * G1, n, SLUICE_RW), 0);
		/* Root, one each of the levels above the entry. */
		assert_int_equal(tables(&r), n >= G1 ? 2 : n >= M2 ? 3 : 4);
		assert_int_equal(sluice_unmap_fixed(r.d, at, 2048 + 2048), n == 4096 ? 0 :
				 n >= M2 ? -ERANGE : 0);
		if (n > 4096)
			assert_int_equal(sluice_unmap_fixed(r.d, at + (n < M2 ? 4096 : 0),
							    n - (n < M2 ? 4096 : 0)), 0);
		assert_int_equal(tables(&r), 1);
	}
	rig_down(&r);
}

/* While something is mapped there, the tables above it stay; walks are invalidated with the rest,
 * and only when a table goes. */
static void
a5_tables_go_with_the_last_page(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_map_fixed(r.d, FAR, 2 * G1 + 4096, M2 + 8192, SLUICE_RW), 0);
	assert_int_equal(tables(&r), 5);
	assert_int_equal(sluice_unmap_fixed(r.d, FAR + 4096, M2 - 8192), 0);
	assert_int_equal(fake_sub(r.f, r.f->submitted)->inv[0].flags, SLUICE_INV_LEAF);
	assert_int_equal(tables(&r), 5);
	assert_int_equal(sluice_unmap_fixed(r.d, FAR, 4096), 0);
	assert_int_equal(fake_sub(r.f, r.f->submitted)->inv[0].flags, SLUICE_INV_LEAF);
	assert_int_equal(sluice_unmap_fixed(r.d, FAR + M2 - 4096, 4096), 0);
	assert_int_equal(fake_sub(r.f, r.f->submitted)->inv[0].flags, 0);
	assert_int_equal(tables(&r), 4);
	assert_int_equal(sluice_unmap_fixed(r.d, FAR + M2, 8192), 0);
	assert_int_equal(tables(&r), 1);
	assert_true(fake_covered(r.f, r.f->submitted, r.f->submitted, r.d->hw.tag, FAR + M2, 2));
	rig_down(&r);
}

/* More tables than one invalidation gives back, each with its only page. */
static void
a20_ever_new_addresses(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "mem=4", &conf);
	/* 8 GiB of them, one by one: 4096 tables would not fit. */
	for (uint64_t i = 0; i < 4096; i++) {
		assert_int_equal(sluice_map_fixed(r.d, FAR + i * M2, 0, 4096, SLUICE_RW), 0);
		assert_int_equal(sluice_unmap_fixed(r.d, FAR + i * M2, 4096), 0);
	}
	assert_int_equal(tables(&r), 1);
	/* And 500 at once: 64 with each invalidation. */
	uint64_t n = r.f->submitted;

	assert_int_equal(sluice_map_fixed(r.d, FAR, 4096, 500 * M2, SLUICE_RW), 0);
	assert_int_equal(tables(&r), 1 + 2 + 500);
	assert_int_equal(sluice_unmap_fixed(r.d, FAR, 500 * M2), 0);
	assert_int_equal(tables(&r), 1);
	assert_int_equal(r.f->submitted - n, 502 / 64 + 1);
	rig_down(&r);
}

/* Tables that the window's IOVAs use too are not given back, whoever used them last. */
static void
tables_beside_the_window_stay(void **state)
{
	const struct sluice_domain_conf small = { .policy = "strict", .iova_base = 64 * G1 + M2,
						  .iova_size = M2 };
	struct rig r;
	uint64_t iova;

	(void)state;
	rig_up(&r, "", &small);
	assert_int_equal(sluice_map_fixed(r.d, 64 * G1, 0, 4096, SLUICE_RW), 0);
	assert_int_equal(tables(&r), 4);
	assert_int_equal(sluice_unmap_fixed(r.d, 64 * G1, 4096), 0);
	assert_int_equal(tables(&r), 3); /* its leaf goes, what leads to the window does not */
	iova = map_ok(r.d, 8192, 4096);
	assert_int_equal(sluice_map_fixed(r.d, 64 * G1 + 2 * M2, 0, M2, SLUICE_RW), 0);
	assert_int_equal(sluice_unmap_fixed(r.d, 64 * G1 + 2 * M2, M2), 0);
	assert_int_equal(tables(&r), 4);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	rig_down(&r);
}

/* What cannot be invalidated may still be walked: the table stays, until it can. */
static void
a5_no_table_goes_before_its_invalidation(void **state)
{
	struct rig r;
	uint64_t n;

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_map_fixed(r.d, FAR, 0, 8192, SLUICE_RW), 0);
	n = tables(&r);
	r.f->bad_from = 1;
	r.f->bad_upto = UINT64_MAX;
	assert_int_equal(sluice_unmap_fixed(r.d, FAR, 8192), -EIO);
	assert_int_equal(tables(&r), n);
	r.f->bad_from = r.f->bad_upto = 0;
	assert_int_equal(sluice_map_fixed(r.d, FAR, 0, 4096, SLUICE_RW), 0);
	assert_int_equal(tables(&r), n); /* the same ones */
	assert_int_equal(sluice_unmap_fixed(r.d, FAR, 4096), 0);
	assert_int_equal(tables(&r), 1);
	rig_down(&r);
}

static void
the_hardware_fails(void **state)
{
	struct rig r;
	uint64_t pa;

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_map_fixed(r.d, 0, 0, 2 * M2, SLUICE_RW), 0);
	r.f->bad_from = 1;
	r.f->bad_upto = 2;
	assert_int_equal(sluice_unmap_fixed(r.d, 0, M2), -EIO);
	assert_int_equal(sluice_iova_to_pa(r.d, 0, &pa), -ENOENT);
	r.f->immediate = false;
	r.f->done = r.f->submitted;
	assert_int_equal(sluice_unmap_fixed(r.d, M2, M2), -ETIMEDOUT);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_check_unmap),
		cmocka_unit_test(places_that_are_none),
		cmocka_unit_test(no_table_memory),
		cmocka_unit_test(blocks_after_pages),
		cmocka_unit_test(a5_tables_go_with_the_last_page),
		cmocka_unit_test(a20_ever_new_addresses),
		cmocka_unit_test(tables_beside_the_window_stay),
		cmocka_unit_test(a5_no_table_goes_before_its_invalidation),
		cmocka_unit_test(the_hardware_fails),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
