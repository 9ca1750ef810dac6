/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Two lcores unmap one mapping at once: exactly one succeeds, the other hears that nothing is mapped
 * there. Where callers are not checked (names.h) only what decides it anyway does: fixed mappings
 * by their lock, pools by their book.
 */
#include <sched.h>

#include "engine/base/tsan.h"
#include "rig.h"

#define PA     UINT64_C(0x300000000)
#define FIXED  (UINT64_C(1) << 42)
#define ROUNDS (SLUICE_TSAN ? 200u : 1000u)
#define BURST  4u

static struct rig r;

enum call { PLAIN, UNMAP_BURST, ASYNC, ASYNC_BURST, UNMAP_FIXED };

static struct {
	enum call call;
	struct sluice_seg seg[BURST];
	unsigned int n, rounds;
	_Atomic unsigned int round, ready; /* both begin together */
	_Atomic int result[2];
} race;

/* @return 0 or -errno of the first piece; a burst is raced for as a whole or piece by piece. */
static int
unmap(void)
{
	struct sluice_seg *s = race.seg;
	unsigned int later, n = 0;
	int ret;

	switch (race.call) {
	case PLAIN:
		return sluice_unmap(r.d, s->iova, s->len);
	case ASYNC:
		ret = sluice_unmap_async(r.d, s->iova, s->len, 1);
		return ret < 0 ? ret : 0;
	case UNMAP_FIXED:
		return sluice_unmap_fixed(r.d, s->iova, s->len);
	case UNMAP_BURST:
		n = sluice_unmap_burst(r.d, s, race.n);
		break;
	case ASYNC_BURST:
		n = sluice_unmap_async_burst(r.d, s, race.n, &later);
		break;
	}
	return n == race.n ? 0 : -rte_errno;
}

static void
run_one(unsigned int me, unsigned int round)
{
	atomic_fetch_add_explicit(&race.ready, 1, memory_order_acq_rel);
	while (atomic_load_explicit(&race.ready, memory_order_acquire) < 2 * round)
		sched_yield();
	atomic_store_explicit(&race.result[me], unmap(), memory_order_release);
}

static void *
other(void *arg)
{
	(void)arg;
	as_lcore(1);
	for (unsigned int round = 1; round <= race.rounds; round++) {
		while (atomic_load_explicit(&race.round, memory_order_acquire) < round)
			sched_yield();
		run_one(1, round);
	}
	return NULL;
}

/* After the other has come back from its unmap. */
static void
settle(void)
{
	uint64_t cookie[BURST];

	while (atomic_load_explicit(&race.result[1], memory_order_acquire) == 1)
		sched_yield();
	for (unsigned int lcore = 0; lcore < 2; lcore++) {
		as_lcore(lcore);
		while (sluice_unmap_completed(r.d, cookie, BURST) != 0)
			;
	}
	as_lcore(0);
}

static void
map_for(const char *policy, uint64_t pa, uint32_t len, unsigned int round)
{
	for (unsigned int i = 0; i < race.n; i++)
		race.seg[i] = (struct sluice_seg){ .pa = pa, .len = len, .prot = SLUICE_RW };
	if (race.call == UNMAP_FIXED) {
		race.seg[0].iova = FIXED;
		assert_int_equal(sluice_map_fixed(r.d, FIXED, pa, len, SLUICE_RW), 0);
	} else if (sluice_map_burst(r.d, race.seg, race.n) != race.n) {
		fail_msg("%s, %u bytes, round %u: map: %d", policy, len, round, rte_errno);
	}
}

/* Of the two results that a round had. */
static void
one_won(const char *policy, uint32_t len, unsigned int round)
{
	int a = atomic_load(&race.result[0]), b = atomic_load(&race.result[1]);

	if (race.n == 1 || strcmp(policy, "contiguous") == 0) {
		if (!((a == 0 && b == -ENOENT) || (a == -ENOENT && b == 0)))
			fail_msg("%s, call %d, %u bytes, round %u: %d and %d", policy,
				 (int)race.call, len, round, a, b);
	} else {
		/* Each piece has one winner: neither got all, or one did. */
		assert_true(a == -ENOENT || b == -ENOENT);
		for (unsigned int i = 0; i < race.n; i++)
			(void)sluice_unmap(r.d, race.seg[i].iova, len);
	}
}

static void
one_of_two(const char *policy, enum call call, uint32_t len, unsigned int n)
{
	const struct sluice_domain_conf conf = { .policy = policy, .iova_size = 256 << 20,
						 .copy_pool = 1 << 20, .keep_max = 16, .batch = 32,
						 .ring = 1 << 14 };
	pthread_t thread;
	uint64_t pa = PA;
	void *va = NULL;

	rig_up_mt(&r, "", &conf);
	rig_workers(&r, 1);
	race.call = call;
	race.n = n;
	/* What the other lcore won is in its stock: large ones are soon all there. */
	race.rounds = len > 1 << 20 ? 50 : ROUNDS;
	atomic_store(&race.round, 0);
	atomic_store(&race.ready, 0);
	if (strcmp(policy, "static") == 0 || strcmp(policy, "copy") == 0) {
		va = sluice_iommu_mem_alloc(r.iommu, len, 4096, &pa);
		assert_non_null(va);
	}
	assert_int_equal(pthread_create(&thread, NULL, other, NULL), 0);
	for (unsigned int round = 1; round <= race.rounds; round++) {
		map_for(policy, pa, len, round);
		atomic_store(&race.result[1], 1);
		atomic_store_explicit(&race.round, round, memory_order_release);
		run_one(0, round);
		settle();
		one_won(policy, len, round);
		if (round % 64 == 0)
			assert_int_equal(sluice_domain_drain(r.d), 0);
	}
	pthread_join(thread, NULL);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	if (call != UNMAP_FIXED) {
		assert_int_equal(stats_of(r.d).unmaps, stats_of(r.d).maps);
		assert_int_equal(stats_of(r.d).live, 0);
	}
	sluice_iommu_mem_free(r.iommu, va, len);
	rig_down(&r);
}

static void
one_loses_whatever_is_checked(void **state)
{
	(void)state;
	one_of_two("strict", UNMAP_FIXED, 4096, 1);
	one_of_two("deferred", UNMAP_FIXED, 3 << 20, 1);
	one_of_two("static", PLAIN, 100, 1);
	one_of_two("static", PLAIN, 3 * 4096, 1);
}

static void
one_loses_where_callers_are_checked(void **state)
{
	static const char *const policy[] = { "strict", "strict-batched", "deferred", "strict-async",
					      "deferred-single", "rollover", "contiguous",
					      "persistent", "copy" };
	static const uint32_t len[] = { 100, 3 * 4096, 3 << 20 };

	(void)state;
	for (unsigned int p = 0; p < RTE_DIM(policy); p++)
		for (unsigned int k = 0; k < RTE_DIM(len) - (strcmp(policy[p], "copy") == 0); k++)
			one_of_two(policy[p], PLAIN, len[k], 1);
	for (unsigned int n = 1; n <= BURST; n += BURST - 1) {
		one_of_two("strict-batched", UNMAP_BURST, 100, n);
		one_of_two("deferred", UNMAP_BURST, 100, n);
		one_of_two("contiguous", UNMAP_BURST, 100, n);
		one_of_two("contiguous", UNMAP_BURST, 8192, n);
		one_of_two("strict-async", ASYNC_BURST, 100, n);
	}
	one_of_two("strict-async", ASYNC, 4096, 1);
	one_of_two("strict-async", ASYNC, 8192, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_loses_whatever_is_checked),
		cmocka_unit_test(one_loses_where_callers_are_checked),
	};

	test_eal_init("0");
	if (!SLUICE_CHECKS)
		puts("policies are not tried: this build does not check its callers (-Dchecks=true)");
	return _cmocka_run_group_tests("names_mt", tests, SLUICE_CHECKS ? 2 : 1, NULL, NULL);
}
