/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The stream table: finding a stream's STE in linear and two-level tables, and not finding it.
 */
#include "../conf.h"

#define CFG(fmt, split, log2)                                                                      \
	((uint32_t)(smmu_field_prep(SMMU_STRTAB_CFG_FMT, fmt) |                                    \
		    smmu_field_prep(SMMU_STRTAB_CFG_SPLIT, split) |                                \
		    smmu_field_prep(SMMU_STRTAB_CFG_LOG2SIZE, log2)))

/* The device's stream bypasses, or does not. */
static void
expect_reach(struct conf *c, unsigned int d, bool reach)
{
	uint64_t pa;
	void *page = conf_mem(c, 4096, 4096, &pa);

	CONF_CHECK(c, conf_write(c, d, pa, page) == reach, "a write of stream %#x %s",
		   c->dev[d].sid, reach ? "is stopped" : "gets through");
}

/* Another stream table, for the rest of the case. */
static void
use_table(struct conf *c, uint64_t base, uint32_t cfg)
{
	uint32_t cr0 = conf_reg(c, SMMU_CR0);

	c->renew = true;
	conf_dma_load(c, 0); /* while the driver's table is there */
	conf_cr0(c, cr0 & ~(uint32_t)SMMU_CR0_SMMUEN);
	conf_set_reg64(c, SMMU_STRTAB_BASE, base);
	conf_set_reg(c, SMMU_STRTAB_BASE_CFG, cfg);
	conf_cmd_ok(c, SMMU_CMD_CFGI_STE_RANGE, SMMU_CFGI_RANGE_ALL);
	conf_cr0(c, cr0);
}

static void
streams_bypass(struct conf *c)
{
	uint64_t w[8];

	conf_ste_bypass(w);
	for (unsigned int d = 0; d < c->nb_devs; d++) {
		conf_ste_set(c, d, w);
		expect_reach(c, d, true);
		for (unsigned int other = d + 1; other < c->nb_devs; other++)
			expect_reach(c, other, false);
	}
	conf_no_event(c);
}

static void
linear(struct conf *c)
{
	CONF_EQ(c, smmu_field_get(SMMU_STRTAB_CFG_FMT, conf_reg(c, SMMU_STRTAB_BASE_CFG)),
		SMMU_STRTAB_FMT_LINEAR, "FMT with strtab=linear");
	streams_bypass(c);
}

/* A linear table of our own, in which only one stream bypasses. */
static void
own_linear(struct conf *c, unsigned int log2, bool covered)
{
	size_t bytes = (size_t)SMMU_STE_BYTES << log2;
	uint64_t pa, *t = conf_mem(c, bytes, bytes, &pa);
	uint32_t sid = c->dev[0].sid;

	for (uint32_t i = 0; i < 1u << log2; i++)
		conf_ste_abort(&t[i * 8]);
	if (covered)
		conf_ste_bypass(&t[sid * 8]);
	use_table(c, pa, CFG(SMMU_STRTAB_FMT_LINEAR, 0, log2));
	expect_reach(c, 0, covered);
}

/*
 * STRTAB_BASE with a bit below the table's size set, each in turn: it is taken as 0, by LOG2SIZE as
 * it is written, also where that is beyond SIDSIZE. Where it counts instead, no STE of ours is
 * there.
 */
static void
unaligned(struct conf *c, uint32_t fmt, unsigned int split)
{
	unsigned int log2 = c->hw.sid_bits + 2, more = fmt == SMMU_STRTAB_FMT_2LVL ? 3 - split : 6;
	unsigned int bits = log2 + more;
	uint32_t sid = c->dev[0].sid;
	uint64_t pa, l2_pa, *t, *l2;

	/* At most 4 MiB of it. */
	if (bits > 22)
		bits = 22;
	log2 = bits - more;
	if (bits < 7 || (uint64_t)sid >> (log2 - 1) != 0)
		conf_skip(c, "stream %#x is not in the first half of a table that tells", sid);
	t = conf_mem(c, (size_t)1 << bits, (size_t)1 << bits, &pa);
	if (fmt == SMMU_STRTAB_FMT_LINEAR) {
		for (size_t i = 0; i < (size_t)1 << log2; i++)
			conf_ste_abort(&t[i * 8]);
		conf_ste_bypass(&t[(size_t)sid * 8]);
	} else {
		l2 = conf_mem(c, (size_t)64 << split, (size_t)64 << split, &l2_pa);
		conf_ste_bypass(&l2[(sid & ((1u << split) - 1)) * 8]);
		t[sid >> split] = l2_pa | (split + 1);
	}
	for (unsigned int bit = 6; bit < bits; bit++) {
		bool reach = !c->hw.qemu_10 || bit < bits - 1;

		use_table(c, pa | UINT64_C(1) << bit, CFG(fmt, split, log2));
		expect_reach(c, 0, reach);
		if (reach)
			conf_no_event(c);
		conf_events(c);
		c->nb_ev = 0;
	}
}

static void unaligned_linear(struct conf *c) { unaligned(c, SMMU_STRTAB_FMT_LINEAR, 0); }
static void unaligned_2lvl(struct conf *c) { unaligned(c, SMMU_STRTAB_FMT_2LVL, 6); }

static unsigned int
bits_of(uint32_t sid)
{
	return sid == 0 ? 0 : 32 - (unsigned int)__builtin_clz(sid);
}

static void
linear_smallest(struct conf *c)
{
	own_linear(c, bits_of(c->dev[0].sid), true);
	conf_no_event(c);
}

static void
linear_out_of_range(struct conf *c)
{
	unsigned int bits = bits_of(c->dev[0].sid);

	if (bits == 0)
		conf_skip(c, "the device is stream 0, which is always in range");
	own_linear(c, bits - 1, false);
	conf_config_event(c, SMMU_EVT_C_BAD_STREAMID, 0);
}

static void
no_record(struct conf *c)
{
	uint32_t cr0 = conf_reg(c, SMMU_CR0), cr2 = conf_reg(c, SMMU_CR2);
	unsigned int bits = bits_of(c->dev[0].sid);

	if (bits == 0)
		conf_skip(c, "the device is stream 0, which is always in range");
	c->renew = true;
	conf_cr0(c, cr0 & ~(uint32_t)SMMU_CR0_SMMUEN);
	conf_set_reg(c, SMMU_CR2, cr2 & ~(uint32_t)SMMU_CR2_RECINVSID);
	conf_cr0(c, cr0);
	own_linear(c, bits - 1, false);
	if (c->hw.qemu)
		conf_config_event(c, SMMU_EVT_C_BAD_STREAMID, 0);
	else
		conf_no_event(c);
}

static void
linear_abort(struct conf *c)
{
	uint64_t nowhere = UINT64_C(1) << (c->hw.oas - 1);
	unsigned int log2 = bits_of(c->dev[0].sid);

	use_table(c, nowhere, CFG(SMMU_STRTAB_FMT_LINEAR, 0, log2));
	expect_reach(c, 0, false);
	conf_fetch_event(c, SMMU_EVT_F_STE_FETCH, 0, nowhere + c->dev[0].sid * UINT64_C(64));
}

/* Two levels of our own with some SPLIT. */
static void
two_level(struct conf *c, unsigned int split)
{
	unsigned int log2 = split + 2;
	uint32_t sid = c->dev[0].sid, i = sid >> split, j = sid & ((1u << split) - 1);
	uint64_t l1_pa, l2_pa;
	uint64_t *l1 = conf_mem(c, 64, 64, &l1_pa), *l2;

	if (sid >> log2 != 0)
		conf_skip(c, "stream %#x is beyond a small table", sid);
	l2 = conf_mem(c, (size_t)64 << split, (size_t)64 << split, &l2_pa);
	for (uint32_t k = 0; k < 1u << split; k++)
		conf_ste_abort(&l2[k * 8]);
	conf_ste_bypass(&l2[j * 8]);
	l1[i] = l2_pa | (split + 1);
	use_table(c, l1_pa, CFG(SMMU_STRTAB_FMT_2LVL, split, log2));
	expect_reach(c, 0, true);
	conf_no_event(c);
	l1[i] = 0;
	conf_cmd_ok(c, SMMU_CMD_CFGI_STE | (uint64_t)sid << 32, 0);
	expect_reach(c, 0, false);
	conf_config_event(c, SMMU_EVT_C_BAD_STREAMID, 0);
}

static void split_6(struct conf *c) { two_level(c, 6); }
static void split_8(struct conf *c) { two_level(c, 8); }
static void split_10(struct conf *c) { two_level(c, 10); }

/* ---- the driver's two-level table, a level-1 descriptor changed ---------------------------- */

static void
change_l1(struct conf *c, uint64_t l1)
{
	uint64_t w[8];

	conf_ste_bypass(w);
	conf_ste_set(c, 0, w);
	expect_reach(c, 0, true);
	c->renew = true;
	CONF_OK(c, sluice_raw_entry_write(c->iommu, SLUICE_RAW_STREAM_L1, c->dev[0].sid, &l1));
	conf_cmd_ok(c, SMMU_CMD_CFGI_STE | (uint64_t)c->dev[0].sid << 32, 0);
	expect_reach(c, 0, false);
}

static uint64_t
read_l1(struct conf *c)
{
	uint64_t l1, w[8];

	/* An STE is written first: its level-2 table is made by that. */
	conf_ste_abort(w);
	conf_ste_set(c, 0, w);
	CONF_OK(c, sluice_raw_entry_read(c->iommu, SLUICE_RAW_STREAM_L1, c->dev[0].sid, &l1));
	return l1;
}

static void
two_levels_work(struct conf *c)
{
	uint64_t l1 = read_l1(c), span = smmu_field_get(SMMU_L1STD_SPAN, l1);

	CONF_CHECK(c, span >= 1 && span <= SMMU_L1STD_SPAN_MAX, "span %" PRIu64, span);
	CONF_EQ(c, (l1 & SMMU_L1STD_L2PTR) & ((UINT64_C(64) << (span - 1)) - 1), 0,
		"L2Ptr alignment");
	streams_bypass(c);
}

static void
span_0(struct conf *c)
{
	change_l1(c, 0);
	conf_config_event(c, SMMU_EVT_C_BAD_STREAMID, 0);
}

static void
span_reserved(struct conf *c)
{
	uint64_t l1 = read_l1(c);

	if (c->hw.qemu_10) {
		/* Any Span covers the stream; L2Ptr is not aligned to it. */
		l1 = (l1 & SMMU_L1STD_L2PTR) | 31;
		c->renew = true;
		CONF_OK(c,
			sluice_raw_entry_write(c->iommu, SLUICE_RAW_STREAM_L1, c->dev[0].sid, &l1));
		conf_cmd_ok(c, SMMU_CMD_CFGI_STE | (uint64_t)c->dev[0].sid << 32, 0);
		expect_reach(c, 0, false);
		conf_no_event(c); /* the STE behind it aborts */
		return;
	}
	change_l1(c, (l1 & SMMU_L1STD_L2PTR) | 31);
	conf_config_event(c, SMMU_EVT_C_BAD_STREAMID, 0);
}

static void
past_span(struct conf *c)
{
	uint64_t l1 = read_l1(c);

	if ((c->dev[0].sid & 0xff) == 0)
		conf_skip(c, "the device's stream is the first of its table");
	change_l1(c, (l1 & SMMU_L1STD_L2PTR) | 1); /* one STE */
	conf_config_event(c, c->hw.qemu ? SMMU_EVT_C_BAD_STE : SMMU_EVT_C_BAD_STREAMID, 0);
}

static void
l2_abort(struct conf *c)
{
	uint64_t nowhere = UINT64_C(1) << (c->hw.oas - 1), l1 = read_l1(c);
	uint64_t span = smmu_field_get(SMMU_L1STD_SPAN, l1);
	uint64_t split = smmu_field_get(SMMU_STRTAB_CFG_SPLIT, conf_reg(c, SMMU_STRTAB_BASE_CFG));

	change_l1(c, nowhere | span);
	conf_fetch_event(c, SMMU_EVT_F_STE_FETCH, 0,
			 nowhere + (c->dev[0].sid & ((1u << split) - 1)) * UINT64_C(64));
}

static void
l1_abort(struct conf *c)
{
	uint64_t nowhere = UINT64_C(1) << (c->hw.oas - 1);
	uint32_t cfg = conf_reg(c, SMMU_STRTAB_BASE_CFG);
	uint64_t split = smmu_field_get(SMMU_STRTAB_CFG_SPLIT, cfg);

	use_table(c, nowhere, cfg);
	expect_reach(c, 0, false);
	conf_fetch_event(c, SMMU_EVT_F_STE_FETCH, 0,
			 nowhere + (c->dev[0].sid >> split) * UINT64_C(8));
}

/* Nobody has attached anything: the level-2 table does not exist. */
static void
untouched(struct conf *c)
{
	uint64_t zero = 0;

	change_l1(c, zero);
	CONF_CHECK(c, conf_events(c) == 1, "one event for a stream that nobody knows");
	CONF_EQ(c, c->ev[0].f.kind, SLUICE_FAULT_CONFIG, "the kind of fault that the driver names");
}

/* A device that is up before its driver: the hardware may remember that there was no table. */
static void
late(struct conf *c)
{
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);
	uint64_t pa, iova;
	uint32_t *page = conf_mem(c, 4096, 4096, &pa);

	*page = 0x600dda7a;
	(void)conf_xfer(c, 0, pa, 4, true, 0);
	CONF_EQ(c, *page, 0x600dda7a, "memory after a write of a stream that nobody knows");
	if (c->has & CONF_NEED_2LVL) {
		CONF_CHECK(c, conf_events(c) == 1, "%u events, expected one", c->nb_ev);
		CONF_EQ(c, c->ev[0].f.kind, SLUICE_FAULT_CONFIG, "the kind of fault");
		c->nb_ev = 0;
	} else {
		conf_no_event(c); /* a linear table is there from the start, and aborts */
	}
	CONF_OK(c, sluice_map(dom, pa, 4096, SLUICE_RW, &iova));
	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	CONF_CHECK(c, conf_write(c, 0, iova, page), "a stream that was attached late");
	conf_no_event(c);
	CONF_OK(c, sluice_unmap(dom, iova, 4096));
}

static const struct conf_case cases[] = {
	{ "strtab.linear", "each stream of a linear table follows its own STE (§3.3.1)",
	  .args = "strtab=linear", .needs = CONF_NEED_LINEAR, .run = linear },
	{ "strtab.linear-smallest",
	  "a linear table may end right behind the stream (§6.3.25, "
	  "LOG2SIZE)",
	  .args = "strtab=linear", .needs = CONF_NEED_LINEAR, .run = linear_smallest },
	{ "strtab.linear-unaligned",
	  "bits of STRTAB_BASE below the linear table's size by LOG2SIZE are 0 (§6.3.24)",
	  .qemu10_deviates = "the uppermost of them counts (smmu_find_ste)", .args = "strtab=linear",
	  .needs = CONF_NEED_LINEAR, .run = unaligned_linear },
	{ "strtab.two-level-unaligned",
	  "bits of STRTAB_BASE below the size of level 1 by LOG2SIZE and SPLIT are 0 (§6.3.24)",
	  .qemu10_deviates = "the uppermost of them counts (smmu_find_ste)", .needs = CONF_NEED_2LVL,
	  .run = unaligned_2lvl },
	{ "strtab.linear-out-of-range",
	  "a StreamID at or above 2^LOG2SIZE is C_BAD_STREAMID (§7.3.3)", .args = "strtab=linear",
	  .needs = CONF_NEED_LINEAR, .run = linear_out_of_range },
	{ "strtab.recinvsid", "with CR2.RECINVSID=0 a bad StreamID is not recorded (§6.3.13)",
	  .qemu_deviates = "C_BAD_STREAMID is recorded whatever CR2 says (smmuv3_record_event)",
	  .args = "strtab=linear", .needs = CONF_NEED_LINEAR, .run = no_record },
	{ "strtab.linear-abort",
	  "a linear table where nothing answers is F_STE_FETCH with the STE's "
	  "address (§7.3.4)",
	  .args = "strtab=linear", .needs = CONF_NEED_LINEAR | CONF_NEED_MODEL,
	  .run = linear_abort },
	{ "strtab.two-level",
	  "each stream of a two-level table follows its own STE, and L2Ptr is "
	  "aligned to its span (§3.3.1.2, §5.1)",
	  .needs = CONF_NEED_2LVL, .run = two_levels_work },
	{ "strtab.split-6", "SPLIT=6: level 2 holds 64 STEs (§6.3.25)", .needs = CONF_NEED_2LVL,
	  .run = split_6 },
	{ "strtab.split-8", "SPLIT=8: level 2 holds 256 STEs (§6.3.25)", .needs = CONF_NEED_2LVL,
	  .run = split_8 },
	{ "strtab.split-10", "SPLIT=10: level 2 holds 1024 STEs (§6.3.25)", .needs = CONF_NEED_2LVL,
	  .run = split_10 },
	{ "strtab.span-0", "a level-1 descriptor with Span=0 is C_BAD_STREAMID (§5.1)",
	  .needs = CONF_NEED_2LVL, .run = span_0 },
	{ "strtab.span-reserved", "a reserved Span is as Span=0 (§5.1)",
	  .qemu10_deviates = "it is taken as a number like any other (smmu_find_ste)",
	  .needs = CONF_NEED_2LVL, .run = span_reserved },
	{ "strtab.past-span",
	  "a stream past its level-1 descriptor's Span is C_BAD_STREAMID (§5.1)",
	  .qemu_deviates = "it is C_BAD_STE (hw/arm/smmuv3.c, smmu_find_ste)",
	  .needs = CONF_NEED_2LVL, .run = past_span },
	{ "strtab.l2-abort",
	  "a level-2 table where nothing answers is F_STE_FETCH with the STE's "
	  "address (§7.3.4)",
	  .needs = CONF_NEED_2LVL | CONF_NEED_MODEL, .run = l2_abort },
	{ "strtab.l1-abort",
	  "a level-1 table where nothing answers is F_STE_FETCH with the "
	  "descriptor's address (§7.3.4)",
	  .needs = CONF_NEED_2LVL | CONF_NEED_MODEL, .run = l1_abort },
	{ "strtab.late",
	  "a stream that made DMA before it had a table works once it is attached (§3.21.1)",
	  .fresh = 1, .run = late },
	{ "strtab.untouched",
	  "a stream that nothing was ever attached to reaches nothing, and the "
	  "driver calls that a configuration fault",
	  .needs = CONF_NEED_2LVL, .run = untouched },
};

CONF_GROUP(strtab);
