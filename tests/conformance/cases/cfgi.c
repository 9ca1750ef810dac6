/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Configuration invalidation (§4.3): a changed STE or CD counts after its CFGI and SYNC at the
 * latest; each CFGI takes what it names, and on models that are known to cache leaves the rest.
 */
#include "../conf.h"

#define IOVA UINT64_C(0x5000)

struct rig {
	struct conf_space s[2];
	void *page[2];
};

/* Two spaces with the same address in them; device d uses space 0. */
static void
make(struct conf *c, struct rig *r, unsigned int nb_devs)
{
	for (unsigned int i = 0; i < 2; i++)
		r->page[i] = conf_space_page(c, &r->s[i], IOVA, (uint16_t)(CONF_ASID + i), NULL);
	for (unsigned int d = 0; d < nb_devs; d++) {
		conf_space_attach(c, &r->s[0], d);
		CONF_EQ(c, conf_land(c, d, IOVA, r->page, 2), 0, "where a write lands");
	}
}

/* The STE points to the other space; nothing is told. */
static void
repoint(struct conf *c, struct rig *r, unsigned int d)
{
	uint64_t w[8];

	conf_ste_s1(w, r->s[1].cd_pa);
	conf_ste_store(c, d, w);
}

static int
used(struct conf *c, struct rig *r, unsigned int d)
{
	return conf_land(c, d, IOVA, r->page, 2);
}

static uint64_t
sid(struct conf *c, unsigned int d)
{
	return smmu_field_prep(SMMU_CMD_0_SID, c->dev[d].sid);
}

static void
ste_cmd(struct conf *c, uint64_t w0, uint64_t w1, bool drops)
{
	struct rig r;

	make(c, &r, 1);
	repoint(c, &r, 0);
	conf_stale(c, c->hw.cfg, used(c, &r, 0) == 0, "the STE before its CFGI");
	conf_cmd_ok(c, w0, w1);
	if (drops)
		CONF_EQ(c, used(c, &r, 0), 1, "the space in use after the CFGI");
	else
		conf_stale(c, c->hw.cfg, used(c, &r, 0) == 0,
			   "the STE after another stream's CFGI");
	conf_no_event(c);
}

static void
by_ste(struct conf *c)
{
	ste_cmd(c, SMMU_CMD_CFGI_STE | sid(c, 0), SMMU_CFGI_1_LEAF, true);
}

static void
by_ste_nonleaf(struct conf *c)
{
	ste_cmd(c, SMMU_CMD_CFGI_STE | sid(c, 0), 0, true);
}

static void
by_all(struct conf *c)
{
	ste_cmd(c, SMMU_CMD_CFGI_STE_RANGE, SMMU_CFGI_RANGE_ALL, true);
}

static void
by_range(struct conf *c)
{
	uint64_t base = c->dev[0].sid & ~UINT32_C(15);

	ste_cmd(c, SMMU_CMD_CFGI_STE_RANGE | smmu_field_prep(SMMU_CMD_0_SID, base), 3, true);
}

static void
range_beside(struct conf *c)
{
	/* The 16 streams behind those of the device. */
	uint64_t base = (c->dev[0].sid & ~UINT32_C(15)) + 16;

	ste_cmd(c, SMMU_CMD_CFGI_STE_RANGE | smmu_field_prep(SMMU_CMD_0_SID, base), 3, false);
}

static void
other_stream(struct conf *c)
{
	ste_cmd(c, SMMU_CMD_CFGI_STE | smmu_field_prep(SMMU_CMD_0_SID, c->dev[0].sid ^ 0x10),
		SMMU_CFGI_1_LEAF, false);
}

static void
beyond_table(struct conf *c)
{
	ste_cmd(c, SMMU_CMD_CFGI_STE | smmu_field_prep(SMMU_CMD_0_SID, 0xfffffffe),
		SMMU_CFGI_1_LEAF, false);
}

static void
two_streams(struct conf *c)
{
	struct rig r;

	make(c, &r, 2);
	repoint(c, &r, 0);
	repoint(c, &r, 1);
	conf_cfgi_ste(c, 0);
	CONF_EQ(c, used(c, &r, 0), 1, "the space in use after the CFGI");
	conf_stale(c, c->hw.cfg, used(c, &r, 1) == 0, "another stream's STE");
	conf_cfgi_ste(c, 1);
	CONF_EQ(c, used(c, &r, 1), 1, "the space in use after its own CFGI");
}

static void
all_streams(struct conf *c)
{
	struct rig r;

	make(c, &r, 2);
	repoint(c, &r, 0);
	repoint(c, &r, 1);
	conf_cmd_ok(c, SMMU_CMD_CFGI_STE_RANGE, SMMU_CFGI_RANGE_ALL);
	CONF_EQ(c, used(c, &r, 0), 1, "the first stream's space after CFGI_ALL");
	CONF_EQ(c, used(c, &r, 1), 1, "the second stream's space after CFGI_ALL");
}

/* ---- context descriptors -------------------------------------------------------------------- */

/* The CD becomes that of the other space. */
static void
cd_cmd(struct conf *c, uint64_t w0, uint64_t w1)
{
	struct rig r;

	make(c, &r, 1);
	memcpy(r.s[0].cd, r.s[1].cd, sizeof(r.s[0].cd));
	conf_space_cd(&r.s[0]);
	conf_stale(c, c->hw.cfg, used(c, &r, 0) == 0, "the CD before its CFGI");
	conf_cmd_ok(c, w0, w1);
	CONF_EQ(c, used(c, &r, 0), 1, "the space in use after the CFGI");
	conf_no_event(c);
}

static void
by_cd(struct conf *c)
{
	cd_cmd(c, SMMU_CMD_CFGI_CD | sid(c, 0), SMMU_CFGI_1_LEAF);
}

static void
by_cd_all(struct conf *c)
{
	cd_cmd(c, SMMU_CMD_CFGI_CD_ALL | sid(c, 0), 0);
}

static void
cd_by_ste(struct conf *c)
{
	cd_cmd(c, SMMU_CMD_CFGI_STE | sid(c, 0), SMMU_CFGI_1_LEAF);
}

static void
cd_by_all(struct conf *c)
{
	cd_cmd(c, SMMU_CMD_CFGI_STE_RANGE, SMMU_CFGI_RANGE_ALL);
}

static void
shared_cd(struct conf *c)
{
	struct rig r;

	make(c, &r, 2);
	memcpy(r.s[0].cd, r.s[1].cd, sizeof(r.s[0].cd));
	conf_space_cd(&r.s[0]);
	conf_cmd_ok(c, SMMU_CMD_CFGI_CD | sid(c, 0), SMMU_CFGI_1_LEAF);
	CONF_EQ(c, used(c, &r, 0), 1, "the stream that was named");
	conf_stale(c, c->hw.cfg, used(c, &r, 1) == 0, "the CD as cached for the other stream");
	conf_cmd_ok(c, SMMU_CMD_CFGI_CD | sid(c, 1), SMMU_CFGI_1_LEAF);
	CONF_EQ(c, used(c, &r, 1), 1, "the other stream, named too");
}

/* ---- validity ------------------------------------------------------------------------------- */

static void
becomes_valid(struct conf *c)
{
	struct rig r;
	uint64_t zero[8] = { 0 }, w[8];
	int at;

	make(c, &r, 0);
	conf_ste_set(c, 0, zero);
	CONF_CHECK(c, used(c, &r, 0) < 0, "V=0 translates");
	conf_ste_s1(w, r.s[0].cd_pa);
	conf_ste_store(c, 0, w);
	at = used(c, &r, 0);
	if (c->hw.qemu)
		CONF_EQ(c, at, 0, "an STE that becomes valid on QEMU, which caches no invalid one");
	else
		conf_note(c, "invalid STE: %s", at == 0 ? "not cached" : "cached too");
	conf_cfgi_ste(c, 0);
	CONF_EQ(c, used(c, &r, 0), 0, "a valid STE after its CFGI");
}

static void
becomes_invalid(struct conf *c)
{
	struct rig r;
	uint64_t zero[8] = { 0 };

	make(c, &r, 1);
	conf_ste_store(c, 0, zero);
	conf_stale(c, c->hw.cfg, used(c, &r, 0) == 0, "the STE before its CFGI");
	conf_events(c);
	c->nb_ev = 0;
	conf_cfgi_ste(c, 0);
	CONF_CHECK(c, used(c, &r, 0) < 0, "V=0 translates");
	conf_config_event(c, SMMU_EVT_C_BAD_STE, 0);
}

static void
leaves_tlb(struct conf *c)
{
	struct rig r;
	uint64_t pa;
	void *place[2];

	make(c, &r, 1);
	place[0] = r.page[0];
	place[1] = conf_mem(c, 4096, 4096, &pa);
	conf_space_map(c, &r.s[0], IOVA, pa, 3);
	conf_cfgi_ste(c, 0);
	conf_stale(c, c->hw.tlb, conf_land(c, 0, IOVA, place, 2) == 0, "the translation");
	conf_tlbi_all(c);
	CONF_EQ(c, conf_land(c, 0, IOVA, place, 2), 1, "where a write lands after the TLBI");
}

static void
prefetch(struct conf *c)
{
	struct rig r;

	make(c, &r, 1);
	conf_cmd_ok(c, SMMU_CMD_PREFETCH_CONFIG | sid(c, 0), 0);
	conf_cmd_ok(c, SMMU_CMD_PREFETCH_CONFIG | smmu_field_prep(SMMU_CMD_0_SID, UINT32_MAX), 0);
	conf_cmd_ok(c, SMMU_CMD_PREFETCH_ADDR | sid(c, 0), IOVA);
	conf_cmd_ok(c, SMMU_CMD_PREFETCH_ADDR | sid(c, 0), IOVA + 0x10000000);
	CONF_EQ(c, used(c, &r, 0), 0, "the space in use");
	conf_no_event(c);
}

static const struct conf_case cases[] = {
	{ "cfgi.ste", "a changed STE counts after CFGI_STE, and before it may not (§4.3.1)",
	  .run = by_ste },
	{ "cfgi.ste-nonleaf", "CFGI_STE with Leaf=0 drops the STE as well (§4.3.1)",
	  .run = by_ste_nonleaf },
	{ "cfgi.range", "CFGI_STE_RANGE drops every STE of 2^(Range+1) streams (§4.3.2)",
	  .run = by_range },
	{ "cfgi.range-beside", "CFGI_STE_RANGE leaves streams beside its range (§4.3.2)",
	  .run = range_beside },
	{ "cfgi.all", "CFGI_ALL drops an STE (§4.3.2)", .run = by_all },
	{ "cfgi.other-stream", "CFGI_STE of another stream leaves the STE (§4.3.1)",
	  .run = other_stream },
	{ "cfgi.beyond-table",
	  "CFGI_STE of a stream beyond the table is no error and drops nothing "
	  "(§4.3)",
	  .run = beyond_table },
	{ "cfgi.two-streams", "each of two streams needs its own CFGI_STE (§4.3.1)",
	  .needs = CONF_NEED_DEV2, .run = two_streams },
	{ "cfgi.all-streams", "CFGI_ALL counts for every stream (§4.3.2)", .needs = CONF_NEED_DEV2,
	  .run = all_streams },
	{ "cfgi.cd", "a changed CD counts after CFGI_CD, and before it may not (§4.3.3)",
	  .run = by_cd },
	{ "cfgi.cd-all", "CFGI_CD_ALL drops the CDs of a stream (§4.3.4)", .run = by_cd_all },
	{ "cfgi.cd-by-ste", "CFGI_STE drops the stream's CDs (§4.3.1)", .run = cd_by_ste },
	{ "cfgi.cd-by-all", "CFGI_ALL drops CDs (§4.3.2)", .run = cd_by_all },
	{ "cfgi.shared-cd", "a CD that two streams share is told for each of them (§4.3.3)",
	  .needs = CONF_NEED_DEV2, .run = shared_cd },
	{ "cfgi.becomes-valid",
	  "an STE that becomes valid counts after its CFGI (§3.21.1: an invalid "
	  "one may be cached)",
	  .run = becomes_valid },
	{ "cfgi.becomes-invalid",
	  "an STE that becomes invalid stops translation after its CFGI "
	  "(§3.21.1)",
	  .run = becomes_invalid },
	{ "cfgi.leaves-tlb", "CFGI leaves translations, TLBI drops them (§4.3)",
	  .run = leaves_tlb },
	{ "cfgi.prefetch",
	  "prefetches, also of what does not exist, change nothing and report nothing "
	  "(§4.2)",
	  .run = prefetch },
};

CONF_GROUP(cfgi);
