/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * epoch.h: what was replaced is not read any more once epoch_wait() returns, whatever the other
 * thread is doing.
 */
#include <pthread.h>

#include "engine/base/epoch.h"
#include "rig.h"

static struct epoch epoch;
static uint64_t *_Atomic shared;
static _Atomic bool stop;
static _Atomic uint64_t reads, wrong;

static void *
poller(void *arg)
{
	(void)arg;
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		epoch_enter(&epoch);
		const uint64_t *p = atomic_load_explicit(&shared, memory_order_acquire);

		/* Freed memory would be poisoned here; the sanitizers see it as well. */
		for (unsigned int i = 0; i < 16; i++)
			if (p[i] != p[0] || p[i] == 0)
				wrong++;
		epoch_leave(&epoch);
		atomic_fetch_add_explicit(&reads, 1, memory_order_relaxed);
	}
	return NULL;
}

static uint64_t *
fresh(uint64_t v)
{
	uint64_t *p = malloc(16 * sizeof(*p));

	for (unsigned int i = 0; i < 16; i++)
		p[i] = v;
	return p;
}

static void
replaced_while_polled(void **state)
{
	pthread_t t;

	(void)state;
	shared = fresh(1);
	assert_int_equal(pthread_create(&t, NULL, poller, NULL), 0);
	/* On a busy machine all would be over before the other thread had its first turn. */
	while (atomic_load_explicit(&reads, memory_order_relaxed) == 0)
		usleep(100);
	for (uint64_t v = 2; v < 3000; v++) {
		uint64_t *old = atomic_exchange_explicit(&shared, fresh(v), memory_order_acq_rel);

		assert_int_equal(epoch_wait(&epoch), 0);
		memset(old, 0, 16 * sizeof(*old));
		free(old);
		if (v % 256 == 0)
			usleep(100);
	}
	stop = true;
	pthread_join(t, NULL);
	assert_int_equal(wrong, 0);
	assert_true(reads > 0);
	free(shared);
}

/* With nobody inside it returns at once; a poll that is inside is waited for, and only that one. */
static void *
stay_inside(void *arg)
{
	_Atomic int *step = arg;

	epoch_enter(&epoch);
	*step = 1;
	usleep(20000);
	*step = 2;
	epoch_leave(&epoch);
	return NULL;
}

static void
waits_for_who_is_inside(void **state)
{
	_Atomic int step = 0;
	pthread_t t;

	(void)state;
	assert_int_equal(epoch_wait(&epoch), 0);
	assert_int_equal(pthread_create(&t, NULL, stay_inside, &step), 0);
	while (step == 0)
		usleep(100);
	assert_int_equal(epoch_wait(&epoch), 0);
	assert_int_equal(step, 2);
	pthread_join(t, NULL);
	assert_int_equal(epoch_wait(&epoch), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaced_while_polled),
		cmocka_unit_test(waits_for_who_is_inside),
	};

	alarm(100);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
