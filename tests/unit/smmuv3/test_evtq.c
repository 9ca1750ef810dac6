/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Events: decode against hand-made records; drain, wrap and overflow of the queue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake.h"

static struct fake *f;
static uint32_t hw_prod, hw_ovflg, hw_next;

static int
setup(void **state)
{
	(void)state;
	f = fake_create();
	hw_prod = hw_ovflg = hw_next = 0;
	fake_wr(f, 0x24, 1u << 2); /* CR0ACK.EVENTQEN */
	assert_int_equal(evtq_init(&f->s.evtq, f->iommu.mem, &f->s.regs, 3), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	evtq_free(&f->s.evtq, f->iommu.mem);
	fake_destroy(f);
	return 0;
}

/* The hardware's side, as the architecture has it. @return whether the event was recorded. */
static bool
event(uint8_t type)
{
	struct evtq *q = &f->s.evtq;
	uint32_t cons = fake_rd(f, 0x100ac), pos_mask = 2 * q->mask + 1;
	uint64_t *rec = (uint64_t *)(uintptr_t)q->recs + (hw_prod & q->mask) * 4;
	bool room = ((hw_prod - cons) & pos_mask) != q->mask + 1;

	if (room) {
		rec[0] = type | (uint64_t)hw_next << 32;
		rec[1] = UINT64_C(1) << 35;
		rec[2] = UINT64_C(0x1000) * hw_next;
		rec[3] = 0;
		hw_prod = (hw_prod + 1) & pos_mask;
	} else if (((cons ^ hw_ovflg) & 1u << 31) == 0) {
		hw_ovflg ^= 1u << 31;
	}
	hw_next++;
	fake_wr(f, 0x100a8, hw_prod | hw_ovflg);
	return room;
}

static void
decode(void **state)
{
	struct sluice_fault v;
	/* F_TRANSLATION, write, SSID 5, stalled. */
	const uint64_t a[4] = { UINT64_C(0x0000123400005810), UINT64_C(0x8000abcd),
				UINT64_C(0xffff000012345678), UINT64_C(0xabcdef000) };
	/* F_WALK_EABT, read. */
	const uint64_t b[4] = { UINT64_C(0x000000070000000b), UINT64_C(0x0000010800000000),
				0x2000, UINT64_C(0x44445558) };
	/* F_PERMISSION of stage 2, write. */
	const uint64_t c[4] = { UINT64_C(0x13), UINT64_C(0x0000028000000000), 0x3000,
				UINT64_C(0x77000) };
	const uint64_t d[4] = { 0xe5, ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0) };
	const uint64_t e[4] = { 0x04 | UINT64_C(9) << 32, 0, 0, 0 };

	(void)state;
	assert_true(evt_decode(a, &v));
	assert_int_equal(v.stream, 0x1234);
	assert_int_equal(v.pasid, 5);
	assert_int_equal(v.iova, UINT64_C(0xffff000012345678));
	assert_int_equal(v.addr, 0);
	assert_int_equal(v.code, 0x10);
	assert_int_equal(v.kind, SLUICE_FAULT_TRANSLATION);
	assert_int_equal(v.flags, SLUICE_FAULT_WRITE | SLUICE_FAULT_PASID | SLUICE_FAULT_STALL);
	assert_int_equal(v.token, 0xabcd);
	assert_true(evt_decode(b, &v));
	assert_int_equal(v.kind, SLUICE_FAULT_ABORT);
	assert_int_equal(v.flags, 0);
	assert_int_equal(v.iova, 0x2000);
	assert_int_equal(v.addr, 0x44445558);
	assert_true(evt_decode(c, &v));
	assert_int_equal(v.kind, SLUICE_FAULT_PERMISSION);
	assert_int_equal(v.addr, 0x77000);
	assert_false(evt_decode(d, &v));
	assert_int_equal(v.kind, SLUICE_FAULT_OTHER);
	assert_int_equal(v.code, 0xe5);
	assert_true(evt_decode(e, &v));
	assert_int_equal(v.kind, SLUICE_FAULT_CONFIG);
	assert_int_equal(v.stream, 9);
	/* Every number at all: nothing but a count. */
	for (unsigned int code = 0; code < 256; code++) {
		const uint64_t any[4] = { code | ~UINT64_C(0xff), ~UINT64_C(0), ~UINT64_C(0),
					  ~UINT64_C(0) };

		evt_decode(any, &v);
		assert_true(v.kind < SLUICE_FAULT_KINDS);
	}
}

static void
wraps_in_order(void **state)
{
	struct sluice_fault v[32];
	uint32_t next = 0;

	(void)state;
	assert_int_equal(smmu_fault_burst(&f->s, v, 32), 0);
	for (unsigned int round = 0; round < 100; round++) {
		unsigned int k = round % 8 + 1, n, got = 0;

		for (unsigned int i = 0; i < k; i++)
			assert_true(event(0x10));
		/* In two bursts. */
		n = smmu_fault_burst(&f->s, v, 3);
		assert_int_equal(n, RTE_MIN(k, 3u));
		got = n + smmu_fault_burst(&f->s, v + n, 32 - n);
		assert_int_equal(got, k);
		for (unsigned int i = 0; i < k; i++)
			assert_int_equal(v[i].stream, next++);
		assert_int_equal(smmu_fault_burst(&f->s, v, 32), 0);
	}
	assert_int_equal(atomic_load(&f->s.evtq.events), next);
	assert_int_equal(atomic_load(&f->s.evtq.overflows), 0);
}

static void
overflow(void **state)
{
	struct sluice_fault v[32];
	unsigned int recorded = 0;

	(void)state;
	for (unsigned int round = 1; round <= 3; round++) {
		for (unsigned int i = 0; i < 12; i++)
			recorded += event(0x10);
		assert_int_equal(smmu_fault_burst(&f->s, v, 32), 8);
		assert_int_equal(atomic_load(&f->s.evtq.overflows), round);
		/* Acknowledged: the flags agree. */
		assert_int_equal(fake_rd(f, 0x100ac) >> 31, fake_rd(f, 0x100a8) >> 31);
		assert_int_equal(smmu_fault_burst(&f->s, v, 32), 0);
		assert_int_equal(atomic_load(&f->s.evtq.overflows), round);
	}
	assert_int_equal(recorded, 24);
	assert_int_equal(atomic_load(&f->s.evtq.events), 24);
}

static void
unknown_and_nonsense(void **state)
{
	struct sluice_fault v[32];

	(void)state;
	event(0xe0);
	event(0x55);
	assert_int_equal(smmu_fault_burst(&f->s, v, 32), 2);
	assert_int_equal(atomic_load(&f->s.evtq.unknown), 2);
	/* PROD more than a lap ahead. */
	fake_wr(f, 0x100a8, 15);
	assert_int_equal(smmu_fault_burst(&f->s, v, 32), 0);
	assert_int_equal(atomic_load(&f->s.evtq.bad_prod), 1);
	assert_int_equal(smmu_fault_burst(&f->s, v, 32), 0);
	assert_int_equal(atomic_load(&f->s.evtq.bad_prod), 1);
}

/* The hardware was reset: its queue is off and its PROD 0. Old records are no events. */
static void
off_is_empty(void **state)
{
	struct sluice_fault out[8];

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		assert_true(event(0x10));
	assert_int_equal(evtq_burst(&f->s.evtq, out, 8), 3);
	fake_wr(f, 0x24, 0);
	fake_wr(f, 0x100a8, 0);
	assert_int_equal(evtq_burst(&f->s.evtq, out, 8), 0);
	fake_wr(f, 0x100a8, 5);
	assert_int_equal(evtq_burst(&f->s.evtq, out, 8), 0);
	assert_int_equal(atomic_load(&f->s.evtq.events), 3);
	assert_int_equal(atomic_load(&f->s.evtq.bad_prod), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(decode, setup, teardown),
		cmocka_unit_test_setup_teardown(wraps_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(overflow, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_and_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(off_is_empty, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
