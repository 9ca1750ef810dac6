/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stage 2 alone: what of an STE is legal, walks with each granule and level to begin at, ranges,
 * permissions, faults and their records (IHI 0070 §3.4, §5.2, §7.3; DDI 0487 D8.2, D8.4.2).
 */
#include "rig_s2.h"

/* What S2TG, S2SL0 and S2T0SZ may be together, by the tables of D8.2 without small tables and
 * 52-bit addresses: granule 4, 64, 16 KiB, reserved. */
static const struct {
	uint8_t first, last, level;
} t0sz[4][4] = {
	{ { 30, 39, 2 }, { 21, 33, 1 }, { 16, 24, 0 }, { 1, 0, 0 } },
	{ { 31, 39, 3 }, { 18, 34, 2 }, { 16, 21, 1 }, { 1, 0, 0 } },
	{ { 35, 39, 3 }, { 24, 38, 2 }, { 16, 27, 1 }, { 1, 0, 0 } },
	{ { 1, 0, 0 }, { 1, 0, 0 }, { 1, 0, 0 }, { 1, 0, 0 } },
};

static void
levels(uint8_t oas)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct s2 s;

	c.oas = oas;
	s2_up(&s, &c, S2_ONLY);
	for (unsigned int tg = 0; tg < 4; tg++)
		for (unsigned int sl0 = 0; sl0 < 4; sl0++)
			for (unsigned int sz = 0; sz < 64; sz++) {
				bool ok = sz >= t0sz[tg][sl0].first && sz <= t0sz[tg][sl0].last &&
					  sz >= 64u - oas;

				s.r.ste[2] = S2_VMID | S2_AA64 | S2_R | S2_PS(4) | S2_TG(tg) |
					     S2_SL0(sl0) | S2_T0SZ(sz);
				rig_cmd(&s.r, rig_sid(0x03, RIG_SID), 1);
				assert_int_equal(rig_read(&s.r, 0), EMU_FAULT);
				rig_expect_event(&s.r, rig_ev0(ok ? 0x10 : 0x04, RIG_SID),
						 ok ? S2_EV(S2_IN) | S2_RD : 0, 0, 0);
			}
	rig_free(&s.r);
}

static void
test_levels(void **state)
{
	(void)state;
	levels(48);
	levels(40); /* S2T0SZ is 64 - IAS at least, and IAS is OAS */
}

/* Each thing that makes an STE ILLEGAL, and that nothing of it counts without stage 2 (§5.2.2). */
static void
test_illegal(void **state)
{
	static const struct {
		uint64_t set, clear;
		bool vmid16;
		bool always; /* also with stage 1 alone */
	} t[] = {
		{ S2_S, 0, true, false },
		{ 0, S2_AA64, true, false },
		{ S2_ENDI, 0, true, false },
		{ S2_HA, 0, true, false },
		{ S2_HD, 0, true, false },
		{ 0x100, 0, false, true },
	};
	struct emu_smmuv3_conf c = rig_conf();
	struct s2 s;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		c.vmid16 = t[i].vmid16;
		s2_up(&s, &c, S2_ONLY);
		for (uint64_t config = 4; config <= 7; config++) {
			bool bad = config >= 6 || (config == 5 && t[i].always);

			s2_ste(&s, s.r.ste, config,
			       (S2_WORD2(S2_VMID) | t[i].set) & ~t[i].clear);
			rig_cmd(&s.r, rig_sid(0x03, RIG_SID), 1);
			rig_read(&s.r, 0x1000);
			if (bad)
				rig_expect_event(&s.r, rig_ev0(0x04, RIG_SID), 0, 0, 0);
			else
				(void)s2_sees(&s, RIG_SID, 0x1000);
		}
		rig_free(&s.r);
	}
	/* Nor is a granule that there is not, or a table beyond S2PS. */
	c = rig_conf();
	c.gran = EMU_GRAN_4K;
	s2_up(&s, &c, S2_ONLY);
	s.r.ste[2] = S2_VMID | S2_AA64 | S2_PS(4) | S2_TG(1) | S2_SL0(1) | S2_T0SZ(24);
	assert_int_equal(rig_read(&s.r, 0), EMU_FAULT);
	rig_expect_event(&s.r, rig_ev0(0x04, RIG_SID), 0, 0, 0);
	s2_ste(&s, s.r.ste, S2_ONLY, S2_WORD2(S2_VMID) & ~S2_PS(7));
	s.r.ste[3] = UINT64_C(1) << 32; /* S2PS 0: 32 bits */
	rig_cmd(&s.r, rig_sid(0x03, RIG_SID), 1);
	assert_int_equal(rig_read(&s.r, 0), EMU_FAULT);
	rig_expect_event(&s.r, rig_ev0(0x04, RIG_SID), 0, 0, 0);
	rig_free(&s.r);
}

/* A stage that IDR0 denies, and ATS split between stages that are not split here. */
static void
test_config(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct s2 s;

	(void)state;
	for (unsigned int stages = 1; stages <= 3; stages++)
		for (uint64_t config = 5; config <= 7; config++) {
			c.s1 = stages & 1;
			c.s2 = stages & 2;
			s2_up(&s, &c, config);
			s2_map(&s, 0x1000, 3, rig_page(&s.r, 7) | S2_LEAF);
			assert_int_equal(rig_read(&s.r, 0x1000),
					 config == S2_ONLY && c.s2 ? EMU_OK : EMU_FAULT);
			if ((config & 3 & ~stages) != 0)
				rig_expect_event(&s.r, rig_ev0(0x04, RIG_SID), 0, 0, 0);
			rig_free(&s.r);
		}
	c = rig_conf();
	c.ats = true;
	for (uint64_t config = 4; config <= 7; config++) {
		s2_up(&s, &c, config);
		s.r.ste[1] = UINT64_C(2) << 28; /* EATS: NS1ATS is 1 */
		rig_read(&s.r, RIG_PA);
		if (config != 4)
			rig_expect_event(&s.r, rig_ev0(0x04, RIG_SID), 0, 0, 0);
		rig_free(&s.r);
	}
}

/* Under stage 2 STRW is unused (§5.2): no value is ILLEGAL, and the VMID counts with each. */
static void
test_strw(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	uint64_t *d;
	struct s2 s;

	(void)state;
	for (uint64_t strw = 0; strw < 4; strw++) {
		s2_up(&s, &c, S2_ONLY);
		s.r.ste[1] = strw << 30;
		d = s2_map(&s, 0x1000, 3, rig_page(&s.r, 1) | S2_LEAF);
		rig_sees(&s.r, 0x1000, 1);
		*d = rig_page(&s.r, 2) | S2_LEAF | 3;
		rig_cmd(&s.r, 0x20, 0);
		rig_sees(&s.r, 0x1000, 1);
		rig_cmd(&s.r, S2_CMD(0x28, S2_VMID), 0);
		rig_sees(&s.r, 0x1000, 2);
		rig_free(&s.r);
	}
}

/* A leaf at @p level at the end of the input range, with the tables to it. @return the address in
 * the range at which the page @p pa is. */
static uint64_t
map_last(struct s2 *s, unsigned int tg, unsigned int sl0, unsigned int level, uint64_t pa)
{
	static const uint8_t page[] = { 12, 16, 14 }, bits[] = { 9, 13, 11 };
	unsigned int sh = page[tg] + (3 - level) * bits[tg];
	uint64_t base = pa & ~((UINT64_C(1) << sh) - 1), at = s->ttb;
	uint64_t ipa = (UINT64_C(1) << (64 - t0sz[tg][sl0].first)) - (UINT64_C(1) << sh);

	for (unsigned int l = t0sz[tg][sl0].level;; l++) {
		unsigned int lsh = page[tg] + (3 - l) * bits[tg];
		uint64_t i = ipa >> lsh, *d;

		/* Tables in a row: of the first level's index all bits count. */
		if (l != t0sz[tg][sl0].level)
			i &= (1u << bits[tg]) - 1;
		d = (uint64_t *)rig_va(&s->r, at) + i;
		if (l == level) {
			*d = base | S2_LEAF | (l == 3 ? 3 : 1);
			return ipa + (pa - base);
		}
		at = rig_alloc(&s->r, 1u << page[tg], 1u << page[tg]);
		*d = at | 3;
	}
}

/* One leaf of each level that has leaves, from each level to begin at. */
static void
test_walks(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct s2 s;

	(void)state;
	c.oas = 48;
	for (unsigned int tg = 0; tg < 3; tg++)
		for (unsigned int sl0 = 0; sl0 < 3; sl0++)
			for (unsigned int l = t0sz[tg][sl0].level; l <= 3; l++) {
				unsigned int sz = t0sz[tg][sl0].first;
				uint64_t ipa, pa;

				if (l == 0 || (l == 1 && tg != 0))
					continue; /* no blocks */
				s2_up(&s, &c, S2_ONLY);
				pa = rig_page(&s.r, 0x33);
				ipa = map_last(&s, tg, sl0, l, pa);
				s.r.ste[2] = S2_VMID | S2_AA64 | S2_R | S2_PS(5) | S2_TG(tg) |
					     S2_SL0(sl0) | S2_T0SZ(sz);
				rig_sees(&s.r, ipa + 0xffc, 0x33);
				assert_int_equal(rig_stats(&s.r).core.walk_reads[l], 1);
				/* The first of the tables in a row is another. */
				s2_fails(&s, false, ipa ^ UINT64_C(1) << (63 - sz), 0x10,
					 S2_EV(S2_IN), ipa ^ UINT64_C(1) << (63 - sz));
				rig_free(&s.r);
			}
}

/* Beyond S2T0SZ it is a translation fault of stage 2; beyond IAS an address size fault of stage 1,
 * although there is none, whatever S2R says (§3.4). */
static void
test_range(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	const uint64_t end = UINT64_C(1) << 39, ias = UINT64_C(1) << 44;
	struct s2 s;

	(void)state;
	s2_up(&s, &c, S2_ONLY);
	s2_map(&s, end - 0x1000, 3, rig_page(&s.r, 5) | S2_LEAF);
	/* No table is read there, whatever lies behind it. */
	((uint64_t *)rig_va(&s.r, s.ttb))[512] = RIG_PA | S2_LEAF | 1;
	rig_sees(&s.r, end - 8, 5);
	s2_fails(&s, false, end + 8, 0x10, S2_EV(S2_IN), end);
	s2_fails(&s, true, ias - 8, 0x10, S2_EV(S2_IN), ias - 0x1000);
	s2_fails(&s, true, ias, 0x11, UINT64_C(2) << 40, 0);
	s.r.ste[2] &= ~S2_R;
	s2_again(&s);
	assert_int_equal(rig_read(&s.r, end), EMU_FAULT);
	rig_expect_no_event(&s.r);
	s2_fails(&s, false, UINT64_MAX - 7, 0x11, UINT64_C(2) << 40, 0);
	rig_free(&s.r);
}

/* S2AP and XN[1:0], for reads, writes and fetches, privileged or not (DDI 0487 D8.4.2). */
static void
test_permissions(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct s2 s;

	(void)state;
	s2_up(&s, &c, S2_ONLY);
	for (uint64_t ap = 0; ap < 4; ap++)
		for (uint64_t xn = 0; xn < 4; xn++) {
			uint64_t pa = rig_page(&s.r, 1);

			s2_map(&s, 0x1000, 3, pa | 0x43c | ap << 6 | xn << 53);
			for (unsigned int how = 0; how < 6; how++) {
				bool priv = how & 1, inst = how >> 1 == 1, write = how >> 1 == 2;
				bool ok = write ? ap & 2 :
					  inst  ? xn == 0 || xn == (priv ? 3 : 1) :
						  ap & 1;

				s.r.ste[1] = UINT64_C(2) << 48 | (uint64_t)priv << 48 |
					     UINT64_C(2) << 50 | (uint64_t)inst << 50;
				s2_again(&s);
				if (!ok)
					s2_fails(&s, write, 0x1008, 0x13,
						 S2_EV(S2_IN) | (uint64_t)priv << 33 |
							 (uint64_t)inst << 34, 0x1000);
				else if (write)
					assert_int_equal(rig_write(&s.r, 0x1008, 1), EMU_OK);
				else
					assert_int_equal(rig_read(&s.r, 0x1008), EMU_OK);
				rig_expect_no_event(&s.r);
			}
		}
	rig_free(&s.r);
}

/* What a descriptor may be that ends a walk, and the order (§7.3.20): abort, invalid, address size,
 * AF, permission. S2R keeps records of all but the abort back. */
static void
test_faults(void **state)
{
	const uint64_t ipa = UINT64_C(0x5040302000), fetch = RIG_HOLE + 8 * (ipa >> 12 & 511);
	struct emu_smmuv3_conf c = rig_conf();
	uint64_t *l2, *l3;
	struct s2 s;

	(void)state;
	for (unsigned int r = 0; r < 2; r++) {
		s2_up(&s, &c, S2_ONLY);
		s.r.ste[2] = (s.r.ste[2] & ~S2_PS(7)) | S2_PS(1); /* 36 bits */
		if (r == 0)
			s.r.ste[2] &= ~S2_R;
		l3 = s2_map(&s, ipa, 3, rig_page(&s.r, 1) | S2_LEAF);
		l2 = rig_map_at(&s.r, s.ttb, 1, ipa, 2, 0);
#define ENDS(id, word3)                                                                            \
	do {                                                                                       \
		if (r == 1 || (id) == 0x0b) {                                                      \
			s2_fails(&s, true, ipa + 0x18, id, S2_EV(S2_IN), word3);                   \
		} else {                                                                           \
			assert_int_equal(rig_write(&s.r, ipa, 1), EMU_FAULT);                      \
			rig_expect_no_event(&s.r);                                                 \
		}                                                                                  \
	} while (0)
		ENDS(0x10, ipa);
		*l2 = RIG_HOLE | 3;
		ENDS(0x0b, fetch);
		rig_cmd(&s.r, 0x30, 0);
		*l2 = UINT64_C(1) << 36 | 3;
		ENDS(0x11, ipa);
		*l2 = (RIG_PA + (uint64_t)((uint8_t *)l3 - s.r.mem)) & ~UINT64_C(0xfff);
		*l2 |= 3;
		*l3 = RIG_PA | S2_LEAF | 1; /* no page */
		ENDS(0x10, ipa);
		*l3 = UINT64_C(1) << 36 | 3; /* and AF = 0, S2AP = 0 */
		ENDS(0x11, ipa);
		*l3 = RIG_PA | 3;
		ENDS(0x12, ipa);
		*l3 = RIG_PA | 0x400 | 3;
		ENDS(0x13, ipa);
		*l3 = (RIG_PA | S2_LEAF | 3) & ~UINT64_C(0x400);
		rig_cmd(&s.r, 0x30, 0);
		ENDS(0x12, ipa);
		s.r.ste[2] |= S2_AFFD;
		s2_again(&s);
		assert_int_equal(rig_write(&s.r, ipa, 1), EMU_OK);
		rig_free(&s.r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),      cmocka_unit_test(test_illegal),
		cmocka_unit_test(test_config),      cmocka_unit_test(test_strw),
		cmocka_unit_test(test_walks),
		cmocka_unit_test(test_range),       cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
