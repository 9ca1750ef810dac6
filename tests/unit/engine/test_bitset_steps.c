/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * bitset.c step by step: one operation is stopped before its Nth atomic access, another runs there
 * as a whole, for each N. What two threads meet once in a million tries, every time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

static unsigned int steps_left; /* accesses until the other runs; 0: it does not */
static void (*other)(void);

static void
step(void)
{
	if (steps_left != 0 && --steps_left == 0)
		other();
}

static uint64_t
step_fetch_and(_Atomic uint64_t *p, uint64_t v)
{
	step();
	return atomic_fetch_and_explicit(p, v, memory_order_seq_cst);
}

static uint64_t
step_fetch_or(_Atomic uint64_t *p, uint64_t v)
{
	step();
	return atomic_fetch_or_explicit(p, v, memory_order_seq_cst);
}

static uint64_t
step_load(const _Atomic uint64_t *p)
{
	step();
	return atomic_load_explicit(p, memory_order_seq_cst);
}

#undef atomic_fetch_and_explicit
#undef atomic_fetch_or_explicit
#undef atomic_load_explicit
#define atomic_fetch_and_explicit(p, v, order) step_fetch_and(p, v)
#define atomic_fetch_or_explicit(p, v, order)  step_fetch_or(p, v)
#define atomic_load_explicit(p, order)	       step_load(p)
#include "engine/iova/bitset.c"

#define STEPS 40u /* more than any operation here has */

static struct bitset b;
static uint32_t mine, its; /* members of who is stopped, of who runs in between */
static uint32_t other_got;

static void
other_sets(void)
{
	bitset_set(&b, its);
}

static void
other_clears(void)
{
	bitset_clear(&b, its);
}

static void
other_takes(void)
{
	other_got = bitset_take(&b, 0);
}

/* The members' places: same word, same summary word, same top word. */
static const uint32_t pairs[][2] = { { 0, 1 }, { 0, 64 }, { 0, 4096 }, { 4095, 4096 }, { 70, 69 } };

static void
agrees(bool has_mine, bool has_its)
{
	uint32_t low = mine < its ? mine : its, high = mine < its ? its : mine;
	bool has_low = mine < its ? has_mine : has_its, has_high = mine < its ? has_its : has_mine;

	assert_true(bitset_valid(&b));
	assert_int_equal(bitset_count(&b), (unsigned int)has_mine + has_its);
	assert_int_equal(bitset_find(&b, 0), has_low ? low : has_high ? high : BITSET_NONE);
	bitset_clear(&b, mine);
	bitset_clear(&b, its);
	assert_true(bitset_valid(&b));
	assert_int_equal(bitset_find(&b, 0), BITSET_NONE);
}

static unsigned int cut_at;

static void
arm(void)
{
	steps_left = cut_at;
}

/* Run @p body for each pair and each step at which the other cuts in. */
static void
at_every_step(void (*body)(void), void (*cuts_in)(void))
{
	other = cuts_in;
	for (unsigned int p = 0; p < sizeof(pairs) / sizeof(pairs[0]); p++) {
		mine = pairs[p][0];
		its = pairs[p][1];
		for (cut_at = 1; cut_at < STEPS; cut_at++) {
			assert_int_equal(bitset_init(&b, 5000), 0);
			other_got = BITSET_NONE;
			body();
			bitset_fini(&b);
		}
	}
}

/* It did not cut in: then it runs afterwards. */
static void
finish(void)
{
	if (steps_left != 0) {
		steps_left = 0;
		other();
	}
}

static void
clear_mine(void)
{
	bitset_set(&b, mine);
	arm();
	assert_true(bitset_clear(&b, mine));
	finish();
	agrees(false, true);
}

static void
clear_mine_its_goes_too(void)
{
	bitset_set(&b, mine);
	bitset_set(&b, its);
	arm();
	assert_true(bitset_clear(&b, mine));
	finish();
	agrees(false, false);
}

static void
set_mine_its_goes(void)
{
	bitset_set(&b, its);
	arm();
	bitset_set(&b, mine);
	finish();
	agrees(true, false);
}

static void
both_take_the_only_one(void)
{
	uint32_t got;

	bitset_set(&b, mine);
	arm();
	got = bitset_take(&b, 0);
	finish();
	/* One of them has it, never both. */
	assert_true((got == mine) != (other_got == mine));
	assert_true(got == mine || got == BITSET_NONE);
	agrees(false, false);
}

static void
a_set_into_a_word_that_is_being_emptied(void **state)
{
	(void)state;
	at_every_step(clear_mine, other_sets);
}

static void
two_clears(void **state)
{
	(void)state;
	at_every_step(clear_mine_its_goes_too, other_clears);
}

static void
a_clear_in_the_midst_of_a_set(void **state)
{
	(void)state;
	at_every_step(set_mine_its_goes, other_clears);
}

static void
two_takes_of_one(void **state)
{
	(void)state;
	at_every_step(both_take_the_only_one, other_takes);
}

/* A run that is not there: nothing is missing for others, at no step of looking for it. */
static unsigned int missing;

static void
others_count(void)
{
	missing += bitset_count(&b) != 5;
}

static void
a20_an_impossible_run_takes_nothing(void **state)
{
	static const uint32_t members[] = { 0, 1, 2, 64, 65 };

	(void)state;
	missing = 0;
	for (unsigned int n = 1; n < STEPS; n++) {
		assert_int_equal(bitset_init(&b, 200), 0);
		for (unsigned int i = 0; i < 5; i++)
			bitset_set(&b, members[i]);
		other = others_count;
		steps_left = n;
		assert_int_equal(bitset_take_run(&b, 4), BITSET_NONE);
		steps_left = 0;
		assert_int_equal(bitset_count(&b), 5);
		bitset_fini(&b);
	}
	assert_int_equal(missing, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a20_an_impossible_run_takes_nothing),
		cmocka_unit_test(a_set_into_a_word_that_is_being_emptied),
		cmocka_unit_test(two_clears),
		cmocka_unit_test(a_clear_in_the_midst_of_a_set),
		cmocka_unit_test(two_takes_of_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
