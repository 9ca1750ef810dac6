/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The event queue: order, wrap at small sizes, overflow and its flags, aborted writes. What each
 * type of record holds is in the tests of what raises it (test_emu_config.c, test_emu_walk.c).
 */
#include "rig.h"

/* SMMUEN with no stream table at all: each access is a C_BAD_STREAMID of its StreamID. */
static void
faulty(struct rig *r, uint32_t evtq_log2, uint32_t prod)
{
	struct emu_smmuv3_conf c = rig_conf();

	rig_new(r, &c);
	rig_queues(r, 2, evtq_log2);
	rig_w32(r, SMMU_EVENTQ_PROD, prod);
	rig_w32(r, SMMU_EVENTQ_CONS, prod);
	rig_w32(r, SMMU_CR2, (uint32_t)SMMU_CR2_RECINVSID);
	rig_w32(r, SMMU_CR0, (uint32_t)RIG_EN);
	rig_run(r);
}

static void
raise(struct rig *r, uint32_t sid)
{
	uint32_t v;

	assert_int_equal(emu_dma(r->e, sid, 0, &v, 4, false, NULL), EMU_FAULT);
}

static void
expect_sid(struct rig *r, uint32_t sid)
{
	uint64_t rec[4];

	assert_true(rig_event(r, rec));
	assert_int_equal(rec[0], rig_ev0(SMMU_EVT_C_BAD_STREAMID, sid));
	assert_int_equal(rec[1] | rec[2] | rec[3], 0);
}

static bool
ovflg(struct rig *r)
{
	return rig_r32(r, SMMU_EVENTQ_PROD) & SMMU_EVENTQ_OVFLG;
}

static void
test_wrap(void **state)
{
	(void)state;
	for (uint32_t log2 = 0; log2 <= 3; log2++)
		for (uint32_t start = 0; start < 2u << log2; start++) {
			struct rig r;
			uint32_t sid = 100, n = 1u << log2;

			faulty(&r, log2, start);
			for (int round = 0; round < 10; round++) {
				for (uint32_t i = 0; i < n; i++)
					raise(&r, sid + i);
				for (uint32_t i = 0; i < n; i++)
					expect_sid(&r, sid + i);
				rig_expect_no_event(&r);
				sid += n;
			}
			assert_false(ovflg(&r));
			assert_int_equal(rig_stats(&r).events, 10 * n);
			assert_int_equal(rig_stats(&r).events_dropped, 0);
			rig_free(&r);
		}
}

/* Full: records are lost and counted, OVFLG toggles once until acknowledged; recording goes on as
 * soon as there is room. */
static void
test_overflow(void **state)
{
	struct rig r;
	uint32_t cons;

	(void)state;
	faulty(&r, 2, 0);
	for (uint32_t i = 0; i < 7; i++)
		raise(&r, i + 1);
	assert_true(ovflg(&r));
	assert_int_equal(rig_stats(&r).events, 4);
	assert_int_equal(rig_stats(&r).events_dropped, 3);
	assert_int_equal(rig_r32(&r, SMMU_EVENTQ_PROD) & 7, 4);
	/* Room, but no acknowledgement: recorded; lost again: the flag stays as it is. */
	rig_w32(&r, SMMU_EVENTQ_CONS, 1);
	raise(&r, 50);
	assert_int_equal(rig_stats(&r).events, 5);
	assert_true(ovflg(&r));
	raise(&r, 51);
	assert_true(ovflg(&r));
	/* Acknowledged: the next loss toggles it back. */
	cons = 1 | (uint32_t)SMMU_EVENTQ_OVFLG;
	rig_w32(&r, SMMU_EVENTQ_CONS, cons);
	raise(&r, 52);
	assert_false(ovflg(&r));
	assert_int_equal(rig_stats(&r).events_dropped, 5);
	for (uint32_t sid = 2; sid <= 4; sid++)
		expect_sid(&r, sid);
	expect_sid(&r, 50);
	rig_expect_no_event(&r);
	rig_free(&r);
}

/* Nothing is recorded, and OVFLG does not move, while the queue is off. */
static void
test_disabled(void **state)
{
	struct rig r;

	(void)state;
	faulty(&r, 1, 0);
	rig_w32(&r, SMMU_CR0, (uint32_t)(RIG_EN & ~SMMU_CR0_EVENTQEN));
	rig_run(&r);
	for (uint32_t i = 0; i < 5; i++)
		raise(&r, i + 1);
	assert_int_equal(rig_r32(&r, SMMU_EVENTQ_PROD), 0);
	assert_int_equal(rig_stats(&r).events_dropped, 5);
	rig_w32(&r, SMMU_CR0, (uint32_t)RIG_EN);
	rig_run(&r);
	raise(&r, 9);
	expect_sid(&r, 9);
	rig_free(&r);
}

/* A write that aborts: GERROR, nothing more until it is acknowledged. */
static void
test_abort(void **state)
{
	struct rig r;

	(void)state;
	faulty(&r, 3, 0);
	raise(&r, 1);
	emu_inject(r.e, EMU_INJECT_EVTQ_ABT, 0);
	raise(&r, 2);
	assert_int_equal(rig_r32(&r, SMMU_GERROR), SMMU_GERROR_EVENTQ_ABT_ERR);
	raise(&r, 3);
	assert_int_equal(rig_stats(&r).events_dropped, 2);
	rig_w32(&r, SMMU_GERRORN, (uint32_t)SMMU_GERROR_EVENTQ_ABT_ERR);
	raise(&r, 4);
	expect_sid(&r, 1);
	expect_sid(&r, 4);
	rig_expect_no_event(&r);
	assert_false(ovflg(&r));
	rig_free(&r);
}

static void
test_queue_without_memory(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	rig_new(&r, &c);
	rig_w64(&r, SMMU_EVENTQ_BASE, RIG_HOLE | 4);
	rig_w32(&r, SMMU_CR2, (uint32_t)SMMU_CR2_RECINVSID);
	rig_w32(&r, SMMU_CR0, (uint32_t)(SMMU_CR0_SMMUEN | SMMU_CR0_EVENTQEN));
	rig_run(&r);
	raise(&r, 1);
	assert_int_equal(rig_r32(&r, SMMU_GERROR), SMMU_GERROR_EVENTQ_ABT_ERR);
	assert_int_equal(rig_r32(&r, SMMU_EVENTQ_PROD), 0);
	rig_free(&r);
}

/* A queue larger than IDR1.EVENTQS acts as the largest. */
static void
test_size_capped(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	c.evtq_max_log2 = 1;
	rig_new(&r, &c);
	rig_queues(&r, 2, 4);
	rig_w32(&r, SMMU_CR2, (uint32_t)SMMU_CR2_RECINVSID);
	rig_w32(&r, SMMU_CR0, (uint32_t)RIG_EN);
	rig_run(&r);
	for (uint32_t i = 0; i < 3; i++)
		raise(&r, i);
	assert_int_equal(rig_r32(&r, SMMU_EVENTQ_PROD), 2 | SMMU_EVENTQ_OVFLG);
	rig_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_disabled),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_queue_without_memory),
		cmocka_unit_test(test_size_capped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
