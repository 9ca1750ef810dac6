/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * pgtable/tables.c and blocks.c: every block size, all-or-nothing errors, running out of table pages at each one,
 * the walk against a model of what is mapped.
 */
#include <sluice/map.h>

#include "engine/pgtable/pgtable.h"
#include "rig.h"

#define K4 UINT64_C(0x1000)
#define M2 UINT64_C(0x200000)
#define G1 UINT64_C(0x40000000)

#define FMT pt_format_get(SLUICE_FORMAT_LPAE_S1_4K)

struct pt_rig {
	void *va;
	size_t len;
	struct sluice_mem *m;
	struct pgtable pt;
};

static void
pt_up(struct pt_rig *r, unsigned int pages)
{
	r->len = pages * 4096ul;
	r->va = sluice_host_alloc(r->len);
	r->m = sluice_mem_create(r->va, FAKE_PA, r->len);
	assert_int_equal(pgtable_init(&r->pt, r->m, FMT, 48, FMT->block_levels), 0);
	assert_int_equal(r->pt.root_pa & 4095, 0);
}

static void
pt_down(struct pt_rig *r)
{
	assert_int_equal(r->pt.tables, sluice_mem_pages_used(r->m));
	pgtable_fini(&r->pt);
	assert_int_equal(sluice_mem_pages_used(r->m), 0);
	pgtable_fini(&r->pt); /* harmless */
	sluice_mem_destroy(r->m);
	sluice_host_free(r->va, r->len);
}

static uint64_t
walk(const struct pgtable *pt, uint64_t iova)
{
	uint64_t pa = 0;
	int ret = pgtable_walk(pt, iova, &pa);

	assert_true(ret == 0 || ret == -ENOENT);
	return ret == 0 ? pa : UINT64_MAX;
}

/* The raw entry and its level, by a walk that shares no code with the one under test. */
static uint64_t
raw(const struct pgtable *pt, uint64_t iova, unsigned int *level)
{
	uint64_t pa = pt->root_pa;

	for (*level = 0;; ++*level) {
		const uint64_t *t = sluice_span_va(&pt->span, pa, 4096);
		uint64_t e = t[(iova >> (39 - 9 * *level)) & 511];

		if (*level == 3 || (e & 3) != 3)
			return e;
		pa = e & PTE_ADDR;
	}
}

static void
attributes_say_what_the_device_may(void **state)
{
	uint64_t ro = FMT->attr(SLUICE_READ), rw = FMT->attr(SLUICE_RW);

	(void)state;
	/* DDI 0487 D8.3: valid, AF set, inner shareable, nG, AP[1] unprivileged, never executable. */
	assert_int_equal(ro & 1, 1);
	assert_int_equal((ro >> 10) & 1, 1);
	assert_int_equal((ro >> 8) & 3, 3);
	assert_int_equal((ro >> 11) & 1, 1);
	assert_int_equal((ro >> 6) & 3, 3); /* AP = 0b11: read only */
	assert_int_equal((rw >> 6) & 3, 1); /* AP = 0b01: read write */
	assert_int_equal((ro >> 53) & 3, 3);
	assert_int_equal((ro >> 2) & 7, 1);
	assert_int_equal(ro & PTE_ADDR, 0);
}

static void
largest_blocks_that_fit(void **state)
{
	static const struct {
		uint64_t iova, pa, size;
		unsigned int level;
	} c[] = {
		{ 0, 0, K4, 3 },
		{ K4, M2 + K4, M2 - K4, 3 },
		{ M2, 4 * M2, M2, 2 },
		{ M2, 4 * M2 + K4, M2, 3 },       /* the physical address is not aligned */
		{ G1, 2 * G1, G1, 1 },
		{ G1, 2 * G1 + M2, G1, 2 },
		{ (UINT64_C(1) << 48) - K4, K4, K4, 3 },
		{ (UINT64_C(1) << 48) - G1, G1, G1, 1 },
	};
	uint64_t attr = FMT->attr(SLUICE_RW);

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(c); i++) {
		struct pt_rig r;
		unsigned int level;

		pt_up(&r, 600);
		assert_int_equal(pgtable_map(&r.pt, c[i].iova, c[i].pa, c[i].size, attr), 0);
		uint64_t e = raw(&r.pt, c[i].iova, &level);

		assert_int_equal(level, c[i].level);
		assert_int_equal(e, c[i].pa | attr | (level == 3 ? 2 : 0));
		assert_int_equal(walk(&r.pt, c[i].iova), c[i].pa);
		assert_int_equal(walk(&r.pt, c[i].iova + c[i].size - 1), c[i].pa + c[i].size - 1);
		assert_int_equal(walk(&r.pt, c[i].iova - 1), UINT64_MAX);
		assert_int_equal(walk(&r.pt, c[i].iova + c[i].size), UINT64_MAX);
		assert_int_equal(pgtable_unmap(&r.pt, c[i].iova, c[i].size), 0);
		assert_int_equal(walk(&r.pt, c[i].iova), UINT64_MAX);
		pt_down(&r);
	}
}

static void
one_range_mixes_levels(void **state)
{
	/* 4K up to a 2M border, 2M up to a 1G border, 1G, and down again. */
	const uint64_t start = G1 - 3 * M2 - 2 * K4, size = 2 * K4 + 3 * M2 + G1 + 2 * M2 + K4;
	struct pt_rig r;
	unsigned int level;

	(void)state;
	pt_up(&r, 64);
	assert_int_equal(pgtable_map(&r.pt, start, start + 4 * G1, size, FMT->attr(SLUICE_READ)), 0);
	raw(&r.pt, start, &level);
	assert_int_equal(level, 3);
	raw(&r.pt, G1 - 1, &level);
	assert_int_equal(level, 2);
	raw(&r.pt, G1, &level);
	assert_int_equal(level, 1);
	raw(&r.pt, 2 * G1, &level);
	assert_int_equal(level, 2);
	raw(&r.pt, 2 * G1 + 2 * M2, &level);
	assert_int_equal(level, 3);
	for (uint64_t a = start; a < start + size; a += 0x7f123)
		assert_int_equal(walk(&r.pt, a), a + 4 * G1);
	/* Cutting a block at either end, or in the middle, changes nothing. */
	assert_int_equal(pgtable_unmap(&r.pt, start, 2 * K4 + M2 - K4), -ERANGE);
	assert_int_equal(pgtable_unmap(&r.pt, G1 + M2, M2), -ERANGE);
	assert_int_equal(pgtable_unmap(&r.pt, G1, G1 - K4), -ERANGE);
	assert_int_equal(pgtable_unmap(&r.pt, start, size + K4), -ENOENT);
	assert_int_equal(pgtable_unmap(&r.pt, start - K4, size), -ENOENT);
	for (uint64_t a = start; a < start + size; a += 0x7f123)
		assert_int_equal(walk(&r.pt, a), a + 4 * G1);
	assert_int_equal(pgtable_unmap(&r.pt, start, size), 0);
	assert_int_equal(pgtable_unmap(&r.pt, start, size), -ENOENT);
	pt_down(&r);
}

static void
eexist_leaves_everything_as_it_was(void **state)
{
	static const struct {
		uint64_t in_the_way, its_size, iova, size;
	} c[] = {
		{ 5 * K4, K4, 5 * K4, K4 },
		{ 5 * K4, K4, 0, 8 * K4 },             /* a page at the end of a run */
		{ M2, M2, 0, 2 * M2 },                 /* a block after a block */
		{ M2, M2, M2 - K4, 2 * K4 },           /* a block where a page is to go */
		{ 4 * G1, G1, 4 * G1 + M2, M2 },
		{ 4 * G1, G1, 3 * G1, 2 * G1 },
		{ M2 + 7 * K4, K4, M2, M2 },           /* a page where a block is to go */
	};
	uint64_t attr = FMT->attr(SLUICE_RW);

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(c); i++) {
		struct pt_rig r;

		pt_up(&r, 64);
		assert_int_equal(pgtable_map(&r.pt, c[i].in_the_way, 8 * G1, c[i].its_size, attr), 0);
		assert_int_equal(pgtable_map(&r.pt, c[i].iova, 16 * G1 + c[i].iova, c[i].size, attr),
				 -EEXIST);
		for (uint64_t a = c[i].iova; a < c[i].iova + c[i].size; a += K4) {
			bool way = a - c[i].in_the_way < c[i].its_size;

			assert_int_equal(walk(&r.pt, a),
					 way ? 8 * G1 + a - c[i].in_the_way : UINT64_MAX);
		}
		assert_int_equal(pgtable_unmap(&r.pt, c[i].in_the_way, c[i].its_size), 0);
		pt_down(&r);
	}
}

/* A 2 MiB block is in the way of a 1 GiB one: the level-1 entry is a table. */
static void
a_block_below_a_block_is_eexist(void **state)
{
	struct pt_rig r;

	(void)state;
	pt_up(&r, 64);
	assert_int_equal(pgtable_map(&r.pt, G1, 8 * G1, M2, FMT->attr(SLUICE_RW)), 0);
	assert_int_equal(pgtable_map(&r.pt, G1, 16 * G1, G1, FMT->attr(SLUICE_RW)), -EEXIST);
	assert_int_equal(walk(&r.pt, G1), 8 * G1);
	assert_int_equal(walk(&r.pt, G1 + M2), UINT64_MAX);
	pt_down(&r);
}

/* The table of small pages that went away stays; what can be a block beneath it still is one. */
static void
blocks_fit_under_a_table_that_stayed(void **state)
{
	struct pt_rig r;
	unsigned int level;
	uint64_t pa = 16 * G1;

	(void)state;
	pt_up(&r, 64);
	assert_int_equal(pgtable_map(&r.pt, G1 + M2, 8 * G1, K4, FMT->attr(SLUICE_RW)), 0);
	assert_int_equal(pgtable_unmap(&r.pt, G1 + M2, K4), 0);
	assert_int_equal(pgtable_map(&r.pt, G1, pa, G1, FMT->attr(SLUICE_RW)), 0);
	raw(&r.pt, G1, &level);
	assert_int_equal(level, 2);
	raw(&r.pt, G1 + M2, &level);
	assert_int_equal(level, 3);
	raw(&r.pt, G1 + 2 * M2, &level);
	assert_int_equal(level, 2);
	for (uint64_t off = 0; off < G1; off += M2 - K4)
		assert_int_equal(walk(&r.pt, G1 + off), pa + off);
	assert_int_equal(pgtable_unmap(&r.pt, G1, G1), 0);
	pt_down(&r);
}

/* So many table pages and no more: -ENOMEM undoes the map, and the rest still works. */
static void
the_nth_table_page_is_missing(void **state)
{
	const uint64_t start = G1 - 3 * K4, size = 3 * K4 + 2 * M2 + K4; /* three leaf tables */
	unsigned int pages = 1;

	(void)state;
	for (;; pages++) {
		struct pt_rig r;

		pt_up(&r, pages);
		int ret = pgtable_map(&r.pt, start, 8 * G1 + K4, size, FMT->attr(SLUICE_RW));

		for (uint64_t a = start; a < start + size; a += K4)
			assert_int_equal(walk(&r.pt, a),
					 ret == 0 ? 8 * G1 + K4 + a - start : UINT64_MAX);
		pt_down(&r);
		if (ret == 0)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_true(pages < 50);
	}
	assert_int_equal(pages, 1 + 1 + 2 + 4); /* root, level 1, level 2 twice, leaves */

	/* And of a block under a table that stayed. */
	for (pages = 2; pages <= 5; pages++) {
		struct pt_rig r;

		pt_up(&r, 64);
		assert_int_equal(pgtable_map(&r.pt, G1 + M2, 8 * G1, K4, FMT->attr(SLUICE_RW)), 0);
		assert_int_equal(pgtable_unmap(&r.pt, G1 + M2, K4), 0);
		void *keep = NULL, *p;

		while ((p = sluice_mem_page_get(r.m, NULL)) != NULL) {
			*(void **)p = keep;
			keep = p;
		}
		for (unsigned int i = 2; i < pages; i++) {
			p = *(void **)keep;
			sluice_mem_page_put(r.m, keep);
			keep = p;
		}
		/* Needs no table where blocks fit, else what there is must be enough or -ENOMEM. */
		int ret = pgtable_map(&r.pt, G1, 16 * G1, G1, FMT->attr(SLUICE_RW));

		assert_true(ret == 0 || ret == -ENOMEM);
		assert_int_equal(walk(&r.pt, G1 + 5 * M2), ret == 0 ? 16 * G1 + 5 * M2 : UINT64_MAX);
		while (keep != NULL) {
			p = *(void **)keep;
			sluice_mem_page_put(r.m, keep);
			keep = p;
		}
		pt_down(&r);
	}
}

static void
no_memory_for_a_root(void **state)
{
	void *va = sluice_host_alloc(4096);
	struct sluice_mem *m = sluice_mem_create(va, FAKE_PA, 4096);
	struct pgtable a, b;

	(void)state;
	assert_int_equal(pgtable_init(&a, m, FMT, 48, FMT->block_levels), 0);
	assert_int_equal(pgtable_init(&b, m, FMT, 48, FMT->block_levels), -ENOMEM);
	pgtable_fini(&b);
	pgtable_fini(&a);
	sluice_mem_destroy(m);
	sluice_host_free(va, 4096);
}

static void
leaf_tables(void **state)
{
	struct pt_rig r;

	(void)state;
	pt_up(&r, 64);
	uint64_t *t = pgtable_leaf_entry(&r.pt, 5 * M2);

	assert_non_null(t);
	assert_ptr_equal(pgtable_leaf_entry(&r.pt, 5 * M2 + 3 * K4), t + 3);
	assert_ptr_not_equal(pgtable_leaf_entry(&r.pt, 6 * M2), t);
	assert_int_equal(r.pt.tables, 5);
	/* An entry written there is what the walk sees. */
	t[3] = 0x77000 | FMT->attr(SLUICE_READ) | LPAE_TABLE | PTE_FIRST | PTE_LAST;
	assert_int_equal(walk(&r.pt, 5 * M2 + 3 * K4 + 9), 0x77009);
	t[3] = 0;
	assert_int_equal(pgtable_map(&r.pt, 8 * M2, 0, M2, FMT->attr(SLUICE_READ)), 0);
	assert_null(pgtable_leaf_entry(&r.pt, 8 * M2 + K4)); /* a block is in the way */
	assert_int_equal(pgtable_walk(&r.pt, UINT64_C(1) << 48 | 8 * M2, &(uint64_t){ 0 }), -ENOENT);
	pt_down(&r);
}

/* Random maps and unmaps in a window of 3 GiB, of sizes that mix levels. */
static void
random_against_a_model(void **state)
{
	enum { UNITS = 96 }; /* of 32 MiB: the model keeps a physical base each */
	const uint64_t unit = 16 * M2, attr = FMT->attr(SLUICE_RW);
	uint64_t model[UNITS] = { 0 }, seed = 11;
	struct pt_rig r;

	(void)state;
	pt_up(&r, 4000);
	for (unsigned int step = 0; step < 3000; step++) {
		unsigned int at = (unsigned int)(rnd(&seed) % UNITS), n = 1;
		bool mapped = false, hole = false;

		n += (unsigned int)(rnd(&seed) % (rnd(&seed) % 8 == 0 ? UNITS - at : RTE_MIN(4u, UNITS - at)));
		for (unsigned int i = at; i < at + n; i++) {
			mapped = mapped || model[i] != 0;
			hole = hole || model[i] == 0;
		}
		if (rnd(&seed) & 1) {
			/* 2 MiB aligned only, so that 1 GiB blocks come rarely and 4K never. */
			uint64_t pa = (1 + rnd(&seed) % 500) * M2;
			int ret = pgtable_map(&r.pt, at * unit, pa, n * unit, attr);

			assert_int_equal(ret, mapped ? -EEXIST : 0);
			for (unsigned int i = at; ret == 0 && i < at + n; i++)
				model[i] = pa + (i - at) * unit;
		} else {
			int ret = pgtable_unmap(&r.pt, at * unit, n * unit);

			if (hole)
				assert_int_equal(ret, -ENOENT);
			else
				assert_int_equal(ret, 0);
			for (unsigned int i = at; ret == 0 && i < at + n; i++)
				model[i] = 0;
		}
		for (unsigned int i = 0; i < UNITS; i++) {
			uint64_t off = rnd(&seed) % unit;

			assert_int_equal(walk(&r.pt, i * unit + off),
					 model[i] != 0 ? model[i] + off : UINT64_MAX);
		}
	}
	pt_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_say_what_the_device_may),
		cmocka_unit_test(largest_blocks_that_fit),
		cmocka_unit_test(one_range_mixes_levels),
		cmocka_unit_test(eexist_leaves_everything_as_it_was),
		cmocka_unit_test(no_memory_for_a_root),
		cmocka_unit_test(leaf_tables),
		cmocka_unit_test(random_against_a_model),
		cmocka_unit_test(a_block_below_a_block_is_eexist),
		cmocka_unit_test(blocks_fit_under_a_table_that_stayed),
		cmocka_unit_test(the_nth_table_page_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
