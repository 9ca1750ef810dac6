/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The command queue: wrap at every small size, SYNC by CONS and by memory, latencies, command
 * errors and what repairs them.
 */
#include "rig.h"

static void
queue_only(struct rig *r, const struct emu_smmuv3_conf *c, uint32_t log2)
{
	rig_new(r, c);
	rig_queues(r, log2, 2);
	rig_w32(r, SMMU_CR0, (uint32_t)(SMMU_CR0_CMDQEN | SMMU_CR0_EVENTQEN));
	rig_run(r);
}

/* One entry to eight: fill, drain, many times around. */
static void
test_wrap(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();

	(void)state;
	for (uint32_t log2 = 0; log2 <= 3; log2++)
		for (uint32_t n = 1; n <= 1u << log2; n++) {
			struct rig r;

			queue_only(&r, &c, log2);
			for (int round = 0; round < 20; round++) {
				for (uint32_t i = 0; i < n; i++)
					rig_post(&r, i + 1 == n ? SMMU_CMD_SYNC :
								  SMMU_CMD_TLBI_NH_ALL, 0);
				rig_run(&r);
				assert_int_equal(rig_cons(&r), r.prod);
			}
			assert_int_equal(rig_stats(&r).syncs, 20);
			assert_int_equal(rig_stats(&r).tlbis, 20 * (n - 1));
			assert_int_equal(rig_stats(&r).cmds, 20 * n);
			rig_free(&r);
		}
}

/* A queue larger than IDR1.CMDQS acts as the largest. */
static void
test_size_capped(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	c.cmdq_max_log2 = 1;
	rig_new(&r, &c);
	rig_queues(&r, 4, 2);
	rig_w32(&r, SMMU_CR0, (uint32_t)SMMU_CR0_CMDQEN);
	rig_run(&r);
	r.cmdq_log2 = 1;
	for (int i = 0; i < 9; i++)
		rig_cmd(&r, SMMU_CMD_TLBI_NSNH_ALL, 0);
	rig_free(&r);
}

/* It starts where PROD and CONS say. */
static void
test_start_index(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	rig_new(&r, &c);
	rig_queues(&r, 3, 2);
	r.prod = 13; /* wrap set, index 5 */
	rig_w32(&r, SMMU_CMDQ_PROD, 13);
	rig_w32(&r, SMMU_CMDQ_CONS, 13);
	rig_w32(&r, SMMU_CR0, (uint32_t)SMMU_CR0_CMDQEN);
	rig_run(&r);
	assert_int_equal(rig_stats(&r).cmds, 0);
	rig_cmd(&r, SMMU_CMD_TLBI_NH_ALL, 0);
	assert_int_equal(rig_cons(&r), 15);
	rig_free(&r);
}

static uint64_t
now(struct rig *r)
{
	return atomic_load_explicit(emu_virtual_clock(r->e), memory_order_relaxed);
}

/* A SYNC lasts sync_ns after everything before it took tlbi_ns; those overlap. */
static void
test_latencies(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;
	uint64_t t;

	(void)state;
	c.sync_ns = 300;
	c.tlbi_ns = 1000;
	queue_only(&r, &c, 4);
	rig_post(&r, SMMU_CMD_SYNC, 0);
	t = now(&r);
	while (rig_cons(&r) != r.prod)
		assert_int_equal(emu_step(r.e, 1), 1);
	assert_in_range(now(&r) - t, 300, 320);
	for (int i = 0; i < 8; i++)
		rig_post(&r, SMMU_CMD_TLBI_NH_ALL, 0);
	rig_post(&r, SMMU_CMD_SYNC, 0);
	t = now(&r);
	/* Consumed long before they are complete; CONS stops at the SYNC. */
	emu_step(r.e, 10);
	assert_int_equal(rig_cons(&r), (r.prod - 1) & 31);
	while (rig_cons(&r) != r.prod)
		assert_int_equal(emu_step(r.e, 1), 1);
	assert_in_range(now(&r) - t, 1300, 1500);
	rig_free(&r);
}

/* An invalidation takes effect when it is due, not before. */
static void
test_tlbi_is_asynchronous(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;
	uint64_t a, b;

	(void)state;
	c.tlbi_ns = 500;
	rig_new(&r, &c);
	rig_up(&r);
	a = rig_page(&r, 0x11);
	b = rig_page(&r, 0x22);
	rig_map(&r, 0x1000, a, RIG_RW);
	rig_sees(&r, 0x1000, 0x11);
	rig_map(&r, 0x1000, b, RIG_RW);
	rig_post(&r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), 0x1000 | SMMU_TLBI_1_LEAF);
	emu_step(r.e, 20);
	rig_sees(&r, 0x1000, 0x11);
	rig_run(&r);
	rig_sees(&r, 0x1000, 0x22);
	rig_free(&r);
}

/* Broken on purpose: the SYNC does not wait for a TLBI, which is still to come; for a CFGI it does. */
static void
test_sync_early(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;
	uint64_t a, b, t;

	(void)state;
	c.tlbi_ns = 5000;
	c.sync_ns = 300;
	c.sync_early = true;
	rig_new(&r, &c);
	rig_up(&r);
	a = rig_page(&r, 0x11);
	b = rig_page(&r, 0x22);
	rig_map(&r, 0x1000, a, RIG_RW);
	rig_sees(&r, 0x1000, 0x11);
	rig_map(&r, 0x1000, b, RIG_RW);
	rig_post(&r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), 0x1000 | SMMU_TLBI_1_LEAF);
	rig_post(&r, SMMU_CMD_SYNC, 0);
	t = now(&r);
	while (rig_cons(&r) != r.prod)
		assert_int_equal(emu_step(r.e, 1), 1);
	assert_in_range(now(&r) - t, 0, 100);
	rig_sees(&r, 0x1000, 0x11);
	rig_run(&r);
	rig_sees(&r, 0x1000, 0x22);
	rig_post(&r, SMMU_CMD_CFGI_STE | (uint64_t)RIG_SID << 32, 0);
	rig_post(&r, SMMU_CMD_SYNC, 0);
	t = now(&r);
	while (rig_cons(&r) != r.prod)
		assert_int_equal(emu_step(r.e, 1), 1);
	assert_in_range(now(&r) - t, 5000, 5200);
	rig_free(&r);
}

/* Completion by memory: the data, the address, CONS no later. */
static void
test_sync_msi(void **state)
{
	struct rig *r = *state;
	uint64_t page = rig_page(r, 0);
	uint32_t *word = rig_va(r, page);
	uint64_t sync = SMMU_CMD_SYNC | smmu_field_prep(SMMU_SYNC_0_CS, SMMU_SYNC_CS_IRQ) |
			smmu_field_prep(SMMU_SYNC_0_MSIDATA, 0xcafe1234);

	rig_post(r, sync, page + 8);
	while (word[2] == 0)
		emu_step(r->e, 1);
	assert_int_equal(word[2], 0xcafe1234);
	assert_int_equal(rig_cons(r), r->prod);
	assert_int_equal(word[1] | word[3], 0);
	/* CS=0 and an MSI address of 0 write nothing and still complete. */
	rig_cmd(r, SMMU_CMD_SYNC, page);
	rig_cmd(r, sync, 0);
	assert_int_equal(word[0], 0);
	/* To nowhere: the SYNC is complete, the write is an error. */
	rig_cmd(r, sync, RIG_HOLE);
	assert_int_equal(rig_r32(r, SMMU_GERROR), SMMU_GERROR_MSI_CMDQ_ABT_ERR);
}

static void
test_sync_msi_not_supported(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;
	uint64_t page;

	(void)state;
	c.msi = false;
	queue_only(&r, &c, 3);
	page = rig_page(&r, 0);
	rig_cmd(&r, SMMU_CMD_SYNC | 1 << 12 | UINT64_C(5) << 32, page);
	assert_int_equal(*(uint32_t *)rig_va(&r, page), 0);
	rig_free(&r);
}

/* CONS is published late, but always when there is nothing left. */
static void
test_cons_lag(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	c.cons_lag = 4;
	queue_only(&r, &c, 4);
	for (int i = 0; i < 6; i++)
		rig_post(&r, SMMU_CMD_TLBI_NH_ALL, 0);
	emu_step(r.e, 3);
	assert_int_equal(rig_cons(&r), 0);
	emu_step(r.e, 1);
	assert_int_equal(rig_cons(&r), 4);
	emu_step(r.e, 2);
	assert_int_equal(rig_cons(&r), 4);
	rig_run(&r);
	assert_int_equal(rig_cons(&r), 6);
	rig_free(&r);
}

/* An illegal command: stop at it, say so, go on when repaired and acknowledged. */
static void
test_cerror_ill(void **state)
{
	struct rig *r = *state;
	uint32_t bad;

	rig_post(r, SMMU_CMD_TLBI_NH_ALL, 0);
	bad = r->prod;
	rig_post(r, 0xff, 0);
	rig_post(r, SMMU_CMD_SYNC, 0);
	rig_run(r);
	assert_int_equal(rig_r32(r, SMMU_CMDQ_CONS),
			 bad | smmu_field_prep(SMMU_CMDQ_CONS_ERR, SMMU_CERROR_ILL));
	assert_int_equal(rig_r32(r, SMMU_GERROR), SMMU_GERROR_CMDQ_ERR);
	assert_int_equal(rig_stats(r).cerrors, 1);
	assert_int_equal(rig_stats(r).syncs, 0);
	/* Repaired but not acknowledged: nothing moves. */
	r->cmdq[2 * bad] = SMMU_CMD_SYNC;
	rig_run(r);
	assert_int_equal(rig_cons(r), bad);
	rig_w32(r, SMMU_GERRORN, (uint32_t)SMMU_GERROR_CMDQ_ERR);
	rig_run(r);
	assert_int_equal(rig_cons(r), r->prod);
	assert_int_equal(rig_stats(r).syncs, 2);
	/* A second error toggles the bit back. */
	rig_post(r, 0xff, 0);
	rig_run(r);
	assert_int_equal(rig_r32(r, SMMU_GERROR), 0);
	rig_w32(r, SMMU_CMDQ_PROD, rig_cons(r)); /* moved back past the bad one */
	r->prod = rig_cons(r);
	rig_w32(r, SMMU_GERRORN, 0);
	rig_run(r);
	rig_cmd(r, SMMU_CMD_TLBI_NH_ALL, 0);
	assert_int_equal(rig_stats(r).cerrors, 2);
}

static void
test_cerror_abt(void **state)
{
	struct rig *r = *state;
	struct emu_smmuv3_conf c = rig_conf();
	struct rig q;

	emu_inject(r->e, EMU_INJECT_CERROR_ABT, 0);
	rig_post(r, SMMU_CMD_SYNC, 0);
	rig_run(r);
	assert_int_equal(smmu_field_get(SMMU_CMDQ_CONS_ERR, rig_r32(r, SMMU_CMDQ_CONS)),
			 SMMU_CERROR_ABT);
	rig_w32(r, SMMU_GERRORN, rig_r32(r, SMMU_GERROR));
	rig_run(r);
	assert_int_equal(rig_cons(r), r->prod);
	/* A queue where there is no memory. */
	rig_new(&q, &c);
	q.cmdq_log2 = 3;
	rig_w64(&q, SMMU_CMDQ_BASE, RIG_HOLE | 3);
	rig_w32(&q, SMMU_CMDQ_PROD, 1);
	rig_w32(&q, SMMU_CR0, (uint32_t)SMMU_CR0_CMDQEN);
	rig_run(&q);
	assert_int_equal(smmu_field_get(SMMU_CMDQ_CONS_ERR, rig_r32(&q, SMMU_CMDQ_CONS)),
			 SMMU_CERROR_ABT);
	assert_int_equal(rig_cons(&q), 0);
	rig_free(&q);
}

/* An ILL on request hits the n-th TLBI, once. */
static void
test_inject_ill(void **state)
{
	struct rig *r = *state;

	emu_inject(r->e, EMU_INJECT_CERROR_ILL, 2);
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_STE, 1), 1); /* not a TLBI */
	rig_cmd(r, SMMU_CMD_TLBI_NH_ALL, 0);
	assert_int_equal(rig_stats(r).cerrors, 0);
	rig_post(r, SMMU_CMD_TLBI_NH_ALL, 0);
	rig_run(r);
	assert_int_equal(rig_stats(r).cerrors, 1);
	rig_w32(r, SMMU_GERRORN, rig_r32(r, SMMU_GERROR));
	rig_run(r);
	assert_int_equal(rig_cons(r), r->prod);
	assert_int_equal(rig_stats(r).cerrors, 1);
}

static void
test_sync_hang(void **state)
{
	struct rig *r = *state;

	emu_inject(r->e, EMU_INJECT_SYNC_HANG, 1);
	rig_post(r, SMMU_CMD_TLBI_NH_ALL, 0);
	rig_post(r, SMMU_CMD_SYNC, 0);
	rig_post(r, SMMU_CMD_TLBI_NH_ALL, 0);
	rig_run(r);
	assert_int_equal(rig_cons(r), 1);
	assert_int_equal(rig_stats(r).tlbis, 1); /* nothing after a SYNC starts before it is done */
	emu_inject(r->e, EMU_INJECT_SYNC_HANG, 0);
	rig_run(r);
	assert_int_equal(rig_cons(r), r->prod);
}

/* Between SYNCs commands may run in any order; a SYNC still waits for all. */
static void
test_shuffle(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	unsigned int out_of_order = 0;

	(void)state;
	c.shuffle = true;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct rig r;
		uint64_t a, b;

		c.seed = seed;
		rig_new(&r, &c);
		rig_up(&r);
		a = rig_page(&r, 0x11);
		b = rig_page(&r, 0x22);
		for (int i = 0; i < 16; i++) {
			rig_map(&r, 0x1000u * i, a, RIG_RW);
			rig_sees(&r, 0x1000u * i, 0x11);
			rig_map(&r, 0x1000u * i, b, RIG_RW);
			rig_post(&r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), 0x1000u * i);
		}
		rig_post(&r, SMMU_CMD_SYNC, 0);
		emu_step(r.e, 8);
		/* An old one still there behind a new one that is gone: not in order. */
		for (int i = 0, stale = 0; i < 16; i++) {
			rig_read(&r, 0x1000u * i);
			if (r.buf == 0x11111111)
				stale = 1;
			else if (stale)
				out_of_order++;
		}
		rig_run(&r);
		assert_int_equal(rig_cons(&r), r.prod);
		for (int i = 0; i < 16; i++)
			rig_sees(&r, 0x1000u * i, 0x22);
		rig_free(&r);
	}
	assert_true(out_of_order > 0);
}

/* More invalidations than fit in flight: the queue waits, nothing is lost. */
static void
test_many_in_flight(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;
	uint64_t a, b;

	(void)state;
	c.tlbi_ns = 100000;
	rig_new(&r, &c);
	rig_up(&r);
	a = rig_page(&r, 0x11);
	b = rig_page(&r, 0x22);
	rig_w32(&r, SMMU_CR0, (uint32_t)(RIG_EN & ~SMMU_CR0_CMDQEN));
	rig_run(&r);
	r.cmdq_log2 = 10;
	r.cmdq_pa = rig_alloc(&r, 16u << 10, 16u << 10);
	r.cmdq = rig_va(&r, r.cmdq_pa);
	rig_w64(&r, SMMU_CMDQ_BASE, r.cmdq_pa | 10);
	rig_w32(&r, SMMU_CR0, (uint32_t)RIG_EN);
	rig_run(&r);
	for (unsigned int i = 0; i < 600; i++) {
		rig_map(&r, i * 4096, a, RIG_RW);
		rig_sees(&r, i * 4096, 0x11);
		rig_map(&r, i * 4096, b, RIG_RW);
		rig_post(&r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), i * 4096 | 1);
	}
	rig_post(&r, SMMU_CMD_SYNC, 0);
	rig_run(&r);
	assert_int_equal(rig_cons(&r), r.prod);
	assert_int_equal(rig_stats(&r).tlbis, 600);
	for (unsigned int i = 0; i < 600; i++)
		rig_sees(&r, i * 4096, 0x22);
	rig_free(&r);
}

/* CMDQEN 1 -> 0: a SYNC that waits stays unconsumed, CONS is right, and it runs on later. */
static void
test_disable(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	c.sync_ns = 1000000;
	c.cons_lag = 100;
	queue_only(&r, &c, 4);
	rig_post(&r, SMMU_CMD_TLBI_NH_ALL, 0);
	rig_post(&r, SMMU_CMD_SYNC, 0);
	emu_step(r.e, 5);
	rig_w32(&r, SMMU_CR0, 0);
	emu_step(r.e, 5);
	assert_int_equal(rig_r32(&r, SMMU_CR0ACK), 0);
	assert_int_equal(rig_cons(&r), 1);
	rig_w32(&r, SMMU_CR0, (uint32_t)SMMU_CR0_CMDQEN);
	rig_run(&r);
	assert_int_equal(rig_cons(&r), 2);
	rig_free(&r);
}

/* The acknowledgement of CMDQEN=0 comes with a CONS that is right, however lazy it was before. */
static void
test_disable_publishes(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	c.cons_lag = 100;
	c.ack_delay = 3;
	queue_only(&r, &c, 4);
	for (int i = 0; i < 8; i++)
		rig_post(&r, SMMU_CMD_TLBI_NH_ALL, 0);
	rig_w32(&r, SMMU_CR0, 0);
	emu_step(r.e, 4);
	assert_int_equal(rig_r32(&r, SMMU_CR0ACK), 0);
	assert_int_equal(rig_cons(&r), 3);
	assert_int_equal(rig_stats(&r).tlbis, 3);
	rig_free(&r);
}

/* A PROD that is no index of this queue: stop, and go on when it is one. */
static void
test_bad_prod(void **state)
{
	struct rig *r = *state;

	rig_w32(r, SMMU_CMDQ_PROD, 50); /* 50 of 32 */
	rig_run(r);
	assert_int_equal(rig_stats(r).cmds, 0);
	rig_w32(r, SMMU_CMDQ_PROD, 0);
	rig_cmd(r, SMMU_CMD_TLBI_NH_ALL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_size_capped),
		cmocka_unit_test(test_start_index),
		cmocka_unit_test(test_latencies),
		cmocka_unit_test(test_tlbi_is_asynchronous),
		cmocka_unit_test(test_sync_early),
		RIG_TEST(test_sync_msi),
		cmocka_unit_test(test_sync_msi_not_supported),
		cmocka_unit_test(test_cons_lag),
		RIG_TEST(test_cerror_ill),
		RIG_TEST(test_cerror_abt),
		RIG_TEST(test_inject_ill),
		RIG_TEST(test_sync_hang),
		cmocka_unit_test(test_shuffle),
		cmocka_unit_test(test_many_in_flight),
		cmocka_unit_test(test_disable),
		cmocka_unit_test(test_disable_publishes),
		RIG_TEST(test_bad_prod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
