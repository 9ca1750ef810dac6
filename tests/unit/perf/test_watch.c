/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The ownership map: all of the memory is in it, a copy is the device's in place of its buffer, and
 * stands in for nobody afterwards.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define sluice_iommu_watch fake_watch
#define sluice_iova_to_pa  fake_pa
#include "watch.c"

#define MB     (UINT64_C(1) << 20)
#define POOL   (UINT64_C(1) << 30)
#define COPY (POOL + 8 * MB)
#define BUFS   16u

static struct perf_options o = { .probe_stale = true };
static struct perf_bench b;
static struct perf_worker w;
static uint64_t copy[BUFS];
static uint64_t watched_pa, watched_len;
static const uint8_t *watched;

int
fake_watch(struct sluice_iommu *iommu, uint64_t pa, uint64_t len, const uint8_t *owned)
{
	(void)iommu;
	watched_pa = pa;
	watched_len = len;
	watched = owned;
	return 0;
}

/* IOVAs of this test: what they are the address of, and one that is mapped nowhere. */
int
fake_pa(struct sluice_domain *dom, uint64_t iova, uint64_t *pa)
{
	(void)dom;
	*pa = iova;
	return iova == 0 ? -ENOENT : 0;
}

static uint8_t
whose(uint64_t pa)
{
	assert_true(pa >= watched_pa && pa - watched_pa < watched_len);
	return watched[(pa - watched_pa) / PERF_PAGE];
}

static void
start(const char *settings)
{
	free(b.watch);
	memset(&b, 0, sizeof(b));
	memset(&w, 0, sizeof(w));
	memset(copy, 0, sizeof(copy));
	strcpy(b.info.settings, settings);
	b.o = &o;
	b.pool_pa = POOL;
	b.nb_bufs = BUFS;
	b.buf_size = 2 * PERF_PAGE;
	b.pool_size = BUFS * b.buf_size;
	assert_int_equal(perf_watch_open(&b), 0);
	w.bench = &b;
	w.ring.copy_pa = copy;
	w.plan.watches_copies = true;
	w.plan.owners = (_Atomic uint8_t *)(void *)b.watch + (POOL - b.watch_pa) / PERF_PAGE;
}

static void
all_memory_is_watched(void **state)
{
	(void)state;
	start("sync_ns=0,mem_mb=48");
	assert_true(b.watch_all);
	/* Wherever the pool lies in 48 MiB. */
	assert_true(watched_pa <= POOL + b.pool_size - 48 * MB);
	assert_true(watched_pa + watched_len >= POOL + 48 * MB);
	start("sync_ns=0,mem_mb=4096"); /* more than there are addresses below */
	assert_int_equal(watched_pa, 0);
	o.probe_stale = false;
	start("mem_mb=48");
	assert_false(b.watch_all);
	o.probe_stale = true;
	start("somebody else's=1");
	assert_false(b.watch_all);
	assert_int_equal(watched_pa, POOL);
	assert_int_equal(watched_len, b.pool_size);
}

static void
copies_are_the_devices(void **state)
{
	struct sluice_seg s[3] = {
		{ .pa = POOL, .iova = COPY, .cookie = 0 },                /* a copy */
		{ .pa = POOL + 8192, .iova = POOL + 8192, .cookie = 1 },    /* mapped */
		{ .pa = POOL + 16384, .iova = COPY + 8192, .cookie = 18 }, /* a copy, round once */
	};

	(void)state;
	start("mem_mb=48");
	s[2].pa = POOL + (18 % BUFS) * 8192;
	for (unsigned int i = 0; i < 3; i++)
		perf_own(&w, s[i].cookie, SLUICE_WATCH_DEVICE);
	perf_watch_mapped(&w, s, 3);
	for (uint64_t at = 0; at < 8192; at += 4096) {
		assert_int_equal(whose(s[0].pa + at), SLUICE_WATCH_OWNER);
		assert_int_equal(whose(s[1].pa + at), SLUICE_WATCH_DEVICE);
		assert_int_equal(whose(s[2].pa + at), SLUICE_WATCH_OWNER);
		assert_int_equal(whose(COPY + at), SLUICE_WATCH_DEVICE);
		assert_int_equal(whose(COPY + 8192 + at), SLUICE_WATCH_DEVICE);
	}
	assert_int_equal(whose(COPY + 16384), SLUICE_WATCH_OWNER); /* nobody's: no device's */
	perf_watch_back(&w, 0);
	perf_watch_back(&w, 1);
	for (uint64_t at = 0; at < 8192; at += 4096) {
		assert_int_equal(whose(COPY + at), SLUICE_WATCH_COPYPOOL);
		assert_int_equal(whose(s[1].pa + at), SLUICE_WATCH_OWNER);
		assert_int_equal(whose(COPY + 8192 + at), SLUICE_WATCH_DEVICE);
	}
	/* The same copy for the next one. */
	s[0].cookie = 4;
	s[0].pa = POOL + 4 * 8192;
	perf_watch_mapped(&w, s, 1);
	assert_int_equal(whose(COPY), SLUICE_WATCH_DEVICE);
	perf_watch_back(&w, 18);
	assert_int_equal(whose(COPY + 8192), SLUICE_WATCH_COPYPOOL);
	assert_int_equal(whose(COPY), SLUICE_WATCH_DEVICE);
	perf_watch_reset(&b);
	assert_int_equal(whose(COPY), SLUICE_WATCH_OWNER);
}

/* The control of what copies: mapped, and nobody gave it. */
static void
in_place(void **state)
{
	struct sluice_seg s = { .pa = POOL, .iova = POOL, .cookie = 0 };

	(void)state;
	start("mem_mb=48");
	w.plan.watches_copies = false;
	perf_own(&w, 0, SLUICE_WATCH_DEVICE);
	perf_watch_mapped(&w, &s, 1);
	assert_int_equal(whose(POOL), SLUICE_WATCH_DEVICE);
	b.in_place = true;
	perf_watch_mapped(&w, &s, 1);
	assert_int_equal(whose(POOL), SLUICE_WATCH_OWNER);
	free(b.watch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_memory_is_watched),
		cmocka_unit_test(copies_are_the_devices),
		cmocka_unit_test(in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
