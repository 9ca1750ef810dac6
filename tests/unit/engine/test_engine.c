/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * engine_ctl.c and poll.c: what an engine serves, faults, errors that are mended, counters.
 */
#include "rig.h"

#define PA UINT64_C(0x300000000)

static void
serving_and_not_serving(void **state)
{
	struct fake *f[ENGINE_MAX_IOMMUS + 1];
	struct sluice_engine *e = sluice_engine_create(), *e2 = sluice_engine_create();

	(void)state;
	assert_non_null(e);
	assert_int_equal(sluice_engine_destroy(NULL), 0);
	for (unsigned int i = 0; i <= ENGINE_MAX_IOMMUS; i++)
		f[i] = fake_open("mem=1");
	assert_int_equal(sluice_engine_del_iommu(e, f[0]->iommu), -ENOENT);
	for (unsigned int i = 0; i < ENGINE_MAX_IOMMUS; i++)
		assert_int_equal(sluice_engine_add_iommu(e, f[i]->iommu), 0);
	assert_int_equal(sluice_engine_add_iommu(e, f[ENGINE_MAX_IOMMUS]->iommu), -ENOSPC);
	assert_null(f[ENGINE_MAX_IOMMUS]->iommu->engine);
	assert_int_equal(sluice_engine_add_iommu(e, f[0]->iommu), -EBUSY);
	assert_int_equal(sluice_engine_add_iommu(e2, f[0]->iommu), -EBUSY);
	assert_int_equal(sluice_engine_del_iommu(e2, f[0]->iommu), -ENOENT);
	assert_int_equal(sluice_engine_destroy(e), -EBUSY);
	assert_int_equal(sluice_iommu_close(f[0]->iommu), -EBUSY);
	/* Each of them is polled, and no longer once it is out. */
	for (unsigned int i = 0; i < 64; i++)
		sluice_engine_poll(e);
	for (unsigned int i = 0; i < ENGINE_MAX_IOMMUS; i++)
		assert_true(f[i]->fault_bursts > 0);
	assert_int_equal(sluice_engine_del_iommu(e, f[3]->iommu), 0);
	uint64_t was = f[3]->fault_bursts;

	for (unsigned int i = 0; i < 64; i++)
		sluice_engine_poll(e);
	assert_int_equal(f[3]->fault_bursts, was);
	assert_true(f[7]->fault_bursts > was);
	assert_int_equal(sluice_engine_add_iommu(e2, f[3]->iommu), 0);
	assert_int_equal(sluice_engine_del_iommu(e2, f[3]->iommu), 0);
	for (unsigned int i = 0; i < ENGINE_MAX_IOMMUS; i++)
		assert_int_equal(sluice_engine_del_iommu(e, f[i]->iommu), i == 3 ? -ENOENT : 0);
	assert_int_equal(sluice_worker_register(e, 3), 0);
	assert_int_equal(sluice_engine_destroy(e), -EBUSY);
	assert_non_null(strstr(sluice_error(), "3"));
	assert_int_equal(sluice_worker_unregister(e, 3), 0);
	assert_int_equal(sluice_engine_destroy(e), 0);
	assert_int_equal(sluice_engine_destroy(e2), 0);
	for (unsigned int i = 0; i <= ENGINE_MAX_IOMMUS; i++)
		fake_close(f[i]);
}

static unsigned int cb_calls, cb_faults;
static struct sluice_fault cb_last;

static void
on_fault(const struct sluice_fault *f, unsigned int n, void *arg)
{
	assert_ptr_equal(arg, &cb_calls);
	cb_calls++;
	cb_faults += n;
	cb_last = f[n - 1];
}

static void
faults_are_drained_counted_and_handed_on(void **state)
{
	struct sluice_engine_stats st;
	struct sluice_fault fault[100];
	struct rig r;

	(void)state;
	rig_up(&r, "", NULL);
	for (unsigned int i = 0; i < 100; i++)
		fault[i] = (struct sluice_fault){ .stream = i, .kind = i % SLUICE_FAULT_KINDS,
						  .iova = i * 4096 };
	fake_fault(r.f, fault, 50); /* nobody to hand them to: they are counted */
	for (unsigned int i = 0; i < 64; i++)
		sluice_engine_poll(r.e);
	sluice_engine_get_stats(r.e, &st);
	assert_int_equal(st.fault_received, 50);
	cb_calls = cb_faults = 0;
	sluice_engine_set_fault_cb(r.e, on_fault, &cb_calls);
	fake_fault(r.f, fault + 50, 50);
	for (unsigned int i = 0; i < 64; i++)
		sluice_engine_poll(r.e);
	assert_int_equal(cb_faults, 50);
	assert_int_equal(cb_calls, 2); /* in bursts */
	assert_int_equal(cb_last.stream, 99);
	sluice_engine_get_stats(r.e, &st);
	assert_int_equal(st.fault_received, 100);
	uint64_t sum = 0;

	for (unsigned int k = 0; k < SLUICE_FAULT_KINDS; k++) {
		assert_int_equal(st.faults[k], 100 / SLUICE_FAULT_KINDS +
					       (k < 100 % SLUICE_FAULT_KINDS));
		sum += st.faults[k];
	}
	assert_int_equal(sum, st.fault_received);
	sluice_engine_set_fault_cb(r.e, NULL, NULL);
	rig_down(&r);
}

static void
errors_are_mended_and_counted(void **state)
{
	struct sluice_engine_stats st;
	struct rig r;

	(void)state;
	rig_up(&r, "", NULL);
	r.f->errors = 3;
	r.f->overflows = 5;
	for (unsigned int i = 0; i < 600; i++)
		sluice_engine_poll(r.e);
	assert_true(r.f->services >= 2);
	sluice_engine_get_stats(r.e, &st);
	assert_int_equal(st.recoveries, 3);
	assert_int_equal(st.fault_overflows, 5);
	assert_int_equal(st.polls, 600);
	assert_int_equal(st.empty_polls, 599); /* all but the one that mended */
	rig_down(&r);
}

/* More deferred domains than one turn looks at: each meets its deadline all the same. */
static void
every_domain_is_looked_at(void **state)
{
	enum { N = 200 };
	const struct sluice_domain_conf c = { .policy = "deferred", .iova_size = 2 << 20,
					      .deadline_us = 100, .batch = 64 };
	struct sluice_domain *d[N];
	struct rig r;

	(void)state;
	rig_up(&r, "", NULL);
	r.f->immediate = true;
	for (unsigned int i = 0; i < N; i++) {
		d[i] = sluice_domain_create(r.iommu, &c);
		assert_non_null(d[i]);
	}
	for (unsigned int i = 0; i < 100; i++) {
		fake_tick(r.f, 500);
		sluice_engine_poll(r.e);
	}
	for (unsigned int i = 0; i < N; i++)
		assert_int_equal(sluice_unmap(d[i], map_ok(d[i], PA, 1), 1), 0);
	for (unsigned int i = 0; i < 220; i++) {
		fake_tick(r.f, 500);
		sluice_engine_poll(r.e);
	}
	for (unsigned int i = 0; i < N; i++) {
		assert_int_equal(stats_of(d[i]).pending, 0);
		assert_int_equal(stats_of(d[i]).flushes[SLUICE_FLUSH_DEADLINE], 1);
		assert_int_equal(sluice_domain_destroy(d[i]), 0);
	}
	rig_down(&r);
}

/* Each failing control call leaves a line that says why. */
static void
every_failure_has_a_line(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &(struct sluice_domain_conf){ .policy = "strict" });
	struct fake *stranger = fake_open("mem=1");

#define EXPECT_LINE(call, err)                                                                     \
	do {                                                                                       \
		sluice_fail(EDOM, "%s", "old news");                                               \
		assert_int_equal(call, err);                                                       \
		assert_string_not_equal(sluice_error(), "old news");                               \
	} while (0)
	EXPECT_LINE(sluice_engine_add_iommu(r.e, r.iommu), -EBUSY);
	EXPECT_LINE(sluice_worker_register(r.e, 0), -EEXIST);
	EXPECT_LINE(sluice_worker_unregister(r.e, 9), -ENOENT);
	EXPECT_LINE(sluice_engine_destroy(r.e), -EBUSY);
	EXPECT_LINE(sluice_iommu_close(r.iommu), -EBUSY);
	EXPECT_LINE(sluice_unmap_fixed(r.d, 0, 0), -EINVAL);
	EXPECT_LINE(sluice_engine_del_iommu(r.e, stranger->iommu), -ENOENT);
	EXPECT_LINE(sluice_unmap_fixed(r.d, 0, 4096), -ENOENT);
	assert_int_equal(sluice_map_fixed(r.d, 0, 0, 4096, SLUICE_RW), 0);
	EXPECT_LINE(sluice_map_fixed(r.d, 0, 0, 4096, SLUICE_RW), -EEXIST);
	assert_int_equal(sluice_unmap_fixed(r.d, 0, 4096), 0);
	EXPECT_LINE(sluice_iommu_watch(r.iommu, 1, 1, NULL), -EINVAL);
	EXPECT_LINE(sluice_iommu_get_info(NULL, NULL), -EINVAL);
	fake_close(stranger);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serving_and_not_serving),
		cmocka_unit_test(faults_are_drained_counted_and_handed_on),
		cmocka_unit_test(errors_are_mended_and_counted),
		cmocka_unit_test(every_domain_is_looked_at),
		cmocka_unit_test(every_failure_has_a_line),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
