/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Encodings as numbers. The emulator, the driver and most tests take theirs from one header: what
 * that says is compared here with what two sources say that know nothing of each other (which two:
 * pmd/emu/smmuv3/README.md, "Encodings"), and tried on the emulator in bare numbers.
 */
#include "rig.h"

#define B(n)    (UINT64_C(1) << (n))
#define F(h, l) ((~UINT64_C(0) >> (63 - (h))) & (~UINT64_C(0) << (l)))

static const struct {
	const char *name;
	uint64_t ours, theirs;
} same[] = {
#define S(name, theirs) { #name, (uint64_t)SMMU_##name, (uint64_t)(theirs) }
	/* TLBI */
	S(CMD_TLBI_NH_ALL, 0x10), S(CMD_TLBI_NH_ASID, 0x11), S(CMD_TLBI_NH_VA, 0x12),
	S(CMD_TLBI_NH_VAA, 0x13), S(CMD_TLBI_EL2_ALL, 0x20), S(CMD_TLBI_EL2_ASID, 0x21),
	S(CMD_TLBI_EL2_VA, 0x22), S(CMD_TLBI_EL2_VAA, 0x23), S(CMD_TLBI_NSNH_ALL, 0x30),
	S(TLBI_0_NUM, F(16, 12)), S(TLBI_0_SCALE, F(24, 20)), S(TLBI_0_VMID, F(47, 32)),
	S(TLBI_0_ASID, F(63, 48)), S(TLBI_1_LEAF, B(0)), S(TLBI_1_TTL, F(9, 8)),
	S(TLBI_1_TG, F(11, 10)), S(TLBI_1_ADDR, F(63, 12)), S(TLBI_TG_NONE, 0),
	S(TLBI_TG_4K, 1), S(TLBI_TG_16K, 2), S(TLBI_TG_64K, 3),
	/* CFGI */
	S(CMD_CFGI_STE, 3), S(CMD_CFGI_STE_RANGE, 4), S(CMD_CFGI_CD, 5), S(CMD_CFGI_CD_ALL, 6),
	S(CMD_0_SID, F(63, 32)), S(CMD_0_SSID, F(31, 12)), S(CMD_0_SSV, B(11)),
	S(CMD_0_SSEC, B(10)), S(CFGI_1_LEAF, B(0)), S(CFGI_1_RANGE, F(4, 0)),
	S(CFGI_RANGE_ALL, 31),
	/* SYNC, and the MSIs of registers */
	S(CMD_SYNC, 0x46), S(SYNC_0_CS, F(13, 12)), S(SYNC_CS_NONE, 0), S(SYNC_CS_IRQ, 1),
	S(SYNC_CS_SEV, 2), S(SYNC_0_MSH, F(23, 22)), S(SYNC_0_MSIATTR, F(27, 24)),
	S(SYNC_0_MSIDATA, F(63, 32)), S(SYNC_1_MSIADDRESS, F(51, 2)),
	S(GERROR_IRQ_CFG0, 0x68), S(GERROR_IRQ_CFG1, 0x70), S(GERROR_IRQ_CFG2, 0x74),
	S(EVENTQ_IRQ_CFG0, 0xb0), S(EVENTQ_IRQ_CFG1, 0xb8), S(EVENTQ_IRQ_CFG2, 0xbc),
	S(PRIQ_IRQ_CFG0, 0xd0), S(PRIQ_IRQ_CFG1, 0xd8), S(PRIQ_IRQ_CFG2, 0xdc),
	S(IRQ_CFG0_ADDR, F(51, 2)), S(IRQ_CFG2_SH, F(5, 4)), S(IRQ_CFG2_MEMATTR, F(3, 0)),
	/* ATS. Positions of ATC_INV: one source; its opcode and 52: two. */
	S(CMD_ATC_INV, 0x40), S(ATC_SIZE_ALL, 52), S(ATC_1_SIZE, F(5, 0)), S(ATC_1_ADDR, F(63, 12)),
	S(ATC_0_GLOBAL, B(9)), S(CR0_ATSCHK, B(4)), S(STE_1_EATS, F(29, 28)), S(STE_EATS_OFF, 0),
	S(STE_EATS_FULL, 1), S(STE_EATS_SPLIT, 2), S(IDR0_ATS, B(10)), S(IDR0_NS1ATS, B(11)),
	/* STE */
	S(STE_0_S1CDMAX, F(63, 59)), S(STE_0_S1FMT, F(5, 4)), S(STE_1_S1DSS, F(1, 0)),
	S(STE_1_STRW, F(31, 30)), S(STE_STRW_NSEL1, 0), S(STE_STRW_EL2, 2),
	S(STE_1_PRIVCFG, F(49, 48)), S(STE_PRIVCFG_UNPRIV, 2), S(STE_PRIVCFG_PRIV, 3),
	S(STE_1_INSTCFG, F(51, 50)), S(CR2_E2H, B(0)), S(CR2_RECINVSID, B(1)), S(CR2_PTM, B(2)),
	S(CR2_REC_CFG_ATS, B(3)),
	/* stage 2: STE words 1 to 3 in bits of the word, its commands, what says that it is there */
	S(STE_1_S2FWB, B(25)), S(STE_2_S2VMID, F(15, 0)), S(STE_2_S2T0SZ, F(37, 32)),
	S(STE_2_S2SL0, F(39, 38)), S(STE_2_S2TG, F(47, 46)), S(STE_2_S2PS, F(50, 48)),
	S(STE_2_S2AA64, B(51)), S(STE_2_S2ENDI, B(52)), S(STE_2_S2AFFD, B(53)),
	S(STE_2_S2PTW, B(54)), S(STE_2_S2HD, B(55)), S(STE_2_S2HA, B(56)), S(STE_2_S2S, B(57)),
	S(STE_2_S2R, B(58)), S(STE_3_S2TTB, F(51, 4)), S(CMD_TLBI_S12_VMALL, 0x28),
	S(CMD_TLBI_S2_IPA, 0x2a), S(IDR0_S2P, B(0)), S(IDR0_S1P, B(1)), S(IDR0_HYP, B(9)),
	S(IDR0_VMID16, B(18)), S(IDR3_XNX, B(4)), S(IDR3_FWB, B(8)),
	/* CD */
	S(CD_0_TG0, F(7, 6)), S(CD_TG0_4K, 0), S(CD_TG0_64K, 1), S(CD_TG0_16K, 2),
	S(CD_0_T1SZ, F(21, 16)), S(CD_0_TG1, F(23, 22)), S(CD_TG1_16K, 1), S(CD_TG1_4K, 2),
	S(CD_TG1_64K, 3), S(CD_0_EPD0, B(14)), S(CD_0_EPD1, B(30)), S(CD_1_TTB0, F(51, 4)),
	S(CD_2_TTB1, F(51, 4)), S(CD_0_HD, B(42)), S(CD_0_HA, B(43)), S(IDR0_HTTU, F(7, 6)),
	/* events */
	S(EVT_F_STE_FETCH, 3), S(EVT_F_BAD_ATS_TREQ, 5), S(EVT_F_TRANSL_FORBIDDEN, 7),
	S(EVT_F_CD_FETCH, 9), S(EVT_F_WALK_EABT, 0xb), S(EVT_0_ID, F(7, 0)), S(EVT_0_SSV, B(11)),
	S(EVT_0_SSID, F(31, 12)), S(EVT_0_SID, F(63, 32)), S(EVT_1_REASON, F(15, 0)),
	S(EVT_1_PNU, B(33)), S(EVT_1_IND, B(34)), S(EVT_1_RNW, B(35)), S(EVT_1_S2, B(39)),
	S(EVT_1_CLASS, F(41, 40)), S(EVT_CLASS_CD, 0), S(EVT_CLASS_TTD, 1), S(EVT_CLASS_IN, 2),
	S(EVT_3_FETCHADDR, F(51, 3)), S(EVT_3_IPA, F(51, 12)), S(EVT_1_ATS_SPAN, F(3, 0)), S(EVT_1_ATS_PRIV, B(28)),
	S(EVT_1_ATS_X, B(29)), S(EVT_1_ATS_W, B(30)), S(EVT_1_ATS_R, B(31)),
};

static void
test_header(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(same); i++)
		if (same[i].ours != same[i].theirs)
			fail_msg("SMMU_%s is %#jx, not %#jx", same[i].name,
				 (uintmax_t)same[i].ours, (uintmax_t)same[i].theirs);
}

static void
cfgi_all(struct rig *r)
{
	rig_cmd(r, 0x04, 31);
}

/* Where a structure cannot be fetched: FetchAddr in word 3, and of a walk what was accessed. */
static void
test_fetch_aborts(void **state)
{
	struct rig *r = *state;
	uint64_t sid = (uint64_t)RIG_SID << 32;

	rig_map_at(r, r->ttb, 0, 0x5000, 0, RIG_HOLE | 3);
	rig_read(r, 0x5000);
	rig_expect_event(r, 0x0b | sid, B(35) | B(40), 0x5000, RIG_HOLE);
	rig_write(r, 0x5008, 1);
	rig_expect_event(r, 0x0b | sid, B(40), 0x5008, RIG_HOLE);
	r->ste[0] = 0xb | (RIG_HOLE + 0x1240); /* V, Config 0b101, S1ContextPtr */
	cfgi_all(r);
	rig_read(r, 0x5000);
	rig_expect_event(r, 0x09 | sid, 0, 0, RIG_HOLE + 0x1240);
	rig_w32(r, 0x20, 0xc);
	rig_run(r);
	rig_w64(r, 0x80, RIG_HOLE);
	rig_w32(r, 0x20, 0xd);
	rig_run(r);
	cfgi_all(r);
	rig_read(r, 0x5000);
	rig_expect_event(r, 0x03 | sid, 0, 0, RIG_HOLE + RIG_SID * 64);
}

/* PRIVCFG: 2 unprivileged, 3 privileged; INSTCFG: 2 data, 3 instruction; 0 and 1 as it comes, which
 * from these devices is unprivileged data. A write is data. */
static void
test_overrides(void **state)
{
	struct rig *r = *state;
	uint64_t sid = (uint64_t)RIG_SID << 32;

	for (uint64_t priv = 0; priv < 4; priv++)
		for (uint64_t inst = 0; inst < 4; inst++) {
			uint64_t pnu = priv == 3 ? B(33) : 0, ind = inst == 3 ? B(34) : 0;

			r->ste[1] = priv << 48 | inst << 50;
			cfgi_all(r);
			rig_read(r, 0x9000);
			rig_expect_event(r, 0x10 | sid, B(35) | B(41) | pnu | ind, 0x9000, 0);
			rig_write(r, 0x9000, 1);
			rig_expect_event(r, 0x10 | sid, B(41) | pnu, 0x9000, 0);
		}
}

/* TTB1 at its place, and its granule's codes, which are not TG0's: a page of each granule. */
static void
test_upper_half(void **state)
{
	static const struct {
		unsigned int tg1, page, index;
	} t[] = { { 2, 12, 9 }, { 1, 14, 11 }, { 3, 16, 13 } };
	struct rig *r = *state;

	for (size_t i = 0; i < RTE_DIM(t); i++) {
		/* Levels 2 and 3; 39 is the largest T1SZ. */
		unsigned int tsz = 64 - (t[i].page + t[i].index + 1);
		uint64_t page = UINT64_C(1) << t[i].page, l2, l3, pa, va;

		tsz = tsz > 39 ? 39 : tsz;
		l2 = rig_alloc(r, page, page);
		l3 = rig_alloc(r, page, page);
		pa = rig_alloc(r, page, page);
		memset(rig_va(r, pa), 0x40 + (int)i, page);
		/* The last page of all. */
		va = ~UINT64_C(0) << t[i].page;
		((uint64_t *)rig_va(r, l2))[((va & ((UINT64_C(1) << (64 - tsz)) - 1)) >>
					     (t[i].page + t[i].index))] = l3 | 3;
		((uint64_t *)rig_va(r, l3))[page / 8 - 1] = pa | 0xc43; /* nG, AF, AP[1], page */
		r->cd[0] = (rig_cd0(RIG_ASID) & ~B(30)) | (uint64_t)tsz << 16 |
			   (uint64_t)t[i].tg1 << 22;
		r->cd[2] = l2;
		cfgi_all(r);
		rig_cmd(r, 0x30, 0);
		rig_sees(r, va + 64, (uint8_t)(0x40 + i));
	}
	r->cd[0] = rig_cd0(RIG_ASID) & ~B(30); /* TG1 0 is reserved */
	cfgi_all(r);
	rig_read(r, ~UINT64_C(0xfff));
	rig_expect_event(r, 0x0a | (uint64_t)RIG_SID << 32, 0, 0, 0);
}

/* HA and HD, for which IDR0.HTTU is 0; EATS, for which IDR0.ATS is. */
static void
test_denied(void **state)
{
	struct rig *r = *state;

	rig_map(r, 0x1000, rig_page(r, 1), RIG_RW);
	for (unsigned int bit = 42; bit <= 43; bit++) {
		r->cd[0] = rig_cd0(RIG_ASID) | B(bit);
		rig_cmd(r, 0x06 | (uint64_t)RIG_SID << 32, 0); /* CFGI_CD_ALL */
		rig_read(r, 0x1000);
		rig_expect_event(r, 0x0a | (uint64_t)RIG_SID << 32, 0, 0, 0);
	}
	r->cd[0] = rig_cd0(RIG_ASID);
	rig_cmd(r, 0x06 | (uint64_t)RIG_SID << 32, 0);
	for (uint64_t eats = 0; eats < 4; eats++) {
		r->ste[1] = eats << 28;
		cfgi_all(r);
		rig_sees(r, 0x1000, 1);
	}
}

/* TLBI_NH_VAA of 3 << 1 pages of 4 KiB: NUM, SCALE, TG, Leaf. Those and no others are fresh. */
static void
test_range(void **state)
{
	struct rig *r = *state;
	uint64_t old = rig_page(r, 1), new = rig_page(r, 2);

	for (uint64_t i = 0; i < 10; i++) {
		rig_map(r, 0x40000 + (i << 12), old, RIG_RW);
		rig_sees(r, 0x40000 + (i << 12), 1);
		rig_map(r, 0x40000 + (i << 12), new, RIG_RW);
	}
	rig_cmd(r, 0x13 | 2u << 12 | 1u << 20, 0x42000 | 1u << 10 | 1);
	for (uint64_t i = 0; i < 10; i++)
		rig_sees(r, 0x40000 + (i << 12), i >= 2 && i < 8 ? 2 : 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header), RIG_TEST(test_fetch_aborts),
		RIG_TEST(test_overrides),      RIG_TEST(test_upper_half),
		RIG_TEST(test_denied),         RIG_TEST(test_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
