/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Policies that keep and copy, with threads: persistent's workers and a drain exclude each other
 * (policy/persistent.h, 4); pool slots that another worker frees go home (policy/copypool.h, 4);
 * workers that map the same page for the first time agree on its entry (policy/pool.h, 2).
 */
#include "engine/policy/persistent.h"
#include "engine/base/tsan.h"
#include "mirror.h"

#define PA     UINT64_C(0x300000000)
#define ROUNDS (SLUICE_TSAN ? 100u : 400u)
#define SLOTS  32u

static struct rig r;
static _Atomic bool stop;
static _Atomic uint64_t pairs, failed;

static void
up(const struct sluice_domain_conf *conf)
{
	rig_up_mt(&r, "", conf);
	stop = false;
	pairs = failed = 0;
	rig_workers(&r, 2);
}

/* Both workers use the same pages; each finds its own mappings only. */
static void *
keep_loop(void *arg)
{
	uint64_t seed = 7 + (uintptr_t)arg, n = 0;

	as_lcore((unsigned int)(uintptr_t)arg);
	while (!atomic_load_explicit(&stop, memory_order_acquire)) {
		uint64_t pa = PA + rnd(&seed) % 24 * 4096, iova, at;

		if (sluice_map(r.d, pa, 4096, SLUICE_RW, &iova) != 0 ||
		    sluice_iova_to_pa(r.d, iova, &at) != 0 || at != pa ||
		    sluice_unmap(r.d, iova, 4096) != 0)
			failed++;
		pairs++;
		if (++n % 64 == 0)
			sched_yield();
	}
	return NULL;
}

static void
drain_while_workers_keep(void **state)
{
	const struct sluice_domain_conf conf = { .policy = "persistent", .iova_size = 4 << 20,
						 .keep_max = 16 };
	struct sluice_domain_stats st;
	pthread_t w[2];

	(void)state;
	up(&conf);
	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&w[i], NULL, keep_loop, (void *)(i + 1)), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		assert_int_equal(sluice_domain_drain(r.d), 0);
		if (i % 8 == 0)
			sluice_domain_get_stats(r.d, &st);
		sched_yield();
	}
	stop = true;
	pthread_join(w[0], NULL);
	pthread_join(w[1], NULL);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	st = stats_of(r.d);
	assert_int_equal(failed, 0);
	assert_int_equal(st.maps, pairs);
	assert_int_equal(st.unmaps, pairs);
	assert_int_equal(st.queued, pairs);
	assert_int_equal(st.released, pairs);
	assert_int_equal(st.exposed_bytes, 0);
	assert_true(st.reuses > 0);
	assert_int_equal(sluice_domain_stale_hist(r.d)->count, pairs);
	for (uint64_t pfn = 0; pfn < r.d->nb_pages; pfn++) {
		uint64_t pa;

		assert_int_equal(sluice_iova_to_pa(r.d, r.d->iova_base + (pfn << 12), &pa), -ENOENT);
	}
	rig_down(&r);
}

/* One maps, the other unmaps. */
static struct buf buf;
static _Atomic uint64_t handed[SLOTS];

static void *
give_loop(void *arg)
{
	(void)arg;
	as_lcore(1);
	for (unsigned int i = 0; i < ROUNDS * 50; i++) {
		uint64_t iova = 0;

		while (atomic_load_explicit(&handed[i % SLOTS], memory_order_acquire) != 0)
			sched_yield();
		if (sluice_map(r.d, buf.pa + i % SLOTS * 4096, 4096, SLUICE_RW, &iova) != 0)
			failed++;
		atomic_store_explicit(&handed[i % SLOTS], iova, memory_order_release);
	}
	return NULL;
}

static void *
take_loop(void *arg)
{
	(void)arg;
	as_lcore(2);
	for (unsigned int i = 0; i < ROUNDS * 50; i++) {
		uint64_t iova;

		while ((iova = atomic_load_explicit(&handed[i % SLOTS], memory_order_acquire)) == 0)
			sched_yield();
		device_at(&r, iova)[5] = (uint8_t)(i / SLOTS);
		if (sluice_unmap(r.d, iova, 4096) != 0 ||
		    buf.va[i % SLOTS * 4096 + 5] != (uint8_t)(i / SLOTS))
			failed++;
		atomic_store_explicit(&handed[i % SLOTS], 0, memory_order_release);
	}
	return NULL;
}

static void
slots_go_home_meanwhile(void **state)
{
	const struct sluice_domain_conf conf = { .policy = "copy", .iova_size = 16 << 20,
						 .copy_pool = (SLOTS + 17) * 4096 };
	pthread_t w[2];

	(void)state;
	up(&conf);
	buf = buf_make(&r, SLOTS * 4096);
	assert_int_equal(pthread_create(&w[0], NULL, give_loop, NULL), 0);
	assert_int_equal(pthread_create(&w[1], NULL, take_loop, NULL), 0);
	pthread_join(w[0], NULL);
	pthread_join(w[1], NULL);
	assert_int_equal(failed, 0);
	assert_int_equal(stats_of(r.d).copies, ROUNDS * 50);
	assert_int_equal(stats_of(r.d).copy_empty, 0);
	assert_int_equal(stats_of(r.d).live, 0);
	buf_free(&r, &buf);
	rig_down(&r);
}

static void *
first_loop(void *arg)
{
	as_lcore((unsigned int)(uintptr_t)arg);
	for (unsigned int i = 0; i < 2048; i++) {
		uint64_t pa = buf.pa + i / 4 * 4096 + i % 4 * 1024, iova, at;

		if (sluice_map(r.d, pa, 1024, SLUICE_RW, &iova) != 0 ||
		    sluice_iova_to_pa(r.d, iova, &at) != 0 || at != pa ||
		    sluice_unmap(r.d, iova, 1024) != 0)
			failed++;
		if (i % 16 == 0)
			sched_yield();
	}
	return NULL;
}

static void
first_maps_of_the_same_page(void **state)
{
	const struct sluice_domain_conf conf = { .policy = "static", .iova_size = 128 << 20 };
	pthread_t w[2];

	(void)state;
	up(&conf);
	buf = buf_make(&r, 512 * 4096);
	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&w[i], NULL, first_loop, (void *)(i + 1)), 0);
	pthread_join(w[0], NULL);
	pthread_join(w[1], NULL);
	assert_int_equal(failed, 0);
	assert_int_equal(stats_of(r.d).kept_bytes, 512 * 4096); /* each counted once */
	assert_int_equal(stats_of(r.d).maps, 4096);
	assert_int_equal(stats_of(r.d).live, 0);
	buf_free(&r, &buf);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drain_while_workers_keep),
		cmocka_unit_test(slots_go_home_meanwhile),
		cmocka_unit_test(first_maps_of_the_same_page),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
