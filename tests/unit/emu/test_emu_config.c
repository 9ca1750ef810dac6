/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stream tables and context descriptors: finding them, every configuration fault with its
 * record, and that cached ones are served until a CFGI names them.
 */
#include "rig.h"

/* A fault that has no fields but StreamID, and maybe FetchAddr. */
static void
expect_config_fault(struct rig *r, uint32_t sid, unsigned int id, uint64_t fetch)
{
	uint32_t v;

	assert_int_equal(emu_dma(r->e, sid, 0x1000, &v, 4, false, NULL), EMU_FAULT);
	rig_expect_event(r, rig_ev0(id, sid), 0, 0, fetch);
}

static void
cfgi_all(struct rig *r)
{
	rig_cmd(r, SMMU_CMD_CFGI_STE_RANGE, SMMU_CFGI_RANGE_ALL);
}

/* Restart with another stream table. */
static void
strtab(struct rig *r, uint64_t base, uint32_t cfg, uint32_t cr2)
{
	rig_w32(r, SMMU_CR0, (uint32_t)(RIG_EN & ~SMMU_CR0_SMMUEN));
	rig_run(r);
	rig_w64(r, SMMU_STRTAB_BASE, base);
	rig_w32(r, SMMU_STRTAB_BASE_CFG, cfg);
	rig_w32(r, SMMU_CR2, cr2);
	rig_w32(r, SMMU_CR0, (uint32_t)RIG_EN);
	rig_run(r);
	cfgi_all(r);
}

#define TWO_LEVEL(log2, split)                                                                     \
	((uint32_t)(log2) | (uint32_t)(split) << 6 | SMMU_STRTAB_FMT_2LVL << 16)

static void
test_ste_faults(void **state)
{
	struct rig *r = *state;
	/* C_BAD_STE: word 0, word 1 */
	const uint64_t bad[][2] = {
		{ rig_ste0(r->cd_pa) & ~SMMU_STE_0_V, 0 },
		{ smmu_field_prep(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_BYPASS), 0 }, /* V first */
		{ SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_S2), 0 },
		{ SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_NESTED), 0 },
		{ rig_ste0(UINT64_C(1) << 44), 0 }, /* beyond OAS */
		{ rig_ste0(r->cd_pa), SMMU_STE_1_S1STALLD },
	};
	uint32_t v;

	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		r->ste[0] = bad[i][0];
		r->ste[1] = bad[i][1];
		cfgi_all(r);
		expect_config_fault(r, RIG_SID, SMMU_EVT_C_BAD_STE, 0);
	}
	/* Config 0b0xx aborts and says nothing, whatever else is in there. */
	r->ste[1] = SMMU_STE_1_S1STALLD;
	for (unsigned int config = 0; config < 4; config++) {
		r->ste[0] = SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, config);
		cfgi_all(r);
		assert_int_equal(emu_dma(r->e, RIG_SID, 0x1000, &v, 4, true, NULL), EMU_FAULT);
		rig_expect_no_event(r);
	}
	assert_int_equal(rig_stats(r).core.faults, RTE_DIM(bad) + 4);
}

/* IDR1.SSIDSIZE is 0: S1CDMax (63:59), S1Fmt (5:4) and S1DSS (65:64) are IGNORED, one CD. */
static void
test_substream_fields_ignored(void **state)
{
	struct rig *r = *state;

	rig_map(r, 0x1000, rig_page(r, 0x31), RIG_RW);
	for (uint64_t max = 0; max < 32; max++)
		for (uint64_t i = 0; i < 4; i++) {
			r->ste[0] = rig_ste0(r->cd_pa) | max << 59 | i << 4;
			r->ste[1] = 3 - i;
			cfgi_all(r);
			rig_sees(r, 0x1000, 0x31);
		}
	rig_expect_no_event(r);
}

static void
test_bypass(void **state)
{
	struct rig *r = *state;
	uint64_t pa = rig_page(r, 0x77);

	r->ste[0] = SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_BYPASS);
	cfgi_all(r);
	rig_sees(r, pa, 0x77);
	assert_int_equal(rig_read(r, RIG_HOLE), EMU_ABORT);
	assert_int_equal(rig_write(r, UINT64_C(1) << 44, 1), EMU_FAULT);
	rig_expect_event(r, rig_ev0(SMMU_EVT_F_ADDR_SIZE, RIG_SID),
			 rig_ev1(true, SMMU_EVT_CLASS_IN), UINT64_C(1) << 44, 0);
}

static void
test_cd_faults(void **state)
{
	struct rig *r = *state;
	const uint64_t good = rig_cd0(RIG_ASID);
	const uint64_t t0sz = SMMU_CD_0_T0SZ, both = ~SMMU_CD_0_EPD1;
	/* C_BAD_CD: word 0, TTB0, TTB1 */
	const uint64_t bad[][3] = {
		{ good & ~SMMU_CD_0_V, r->ttb, 0 },
		{ good | SMMU_CD_0_S, r->ttb, 0 },
		{ good & ~SMMU_CD_0_AA64, r->ttb, 0 },
		{ good | SMMU_CD_0_HA, r->ttb, 0 },
		{ good | SMMU_CD_0_HD, r->ttb, 0 },
		{ good | SMMU_CD_0_ENDI, r->ttb, 0 },
		{ smmu_field_set(good, t0sz, 15), r->ttb, 0 },
		{ smmu_field_set(good, t0sz, 40), r->ttb, 0 },
		{ smmu_field_set(good, SMMU_CD_0_TG0, 3), r->ttb, 0 }, /* reserved */
		{ good, UINT64_C(1) << 44, 0 },
		{ smmu_field_set(good, SMMU_CD_0_IPS, SMMU_OAS_32), UINT64_C(1) << 32, 0 },
		/* the upper half is checked once it is enabled */
		{ (good & both) | smmu_field_prep(SMMU_CD_0_TG1, SMMU_CD_TG1_4K), r->ttb, 0 },
		{ (good & both) | smmu_field_prep(SMMU_CD_0_T1SZ, 16), r->ttb, 0 },
		{ (good & both) | smmu_field_prep(SMMU_CD_0_T1SZ, 16) |
			  smmu_field_prep(SMMU_CD_0_TG1, SMMU_CD_TG1_4K),
		  r->ttb, UINT64_C(1) << 45 },
	};

	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		memcpy(r->cd, bad[i], 24);
		cfgi_all(r);
		expect_config_fault(r, RIG_SID, SMMU_EVT_C_BAD_CD, 0);
	}
	/* Nothing is checked of halves that are off. */
	r->cd[0] = smmu_field_set(good | SMMU_CD_0_EPD0 | SMMU_CD_0_ENDI, t0sz, 0);
	r->cd[1] = UINT64_C(1) << 50;
	cfgi_all(r);
	assert_int_equal(rig_read(r, 0x1000), EMU_FAULT);
	rig_expect_event(r, rig_ev0(SMMU_EVT_F_TRANSLATION, RIG_SID),
			 rig_ev1(false, SMMU_EVT_CLASS_IN), 0x1000, 0);
}

/* A structure where there is no memory: the address is in the record. */
static void
test_fetch_aborts(void **state)
{
	struct rig *r = *state;
	uint64_t aborts = rig_stats(r).core.mem_aborts;

	r->ste[0] = rig_ste0(RIG_HOLE);
	cfgi_all(r);
	expect_config_fault(r, RIG_SID, SMMU_EVT_F_CD_FETCH, RIG_HOLE);
	strtab(r, RIG_HOLE, 8, 2);
	expect_config_fault(r, RIG_SID, SMMU_EVT_F_STE_FETCH, RIG_HOLE + RIG_SID * 64);
	strtab(r, RIG_HOLE, TWO_LEVEL(8, 6), 2);
	expect_config_fault(r, 64 + RIG_SID, SMMU_EVT_F_STE_FETCH, RIG_HOLE + 8);
	assert_int_equal(rig_stats(r).core.mem_aborts, aborts + 3);
	/* A failed fetch is not cached. */
	strtab(r, r->ste_pa, 8, 2);
	expect_config_fault(r, RIG_SID, SMMU_EVT_F_CD_FETCH, RIG_HOLE);
	r->ste[0] = rig_ste0(r->cd_pa);
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_STE, RIG_SID), SMMU_CFGI_1_LEAF);
	rig_map(r, 0x1000, rig_page(r, 3), RIG_RW);
	rig_sees(r, 0x1000, 3);
}

/* C_BAD_STREAMID in each of its ways; silent without RECINVSID. */
static void
test_bad_streamid(void **state)
{
	struct rig *r = *state;
	uint64_t l1_pa = rig_alloc(r, 64, 64), l2_pa = rig_alloc(r, 64 * 64, 64 * 64);
	uint64_t *l1 = rig_va(r, l1_pa), *l2 = rig_va(r, l2_pa);
	uint32_t v;

	expect_config_fault(r, 256, SMMU_EVT_C_BAD_STREAMID, 0);
	expect_config_fault(r, UINT32_MAX, SMMU_EVT_C_BAD_STREAMID, 0);
	strtab(r, l1_pa, TWO_LEVEL(9, 6), 2);
	expect_config_fault(r, 512, SMMU_EVT_C_BAD_STREAMID, 0);
	expect_config_fault(r, 5, SMMU_EVT_C_BAD_STREAMID, 0); /* Span 0 */
	for (unsigned int span = 1; span < 32; span++) {
		uint32_t last = (1u << (span - 1)) - 1;

		l1[0] = l2_pa | span;
		cfgi_all(r);
		if (span > 7) { /* more than SPLIT allows, or reserved */
			expect_config_fault(r, 0, SMMU_EVT_C_BAD_STREAMID, 0);
			continue;
		}
		l2[8 * last] = rig_ste0(r->cd_pa);
		assert_int_equal(emu_dma(r->e, last, 0x1000, &v, 4, false, NULL), EMU_FAULT);
		rig_expect_event(r, rig_ev0(SMMU_EVT_F_TRANSLATION, last),
				 rig_ev1(false, SMMU_EVT_CLASS_IN), 0x1000, 0);
		if (last + 1 < 64)
			expect_config_fault(r, last + 1, SMMU_EVT_C_BAD_STREAMID, 0);
	}
	strtab(r, l1_pa, TWO_LEVEL(9, 6), 0);
	assert_int_equal(emu_dma(r->e, 512, 0x1000, &v, 4, false, NULL), EMU_FAULT);
	rig_expect_no_event(r);
}

/* Two levels with each SPLIT; other values act as 6. */
static void
test_split(void **state)
{
	static const uint8_t in[] = { 6, 8, 10, 0, 7 }, as[] = { 6, 8, 10, 6, 6 };
	struct rig *r = *state;

	rig_map(r, 0x1000, rig_page(r, 0x42), RIG_RW);
	for (size_t i = 0; i < sizeof(in); i++) {
		uint64_t l1_pa = rig_alloc(r, 8u << 10, 8u << 10);
		uint64_t l2_pa = rig_alloc(r, 64u << as[i], 64u << as[i]);
		uint32_t sid = (5u << as[i]) + (1u << as[i]) - 2;
		uint32_t v = 0;

		((uint64_t *)rig_va(r, l1_pa))[5] = l2_pa | (as[i] + 1u);
		((uint64_t *)rig_va(r, l2_pa))[8 * ((1u << as[i]) - 2)] = rig_ste0(r->cd_pa);
		strtab(r, l1_pa, TWO_LEVEL(16, in[i]), 2);
		assert_int_equal(emu_dma(r->e, sid, 0x1000, &v, 4, false, NULL), EMU_OK);
		assert_int_equal(v, 0x42424242);
	}
}

/*
 * §6.3.24: bits of STRTAB_BASE below the table's size are 0, which is 64 << LOG2SIZE, or 8 <<
 * (LOG2SIZE - SPLIT) and at least 64, by LOG2SIZE as written: SIDSIZE is 4 here.
 */
static void
test_base_alignment(void **state)
{
	static const struct {
		uint32_t cfg;
		unsigned int bits;
	} t[] = {
		{ 0, 6 }, { 1, 7 }, { 4, 10 }, { 5, 11 }, { 10, 16 }, { 14, 20 },
		{ TWO_LEVEL(4, 6), 6 }, { TWO_LEVEL(9, 6), 6 }, { TWO_LEVEL(10, 6), 7 },
		{ TWO_LEVEL(16, 6), 13 }, { TWO_LEVEL(16, 8), 11 }, { TWO_LEVEL(24, 10), 17 },
		{ TWO_LEVEL(16, 0), 13 }, /* a reserved SPLIT is 6 */
	};
	struct emu_smmuv3_conf c = rig_conf();

	(void)state;
	c.sid_bits = 4;
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		uint64_t base, l2_pa, junk = (UINT64_C(1) << t[i].bits) - 64;
		struct rig r;
		uint32_t v = 0;

		rig_new(&r, &c);
		rig_up(&r);
		rig_map(&r, 0x1000, rig_page(&r, 0x66), RIG_RW);
		base = rig_alloc(&r, UINT64_C(1) << (t[i].bits < 7 ? 7 : t[i].bits),
				 UINT64_C(1) << (t[i].bits + 1));
		if (t[i].cfg >> 16) {
			l2_pa = rig_alloc(&r, 64, 64);
			*(uint64_t *)rig_va(&r, l2_pa) = rig_ste0(r.cd_pa);
			*(uint64_t *)rig_va(&r, base) = l2_pa | 1;
		} else {
			*(uint64_t *)rig_va(&r, base) = rig_ste0(r.cd_pa);
		}
		strtab(&r, base | junk, t[i].cfg, 2);
		assert_int_equal(emu_dma(r.e, 0, 0x1000, &v, 4, false, NULL), EMU_OK);
		assert_int_equal(v, 0x66666666);
		/* The first bit that counts. */
		strtab(&r, base | UINT64_C(1) << t[i].bits, t[i].cfg, 2);
		assert_int_equal(emu_dma(r.e, 0, 0x1000, &v, 4, false, NULL), EMU_FAULT);
		rig_free(&r);
	}
}

/* LOG2SIZE beyond SIDSIZE counts as SIDSIZE; FMT without ST_LEVEL is linear. */
static void
test_size_limits(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	uint64_t table;
	struct rig r;

	(void)state;
	c.sid_bits = 4;
	c.two_level = false;
	rig_new(&r, &c);
	rig_up(&r);
	rig_w32(&r, SMMU_CR0, (uint32_t)(RIG_EN & ~SMMU_CR0_SMMUEN));
	rig_run(&r);
	/* Aligned as 2^10 STEs are. */
	table = rig_alloc(&r, 64u << 4, 64u << 10);
	memcpy(rig_va(&r, table), rig_va(&r, r.ste_pa), 64u << 4);
	rig_w64(&r, SMMU_STRTAB_BASE, table);
	rig_w32(&r, SMMU_STRTAB_BASE_CFG, TWO_LEVEL(10, 6));
	rig_w32(&r, SMMU_CR0, (uint32_t)RIG_EN);
	rig_run(&r);
	rig_map(&r, 0x1000, rig_page(&r, 9), RIG_RW);
	rig_sees(&r, 0x1000, 9);
	expect_config_fault(&r, 16, SMMU_EVT_C_BAD_STREAMID, 0);
	rig_free(&r);
}

/* ---- caching --------------------------------------------------------------------------------- */

/* What makes the SMMU see a new STE, CD or L1STD, and what does not. */
static void
test_ste_stale_until_cfgi(void **state)
{
	struct rig *r = *state;
	static const struct {
		unsigned int op;
		uint32_t sid;
		uint64_t dw1;
		bool drops;
	} t[] = {
		{ SMMU_CMD_CFGI_STE, RIG_SID + 1, 1, false },
		{ SMMU_CMD_CFGI_CD, RIG_SID, 1, false },
		{ SMMU_CMD_CFGI_CD_ALL, RIG_SID, 0, false },
		{ SMMU_CMD_CFGI_STE_RANGE, 4, 1, false },  /* 4..7 */
		{ SMMU_CMD_TLBI_NSNH_ALL, 0, 0, false },
		{ SMMU_CMD_CFGI_STE, RIG_SID, 1, true },
		{ SMMU_CMD_CFGI_STE, RIG_SID, 0, true },
		{ SMMU_CMD_CFGI_STE_RANGE, 2, 0, true },   /* 2..3 */
		{ SMMU_CMD_CFGI_STE_RANGE, 0, 1, true },   /* 0..3 */
		{ SMMU_CMD_CFGI_STE_RANGE, 0, SMMU_CFGI_RANGE_ALL, true },
	};

	rig_map(r, 0x1000, rig_page(r, 1), RIG_RW);
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		r->ste[0] = rig_ste0(r->cd_pa);
		cfgi_all(r);
		rig_sees(r, 0x1000, 1);
		r->ste[0] = SMMU_STE_0_V; /* abort */
		rig_sees(r, 0x1000, 1);
		rig_cmd(r, rig_sid(t[i].op, t[i].sid), t[i].dw1);
		assert_int_equal(rig_read(r, 0x1000), t[i].drops ? EMU_FAULT : EMU_OK);
	}
}

/* An invalid STE is cached just as well. */
static void
test_invalid_ste_is_cached(void **state)
{
	struct rig *r = *state;

	rig_map(r, 0x1000, rig_page(r, 1), RIG_RW);
	r->ste[0] = 0;
	expect_config_fault(r, RIG_SID, SMMU_EVT_C_BAD_STE, 0);
	r->ste[0] = rig_ste0(r->cd_pa);
	expect_config_fault(r, RIG_SID, SMMU_EVT_C_BAD_STE, 0);
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_STE, RIG_SID), 1);
	rig_sees(r, 0x1000, 1);
}

static void
test_cd_stale_until_cfgi(void **state)
{
	static const struct {
		unsigned int op;
		uint32_t sid;
		bool drops;
	} t[] = {
		{ SMMU_CMD_CFGI_CD, RIG_SID + 1, false },    { SMMU_CMD_TLBI_NH_ALL, 0, false },
		{ SMMU_CMD_CFGI_CD_ALL, RIG_SID + 1, false }, { SMMU_CMD_CFGI_CD, RIG_SID, true },
		{ SMMU_CMD_CFGI_CD_ALL, RIG_SID, true },      { SMMU_CMD_CFGI_STE, RIG_SID, true },
	};
	struct rig *r = *state;
	uint64_t other = rig_alloc(r, 4096, 4096);

	rig_map(r, 0x1000, rig_page(r, 1), RIG_RW);
	rig_map_at(r, other, 0, 0x1000, 3, rig_page(r, 2) | RIG_RW | SMMU_TTD_TYPE_PAGE);
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		r->cd[0] = rig_cd0(RIG_ASID);
		r->cd[1] = r->ttb;
		cfgi_all(r);
		rig_sees(r, 0x1000, 1);
		/* Another ASID, so that the IOTLB has no say in it. */
		r->cd[0] = rig_cd0(RIG_ASID + 1);
		r->cd[1] = other;
		rig_sees(r, 0x1000, 1);
		rig_cmd(r, rig_sid(t[i].op, t[i].sid), 1);
		rig_sees(r, 0x1000, t[i].drops ? 2 : 1);
	}
	/* V=0 is cached as well. */
	r->cd[0] = 0;
	cfgi_all(r);
	expect_config_fault(r, RIG_SID, SMMU_EVT_C_BAD_CD, 0);
	r->cd[0] = rig_cd0(RIG_ASID);
	expect_config_fault(r, RIG_SID, SMMU_EVT_C_BAD_CD, 0);
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_CD, RIG_SID), 1);
	assert_int_equal(rig_read(r, 0x1000), EMU_OK);
}

/* A new L1STD needs CFGI_STE with Leaf=0. */
static void
test_l1std_stale_until_cfgi(void **state)
{
	struct rig *r = *state;
	uint64_t l1_pa = rig_alloc(r, 64, 64);
	uint64_t *l1 = rig_va(r, l1_pa);

	rig_map(r, 0x1000, rig_page(r, 1), RIG_RW);
	strtab(r, l1_pa, TWO_LEVEL(9, 6), 2);
	expect_config_fault(r, RIG_SID, SMMU_EVT_C_BAD_STREAMID, 0);
	l1[0] = r->ste_pa | 7;
	expect_config_fault(r, RIG_SID, SMMU_EVT_C_BAD_STREAMID, 0);
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_STE, RIG_SID), SMMU_CFGI_1_LEAF);
	expect_config_fault(r, RIG_SID, SMMU_EVT_C_BAD_STREAMID, 0);
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_STE, 64), 0); /* another L1STD */
	expect_config_fault(r, RIG_SID, SMMU_EVT_C_BAD_STREAMID, 0);
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_STE, 60), 0); /* any stream of it */
	rig_sees(r, 0x1000, 1);
	l1[0] = 0;
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_STE_RANGE, 2), 0); /* a part of it */
	expect_config_fault(r, RIG_SID, SMMU_EVT_C_BAD_STREAMID, 0);
}

/* cfg_cache=0: every access reads anew, and counts. */
static void
test_no_cache(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	c.cfg_cache = 0;
	rig_new(&r, &c);
	rig_up(&r);
	rig_map(&r, 0x1000, rig_page(&r, 1), RIG_RW);
	rig_sees(&r, 0x1000, 1);
	rig_sees(&r, 0x1000, 1);
	assert_int_equal(rig_stats(&r).ste_reads, 2);
	assert_int_equal(rig_stats(&r).cd_reads, 2);
	r.ste[0] = 0;
	expect_config_fault(&r, RIG_SID, SMMU_EVT_C_BAD_STE, 0);
	rig_free(&r);
}

static void
test_reads_counted(void **state)
{
	struct rig *r = *state;

	rig_map(r, 0x1000, rig_page(r, 1), RIG_RW);
	for (int i = 0; i < 5; i++)
		rig_sees(r, 0x1000, 1);
	assert_int_equal(rig_stats(r).ste_reads, 1);
	assert_int_equal(rig_stats(r).cd_reads, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_ste_faults),
		RIG_TEST(test_substream_fields_ignored),
		RIG_TEST(test_bypass),
		RIG_TEST(test_cd_faults),
		RIG_TEST(test_fetch_aborts),
		RIG_TEST(test_bad_streamid),
		RIG_TEST(test_split),
		cmocka_unit_test(test_base_alignment),
		cmocka_unit_test(test_size_limits),
		RIG_TEST(test_ste_stale_until_cfgi),
		RIG_TEST(test_invalid_ste_is_cached),
		RIG_TEST(test_cd_stale_until_cfgi),
		RIG_TEST(test_l1std_stale_until_cfgi),
		cmocka_unit_test(test_no_cache),
		RIG_TEST(test_reads_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
