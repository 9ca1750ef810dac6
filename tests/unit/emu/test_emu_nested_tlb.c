/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the IOTLB holds of both stages: of which size, who drops it, what it faults with, whether a
 * stale one is noticed; and ATS under stage 2 (IHI 0070 §3.9.1, §4.4.1.1, §4.4.3.1).
 */
#include "rig_s2.h"

#define NH(op)  S2_CMD(op, S2_VMID)
#define NH_VA   (NH(0x12) | (uint64_t)RIG_ASID << 48)
#define NH_ASID (NH(0x11) | (uint64_t)RIG_ASID << 48)
#define OF_IPA  NH(0x2a)

/*
 * VA is cached of both stages, by leaves of these levels: 33 pages of both, 23 a page of stage 2 in
 * a block of stage 1, and so on. Then stage 2 changes, and both its own invalidation and another
 * come: 2 is fresh.
 */
static void
test_invalidations(void **state)
{
	static const struct {
		uint64_t dw0, dw1;
		uint8_t l33, l23, l32, l22;
	} t[] = {
		{ 0, 0, 1, 1, 1, 1 },                     /* none: by IPA alone it stays */
		{ NH_VA, VA | 1, 2, 2, 2, 2 },
		{ NH_VA, (VA + 0x1000) | 1, 1, 2, 1, 2 }, /* the block of stage 1 has this too */
		{ NH_VA, (VA + 0x200000) | 1, 1, 1, 1, 1 },
		{ NH_VA ^ UINT64_C(1) << 48, VA | 1, 1, 1, 1, 1 },
		{ NH_VA ^ UINT64_C(1) << 32, VA | 1, 1, 1, 1, 1 },
		/* Levels are stage 1's: TTL 3, then 2 of a range of 2 MiB. */
		{ NH_VA, VA | 0x701, 2, 1, 2, 1 },
		{ NH_VA | 9 << 20, (VA & ~UINT64_C(0x1fffff)) | 0x601, 1, 2, 1, 2 },
		{ NH(0x13), VA | 1, 2, 2, 2, 2 },
		{ NH(0x13), (VA - 0x1000) | 1, 1, 2, 1, 2 },
		{ NH_ASID, 0, 2, 2, 2, 2 },
		{ NH_ASID ^ UINT64_C(1) << 48, 0, 1, 1, 1, 1 },
		{ NH_ASID ^ UINT64_C(1) << 32, 0, 1, 1, 1, 1 },
		{ NH(0x10), 0, 2, 2, 2, 2 },
		{ NH(0x10) ^ UINT64_C(1) << 32, 0, 1, 1, 1, 1 },
		{ NH(0x28), 0, 2, 2, 2, 2 },
		{ NH(0x28) ^ UINT64_C(1) << 32, 0, 1, 1, 1, 1 },
		{ 0x30, 0, 2, 2, 2, 2 },
		{ 0x20, 0, 1, 1, 1, 1 },
	};
	struct emu_smmuv3_conf c = rig_conf();

	(void)state;
	for (size_t i = 0; i < RTE_DIM(t); i++)
		for (unsigned int k = 0; k < 4; k++) {
			unsigned int want = k == 0 ? t[i].l33 : k == 1 ? t[i].l23 :
					    k == 2 ? t[i].l32 : t[i].l22;
			struct nested n;

			nested_up(&n, &c, k & 1 ? 2 : 3, k & 2 ? 2 : 3);
			assert_int_equal(s2_sees(&n.s, RIG_SID, VA + AT), 1);
			*n.s2 = n.new | S2_LEAF | (k & 2 ? 1 : 3);
			rig_cmd(&n.s.r, OF_IPA, IPA | 1);
			if (t[i].dw0 != 0)
				rig_cmd(&n.s.r, t[i].dw0, t[i].dw1);
			assert_int_equal(s2_sees(&n.s, RIG_SID, VA + AT), want);
			rig_free(&n.s.r);
		}
}

/* Without stage 2's own invalidation what it cached is used on: NH_* are of stage 1. And what stage
 * 1 changes to is seen without stage 2's. */
static void
test_stages_apart(void **state)
{
	static const struct {
		uint64_t dw0, dw1;
		uint8_t of_s2, of_s1;
	} t[] = {
		{ NH_VA, VA | 1, 1, 2 },  { NH(0x13), VA | 1, 1, 2 }, { NH_ASID, 0, 1, 2 },
		{ NH(0x10), 0, 1, 2 },    { OF_IPA, IPA | 1, 1, 1 },  { NH(0x28), 0, 2, 2 },
		{ 0x30, 0, 2, 2 },
	};
	struct emu_smmuv3_conf c = rig_conf();
	struct nested n;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(t); i++)
		for (unsigned int stage = 1; stage <= 2; stage++) {
			nested_up(&n, &c, 3, 3);
			assert_int_equal(s2_sees(&n.s, RIG_SID, VA), 1);
			if (stage == 1) {
				s2_map(&n.s, IPA + 0x9000, 3, n.new | S2_LEAF);
				*n.s1 = (IPA + 0x9000) | RIG_RW | 3;
			} else {
				*n.s2 = n.new | S2_LEAF | 3;
			}
			rig_cmd(&n.s.r, t[i].dw0, t[i].dw1);
			assert_int_equal(s2_sees(&n.s, RIG_SID, VA),
					 stage == 1 ? t[i].of_s1 : t[i].of_s2);
			rig_free(&n.s.r);
		}
}

/* A cached entry faults like the tables that it is of, with the IPA of just this address, and
 * without a look at them. */
static void
test_cached_faults(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct nested n;

	(void)state;
	for (unsigned int k = 0; k < 4; k++) {
		nested_up(&n, &c, k & 1 ? 2 : 3, k & 2 ? 2 : 3);
		*n.s2 &= ~UINT64_C(0x80); /* stage 2: read only */
		rig_sees(&n.s.r, VA + AT, 1);
		*n.s1 = *n.s2 = 0;
		s2_fails(&n.s, true, VA + 0xabc, 0x13, S2_EV(S2_IN), IPA);
		*n.s1 = IPA | RIG_RO | 3; /* stage 1 too; whoever looked would say so */
		s2_fails(&n.s, true, VA + 0xabc, 0x13, S2_EV(S2_IN), IPA);
		rig_sees(&n.s.r, VA + 0xabc, 1);
		assert_int_equal(rig_stats(&n.s.r).core.iotlb_hits, 3);
		assert_int_equal(rig_stats(&n.s.r).core.iotlb_misses, 1);
		rig_free(&n.s.r);
		nested_up(&n, &c, k & 1 ? 2 : 3, k & 2 ? 2 : 3);
		*n.s1 |= 0x80;
		*n.s2 &= ~UINT64_C(0x80);
		rig_sees(&n.s.r, VA + AT, 1);
		*n.s1 = *n.s2 = 0;
		s2_fails(&n.s, true, VA, 0x13, UINT64_C(2) << 40, 0);
		rig_free(&n.s.r);
	}
}

/* A probe that hits what either stage's tables do not say any more is counted. */
static void
test_stale_hits(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct nested n;

	(void)state;
	for (unsigned int how = 0; how < 6; how++) {
		struct rig *r = &n.s.r;

		nested_up(&n, &c, 3, 3);
		if (how >= 4) /* stage 2 alone */
			r->ste[0] = 1 | S2_ONLY << 1;
		uint64_t at = how >= 4 ? IPA : VA;

		rig_sees(r, at, 1);
		assert_int_equal(emu_probe(r->e, RIG_SID, at), EMU_OK);
		assert_int_equal(rig_stats(r).core.stale_hits, 0);
		if (how == 0)
			*n.s1 = 0;
		else if (how == 1)
			*n.s1 = (IPA + 0x1000) | RIG_RW | 3;
		else if (how == 2 || how == 4)
			*n.s2 = n.new | S2_LEAF | 3;
		else
			*n.s2 &= ~UINT64_C(0x40); /* not to be read */
		assert_int_equal(emu_probe(r->e, RIG_SID, at), EMU_OK);
		assert_int_equal(rig_stats(r).core.stale_hits, 1);
		assert_int_equal(rig_stats(r).core.walk_reads[0], how >= 4 ? 0 : 1);
		rig_free(r);
	}
}

/* ---- granules of both stages ----------------------------------------------------------------- */

#define BASE UINT64_C(0x1000000000) /* of VAs, and of IPAs: all of memory by that much more */
#define OFF  0x600000u              /* of what is read: no table is there */

static const uint8_t page[] = { 12, 16, 14 }, bits[] = { 9, 13, 11 }, start[] = { 1, 2, 1 };

/* Put a leaf of @p level, in tables of granule @p tg (a code of TG0, S2TG) for 39 bits. */
static void
put(struct rig *r, uint64_t at, unsigned int tg, unsigned int level, uint64_t in, uint64_t desc)
{
	for (unsigned int l = start[tg];; l++) {
		uint64_t *d = rig_va(r, at), i = in >> (page[tg] + (3 - l) * bits[tg]);

		d += i & ((1u << bits[tg]) - 1);
		if (l == level) {
			*d = desc | (level == 3 ? 3 : 1);
			return;
		}
		if ((*d & 1) == 0)
			*d = rig_alloc(r, 1u << page[tg], 1u << page[tg]) | 3;
		at = *d & ~UINT64_C(0xfff);
	}
}

/* Each size of leaf of each granule at each stage: the same byte, cold and cached. */
static void
pair(struct emu_smmuv3_conf *c, unsigned int tg1, unsigned int l1, unsigned int tg2,
     unsigned int l2)
{
	static const uint32_t offs[] = {
		0, 0xff8, 0x1000, 0x3ff8, 0x4000, 0xfff8, 0x10000, 0x1ffff8
	};
	unsigned int sh1 = page[tg1] + (3 - l1) * bits[tg1], sh2 = page[tg2] + (3 - l2) * bits[tg2];
	uint64_t at = BASE + OFF, out = RIG_PA + OFF, ttb;
	struct s2 s;

	s2_up(&s, c, S2_NESTED);
	s.r.ste[2] = S2_VMID | S2_AA64 | S2_PS(4) | S2_R | S2_T0SZ(25) | S2_TG(tg2) |
		     S2_SL0(tg2 == 2 ? 2 : 1);
	/* All of memory at its own addresses, in the biggest leaf there is. */
	put(&s.r, s.ttb, tg2, tg2 == 0 ? 1 : 2, RIG_PA, RIG_PA | S2_LEAF);
	ttb = rig_alloc(&s.r, 1u << page[tg1], 1u << page[tg1]);
	s.r.cd[0] = (s.r.cd[0] & ~UINT64_C(0xff)) | 25 | (uint64_t)tg1 << 6;
	s.r.cd[1] = ttb;
	put(&s.r, ttb, tg1, l1, at, (at >> sh1 << sh1) | RIG_RW);
	put(&s.r, s.ttb, tg2, l2, at, (out >> sh2 << sh2) | S2_LEAF);
	for (size_t i = 0; i < RTE_DIM(offs); i++) {
		bool mapped = (sh1 >= 21 || offs[i] >> sh1 == 0) &&
			      (sh2 >= 21 || offs[i] >> sh2 == 0);
		uint32_t *host = rig_va(&s.r, out + offs[i]);

		*host = 0x10000000u + (uint32_t)i;
		for (unsigned int n = 0; n < 2; n++)
			if (mapped) {
				assert_int_equal(rig_read(&s.r, at + offs[i]), EMU_OK);
				assert_int_equal(s.r.buf, *host);
				assert_int_equal(emu_probe(s.r.e, RIG_SID, at + offs[i]), EMU_OK);
			} else {
				assert_int_equal(s2_sees(&s, RIG_SID, at + offs[i]), 0);
			}
	}
	assert_int_equal(rig_stats(&s.r).core.stale_hits, 0);
	/* And with another page there than was cached: found by whatever was cached for it. */
	put(&s.r, s.ttb, tg2, l2, at, 0);
	rig_cmd(&s.r, OF_IPA, at | 1);
	rig_cmd(&s.r, NH_VA, at | 1);
	assert_int_equal(s2_sees(&s, RIG_SID, at), 0);
	rig_free(&s.r);
}

static void
test_sizes(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();

	(void)state;
	for (unsigned int tg1 = 0; tg1 < 3; tg1++)
		for (unsigned int l1 = tg1 == 0 ? 1 : 2; l1 <= 3; l1++)
			for (unsigned int tg2 = 0; tg2 < 3; tg2++)
				for (unsigned int l2 = tg2 == 0 ? 1 : 2; l2 <= 3; l2++)
					pair(&c, tg1, l1, tg2, l2);
}

/* ---- ATS ------------------------------------------------------------------------------------- */

static enum emu_access
atc_read(struct nested *n, struct emu_atc *a, uint64_t va)
{
	n->s.r.buf = 0;
	return emu_atc_dma(n->s.r.e, a, va, &n->s.r.buf, 4, false, NULL);
}

/* A Translation Request is answered with what both stages, or the second alone, say; a fault of
 * either is no access and no record, also on the way to the CD (§3.9.1.2). */
static void
test_ats(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	uint32_t v = 1;
	struct nested n;

	(void)state;
	c.ats = true;
	for (unsigned int config = S2_ONLY; config <= S2_NESTED; config++) {
		uint64_t at = config == S2_ONLY ? IPA : VA;
		struct rig *r = &n.s.r;
		struct emu_atc *a;

		nested_up(&n, &c, 2, 3);
		r->ste[0] = (r->ste[0] & ~UINT64_C(0xe)) | config << 1;
		r->ste[1] |= UINT64_C(1) << 28;
		*n.s2 &= ~UINT64_C(0x80);
		a = emu_atc_create(r->e, RIG_SID, 16);
		assert_int_equal(emu_ats_enable(r->e, RIG_SID, true), 0);
		assert_int_equal(atc_read(&n, a, at + AT), EMU_OK);
		assert_int_equal(r->buf, 0x01010101);
		assert_int_equal(rig_stats(r).core.atc_fills, 1);
		/* What was granted is a page, to be read. */
		assert_int_equal(emu_atc_dma(r->e, a, at, &v, 4, true, NULL), EMU_FAULT);
		assert_int_equal(atc_read(&n, a, at + 0x1000), EMU_FAULT);
		rig_expect_no_event(r);
		*n.s2 = n.new | S2_LEAF | 3;
		s2_again(&n.s);
		assert_int_equal(atc_read(&n, a, at), EMU_OK);
		assert_int_equal(r->buf, 0x01010101); /* the endpoint was not told */
		assert_int_equal(emu_atc_probe(r->e, a, at), EMU_OK);
		assert_int_equal(rig_stats(r).core.stale_hits, 1);
		rig_cmd(r, rig_sid(0x40, RIG_SID), 52);
		assert_int_equal(atc_read(&n, a, at), EMU_OK);
		assert_int_equal(r->buf, 0x02020202);
		assert_int_equal(emu_atc_probe(r->e, a, at), EMU_OK);
		assert_int_equal(rig_stats(r).core.stale_hits, 1);
		r->ste[0] = (UINT64_C(0x3000000000) | 1) | (uint64_t)config << 1;
		s2_again(&n.s);
		rig_cmd(r, rig_sid(0x40, RIG_SID), 52);
		assert_int_equal(atc_read(&n, a, at), config == S2_ONLY ? EMU_OK : EMU_FAULT);
		rig_expect_no_event(r);
		emu_atc_destroy(r->e, a);
		rig_free(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invalidations), cmocka_unit_test(test_stages_apart),
		cmocka_unit_test(test_cached_faults), cmocka_unit_test(test_stale_hits),
		cmocka_unit_test(test_sizes),         cmocka_unit_test(test_ats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
