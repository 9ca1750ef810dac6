/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Falling asleep and waking (ring.h, 11) with the engine and two workers on threads of their own, while
 * rings are closed and opened (8): nothing that was put in stays in. For the race detector, too.
 */
#include <sched.h>
#include <unistd.h>

#include "rig.h"

#define PA      UINT64_C(0x300000000)
#define DOMAINS 24u
#define WORKERS 2u
#define PUTS    1500u

static struct rig r;
static struct sluice_domain *dom[DOMAINS];
static atomic_bool stop;
static atomic_uint working, slept;

static void *
engine(void *arg)
{
	(void)arg;
	while (!stop) {
		if (sluice_engine_poll(r.e) == 0)
			sched_yield();
		for (unsigned int i = 0; i < DOMAINS; i++)
			slept += dom[i]->flush.sleep == FLUSH_ASLEEP;
	}
	sluice_engine_release(r.e);
	return NULL;
}

/* A put now and then, anywhere; what is put in comes out, though nobody else calls for it. */
static void *
worker(void *arg)
{
	unsigned int me = (unsigned int)(uintptr_t)arg;
	uint64_t seed = 4711 + me;

	as_lcore(me);
	for (unsigned int i = 0; i < PUTS; i++) {
		struct sluice_domain *d = dom[rnd(&seed) % DOMAINS];
		uint64_t iova, released, cookie[64], end = rte_get_timer_hz() * 30;
		const struct flush_ring *ring = &d->lc[me]->ring;
		bool single = strcmp(sluice_domain_policy(d), "deferred-single") == 0;

		if (sluice_map(d, PA, 1, SLUICE_RW, &iova) != 0 ||
		    sluice_unmap_async(d, iova, 1, i) < 0)
			exit(2);
		(void)sluice_unmap_completed(d, cookie, RTE_DIM(cookie));
		if (rnd(&seed) % 4 != 0)
			continue;
		end += rte_get_timer_cycles();
		do {
			released = single ? 0 :
				   atomic_load_explicit(&ring->released, memory_order_acquire);
			if (rte_get_timer_cycles() > end) {
				fprintf(stderr, "put %u of worker %u is forgotten\n", i, me);
				exit(3);
			}
			sched_yield();
		} while (single ? stats_of(d).pending != 0 : released < ring->tail);
		usleep((unsigned int)(rnd(&seed) % 300));
	}
	working--;
	return NULL;
}

static void
nothing_is_forgotten(void **state)
{
	struct sluice_domain_conf c = { .iova_size = 2 << 20, .batch = 16, .ring = 64,
					.deadline_us = 100 };
	uint64_t queued = 0, released = 0;
	pthread_t t[WORKERS + 1];

	(void)state;
	rig_up_mt(&r, ",mem=64", NULL);
	rig_workers(&r, 1);
	for (unsigned int i = 0; i < DOMAINS; i++) {
		c.policy = i % 3 == 1 ? "deferred-single" : i % 2 == 0 ? "deferred" : "strict-async";
		dom[i] = sluice_domain_create(r.iommu, &c);
		assert_non_null(dom[i]);
	}
	working = WORKERS;
	pthread_create(&t[0], NULL, engine, NULL);
	for (unsigned int i = 0; i < WORKERS; i++)
		pthread_create(&t[i + 1], NULL, worker, (void *)(uintptr_t)i);
	/* Every third one's rings close and open again. */
	for (unsigned int i = 0; working != 0; i = (i + 3) % DOMAINS) {
		assert_int_equal(sluice_domain_set_policy(dom[i], "strict"), 0);
		usleep(200);
		assert_int_equal(sluice_domain_set_policy(dom[i], i % 2 == 0 ? "deferred" :
									      "strict-async"), 0);
		usleep(2000);
	}
	for (unsigned int i = 1; i <= WORKERS; i++)
		pthread_join(t[i], NULL);
	/* Without a drain: the deadline alone brings out what is left. */
	for (unsigned int i = 0; i < 3000; i++) {
		queued = released = 0;
		for (unsigned int k = 0; k < DOMAINS; k++) {
			queued += stats_of(dom[k]).queued;
			released += stats_of(dom[k]).released;
		}
		if (queued == released)
			break;
		usleep(1000);
	}
	assert_int_equal(queued, released);
	stop = true;
	pthread_join(t[0], NULL);
	assert_true(slept > 0); /* or this has shown nothing */
	for (unsigned int i = 0; i < DOMAINS; i++)
		assert_int_equal(sluice_domain_destroy(dom[i]), 0);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_is_forgotten) };

	alarm(110);
	test_eal_init("0,1");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
