/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stage 2 and both stages together. The driver attaches neither: the entries are raw, the commands
 * go through its queue.
 */
#include "../conf.h"

#define IOVA UINT64_C(0x12345000)
#define VMID CONF_VMID

/* 40 bits of 4 KiB pages, from level 1: two tables side by side. */
static void
s2_map(struct conf *c, struct conf_s2 *t, uint64_t ipa, uint64_t pa)
{
	if (t->root_pa == 0)
		conf_s2_make(c, t, 12, 40, 1);
	conf_s2_map(c, t, ipa, pa, 3);
}

static void
only(struct conf *c, struct conf_s2 *t)
{
	conf_s2_attach(c, t, 0);
}

static void
translates(struct conf *c)
{
	struct conf_s2 t = { 0 };
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
	struct conf_s2 t = { 0 };
	uint64_t pa;
	void *page = conf_mem(c, 4096, 4096, &pa);

	s2_map(c, &t, IOVA, pa);
	only(c, &t);
	CONF_CHECK(c, !conf_write(c, 0, IOVA + 0x1128, page), "an unmapped page is reached");
	conf_s2_event(c, SMMU_EVT_F_TRANSLATION, 0, IOVA + 0x1128, false, SMMU_EVT_CLASS_IN,
		      IOVA + 0x1000);
}

static void
permission(struct conf *c)
{
	struct conf_s2 t = { 0 };
	uint64_t pa;
	void *page = conf_mem(c, 4096, 4096, &pa);

	s2_map(c, &t, IOVA, pa);
	conf_pte(conf_s2_desc(c, &t, IOVA, 3), conf_s2_leaf(&t, pa, 3) & ~(UINT64_C(2) << 6));
	only(c, &t);
	CONF_CHECK(c, !conf_write(c, 0, IOVA, page), "a read-only page is written");
	conf_s2_event(c, SMMU_EVT_F_PERMISSION, 0, IOVA, false, SMMU_EVT_CLASS_IN,
		      IOVA);
}

static void
access_flag(struct conf *c)
{
	struct conf_s2 t = { 0 };
	uint64_t pa;
	void *page = conf_mem(c, 4096, 4096, &pa);

	s2_map(c, &t, IOVA, pa);
	conf_pte(conf_s2_desc(c, &t, IOVA, 3), conf_s2_leaf(&t, pa, 3) & ~SMMU_TTD_AF);
	only(c, &t);
	CONF_CHECK(c, !conf_write(c, 0, IOVA, page), "AF=0 does not fault");
	conf_s2_event(c, SMMU_EVT_F_ACCESS, 0, IOVA, false, SMMU_EVT_CLASS_IN,
		      IOVA);
}

static void
by_ipa(struct conf *c)
{
	struct conf_s2 t = { 0 };
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
	struct conf_s2 t = { 0 };
	uint64_t pa[2];
	void *place[2];

	for (unsigned int i = 0; i < 2; i++)
		place[i] = conf_mem(c, 4096, 4096, &pa[i]);
	s2_map(c, &t, IOVA, pa[0]);
	only(c, &t);
	CONF_EQ(c, conf_land(c, 0, IOVA, place, 2), 0, "where a write lands");
	s2_map(c, &t, IOVA, pa[1]);
	conf_s2_tlbi(c, &t);
	CONF_EQ(c, conf_land(c, 0, IOVA, place, 2), 1, "where a write lands after TLBI_S12_VMALL");
}

/* Two devices, each with tables of its own, under two VMIDs; the page of both moves. */
static void
one_vmid(struct conf *c)
{
	struct conf_s2 t[2] = { { 0 } };
	void *place[2][2];
	uint64_t pa[2];

	for (unsigned int d = 0; d < 2; d++) {
		for (unsigned int i = 0; i < 2; i++)
			place[d][i] = conf_mem(c, 4096, 4096, &pa[i]);
		s2_map(c, &t[d], IOVA, pa[0]);
		t[d].w2 = smmu_field_set(t[d].w2, SMMU_STE_2_S2VMID, VMID + d);
		conf_s2_attach(c, &t[d], d);
		CONF_EQ(c, conf_land(c, d, IOVA, place[d], 2), 0, "where a write lands");
		s2_map(c, &t[d], IOVA, pa[1]);
	}
	conf_s2_tlbi(c, &t[1]);
	conf_stale(c, c->hw.tlb, conf_land(c, 0, IOVA, place[0], 2) == 0, "the other VMID's");
	CONF_EQ(c, conf_land(c, 1, IOVA, place[1], 2), 1, "where a write of its VMID lands");
	conf_s2_tlbi(c, &t[0]);
	CONF_EQ(c, conf_land(c, 0, IOVA, place[0], 2), 1, "where a write of the other lands");
}

/* Eight pages move; a range names those from the third to the sixth. */
static void
by_range(struct conf *c)
{
	struct conf_s2 t = { 0 };
	uint64_t pa[8][2], at = IOVA & ~UINT64_C(0x7fff);
	void *place[8][2];

	for (unsigned int p = 0; p < 8; p++)
		for (unsigned int i = 0; i < 2; i++)
			place[p][i] = conf_mem(c, 4096, 4096, &pa[p][i]);
	for (unsigned int p = 0; p < 8; p++)
		s2_map(c, &t, at + p * 4096, pa[p][0]);
	only(c, &t);
	for (unsigned int p = 0; p < 8; p++) {
		CONF_EQ(c, conf_land(c, 0, at + p * 4096, place[p], 2), 0, "where a write lands");
		s2_map(c, &t, at + p * 4096, pa[p][1]);
	}
	conf_cmd_ok(c, conf_s2_cmd(SMMU_CMD_TLBI_S2_IPA, VMID) |
			       smmu_field_prep(SMMU_TLBI_0_NUM, 1) |
			       smmu_field_prep(SMMU_TLBI_0_SCALE, 1),
		    (at + 2 * 4096) | SMMU_TLBI_1_LEAF |
			    smmu_field_prep(SMMU_TLBI_1_TG, SMMU_TLBI_TG_4K));
	for (unsigned int p = 0; p < 8; p++) {
		int landed = conf_land(c, 0, at + p * 4096, place[p], 2);

		if (p >= 2 && p < 6)
			CONF_EQ(c, landed, 1, "where a write to a page of the range lands");
		else
			conf_stale(c, c->hw.tlb, landed == 0, "a page beside the range");
	}
}

/* ---- both stages ----------------------------------------------------------------------------- */

struct both {
	struct conf_space s1;
	struct conf_s2 s2;
};

/* Stage 1 tables, CD and the first page are at IPAs equal to their addresses. */
static void
both_make(struct conf *c, struct both *b, uint64_t ipa)
{
	memset(b, 0, sizeof(*b));
	conf_space_make(c, &b->s1, 12, 39, CONF_ASID);
	conf_space_map(c, &b->s1, IOVA, ipa, 3);
	conf_s2_make(c, &b->s2, 12, 40, 1);
	conf_s2_identity(c, &b->s2);
	conf_s2_nest(c, &b->s2, &b->s1, 0);
}

static void
nested(struct conf *c)
{
	uint64_t pa, ipa = UINT64_C(0xab) << 30;
	uint8_t *page = conf_mem(c, 4096, 4096, &pa);
	struct both b;

	both_make(c, &b, ipa);
	conf_s2_map(c, &b.s2, ipa, pa, 3);
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
	conf_s2_event(c, SMMU_EVT_F_TRANSLATION, 0, IOVA + 0x444, false, SMMU_EVT_CLASS_IN,
		      ipa);
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
	conf_s2_map(c, &b.s2, ipa, pa[0], 3);
	CONF_EQ(c, conf_land(c, 0, IOVA, place, 2), 0, "where a write lands");
	conf_s2_map(c, &b.s2, ipa, pa[1], 3);
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
	{ "stage2.one-vmid",
	  "TLBI_S12_VMALL of one VMID leaves entries of another (§4.4.5)",
	  .needs = CONF_NEED_S2 | CONF_NEED_DEV2, .run = one_vmid },
	{ "stage2.by-range", "TLBI_S2_IPA with a range drops its pages, no others (§4.4.1.1, §4.4.5)",
	  .needs = CONF_NEED_S2 | CONF_NEED_RIL, .run = by_range },
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
