/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The IOTLB: what is stale before each kind of invalidation and fresh after it, and what that
 * invalidation leaves alone.
 */
#include "rig.h"

#define SID2 5u /* a second stream, with an address space of its own */

struct two {
	struct rig *r;
	uint64_t *cd2;
	uint64_t ttb2;
	uint64_t old_pa, new_pa;
};

static void
two_spaces(struct two *t, struct rig *r)
{
	uint64_t cd_pa = rig_alloc(r, 64, 64);
	uint64_t *ste = rig_va(r, r->ste_pa + SID2 * 64);

	t->r = r;
	t->cd2 = rig_va(r, cd_pa);
	t->ttb2 = rig_alloc(r, 4096, 4096);
	t->cd2[0] = rig_cd0(RIG_ASID + 1);
	t->cd2[1] = t->ttb2;
	ste[0] = rig_ste0(cd_pa);
	t->old_pa = rig_page(r, 1);
	t->new_pa = rig_page(r, 2);
}

/* What the stream sees at @p va: 1 old, 2 new. */
static unsigned int
sees(struct two *t, uint32_t sid, uint64_t va)
{
	uint32_t v = 0;

	assert_int_equal(emu_dma(t->r->e, sid, va, &v, 4, false, NULL), EMU_OK);
	assert_int_equal(v, (v & 0xff) * 0x01010101u);
	return v & 0xff;
}

/* Map @p va in both spaces to the old page, cache it, and change both to the new one. */
static void
make_stale(struct two *t, uint64_t va, uint64_t attr)
{
	uint64_t *a = rig_map(t->r, va, t->old_pa, attr);
	uint64_t *b = rig_map_at(t->r, t->ttb2, 0, va, 3, t->old_pa | attr | 3);

	assert_int_equal(sees(t, RIG_SID, va), 1);
	assert_int_equal(sees(t, SID2, va), 1);
	*a = t->new_pa | attr | 3;
	*b = t->new_pa | attr | 3;
	assert_int_equal(sees(t, RIG_SID, va), 1);
	assert_int_equal(sees(t, SID2, va), 1);
}

static void
flush(struct two *t)
{
	rig_cmd(t->r, SMMU_CMD_TLBI_NSNH_ALL, 0);
}

/* Each TLBI: stale before; afterwards fresh exactly where it applies. */
static void
test_each_invalidation(void **state)
{
	const uint64_t va = 0x7000;
	const struct {
		uint64_t dw0, dw1;
		unsigned int first, second; /* what the two streams see afterwards */
	} t[] = {
		{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), va | 1, 2, 1 },
		{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), va, 2, 1 },
		{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID + 1), va | 1, 1, 2 },
		{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID + 2), va | 1, 1, 1 },
		{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), (va + 4096) | 1, 1, 1 },
		{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), (va - 4096) | 1, 1, 1 },
		{ rig_tlbi(SMMU_CMD_TLBI_NH_VAA, 0), va | 1, 2, 2 },
		{ rig_tlbi(SMMU_CMD_TLBI_NH_VAA, RIG_ASID), (va + 4096), 1, 1 },
		{ rig_tlbi(SMMU_CMD_TLBI_NH_ASID, RIG_ASID), 0, 2, 1 },
		{ rig_tlbi(SMMU_CMD_TLBI_NH_ASID, RIG_ASID + 1), 0, 1, 2 },
		{ rig_tlbi(SMMU_CMD_TLBI_NH_ALL, 0), 0, 2, 2 },
		{ rig_tlbi(SMMU_CMD_TLBI_NSNH_ALL, 0), 0, 2, 2 },
		{ SMMU_CMD_CFGI_STE_RANGE, SMMU_CFGI_RANGE_ALL, 1, 1 },
		{ SMMU_CMD_SYNC, 0, 1, 1 },
	};
	struct two w;

	two_spaces(&w, *state);
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		flush(&w);
		make_stale(&w, va, RIG_RW);
		rig_cmd(w.r, t[i].dw0, t[i].dw1);
		assert_int_equal(sees(&w, RIG_SID, va), t[i].first);
		assert_int_equal(sees(&w, SID2, va), t[i].second);
	}
}

/* An unmapped page: the device reaches it until the invalidation. */
static void
test_unmapped_is_served(void **state)
{
	struct rig *r = *state;
	uint64_t *pte = rig_map(r, 0x1000, rig_page(r, 9), RIG_RW);

	rig_sees(r, 0x1000, 9);
	*pte = 0;
	rig_sees(r, 0x1000, 9);
	rig_cmd(r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), 0x1001);
	assert_int_equal(rig_read(r, 0x1000), EMU_FAULT);
	/* A fault is not cached: mapping it needs no invalidation. */
	rig_map(r, 0x1000, rig_page(r, 8), RIG_RW);
	rig_sees(r, 0x1000, 8);
}

/* Permissions are as stale as addresses. */
static void
test_permission_is_stale(void **state)
{
	struct rig *r = *state;
	uint64_t *pte = rig_map(r, 0x1000, rig_page(r, 9), RIG_RW);

	assert_int_equal(rig_write(r, 0x1000, 1), EMU_OK);
	*pte |= SMMU_TTD_AP2;
	assert_int_equal(rig_write(r, 0x1000, 1), EMU_OK);
	rig_cmd(r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), 0x1001);
	assert_int_equal(rig_write(r, 0x1000, 1), EMU_FAULT);
	/* A read-only entry is cached too, and refuses writes without a walk. */
	*pte &= ~SMMU_TTD_AP2;
	assert_int_equal(rig_write(r, 0x1000, 1), EMU_FAULT);
}

/* Global leaves: shared by all ASIDs; NH_VA of any ASID drops them, NH_ASID does not. */
static void
test_global(void **state)
{
	const struct {
		uint64_t dw0, dw1;
		unsigned int after;
	} t[] = {
		{ rig_tlbi(SMMU_CMD_TLBI_NH_ASID, RIG_ASID), 0, 1 },
		{ rig_tlbi(SMMU_CMD_TLBI_NH_ASID, 0), 0, 1 },
		{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, 0x1234), 0x7001, 2 },
		{ rig_tlbi(SMMU_CMD_TLBI_NH_VAA, 0), 0x7001, 2 },
		{ rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), 0x8001, 1 },
		{ SMMU_CMD_TLBI_NH_ALL, 0, 2 },
	};
	struct two w;

	two_spaces(&w, *state);
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		uint64_t misses;

		flush(&w);
		rig_map(w.r, 0x7000, w.old_pa, RIG_RW & ~SMMU_TTD_NG);
		assert_int_equal(sees(&w, RIG_SID, 0x7000), 1);
		/* The other space has nothing there, and is served all the same. */
		rig_map_at(w.r, w.ttb2, 0, 0x7000, 3, w.new_pa | RIG_RW | 3);
		misses = rig_stats(w.r).core.iotlb_misses;
		assert_int_equal(sees(&w, SID2, 0x7000), 1);
		assert_int_equal(rig_stats(w.r).core.iotlb_misses, misses);
		rig_map(w.r, 0x7000, w.new_pa, RIG_RW & ~SMMU_TTD_NG);
		rig_cmd(w.r, t[i].dw0, t[i].dw1);
		assert_int_equal(sees(&w, RIG_SID, 0x7000), t[i].after);
	}
}

/* Global entries of one ASET are not those of the other. */
static void
test_global_aset(void **state)
{
	struct two w;

	two_spaces(&w, *state);
	w.cd2[0] |= SMMU_CD_0_ASET;
	rig_cmd(w.r, rig_sid(SMMU_CMD_CFGI_CD, SID2), 1);
	rig_map(w.r, 0x7000, w.old_pa, RIG_RW & ~SMMU_TTD_NG);
	rig_map_at(w.r, w.ttb2, 0, 0x7000, 3, w.new_pa | (RIG_RW & ~SMMU_TTD_NG) | 3);
	assert_int_equal(sees(&w, RIG_SID, 0x7000), 1);
	assert_int_equal(sees(&w, SID2, 0x7000), 2);
	/* Matching of commands does not look at ASET. */
	rig_map_at(w.r, w.ttb2, 0, 0x7000, 3, w.old_pa | (RIG_RW & ~SMMU_TTD_NG) | 3);
	rig_cmd(w.r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, 0), 0x7001);
	assert_int_equal(sees(&w, SID2, 0x7000), 1);
}

/* Blocks: any address of it drops it; entries of other sizes there go as well. */
static void
test_blocks(void **state)
{
	struct rig *r = *state;
	uint64_t b1 = rig_alloc(r, 2u << 20, 2u << 20), va = UINT64_C(0x40000000);
	uint64_t *e2;
	static const uint32_t at[] = { 0, 0x1000, 0x1ff000 };

	e2 = rig_map_at(r, r->ttb, 0, va, 2, 0);
	for (size_t i = 0; i < RTE_DIM(at); i++) {
		*e2 = b1 | RIG_RW | SMMU_TTD_TYPE_BLOCK;
		assert_int_equal(rig_read(r, va), EMU_OK);
		assert_int_equal(rig_read(r, va + 0x100000), EMU_OK);
		*e2 = 0;
		assert_int_equal(rig_read(r, va + 0x1ff000), EMU_OK);
		rig_cmd(r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), (va + at[i]) | 1);
		assert_int_equal(rig_read(r, va), EMU_FAULT);
		assert_int_equal(rig_read(r, va + 0x1ff000), EMU_FAULT);
	}
	/* 1 GiB, by an address in its last page. */
	e2 = rig_map_at(r, r->ttb, 0, UINT64_C(0x80000000), 1,
			UINT64_C(0x80000000) | RIG_RW | SMMU_TTD_TYPE_BLOCK);
	assert_int_equal(rig_read(r, UINT64_C(0x80000000)), EMU_OK);
	*e2 = 0;
	assert_int_equal(rig_read(r, UINT64_C(0x80400000)), EMU_OK);
	rig_cmd(r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), UINT64_C(0xbffff001));
	assert_int_equal(rig_read(r, UINT64_C(0x80000000)), EMU_FAULT);
}

/* Ranges: exactly [addr, addr + (NUM+1) * 2^SCALE pages), for short and long ones. */
static void
test_ranges(void **state)
{
	static const struct {
		unsigned int num, scale, tg;
	} t[] = {
		{ 1, 0, 1 }, { 6, 0, 1 }, { 31, 0, 1 }, { 0, 3, 1 }, { 2, 2, 1 }, { 4, 4, 1 },
		{ 0, 13, 1 }, { 31, 31, 1 }, { 3, 1, 2 }, { 3, 1, 3 },
	};
	struct two w;

	two_spaces(&w, *state);
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		uint64_t pages = (t[i].num + UINT64_C(1)) << t[i].scale, start = 0x10000000;
		uint64_t in[] = { start, start + (pages / 2) * 4096, start + (pages - 1) * 4096 };
		uint64_t out[] = { start - 4096, start + pages * 4096 };
		bool other_granule = t[i].tg != 1;

		flush(&w);
		for (int k = 0; k < 3; k++)
			if (in[k] >> 48 == 0)
				make_stale(&w, in[k], RIG_RW);
		for (int k = 0; k < 2; k++)
			if (out[k] >> 48 == 0)
				make_stale(&w, out[k], RIG_RW);
		rig_cmd(w.r,
			rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID) |
				smmu_field_prep(SMMU_TLBI_0_NUM, t[i].num) |
				smmu_field_prep(SMMU_TLBI_0_SCALE, t[i].scale),
			start | smmu_field_prep(SMMU_TLBI_1_TG, t[i].tg) | SMMU_TLBI_1_LEAF);
		for (int k = 0; k < 3; k++)
			if (in[k] >> 48 == 0) {
				assert_int_equal(sees(&w, RIG_SID, in[k]), other_granule ? 1 : 2);
				assert_int_equal(sees(&w, SID2, in[k]), 1);
			}
		for (int k = 0; k < 2; k++)
			if (out[k] >> 48 == 0)
				assert_int_equal(sees(&w, RIG_SID, out[k]), 1);
	}
}

/* A range for every ASID. */
static void
test_range_vaa(void **state)
{
	struct two w;

	two_spaces(&w, *state);
	make_stale(&w, 0x3000, RIG_RW);
	make_stale(&w, 0x6000, RIG_RW);
	rig_cmd(w.r, SMMU_CMD_TLBI_NH_VAA | 2 << 12, 0x1000 | SMMU_TLBI_TG_4K << 10 | 1);
	assert_int_equal(sees(&w, RIG_SID, 0x3000), 2);
	assert_int_equal(sees(&w, SID2, 0x3000), 2);
	assert_int_equal(sees(&w, RIG_SID, 0x6000), 1);
}

/* TTL promises a level: entries of other levels may stay, and here they do. */
static void
test_ttl(void **state)
{
	struct rig *r = *state;
	uint64_t b = rig_alloc(r, 2u << 20, 2u << 20), va = UINT64_C(0x40000000);
	uint64_t *block = rig_map_at(r, r->ttb, 0, va, 2, 0);

	for (unsigned int i = 0; i < 8; i++) {
		unsigned int ttl = i & 3;
		uint64_t op = i & 4 ? SMMU_CMD_TLBI_NH_VAA :
				      rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID);
		uint64_t *pte = rig_map(r, 0x1000, rig_page(r, 1), RIG_RW);

		*block = b | RIG_RW | SMMU_TTD_TYPE_BLOCK;
		rig_cmd(r, SMMU_CMD_TLBI_NH_ALL, 0);
		rig_sees(r, 0x1000, 1);
		assert_int_equal(rig_read(r, va), EMU_OK);
		*block = *pte = 0;
		rig_cmd(r, op | 1 << 12,
			0x1000 | SMMU_TLBI_TG_4K << 10 | (uint64_t)ttl << 8 | 1);
		rig_cmd(r, op | 1 << 12 | 9 << 20,
			va | SMMU_TLBI_TG_4K << 10 | (uint64_t)ttl << 8 | 1);
		assert_int_equal(rig_read(r, 0x1000), ttl == 0 || ttl == 3 ? EMU_FAULT : EMU_OK);
		assert_int_equal(rig_read(r, va), ttl == 0 || ttl == 2 ? EMU_FAULT : EMU_OK);
	}
}

/* Without RIL the range fields mean nothing: one page goes. */
static void
test_no_ril(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;
	struct two w;

	(void)state;
	c.ril = false;
	rig_new(&r, &c);
	rig_up(&r);
	two_spaces(&w, &r);
	make_stale(&w, 0x1000, RIG_RW);
	make_stale(&w, 0x2000, RIG_RW);
	rig_cmd(&r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID) | 7 << 12,
		0x1000 | SMMU_TLBI_TG_4K << 10 | 1);
	assert_int_equal(sees(&w, RIG_SID, 0x1000), 2);
	assert_int_equal(sees(&w, RIG_SID, 0x2000), 1);
	rig_free(&r);
}

/* Capacity: everything is served again after the cache was overrun, whatever its size. */
static void
test_capacity(void **state)
{
	static const uint32_t sizes[] = { 0, 4, 8, 64, 4096 };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(sizes); i++) {
		struct emu_smmuv3_conf c = rig_conf();
		struct rig r;
		struct emu_smmuv3_stats st;

		c.iotlb = sizes[i];
		rig_new(&r, &c);
		rig_up(&r);
		for (unsigned int p = 0; p < 256; p++) {
			uint64_t pa = rig_page(&r, (uint8_t)p);

			rig_map(&r, p * 4096u, pa, RIG_RW);
		}
		for (unsigned int pass = 0; pass < 4; pass++)
			for (unsigned int p = 0; p < 256; p++)
				rig_sees(&r, p * 4096u, (uint8_t)p);
		st = rig_stats(&r);
		assert_int_equal(st.core.iotlb_hits + st.core.iotlb_misses, 1024);
		if (sizes[i] == 0)
			assert_int_equal(st.core.iotlb_hits, 0);
		if (sizes[i] == 4096)
			assert_int_equal(st.core.iotlb_misses, 256);
		rig_free(&r);
	}
}

/* Small caches must not lose an invalidation to a collision. */
static void
test_small_cache_freshness(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;
	struct two w;

	(void)state;
	c.iotlb = 8;
	c.walk_cache = 2;
	c.cfg_cache = 1;
	rig_new(&r, &c);
	rig_up(&r);
	two_spaces(&w, &r);
	for (uint64_t va = 0; va < 0x40000; va += 0x1000) {
		make_stale(&w, va, RIG_RW);
		rig_cmd(&r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), va | 1);
		assert_int_equal(sees(&w, RIG_SID, va), 2);
	}
	rig_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_each_invalidation),
		RIG_TEST(test_unmapped_is_served),
		RIG_TEST(test_permission_is_stale),
		RIG_TEST(test_global),
		RIG_TEST(test_global_aset),
		RIG_TEST(test_blocks),
		RIG_TEST(test_ranges),
		RIG_TEST(test_range_vaa),
		RIG_TEST(test_ttl),
		cmocka_unit_test(test_no_ril),
		cmocka_unit_test(test_capacity),
		cmocka_unit_test(test_small_cache_freshness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
