/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Changing what a stream uses while it uses it (§3.21.3): how often the hardware is told, exactly,
 * and that a running DMA sees the old or the new, and nothing else.
 */
#include "../conf.h"

static void
changed(struct conf *c, enum sluice_raw_entry kind, const uint64_t to[8], unsigned int syncs,
	const char *what)
{
	uint64_t before = conf_counter(c, "cmdq_syncs"), now[8];

	CONF_OK(c, sluice_raw_entry_change(c->iommu, kind, c->dev[0].sid, to));
	CONF_CHECK(c, conf_counter(c, "cmdq_syncs") - before == syncs,
		   "%s: told %" PRIu64 " times, expected %u", what,
		   conf_counter(c, "cmdq_syncs") - before, syncs);
	CONF_OK(c, sluice_raw_entry_read(c->iommu, kind, c->dev[0].sid, now));
	CONF_CHECK(c, memcmp(now, to, sizeof(now)) == 0, "%s: not what was asked for", what);
}

/* There and back. */
static void
both(struct conf *c, const uint64_t a[8], const uint64_t b[8], unsigned int syncs, const char *ab,
     const char *ba)
{
	conf_ste_set(c, 0, a);
	changed(c, SLUICE_RAW_STREAM, b, syncs, ab);
	changed(c, SLUICE_RAW_STREAM, a, syncs, ba);
	/* Nothing to change: nothing to tell. */
	changed(c, SLUICE_RAW_STREAM, a, 0, "no change");
}

/* The four kinds of entry, with nothing in common but V. */
static void
plain_abort(uint64_t w[8])
{
	conf_ste_abort(w);
	w[1] = 0;
}

static void
plain_s1(struct conf *c, uint64_t w[8])
{
	struct conf_space s;

	conf_space_page(c, &s, 0x5000, CONF_ASID, NULL);
	conf_ste_s1(w, s.cd_pa);
	w[1] &= ~SMMU_STE_1_SHCFG;
}

static void
plain_s2(struct conf *c, uint64_t w[8])
{
	uint64_t pa;

	conf_mem(c, 4096, 4096, &pa);
	conf_ste_bypass(w);
	w[0] = (w[0] & ~SMMU_STE_0_CONFIG) |
	       smmu_field_prep(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_S2);
	w[2] = smmu_field_prep(SMMU_STE_2_S2T0SZ, 24) | smmu_field_prep(SMMU_STE_2_S2SL0, 1) |
	       smmu_field_prep(SMMU_STE_2_S2SH0, SMMU_SH_ISH) |
	       smmu_field_prep(SMMU_STE_2_S2PS, c->hw.idr5 & SMMU_IDR5_OAS) | SMMU_STE_2_S2AA64 |
	       SMMU_STE_2_S2PTW | SMMU_STE_2_S2R;
	w[3] = pa;
}

static void
abort_bypass(struct conf *c)
{
	uint64_t a[8], b[8];

	plain_abort(a);
	conf_ste_bypass(b);
	both(c, a, b, 2, "abort to bypass", "bypass to abort");
}

static void
abort_s1(struct conf *c)
{
	uint64_t a[8], b[8];

	plain_abort(a);
	plain_s1(c, b);
	both(c, a, b, 2, "abort to stage 1", "stage 1 to abort");
}

static void
bypass_s1(struct conf *c)
{
	uint64_t a[8], b[8];

	conf_ste_bypass(a);
	plain_s1(c, b);
	both(c, a, b, 3, "bypass to stage 1", "stage 1 to bypass");
}

static void
s1dss(struct conf *c)
{
	uint64_t a[8], b[8];

	plain_s1(c, a);
	memcpy(b, a, sizeof(b));
	b[1] |= smmu_field_prep(SMMU_STE_1_S1DSS, SMMU_STE_S1DSS_SSID0);
	both(c, a, b, 1, "S1DSS", "S1DSS back");
}

static void
abort_s2(struct conf *c)
{
	uint64_t a[8], b[8];

	plain_abort(a);
	plain_s2(c, b);
	both(c, a, b, 2, "abort to stage 2", "stage 2 to abort");
}

static void
bypass_s2(struct conf *c)
{
	uint64_t a[8], b[8];

	conf_ste_bypass(a);
	plain_s2(c, b);
	both(c, a, b, 2, "bypass to stage 2", "stage 2 to bypass");
}

static void
s1_s2(struct conf *c)
{
	uint64_t a[8], b[8];

	plain_s1(c, a);
	plain_s2(c, b);
	both(c, a, b, 3, "stage 1 to stage 2", "stage 2 to stage 1");
}

static void
cd_set_clear(struct conf *c)
{
	const uint64_t zero[8] = { 0 };
	struct conf_space s;
	uint64_t cd[8];

	conf_space_page(c, &s, 0x5000, CONF_ASID, NULL);
	memcpy(cd, s.cd, sizeof(cd));
	memset(s.cd, 0, sizeof(s.cd));
	conf_space_cd(&s);
	conf_space_attach(c, &s, 0);
	changed(c, SLUICE_RAW_CONTEXT, cd, 2, "a CD set");
	changed(c, SLUICE_RAW_CONTEXT, zero, 2, "a CD cleared");
}

static void
cd_asid(struct conf *c)
{
	struct conf_space s;
	uint64_t cd[8];

	conf_space_page(c, &s, 0x5000, CONF_ASID, NULL);
	conf_space_attach(c, &s, 0);
	memcpy(cd, s.cd, sizeof(cd));
	cd[0] = smmu_field_set(cd[0], SMMU_CD_0_ASID, CONF_ASID + 1);
	changed(c, SLUICE_RAW_CONTEXT, cd, 1, "an ASID");
}

static void
cd_ttb(struct conf *c)
{
	struct conf_space s[2];
	void *place[2];
	uint64_t cd[8];

	for (unsigned int i = 0; i < 2; i++)
		place[i] = conf_space_page(c, &s[i], 0x5000, (uint16_t)(CONF_ASID + i), NULL);
	conf_space_attach(c, &s[0], 0);
	CONF_EQ(c, conf_land(c, 0, 0x5000, place, 2), 0, "where a write lands");
	memcpy(cd, s[0].cd, sizeof(cd));
	cd[1] = s[1].root_pa;
	changed(c, SLUICE_RAW_CONTEXT, cd, 1, "TTB0");
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_ASID | smmu_field_prep(SMMU_TLBI_0_ASID, CONF_ASID), 0);
	CONF_EQ(c, conf_land(c, 0, 0x5000, place, 2), 1,
		"where a write lands with the other table");
	conf_no_event(c);
}

/* ---- the driver's own three
 * ---------------------------------------------------------------------- */

static void
attach(struct conf *c, struct sluice_domain *dom, unsigned int syncs, const char *what)
{
	uint64_t before = conf_counter(c, "cmdq_syncs");

	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	CONF_CHECK(c, conf_counter(c, "cmdq_syncs") - before <= syncs,
		   "%s: told %" PRIu64 " times, %u are enough", what,
		   conf_counter(c, "cmdq_syncs") - before, syncs);
}

static void
own_counts(struct conf *c)
{
	struct sluice_domain *a = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);
	struct sluice_domain *b = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);
	struct sluice_domain *id = conf_domain(c, SLUICE_DOMAIN_IDENTITY, NULL);
	struct sluice_domain *no = conf_domain(c, SLUICE_DOMAIN_BLOCKED, NULL);

	attach(c, no, 1, "blocked");
	attach(c, id, 2, "blocked to identity");
	attach(c, no, 2, "identity to blocked");
	attach(c, a, 2, "blocked to paging");
	attach(c, b, 1, "paging to paging");
	attach(c, id, 3, "paging to identity");
	attach(c, a, 3, "identity to paging");
	attach(c, no, 2, "paging to blocked");
}

/* ---- while DMA runs
 * ------------------------------------------------------------------------------ */

#define PAGES 64u

struct half {
	struct sluice_domain *dom;
	uint8_t *mem;
	uint64_t pa;
};

static void
half_make(struct conf *c, struct half *h)
{
	h->dom = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);
	h->mem = conf_mem(c, PAGES * 4096, 4096, &h->pa);
	/* Outside of the window, at the same place in both. */
	CONF_OK(c, sluice_map_fixed(h->dom, 0x100000, h->pa, PAGES * 4096, SLUICE_RW));
}

/* Transfers under way while @p to is attached: each lands in one of the two, none is refused. */
static void
replace(struct conf *c, struct half h[2], const uint64_t iova[2], struct sluice_domain *to)
{
	struct conf_dev *dev = &c->dev[0];
	unsigned int n = dev->info.depth < PAGES ? dev->info.depth : PAGES, later = 0;

	conf_dma_load(c, 0);
	for (unsigned int p = 0; p < n; p++) {
		for (unsigned int i = 0; i < 2; i++)
			*(uint32_t *)(void *)(h[i].mem + p * 4096) = ~dev->word[p % CONF_WORDS];
		conf_xfer_start(c, 0, iova[0] + p * 4096u, 4, true, p % CONF_WORDS);
	}
	CONF_OK(c, sluice_device_attach(dev->dev, to));
	for (unsigned int p = 0; p < n; p++) {
		unsigned int at[2];

		(void)conf_xfer_end(c, 0);
		for (unsigned int i = 0; i < 2; i++)
			at[i] = *(uint32_t *)(void *)(h[i].mem + p * 4096) ==
				dev->word[p % CONF_WORDS];
		CONF_CHECK(c, at[0] + at[1] == 1, "transfer %u landed in %u places", p,
			   at[0] + at[1]);
		CONF_CHECK(c, at[1] || later == 0, "transfer %u used the old domain after the new",
			   p);
		later += at[1];
	}
	conf_no_event(c);
	conf_note(c, "%u of %u transfers used the new domain", later, n);
}

static void
replace_paging(struct conf *c)
{
	const uint64_t iova[2] = { 0x100000, 0x100000 };
	struct half h[2];

	half_make(c, &h[0]);
	half_make(c, &h[1]);
	CONF_OK(c, sluice_device_attach(c->dev[0].dev, h[0].dom));
	replace(c, h, iova, h[1].dom);
	for (unsigned int i = 0; i < 4; i++) {
		void *place[2] = { h[0].mem, h[1].mem };

		CONF_OK(c, sluice_device_attach(c->dev[0].dev, h[i % 2].dom));
		CONF_EQ(c, conf_land(c, 0, 0x100000, place, 2), i % 2, "the domain in use");
	}
}

/* Raw entries that have nothing in common, changed while DMA runs that both let through: an entry
 * that went through V=0 in between would refuse it. */
static void
live(struct conf *c)
{
	struct conf_dev *dev = &c->dev[0];
	unsigned int n = dev->info.depth < PAGES ? dev->info.depth : PAGES;
	uint64_t pa, a[8], b[8];
	struct conf_space s;
	uint32_t *mem = conf_mem(c, PAGES * 4096, 4096, &pa);

	conf_dma_load(c, 0);
	conf_space_make(c, &s, 12, 48, CONF_ASID);
	for (unsigned int p = 0; p < PAGES; p++)
		conf_space_map(c, &s, pa + p * 4096u, pa + p * 4096u, 3);
	conf_ste_bypass(a);
	conf_ste_s1(b, s.cd_pa);
	b[1] &= ~SMMU_STE_1_SHCFG;
	conf_ste_set(c, 0, a);
	for (unsigned int turn = 0; turn < 2; turn++) {
		for (unsigned int p = 0; p < n; p++) {
			mem[p * 1024] = ~dev->word[p % CONF_WORDS];
			conf_xfer_start(c, 0, pa + p * 4096u, 4, true, p % CONF_WORDS);
		}
		changed(c, SLUICE_RAW_STREAM, turn == 0 ? b : a, 3, "under way");
		for (unsigned int p = 0; p < n; p++) {
			(void)conf_xfer_end(c, 0);
			CONF_EQ(c, mem[p * 1024], dev->word[p % CONF_WORDS],
				"the word that landed");
		}
		conf_no_event(c);
	}
}

/* The paging domain maps the addresses to themselves, so that both halves are the same memory. */
static void
replace_identity(struct conf *c)
{
	struct sluice_domain *id = conf_domain(c, SLUICE_DOMAIN_IDENTITY, NULL);
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);
	struct conf_dev *dev = &c->dev[0];
	unsigned int n = dev->info.depth < PAGES ? dev->info.depth : PAGES;
	uint64_t pa;
	uint32_t *mem = conf_mem(c, PAGES * 4096, 4096, &pa);

	conf_dma_load(c, 0);
	CONF_OK(c, sluice_map_fixed(dom, pa, pa, PAGES * 4096, SLUICE_RW));
	CONF_OK(c, sluice_device_attach(dev->dev, dom));
	for (unsigned int turn = 0; turn < 2; turn++) {
		for (unsigned int p = 0; p < n; p++) {
			mem[p * 1024] = ~dev->word[p % CONF_WORDS];
			conf_xfer_start(c, 0, pa + p * 4096u, 4, true, p % CONF_WORDS);
		}
		CONF_OK(c, sluice_device_attach(dev->dev, turn == 0 ? id : dom));
		for (unsigned int p = 0; p < n; p++) {
			(void)conf_xfer_end(c, 0);
			CONF_EQ(c, mem[p * 1024], dev->word[p % CONF_WORDS],
				"the word that landed");
		}
	}
	conf_no_event(c);
}

static const struct conf_case cases[] = {
	{ "hitless.abort-bypass", "abort to bypass and back: told twice (§3.21.3)",
	  .run = abort_bypass },
	{ "hitless.abort-s1", "abort to stage 1 and back: told twice (§3.21.3)", .run = abort_s1 },
	{ "hitless.bypass-s1", "bypass to stage 1 and back: told three times (§3.21.3)",
	  .run = bypass_s1 },
	{ "hitless.s1dss", "a field of one word: told once (§3.21.3)", .run = s1dss },
	{ "hitless.abort-s2", "abort to stage 2 and back: told twice (§3.21.3)", .run = abort_s2 },
	{ "hitless.bypass-s2", "bypass to stage 2 and back: told twice (§3.21.3)",
	  .run = bypass_s2 },
	{ "hitless.s1-s2", "stage 1 to stage 2 and back: told three times (§3.21.3)",
	  .run = s1_s2 },
	{ "hitless.cd", "a CD that is set or cleared: told twice (§3.21.3)", .run = cd_set_clear },
	{ "hitless.cd-asid", "another ASID in a CD: told once (§3.21.3)", .run = cd_asid },
	{ "hitless.cd-ttb", "another TTB0 in a CD: told once, and after a TLBI it counts (§3.21.3)",
	  .run = cd_ttb },
	{ "hitless.attach",
	  "changes between the driver's own three kinds of attachment need no more than "
	  "that",
	  .run = own_counts },
	{ "hitless.replace-paging",
	  "a domain is replaced while DMA runs: each transfer sees the old or "
	  "the new one, none is refused (§3.21.3)",
	  .run = replace_paging },
	{ "hitless.live",
	  "bypass to stage 1 and back while DMA runs: no transfer is refused (§3.21.3)",
	  .run = live },
	{ "hitless.replace-identity",
	  "paging to identity and back while DMA runs: no transfer is refused "
	  "(§3.21.3)",
	  .run = replace_identity },
};

CONF_GROUP(hitless);
