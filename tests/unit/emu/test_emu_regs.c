/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Control registers: identification, handshakes, guards, GBPA, GERROR, interrupts.
 */
#include "rig.h"

static void
test_identification(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	c.sid_bits = 9;
	c.oas = 40;
	c.cmdq_max_log2 = 8;
	c.evtq_max_log2 = 7;
	rig_new(&r, &c);
	uint32_t idr0 = rig_r32(&r, SMMU_IDR0), idr1 = rig_r32(&r, SMMU_IDR1);

	assert_true(idr0 & SMMU_IDR0_S1P);
	assert_true(idr0 & SMMU_IDR0_COHACC);
	assert_true(idr0 & SMMU_IDR0_MSI);
	assert_true(idr0 & SMMU_IDR0_ASID16);
	assert_int_equal(smmu_field_get(SMMU_IDR0_TTF, idr0), SMMU_IDR0_TTF_AARCH64);
	assert_int_equal(smmu_field_get(SMMU_IDR0_ST_LEVEL, idr0), 1);
	assert_int_equal(smmu_field_get(SMMU_IDR0_STALL_MODEL, idr0), SMMU_STALL_MODEL_TERMINATE);
	assert_true(idr0 & SMMU_IDR0_S2P);
	assert_true(idr0 & SMMU_IDR0_VMID16);
	assert_true(idr0 & SMMU_IDR0_HYP);
	assert_false(idr0 & (SMMU_IDR0_ATS | SMMU_IDR0_NS1ATS | SMMU_IDR0_PRI | SMMU_IDR0_VMW));
	assert_int_equal(smmu_field_get(SMMU_IDR1_SIDSIZE, idr1), 9);
	assert_int_equal(smmu_field_get(SMMU_IDR1_SSIDSIZE, idr1), 0);
	assert_int_equal(smmu_field_get(SMMU_IDR1_CMDQS, idr1), 8);
	assert_int_equal(smmu_field_get(SMMU_IDR1_EVENTQS, idr1), 7);
	assert_int_equal(rig_r32(&r, 0xc), 0x1514); /* HAD, XNX, FWB, RIL, BBML 2 */
	assert_int_equal(rig_r32(&r, SMMU_IDR5) & 7, SMMU_OAS_40);
	assert_true(rig_r32(&r, SMMU_IDR5) & SMMU_IDR5_GRAN4K);
	assert_int_equal(rig_r32(&r, SMMU_AIDR), 2);
	assert_int_equal(rig_r32(&r, 0xff0), 0x0d);
	rig_free(&r);
	c.ril = c.msi = c.two_level = false;
	c.sid_bits = 6;
	rig_new(&r, &c);
	assert_int_equal(rig_r32(&r, 0xc), 0x14); /* of v3.1: HAD, XNX */
	assert_int_equal(rig_r32(&r, SMMU_AIDR), 1);
	assert_false(rig_r32(&r, SMMU_IDR0) & (SMMU_IDR0_MSI | SMMU_IDR0_ST_LEVEL));
	rig_free(&r);
}

/* IDR0 and IDR3 by the stages that there are (§6.3.1, §6.3.4): Hyp, NS1ATS and XNX are RES0 or come
 * with stage 2. Bits are numbers here: S2P 0, S1P 1, Hyp 9, NS1ATS 11, VMID16 18; XNX 4. */
static void
test_stages(void **state)
{
	const uint32_t bits = 1u << 0 | 1u << 1 | 1u << 9 | 1u << 11 | 1u << 18;
	static const struct {
		bool s1, s2, hyp, vmid16, ril;
		uint32_t idr0, xnx;
	} t[] = {
		{ true, true, true, true, true, 0x40a03, 1 },
		{ true, true, true, false, true, 0xa03, 1 },
		{ true, true, false, true, false, 0x40803, 1 },
		{ true, false, true, true, true, 0x2, 0 },
		{ true, false, false, true, true, 0x2, 0 },
		{ false, true, true, true, true, 0x40001, 1 },
	};
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	c.ats = true;
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		c.s1 = t[i].s1;
		c.s2 = t[i].s2;
		c.hyp = t[i].hyp;
		c.vmid16 = t[i].vmid16;
		c.ril = t[i].ril;
		rig_new(&r, &c);
		assert_int_equal(rig_r32(&r, 0x0) & bits, t[i].idr0);
		assert_int_equal(rig_r32(&r, 0xc) >> 4 & 1, t[i].xnx);
		rig_free(&r);
	}
}

/* The acknowledgement follows after ack_delay steps, and RES0 bits are not mirrored. */
static void
test_handshake(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	c.ack_delay = 3;
	rig_new(&r, &c);
	rig_queues(&r, 2, 2);
	rig_w32(&r, SMMU_CR0, UINT32_MAX & ~(uint32_t)SMMU_CR0_SMMUEN);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(emu_step(r.e, 1), 1);
		assert_int_equal(rig_r32(&r, SMMU_CR0ACK), 0);
	}
	emu_step(r.e, 1);
	assert_int_equal(rig_r32(&r, SMMU_CR0ACK), SMMU_CR0_CMDQEN | SMMU_CR0_EVENTQEN);
	rig_w32(&r, SMMU_IRQ_CTRL, 7);
	rig_run(&r);
	assert_int_equal(rig_r32(&r, SMMU_IRQ_CTRLACK), 5); /* PRIQ_IRQEN: no PRI */
	rig_w32(&r, SMMU_CR0, 0);
	rig_w32(&r, SMMU_IRQ_CTRL, 0);
	rig_run(&r);
	assert_int_equal(rig_r32(&r, SMMU_CR0ACK), 0);
	assert_int_equal(rig_r32(&r, SMMU_IRQ_CTRLACK), 0);
	emu_inject(r.e, EMU_INJECT_ACK_HANG, 1);
	rig_w32(&r, SMMU_CR0, 8);
	rig_run(&r);
	assert_int_equal(rig_r32(&r, SMMU_CR0ACK), 0);
	emu_inject(r.e, EMU_INJECT_ACK_HANG, 0);
	rig_run(&r);
	assert_int_equal(rig_r32(&r, SMMU_CR0ACK), 8);
	rig_free(&r);
}

/* Every guarded register: a store is dropped and counted while the guard is closed. */
static void
test_guards(void **state)
{
	static const struct {
		uint32_t off, size, cr0, irq, flip;
	} t[] = {
		{ SMMU_IDR0, 4, 0, 0, 1 }, { SMMU_IDR1, 4, 0, 0, 1 }, { SMMU_IDR3, 4, 0, 0, 1 },
		{ SMMU_IDR5, 4, 0, 0, 1 }, { SMMU_AIDR, 4, 0, 0, 1 }, { SMMU_IIDR, 4, 0, 0, 1 },
		{ SMMU_CR0ACK, 4, 0, 0, 1 }, { SMMU_IRQ_CTRLACK, 4, 0, 0, 1 },
		{ SMMU_GERROR, 4, 0, 0, 1 },
		{ SMMU_CR1, 4, 8, 0, 1 }, { SMMU_CR1, 4, 4, 0, 1 }, { SMMU_CR1, 4, 1, 0, 1 << 6 },
		{ SMMU_CR2, 4, 1, 0, 2 }, { SMMU_STRTAB_BASE, 8, 1, 0, 64 },
		{ SMMU_STRTAB_BASE_CFG, 4, 1, 0, 1 }, { SMMU_CMDQ_BASE, 8, 8, 0, 32 },
		{ SMMU_CMDQ_CONS, 4, 8, 0, 1 }, { SMMU_EVENTQ_BASE, 8, 4, 0, 32 },
		{ SMMU_EVENTQ_PROD, 4, 4, 0, 1 }, { SMMU_GERROR_IRQ_CFG0, 8, 0, 1, 4 },
		{ SMMU_GERROR_IRQ_CFG1, 4, 0, 1, 1 }, { SMMU_GERROR_IRQ_CFG2, 4, 0, 1, 1 },
		{ SMMU_EVENTQ_IRQ_CFG0, 8, 0, 4, 4 }, { SMMU_EVENTQ_IRQ_CFG1, 4, 0, 4, 1 },
		{ SMMU_EVENTQ_IRQ_CFG2, 4, 0, 4, 1 },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		struct emu_smmuv3_conf c = rig_conf();
		struct rig r;
		uint64_t v;

		rig_new(&r, &c);
		rig_queues(&r, 2, 2);
		rig_w32(&r, SMMU_CR0, t[i].cr0);
		rig_w32(&r, SMMU_IRQ_CTRL, t[i].irq);
		rig_run(&r);
		v = t[i].size == 8 ? rig_r64(&r, t[i].off) : rig_r32(&r, t[i].off);
		if (t[i].size == 8)
			rig_w64(&r, t[i].off, v ^ t[i].flip);
		else
			rig_w32(&r, t[i].off, (uint32_t)v ^ t[i].flip);
		rig_run(&r);
		assert_int_equal(t[i].size == 8 ? rig_r64(&r, t[i].off) : rig_r32(&r, t[i].off), v);
		assert_int_equal(rig_stats(&r).guarded_writes, 1);
		/* With the guard open the same store stays. */
		if (t[i].cr0 || t[i].irq) {
			rig_w32(&r, SMMU_CR0, 0);
			rig_w32(&r, SMMU_IRQ_CTRL, 0);
			rig_run(&r);
			rig_w32(&r, t[i].off, (uint32_t)v ^ t[i].flip);
			rig_run(&r);
			assert_int_equal(rig_r32(&r, t[i].off), (uint32_t)v ^ t[i].flip);
			assert_int_equal(rig_stats(&r).guarded_writes, 1);
		}
		rig_free(&r);
	}
}

/* What is not guarded by the enable that is set may change. */
static void
test_guards_are_separate(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	rig_new(&r, &c);
	rig_queues(&r, 2, 2);
	rig_w32(&r, SMMU_CR0, (uint32_t)SMMU_CR0_CMDQEN);
	rig_run(&r);
	rig_w64(&r, SMMU_STRTAB_BASE, 0x1000);
	rig_w32(&r, SMMU_CR1, (uint32_t)SMMU_CR1_TABLE_SH);
	rig_w32(&r, SMMU_CR2, 2);
	rig_w64(&r, SMMU_EVENTQ_BASE, 0x2000);
	rig_w32(&r, SMMU_GERRORN, 0);
	rig_run(&r);
	assert_int_equal(rig_r64(&r, SMMU_STRTAB_BASE), 0x1000);
	assert_int_equal(rig_r32(&r, SMMU_CR1), SMMU_CR1_TABLE_SH);
	assert_int_equal(rig_r64(&r, SMMU_EVENTQ_BASE), 0x2000);
	assert_int_equal(rig_stats(&r).guarded_writes, 0);
	rig_free(&r);
}

/* Until its acknowledgement a guard that is being opened is closed. */
static void
test_guard_until_ack(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	c.ack_delay = 5;
	rig_new(&r, &c);
	rig_queues(&r, 2, 2);
	rig_w32(&r, SMMU_CR0, (uint32_t)SMMU_CR0_CMDQEN);
	rig_run(&r);
	rig_w32(&r, SMMU_CR0, 0);
	emu_step(r.e, 2);
	assert_int_equal(rig_r32(&r, SMMU_CR0ACK), SMMU_CR0_CMDQEN);
	rig_w64(&r, SMMU_CMDQ_BASE, 0);
	rig_run(&r);
	assert_int_equal(rig_r64(&r, SMMU_CMDQ_BASE), r.cmdq_pa | 2);
	assert_int_equal(rig_stats(&r).guarded_writes, 1);
	rig_free(&r);
}

static void
test_gbpa(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	uint64_t pa;
	struct rig r;

	(void)state;
	c.ack_delay = 2;
	rig_new(&r, &c);
	pa = rig_page(&r, 0x5c);
	/* After reset nothing passes; no event either. */
	assert_int_equal(rig_r32(&r, SMMU_GBPA), SMMU_GBPA_ABORT);
	assert_int_equal(rig_read(&r, pa), EMU_FAULT);
	/* Without Update the store does not count. */
	rig_w32(&r, SMMU_GBPA, 0);
	rig_run(&r);
	assert_int_equal(rig_r32(&r, SMMU_GBPA), SMMU_GBPA_ABORT);
	assert_int_equal(rig_stats(&r).guarded_writes, 1);
	assert_int_equal(rig_read(&r, pa), EMU_FAULT);
	rig_w32(&r, SMMU_GBPA, (uint32_t)SMMU_GBPA_UPDATE);
	emu_step(r.e, 1);
	assert_true(rig_r32(&r, SMMU_GBPA) & SMMU_GBPA_UPDATE);
	/* Another store while Update is 1 is ignored. */
	rig_w32(&r, SMMU_GBPA, (uint32_t)(SMMU_GBPA_UPDATE | SMMU_GBPA_ABORT));
	rig_run(&r);
	assert_int_equal(rig_r32(&r, SMMU_GBPA), 0);
	assert_int_equal(rig_stats(&r).guarded_writes, 2);
	rig_sees(&r, pa, 0x5c);
	/* Beyond the output address size: aborted without an event; a hole aborts on the bus. */
	assert_int_equal(rig_read(&r, UINT64_C(1) << 44), EMU_FAULT);
	assert_int_equal(rig_read(&r, RIG_HOLE), EMU_ABORT);
	assert_int_equal(rig_stats(&r).core.mem_aborts, 1);
	rig_w32(&r, SMMU_GBPA, (uint32_t)(SMMU_GBPA_UPDATE | SMMU_GBPA_ABORT));
	rig_run(&r);
	assert_int_equal(rig_read(&r, pa), EMU_FAULT);
	rig_free(&r);
}

/* SMMUEN 1 -> 0: caches keep what they had. */
static void
test_disable_keeps_caches(void **state)
{
	struct rig *r = *state;
	uint64_t a = rig_page(r, 0x11), b = rig_page(r, 0x22);

	rig_map(r, 0x1000, a, RIG_RW);
	rig_sees(r, 0x1000, 0x11);
	rig_w32(r, SMMU_CR0, (uint32_t)(RIG_EN & ~SMMU_CR0_SMMUEN));
	rig_run(r);
	assert_int_equal(rig_read(r, 0x1000), EMU_FAULT); /* GBPA.ABORT */
	rig_expect_no_event(r);
	rig_map(r, 0x1000, b, RIG_RW);
	rig_w32(r, SMMU_CR0, (uint32_t)RIG_EN);
	rig_run(r);
	rig_sees(r, 0x1000, 0x11);
}

/* An interrupt goes out as a write where its CFG registers say. */
static void
test_interrupts(void **state)
{
	struct rig *r = *state;
	uint64_t page = rig_page(r, 0);
	uint32_t *word = rig_va(r, page);
	uint64_t rec[4];

	rig_w64(r, SMMU_EVENTQ_IRQ_CFG0, page);
	rig_w32(r, SMMU_EVENTQ_IRQ_CFG1, 0x1234);
	rig_w64(r, SMMU_GERROR_IRQ_CFG0, page + 4);
	rig_w32(r, SMMU_GERROR_IRQ_CFG1, 0x5678);
	rig_read(r, 0x9000);
	assert_int_equal(word[0], 0); /* not enabled */
	rig_w32(r, SMMU_IRQ_CTRL, 5);
	rig_run(r);
	rig_read(r, 0x9000);
	assert_int_equal(word[0], 0); /* the queue was not empty: no edge */
	while (rig_event(r, rec))
		;
	rig_read(r, 0x9000);
	assert_int_equal(word[0], 0x1234);
	assert_int_equal(word[1], 0);
	rig_post(r, 0, 0);
	rig_run(r);
	assert_int_equal(word[1], 0x5678);
}

static unsigned int edges[EMU_LINES];

/* What an interrupt is about can be seen when it comes (§3.18). */
static void
on_edge(void *arg, enum emu_line line)
{
	struct rig *r = arg;
	uint32_t prod = rig_r32(r, SMMU_EVENTQ_PROD), cons = rig_r32(r, SMMU_EVENTQ_CONS);

	edges[line]++;
	if (line == EMU_LINE_EVENTQ)
		assert_int_not_equal(prod, cons);
	else if (line == EMU_LINE_GERROR)
		assert_int_not_equal(rig_r32(r, SMMU_GERROR), rig_r32(r, SMMU_GERRORN));
	else
		assert_int_equal(rig_cons(r), r->prod);
}

/* Wired outputs (§3.18.2): an edge of each source, with MSIs and without. */
static void
test_wired(void **state)
{
	(void)state;
	for (unsigned int how = 0; how < 3; how++) {
		struct emu_smmuv3_conf c = rig_conf();
		uint32_t *word;
		uint64_t page;
		struct rig r;

		c.msi = how != 0;
		c.wired = how != 2;
		rig_new(&r, &c);
		rig_up(&r);
		page = rig_page(&r, 0);
		word = rig_va(&r, page);
		memset(edges, 0, sizeof(edges));
		emu_smmuv3_wire(r.e, on_edge, &r);
		/* IRQ_CTRL enables both kinds; CMD_SYNC asks for itself: CS (13:12) = 1. */
		rig_read(&r, 0x9000);
		rig_cmd(&r, SMMU_CMD_SYNC, 0);
		assert_int_equal(edges[EMU_LINE_EVENTQ] + edges[EMU_LINE_SYNC], 0);
		rig_w32(&r, SMMU_EVENTQ_CONS, rig_r32(&r, SMMU_EVENTQ_PROD));
		rig_w64(&r, SMMU_EVENTQ_IRQ_CFG0, page);
		rig_w32(&r, SMMU_EVENTQ_IRQ_CFG1, 0x1234);
		rig_w32(&r, SMMU_IRQ_CTRL, 5);
		rig_run(&r);
		rig_read(&r, 0x9000);
		rig_read(&r, 0x9000); /* not empty before: no edge */
		rig_cmd(&r, SMMU_CMD_SYNC | 1u << 12 | UINT64_C(0x5678) << 32, page + 4);
		rig_cmd(&r, SMMU_CMD_SYNC | 1u << 12, 0);
		rig_post(&r, 0, 0); /* CERROR_ILL */
		rig_run(&r);
		assert_int_equal(edges[EMU_LINE_EVENTQ], c.wired ? 1 : 0);
		assert_int_equal(edges[EMU_LINE_SYNC], c.wired ? 2 : 0);
		assert_int_equal(edges[EMU_LINE_GERROR], c.wired ? 1 : 0);
		assert_int_equal(rig_stats(&r).wired[EMU_LINE_EVENTQ], c.wired ? 1 : 0);
		assert_int_equal(rig_stats(&r).wired[EMU_LINE_SYNC], c.wired ? 2 : 0);
		assert_int_equal(rig_stats(&r).wired[EMU_LINE_GERROR], c.wired ? 1 : 0);
		/* Without MSIs the addresses are ignored. */
		assert_int_equal(word[0], c.msi ? 0x1234 : 0);
		assert_int_equal(word[1], c.msi ? 0x5678 : 0);
		assert_int_equal(rig_stats(&r).msis, c.msi ? 2 : 0);
		rig_free(&r);
	}
}

/* An MSI to nowhere: its own error bit, not another MSI. */
static void
test_msi_abort(void **state)
{
	struct rig *r = *state;

	rig_w64(r, SMMU_EVENTQ_IRQ_CFG0, RIG_HOLE);
	rig_w64(r, SMMU_GERROR_IRQ_CFG0, RIG_HOLE);
	rig_w32(r, SMMU_IRQ_CTRL, 5);
	rig_run(r);
	rig_read(r, 0x9000);
	assert_int_equal(rig_r32(r, SMMU_GERROR),
			 SMMU_GERROR_MSI_EVENTQ_ABT_ERR | SMMU_GERROR_MSI_GERROR_ABT_ERR);
	assert_int_equal(rig_stats(r).core.mem_aborts, 2);
	/* Active errors do not toggle again. */
	uint64_t rec[4];

	while (rig_event(r, rec))
		;
	rig_read(r, 0x9000);
	assert_int_equal(rig_r32(r, SMMU_GERROR),
			 SMMU_GERROR_MSI_EVENTQ_ABT_ERR | SMMU_GERROR_MSI_GERROR_ABT_ERR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identification),
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_guards),
		cmocka_unit_test(test_guards_are_separate),
		cmocka_unit_test(test_guard_until_ack),
		cmocka_unit_test(test_gbpa),
		RIG_TEST(test_disable_keeps_caches),
		RIG_TEST(test_interrupts),
		cmocka_unit_test(test_wired),
		RIG_TEST(test_msi_abort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
