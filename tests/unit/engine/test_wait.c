/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * wait.c: bounded, ends at the right sequence number, tells the truth about the result, and asks
 * the hardware for errors when it takes long.
 */
#include "engine/base/wait.h"
#include "rig.h"

static unsigned int turns, complete_at;

static void
on_relax(void *arg)
{
	if (++turns == complete_at)
		fake_complete(arg, 1);
}

static struct fake *
up(unsigned int at)
{
	struct fake *f = fake_open("");

	f->immediate = false;
	f->on_relax = on_relax;
	f->on_relax_arg = f;
	turns = 0;
	complete_at = at;
	return f;
}

static void
complete_already_costs_no_turn(void **state)
{
	struct fake *f = up(0);

	(void)state;
	f->submitted = f->done = 5;
	assert_int_equal(sluice_inv_wait(f->iommu, 5), 0);
	assert_int_equal(sluice_inv_wait(f->iommu, 4), 0);
	assert_int_equal(turns, 0);
	fake_close(f);
}

static void
waits_for_its_own_number(void **state)
{
	struct fake *f = up(7);

	(void)state;
	f->submitted = 3;
	f->done = 2;
	assert_int_equal(sluice_inv_wait(f->iommu, 3), 0);
	assert_int_equal(turns, 7);
	fake_close(f);
}

static void
result_is_of_that_submission(void **state)
{
	struct fake *f = up(0);

	(void)state;
	f->submitted = f->done = 9;
	f->bad_from = 4;
	f->bad_upto = 6;
	for (uint64_t seq = 1; seq <= 9; seq++)
		assert_int_equal(sluice_inv_wait(f->iommu, seq), seq == 4 || seq == 5 ? -EIO : 0);
	fake_close(f);
}

static void
gives_up_at_the_deadline(void **state)
{
	struct fake *f = up(0);

	(void)state;
	f->submitted = 1;
	uint64_t t0 = f->now;

	assert_int_equal(sluice_inv_wait(f->iommu, 1), -ETIMEDOUT);
	assert_true(f->now - t0 >= FAKE_TIMEOUT);
	/* The clock is read every 256 turns, a microsecond each. */
	assert_true(f->now - t0 <= FAKE_TIMEOUT + 3 * 256 * 1000);
	fake_close(f);
}

static void
looks_for_errors_while_it_waits(void **state)
{
	struct fake *f = up(10000);

	(void)state;
	f->submitted = 1;
	f->relax_ns = 1; /* far from the deadline */
	assert_int_equal(sluice_inv_wait(f->iommu, 1), 0);
	assert_true(f->services >= 2);
	fake_close(f);
}

static void
without_a_hook_it_only_pauses(void **state)
{
	struct fake *f = fake_open("clock=tsc");

	(void)state;
	assert_null(f->iommu->relax);
	f->iommu->sync_timeout = sluice_clock_from_ns(&f->iommu->clock, 2000000);
	f->immediate = false;
	f->submitted = 1;
	assert_int_equal(sluice_inv_wait(f->iommu, 1), -ETIMEDOUT);
	f->done = 1;
	assert_int_equal(sluice_inv_wait(f->iommu, 1), 0);
	fake_close(f);
}

static void
sync_submits_and_waits(void **state)
{
	struct fake *f = up(3);
	struct sluice_inv inv[2] = { { .op = SLUICE_INV_DOMAIN, .tag = 3 },
				     { .op = SLUICE_INV_RANGE, .tag = 3, .pages = 1 } };

	(void)state;
	assert_int_equal(sluice_inv_sync(f->iommu, inv, 2), 0);
	assert_int_equal(turns, 3);
	assert_int_equal(fake_sub(f, 1)->n, 2);
	assert_memory_equal(fake_sub(f, 1)->inv, inv, sizeof(inv));
	f->refuse = 1;
	assert_int_equal(sluice_inv_sync(f->iommu, NULL, 0), -EIO);
	assert_int_equal(f->submitted, 1);
	f->immediate = true;
	assert_int_equal(sluice_inv_sync(f->iommu, NULL, 0), 0);
	assert_int_equal(fake_sub(f, 2)->n, 0);
	fake_close(f);
}

static void
clock_conversions(void **state)
{
	const struct sluice_clock c = { .hz = 2399999000 };

	(void)state;
	for (uint64_t ns = 0; ns < UINT64_C(1) << 60; ns = ns * 3 + 1) {
		uint64_t back = sluice_clock_to_ns(&c, sluice_clock_from_ns(&c, ns));

		assert_true(back <= ns && ns - back <= 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complete_already_costs_no_turn),
		cmocka_unit_test(waits_for_its_own_number),
		cmocka_unit_test(result_is_of_that_submission),
		cmocka_unit_test(gives_up_at_the_deadline),
		cmocka_unit_test(looks_for_errors_while_it_waits),
		cmocka_unit_test(without_a_hook_it_only_pauses),
		cmocka_unit_test(sync_submits_and_waits),
		cmocka_unit_test(clock_conversions),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
