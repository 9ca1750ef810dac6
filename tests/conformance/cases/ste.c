/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stream table entries: what each Config does, and which entries are illegal (§5.2).
 */
#include "../conf.h"

/* With this STE a write to @p iova, which is mapped and is memory too, is refused. */
static void
refused(struct conf *c, const uint64_t w[8], uint64_t iova, void *page)
{
	conf_ste_set(c, 0, w);
	CONF_CHECK(c, !conf_write(c, 0, iova, page), "STE %#" PRIx64 " %#" PRIx64
		   " lets a write through", w[0], w[1]);
}

static void
bad_ste(struct conf *c, const uint64_t w[8])
{
	struct conf_space s;
	void *page = conf_space_page(c, &s, 0x5000, CONF_ASID, NULL);
	uint64_t own[8];

	/* The context pointer is a good one, so that nothing else is wrong. */
	memcpy(own, w, sizeof(own));
	if ((own[0] & SMMU_STE_0_S1CONTEXTPTR) == 0)
		own[0] |= s.cd_pa;
	refused(c, own, 0x5000, page);
	conf_config_event(c, SMMU_EVT_C_BAD_STE, 0);
	/* And it recovers. */
	conf_space_attach(c, &s, 0);
	CONF_CHECK(c, conf_write(c, 0, 0x5000, page), "a good STE after a bad one");
	conf_no_event(c);
}

static void
invalid(struct conf *c)
{
	uint64_t w[8];

	conf_ste_s1(w, 0);
	w[0] &= ~SMMU_STE_0_V;
	bad_ste(c, w);
}

static void
all_zero(struct conf *c)
{
	uint64_t pa, w[8] = { 0 };
	void *page = conf_mem(c, 4096, 4096, &pa);

	refused(c, w, pa, page);
	conf_config_event(c, SMMU_EVT_C_BAD_STE, 0);
}

static void
abort_config(struct conf *c, uint64_t config)
{
	uint64_t pa, w[8];
	void *page = conf_mem(c, 4096, 4096, &pa);

	conf_ste_abort(w);
	w[0] |= smmu_field_prep(SMMU_STE_0_CONFIG, config);
	refused(c, w, pa, page);
	conf_no_event(c);
}

static void abort_0(struct conf *c) { abort_config(c, 0); }
static void abort_1(struct conf *c) { abort_config(c, 1); }
static void abort_2(struct conf *c) { abort_config(c, 2); }
static void abort_3(struct conf *c) { abort_config(c, 3); }

static void
bypass(struct conf *c)
{
	uint64_t pa, w[8];
	void *page = conf_mem(c, 4096, 4096, &pa);

	conf_ste_bypass(w);
	conf_ste_set(c, 0, w);
	CONF_CHECK(c, conf_write(c, 0, pa + 0x128, (uint8_t *)page + 0x128),
		   "bypass stops a write");
	conf_no_event(c);
}

static void
bypass_read(struct conf *c)
{
	uint64_t pa, w[8];
	uint8_t *page = conf_mem(c, 4096, 4096, &pa);

	conf_ste_bypass(w);
	conf_ste_set(c, 0, w);
	CONF_CHECK(c, conf_read(c, 0, pa + 0xffc, page + 0xffc), "bypass stops a read");
	conf_no_event(c);
}

static void
bypass_beyond_oas(struct conf *c)
{
	uint64_t pa, w[8], iova;
	void *page = conf_mem(c, 4096, 4096, &pa);

	/* The same low bits as memory, one bit beyond the output size. */
	iova = pa | UINT64_C(1) << c->hw.oas;
	conf_ste_bypass(w);
	conf_ste_set(c, 0, w);
	CONF_CHECK(c, !conf_write(c, 0, iova, page), "an address beyond OAS is cut to size");
	if (c->hw.qemu)
		conf_no_event(c);
	else
		conf_fault_event(c, SMMU_EVT_F_ADDR_SIZE, 0, iova, false, 0);
}

static void
stage1(struct conf *c)
{
	struct conf_space s;
	uint8_t *page = conf_space_page(c, &s, 0x123456789000, CONF_ASID, NULL);

	conf_space_attach(c, &s, 0);
	CONF_CHECK(c, conf_write(c, 0, 0x123456789abc, page + 0xabc),
		   "a mapped page is not reached");
	conf_no_event(c);
}

static void
no_stage2(struct conf *c, uint64_t config)
{
	uint64_t w[8];

	conf_ste_s1(w, 0);
	w[0] = (w[0] & ~SMMU_STE_0_CONFIG) | smmu_field_prep(SMMU_STE_0_CONFIG, config);
	/* As stage 2 would want it, so that only its absence is wrong. */
	w[2] = smmu_field_prep(SMMU_STE_2_S2VMID, 1) | smmu_field_prep(SMMU_STE_2_S2T0SZ, 24) |
	       smmu_field_prep(SMMU_STE_2_S2SL0, 1) | SMMU_STE_2_S2AA64 | SMMU_STE_2_S2R |
	       smmu_field_prep(SMMU_STE_2_S2PS, c->hw.idr5 & SMMU_IDR5_OAS);
	bad_ste(c, w);
}

static void no_s2(struct conf *c) { no_stage2(c, SMMU_STE_CONFIG_S2); }
static void no_nested(struct conf *c) { no_stage2(c, SMMU_STE_CONFIG_NESTED); }

/* S1CDMax, bits 63:59, and what goes with it: one context descriptor all the same. */
static void
cdmax(struct conf *c)
{
	static const uint64_t max[] = { 1, 6, 20, 31 };
	struct conf_space s;
	void *page = conf_space_page(c, &s, 0x5000, CONF_ASID, NULL);
	uint64_t w[8];

	if (c->hw.qemu) {
		conf_ste_s1(w, UINT64_C(1) << 59);
		bad_ste(c, w);
		return;
	}
	for (unsigned int i = 0; i < CONF_DIM(max); i++) {
		conf_ste_s1(w, s.cd_pa | max[i] << 59);
		w[1] |= i; /* S1DSS: terminate, bypass, CD 0, reserved */
		conf_ste_set(c, 0, w);
		CONF_CHECK(c, conf_write(c, 0, 0x5000, page), "S1CDMax %" PRIu64 " matters",
			   max[i]);
		conf_no_event(c);
	}
}

static void
stalld(struct conf *c)
{
	uint64_t w[8];

	conf_ste_s1(w, 0);
	w[1] |= SMMU_STE_1_S1STALLD;
	bad_ste(c, w);
}

static void
cdptr_beyond_oas(struct conf *c)
{
	uint64_t w[8], ptr = UINT64_C(1) << c->hw.oas;

	if (c->hw.oas >= 52)
		conf_skip(c, "S1ContextPtr cannot be beyond %u bits", c->hw.oas);
	conf_ste_s1(w, ptr);
	if (c->hw.qemu) {
		struct conf_space s;
		void *page = conf_space_page(c, &s, 0x5000, CONF_ASID, NULL);

		refused(c, w, 0x5000, page);
		conf_fetch_event(c, SMMU_EVT_F_CD_FETCH, 0, ptr);
		return;
	}
	bad_ste(c, w);
}

/* Bits that a stage 1 STE does not look at, all set. */
static void
ignored(struct conf *c)
{
	struct conf_space s;
	void *page = conf_space_page(c, &s, 0x5000, CONF_ASID, NULL);
	uint64_t w[8];

	conf_ste_s1(w, s.cd_pa);
	w[0] |= smmu_field_prep(SMMU_STE_0_S1FMT, SMMU_STE_S1FMT_4K_L2);
	w[1] |= smmu_field_prep(SMMU_STE_1_S1DSS, SMMU_STE_S1DSS_SSID0) | SMMU_STE_1_MEV |
		UINT64_C(0xf) << 20; /* SW */
	conf_ste_set(c, 0, w);
	CONF_CHECK(c, conf_write(c, 0, 0x5000, page), "fields that S1CDMax=0 makes IGNORED matter");
	conf_no_event(c);
}

static void
abort_ignores(struct conf *c)
{
	uint64_t pa, w[8];
	void *page = conf_mem(c, 4096, 4096, &pa);

	memset(w, 0xff, sizeof(w));
	w[0] = (w[0] & ~SMMU_STE_0_CONFIG) | SMMU_STE_0_V;
	refused(c, w, pa, page);
	conf_no_event(c);
}

static const struct conf_case cases[] = {
	{ "ste.invalid", "V=0 is C_BAD_STE, whatever else the STE says (§5.2)", .run = invalid },
	{ "ste.zero", "a zeroed STE is C_BAD_STE (§5.2)", .run = all_zero },
	{ "ste.config-000", "Config 0b000 aborts and records nothing (§5.2)", .run = abort_0 },
	{ "ste.config-001", "Config 0b001 is as 0b000: bit 2 decides (§5.2)", .run = abort_1 },
	{ "ste.config-010", "Config 0b010 is as 0b000 (§5.2)", .run = abort_2 },
	{ "ste.config-011", "Config 0b011 is as 0b000 (§5.2)", .run = abort_3 },
	{ "ste.bypass", "Config 0b100 passes a write untranslated (§5.2)", .run = bypass },
	{ "ste.bypass-read", "Config 0b100 passes a read untranslated (§5.2)",
	  .needs = CONF_NEED_READS, .run = bypass_read },
	{ "ste.bypass-beyond-oas", "a bypassing address beyond OAS is F_ADDR_SIZE (§3.4)",
	  .qemu_deviates = "it aborts on the bus without an event: bypass checks no size",
	  .needs = CONF_NEED_MODEL, .run = bypass_beyond_oas },
	{ "ste.stage1", "Config 0b101 translates at stage 1 (§5.2)", .needs = CONF_NEED_S1,
	  .run = stage1 },
	{ "ste.no-stage2", "Config 0b110 without IDR0.S2P is C_BAD_STE (§5.2)",
	  .needs = CONF_NEED_NO_S2, .run = no_s2 },
	{ "ste.no-nested", "Config 0b111 without IDR0.S2P is C_BAD_STE (§5.2)",
	  .needs = CONF_NEED_NO_S2, .run = no_nested },
	{ "ste.cdmax", "with IDR1.SSIDSIZE=0 S1CDMax and S1DSS are IGNORED (§5.2)",
	  .qemu_deviates = "S1CDMax other than 0 is C_BAD_STE (decode_ste)",
	  .needs = CONF_NEED_NO_SSID | CONF_NEED_S1, .run = cdmax },
	{ "ste.stalld", "S1STALLD without stalls (STALL_MODEL 1) is C_BAD_STE (§5.2)",
	  .needs = CONF_NEED_NO_STALL, .run = stalld },
	{ "ste.cdptr-beyond-oas", "S1ContextPtr beyond OAS is C_BAD_STE (§5.2)",
	  .qemu_deviates = "the CD is fetched, and F_CD_FETCH recorded (no check in decode_ste)",
	  .needs = CONF_NEED_S1 | CONF_NEED_MODEL, .run = cdptr_beyond_oas },
	{ "ste.ignored", "without substreams S1Fmt and S1DSS are IGNORED, as is SW (§5.2)",
	  .needs = CONF_NEED_S1, .run = ignored },
	{ "ste.abort-ignores-all", "an aborting STE's other fields do not matter (§5.2)",
	  .run = abort_ignores },
};

CONF_GROUP(ste);
