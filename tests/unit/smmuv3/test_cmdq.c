/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The command queue with one thread that plays several producers: wrap, full, the baton in every
 * order, shared SYNCs, deadlines. tests/stress/stress_cmdq has the threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <rte_per_lcore.h>

#include "fake.h"

static struct fake *f;

static int
setup(void **state)
{
	(void)state;
	f = fake_create();
	RTE_PER_LCORE(_lcore_id) = LCORE_ID_ANY;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	RTE_PER_LCORE(_lcore_id) = LCORE_ID_ANY;
	cmdq_free(&f->s.cmdq);
	fake_destroy(f);
	return 0;
}

static uint32_t
prod(void)
{
	return fake_rd(f, 0x98);
}

/* Start a burst of n slots as lcore id, and stop before it is committed. */
static uint64_t
begin(struct cmdq *cq, unsigned int id, unsigned int n)
{
	uint64_t pos = cmdq_reserve(cq, &cq->lcore[id], n);

	assert_int_not_equal(pos, CMDQ_NONE);
	for (unsigned int i = 0; i + 1 < n; i++)
		cmdq_put(cq, pos + i, cmd_tlbi_va(0, (uint16_t)id, (pos + i) << 12, true));
	return pos;
}

static void
finish(struct cmdq *cq, unsigned int id, uint64_t pos, unsigned int n)
{
	assert_int_equal(cmdq_commit(cq, &cq->lcore[id], pos, pos + n), pos + n);
}

/* Around every queue many times, in both modes, across 2^32: each position consumed in order. */
static void
wraps(void **state)
{
	(void)state;
	for (unsigned int log2 = 1; log2 <= 10; log2++) {
		for (unsigned int mode = 0; mode < 4; mode++) {
			uint64_t start = mode & 2 ? (UINT64_C(1) << 32) - (UINT64_C(2) << log2) : 0;
			struct cmdq *cq = fake_cmdq(f, log2, mode & 1, true, 0, start);
			uint64_t last = start;

			for (unsigned int i = 0; i < (8u << log2); i++) {
				struct smmu_cmd c = cmd_tlbi_asid(0, (uint16_t)i);
				uint64_t seq = cmdq_submit(cq, &c, 1);

				assert_int_equal(seq, last + 2);
				assert_true(cmdq_done(cq) < seq);
				last = seq;
				f->nlog = 0;
				/* In two steps: not complete in between. */
				assert_int_equal(fake_step(&f->s.regs, 1), 1);
				assert_true(cmdq_done(cq) < seq);
				assert_int_equal(fake_step(&f->s.regs, 10), 1);
				assert_int_equal(cmdq_done(cq), seq);
				assert_int_equal(f->log[0].w[0] >> 48, i & 0xffff);
			}
			cmdq_free(cq);
		}
	}
	fake_cmdq(f, 4, true, true, 0, 0);
}

/* SYNC words: MSIData is the low half of the sequence number, also beyond 2^32. */
static void
sync_words(void **state)
{
	struct cmdq *cq = fake_cmdq(f, 4, true, true, 0, (UINT64_C(1) << 32) - 32);

	(void)state;
	for (unsigned int i = 1; i <= 64; i++) {
		assert_int_equal(cmdq_submit(cq, NULL, 0), (UINT64_C(1) << 32) - 32 + i);
		fake_step(&f->s.regs, 10);
		assert_int_equal(f->log[i - 1].w[0],
				 (uint64_t)(uint32_t)(0u - 32 + i) << 32 | 0x0fc01046);
		assert_int_equal(f->log[i - 1].w[1], cq->msi_pa);
	}
	cmdq_free(cq);
	cq = fake_cmdq(f, 4, false, true, 0, 0);
	cmdq_submit(cq, NULL, 0);
	fake_step(&f->s.regs, 10);
	assert_int_equal(f->log[64].w[0], 0x46);
	assert_int_equal(f->log[64].w[1], 0);
}

/* Three bursts committed in all six orders: PROD follows the contiguous part, never back. */
static void
baton_orders(void **state)
{
	static const unsigned int order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
						  { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct cmdq *cq = fake_cmdq(f, 5, true, false, 3, 0);

	(void)state;
	/* Enough rounds for several laps: 7 slots a round, 32 in the queue. */
	for (unsigned int round = 0; round < 60; round++) {
		uint64_t pos[3], base;
		unsigned int len[3] = { 2, 4, 1 };
		bool ready[3] = { false };

		for (unsigned int i = 0; i < 3; i++)
			pos[i] = begin(cq, i, len[i]);
		base = pos[0];
		assert_int_equal(prod(), base & 63);
		for (unsigned int k = 0; k < 3; k++) {
			unsigned int who = order[round % 6][k];
			uint64_t want = base;

			finish(cq, who, pos[who], len[who]);
			ready[who] = true;
			for (unsigned int i = 0; i < 3 && ready[i]; i++)
				want += len[i];
			assert_int_equal(prod(), want & 63);
		}
		while (fake_step(&f->s.regs, 100) != 0)
			;
		assert_int_equal(cmdq_done(cq), base + 7);
	}
}

/* Bursts that became ready behind an unfinished one go out with one doorbell. */
static void
one_doorbell_for_many(void **state)
{
	struct cmdq *cq = fake_cmdq(f, 8, true, false, 4, 0);
	uint64_t pos[4];
	struct cmdq_stats st;

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		pos[i] = begin(cq, i, 2);
	for (unsigned int i = 4; i-- > 0; )
		finish(cq, i, pos[i], 2);
	assert_int_equal(prod(), 8);
	cmdq_get_stats(cq, &st);
	assert_int_equal(st.doorbells, 1);
	assert_int_equal(st.subs, 4);
	assert_int_equal(st.cmds, 8);
}

/* A SYNC with another burst reserved behind it is left out; the last one never is. */
static void
shared_syncs(void **state)
{
	struct cmdq *cq = fake_cmdq(f, 8, true, true, 3, 0);
	uint64_t a = begin(cq, 0, 2), b = begin(cq, 1, 2), c;
	struct cmdq_stats st;

	(void)state;
	finish(cq, 0, a, 2);
	while (fake_step(&f->s.regs, 100) != 0)
		;
	/* Consumed, but not complete: in either way of looking. */
	assert_int_equal(f->nlog, 2);
	assert_int_equal(f->log[1].w[0] & 0xff, 1);
	assert_int_equal(cmdq_done(cq), 0);
	atomic_store(&cq->msi_on, false);
	assert_int_equal(cmdq_done(cq), 0);
	atomic_store(&cq->msi_on, true);
	finish(cq, 1, b, 2);
	while (fake_step(&f->s.regs, 100) != 0)
		;
	assert_int_equal(cmdq_done(cq), b + 2);
	assert_int_equal(f->syncs, 1);
	cmdq_get_stats(cq, &st);
	assert_int_equal(st.shared, 1);
	assert_int_equal(st.syncs, 1);

	/* The chain is cut at a group's last slot. */
	while (begin(cq, 2, 1) != 59)
		;
	for (uint64_t p = 4; p < 60; p++)
		finish(cq, 2, p, 1);
	a = begin(cq, 0, 2);
	b = begin(cq, 1, 2);
	c = begin(cq, 2, 2);
	f->syncs = 0;
	finish(cq, 0, a, 2);
	finish(cq, 1, b, 2);
	finish(cq, 2, c, 2);
	while (fake_step(&f->s.regs, 100) != 0)
		;
	assert_int_equal(f->syncs, 2 + 1); /* 59's own: it was committed when 60 was free */
	assert_int_equal(f->log[b + 1].w[0] & 0xff, 0x46);
	assert_int_equal(f->log[a + 1].w[0] & 0xff, 1);
}

/* Every lcore of the margin checks at the same time and adds as much as it may: still no more
 * than the queue holds. */
static void
margin_holds(void **state)
{
	enum { LCORES = 16 };
	struct cmdq *cq = fake_cmdq(f, 8, true, false, LCORES, 0);
	int64_t limit = atomic_load(&cq->limit);
	uint64_t head;

	(void)state;
	assert_int_equal(limit, 256 - LCORES * 8);
	f->stop = true;
	f->iommu.sync_timeout = 100;
	/* Lcore 0 fills to the limit; the others' view is that of the start. */
	while (cmdq_reserve(cq, &cq->lcore[0], 8) != CMDQ_NONE)
		;
	for (unsigned int i = 1; i < LCORES; i++) {
		assert_int_not_equal(cmdq_reserve(cq, &cq->lcore[i], 8), CMDQ_NONE);
		assert_int_equal(cmdq_reserve(cq, &cq->lcore[i], 1), CMDQ_NONE);
	}
	head = atomic_load(&cq->head);
	assert_true(head <= 256);
	assert_int_equal(cmdq_reserve(cq, &cq->lcore[RTE_MAX_LCORE], 1), CMDQ_NONE);
	assert_int_equal(cmdq_reserve(cq, &cq->lcore[0], 9), CMDQ_NONE);
	assert_int_equal(atomic_load(&cq->head), head);
}

/* Too many lcores for a small queue: nobody uses fetch_add, and all of the queue can be used. */
static void
small_queues_use_cas(void **state)
{
	struct cmdq *cq = fake_cmdq(f, 4, true, false, 2, 0);

	(void)state;
	assert_int_equal(cq->lcore[0].faa_max, 0);
	assert_int_equal(atomic_load(&cq->limit), 16);
	assert_int_equal(cq->max_burst, 16);
	f->stop = true;
	f->iommu.sync_timeout = 100;
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(cmdq_reserve(cq, &cq->lcore[i % 2], 2), 2 * i);
	assert_int_equal(cmdq_reserve(cq, &cq->lcore[0], 1), CMDQ_NONE);
	assert_int_equal(atomic_load(&cq->head), 16);
}

/* Who was not promised a margin gets no slot by fetch_add, however far the queue has come. */
static void
only_lcores_of_the_margin_add(void **state)
{
	struct cmdq *cq = fake_cmdq(f, 6, true, true, 1, 0);
	uint64_t pos;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		assert_false(cmdq_reserve_fast(cq, &cq->lcore[1], 1, &pos));
		assert_false(cmdq_reserve_fast(cq, &cq->lcore[RTE_MAX_LCORE], 1, &pos));
		assert_false(cmdq_reserve_fast(cq, &cq->lcore[0], 9, &pos));
		finish(cq, 1, begin(cq, 1, 3), 3);
		while (fake_step(&f->s.regs, 100) != 0)
			;
		cmdq_refresh(cq);
		finish(cq, RTE_MAX_LCORE, begin(cq, RTE_MAX_LCORE, 3), 3);
		while (fake_step(&f->s.regs, 100) != 0)
			;
		cmdq_refresh(cq);
	}
	assert_true(cmdq_reserve_fast(cq, &cq->lcore[0], 8, &pos));
	assert_int_equal(pos, 6000);
}

/* A full queue: waits, then gives up without a trace; goes on when there is room. */
static void
full(void **state)
{
	for (unsigned int lcores = 0; lcores <= 1; lcores++) {
		struct cmdq *cq = fake_cmdq(f, 5, true, true, lcores, 0);
		struct cmdq_stats st;
		uint64_t last = 0, seq, t0;
		unsigned int n = 0;

		(void)state;
		RTE_PER_LCORE(_lcore_id) = lcores != 0 ? 0 : LCORE_ID_ANY;
		f->hang_sync = true;
		f->iommu.sync_timeout = 1000;
		while ((seq = cmdq_submit(cq, NULL, 0)) != 0) {
			last = seq;
			n++;
		}
		assert_true(n >= 24 && n <= 32);
		assert_int_equal(atomic_load(&cq->head), last);
		cmdq_get_stats(cq, &st);
		assert_int_equal(st.full_timeouts, 1);
		assert_int_equal(st.full_waits, 1);
		t0 = atomic_load(&f->now);
		assert_int_equal(cmdq_submit(cq, NULL, 0), 0);
		assert_in_range(atomic_load(&f->now) - t0, 1000, 1010);
		f->hang_sync = false;
		assert_int_equal(cmdq_submit(cq, NULL, 0), last + 1);
		while (fake_step(&f->s.regs, 100) != 0)
			;
		assert_int_equal(cmdq_done(cq), last + 1);
		cmdq_free(cq);
	}
	fake_cmdq(f, 4, true, true, 0, 0);
}

/* Who must not wait is told at once that there is no room, and has taken none; a look at CONS is all
 * that it spends. A dead queue is another matter. */
static void
a_try_does_not_wait(void **state)
{
	struct smmu_cmd c[3] = { cmd_tlbi_asid(0, 1), cmd_tlbi_asid(0, 2), cmd_tlbi_asid(0, 3) };

	(void)state;
	for (unsigned int lcores = 0; lcores <= 1; lcores++) {
		struct cmdq *cq = fake_cmdq(f, 5, true, true, lcores, 0);
		uint64_t last = 0, seq, t0 = atomic_load(&f->now);
		struct cmdq_stats st;

		RTE_PER_LCORE(_lcore_id) = lcores != 0 ? 0 : LCORE_ID_ANY;
		f->hang_sync = true;
		while ((seq = cmdq_try(cq, c, 3)) != SLUICE_INV_FULL) {
			assert_int_equal(seq, last + 4);
			last = seq;
		}
		assert_true(last >= 24 && last <= 32);
		assert_int_equal(atomic_load(&cq->head), last);
		for (unsigned int i = 0; i < 100; i++)
			assert_int_equal(cmdq_try(cq, c, 3), SLUICE_INV_FULL);
		assert_int_equal(atomic_load(&cq->head), last);
		assert_int_equal(atomic_load(&f->now), t0); /* no relax hook */
		cmdq_get_stats(cq, &st);
		assert_int_equal(st.full_waits, 0);
		assert_int_equal(st.full_timeouts, 0);
		assert_int_equal(st.subs, last / 4);
		/* Room: CONS is looked at by the next try. */
		f->hang_sync = false;
		while (fake_step(&f->s.regs, 100) != 0)
			;
		assert_int_equal(cmdq_try(cq, c, 3), last + 4);
		cmdq_kill(cq, "killed", true);
		assert_int_equal(cmdq_try(cq, c, 3), 0);
		cmdq_free(cq);
	}
	fake_cmdq(f, 4, true, true, 0, 0);
}

/* CONS that cannot be is not believed. */
static void
nonsense_cons(void **state)
{
	struct cmdq *cq = fake_cmdq(f, 4, false, true, 0, 0);

	(void)state;
	cmdq_submit(cq, NULL, 0);
	fake_step(&f->s.regs, 10);
	assert_int_equal(cmdq_done(cq), 1);
	fake_wr(f, 0x9c, 31);
	assert_true(cmdq_done(cq) <= 1);
	assert_int_equal(atomic_load(&cq->bad_cons), 1);
}

/* CONS is read by one who then sleeps while others go round the queue: no use is made of it. */
static uint32_t
slow_read32(struct sluice_regs *regs, uint32_t off)
{
	struct cmdq *cq = &((struct fake *)regs->priv)->s.cmdq;

	(void)off;
	atomic_store(&cq->head, 35);
	atomic_store(&cq->tail, 33);
	return 3;
}

static void
stale_cons(void **state)
{
	struct cmdq *cq = fake_cmdq(f, 4, false, true, 0, 0);

	(void)state;
	f->s.regs.base = NULL;
	f->regs_ops.read32 = slow_read32;
	assert_int_equal(cmdq_read_cons(cq), 33);
	/* The same without the others. */
	assert_int_equal(cmdq_read_cons(cq), 35);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wraps, setup, teardown),
		cmocka_unit_test_setup_teardown(sync_words, setup, teardown),
		cmocka_unit_test_setup_teardown(baton_orders, setup, teardown),
		cmocka_unit_test_setup_teardown(one_doorbell_for_many, setup, teardown),
		cmocka_unit_test_setup_teardown(shared_syncs, setup, teardown),
		cmocka_unit_test_setup_teardown(margin_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(small_queues_use_cas, setup, teardown),
		cmocka_unit_test_setup_teardown(only_lcores_of_the_margin_add, setup, teardown),
		cmocka_unit_test_setup_teardown(full, setup, teardown),
		cmocka_unit_test_setup_teardown(a_try_does_not_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(nonsense_cons, setup, teardown),
		cmocka_unit_test_setup_teardown(stale_cons, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
