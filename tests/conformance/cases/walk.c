/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stage 1 walks: every granule, level, block size and start level, both ends of the input range,
 * both halves; permissions, access flag, and what the tables above the leaf add.
 */
#include "../conf.h"

/* One leaf at @p level, seen through all of its size that is memory. */
static void
leaf(struct conf *c, unsigned int granule, unsigned int bits, unsigned int level, uint64_t iova)
{
	struct conf_space s;
	uint64_t pa, base, size;
	uint8_t *page = conf_mem(c, 1 << 16, 1 << 16, &pa);

	conf_space_make(c, &s, granule, bits, CONF_ASID);
	size = UINT64_C(1) << conf_space_shift(&s, level);
	/* The block that holds the memory; the memory's place in it is what we use. */
	base = iova & ~(size - 1);
	iova = base + (pa & (size - 1));
	conf_space_map(c, &s, base, pa, level);
	conf_space_attach(c, &s, 0);
	CONF_CHECK(c, conf_write(c, 0, iova, page), "the first word of the memory");
	CONF_CHECK(c, conf_write(c, 0, iova + 0xabc, page + 0xabc), "an offset in the page");
	if (size >= 1 << 16)
		CONF_CHECK(c, conf_write(c, 0, iova + 0xfffc, page + 0xfffc),
			   "the last word of 64 KiB");
	if (c->dev[0].info.flags & SLUICE_DMA_READS)
		CONF_CHECK(c, conf_read(c, 0, iova + 0x40, page + 0x40), "a read");
	conf_no_event(c);
	/* Behind its end there is nothing. */
	if (base + size < UINT64_C(1) << bits) {
		CONF_CHECK(c, !conf_write(c, 0, base + size, page), "it reaches past its size");
		conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, base + size, false, 0);
	}
}

static void g4_l3(struct conf *c) { leaf(c, 12, 48, 3, 0x123456789000); }
static void g4_l2(struct conf *c) { leaf(c, 12, 48, 2, 0x123456789000); }
static void g4_l1(struct conf *c) { leaf(c, 12, 48, 1, 0x123456789000); }
static void g4_39(struct conf *c) { leaf(c, 12, 39, 3, 0x7b56789000); }
static void g4_30(struct conf *c) { leaf(c, 12, 30, 3, 0x36789000); }
static void g4_25(struct conf *c) { leaf(c, 12, 25, 3, 0x1789000); }
static void g4_40(struct conf *c) { leaf(c, 12, 40, 2, 0xfb56789000); }
static void g16_l3(struct conf *c) { leaf(c, 14, 48, 3, 0x923456784000); }
static void g16_l2(struct conf *c) { leaf(c, 14, 48, 2, 0x923456784000); }
static void g16_47(struct conf *c) { leaf(c, 14, 47, 3, 0x623456784000); }
static void g16_36(struct conf *c) { leaf(c, 14, 36, 3, 0xa56784000); }
static void g16_25(struct conf *c) { leaf(c, 14, 25, 3, 0x1784000); }
static void g64_l3(struct conf *c) { leaf(c, 16, 48, 3, 0x923456780000); }
static void g64_l2(struct conf *c) { leaf(c, 16, 48, 2, 0x923456780000); }
static void g64_42(struct conf *c) { leaf(c, 16, 42, 3, 0x23456780000); }
static void g64_29(struct conf *c) { leaf(c, 16, 29, 3, 0x16780000); }

/* The lowest and the highest page of the range are reached, the next one is not. */
static void
range(struct conf *c, unsigned int granule, unsigned int bits)
{
	struct conf_space s;
	uint64_t pa, top = (UINT64_C(1) << bits) - (UINT64_C(1) << granule);
	uint8_t *page = conf_mem(c, (size_t)2 << granule, (size_t)1 << granule, &pa);

	conf_space_make(c, &s, granule, bits, CONF_ASID);
	conf_space_map(c, &s, 0, pa, 3);
	conf_space_map(c, &s, top, pa + (UINT64_C(1) << granule), 3);
	conf_space_attach(c, &s, 0);
	CONF_CHECK(c, conf_write(c, 0, 0, page), "address 0");
	CONF_CHECK(c,
		   conf_write(c, 0, (UINT64_C(1) << bits) - 4, page + ((size_t)2 << granule) - 4),
		   "the highest address");
	conf_no_event(c);
	CONF_CHECK(c, !conf_write(c, 0, UINT64_C(1) << bits, page), "one beyond the highest");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, UINT64_C(1) << bits, false, 0);
}

static void range_48(struct conf *c) { range(c, 12, 48); }
static void range_40(struct conf *c) { range(c, 12, 40); }
static void range_32(struct conf *c) { range(c, 12, 32); }
static void range_16k(struct conf *c) { range(c, 14, 47); }
static void range_64k(struct conf *c) { range(c, 16, 48); }

static void
upper_half(struct conf *c)
{
	struct conf_space s;
	uint64_t pa, iova = 0xffff923456789000;
	void *page = conf_mem(c, 4096, 4096, &pa);

	conf_space_make(c, &s, 12, 48, CONF_ASID);
	conf_space_map(c, &s, iova & 0xffffffffffff, pa, 3);
	s.cd[2] = s.root_pa;
	s.cd[0] = (s.cd[0] & ~SMMU_CD_0_EPD1) | SMMU_CD_0_EPD0 |
		  smmu_field_prep(SMMU_CD_0_T1SZ, 16) |
		  smmu_field_prep(SMMU_CD_0_TG1, SMMU_CD_TG1_4K) |
		  smmu_field_prep(SMMU_CD_0_IR1, SMMU_CD_RGN_WBWA) |
		  smmu_field_prep(SMMU_CD_0_OR1, SMMU_CD_RGN_WBWA) |
		  smmu_field_prep(SMMU_CD_0_SH1, SMMU_SH_ISH);
	conf_space_cd(&s);
	conf_space_attach(c, &s, 0);
	CONF_EQ(c, conf_write(c, 0, iova, page), !c->hw.qemu_s1,
		"a page of the upper half is reached");
	conf_no_event(c);
	if (c->hw.qemu_s1) {
		CONF_CHECK(c, conf_write(c, 0, iova & 0xffffffffffff, page),
			   "7.2 does not take TTB1 for the lower half");
		return;
	}
	CONF_CHECK(c, !conf_write(c, 0, iova & 0xffffffffffff, page), "EPD0=1 translates");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, iova & 0xffffffffffff, false, 0);
}

static void
top_byte(struct conf *c)
{
	struct conf_space s;
	void *page = conf_space_page(c, &s, 0x5000, CONF_ASID, NULL);

	conf_space_attach(c, &s, 0);
	CONF_CHECK(c, !conf_write(c, 0, 0x5a00000000005000, page), "TBI0=0 ignores the top byte");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, 0x5a00000000005000, false, 0);
	s.cd[0] |= SMMU_CD_0_TBI0;
	conf_space_cd(&s);
	conf_space_attach(c, &s, 0);
	conf_tlbi_all(c);
	CONF_EQ(c, conf_write(c, 0, 0x5a00000000005000, page), !c->hw.qemu_s1,
		"an address is reached whose top byte TBI0=1 ignores");
	conf_no_event(c);
}

/* A descriptor that is no translation, at each level. */
static void
no_descriptor(struct conf *c, unsigned int level, uint64_t desc)
{
	struct conf_space s;
	uint64_t iova = 0x123456789000;
	void *page = conf_space_page(c, &s, iova, CONF_ASID, NULL);

	conf_space_attach(c, &s, 0);
	conf_pte(conf_space_desc(c, &s, iova, level), desc);
	conf_tlbi_all(c);
	CONF_CHECK(c, !conf_write(c, 0, iova + 0x128, page), "level %u: descriptor %#" PRIx64
		   " translates", level, desc);
	if (c->hw.qemu && level == 0 && (desc & SMMU_TTD_TYPE) == SMMU_TTD_TYPE_BLOCK) {
		conf_no_event(c); /* a block of 512 GiB, and nothing answers there */
		return;
	}
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, iova + 0x128, false, 0);
}

static void invalid_l0(struct conf *c) { no_descriptor(c, 0, 0); }
static void invalid_l1(struct conf *c) { no_descriptor(c, 1, 0); }
static void invalid_l2(struct conf *c) { no_descriptor(c, 2, 0); }
static void invalid_l3(struct conf *c) { no_descriptor(c, 3, 0); }
/* All but the valid bit is set: software's own business. */
static void invalid_full(struct conf *c) { no_descriptor(c, 3, ~UINT64_C(1)); }
static void block_l0(struct conf *c) { no_descriptor(c, 0, SMMU_TTD_TYPE_BLOCK | SMMU_TTD_AF); }
static void block_l3(struct conf *c) { no_descriptor(c, 3, SMMU_TTD_TYPE_BLOCK | SMMU_TTD_AF); }

static void
contiguous(struct conf *c)
{
	struct conf_space s;
	uint64_t pa;
	uint8_t *mem = conf_mem(c, 1 << 16, 1 << 16, &pa);

	conf_space_make(c, &s, 12, 48, CONF_ASID);
	for (unsigned int i = 0; i < 16; i++)
		conf_pte(conf_space_desc(c, &s, 0x40000 + i * 4096u, 3),
			 conf_space_leaf(&s, pa + i * 4096u, 3) | SMMU_TTD_CONT);
	conf_space_attach(c, &s, 0);
	for (unsigned int i = 0; i < 16; i += 5)
		CONF_CHECK(c, conf_write(c, 0, 0x40000 + i * 4096u + 8, mem + i * 4096u + 8),
			   "page %u of a contiguous group", i);
	conf_no_event(c);
}

static void
software_bits(struct conf *c)
{
	struct conf_space s;
	uint64_t *d;
	void *page = conf_space_page(c, &s, 0x5000, CONF_ASID, NULL);

	d = conf_space_desc(c, &s, 0x5000, 3);
	conf_pte(d, *d | SMMU_TTD_SW);
	conf_space_attach(c, &s, 0);
	CONF_CHECK(c, conf_write(c, 0, 0x5000, page), "software's bits matter");
	conf_no_event(c);
}

#define G4(n, text, fn) { "walk.4k-" n, text, .needs = CONF_NEED_S1, .run = fn }
#define G16(n, text, fn) { "walk.16k-" n, text, .needs = CONF_NEED_16K, .run = fn }
#define G64(n, text, fn) { "walk.64k-" n, text, .needs = CONF_NEED_64K, .run = fn }

#define BEYOND_48 "7.2: addresses of 49 bits and more abort on the bus, without an event"

static const struct conf_case cases[] = {
	G4("page", "4 KiB pages at level 3, four levels (DDI 0487 D8.2)", g4_l3),
	G4("block-2m", "2 MiB blocks at level 2 (DDI 0487 D8.2)", g4_l2),
	G4("block-1g", "1 GiB blocks at level 1 (DDI 0487 D8.2)", g4_l1),
	G4("start-1", "39 bits: the walk starts at level 1 (§3.4.1)", g4_39),
	G4("start-2", "30 bits: the walk starts at level 2 (§3.4.1)", g4_30),
	G4("small-table", "25 bits: 16 descriptors at level 2 (§3.4.1)", g4_25),
	G4("start-0-small", "40 bits: two descriptors at level 0 (§3.4.1)", g4_40),
	G16("page", "16 KiB pages at level 3 (DDI 0487 D8.2)", g16_l3),
	G16("block-32m", "32 MiB blocks at level 2 (DDI 0487 D8.2)", g16_l2),
	G16("start-1", "47 bits: the walk starts at level 1 (§3.4.1)", g16_47),
	G16("start-2", "36 bits: the walk starts at level 2 (§3.4.1)", g16_36),
	G16("start-3", "25 bits: the walk starts at level 3 (§3.4.1)", g16_25),
	G64("page", "64 KiB pages at level 3 (DDI 0487 D8.2)", g64_l3),
	G64("block-512m", "512 MiB blocks at level 2 (DDI 0487 D8.2)", g64_l2),
	G64("start-2", "42 bits: the walk starts at level 2 (§3.4.1)", g64_42),
	G64("start-3", "29 bits: the walk starts at level 3 (§3.4.1)", g64_29),
	{ "walk.range-48",
	  "of 48 bits the lowest and highest address translate, the next faults "
	  "(§3.4.1)",
	  .qemu7_deviates = BEYOND_48, .run = range_48 },
	{ "walk.range-40",
	  "of 40 bits the lowest and highest address translate, the next faults "
	  "(§3.4.1)",
	  .run = range_40 },
	{ "walk.range-32",
	  "of 32 bits the lowest and highest address translate, the next faults "
	  "(§3.4.1)",
	  .run = range_32 },
	{ "walk.range-16k", "the same with 47 bits of 16 KiB pages (§3.4.1)",
	  .needs = CONF_NEED_16K, .run = range_16k },
	{ "walk.range-64k", "the same with 48 bits of 64 KiB pages (§3.4.1)",
	  .qemu7_deviates = BEYOND_48, .needs = CONF_NEED_64K, .run = range_64k },
	{ "walk.upper-half", "addresses whose bit 55 is set go through TTB1 (§3.4.1)",
	  .qemu7_deviates =
		  "7.2 takes TTB1 when the upper bits are zeros and TTB0 is off (select_tt)",
	  .run = upper_half },
	{ "walk.top-byte", "TBI0 has the top byte ignored, and only then (§3.4.1)",
	  .qemu7_deviates = BEYOND_48, .run = top_byte },
	{ "walk.invalid-l0", "an invalid descriptor at level 0 is F_TRANSLATION (DDI 0487 D8.3)",
	  .run = invalid_l0 },
	{ "walk.invalid-l1", "an invalid descriptor at level 1 is F_TRANSLATION (DDI 0487 D8.3)",
	  .run = invalid_l1 },
	{ "walk.invalid-l2", "an invalid descriptor at level 2 is F_TRANSLATION (DDI 0487 D8.3)",
	  .run = invalid_l2 },
	{ "walk.invalid-l3", "an invalid descriptor at level 3 is F_TRANSLATION (DDI 0487 D8.3)",
	  .run = invalid_l3 },
	{ "walk.invalid-full", "only bit 0 makes a descriptor valid (DDI 0487 D8.3)",
	  .run = invalid_full },
	{ "walk.block-l0", "a block at level 0 of 4 KiB pages is no translation (DDI 0487 D8.3)",
	  .qemu_deviates = "it is a block of 512 GiB (smmu_ptw_64)", .needs = CONF_NEED_MODEL,
	  .run = block_l0 },
	{ "walk.block-l3", "bits 0b01 at level 3 are no translation (DDI 0487 D8.3)",
	  .run = block_l3 },
	{ "walk.contiguous", "contiguous pages translate as each of them says (DDI 0487 D8.6)",
	  .run = contiguous },
	{ "walk.software-bits", "bits 58:55 of a descriptor are software's (DDI 0487 D8.3)",
	  .run = software_bits },
};

CONF_GROUP(walk);
