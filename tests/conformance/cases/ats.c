/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * ATS (§3.9, §4.5.1): who may ask for translations, how long devices keep them, what makes them
 * forget, and what the engine does about it.
 *
 * As in tlbi.c a page is *moved*: where the next write lands tells which translation was used. A
 * space made by hand takes the place of a domain's whose device has ATS on, so that the endpoint is
 * on and everything else is the case's own.
 */
#include <errno.h>

#include "../conf.h"

#define BASE  UINT64_C(0x40000000)
#define PAGES 16u

struct row {
	struct conf_space s;
	uint64_t pa[2];
	uint8_t *mem[2];
	uint64_t ste[CONF_DEVS][8]; /* the driver's own */
};

static uint64_t
iova_of(unsigned int page)
{
	return BASE + page * UINT64_C(4096);
}

static void
set_ste(struct conf *c, struct row *r, unsigned int d, unsigned int eats)
{
	uint64_t w[8];

	conf_ste_s1(w, r->s.cd_pa);
	w[1] |= smmu_field_prep(SMMU_STE_1_EATS, eats);
	conf_ste_set(c, d, w);
}

/* A device whose ATS is on, in a space of ours with a row of pages. */
static void
take(struct conf *c, struct row *r, unsigned int d)
{
	conf_dma_load(c, d); /* before: it goes through a stream that bypasses */
	CONF_OK(c, sluice_device_attach(c->dev[d].dev,
					conf_domain(c, SLUICE_DOMAIN_PAGING, NULL)));
	CONF_OK(c, sluice_device_ats(c->dev[d].dev, true));
	CONF_OK(c, sluice_raw_entry_read(c->iommu, SLUICE_RAW_STREAM, c->dev[d].sid, r->ste[d]));
	set_ste(c, r, d, SMMU_STE_EATS_FULL);
}

/* Back to the driver, as it left it. */
static void
give(struct conf *c, struct row *r, unsigned int d)
{
	conf_ste_set(c, d, r->ste[d]);
	CONF_OK(c, sluice_device_ats(c->dev[d].dev, false));
}

static void
row_make(struct conf *c, struct row *r)
{
	for (unsigned int i = 0; i < 2; i++)
		r->mem[i] = conf_mem(c, (size_t)PAGES * 4096, 4096, &r->pa[i]);
	conf_space_make(c, &r->s, 12, 48, CONF_ASID);
	for (unsigned int i = 0; i < PAGES; i++)
		conf_space_map(c, &r->s, iova_of(i), r->pa[0] + i * 4096u, 3);
}

static int
where(struct conf *c, struct row *r, unsigned int d, unsigned int page)
{
	void *place[2] = { r->mem[0] + page * 4096u, r->mem[1] + page * 4096u };

	return conf_land(c, d, iova_of(page), place, 2);
}

static void
warm(struct conf *c, struct row *r, unsigned int d)
{
	for (unsigned int i = 0; i < PAGES; i++)
		CONF_EQ(c, where(c, r, d, i), 0, "where a write lands before anything changed");
}

/* All pages elsewhere, and the SMMU's own caches told. */
static void
move(struct conf *c, struct row *r)
{
	for (unsigned int i = 0; i < PAGES; i++)
		conf_space_map(c, &r->s, iova_of(i), r->pa[1] + i * 4096u, 3);
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_ASID | smmu_field_prep(SMMU_TLBI_0_ASID, CONF_ASID), 0);
}

static void
atc_inv(struct conf *c, unsigned int d, uint64_t iova, unsigned int size)
{
	conf_cmd_ok(c, SMMU_CMD_ATC_INV | smmu_field_prep(SMMU_CMD_0_SID, c->dev[d].sid),
		    (iova & SMMU_ATC_1_ADDR) | smmu_field_prep(SMMU_ATC_1_SIZE, size));
}

static void
fresh(struct conf *c, struct row *r, unsigned int d, unsigned int page)
{
	CONF_CHECK(c, where(c, r, d, page) == 1, "page %u: the old translation is used", page);
}

static void
stale(struct conf *c, struct row *r, unsigned int d, unsigned int page, const char *what)
{
	conf_stale(c, c->hw.emu, where(c, r, d, page) == 0, what);
}

/* ---- the architecture ------------------------------------------------------------------------ */

static void
checked(struct conf *c)
{
	CONF_CHECK(c, (c->info.caps & SLUICE_CAP_ATS) != 0, "IDR0.ATS is 1, the capability is not");
	CONF_CHECK(c, (conf_reg(c, SMMU_CR0ACK) & SMMU_CR0_ATSCHK) != 0,
		   "CR0ACK %#x: ATSCHK is 0: a blocked device would not be stopped",
		   conf_reg(c, SMMU_CR0ACK));
}

static void
kept(struct conf *c)
{
	struct row r;

	row_make(c, &r);
	take(c, &r, 0);
	warm(c, &r, 0);
	move(c, &r);
	stale(c, &r, 0, 3, "a device's translation after a TLBI");
	atc_inv(c, 0, iova_of(3), 0);
	fresh(c, &r, 0, 3);
	stale(c, &r, 0, 4, "the next page");
	conf_no_event(c);
	give(c, &r, 0);
}

static void
sizes(struct conf *c)
{
	struct row r;

	row_make(c, &r);
	take(c, &r, 0);
	warm(c, &r, 0);
	move(c, &r);
	atc_inv(c, 0, iova_of(6), 2); /* the address is aligned down: pages 4 to 7 */
	for (unsigned int i = 4; i < 8; i++)
		fresh(c, &r, 0, i);
	stale(c, &r, 0, 3, "the page before the span");
	stale(c, &r, 0, 8, "the page behind the span");
	atc_inv(c, 0, 0, SMMU_ATC_SIZE_ALL);
	for (unsigned int i = 0; i < PAGES; i++)
		fresh(c, &r, 0, i);
	give(c, &r, 0);
}

static void
whose(struct conf *c)
{
	struct row r;

	row_make(c, &r);
	take(c, &r, 0);
	take(c, &r, 1);
	warm(c, &r, 0);
	warm(c, &r, 1);
	move(c, &r);
	atc_inv(c, 0, 0, SMMU_ATC_SIZE_ALL);
	fresh(c, &r, 0, 0);
	stale(c, &r, 1, 0, "another device's translation");
	atc_inv(c, 1, 0, SMMU_ATC_SIZE_ALL);
	fresh(c, &r, 1, 0);
	give(c, &r, 0);
	give(c, &r, 1);
}

static void
order(struct conf *c)
{
	struct row r;

	row_make(c, &r);
	take(c, &r, 0);
	warm(c, &r, 0);
	for (unsigned int i = 0; i < PAGES; i++)
		conf_space_map(c, &r.s, iova_of(i), r.pa[1] + i * 4096u, 3);
	atc_inv(c, 0, 0, SMMU_ATC_SIZE_ALL);
	conf_stale(c, c->hw.emu && c->hw.tlb, where(c, &r, 0, 0) == 0,
		   "a translation asked for before the TLBI");
	move(c, &r);
	atc_inv(c, 0, 0, SMMU_ATC_SIZE_ALL);
	fresh(c, &r, 0, 0);
	give(c, &r, 0);
}

static void
event(struct conf *c, uint8_t id, unsigned int d, uint64_t w1, uint64_t addr, uint64_t ignore2)
{
	const uint64_t want[4] = { smmu_field_prep(SMMU_EVT_0_ID, id) |
					   smmu_field_prep(SMMU_EVT_0_SID, c->dev[d].sid),
				   w1, addr, 0 };
	/* What was asked for is not looked at: one source alone tells the places of those fields
	 * (pmd/emu/smmuv3/README.md). */
	bool any = id == SMMU_EVT_F_BAD_ATS_TREQ;
	const uint64_t ignore[4] = { 0, any ? UINT64_MAX : 0, ignore2, 0 };

	conf_one_event(c, want, ignore);
}

static void
forbidden(struct conf *c)
{
	struct row r;
	uint64_t w[8];

	row_make(c, &r);
	take(c, &r, 0);
	warm(c, &r, 0);
	set_ste(c, &r, 0, SMMU_STE_EATS_OFF);
	CONF_EQ(c, where(c, &r, 0, 2), -1, "where a translated write lands without EATS");
	event(c, SMMU_EVT_F_TRANSL_FORBIDDEN, 0, 0, r.pa[0] + 2 * 4096, 0);
	conf_ste_abort(w);
	conf_ste_set(c, 0, w);
	CONF_EQ(c, where(c, &r, 0, 3), -1, "where it lands on a stream that aborts");
	conf_no_event(c);
	give(c, &r, 0);
}

static void
refused(struct conf *c)
{
	struct row r;

	row_make(c, &r);
	take(c, &r, 0);
	set_ste(c, &r, 0, SMMU_STE_EATS_OFF);
	/* Refused, the device asks the ordinary way. */
	CONF_EQ(c, where(c, &r, 0, 5), 0, "where the untranslated write lands");
	event(c, SMMU_EVT_F_BAD_ATS_TREQ, 0, 0, iova_of(5), 0xfff);
	set_ste(c, &r, 0, SMMU_STE_EATS_FULL);
	/* Nothing is mapped there: an answer that grants nothing, and no event. */
	conf_pte(conf_space_desc(c, &r.s, iova_of(7), 3), 0);
	CONF_EQ(c, where(c, &r, 0, 7), -1, "where a write to nothing lands");
	conf_no_event(c);
	give(c, &r, 0);
}

static void
quiet(struct conf *c)
{
	unsigned int size = 0;

	/* Nobody behind these streams has ATS, or is there at all. */
	for (; size <= SMMU_ATC_SIZE_ALL; size += 13)
		conf_cmd_ok(c, SMMU_CMD_ATC_INV | smmu_field_prep(SMMU_CMD_0_SID, 1),
			    smmu_field_prep(SMMU_ATC_1_SIZE, size));
	atc_inv(c, 0, 0, SMMU_ATC_SIZE_ALL);
}

/* ---- the engine ------------------------------------------------------------------------------ */

static void
off_again(struct conf *c, unsigned int d)
{
	CONF_OK(c, sluice_device_ats(c->dev[d].dev, false));
}

static unsigned int
eats(struct conf *c, unsigned int d)
{
	uint64_t w[8];

	CONF_OK(c, sluice_raw_entry_read(c->iommu, SLUICE_RAW_STREAM, c->dev[d].sid, w));
	return (unsigned int)smmu_field_get(SMMU_STE_1_EATS, w[1]);
}

static void
eats_follows(struct conf *c)
{
	struct sluice_device *dev = c->dev[0].dev;
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);

	CONF_OK(c, sluice_device_attach(dev, dom));
	CONF_EQ(c, eats(c, 0), SMMU_STE_EATS_OFF, "EATS of a device that did not ask");
	CONF_OK(c, sluice_device_ats(dev, true));
	CONF_EQ(c, eats(c, 0), SMMU_STE_EATS_FULL, "EATS after sluice_device_ats()");
	CONF_OK(c, sluice_device_attach(dev, conf_domain(c, SLUICE_DOMAIN_IDENTITY, NULL)));
	CONF_EQ(c, eats(c, 0), SMMU_STE_EATS_OFF, "EATS without a page table");
	CONF_OK(c, sluice_device_attach(dev, dom));
	CONF_EQ(c, eats(c, 0), SMMU_STE_EATS_FULL, "EATS with one again");
	CONF_OK(c, sluice_device_detach(dev));
	CONF_EQ(c, eats(c, 0), SMMU_STE_EATS_OFF, "EATS of a blocked stream");
	CONF_OK(c, sluice_device_attach(dev, dom));
	off_again(c, 0);
	CONF_EQ(c, eats(c, 0), SMMU_STE_EATS_OFF, "EATS after it was turned off");
}

static void
unmaps(struct conf *c, const char *policy)
{
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, policy);
	uint64_t pa, iova[8];
	uint8_t *mem = conf_mem(c, 8 * 4096, 4096, &pa);

	for (unsigned int d = 0; d < c->nb_devs && d < 2; d++) {
		conf_dma_load(c, d);
		CONF_OK(c, sluice_device_attach(c->dev[d].dev, dom));
		CONF_OK(c, sluice_device_ats(c->dev[d].dev, true));
	}
	for (unsigned int i = 0; i < 8; i++) {
		CONF_OK(c, sluice_map(dom, pa + i * 4096u, 4096, SLUICE_RW, &iova[i]));
		for (unsigned int d = 0; d < c->nb_devs && d < 2; d++)
			CONF_CHECK(c, conf_write(c, d, iova[i], mem + i * 4096u),
				   "device %u: a write to a mapped page is lost", d);
	}
	for (unsigned int i = 0; i < 8; i++) {
		CONF_OK(c, sluice_unmap(dom, iova[i], 4096));
		if (i % 3 == 2 || i == 7)
			CONF_OK(c, sluice_domain_drain(dom));
		else if (strcmp(sluice_domain_policy(dom), "strict") != 0)
			continue;
		for (unsigned int d = 0; d < c->nb_devs && d < 2; d++)
			CONF_CHECK(c, !conf_write(c, d, iova[i], mem + i * 4096u),
				   "device %u reaches a page after its unmap was complete", d);
	}
	for (unsigned int d = 0; d < c->nb_devs && d < 2; d++)
		off_again(c, d);
	conf_events(c);
	c->nb_ev = 0;
}

static void
strict(struct conf *c)
{
	unmaps(c, "strict");
}

static void
deferred(struct conf *c)
{
	unmaps(c, "deferred");
}

static void
moves(struct conf *c)
{
	struct sluice_domain *dom[2] = { conf_domain(c, SLUICE_DOMAIN_PAGING, NULL),
					 conf_domain(c, SLUICE_DOMAIN_PAGING, NULL) };
	uint64_t pa[2], base = BASE;
	void *mem[2];

	conf_dma_load(c, 0);
	for (unsigned int i = 0; i < 2; i++) {
		mem[i] = conf_mem(c, 4096, 4096, &pa[i]);
		CONF_OK(c, sluice_map_fixed(dom[i], base, pa[i], 4096, SLUICE_RW));
	}
	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom[0]));
	CONF_OK(c, sluice_device_ats(c->dev[0].dev, true));
	for (unsigned int i = 0; i < 6; i++) {
		CONF_EQ(c, conf_land(c, 0, base, mem, 2), i % 2, "whose memory the device reaches");
		CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom[(i + 1) % 2]));
	}
	off_again(c, 0);
}

static const struct conf_case cases[] = {
	{ .name = "ats.checked", .proves = "the driver sets CR0.ATSCHK, so that the STE "
	  "decides about translated accesses as well (§3.9.1.3)",
	  .needs = CONF_NEED_ATS, .run = checked },
	{ .name = "ats.kept_until_inv", .proves = "a device keeps a translation over a TLBI, "
	  "until CMD_ATC_INV (§3.9, §4.5.1)", .needs = CONF_NEED_ATS, .run = kept },
	{ .name = "ats.inv_sizes", .proves = "CMD_ATC_INV drops 2^Size aligned pages, and with "
	  "Size 52 everything (§4.5.1)", .needs = CONF_NEED_ATS, .run = sizes },
	{ .name = "ats.inv_stream", .proves = "CMD_ATC_INV reaches one device only (§4.5.1)",
	  .needs = CONF_NEED_ATS | CONF_NEED_DEV2, .run = whose },
	{ .name = "ats.inv_order", .proves = "after TLBI and SYNC, ATC_INV and SYNC, the new "
	  "translation is asked for (§3.9.1)", .needs = CONF_NEED_ATS, .run = order },
	{ .name = "ats.translated_forbidden", .proves = "without EATS a translated access "
	  "aborts with F_TRANSL_FORBIDDEN, on an aborting stream silently (§3.9.1.3, §7.3.8)",
	  .needs = CONF_NEED_ATS, .run = forbidden },
	{ .name = "ats.request_refused", .proves = "without EATS a Translation Request is "
	  "refused with F_BAD_ATS_TREQ; one for nothing grants nothing, without an event "
	  "(§3.9.1.2, §7.3.6)", .needs = CONF_NEED_ATS, .run = refused },
	{ .name = "ats.inv_nobody", .proves = "CMD_ATC_INV for a stream without ATS ends "
	  "quietly (§3.9.1.5)", .needs = CONF_NEED_ATS, .run = quiet },
	{ .name = "ats.eats_follows", .proves = "STE.EATS is on while a device that wants ATS "
	  "has a page table, and else off (§3.9.2)",
	  .needs = CONF_NEED_ATS, .run = eats_follows },
	{ .name = "ats.strict", .proves = "after a strict unmap no device reaches the page by "
	  "what it cached (§3.9.1)", .needs = CONF_NEED_ATS, .run = strict },
	{ .name = "ats.deferred", .proves = "after a flush no device reaches its pages by what "
	  "it cached (§3.9.1)", .needs = CONF_NEED_ATS, .run = deferred },
	{ .name = "ats.moves", .proves = "a device takes no translation along to another "
	  "address space (§3.9.2)", .needs = CONF_NEED_ATS, .run = moves },
};

CONF_GROUP(ats);
