/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Bugs that everybody knows, each beside its mend: the first is found, the second never. Each way of
 * choosing fibers must find each of them.
 */
#include <pthread.h>
#include <stdlib.h>

#include "self.h"

#define SEEDS 8000u

static uint32_t count, items;
static bool wrong;
static pthread_mutex_t lock;

static uint32_t get(uint32_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static void set(uint32_t *p, uint32_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
static bool was_wrong(void) { return wrong; }

static void
found_and_mended(const struct self_prog *bad, const struct self_prog *good)
{
	for (unsigned int s = SIM_RANDOM; s <= SIM_STARVE; s++)
		for (uint32_t buffer = 0; buffer <= 8; buffer += 8) {
			unsigned int found = self_count(bad, self_conf(s, buffer), SEEDS);
			unsigned int still = self_count(good, self_conf(s, buffer), SEEDS);

			if (found == 0 || still != 0)
				fail_msg("%s, buffer %u: found %u times, mended %u times", SELF_NAME(s),
					 buffer, found, still);
		}
}

/* ---- a lost update --------------------------------------------------------------------------- */

static void count_reset(void) { count = 0; }
static bool count_lost(void) { return count != 2; }
static void count_bad(void *arg) { (void)arg; set(&count, get(&count) + 1); }
static void count_good(void *arg) { (void)arg; __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED); }

static void
lost_update(void **state)
{
	const struct self_prog bad = { count_reset, { count_bad, count_bad }, count_lost };
	const struct self_prog good = { count_reset, { count_good, count_good }, count_lost };

	(void)state;
	found_and_mended(&bad, &good);
}

/* ---- looked at before the lock is held, and not again ------------------------------------------- */

static void
items_reset(void)
{
	items = 1;
	wrong = false;
	pthread_mutex_init(&lock, NULL);
}

static void
take(bool look_again)
{
	if (get(&items) == 0)
		return;
	pthread_mutex_lock(&lock);
	if (look_again && items == 0) {
		pthread_mutex_unlock(&lock);
		return;
	}
	wrong |= items == 0;
	items--;
	pthread_mutex_unlock(&lock);
}

static void take_bad(void *arg) { (void)arg; take(false); }
static void take_good(void *arg) { (void)arg; take(true); }

static void
no_second_look(void **state)
{
	const struct self_prog bad = { items_reset, { take_bad, take_bad }, was_wrong };
	const struct self_prog good = { items_reset, { take_good, take_good }, was_wrong };

	(void)state;
	found_and_mended(&bad, &good);
}

/* ---- ABA on a Treiber stack --------------------------------------------------------------------- */

#define NODES 3u

static uint64_t head;               /* 1 + the node at the top, or 0; with a tag in the upper half */
static uint32_t below[NODES];       /* 1 + the one below */
static uint32_t owners[NODES];

static void
stack_reset(void)
{
	wrong = false;
	head = NODES;
	for (uint32_t i = 0; i < NODES; i++) {
		below[i] = i;
		owners[i] = 0;
	}
}

static uint64_t
tagged(uint64_t old, uint32_t top, bool tag)
{
	return top | (tag ? ((old >> 32) + 1) << 32 : 0);
}

static uint32_t
pop(bool tag)
{
	uint64_t old = __atomic_load_n(&head, __ATOMIC_ACQUIRE);
	uint32_t top;

	do {
		top = (uint32_t)old;
		if (top == 0)
			return 0;
	} while (!__atomic_compare_exchange_n(&head, &old, tagged(old, get(&below[top - 1]), tag), true,
					      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	/* One owner at a time. */
	wrong |= __atomic_fetch_add(&owners[top - 1], 1, __ATOMIC_RELAXED) != 0;
	return top;
}

static void
push(uint32_t top, bool tag)
{
	uint64_t old = __atomic_load_n(&head, __ATOMIC_ACQUIRE);

	__atomic_fetch_sub(&owners[top - 1], 1, __ATOMIC_RELAXED);
	do
		set(&below[top - 1], (uint32_t)old);
	while (!__atomic_compare_exchange_n(&head, &old, tagged(old, top, tag), true, __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE));
}

/* Takes two, gives the first back, keeps the second. */
static void
two_and_one_back(bool tag)
{
	uint32_t a = pop(tag), b = pop(tag);

	if (a != 0)
		push(a, tag);
	(void)b;
}

static void
two_pops(bool tag)
{
	(void)pop(tag);
	(void)pop(tag);
}

static void aba_bad0(void *arg) { (void)arg; two_pops(false); }
static void aba_bad1(void *arg) { (void)arg; two_and_one_back(false); }
static void aba_good0(void *arg) { (void)arg; two_pops(true); }
static void aba_good1(void *arg) { (void)arg; two_and_one_back(true); }

static void
aba(void **state)
{
	const struct self_prog bad = { stack_reset, { aba_bad0, aba_bad1 }, was_wrong };
	const struct self_prog good = { stack_reset, { aba_good0, aba_good1 }, was_wrong };

	(void)state;
	found_and_mended(&bad, &good);
}

/* ---- asleep for ever: woken before it slept ----------------------------------------------------- */

static uint32_t flag, asleep, woken;

static void wake_reset(void) { flag = asleep = woken = 0; wrong = false; }

static void
waker(void *arg)
{
	(void)arg;
	set(&flag, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (get(&asleep))
		set(&woken, 1);
}

/* Goes to sleep if there is nothing to do: it says so, and looks once more, or it does not. */
static void
sleeper(bool look_again)
{
	if (get(&flag))
		return;
	set(&asleep, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (look_again && get(&flag))
		return;
	sim_sleep(1000);
	wrong = get(&woken) == 0;
}

static void sleep_bad(void *arg) { (void)arg; sleeper(false); }
static void sleep_good(void *arg) { (void)arg; sleeper(true); }
/* A waker that comes later than the sleep is no bug: flag is not set then. */
static bool slept_through(void) { return wrong && flag == 1 && woken == 0; }

static void
lost_wakeup(void **state)
{
	const struct self_prog bad = { wake_reset, { waker, sleep_bad }, slept_through };
	const struct self_prog good = { wake_reset, { waker, sleep_good }, slept_through };

	(void)state;
	found_and_mended(&bad, &good);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lost_update),
					    cmocka_unit_test(no_second_look), cmocka_unit_test(aba),
					    cmocka_unit_test(lost_wakeup) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
