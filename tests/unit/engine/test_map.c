/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * map.c: offsets, lengths from a byte to 2 GiB, protection, and unmaps that are not honest (A17).
 */
#include "rig.h"

#define PA UINT64_C(0x123456000)

static const struct sluice_domain_conf conf = { .policy = "strict" };

static void
expect_pages(struct sluice_domain *d, uint64_t iova, uint64_t pa, size_t len)
{
	uint64_t got;

	for (size_t off = 0; off < len; off += RTE_MAX((size_t)4096, len / 64)) {
		assert_int_equal(sluice_iova_to_pa(d, iova + off, &got), 0);
		assert_int_equal(got, pa + off);
	}
	assert_int_equal(sluice_iova_to_pa(d, iova + len - 1, &got), 0);
	assert_int_equal(got, pa + len - 1);
}

static void
offsets_and_lengths(void **state)
{
	static const struct {
		uint64_t off;
		size_t len;
		uint64_t pages;
	} c[] = {
		{ 0, 1, 1 }, { 0, 4096, 1 }, { 0, 4097, 2 }, { 1, 4095, 1 }, { 1, 4096, 2 },
		{ 4095, 1, 1 }, { 4095, 2, 2 }, { 100, 8000, 2 }, { 0, 3 * 4096, 3 },
		{ 0, 511 * 4096, 511 }, { 0, 512 * 4096, 512 }, { 1, 512 * 4096, 513 },
		{ 0, 513 * 4096, 513 }, { 0, 1024 * 4096, 1024 }, { 0, 1025 * 4096 + 1, 1026 },
		{ 0, (size_t)1 << 30, 1 << 18 }, { 0, (size_t)2 << 30, 1 << 19 },
		{ 4095, (size_t)2 << 30, (1 << 19) + 1 },
	};
	struct rig r;
	uint64_t pages = 0, n = 0;

	(void)state;
	rig_up(&r, "mem=32", &conf);
	for (unsigned int i = 0; i < RTE_DIM(c); i++) {
		uint64_t iova = map_ok(r.d, PA + c[i].off, c[i].len), got;

		assert_int_equal(iova & 4095, c[i].off);
		expect_pages(r.d, iova, PA + c[i].off, c[i].len);
		uint64_t start = iova & ~UINT64_C(4095);

		/* Mapped is whole pages, and no page more. */
		assert_int_equal(sluice_iova_to_pa(r.d, start + c[i].pages * 4096 - 1, &got), 0);
		assert_int_equal(sluice_iova_to_pa(r.d, start + c[i].pages * 4096, &got), -ENOENT);
		pages += c[i].pages;
		n++;
		assert_int_equal(stats_of(r.d).map_pages, pages);
		assert_int_equal(sluice_unmap(r.d, iova, c[i].len), 0);
		assert_int_equal(sluice_iova_to_pa(r.d, iova, &got), -ENOENT);
		assert_int_equal(sluice_iova_to_pa(r.d, iova + c[i].len - 1, &got), -ENOENT);
		assert_int_equal(sluice_unmap(r.d, iova, c[i].len), -ENOENT);
	}
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.maps, n);
	assert_int_equal(st.unmaps, n);
	assert_int_equal(st.unmap_pages, pages);
	assert_int_equal(st.unmap_errors, n);
	assert_int_equal(st.live, 0);
	rig_down(&r);
}

static void
map_refuses(void **state)
{
	static const struct {
		uint64_t pa;
		size_t len;
		unsigned int prot;
	} c[] = {
		{ PA, 0, SLUICE_RW },
		{ PA, ((size_t)2 << 30) + 1, SLUICE_RW },
		{ PA, SIZE_MAX, SLUICE_RW },
		{ PA, 4096, 0 },
		{ PA, 4096, SLUICE_WRITE }, /* write implies read: it is SLUICE_RW */
		{ PA, 4096, 4 | SLUICE_RW },
		{ PA, 4096, UINT32_MAX },
		{ UINT64_C(1) << 48, 1, SLUICE_RW },
		{ (UINT64_C(1) << 48) - 4096, 4097, SLUICE_RW },
		{ UINT64_MAX, 1, SLUICE_RW },
		{ UINT64_MAX - 4095, 8192, SLUICE_RW },
	};
	struct rig r;
	uint64_t iova = 77;

	(void)state;
	rig_up(&r, "", &conf);
	for (unsigned int i = 0; i < RTE_DIM(c); i++)
		assert_int_equal(sluice_map(r.d, c[i].pa, c[i].len, c[i].prot, &iova), -EINVAL);
	assert_int_equal(stats_of(r.d).map_errors, RTE_DIM(c));
	assert_int_equal(stats_of(r.d).maps, 0);
	/* The last byte of the physical space is fine. */
	iova = map_ok(r.d, (UINT64_C(1) << 48) - 1, 1);
	assert_int_equal(sluice_unmap(r.d, iova, 1), 0);
	rig_down(&r);
}

static uint64_t
pte_of(const struct sluice_domain *d, uint64_t iova)
{
	uint64_t pa = d->hw.ttb;

	for (unsigned int level = 0; level < 3; level++)
		pa = ((uint64_t *)sluice_span_va(&d->pt.span, pa & PTE_ADDR, 4096))
			[(iova >> (39 - 9 * level)) & 511];
	return ((uint64_t *)sluice_span_va(&d->pt.span, pa & PTE_ADDR, 4096))[(iova >> 12) & 511];
}

static void
protection_reaches_every_page(void **state)
{
	static const size_t len[] = { 1, 3 * 4096, 600 * 4096 };
	const uint64_t soft = PTE_FIRST | PTE_LAST;
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	for (unsigned int i = 0; i < RTE_DIM(len); i++) {
		for (unsigned int prot = SLUICE_READ; prot <= SLUICE_RW; prot += 2) {
			uint64_t iova;

			assert_int_equal(sluice_map(r.d, PA, len[i], prot, &iova), 0);
			for (uint64_t off = 0; off < len[i]; off += 4096)
				assert_int_equal(pte_of(r.d, iova + off) & ~soft,
						 (PA + off) | pt_format_get(SLUICE_FORMAT_LPAE_S1_4K)->attr(prot) | LPAE_TABLE);
			assert_int_equal(sluice_unmap(r.d, iova, len[i]), 0);
			for (uint64_t off = 0; off < len[i]; off += 4096)
				assert_int_equal(pte_of(r.d, iova + off), 0);
		}
	}
	rig_down(&r);
}

/* Every wrong (iova, len) is an error and changes nothing; the right one then succeeds. */
static void
a17_dishonest_unmaps(void **state)
{
	static const size_t pages[] = { 1, 2, 7, 64, 512, 513, 1024, 1300 };
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	for (unsigned int i = 0; i < RTE_DIM(pages); i++) {
		size_t len = pages[i] * 4096;
		uint64_t before = map_ok(r.d, PA, len), iova = map_ok(r.d, 2 * PA, len);
		uint64_t after = map_ok(r.d, 3 * PA, len), got;
		uint64_t errors = stats_of(r.d).unmap_errors, subs = r.f->submitted;
		struct {
			uint64_t iova;
			size_t len;
		} bad[] = {
			{ iova, len + 1 },          /* a page too long */
			{ iova, len + 4096 },
			{ iova, 2 * len + 4096 },
			{ iova, len > 4096 ? len - 4096 : len + 4096 },
			{ iova + 4096, len },
			{ iova - 4096, len },
			{ iova + 4096, len > 4096 ? len - 4096 : 2 * len },
			{ iova - 4096, len + 4096 },
			{ iova, 0 },
			{ iova, SIZE_MAX },
			{ iova, ((size_t)2 << 30) + 1 },
			{ iova + len / 8192 * 4096, pages[i] == 1 ? 4097 : 4096 },
		};

		for (unsigned int k = 0; k < RTE_DIM(bad); k++) {
			/* Single pages lie side by side: then this names a neighbour rightly. */
			if ((bad[k].iova == before || bad[k].iova == after) && bad[k].len == len)
				continue;
			int ret = sluice_unmap(r.d, bad[k].iova, bad[k].len);

			assert_true(ret == -EINVAL || ret == -ENOENT);
			assert_int_equal(stats_of(r.d).unmap_errors, ++errors);
			expect_pages(r.d, before, PA, len);
			expect_pages(r.d, iova, 2 * PA, len);
			expect_pages(r.d, after, 3 * PA, len);
		}
		assert_int_equal(r.f->submitted, subs); /* nothing was invalidated either */
		/* A length that ends in the same page: test_names.c. */
		assert_int_equal(sluice_unmap(r.d, iova, len), 0);
		assert_int_equal(sluice_iova_to_pa(r.d, iova, &got), -ENOENT);
		assert_int_equal(sluice_unmap(r.d, before, len), 0);
		assert_int_equal(sluice_unmap(r.d, after, len), 0);
	}
	rig_down(&r);
}

static void
unmap_outside_and_never_mapped(void **state)
{
	const uint64_t base = SLUICE_IOVA_BASE_DEFAULT, size = SLUICE_IOVA_SIZE_DEFAULT;
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_unmap(r.d, 0, 4096), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, base - 1, 1), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, base - 4096, 8192), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, base + size, 4096), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, base + size - 4096, 4097), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, UINT64_MAX, 1), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, UINT64_MAX, SIZE_MAX), -EINVAL);
	/* Inside: no table there yet, or an empty table. */
	assert_int_equal(sluice_unmap(r.d, base, 4096), -ENOENT);
	assert_int_equal(sluice_unmap(r.d, base, 4 << 20), -ENOENT);
	assert_int_equal(sluice_unmap(r.d, base + size - 4096, 4096), -ENOENT);
	uint64_t iova = map_ok(r.d, PA, 4096);

	assert_int_equal(sluice_unmap(r.d, iova + 4096, 4096), -ENOENT);
	assert_int_equal(sluice_unmap(r.d, iova + 4096, 8192), -ENOENT);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	rig_down(&r);
}

static void
another_domains_mapping(void **state)
{
	struct sluice_domain_conf c = { .iova_base = UINT64_C(1) << 40, .iova_size = 4 << 20 };
	struct sluice_domain *other;
	struct rig r;
	uint64_t pa;

	(void)state;
	rig_up(&r, "", &conf);
	uint64_t iova = map_ok(r.d, PA, 4096);

	other = sluice_domain_create(r.iommu, &c);
	assert_int_equal(sluice_unmap(other, iova, 4096), -EINVAL);
	assert_int_equal(sluice_domain_destroy(other), 0);
	other = sluice_domain_create(r.iommu, &conf); /* the same window, another table */
	assert_int_equal(sluice_unmap(other, iova, 4096), -ENOENT);
	assert_int_equal(sluice_iova_to_pa(r.d, iova, &pa), 0);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	assert_int_equal(sluice_domain_destroy(other), 0);
	rig_down(&r);
}

static void
a_lcore_that_is_no_worker(void **state)
{
	static const unsigned int lcores[] = { 1, RTE_MAX_LCORE - 1, RTE_MAX_LCORE, LCORE_ID_ANY };
	struct rig r;
	uint64_t iova = map_ok((rig_up(&r, "", &conf), r.d), PA, 4096), other;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(lcores); i++) {
		as_lcore(lcores[i]);
		assert_int_equal(sluice_map(r.d, PA, 4096, SLUICE_RW, &other), -ENXIO);
		assert_int_equal(sluice_unmap(r.d, iova, 4096), -ENXIO);
	}
	as_lcore(0);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	assert_int_equal(sluice_worker_unregister(r.e, 0), 0);
	assert_int_equal(sluice_map(r.d, PA, 4096, SLUICE_RW, &other), -ENXIO);
	rig_down(&r);
}

/* One worker maps, another unmaps: counters are per lcore, their sum is right. */
static void
another_worker_unmaps(void **state)
{
	struct rig r;
	uint64_t iova[300];

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_worker_register(r.e, 5), 0);
	for (unsigned int i = 0; i < 300; i++)
		iova[i] = map_ok(r.d, PA, 4096);
	as_lcore(5);
	for (unsigned int i = 0; i < 300; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
	assert_int_equal(stats_of(r.d).live, 0);
	assert_int_equal(r.d->lc[0]->st.maps, 300);
	assert_int_equal(r.d->lc[5]->st.unmaps, 300);
	rig_down(&r);
}

/* Page-table memory runs out: -ENOMEM, counted, and it works again when there is some. */
static void
no_page_for_a_table(void **state)
{
	struct rig r;
	void *keep = NULL, *p;
	uint64_t iova = 0;

	(void)state;
	rig_up(&r, "mem=1", &conf);
	while ((p = sluice_mem_page_get(r.iommu->mem, NULL)) != NULL) {
		*(void **)p = keep;
		keep = p;
	}
	assert_int_equal(sluice_map(r.d, PA, 4096, SLUICE_RW, &iova), -ENOMEM);
	assert_int_equal(sluice_map(r.d, PA, 8192, SLUICE_RW, &iova), -ENOMEM);
	assert_int_equal(sluice_map(r.d, PA, 4 << 20, SLUICE_RW, &iova), -ENOMEM);
	assert_int_equal(stats_of(r.d).map_errors, 3);
	while (keep != NULL) {
		p = *(void **)keep;
		sluice_mem_page_put(r.iommu->mem, keep);
		keep = p;
	}
	iova = map_ok(r.d, PA, 4 << 20);
	assert_int_equal(sluice_unmap(r.d, iova, 4 << 20), 0);
	rig_down(&r);
}

static void
enospc_exactly_when_the_window_is_full(void **state)
{
	struct sluice_domain_conf c = { .policy = "strict", .iova_size = 4 << 20 };
	static uint64_t iova[1024];
	struct rig r;
	uint64_t more;

	(void)state;
	rig_up(&r, "", &c);
	for (unsigned int i = 0; i < 1024; i++)
		iova[i] = map_ok(r.d, PA, 4096);
	assert_int_equal(sluice_map(r.d, PA, 1, SLUICE_RW, &more), -ENOSPC);
	assert_int_equal(sluice_map(r.d, PA, 4097, SLUICE_RW, &more), -ENOSPC);
	assert_int_equal(sluice_map(r.d, PA, 4 << 20, SLUICE_RW, &more), -ENOSPC);
	assert_int_equal(stats_of(r.d).map_errors, 3);
	for (unsigned int i = 0; i < 1024; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
	/* Another order of the same pages, up to the largest that is no run of chunks. */
	for (unsigned int i = 0; i < 2; i++)
		iova[i] = map_ok(r.d, PA, 2 << 20);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 2 << 20), 0);
	rig_down(&r);
}

/* Nothing is mapped: then a run of chunks fits too, whatever this lcore keeps in its magazines. */
static void
a_run_of_chunks_out_of_own_magazines(void **state)
{
	struct sluice_domain_conf c = { .policy = "strict", .iova_size = 4 << 20 };
	struct rig r;
	uint64_t a, b;

	(void)state;
	rig_up(&r, "", &c);
	a = map_ok(r.d, PA, 2 << 20);
	b = map_ok(r.d, PA, 4096);
	assert_int_equal(sluice_unmap(r.d, a, 2 << 20), 0);
	assert_int_equal(sluice_unmap(r.d, b, 4096), 0);
	assert_int_equal(sluice_map(r.d, PA, 4 << 20, SLUICE_RW, &a), 0);
	assert_int_equal(sluice_unmap(r.d, a, 4 << 20), 0);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_and_lengths),
		cmocka_unit_test(map_refuses),
		cmocka_unit_test(protection_reaches_every_page),
		cmocka_unit_test(a17_dishonest_unmaps),
		cmocka_unit_test(unmap_outside_and_never_mapped),
		cmocka_unit_test(another_domains_mapping),
		cmocka_unit_test(a_lcore_that_is_no_worker),
		cmocka_unit_test(another_worker_unmaps),
		cmocka_unit_test(no_page_for_a_table),
		cmocka_unit_test(enospc_exactly_when_the_window_is_full),
		cmocka_unit_test(a_run_of_chunks_out_of_own_magazines),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
