/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Buffers on their way back, against a library made by hand: who owns what after each step, and
 * that a cookie which was not due is found.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define sluice_unmap_completed fake_completed
#define sluice_unmap_kick      fake_kick
#include "release.c"

#define BUFS 64u

static struct perf_bench bench;
static struct perf_worker w;
static _Atomic uint8_t owned[2 * BUFS]; /* two pages a buffer */
static uint64_t ready[4 * BUFS];        /* cookies that the library will hand out */
static unsigned int nb_ready, kicks, waits;

unsigned int
fake_completed(struct sluice_domain *dom, uint64_t *cookie, unsigned int n)
{
	n = RTE_MIN(n, nb_ready);
	(void)dom;
	memcpy(cookie, ready, n * sizeof(cookie[0]));
	nb_ready -= n;
	memmove(ready, ready + n, nb_ready * sizeof(ready[0]));
	return n;
}

static bool mine(uint64_t seq);
static uint64_t next_ready; /* a wait makes this one's cookie ready; UINT64_MAX: none ever */

void
fake_kick(struct sluice_domain *dom)
{
	(void)dom;
	kicks++;
}

bool
perf_worker_wait(struct perf_worker *worker, uint64_t *since, uint32_t *spins, const char *what)
{
	(void)since, (void)spins;
	if (next_ready != UINT64_MAX)
		ready[nb_ready++] = next_ready++;
	if (++waits < 1000)
		return true;
	perf_worker_fail(worker, what, -ETIMEDOUT);
	return false;
}

static unsigned int idle_copies;

void
perf_watch_copy_idle(struct perf_worker *worker, uint64_t seq)
{
	(void)worker;
	assert_true(mine(seq));
	idle_copies++;
}

void
perf_worker_fail(struct perf_worker *worker, const char *what, int err)
{
	if (worker->measured.failed_call == NULL) {
		worker->measured.failed_call = what;
		worker->measured.err = err;
	}
}

uint64_t
perf_net_ticks(const struct perf_worker *worker, uint64_t t)
{
	(void)worker;
	return t;
}

/* All buffers of the ring are the device's, none was unmapped. */
static void
start(uint64_t posted)
{
	memset(&w, 0, sizeof(w));
	bench.buf_size = 2 * PERF_PAGE;
	bench.nb_bufs = BUFS;
	w.bench = &bench;
	w.plan.owners = owned;
	w.ring.posted = posted;
	for (unsigned int i = 0; i < 2 * BUFS; i++)
		atomic_store_explicit(&owned[i], 1, memory_order_relaxed);
	nb_ready = kicks = waits = 0;
	next_ready = UINT64_MAX;
}

static bool
mine(uint64_t seq)
{
	uint8_t a = atomic_load_explicit(&owned[seq % BUFS * 2], memory_order_relaxed);

	assert_int_equal(a, atomic_load_explicit(&owned[seq % BUFS * 2 + 1], memory_order_relaxed));
	return a == 0;
}

/* The host's buffers are those of [0, upto), of @p posted. */
static void
host_has(uint64_t upto, uint64_t posted)
{
	for (uint64_t i = 0; i < posted; i++)
		assert_int_equal(mine(i), i < upto);
}

static void
without_cookies_at_once(void **state)
{
	(void)state;
	start(40);
	perf_release(&w, 32, 0, rte_rdtsc());
	host_has(32, 40);
	assert_int_equal(w.ring.taken, 32);
	assert_int_equal(w.ring.returned, 32);
	assert_int_equal(w.measured.cookies_due, 0);
	assert_int_equal(w.measured.release_hist.count, 0);
	perf_release(&w, 8, 0, rte_rdtsc());
	assert_int_equal(w.ring.returned, 40);
}

static void
a_cookie_ends_ownership_and_not_before(void **state)
{
	(void)state;
	start(40);
	perf_release(&w, 8, 8, rte_rdtsc());
	perf_release(&w, 8, 8, rte_rdtsc());
	host_has(0, 40);
	assert_int_equal(w.ring.taken, 16);
	assert_int_equal(w.ring.returned, 0);
	assert_int_equal(w.ring.awaited, 16);
	perf_release_poll(&w);
	host_has(0, 40);
	for (uint64_t i = 0; i < 11; i++)
		ready[nb_ready++] = i;
	perf_release_poll(&w);
	host_has(11, 40);
	assert_int_equal(w.measured.cookies, 11);
	assert_int_equal(w.ring.returned, 8); /* whole bursts only */
	assert_int_equal(w.ring.awaited, 8);
	assert_int_equal(w.measured.release_hist.count, 11);
	for (uint64_t i = 11; i < 16; i++)
		ready[nb_ready++] = i;
	perf_release_poll(&w);
	host_has(16, 40);
	assert_int_equal(w.ring.returned, 16);
	assert_int_equal(w.ring.awaited, 0);
	assert_int_equal(w.measured.cookies_due, w.measured.cookies);
	assert_null(w.measured.failed_call);
}

/* What stood in for a buffer is told with the buffer's own return, whichever way it comes. */
static void
copies_end_with_ownership(void **state)
{
	(void)state;
	start(40);
	w.plan.watches_copies = true;
	idle_copies = 0;
	perf_release(&w, 8, 3, rte_rdtsc());
	assert_int_equal(idle_copies, 5);
	for (uint64_t i = 0; i < 3; i++)
		ready[nb_ready++] = i;
	perf_release_poll(&w);
	assert_int_equal(idle_copies, 8);
}

/* A policy that changes in the middle: the first ones later, the rest at once, and then all. */
static void
mixed_bursts_come_back_in_order(void **state)
{
	(void)state;
	start(40);
	perf_release(&w, 8, 3, rte_rdtsc());
	for (uint64_t i = 0; i < 8; i++)
		assert_int_equal(mine(i), i >= 3);
	perf_release(&w, 8, 0, rte_rdtsc());
	assert_int_equal(w.ring.returned, 0);
	assert_int_equal(w.measured.cookies_due, 3);
	for (uint64_t i = 0; i < 3; i++)
		ready[nb_ready++] = i;
	perf_release_poll(&w);
	host_has(16, 40);
	assert_int_equal(w.ring.returned, 16);
	assert_int_equal(w.ring.awaited, 0);
}

static void
cookies_not_due_are_found(void **state)
{
	static const uint64_t wrong[][3] = {
		{ 1, 2, 3 }, { 0, 2, 1 }, { 0, 0, 1 }, { 0, 1, 99 }, { 40, 0, 1 },
	};

	(void)state;
	for (unsigned int k = 0; k < RTE_DIM(wrong); k++) {
		start(40);
		perf_release(&w, 4, 4, rte_rdtsc());
		memcpy(ready, wrong[k], sizeof(wrong[k]));
		nb_ready = 3;
		perf_release_poll(&w);
		assert_non_null(w.measured.failed_call);
		assert_int_equal(w.measured.err, -EBADMSG);
	}
	/* One more than was asked for. */
	start(40);
	perf_release(&w, 2, 2, rte_rdtsc());
	for (uint64_t i = 0; i < 3; i++)
		ready[nb_ready++] = i;
	perf_release_poll(&w);
	host_has(2, 40);
	assert_non_null(w.measured.failed_call);
}

static void
waiting_is_kicked_and_bounded(void **state)
{
	(void)state;
	start(40);
	perf_release(&w, 32, 32, rte_rdtsc());
	next_ready = 0;
	assert_true(perf_release_wait(&w, 32));
	assert_true(kicks > 0);
	host_has(32, 40);
	assert_int_equal(w.measured.unmap_ticks, 0);
	kicks = 0;
	assert_true(perf_release_wait(&w, 32)); /* they are: nobody is bothered */
	assert_int_equal(kicks, 0);
	perf_release(&w, 8, 8, rte_rdtsc());
	assert_true(perf_release_room(&w, 40)); /* on the clock */
	assert_true(w.measured.unmap_ticks > 0);
	start(40);
	perf_release(&w, 8, 8, rte_rdtsc());
	assert_false(perf_release_wait(&w, 8)); /* a library that never hands them out */
	assert_int_equal(w.measured.err, -ETIMEDOUT);
	host_has(0, 40);
}

/* Looking in vain costs nothing, cookies that come are on the clock. */
static void
idling_takes_cookies(void **state)
{
	(void)state;
	start(40);
	perf_release_idle(&w);
	perf_release(&w, 8, 8, rte_rdtsc());
	for (unsigned int i = 0; i < 100; i++)
		perf_release_idle(&w);
	assert_int_equal(w.measured.unmap_ticks, 0);
	for (uint64_t i = 0; i < 8; i++)
		ready[nb_ready++] = i;
	perf_release_idle(&w);
	host_has(8, 40);
	assert_true(w.measured.unmap_ticks > 0);
}

/* Many turns around every ring there is. */
static void
for_a_long_time(void **state)
{
	uint64_t next = 0;

	(void)state;
	start(0);
	for (unsigned int turn = 0; turn < 10000; turn++) {
		uint32_t n = 1 + turn % 13;

		for (uint32_t i = 0; i < n; i++)
			perf_own(&w, w.ring.posted++, 1);
		perf_release(&w, n, turn % 5 == 0 ? n / 2 : n, rte_rdtsc());
		while (next + 20 < w.ring.taken && w.measured.failed_call == NULL) {
			const struct perf_wait *q = &w.ring.waits[w.ring.waits_got % PERF_WAITS];

			ready[nb_ready++] = q->next;
			next = q->next;
			perf_release_poll(&w);
		}
		assert_null(w.measured.failed_call);
		assert_true(w.ring.posted - w.ring.returned <= BUFS);
	}
	assert_true(w.measured.cookies > 50000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_cookies_at_once),
		cmocka_unit_test(a_cookie_ends_ownership_and_not_before),
		cmocka_unit_test(copies_end_with_ownership),
		cmocka_unit_test(mixed_bursts_come_back_in_order),
		cmocka_unit_test(cookies_not_due_are_found),
		cmocka_unit_test(waiting_is_kicked_and_bounded),
		cmocka_unit_test(idling_takes_cookies),
		cmocka_unit_test(for_a_long_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
