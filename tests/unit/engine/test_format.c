/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Page-table formats: what is written into tables, against words worked out by hand from Arm DDI
 * 0487 (D8.2 geometry, D8.3 descriptors, D8.4 and D8.6 permissions) and from D51397 (9.8 entries);
 * and every policy with every format.
 */
#include "engine/pgtable/format.h"
#include "rig.h"

#define PA    UINT64_C(0x41230000) /* of a page of 64 KiB */
#define ALL   "formats=0xff,oas=44,mem=512,caps=0x11"
#define MARKS (UINT64_C(3) << 55) /* a whole mapping: software's bits in all formats */

/* What the text says of each format with 48-bit IOVAs and 44-bit physical addresses. */
static const struct {
	const char *name;
	unsigned int shift; /* of a page */
	uint64_t rw, ro;    /* a page's descriptor but for its address */
	unsigned int ias;   /* input address bits */
	unsigned int start; /* level of the root table */
	size_t root;        /* its bytes; tables side by side count */
	unsigned int inv;   /* enum sluice_format, in the flags of invalidations */
} fmt[] = {
	/* Stage 1: page, AttrIndx 1, AP[1], SH inner, AF, nG, UXN and PXN; AP[2] for reading only. */
	{ "lpae-s1-4k", 12, UINT64_C(0x0060000000000f47), UINT64_C(0x0060000000000fc7), 48, 0, 4096, 0 },
	{ "lpae-s1-16k", 14, UINT64_C(0x0060000000000f47), UINT64_C(0x0060000000000fc7), 48, 0, 16, 1 },
	{ "lpae-s1-64k", 16, UINT64_C(0x0060000000000f47), UINT64_C(0x0060000000000fc7), 48, 1, 512, 2 },
	/* Stage 2: page, MemAttr 0b1111, S2AP, SH inner, AF, XN[1]. */
	{ "lpae-s2-4k", 12, UINT64_C(0x00400000000007ff), UINT64_C(0x004000000000077f), 44, 0, 256, 3 },
	{ "lpae-s2-16k", 14, UINT64_C(0x00400000000007ff), UINT64_C(0x004000000000077f), 44, 1, 2048, 4 },
	/* 28 bits above the page, 13 a level: 2 are left, so four tables side by side. */
	{ "lpae-s2-64k", 16, UINT64_C(0x00400000000007ff), UINT64_C(0x004000000000077f), 44, 2, 4 << 16, 5 },
	/* VT-d: R 0, W 1, SNP 11; its input is not bounded by the physical addresses. */
	{ "vtd-s2-4k-snp", 12, 0x803, 0x801, 48, 0, 4096, 6 },
	{ "vtd-s2-4k", 12, 3, 1, 48, 0, 4096, 7 },
};
_Static_assert(RTE_DIM(fmt) == SLUICE_FORMATS, "a row for each format");

static void
up(struct rig *r, unsigned int f, const char *policy)
{
	struct sluice_domain_conf c = { .format = fmt[f].name, .policy = policy };

	rig_up(r, ALL, &c);
}

/* A walk by the text, which knows nothing of pgtable/: the last level's descriptor. */
static uint64_t
leaf(const struct sluice_domain *d, unsigned int f, uint64_t iova)
{
	struct sluice_mem_span span = sluice_mem_span(d->iommu->mem);
	unsigned int bits = fmt[f].shift - 3;
	uint64_t table = d->hw.ttb, e = 0;

	for (unsigned int level = fmt[f].start; level < 4; level++) {
		unsigned int sh = fmt[f].shift + bits * (3 - level);
		uint64_t i = iova >> sh;
		const uint64_t *p;

		if (level != fmt[f].start)
			i &= (UINT64_C(1) << bits) - 1;
		p = sluice_span_va(&span, table + 8 * i, 8);
		assert_non_null(p);
		e = *p;
		if (level < 3) {
			if ((e & 3) != 3) /* VMSAv8-64: a table; VT-d: R and W */
				return 0;
			table = e & UINT64_C(0x0000fffffffff000) & ~((UINT64_C(1) << fmt[f].shift) - 1);
		}
	}
	return e;
}

static void
entries_by_the_text(void **state)
{
	(void)state;
	for (unsigned int f = 0; f < RTE_DIM(fmt); f++) {
		struct rig r;
		uint64_t iova;

		up(&r, f, "strict");
		assert_int_equal(r.d->hw.format, fmt[f].inv);
		assert_int_equal(r.d->hw.start, fmt[f].start);
		assert_int_equal(r.d->hw.ias, fmt[f].ias);
		/* Aligned to its size, or to 64 bytes when it is smaller (S2TTB, TTB0). */
		assert_int_equal(r.d->hw.ttb & (RTE_MAX(fmt[f].root, (size_t)64) - 1), 0);
		for (unsigned int prot = SLUICE_READ; prot <= SLUICE_RW; prot += 2) {
			iova = map_prot(&r, PA + 5, 9, prot);
			assert_int_equal(leaf(r.d, f, iova) & ~MARKS,
					 PA | (prot == SLUICE_RW ? fmt[f].rw : fmt[f].ro));
			assert_int_equal(leaf(r.d, f, iova) & MARKS, MARKS);
			assert_int_equal(sluice_unmap(r.d, iova, 9), 0);
			assert_int_equal(leaf(r.d, f, iova), 0);
		}
		rig_down(&r);
	}
}

/* With so few physical bits a root table of stage 2 would have two entries: two tables instead. */
static void
root_tables_side_by_side(void **state)
{
	struct sluice_domain_conf c = { .format = "lpae-s2-4k" };
	struct rig r;
	uint64_t pa;

	(void)state;
	rig_up(&r, "formats=0x3f,oas=40,mem=64,caps=0x11", &c);
	assert_int_equal(r.d->hw.ias, 40);
	assert_int_equal(r.d->hw.start, 1);
	assert_int_equal(r.d->hw.ttb & 8191, 0);
	/* In the second table. */
	assert_int_equal(sluice_map_fixed(r.d, UINT64_C(0x8000001000), PA, 4096, SLUICE_RW), 0);
	assert_int_equal(sluice_iova_to_pa(r.d, UINT64_C(0x8000001234), &pa), 0);
	assert_int_equal(pa, PA + 0x234);
	assert_int_equal(sluice_map_fixed(r.d, UINT64_C(1) << 40, PA, 4096, SLUICE_RW), -EINVAL);
	assert_int_equal(sluice_unmap_fixed(r.d, UINT64_C(0x8000001000), 4096), 0);
	rig_down(&r);
}

/* Two levels stay, however few bits there are: 16 bits above a 64 KiB page are 13 and 3. */
static void
a_level_above_the_last(void **state)
{
	struct sluice_domain_conf c = { .format = "lpae-s2-64k" };
	struct rig r;
	uint64_t iova, pa;

	(void)state;
	rig_up(&r, "formats=0x3f,oas=32,mem=64,caps=0x11", &c);
	assert_int_equal(r.d->hw.ias, 32);
	assert_int_equal(r.d->hw.start, 2);
	for (unsigned int i = 0; i < 2; i++) {
		iova = map_prot(&r, PA, 100, SLUICE_RW);
		assert_int_equal(sluice_iova_to_pa(r.d, iova, &pa), 0);
		assert_int_equal(pa, PA);
		assert_int_equal(sluice_unmap(r.d, iova, 100), 0);
		assert_int_equal(sluice_domain_trim(r.d), 1);
	}
	rig_down(&r);
}

/* Blocks where the format has them: 2 MiB, 32 MiB, 512 MiB, at level 2 (D8.3). */
static void
blocks(void **state)
{
	(void)state;
	for (unsigned int f = 0; f < RTE_DIM(fmt); f++) {
		uint64_t block = UINT64_C(1) << (2 * fmt[f].shift - 3), pa, tables;
		struct rig r;

		up(&r, f, "strict");
		tables = r.d->pt.tables;
		assert_int_equal(sluice_map_fixed(r.d, block, 2 * block, block, SLUICE_RW), 0);
		/* No table of the last level was made. */
		assert_true(r.d->pt.tables - tables <= 2 - (fmt[f].start < 2 ? fmt[f].start : 2));
		assert_int_equal(sluice_iova_to_pa(r.d, 2 * block - 1, &pa), 0);
		assert_int_equal(pa, 3 * block - 1);
		assert_int_equal(sluice_unmap_fixed(r.d, block, block), 0);
		assert_int_equal(sluice_iova_to_pa(r.d, block, &pa), -ENOENT);
		rig_down(&r);
	}
}

/* Is all of it mapped, to where it should be? */
static bool
mapped(const struct rig *r, unsigned int f, uint64_t iova, uint64_t pa, size_t len)
{
	uint64_t page = UINT64_C(1) << fmt[f].shift, got;

	for (uint64_t at = iova & ~(page - 1); at < iova + len; at += page)
		if (sluice_iova_to_pa(r->d, at, &got) != 0 || got != (pa & ~(page - 1)) + at - (iova & ~(page - 1)))
			return false;
	return true;
}

static bool
keeps(const char *policy)
{
	static const char *const kept[] = { "persistent", "static", "hugepool", "copy", "hybrid",
					    "passthrough" };

	for (unsigned int i = 0; i < RTE_DIM(kept); i++)
		if (strcmp(kept[i], policy) == 0)
			return true;
	return false;
}

/* What a policy promises holds for all pages: mapped whole, taken back whole, invalidated whole. */
static void
one_policy(unsigned int f, const char *policy)
{
	uint64_t page = UINT64_C(1) << fmt[f].shift, from, iova;
	const size_t len[] = { 1, page, page + 1, 3 * page, 600 * page };
	const uint64_t pa = FAKE_PA + (UINT64_C(64) << 20) + 5;
	struct rig r;

	up(&r, f, policy);
	for (unsigned int i = 0; i < RTE_DIM(len); i++) {
		uint64_t first, pages;

		if (len[i] > UINT64_C(128) << 20)
			continue;
		iova = map_prot(&r, pa, len[i], SLUICE_RW);
		if (!keeps(policy))
			assert_true(mapped(&r, f, iova, pa, len[i]));
		from = r.f->submitted + 1;
		assert_int_equal(sluice_unmap(r.d, iova, len[i] + page), -EINVAL);
		assert_int_equal(sluice_unmap(r.d, iova, len[i]), 0);
		if (keeps(policy))
			continue;
		assert_int_equal(sluice_domain_drain(r.d), 0);
		first = iova & ~(page - 1);
		pages = ((iova + len[i] - 1) / page - iova / page + 1) << (fmt[f].shift - 12);
		assert_true(fake_covered(r.f, from, r.f->submitted, r.d->hw.tag, first, pages));
		for (uint64_t seq = from; seq <= r.f->submitted; seq++)
			for (unsigned int k = 0; k < fake_sub(r.f, seq)->n; k++)
				assert_int_equal(sluice_inv_format(fake_sub(r.f, seq)->inv[k].flags),
						 fmt[f].inv);
		assert_int_equal(leaf(r.d, f, iova), 0);
	}
	assert_int_equal(stats_of(r.d).live, 0);
	assert_int_equal(stats_of(r.d).map_pages, stats_of(r.d).unmap_pages);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	rig_down(&r);
}

static void
every_policy(void **state)
{
	(void)state;
	for (unsigned int f = 0; f < RTE_DIM(fmt); f++)
		for (unsigned int i = 0; sluice_policy_name(i) != NULL; i++)
			if (strcmp(sluice_policy_name(i), "passthrough") != 0)
				one_policy(f, sluice_policy_name(i));
}

/* A kept mapping is found again by what it allows: in stage 2 the bit says the opposite. */
static void
kept_by_what_it_allows(void **state)
{
	(void)state;
	for (unsigned int f = 0; f < RTE_DIM(fmt); f++) {
		struct rig r;
		uint64_t ro, rw;

		up(&r, f, "persistent");
		ro = map_prot(&r, PA, 100, SLUICE_READ);
		assert_int_equal(sluice_unmap(r.d, ro, 100), 0);
		rw = map_prot(&r, PA, 100, SLUICE_RW);
		assert_int_not_equal(rw, ro);
		assert_int_equal(leaf(r.d, f, rw) & ~(MARKS | UINT64_C(1) << 57), PA | fmt[f].rw);
		assert_int_equal(map_prot(&r, PA, 100, SLUICE_READ), ro);
		assert_int_equal(sluice_unmap(r.d, ro, 100), 0);
		assert_int_equal(sluice_unmap(r.d, rw, 100), 0);
		assert_int_equal(sluice_domain_drain(r.d), 0);
		rig_down(&r);
	}
}

/* A last-level table of larger pages serves several chunks: it goes when all of them are free. */
static void
tables_come_back(void **state)
{
	(void)state;
	for (unsigned int f = 0; f < RTE_DIM(fmt); f++) {
		struct rig r;
		uint64_t a, b;

		up(&r, f, "strict");
		/* Two orders: two chunks. */
		a = map_prot(&r, PA, 1, SLUICE_RW);
		b = map_prot(&r, PA, 3 << fmt[f].shift, SLUICE_RW);
		assert_int_equal(sluice_unmap(r.d, a, 1), 0);
		/* The second one is in use: with 4 KiB pages the first one's table goes, else none. */
		assert_true(b > a);
		assert_int_equal(sluice_domain_trim(r.d), fmt[f].shift == 12 ? 1 : 0);
		assert_true(mapped(&r, f, b, PA, 3 << fmt[f].shift));
		assert_int_equal(sluice_unmap(r.d, b, 3 << fmt[f].shift), 0);
		assert_int_equal(sluice_domain_trim(r.d), 1);
		a = map_prot(&r, PA, 1, SLUICE_RW);
		assert_true(mapped(&r, f, a, PA, 1));
		assert_int_equal(sluice_unmap(r.d, a, 1), 0);
		rig_down(&r);
	}
}

/* A child that was never made is none. */
static void
no_memory_for_a_child(void **state)
{
	struct sluice_domain_conf c = { .format = "lpae-s2-4k" };
	struct rig r;
	void *all;
	size_t n;

	(void)state;
	rig_up(&r, "formats=0x3f,oas=44,mem=16,caps=0x11", &c);
	c = (struct sluice_domain_conf){ .format = "lpae-s1-64k", .parent = r.d };
	/* All of it is taken. */
	for (n = 16u << 20; (all = sluice_iommu_mem_alloc(r.iommu, n, 4096, NULL)) == NULL; n -= 4096)
		;
	assert_null(sluice_domain_create(r.iommu, &c));
	assert_int_equal(rte_errno, ENOMEM);
	assert_int_equal(r.d->nb_children, 0);
	sluice_iommu_mem_free(r.iommu, all, n);
	rig_down(&r);
}

static void
what_is_refused(void **state)
{
	struct sluice_domain_conf c = { .format = "lpae-s2-4k" };
	struct rig r;

	(void)state;
	rig_up(&r, "formats=0x2,mem=64,caps=0x11", NULL);
	assert_null(sluice_domain_create(r.iommu, &c));
	assert_int_equal(rte_errno, ENOTSUP);
	c.format = "lpae-s3-4k";
	assert_null(sluice_domain_create(r.iommu, &c));
	assert_int_equal(rte_errno, EINVAL);
	/* A window begins where a table does. */
	c = (struct sluice_domain_conf){ .format = "lpae-s1-16k", .iova_base = UINT64_C(2) << 20,
					 .iova_size = UINT64_C(32) << 20 };
	assert_null(sluice_domain_create(r.iommu, &c));
	assert_int_equal(rte_errno, EINVAL);
	/* Nothing is said: what the hardware has. */
	r.d = sluice_domain_create(r.iommu, NULL);
	assert_non_null(r.d);
	assert_int_equal(r.d->hw.format, SLUICE_FORMAT_LPAE_S1_16K);
	rig_down(&r);
}

/* A domain over another: its memory is there, its invalidations say so, and the parent stays. */
static void
stage_1_over_stage_2(void **state)
{
	struct sluice_domain_conf c = { .format = "lpae-s2-4k" };
	struct sluice_domain *parent, *d;
	struct rig r;
	uint64_t pa, iova;

	(void)state;
	rig_up(&r, ALL, &c);
	parent = r.d;
	c = (struct sluice_domain_conf){ .format = "lpae-s2-16k", .parent = parent };
	assert_null(sluice_domain_create(r.iommu, &c)); /* stage 2 over stage 2 */
	assert_int_equal(rte_errno, EINVAL);
	c.format = "lpae-s1-4k";
	d = sluice_domain_create(r.iommu, &c);
	assert_non_null(d);
	assert_ptr_equal(d->hw.parent, &parent->hw);
	c.parent = d;
	assert_null(sluice_domain_create(r.iommu, &c)); /* over stage 1 */
	assert_int_equal(sluice_domain_destroy(parent), -EBUSY);
	/* The tables of the child are where the parent says they are. */
	assert_int_equal(sluice_iova_to_pa(parent, d->hw.ttb + 8, &pa), 0);
	assert_int_equal(pa, d->hw.ttb + 8);
	assert_int_equal(sluice_map(d, PA, 64, SLUICE_RW, &iova), 0);
	assert_int_equal(sluice_unmap(d, iova, 64), 0);
	assert_true(fake_sub(r.f, r.f->submitted)->inv[0].flags & SLUICE_INV_NESTED);
	assert_int_equal(fake_sub(r.f, r.f->submitted)->inv[0].tag, d->hw.tag);
	/* Physical addresses are the parent's IOVAs: 44 bits of them. */
	assert_int_equal(sluice_map(d, UINT64_C(1) << 44, 64, SLUICE_RW, &iova), -EINVAL);
	assert_int_equal(sluice_domain_destroy(d), 0);
	assert_false(sluice_inv_flags(&parent->hw) & SLUICE_INV_NESTED);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_by_the_text),
		cmocka_unit_test(root_tables_side_by_side),
		cmocka_unit_test(a_level_above_the_last),
		cmocka_unit_test(blocks),
		cmocka_unit_test(every_policy),
		cmocka_unit_test(kept_by_what_it_allows),
		cmocka_unit_test(tables_come_back),
		cmocka_unit_test(stage_1_over_stage_2),
		cmocka_unit_test(no_memory_for_a_child),
		cmocka_unit_test(what_is_refused),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
