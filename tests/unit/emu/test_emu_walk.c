/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stage-1 walks: every start level and leaf size, both halves, permissions, faults and their
 * records, the walk cache.
 */
#include "rig.h"

static void
new_cd(struct rig *r, uint64_t w0, uint64_t ttb0, uint64_t ttb1)
{
	r->cd[0] = w0;
	r->cd[1] = ttb0;
	r->cd[2] = ttb1;
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_CD, RIG_SID), 1);
	rig_cmd(r, SMMU_CMD_TLBI_NH_ALL, 0);
}

static void
expect_fault(struct rig *r, uint64_t iova, bool write, unsigned int id, unsigned int cls,
	     uint64_t fetch)
{
	assert_int_equal(write ? rig_write(r, iova, 1) : rig_read(r, iova), EMU_FAULT);
	rig_expect_event(r, rig_ev0(id, RIG_SID), rig_ev1(write, cls), iova, fetch);
}

/* T0SZ 16 to 39: the first and the last page, and the first address beyond. */
static void
test_every_input_size(void **state)
{
	struct rig *r = *state;
	uint64_t first = rig_page(r, 1), last = rig_page(r, 2);

	for (unsigned int t0sz = 16; t0sz <= 39; t0sz++) {
		unsigned int bits = 64 - t0sz, start = bits > 39 ? 0 : bits > 30 ? 1 : 2;
		uint64_t end = UINT64_C(1) << bits, ttb = rig_alloc(r, 4096, 4096);
		struct emu_smmuv3_stats a, b;

		new_cd(r, smmu_field_set(rig_cd0(RIG_ASID), SMMU_CD_0_T0SZ, t0sz), ttb, 0);
		rig_map_at(r, ttb, start, 0, 3, first | RIG_RW | 3);
		rig_map_at(r, ttb, start, end - 4096, 3, last | RIG_RW | 3);
		a = rig_stats(r);
		rig_sees(r, 0, 1);
		b = rig_stats(r);
		for (unsigned int l = 0; l < 4; l++)
			assert_int_equal(b.core.walk_reads[l] - a.core.walk_reads[l], l >= start);
		rig_sees(r, end - 4, 2);
		expect_fault(r, end, false, SMMU_EVT_F_TRANSLATION, SMMU_EVT_CLASS_IN, 0);
		expect_fault(r, UINT64_C(1) << 60, true, SMMU_EVT_F_TRANSLATION,
			     SMMU_EVT_CLASS_IN, 0);
	}
}

/* A small start table may lie at any multiple of its size, 64 bytes at least. */
static void
test_small_start_table(void **state)
{
	struct rig *r = *state;
	uint64_t ttb = rig_alloc(r, 4096, 4096) + 128;

	new_cd(r, smmu_field_set(rig_cd0(RIG_ASID), SMMU_CD_0_T0SZ, 39), ttb, 0);
	rig_map_at(r, ttb, 2, 0x200000, 3, rig_page(r, 5) | RIG_RW | 3);
	rig_sees(r, 0x200000, 5);
	/* 16 bytes: bits 5 and 4 of its address do not count. */
	ttb = rig_alloc(r, 4096, 4096);
	new_cd(r, smmu_field_set(rig_cd0(RIG_ASID), SMMU_CD_0_T0SZ, 33), ttb + 48, 0);
	rig_map_at(r, ttb, 1, 0x40001000, 3, rig_page(r, 6) | RIG_RW | 3);
	rig_sees(r, 0x40001000, 6);
}

/* Pages, 2 MiB and 1 GiB blocks: offsets carry through; the span is small, so look at edges. */
static void
test_leaf_sizes(void **state)
{
	struct rig *r = *state;
	uint64_t b2m;
	uint32_t *w;

	b2m = rig_alloc(r, 2u << 20, 2u << 20);
	rig_map_at(r, r->ttb, 0, UINT64_C(0x40000000), 2, b2m | RIG_RW | SMMU_TTD_TYPE_BLOCK);
	rig_map_at(r, r->ttb, 0, UINT64_C(0x80000000), 1,
		   UINT64_C(0x80000000) | RIG_RW | SMMU_TTD_TYPE_BLOCK);
	for (uint32_t off = 0; off < 2u << 20; off += 0x3f0fc) {
		w = rig_va(r, b2m + (off & ~3u));
		*w = off;
		assert_int_equal(rig_read(r, 0x40000000 + (off & ~3u)), EMU_OK);
		assert_int_equal(r->buf, off);
		/* the same memory through the 1 GiB block */
		assert_int_equal(rig_read(r, b2m + (off & ~3u)), EMU_OK);
		assert_int_equal(r->buf, off);
	}
	/* Bits below the block in its descriptor do not count (nT is one of them). */
	*rig_map_at(r, r->ttb, 0, UINT64_C(0x40000000), 2, 0) =
		b2m | RIG_RW | SMMU_TTD_TYPE_BLOCK | SMMU_TTD_NT | 0x1000;
	rig_cmd(r, SMMU_CMD_TLBI_NH_ALL, 0);
	w = rig_va(r, b2m);
	*w = 0x600dcafe;
	assert_int_equal(rig_read(r, 0x40000000), EMU_OK);
	assert_int_equal(r->buf, *w);
	/* Beyond the memory, within the block: nothing answers. */
	assert_int_equal(rig_read(r, UINT64_C(0xb0000000)), EMU_ABORT);
}

/* Descriptors that are invalid at each level. */
static void
test_invalid_descriptors(void **state)
{
	struct rig *r = *state;
	uint64_t pa = rig_page(r, 1);

	for (unsigned int level = 0; level < 4; level++) {
		uint64_t va = (UINT64_C(1) << 39) + ((uint64_t)level << 40);

		rig_map_at(r, r->ttb, 0, va, level, (pa | RIG_RW | 3) & ~SMMU_TTD_V);
		expect_fault(r, va, false, SMMU_EVT_F_TRANSLATION, SMMU_EVT_CLASS_IN, 0);
	}
	/* A block at level 0, and 0b01 at level 3, are invalid. */
	rig_map_at(r, r->ttb, 0, 0, 0, RIG_PA | RIG_RW | SMMU_TTD_TYPE_BLOCK);
	expect_fault(r, 0x123, true, SMMU_EVT_F_TRANSLATION, SMMU_EVT_CLASS_IN, 0);
	rig_map_at(r, r->ttb, 0, UINT64_C(5) << 39, 3, pa | RIG_RW | SMMU_TTD_TYPE_BLOCK);
	expect_fault(r, UINT64_C(5) << 39, false, SMMU_EVT_F_TRANSLATION, SMMU_EVT_CLASS_IN, 0);
}

/* An output address beyond IPS, at each level; and IPS is capped to OAS. */
static void
test_addr_size(void **state)
{
	struct rig *r = *state;

	new_cd(r, smmu_field_set(rig_cd0(RIG_ASID), SMMU_CD_0_IPS, SMMU_OAS_36), r->ttb, 0);
	for (unsigned int level = 0; level < 4; level++) {
		uint64_t va = (UINT64_C(1) << 39) + ((uint64_t)level << 40);
		uint64_t type = level == 1 || level == 2 ? 1 : 3;

		rig_map_at(r, r->ttb, 0, va, level, UINT64_C(1) << 36 | RIG_RW | type);
		expect_fault(r, va, false, SMMU_EVT_F_ADDR_SIZE, SMMU_EVT_CLASS_IN, 0);
	}
	new_cd(r, smmu_field_set(rig_cd0(RIG_ASID), SMMU_CD_0_IPS, SMMU_OAS_48), r->ttb, 0);
	rig_map(r, 0x1000, UINT64_C(1) << 44, RIG_RW);
	expect_fault(r, 0x1000, false, SMMU_EVT_F_ADDR_SIZE, SMMU_EVT_CLASS_IN, 0);
}

/* A table where there is no memory: F_WALK_EABT with the descriptor's address, R or not. */
static void
test_walk_abort(void **state)
{
	struct rig *r = *state;

	for (unsigned int level = 0; level < 3; level++) {
		uint64_t va = (UINT64_C(1) << 39) + ((uint64_t)level << 40) + 0x7000;
		uint64_t idx = (va >> (30 - 9 * level)) & 511;

		rig_map_at(r, r->ttb, 0, va, level, RIG_HOLE | SMMU_TTD_TYPE_TABLE);
		expect_fault(r, va, level & 1, SMMU_EVT_F_WALK_EABT, SMMU_EVT_CLASS_TTD,
			     RIG_HOLE + idx * 8);
	}
	new_cd(r, rig_cd0(RIG_ASID) & ~SMMU_CD_0_R, RIG_HOLE, 0);
	expect_fault(r, 0, false, SMMU_EVT_F_WALK_EABT, SMMU_EVT_CLASS_TTD, RIG_HOLE);
	assert_int_equal(rig_stats(r).core.mem_aborts, 4);
}

static void
test_access_flag(void **state)
{
	struct rig *r = *state;

	rig_map(r, 0x1000, rig_page(r, 1), RIG_RW & ~SMMU_TTD_AF);
	expect_fault(r, 0x1000, true, SMMU_EVT_F_ACCESS, SMMU_EVT_CLASS_IN, 0);
	/* It was not cached: setting AF is enough. */
	*rig_map(r, 0x1000, 0, 0) = rig_page(r, 1) | RIG_RW | 3;
	rig_sees(r, 0x1000, 1);
	rig_map(r, 0x2000, rig_page(r, 2), RIG_RW & ~SMMU_TTD_AF);
	new_cd(r, rig_cd0(RIG_ASID) | SMMU_CD_0_AFFD, r->ttb, 0);
	rig_sees(r, 0x2000, 2);
}

/* Address size goes before access flag, access flag before permission (7.3.1). */
static void
test_fault_priority(void **state)
{
	struct rig *r = *state;

	rig_map(r, 0x1000, UINT64_C(1) << 44, SMMU_TTD_V);
	expect_fault(r, 0x1000, true, SMMU_EVT_F_ADDR_SIZE, SMMU_EVT_CLASS_IN, 0);
	rig_map(r, 0x1000, rig_page(r, 1), SMMU_TTD_V);
	expect_fault(r, 0x1000, true, SMMU_EVT_F_ACCESS, SMMU_EVT_CLASS_IN, 0);
	rig_map(r, 0x1000, rig_page(r, 1), SMMU_TTD_V | SMMU_TTD_AF);
	expect_fault(r, 0x1000, true, SMMU_EVT_F_PERMISSION, SMMU_EVT_CLASS_IN, 0);
}

/* AP, and what tables above take away, for unprivileged and privileged data and instructions. */
static void
test_permissions(void **state)
{
	enum { UR = 1, UW = 2, UX = 4, PR = 8, PW = 16, PX = 32 };
	static const struct {
		uint64_t leaf, table;
		uint64_t cd;
		unsigned int may;
	} t[] = {
		{ SMMU_TTD_AP1, 0, 0, UR | UW | UX | PR | PW },
		{ 0, 0, 0, UX | PR | PW | PX },
		{ SMMU_TTD_AP1 | SMMU_TTD_AP2, 0, 0, UR | UX | PR | PX },
		{ SMMU_TTD_AP2, 0, 0, UX | PR | PX },
		{ SMMU_TTD_AP1, SMMU_TTD_APTABLE_RO, 0, UR | UX | PR | PX },
		{ SMMU_TTD_AP1, SMMU_TTD_APTABLE_NOUNPRIV, 0, UX | PR | PW | PX },
		{ SMMU_TTD_AP1 | SMMU_TTD_UXN, 0, 0, UR | UW | PR | PW },
		{ SMMU_TTD_AP2 | SMMU_TTD_PXN, 0, 0, UX | PR },
		{ SMMU_TTD_AP2, SMMU_BIT(59), 0, UX | PR },
		{ SMMU_TTD_AP2, SMMU_BIT(60), 0, PR | PX },
		{ SMMU_TTD_AP1, 0, SMMU_CD_0_WXN, UR | UW | PR | PW },
		{ 0, 0, SMMU_CD_0_WXN, UX | PR | PW },
		{ SMMU_TTD_AP1, 0, SMMU_CD_0_PAN, UR | UW | UX },
		{ 0, 0, SMMU_CD_0_PAN, UX | PR | PW | PX },
	};
	struct rig *r = *state;
	uint64_t pa = rig_page(r, 1);

	for (size_t i = 0; i < RTE_DIM(t); i++) {
		uint64_t *leaf = rig_map(r, 0x1000, pa, SMMU_TTD_V | SMMU_TTD_AF | SMMU_TTD_NG |
						t[i].leaf);
		/* The limit sits in the top table's descriptor, two levels above the leaf's. */
		uint64_t *top = rig_va(r, r->ttb);

		(void)leaf;
		*top = (*top & ~SMMU_FIELD(63, 59)) | t[i].table;
		new_cd(r, rig_cd0(RIG_ASID) | t[i].cd, r->ttb, 0);
		for (unsigned int bit = 0; bit < 6; bit++) {
			bool priv = bit >= 3, inst = bit % 3 == 2, write = bit % 3 == 1;
			bool may = t[i].may >> bit & 1;
			uint64_t rec[4];

			r->ste[1] = (priv ? SMMU_STE_1_PRIVCFG : 0) |
				    (inst ? SMMU_STE_1_INSTCFG : 0);
			rig_cmd(r, rig_sid(SMMU_CMD_CFGI_STE, RIG_SID), 1);
			assert_int_equal(write ? rig_write(r, 0x1000, 1) : rig_read(r, 0x1000),
					 may ? EMU_OK : EMU_FAULT);
			if (may)
				continue;
			assert_true(rig_event(r, rec));
			assert_int_equal(rec[0], rig_ev0(SMMU_EVT_F_PERMISSION, RIG_SID));
			assert_int_equal(rec[1], rig_ev1(write, SMMU_EVT_CLASS_IN) |
							 (priv ? SMMU_EVT_1_PNU : 0) |
							 (inst ? SMMU_EVT_1_IND : 0));
			assert_int_equal(rec[2], 0x1000);
		}
	}
}

/* HAD0 and HAD1, bit 1 of words 1 and 2: of that half, what tables say about leaves is ignored. */
static void
test_hierarchy_disabled(void **state)
{
	struct rig *r = *state;
	uint64_t ttb1 = rig_alloc(r, 4096, 4096), high = UINT64_C(0xffff000000001000);
	/* 4 KiB and 48 bits above as well: EPD1 (30) off, T1SZ (21:16), TG1 (23:22). */
	uint64_t cd0 = (rig_cd0(RIG_ASID) & ~SMMU_BIT(30)) | 16u << 16 | 2u << 22;

	rig_map(r, 0x1000, rig_page(r, 1), RIG_RW);
	rig_map_at(r, ttb1, 0, high, 3, rig_page(r, 1) | RIG_RW | 3);
	*(uint64_t *)rig_va(r, r->ttb) |= SMMU_BIT(62);
	*(uint64_t *)rig_va(r, ttb1) |= SMMU_BIT(61);
	for (uint64_t had = 0; had < 4; had++) {
		new_cd(r, cd0, r->ttb | (had & 1) << 1, ttb1 | (had & 2));
		assert_int_equal(rig_write(r, 0x1000, 1), had & 1 ? EMU_OK : EMU_FAULT);
		assert_int_equal(rig_write(r, high, 1), had & 2 ? EMU_OK : EMU_FAULT);
	}
}

/* Writes of a stream whose reads are instruction fetches are data: InD is 0. */
static void
test_instcfg_write_is_data(void **state)
{
	struct rig *r = *state;

	r->ste[1] = SMMU_STE_1_INSTCFG;
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_STE, RIG_SID), 1);
	expect_fault(r, 0x1000, true, SMMU_EVT_F_TRANSLATION, SMMU_EVT_CLASS_IN, 0);
}

/* The upper half, its own table and size; and top-byte-ignore in both. */
static void
test_upper_half_and_tbi(void **state)
{
	struct rig *r = *state;
	uint64_t ttb1 = rig_alloc(r, 4096, 4096), top = ~UINT64_C(0) << 39;
	uint64_t cd0 = (rig_cd0(RIG_ASID) & ~SMMU_CD_0_EPD1) | smmu_field_prep(SMMU_CD_0_T1SZ, 25) |
		       smmu_field_prep(SMMU_CD_0_TG1, SMMU_CD_TG1_4K);

	rig_map(r, 0x1000, rig_page(r, 1), RIG_RW);
	rig_map_at(r, ttb1, 1, 0x1000, 3, rig_page(r, 2) | RIG_RW | 3);
	new_cd(r, cd0, r->ttb, ttb1);
	rig_sees(r, 0x1000, 1);
	rig_sees(r, top + 0x1000, 2);
	rig_sees(r, 0x1000, 1);
	expect_fault(r, (top << 1) + 0x1000, false, SMMU_EVT_F_TRANSLATION, SMMU_EVT_CLASS_IN, 0);
	expect_fault(r, UINT64_C(0xab00000000001000), false, SMMU_EVT_F_TRANSLATION,
		     SMMU_EVT_CLASS_IN, 0);
	new_cd(r, cd0 | SMMU_CD_0_TBI0 | SMMU_CD_0_TBI1, r->ttb, ttb1);
	rig_sees(r, UINT64_C(0xab00000000001000), 1);
	rig_sees(r, (top + 0x1000) & (~UINT64_C(0) >> 8), 2);
	/* What is recorded is the address as it came. */
	expect_fault(r, UINT64_C(0xab00000000009000), false, SMMU_EVT_F_TRANSLATION,
		     SMMU_EVT_CLASS_IN, 0);
	/* An invalidation of one half leaves the other. */
	rig_map(r, 0x1000, rig_page(r, 3), RIG_RW);
	rig_map_at(r, ttb1, 1, 0x1000, 3, rig_page(r, 4) | RIG_RW | 3);
	rig_cmd(r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), top + 0x1000);
	rig_sees(r, 0x1000, 1);
	rig_sees(r, top + 0x1000, 4);
	rig_cmd(r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), 0x1000);
	rig_sees(r, 0x1000, 3);
}

/* The same VA[47:12] in both halves: two translations. */
static void
test_halves_do_not_alias(void **state)
{
	struct rig *r = *state;
	uint64_t ttb1 = rig_alloc(r, 4096, 4096), top = ~UINT64_C(0) << 48;

	rig_map(r, 0x1000, rig_page(r, 1), RIG_RW);
	rig_map_at(r, ttb1, 0, 0x1000, 3, rig_page(r, 2) | RIG_RW | 3);
	new_cd(r, (rig_cd0(RIG_ASID) & ~SMMU_CD_0_EPD1) | smmu_field_prep(SMMU_CD_0_T1SZ, 16) |
			  smmu_field_prep(SMMU_CD_0_TG1, SMMU_CD_TG1_4K), r->ttb, ttb1);
	for (int i = 0; i < 2; i++) {
		rig_sees(r, top + 0x1000, 2);
		rig_sees(r, 0x1000, 1);
	}
	assert_int_equal(rig_stats(r).core.iotlb_misses, 2);
}

/* CD.R=0: no record. CD.A=0: reads come back as zeros. */
static void
test_silent_faults(void **state)
{
	struct rig *r = *state;

	new_cd(r, rig_cd0(RIG_ASID) & ~SMMU_CD_0_R, r->ttb, 0);
	assert_int_equal(rig_read(r, 0x1000), EMU_FAULT);
	assert_int_equal(r->buf, 0xdeadbeef);
	rig_expect_no_event(r);
	new_cd(r, rig_cd0(RIG_ASID) & ~SMMU_CD_0_A, r->ttb, 0);
	assert_int_equal(rig_read(r, 0x1000), EMU_FAULT);
	assert_int_equal(r->buf, 0);
	assert_int_equal(rig_stats(r).core.faults, 2);
}

/* ---- the walk cache -------------------------------------------------------------------------- */

static uint64_t
walk_reads(struct rig *r, unsigned int level)
{
	return rig_stats(r).core.walk_reads[level];
}

/* A table that was replaced is used until an invalidation with Leaf=0 covers it. */
static void
test_walk_cache_stale(void **state)
{
	static const struct {
		uint64_t dw0, dw1;
		bool drops;
	} t[] = {
		{ SMMU_CMD_TLBI_NH_VA, 0x200000 | SMMU_TLBI_1_LEAF, false },
		{ SMMU_CMD_TLBI_NH_VAA, 0x200000 | SMMU_TLBI_1_LEAF, false },
		{ SMMU_CMD_TLBI_NH_VA, 0x400000, false },   /* another 2 MiB */
		{ SMMU_CMD_TLBI_NH_ASID, 0, false },        /* with another ASID, below */
		{ SMMU_CMD_TLBI_NH_VA, 0x200000, true },
		{ SMMU_CMD_TLBI_NH_VA, 0x3ff000, true },    /* any page under that table */
		{ SMMU_CMD_TLBI_NH_VAA, 0x200000, true },
		{ SMMU_CMD_TLBI_NH_ASID, 0, true },
		{ SMMU_CMD_TLBI_NH_ALL, 0, true },
		{ SMMU_CMD_TLBI_NSNH_ALL, 0, true },
		/* a range of 1024 pages from 0 */
		{ SMMU_CMD_TLBI_NH_VA | 1 << 12 | 9 << 20, SMMU_TLBI_TG_4K << 10, true },
		/* and of 2^31 pages */
		{ SMMU_CMD_TLBI_NH_VA | 31u << 20, SMMU_TLBI_TG_4K << 10, true },
		{ SMMU_CMD_TLBI_NH_VA | 1 << 12 | 9 << 20, SMMU_TLBI_TG_4K << 10 | 1, false },
	};
	struct rig *r = *state;
	uint64_t *l2e;

	rig_map(r, 0x200000, rig_page(r, 1), RIG_RW);
	l2e = rig_map_at(r, r->ttb, 0, 0x200000, 2, 0);
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		uint64_t before = rig_alloc(r, 4096, 4096), after = rig_alloc(r, 4096, 4096);
		unsigned int asid = i == 3 ? RIG_ASID + 1 : RIG_ASID;

		((uint64_t *)rig_va(r, before))[1] = rig_page(r, 1) | RIG_RW | 3;
		((uint64_t *)rig_va(r, after))[1] = rig_page(r, 2) | RIG_RW | 3;
		((uint64_t *)rig_va(r, before))[2] = rig_page(r, 3) | RIG_RW | 3;
		((uint64_t *)rig_va(r, after))[2] = rig_page(r, 4) | RIG_RW | 3;
		*l2e = before | SMMU_TTD_TYPE_TABLE;
		rig_cmd(r, SMMU_CMD_TLBI_NH_ALL, 0);
		rig_sees(r, 0x201000, 1); /* fills the walk cache */
		*l2e = after | SMMU_TTD_TYPE_TABLE;
		rig_cmd(r, t[i].dw0 | (uint64_t)asid << 48, t[i].dw1);
		rig_sees(r, 0x202000, t[i].drops ? 4 : 3); /* a page no IOTLB entry knows */
	}
}

/* With a warm walk cache a miss reads the leaf alone; upper levels serve their neighbours. */
static void
test_walk_reads(void **state)
{
	struct rig *r = *state;
	uint64_t before[4];

	for (unsigned int i = 0; i < 4; i++)
		rig_map(r, 0x1000u * i, rig_page(r, 1), RIG_RW);
	rig_map(r, 0x200000, rig_page(r, 1), RIG_RW);
	rig_map(r, 0x40000000, rig_page(r, 1), RIG_RW);
	rig_sees(r, 0, 1);
	for (unsigned int l = 0; l < 4; l++)
		assert_int_equal(before[l] = walk_reads(r, l), 1);
	for (unsigned int i = 1; i < 4; i++)
		rig_sees(r, 0x1000u * i, 1);
	rig_sees(r, 0x1000, 1); /* IOTLB */
	assert_int_equal(walk_reads(r, 2), 1);
	assert_int_equal(walk_reads(r, 3), 4);
	rig_sees(r, 0x200000, 1);
	assert_int_equal(walk_reads(r, 1), 1);
	assert_int_equal(walk_reads(r, 2), 2);
	rig_sees(r, 0x40000000, 1);
	assert_int_equal(walk_reads(r, 0), 1);
	assert_int_equal(walk_reads(r, 1), 2);
}

static void
test_no_walk_cache(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	c.walk_cache = 0;
	rig_new(&r, &c);
	rig_up(&r);
	rig_map(&r, 0x1000, rig_page(&r, 1), RIG_RW);
	rig_map(&r, 0x2000, rig_page(&r, 2), RIG_RW);
	rig_sees(&r, 0x1000, 1);
	rig_sees(&r, 0x2000, 2);
	rig_cmd(&r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), 0x1000);
	for (unsigned int l = 0; l < 4; l++)
		assert_int_equal(walk_reads(&r, l), 2);
	rig_free(&r);
}

/* Limits found above are remembered with the table. */
static void
test_walk_cache_keeps_limits(void **state)
{
	struct rig *r = *state;
	uint64_t *top = rig_va(r, r->ttb);

	rig_map(r, 0x1000, rig_page(r, 1), RIG_RW);
	rig_map(r, 0x2000, rig_page(r, 1), RIG_RW);
	*top |= SMMU_TTD_APTABLE_RO;
	rig_sees(r, 0x1000, 1);
	rig_sees(r, 0x2000, 1);
	expect_fault(r, 0x2000, true, SMMU_EVT_F_PERMISSION, SMMU_EVT_CLASS_IN, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_every_input_size),
		RIG_TEST(test_small_start_table),
		RIG_TEST(test_leaf_sizes),
		RIG_TEST(test_invalid_descriptors),
		RIG_TEST(test_addr_size),
		RIG_TEST(test_walk_abort),
		RIG_TEST(test_access_flag),
		RIG_TEST(test_fault_priority),
		RIG_TEST(test_permissions),
		RIG_TEST(test_hierarchy_disabled),
		RIG_TEST(test_instcfg_write_is_data),
		RIG_TEST(test_upper_half_and_tbi),
		RIG_TEST(test_halves_do_not_alias),
		RIG_TEST(test_silent_faults),
		RIG_TEST(test_walk_cache_stale),
		RIG_TEST(test_walk_reads),
		cmocka_unit_test(test_no_walk_cache),
		RIG_TEST(test_walk_cache_keeps_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
