/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Answers: CMD_RESUME and CMD_PRI_RESP against words worked out by hand from the specification, and
 * from an event that stalls to the command that names it.
 */
#include "queue.h"

static int
setup(void **state)
{
	(void)state;
	queue_up(7);
	f->s.idr.stall = f->s.idr.pri = true;
	return 0;
}

static unsigned int
respond(const struct sluice_response *r, unsigned int n)
{
	unsigned int done;

	f->nlog = 0;
	done = smmu_respond_burst(&f->s, r, n);
	while (fake_step(&f->s.regs, 1000) != 0)
		;
	return done;
}

/* RESUME: opcode 0x44, Ac bit 12, Ab bit 13, StreamID 63:32; STAG 15:0 of the second word. */
static void
resume(void **state)
{
	struct sluice_response r = { .stream = 0x1234, .pasid = 5, .token = 0xbeef,
				     .flags = SLUICE_FAULT_STALL | SLUICE_FAULT_PASID };
	const uint64_t w0[] = { UINT64_C(0x0000123400001044), UINT64_C(0x0000123400002044),
				UINT64_C(0x0000123400002044) };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		r.answer = (uint8_t)i;
		assert_int_equal(respond(&r, 1), 1);
		assert_int_equal(f->nlog, 2);
		assert_int_equal(f->log[0].w[0], w0[i]);
		assert_int_equal(f->log[0].w[1], 0xbeef);
		assert_int_equal(f->log[1].w[0] & 0xff, 0x46);
	}
}

/* PRI_RESP: opcode 0x41, SSV bit 11, SubstreamID 31:12, StreamID 63:32; PRGIndex 8:0 and Resp 13:12
 * (0 failure, 1 invalid, 2 success) of the second word. */
static void
pri_resp(void **state)
{
	struct sluice_response r = { .stream = 0x1234, .pasid = 0x54321, .token = 0x1ab,
				     .flags = SLUICE_FAULT_PAGE_REQUEST | SLUICE_FAULT_PASID };
	const uint64_t w1[] = { 0x21ab, 0x11ab, 0x01ab };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		r.answer = (uint8_t)i;
		assert_int_equal(respond(&r, 1), 1);
		assert_int_equal(f->log[0].w[0], UINT64_C(0x0000123454321841));
		assert_int_equal(f->log[0].w[1], w1[i]);
	}
	r.flags = SLUICE_FAULT_PAGE_REQUEST;
	assert_int_equal(respond(&r, 1), 1);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x0000123400000041));
	r.answer = 3;
	assert_int_equal(respond(&r, 1), 0);
	assert_int_equal(f->nlog, 0);
}

/* In order, as many bursts as it takes; what the hardware does not have ends it. */
static void
bursts(void **state)
{
	struct sluice_response r[100] = { { 0 } };
	unsigned int k = 0;

	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		r[i] = (struct sluice_response){ .stream = i, .flags = SLUICE_FAULT_STALL };
	assert_int_equal(respond(r, 100), 100);
	assert_int_equal(atomic_load(&f->s.responses), 100);
	for (unsigned int i = 0; i < f->nlog; i++)
		if ((f->log[i].w[0] & 0xff) == 0x44)
			assert_int_equal(f->log[i].w[0] >> 32, k++);
	assert_int_equal(k, 100);
	assert_int_equal(f->nlog, 102); /* 64, SYNC, 36, SYNC */
	r[7].flags = SLUICE_FAULT_PAGE_REQUEST;
	f->s.idr.pri = false;
	assert_int_equal(respond(r, 100), 7);
	f->s.idr.stall = false;
	assert_int_equal(respond(r, 100), 0);
	/* A full queue is not waited for: 128 slots, 64 + 1 and 36 + 1 of them taken. */
	f->s.idr.stall = f->s.idr.pri = true;
	f->stop = true;
	assert_int_equal(respond(r, 100), 100);
	assert_int_equal(respond(r, 100), 0);
	f->stop = false;
}

/* Random records of stalled faults: each field lands where the answer needs it. */
static void
round_trip(void **state)
{
	uint64_t x = 88172645463325252u;

	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		uint64_t rec[4], sid, stag;
		struct sluice_response r;
		struct sluice_fault v;

		for (unsigned int k = 0; k < 4; k++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			rec[k] = x;
		}
		rec[0] = (rec[0] & ~UINT64_C(0xff)) | (0x10 + i % 4); /* F_TRANSLATION … F_PERMISSION */
		rec[1] |= UINT64_C(1) << 31;                         /* Stall */
		sid = rec[0] >> 32;
		stag = rec[1] & 0xffff;
		assert_true(evt_decode(rec, &v));
		assert_int_equal(!!(v.flags & SLUICE_FAULT_EXEC), rec[1] >> 34 & 1);
		assert_int_equal(!!(v.flags & SLUICE_FAULT_PRIV), rec[1] >> 33 & 1);
		assert_int_equal(!!(v.flags & SLUICE_FAULT_WRITE), !(rec[1] >> 35 & 1));
		r = (struct sluice_response){ v.stream, v.pasid, v.token, v.flags,
					      SLUICE_ANSWER_SUCCESS };
		assert_int_equal(respond(&r, 1), 1);
		assert_int_equal(f->log[0].w[0], sid << 32 | 0x1044);
		assert_int_equal(f->log[0].w[1], stag);
		/* One that does not stall has no tag. */
		rec[1] &= ~(UINT64_C(1) << 31);
		assert_true(evt_decode(rec, &v));
		assert_int_equal(v.token, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(resume, setup, queue_down),
		cmocka_unit_test_setup_teardown(pri_resp, setup, queue_down),
		cmocka_unit_test_setup_teardown(bursts, setup, queue_down),
		cmocka_unit_test_setup_teardown(round_trip, setup, queue_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
