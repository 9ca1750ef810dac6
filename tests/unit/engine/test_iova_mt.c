/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * bitset.c, iova.c and the page stack of mem.c with four threads: nothing is handed out twice,
 * nothing is lost, whoever gets an object sees what the one before wrote.
 */
#include <pthread.h>
#include <sched.h>

#include "engine/base/epoch.h"
#include "engine/iova/iova.h"
#include "engine/base/mem.h"
#include "engine/base/tsan.h"
#include "rig.h"

#define THREADS 4
#define CHUNKS  12u
#if SLUICE_TSAN
#define STEPS 12000u
#else
#define STEPS 200000u
#endif

static struct iova_space space;
static _Atomic uint8_t owner[CHUNKS * IOVA_CHUNK_PAGES];
static uint32_t note[CHUNKS * IOVA_CHUNK_PAGES]; /* plain: the allocator orders accesses */
static _Atomic unsigned int errors;

static int
prepare(void *arg, uint32_t chunk)
{
	(void)arg, (void)chunk;
	return 0;
}

static void
take(uint32_t pfn, uint32_t pages, uint8_t who)
{
	for (uint32_t i = 0; i < pages; i++) {
		if (atomic_exchange_explicit(&owner[pfn + i], who, memory_order_relaxed) != 0)
			errors++;
		note[pfn + i]++;
	}
}

static void
give(uint32_t pfn, uint32_t pages, uint8_t who)
{
	for (uint32_t i = 0; i < pages; i++) {
		note[pfn + i]++;
		if (atomic_exchange_explicit(&owner[pfn + i], 0, memory_order_relaxed) != who)
			errors++;
	}
}

static struct iova_mag mags[THREADS][IOVA_ORDERS];
static _Atomic unsigned int owners;

static void
put_back(struct iova_mag *mag, uint32_t pfn, uint32_t pages, uint8_t who)
{
	unsigned int o = iova_order(pages);

	give(pfn, pages, who);
	if (o < IOVA_ORDERS)
		iova_put(&space, &mag[o], o, pfn);
	else
		iova_run_put(&space, pages, pfn);
}

/* Random orders and runs; magazines are emptied often, so that chunks change hands and orders. */
static void *
churn_iovas(void *arg)
{
	struct iova_mag *mag = mags[(uintptr_t)arg - 1];
	uint8_t who = (uint8_t)(uintptr_t)arg;
	struct {
		uint32_t pfn, pages;
	} live[64];
	uint64_t seed = who * 77;
	unsigned int n = 0;

	for (unsigned int step = 0; step < STEPS; step++) {
		if (n < 64 && rnd(&seed) % 100 < 55) {
			uint32_t pages = 1u << rnd(&seed) % (rnd(&seed) % 4 == 0 ? 10 : 3);
			unsigned int o = iova_order(pages);
			uint32_t pfn;
			int ret;

			if (rnd(&seed) % 64 == 0) {
				pages = 600;
				ret = iova_run_get(&space, pages, &pfn);
			} else {
				ret = iova_get(&space, &mag[o], o, &pfn);
			}
			if (ret == -ENOSPC) {
				for (o = 0; o < IOVA_ORDERS; o++)
					iova_mag_flush(&space, &mag[o], o);
				if (n > 32)
					step += 5;
			} else if (ret != 0) {
				errors++;
			} else {
				take(pfn, pages, who);
				live[n].pfn = pfn;
				live[n++].pages = pages;
			}
		} else if (n != 0) {
			unsigned int k = (unsigned int)(rnd(&seed) % n);

			put_back(mag, live[k].pfn, live[k].pages, who);
			live[k] = live[--n];
		}
		if (rnd(&seed) % 256 == 0)
			for (unsigned int o = 0; o < IOVA_ORDERS; o++)
				iova_mag_flush(&space, &mag[o], o);
		if (rnd(&seed) % 512 == 0)
			iova_space_regain(&space);
	}
	while (n-- > 0)
		put_back(mag, live[n].pfn, live[n].pages, who);
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		iova_mag_flush(&space, &mag[o], o);
	return NULL;
}

/* Three threads that own, one that takes from all of them (iova.h, 3 to 7): with one barrier for all. */
static void *
churn_or_rob(void *arg)
{
	uint32_t at[THREADS - 1][IOVA_ORDERS], robbed = 0;

	if ((uintptr_t)arg < THREADS) {
		churn_iovas(arg);
		owners--;
		return NULL;
	}
	while (owners != 0) {
		for (unsigned int k = 0; k < (THREADS - 1) * IOVA_ORDERS; k++)
			at[k / IOVA_ORDERS][k % IOVA_ORDERS] =
				iova_mag_try(&mags[k / IOVA_ORDERS][k % IOVA_ORDERS]);
		assert_int_equal(epoch_barrier(), 0);
		for (unsigned int k = 0; k < (THREADS - 1) * IOVA_ORDERS; k++) {
			unsigned int w = k / IOVA_ORDERS, o = k % IOVA_ORDERS;

			if (at[w][o] != 0 && at[w][o] != UINT32_MAX &&
			    !iova_mag_look(&mags[w][o], at[w][o]))
				at[w][o] = 0;
		}
		assert_int_equal(epoch_barrier(), 0);
		for (unsigned int k = 0; k < (THREADS - 1) * IOVA_ORDERS; k++) {
			unsigned int w = k / IOVA_ORDERS, o = k % IOVA_ORDERS;

			if (at[w][o] != 0 && at[w][o] != UINT32_MAX)
				robbed += iova_mag_rob(&space, &mags[w][o], o, at[w][o]);
		}
		sched_yield();
	}
	if (robbed == 0)
		errors++;
	return NULL;
}

static void
run(void *(*fn)(void *))
{
	pthread_t t[THREADS];

	errors = 0;
	owners = THREADS - 1;
	for (unsigned int i = 0; i < THREADS * IOVA_ORDERS; i++)
		iova_mag_init(&mags[i / IOVA_ORDERS][i % IOVA_ORDERS]);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, fn, (void *)(i + 1)), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(errors, 0);
}

static void
churn(void *(*fn)(void *))
{
	assert_int_equal(iova_space_init(&space, CHUNKS, prepare, NULL), 0);
	run(fn);
	assert_int_equal(iova_space_free_pages(&space), CHUNKS * IOVA_CHUNK_PAGES);
	iova_space_regain(&space);
	assert_int_equal(bitset_count(&space.uncut), CHUNKS); /* every chunk is whole again */
	assert_true(bitset_valid(&space.uncut));
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		assert_true(bitset_valid(&space.avail[o]));
	iova_space_fini(&space);
}

static void
iovas_with_four_threads(void **state)
{
	(void)state;
	churn(churn_iovas);
}

static void
a20_iovas_with_a_thief(void **state)
{
	(void)state;
	churn(churn_or_rob);
}

static struct bitset set;
static uint32_t set_note[5000];

/* Tokens: each member belongs to who took it, until it is put in again. */
static void *
churn_tokens(void *arg)
{
	uint64_t seed = (uintptr_t)arg;

	for (unsigned int step = 0; step < STEPS; step++) {
		uint32_t got[8], n = 1 + (uint32_t)(rnd(&seed) % 8);

		for (uint32_t i = 0; i < n; i++) {
			got[i] = bitset_take(&set, (uint32_t)(rnd(&seed) % set.size));
			if (got[i] != BITSET_NONE)
				set_note[got[i]]++;
		}
		for (uint32_t i = 0; i < n; i++) {
			if (got[i] == BITSET_NONE)
				continue;
			set_note[got[i]]++;
			bitset_set(&set, got[i]);
		}
	}
	return NULL;
}

static void
bitset_with_four_threads(void **state)
{
	(void)state;
	/* Few members in a wide set: words run empty and full all the time. */
	assert_int_equal(bitset_init(&set, 5000), 0);
	for (uint32_t i = 0; i < 5000; i += 500)
		bitset_set(&set, i);
	run(churn_tokens);
	assert_int_equal(bitset_count(&set), 10);
	assert_true(bitset_valid(&set));
	for (uint32_t i = 0; i < 5000; i++)
		assert_true(i % 500 == 0 ? bitset_test(&set, i) : set_note[i] == 0);
	bitset_fini(&set);
}

static struct sluice_mem *mem;

static void *
churn_pages(void *arg)
{
	uint8_t who = (uint8_t)(uintptr_t)arg;
	uint64_t seed = who;

	for (unsigned int step = 0; step < STEPS / 8; step++) {
		uint8_t *p[6];
		unsigned int n = 1 + (unsigned int)(rnd(&seed) % 6);

		for (unsigned int i = 0; i < n; i++) {
			p[i] = sluice_mem_page_get(mem, NULL);
			if (p[i] == NULL)
				continue;
			if (p[i][0] != 0 || p[i][4095] != 0)
				errors++;
			p[i][0] = p[i][4095] = who;
		}
		if (rnd(&seed) % 64 == 0) {
			void *q = sluice_mem_alloc(mem, 100, 0, NULL);

			sluice_mem_free(mem, q, 100);
		}
		for (unsigned int i = 0; i < n; i++) {
			if (p[i] == NULL)
				continue;
			if (p[i][0] != who || p[i][4095] != who)
				errors++;
			sluice_mem_page_put(mem, p[i]);
		}
	}
	return NULL;
}

static void
pages_with_four_threads(void **state)
{
	const size_t len = 16 * 4096; /* fewer than all of them want at once */
	void *va = sluice_host_alloc(len);
	unsigned int n = 0;

	(void)state;
	mem = sluice_mem_create(va, FAKE_PA, len);
	run(churn_pages);
	assert_int_equal(sluice_mem_used(mem), 0);
	while (sluice_mem_page_get(mem, NULL) != NULL)
		n++;
	assert_true(n == 15 || n == 16); /* the bottom may have taken one for its own */
	sluice_mem_destroy(mem);
	sluice_host_free(va, len);
}

/* ---- two threads in step: the moment at which both act is the moment that matters ---- */

#define ROUNDS (SLUICE_TSAN ? 3000u : 60000u)

static struct {
	void (*side[2])(void);
	_Atomic uint32_t at[2]; /* round each side has finished */
	_Atomic uint32_t go;    /* round that is allowed to begin */
} duel;

static void *
duellist(void *arg)
{
	unsigned int me = (unsigned int)(uintptr_t)arg;

	for (uint32_t round = 1; round <= ROUNDS; round++) {
		for (unsigned int spin = 0; atomic_load(&duel.go) < round; spin++)
			if (spin > 200)
				sched_yield();
		duel.side[me]();
		atomic_store(&duel.at[me], round);
	}
	return NULL;
}

/* Both sides once, at the same time, then @p verify with nobody active; ROUNDS times. */
static void
fight(void (*a)(void), void (*b)(void), void (*verify)(void))
{
	pthread_t t[2];

	duel.side[0] = a;
	duel.side[1] = b;
	duel.go = duel.at[0] = duel.at[1] = 0;
	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, duellist, (void *)i), 0);
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		atomic_store(&duel.go, round);
		while (atomic_load(&duel.at[0]) < round || atomic_load(&duel.at[1]) < round)
			sched_yield();
		verify();
	}
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(errors, 0);
}

static void
clear_0(void)
{
	if (!bitset_clear(&set, 0))
		errors++;
}

static void
set_1(void)
{
	bitset_set(&set, 1);
}

static void
is_found(void)
{
	if (bitset_find(&set, 0) != 1 || !bitset_valid(&set) || !bitset_clear(&set, 1))
		errors++;
	bitset_set(&set, 0);
}

/* bitset.c, 3: a member that is put in while its word is being found empty is not hidden. */
static void
the_last_leaves_as_another_comes(void **state)
{
	(void)state;
	errors = 0;
	assert_int_equal(bitset_init(&set, 64 * 64 * 2), 0);
	bitset_set(&set, 0);
	fight(clear_0, set_1, is_found);
	bitset_fini(&set);
}

static struct iova_mag duel_mag;
static uint32_t duel_pfn;
static int duel_ret;

static void
regain_all(void)
{
	iova_space_regain(&space);
}

static void
take_one(void)
{
	duel_ret = iova_get(&space, &duel_mag, 0, &duel_pfn);
}

/* Whatever came first: what was taken is not free as well, and nothing is missing. */
static void
is_taken_once(void)
{
	uint32_t held = duel_mag.n + (duel_ret == 0);

	/* Both may miss each other for a moment, so -ENOSPC is no error; a page too many is. */
	if ((duel_ret != 0 && duel_ret != -ENOSPC) ||
	    iova_space_free_pages(&space) + held != IOVA_CHUNK_PAGES)
		errors++;
	if (duel_ret == 0)
		iova_put(&space, &duel_mag, 0, duel_pfn);
	iova_mag_flush(&space, &duel_mag, 0);
	/* Cut for single pages and wholly free: both sides want it. */
	if (bitset_test(&space.uncut, 0)) {
		uint32_t pfn;

		if (iova_get(&space, &duel_mag, 0, &pfn) != 0) {
			errors++;
			return;
		}
		iova_put(&space, &duel_mag, 0, pfn);
		iova_mag_flush(&space, &duel_mag, 0);
	}
}

/* iova.c, 4: a chunk is regained whole or not at all. */
static void
regained_as_another_takes(void **state)
{
	(void)state;
	errors = 0;
	iova_mag_init(&duel_mag);
	assert_int_equal(iova_space_init(&space, 1, prepare, NULL), 0);
	duel_ret = -ENOSPC;
	is_taken_once();
	fight(regain_all, take_one, is_taken_once);
	iova_space_fini(&space);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iovas_with_four_threads),
		cmocka_unit_test(a20_iovas_with_a_thief),
		cmocka_unit_test(bitset_with_four_threads),
		cmocka_unit_test(pages_with_four_threads),
		cmocka_unit_test(the_last_leaves_as_another_comes),
		cmocka_unit_test(regained_as_another_takes),
	};

	alarm(100); /* a livelock is a failure, not a hang */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
