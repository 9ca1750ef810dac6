/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * policy/pool.c, pool_region.c, static.c, hugepool.c: what was mapped once stays where it is; pages
 * nobody asked for are not mapped; the book of what is in use is honest.
 */
#include "engine/policy/pool.h"
#include "mirror.h"

#define PA UINT64_C(0x300000000) /* not the iommu's memory */

static struct sluice_domain_conf
conf_of(const char *policy)
{
	return (struct sluice_domain_conf){ .policy = policy, .iova_size = 128 << 20 };
}

static bool
leads_to(struct rig *r, uint64_t iova, uint64_t pa)
{
	uint64_t at;

	return sluice_iova_to_pa(r->d, iova, &at) == 0 && at == pa;
}

static void
mapped_once_and_for_good(void **state)
{
	struct sluice_domain_conf c = conf_of("static");
	struct rig r;

	(void)state;
	rig_up(&r, "mem=8", &c);
	struct buf b = buf_make(&r, 16 * 4096);
	uint64_t iova = map_prot(&r, b.pa + 100, 5000, SLUICE_RW);

	assert_ptr_equal(device_at(&r, iova), b.va + 100);
	assert_true(leads_to(&r, iova + 4095, b.pa + 4195));
	/* Nothing beside it: queues and tables lie in the same memory. */
	assert_null(device_at(&r, (iova & ~UINT64_C(4095)) - 1));
	assert_null(device_at(&r, (iova & ~UINT64_C(4095)) + 2 * 4096));
	assert_int_equal(stats_of(r.d).kept_bytes, 2 * 4096);
	assert_int_equal(stats_of(r.d).exposed_bytes, 0);
	assert_int_equal(sluice_unmap(r.d, iova, 5000), 0);
	assert_ptr_equal(device_at(&r, iova), b.va + 100);
	assert_int_equal(stats_of(r.d).exposed_bytes, 2 * 4096);
	assert_int_equal(map_prot(&r, b.pa + 100, 5000, SLUICE_RW), iova);
	assert_int_equal(map_prot(&r, b.pa + 4096, 8192, SLUICE_RW), iova - 100 + 4096);
	assert_int_equal(stats_of(r.d).kept_bytes, 3 * 4096);
	assert_int_equal(sluice_unmap(r.d, iova, 5000), 0);
	assert_int_equal(sluice_unmap(r.d, iova - 100 + 4096, 8192), 0);
	assert_int_equal(r.f->submitted, 0);
	assert_int_equal(stats_of(r.d).live, 0);
	assert_int_equal(stats_of(r.d).map_pages, 2 + 2 + 2);
	buf_free(&r, &b);
	rig_down(&r);
}

static void
protections_hold(void **state)
{
	struct sluice_domain_conf c = conf_of("static");
	struct rig r;

	(void)state;
	rig_up(&r, "mem=8", &c);
	struct buf b = buf_make(&r, 4096);
	uint64_t ro = map_prot(&r, b.pa, 4096, SLUICE_READ);

	assert_false(device_may_write(&r, ro));
	uint64_t rw = map_prot(&r, b.pa, 4096, SLUICE_RW);

	assert_true(device_may_write(&r, rw));
	assert_false(device_may_write(&r, ro));
	assert_int_not_equal(ro, rw);
	assert_int_equal(sluice_unmap(r.d, ro, 4096), 0);
	assert_int_equal(sluice_unmap(r.d, ro, 4096), -ENOENT); /* rw is another */
	assert_int_equal(sluice_unmap(r.d, rw, 4096), 0);
	buf_free(&r, &b);
	rig_down(&r);
}

static void
pools_are_mapped_at_once(void **state)
{
	struct sluice_domain_conf c = conf_of("static");
	struct rig r;
	uint64_t iova;

	(void)state;
	rig_up(&r, "mem=8", &c);
	assert_int_equal(sluice_map(r.d, PA, 64, SLUICE_RW, &iova), -EINVAL);
	assert_int_equal(sluice_domain_pool(r.d, PA + 4096, 3 << 20), 0);
	assert_int_equal(stats_of(r.d).kept_bytes, 3 << 20);
	for (uint64_t off = 4096; off < (3 << 20) + 4096; off += 4096 * 37) {
		for (unsigned int prot = SLUICE_READ; prot <= SLUICE_RW; prot += 2) {
			iova = map_prot(&r, PA + off, 64, prot);
			assert_true(leads_to(&r, iova, PA + off));
			assert_int_equal(device_may_write(&r, iova), prot == SLUICE_RW);
			assert_int_equal(sluice_unmap(r.d, iova, 64), 0);
		}
	}
	assert_int_equal(sluice_map(r.d, PA + 4095, 64, SLUICE_RW, &iova), -EINVAL);
	assert_int_equal(sluice_map(r.d, PA + (3 << 20) + 4096 - 63, 64, SLUICE_RW, &iova), -EINVAL);
	/* Another one, and what cannot be. */
	assert_int_equal(sluice_domain_pool(r.d, PA + (3 << 20) + 4096, 4096), 0);
	assert_int_equal(sluice_domain_pool(r.d, PA, 8192), -EEXIST);
	assert_int_equal(sluice_domain_pool(r.d, PA + (3 << 20), 4096), -EEXIST);
	assert_int_equal(sluice_domain_pool(r.d, PA, 0), -EINVAL);
	assert_int_equal(sluice_domain_pool(r.d, PA + 1, 4096), -EINVAL);
	assert_int_equal(sluice_domain_pool(r.d, PA, 4097), -EINVAL);
	assert_int_equal(sluice_domain_pool(r.d, UINT64_C(1) << 48, 4096), -EINVAL);
	assert_int_equal(sluice_domain_pool(r.d, 2 * PA, UINT64_C(1) << 40), -ENOSPC);
	assert_int_equal(sluice_domain_pool(r.d, 2 * PA, 100 << 20), -ENOSPC);
	/* The window is as it was before those. */
	assert_int_equal(sluice_domain_pool(r.d, 2 * PA, 40 << 20), 0);
	for (unsigned int i = 4; i < POOL_REGIONS; i++)
		assert_int_equal(sluice_domain_pool(r.d, PA + (UINT64_C(1) << 32) + i * 4096, 4096),
				 i < 9 ? 0 : -ENOSPC); /* 2 MiB of the window each, twice */
	assert_int_equal(r.f->submitted, 0);
	rig_down(&r);
}

static unsigned int
blocks_under(struct rig *r, uint64_t iova, uint64_t len)
{
	unsigned int n = 0;

	/* A 2 MiB piece without a last-level table, that translates. */
	for (uint64_t at = iova & ~UINT64_C(0x1fffff); at < iova + len; at += 2 << 20) {
		struct sluice_mem_span s = r->d->pt.span;
		const uint64_t *t = r->d->pt.root;

		for (unsigned int shift = 39; shift > 21 && t != NULL; shift -= 9)
			t = sluice_span_va(&s, t[(at >> shift) & 511] & PTE_ADDR, 4096);
		n += t != NULL && (t[(at >> 21) & 511] & 3) == PTE_VALID;
	}
	return n;
}

static void
hugepool_uses_blocks(void **state)
{
	struct sluice_domain_conf c = conf_of("hugepool");
	struct rig r;
	uint64_t iova, len = (5 << 20) + 8192;

	(void)state;
	rig_up(&r, "mem=8", &c);
	uint64_t tables = stats_of(r.d).table_bytes;

	/* A page before a border, two whole blocks, a MiB and a page: three pieces. */
	assert_int_equal(sluice_domain_pool(r.d, PA - 4096, len), 0);
	assert_int_equal(stats_of(r.d).kept_bytes, len);
	iova = map_prot(&r, PA - 4096, len, SLUICE_RW);
	assert_int_equal(iova & 0x1fffff, (PA - 4096) & 0x1fffff);
	assert_int_equal(blocks_under(&r, iova, len), 2);
	for (uint64_t off = 0; off < len; off += 4096)
		assert_true(leads_to(&r, iova + off, PA - 4096 + off));
	assert_false(leads_to(&r, iova - 1, PA - 4097));
	assert_false(leads_to(&r, iova + len, PA - 4096 + len));
	assert_int_equal(sluice_unmap(r.d, iova, len), 0);
	assert_true(leads_to(&r, iova, PA - 4096));
	/* Tables for the ends alone, of both places. */
	assert_int_equal(stats_of(r.d).table_bytes - tables, 2 * 2 * 4096);
	/* static: as many as there are pieces. */
	rig_down(&r);
	c = conf_of("static");
	rig_up(&r, "mem=8", &c);
	tables = stats_of(r.d).table_bytes;
	assert_int_equal(sluice_domain_pool(r.d, PA - 4096, len), 0);
	iova = map_prot(&r, PA - 4096, len, SLUICE_RW);
	assert_int_equal(blocks_under(&r, iova, len), 0);
	for (uint64_t off = 0; off < len; off += 4096)
		assert_true(leads_to(&r, iova + off, PA - 4096 + off));
	assert_int_equal(sluice_unmap(r.d, iova, len), 0);
	rig_down(&r);
}

/* A pool in the iommu's own memory is found before that. */
static void
pool_in_the_iommus_memory(void **state)
{
	struct sluice_domain_conf c = conf_of("hugepool");
	struct rig r;

	(void)state;
	rig_up(&r, "", &c);
	struct buf b = { .size = 2 << 20 };

	b.va = sluice_iommu_mem_alloc(r.iommu, b.size, 2 << 20, &b.pa);
	assert_non_null(b.va);
	uint64_t before = map_prot(&r, b.pa, 64, SLUICE_RW);

	assert_int_equal(sluice_domain_pool(r.d, b.pa, b.size), 0);
	uint64_t after = map_prot(&r, b.pa, 64, SLUICE_RW);

	assert_int_not_equal(before, after);
	assert_int_equal(blocks_under(&r, after, 1), 1);
	assert_int_equal(blocks_under(&r, before, 1), 0);
	assert_int_equal(sluice_unmap(r.d, before, 64), 0);
	assert_int_equal(sluice_unmap(r.d, after, 64), 0);
	buf_free(&r, &b);
	rig_down(&r);
}

static void
a17_unmap_is_honest(void **state)
{
	struct sluice_domain_conf c = conf_of("static");
	struct rig r;

	(void)state;
	rig_up(&r, "mem=8", &c);
	struct buf b = buf_make(&r, 8 * 4096);
	uint64_t iova = map_prot(&r, b.pa + 64, 5000, SLUICE_RW), base = iova - 64, no;

	assert_int_equal(sluice_unmap(r.d, iova, 4999), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova, 5001), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova + 1, 5000), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova, 0), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova + 4096, 5000), -ENOENT); /* none begins there */
	assert_int_equal(sluice_unmap(r.d, r.d->iova_base - 1, 1), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, r.d->iova_base + (127 << 20), 1), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova, 5000), 0);
	assert_int_equal(sluice_unmap(r.d, iova, 5000), -ENOENT);
	/* Several in one page, in any order; what cannot be is refused. */
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(map_prot(&r, b.pa + i * 64, 64, SLUICE_RW), base + i * 64);
	assert_int_equal(sluice_unmap(r.d, base, 8 * 4096), -EINVAL);
	for (unsigned int i = 0; i < 63; i++)
		assert_int_equal(sluice_unmap(r.d, base + (i * 29 % 64) * 64, 64), 0);
	assert_int_equal(sluice_unmap(r.d, base, 64), -EINVAL); /* that one went already */
	assert_int_equal(sluice_unmap(r.d, base + (63 * 29 % 64) * 64, 64), 0);
	assert_int_equal(sluice_unmap(r.d, base, 64), -ENOENT);
	/* As many as the book holds. */
	for (unsigned int i = 0; i < 255; i++)
		map_prot(&r, b.pa, 8 * 4096, SLUICE_RW);
	assert_int_equal(sluice_map(r.d, b.pa, 64, SLUICE_RW, &no), -ENOSPC);
	for (unsigned int i = 0; i < 255; i++)
		assert_int_equal(sluice_unmap(r.d, base, 8 * 4096), 0);
	assert_int_equal(sluice_unmap(r.d, base, 8 * 4096), -ENOENT);
	assert_int_equal(stats_of(r.d).live, 0);
	assert_int_equal(sluice_map(r.d, b.pa, 0, SLUICE_RW, &no), -EINVAL);
	assert_int_equal(sluice_map(r.d, b.pa, 64, 0, &no), -EINVAL);
	assert_int_equal(sluice_map(r.d, b.pa, 64, SLUICE_WRITE, &no), -EINVAL);
	assert_int_equal(sluice_map(r.d, b.pa, 64, 7, &no), -EINVAL);
	assert_int_equal(stats_of(r.d).map_errors, 5);
	buf_free(&r, &b);
	rig_down(&r);
}

/* 2 GiB, 255 times: the sum does not reach the count. */
static void
longest_mappings(void **state)
{
	struct sluice_domain_conf c = { .policy = "hugepool", .iova_size = UINT64_C(8) << 30 };
	uint64_t len = UINT64_C(1) << 31, iova = 0, no;
	struct rig r;

	(void)state;
	rig_up(&r, "mem=8", &c);
	assert_int_equal(sluice_domain_pool(r.d, PA, len + 4096), 0);
	for (unsigned int i = 0; i < 255; i++)
		iova = map_prot(&r, PA + 4095, len, SLUICE_RW);
	assert_int_equal(sluice_map(r.d, PA, len + 1, SLUICE_RW, &no), -EINVAL);
	for (unsigned int i = 0; i < 255; i++)
		assert_int_equal(sluice_unmap(r.d, iova, len), 0);
	assert_int_equal(sluice_unmap(r.d, iova, len), -ENOENT);
	assert_int_equal(stats_of(r.d).map_pages, 255 * ((len >> 12) + 1));
	assert_int_equal(stats_of(r.d).unmap_pages, 255 * ((len >> 12) + 1));
	rig_down(&r);
}

static void
only_where_pools_are(void **state)
{
	struct sluice_domain_conf c = { .policy = "strict", .iova_size = 2 << 20 };
	struct rig r;

	(void)state;
	rig_up(&r, "mem=8", &c);
	assert_int_equal(sluice_domain_pool(r.d, PA, 4096), -ENOTSUP);
	c.policy = "static"; /* 8 MiB, twice, do not fit into 2 MiB */
	assert_null(sluice_domain_create(r.iommu, &c));
	assert_int_equal(rte_errno, ENOSPC);
	rig_down(&r);
}

/* No memory for a table half way through: nothing remains mapped, nothing usable is lost. */
static void
failed_pool_leaves_nothing(void **state)
{
	struct sluice_domain_conf c = { .policy = "hugepool", .iova_size = 64 << 20 };
	struct rig r;
	void *p, *all[4096];
	unsigned int n = 0;
	uint64_t pa;

	(void)state;
	rig_up(&r, "mem=4", &c);
	uint32_t uncut = bitset_count(&r.d->iova.uncut);

	while ((p = sluice_mem_page_get(r.iommu->mem, &pa)) != NULL)
		all[n++] = p;
	assert_true(n > 2);
	/* Of the two places' four tables three can be had: the second fails at its end. */
	for (unsigned int i = 0; i < 3; i++)
		sluice_mem_page_put(r.iommu->mem, all[--n]);
	assert_int_equal(sluice_domain_pool(r.d, PA - 4096, (2 << 20) + 8192), -ENOMEM);
	for (uint64_t at = r.d->iova_base; at < r.d->iova_base + (64 << 20); at += 4096)
		assert_int_equal(sluice_iova_to_pa(r.d, at, &pa), -ENOENT);
	/* What was mapped for a moment is invalidated before anybody else gets the place. */
	assert_int_equal(r.f->submitted, 1);
	assert_int_equal(fake_sub(r.f, 1)->inv[0].op, SLUICE_INV_DOMAIN);
	assert_int_equal(bitset_count(&r.d->iova.uncut), uncut);
	assert_int_equal(stats_of(r.d).kept_bytes, 0);
	while (n > 0)
		sluice_mem_page_put(r.iommu->mem, all[--n]);
	assert_int_equal(sluice_domain_pool(r.d, PA - 4096, (2 << 20) + 8192), 0);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mapped_once_and_for_good),
		cmocka_unit_test(protections_hold),
		cmocka_unit_test(pools_are_mapped_at_once),
		cmocka_unit_test(hugepool_uses_blocks),
		cmocka_unit_test(pool_in_the_iommus_memory),
		cmocka_unit_test(a17_unmap_is_honest),
		cmocka_unit_test(longest_mappings),
		cmocka_unit_test(only_where_pools_are),
		cmocka_unit_test(failed_pool_leaves_nothing),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
