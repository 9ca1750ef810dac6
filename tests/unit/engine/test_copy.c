/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * policy/copypool.c, copy.c: the device sees copies, at the same offset, with the protection asked
 * for; the owner's pages are never in the page table; nothing is ever invalidated.
 */
#include "engine/policy/copypool.h"
#include "mirror.h"

#define OUTSIDE UINT64_C(0x300000000) /* not the iommu's memory */

static const struct sluice_domain_conf conf = { .policy = "copy", .iova_size = 16 << 20,
						.copy_pool = 64 * 4096 };

static void
device_sees_a_copy_and_writes_come_back(void **state)
{
	static const size_t lens[] = { 1, 64, 100, 4095, 4096, 4097, 8192, 30000, 65536 };
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	struct buf b = buf_make(&r, 80 << 10);
	uint8_t *want = malloc(b.size);

	for (unsigned int i = 0; i < RTE_DIM(lens); i++) {
		for (unsigned int off = 0; off < 4096; off += 1365) {
			size_t len = lens[i];
			uint64_t iova = map_prot(&r, b.pa + off, len, SLUICE_RW);

			device_reads(&r, iova, b.va + off, len);
			for (size_t k = 0; k < len; k += 4096)
				assert_false(device_at(&r, iova + k) >= b.va &&
					     device_at(&r, iova + k) < b.va + b.size);
			/* What it writes is in its view alone until the unmap; a part may be written. */
			memcpy(want, b.va, b.size);
			device_writes(&r, iova, 0xee, (len + 1) / 2);
			assert_memory_equal(b.va, want, b.size);
			assert_int_equal(sluice_unmap(r.d, iova, len), 0);
			memset(want + off, 0xee, (len + 1) / 2);
			assert_memory_equal(b.va, want, b.size);
		}
	}
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.copies, 4 * RTE_DIM(lens));
	assert_int_equal(st.maps, st.copies);
	assert_int_equal(st.live, 0);
	assert_int_equal(st.map_pages, st.unmap_pages);
	assert_int_equal(st.copy_large + st.copy_empty, 0);
	assert_int_equal(st.kept_bytes, 64 * 4096);
	assert_int_equal(st.invs + st.syncs, 0);
	assert_int_equal(r.f->submitted, 0); /* nothing, ever */
	free(want);
	buf_free(&r, &b);
	rig_down(&r);
}

static void
what_is_for_reading_is_not_written(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	struct buf b = buf_make(&r, 4096);
	uint64_t iova = map_prot(&r, b.pa, 100, SLUICE_READ);

	assert_false(device_may_write(&r, iova));
	*device_at(&r, iova) = 0xee; /* by whatever way: it does not come back */
	assert_int_equal(sluice_unmap(r.d, iova, 100), 0);
	assert_int_equal(b.va[0], 1);
	assert_int_equal(stats_of(r.d).copy_bytes, 100);
	iova = map_prot(&r, b.pa, 100, SLUICE_RW);
	assert_true(device_may_write(&r, iova));
	assert_int_equal(sluice_unmap(r.d, iova, 100), 0);
	assert_int_equal(stats_of(r.d).copy_bytes, 300);
	buf_free(&r, &b);
	rig_down(&r);
}

/* After the unmap a device still reaches the pool; the owner's memory it neither sees nor changes. */
static void
stale_accesses_reach_nobody(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	struct buf b = buf_make(&r, 4096);
	uint64_t iova = map_prot(&r, b.pa, 4096, SLUICE_RW);

	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	b.va[7] = 0x77;
	assert_int_not_equal(*device_at(&r, iova + 7), 0x77);
	device_writes(&r, iova, 0xee, 4096);
	assert_int_equal(b.va[7], 0x77);
	/* Nor the next one's, which is copied in over it. */
	uint64_t again = map_prot(&r, b.pa, 4096, SLUICE_READ);

	device_reads(&r, again, b.va, 4096);
	assert_int_equal(sluice_unmap(r.d, again, 4096), 0);
	buf_free(&r, &b);
	rig_down(&r);
}

static void
no_two_buffers_share_a_page(void **state)
{
	struct rig r;
	uint64_t iova[64];

	(void)state;
	rig_up(&r, "", &conf);
	struct buf b = buf_make(&r, 4096);

	for (unsigned int i = 0; i < 64; i++) {
		iova[i] = map_prot(&r, b.pa + i * 64u, 64, SLUICE_RW);
		for (unsigned int k = 0; k < i; k++)
			assert_ptr_not_equal((uintptr_t)device_at(&r, iova[i]) >> 12,
					     (uintptr_t)device_at(&r, iova[k]) >> 12);
	}
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 64), 0);
	buf_free(&r, &b);
	rig_down(&r);
}

static void
a17_unmap_is_checked_to_the_byte(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	struct buf b = buf_make(&r, 5 * 4096);
	uint64_t iova = map_prot(&r, b.pa + 100, 9000, SLUICE_RW);

	device_writes(&r, iova, 0xee, 9000);
	assert_int_equal(sluice_unmap(r.d, iova, 8999), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova, 9001), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova, 0), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova - 1, 9000), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova + 4096, 9000), -EINVAL); /* inside */
	assert_int_equal(sluice_unmap(r.d, iova + 4096, 4904), -EINVAL);
	/* The other side of the pool, where the same page is for reading only. */
	const struct copypool *s = r.d->lc[0]->priv;

	assert_int_equal(sluice_unmap(r.d, iova - s->iova[1] + s->iova[0], 9000), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova + 5 * 4096, 9000), -ENOENT); /* uncut */
	assert_int_equal(sluice_unmap(r.d, s->iova[1] + 64 * 4096, 1), -ENOENT); /* past the pool */
	assert_int_equal(sluice_unmap(r.d, r.d->iova_base - 4096, 1), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, r.d->iova_base + (16 << 20), 1), -EINVAL);
	assert_int_equal(stats_of(r.d).unmap_errors, 11);
	assert_int_equal(b.va[100], (uint8_t)(100 * 7 + 1)); /* nothing came back by any of these */
	assert_int_equal(sluice_unmap(r.d, iova, 9000), 0);
	assert_int_equal(b.va[100], 0xee);
	assert_int_equal(sluice_unmap(r.d, iova, 9000), -ENOENT);
	assert_int_equal(sluice_unmap(r.d, iova + 4096, 4096), -ENOENT);
	/* An IOVA of the window that is not in a pool: as strict. */
	assert_int_equal(sluice_unmap(r.d, r.d->iova_base + (15 << 20), 4096), -ENOENT);
	assert_int_equal(stats_of(r.d).live, 0);
	buf_free(&r, &b);
	rig_down(&r);
}

static void
bad_maps(void **state)
{
	struct rig r;
	uint64_t iova;

	(void)state;
	rig_up(&r, "mem=8", &conf);
	struct sluice_mem_span s = sluice_mem_span(r.iommu->mem);

	assert_int_equal(sluice_map(r.d, OUTSIDE, 64, SLUICE_RW, &iova), -EINVAL);
	assert_int_equal(sluice_map(r.d, s.pa - 1, 64, SLUICE_RW, &iova), -EINVAL);
	assert_int_equal(sluice_map(r.d, s.pa + s.len - 63, 64, SLUICE_RW, &iova), -EINVAL);
	assert_int_equal(sluice_map(r.d, s.pa, 0, SLUICE_RW, &iova), -EINVAL);
	assert_int_equal(sluice_map(r.d, s.pa, 64, 0, &iova), -EINVAL);
	assert_int_equal(sluice_map(r.d, s.pa, 64, SLUICE_WRITE, &iova), -EINVAL);
	assert_int_equal(sluice_map(r.d, s.pa, 64, 4, &iova), -EINVAL);
	assert_int_equal(sluice_map(r.d, s.pa, 64, 7, &iova), -EINVAL);
	assert_int_equal(stats_of(r.d).map_errors, 8);
	assert_int_equal(stats_of(r.d).maps, 0);
	rig_down(&r);
}

/* Too long, or nothing left: strictly, which is counted. */
static void
falls_back_to_strict(void **state)
{
	struct rig r;
	uint64_t iova[65];

	(void)state;
	rig_up(&r, "", &conf);
	struct buf b = buf_make(&r, 128 << 10);

	iova[0] = map_prot(&r, b.pa, 65537, SLUICE_RW);
	assert_ptr_equal(device_at(&r, iova[0]), b.va);
	assert_int_equal(sluice_unmap(r.d, iova[0], 65537), 0);
	assert_null(device_at(&r, iova[0]));
	assert_int_equal(stats_of(r.d).copy_large, 1);
	assert_int_equal(r.f->submitted, 1);
	for (unsigned int i = 0; i < 65; i++)
		iova[i] = map_prot(&r, b.pa, 4096, SLUICE_RW);
	assert_int_equal(stats_of(r.d).copies, 64);
	assert_int_equal(stats_of(r.d).copy_empty, 1);
	assert_ptr_equal(device_at(&r, iova[64]), b.va);
	for (unsigned int i = 0; i < 65; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
	assert_int_equal(r.f->submitted, 2);
	assert_int_equal(stats_of(r.d).invs, 2);
	/* All of it is free again, but cut small. */
	iova[0] = map_prot(&r, b.pa, 4096, SLUICE_RW);
	iova[1] = map_prot(&r, b.pa, 4097, SLUICE_RW);
	assert_int_equal(stats_of(r.d).copies, 65);
	assert_int_equal(stats_of(r.d).copy_empty, 2);
	assert_int_equal(sluice_unmap(r.d, iova[0], 4096), 0);
	assert_int_equal(sluice_unmap(r.d, iova[1], 4097), 0);
	buf_free(&r, &b);
	rig_down(&r);
}

/* A short buffer takes a large slot when no other is left. */
static void
larger_slots_serve_too(void **state)
{
	struct rig r;

	(void)state;
	const struct sluice_domain_conf one = { .policy = "copy", .iova_size = 16 << 20,
						.copy_pool = 17 * 4096 };

	rig_up(&r, "", &one);
	struct buf b = buf_make(&r, 128 << 10);
	uint64_t iova = map_prot(&r, b.pa + 1, 65536, SLUICE_RW);

	assert_int_equal(sluice_unmap(r.d, iova, 65536), 0);
	assert_int_equal(map_prot(&r, b.pa + 1, 1, SLUICE_RW), iova);
	assert_int_equal(stats_of(r.d).copies, 2);
	assert_int_equal(sluice_unmap(r.d, iova, 1), 0);
	assert_int_equal(map_prot(&r, b.pa + 1, 65536, SLUICE_RW), iova);
	assert_int_equal(sluice_unmap(r.d, iova, 65536), 0);
	buf_free(&r, &b);
	rig_down(&r);
}

/* One maps, another unmaps: the slot goes home. */
static void
slots_go_home(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	struct buf b = buf_make(&r, 4096);

	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t iova = map_prot(&r, b.pa, 4096, SLUICE_RW);

		device_writes(&r, iova, (uint8_t)i, 1);
		as_lcore(1);
		assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
		as_lcore(0);
		assert_int_equal(b.va[0], (uint8_t)i);
	}
	assert_int_equal(stats_of(r.d).copies, 1000);
	assert_int_equal(stats_of(r.d).copy_empty, 0);
	assert_int_equal(stats_of(r.d).live, 0);
	buf_free(&r, &b);
	rig_down(&r);
}

/* A worker leaves while a slot of its lives; who comes next takes its pool over. */
static void
workers_come_and_go(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	struct buf b = buf_make(&r, 4096);

	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(sluice_worker_register(r.e, 1 + i % 3), 0);
		as_lcore(1 + i % 3);
		uint64_t iova = map_prot(&r, b.pa, 4096, SLUICE_RW);

		assert_int_equal(sluice_worker_unregister(r.e, 1 + i % 3), 0);
		as_lcore(0);
		device_reads(&r, iova, b.va, 4096);
		assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	}
	assert_int_equal(stats_of(r.d).kept_bytes, 2 * 64 * 4096); /* not of 100 */
	assert_int_equal(stats_of(r.d).copies, 100);
	buf_free(&r, &b);
	rig_down(&r);
}

static void
creation_can_fail(void **state)
{
	struct sluice_domain_conf c = conf;
	struct rig r;

	(void)state;
	rig_up(&r, "mem=4", NULL);
	c.copy_pool = 8 << 20;
	assert_null(sluice_domain_create(r.iommu, &c)); /* more than there is */
	assert_int_equal(rte_errno, ENOMEM);
	c.copy_pool = 64 * 4096;
	c.iova_size = 2 << 20;
	assert_null(sluice_domain_create(r.iommu, &c)); /* two places take two chunks */
	assert_int_equal(rte_errno, ENOSPC);
	c = conf;
	c.copy_pool = 4097;
	assert_null(sluice_domain_create(r.iommu, &c));
	assert_int_equal(rte_errno, EINVAL);
	c.copy_pool = (UINT64_C(1) << 30) + 4096;
	assert_null(sluice_domain_create(r.iommu, &c));
	assert_int_equal(rte_errno, EINVAL);
	c.copy_pool = 0;
	c.copy_max = 65537;
	assert_null(sluice_domain_create(r.iommu, &c));
	assert_int_equal(rte_errno, EINVAL);
	assert_int_equal(sluice_mem_used(r.iommu->mem), 0);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_sees_a_copy_and_writes_come_back),
		cmocka_unit_test(what_is_for_reading_is_not_written),
		cmocka_unit_test(stale_accesses_reach_nobody),
		cmocka_unit_test(no_two_buffers_share_a_page),
		cmocka_unit_test(a17_unmap_is_checked_to_the_byte),
		cmocka_unit_test(bad_maps),
		cmocka_unit_test(falls_back_to_strict),
		cmocka_unit_test(larger_slots_serve_too),
		cmocka_unit_test(slots_go_home),
		cmocka_unit_test(workers_come_and_go),
		cmocka_unit_test(creation_can_fail),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
