/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * TLB invalidation (§4.4): what each command must drop, and, on models that are known to cache,
 * what it leaves; stale before, fresh after.
 *
 * Two spaces (ASIDs), each with a row of pages. A page is *moved*: its descriptor points to other
 * memory from then on. Where the next write lands tells whether the old translation was used.
 */
#include "../conf.h"

#define BASE  UINT64_C(0x40000000)
#define PAGES 64u

struct row {
	struct conf_space s;
	uint64_t pa[2];
	uint8_t *mem[2];
};

static uint64_t
iova_of(unsigned int page)
{
	return BASE + page * UINT64_C(4096);
}

static void
row_make(struct conf *c, struct row *r, uint16_t asid, unsigned int pages)
{
	for (unsigned int i = 0; i < 2; i++)
		r->mem[i] = conf_mem(c, (size_t)PAGES * 4096, 4096, &r->pa[i]);
	conf_space_make(c, &r->s, 12, 48, asid);
	for (unsigned int i = 0; i < pages; i++)
		conf_space_map(c, &r->s, iova_of(i), r->pa[0] + i * 4096u, 3);
}

static int
where(struct conf *c, struct row *r, unsigned int d, unsigned int page)
{
	void *place[2] = { r->mem[0] + page * 4096u, r->mem[1] + page * 4096u };

	return conf_land(c, d, iova_of(page), place, 2);
}

static void
warm(struct conf *c, struct row *r, unsigned int d, unsigned int page)
{
	CONF_EQ(c, where(c, r, d, page), 0, "where a write lands before anything was changed");
}

static void
move(struct conf *c, struct row *r, unsigned int page)
{
	conf_space_map(c, &r->s, iova_of(page), r->pa[1] + page * 4096u, 3);
}

static void
fresh(struct conf *c, struct row *r, unsigned int d, unsigned int page)
{
	CONF_CHECK(c, where(c, r, d, page) == 1, "page %u: the old translation is used", page);
}

static void
stale(struct conf *c, struct row *r, unsigned int d, unsigned int page, const char *what)
{
	int at = where(c, r, d, page);

	CONF_CHECK(c, at >= 0, "page %u: neither the old nor the new translation is used", page);
	conf_stale(c, c->hw.tlb, at == 0, what);
}

static uint64_t
asid(uint16_t v)
{
	return smmu_field_prep(SMMU_TLBI_0_ASID, v);
}

/* ---- one address ---------------------------------------------------------------------------- */

static void
one_row(struct conf *c, struct row *r, unsigned int pages)
{
	row_make(c, r, CONF_ASID, pages);
	conf_space_attach(c, &r->s, 0);
	for (unsigned int i = 0; i < pages; i++)
		warm(c, r, 0, i);
	for (unsigned int i = 0; i < pages; i++)
		move(c, r, i);
}

static void
by_va(struct conf *c)
{
	struct row r;

	one_row(c, &r, 3);
	stale(c, &r, 0, 1, "before the invalidation");
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_VA | asid(CONF_ASID), iova_of(1) | SMMU_TLBI_1_LEAF);
	fresh(c, &r, 0, 1);
	stale(c, &r, 0, 0, "the page before");
	stale(c, &r, 0, 2, "the page behind");
	conf_no_event(c);
}

static void
by_vaa(struct conf *c)
{
	struct row r;

	one_row(c, &r, 2);
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_VAA | asid(CONF_ASID + 5), iova_of(0) | SMMU_TLBI_1_LEAF);
	fresh(c, &r, 0, 0);
	stale(c, &r, 0, 1, "the page behind");
}

static void
wrong_asid(struct conf *c)
{
	struct row r;

	one_row(c, &r, 1);
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_VA | asid(CONF_ASID + 1), iova_of(0) | SMMU_TLBI_1_LEAF);
	stale(c, &r, 0, 0, "with another ASID's invalidation by address");
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_ASID | asid(CONF_ASID + 1), 0);
	stale(c, &r, 0, 0, "with another ASID's invalidation");
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_ASID | asid(CONF_ASID), 0);
	fresh(c, &r, 0, 0);
}

static void
unmapped(struct conf *c)
{
	struct row r;

	row_make(c, &r, CONF_ASID, 1);
	conf_space_attach(c, &r.s, 0);
	warm(c, &r, 0, 0);
	conf_pte(conf_space_desc(c, &r.s, iova_of(0), 3), 0);
	conf_stale(c, c->hw.tlb, where(c, &r, 0, 0) == 0, "before the invalidation");
	conf_events(c);
	c->nb_ev = 0;
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_VA | asid(CONF_ASID), iova_of(0) | SMMU_TLBI_1_LEAF);
	CONF_EQ(c, where(c, &r, 0, 0) + 1, 0, "where a write to an unmapped page lands, plus 1");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, iova_of(0), false, 0);
	/* Not mapped is not cached: mapping needs no invalidation (§8.4 of the walk rules). */
	move(c, &r, 0);
	fresh(c, &r, 0, 0);
	conf_no_event(c);
}

/* ---- more than one -------------------------------------------------------------------------- */

static void
two_rows(struct conf *c, struct row r[2], unsigned int pages)
{
	for (unsigned int i = 0; i < 2; i++) {
		row_make(c, &r[i], (uint16_t)(CONF_ASID + i), pages);
		conf_space_attach(c, &r[i].s, i);
		for (unsigned int p = 0; p < pages; p++)
			warm(c, &r[i], i, p);
		for (unsigned int p = 0; p < pages; p++)
			move(c, &r[i], p);
	}
}

static void
by_asid(struct conf *c)
{
	struct row r[2];

	two_rows(c, r, 2);
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_ASID | asid(CONF_ASID), 0);
	fresh(c, &r[0], 0, 0);
	fresh(c, &r[0], 0, 1);
	stale(c, &r[1], 1, 0, "another ASID's page");
	stale(c, &r[1], 1, 1, "another ASID's page");
}

static void
va_other_asid(struct conf *c)
{
	struct row r[2];

	two_rows(c, r, 1);
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_VA | asid(CONF_ASID + 1), iova_of(0) | SMMU_TLBI_1_LEAF);
	stale(c, &r[0], 0, 0, "the same address of another ASID");
	fresh(c, &r[1], 1, 0);
}

static void
vaa_all_asids(struct conf *c)
{
	struct row r[2];

	two_rows(c, r, 1);
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_VAA, iova_of(0) | SMMU_TLBI_1_LEAF);
	fresh(c, &r[0], 0, 0);
	fresh(c, &r[1], 1, 0);
}

static void
everything(struct conf *c, uint64_t cmd)
{
	struct row r[2];

	two_rows(c, r, 2);
	conf_cmd_ok(c, cmd, 0);
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int p = 0; p < 2; p++)
			fresh(c, &r[i], i, p);
}

static void nh_all(struct conf *c) { everything(c, SMMU_CMD_TLBI_NH_ALL); }
static void nsnh_all(struct conf *c) { everything(c, SMMU_CMD_TLBI_NSNH_ALL); }

static void
shared_asid(struct conf *c)
{
	struct row r;

	row_make(c, &r, CONF_ASID, 1);
	conf_space_attach(c, &r.s, 0);
	conf_space_attach(c, &r.s, 1);
	warm(c, &r, 0, 0);
	warm(c, &r, 1, 0);
	move(c, &r, 0);
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_VA | asid(CONF_ASID), iova_of(0) | SMMU_TLBI_1_LEAF);
	fresh(c, &r, 0, 0);
	fresh(c, &r, 1, 0);
}

/* ---- ranges --------------------------------------------------------------------------------- */

static void
range(struct conf *c, unsigned int first, unsigned int num, unsigned int scale, unsigned int ttl)
{
	unsigned int n = num << scale, last = first + n - 1;
	struct row r;

	one_row(c, &r, last + 2);
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_VA | asid(CONF_ASID) |
			       smmu_field_prep(SMMU_TLBI_0_NUM, num - 1) |
			       smmu_field_prep(SMMU_TLBI_0_SCALE, scale),
		    iova_of(first) | SMMU_TLBI_1_LEAF | smmu_field_prep(SMMU_TLBI_1_TTL, ttl) |
			    smmu_field_prep(SMMU_TLBI_1_TG, SMMU_TLBI_TG_4K));
	for (unsigned int p = first; p <= last; p++)
		fresh(c, &r, 0, p);
	stale(c, &r, 0, first - 1, "the page before");
	stale(c, &r, 0, last + 1, "the page behind");
	conf_no_event(c);
}

static void range_num(struct conf *c) { range(c, 3, 5, 0, 0); }
static void range_scale(struct conf *c) { range(c, 1, 3, 2, 0); }
static void range_32(struct conf *c) { range(c, 7, 32, 0, 0); }
static void range_one(struct conf *c) { range(c, 2, 1, 0, 3); }
static void range_aligned(struct conf *c) { range(c, 16, 1, 4, 0); }

/* What the driver makes of a range is exact, or more: never less. */
static void
driver_ranges(struct conf *c)
{
	static const unsigned int pages[] = { 1, 2, 3, 31, 32, 33, 47, 61 };

	for (unsigned int k = 0; k < CONF_DIM(pages); k++) {
		struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, "strict");
		unsigned int n = pages[k];
		uint64_t pa, iova;
		uint8_t *mem = conf_mem(c, (size_t)n * 4096, 4096, &pa);

		CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
		CONF_OK(c, sluice_map(dom, pa, (size_t)n * 4096, SLUICE_RW, &iova));
		for (unsigned int p = 0; p < n; p += n > 8 ? n / 4 : 1)
			CONF_CHECK(c, conf_write(c, 0, iova + p * 4096u, mem + p * 4096u),
				   "%u pages: page %u", n, p);
		CONF_CHECK(c, conf_write(c, 0, iova + (n - 1) * 4096u, mem + (n - 1) * 4096u),
			   "%u pages: the last", n);
		conf_no_event(c);
		CONF_OK(c, sluice_unmap(dom, iova, (size_t)n * 4096));
		for (unsigned int p = 0; p < n; p += n > 8 ? n / 4 : 1)
			CONF_CHECK(c, !conf_write(c, 0, iova + p * 4096u, mem + p * 4096u),
				   "%u pages: page %u is reached after a strict unmap", n, p);
		CONF_CHECK(c, !conf_write(c, 0, iova + (n - 1) * 4096u, mem + (n - 1) * 4096u),
			   "%u pages: the last is reached after a strict unmap", n);
		conf_events(c);
		c->nb_ev = 0;
		CONF_OK(c, sluice_device_detach(c->dev[0].dev));
	}
}

/* ---- blocks and tables -------------------------------------------------------------------- */

static void
block(struct conf *c, unsigned int level, uint64_t at)
{
	struct conf_space s;
	uint64_t pa, size;
	void *place[1];

	place[0] = conf_mem(c, 4096, 4096, &pa);
	conf_space_make(c, &s, 12, 48, CONF_ASID);
	size = UINT64_C(1) << conf_space_shift(&s, level);
	conf_space_map(c, &s, 0x8000000000, pa, level);
	conf_space_attach(c, &s, 0);
	CONF_CHECK(c, conf_write(c, 0, 0x8000000000 | (pa & (size - 1)), place[0]), "a block");
	conf_pte(conf_space_desc(c, &s, 0x8000000000, level), 0);
	/* By any address in it: the leaf that holds it goes (§4.4.1). */
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_VA | asid(CONF_ASID),
		    (0x8000000000 | (at & (size - 1) & ~UINT64_C(0xfff))) | SMMU_TLBI_1_LEAF);
	CONF_CHECK(c, !conf_write(c, 0, 0x8000000000 | (pa & (size - 1)), place[0]),
		   "a block is used after an invalidation by one of its addresses");
	conf_events(c);
	c->nb_ev = 0;
}

static void block_first(struct conf *c) { block(c, 2, 0); }
static void block_inside(struct conf *c) { block(c, 2, 0x155000); }
static void block_1g(struct conf *c) { block(c, 1, 0x12345000); }

/* A table above the page is exchanged: non-leaf invalidation. */
static void
table(struct conf *c, unsigned int level, uint64_t cmd, uint64_t arg)
{
	struct conf_space s, other;
	uint64_t pa[2], *d;
	void *place[2];

	for (unsigned int i = 0; i < 2; i++)
		place[i] = conf_mem(c, 4096, 4096, &pa[i]);
	conf_space_make(c, &s, 12, 48, CONF_ASID);
	conf_space_make(c, &other, 12, 48, CONF_ASID);
	conf_space_map(c, &s, BASE, pa[0], 3);
	conf_space_map(c, &other, BASE, pa[1], 3);
	conf_space_attach(c, &s, 0);
	CONF_EQ(c, conf_land(c, 0, BASE, place, 2), 0, "where a write lands");
	d = conf_space_desc(c, &s, BASE, level);
	conf_pte(d, *conf_space_desc(c, &other, BASE, level));
	conf_cmd_ok(c, cmd, arg);
	CONF_EQ(c, conf_land(c, 0, BASE, place, 2), 1, "where a write lands with the new table");
	conf_no_event(c);
}

static void
table_l2(struct conf *c)
{
	table(c, 2, SMMU_CMD_TLBI_NH_VA | asid(CONF_ASID), BASE);
}

static void
table_l1(struct conf *c)
{
	table(c, 1, SMMU_CMD_TLBI_NH_VA | asid(CONF_ASID), BASE);
}

static void
table_l0(struct conf *c)
{
	table(c, 0, SMMU_CMD_TLBI_NH_ASID | asid(CONF_ASID), 0);
}

static void
root(struct conf *c)
{
	struct row r[2];

	/* TTB0 is in the CD: CFGI_CD, then the ASID (§3.21.3). */
	for (unsigned int i = 0; i < 2; i++)
		row_make(c, &r[i], CONF_ASID, 1);
	conf_space_attach(c, &r[0].s, 0);
	warm(c, &r[0], 0, 0);
	r[0].s.cd[1] = r[1].s.root_pa;
	conf_space_cd(&r[0].s);
	conf_cmd_ok(c, SMMU_CMD_CFGI_CD | smmu_field_prep(SMMU_CMD_0_SID, c->dev[0].sid),
		    SMMU_CFGI_1_LEAF);
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_ASID | asid(CONF_ASID), 0);
	CONF_EQ(c, where(c, &r[1], 0, 0), 0, "where a write lands with another TTB0");
}

static void
global_by_va(struct conf *c)
{
	struct row r;
	uint64_t *d;

	row_make(c, &r, CONF_ASID, 1);
	d = conf_space_desc(c, &r.s, iova_of(0), 3);
	conf_pte(d, *d & ~SMMU_TTD_NG);
	conf_space_attach(c, &r.s, 0);
	warm(c, &r, 0, 0);
	conf_space_map(c, &r.s, iova_of(0), r.pa[1], 3);
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_VA | asid(CONF_ASID), iova_of(0) | SMMU_TLBI_1_LEAF);
	fresh(c, &r, 0, 0);
}

static void
leave_config(struct conf *c)
{
	struct row r;
	uint64_t w[8];

	row_make(c, &r, CONF_ASID, 1);
	conf_space_attach(c, &r.s, 0);
	warm(c, &r, 0, 0);
	conf_ste_abort(w);
	conf_ste_store(c, 0, w);
	conf_tlbi_all(c);
	conf_stale(c, c->hw.cfg, where(c, &r, 0, 0) == 0, "the STE as it was");
}

static const struct conf_case cases[] = {
	{ "tlbi.va", "TLBI_NH_VA drops one page of its ASID, and leaves the neighbours (§4.4.3)",
	  .run = by_va },
	{ "tlbi.vaa", "TLBI_NH_VAA drops one page whatever the ASID (§4.4.3)", .run = by_vaa },
	{ "tlbi.wrong-asid",
	  "invalidations of another ASID leave an entry, its own drops it (§4.4.3)",
	  .run = wrong_asid },
	{ "tlbi.unmapped",
	  "an unmapped page may be served until TLBI and SYNC, not after; mapping needs "
	  "none (§3.21.1)",
	  .run = unmapped },
	{ "tlbi.asid", "TLBI_NH_ASID drops all of one ASID, nothing of another (§4.4.3)",
	  .needs = CONF_NEED_DEV2, .run = by_asid },
	{ "tlbi.va-other-asid", "TLBI_NH_VA leaves the same address of another ASID (§4.4.3)",
	  .needs = CONF_NEED_DEV2, .run = va_other_asid },
	{ "tlbi.vaa-all-asids", "TLBI_NH_VAA drops the address of every ASID (§4.4.3)",
	  .needs = CONF_NEED_DEV2, .run = vaa_all_asids },
	{ "tlbi.nh-all", "TLBI_NH_ALL drops every ASID's entries (§4.4.3)", .needs = CONF_NEED_DEV2,
	  .run = nh_all },
	{ "tlbi.nsnh-all", "TLBI_NSNH_ALL drops every entry (§4.4.4)", .needs = CONF_NEED_DEV2,
	  .run = nsnh_all },
	{ "tlbi.shared-asid", "one invalidation counts for every stream of the ASID (§3.17)",
	  .needs = CONF_NEED_DEV2, .run = shared_asid },
	{ "tlbi.range-num",
	  "a range of NUM+1 pages drops those, and leaves the neighbours (§4.4.1.1)",
	  .needs = CONF_NEED_RIL, .run = range_num },
	{ "tlbi.range-scale", "a range of (NUM+1) << SCALE pages, not aligned to it (§4.4.1.1)",
	  .needs = CONF_NEED_RIL, .run = range_scale },
	{ "tlbi.range-32", "NUM = 31, the largest (§4.4.1.1)", .needs = CONF_NEED_RIL,
	  .run = range_32 },
	{ "tlbi.range-one", "a range of one page, said with TTL=3 (§4.4.1.1)",
	  .needs = CONF_NEED_RIL, .run = range_one },
	{ "tlbi.range-aligned", "NUM = 0 and a SCALE (§4.4.1.1)", .needs = CONF_NEED_RIL,
	  .run = range_aligned },
	{ "tlbi.driver-ranges",
	  "after a strict unmap of any number of pages none of them is reached",
	  .run = driver_ranges },
	{ "tlbi.block", "an invalidation by a 2 MiB block's first address drops it (§4.4.1)",
	  .run = block_first },
	{ "tlbi.block-inside", "an invalidation by any address in a 2 MiB block drops it (§4.4.1)",
	  .qemu_deviates = NULL, .run = block_inside },
	{ "tlbi.block-1g", "an invalidation by any address in a 1 GiB block drops it (§4.4.1)",
	  .run = block_1g },
	{ "tlbi.table-l2",
	  "TLBI_NH_VA with Leaf=0 drops what is known of a level 2 table descriptor "
	  "(§4.4.1)",
	  .run = table_l2 },
	{ "tlbi.table-l1",
	  "TLBI_NH_VA with Leaf=0 drops what is known of a level 1 table descriptor "
	  "(§4.4.1)",
	  .run = table_l1 },
	{ "tlbi.table-l0", "TLBI_NH_ASID drops what is known of tables, too (§4.4.3)",
	  .run = table_l0 },
	{ "tlbi.root", "another TTB0 counts after CFGI_CD and TLBI_NH_ASID (§3.21.3)",
	  .run = root },
	{ "tlbi.global", "TLBI_NH_VA drops a global page as well (§4.4.3)", .run = global_by_va },
	{ "tlbi.leave-config", "TLBIs leave the configuration caches (§4.4)", .run = leave_config },
};

CONF_GROUP(tlbi);
