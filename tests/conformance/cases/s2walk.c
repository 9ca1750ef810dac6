/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stage 2 alone: tables of every granule and shape, permissions, which STEs are legal.
 */
#include "../conf.h"

#define IPA UINT64_C(0x12340000)

/* A page that is reached through a leaf at @p level, and nothing beside it. */
static void
reaches(struct conf *c, unsigned int granule, unsigned int bits, unsigned int start,
	unsigned int level)
{
	uint64_t pa, ipa, size;
	struct conf_s2 s;
	uint8_t *page = conf_mem(c, 65536, 65536, &pa);

	conf_s2_make(c, &s, granule, bits, start);
	size = UINT64_C(1) << conf_s2_shift(&s, level);
	/* In the last leaf but one of the input range, at the page's own offset. */
	ipa = (UINT64_C(1) << bits) - 2 * size + (pa & (size - 1)) + (granule > 12 ? 0x3000 : 0);
	page += granule > 12 ? 0x3000 : 0;
	conf_s2_map(c, &s, ipa, pa, level);
	conf_s2_attach(c, &s, 0);
	CONF_CHECK(c, conf_write(c, 0, ipa + 0x128, page + 0x128),
		   "granule %u, %u bits, from level %u: a leaf at level %u is not reached",
		   1u << granule, bits, start, level);
	conf_no_event(c);
	CONF_CHECK(c, !conf_write(c, 0, ipa + size, page), "what follows a leaf is reached");
	conf_s2_event(c, SMMU_EVT_F_TRANSLATION, 0, ipa + size, false, SMMU_EVT_CLASS_IN,
		      ipa + size);
	conf_s2_tlbi(c, &s);
}

static void
granule_4k(struct conf *c)
{
	reaches(c, 12, c->hw.oas < 40 ? c->hw.oas : 39, 1, 3);
	reaches(c, 12, 34, 1, 2);
	reaches(c, 12, 39, 1, 1);
	reaches(c, 12, 30, 2, 3);
	if (c->hw.oas >= 44)
		reaches(c, 12, 44, 0, 3);
}

static void
granule_16k(struct conf *c)
{
	reaches(c, 14, 36, 2, 3);
	reaches(c, 14, 33, 2, 2);
	reaches(c, 14, 25, 3, 3);
	if (c->hw.oas >= 42)
		reaches(c, 14, 42, 1, 3);
}

static void
granule_64k(struct conf *c)
{
	reaches(c, 16, 40, 2, 3);
	reaches(c, 16, 36, 2, 2);
	reaches(c, 16, 29, 3, 3);
	if (c->hw.oas >= 44)
		reaches(c, 16, 44, 1, 3);
}

/* Two tables at level 1: an address in the second, the first has nothing. */
static void
side_by_side(struct conf *c)
{
	uint64_t pa, ipa = UINT64_C(1) << 39 | IPA;
	struct conf_s2 s;
	void *page = conf_mem(c, 4096, 4096, &pa);

	conf_s2_make(c, &s, 12, 40, 1);
	conf_s2_map(c, &s, ipa, pa, 3);
	conf_s2_attach(c, &s, 0);
	CONF_EQ(c, conf_write(c, 0, ipa, page), !c->hw.qemu, "the second table is used");
	if (!c->hw.qemu)
		conf_no_event(c);
	conf_events(c);
	c->nb_ev = 0;
}

static void
beyond_t0sz(struct conf *c)
{
	uint64_t pa, last = (UINT64_C(1) << 36) - 4096, beyond = UINT64_C(1) << 36 | IPA;
	struct conf_s2 s;
	void *page = conf_mem(c, 4096, 4096, &pa);

	conf_s2_make(c, &s, 12, 36, 1);
	conf_s2_map(c, &s, last, pa, 3);
	conf_s2_map(c, &s, IPA, pa, 3);
	conf_s2_attach(c, &s, 0);
	CONF_CHECK(c, conf_write(c, 0, last, page), "the last page is not reached");
	CONF_CHECK(c, !conf_write(c, 0, beyond, page), "a page beyond 2^(64 - S2T0SZ) is reached");
	conf_s2_event(c, SMMU_EVT_F_TRANSLATION, 0, beyond, false, SMMU_EVT_CLASS_IN, beyond);
}

static void
beyond_ias(struct conf *c)
{
	const uint64_t none[4] = { 0, 0, 0, SMMU_EVT_3_IPA };
	uint64_t pa, iova = UINT64_C(1) << c->hw.oas | IPA;
	uint64_t want[4] = {
		smmu_field_prep(SMMU_EVT_0_ID, SMMU_EVT_F_ADDR_SIZE) |
			smmu_field_prep(SMMU_EVT_0_SID, c->dev[0].sid),
		smmu_field_prep(SMMU_EVT_1_CLASS, SMMU_EVT_CLASS_IN), iova, 0,
	};
	struct conf_s2 s;
	void *page = conf_mem(c, 4096, 4096, &pa);

	conf_s2_make(c, &s, 12, 36, 1);
	conf_s2_map(c, &s, IPA, pa, 3);
	conf_s2_attach(c, &s, 0);
	CONF_CHECK(c, !conf_write(c, 0, iova, page), "an address beyond IAS is reached");
	if (c->hw.qemu)
		conf_no_event(c);
	else
		conf_one_event(c, want, none);
}

/* One leaf with other bits: which accesses get through? */
static void
permissions(struct conf *c, unsigned int s2ap)
{
	uint64_t pa;
	struct conf_s2 s;
	void *page = conf_mem(c, 4096, 4096, &pa);
	bool read = s2ap & 1, write = s2ap & 2;

	conf_s2_make(c, &s, 12, 36, 1);
	conf_pte(conf_s2_desc(c, &s, IPA, 3),
		 (conf_s2_leaf(&s, pa, 3) & ~(UINT64_C(3) << 6)) | (uint64_t)s2ap << 6);
	conf_dma_load(c, 0);
	conf_s2_attach(c, &s, 0);
	CONF_EQ(c, conf_read(c, 0, IPA, page), read, "a read gets through");
	if (read)
		conf_no_event(c);
	else
		conf_s2_event(c, SMMU_EVT_F_PERMISSION, 0, IPA, true, SMMU_EVT_CLASS_IN, IPA);
	conf_s2_tlbi(c, &s);
	CONF_EQ(c, conf_write(c, 0, IPA, page), write, "a write gets through");
	if (write)
		conf_no_event(c);
	else
		conf_s2_event(c, SMMU_EVT_F_PERMISSION, 0, IPA, false, SMMU_EVT_CLASS_IN, IPA);
}

static void no_access(struct conf *c) { permissions(c, 0); }
static void read_only(struct conf *c) { permissions(c, 1); }
static void write_only(struct conf *c) { permissions(c, 2); }

static void
affd(struct conf *c)
{
	uint64_t pa;
	struct conf_s2 s;
	void *page = conf_mem(c, 4096, 4096, &pa);

	conf_s2_make(c, &s, 12, 36, 1);
	s.w2 |= SMMU_STE_2_S2AFFD;
	conf_pte(conf_s2_desc(c, &s, IPA, 3), conf_s2_leaf(&s, pa, 3) & ~SMMU_TTD_AF);
	conf_s2_attach(c, &s, 0);
	CONF_CHECK(c, conf_write(c, 0, IPA, page), "AF=0 faults although S2AFFD is 1");
	conf_no_event(c);
}

static void
no_record(struct conf *c)
{
	uint64_t pa;
	struct conf_s2 s;
	void *page = conf_mem(c, 4096, 4096, &pa);

	conf_s2_make(c, &s, 12, 36, 1);
	s.w2 &= ~SMMU_STE_2_S2R;
	conf_s2_map(c, &s, IPA, pa, 3);
	conf_s2_attach(c, &s, 0);
	CONF_CHECK(c, !conf_write(c, 0, IPA + 4096, page), "an unmapped page is reached");
	conf_no_event(c);
}

/* What a page, or a table, leads to is beyond S2PS. */
static void
beyond_ps(struct conf *c, bool table)
{
	uint64_t pa, far = UINT64_C(1) << 36;
	struct conf_s2 s;
	void *page = conf_mem(c, 4096, 4096, &pa);

	conf_s2_make(c, &s, 12, 36, 1);
	s.w2 = smmu_field_set(s.w2, SMMU_STE_2_S2PS, SMMU_OAS_36);
	if (table)
		conf_pte(conf_s2_desc(c, &s, IPA, 2), far | SMMU_TTD_TYPE_TABLE);
	else
		conf_s2_map(c, &s, IPA, far | pa, 3);
	conf_s2_attach(c, &s, 0);
	CONF_CHECK(c, !conf_write(c, 0, IPA, page), "something beyond S2PS is reached");
	if (table && c->hw.qemu)
		conf_s2_event(c, SMMU_EVT_F_WALK_EABT, 0, IPA, false, SMMU_EVT_CLASS_IN,
			      far + ((IPA >> 12) & 511) * 8);
	else
		conf_s2_event(c, SMMU_EVT_F_ADDR_SIZE, 0, IPA, false, SMMU_EVT_CLASS_IN, IPA);
}

static void page_beyond_ps(struct conf *c) { beyond_ps(c, false); }
static void table_beyond_ps(struct conf *c) { beyond_ps(c, true); }

static void
table_abort(struct conf *c)
{
	uint64_t pa, hole = UINT64_C(0x200000000);
	struct conf_s2 s;
	void *page = conf_mem(c, 4096, 4096, &pa);

	conf_s2_make(c, &s, 12, 36, 1);
	conf_pte(conf_s2_desc(c, &s, IPA, 2), hole | SMMU_TTD_TYPE_TABLE);
	conf_s2_attach(c, &s, 0);
	CONF_CHECK(c, !conf_write(c, 0, IPA, page), "a page behind nothing is reached");
	conf_s2_event(c, SMMU_EVT_F_WALK_EABT, 0, IPA, false, SMMU_EVT_CLASS_IN,
		      hole + ((IPA >> 12) & 511) * 8);
}

/* ---- which STEs are legal (§5.2) ------------------------------------------------------------- */

static void
illegal(struct conf *c, const struct conf_s2 *s, const char *what)
{
	uint64_t pa;
	void *page = conf_mem(c, 4096, 4096, &pa);

	conf_s2_attach(c, s, 0);
	CONF_CHECK(c, !conf_write(c, 0, IPA, page), "%s: a page is reached", what);
	conf_config_event(c, SMMU_EVT_C_BAD_STE, 0);
}

static void
fields(struct conf *c, uint64_t mask, const uint8_t *v, unsigned int n, const char *what)
{
	struct conf_s2 s;
	uint64_t good;

	conf_s2_make(c, &s, 12, 36, 1);
	good = s.w2;
	for (unsigned int i = 0; i < n; i++) {
		s.w2 = smmu_field_set(good, mask, v[i]);
		illegal(c, &s, what);
	}
}

static void
bad_t0sz(struct conf *c)
{
	/* From level 1 these have another reason as well: 2^43 is the most, 2^31 the least. */
	const uint8_t v[] = { 0, 15, (uint8_t)(63 - c->hw.oas), 40, 63 };

	fields(c, SMMU_STE_2_S2T0SZ, v, CONF_DIM(v), "S2T0SZ out of range");
}

static void
bad_sl0(struct conf *c)
{
	/* 36 bits from level 2 would be 64 tables side by side; level 3 of 4 KiB needs STT. */
	static const uint8_t v[] = { 0, 3 };

	fields(c, SMMU_STE_2_S2SL0, v, CONF_DIM(v), "S2SL0 that does not fit");
}

static void
early_sl0(struct conf *c)
{
	static const uint8_t v[] = { 2 };
	struct conf_s2 s;

	if (!c->hw.qemu) {
		fields(c, SMMU_STE_2_S2SL0, v, 1, "36 bits from level 0");
		return;
	}
	conf_s2_make(c, &s, 12, 36, 1);
	s.w2 = smmu_field_set(s.w2, SMMU_STE_2_S2SL0, 2);
	conf_s2_attach(c, &s, 0);
	CONF_CHECK(c, !conf_write(c, 0, IPA, c->scratch), "an unmapped page is reached");
	conf_s2_event(c, SMMU_EVT_F_TRANSLATION, 0, IPA, false, SMMU_EVT_CLASS_IN, IPA);
}

static void
bad_tg(struct conf *c)
{
	static const uint8_t v[] = { 3 };

	fields(c, SMMU_STE_2_S2TG, v, CONF_DIM(v), "a reserved S2TG");
}

static void
bad_s2s(struct conf *c)
{
	static const uint8_t v[] = { 1 };

	fields(c, SMMU_STE_2_S2S, v, CONF_DIM(v), "S2S");
}

static void
ttb_beyond_ps(struct conf *c)
{
	struct conf_s2 s;

	conf_s2_make(c, &s, 12, 32, 1);
	s.w2 = smmu_field_set(s.w2, SMMU_STE_2_S2PS, SMMU_OAS_32);
	s.root_pa |= UINT64_C(1) << 32;
	illegal(c, &s, "S2TTB beyond S2PS");
}

static const struct conf_case cases[] = {
	{ "s2walk.4k",
	  "stage 2 of 4 KiB: pages, 2 MiB, 1 GiB, from levels 0 to 2 (§5.2; DDI 0487 D8)",
	  .qemu_deviates = "bits 11:0 of word 3 hold the offset in the page", .needs = CONF_NEED_S2,
	  .run = granule_4k },
	{ "s2walk.16k", "… of 16 KiB: pages, 32 MiB, from levels 1 to 3 (§5.2; DDI 0487 D8)",
	  .needs = CONF_NEED_S2 | CONF_NEED_16K, .run = granule_16k },
	{ "s2walk.64k", "… of 64 KiB: pages, 512 MiB, from levels 1 to 3 (§5.2; DDI 0487 D8)",
	  .needs = CONF_NEED_S2 | CONF_NEED_64K, .run = granule_64k },
	{ "s2walk.side-by-side",
	  "40 bits of 4 KiB pages from level 1 are two tables side by side (DDI 0487 D8.2)",
	  .qemu_deviates = "the first serves for all (smmu_ptw_64_s2)", .needs = CONF_NEED_S2,
	  .run = side_by_side },
	{ "s2walk.t0sz", "an IPA beyond 2^(64 - S2T0SZ) is F_TRANSLATION of stage 2 (§3.4)",
	  .needs = CONF_NEED_S2, .run = beyond_t0sz },
	{ "s2walk.ias", "an address beyond IAS is F_ADDR_SIZE with S2=0 (§3.4, §7.3.13)",
	  .qemu_deviates = "it is not recorded (there is no CD.R that says so)",
	  .needs = CONF_NEED_S2, .run = beyond_ias },
	{ "s2walk.no-access", "S2AP=0b00 lets neither reads nor writes through (DDI 0487 D8.4)",
	  .needs = CONF_NEED_S2 | CONF_NEED_READS, .run = no_access },
	{ "s2walk.read-only", "S2AP=0b01 lets reads through, not writes (DDI 0487 D8.4)",
	  .needs = CONF_NEED_S2 | CONF_NEED_READS, .run = read_only },
	{ "s2walk.write-only", "S2AP=0b10 lets writes through, not reads (DDI 0487 D8.4)",
	  .needs = CONF_NEED_S2 | CONF_NEED_READS, .run = write_only },
	{ "s2walk.affd", "with S2AFFD=1 a page with AF=0 does not fault (§5.2)",
	  .needs = CONF_NEED_S2, .run = affd },
	{ "s2walk.no-record", "with S2R=0 a fault of stage 2 is not recorded (§5.5)",
	  .needs = CONF_NEED_S2, .run = no_record },
	{ "s2walk.ps", "a page beyond S2PS is F_ADDR_SIZE of stage 2 (§3.4)",
	  .needs = CONF_NEED_S2, .run = page_beyond_ps },
	{ "s2walk.table-ps", "so is a table beyond S2PS (§3.4)",
	  .qemu_deviates = "it is fetched: F_WALK_EABT", .needs = CONF_NEED_S2 | CONF_NEED_MODEL,
	  .run = table_beyond_ps },
	{ "s2walk.table-abort",
	  "a table where nothing answers is F_WALK_EABT with S2=1, CLASS IN and the descriptor's "
	  "address (§7.3.11)", .needs = CONF_NEED_S2 | CONF_NEED_MODEL, .run = table_abort },
	{ "s2walk.bad-t0sz", "S2T0SZ out of range is C_BAD_STE (§5.2, SMMUv3.1 on)",
	  .needs = CONF_NEED_S2, .run = bad_t0sz },
	{ "s2walk.bad-sl0", "S2SL0 that needs more than 16 tables, or STT, is C_BAD_STE (§5.2)",
	  .needs = CONF_NEED_S2, .run = bad_sl0 },
	{ "s2walk.early-sl0",
	  "S2SL0 that begins above the input's bits is C_BAD_STE (§5.2; DDI 0487, "
	  "AArch64.S2InconsistentSL)", .qemu_deviates = "it is walked (s2_pgtable_config_valid)",
	  .needs = CONF_NEED_S2, .run = early_sl0 },
	{ "s2walk.bad-tg", "a reserved S2TG is C_BAD_STE (§5.2)", .needs = CONF_NEED_S2,
	  .run = bad_tg },
	{ "s2walk.bad-s2s", "S2S without stalls (STALL_MODEL 1) is C_BAD_STE (§5.5)",
	  .needs = CONF_NEED_S2 | CONF_NEED_NO_STALL, .run = bad_s2s },
	{ "s2walk.ttb-beyond-ps", "S2TTB beyond S2PS is C_BAD_STE (§5.2)", .needs = CONF_NEED_S2,
	  .run = ttb_beyond_ps },
};

CONF_GROUP(s2walk);
