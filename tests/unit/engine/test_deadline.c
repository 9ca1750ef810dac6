/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * deadline.h: by a virtual clock that the test moves, so that the edge is met to the tick.
 */
#include "../../../engine/base/deadline.h"
#include "rig.h"

static void
passes_one_tick_late(void **state)
{
	_Atomic uint64_t now = 1000;
	struct sluice_clock clock = { .virt = &now, .hz = 1000000000 };
	struct deadline d = deadline_begin(&clock, 50);

	(void)state;
	assert_false(deadline_passed(&d));
	now = 1050;
	assert_false(deadline_passed(&d)); /* a wait gets all that it was given */
	now = 1051;
	assert_true(deadline_passed(&d));
}

static void
survives_the_end_of_the_counter(void **state)
{
	_Atomic uint64_t now = UINT64_MAX - 10;
	struct sluice_clock clock = { .virt = &now, .hz = 1000000000 };
	struct deadline d = deadline_begin(&clock, 50);

	(void)state;
	assert_false(deadline_passed(&d));
	now += 50;
	assert_false(deadline_passed(&d));
	now += 1;
	assert_true(deadline_passed(&d));
}

static void
first_look_begins(void **state)
{
	_Atomic uint64_t now = 1000;
	struct sluice_clock clock = { .virt = &now, .hz = 1000000000 };
	struct deadline d = { 0 };

	(void)state;
	assert_false(deadline_look(&d, &clock, 50));
	now = 1051;
	assert_true(deadline_look(&d, &clock, 50));
}

/* Nothing steps the hardware, and its clock stands still. */
static void
ends_when_a_virtual_clock_is_frozen(void **state)
{
	_Atomic uint64_t now = 1000;
	struct sluice_clock clock = { .virt = &now, .hz = 1000000000 };
	struct deadline d = deadline_begin(&clock, 50);

	(void)state;
	d.tsc -= DEADLINE_FROZEN + 1;
	assert_true(deadline_passed(&d));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_one_tick_late),
		cmocka_unit_test(survives_the_end_of_the_counter),
		cmocka_unit_test(first_look_begins),
		cmocka_unit_test(ends_when_a_virtual_clock_is_frozen),
	};

	return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
