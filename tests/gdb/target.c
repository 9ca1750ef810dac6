/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A program for gdb to stop in: one structure of each kind that config/gdb prints, made by the
 * library's own functions where it has them. With an argument each has one bit or position changed.
 */
#include "engine/driver.h"
#include "engine/flush/ring.h"
#include "engine/pgtable/fmt/vtd_s2.h"
#include "engine/pgtable/pgtable.h"
#include "pmd/smmuv3/cmdq.h"
#include "pmd/smmuv3/smmuv3_hw.h"

#define SLOTS 8u

static uint64_t entries[SLOTS], cookies[SLOTS];
static struct smmu_cmd commands[SLOTS];
static struct flush_ring ring, none;
static struct cmdq queue;
static _Atomic uint64_t ste[SMMU_STE_DWORDS], blocked[SMMU_STE_DWORDS], nothing[SMMU_STE_DWORDS];
static uint64_t page, block, table, vtd_page, vtd_block, vtd_table;

static void
put(uint64_t at, uint64_t entry)
{
	entries[at % SLOTS] = entry;
}

static void
make_ring(uint64_t other)
{
	put(13, flush_entry(0x10, 1));
	put(14, FLUSH_TAKEN);
	put(15, flush_entry(0x200, 512));
	put(16, flush_entry(0x31, 1) | FLUSH_COOKIE);
	put(17, flush_entry(0x32, 3) | FLUSH_TAG);
	cookies[16 % SLOTS] = 0xbeef;
	ring = (struct flush_ring){ .ent = entries, .cookie = cookies, .mask = SLOTS - 1,
				    .reclaim = 13, .released = 15, .sealed = 16 + other, .tail = 18,
				    .tail_pub = 18, .begin = 19, .asleep = true };
}

static void
make_queue(uint64_t other)
{
	queue = (struct cmdq){ .cmds = commands, .mask = SLOTS - 1, .tail = 21, .head = 27,
			       .nb_failed = 2, .sync_w0 = cmd_sync_word0(true), .sync_w1 = 0x4000,
			       .sync_data = SMMU_SYNC_0_MSIDATA };
	cmdq_put(&queue, 21, cmd_cfgi_ste(0x10, true));
	cmdq_put(&queue, 22, cmd_tlbi_range(cmd_tlbi_va(0, 0xf0, 0x7f000, true),
						   5 + (unsigned int)other, 2, SMMU_TLBI_TG_4K));
	cmdq_put(&queue, 23, cmd_tlbi_asid(0, 0xf1));
	cmdq_put(&queue, 24, cmd_atc_inv(0x11, 0x40000, 4));
	cmdq_put(&queue, 25, cmdq_sync(&queue, 27));
	cmdq_put(&queue, 26, (struct smmu_cmd){ { 0xee, 1 } });
}

static void
make_ste(uint64_t other)
{
	ste[0] = SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_S1) |
		 (UINT64_C(0x8123) << 12 & SMMU_STE_0_S1CONTEXTPTR);
	ste[1] = smmu_field_prep(SMMU_STE_1_S1DSS, SMMU_STE_S1DSS_SSID0) |
		 smmu_field_prep(SMMU_STE_1_EATS, other) |
		 smmu_field_prep(SMMU_STE_1_SHCFG, SMMU_STE_SHCFG_INCOMING);
	blocked[0] = SMMU_STE_0_V;
}

static void
make_entries(uint64_t other)
{
	uint64_t common = PTE_VALID | LPAE_ATTR(LPAE_MAIR_IDX_WB) | LPAE_AP_UNPRIV | LPAE_SH_INNER |
			  LPAE_AF | LPAE_NG | LPAE_XN;

	page = common | LPAE_TABLE | (other ? 0 : LPAE_AP_RO) | PTE_FIRST | PTE_LAST | 0x12345000;
	block = common | 0x40000000;
	table = PTE_VALID | LPAE_TABLE | 0x6000;
	vtd_page = VTD_S2_R | (other ? 0 : VTD_S2_W) | VTD_S2_SNP | VTD_S2_FIRST | VTD_S2_KEPT |
		   0x4567000;
	vtd_block = VTD_S2_R | VTD_S2_PS | 0x40000000;
	vtd_table = VTD_S2_R | VTD_S2_W | 0x8000;
}

/* Where gdb stops. */
static __attribute__((noinline)) int
stop(void)
{
	return ring.mask != SLOTS - 1 || none.ent != NULL || nothing[0] != 0;
}

int
main(int argc, char **argv)
{
	uint64_t other = argc > 1;

	(void)argv;
	make_ring(other);
	make_queue(other);
	make_ste(other);
	make_entries(other);
	return stop();
}
