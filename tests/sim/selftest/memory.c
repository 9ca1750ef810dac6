/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A touch of memory that is not one's own ends the run, and says what it was.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "self.h"

static volatile uint64_t sink;

static uint64_t *
piece(void)
{
	return sim_alloc(64, 64);
}

static void load_freed(void *arg) { uint64_t *p = piece(); (void)arg; sim_free(p); sink = *p; }
static void store_freed(void *arg) { uint64_t *p = piece(); (void)arg; sim_free(p); *p = 1; }
static void
rmw_freed(void *arg)
{
	uint64_t *p = piece();

	(void)arg;
	sim_free(p);
	(void)__atomic_fetch_add(p, 1, __ATOMIC_RELAXED);
}
static void
copy_freed(void *arg)
{
	uint64_t *p = piece(), *q = piece();

	(void)arg;
	sim_free(p);
	memcpy(q, p, (size_t)(1 + sim_rnd(64)));
}
static void
fill_freed(void *arg)
{
	uint64_t *p = piece();

	(void)arg;
	sim_free(p);
	memset(p, 1, (size_t)(1 + sim_rnd(64)));
}
static void load_past(void *arg) { uint64_t *p = piece(); (void)arg; sink = p[8]; }
static void store_past(void *arg) { uint64_t *p = piece(); (void)arg; p[8 + sim_rnd(8)] = 1; }
static void store_below(void *arg) { uint64_t *p = piece(); (void)arg; p[-1 - (int)sim_rnd(8)] = 1; }
/* Begins within, ends beyond. */
static void
straddle(void *arg)
{
	uint64_t v = 1, *p = piece();

	(void)arg;
	__builtin_memcpy((char *)p + 60, &v, 8);
}
static void fill_past(void *arg) { (void)arg; memset(piece(), 0, 65); }
static void double_free(void *arg) { void *p = piece(); (void)arg; sim_free(p); sim_free(p); }
static void free_within(void *arg) { (void)arg; sim_free((char *)piece() + 16); }
static void
large_freed(void *arg)
{
	char *p = sim_alloc((size_t)40 << 20, 64);

	(void)arg;
	p[(size_t)39 << 20] = 1;
	sim_free(p);
	p[(size_t)20 << 20] = 1;
}
static void
large_double_free(void *arg)
{
	char *p = sim_alloc((size_t)40 << 20, 64);

	(void)arg;
	sim_free(p);
	sim_free(p);
}
static void
poisoned(void *arg)
{
	uint64_t *p = sim_alloc(8192, 4096);

	(void)arg;
	sim_poison(p + 512, 4096, true);
	p[511] = 1;
	sink = p[512];
}
static void unlock_alien(void *arg) { pthread_mutex_t m = { 0 }; (void)arg; pthread_mutex_unlock(&m); }
static void
lock_twice(void *arg)
{
	pthread_mutex_t m;

	(void)arg;
	pthread_mutex_init(&m, NULL);
	pthread_mutex_lock(&m);
	pthread_mutex_lock(&m);
}
static void
destroy_held(void *arg)
{
	pthread_mutex_t m;

	(void)arg;
	pthread_mutex_init(&m, NULL);
	pthread_mutex_lock(&m);
	pthread_mutex_destroy(&m);
}
static void for_ever(void *arg) { (void)arg; while (sim_now() != 0) sim_pause(); }
static void crash(void *arg) { (void)arg; abort(); }
/* The page below a fiber's stack is nobody's. */
static int
deeper(volatile char *up)
{
	volatile char here[1024];

	here[0] = up != NULL ? up[0] : 0;
	return here[0] == 1 ? 0 : deeper(here) + here[0];
}
static void overflow(void *arg) { (void)arg; (void)deeper(NULL); }

/* ---- all is well ------------------------------------------------------------------------------- */

static void
all_of_it(void *arg)
{
	(void)arg;
	for (size_t n = 16; n < 5000; n += 48) {
		char *p = sim_alloc(n, 16), *q = sim_alloc(n, 4096);

		SIM_CHECK(((uintptr_t)q & 4095) == 0, "not aligned");
		memset(p, 1, n);
		memcpy(q, p, n);
		p[0] = q[n - 1];
		p[n - 1] = 2;
		sim_poison(q, 16, true);
		sim_poison(q, 16, false);
		q[0] = 1;
		sim_free(p);
		sim_free(q);
	}
	sim_free(NULL);
	SIM_CHECK(sim_alloc_live() == 0, "something is left");
}

static void
nothing_is_reused(void *arg)
{
	void *p[100];

	(void)arg;
	for (unsigned int i = 0; i < 100; i++) {
		p[i] = piece();
		sim_free(p[i]);
		for (unsigned int k = 0; k < i; k++)
			SIM_CHECK(p[k] != p[i], "handed out again");
	}
}

static void
the_third_fails(void *arg)
{
	(void)arg;
	(void)sim_alloc_fail(3);
	SIM_CHECK(piece() != NULL && piece() != NULL, "too early");
	SIM_CHECK(piece() == NULL, "it did not fail");
	SIM_CHECK(piece() != NULL, "only one is to fail");
}

static void
what_is_right_is_let_be(void **state)
{
	(void)state;
	assert_string_equal(self_why(all_of_it), "");
	assert_string_equal(self_why(nothing_is_reused), "");
	assert_string_equal(self_why(the_third_fails), "");
}

static void
what_is_wrong_is_named(void **state)
{
	static const struct {
		void (*fn)(void *);
		const char *why, *where;
	} row[] = {
		{ load_freed, "load of 8 bytes at", "was freed (memory.c:" },
		{ store_freed, "store of 8 bytes at", "was freed (memory.c:" },
		{ rmw_freed, "store of 8 bytes at", "was freed (memory.c:" },
		{ copy_freed, "load of", "was freed (memory.c:" },
		{ fill_freed, "store of", "was freed (memory.c:" },
		{ load_past, "load of 8 bytes at", "was never handed out (memory.c:" },
		{ store_past, "store of 8 bytes at", "was never handed out (memory.c:" },
		{ store_below, "store of 8 bytes at", "was never handed out (memory.c:" },
		{ straddle, "store of 8 bytes at", "was never handed out (memory.c:" },
		{ fill_past, "store of 1 bytes at", "was never handed out (memory.c:" },
		{ double_free, "free of", "it was freed before" },
		{ free_within, "free of", "is no allocation" },
		{ large_freed, "store of 1 bytes at", "was freed (memory.c:" },
		{ large_double_free, "free of", "it was freed before" },
		{ poisoned, "load of 8 bytes at", "is not to be touched (memory.c:" },
		{ unlock_alien, "a lock is given up", "that another fiber holds" },
		{ lock_twice, "a lock is taken twice", "" },
		{ destroy_held, "a lock is destroyed", "that fiber 0 holds" },
		{ for_ever, "stuck", "it has not ended" },
		{ crash, "Abort", "" },
		{ overflow, "Segmentation", "" },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const char *why = self_why(row[i].fn);

		if (strstr(why, row[i].why) == NULL || strstr(why, row[i].where) == NULL)
			fail_msg("row %u: \"%s\" and \"%s\" are not in \"%s\"", i, row[i].why,
				 row[i].where, why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_right_is_let_be),
					    cmocka_unit_test(what_is_wrong_is_named) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
