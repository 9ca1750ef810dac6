/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stage 2 and both stages together. The driver attaches neither: the entries are raw, the commands
 * go through its queue.
 */
#include "../conf.h"

#define IOVA UINT64_C(0x12345000)
#define VMID 7u

/* Stage 2: 40 bits of 4 KiB pages, from level 1 (two concatenated tables). */
struct s2 {
	uint64_t *l1, *l2, *l3;
	uint64_t root_pa;
};

static uint64_t
s2_leaf(uint64_t pa)
{
	/* MemAttr write-back, read and write, inner shareable, AF. */
	return pa | SMMU_TTD_TYPE_PAGE | UINT64_C(0xf) << 2 | UINT64_C(3) << 6 |
	       smmu_field_prep(SMMU_TTD_SH, SMMU_SH_ISH) | SMMU_TTD_AF;
}

/* The descriptor of a page; all pages are in one 2 MiB of the input range or in as many tables as
 * it takes. */
static uint64_t *
s2_desc(struct conf *c, struct s2 *t, uint64_t ipa)
{
	uint64_t *table = t->root_pa != 0 ? t->l1 : NULL;

	if (table == NULL)
		table = t->l1 = conf_mem(c, 8192, 8192, &t->root_pa);
	for (unsigned int level = 1;; level++) {
		unsigned int shift = 12 + 9 * (3 - level);
		uint64_t i = level == 1 ? ipa >> shift : (ipa >> shift) & 511;

		if (level == 3)
			return &table[i];
		if (table[i] == 0) {
			uint64_t pa;

			conf_mem(c, 4096, 4096, &pa);
			conf_pte(&table[i], pa | SMMU_TTD_TYPE_TABLE);
		}
		table = sluice_raw_mem(c->iommu, table[i] & SMMU_TTD_ADDR, 4096);
		CONF_CHECK(c, table != NULL, "a stage 2 table that is not ours");
	}
}

static void
s2_map(struct conf *c, struct s2 *t, uint64_t ipa, uint64_t pa)
{
	conf_pte(s2_desc(c, t, ipa), s2_leaf(pa));
}

static void
s2_ste(struct conf *c, const struct s2 *t, uint64_t w[8], uint64_t config)
{
	w[0] = (w[0] & ~SMMU_STE_0_CONFIG) | smmu_field_prep(SMMU_STE_0_CONFIG, config);
	w[2] = smmu_field_prep(SMMU_STE_2_S2VMID, VMID) | smmu_field_prep(SMMU_STE_2_S2T0SZ, 24) |
	       smmu_field_prep(SMMU_STE_2_S2SL0, 1) |
	       smmu_field_prep(SMMU_STE_2_S2IR0, SMMU_CD_RGN_WBWA) |
	       smmu_field_prep(SMMU_STE_2_S2OR0, SMMU_CD_RGN_WBWA) |
	       smmu_field_prep(SMMU_STE_2_S2SH0, SMMU_SH_ISH) |
	       smmu_field_prep(SMMU_STE_2_S2PS, c->hw.idr5 & SMMU_IDR5_OAS) | SMMU_STE_2_S2AA64 |
	       SMMU_STE_2_S2R;
	w[3] = t->root_pa;
}

static void
only(struct conf *c, struct s2 *t)
{
	uint64_t w[8];

	conf_ste_bypass(w);
	s2_ste(c, t, w, SMMU_STE_CONFIG_S2);
	conf_ste_set(c, 0, w);
}

static void
invalidate_all(struct conf *c)
{
	conf_cmd_ok(c, SMMU_CMD_TLBI_S12_VMALL | smmu_field_prep(SMMU_TLBI_0_VMID, VMID), 0);
}

static void
fault_event(struct conf *c, uint8_t id, uint64_t iova, uint64_t ipa, uint64_t cls)
{
	const uint64_t want[4] = {
		smmu_field_prep(SMMU_EVT_0_ID, id) |
			smmu_field_prep(SMMU_EVT_0_SID, c->dev[0].sid),
		SMMU_EVT_1_S2 | smmu_field_prep(SMMU_EVT_1_CLASS, cls), iova,
		ipa & SMMU_EVT_3_IPA,
	};
	/* QEMU leaves the offset in the page in IPA's place. */
	const uint64_t ignore[4] = { 0, 0, 0, c->hw.qemu ? 0xfff : 0 };

	conf_one_event(c, want, ignore);
}

static void
translates(struct conf *c)
{
	struct s2 t = { 0 };
	uint64_t pa;
	uint8_t *page = conf_mem(c, 4096, 4096, &pa);

	s2_map(c, &t, IOVA, pa);
	only(c, &t);
	CONF_CHECK(c, conf_write(c, 0, IOVA + 0x128, page + 0x128), "a mapped page is not reached");
	conf_no_event(c);
}

static void
unmapped(struct conf *c)
{
	struct s2 t = { 0 };
	uint64_t pa;
	void *page = conf_mem(c, 4096, 4096, &pa);

	s2_map(c, &t, IOVA, pa);
	only(c, &t);
	CONF_CHECK(c, !conf_write(c, 0, IOVA + 0x1128, page), "an unmapped page is reached");
	fault_event(c, SMMU_EVT_F_TRANSLATION, IOVA + 0x1128, IOVA + 0x1000, SMMU_EVT_CLASS_IN);
}

static void
permission(struct conf *c)
{
	struct s2 t = { 0 };
	uint64_t pa;
	void *page = conf_mem(c, 4096, 4096, &pa);

	conf_pte(s2_desc(c, &t, IOVA), s2_leaf(pa) & ~(UINT64_C(2) << 6));
	only(c, &t);
	CONF_CHECK(c, !conf_write(c, 0, IOVA, page), "a read-only page is written");
	fault_event(c, SMMU_EVT_F_PERMISSION, IOVA, IOVA, SMMU_EVT_CLASS_IN);
}

static void
access_flag(struct conf *c)
{
	struct s2 t = { 0 };
	uint64_t pa;
	void *page = conf_mem(c, 4096, 4096, &pa);

	conf_pte(s2_desc(c, &t, IOVA), s2_leaf(pa) & ~SMMU_TTD_AF);
	only(c, &t);
	CONF_CHECK(c, !conf_write(c, 0, IOVA, page), "AF=0 does not fault");
	fault_event(c, SMMU_EVT_F_ACCESS, IOVA, IOVA, SMMU_EVT_CLASS_IN);
}

static void
by_ipa(struct conf *c)
{
	struct s2 t = { 0 };
	uint64_t pa[2];
	void *place[2];

	for (unsigned int i = 0; i < 2; i++)
		place[i] = conf_mem(c, 4096, 4096, &pa[i]);
	s2_map(c, &t, IOVA, pa[0]);
	only(c, &t);
	CONF_EQ(c, conf_land(c, 0, IOVA, place, 2), 0, "where a write lands");
	s2_map(c, &t, IOVA, pa[1]);
	conf_stale(c, c->hw.tlb, conf_land(c, 0, IOVA, place, 2) == 0, "before the invalidation");
	conf_cmd_ok(c, SMMU_CMD_TLBI_S2_IPA | smmu_field_prep(SMMU_TLBI_0_VMID, VMID + 1),
		    IOVA | SMMU_TLBI_1_LEAF);
	conf_stale(c, c->hw.tlb, conf_land(c, 0, IOVA, place, 2) == 0, "with another VMID's");
	conf_cmd_ok(c, SMMU_CMD_TLBI_S2_IPA | smmu_field_prep(SMMU_TLBI_0_VMID, VMID),
		    IOVA | SMMU_TLBI_1_LEAF);
	CONF_EQ(c, conf_land(c, 0, IOVA, place, 2), 1, "where a write lands after TLBI_S2_IPA");
}

static void
by_vmid(struct conf *c)
{
	struct s2 t = { 0 };
	uint64_t pa[2];
	void *place[2];

	for (unsigned int i = 0; i < 2; i++)
		place[i] = conf_mem(c, 4096, 4096, &pa[i]);
	s2_map(c, &t, IOVA, pa[0]);
	only(c, &t);
	CONF_EQ(c, conf_land(c, 0, IOVA, place, 2), 0, "where a write lands");
	s2_map(c, &t, IOVA, pa[1]);
	invalidate_all(c);
	CONF_EQ(c, conf_land(c, 0, IOVA, place, 2), 1, "where a write lands after TLBI_S12_VMALL");
}

/* ---- both stages
 * --------------------------------------------------------------------------------- */

struct both {
	struct conf_space s1;
	struct s2 s2;
};

/* Stage 1 tables, CD and the first page are at IPAs equal to their addresses. */
static void
identity(struct conf *c, struct both *b)
{
	for (unsigned int i = 0; i < c->nb_mem; i++) {
		uint64_t size = c->mem[i].size;

		/* All memory is one linear piece (sluice_raw_mem()). */
		for (uint64_t at = 0; at < size; at += 4096) {
			int64_t off = (uint8_t *)c->mem[i].va - (uint8_t *)c->scratch;
			uint64_t pa = (c->scratch_pa + (uint64_t)off + at) & ~UINT64_C(4095);
			uint64_t *d = s2_desc(c, &b->s2, pa);

			if (*d == 0)
				conf_pte(d, s2_leaf(pa));
		}
	}
}

static void
both_make(struct conf *c, struct both *b, uint64_t ipa)
{
	uint64_t w[8];

	memset(b, 0, sizeof(*b));
	conf_space_make(c, &b->s1, 12, 39, CONF_ASID);
	conf_space_map(c, &b->s1, IOVA, ipa, 3);
	identity(c, b);
	conf_ste_s1(w, b->s1.cd_pa);
	s2_ste(c, &b->s2, w, SMMU_STE_CONFIG_NESTED);
	conf_ste_set(c, 0, w);
}

static void
nested(struct conf *c)
{
	uint64_t pa, ipa = UINT64_C(0xab) << 30;
	uint8_t *page = conf_mem(c, 4096, 4096, &pa);
	struct both b;

	both_make(c, &b, ipa);
	s2_map(c, &b.s2, ipa, pa);
	CONF_CHECK(c, conf_write(c, 0, IOVA + 0x444, page + 0x444), "two stages do not translate");
	conf_no_event(c);
}

static void
nested_s2_fault(struct conf *c)
{
	uint64_t pa, ipa = UINT64_C(0xab) << 30;
	void *page = conf_mem(c, 4096, 4096, &pa);
	struct both b;

	both_make(c, &b, ipa);
	CONF_CHECK(c, !conf_write(c, 0, IOVA + 0x444, page),
		   "an IPA that is not mapped is reached");
	fault_event(c, SMMU_EVT_F_TRANSLATION, IOVA + 0x444, ipa, SMMU_EVT_CLASS_IN);
}

static void
nested_s1_fault(struct conf *c)
{
	uint64_t pa;
	void *page = conf_mem(c, 4096, 4096, &pa);
	struct both b;

	both_make(c, &b, pa);
	CONF_CHECK(c, !conf_write(c, 0, IOVA + 0x1444, page), "an unmapped page is reached");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, IOVA + 0x1444, false, 0);
}

static void
nested_invalidate(struct conf *c)
{
	uint64_t pa[2], ipa = UINT64_C(0xab) << 30;
	void *place[2];
	struct both b;

	for (unsigned int i = 0; i < 2; i++)
		place[i] = conf_mem(c, 4096, 4096, &pa[i]);
	both_make(c, &b, ipa);
	s2_map(c, &b.s2, ipa, pa[0]);
	CONF_EQ(c, conf_land(c, 0, IOVA, place, 2), 0, "where a write lands");
	s2_map(c, &b.s2, ipa, pa[1]);
	conf_cmd_ok(c, SMMU_CMD_TLBI_S2_IPA | smmu_field_prep(SMMU_TLBI_0_VMID, VMID),
		    ipa | SMMU_TLBI_1_LEAF);
	conf_stale(c, c->hw.tlb, conf_land(c, 0, IOVA, place, 2) == 0,
		   "the combined entry after TLBI_S2_IPA alone");
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_ALL | smmu_field_prep(SMMU_TLBI_0_VMID, VMID), 0);
	CONF_EQ(c, conf_land(c, 0, IOVA, place, 2), 1, "where a write lands after TLBI_NH_ALL");
}

static const struct conf_case cases[] = {
	{ "stage2.translates", "Config 0b110 translates at stage 2 (§5.2)", .needs = CONF_NEED_S2,
	  .run = translates },
	{ "stage2.unmapped",
	  "no stage 2 translation is F_TRANSLATION with S2=1 and the IPA (§7.3.12)",
	  .qemu_deviates = "bits 11:0 of word 3 hold the offset in the page", .needs = CONF_NEED_S2,
	  .run = unmapped },
	{ "stage2.permission",
	  "a write to a page with S2AP=read is F_PERMISSION with S2=1 (§7.3.15)",
	  .needs = CONF_NEED_S2, .run = permission },
	{ "stage2.access", "AF=0 at stage 2 is F_ACCESS with S2=1 (§7.3.14)", .needs = CONF_NEED_S2,
	  .run = access_flag },
	{ "stage2.by-ipa",
	  "TLBI_S2_IPA drops a page of its VMID, another VMID's leaves it (§4.4.5)",
	  .needs = CONF_NEED_S2, .run = by_ipa },
	{ "stage2.by-vmid", "TLBI_S12_VMALL drops everything of its VMID (§4.4.5)",
	  .needs = CONF_NEED_S2, .run = by_vmid },
	{ "stage2.nested", "Config 0b111: stage 1, its tables and its CD go through stage 2 (§5.2)",
	  .needs = CONF_NEED_NESTED, .run = nested },
	{ "stage2.nested-s2-fault",
	  "a stage 2 fault of stage 1's output names the IPA, CLASS IN "
	  "(§7.3.12)",
	  .qemu_deviates = "bits 11:0 of word 3 hold the offset in the page",
	  .needs = CONF_NEED_NESTED, .run = nested_s2_fault },
	{ "stage2.nested-s1-fault", "a stage 1 fault under stage 2 has S2=0 (§7.3.12)",
	  .needs = CONF_NEED_NESTED, .run = nested_s1_fault },
	{ "stage2.nested-invalidate",
	  "a changed stage 2 page counts after TLBI_S2_IPA and TLBI_NH_ALL; "
	  "the former alone may leave combined entries (§4.4.5)",
	  .needs = CONF_NEED_NESTED, .run = nested_invalidate },
};

CONF_GROUP(stage2);
