/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Devices with ATS come, go and break while workers unmap strictly and the engine flushes (A11,
 * A12): nothing is used after it was freed, and no unmap is lost.
 */

#include <sluice/device.h>

#include "engine/inval/ats.h"
#include "engine/base/tsan.h"
#include "rig.h"

#define PA     UINT64_C(0x300000000)
#define ROUNDS (SLUICE_TSAN ? 150u : 600u)

static const struct sluice_domain_conf conf = { .policy = "deferred", .iova_size = 8 << 20,
						.batch = 16, .ring = 64, .deadline_us = 100 };
static const struct sluice_domain_conf strict = { .policy = "strict", .iova_size = 8 << 20 };
static struct rig r;
static struct sluice_domain *ds;
static struct poller poller;
static _Atomic bool stop_work;
static _Atomic uint64_t failed;

static void *
work_loop(void *arg)
{
	as_lcore((unsigned int)(uintptr_t)arg);
	while (!atomic_load_explicit(&stop_work, memory_order_acquire)) {
		for (unsigned int i = 0; i < 20; i++) {
			uint64_t a, b;

			if (sluice_map(r.d, PA, 4096, SLUICE_RW, &a) != 0 ||
			    sluice_map(ds, PA, 3 * 4096, SLUICE_RW, &b) != 0 ||
			    sluice_unmap(ds, b, 3 * 4096) != 0 || sluice_unmap(r.d, a, 4096) != 0)
				failed++;
		}
		sched_yield();
	}
	return NULL;
}

static struct sluice_device *
add(uint32_t stream)
{
	const uint32_t s[2] = { stream, stream + 1 };

	return sluice_device_add(r.iommu, s, 2);
}

static struct sluice_device *dev[6];
static bool on[6]; /* has ATS */
static unsigned int quarantined, dead;

/* Device @p k comes, into domain @p to. */
static void
comes(unsigned int k, struct sluice_domain *to)
{
	dev[k] = add(8 * (k + 1));
	assert_non_null(dev[k]);
	assert_int_equal(sluice_device_attach(dev[k], to), 0);
	on[k] = true;
	assert_int_equal(sluice_device_ats(dev[k], true), 0);
	if (k != 4)
		return;
	dead++;
	/* Somebody meets it. */
	for (unsigned int n = 0; n < 1000 && !sluice_device_quarantined(dev[k]); n++)
		sched_yield();
}

/* Something happens to device @p k. */
static void
happens(unsigned int k, struct sluice_domain *to, uint64_t *seed)
{
	int ret;

	switch (dev[k] == NULL ? 9 : rnd(seed) % 4) {
	case 0:
		quarantined += sluice_device_quarantined(dev[k]);
		assert_int_equal(sluice_device_remove(dev[k]), 0);
		dev[k] = NULL;
		break;
	case 1:
		assert_int_equal(sluice_device_detach(dev[k]), 0);
		break;
	case 2:
		ret = sluice_device_attach(dev[k], to);
		assert_int_equal(ret, sluice_device_quarantined(dev[k]) ? -EPERM : 0);
		break;
	case 3:
		ret = sluice_device_ats(dev[k], on[k] = !on[k]);
		if (ret != 0)
			assert_true(ret == -EPERM && sluice_device_quarantined(dev[k]));
		break;
	default:
		comes(k, to);
	}
}

/* What dies after it was found must not be asked again. */
static void
a11_devices_come_and_go(void **state)
{
	pthread_t worker[2];
	uint64_t seed = 11;

	(void)state;
	rig_up_mt(&r, ",caps=0x111", &conf);
	ds = sluice_domain_create(r.iommu, &strict);
	assert_non_null(ds);
	r.f->dead[0] = 40; /* the first stream of the fifth: it never answers */
	r.f->nb_dead = 1;
	rig_workers(&r, 2);
	poller_start(&poller, r.e);
	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&worker[i], NULL, work_loop, (void *)(1 + i)), 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int k = (unsigned int)(rnd(&seed) % 6);
		struct sluice_domain *to = rnd(&seed) % 2 ? r.d : ds;

		happens(k, to, &seed);
		sched_yield();
	}
	atomic_store(&stop_work, true);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(worker[i], NULL);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	poller_stop(&poller);
	for (unsigned int k = 0; k < 6; k++) {
		if (dev[k] == NULL)
			continue;
		quarantined += sluice_device_quarantined(dev[k]);
		assert_true(!sluice_device_quarantined(dev[k]) || k == 4);
		assert_int_equal(sluice_device_remove(dev[k]), 0);
	}
	assert_int_equal(failed, 0);
	assert_true(dead > 0 && quarantined > 0);
	assert_int_equal(r.iommu->quarantines, quarantined);
	assert_int_equal(stats_of(r.d).unmaps, stats_of(r.d).maps);
	assert_int_equal(stats_of(r.d).released, stats_of(r.d).queued);
	assert_int_equal(sluice_domain_destroy(ds), 0);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a11_devices_come_and_go) };

	test_eal_init("0");
	alarm(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
