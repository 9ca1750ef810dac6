/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What a domain keeps beyond what is mapped (A20): of every policy what <sluice/domain.h> says,
 * a row each, and that it comes back as is said there.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "rig.h"

#define CHUNKS   16u
#define PAGES    (CHUNKS * IOVA_CHUNK_PAGES)
#define MIB      (UINT64_C(1) << 20)
#define MEM      (8 * MIB) /* of the IOMMU: twice that is half of the window */
#define KEEP     64u
#define POOL     UINT64_C(65536)
#define OFTEN    3000u

/* Workers 0 and 1 map and unmap; then they idle, and worker 2 comes. */
static const struct row {
	const char *policy;
	uint64_t tables;    /* last-level, at most, when nothing is mapped */
	uint64_t untrimmed; /* of those, that a trim leaves */
	uint64_t queued;    /* entries, or mappings that stand, of each worker */
	uint64_t kept;      /* kept_bytes at most; of each worker, if it has them */
	bool each, drains;  /* a drain brings them to 0 */
	uint32_t piece;     /* of the maps of worker 2, pages; 0: the window is not the domain's to give */
	uint32_t window;    /* pages that it gets */
} rows[] = {
	{ "passthrough" },
	{ "strict", CHUNKS, .piece = 1, .window = PAGES },
	{ "strict-batched", CHUNKS, .piece = 1, .window = PAGES },
	{ "deferred", CHUNKS, .queued = 256, .piece = 1, .window = PAGES },
	{ "deferred-single", CHUNKS, .queued = 256, .piece = 1, .window = PAGES },
	{ "rollover", CHUNKS, .queued = PAGES, .piece = 1, .window = PAGES },
	{ "strict-async", CHUNKS, .queued = 256, .piece = 1, .window = PAGES },
	{ "contiguous", CHUNKS, .piece = 1, .window = PAGES },
	/* A place for all memory of the IOMMU, readable and writable; of it what was mapped once. */
	{ "static", 2 * MEM >> 21, 2 * MEM >> 21, .kept = MIB },
	{ "hugepool", 2 * MEM >> 21, 2 * MEM >> 21, .kept = MIB },
	/* Of each worker as many mappings, of 1 MiB at most here. */
	{ "persistent", CHUNKS, .queued = KEEP, .kept = KEEP * MIB, .each = true, .drains = true,
	  .piece = 1, .window = PAGES },
	/* Pools of three workers, each with two places; the rest is for what is not copied. */
	{ "copy", CHUNKS, 6, .kept = POOL, .each = true, .piece = 32, .window = PAGES * 10 / 16 },
	{ "hybrid", CHUNKS, 6, .kept = POOL, .each = true, .piece = 32, .window = PAGES * 10 / 16 },
};

static struct rig r;
static uint64_t buf, iova[PAGES];

static const struct row *
row_of(const char *policy)
{
	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		if (strcmp(rows[i].policy, policy) == 0)
			return &rows[i];
	fail_msg("%s: what does it keep? A row is wanted", policy);
	return NULL;
}

static uint64_t
tables(struct sluice_domain *d)
{
	return stats_of(d).table_bytes / 4096;
}

/* Up to eight live ones of all sizes, on workers 0 and 1 by turns. */
static void
churn(const struct row *row)
{
	uint64_t live[8] = { 0 }, seed = 1;
	size_t len[8];

	for (unsigned int i = 0; i < OFTEN + 8; i++) {
		unsigned int k = i < OFTEN ? (unsigned int)(rnd(&seed) % 8) : i - OFTEN;

		as_lcore(k % 2);
		if (live[k] != 0) {
			assert_int_equal(sluice_unmap(r.d, live[k], len[k]), 0);
			live[k] = 0;
		} else if (i < OFTEN) {
			unsigned int order = (unsigned int)(rnd(&seed) % 9);

			len[k] = (size_t)4096 << order;
			if (sluice_map(r.d, buf + rnd(&seed) % (256 >> order) * len[k], len[k], SLUICE_RW,
				       &live[k]) != 0)
				fail_msg("%s: %s", row->policy, sluice_error());
		}
		/* Nothing comes to keep more than is said, at any time. */
		assert_true(stats_of(r.d).pending <= 2 * row->queued);
		if (i % 64 == 0)
			sluice_engine_poll(r.e);
	}
}

/* A trim may have to wait for workers to move: an unmap of what is not mapped will do. */
static void
trim(const struct row *row)
{
	for (unsigned int round = 0; round < 2; round++) {
		assert_true(sluice_domain_trim(r.d) >= 0);
		for (unsigned int w = 0; w < 3; w++) {
			as_lcore(w);
			if (row->tables != 0)
				assert_int_not_equal(sluice_unmap(r.d, r.d->iova_base, 4096), 0);
		}
		as_lcore(0);
		sluice_engine_poll(r.e);
	}
	assert_true(sluice_domain_trim(r.d) >= 0);
}

static void
policy_keeps_what_is_said(const struct row *row)
{
	const struct sluice_domain_conf conf = {
		.policy = row->policy, .iova_size = (uint64_t)CHUNKS << 21, .copy_pool = POOL,
		.copy_max = 8192, .keep_max = KEEP, .batch = 64, .ring = 256,
	};
	const uint64_t above = 3; /* levels 0 to 2, of one GiB */
	struct sluice_domain_stats st;
	uint32_t n = 0;
	void *va;

	rig_up(&r, "mem=8", &conf);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	va = sluice_iommu_mem_alloc(r.iommu, MIB, 4096, &buf);
	assert_non_null(va);
	churn(row);
	st = stats_of(r.d);
	assert_int_equal(st.live, 0);
	assert_true(st.table_bytes / 4096 <= row->tables + above);
	assert_true(st.kept_bytes <= row->kept * (row->each ? 2 : 1));
	for (unsigned int w = 0; w < 2; w++)
		for (unsigned int o = 0; o < IOVA_ORDERS; o++)
			assert_true(iova_mag_count(&r.d->lc[w]->mag[o]) <= SLUICE_STOCK_MAX);
	/* To another worker, while nobody drains or trims. */
	assert_int_equal(sluice_worker_register(r.e, 2), 0);
	as_lcore(2);
	if (row->piece != 0) {
		size_t len = (size_t)row->piece << 12;

		while (n < PAGES && sluice_map(r.d, buf, len, SLUICE_RW, &iova[n]) == 0)
			n++;
		assert_int_equal(n * row->piece, row->window);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(sluice_unmap(r.d, iova[i], len), 0);
			if (i % 32 == 0)
				sluice_engine_poll(r.e);
		}
	}
	as_lcore(0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	st = stats_of(r.d);
	assert_int_equal(st.pending, 0);
	assert_true(st.kept_bytes <= (row->drains ? 0 : row->kept * (row->each ? 3 : 1)));
	/* To other domains. */
	trim(row);
	assert_true(tables(r.d) <= row->untrimmed + above);
	sluice_iommu_mem_free(r.iommu, va, MIB);
	rig_down(&r); /* and looks that nothing is left */
}

static void
a20_every_policy_keeps_what_is_said(void **state)
{
	const char *name;

	(void)state;
	for (unsigned int p = 0; (name = sluice_policy_name(p)) != NULL; p++)
		policy_keeps_what_is_said(row_of(name));
}

/* ---- control calls that are short of memory ---------------------------------------------------- */

static const char *const wanderers[] = { "strict", "deferred", "rollover", "contiguous" };
static struct sluice_domain *other;
static void *page[256];
static unsigned int nb_pages;

/* A domain that keeps tables until there is no more memory; nothing is mapped. Of the others @p left
 * pages are there, the rest is somebody's. */
static void
tables_everywhere(const char *policy, unsigned int left)
{
	const struct sluice_domain_conf conf = { .policy = policy, .iova_size = UINT64_C(600) << 21 };
	uint64_t v[150];

	rig_up(&r, "mem=1", &conf);
	other = sluice_domain_create(r.iommu, NULL);
	assert_non_null(other);
	for (unsigned int i = 0; i < RTE_DIM(v); i++)
		v[i] = map_ok(r.d, UINT64_C(0x300000000), 2 << 20);
	for (unsigned int i = 0; i < RTE_DIM(v); i++)
		assert_int_equal(sluice_unmap(r.d, v[i], 2 << 20), 0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	assert_true(tables(r.d) >= RTE_DIM(v));
	for (nb_pages = 0; (page[nb_pages] = sluice_mem_page_get(r.iommu->mem, NULL)) != NULL;)
		nb_pages++;
	assert_true(nb_pages > left);
	for (unsigned int i = 0; i < left; i++)
		sluice_mem_page_put(r.iommu->mem, page[--nb_pages]);
}

static void
tables_gone(void)
{
	as_lcore(0);
	r.f->immediate = true;
	while (nb_pages != 0)
		sluice_mem_page_put(r.iommu->mem, page[--nb_pages]);
	if (other != NULL)
		assert_int_equal(sluice_domain_destroy(other), 0);
	other = NULL;
	rig_down(&r);
}

/* Wherever its creation, and its first map, would have been short of a page. */
static void
a20_idle_tables_come_to_a_new_domain(void **state)
{
	(void)state;
	for (unsigned int p = 0; p < RTE_DIM(wanderers); p++)
		for (unsigned int left = 0; left < 6; left++) {
			struct sluice_domain *d;
			uint64_t v;

			tables_everywhere(wanderers[p], left);
			d = sluice_domain_create(r.iommu, NULL);
			assert_non_null(d);
			v = map_ok(d, UINT64_C(0x300000000), 4096);
			assert_int_equal(sluice_unmap(d, v, 4096), 0);
			assert_int_equal(sluice_domain_destroy(d), 0);
			tables_gone();
		}
}

static void
a20_idle_tables_come_to_a_fixed_mapping(void **state)
{
	(void)state;
	for (unsigned int p = 0; p < RTE_DIM(wanderers); p++)
		for (unsigned int left = 0; left < 4; left++) {
			tables_everywhere(wanderers[p], left);
			assert_int_equal(sluice_map_fixed(other, 0x8000000, 0x8000000, 4096, SLUICE_RW), 0);
			/* Of the domain itself, too. */
			while (nb_pages < RTE_DIM(page) &&
			       (page[nb_pages] = sluice_mem_page_get(r.iommu->mem, NULL)) != NULL)
				nb_pages++;
			assert_int_equal(sluice_unmap_fixed(other, 0x8000000, 4096), 0);
			tables_gone();
		}
}

/* Pages of tables are no use to who wants a buffer, unless they lie together again. */
static void
a20_idle_tables_come_to_a_buffer(void **state)
{
	(void)state;
	for (unsigned int p = 0; p < RTE_DIM(wanderers); p++) {
		void *va;

		tables_everywhere(wanderers[p], 0);
		while (nb_pages != 0)
			sluice_mem_page_put(r.iommu->mem, page[--nb_pages]);
		va = sluice_iommu_mem_alloc(r.iommu, MIB * 7 / 8, 4096, NULL);
		assert_non_null(va);
		sluice_iommu_mem_free(r.iommu, va, MIB * 7 / 8);
		tables_gone();
	}
}

/* For the time of being looked through they are not gone: who wants one page always gets it. */
static struct sluice_mem *mem;
static _Atomic bool stop;
static _Atomic uint64_t denied, got;

static void *
take_pages(void *arg)
{
	(void)arg;
	while (!stop) {
		void *p = sluice_mem_page_get(mem, NULL);

		got++;
		if (p == NULL)
			denied++;
		else
			sluice_mem_page_put(mem, p);
	}
	return NULL;
}

static void
a20_nobody_goes_without_a_page_meanwhile(void **state)
{
	const unsigned int n = 4096;
	void *va = sluice_host_alloc((size_t)n << 12), *held[64], *all;
	pthread_t t;

	(void)state;
	mem = sluice_mem_create(va, UINT64_C(0x40000000), (size_t)n << 12);
	assert_non_null(mem);
	/* Buffers have all but 64, of which every second one is free: no two lie together. */
	all = sluice_mem_alloc(mem, (size_t)(n - 64) << 12, 4096, NULL);
	assert_non_null(all);
	for (unsigned int i = 0; i < 64; i++)
		assert_non_null(held[i] = sluice_mem_page_get(mem, NULL));
	for (unsigned int i = 0; i < 64; i += 2)
		sluice_mem_page_put(mem, held[i]);
	stop = false;
	assert_int_equal(pthread_create(&t, NULL, take_pages, NULL), 0);
	while (got == 0)
		sched_yield();
	/* As many looks as it takes for both to have been at it, on one core, too. */
	for (unsigned int i = 0; i < 3000 || got < 1000000; i++)
		assert_null(sluice_mem_alloc(mem, 8192, 4096, NULL));
	stop = true;
	pthread_join(t, NULL);
	assert_int_equal(denied, 0);
	/* None was lost, none is there twice; and when all are free they are one buffer. */
	for (unsigned int i = 0; i < 64; i += 2)
		assert_non_null(held[i] = sluice_mem_page_get(mem, NULL));
	assert_null(sluice_mem_page_get(mem, NULL));
	for (unsigned int i = 0; i < 64; i++)
		sluice_mem_page_put(mem, held[(i * 37) % 64]);
	assert_non_null(sluice_mem_alloc(mem, 64 << 12, 4096, NULL));
	assert_null(sluice_mem_page_get(mem, NULL));
	sluice_mem_destroy(mem);
	sluice_host_free(va, (size_t)n << 12);
}

/* The hardware is not told: nothing comes, and nothing is lost. */
static void
a20_nothing_comes_before_its_invalidation(void **state)
{
	struct sluice_domain *d;
	uint64_t had;

	(void)state;
	tables_everywhere("strict", 0);
	had = tables(r.d);
	r.f->immediate = false;
	assert_null(sluice_domain_create(r.iommu, NULL));
	assert_int_equal(rte_errno, ENOMEM);
	assert_int_equal(tables(r.d), had);
	r.f->immediate = true;
	d = sluice_domain_create(r.iommu, NULL);
	assert_non_null(d);
	assert_int_equal(sluice_domain_destroy(d), 0);
	tables_gone();
}

/* Who destroys a domain waits for who trims it; who comes later passes it by. */
static pthread_t destroyer;
static _Atomic bool destroyed;
static bool early;
static unsigned int turns;

static void *
destroy(void *arg)
{
	(void)arg;
	as_lcore(LCORE_ID_ANY);
	if (sluice_domain_destroy(r.d) != 0)
		abort();
	destroyed = true;
	return NULL;
}

static void
destroy_meanwhile(void *arg)
{
	(void)arg;
	if (rte_lcore_id() != 0) {
		sched_yield();
		return;
	}
	if (++turns == 5)
		assert_int_equal(pthread_create(&destroyer, NULL, destroy, NULL), 0);
	if (turns > 5)
		usleep(1000);
	early |= destroyed;
	if (turns == 60) {
		r.f->immediate = true;
		fake_complete_all(r.f);
	}
}

static void
a20_a_domain_that_is_trimmed_is_not_destroyed(void **state)
{
	struct sluice_domain *d;

	(void)state;
	tables_everywhere("strict", 0);
	r.iommu->sync_timeout = UINT64_C(1000000000000);
	r.f->immediate = false;
	r.f->on_relax = destroy_meanwhile;
	early = false;
	destroyed = false;
	turns = 0;
	d = sluice_domain_create(r.iommu, NULL);
	assert_non_null(d);
	pthread_join(destroyer, NULL);
	assert_true(turns >= 60);
	assert_false(early);
	assert_true(destroyed);
	r.f->on_relax = NULL;
	r.d = d;
	tables_gone();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a20_every_policy_keeps_what_is_said),
		cmocka_unit_test(a20_idle_tables_come_to_a_new_domain),
		cmocka_unit_test(a20_idle_tables_come_to_a_fixed_mapping),
		cmocka_unit_test(a20_idle_tables_come_to_a_buffer),
		cmocka_unit_test(a20_nobody_goes_without_a_page_meanwhile),
		cmocka_unit_test(a20_nothing_comes_before_its_invalidation),
		cmocka_unit_test(a20_a_domain_that_is_trimmed_is_not_destroyed),
	};

	test_eal_init("0");
	alarm(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
