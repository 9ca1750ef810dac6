/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stage 1 above stage 2: contexts and tables at IPAs, whose fault it is, and what invalidations
 * of the one and the other leave.
 */
#include "../conf.h"

#define IOVA UINT64_C(0x12345000)
#define FAR  (UINT64_C(0xab) << 30) /* an IPA with nothing at its own address */

/* IOVA leads to FAR, FAR to a page; tables and CD are at IPAs equal to their addresses. */
struct both {
	struct conf_space s1;
	struct conf_s2 s2;
	uint8_t *page;
	uint64_t pa;
};

static void
make(struct conf *c, struct both *b)
{
	memset(b, 0, sizeof(*b));
	b->page = conf_mem(c, 4096, 4096, &b->pa);
	conf_space_make(c, &b->s1, 12, 39, CONF_ASID);
	conf_space_map(c, &b->s1, IOVA, FAR, 3);
	conf_s2_make(c, &b->s2, 12, 39, 1);
	conf_s2_identity(c, &b->s2);
	conf_s2_map(c, &b->s2, FAR, b->pa, 3);
	conf_dma_load(c, 0);
	conf_s2_nest(c, &b->s2, &b->s1, 0);
}

static void
gets_through(struct conf *c, struct both *b)
{
	CONF_CHECK(c, conf_write(c, 0, IOVA + 0x444, b->page + 0x444),
		   "two stages do not translate");
	conf_no_event(c);
}

/* A stage 2 descriptor changes, properly. */
static void
change(struct conf *c, struct both *b, uint64_t ipa, uint64_t d)
{
	conf_pte(conf_s2_desc(c, &b->s2, ipa, 3), d);
	conf_s2_tlbi(c, &b->s2);
	conf_cfgi_ste(c, 0);
}

static void
refused(struct conf *c, struct both *b)
{
	CONF_CHECK(c, !conf_write(c, 0, IOVA + 0x444, b->page + 0x444),
		   "a write gets through what stage 2 forbids");
}

/* ---- contexts and tables --------------------------------------------------------------------- */

static void
cd_gone(struct conf *c)
{
	struct both b;

	make(c, &b);
	gets_through(c, &b);
	change(c, &b, b.s1.cd_pa, 0);
	refused(c, &b);
	conf_s2_event(c, SMMU_EVT_F_TRANSLATION, 0, IOVA + 0x444, false, SMMU_EVT_CLASS_CD,
		      b.s1.cd_pa);
}

/* Where stage 1's last table is. */
static uint64_t
last_table(struct conf *c, struct both *b)
{
	return *conf_space_desc(c, &b->s1, IOVA, 2) & SMMU_TTD_ADDR;
}

static void
table_gone(struct conf *c)
{
	uint64_t ipa;
	struct both b;

	make(c, &b);
	ipa = last_table(c, &b);
	gets_through(c, &b);
	change(c, &b, ipa, 0);
	refused(c, &b);
	conf_s2_event(c, SMMU_EVT_F_TRANSLATION, 0, IOVA + 0x444, false, SMMU_EVT_CLASS_TTD,
		      ipa + ((IOVA >> 12) & 511) * 8);
}

static void
table_access_flag(struct conf *c)
{
	uint64_t ipa;
	struct both b;

	make(c, &b);
	ipa = last_table(c, &b);
	change(c, &b, ipa, conf_s2_leaf(&b.s2, ipa, 3) & ~SMMU_TTD_AF);
	refused(c, &b);
	conf_s2_event(c, SMMU_EVT_F_ACCESS, 0, IOVA + 0x444, false, SMMU_EVT_CLASS_TTD,
		      ipa + ((IOVA >> 12) & 511) * 8);
}

static void
table_unreadable(struct conf *c)
{
	uint64_t ipa;
	struct both b;

	make(c, &b);
	ipa = last_table(c, &b);
	change(c, &b, ipa, conf_s2_leaf(&b.s2, ipa, 3) & ~(UINT64_C(1) << 6));
	refused(c, &b);
	conf_s2_event(c, SMMU_EVT_F_PERMISSION, 0, IOVA + 0x444, false, SMMU_EVT_CLASS_TTD,
		      ipa + ((IOVA >> 12) & 511) * 8);
}

static void
table_read_only(struct conf *c)
{
	uint64_t ipa;
	struct both b;

	make(c, &b);
	ipa = last_table(c, &b);
	change(c, &b, ipa, conf_s2_leaf(&b.s2, ipa, 3) & ~(UINT64_C(2) << 6));
	change(c, &b, b.s1.cd_pa, conf_s2_leaf(&b.s2, b.s1.cd_pa, 3) & ~(UINT64_C(2) << 6));
	gets_through(c, &b);
}

/* The table's IPA leads to another page, in which IOVA is the second page. */
static void
table_moved(struct conf *c)
{
	uint64_t pa[2];
	uint64_t *table;
	struct both b;
	uint8_t *page;

	make(c, &b);
	gets_through(c, &b);
	page = conf_mem(c, 4096, 4096, &pa[0]);
	table = conf_mem(c, 4096, 4096, &pa[1]);
	table[(IOVA >> 12) & 511] = conf_space_leaf(&b.s1, FAR + 4096, 3);
	conf_s2_map(c, &b.s2, FAR + 4096, pa[0], 3);
	change(c, &b, last_table(c, &b), conf_s2_leaf(&b.s2, pa[1], 3));
	CONF_CHECK(c, conf_write(c, 0, IOVA, page), "the table is read elsewhere");
	conf_no_event(c);
}

static void
table_nowhere(struct conf *c)
{
	uint64_t hole = UINT64_C(0x200000000);
	struct both b;

	make(c, &b);
	change(c, &b, last_table(c, &b), conf_s2_leaf(&b.s2, hole, 3));
	refused(c, &b);
	conf_fault_event(c, SMMU_EVT_F_WALK_EABT, 0, IOVA + 0x444, false,
			 hole + ((IOVA >> 12) & 511) * 8);
}

/* ---- whose fault ----------------------------------------------------------------------------- */

static void
input_permission(struct conf *c)
{
	struct both b;

	make(c, &b);
	change(c, &b, FAR, conf_s2_leaf(&b.s2, b.pa, 3) & ~(UINT64_C(2) << 6));
	refused(c, &b);
	conf_s2_event(c, SMMU_EVT_F_PERMISSION, 0, IOVA + 0x444, false, SMMU_EVT_CLASS_IN, FAR);
}

static void
input_range(struct conf *c)
{
	uint64_t ipa = UINT64_C(1) << 39 | FAR;
	struct both b;

	make(c, &b);
	conf_space_map(c, &b.s1, IOVA, ipa, 3);
	conf_s2_tlbi(c, &b.s2);
	refused(c, &b);
	conf_s2_event(c, SMMU_EVT_F_TRANSLATION, 0, IOVA + 0x444, false, SMMU_EVT_CLASS_IN, ipa);
}

/* Both stages refuse a write: stage 1 is asked first. */
static void
first_stage_first(struct conf *c)
{
	struct both b;

	make(c, &b);
	conf_pte(conf_space_desc(c, &b.s1, IOVA, 3),
		 conf_space_leaf(&b.s1, FAR, 3) | SMMU_TTD_AP2);
	change(c, &b, FAR, 0);
	refused(c, &b);
	conf_fault_event(c, SMMU_EVT_F_PERMISSION, 0, IOVA + 0x444, false, 0);
}

/* ---- invalidation ---------------------------------------------------------------------------- */

/* FAR moves from the first to the second of two places; where does a write land? */
struct moved {
	struct both b;
	void *place[2];
};

static void
move(struct conf *c, struct moved *m)
{
	uint64_t pa;

	make(c, &m->b);
	m->place[0] = m->b.page;
	m->place[1] = conf_mem(c, 4096, 4096, &pa);
	CONF_EQ(c, conf_land(c, 0, IOVA, m->place, 2), 0, "where a write lands");
	conf_s2_map(c, &m->b.s2, FAR, pa, 3);
}

static void
ipa_then_vaa(struct conf *c)
{
	struct moved m;

	move(c, &m);
	conf_stale(c, c->hw.tlb, conf_land(c, 0, IOVA, m.place, 2) == 0, "before");
	conf_cmd_ok(c, conf_s2_cmd(SMMU_CMD_TLBI_S2_IPA, CONF_VMID), FAR | SMMU_TLBI_1_LEAF);
	conf_cmd_ok(c, conf_s2_cmd(SMMU_CMD_TLBI_NH_VAA, CONF_VMID), IOVA | SMMU_TLBI_1_LEAF);
	CONF_EQ(c, conf_land(c, 0, IOVA, m.place, 2), 1,
		"where a write lands after TLBI_S2_IPA and TLBI_NH_VAA");
}

static void
vmall(struct conf *c)
{
	struct moved m;

	move(c, &m);
	conf_cmd_ok(c, conf_s2_cmd(SMMU_CMD_TLBI_S12_VMALL, CONF_VMID + 1), 0);
	conf_stale(c, c->hw.tlb, conf_land(c, 0, IOVA, m.place, 2) == 0, "another VMID's");
	conf_s2_tlbi(c, &m.b.s2);
	CONF_EQ(c, conf_land(c, 0, IOVA, m.place, 2), 1,
		"where a write lands after TLBI_S12_VMALL");
}

/* Stage 1 changes: its invalidations are by VMID, too. */
static void
nh_by_vmid(struct conf *c)
{
	const uint64_t cmd[] = { SMMU_CMD_TLBI_NH_VA, SMMU_CMD_TLBI_NH_VAA, SMMU_CMD_TLBI_NH_ASID,
				 SMMU_CMD_TLBI_NH_ALL };
	uint64_t pa[2];
	void *place[2];
	struct both b;

	make(c, &b);
	for (unsigned int i = 0; i < 2; i++) {
		place[i] = conf_mem(c, 4096, 4096, &pa[i]);
		conf_s2_map(c, &b.s2, FAR + 4096 * i, pa[i], 3);
	}
	conf_s2_tlbi(c, &b.s2);
	for (unsigned int i = 0; i < CONF_DIM(cmd); i++) {
		uint64_t w0 = cmd[i] | smmu_field_prep(SMMU_TLBI_0_ASID, CONF_ASID);
		uint64_t w1 = i < 2 ? IOVA | SMMU_TLBI_1_LEAF : 0;

		CONF_EQ(c, conf_land(c, 0, IOVA, place, 2), i & 1, "where a write lands");
		conf_space_map(c, &b.s1, IOVA, FAR + 4096 * (~i & 1), 3);
		conf_cmd_ok(c, conf_s2_cmd(w0, CONF_VMID + 1), w1);
		conf_stale(c, c->hw.tlb, conf_land(c, 0, IOVA, place, 2) == (int)(i & 1),
			   "another VMID's");
		conf_cmd_ok(c, conf_s2_cmd(w0, CONF_VMID), w1);
		CONF_EQ(c, conf_land(c, 0, IOVA, place, 2), ~i & 1,
			"where a write lands after the invalidation");
	}
}

static const struct conf_case cases[] = {
	{ "nested.cd-gone",
	  "a stage 2 fault of a CD's address has CLASS CD, its IPA, and the access's RnW (§7.3.12)",
	  .qemu_deviates = "RnW is 1, the fetch's", .needs = CONF_NEED_NESTED, .run = cd_gone },
	{ "nested.table-gone",
	  "a stage 2 fault of a stage 1 descriptor's address has S2=1, CLASS TT, its IPA (§7.3.12)",
	  .qemu_deviates = "S2 is 0", .needs = CONF_NEED_NESTED, .run = table_gone },
	{ "nested.table-access", "… so has F_ACCESS (§7.3.14)", .qemu_deviates = "S2 is 0",
	  .needs = CONF_NEED_NESTED, .run = table_access_flag },
	{ "nested.table-unreadable", "… and F_PERMISSION, with TTRnW=1 (§7.3.15)",
	  .qemu_deviates = "S2 and TTRnW are 0", .needs = CONF_NEED_NESTED,
	  .run = table_unreadable },
	{ "nested.table-read-only",
	  "reading is all that stage 2 has to allow of CDs and stage 1 tables (§5.2, HTTU off)",
	  .needs = CONF_NEED_NESTED | CONF_NEED_NO_HTTU, .run = table_read_only },
	{ "nested.table-moved", "a stage 1 table is where stage 2 says (§3.3.2)",
	  .needs = CONF_NEED_NESTED, .run = table_moved },
	{ "nested.table-abort",
	  "a stage 1 descriptor at a PA where nothing answers is F_WALK_EABT, S2=0, CLASS TT, with "
	  "that PA (§7.3.11)", .needs = CONF_NEED_NESTED | CONF_NEED_MODEL, .run = table_nowhere },
	{ "nested.permission",
	  "a write that stage 1 allows and stage 2 does not is F_PERMISSION, S2=1, with the IPA "
	  "(§7.3.15)", .needs = CONF_NEED_NESTED, .run = input_permission },
	{ "nested.range",
	  "stage 1 output beyond 2^(64 - S2T0SZ) is F_TRANSLATION of stage 2 (§3.4)",
	  .needs = CONF_NEED_NESTED, .run = input_range },
	{ "nested.stage1-first", "stage 1's permission comes before stage 2 (§7.3, priority)",
	  .needs = CONF_NEED_NESTED, .run = first_stage_first },
	{ "nested.ipa-then-vaa",
	  "a changed stage 2 page counts after TLBI_S2_IPA and TLBI_NH_VAA (§4.4.3)",
	  .needs = CONF_NEED_NESTED, .run = ipa_then_vaa },
	{ "nested.vmall",
	  "TLBI_S12_VMALL drops entries of both stages of its VMID, no other's (§4.4.3)",
	  .needs = CONF_NEED_NESTED, .run = vmall },
	{ "nested.nh-vmid", "TLBI_NH_* drop stage 1 entries of their VMID, no other's (§4.4.2)",
	  .needs = CONF_NEED_NESTED, .run = nh_by_vmid },
};

CONF_GROUP(nested);
