/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Faults of translations: each kind at each place where it can arise, with every field of its
 * record (§7.3), for writes and for reads.
 */
#include "../conf.h"

#define IOVA UINT64_C(0x123456789000)

struct rig {
	struct conf_space s;
	void *page;
	uint64_t pa;
};

static void
make(struct conf *c, struct rig *r)
{
	r->page = conf_space_page(c, &r->s, IOVA, CONF_ASID, &r->pa);
	conf_space_attach(c, &r->s, 0);
}

/* An access in the middle of the page ends in @p id; whichever the direction. */
static void
expect(struct conf *c, struct rig *r, uint8_t id, uint64_t fetch)
{
	uint64_t iova = IOVA + 0x754;
	uint8_t *at = (uint8_t *)r->page + 0x754;

	conf_tlbi_all(c);
	CONF_CHECK(c, !conf_write(c, 0, iova, at), "the write gets through");
	conf_fault_event(c, id, 0, iova, false, fetch);
	if (!(c->dev[0].info.flags & SLUICE_DMA_READS))
		return;
	CONF_CHECK(c, !conf_read(c, 0, iova, at), "the read gets through");
	conf_fault_event(c, id, 0, iova, true, fetch);
}

static void
fine(struct conf *c, struct rig *r)
{
	conf_tlbi_all(c);
	CONF_CHECK(c, conf_write(c, 0, IOVA, r->page), "the write is stopped");
	conf_no_event(c);
}

static void
translation(struct conf *c)
{
	struct rig r;

	make(c, &r);
	conf_pte(conf_space_desc(c, &r.s, IOVA, 3), 0);
	expect(c, &r, SMMU_EVT_F_TRANSLATION, 0);
}

static void
out_of_range(struct conf *c)
{
	struct rig r;

	make(c, &r);
	CONF_CHECK(c, !conf_write(c, 0, IOVA | UINT64_C(1) << 48, r.page), "48 bits are 49");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, IOVA | UINT64_C(1) << 48, false, 0);
}

/* ---- access flag --------------------------------------------------------------------------- */

static void
access_flag(struct conf *c)
{
	struct rig r;
	uint64_t *d;

	make(c, &r);
	d = conf_space_desc(c, &r.s, IOVA, 3);
	conf_pte(d, *d & ~SMMU_TTD_AF);
	if (c->hw.qemu_s1) {
		fine(c, &r);
		return;
	}
	expect(c, &r, SMMU_EVT_F_ACCESS, 0);
	CONF_EQ(c, *d & SMMU_TTD_AF, 0, "AF after a fault");
	/* Not cached: setting it needs no invalidation. */
	conf_pte(d, *d | SMMU_TTD_AF);
	CONF_CHECK(c, conf_write(c, 0, IOVA, r.page), "AF set, and the access is stopped");
	conf_no_event(c);
}

static void
access_flag_block(struct conf *c)
{
	struct rig r;

	make(c, &r);
	conf_pte(conf_space_desc(c, &r.s, IOVA, 2),
		 conf_space_leaf(&r.s, r.pa, 2) & ~SMMU_TTD_AF);
	if (c->hw.qemu_s1) {
		conf_tlbi_all(c);
		CONF_CHECK(c, conf_write(c, 0, (IOVA & ~UINT64_C(0x1fffff)) | (r.pa & 0x1fffff),
					 r.page), "7.2 looks at AF");
		return;
	}
	expect(c, &r, SMMU_EVT_F_ACCESS, 0);
}

static void
access_flag_off(struct conf *c)
{
	struct rig r;
	uint64_t *d;

	make(c, &r);
	r.s.cd[0] |= SMMU_CD_0_AFFD;
	conf_space_cd(&r.s);
	conf_space_attach(c, &r.s, 0);
	d = conf_space_desc(c, &r.s, IOVA, 3);
	conf_pte(d, *d & ~SMMU_TTD_AF);
	fine(c, &r);
	CONF_EQ(c, *d & SMMU_TTD_AF, 0, "AF without hardware update");
}

/* ---- permission ---------------------------------------------------------------------------- */

static void
permit(struct conf *c, struct rig *r, bool read, bool write)
{
	conf_tlbi_all(c);
	CONF_CHECK(c, conf_write(c, 0, IOVA + 8, (uint8_t *)r->page + 8) == write,
		   "a write is %s", write ? "stopped" : "let through");
	if (write)
		conf_no_event(c);
	else
		conf_fault_event(c, SMMU_EVT_F_PERMISSION, 0, IOVA + 8, false, 0);
	if (!(c->dev[0].info.flags & SLUICE_DMA_READS))
		return;
	CONF_CHECK(c, conf_read(c, 0, IOVA + 16, (uint8_t *)r->page + 16) == read, "a read is %s",
		   read ? "stopped" : "let through");
	if (read)
		conf_no_event(c);
	else
		conf_fault_event(c, SMMU_EVT_F_PERMISSION, 0, IOVA + 16, true, 0);
}

static void
read_only(struct conf *c)
{
	struct rig r;
	uint64_t *d;

	make(c, &r);
	d = conf_space_desc(c, &r.s, IOVA, 3);
	conf_pte(d, *d | SMMU_TTD_AP2);
	permit(c, &r, true, false);
}

static void
read_only_block(struct conf *c)
{
	struct rig r;
	uint64_t off;

	make(c, &r);
	conf_pte(conf_space_desc(c, &r.s, IOVA, 2), conf_space_leaf(&r.s, r.pa, 2) | SMMU_TTD_AP2);
	off = (r.pa & 0x1fffff) | (IOVA & ~UINT64_C(0x1fffff));
	conf_tlbi_all(c);
	CONF_CHECK(c, !conf_write(c, 0, off, r.page), "a write is let through");
	conf_fault_event(c, SMMU_EVT_F_PERMISSION, 0, off, false, 0);
}

static void
read_only_cached(struct conf *c)
{
	struct rig r;
	uint64_t *d;

	make(c, &r);
	d = conf_space_desc(c, &r.s, IOVA, 3);
	conf_pte(d, *d | SMMU_TTD_AP2);
	conf_tlbi_all(c);
	/* The read brings the translation into the TLB, and with it what it permits. */
	CONF_CHECK(c, conf_read(c, 0, IOVA, r.page), "a read is stopped");
	CONF_CHECK(c, !conf_write(c, 0, IOVA, r.page), "a write is let through");
	conf_fault_event(c, SMMU_EVT_F_PERMISSION, 0, IOVA, false, 0);
}

static void
privileged_only(struct conf *c)
{
	struct rig r;
	uint64_t *d;

	make(c, &r);
	d = conf_space_desc(c, &r.s, IOVA, 3);
	conf_pte(d, *d & ~SMMU_TTD_AP1);
	permit(c, &r, c->hw.qemu, c->hw.qemu);
}

static void
as_privileged(struct conf *c)
{
	struct rig r;
	uint64_t *d, w[8];

	make(c, &r);
	d = conf_space_desc(c, &r.s, IOVA, 3);
	conf_pte(d, *d & ~SMMU_TTD_AP1);
	conf_ste_s1(w, r.s.cd_pa);
	w[1] |= smmu_field_prep(SMMU_STE_1_PRIVCFG, SMMU_STE_PRIVCFG_PRIV);
	conf_ste_set(c, 0, w);
	fine(c, &r);
}

static void
table_read_only(struct conf *c)
{
	struct rig r;
	uint64_t *d;

	make(c, &r);
	d = conf_space_desc(c, &r.s, IOVA, 1);
	conf_pte(d, *d | SMMU_TTD_APTABLE_RO);
	permit(c, &r, true, false);
}

/* HAD0: the hierarchical bits of descriptors above the leaf are disabled. */
static void
table_had(struct conf *c)
{
	struct rig r;
	uint64_t *d;

	if (!(c->hw.idr3 & SMMU_IDR3_HAD))
		conf_skip(c, "no HAD");
	make(c, &r);
	r.s.cd[1] |= SMMU_CD_1_HAD0;
	conf_space_cd(&r.s);
	conf_space_attach(c, &r.s, 0);
	d = conf_space_desc(c, &r.s, IOVA, 1);
	conf_pte(d, *d | SMMU_TTD_APTABLE_RO);
	fine(c, &r);
}

/* ---- address size -------------------------------------------------------------------------- */

/* IPS of 32 bits, and an output above it, at a level. */
static void
addr_size(struct conf *c, unsigned int level, bool table)
{
	struct rig r;
	uint64_t *d;

	make(c, &r);
	CONF_CHECK(c, (r.pa >> 32) == 0 || c->hw.emu, "tables are above 4 GiB");
	r.s.cd[0] &= ~SMMU_CD_0_IPS;
	conf_space_cd(&r.s);
	conf_space_attach(c, &r.s, 0);
	fine(c, &r);
	d = conf_space_desc(c, &r.s, IOVA, level);
	conf_pte(d, (table ? *d : conf_space_leaf(&r.s, r.pa, level)) | UINT64_C(1) << 33);
	if (c->hw.qemu_s1) {
		conf_tlbi_all(c);
		CONF_CHECK(c, !conf_write(c, 0, IOVA, r.page), "the address is cut to size");
		conf_no_event(c);
		return;
	}
	expect(c, &r, SMMU_EVT_F_ADDR_SIZE, 0);
}

static void
low_tables(struct conf *c)
{
	uint64_t pa;

	/* Real memory may lie anywhere. */
	conf_mem(c, 4096, 4096, &pa);
	if (pa >> 32 != 0)
		conf_skip(c, "memory is above 4 GiB");
}

static void addr_size_l3(struct conf *c) { low_tables(c); addr_size(c, 3, false); }
static void addr_size_l2(struct conf *c) { low_tables(c); addr_size(c, 2, false); }
static void addr_size_l1(struct conf *c) { low_tables(c); addr_size(c, 1, false); }

static void
addr_size_table(struct conf *c)
{
	struct rig r;
	uint64_t *d, was;

	low_tables(c);
	if (!c->hw.qemu) {
		addr_size(c, 1, true);
		return;
	}
	/* QEMU looks at the size of leaves only, and reads the table where nothing is. */
	make(c, &r);
	r.s.cd[0] &= ~SMMU_CD_0_IPS;
	conf_space_cd(&r.s);
	conf_space_attach(c, &r.s, 0);
	d = conf_space_desc(c, &r.s, IOVA, 1);
	was = *d & SMMU_TTD_ADDR;
	conf_pte(d, *d | UINT64_C(1) << 33);
	expect(c, &r, SMMU_EVT_F_WALK_EABT,
	       (was | UINT64_C(1) << 33) + ((IOVA >> 21) & 511) * 8);
}

/* ---- external aborts ----------------------------------------------------------------------- */

static void
abort_at(struct conf *c, unsigned int level)
{
	static const unsigned int shift[4] = { 39, 30, 21, 12 };
	uint64_t nowhere = UINT64_C(1) << (c->hw.oas - 1);
	struct rig r;

	make(c, &r);
	if (level == 0) {
		r.s.cd[1] = nowhere;
		conf_space_cd(&r.s);
		conf_space_attach(c, &r.s, 0);
	} else {
		conf_pte(conf_space_desc(c, &r.s, IOVA, level - 1), nowhere | SMMU_TTD_TYPE_TABLE);
	}
	expect(c, &r, SMMU_EVT_F_WALK_EABT, nowhere + ((IOVA >> shift[level]) & 511) * 8);
}

static void abort_l0(struct conf *c) { abort_at(c, 0); }
static void abort_l1(struct conf *c) { abort_at(c, 1); }
static void abort_l2(struct conf *c) { abort_at(c, 2); }
static void abort_l3(struct conf *c) { abort_at(c, 3); }

static void
abort_output(struct conf *c)
{
	uint64_t nowhere = UINT64_C(1) << (c->hw.oas - 1);
	struct rig r;

	make(c, &r);
	conf_space_map(c, &r.s, IOVA, nowhere, 3);
	conf_tlbi_all(c);
	CONF_CHECK(c, !conf_write(c, 0, IOVA, r.page), "an access to nowhere lands in memory");
	/* The translation was fine: what happens behind it is no event of the SMMU's. */
	conf_no_event(c);
}

static void
two_streams(struct conf *c)
{
	struct rig r;

	make(c, &r);
	conf_space_attach(c, &r.s, 1);
	CONF_CHECK(c, !conf_write(c, 1, IOVA + 0x2000, r.page), "an unmapped page is reached");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 1, IOVA + 0x2000, false, 0);
	CONF_CHECK(c, !conf_write(c, 0, IOVA + 0x3000, r.page), "an unmapped page is reached");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, IOVA + 0x3000, false, 0);
}

static const struct conf_case cases[] = {
	{ "fault.translation",
	  "no translation is F_TRANSLATION, with address, direction and class "
	  "(§7.3.12)",
	  .qemu7_deviates = "7.2 leaves CLASS 0 in translation-related events",
	  .run = translation },
	{ "fault.out-of-range", "an address beyond TxSZ is F_TRANSLATION (§3.4.1)",
	  .qemu7_deviates = "7.2: addresses of 49 bits and more abort on the bus, without an event",
	  .run = out_of_range },
	{ "fault.access", "AF=0 is F_ACCESS, is not cached, and is not set by hardware (§7.3.14)",
	  .qemu7_deviates = "7.2 does not look at AF", .needs = CONF_NEED_NO_HTTU,
	  .run = access_flag },
	{ "fault.access-block", "AF=0 in a block is F_ACCESS (§7.3.14)",
	  .qemu7_deviates = "7.2 does not look at AF", .needs = CONF_NEED_NO_HTTU,
	  .run = access_flag_block },
	{ "fault.access-off", "AFFD=1: AF=0 does not fault (§5.4)", .needs = CONF_NEED_NO_HTTU,
	  .run = access_flag_off },
	{ "fault.permission",
	  "a write to a read-only page is F_PERMISSION, a read is not (§7.3.15)",
	  .run = read_only },
	{ "fault.permission-block", "a write to a read-only block is F_PERMISSION (§7.3.15)",
	  .run = read_only_block },
	{ "fault.permission-cached",
	  "a translation that a read brought in does not permit writes "
	  "(§7.3.15)",
	  .needs = CONF_NEED_READS, .run = read_only_cached },
	{ "fault.unprivileged",
	  "an unprivileged access to a privileged page is F_PERMISSION (DDI 0487 "
	  "D8.4)",
	  .qemu_deviates = "AP[1] is ignored: every access counts as privileged",
	  .run = privileged_only },
	{ "fault.as-privileged", "PRIVCFG=3 makes the stream's accesses privileged (§5.2)",
	  .needs = CONF_NEED_ATTR_OVR, .run = as_privileged },
	{ "fault.table-read-only", "APTable[1] makes everything below read-only (DDI 0487 D8.4)",
	  .run = table_read_only },
	{ "fault.table-had", "HAD0=1: APTable is ignored (§5.4)", .run = table_had },
	{ "fault.addr-size-l3", "a page beyond IPS is F_ADDR_SIZE (§7.3.13)",
	  .qemu7_deviates =
		  "7.2 does not check the size of outputs: the access goes where nothing is",
	  .needs = CONF_NEED_MODEL, .run = addr_size_l3 },
	{ "fault.addr-size-l2", "a 2 MiB block beyond IPS is F_ADDR_SIZE (§7.3.13)",
	  .qemu7_deviates =
		  "7.2 does not check the size of outputs: the access goes where nothing is",
	  .needs = CONF_NEED_MODEL, .run = addr_size_l2 },
	{ "fault.addr-size-l1", "a 1 GiB block beyond IPS is F_ADDR_SIZE (§7.3.13)",
	  .qemu7_deviates =
		  "7.2 does not check the size of outputs: the access goes where nothing is",
	  .needs = CONF_NEED_MODEL, .run = addr_size_l1 },
	{ "fault.addr-size-table", "a table beyond IPS is F_ADDR_SIZE (§7.3.13)",
	  .qemu_deviates = "the size of leaves only is checked: the table is fetched (smmu_ptw_64)",
	  .needs = CONF_NEED_MODEL, .run = addr_size_table },
	{ "fault.abort-l0",
	  "a level 0 table where nothing answers is F_WALK_EABT, with the descriptor's "
	  "address (§7.3.11)",
	  .needs = CONF_NEED_MODEL, .run = abort_l0 },
	{ "fault.abort-l1", "a level 1 table where nothing answers is F_WALK_EABT (§7.3.11)",
	  .needs = CONF_NEED_MODEL, .run = abort_l1 },
	{ "fault.abort-l2", "a level 2 table where nothing answers is F_WALK_EABT (§7.3.11)",
	  .needs = CONF_NEED_MODEL, .run = abort_l2 },
	{ "fault.abort-l3", "a level 3 table where nothing answers is F_WALK_EABT (§7.3.11)",
	  .needs = CONF_NEED_MODEL, .run = abort_l3 },
	{ "fault.abort-output", "an abort of the translated access itself is no event",
	  .needs = CONF_NEED_MODEL, .run = abort_output },
	{ "fault.streams", "each event names the stream that it belongs to (§7.3)",
	  .needs = CONF_NEED_DEV2, .run = two_streams },
};

CONF_GROUP(fault);
