/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * ATS: what an endpoint is told when it asks, what it then does without asking, and how it is
 * told to forget.
 */
#include "rig.h"

#define ATC_TIMEOUT 5000u
#define EN_ATS      ((uint32_t)(RIG_EN | SMMU_CR0_ATSCHK))

struct atc_rig {
	struct rig r; /* first: RIG_* helpers take it */
	struct emu_atc *atc;
};

static void
set_eats(struct rig *r, unsigned int eats)
{
	r->ste[1] = smmu_field_prep(SMMU_STE_1_EATS, eats);
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_STE, RIG_SID), SMMU_CFGI_1_LEAF);
}

static int
setup(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct atc_rig *a = malloc(sizeof(*a));

	c.ats = true;
	c.atc_timeout_ns = ATC_TIMEOUT;
	rig_new(&a->r, &c);
	rig_up(&a->r);
	rig_w32(&a->r, SMMU_CR0, EN_ATS);
	rig_run(&a->r);
	assert_int_equal(rig_r32(&a->r, SMMU_CR0ACK), EN_ATS);
	set_eats(&a->r, SMMU_STE_EATS_FULL);
	a->atc = emu_atc_create(a->r.e, RIG_SID, 16);
	assert_non_null(a->atc);
	assert_int_equal(emu_ats_enable(a->r.e, RIG_SID, true), 0);
	*state = a;
	return 0;
}

static int
teardown(void **state)
{
	struct atc_rig *a = *state;

	emu_atc_destroy(a->r.e, a->atc);
	rig_free(&a->r);
	free(a);
	return 0;
}

static enum emu_access
rd(struct atc_rig *a, uint64_t iova)
{
	a->r.buf = 0xdeadbeef;
	return emu_atc_dma(a->r.e, a->atc, iova, &a->r.buf, 4, false, NULL);
}

static enum emu_access
wr(struct atc_rig *a, uint64_t iova, uint32_t v)
{
	return emu_atc_dma(a->r.e, a->atc, iova, &v, 4, true, NULL);
}

static void
sees(struct atc_rig *a, uint64_t iova, uint8_t fill)
{
	assert_int_equal(rd(a, iova), EMU_OK);
	assert_int_equal(a->r.buf, fill * 0x01010101u);
}

static uint64_t
atc_inv0(uint32_t sid)
{
	return rig_sid(SMMU_CMD_ATC_INV, sid);
}

static void
tlbi(struct rig *r, uint64_t va)
{
	rig_cmd(r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), va | SMMU_TLBI_1_LEAF);
}

/* Without the feature: the IDR, CR0.ATSCHK, the command. */
static void
test_off_by_default(void **state)
{
	struct emu_smmuv3_conf c;
	struct rig r;

	(void)state;
	emu_smmuv3_conf_default(&c);
	assert_false(c.ats);
	c.step = true;
	rig_new(&r, &c);
	rig_up(&r);
	assert_int_equal(rig_r32(&r, SMMU_IDR0) & SMMU_IDR0_ATS, 0);
	rig_w32(&r, SMMU_CR0, EN_ATS);
	rig_run(&r);
	assert_int_equal(rig_r32(&r, SMMU_CR0ACK), RIG_EN); /* RES0 */
	rig_post(&r, atc_inv0(RIG_SID), SMMU_ATC_SIZE_ALL);
	rig_run(&r);
	assert_int_equal(smmu_field_get(SMMU_CMDQ_CONS_ERR, rig_r32(&r, SMMU_CMDQ_CONS)),
			 SMMU_CERROR_ILL);
	assert_int_equal(rig_stats(&r).atc_invs, 0);
	rig_free(&r);
}

/* A translation is asked for once, then used; invalid tables and a TLBI change nothing. */
static void
test_serves_stale_until_told(void **state)
{
	struct atc_rig *a = *state;
	struct rig *r = &a->r;
	uint64_t pa = rig_page(r, 0x11), *pte = rig_map(r, 0x5000, pa, RIG_RW);
	uint8_t owned[1] = { 1 };

	assert_int_equal(rig_r32(r, SMMU_IDR0) & SMMU_IDR0_ATS, SMMU_IDR0_ATS);
	assert_int_equal(emu_watch(r->e, pa, 4096, owned), 0);
	sees(a, 0x5000, 0x11);
	assert_int_equal(rig_stats(r).core.atc_fills, 1);
	assert_int_equal(rig_stats(r).core.atc_hits, 0);
	*pte = 0;
	tlbi(r, 0x5000);
	owned[0] = 0;
	sees(a, 0x5004, 0x11); /* stale, and counted as any other */
	assert_int_equal(rig_stats(r).core.stale_accesses, 1);
	assert_int_equal(rig_stats(r).core.atc_hits, 1);
	assert_int_equal(emu_atc_probe(r->e, a->atc, 0x5000), EMU_OK);
	assert_int_equal(rig_stats(r).core.stale_accesses, 2);
	assert_int_equal(rig_stats(r).core.stale_hits, 1);
	rig_cmd(r, atc_inv0(RIG_SID), 0x5000);
	assert_int_equal(rd(a, 0x5000), EMU_FAULT);
	assert_int_equal(emu_atc_probe(r->e, a->atc, 0x5000), EMU_FAULT);
	assert_int_equal(rig_stats(r).core.stale_accesses, 2);
	assert_int_equal(rig_stats(r).atc_invs, 1);
	rig_expect_no_event(r); /* a translation of nothing is no fault (§3.9.1.2) */
}

/* A request before the TLBI is done fills the ATC from the IOTLB: why TLBI, SYNC come first. */
static void
test_refill_from_stale_iotlb(void **state)
{
	struct atc_rig *a = *state;
	struct rig *r = &a->r;
	uint64_t *pte = rig_map(r, 0x5000, rig_page(r, 0x22), RIG_RW);

	sees(a, 0x5000, 0x22);
	*pte = 0;
	rig_cmd(r, atc_inv0(RIG_SID), 0x5000); /* the wrong way round */
	sees(a, 0x5000, 0x22);
	tlbi(r, 0x5000);
	sees(a, 0x5000, 0x22);
	rig_cmd(r, atc_inv0(RIG_SID), 0x5000);
	assert_int_equal(rd(a, 0x5000), EMU_FAULT);
}

/* Sizes are powers of two, addresses are aligned down, other streams are left alone. */
static void
test_ranges(void **state)
{
	struct atc_rig *a = *state;
	struct rig *r = &a->r;
	uint64_t fills;

	for (unsigned int i = 0; i < 8; i++)
		rig_map(r, 0x10000 + 0x1000 * i, rig_page(r, (uint8_t)(i + 1)), RIG_RW);
	for (unsigned int i = 0; i < 8; i++)
		sees(a, 0x10000 + 0x1000 * i, (uint8_t)(i + 1));
	assert_int_equal(rig_stats(r).core.atc_fills, 8);
	rig_cmd(r, atc_inv0(RIG_SID + 1), SMMU_ATC_SIZE_ALL);
	rig_cmd(r, atc_inv0(RIG_SID), 0x13000 | 1); /* 0x12000 … 0x13fff */
	for (unsigned int i = 0; i < 8; i++) {
		fills = rig_stats(r).core.atc_fills;
		sees(a, 0x10000 + 0x1000 * i, (uint8_t)(i + 1));
		assert_int_equal(rig_stats(r).core.atc_fills - fills, i == 2 || i == 3);
	}
	fills = rig_stats(r).core.atc_fills;
	/* With a PASID where there are none it does nothing (§4.5.1, one of two allowed). */
	rig_cmd(r, atc_inv0(RIG_SID) | SMMU_CMD_0_SSV | SMMU_ATC_0_GLOBAL, SMMU_ATC_SIZE_ALL);
	sees(a, 0x10000, 1);
	assert_int_equal(rig_stats(r).core.atc_fills, fills);
	rig_cmd(r, atc_inv0(RIG_SID), SMMU_ATC_SIZE_ALL);
	for (unsigned int i = 0; i < 8; i++)
		sees(a, 0x10000 + 0x1000 * i, (uint8_t)(i + 1));
	assert_int_equal(rig_stats(r).core.atc_fills, fills + 8);
	/* More than everything. */
	rig_post(r, atc_inv0(RIG_SID), SMMU_ATC_SIZE_ALL + 1);
	rig_run(r);
	assert_int_equal(smmu_field_get(SMMU_CMDQ_CONS_ERR, rig_r32(r, SMMU_CMDQ_CONS)),
			 SMMU_CERROR_ILL);
}

/* A block is one translation; an invalidation of one page of it drops it all. */
static void
test_block(void **state)
{
	struct atc_rig *a = *state;
	struct rig *r = &a->r;
	uint64_t pa = rig_alloc(r, 2u << 20, 2u << 20);

	rig_map_at(r, r->ttb, 0, UINT64_C(1) << 30, 2, pa | RIG_RW | SMMU_TTD_TYPE_BLOCK);
	memset(rig_va(r, pa), 0x33, 2u << 20);
	sees(a, UINT64_C(1) << 30, 0x33);
	sees(a, (UINT64_C(1) << 30) + 0x1ff000, 0x33);
	assert_int_equal(rig_stats(r).core.atc_fills, 1);
	assert_int_equal(rig_stats(r).core.atc_hits, 1);
	rig_cmd(r, atc_inv0(RIG_SID), (UINT64_C(1) << 30) + 0x7000);
	sees(a, UINT64_C(1) << 30, 0x33); /* now by the IOTLB: of the same size */
	sees(a, (UINT64_C(1) << 30) + 0x3000, 0x33);
	assert_int_equal(rig_stats(r).core.atc_fills, 2);
	assert_int_equal(rig_stats(r).core.iotlb_hits, 1);
}

/* What may only be read is not written, and is not even tried. */
static void
test_permission(void **state)
{
	struct atc_rig *a = *state;
	struct rig *r = &a->r;

	rig_map(r, 0x5000, rig_page(r, 0x44), RIG_RO);
	sees(a, 0x5000, 0x44);
	assert_int_equal(wr(a, 0x5000, 1), EMU_FAULT);
	sees(a, 0x5000, 0x44);
	rig_expect_no_event(r);
	rig_map(r, 0x6000, rig_page(r, 0x44), RIG_RW);
	assert_int_equal(wr(a, 0x6000, 0x55555555), EMU_OK);
	sees(a, 0x6000, 0x55);
}

/* Whom the STE does not allow: UR, recorded, and the access goes untranslated. */
static void
test_requests_refused(void **state)
{
	struct atc_rig *a = *state;
	struct rig *r = &a->r;

	rig_map(r, 0x5000, rig_page(r, 0x66), RIG_RW);
	set_eats(r, SMMU_STE_EATS_OFF);
	sees(a, 0x5008, 0x66);
	rig_expect_event(r, rig_ev0(SMMU_EVT_F_BAD_ATS_TREQ, RIG_SID), 0xc0000001, 0x5000, 0);
	set_eats(r, 3); /* without DPT as 0 */
	sees(a, 0x5008, 0x66);
	rig_expect_event(r, rig_ev0(SMMU_EVT_F_BAD_ATS_TREQ, RIG_SID), 0xc0000001, 0x5000, 0);
	/* Bypass: no ATS, whatever EATS says (§5.2). */
	r->ste[1] = smmu_field_prep(SMMU_STE_1_EATS, SMMU_STE_EATS_FULL);
	r->ste[0] = SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_BYPASS);
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_STE, RIG_SID), SMMU_CFGI_1_LEAF);
	sees(a, rig_page(r, 0x67), 0x67);
	assert_int_equal(rig_stats(r).events, 3);
	/* Abort: UR without an event, and the access itself dies silently too. */
	r->ste[0] = SMMU_STE_0_V;
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_STE, RIG_SID), SMMU_CFGI_1_LEAF);
	assert_int_equal(rd(a, 0x5000), EMU_FAULT);
	assert_int_equal(rig_stats(r).events, 3);
	/* An STE that cannot be: CA, nothing recorded. Split ATS has no stage 2 to split. */
	r->ste[0] = rig_ste0(r->cd_pa);
	set_eats(r, SMMU_STE_EATS_SPLIT);
	assert_int_equal(rd(a, 0x5000), EMU_FAULT);
	assert_int_equal(rig_stats(r).events, 3);
	assert_int_equal(rig_stats(r).core.atc_fills, 0);
}

/* CR0.ATSCHK: a translation in hand does not help a stream that lost its EATS. */
static void
test_atschk(void **state)
{
	struct atc_rig *a = *state;
	struct rig *r = &a->r;
	uint64_t pa = rig_page(r, 0x77), rec[4];

	rig_map(r, 0x5000, pa, RIG_RW);
	sees(a, 0x5000, 0x77);
	set_eats(r, SMMU_STE_EATS_OFF);
	assert_int_equal(rd(a, 0x5010), EMU_FAULT);
	rig_expect_event(r, rig_ev0(SMMU_EVT_F_TRANSL_FORBIDDEN, RIG_SID), SMMU_EVT_1_RNW,
			 pa + 0x10, 0);
	assert_int_equal(wr(a, 0x5010, 1), EMU_FAULT);
	rig_expect_event(r, rig_ev0(SMMU_EVT_F_TRANSL_FORBIDDEN, RIG_SID), 0, pa + 0x10, 0);
	/* Unchecked, it gets through: EATS is not looked at. */
	rig_w32(r, SMMU_CR0, (uint32_t)RIG_EN);
	rig_run(r);
	sees(a, 0x5010, 0x77);
	/* A blocked stream: silence. */
	rig_w32(r, SMMU_CR0, EN_ATS);
	rig_run(r);
	r->ste[0] = SMMU_STE_0_V;
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_STE, RIG_SID), SMMU_CFGI_1_LEAF);
	assert_int_equal(rd(a, 0x5000), EMU_FAULT);
	assert_false(rig_event(r, rec));
	/* SMMUEN=0: forbidden, whatever the check. */
	rig_w32(r, SMMU_CR0, (uint32_t)(EN_ATS & ~SMMU_CR0_SMMUEN));
	rig_run(r);
	assert_int_equal(rd(a, 0x5000), EMU_FAULT);
	assert_true(rig_event(r, rec));
	assert_int_equal(rec[0], rig_ev0(SMMU_EVT_F_TRANSL_FORBIDDEN, RIG_SID));
}

/* ATS off at the endpoint: nothing cached is used; on again: nothing cached is there. */
static void
test_endpoint_off(void **state)
{
	struct atc_rig *a = *state;
	struct rig *r = &a->r;
	uint64_t *pte = rig_map(r, 0x5000, rig_page(r, 0x11), RIG_RW);

	sees(a, 0x5000, 0x11);
	assert_int_equal(emu_ats_enable(r->e, RIG_SID, false), 0);
	*pte = 0;
	tlbi(r, 0x5000);
	assert_int_equal(rd(a, 0x5000), EMU_FAULT);
	rig_expect_event(r, rig_ev0(SMMU_EVT_F_TRANSLATION, RIG_SID),
			 rig_ev1(false, SMMU_EVT_CLASS_IN), 0x5000, 0);
	assert_int_equal(emu_ats_enable(r->e, RIG_SID, true), 0);
	assert_int_equal(rd(a, 0x5000), EMU_FAULT);
	rig_expect_no_event(r);
}

static uint64_t
now(struct rig *r)
{
	return atomic_load_explicit(emu_virtual_clock(r->e), memory_order_relaxed);
}

/* A SYNC waits for the answer, and not longer. */
static void
test_sync_waits_for_late_answer(void **state)
{
	struct atc_rig *a = *state;
	struct rig *r = &a->r;
	uint64_t t = now(r);

	rig_map(r, 0x5000, rig_page(r, 0x11), RIG_RW);
	sees(a, 0x5000, 0x11);
	emu_inject(r->e, EMU_INJECT_ATC_LATE, EMU_INJECT_ARG(RIG_SID, 3000));
	rig_post(r, atc_inv0(RIG_SID), SMMU_ATC_SIZE_ALL);
	rig_post(r, SMMU_CMD_SYNC, 0);
	for (int i = 0; i < 250; i++)
		emu_step(r->e, 1);
	assert_int_not_equal(rig_cons(r), r->prod);
	sees(a, 0x5000, 0x11);
	assert_int_equal(rig_stats(r).core.atc_fills, 1);
	rig_run(r);
	assert_int_equal(rig_cons(r), r->prod);
	assert_in_range(now(r) - t, 3000, 3200);
	sees(a, 0x5000, 0x11);
	assert_int_equal(rig_stats(r).core.atc_fills, 2); /* it was dropped in between */
	assert_int_equal(rig_stats(r).atc_timeouts, 0);
}

/* No answer: CERROR_ATC_INV_SYNC at the SYNC, which is complete when tried again (§4.7.3). */
static void
test_timeout(void **state)
{
	struct atc_rig *a = *state;
	struct rig *r = &a->r;
	uint64_t msi = rig_page(r, 0), t;
	uint32_t *word = rig_va(r, msi), at;

	rig_map(r, 0x5000, rig_page(r, 0x11), RIG_RW);
	sees(a, 0x5000, 0x11);
	emu_inject(r->e, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(RIG_SID, 1));
	t = now(r);
	rig_post(r, atc_inv0(RIG_SID), SMMU_ATC_SIZE_ALL);
	at = r->prod;
	rig_post(r, SMMU_CMD_SYNC | smmu_field_prep(SMMU_SYNC_0_CS, SMMU_SYNC_CS_IRQ) |
		 smmu_field_prep(SMMU_SYNC_0_MSIDATA, 1), msi);
	rig_post(r, SMMU_CMD_TLBI_NH_ALL, 0);
	rig_run(r);
	assert_in_range(now(r) - t, ATC_TIMEOUT, ATC_TIMEOUT + 100);
	assert_int_equal(rig_r32(r, SMMU_CMDQ_CONS),
			 at | smmu_field_prep(SMMU_CMDQ_CONS_ERR, SMMU_CERROR_ATC_INV_SYNC));
	assert_int_equal(rig_r32(r, SMMU_GERROR) ^ rig_r32(r, SMMU_GERRORN), SMMU_GERROR_CMDQ_ERR);
	assert_int_equal(word[0], 0);
	assert_int_equal(rig_stats(r).atc_timeouts, 1);
	sees(a, 0x5000, 0x11); /* it has forgotten nothing */
	assert_int_equal(rig_stats(r).core.atc_fills, 1);
	rig_w32(r, SMMU_GERRORN, rig_r32(r, SMMU_GERROR));
	rig_run(r);
	assert_int_equal(rig_cons(r), r->prod);
	assert_int_equal(word[0], 1);
	/* It goes on when ATS is turned off, too. */
	assert_int_equal(emu_ats_enable(r->e, RIG_SID, false), 0);
	sees(a, 0x5000, 0x11);
	assert_int_equal(rig_stats(r).core.atc_fills, 1);
	/* A late one that is too late; then one that is well again. */
	emu_inject(r->e, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(RIG_SID, 0));
	emu_inject(r->e, EMU_INJECT_ATC_LATE, EMU_INJECT_ARG(RIG_SID, ATC_TIMEOUT));
	rig_post(r, atc_inv0(RIG_SID), SMMU_ATC_SIZE_ALL);
	rig_post(r, SMMU_CMD_SYNC, 0);
	rig_run(r);
	assert_int_equal(rig_stats(r).atc_timeouts, 2);
	rig_w32(r, SMMU_GERRORN, rig_r32(r, SMMU_GERROR));
	emu_inject(r->e, EMU_INJECT_ATC_LATE, EMU_INJECT_ARG(RIG_SID, 0));
	rig_run(r);
	rig_cmd(r, atc_inv0(RIG_SID), SMMU_ATC_SIZE_ALL);
	assert_int_equal(rig_stats(r).atc_timeouts, 2);
}

/* An endpoint that is not there, or has no ATS, answers UR: the command ends quietly. */
static void
test_nobody_there(void **state)
{
	struct atc_rig *a = *state;
	struct rig *r = &a->r;

	rig_cmd(r, atc_inv0(77), SMMU_ATC_SIZE_ALL);
	emu_inject(r->e, EMU_INJECT_ATC_LATE, EMU_INJECT_ARG(RIG_SID, ATC_TIMEOUT));
	assert_int_equal(emu_ats_enable(r->e, RIG_SID, false), 0);
	rig_cmd(r, atc_inv0(RIG_SID), SMMU_ATC_SIZE_ALL);
	assert_int_equal(rig_stats(r).atc_invs, 2);
	assert_int_equal(rig_stats(r).atc_timeouts, 0);
	assert_null(emu_atc_create(r->e, RIG_SID, 3));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off_by_default), T(test_serves_stale_until_told),
		T(test_refill_from_stale_iotlb), T(test_ranges), T(test_block), T(test_permission),
		T(test_requests_refused), T(test_atschk), T(test_endpoint_off),
		T(test_sync_waits_for_late_answer), T(test_timeout), T(test_nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
