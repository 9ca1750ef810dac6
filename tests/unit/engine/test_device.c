/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * device_ctl.c: which operation the backend gets for which domain, errors, and that a failure at the
 * Nth stream puts the others back, or blocks them (D5).
 */
#include <sluice/device.h>

#include "rig.h"

static const struct sluice_domain_conf paging = { 0 };
static const struct sluice_domain_conf identity = { .type = SLUICE_DOMAIN_IDENTITY };
static const struct sluice_domain_conf blocked = { .type = SLUICE_DOMAIN_BLOCKED };

/* What each stream is pointed at now, by the record of calls that succeeded; -1: never touched. */
static int
now_at(const struct fake *f, uint32_t stream)
{
	int at = -1;

	for (unsigned int i = 0; i < f->nb_calls; i++)
		if (f->call[i].op <= FAKE_PAGING && f->call[i].id == stream && f->call[i].ret == 0)
			at = (int)f->call[i].op;
	return at;
}

static void
add_refuses(void **state)
{
	const uint32_t s[9] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 }, big = 0x10000, two[2] = { 20, 3 };
	struct sluice_device *dev, *other;
	struct rig r;

	(void)state;
	rig_up(&r, "sid=16", NULL);
	assert_null(sluice_device_add(r.iommu, s, 0));
	assert_int_equal(rte_errno, EINVAL);
	assert_null(sluice_device_add(r.iommu, s, 9));
	assert_int_equal(rte_errno, EINVAL);
	assert_null(sluice_device_add(r.iommu, &big, 1));
	assert_int_equal(rte_errno, EINVAL);
	assert_non_null(strstr(sluice_error(), "0x10000"));
	dev = sluice_device_add(r.iommu, s, 8);
	assert_non_null(dev);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(sluice_device_stream(dev, i), i);
	assert_null(sluice_device_domain(dev));
	assert_null(sluice_device_add(r.iommu, two, 2));
	assert_int_equal(rte_errno, EEXIST);
	assert_int_equal(sluice_iommu_close(r.iommu), -EBUSY);
	other = sluice_device_add(r.iommu, two, 1);
	assert_non_null(other);
	assert_int_equal(r.iommu->nb_devices, 2);
	assert_int_equal(sluice_device_remove(dev), 0);
	assert_int_equal(sluice_device_remove(other), 0);
	assert_int_equal(sluice_device_remove(NULL), 0);
	dev = sluice_device_add(r.iommu, two, 2); /* free again */
	assert_non_null(dev);
	assert_int_equal(sluice_device_remove(dev), 0);
	/* The same StreamID behind another iommu is another stream; 32 bits of it are allowed. */
	struct fake *g = fake_open("sid=32,mem=1");

	dev = sluice_device_add(r.iommu, s, 1);
	other = sluice_device_add(g->iommu, (const uint32_t[]){ 0, UINT32_MAX }, 2);
	assert_non_null(dev);
	assert_non_null(other);
	assert_int_equal(sluice_device_remove(dev), 0);
	assert_int_equal(sluice_device_remove(other), 0);
	fake_close(g);
	rig_down(&r);
}

static void
each_domain_type_has_its_operation(void **state)
{
	const uint32_t s[2] = { 4, 9 };
	struct sluice_domain *id, *none;
	struct sluice_device *dev;
	struct rig r;

	(void)state;
	rig_up(&r, "", &paging);
	id = sluice_domain_create(r.iommu, &identity);
	none = sluice_domain_create(r.iommu, &blocked);
	dev = sluice_device_add(r.iommu, s, 2);
	r.f->nb_calls = 0;
	assert_int_equal(sluice_device_attach(dev, r.d), 0);
	assert_int_equal(r.f->nb_calls, 2);
	assert_int_equal(now_at(r.f, 4), FAKE_PAGING);
	assert_int_equal(now_at(r.f, 9), FAKE_PAGING);
	assert_ptr_equal(sluice_device_domain(dev), r.d);
	assert_int_equal(sluice_domain_destroy(r.d), -EBUSY);
	assert_int_equal(sluice_device_attach(dev, id), 0); /* replaces */
	assert_int_equal(now_at(r.f, 4), FAKE_IDENTITY);
	assert_int_equal(r.d->nb_devices, 0);
	assert_int_equal(id->nb_devices, 1);
	assert_int_equal(sluice_device_attach(dev, none), 0);
	assert_int_equal(now_at(r.f, 9), FAKE_BLOCKED);
	assert_int_equal(sluice_device_attach(dev, r.d), 0);
	assert_int_equal(sluice_device_attach(dev, r.d), 0); /* again the same */
	assert_int_equal(r.d->nb_devices, 1);
	assert_int_equal(sluice_device_detach(dev), 0);
	assert_int_equal(now_at(r.f, 4), FAKE_BLOCKED);
	assert_null(sluice_device_domain(dev));
	assert_int_equal(sluice_device_attach(dev, r.d), 0);
	assert_int_equal(sluice_device_remove(dev), 0);
	assert_int_equal(now_at(r.f, 4), FAKE_BLOCKED);
	assert_int_equal(now_at(r.f, 9), FAKE_BLOCKED);
	assert_int_equal(sluice_domain_destroy(id), 0);
	assert_int_equal(sluice_domain_destroy(none), 0);
	rig_down(&r);
}

static void
domains_of_another_iommu(void **state)
{
	const uint32_t s = 1;
	struct sluice_device *dev;
	struct rig r, q;

	(void)state;
	rig_up(&r, "", &paging);
	rig_up(&q, "mem=1", NULL);
	dev = sluice_device_add(q.iommu, &s, 1);
	assert_int_equal(sluice_device_attach(dev, r.d), -EINVAL);
	assert_int_equal(sluice_device_attach(dev, NULL), -EINVAL);
	assert_int_equal(sluice_device_remove(dev), 0);
	rig_down(&q);
	rig_down(&r);
}

/* The Nth call fails, for each N: all streams are where they were; nothing is lost or counted. */
static void
d5_a_failed_switch_is_put_back(void **state)
{
	const uint32_t s[3] = { 1, 2, 3 };
	struct sluice_domain *id;
	struct sluice_device *dev;
	struct rig r;

	(void)state;
	rig_up(&r, "", &paging);
	id = sluice_domain_create(r.iommu, &identity);
	dev = sluice_device_add(r.iommu, s, 3);
	assert_int_equal(sluice_device_attach(dev, r.d), 0);
	for (unsigned int n = 1; n <= 3; n++) {
		r.f->fail_at = n;
		r.f->fail_err = ETIMEDOUT;
		assert_int_equal(sluice_device_attach(dev, id), -ETIMEDOUT);
		for (unsigned int i = 1; i <= 3; i++)
			assert_int_equal(now_at(r.f, i), FAKE_PAGING);
		assert_ptr_equal(sluice_device_domain(dev), r.d);
		assert_int_equal(r.d->nb_devices, 1);
		assert_int_equal(id->nb_devices, 0);
	}
	r.f->fail_at = 2;
	assert_int_equal(sluice_device_detach(dev), -ETIMEDOUT);
	assert_int_equal(now_at(r.f, 1), FAKE_PAGING);
	r.f->fail_at = 1;
	assert_int_equal(sluice_device_remove(dev), -ETIMEDOUT);
	assert_int_equal(r.iommu->nb_devices, 1);
	assert_int_equal(sluice_device_remove(dev), 0);
	/* From blocked: back to blocked, never anywhere else. */
	dev = sluice_device_add(r.iommu, s, 3);
	r.f->nb_calls = 0;
	r.f->fail_at = 3;
	assert_int_equal(sluice_device_attach(dev, r.d), -ETIMEDOUT);
	assert_int_equal(now_at(r.f, 1), FAKE_BLOCKED);
	assert_int_equal(now_at(r.f, 2), FAKE_BLOCKED);
	assert_null(sluice_device_domain(dev));
	assert_int_equal(r.d->nb_devices, 0);
	assert_int_equal(sluice_device_remove(dev), 0);
	assert_int_equal(sluice_domain_destroy(id), 0);
	rig_down(&r);
}

/* Putting back fails too: blocked. A stream is never left in the new domain. */
static void
d5_what_cannot_be_put_back_is_blocked(void **state)
{
	const uint32_t s[2] = { 1, 2 };
	struct sluice_domain *id;
	struct sluice_device *dev;
	struct rig r;

	(void)state;
	rig_up(&r, "", &paging);
	id = sluice_domain_create(r.iommu, &identity);
	dev = sluice_device_add(r.iommu, s, 2);
	assert_int_equal(sluice_device_attach(dev, r.d), 0);
	r.f->fail_at = 2;  /* stream 2 to identity fails, */
	r.f->fail_run = 2; /* and so does its way back */
	assert_int_equal(sluice_device_attach(dev, id), -EIO);
	assert_int_equal(now_at(r.f, 1), FAKE_PAGING);
	assert_int_equal(now_at(r.f, 2), FAKE_BLOCKED);
	assert_int_equal(id->nb_devices, 0);
	assert_int_equal(sluice_device_remove(dev), 0);
	assert_int_equal(sluice_domain_destroy(id), 0);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add_refuses),
		cmocka_unit_test(each_domain_type_has_its_operation),
		cmocka_unit_test(domains_of_another_iommu),
		cmocka_unit_test(d5_a_failed_switch_is_put_back),
		cmocka_unit_test(d5_what_cannot_be_put_back_is_blocked),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
