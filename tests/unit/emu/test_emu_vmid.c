/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * VMIDs: what is tagged with which, and that each TLBI takes its own and leaves the rest (IHI 0070
 * §3.17, §4.4, §5.2 S2VMID).
 */
#include "rig_s2.h"

#define OTHER 5u /* another stream */
#define ASID  ((uint64_t)RIG_ASID << 48)

/* ---- invalidations of stage 2 ---------------------------------------------------------------- */

/* Stage 2 of VMID 9: a page at 0x7000 and a block at 0x200000, cached as they were (1); in the
 * tables they are others (2), and there is another table instead of that of 0x7000, of which 0xa000
 * tells: what the old one has there is 1. */
static void
ipas_up(struct s2 *s, const struct emu_smmuv3_conf *c)
{
	uint64_t *d, *block, *l2, *table, old, new, pa;
	struct rig *r = &s->r;

	s2_up(s, c, S2_ONLY);
	old = rig_alloc(r, 1u << 21, 1u << 21);
	new = rig_alloc(r, 1u << 21, 1u << 21);
	memset(rig_va(r, old), 1, 1u << 21);
	memset(rig_va(r, new), 2, 1u << 21);
	d = s2_map(s, 0x7000, 3, old | S2_LEAF);
	block = s2_map(s, 0x200000, 2, old | S2_LEAF);
	assert_int_equal(s2_sees(s, RIG_SID, 0x7000), 1);
	assert_int_equal(s2_sees(s, RIG_SID, 0x234000), 1);
	d[3] = old | S2_LEAF | 3;
	*d = new | S2_LEAF | 3;
	*block = new | S2_LEAF | 1;
	pa = rig_alloc(r, 4096, 4096);
	table = rig_va(r, pa);
	table[7] = table[0xa] = new | S2_LEAF | 3;
	l2 = rig_va(r, *(uint64_t *)rig_va(r, s->ttb) & ~UINT64_C(3));
	*l2 = pa | 3;
}

/* What each command does to a page of stage 2 alone, to a block, and to a table that was read on
 * the way: 2 is fresh. */
static void
test_invalidations(void **state)
{
	static const struct {
		uint64_t dw0, dw1;
		uint8_t page, block, table;
	} t[] = {
		{ S2_CMD(0x2a, 9), 0x7001, 2, 1, 1 },         /* S2_IPA, leaf */
		{ S2_CMD(0x2a, 9), 0x7000, 2, 1, 2 },
		{ S2_CMD(0x2a, 9), 0x3ff001, 1, 2, 1 },       /* any address of the block */
		{ S2_CMD(0x2a, 9), 0x8001, 1, 1, 1 },
		{ S2_CMD(0x2a, 8), 0x7000, 1, 1, 1 },         /* another VMID */
		{ S2_CMD(0x2a, 0x109), 0x7000, 1, 1, 1 },
		{ S2_CMD(0x2a, 9) | 1 << 12, 0x6401, 2, 1, 1 }, /* two pages of 4 KiB */
		{ S2_CMD(0x2a, 9) | 1 << 12, 0x5401, 1, 1, 1 },
		{ S2_CMD(0x2a, 9) | 1 << 12 | 9 << 20, 0x401, 2, 2, 1 }, /* 4 MiB */
		{ S2_CMD(0x2a, 9) | 1 << 12 | 9 << 20, 0x701, 2, 1, 1 }, /* TTL 3 */
		{ S2_CMD(0x2a, 9) | 1 << 12 | 9 << 20, 0x601, 1, 2, 1 }, /* TTL 2 */
		{ S2_CMD(0x2a, 9) | 1 << 12 | 9 << 20, 0x801, 1, 1, 1 }, /* 16 KiB: not these */
		{ S2_CMD(0x28, 9), 0, 2, 2, 2 },              /* S12_VMALL */
		{ S2_CMD(0x28, 8), 0, 1, 1, 1 },
		{ S2_CMD(0x28, 0x109), 0, 1, 1, 1 },
		{ 0x30, 0, 2, 2, 2 },                         /* NSNH_ALL */
		{ S2_CMD(0x10, 9), 0, 1, 1, 1 },              /* stage 1's: not of IPAs */
		{ S2_CMD(0x11, 9), 0, 1, 1, 1 },
		{ S2_CMD(0x12, 9), 0x7000, 1, 1, 1 },
		{ S2_CMD(0x13, 9), 0x7000, 1, 1, 1 },
		{ S2_CMD(0x20, 9), 0, 1, 1, 1 },              /* EL2's */
		{ S2_CMD(0x23, 9), 0x7000, 1, 1, 1 },
	};
	struct emu_smmuv3_conf c = rig_conf();

	(void)state;
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		struct s2 s;

		ipas_up(&s, &c);
		rig_cmd(&s.r, t[i].dw0, t[i].dw1);
		assert_int_equal(s2_sees(&s, RIG_SID, 0x7000), t[i].page);
		assert_int_equal(s2_sees(&s, RIG_SID, 0x234000), t[i].block);
		assert_int_equal(s2_sees(&s, RIG_SID, 0xa000), t[i].table);
		rig_free(&s.r);
	}
}

/* ---- tags ------------------------------------------------------------------------------------ */

/* RIG_SID and OTHER, each with Config and VMID, and tables of its own: which entries are shared. */
static void
test_tags(void **state)
{
	static const struct {
		uint8_t config, vmid, config2, vmid2;
		bool shared;
	} t[] = {
		{ 6, 9, 6, 9, true },  { 6, 9, 6, 10, false }, { 6, 0, 6, 9, false },
		{ 5, 9, 5, 9, true },  { 5, 9, 5, 10, false }, { 5, 0, 5, 9, false },
		{ 5, 0, 5, 0, true },  { 6, 9, 5, 9, false },  { 5, 9, 6, 9, false },
	};
	struct emu_smmuv3_conf c = rig_conf();

	(void)state;
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		uint64_t *ste, ttb, ttb2, cd_pa;
		struct s2 s;

		s2_up(&s, &c, S2_ONLY);
		s2_ste(&s, s.r.ste, t[i].config, S2_WORD2(t[i].vmid));
		ste = rig_va(&s.r, s.r.ste_pa + OTHER * 64);
		cd_pa = rig_alloc(&s.r, 64, 64);
		ttb = s.ttb;
		ttb2 = rig_alloc(&s.r, 4096, 4096);
		memcpy(rig_va(&s.r, cd_pa), s.r.cd, 64);
		((uint64_t *)rig_va(&s.r, cd_pa))[1] = ttb2;
		ste[0] = 1 | cd_pa;
		s.ttb = ttb2;
		s2_ste(&s, ste, t[i].config2, S2_WORD2(t[i].vmid2));
		rig_map_at(&s.r, t[i].config == 5 ? s.r.ttb : ttb, t[i].config == 6, 0x7000, 3,
			   rig_page(&s.r, 1) | (t[i].config == 5 ? RIG_RW : S2_LEAF) | 3);
		rig_map_at(&s.r, ttb2, t[i].config2 == 6, 0x7000, 3,
			   rig_page(&s.r, 2) | (t[i].config2 == 5 ? RIG_RW : S2_LEAF) | 3);
		assert_int_equal(s2_sees(&s, RIG_SID, 0x7000), 1);
		assert_int_equal(s2_sees(&s, OTHER, 0x7000), t[i].shared ? 1 : 2);
		rig_free(&s.r);
	}
}

/* Stage 1 alone of VMID 9: which commands find its entries, global or not, and the table that was
 * read on the way. Without stage 2 the VMID of a command does not count (§4.4.2). */
static void
test_stage1(void **state)
{
	static const struct {
		uint64_t dw0, dw1;
		uint8_t own, global, table;
	} t[] = {
		{ S2_CMD(0x10, 9), 0, 2, 2, 2 },             /* NH_ALL */
		{ S2_CMD(0x10, 8), 0, 1, 1, 1 },
		{ S2_CMD(0x10, 0), 0, 1, 1, 1 },
		{ S2_CMD(0x11, 9) | ASID, 0, 2, 1, 2 },      /* NH_ASID */
		{ S2_CMD(0x11, 9), 0, 1, 1, 1 },
		{ S2_CMD(0x11, 0) | ASID, 0, 1, 1, 1 },
		{ S2_CMD(0x12, 9) | ASID, 0x7001, 2, 1, 1 }, /* NH_VA */
		{ S2_CMD(0x12, 9) | ASID, 0x7000, 2, 1, 2 },
		{ S2_CMD(0x12, 9), 0x8001, 1, 2, 1 },        /* a global one has no ASID */
		{ S2_CMD(0x12, 0) | ASID, 0x7000, 1, 1, 1 },
		{ S2_CMD(0x13, 9), 0x7001, 2, 1, 1 },        /* NH_VAA */
		{ S2_CMD(0x13, 9), 0x8000, 1, 2, 2 },
		{ S2_CMD(0x13, 10), 0x7000, 1, 1, 1 },
		{ S2_CMD(0x28, 9), 0, 2, 2, 2 },             /* S12_VMALL */
		{ S2_CMD(0x28, 0), 0, 1, 1, 1 },
		{ S2_CMD(0x2a, 9), 0x7000, 1, 1, 1 },        /* S2_IPA */
		{ 0x30, 0, 2, 2, 2 },                        /* NSNH_ALL */
		{ 0x20, 0, 1, 1, 1 },                        /* EL2_ALL */
	};
	struct emu_smmuv3_conf c = rig_conf();

	(void)state;
	for (unsigned int s2 = 0; s2 < 2; s2++)
		for (size_t i = 0; i < RTE_DIM(t); i++) {
			uint64_t old, new, *d, *g, *l2;
			struct s2 s;

			if (s2 == 0 && (t[i].dw0 & 0xf8) != 0x10)
				continue; /* others are illegal then, or have no VMID */
			c.s2 = s2;
			s2_up(&s, &c, UINT64_C(5));
			old = rig_page(&s.r, 1);
			new = rig_page(&s.r, 2);
			d = rig_map(&s.r, 0x7000, old, RIG_RW);
			g = rig_map(&s.r, 0x8000, old, RIG_RW & ~SMMU_TTD_NG);
			d[0xa - 7] = old | RIG_RW | 3;
			assert_int_equal(s2_sees(&s, RIG_SID, 0x7000), 1);
			assert_int_equal(s2_sees(&s, RIG_SID, 0x8000), 1);
			/* Another table, and the old one changed too. */
			l2 = rig_map_at(&s.r, s.r.ttb, 0, 0, 2, 0);
			*l2 = rig_alloc(&s.r, 4096, 4096) | 3;
			*d = new | RIG_RW | 3;
			*g = (new | RIG_RW | 3) & ~SMMU_TTD_NG;
			rig_map(&s.r, 0x7000, new, RIG_RW);
			rig_map(&s.r, 0x8000, new, RIG_RW & ~SMMU_TTD_NG);
			rig_map(&s.r, 0xa000, new, RIG_RW);
			rig_cmd(&s.r, t[i].dw0, t[i].dw1);
			/* The commands that name another VMID are then like those that do not. */
			if (s2 == 1 || (uint16_t)(t[i].dw0 >> 32) == 9) {
				assert_int_equal(s2_sees(&s, RIG_SID, 0x7000), t[i].own);
				assert_int_equal(s2_sees(&s, RIG_SID, 0x8000), t[i].global);
				assert_int_equal(s2_sees(&s, RIG_SID, 0xa000), t[i].table);
			} else if ((t[i].dw0 & 0xff) == 0x10) {
				assert_int_equal(s2_sees(&s, RIG_SID, 0x7000), 2);
			}
			rig_free(&s.r);
		}
}

/* With 8 bits of VMID a command with more is of nobody (§4.4). */
static void
test_8bit(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct s2 s;

	(void)state;
	c.vmid16 = false;
	ipas_up(&s, &c);
	rig_cmd(&s.r, S2_CMD(0x28, 0x109), 0);
	assert_int_equal(s2_sees(&s, RIG_SID, 0x7000), 1);
	rig_cmd(&s.r, S2_CMD(0x28, 9), 0);
	assert_int_equal(s2_sees(&s, RIG_SID, 0x7000), 2);
	rig_free(&s.r);
	/* The highest there is, of both kinds. */
	for (unsigned int n = 0; n < 2; n++) {
		uint16_t vmid = n == 0 ? 0xff : 0xffff;

		c.vmid16 = n;
		s2_up(&s, &c, S2_ONLY);
		s.r.ste[2] = S2_WORD2(vmid);
		uint64_t *d = s2_map(&s, 0x1000, 3, rig_page(&s.r, 1) | S2_LEAF);

		assert_int_equal(s2_sees(&s, RIG_SID, 0x1000), 1);
		*d = rig_page(&s.r, 2) | S2_LEAF | 3;
		assert_int_equal(s2_sees(&s, RIG_SID, 0x1000), 1);
		rig_cmd(&s.r, S2_CMD(0x2a, vmid), 0x1001);
		assert_int_equal(s2_sees(&s, RIG_SID, 0x1000), 2);
		rig_free(&s.r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invalidations), cmocka_unit_test(test_tags),
		cmocka_unit_test(test_stage1),        cmocka_unit_test(test_8bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
