/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Reserved bits and locations: every word of both pages is written with ones, and reads back what
 * the specification defines there and this SMMU offers (IHI 0070 §6.2, §6.3). The table is written
 * from it, in numbers; nothing of the emulator or its header is used to make it.
 */
#include "rig.h"

#define ONES UINT32_MAX

/* What a register's fields depend on. */
enum need { ALWAYS, MSI, LEVELS, ATS, HYP, OAS, MSI_OAS };

/* Software writes these; the bits that are there. Queues of 2^3 commands and 2^4 events. */
static const struct {
	uint32_t off, mask;
	enum need need;
} defined[] = {
	{ 0x20, 0x0000000d, ALWAYS },   /* CR0: SMMUEN, EVENTQEN, CMDQEN */
	{ 0x20, 0x00000010, ATS },      /* ATSCHK */
	{ 0x28, 0x00000fff, ALWAYS },   /* CR1 */
	{ 0x2c, 0x00000002, ALWAYS },   /* CR2: RECINVSID */
	{ 0x2c, 0x00000001, HYP },      /* E2H */
	{ 0x44, 0x001f3f1f, ALWAYS },   /* GBPA, after its Update */
	{ 0x50, 0x00000005, ALWAYS },   /* IRQ_CTRL: GERROR_IRQEN, EVENTQ_IRQEN */
	{ 0x64, 0x00000105, ALWAYS },   /* GERRORN: CMDQ_ERR, EVENTQ_ABT_ERR, SFM_ERR */
	{ 0x64, 0x000000b0, MSI },      /* MSI_CMDQ_ABT_ERR, MSI_EVENTQ_, MSI_GERROR_ */
	{ 0x68, 0xfffffffc, MSI },      /* GERROR_IRQ_CFG0: ADDR[31:2] */
	{ 0x6c, 0, MSI_OAS },           /* ADDR[OAS-1:32] */
	{ 0x70, ONES, MSI },            /* GERROR_IRQ_CFG1: DATA */
	{ 0x74, 0x0000003f, MSI },      /* GERROR_IRQ_CFG2: SH, MemAttr */
	{ 0x80, 0xffffffc0, ALWAYS },   /* STRTAB_BASE: ADDR[31:6] */
	{ 0x84, 0x40000000, OAS },      /* RA, ADDR[OAS-1:32] */
	{ 0x88, 0x0000003f, ALWAYS },   /* STRTAB_BASE_CFG: LOG2SIZE */
	{ 0x88, 0x000307c0, LEVELS },   /* FMT, SPLIT */
	{ 0x90, ONES, ALWAYS },         /* CMDQ_BASE: ADDR[31:5], LOG2SIZE */
	{ 0x94, 0x40000000, OAS },      /* RA, ADDR */
	{ 0x98, 0x0000000f, ALWAYS },   /* CMDQ_PROD: WR of 2^3 entries and its wrap bit */
	{ 0x9c, 0x7f00000f, ALWAYS },   /* CMDQ_CONS: ERR, RD */
	{ 0xa0, ONES, ALWAYS },         /* EVENTQ_BASE */
	{ 0xa4, 0x40000000, OAS },
	{ 0xb0, 0xfffffffc, MSI },      /* EVENTQ_IRQ_CFG0 */
	{ 0xb4, 0, MSI_OAS },
	{ 0xb8, ONES, MSI },
	{ 0xbc, 0x0000003f, MSI },
	{ 0x100a8, 0x8000001f, ALWAYS }, /* EVENTQ_PROD: OVFLG, WR of 2^4 entries */
	{ 0x100ac, 0x8000001f, ALWAYS }, /* EVENTQ_CONS: OVACKFLG, RD */
};

/* Read-only with something in them: whatever they say, they go on saying it. */
static bool
read_only(uint32_t off)
{
	return off <= 0x1c || off == 0x24 || off == 0x54 || off == 0x60 || /* IDRs, ACKs, GERROR */
	       (off >= 0xfd0 && off <= 0xffc);                             /* ID_REGS */
}

static uint32_t
expected(const struct emu_smmuv3_conf *c, uint32_t off)
{
	uint32_t mask = 0, high = (uint32_t)((UINT64_C(1) << (c->oas - 32)) - 1);

	for (size_t i = 0; i < RTE_DIM(defined); i++) {
		enum need n = defined[i].need;

		if (defined[i].off != off || ((n == MSI || n == MSI_OAS) && !c->msi) ||
		    (n == LEVELS && !c->two_level) || (n == ATS && !c->ats) ||
		    (n == HYP && !c->hyp))
			continue;
		mask |= defined[i].mask | (n == OAS || n == MSI_OAS ? high : 0);
	}
	return mask;
}

static bool
is_defined(uint32_t off)
{
	for (size_t i = 0; i < RTE_DIM(defined); i++)
		if (defined[i].off == off)
			return true;
	return read_only(off);
}

/* Enough for a look at everything, busy or not. */
static void
settle(struct rig *r)
{
	for (unsigned int i = 0; i < 2200; i++)
		emu_step(r->e, 1);
}

static void
check(struct rig *r, const struct emu_smmuv3_conf *c, uint32_t off)
{
	uint32_t before = rig_r32(r, off), want = read_only(off) ? before : expected(c, off), got;

	rig_w32(r, off, ONES);
	settle(r);
	got = rig_r32(r, off);
	if (got != want)
		fail_msg("%#x reads %#x, not %#x", off, got, want);
	/* The queue sizes count for the index registers, which come later. */
	if (!read_only(off) && off != 0x90 && off != 0xa0) {
		rig_w32(r, off, 0);
		settle(r);
		if (off != 0x44) /* GBPA: without Update nothing happens */
			assert_int_equal(rig_r32(r, off), 0);
	} else if (!read_only(off)) {
		rig_w32(r, off, before);
	}
}

static void
walk(const struct emu_smmuv3_conf *c)
{
	uint64_t undone;
	struct rig r;

	rig_new(&r, c);
	rig_w64(&r, 0x90, RIG_PA | 3);
	rig_w64(&r, 0xa0, RIG_PA | 4);
	settle(&r);
	assert_int_equal(rig_stats(&r).reserved_writes, 0);
	for (uint32_t off = 0; off < 0x20000; off += 4)
		if (is_defined(off))
			check(&r, c, off);
	/* All the rest at once: GATOS, PRIQ, IDR6, the Secure registers, what has no name. */
	undone = rig_stats(&r).reserved_writes;
	for (uint32_t off = 0; off < 0x20000; off += 4)
		if (!is_defined(off))
			rig_w32(&r, off, ONES);
	settle(&r);
	for (uint32_t off = 0; off < 0x20000; off += 4)
		if (!is_defined(off) && rig_r32(&r, off) != 0)
			fail_msg("%#x is RES0 and reads %#x", off, rig_r32(&r, off));
	/* 0xfc0 to 0xfcf, in one line with ID_REGS, are counted as guarded. */
	assert_true(rig_stats(&r).reserved_writes - undone >= 0x8000 - 64);
	rig_free(&r);
}

static void
test_every_word(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();

	(void)state;
	walk(&c);
	c.ats = true;
	c.oas = 48;
	walk(&c);
	c = rig_conf();
	c.msi = c.two_level = false;
	c.sid_bits = 6;
	c.oas = 32;
	walk(&c);
}

/* While everything runs: enabled and guarded, the same bits are not there. */
static void
test_running(void **state)
{
	struct rig *r = *state;
	uint64_t a = rig_page(r, 0x11);

	rig_map(r, 0x1000, a, RIG_RW);
	rig_w32(r, 0x20, 0xfffffff2 | (uint32_t)RIG_EN);
	rig_w32(r, 0x98, rig_r32(r, 0x98) | 0xffffff00);
	rig_w32(r, 0x100ac, rig_r32(r, 0x100ac) | 0x7fffff00);
	rig_w32(r, 0x64, 0xfffffe4a);
	settle(r);
	assert_int_equal(rig_r32(r, 0x20), 0xd);
	assert_int_equal(rig_r32(r, 0x24), 0xd);
	assert_int_equal(rig_r32(r, 0x98), r->prod);
	assert_int_equal(rig_r32(r, 0x100ac), 0);
	assert_int_equal(rig_r32(r, 0x64), 0);
	rig_sees(r, 0x1000, 0x11);
	rig_cmd(r, rig_tlbi(0x12, RIG_ASID), 0x1001);
	rig_expect_no_event(r);
	/* A reserved bit that was there when the guard closed is not kept by it: PTM in CR2. */
	rig_w32(r, 0x20, 0xc);
	rig_run(r);
	rig_w32(r, 0x2c, 0xe);
	rig_w32(r, 0x20, 0xd);
	settle(r);
	assert_int_equal(rig_r32(r, 0x2c), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_word),
		RIG_TEST(test_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
