/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Both stages: stage 1's CD and tables at IPAs, whose fault it is and what its record says, and
 * entries of both stages in the IOTLB (IHI 0070 §3.4, §4.4.3.1, §5.2, §7.3.12 to .16, .20).
 */
#include "rig_s2.h"

#define DEVICE 0x4c4u /* a leaf of stage 2, Device-nGnRE without S2FWB */

static void
up(struct nested *n)
{
	struct emu_smmuv3_conf c = rig_conf();

	nested_up(n, &c, 3, 3);
}

/* Two stages translate, and how often which level was read: with nothing cached each of stage 1's
 * four levels, the CD and the page go through stage 2. */
static void
test_walk(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct nested n;
	struct emu_smmuv3_stats st;

	(void)state;
	c.iotlb = c.walk_cache = 0;
	nested_up(&n, &c, 3, 3);
	rig_sees(&n.s.r, VA + AT, 1);
	rig_expect_no_event(&n.s.r);
	st = rig_stats(&n.s.r);
	assert_int_equal(st.core.walk_reads[0], 1);
	assert_int_equal(st.core.walk_reads[1], 1 + 4 + 1 + 1); /* blocks for tables and CD, IPA */
	assert_int_equal(st.core.walk_reads[2], 1 + 1);
	assert_int_equal(st.core.walk_reads[3], 1 + 1);
	assert_int_equal(st.core.iotlb_misses, 1);
	assert_int_equal(rig_write(&n.s.r, VA + AT, 0x77), EMU_OK);
	assert_int_equal(*(uint32_t *)rig_va(&n.s.r, n.old + AT), 0x77);
	rig_free(&n.s.r);
	up(&n);
	rig_sees(&n.s.r, VA + AT, 1);
	rig_sees(&n.s.r, VA + 0xffc, 1);
	st = rig_stats(&n.s.r);
	assert_int_equal(st.core.iotlb_hits, 1);
	assert_int_equal(st.core.walk_reads[1], 1 + 1 + 1); /* one block for all */
	rig_free(&n.s.r);
}

/* Faults of stage 2 on the page, on a table of stage 1, on the CD: the same five, with CLASS and
 * IPA by what was being read (§7.3.13). */
static void
test_records(void **state)
{
	struct nested n;

	(void)state;
	for (unsigned int cls = 0; cls < 3; cls++) {
		/* What is read, in a page of stage 2: the CD, the last table, the page. */
		uint64_t ipa = cls == S2_CD ? UINT64_C(0x3000000000) :
			       cls == S2_TTD ? UINT64_C(0x3000001000) : IPA, was, at, *d, *l2;
		struct rig *r = &n.s.r;

		up(&n);
		was = cls == S2_CD ? r->cd_pa & ~UINT64_C(0xfff) :
				     (uint64_t)((uint8_t *)n.s1 - r->mem) / 4096 * 4096 + RIG_PA;
		d = cls == S2_IN ? n.s2 : s2_map(&n.s, ipa, 3, was | S2_LEAF);
		if (cls == S2_CD)
			r->ste[0] = (ipa + (r->cd_pa & 0xfff)) | 1 | S2_NESTED << 1;
		l2 = rig_map_at(r, n.s.ttb, 1, ipa, 2, 0);
		*l2 = (uint64_t)((uint8_t *)d - r->mem) / 4096 * 4096 + RIG_PA + 3;
		if (cls == S2_TTD) {
			uint64_t *t = rig_va(r, r->ttb);

			for (unsigned int l = 0; l < 2; l++) {
				t += VA >> (39 - 9 * l) & 511;
				t = rig_va(r, (*t & ~UINT64_C(0xfff)) + 0x40000000);
			}
			t[VA >> 21 & 511] = ipa | 3;
		}
		at = cls == S2_CD ? ipa : cls == S2_TTD ? ipa : IPA;
		was = *d;
#define STAGE2(id, w1, w3)                                                 \
	do {                                                               \
		s2_again(&n.s);                                            \
		s2_fails(&n.s, false, VA + AT, id, S2_EV(cls) | (w1), w3); \
		s2_fails(&n.s, true, VA + AT, id, S2_EV(cls) | (w1), w3);  \
	} while (0)
		*d = 0;
		STAGE2(0x10, 0, at);
		*d = (was & ~UINT64_C(0xfffffff000)) | UINT64_C(1) << 44;
		STAGE2(0x11, 0, at);
		*d = was & ~UINT64_C(0x400);
		STAGE2(0x12, 0, at);
		*d = was & ~UINT64_C(0xc0); /* S2AP 0 */
		STAGE2(0x13, cls == S2_TTD ? UINT64_C(1) << 44 : 0, at); /* TTRnW: a read */
		*l2 = RIG_HOLE | 3;
		STAGE2(0x0b, 0, RIG_HOLE + (ipa >> 12 & 511) * 8);
		/* S2R = 0 keeps back all but that. */
		r->ste[2] &= ~S2_R;
		STAGE2(0x0b, 0, RIG_HOLE + (ipa >> 12 & 511) * 8);
		*l2 = 0;
		s2_again(&n.s);
		assert_int_equal(rig_read(r, VA), EMU_FAULT);
		rig_expect_no_event(r);
		rig_free(r);
	}
}

/* S2PTW: no CD and no table of stage 1 in Device memory, whose MemAttr is another with S2FWB (DDI
 * 0487 D8.6). Pages may be. */
static void
test_protected_walk(void **state)
{
	static const struct {
		uint8_t memattr;
		bool plain, fwb; /* is of a Device type */
	} t[] = {
		{ 0, true, true },   { 1, true, true },   { 3, true, true },  { 5, false, false },
		{ 6, false, false }, { 7, false, false }, { 15, false, false }, { 10, false, true },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(t); i++)
		for (unsigned int how = 0; how < 4; how++) {
			bool ptw = how & 1, fwb = how & 2;
			struct nested n;

			up(&n);
			s2_map(&n.s, IPA_OF(RIG_PA), 1,
			       RIG_PA | (S2_LEAF & ~0x3c) | (uint64_t)t[i].memattr << 2);
			*n.s2 = (n.old | DEVICE | 3);
			n.s.r.ste[1] |= (uint64_t)fwb << 25;
			n.s.r.ste[2] |= ptw ? S2_PTW : 0;
			s2_again(&n.s);
			if (ptw && (fwb ? t[i].fwb : t[i].plain)) {
				uint64_t at = IPA_OF(n.s.r.cd_pa) & ~UINT64_C(0xfff);

				s2_fails(&n.s, false, VA + AT, 0x13, S2_EV(S2_CD), at);
				/* The CD somewhere else: then it is the first table. */
				s2_map(&n.s, UINT64_C(0x3000000000), 3,
				       (n.s.r.cd_pa & ~UINT64_C(0xfff)) | S2_LEAF);
				n.s.r.ste[0] = (UINT64_C(0x3000000000) + (n.s.r.cd_pa & 0xfff)) |
					       1 | S2_NESTED << 1;
				s2_again(&n.s);
				s2_fails(&n.s, false, VA + AT, 0x13,
					 S2_EV(S2_TTD) | UINT64_C(1) << 44, IPA_OF(n.s.r.ttb));
			} else {
				rig_sees(&n.s.r, VA + AT, 1);
			}
			rig_free(&n.s.r);
		}
}

/* Whose fault it is: stage 1's comes first, is governed by the CD alone and has S2 = 0. */
static void
test_order(void **state)
{
	const uint64_t in = UINT64_C(2) << 40;
	struct nested n;
	struct rig *r = &n.s.r;

	(void)state;
	up(&n);
	/* Stage 1 forbids the write, stage 2 the page: the former, and for a read the latter. */
	*n.s1 |= 0x80;
	*n.s2 = 0;
	s2_fails(&n.s, true, VA, 0x13, in, 0);
	s2_fails(&n.s, false, VA, 0x10, S2_EV(S2_IN), IPA);
	*n.s1 &= ~UINT64_C(0x400);
	s2_again(&n.s);
	s2_fails(&n.s, false, VA, 0x12, in, 0);
	*n.s1 = UINT64_C(1) << 45 | RIG_RW | 3; /* beyond IPS, which is 44 bits */
	s2_fails(&n.s, false, VA, 0x11, in, 0);
	*n.s1 = UINT64_C(1) << 40 | RIG_RW | 3; /* beyond S2T0SZ, which leaves 39 */
	s2_fails(&n.s, false, VA + 4, 0x10, S2_EV(S2_IN), UINT64_C(1) << 40);
	*n.s1 = 0;
	s2_fails(&n.s, false, VA, 0x10, in, 0);
	/* CD.A and CD.R are of stage 1's faults, S2R of stage 2's. */
	r->cd[0] &= ~(UINT64_C(3) << 45);
	s2_again(&n.s);
	assert_int_equal(rig_read(r, VA), EMU_FAULT);
	assert_int_equal(r->buf, 0);
	rig_expect_no_event(r);
	*n.s1 = IPA | RIG_RW | 3;
	s2_fails(&n.s, false, VA, 0x10, S2_EV(S2_IN), IPA);
	/* A table of stage 1, and the CD, where nothing answers: at PAs (§7.3.10, §7.3.12). */
	s2_map(&n.s, UINT64_C(0x3000000000), 3, RIG_HOLE | S2_LEAF);
	r->cd[1] = UINT64_C(0x3000000000);
	s2_again(&n.s);
	s2_fails(&n.s, false, VA, 0x0b, UINT64_C(1) << 40, RIG_HOLE + 8 * (VA >> 39));
	r->ste[0] = UINT64_C(0x3000000040) | 1 | S2_NESTED << 1;
	s2_again(&n.s);
	assert_int_equal(rig_read(r, VA), EMU_FAULT);
	rig_expect_event(r, rig_ev0(0x09, RIG_SID), 0, 0, RIG_HOLE + 0x40);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),           cmocka_unit_test(test_records),
		cmocka_unit_test(test_protected_walk), cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
