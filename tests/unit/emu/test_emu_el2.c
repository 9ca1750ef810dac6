/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * EL2's StreamWorlds, which IDR0.Hyp brings: which streams are in them, how their tables are read,
 * and that each kind of TLBI drops what is of its own world and leaves the other's (IHI 0070
 * §3.3.3, §3.17, §4.4.2, §5.2 STRW, §6.3.12 E2H). Encodings are numbers here, from the text.
 */
#include "rig.h"

#define STRW(v) ((uint64_t)(v) << 30) /* of word 1: bits 95:94 of an STE */
#define E2H     1u                    /* CR2 */
#define OTHER   5u                    /* another stream */

struct world {
	struct rig r;
	uint64_t *ste2, *cd2, ttb2;
	uint64_t old_pa, new_pa;
};

/* RIG_SID in the world of @p strw1 with RIG_ASID, OTHER in that of @p strw2 with @p asid2 and
 * tables of its own. */
static void
up(struct world *w, bool hyp, uint32_t cr2, uint64_t strw1, uint64_t strw2, unsigned int asid2)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig *r = &w->r;
	uint64_t cd_pa;

	c.s2 = hyp; /* one does not go without the other (§6.3.1) */
	rig_new(r, &c);
	rig_up(r);
	rig_w32(r, SMMU_CR0, (uint32_t)(RIG_EN & ~SMMU_CR0_SMMUEN));
	rig_run(r);
	rig_w32(r, SMMU_CR2, cr2 | 2);
	rig_w32(r, SMMU_CR0, (uint32_t)RIG_EN);
	rig_run(r);
	r->ste[1] = STRW(strw1);
	cd_pa = rig_alloc(r, 64, 64);
	w->cd2 = rig_va(r, cd_pa);
	w->ste2 = rig_va(r, r->ste_pa + OTHER * 64);
	w->ttb2 = rig_alloc(r, 4096, 4096);
	w->cd2[0] = rig_cd0(asid2);
	w->cd2[1] = w->ttb2;
	w->ste2[0] = rig_ste0(cd_pa);
	w->ste2[1] = STRW(strw2);
	w->old_pa = rig_page(r, 1);
	w->new_pa = rig_page(r, 2);
}

/* What the stream sees: 1 old, 2 new, 0 a fault. */
static unsigned int
sees(struct world *w, uint32_t sid, uint64_t va)
{
	uint32_t v = 0;

	return emu_dma(w->r.e, sid, va, &v, 4, false, NULL) == EMU_OK ? v & 0xff : 0;
}

/* STRW: 0b00 and 0b10 mean something, 0bx1 is ILLEGAL; without Hyp it is RES0 and not looked at. */
static void
test_strw(void **state)
{
	struct world w;

	(void)state;
	for (unsigned int hyp = 0; hyp < 2; hyp++)
		for (unsigned int strw = 0; strw < 4; strw++) {
			up(&w, hyp, 0, strw, 0, 8);
			rig_map(&w.r, 0x1000, w.old_pa, RIG_RW);
			assert_int_equal(sees(&w, RIG_SID, 0x1000), hyp && (strw & 1) ? 0 : 1);
			if (hyp && (strw & 1))
				rig_expect_event(&w.r, rig_ev0(0x04, RIG_SID), 0, 0, 0);
			/* Bypass and abort do not look at it either. */
			w.r.ste[0] = 1 | 4 << 1;
			rig_cmd(&w.r, rig_sid(3, RIG_SID), 1);
			assert_int_equal(sees(&w, RIG_SID, w.new_pa), 2);
			rig_expect_no_event(&w.r);
			rig_free(&w.r);
		}
}

/* Which entries are shared: those of one world, and there of one ASID, where it has ASIDs. */
static void
test_tags(void **state)
{
	static const struct {
		uint32_t cr2;
		uint8_t strw1, strw2, asid2;
		bool shared;
	} t[] = {
		{ 0, 0, 0, RIG_ASID, true },     { 0, 0, 0, RIG_ASID + 1, false },
		{ 0, 0, 2, RIG_ASID, false },    { 0, 2, 0, RIG_ASID, false },
		{ 0, 2, 2, RIG_ASID, true },     { 0, 2, 2, RIG_ASID + 1, true },
		{ E2H, 2, 2, RIG_ASID, true },   { E2H, 2, 2, RIG_ASID + 1, false },
		{ E2H, 0, 2, RIG_ASID, false },  { E2H, 0, 0, RIG_ASID + 1, false },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		up(&w, true, t[i].cr2, t[i].strw1, t[i].strw2, t[i].asid2);
		rig_map(&w.r, 0x7000, w.old_pa, RIG_RW);
		rig_map_at(&w.r, w.ttb2, 0, 0x7000, 3, w.new_pa | RIG_RW | 3);
		assert_int_equal(sees(&w, RIG_SID, 0x7000), 1);
		assert_int_equal(sees(&w, OTHER, 0x7000), t[i].shared ? 1 : 2);
		rig_free(&w.r);
	}
}

/* Every TLBI against an entry of each world: 2 is fresh. */
static void
test_invalidations(void **state)
{
	const uint64_t asid = (uint64_t)RIG_ASID << 48, other = (uint64_t)(RIG_ASID + 1) << 48;
	const struct {
		uint64_t dw0, dw1;
		uint8_t el1, el2, e2h; /* what a stream of that world sees after it */
	} t[] = {
		{ 0x10, 0, 2, 1, 1 },                         /* NH_ALL */
		{ 0x11 | asid, 0, 2, 1, 1 },                  /* NH_ASID */
		{ 0x12 | asid, 0x7001, 2, 1, 1 },             /* NH_VA */
		{ 0x13, 0x7001, 2, 1, 1 },                    /* NH_VAA */
		{ 0x30, 0, 2, 1, 1 },                         /* NSNH_ALL */
		{ 0x20, 0, 1, 2, 2 },                         /* EL2_ALL */
		{ 0x22 | asid, 0x7001, 1, 2, 2 },             /* EL2_VA */
		{ 0x22 | other, 0x7001, 1, 2, 1 },            /* without E2H its ASID is ignored */
		{ 0x22 | asid, 0x8001, 1, 1, 1 },
		{ 0x23, 0x7001, 1, 2, 2 },                    /* EL2_VAA */
		{ 0x23 | other, 0x6001, 1, 1, 1 },
		{ 0x23 | 1 << 12, 0x6000 | 1 << 10, 1, 2, 2 }, /* a range of two pages */
		{ 0x21 | asid, 0, 1, 1, 2 },                  /* EL2_ASID: EL2 has none */
		{ 0x21 | other, 0, 1, 1, 1 },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(t); i++)
		for (unsigned int k = 0; k < 3; k++) {
			unsigned int want = k == 0 ? t[i].el1 : k == 1 ? t[i].el2 : t[i].e2h;

			up(&w, true, k == 2 ? E2H : 0, k == 0 ? 0 : 2, 0, 8);
			rig_map(&w.r, 0x7000, w.old_pa, RIG_RW);
			assert_int_equal(sees(&w, RIG_SID, 0x7000), 1);
			rig_map(&w.r, 0x7000, w.new_pa, RIG_RW);
			rig_cmd(&w.r, t[i].dw0, t[i].dw1);
			if (sees(&w, RIG_SID, 0x7000) != want)
				fail_msg("command %zu, world %u: not %u", i, k, want);
			rig_free(&w.r);
		}
}

/* One world's ALL leaves what is noted of the other's: a TLBI by address still finds it later. */
static void
test_worlds_are_apart(void **state)
{
	struct world w;

	(void)state;
	up(&w, true, E2H, 0, 2, RIG_ASID);
	for (unsigned int turn = 0; turn < 2; turn++) {
		rig_map(&w.r, 0x7000, w.old_pa, RIG_RW);
		rig_map_at(&w.r, w.ttb2, 0, 0x7000, 3, w.old_pa | RIG_RW | 3);
		rig_cmd(&w.r, 0x10, 0);
		rig_cmd(&w.r, 0x20, 0);
		assert_int_equal(sees(&w, RIG_SID, 0x7000), 1);
		assert_int_equal(sees(&w, OTHER, 0x7000), 1);
		rig_map(&w.r, 0x7000, w.new_pa, RIG_RW);
		rig_map_at(&w.r, w.ttb2, 0, 0x7000, 3, w.new_pa | RIG_RW | 3);
		rig_cmd(&w.r, turn ? 0x20 : 0x10, 0);
		assert_int_equal(sees(&w, RIG_SID, 0x7000), turn ? 1 : 2);
		assert_int_equal(sees(&w, OTHER, 0x7000), turn ? 2 : 1);
		rig_cmd(&w.r, rig_tlbi(turn ? 0x12 : 0x22, RIG_ASID), 0x7001);
		assert_int_equal(sees(&w, turn ? RIG_SID : OTHER, 0x7000), 2);
	}
	rig_free(&w.r);
}

/* EL2 without E2H has one table and no privileges; with E2H it is like EL1 (§3.3.3, §3.3.4). */
static void
test_regime(void **state)
{
	struct world w;

	(void)state;
	for (unsigned int e2h = 0; e2h < 2; e2h++) {
		uint64_t rw = RIG_RW & ~SMMU_TTD_AP1;
		struct rig *r = &w.r;

		up(&w, true, e2h, 2, 0, 8);
		/* EPD0 is ignored; so is all of the other half, which is illegal here. */
		r->cd[0] = (r->cd[0] | UINT64_C(1) << 14) & ~(UINT64_C(1) << 30);
		r->cd[2] = UINT64_C(1) << 50;
		rig_map(r, 0x1000, w.old_pa, RIG_RW);
		assert_int_equal(sees(&w, RIG_SID, 0x1000), e2h ? 0 : 1);
		if (e2h)
			rig_expect_event(r, rig_ev0(0x0a, RIG_SID), 0, 0, 0);
		r->cd[0] = rig_cd0(RIG_ASID);
		rig_cmd(r, rig_sid(5, RIG_SID), 1);
		/* The upper half: not mapped. */
		assert_int_equal(sees(&w, RIG_SID, UINT64_C(0xffff000000001000)), 0);
		rig_expect_event(r, rig_ev0(0x10, RIG_SID), rig_ev1(false, 2),
				 UINT64_C(0xffff000000001000), 0);
		/* AP[1] = 0, an unprivileged device: without E2H it counts as 1. */
		rig_map(r, 0x2000, w.old_pa, rw);
		assert_int_equal(sees(&w, RIG_SID, 0x2000), e2h ? 0 : 1);
		/* PXN (53) is nothing there, XN (54) is; INSTCFG = instruction (51:50 of word 1). */
		r->ste[1] = STRW(2) | UINT64_C(3) << 50 | UINT64_C(3) << 48;
		rig_cmd(r, rig_sid(3, RIG_SID), 1);
		rig_map(r, 0x3000, w.old_pa, rw | SMMU_TTD_AP2 | UINT64_C(1) << 53);
		rig_map(r, 0x4000, w.old_pa, rw | SMMU_TTD_AP2 | UINT64_C(1) << 54);
		assert_int_equal(sees(&w, RIG_SID, 0x3000), e2h ? 0 : 1);
		assert_int_equal(sees(&w, RIG_SID, 0x4000), e2h ? 1 : 0);
		/* Writable and WXN (36 of the CD): not to be executed. */
		r->cd[0] |= UINT64_C(1) << 36;
		rig_cmd(r, rig_sid(5, RIG_SID), 1);
		rig_cmd(r, 0x20, 0);
		assert_int_equal(sees(&w, RIG_SID, 0x2000), 0);
		rig_free(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strw),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_invalidations),
		cmocka_unit_test(test_worlds_are_apart),
		cmocka_unit_test(test_regime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
