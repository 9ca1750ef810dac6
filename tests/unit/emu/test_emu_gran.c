/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The granules: 4, 16 and 64 KiB tables, at every start level and leaf size, invalidated by range
 * in their own units, side by side under different ASIDs (IHI 0070 §3.4, §4.4.1, §5.4;
 * DDI 0487 D8).
 */
#include <rte_errno.h>

#include "rig.h"

#define SID2 5u

/* Another granule's numbers, written down and not computed: they are what is under test. */
static const struct gran {
	unsigned int tg0, tg1, tlbi_tg; /* codes */
	unsigned int page, idx;         /* bits of a page, of an index */
	unsigned int shift[4];          /* of each level; 0: there is no such level */
	uint8_t start[40];              /* level by TxSZ, from 16 */
	unsigned int blocks;            /* bit n: level n has them */
} grans[] = {
	{ SMMU_CD_TG0_4K, SMMU_CD_TG1_4K, SMMU_TLBI_TG_4K, 12, 9, { 39, 30, 21, 12 },
	  { [16] = 0, 0, 0, 0, 0, 0, 0, 0, 0, [25] = 1, 1, 1, 1, 1, 1, 1, 1, 1,
	    [34] = 2, 2, 2, 2, 2, 2 }, 1u << 1 | 1u << 2 },
	{ SMMU_CD_TG0_16K, SMMU_CD_TG1_16K, SMMU_TLBI_TG_16K, 14, 11, { 47, 36, 25, 14 },
	  { [16] = 0, [17] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	    [28] = 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, [39] = 3 }, 1u << 2 },
	{ SMMU_CD_TG0_64K, SMMU_CD_TG1_64K, SMMU_TLBI_TG_64K, 16, 13, { 0, 42, 29, 16 },
	  { [16] = 1, 1, 1, 1, 1, 1, [22] = 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	    [35] = 3, 3, 3, 3, 3 }, 1u << 2 },
};

static uint64_t
table(struct rig *r, const struct gran *g)
{
	return rig_alloc(r, UINT64_C(1) << g->page, UINT64_C(1) << g->page);
}

static uint64_t
page(struct rig *r, const struct gran *g, uint8_t fill)
{
	uint64_t pa = table(r, g);

	memset(rig_va(r, pa), fill, (size_t)1 << g->page);
	return pa;
}

/* rig_map_at() for any granule; @p va has nothing above the input size. */
static uint64_t *
map(struct rig *r, const struct gran *g, uint64_t ttb, unsigned int start, uint64_t va,
    unsigned int level, uint64_t desc)
{
	uint64_t *p = rig_va(r, ttb);

	for (unsigned int l = start;; l++) {
		p += (va >> g->shift[l]) & ((1u << g->idx) - 1);
		if (l == level)
			break;
		if (!(*p & SMMU_TTD_V))
			*p = table(r, g) | SMMU_TTD_TYPE_TABLE;
		p = rig_va(r, *p & SMMU_TTD_ADDR & ~((UINT64_C(1) << g->page) - 1));
	}
	*p = desc;
	return p;
}

static uint64_t
cd0(const struct gran *g, unsigned int t0sz, unsigned int asid)
{
	return smmu_field_set(smmu_field_set(rig_cd0(asid), SMMU_CD_0_T0SZ, t0sz), SMMU_CD_0_TG0,
			      g->tg0);
}

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
expect_fault(struct rig *r, uint64_t iova, unsigned int id)
{
	assert_int_equal(rig_read(r, iova), EMU_FAULT);
	rig_expect_event(r, rig_ev0(id, RIG_SID), rig_ev1(false, SMMU_EVT_CLASS_IN), iova, 0);
}

static void
setup_walk(struct rig *r)
{
	/* Room for what each size takes: what came before is not used again. */
	static uint64_t mark;

	if (mark == 0 || r->next < mark)
		mark = r->next;
	r->next = mark;
}

/* Every input size: the first and the last page, the start level, the first address beyond. */
static void
every_input_size(struct rig *r, const struct gran *g)
{
	uint64_t first = page(r, g, 1), last = page(r, g, 2), keep = r->next;

	for (unsigned int t0sz = 16; t0sz <= 39; t0sz++) {
		uint64_t end = UINT64_C(1) << (64 - t0sz), size = UINT64_C(1) << g->page, ttb;
		unsigned int start = g->start[t0sz];
		struct emu_smmuv3_stats a, b;

		r->next = keep;
		ttb = table(r, g);
		new_cd(r, cd0(g, t0sz, RIG_ASID), ttb, 0);
		map(r, g, ttb, start, 0, 3, first | RIG_RW | 3);
		map(r, g, ttb, start, end - size, 3, last | RIG_RW | 3);
		a = rig_stats(r);
		rig_sees(r, 0, 1);
		b = rig_stats(r);
		for (unsigned int l = 0; l < 4; l++)
			assert_int_equal(b.core.walk_reads[l] - a.core.walk_reads[l], l >= start);
		rig_sees(r, size - 4, 1);
		rig_sees(r, end - size, 2);
		rig_sees(r, end - 4, 2);
		if (end - size != size)
			expect_fault(r, size, SMMU_EVT_F_TRANSLATION);
		expect_fault(r, end - size - 4, SMMU_EVT_F_TRANSLATION);
		expect_fault(r, end, SMMU_EVT_F_TRANSLATION);
	}
	new_cd(r, cd0(g, 15, RIG_ASID), first, 0);
	assert_int_equal(rig_read(r, 0), EMU_FAULT);
	rig_expect_event(r, rig_ev0(SMMU_EVT_C_BAD_CD, RIG_SID), 0, 0, 0);
	new_cd(r, cd0(g, 40, RIG_ASID), first, 0);
	assert_int_equal(rig_read(r, 0), EMU_FAULT);
	rig_expect_event(r, rig_ev0(SMMU_EVT_C_BAD_CD, RIG_SID), 0, 0, 0);
}

static void
test_every_input_size(void **state)
{
	for (size_t i = 0; i < RTE_DIM(grans); i++) {
		setup_walk(*state);
		every_input_size(*state, &grans[i]);
	}
}

/* A start table smaller than a page lies at any multiple of its own size. */
static void
test_small_start_table(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < RTE_DIM(grans); i++) {
		const struct gran *g = &grans[i];
		unsigned int start = g->start[33], bits = 31 - g->shift[start];
		uint64_t size = UINT64_C(8) << bits, align = size < 64 ? 64 : size, ttb;

		setup_walk(r);
		ttb = table(r, g) + align;
		new_cd(r, cd0(g, 33, RIG_ASID), ttb | 0x10, 0); /* a bit below does not count */
		map(r, g, ttb, start, UINT64_C(1) << 30, 3, page(r, g, 7) | RIG_RW | 3);
		rig_sees(r, UINT64_C(1) << 30, 7);
	}
}

/* A block at each level that has them, to its last byte; where there are none they are invalid. */
static void
test_blocks(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < RTE_DIM(grans); i++) {
		const struct gran *g = &grans[i];

		for (unsigned int level = g->start[16]; level < 4; level++) {
			unsigned int sh = g->shift[level];
			uint64_t va = UINT64_C(1) << sh, base = RIG_PA & ~(va - 1), ttb;
			uint64_t at = va + (RIG_PA - base), misses;
			uint32_t *first = rig_va(r, RIG_PA);
			uint32_t *last = rig_va(r, RIG_PA + RIG_LEN - 4);

			setup_walk(r);
			ttb = table(r, g);
			new_cd(r, cd0(g, 16, RIG_ASID), ttb, 0);
			if (level == 3)
				base = RIG_PA; /* 0b01 is no page */
			map(r, g, ttb, g->start[16], va, level, base | RIG_RW | 1);
			if (!(g->blocks & (1u << level))) {
				expect_fault(r, va, SMMU_EVT_F_TRANSLATION);
				continue;
			}
			misses = rig_stats(r).core.iotlb_misses;
			*first = 0xabcd0001;
			*last = 0xabcd0002;
			for (int pass = 0; pass < 2; pass++) { /* the walk, the IOTLB */
				assert_int_equal(rig_read(r, at), EMU_OK);
				assert_int_equal(r->buf, *first);
				if (sh >= 23) {
					assert_int_equal(rig_read(r, at + RIG_LEN - 4), EMU_OK);
					assert_int_equal(r->buf, *last);
				}
			}
			assert_int_equal(rig_stats(r).core.iotlb_misses - misses, 1);
			/* The next one is not part of it. */
			expect_fault(r, 2 * va, SMMU_EVT_F_TRANSLATION);
			assert_int_equal(rig_read(r, 2 * va - 4),
					 sh == 21 ? EMU_OK : EMU_ABORT);
			/* Bits below the block's size do not count (nT is one). */
			map(r, g, ttb, g->start[16], va, level,
			    base | RIG_RW | 1 | SMMU_TTD_NT | (va >> 1 & SMMU_TTD_ADDR));
			rig_cmd(r, SMMU_CMD_TLBI_NH_ALL, 0);
			assert_int_equal(rig_read(r, at), EMU_OK);
			assert_int_equal(r->buf, *first);
		}
	}
}

/* Table and leaf addresses: low bits of the granule do not count; beyond IPS they fault. */
static void
test_output_addresses(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < RTE_DIM(grans); i++) {
		const struct gran *g = &grans[i];
		unsigned int start = g->start[16];
		uint64_t ttb, va = UINT64_C(3) << g->page, *leaf, *root;

		setup_walk(r);
		ttb = table(r, g);
		root = rig_va(r, ttb);
		new_cd(r, cd0(g, 16, RIG_ASID), ttb, 0);
		leaf = map(r, g, ttb, start, va, 3, page(r, g, 9) | RIG_RW | 3);
		if (g->page > 12) {
			*leaf |= UINT64_C(1) << (g->page - 1);
			*root |= UINT64_C(1) << 12;
		}
		rig_sees(r, va, 9);
		rig_sees(r, va + (UINT64_C(1) << g->page) - 4, 9);
		for (unsigned int level = start; level < 4; level++) {
			uint64_t v = ((uint64_t)level + 1) << g->shift[start];

			if (v >> 48)
				continue;
			map(r, g, ttb, start, v, level, UINT64_C(1) << 44 | RIG_RW | 3);
			expect_fault(r, v, SMMU_EVT_F_ADDR_SIZE);
		}
	}
}

/* The upper half has a granule of its own, with codes of its own. */
static void
test_halves(void **state)
{
	struct rig *r = *state;
	const uint64_t top = ~UINT64_C(0) << 48;

	for (size_t i = 0; i < 9; i++) {
		const struct gran *lo = &grans[i / 3], *hi = &grans[i % 3];
		uint64_t t0, t1, va0 = UINT64_C(5) << 16, va1 = top + (UINT64_C(5) << 16);

		setup_walk(r);
		t0 = table(r, lo);
		t1 = table(r, hi);
		new_cd(r, (cd0(lo, 16, RIG_ASID) & ~SMMU_CD_0_EPD1) |
				  smmu_field_prep(SMMU_CD_0_T1SZ, 16) |
				  smmu_field_prep(SMMU_CD_0_TG1, hi->tg1), t0, t1);
		map(r, lo, t0, lo->start[16], va0, 3, page(r, lo, 1) | RIG_RW | 3);
		map(r, hi, t1, hi->start[16], va0, 3, page(r, hi, 2) | RIG_RW | 3);
		for (int pass = 0; pass < 2; pass++) {
			rig_sees(r, va0 + (UINT64_C(1) << lo->page) - 4, 1);
			rig_sees(r, va1 + (UINT64_C(1) << hi->page) - 4, 2);
		}
		expect_fault(r, va0 + (UINT64_C(1) << lo->page), SMMU_EVT_F_TRANSLATION);
		expect_fault(r, va1 + (UINT64_C(1) << hi->page), SMMU_EVT_F_TRANSLATION);
	}
}

/* ---- invalidation ---------------------------------------------------------------------------- */

struct space {
	struct rig *r;
	const struct gran *g;
	uint32_t sid;
	uint64_t ttb, old_pa, new_pa;
};

/* @p sid gets an address space of granule @p g under @p asid. */
static struct space
space(struct rig *r, const struct gran *g, uint32_t sid, unsigned int asid)
{
	struct space s = { .r = r, .g = g, .sid = sid };
	uint64_t cd_pa = rig_alloc(r, 64, 64);
	uint64_t *cd = rig_va(r, cd_pa), *ste = rig_va(r, r->ste_pa + sid * 64);

	s.ttb = table(r, g);
	s.old_pa = page(r, g, 1);
	s.new_pa = page(r, g, 2);
	cd[0] = cd0(g, 16, asid);
	cd[1] = s.ttb;
	ste[0] = rig_ste0(cd_pa);
	rig_cmd(r, rig_sid(SMMU_CMD_CFGI_STE, sid), 1);
	return s;
}

static unsigned int
sees(const struct space *s, uint64_t va)
{
	uint32_t v = 0;

	assert_int_equal(emu_dma(s->r->e, s->sid, va, &v, 4, false, NULL), EMU_OK);
	assert_int_equal(v, (v & 0xff) * 0x01010101u);
	return v & 0xff;
}

static void
make_stale(const struct space *s, uint64_t va)
{
	unsigned int start = s->g->start[16];

	map(s->r, s->g, s->ttb, start, va, 3, s->old_pa | RIG_RW | 3);
	assert_int_equal(sees(s, va), 1);
	map(s->r, s->g, s->ttb, start, va, 3, s->new_pa | RIG_RW | 3);
	assert_int_equal(sees(s, va), 1);
}

static uint64_t
range0(unsigned int asid, unsigned int num, unsigned int scale)
{
	return rig_tlbi(SMMU_CMD_TLBI_NH_VA, asid) | smmu_field_prep(SMMU_TLBI_0_NUM, num) |
	       smmu_field_prep(SMMU_TLBI_0_SCALE, scale);
}

static uint64_t
range1(uint64_t va, unsigned int tg, unsigned int ttl)
{
	return va | smmu_field_prep(SMMU_TLBI_1_TG, tg) | smmu_field_prep(SMMU_TLBI_1_TTL, ttl) |
	       SMMU_TLBI_1_LEAF;
}

/* Ranges count in pages of TG, are exact, and leave what has another granule. */
static void
test_ranges(void **state)
{
	static const struct {
		unsigned int num, scale;
	} t[] = { { 1, 0 }, { 6, 0 }, { 31, 0 }, { 0, 3 }, { 2, 2 }, { 4, 4 }, { 1, 9 } };
	struct rig *r = *state;

	for (size_t i = 0; i < RTE_DIM(grans); i++) {
		const struct gran *g = &grans[i];
		const uint64_t start = UINT64_C(1) << 32, one = UINT64_C(1) << g->page;
		struct space s;

		setup_walk(r);
		s = space(r, g, SID2, 9);
		for (size_t k = 0; k < RTE_DIM(t) * 4; k++) {
			unsigned int num = t[k / 4].num, scale = t[k / 4].scale, tg = k % 4;
			uint64_t n = (num + UINT64_C(1)) << scale;
			uint64_t in[] = { start, start + (n / 2) * one, start + (n - 1) * one };
			uint64_t out[] = { start - one, start + n * one };
			bool hit = tg == g->tlbi_tg;

			rig_cmd(r, SMMU_CMD_TLBI_NH_ALL, 0);
			for (int j = 0; j < 3; j++)
				make_stale(&s, in[j]);
			for (int j = 0; j < 2; j++)
				make_stale(&s, out[j]);
			rig_cmd(r, range0(9, num, scale), range1(start, tg, 0));
			for (int j = 0; j < 3; j++) /* no TG: the page at the address alone */
				assert_int_equal(sees(&s, in[j]),
						 hit || (tg == 0 && in[j] == start) ? 2 : 1);
			for (int j = 0; j < 2; j++)
				assert_int_equal(sees(&s, out[j]), 1);
		}
		/* Without TG any address of the page will do. */
		rig_cmd(r, SMMU_CMD_TLBI_NH_ALL, 0);
		make_stale(&s, start);
		rig_cmd(r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, 9), (start + one - 4096) | 1);
		assert_int_equal(sees(&s, start), 2);
	}
}

/* The levels that TTL promises: only their leaves go. 16 KiB has none at level 1: any level. */
static void
test_ttl(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < RTE_DIM(grans); i++) {
		const struct gran *g = &grans[i];
		unsigned int start = g->start[16];
		uint64_t size = UINT64_C(1) << g->shift[2], base = RIG_PA & ~(size - 1);
		uint64_t va = 16 * size, pva = 32 * size, at = va + (RIG_PA - base);
		struct space s;

		setup_walk(r);
		s = space(r, g, SID2, 9);
		for (unsigned int ttl = 0; ttl < 4; ttl++) {
			bool any = ttl == 0 || (i == 1 && ttl == 1);
			uint32_t v;

			map(r, g, s.ttb, start, va, 2, base | RIG_RW | 1);
			rig_cmd(r, SMMU_CMD_TLBI_NH_ALL, 0);
			make_stale(&s, pva);
			assert_int_equal(emu_dma(r->e, SID2, at, &v, 4, false, NULL), EMU_OK);
			map(r, g, s.ttb, start, va, 2, 0);
			rig_cmd(r, range0(9, 1, 0), range1(pva, g->tlbi_tg, ttl));
			rig_cmd(r, range0(9, 1, 0), range1(va, g->tlbi_tg, ttl));
			assert_int_equal(sees(&s, pva), any || ttl == 3 ? 2 : 1);
			assert_int_equal(emu_dma(r->e, SID2, at, &v, 4, false, NULL),
					 any || ttl == 2 ? EMU_FAULT : EMU_OK);
			r->evtq[0] = 0;
			rig_w32(r, SMMU_EVENTQ_CONS, rig_r32(r, SMMU_EVENTQ_PROD));
		}
	}
}

/* A block goes by any address in it, and by any range that touches it. */
static void
test_block_by_any_address(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < RTE_DIM(grans); i++) {
		const struct gran *g = &grans[i];
		uint64_t size = UINT64_C(1) << g->shift[2], one = UINT64_C(1) << g->page;
		uint64_t base = RIG_PA & ~(size - 1), va = 64 * size, at = va + (RIG_PA - base);
		const struct {
			uint64_t dw0, dw1;
			bool gone;
		} t[] = {
			{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, 9), va | 1, true },
			{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, 9), (va + size - 4096) | 1, true },
			{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, 9), (va + size) | 1, false },
			{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, 9), (va - 4096) | 1, false },
			{ rig_tlbi(SMMU_CMD_TLBI_NH_VAA, 0), (va + size / 2) | 1, true },
			{ range0(9, 1, 0), range1(va - 2 * one, g->tlbi_tg, 0), false },
			{ range0(9, 2, 0), range1(va - 2 * one, g->tlbi_tg, 0), true },
			{ range0(9, 1, 0), range1(va + size - one, g->tlbi_tg, 0), true },
			{ range0(9, 31, 31), range1(0, g->tlbi_tg, 0), true },
		};
		struct space s;

		setup_walk(r);
		s = space(r, g, SID2, 9);
		for (size_t k = 0; k < RTE_DIM(t); k++) {
			uint32_t v;

			map(r, g, s.ttb, g->start[16], va, 2, base | RIG_RW | 1);
			rig_cmd(r, SMMU_CMD_TLBI_NH_ALL, 0);
			assert_int_equal(emu_dma(r->e, SID2, at, &v, 4, false, NULL), EMU_OK);
			map(r, g, s.ttb, g->start[16], va, 2, 0);
			rig_cmd(r, t[k].dw0, t[k].dw1);
			assert_int_equal(emu_dma(r->e, SID2, at, &v, 4, false, NULL),
					 t[k].gone ? EMU_FAULT : EMU_OK);
			rig_w32(r, SMMU_EVENTQ_CONS, rig_r32(r, SMMU_EVENTQ_PROD));
		}
	}
}

/* Three granules at once, at the same addresses: each sees its own, each goes alone. */
static void
test_side_by_side(void **state)
{
	struct rig *r = *state;
	const uint64_t va = UINT64_C(1) << 33;
	struct space s[3];

	for (unsigned int i = 0; i < 3; i++)
		s[i] = space(r, &grans[i], SID2 + i, 20 + i);
	for (unsigned int drop = 0; drop < 4; drop++) {
		for (unsigned int i = 0; i < 3; i++) {
			rig_cmd(r, rig_tlbi(SMMU_CMD_TLBI_NH_ASID, 20 + i), 0);
			make_stale(&s[i], va);
		}
		if (drop < 3)
			rig_cmd(r, range0(20 + drop, 1, 0), range1(va, grans[drop].tlbi_tg, 0));
		else
			rig_cmd(r, rig_tlbi(SMMU_CMD_TLBI_NH_VAA, 0), va | 1);
		for (unsigned int i = 0; i < 3; i++)
			assert_int_equal(sees(&s[i], va), drop == i || drop == 3 ? 2 : 1);
	}
	/* And under one ASID: the tables' granule is part of what an entry is. */
	for (unsigned int i = 0; i < 3; i++) {
		s[i] = space(r, &grans[i], SID2 + i, 30);
		make_stale(&s[i], va);
	}
	rig_cmd(r, range0(30, 1, 0), range1(va, SMMU_TLBI_TG_16K, 0));
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(sees(&s[i], va), i == 1 ? 2 : 1);
	rig_cmd(r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, 30), va | 1);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(sees(&s[i], va), 2);
}

/* The walk cache, level by level: a replaced table is used until Leaf=0 covers it. */
static void
test_walk_cache(void **state)
{
	struct rig *r = *state;

	for (size_t i = 0; i < RTE_DIM(grans); i++) {
		const struct gran *g = &grans[i];
		unsigned int start = g->start[16];

		for (unsigned int level = start; level < 3; level++) {
			uint64_t va = UINT64_C(1) << g->shift[level], one = UINT64_C(1) << g->page;
			const struct {
				uint64_t dw0, dw1;
				bool fresh;
			} t[] = {
				{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, 9), va, true },
				{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, 9), va | 1, false },
				/* the last page below it: another table of the next level */
				{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, 9), va + (va - 4096), level == 2 },
				{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, 9), va - 4096, false },
				{ rig_tlbi(SMMU_CMD_TLBI_NH_ASID, 8), 0, false },
				{ rig_tlbi(SMMU_CMD_TLBI_NH_ASID, 9), 0, true },
				{ range0(9, 1, 0), range1(va, g->tlbi_tg, 0) & ~1ull, true },
				{ range0(9, 1, 0), range1(va, g->tlbi_tg % 3 + 1, 0) & ~1ull,
				  false },
			};

			for (size_t k = 0; k < RTE_DIM(t); k++) {
				struct space s;

				setup_walk(r);
				rig_cmd(r, SMMU_CMD_TLBI_NH_ALL, 0);
				s = space(r, g, SID2, 9);
				map(r, g, s.ttb, start, va, 3, s.old_pa | RIG_RW | 3);
				map(r, g, s.ttb, start, va + one, 3, s.old_pa | RIG_RW | 3);
				assert_int_equal(sees(&s, va), 1);
				/* A new subtree in which the other page is the new one. */
				map(r, g, s.ttb, start, va, level, 0);
				map(r, g, s.ttb, start, va + one, 3, s.new_pa | RIG_RW | 3);
				rig_cmd(r, t[k].dw0, t[k].dw1);
				assert_int_equal(sees(&s, va + one), t[k].fresh ? 2 : 1);
			}
		}
	}
}

/* ---- settings -------------------------------------------------------------------------------- */

/* What is not offered is not in IDR5, and a CD that asks for it is illegal. */
static void
test_offered(void **state)
{
	(void)state;
	for (unsigned int mask = 0; mask < 16; mask++) {
		struct emu_smmuv3_conf c = rig_conf();
		struct rig r;

		c.gran = (uint8_t)mask;
		if (mask == 0 || mask > 7) {
			struct sluice_mem_span none = { 0 };

			assert_null(emu_smmuv3_create(&c, &r, none));
			assert_int_equal(rte_errno, EINVAL);
			continue;
		}
		rig_new(&r, &c);
		rig_up(&r);
		assert_int_equal(smmu_field_get(SMMU_FIELD(6, 4), rig_r32(&r, SMMU_IDR5)), mask);
		for (size_t i = 0; i < RTE_DIM(grans); i++) {
			new_cd(&r, cd0(&grans[i], 16, RIG_ASID), r.ttb, 0);
			assert_int_equal(rig_read(&r, 0), EMU_FAULT);
			rig_expect_event(&r, rig_ev0(mask >> i & 1 ? SMMU_EVT_F_TRANSLATION :
								     SMMU_EVT_C_BAD_CD, RIG_SID),
					 mask >> i & 1 ? rig_ev1(false, SMMU_EVT_CLASS_IN) : 0,
					 0, 0);
		}
		rig_free(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_every_input_size),
		RIG_TEST(test_small_start_table),
		RIG_TEST(test_blocks),
		RIG_TEST(test_output_addresses),
		RIG_TEST(test_halves),
		RIG_TEST(test_ranges),
		RIG_TEST(test_ttl),
		RIG_TEST(test_block_by_any_address),
		RIG_TEST(test_side_by_side),
		RIG_TEST(test_walk_cache),
		cmocka_unit_test(test_offered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
