/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * trim.c: page tables come back, and never too early (A5).
 */
#include <pthread.h>

#include "engine/base/tsan.h"
#include "rig.h"

#define PA     UINT64_C(0x300000000)
#define CHUNKS 8u

static struct rig r;

static void
up(const char *policy)
{
	const struct sluice_domain_conf conf = { .policy = policy, .iova_size = CHUNKS << 21,
						 .range_max = 64 };

	rig_up(&r, "", &conf);
}

static uint64_t
tables(void)
{
	return stats_of(r.d).table_bytes / 4096;
}

/* Make tables for the whole window, leave nothing mapped, and nothing in this lcore's stock. */
static void
use_all(void)
{
	for (unsigned int i = 0; i < CHUNKS; i++) {
		uint64_t iova = map_ok(r.d, PA, CHUNKS << 21);

		assert_int_equal(sluice_unmap(r.d, iova, CHUNKS << 21), 0);
	}
}

static void
a5_trim_gives_tables_back(void **state)
{
	uint64_t before, iova, used;

	(void)state;
	up("strict");
	before = tables();
	use_all();
	assert_int_equal(tables(), before + 2 + CHUNKS); /* two levels above */
	used = sluice_mem_pages_used(r.iommu->mem);
	assert_int_equal(sluice_domain_trim(r.d), CHUNKS);
	assert_int_equal(tables(), before + 2);
	assert_int_equal(sluice_mem_pages_used(r.iommu->mem), used - CHUNKS);
	/* The hardware's walk caches were told: not leaves alone. */
	const struct fake_sub *s = fake_sub(r.f, r.f->submitted);

	assert_int_equal(s->n, CHUNKS);
	for (unsigned int i = 0; i < s->n; i++) {
		assert_int_equal(s->inv[i].flags & SLUICE_INV_LEAF, 0);
		assert_true(s->inv[i].iova == r.d->iova_base + ((uint64_t)i << 21));
		assert_int_equal(s->inv[i].pages, IOVA_CHUNK_PAGES);
	}
	assert_int_equal(sluice_domain_trim(r.d), 0);
	/* They are made again when they are wanted. */
	iova = map_ok(r.d, PA, 4096);
	assert_int_equal(tables(), before + 3);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	rig_down(&r);
}

/* What is mapped, held or queued keeps its table. */
static void
a5_trim_leaves_what_is_in_use(void **state)
{
	uint64_t live, pa;

	(void)state;
	up("deferred");
	use_all();
	assert_int_equal(sluice_domain_drain(r.d), 0);
	while (flush_ring_reclaim(r.d, r.d->lc[0]) != 0)
		;
	live = map_ok(r.d, PA, 4096);
	assert_int_equal(sluice_domain_trim(r.d), CHUNKS - 1);
	assert_int_equal(sluice_iova_to_pa(r.d, live, &pa), 0);
	assert_int_equal(sluice_unmap(r.d, live, 4096), 0); /* queued */
	assert_int_equal(sluice_domain_trim(r.d), 0);
	rig_down(&r);
}

/* Not before the invalidation is complete; a chunk is not used again before that either. */
static uint64_t used_then, in_window;
static unsigned int relaxed;

static void
look_and_complete(void *arg)
{
	(void)arg;
	used_then = sluice_mem_pages_used(r.iommu->mem);
	in_window = bitset_count(&r.d->iova.uncut);
	if (++relaxed == 10)
		fake_complete_all(r.f);
}

static void
a5_tables_outlive_the_epoch(void **state)
{
	uint64_t used;

	(void)state;
	up("strict");
	use_all();
	used = sluice_mem_pages_used(r.iommu->mem);
	r.f->immediate = false;
	r.f->on_relax = look_and_complete;
	relaxed = 0;
	assert_int_equal(sluice_domain_trim(r.d), CHUNKS);
	assert_int_equal(relaxed, 10);
	assert_int_equal(used_then, used);
	assert_int_equal(in_window, 0);
	assert_int_equal(sluice_mem_pages_used(r.iommu->mem), used - CHUNKS);
	assert_int_equal(bitset_count(&r.d->iova.uncut), CHUNKS);
	rig_down(&r);
}

/* The hardware does not answer: nothing is freed; later everything is. */
static void
a5_lost_invalidation_frees_nothing(void **state)
{
	uint64_t used, iova, pa;

	(void)state;
	up("strict");
	use_all();
	used = sluice_mem_pages_used(r.iommu->mem);
	r.f->immediate = false;
	assert_int_equal(sluice_domain_trim(r.d), -ETIMEDOUT);
	assert_int_equal(sluice_mem_pages_used(r.iommu->mem), used);
	/* Nor is anything withheld: the window is there, and its tables. */
	assert_int_equal(bitset_count(&r.d->iova.uncut), CHUNKS);
	iova = map_ok(r.d, PA, CHUNKS << 21);
	for (uint64_t i = 0; i < CHUNKS; i++) {
		assert_int_equal(pgtable_walk(&r.d->pt, iova + (i << 21), &pa), 0);
		assert_true(pa == PA + (i << 21));
	}
	assert_int_equal(sluice_mem_pages_used(r.iommu->mem), used);
	r.f->immediate = true;
	assert_int_equal(sluice_unmap(r.d, iova, CHUNKS << 21), 0);
	assert_int_equal(sluice_domain_trim(r.d), CHUNKS);
	rig_down(&r);
}

/* A map that needs what a trim holds gets it, when the hardware has answered. */
static pthread_t waiter;
static int waited;

static void *
map_all(void *arg)
{
	uint64_t iova = 0;

	(void)arg;
	as_lcore(1);
	waited = sluice_map(r.d, PA, CHUNKS << 21, SLUICE_RW, &iova);
	if (waited == 0)
		waited = sluice_unmap(r.d, iova, CHUNKS << 21);
	return NULL;
}

static void
start_and_complete(void *arg)
{
	(void)arg;
	if (rte_lcore_id() == 1) {
		sched_yield();
		return;
	}
	relaxed++;
	if (relaxed == 5)
		assert_int_equal(pthread_create(&waiter, NULL, map_all, NULL), 0);
	if (relaxed > 5)
		usleep(1000);
	if (relaxed == 60) {
		r.f->immediate = true;
		fake_complete_all(r.f);
	}
}

static void
a20_a_map_waits_for_a_trim(void **state)
{
	(void)state;
	up("strict");
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	use_all();
	r.iommu->sync_timeout = UINT64_C(1000000000000);
	r.f->immediate = false;
	r.f->on_relax = start_and_complete;
	relaxed = 0;
	waited = 1;
	assert_true(sluice_domain_trim(r.d) >= 0);
	pthread_join(waiter, NULL);
	assert_int_equal(waited, 0);
	rig_down(&r);
}

/* Stocks of idle workers keep no table. */
static void
a20_a_trim_takes_stocks(void **state)
{
	uint64_t iova;

	(void)state;
	up("strict");
	use_all();
	iova = map_ok(r.d, PA, 4096);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	assert_int_equal(sluice_domain_trim(r.d), CHUNKS);
	rig_down(&r);
}

/* A worker that does not move may be looking at a table: it is kept aside until it has. */
static void
a5_a_worker_may_be_looking(void **state)
{
	uint64_t used, iova;

	(void)state;
	up("strict");
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	use_all();
	used = sluice_mem_pages_used(r.iommu->mem);
	assert_int_equal(sluice_domain_trim(r.d), 0);
	assert_int_equal(sluice_mem_pages_used(r.iommu->mem), used);
	assert_int_equal(bitset_count(&r.d->iova.uncut), CHUNKS);
	as_lcore(1);
	assert_int_equal(sluice_unmap(r.d, r.d->iova_base, 4096), -ENOENT);
	as_lcore(0);
	assert_int_equal(sluice_domain_trim(r.d), CHUNKS);
	/* And a domain that goes takes what is left with it (rig_down()). */
	use_all();
	assert_int_equal(sluice_domain_trim(r.d), 0);
	iova = map_ok(r.d, PA, 4096);
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	rig_down(&r);
}

/* Out of memory for tables: trimming another domain helps; and a chunk that has a table is
 * found. */
static void
a5_enomem_is_mended_by_a_trim(void **state)
{
	const struct sluice_domain_conf conf = { .policy = "strict", .iova_size = UINT64_C(600) << 21 };
	struct sluice_domain *other;
	uint64_t v, n = 0, iova[300];

	(void)state;
	rig_up(&r, "mem=1", &conf);
	other = sluice_domain_create(r.iommu, &conf);
	assert_non_null(other);
	while (n < RTE_DIM(iova) && sluice_map(r.d, PA, 2 << 20, SLUICE_RW, &iova[n]) == 0)
		n++;
	assert_true(n > 200 && n < 256);
	assert_int_equal(sluice_map(other, PA, 2 << 20, SLUICE_RW, &v), -ENOMEM);
	/* Of this one a table is free again, though not the first chunk's. */
	assert_int_equal(sluice_unmap(r.d, iova[n - 1], 2 << 20), 0);
	assert_int_equal(sluice_map(r.d, PA, 4096, SLUICE_RW, &v), 0);
	assert_int_equal(sluice_unmap(r.d, v, 4096), 0);
	for (uint64_t i = 0; i < n - 1; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 2 << 20), 0);
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		iova_mag_flush(&r.d->iova, &r.d->lc[0]->mag[o], o);
	assert_int_equal(sluice_domain_trim(r.d), n);
	assert_int_equal(sluice_map(other, PA, 2 << 20, SLUICE_RW, &v), 0);
	assert_int_equal(sluice_unmap(other, v, 2 << 20), 0);
	assert_int_equal(sluice_domain_destroy(other), 0);
	rig_down(&r);
}

/* A worker maps, unmaps, and makes mistakes, while another thread trims. */
static _Atomic bool stop;
static _Atomic uint64_t wrong;

static void *
work(void *arg)
{
	uint64_t seed = 7 + (uintptr_t)arg, iova[4] = { 0 };

	as_lcore((unsigned int)(uintptr_t)arg);
	while (!atomic_load(&stop)) {
		unsigned int k = (unsigned int)(rnd(&seed) % 4);
		size_t len = (size_t)4096 << 2 * k;

		if (iova[k] == 0)
			wrong += sluice_map(r.d, PA, len, SLUICE_RW, &iova[k]) != 0;
		else if (sluice_unmap(r.d, iova[k], len) == 0)
			iova[k] = 0;
		else
			wrong++;
		/* A page that is nobody's: order 9 of the last chunk is never cut. */
		wrong += sluice_unmap(r.d, r.d->iova_base + ((CHUNKS - 1) << 21), 2 << 20) == 0;
		for (unsigned int o = 0; o < IOVA_ORDERS && rnd(&seed) % 8 == 0; o++)
			iova_mag_flush(&r.d->iova, &r.d->lc[(uintptr_t)arg]->mag[o], o);
	}
	for (unsigned int k = 0; k < 4; k++)
		if (iova[k] != 0)
			wrong += sluice_unmap(r.d, iova[k], (size_t)4096 << 2 * k) != 0;
	return NULL;
}

static void
a5_trim_while_workers_map(void **state)
{
	pthread_t t[2];
	int freed = 0;

	(void)state;
	up("strict");
	r.f->log = false;
	for (uintptr_t i = 0; i < 2; i++) {
		assert_int_equal(sluice_worker_register(r.e, (unsigned int)i + 1), 0);
		assert_int_equal(pthread_create(&t[i], NULL, work, (void *)(i + 1)), 0);
	}
	assert_int_equal(sluice_worker_unregister(r.e, 0), 0);
	for (unsigned int i = 0; i < (SLUICE_TSAN ? 100u : 500u) || freed == 0; i++) {
		int n = sluice_domain_trim(r.d);

		assert_true(n >= 0);
		freed += n;
		sched_yield();
	}
	stop = true;
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(wrong, 0);
	assert_int_equal(stats_of(r.d).live, 0);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a5_trim_gives_tables_back),
		cmocka_unit_test(a5_trim_leaves_what_is_in_use),
		cmocka_unit_test(a5_tables_outlive_the_epoch),
		cmocka_unit_test(a5_lost_invalidation_frees_nothing),
		cmocka_unit_test(a20_a_map_waits_for_a_trim),
		cmocka_unit_test(a20_a_trim_takes_stocks),
		cmocka_unit_test(a5_a_worker_may_be_looking),
		cmocka_unit_test(a5_enomem_is_mended_by_a_trim),
		cmocka_unit_test(a5_trim_while_workers_map),
	};

	test_eal_init("0");
	alarm(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
