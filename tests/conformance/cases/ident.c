/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Identification: what the registers promise hangs together, and the driver understood it.
 */
#include "../conf.h"

static void
idr0(struct conf *c)
{
	uint32_t r = c->hw.idr0;
	bool has[] = { c->info.caps & SLUICE_CAP_COHERENT, c->info.caps & SLUICE_CAP_SYNC_MSI };
	uint64_t endian = smmu_field_get(SMMU_IDR0_TTENDIAN, r);

	CONF_CHECK(c, r & (SMMU_IDR0_S1P | SMMU_IDR0_S2P), "IDR0 %#x: no stage at all", r);
	CONF_CHECK(c, smmu_field_get(SMMU_IDR0_TTF, r) & SMMU_IDR0_TTF_AARCH64,
		   "IDR0 %#x: no AArch64 tables", r);
	CONF_CHECK(c, endian != 1, "IDR0 %#x: TTENDIAN is reserved", r);
	CONF_EQ(c, has[0], !!(r & SMMU_IDR0_COHACC), "the driver's idea of COHACC");
	CONF_CHECK(c, !has[1] || (r & SMMU_IDR0_MSI), "SYNCs by MSI, and IDR0.MSI is 0");
	CONF_CHECK(c, !(r & SMMU_IDR0_PRI) || (r & SMMU_IDR0_ATS), "IDR0 %#x: PRI without ATS", r);
	CONF_CHECK(c, smmu_field_get(SMMU_IDR0_ST_LEVEL, r) <= 1, "IDR0 %#x: ST_LEVEL", r);
}

static void
idr1(struct conf *c)
{
	uint32_t r = c->hw.idr1;

	CONF_CHECK(c, c->hw.sid_bits <= 32, "IDR1 %#x: SIDSIZE", r);
	CONF_CHECK(c, smmu_field_get(SMMU_IDR1_SSIDSIZE, r) <= 20, "IDR1 %#x: SSIDSIZE", r);
	CONF_CHECK(c, smmu_field_get(SMMU_IDR1_CMDQS, r) <= SMMU_QS_MAX &&
			      smmu_field_get(SMMU_IDR1_EVENTQS, r) <= SMMU_QS_MAX,
		   "IDR1 %#x: queues beyond 2^19", r);
	CONF_CHECK(c, c->info.sid_bits <= c->hw.sid_bits,
		   "the driver covers %u StreamID bits of %u", c->info.sid_bits, c->hw.sid_bits);
	CONF_CHECK(c, c->info.cmdq_entries <= 1u << smmu_field_get(SMMU_IDR1_CMDQS, r),
		   "%u commands in a queue that may hold 2^%u", c->info.cmdq_entries,
		   (unsigned int)smmu_field_get(SMMU_IDR1_CMDQS, r));
	CONF_CHECK(c, c->info.evtq_entries <= 1u << smmu_field_get(SMMU_IDR1_EVENTQS, r),
		   "%u events in a queue that may hold 2^%u", c->info.evtq_entries,
		   (unsigned int)smmu_field_get(SMMU_IDR1_EVENTQS, r));
}

static void
two_levels(struct conf *c)
{
	CONF_CHECK(c, c->hw.sid_bits < 7 || smmu_field_get(SMMU_IDR0_ST_LEVEL, c->hw.idr0) == 1,
		   "%u StreamID bits and no two-level stream table", c->hw.sid_bits);
}

static void
idr5(struct conf *c)
{
	unsigned int code = (unsigned int)smmu_field_get(SMMU_IDR5_OAS, c->hw.idr5);

	CONF_CHECK(c, c->hw.idr5 & (SMMU_IDR5_GRAN4K | SMMU_IDR5_GRAN16K | SMMU_IDR5_GRAN64K),
		   "IDR5 %#x: no granule", c->hw.idr5);
	CONF_CHECK(c, code <= SMMU_OAS_52, "IDR5 %#x: OAS", c->hw.idr5);
	CONF_EQ(c, c->info.oas, code < SMMU_OAS_48 ? smmu_oas_bits(code) : 48,
		"the driver's output address size");
	CONF_CHECK(c, c->info.page_sizes & 4096, "the driver offers no 4 KiB pages");
}

static void
versions(struct conf *c)
{
	unsigned int minor = (unsigned int)smmu_field_get(SMMU_AIDR_ARCHMINOR, c->hw.aidr);

	CONF_EQ(c, smmu_field_get(SMMU_AIDR_ARCHMAJOR, c->hw.aidr), 0, "AIDR.ArchMajorRev");
	CONF_CHECK(c, minor <= 4, "AIDR %#x: a version that nobody knows", c->hw.aidr);
	/* HAD: bit 2; FWB: bit 8. */
	CONF_CHECK(c, minor < 1 || !(c->hw.idr0 & SMMU_IDR0_S1P) || (c->hw.idr3 >> 2 & 1),
		   "version 3.%u with stage 1 and without HAD", minor);
	CONF_CHECK(c, minor < 2 || (c->hw.idr3 >> 8 & 1), "version 3.%u without FWB", minor);
	CONF_CHECK(c, minor < 2 || (c->hw.idr3 & SMMU_IDR3_RIL),
		   "version 3.%u without range invalidation", minor);
	CONF_CHECK(c, minor < 2 || smmu_field_get(SMMU_IDR3_BBML, c->hw.idr3) != 0,
		   "version 3.%u with BBML 0", minor);
}

static void
ril_version(struct conf *c)
{
	unsigned int minor = (unsigned int)smmu_field_get(SMMU_AIDR_ARCHMINOR, c->hw.aidr);

	if (c->hw.qemu)
		CONF_EQ(c, minor, 1, "QEMU's AIDR.ArchMinorRev");
	else
		CONF_CHECK(c, minor >= 2, "range invalidation, and AIDR %#x", c->hw.aidr);
}

static void
hyp(struct conf *c)
{
	CONF_CHECK(c, c->hw.idr0 & SMMU_IDR0_HYP, "both stages, version 3.2, and IDR0.HYP is 0");
}

static void
hyp_alone(struct conf *c)
{
	uint32_t both = (uint32_t)(SMMU_IDR0_S1P | SMMU_IDR0_S2P);

	CONF_CHECK(c, !(c->hw.idr0 & SMMU_IDR0_HYP) || (c->hw.idr0 & both) == both,
		   "IDR0 %#x: HYP without both stages", c->hw.idr0);
}

/* NS1ATS (bit 11): of split-stage ATS, which takes ATS and both stages. */
static void
ns1ats(struct conf *c)
{
	uint32_t r = c->hw.idr0;

	CONF_CHECK(c, !(r >> 11 & 1) || ((r & SMMU_IDR0_ATS) && (r & 3) == 3),
		   "IDR0 %#x: NS1ATS where it is RES0", r);
}

static void
read_only(struct conf *c)
{
	static const uint32_t off[] = { SMMU_IDR0, SMMU_IDR1, SMMU_IDR2, SMMU_IDR3,
					SMMU_IDR5, SMMU_AIDR, SMMU_IIDR };

	for (unsigned int i = 0; i < CONF_DIM(off); i++) {
		uint32_t v = conf_reg(c, off[i]);

		conf_set_reg(c, off[i], ~v);
		CONF_CHECK(c, conf_reg(c, off[i]) == v, "register %#x was %#x, is %#x", off[i], v,
			   conf_reg(c, off[i]));
	}
}

/* The component's identification: class 0xF, "CoreLink, PrimeCell or system component". */
static void
component(struct conf *c)
{
	static const uint8_t cidr[4] = { 0x0d, 0xf0, 0x05, 0xb1 };

	for (unsigned int i = 0; i < 4; i++)
		CONF_EQ(c, conf_reg(c, 0xff0 + 4 * i) & 0xff, cidr[i], "CIDR");
}

static void
halves(struct conf *c)
{
	uint64_t v = conf_reg64(c, SMMU_CMDQ_BASE);

	CONF_EQ(c, conf_reg(c, SMMU_CMDQ_BASE), (uint32_t)v, "CMDQ_BASE, low half");
	CONF_EQ(c, conf_reg(c, SMMU_CMDQ_BASE + 4), v >> 32, "CMDQ_BASE, high half");
}

static const struct conf_case cases[] = {
	{ "ident.idr0",
	  "IDR0 offers a stage, AArch64 tables and nothing reserved, and the driver "
	  "reports the same coherence and MSIs (§6.3.1)",
	  .run = idr0 },
	{ "ident.idr1",
	  "StreamID and queue sizes are within the architecture's limits, and the "
	  "driver's queues within the hardware's (§6.3.2)",
	  .run = idr1 },
	{ "ident.two-levels",
	  "with 7 or more StreamID bits two-level stream tables are supported "
	  "(§6.3.1, ST_LEVEL)",
	  .run = two_levels },
	{ "ident.idr5",
	  "IDR5 offers a granule and an output size, and the driver reports that size "
	  "(§6.3.6)",
	  .run = idr5 },
	{ "ident.aidr",
	  "AIDR names version 3.x; from 3.1 on HAD comes with it, from 3.2 on FWB, RIL and BBML "
	  "(§6.3.8, §6.3.4)",
	  .run = versions },
	{ "ident.ril-version", "range invalidation is a feature of version 3.2 (§2.5)",
	  .qemu_deviates = "AIDR says 3.1 and IDR3.RIL is 1 (hw/arm/smmuv3.c, init of registers)",
	  .needs = CONF_NEED_RIL, .run = ril_version },
	{ "ident.hyp", "from version 3.2 on both stages come with the EL2 world (§2.5, IDR0.Hyp)",
	  .needs = CONF_NEED_NESTED | CONF_NEED_V32, .run = hyp },
	{ "ident.hyp-alone", "IDR0.Hyp is RES0 without both stages (§6.3.1)", .run = hyp_alone },
	{ "ident.ns1ats", "IDR0.NS1ATS is RES0 without ATS or without both stages (§6.3.1)",
	  .run = ns1ats },
	{ "ident.read-only", "identification registers ignore writes (§6.2)", .run = read_only },
	{ "ident.component", "CIDR0-3 read 0D F0 05 B1 (§6.3.70, ID_REGS)", .run = component },
	{ "ident.halves", "a 64-bit register reads the same as one access and as two halves (§6.2)",
	  .run = halves },
};

CONF_GROUP(ident);
