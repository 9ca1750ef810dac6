/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * unpolled.c: nobody polls the engine, or nobody any more: who waits makes the turns, or is told; and
 * what is said when a SYNC does not come.
 */
#include "fixture.h"

#define PA UINT64_C(0x300000000)

static const struct sluice_domain_conf conf = { .policy = "strict-async", .iova_size = 8 << 20 };
static const struct plan plan = { &conf };

static void
unmap(uint64_t cookie)
{
	assert_int_equal(sluice_unmap_async(r.d, map_ok(r.d, PA, 1), 1, cookie), 1);
}

static void *
poll_once(void *e)
{
	sluice_engine_poll(e);
	return NULL;
}

/* Somebody polled once, and has not said that it was the last time. */
static void
somebody_polls_no_more(void)
{
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, poll_once, r.e), 0);
	pthread_join(t, NULL);
}

/* Nobody ever polls: a cookie comes all the same, to who asks for it. */
static void
a14_who_asks_polls_where_nobody_does(void **state)
{
	uint64_t cookie = 0;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		unmap(4711 + i);
		for (unsigned int k = 0; sluice_unmap_completed(r.d, &cookie, 1) == 0; k++) {
			assert_int_equal(rte_errno, 0);
			assert_true(k < 300);
			fake_tick(r.f, 1000);
		}
		assert_int_equal(cookie, 4711 + i);
	}
	/* Who kicks, at once. */
	unmap(815);
	sluice_unmap_kick(r.d);
	sluice_unmap_kick(r.d);
	assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 1);
	assert_int_equal(cookie, 815);
	assert_int_equal(atomic_load(&r.e->poller), 0); /* still nobody's */
	/* Nothing is due: nothing is done, and nothing is wrong. */
	uint64_t polls = r.e->polls;

	rte_errno = EBUSY;
	assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 0);
	assert_int_equal(rte_errno, 0);
	assert_int_equal(r.e->polls, polls);
}

/* Who began to poll makes no more turns: after the SYNC timeout the one who waits is told, not before; and
 * when there are turns again, not any more. */
static void
a14_a_poller_that_stopped_is_named(void **state)
{
	uint64_t cookie = 0, start, polls;

	(void)state;
	somebody_polls_no_more();
	polls = r.e->polls;
	unmap(1);
	start = r.f->now;
	do {
		assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 0);
		assert_true(rte_errno == 0 || r.f->now - start > FAKE_TIMEOUT);
		assert_true(r.f->now - start < 2 * FAKE_TIMEOUT);
		fake_tick(r.f, 1000);
	} while (rte_errno == 0);
	assert_int_equal(rte_errno, ETIMEDOUT);
	assert_non_null(strstr(sluice_error(), "sluice_engine_poll()"));
	assert_non_null(strstr(sluice_error(), "sync_timeout_us"));
	assert_non_null(strstr(sluice_error(), "1000 us"));
	assert_int_equal(r.e->polls, polls); /* his turns are not taken from him */
	assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 0);
	assert_int_equal(rte_errno, ETIMEDOUT); /* as long as it lasts */
	for (unsigned int i = 0; i < 4; i++) {
		fake_tick(r.f, 10000);
		sluice_engine_poll(r.e);
	}
	unmap(2);
	assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 1);
	assert_int_equal(cookie, 1);
	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 0);
	assert_int_equal(rte_errno, 0);
}

/* A poller whose turns merely do not bring it: a slow SYNC. No false alarm. */
static void
a_slow_sync_is_no_dead_engine(void **state)
{
	uint64_t cookie;

	(void)state;
	sluice_engine_poll(r.e);
	r.f->immediate = false;
	unmap(1);
	for (unsigned int i = 0; i < 4000; i++) {
		fake_tick(r.f, 1000);
		if (i % 50 == 0)
			sluice_engine_poll(r.e);
		assert_int_equal(sluice_unmap_completed(r.d, &cookie, 1), 0);
		assert_int_equal(rte_errno, 0);
	}
}

/* All the other waits for the engine say what is missing, too. */
static void
every_wait_names_it(void **state)
{
	static const char *const policy[] = { "deferred", "strict-async", "deferred-single", "rollover" };

	(void)state;
	for (unsigned int p = 0; p < RTE_DIM(policy); p++) {
		const struct sluice_domain_conf c = { .policy = policy[p], .iova_size = 4 << 20,
						      .iova_base = UINT64_C(1) << 40, .batch = 4,
						      .ring = 16 };
		struct sluice_domain *kept = r.d;
		int ret = 0;

		r.d = sluice_domain_create(r.iommu, &c);
		assert_non_null(r.d);
		somebody_polls_no_more();
		for (unsigned int i = 0; i < 17 && ret >= 0; i++)
			ret = sluice_unmap_async(r.d, map_ok(r.d, PA, 1), 1, i);
		if (strcmp(policy[p], "rollover") != 0) { /* which has no ring */
			assert_int_equal(ret, -EAGAIN);
			assert_non_null(strstr(sluice_error(), "sluice_engine_poll()"));
		}
		assert_int_equal(sluice_domain_set_policy(kept, "strict"), 0); /* another error line */
		(void)sluice_domain_set_policy(kept, "nonsense");
		assert_int_equal(sluice_domain_drain(r.d), -ETIMEDOUT);
		assert_non_null(strstr(sluice_error(), "sluice_engine_poll()"));
		/* Polled, but the hardware does not answer: that is another cause. */
		fake_complete_all(r.f);
		r.f->immediate = false;
		sluice_engine_poll(r.e);
		assert_int_equal(sluice_domain_drain(r.d), -ETIMEDOUT);
		assert_null(strstr(sluice_error(), "sluice_engine_poll()"));
		assert_non_null(strstr(sluice_error(), "sync_timeout_us"));
		r.f->immediate = true;
		assert_int_equal(sluice_domain_destroy(r.d), 0);
		sluice_engine_release(r.e);
		r.d = kept;
	}
}

static void
a_lost_sync_names_its_cause(void **state)
{
	const struct sluice_domain_conf c = { .iova_size = 4 << 20, .iova_base = UINT64_C(1) << 40 };
	struct sluice_domain *d = sluice_domain_create(r.iommu, &c);
	uint64_t iova = map_ok(d, PA, 1);

	(void)state;
	r.f->immediate = false;
	assert_int_equal(sluice_iommu_sync(r.iommu), -ETIMEDOUT);
	assert_non_null(strstr(sluice_error(), "1000 us (sync_timeout_us)"));
	assert_non_null(strstr(sluice_error(), "nobody steps it"));
	assert_non_null(strstr(sluice_error(), "starved"));
	(void)sluice_domain_set_policy(d, "nonsense");
	assert_int_equal(sluice_unmap(d, iova, 1), -ETIMEDOUT);
	assert_non_null(strstr(sluice_error(), "sync_timeout_us"));
	r.f->immediate = true;
	assert_int_equal(sluice_domain_destroy(d), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a14_who_asks_polls_where_nobody_does),
		T(a14_a_poller_that_stopped_is_named),
		T(a_slow_sync_is_no_dead_engine),
		T(every_wait_names_it),
		T(a_lost_sync_names_its_cause),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
