/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Completion and repair: refused commands, aborted fetches, MSIs that never come, a dead queue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <rte_per_lcore.h>

#include "fake.h"

static struct fake *f;
static struct cmdq *cq;

static int
setup(void **state)
{
	(void)state;
	f = fake_create();
	cq = fake_cmdq(f, 5, true, true, 0, 0);
	RTE_PER_LCORE(_lcore_id) = LCORE_ID_ANY;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	cmdq_free(cq);
	fake_destroy(f);
	return 0;
}

static uint64_t
submit(unsigned int n)
{
	struct smmu_cmd c[8];

	for (unsigned int i = 0; i < n; i++)
		c[i] = cmd_tlbi_asid(0, (uint16_t)i);
	return cmdq_submit(cq, c, n);
}

/* Let the hardware and the service alternate until nothing moves. */
static unsigned int
run(void)
{
	unsigned int handled = 0, got;

	do {
		while (fake_step(&f->s.regs, 100) != 0)
			;
		got = smmu_service(&f->iommu);
		handled += got;
	} while (got != 0 && handled < 100);
	return handled;
}

/* Refused: the bad slot becomes a SYNC, its own submission fails, its neighbours do not. */
static void
refused_command(void **state)
{
	(void)state;
	for (unsigned int bad = 1; bad <= 3; bad++) {
		uint64_t a = submit(3), b, c;

		run();
		b = submit(3);
		c = submit(3);
		f->ill_in = bad;
		f->nlog = 0;
		assert_int_equal(run(), 1);
		assert_int_equal(cmdq_done(cq), c);
		assert_int_equal(cmdq_result(cq, a), 0);
		assert_int_equal(cmdq_result(cq, b), -EIO);
		assert_int_equal(cmdq_result(cq, c), 0);
		assert_int_equal(f->nlog, 8);
		assert_int_equal(f->log[bad - 1].w[0], 0x46);
		assert_int_equal(fake_rd(f, 0x60), fake_rd(f, 0x64));
	}
	assert_int_equal(atomic_load(&cq->err.cerror[1]), 3);
	assert_int_equal(atomic_load(&cq->err.repaired), 3);
}

/* The SYNC itself refused: written anew once, nothing was lost. */
static void
refused_sync(void **state)
{
	uint64_t a = submit(2);

	(void)state;
	f->ill_in = 3;
	assert_int_equal(run(), 1);
	assert_int_equal(cmdq_done(cq), a);
	assert_int_equal(cmdq_result(cq, a), 0);
	/* Refused twice: it becomes one that signals nothing; CONS says that it is done. */
	a = submit(2);
	f->ill_in = 3;
	f->ill_keep = 1;
	assert_int_equal(run(), 2);
	assert_true(cmdq_done(cq) < a);
	for (unsigned int i = 0; i < 3000 && cmdq_done(cq) < a; i++)
		;
	assert_int_equal(cmdq_done(cq), a);
	assert_int_equal(cmdq_result(cq, a), -EIO);
	assert_int_equal(atomic_load(&cq->cons_fallbacks), 1);
	/* And the MSI word takes over again. */
	a = submit(1);
	run();
	assert_int_equal(cmdq_done(cq), a);
}

static void
aborted_fetch_is_tried_again(void **state)
{
	uint64_t a = submit(2);

	(void)state;
	f->abt = 5;
	f->nlog = 0;
	assert_int_equal(run(), 5);
	assert_int_equal(cmdq_done(cq), a);
	assert_int_equal(cmdq_result(cq, a), 0);
	assert_int_equal(f->nlog, 3);
	assert_int_equal(atomic_load(&cq->err.cerror[2]), 5);
}

static void
by_cons(unsigned int log2size)
{
	cmdq_free(cq);
	cq = fake_cmdq(f, log2size, false, true, 0, 0);
}

/* n slots, to be committed later. */
static uint64_t
begin(unsigned int n)
{
	uint64_t pos = cmdq_reserve(cq, cmdq_self(cq), n);

	assert_int_not_equal(pos, CMDQ_NONE);
	for (unsigned int i = 0; i + 1 < n; i++)
		cmdq_put(cq, pos + i, cmd_tlbi_asid(0, 1));
	return pos;
}

static void
finish(uint64_t pos, unsigned int n)
{
	assert_int_equal(cmdq_commit(cq, cmdq_self(cq), pos, pos + n), pos + n);
}

static void
steps(unsigned int n)
{
	assert_int_equal(fake_step(&f->s.regs, n), n);
}

/* Refused in a burst that has no SYNC of its own: it failed, not the one whose SYNC it shares. */
static void
refused_before_a_shared_sync(void **state)
{
	uint64_t a, b;

	(void)state;
	a = begin(3);
	b = begin(3);
	finish(a, 3);
	finish(b, 3);
	f->ill_in = 2;
	assert_int_equal(run(), 1);
	assert_int_equal(f->syncs, 2); /* b's, and the one that took the bad command's place */
	assert_int_equal(cmdq_done(cq), b + 3);
	assert_int_equal(cmdq_result(cq, a + 3), -EIO);
	assert_int_equal(cmdq_result(cq, b + 3), 0);
}

/* Complete is what a real SYNC ends, and only when CONS is behind it; at every command. */
static void
cons_stops_anywhere(void **state)
{
	uint64_t a, b, c;

	(void)state;
	by_cons(5);
	/* Several times round the queue. */
	for (unsigned int lap = 0; lap < 60; lap++) {
		a = begin(2);
		b = begin(2);
		finish(a, 2); /* a filler in the end, for b is there; but at a group's end */
		finish(b, 2);
		c = submit(2);
		steps(1);
		assert_int_equal(cmdq_done(cq), a);
		steps(1);
		assert_int_equal(cmdq_done(cq), (a ^ (a + 2)) < 64 ? a : a + 2);
		steps(1);
		assert_true(cmdq_done(cq) < b + 2);
		steps(1);
		assert_int_equal(cmdq_done(cq), b + 2);
		steps(2);
		assert_int_equal(cmdq_done(cq), b + 2);
		steps(1);
		assert_int_equal(cmdq_done(cq), c);
	}
}

/* The longest way back to a real SYNC: a group of fillers, and a burst that lacks its last. */
static void
far_back(void **state)
{
	uint64_t first, one[63], last;

	(void)state;
	by_cons(8);
	first = begin(64);
	for (unsigned int i = 0; i < 63; i++)
		one[i] = begin(1);
	last = begin(65);
	finish(first, 64);
	for (unsigned int i = 0; i < 63; i++)
		finish(one[i], 1);
	finish(last, 65);
	steps(64 + 63 + 64);
	assert_int_equal(f->syncs, 1);
	assert_int_equal(cmdq_done(cq), 64);
	steps(1);
	assert_int_equal(cmdq_done(cq), 192);
}

/* Of one who read tail long ago: what it finds is true, if not all of the truth. */
static void
old_tail(void **state)
{
	uint64_t seq[64];

	(void)state;
	by_cons(4);
	for (unsigned int i = 0; i < 64; i++) {
		seq[i] = submit(1 + i % 2);
		run();
	}
	for (uint64_t tail = 0; tail <= seq[63]; tail++) {
		atomic_store(&cq->tail, tail);
		assert_true(cmdq_done(cq) <= seq[63]);
		/* The same with a burst that is not complete. */
		if (tail % 8 == 0) {
			uint64_t before = seq[63];

			atomic_store(&cq->tail, before);
			seq[63] = submit(1);
			atomic_store(&cq->tail, tail);
			assert_true(cmdq_done(cq) <= before);
			run();
		}
	}
	atomic_store(&cq->tail, seq[63]);
	assert_int_equal(cmdq_done(cq), seq[63]);
}

/* Completion by CONS of a queue that died: waits end all the same. */
static void
dead_by_cons(void **state)
{
	uint64_t a, b;

	(void)state;
	by_cons(5);
	a = submit(1);
	run();
	assert_int_equal(cmdq_done(cq), a);
	b = submit(1);
	f->abt = 1000;
	run();
	assert_true(cmdq_is_dead(cq));
	assert_true(cmdq_done(cq) >= b);
	assert_int_equal(cmdq_result(cq, a), 0);
	assert_int_equal(cmdq_result(cq, b), -EIO);
}

/* What cannot be repaired is given up: waits end, with an error, and nothing more is taken. */
static void
dead_queue(void **state)
{
	uint64_t a = submit(1), b;

	(void)state;
	run();
	b = submit(1);
	submit(1);
	f->abt = 1000;
	run();
	assert_true(cmdq_is_dead(cq));
	assert_in_range(atomic_load(&cq->err.cerror[2]), 8, 12);
	assert_true(cmdq_done(cq) >= b);
	assert_int_equal(cmdq_result(cq, a), 0);
	assert_int_equal(cmdq_result(cq, b), -EIO);
	assert_int_equal(cmdq_submit(cq, NULL, 0), 0);
	/* The error stays unacknowledged: the hardware must not run on. */
	assert_int_not_equal(fake_rd(f, 0x60), fake_rd(f, 0x64));
}

/* Killed because of a reset: CONS is 0, which looks like the end of a burst that was not executed.
 * What is known without CONS, from memory, stands. */
static void
dead_without_cons(void **state)
{
	(void)state;
	for (unsigned int cons = 0; cons < 2; cons++) {
		uint64_t done, lost, seq = 0;

		if (cons)
			by_cons(5);
		while (seq < 52) {
			seq = submit(1);
			run();
		}
		cmdq_refresh(cq);
		done = seq;
		assert_int_equal(cmdq_done(cq), done);
		while (seq < 64)
			seq = submit(1);
		lost = seq;
		submit(1);
		assert_int_equal(lost, 64); /* twice the size: index and wrap are 0 */
		fake_wr(f, 0x98, 0);
		fake_wr(f, 0x9c, 0);
		cmdq_kill(cq, "gone", false);
		assert_true(cmdq_done(cq) >= lost);
		assert_int_equal(cmdq_result(cq, lost), -EIO);
		assert_non_null(strstr(sluice_error(), "gone"));
		if (!cons)
			assert_int_equal(cmdq_result(cq, done), 0);
		assert_int_equal(submit(1), 0);
	}
}

static void
dead_on_stubborn_refusal(void **state)
{
	uint64_t a = submit(2);

	(void)state;
	f->ill_in = 2;
	f->ill_keep = 1000;
	run();
	assert_true(cmdq_is_dead(cq));
	assert_int_equal(cmdq_result(cq, a), -EIO);
}

/* Failures beyond what is remembered: a false alarm, never silence. */
static void
many_failures(void **state)
{
	uint64_t first = 0, seq = 0, good;

	(void)state;
	good = submit(1);
	run();
	for (unsigned int i = 0; i < 300; i++) {
		seq = submit(1);
		if (i == 0)
			first = seq;
		f->ill_in = 1;
		run();
		assert_int_equal(cmdq_result(cq, seq), -EIO);
	}
	assert_int_equal(cmdq_result(cq, first), -EIO);
	assert_int_equal(cmdq_result(cq, good), -EIO);
	seq = submit(1);
	run();
	assert_int_equal(cmdq_result(cq, seq), 0);
}

/* MSI writes get lost: CONS says it, a little later. */
static void
lost_msi(void **state)
{
	uint64_t a = submit(1);
	unsigned int looks = 0;

	(void)state;
	f->no_msi_write = true;
	run();
	while (cmdq_done(cq) < a)
		assert_true(++looks < 3000);
	assert_true(looks > 500);
	/* The hardware says so itself: CONS only, from then on. */
	a = submit(1);
	fake_step(&f->s.regs, 10);
	assert_true(cmdq_done(cq) < a);
	fake_wr(f, 0x60, fake_rd(f, 0x60) ^ 0x10);
	assert_int_equal(smmu_service(&f->iommu), 1);
	assert_int_equal(cmdq_done(cq), a);
	assert_int_equal(fake_rd(f, 0x60), fake_rd(f, 0x64));
}

/* An idle lcore that never looked for more than 2^31 commands is no problem for the others, and
 * a word behind or ahead of tail is extended to the right side. */
static void
extension(void **state)
{
	(void)state;
	cmdq_free(cq);
	cq = fake_cmdq(f, 5, true, true, 0, UINT64_C(5) << 32);
	atomic_store(cq->msi, 0xfffffff0);
	atomic_store(&cq->floor, 0);
	assert_int_equal(cmdq_done(cq), (UINT64_C(5) << 32) - 16);
	atomic_store(cq->msi, 16);
	assert_int_equal(cmdq_done(cq), (UINT64_C(5) << 32) + 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(refused_command, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_sync, setup, teardown),
		cmocka_unit_test_setup_teardown(aborted_fetch_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(dead_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(dead_without_cons, setup, teardown),
		cmocka_unit_test_setup_teardown(dead_by_cons, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_before_a_shared_sync, setup, teardown),
		cmocka_unit_test_setup_teardown(cons_stops_anywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(far_back, setup, teardown),
		cmocka_unit_test_setup_teardown(old_tail, setup, teardown),
		cmocka_unit_test_setup_teardown(dead_on_stubborn_refusal, setup, teardown),
		cmocka_unit_test_setup_teardown(many_failures, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_msi, setup, teardown),
		cmocka_unit_test_setup_teardown(extension, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
