/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Domains and workers come and go while another thread polls and a third maps and unmaps
 * (engine_ctl.c, domain_worker.c, poll.c): nothing is freed under the poll, counters are kept.
 */
#include "engine/base/tsan.h"
#include "rig.h"

#define PA     UINT64_C(0x300000000)
#define ROUNDS (SLUICE_TSAN ? 60u : 200u)

static const struct sluice_domain_conf conf = { .policy = "deferred", .iova_size = 8 << 20,
						.batch = 16, .ring = 64, .deadline_us = 100 };
static struct rig r;
static struct poller poller;
static _Atomic bool stop_work;
static _Atomic uint64_t pairs, failed;

static void
pairs_of(unsigned int n)
{
	for (; n > 0; n--) {
		uint64_t iova;

		if (sluice_map(r.d, PA, 4096, SLUICE_RW, &iova) != 0 ||
		    sluice_unmap(r.d, iova, 4096) != 0)
			failed++;
		else
			pairs++;
	}
}

static void *
work_loop(void *arg)
{
	as_lcore((unsigned int)(uintptr_t)arg);
	while (!atomic_load_explicit(&stop_work, memory_order_acquire)) {
		pairs_of(50);
		sched_yield();
	}
	return NULL;
}

static void *
work_some(void *arg)
{
	as_lcore((unsigned int)(uintptr_t)arg);
	pairs_of(30);
	return NULL;
}

static void
up(pthread_t *worker)
{
	rig_up_mt(&r, "", &conf);
	stop_work = false;
	pairs = failed = 0;
	rig_workers(&r, 1);
	poller_start(&poller, r.e);
	assert_int_equal(pthread_create(worker, NULL, work_loop, (void *)1), 0);
}

static void
down(pthread_t worker)
{
	stop_work = true;
	pthread_join(worker, NULL);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(failed, 0);
	assert_int_equal(st.maps, pairs);
	assert_int_equal(st.unmaps, pairs);
	assert_int_equal(st.queued, pairs);
	assert_int_equal(st.released, pairs);
	poller_stop(&poller);
	assert_int_equal(sluice_domain_stale_hist(r.d)->count, pairs);
	rig_down(&r);
}

static void
domains_come_and_go(void **state)
{
	struct sluice_domain *d[4] = { NULL };
	pthread_t worker;
	uint64_t seed = 3;

	(void)state;
	up(&worker);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int k = (unsigned int)(rnd(&seed) % 4);

		if (d[k] == NULL) {
			d[k] = sluice_domain_create(r.iommu, &conf);
			assert_non_null(d[k]);
			/* Leave something to flush. */
			for (unsigned int n = 0; n < 5; n++)
				assert_int_equal(sluice_unmap(d[k], map_ok(d[k], PA, 1), 1), 0);
		} else {
			assert_int_equal(sluice_domain_destroy(d[k]), 0);
			d[k] = NULL;
		}
	}
	for (unsigned int k = 0; k < 4; k++)
		assert_int_equal(sluice_domain_destroy(d[k]), 0);
	down(worker);
}

static void
workers_come_and_go(void **state)
{
	pthread_t worker, t;

	(void)state;
	up(&worker);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int lcore = 2 + i % 5;

		assert_int_equal(sluice_worker_register(r.e, lcore), 0);
		assert_int_equal(pthread_create(&t, NULL, work_some, (void *)(uintptr_t)lcore), 0);
		pthread_join(t, NULL);
		assert_int_equal(sluice_worker_unregister(r.e, lcore), 0);
	}
	assert_true(pairs >= ROUNDS * 30);
	down(worker);
}

static void
iommus_come_and_go(void **state)
{
	pthread_t worker;

	(void)state;
	up(&worker);
	for (unsigned int i = 0; i < ROUNDS / 4; i++) {
		struct fake *f = fake_open("mem=1,clock=tsc");

		assert_int_equal(sluice_engine_add_iommu(r.e, f->iommu), 0);
		assert_int_equal(sluice_engine_del_iommu(r.e, f->iommu), 0);
		fake_close(f);
	}
	down(worker);
}

/* A drain on one thread while others register workers: the list of workers is replaced under it. */
static _Atomic bool drained;

static void *
drain_often(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < ROUNDS; i++)
		if (sluice_domain_drain(r.d) != 0)
			failed++;
	drained = true;
	return NULL;
}

static void
workers_come_while_another_thread_drains(void **state)
{
	pthread_t worker, drainer;

	(void)state;
	up(&worker);
	drained = false;
	assert_int_equal(pthread_create(&drainer, NULL, drain_often, NULL), 0);
	for (unsigned int lcore = 2; lcore < 100; lcore++)
		assert_int_equal(sluice_worker_register(r.e, lcore), 0);
	pthread_join(drainer, NULL);
	assert_true(drained);
	down(worker);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_come_and_go),
		cmocka_unit_test(workers_come_and_go),
		cmocka_unit_test(iommus_come_and_go),
		cmocka_unit_test(workers_come_while_another_thread_drains),
	};

	test_eal_init("0");
	alarm(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
