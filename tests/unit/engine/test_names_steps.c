/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Another lcore unmaps the same mapping before the Nth instruction of an unmap, for each N, and a trim
 * takes the table that is empty then. Where callers are checked (names.h, 4) one of the two succeeds;
 * where they are not at least one does, and nobody follows a pointer to nothing.
 */
#include "rig.h"
#include "steps.h"

#define PA   UINT64_C(0x300000000)
#define MOST 20000u /* instructions of a call */

static struct rig r;
static uint64_t iova;
static size_t len;
static bool async;
static int first, second;
static uint64_t *table;

static int
unmap(void)
{
	int ret = async ? sluice_unmap_async(r.d, iova, len, 1) : sluice_unmap(r.d, iova, len);

	return ret < 0 ? ret : 0;
}

static _Atomic(uint64_t *) *
leaf(void)
{
	return &r.d->leaf[(iova - r.d->iova_base) >> 21];
}

static void
one(void)
{
	first = unmap();
}

static void
other(void)
{
	as_lcore(1);
	second = unmap();
	as_lcore(0);
	table = atomic_load(leaf());
	if (second == 0)
		atomic_store(leaf(), NULL);
}

static void
settle(void)
{
	uint64_t cookie[4];

	for (unsigned int lcore = 0; lcore < 2; lcore++) {
		as_lcore(lcore);
		assert_int_equal(sluice_domain_drain(r.d), 0);
		while (sluice_unmap_completed(r.d, cookie, 4) != 0)
			;
	}
	as_lcore(0);
}

static void
every_step(void)
{
	unsigned int at;
	bool more;

	for (at = 0, more = true; more; at++) {
		assert_true(at < MOST);
		assert_int_equal(sluice_map(r.d, PA, len, SLUICE_RW, &iova), 0);
		second = -EBUSY; /* had no turn */
		more = steps_run(one, other, at);
		if (more)
			atomic_store(leaf(), table);
		if (first != 0)
			assert_int_equal(first, -ENOENT);
		if (second != 0 && more)
			assert_int_equal(second, -ENOENT);
		assert_true(first == 0 || second == 0);
		if (SLUICE_CHECKS)
			assert_true(first != 0 || second != 0);
		settle();
		/* The caller's error costs the caller his addresses. */
		if (first == 0 && second == 0)
			return;
		assert_int_equal(stats_of(r.d).live, 0);
	}
	assert_true(at > 20);
}

static void
another_unmap_at_any_moment(void **state)
{
	static const struct {
		const char *policy;
		bool async;
	} way[] = { { "strict", false }, { "deferred", false }, { "strict-async", true },
		    { "rollover", false } };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(way); i++) {
		const struct sluice_domain_conf conf = { .policy = way[i].policy,
							 .iova_size = 64 << 20 };

		async = way[i].async;
		for (len = 100; len < 9000; len += 8000) {
			rig_up(&r, "", &conf);
			r.f->log = false;
			assert_int_equal(sluice_worker_register(r.e, 1), 0);
			every_step();
			rig_down(&r);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_unmap_at_any_moment),
	};

	if (!STEPS_CAN) {
		puts(STEPS_SKIP);
		return 77;
	}
	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
