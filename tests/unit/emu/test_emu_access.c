/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Device accesses: bytes across pages, where they stop, the ownership map, probes.
 */
#include "rig.h"

/* Every length and offset around page boundaries, both directions, scattered pages. */
static void
test_bytes(void **state)
{
	static const uint32_t off[] = { 0, 1, 7, 4000, 4095 };
	static const uint32_t len[] = { 0, 1, 2, 8, 95, 96, 97, 1500, 4096, 4097, 9000 };
	struct rig *r = *state;
	uint8_t out[9000], in[9000];
	uint64_t pa[4];

	for (unsigned int i = 0; i < 4; i++) {
		pa[3 - i] = rig_page(r, 0);
		rig_alloc(r, 4096, 4096);
	}
	for (unsigned int i = 0; i < 4; i++)
		rig_map(r, 0x10000 + i * 4096, pa[i], RIG_RW);
	for (size_t o = 0; o < RTE_DIM(off); o++)
		for (size_t l = 0; l < RTE_DIM(len); l++) {
			uint64_t bytes = rig_stats(r).core.bytes;
			uint32_t done = 99;

			for (uint32_t i = 0; i < len[l]; i++)
				out[i] = (uint8_t)(i * 7 + o + l);
			assert_int_equal(emu_dma(r->e, RIG_SID, 0x10000 + off[o], out, len[l], true,
						 &done), EMU_OK);
			assert_int_equal(done, len[l]);
			for (uint32_t i = 0; i < len[l]; i++) {
				uint32_t at = off[o] + i;
				uint8_t *p = rig_va(r, pa[at / 4096]);

				assert_int_equal(p[at % 4096], out[i]);
			}
			memset(in, 0, sizeof(in));
			assert_int_equal(emu_dma(r->e, RIG_SID, 0x10000 + off[o], in, len[l], false,
						 NULL), EMU_OK);
			assert_memory_equal(in, out, len[l]);
			assert_int_equal(rig_stats(r).core.bytes - bytes, 2 * len[l]);
		}
	rig_expect_no_event(r);
}

/* An access stops at the page that faults, says how far it came, and makes one record. */
static void
test_stops_at_fault(void **state)
{
	struct rig *r = *state;
	uint8_t buf[10000] = { 0 };
	uint32_t done;

	rig_map(r, 0x1000, rig_page(r, 0), RIG_RW);
	rig_map(r, 0x2000, rig_page(r, 0), RIG_RO);
	assert_int_equal(emu_dma(r->e, RIG_SID, 0x1100, buf, 10000, true, &done), EMU_FAULT);
	assert_int_equal(done, 0xf00);
	rig_expect_event(r, rig_ev0(SMMU_EVT_F_PERMISSION, RIG_SID),
			 rig_ev1(true, SMMU_EVT_CLASS_IN), 0x2000, 0);
	assert_int_equal(emu_dma(r->e, RIG_SID, 0x1100, buf, 10000, false, &done), EMU_FAULT);
	assert_int_equal(done, 0x1f00);
	rig_expect_event(r, rig_ev0(SMMU_EVT_F_TRANSLATION, RIG_SID),
			 rig_ev1(false, SMMU_EVT_CLASS_IN), 0x3000, 0);
	rig_map(r, 0x3000, RIG_HOLE, RIG_RW);
	assert_int_equal(emu_dma(r->e, RIG_SID, 0x2ff0, buf, 100, false, &done), EMU_ABORT);
	assert_int_equal(done, 16);
	rig_expect_no_event(r);
	assert_int_equal(rig_stats(r).core.faults, 2);
	assert_int_equal(rig_stats(r).core.mem_aborts, 1);
}

/* The end of the address space: no wrap to 0. */
static void
test_top_of_space(void **state)
{
	struct rig *r = *state;
	uint8_t buf[64] = { 0 };
	uint32_t done;

	rig_map(r, 0, rig_page(r, 0), RIG_RW);
	assert_int_equal(emu_dma(r->e, RIG_SID, UINT64_MAX - 15, buf, 64, true, &done), EMU_FAULT);
	assert_int_equal(done, 0);
}

/* ---- ownership ------------------------------------------------------------------------------- */

static void
test_owner(void **state)
{
	struct rig *r = *state;
	uint8_t owned[3] = { 1, 1, 1 };
	uint64_t pa = rig_alloc(r, 5 * 4096, 4096);
	uint8_t buf[8192] = { 0 };

	for (unsigned int i = 0; i < 5; i++)
		rig_map(r, i * 4096u, pa + i * 4096u, RIG_RW);
	/* Pages 1 to 3 are watched. */
	assert_int_equal(emu_watch(r->e, pa + 4096, 3 * 4096, owned), 0);
	assert_int_equal(emu_dma(r->e, RIG_SID, 0, buf, 8192, true, NULL), EMU_OK);
	assert_int_equal(rig_stats(r).core.stale_accesses, 0);
	owned[0] = 0;
	assert_int_equal(emu_dma(r->e, RIG_SID, 0, buf, 8192, true, NULL), EMU_OK);
	assert_int_equal(rig_stats(r).core.stale_accesses, 1);
	assert_int_equal(emu_probe(r->e, RIG_SID, 4096), EMU_OK);
	assert_int_equal(rig_stats(r).core.stale_accesses, 2);
	assert_int_equal(emu_probe(r->e, RIG_SID, 2 * 4096), EMU_OK);
	owned[2] = 0;
	assert_int_equal(rig_read(r, 3 * 4096 + 4092), EMU_OK);
	assert_int_equal(rig_stats(r).core.stale_accesses, 3);
	/* Outside the map, both sides; and what faults is no access. */
	assert_int_equal(rig_read(r, 0), EMU_OK);
	assert_int_equal(rig_read(r, 4 * 4096), EMU_OK);
	assert_int_equal(rig_read(r, 9 * 4096), EMU_FAULT);
	assert_int_equal(rig_stats(r).core.stale_accesses, 3);
	assert_int_equal(emu_watch(r->e, pa + 1, 4096, owned), -EINVAL);
	assert_int_equal(emu_watch(r->e, pa, 4095, owned), -EINVAL);
	assert_int_equal(emu_watch(r->e, pa, 4096, NULL), -EINVAL);
	assert_int_equal(emu_watch(r->e, 0, 0, NULL), 0);
	assert_int_equal(rig_read(r, 4096), EMU_OK);
	assert_int_equal(rig_stats(r).core.stale_accesses, 3);
}

/* Shadow memory that stands in for nobody is counted by itself, and is nobody's stale page. */
static void
test_shadow(void **state)
{
	struct rig *r = *state;
	uint64_t pa = rig_page(r, 1);
	uint8_t whose = SLUICE_WATCH_COPYPOOL;

	rig_map(r, 0x1000, pa, RIG_RW);
	assert_int_equal(emu_watch(r->e, pa, 4096, &whose), 0);
	assert_int_equal(rig_read(r, 0x1000), EMU_OK);
	assert_int_equal(emu_probe(r->e, RIG_SID, 0x1000), EMU_OK);
	assert_int_equal(rig_stats(r).core.shadow_accesses, 2);
	assert_int_equal(rig_stats(r).core.stale_accesses, 0);
	whose = SLUICE_WATCH_DEVICE;
	assert_int_equal(rig_read(r, 0x1000), EMU_OK);
	assert_int_equal(rig_stats(r).core.shadow_accesses, 2);
	whose = SLUICE_WATCH_OWNER;
	assert_int_equal(rig_read(r, 0x1000), EMU_OK);
	assert_int_equal(rig_stats(r).core.shadow_accesses, 2);
	assert_int_equal(rig_stats(r).core.stale_accesses, 1);
	emu_watch(r->e, 0, 0, NULL);
}

/* The order of a right unmap leaves nothing to count; handing back too early does. */
static void
test_owner_and_invalidation(void **state)
{
	struct rig *r = *state;

	for (unsigned int too_early = 0; too_early < 2; too_early++) {
		uint64_t pa = rig_page(r, 1), before;
		uint8_t owned = 1;
		uint64_t *pte = rig_map(r, 0x5000, pa, RIG_RW);

		rig_cmd(r, SMMU_CMD_TLBI_NH_ALL, 0);
		emu_watch(r->e, pa, 4096, &owned);
		rig_sees(r, 0x5000, 1);
		before = rig_stats(r).core.stale_accesses;
		*pte = 0;
		if (!too_early)
			rig_cmd(r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), 0x5001);
		owned = 0;
		assert_int_equal(emu_probe(r->e, RIG_SID, 0x5008), too_early ? EMU_OK : EMU_FAULT);
		assert_int_equal(rig_stats(r).core.stale_accesses - before, too_early);
		emu_watch(r->e, 0, 0, NULL);
	}
}

/* ---- probes ---------------------------------------------------------------------------------- */

/* A probe is counted apart from the workload, and does not write. */
static void
test_probe(void **state)
{
	struct rig *r = *state;
	uint64_t pa = rig_page(r, 0x3c);
	struct emu_smmuv3_stats st;

	rig_map(r, 0x1000, pa, RIG_RO);
	assert_int_equal(emu_probe(r->e, RIG_SID, 0x1fff), EMU_OK); /* 8 bytes, none beyond */
	assert_int_equal(emu_probe(r->e, RIG_SID, 0x1000), EMU_OK);
	assert_int_equal(emu_probe(r->e, RIG_SID, 0x2003), EMU_FAULT);
	rig_expect_event(r, rig_ev0(SMMU_EVT_F_TRANSLATION, RIG_SID),
			 rig_ev1(false, SMMU_EVT_CLASS_IN), 0x2000, 0);
	rig_map(r, 0x3000, RIG_HOLE, RIG_RW);
	assert_int_equal(emu_probe(r->e, RIG_SID, 0x3000), EMU_ABORT);
	st = rig_stats(r);
	assert_int_equal(st.core.probes, 4);
	assert_int_equal(st.core.probe_hits, 2);
	assert_int_equal(st.core.probe_faults, 1);
	assert_int_equal(st.core.accesses | st.core.faults | st.core.bytes, 0);
	assert_int_equal(st.core.iotlb_hits | st.core.iotlb_misses | st.core.walk_reads[3], 0);
	assert_int_equal(st.core.stale_hits, 0);
	for (int i = 0; i < 4096; i++)
		assert_int_equal(((uint8_t *)rig_va(r, pa))[i], 0x3c);
}

/* An IOTLB hit for which the tables say otherwise: unmapped, moved, or not allowed any more. */
static void
test_stale_hits(void **state)
{
	struct rig *r = *state;
	uint64_t pa = rig_page(r, 1), stale = 0, other = rig_page(r, 2);
	uint64_t *pte = rig_map(r, 0x1000, pa, RIG_RW), good = *pte;
	const uint64_t now[] = { 0, other | RIG_RW | 3, good & ~SMMU_TTD_AP1, good & ~SMMU_TTD_AF };

	rig_sees(r, 0x1000, 1);
	emu_probe(r->e, RIG_SID, 0x1100);
	assert_int_equal(rig_stats(r).core.stale_hits, 0);
	for (size_t i = 0; i < RTE_DIM(now); i++) {
		uint64_t reads = rig_stats(r).core.walk_reads[3];

		*pte = now[i];
		assert_int_equal(emu_probe(r->e, RIG_SID, 0x1100), EMU_OK);
		assert_int_equal(rig_stats(r).core.stale_hits, ++stale);
		assert_int_equal(rig_stats(r).core.walk_reads[3], reads);
	}
	/* More than is needed is not stale: read-only is enough for a probe. */
	*pte = good | SMMU_TTD_AP2;
	emu_probe(r->e, RIG_SID, 0x1100);
	assert_int_equal(rig_stats(r).core.stale_hits, stale);
	/* A fresh look goes past a stale walk cache, too. */
	*pte = good;
	*rig_map_at(r, r->ttb, 0, 0x1000, 1, 0) = 0;
	emu_probe(r->e, RIG_SID, 0x1100);
	assert_int_equal(rig_stats(r).core.stale_hits, stale + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_bytes),
		RIG_TEST(test_stops_at_fault),
		RIG_TEST(test_top_of_space),
		RIG_TEST(test_owner),
		RIG_TEST(test_shadow),
		RIG_TEST(test_owner_and_invalidation),
		RIG_TEST(test_probe),
		RIG_TEST(test_stale_hits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
