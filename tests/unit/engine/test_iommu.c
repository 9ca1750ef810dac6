/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * iommu.c: the registry of backends, opening with good and bad device strings, the calls that only
 * pass through.
 */
#include "rig.h"

static void
registry(void **state)
{
	bool fake = false;
	unsigned int n = 0;

	(void)state;
	for (; sluice_backend_name(n) != NULL; n++)
		fake = fake || strcmp(sluice_backend_name(n), "fake") == 0;
	assert_true(fake);
	assert_int_equal(n, 2);
	assert_null(sluice_backend_name(UINT32_MAX));
}

static void
bad_device_strings(void **state)
{
	static const char *const bad[] = {
		NULL, "", ",", ",mem=1", "fak", "fakes", "FAKE", "nothing,mem=1",
		"a_name_that_is_far_too_long_to_be_a_backend,mem=1",
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		sluice_fail(EDOM, "%s", "old news");
		assert_null(sluice_iommu_open(bad[i]));
		assert_int_equal(rte_errno, EINVAL);
		assert_string_not_equal(sluice_error(), "old news");
	}
	assert_null(sluice_iommu_open("nothing"));
	assert_non_null(strstr(sluice_error(), "nothing"));
	assert_non_null(strstr(sluice_error(), "fake")); /* says what there is */
	/* What the backend says is what the caller gets. */
	assert_null(sluice_iommu_open("fake,refuse=1"));
	assert_int_equal(rte_errno, ENODEV);
}

static void
open_info_close(void **state)
{
	struct sluice_iommu_info info;
	struct fake *f = fake_open("caps=0x13,ias=44,oas=40,sid=8,mem=2");

	(void)state;
	assert_int_equal(sluice_iommu_get_info(f->iommu, &info), 0);
	assert_string_equal(info.backend, "fake");
	assert_int_equal(info.caps, 0x13);
	assert_int_equal(info.ias, 44);
	assert_int_equal(info.oas, 40);
	assert_int_equal(info.sid_bits, 8);
	assert_int_equal(sluice_iommu_get_info(NULL, &info), -EINVAL);
	assert_int_equal(sluice_iommu_get_info(f->iommu, NULL), -EINVAL);
	assert_int_equal(sluice_iommu_close(NULL), 0);
	assert_int_equal(sluice_iommu_close(f->iommu), 0);
	assert_true(f->closed);
	free(f);
}

static void
memory_passes_through(void **state)
{
	struct fake *f = fake_open("mem=1");
	uint64_t pa = 0;
	void *p;

	(void)state;
	p = sluice_iommu_mem_alloc(f->iommu, 5000, 4096, &pa);
	assert_non_null(p);
	assert_int_equal(pa - FAKE_PA, (uint64_t)((uint8_t *)p - (uint8_t *)f->mem));
	assert_null(sluice_iommu_mem_alloc(f->iommu, 2 << 20, 0, &pa));
	assert_int_equal(rte_errno, EINVAL); /* more than there is at all */
	assert_null(sluice_iommu_mem_alloc(f->iommu, 1 << 20, 0, &pa));
	assert_int_equal(rte_errno, ENOMEM);
	sluice_iommu_mem_free(f->iommu, p, 5000);
	sluice_iommu_mem_free(f->iommu, NULL, 5000);
	assert_int_equal(sluice_mem_used(f->iommu->mem), 0);
	fake_close(f);
}

static void
emulated_only(void **state)
{
	struct fake *f = fake_open("mem=1");
	struct sluice_iommu *real = sluice_iommu_open("fake_real,mem=1");
	uint8_t owned[4];

	(void)state;
	assert_int_equal(sluice_iommu_step(f->iommu, 5), 5);
	assert_int_equal(f->stepped, 5);
	assert_int_equal(sluice_iommu_watch(f->iommu, 0x1000, 0x4000, owned), 0);
	assert_ptr_equal(f->watched, owned);
	assert_int_equal(sluice_iommu_watch(f->iommu, 0x1001, 0x4000, owned), -EINVAL);
	assert_int_equal(sluice_iommu_watch(f->iommu, 0x1000, 0x4001, owned), -EINVAL);
	assert_non_null(real);
	assert_int_equal(sluice_iommu_step(real, 1), -ENOTSUP);
	assert_int_equal(sluice_iommu_watch(real, 0x1000, 0x1000, owned), -ENOTSUP);
	struct fake *g = fake_of(real);

	assert_int_equal(sluice_iommu_close(real), 0);
	free(g);
	fake_close(f);
}

static void
time_sync_and_counters(void **state)
{
	struct sluice_xstat xs[4] = { { .name = "untouched" }, { .name = "untouched" } };
	struct fake *f = fake_open("mem=1"), *t = fake_open("mem=1,clock=tsc");

	(void)state;
	uint64_t now = sluice_iommu_now_ns(f->iommu);

	fake_tick(f, 12345);
	assert_int_equal(sluice_iommu_now_ns(f->iommu), now + 12345);
	now = sluice_iommu_now_ns(t->iommu);
	usleep(2000);
	assert_in_range(sluice_iommu_now_ns(t->iommu) - now, 1900000, UINT64_C(60000000000));
	assert_int_equal(sluice_iommu_sync(f->iommu), 0);
	assert_int_equal(fake_sub(f, 1)->n, 0);
	f->refuse = 1;
	assert_int_equal(sluice_iommu_sync(f->iommu), -EIO);
	f->immediate = false;
	assert_int_equal(sluice_iommu_sync(f->iommu), -ETIMEDOUT);
	assert_int_equal(sluice_iommu_xstats(f->iommu, NULL, 0), 2);
	assert_int_equal(sluice_iommu_xstats(f->iommu, xs, 1), 2);
	assert_string_equal(xs[0].name, "submitted");
	assert_int_equal(xs[0].value, 2);
	assert_string_equal(xs[1].name, "untouched");
	fake_close(t);
	fake_close(f);
}

static unsigned int relaxed;

static void
relax_counts(void *arg)
{
	relaxed++;
	fake_complete_all(arg);
}

static void
relax_hook(void **state)
{
	struct fake *f = fake_open("mem=1,clock=tsc");

	(void)state;
	f->immediate = false;
	sluice_iommu_set_relax(f->iommu, relax_counts, f);
	assert_int_equal(sluice_iommu_sync(f->iommu), 0);
	assert_int_equal(relaxed, 1);
	sluice_iommu_set_relax(f->iommu, NULL, NULL);
	f->immediate = true;
	assert_int_equal(sluice_iommu_sync(f->iommu), 0);
	assert_int_equal(relaxed, 1);
	fake_close(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registry),
		cmocka_unit_test(bad_device_strings),
		cmocka_unit_test(open_info_close),
		cmocka_unit_test(memory_passes_through),
		cmocka_unit_test(emulated_only),
		cmocka_unit_test(time_sync_and_counters),
		cmocka_unit_test(relax_hook),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
