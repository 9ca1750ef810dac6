/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * policy/find.c, passthrough.c, blocked.c: the list, and the two that never touch a table.
 */
#include "engine/policy/set.h"
#include "rig.h"

#define SET policy_set_of(pt_format_get(SLUICE_FORMAT_LPAE_S1_4K))

static void
names(void **state)
{
	(void)state;
	static const char *const waits[] = { "passthrough", "strict", "strict-batched", "contiguous" };
	unsigned int n = 0, deferring = 0;

	while (sluice_policy_name(n) != NULL)
		n++;
	assert_string_equal(sluice_policy_name(0), "passthrough");
	assert_string_equal(sluice_policy_name(1), "strict");
	assert_null(sluice_policy_name(n));
	assert_null(sluice_policy_name(UINT32_MAX));
	for (unsigned int i = 0; sluice_policy_name(i) != NULL; i++) {
		const struct policy_ops *p = policy_find(SET, sluice_policy_name(i));

		assert_non_null(p);
		assert_string_equal(p->name, sluice_policy_name(i));
		for (unsigned int k = 0; k < RTE_DIM(waits); k++)
			assert_false(p->deferred && strcmp(p->name, waits[k]) == 0);
		assert_true(!policy_polled(p) || p->deferred);
		deferring += p->deferred;
	}
	assert_true(deferring >= 2); /* deferred, strict-async */
	assert_null(policy_find(SET, "blocked")); /* not one to choose */
	assert_null(policy_find(SET, ""));
	assert_null(policy_find(SET, "STRICT"));
	assert_null(policy_find(SET, "strict "));
}

static void
passthrough_maps_one_to_one(void **state)
{
	const struct sluice_domain_conf conf = { .policy = "passthrough" };
	struct rig r;
	uint64_t iova;

	(void)state;
	rig_up(&r, "oas=40", &conf);
	assert_int_equal(r.f->hwdoms, 0); /* no page table, no tag */
	iova = map_ok(r.d, 0x12345, 5000);
	assert_int_equal(iova, 0x12345);
	assert_int_equal(sluice_iova_to_pa(r.d, 99, &iova), 0);
	assert_int_equal(iova, 99);
	assert_int_equal(stats_of(r.d).map_pages, 2);
	assert_int_equal(stats_of(r.d).live, 1);
	assert_int_equal(sluice_map(r.d, 0, 0, SLUICE_RW, &iova), -EINVAL);
	assert_int_equal(sluice_map(r.d, UINT64_C(1) << 40, 1, SLUICE_RW, &iova), -EINVAL);
	assert_int_equal(sluice_map(r.d, (UINT64_C(1) << 40) - 1, 2, SLUICE_RW, &iova), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, 0x12345, 0), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, UINT64_C(1) << 40, 1), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, (UINT64_C(1) << 40) - 1, 2), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, 0x12345, 5000), 0);
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.map_errors, 3);
	assert_int_equal(st.unmap_errors, 3);
	assert_int_equal(st.unmap_pages, 2);
	assert_int_equal(st.live, 0);
	assert_int_equal(st.table_bytes, 0);
	assert_int_equal(r.f->submitted, 0);
	as_lcore(9);
	assert_int_equal(sluice_map(r.d, 1, 1, SLUICE_RW, &iova), -ENXIO);
	assert_int_equal(sluice_unmap(r.d, 1, 1), -ENXIO);
	rig_down(&r);
}

static void
blocked_refuses(void **state)
{
	const struct sluice_domain_conf conf = { .type = SLUICE_DOMAIN_BLOCKED };
	struct rig r;
	uint64_t iova = 0;

	(void)state;
	rig_up(&r, "", &conf);
	assert_string_equal(sluice_domain_policy(r.d), "blocked");
	assert_int_equal(sluice_map(r.d, 4096, 4096, SLUICE_RW, &iova), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, 4096, 4096), -ENOENT);
	assert_int_equal(sluice_iova_to_pa(r.d, 4096, &iova), -ENOENT);
	assert_int_equal(sluice_map_fixed(r.d, 4096, 4096, 4096, SLUICE_RW), -EINVAL);
	assert_int_equal(stats_of(r.d).map_errors, 1);
	assert_int_equal(stats_of(r.d).unmap_errors, 1);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(passthrough_maps_one_to_one),
		cmocka_unit_test(blocked_refuses),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
