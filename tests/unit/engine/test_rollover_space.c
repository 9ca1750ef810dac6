/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * rollover's space: rows of chunks, what a wrap looks at (A7), what it gives back, and when (A5,
 * A20).
 */
#include "engine/policy/rollover.h"
#include "rollover_rig.h"
#include "steps.h"

static uint64_t
tables(void)
{
	return stats_of(r.d).table_bytes / 4096;
}

/* A map as long as the window fits whenever nothing is mapped, whatever was before. */
static void
long_maps_fit_an_empty_window(void **state)
{
	const struct sluice_domain_conf c = { .policy = "rollover", .iova_size = 1 << 30 };
	static const uint64_t mib[] = { 12, 500, 1000, 1024, 2, 840, 842, 1022, 844, 1000, 1024 };
	uint64_t v;

	(void)state;
	rig_up(&r, "", &c);
	base = r.d->iova_base;
	for (unsigned int i = 0; i < RTE_DIM(mib); i++) {
		v = map_ok(r.d, PA, mib[i] << 20);
		assert_int_equal(sluice_map(r.d, PA, 1025 << 20, SLUICE_RW, &v), -ENOSPC);
		assert_int_equal(sluice_unmap(r.d, v, mib[i] << 20), 0);
	}
	/* One page in the middle: half of it, and no more. */
	v = map_ok(r.d, PA, 512 << 20);
	for (uint32_t pfn = UINT32_MAX; pfn / CHUNK != 256; pfn = map_page())
		if (pfn != UINT32_MAX)
			unmap_page(pfn);
	assert_int_equal(sluice_unmap(r.d, v, 512 << 20), 0);
	assert_int_equal(sluice_map(r.d, PA, 514 << 20, SLUICE_RW, &v), -ENOSPC);
	v = map_ok(r.d, PA, 510 << 20);
	assert_int_equal(sluice_unmap(r.d, v, 510 << 20), 0);
	rig_down(&r);
}

/* One that cannot be takes nothing from those that can, and asks nobody for a flush twice. */
static void
an_impossible_long_map_leaves_the_rest(void **state)
{
	uint64_t v, flushes;

	(void)state;
	for (uint32_t i = 0; i < PAGES; i++) {
		map_page();
		if (i % CHUNK != 7)
			unmap_page(i); /* a page lives in each chunk */
	}
	assert_int_equal(sluice_map(r.d, PA, 4 << 20, SLUICE_RW, &v), -ENOSPC);
	flushes = r.f->submitted;
	assert_int_equal(sluice_map(r.d, PA, 4 << 20, SLUICE_RW, &v), -ENOSPC);
	assert_int_equal(r.f->submitted, flushes);
	for (uint32_t i = 0; i < PAGES; i++)
		if (i % CHUNK != 7)
			assert_int_equal(map_page(), i);
	assert_int_equal(map_errno(), -ENOSPC);
}

/* The quickest of several calls, in ns of real time: what others do on this machine only adds. */
static uint64_t
quickest(void (*fn)(void))
{
	uint64_t best = UINT64_MAX;

	for (unsigned int i = 0; i < 20; i++) {
		uint64_t t = rte_rdtsc();

		fn();
		best = RTE_MIN(best, rte_rdtsc() - t);
	}
	return best * 1000 / (rte_get_tsc_hz() / 1000000);
}

static void
fail_once(void)
{
	assert_int_equal(map_errno(), -ENOSPC);
}

static void
move_one(void)
{
	unmap_page(1000);
	assert_int_equal(map_page(), 1000);
}

/* What a map costs does not grow with what is mapped: at 8 GiB full, a look at every entry would be
 * two millions of them. */
static void
a_full_window_fails_soon(void **state)
{
	const struct sluice_domain_conf c = { .policy = "rollover", .iova_size = UINT64_C(8) << 30 };

	(void)state;
	rig_up(&r, "", &c);
	base = r.d->iova_base;
	for (unsigned int i = 0; i < 4096; i++)
		map_ok(r.d, PA, 2 << 20);
	fail_once();
	assert_true(quickest(fail_once) < 500000);
	assert_int_equal(sluice_unmap(r.d, base + (2 << 20), 2 << 20), 0);
	for (unsigned int i = 0; i < CHUNK; i++)
		assert_int_equal(map_page(), CHUNK + i);
	assert_true(quickest(fail_once) < 500000);
	assert_true(quickest(move_one) < 500000);
	rig_down(&r);
}

/* Free pages in every chunk, and nowhere two in a row: a map of two pages ends. */
static void
a_window_in_pieces_fails(void **state)
{
	uint64_t v;

	(void)state;
	for (uint32_t i = 0; i < PAGES; i++)
		map_page();
	for (uint32_t i = 0; i < PAGES; i += 2)
		unmap_page(i);
	assert_int_equal(sluice_map(r.d, PA, 8192, SLUICE_RW, &v), -ENOSPC);
	/* What there is can be had. */
	for (uint32_t i = 0; i < PAGES / 2; i++)
		assert_int_equal(map_page() % 2, 0);
	unmap_page(2 * CHUNK + 1);
	unmap_page(2 * CHUNK + 2);
	assert_int_equal(map_ok(r.d, PA, 8192), base + ((uint64_t)(2 * CHUNK + 1) << 12));
}

/* However far it wanders, and whatever was mapped at once. */
static void
a20_tables_have_a_ceiling(void **state)
{
	const struct sluice_domain_conf c = { .policy = "rollover", .iova_size = UINT64_C(16) << 30 };
	const uint64_t above = 2 + 16; /* root, level 1, a level 2 for each GiB */
	uint64_t v;

	(void)state;
	rig_up(&r, "", &c);
	base = r.d->iova_base;
	for (unsigned int i = 0; i < 5 * SLUICE_ROLLOVER_TABLES; i++) {
		v = map_ok(r.d, PA, 2 << 20);
		assert_int_equal(sluice_unmap(r.d, v, 2 << 20), 0);
		assert_true(tables() <= SLUICE_ROLLOVER_TABLES + above);
	}
	/* 6 GiB at once; then they are gone, and after two rounds their tables are. */
	for (unsigned int i = 0; i < 2; i++) {
		v = map_ok(r.d, PA, UINT64_C(2) << 30);
		assert_int_equal(sluice_unmap(r.d, v, UINT64_C(2) << 30), 0);
	}
	v = map_ok(r.d, PA, UINT64_C(2) << 30);
	assert_true(tables() > 2 * SLUICE_ROLLOVER_TABLES);
	assert_int_equal(sluice_unmap(r.d, v, UINT64_C(2) << 30), 0);
	for (unsigned int i = 0; i < 6 * SLUICE_ROLLOVER_TABLES; i++) {
		v = map_ok(r.d, PA, 2 << 20);
		assert_int_equal(sluice_unmap(r.d, v, 2 << 20), 0);
	}
	assert_true(tables() <= SLUICE_ROLLOVER_TABLES + above);
	/* And when it is asked to, all of them. */
	assert_int_equal(sluice_domain_trim(r.d), SLUICE_ROLLOVER_TABLES);
	assert_true(tables() <= above);
	assert_int_equal(sluice_domain_trim(r.d), 0);
	map_page();
	rig_down(&r);
}

/* Not before the flush is complete. */
static uint64_t used_then;
static unsigned int relaxed;

static void
complete_and_look(void *arg)
{
	(void)arg;
	if (relaxed < 10)
		used_then = sluice_mem_pages_used(r.iommu->mem);
	if (++relaxed == 10)
		fake_complete_all(r.f);
}

static void
a5_tables_outlive_the_flush(void **state)
{
	struct ro_worker *other;
	uint64_t used;

	(void)state;
	for (uint32_t i = 0; i < PAGES; i++) {
		map_page();
		if (i / CHUNK != 2)
			unmap_page(i);
	}
	used = sluice_mem_pages_used(r.iommu->mem);
	r.f->immediate = false;
	r.f->on_relax = complete_and_look;
	relaxed = 0;
	assert_int_equal(sluice_domain_trim(r.d), CHUNKS - 1);
	assert_true(relaxed >= 10);
	assert_int_equal(used_then, used);
	assert_int_equal(sluice_mem_pages_used(r.iommu->mem), used - (CHUNKS - 1));
	/* Nor while a call may be looking at it. */
	r.f->immediate = true;
	r.f->on_relax = NULL;
	unmap_page(map_page());
	used = sluice_mem_pages_used(r.iommu->mem);
	as_lcore(0);
	other = r.d->lc[1]->priv;
	other->busy = 1;
	assert_int_equal(sluice_domain_trim(r.d), 0);
	assert_int_equal(sluice_mem_pages_used(r.iommu->mem), used);
	other->busy = 0;
	assert_int_equal(sluice_domain_trim(r.d), 1);
}

/* What an idle worker has comes to who needs it; while there is other space it is left alone. */
static void
a20_an_idle_worker_keeps_nothing(void **state)
{
	bool had[PAGES] = { false };
	uint64_t v;

	(void)state;
	as_lcore(1);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(map_page(), i);
	as_lcore(0);
	for (uint32_t i = 0; i < PAGES - 100; i++) {
		uint32_t pfn = map_page();

		assert_true(pfn >= 100 && !had[pfn]);
		had[pfn] = true;
	}
	assert_int_equal(map_errno(), -ENOSPC);
	as_lcore(1);
	assert_int_equal(map_errno(), -ENOSPC);
	for (uint32_t i = 0; i < PAGES; i++)
		unmap_page(i);
	/* A long map, too. */
	assert_true(map_page() < PAGES);
	as_lcore(0);
	assert_int_equal(sluice_map(r.d, PA, 8 << 20, SLUICE_RW, &v), -ENOSPC);
	as_lcore(1);
	for (uint32_t i = 0; i < PAGES; i++)
		(void)sluice_unmap(r.d, base + ((uint64_t)i << 12), 4096);
	as_lcore(0);
	v = map_ok(r.d, PA, 8 << 20);
	assert_int_equal(v, base);
}

/* Who has no memory for a table takes those that lie idle. */
static void
a20_long_maps_take_idle_tables(void **state)
{
	const struct sluice_domain_conf c = { .policy = "rollover", .iova_size = 1 << 30 };
	uint64_t v;

	(void)state;
	rig_up(&r, "mem=1", &c); /* 256 pages */
	base = r.d->iova_base;
	for (uint32_t i = 0; i < 230 * CHUNK; i++)
		unmap_page(map_page());
	v = map_ok(r.d, PA, 400 << 20);
	assert_int_equal(sluice_unmap(r.d, v, 400 << 20), 0);
	assert_int_equal(sluice_map(r.d, PA, 600 << 20, SLUICE_RW, &v), -ENOMEM);
	unmap_page(map_page());
	rig_down(&r);
}

/* 2: a wrap at any moment of an unmap: the page is there in that round or in the next. */
static uint32_t step_pfn;

static void
step_unmap(void)
{
	if (sluice_unmap(r.d, base + ((uint64_t)step_pfn << 12), 4096) != 0)
		abort();
}

static void
step_wrap(void)
{
	as_lcore(1);
	if (ro_wrap(r.d, r.d->lc[1]->priv, ro_round(r.d->priv), SLUICE_ROLLOVER_TABLES, false) != 0)
		abort();
	as_lcore(0);
}

static void
a7_a_wrap_at_any_moment_of_an_unmap(void **state)
{
	unsigned int at;

	(void)state;
	for (uint32_t i = 0; i < PAGES; i++)
		map_page();
	unmap_page(0); /* so that there is something for every wrap */
	step_pfn = 700;
	ro_chunk_leave(r.d->priv, r.d->lc[0]->priv);
	for (at = 0; steps_run(step_unmap, step_wrap, at); at += STEPS_EACH) {
		uint32_t pfn;

		assert_true(at < 2000);
		do {
			pfn = map_page();
			assert_true(pfn == 0 || pfn == step_pfn);
			if (pfn == 0)
				unmap_page(0);
		} while (pfn == 0 && stats_of(r.d).maps < PAGES + 20 * (at + 1));
		assert_int_equal(pfn, step_pfn);
		/* Nobody has the chunk: a snapshot looks at it. */
		ro_chunk_leave(r.d->priv, r.d->lc[0]->priv);
	}
	assert_true(at > 20 || !STEPS_CAN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_maps_fit_an_empty_window),
		cmocka_unit_test_setup_teardown(an_impossible_long_map_leaves_the_rest, up, down),
		cmocka_unit_test(a_full_window_fails_soon),
		cmocka_unit_test_setup_teardown(a_window_in_pieces_fails, up, down),
		cmocka_unit_test(a20_tables_have_a_ceiling),
		cmocka_unit_test_setup_teardown(a5_tables_outlive_the_flush, up, down),
		cmocka_unit_test_setup_teardown(a20_an_idle_worker_keeps_nothing, up, down),
		cmocka_unit_test(a20_long_maps_take_idle_tables),
		cmocka_unit_test_setup_teardown(a7_a_wrap_at_any_moment_of_an_unmap, up, down),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
