/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Context descriptors: every condition that makes one illegal (§5.4, "Validity of CD"), each alone
 * in an otherwise good one, and the fields that choose what becomes of a fault.
 */
#include "../conf.h"

#define IOVA UINT64_C(0x5000)

struct rig {
	struct conf_space s;
	void *page;
};

static void
make(struct conf *c, struct rig *r)
{
	r->page = conf_space_page(c, &r->s, IOVA, CONF_ASID, NULL);
	conf_space_attach(c, &r->s, 0);
	CONF_CHECK(c, conf_write(c, 0, IOVA, r->page), "a mapped page is not reached");
	conf_no_event(c);
}

/* The changed CD is told, and what it leads to is not cached any more. */
static void
change(struct conf *c, struct rig *r)
{
	conf_space_cd(&r->s);
	conf_cmd_ok(c, SMMU_CMD_CFGI_CD | smmu_field_prep(SMMU_CMD_0_SID, c->dev[0].sid),
		    SMMU_CFGI_1_LEAF);
	conf_tlbi_all(c);
}

/* Illegal as it is now; legal again with the word as it was. */
static void
illegal(struct conf *c, struct rig *r, unsigned int word, uint64_t was)
{
	change(c, r);
	CONF_CHECK(c, !conf_write(c, 0, IOVA, r->page), "an illegal CD translates");
	conf_config_event(c, SMMU_EVT_C_BAD_CD, 0);
	r->s.cd[word] = was;
	change(c, r);
	CONF_CHECK(c, conf_write(c, 0, IOVA, r->page), "a good CD after an illegal one");
	conf_no_event(c);
}

static void
bad_word0(struct conf *c, uint64_t clear, uint64_t put)
{
	struct rig r;
	uint64_t was;

	make(c, &r);
	was = r.s.cd[0];
	r.s.cd[0] = (was & ~clear) | put;
	illegal(c, &r, 0, was);
}

static void invalid(struct conf *c) { bad_word0(c, SMMU_CD_0_V, 0); }
static void aa32(struct conf *c) { bad_word0(c, SMMU_CD_0_AA64, 0); }
static void stall(struct conf *c) { bad_word0(c, 0, SMMU_CD_0_S); }
static void ha(struct conf *c) { bad_word0(c, 0, SMMU_CD_0_HA); }
static void hd(struct conf *c) { bad_word0(c, 0, SMMU_CD_0_HA | SMMU_CD_0_HD); }
static void endi(struct conf *c) { bad_word0(c, 0, SMMU_CD_0_ENDI); }
static void no_abort(struct conf *c) { bad_word0(c, SMMU_CD_0_A, 0); }

static void
t0sz_large(struct conf *c)
{
	bool stt = c->hw.idr3 & SMMU_IDR3_STT;

	bad_word0(c, SMMU_CD_0_T0SZ, smmu_field_prep(SMMU_CD_0_T0SZ, stt ? 49 : 40));
}

static void
t0sz_small(struct conf *c)
{
	bad_word0(c, SMMU_CD_0_T0SZ, smmu_field_prep(SMMU_CD_0_T0SZ, 11));
}

static void
t0sz_15(struct conf *c)
{
	if ((c->hw.idr5 & SMMU_IDR5_DS) != 0)
		conf_skip(c, "52-bit addresses with 4 KiB pages are there");
	bad_word0(c, SMMU_CD_0_T0SZ, smmu_field_prep(SMMU_CD_0_T0SZ, 15));
}

static void
tg0_reserved(struct conf *c)
{
	bad_word0(c, SMMU_CD_0_TG0, smmu_field_prep(SMMU_CD_0_TG0, 3));
}

static void
tg0_missing(struct conf *c)
{
	uint64_t code;

	if (!(c->hw.idr5 & SMMU_IDR5_GRAN64K))
		code = SMMU_CD_TG0_64K;
	else if (!(c->hw.idr5 & SMMU_IDR5_GRAN16K))
		code = SMMU_CD_TG0_16K;
	else
		conf_skip(c, "every granule is there");
	bad_word0(c, SMMU_CD_0_TG0, smmu_field_prep(SMMU_CD_0_TG0, code));
}

static void
tg1_reserved(struct conf *c)
{
	/* The upper half in use, with a good size, a good table and TG1 reserved. */
	struct rig r;
	uint64_t was;

	make(c, &r);
	was = r.s.cd[0];
	r.s.cd[2] = r.s.root_pa;
	r.s.cd[0] = (was & ~SMMU_CD_0_EPD1) | smmu_field_prep(SMMU_CD_0_T1SZ, 16) |
		    smmu_field_prep(SMMU_CD_0_TG1, 0);
	illegal(c, &r, 0, was);
}

static void
ttb_beyond_ips(struct conf *c)
{
	struct rig r;
	uint64_t was;

	make(c, &r);
	was = r.s.cd[0];
	/* IPS of 32 bits, TTB0 above. */
	r.s.cd[0] = was & ~SMMU_CD_0_IPS;
	r.s.cd[1] |= UINT64_C(1) << 33;
	change(c, &r);
	CONF_CHECK(c, !conf_write(c, 0, IOVA, r.page), "TTB0 beyond IPS translates");
	conf_config_event(c, SMMU_EVT_C_BAD_CD, 0);
}

static void
ips_capped(struct conf *c)
{
	struct rig r;

	make(c, &r);
	/* The next size up: 52 bits end QEMU 10 itself. */
	r.s.cd[0] = smmu_field_set(r.s.cd[0], SMMU_CD_0_IPS,
				   smmu_field_get(SMMU_IDR5_OAS, c->hw.idr5) + 1);
	change(c, &r);
	CONF_CHECK(c, conf_write(c, 0, IOVA, r.page), "an IPS beyond OAS is not capped");
	conf_no_event(c);
}

static void
epd_unchecked(struct conf *c)
{
	struct rig r;

	make(c, &r);
	/* The upper half is off: T1SZ 0, TG1 reserved, TTB1 out of range. */
	r.s.cd[0] = (r.s.cd[0] & ~(SMMU_CD_0_TG1 | SMMU_CD_0_T1SZ)) | SMMU_CD_0_EPD1;
	r.s.cd[2] = SMMU_CD_2_TTB1;
	change(c, &r);
	CONF_CHECK(c, conf_write(c, 0, IOVA, r.page), "a half that is off is checked");
	conf_no_event(c);
}

static void
epd0(struct conf *c)
{
	struct rig r;

	make(c, &r);
	r.s.cd[0] |= SMMU_CD_0_EPD0;
	change(c, &r);
	CONF_CHECK(c, !conf_write(c, 0, IOVA, r.page), "EPD0=1 translates");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, IOVA, false, 0);
}

static void
fetch_abort(struct conf *c)
{
	uint64_t nowhere = UINT64_C(1) << (c->hw.oas - 1), w[8];
	struct rig r;

	make(c, &r);
	conf_ste_s1(w, nowhere);
	conf_ste_set(c, 0, w);
	CONF_CHECK(c, !conf_write(c, 0, IOVA, r.page), "a CD that cannot be fetched translates");
	conf_fetch_event(c, SMMU_EVT_F_CD_FETCH, 0, nowhere);
}

static void
not_recorded(struct conf *c)
{
	struct rig r;

	make(c, &r);
	r.s.cd[0] &= ~SMMU_CD_0_R;
	change(c, &r);
	CONF_CHECK(c, !conf_write(c, 0, IOVA + 0x1000, r.page), "an unmapped page is reached");
	conf_no_event(c);
	r.s.cd[0] |= SMMU_CD_0_R;
	change(c, &r);
	CONF_CHECK(c, !conf_write(c, 0, IOVA + 0x1000, r.page), "an unmapped page is reached");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, IOVA + 0x1000, false, 0);
}

static void
raz_wi(struct conf *c)
{
	struct rig r;

	make(c, &r);
	r.s.cd[0] &= ~SMMU_CD_0_A;
	change(c, &r);
	CONF_CHECK(c, !conf_write(c, 0, IOVA + 0x1000, r.page), "an unmapped page is reached");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, IOVA + 0x1000, false, 0);
	CONF_CHECK(c, conf_write(c, 0, IOVA, r.page), "CD.A=0 stops a good access");
}

static void
asid_high(struct conf *c)
{
	struct conf_space s[2];
	void *page[2];

	/* Two ASIDs that differ in their upper half only are two. */
	for (unsigned int i = 0; i < 2; i++) {
		page[i] = conf_space_page(c, &s[i], IOVA, (uint16_t)(CONF_ASID | i << 12), NULL);
		conf_space_attach(c, &s[i], 0);
		CONF_EQ(c, conf_land(c, 0, IOVA, &page[0], i + 1), i, "the space that was used");
	}
	conf_space_attach(c, &s[0], 0);
	CONF_EQ(c, conf_land(c, 0, IOVA, page, 2), 0, "the space that was used");
	conf_no_event(c);
}

static const struct conf_case cases[] = {
	{ "cd.invalid", "V=0 is C_BAD_CD (§5.4)", .run = invalid },
	{ "cd.aa32", "AA64=0 over hardware with AArch64 tables only is C_BAD_CD (§5.4)",
	  .run = aa32 },
	{ "cd.stall", "S=1 without stalls (STALL_MODEL 1) is C_BAD_CD (§5.4)",
	  .needs = CONF_NEED_NO_STALL, .run = stall },
	{ "cd.ha", "HA=1 beyond IDR0.HTTU is C_BAD_CD (§5.4)", .needs = CONF_NEED_NO_HTTU,
	  .run = ha },
	{ "cd.hd", "HD=1 beyond IDR0.HTTU is C_BAD_CD (§5.4)", .needs = CONF_NEED_NO_HTTU,
	  .run = hd },
	{ "cd.endi",
	  "big-endian tables where only little-endian ones are offered are C_BAD_CD (§5.4)",
	  .run = endi },
	{ "cd.no-abort", "A=0 with TERM_MODEL=1 is C_BAD_CD (§5.4)", .needs = CONF_NEED_TERM,
	  .run = no_abort },
	{ "cd.t0sz-large", "T0SZ beyond 39 (48 with small tables) is C_BAD_CD (§5.4)",
	  .run = t0sz_large },
	{ "cd.t0sz-small", "T0SZ below 12 is C_BAD_CD (§5.4)", .run = t0sz_small },
	{ "cd.t0sz-15", "T0SZ 15 with 4 KiB pages and 48-bit addresses is C_BAD_CD (§5.4)",
	  .run = t0sz_15 },
	{ "cd.tg0-reserved", "a reserved TG0 is C_BAD_CD (§5.4)", .run = tg0_reserved },
	{ "cd.tg0-missing", "a granule that IDR5 does not offer is C_BAD_CD (§5.4)",
	  .run = tg0_missing },
	{ "cd.tg1-reserved", "a reserved TG1 is C_BAD_CD when the upper half is on (§5.4)",
	  .run = tg1_reserved },
	{ "cd.ttb-beyond-ips", "TTB0 beyond the effective IPS is C_BAD_CD (§5.4)",
	  .run = ttb_beyond_ips },
	{ "cd.ips-capped", "an IPS beyond OAS acts as OAS (§5.4)", .run = ips_capped },
	{ "cd.epd-unchecked", "fields of a half that is off are not checked (§5.4)",
	  .run = epd_unchecked },
	{ "cd.epd0", "EPD0=1: an access to the lower half is F_TRANSLATION (§5.4)", .run = epd0 },
	{ "cd.fetch-abort", "a CD where nothing answers is F_CD_FETCH with its address (§7.3.10)",
	  .qemu_deviates = "FetchAddr is in the word of InputAddr (smmuv3_record_event)",
	  .needs = CONF_NEED_MODEL, .run = fetch_abort },
	{ "cd.not-recorded",
	  "R=0: translation faults abort and are not recorded; R=1: they are (§5.5)",
	  .run = not_recorded },
	{ "cd.raz-wi", "A=0: a faulting write is ignored, and recorded (§5.5)",
	  .needs = CONF_NEED_RAZWI, .run = raz_wi },
	{ "cd.asid16", "ASIDs that differ in their upper eight bits are different ones (§5.4)",
	  .needs = CONF_NEED_ASID16, .run = asid_high },
};

CONF_GROUP(cd);
