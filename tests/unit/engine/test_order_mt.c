/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A4: the PTE is clear before the entry can be seen. Workers queue as fast as they can; whoever
 * plays the hardware looks up every page of every invalidation at the moment it is submitted: all
 * must be gone from the page table. (An IOVA is not used again before its flush is released, so
 * nothing can have been mapped there since.) By argument: ring.h, 1 and 3. On a weakly ordered
 * machine this is a litmus test; on x86 it is one of program order.
 */
#include "engine/base/tsan.h"
#include "rig.h"

#define PA      UINT64_C(0x300000000)
#define WORKERS 2u
#define PAIRS   (SLUICE_TSAN ? 20000u : 200000u)

static struct rig r;
static _Atomic uint64_t found, looked, submitted;

static uint64_t
look_and_submit(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	uint64_t pa;

	(void)queue;
	for (unsigned int i = 0; i < n; i++)
		for (uint32_t k = 0; inv[i].op == SLUICE_INV_RANGE && k < inv[i].pages; k++) {
			found += pgtable_walk(&r.d->pt, inv[i].iova + ((uint64_t)k << 12), &pa) == 0;
			looked++;
		}
	return atomic_fetch_add_explicit(&submitted, 1, memory_order_acq_rel) + 1;
}

static uint64_t
done(void *queue)
{
	(void)queue;
	return atomic_load_explicit(&submitted, memory_order_acquire);
}

static void *
worker_loop(void *arg)
{
	struct sluice_seg seg[8];
	unsigned int later;
	uint64_t cookie[64];

	as_lcore((unsigned int)(uintptr_t)arg);
	for (unsigned int i = 0; i < PAIRS / 8; i++) {
		for (unsigned int k = 0; k < 8; k++)
			seg[k] = (struct sluice_seg){ .pa = PA, .prot = SLUICE_RW, .cookie = k,
						      .len = i % 16 == 0 ? 8192 : 4096 };
		if (sluice_map_burst(r.d, seg, 8) != 8)
			abort();
		for (unsigned int at = 0; at < 8;) {
			if (i % 2 == 0)
				at += sluice_unmap_async_burst(r.d, seg + at, 8 - at, &later);
			else if (sluice_unmap_async(r.d, seg[at].iova, seg[at].len, at) >= 0)
				at++;
			while (sluice_unmap_completed(r.d, cookie, 64) == 64)
				;
		}
	}
	return NULL;
}

static void
a4_the_clear_comes_before_the_entry(void **state)
{
	static const char *const policies[] = { "deferred", "strict-async" };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(policies); i++) {
		const struct sluice_domain_conf conf = { .policy = policies[i], .iova_size = 16 << 20,
							 .batch = 4, .ring = 64, .deadline_us = 20,
							 .range_max = UINT32_MAX };
		struct sluice_iommu_fast fast;
		struct poller poller;
		pthread_t worker[WORKERS];

		rig_up_mt(&r, "", &conf);
		fast = r.iommu->fast;
		r.iommu->fast.inv_submit = look_and_submit;
		r.iommu->fast.inv_done = done;
		found = looked = submitted = 0;
		rig_workers(&r, WORKERS);
		poller_start(&poller, r.e);
		for (unsigned int k = 0; k < WORKERS; k++)
			assert_int_equal(pthread_create(&worker[k], NULL, worker_loop,
							(void *)(uintptr_t)(k + 1)), 0);
		for (unsigned int k = 0; k < WORKERS; k++)
			pthread_join(worker[k], NULL);
		assert_int_equal(sluice_domain_drain(r.d), 0);
		poller_stop(&poller);
		assert_true(looked >= WORKERS * PAIRS);
		assert_int_equal(found, 0);
		r.iommu->fast = fast;
		rig_down(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a4_the_clear_comes_before_the_entry),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
