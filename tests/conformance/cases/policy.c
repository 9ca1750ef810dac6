/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The unmap policies' promises, with real DMA: what a device reaches before and after each of them
 * says that memory is its owner's again.
 */
#include <errno.h>

#include "../conf.h"

#define PAGES 4u

struct pages {
	struct sluice_domain *dom;
	struct sluice_seg seg[PAGES];
	void *place[PAGES];
};

static void
forget_events(struct conf *c)
{
	conf_events(c);
	c->nb_ev = 0;
}

/* A domain with this policy under device 0, and pages that are not neighbours in memory. */
static void
make(struct conf *c, struct pages *p, const char *policy)
{
	p->dom = conf_domain(c, SLUICE_DOMAIN_PAGING, policy);
	CONF_OK(c, sluice_device_attach(c->dev[0].dev, p->dom));
	for (unsigned int i = 0; i < PAGES; i++) {
		uint64_t pa;

		p->place[i] = conf_mem(c, 2 * 4096, 4096, &pa);
		p->seg[i] = (struct sluice_seg){ .pa = pa, .len = 4096, .prot = SLUICE_RW,
						 .cookie = 100 + i };
	}
}

static void
map_all(struct conf *c, struct pages *p)
{
	CONF_EQ(c, sluice_map_burst(p->dom, p->seg, PAGES), PAGES, "pages mapped");
	for (unsigned int i = 0; i < PAGES; i++)
		CONF_CHECK(c, conf_write(c, 0, p->seg[i].iova, p->place[i]), "page %u is mapped", i);
	conf_no_event(c);
}

static void
none_reached(struct conf *c, struct pages *p, const char *when)
{
	for (unsigned int i = 0; i < PAGES; i++)
		CONF_CHECK(c, !conf_write(c, 0, p->seg[i].iova, p->place[i]), "page %u reached %s",
			   i, when);
	forget_events(c);
}

/* Poll until @p n cookies came. @p cookie receives them. */
static void
collect(struct conf *c, struct pages *p, uint64_t *cookie, unsigned int n)
{
	uint64_t until = conf_ms() + 5000;
	unsigned int got = 0;

	while (got < n && conf_ms() < until) {
		sluice_unmap_kick(p->dom);
		sluice_engine_poll(c->engine);
		conf_step(c);
		got += sluice_unmap_completed(p->dom, cookie + got, n - got);
	}
	sluice_engine_release(c->engine);
	CONF_EQ(c, got, n, "cookies that came");
}

static void
batched(struct conf *c)
{
	struct pages p;

	make(c, &p, "strict-batched");
	for (unsigned int round = 0; round < 2; round++) {
		map_all(c, &p);
		CONF_EQ(c, sluice_unmap_burst(p.dom, p.seg, PAGES), PAGES, "pages unmapped");
		none_reached(c, &p, "after its unmap");
	}
}

static void
contiguous(struct conf *c)
{
	struct pages p;

	make(c, &p, "contiguous");
	map_all(c, &p);
	for (unsigned int i = 1; i < PAGES; i++)
		CONF_EQ(c, p.seg[i].iova, p.seg[0].iova + i * 4096, "the next address");
	CONF_EQ(c, sluice_unmap_burst(p.dom, p.seg, PAGES - 1), 0, "a part unmapped");
	CONF_CHECK(c, conf_write(c, 0, p.seg[0].iova, p.place[0]), "what was refused changed");
	CONF_EQ(c, sluice_unmap_burst(p.dom, p.seg, PAGES), PAGES, "pages unmapped");
	none_reached(c, &p, "after its unmap");
}

static void
async(struct conf *c)
{
	unsigned int later;
	uint64_t cookie[PAGES];
	struct pages p;

	make(c, &p, "strict-async");
	for (unsigned int round = 0; round < 2; round++) {
		map_all(c, &p);
		CONF_EQ(c, sluice_unmap_async_burst(p.dom, p.seg, PAGES, &later), PAGES, "unmaps");
		if (later == 0)
			conf_skip(c, "this hardware's invalidations cannot come later");
		collect(c, &p, cookie, PAGES);
		for (unsigned int i = 0; i < PAGES; i++)
			CONF_EQ(c, cookie[i], 100 + i, "the cookie");
		none_reached(c, &p, "after its cookie");
	}
}

/* Those that hand memory back while a device may still reach it, until the drain. */
static void
until_drained(struct conf *c, const char *policy)
{
	struct sluice_domain_stats st;
	struct pages p;

	make(c, &p, policy);
	map_all(c, &p);
	for (unsigned int i = 0; i < PAGES; i++)
		CONF_OK(c, sluice_unmap(p.dom, p.seg[i].iova, 4096));
	forget_events(c);
	CONF_OK(c, sluice_domain_drain(p.dom));
	sluice_engine_release(c->engine);
	none_reached(c, &p, "after the drain");
	sluice_domain_get_stats(p.dom, &st);
	CONF_EQ(c, st.pending, 0, "pending entries");
	CONF_EQ(c, st.live, 0, "live mappings");
}

static void
single(struct conf *c)
{
	until_drained(c, "deferred-single");
}

static void
rollover(struct conf *c)
{
	until_drained(c, "rollover");
}

static void
persistent(struct conf *c)
{
	until_drained(c, "persistent");
}

/* The device works on a copy: its words arrive with the unmap, and later ones never. */
static void
copied(struct conf *c, const char *policy)
{
	struct pages p;
	uint32_t *page;

	conf_dma_load(c, 0);
	make(c, &p, policy);
	page = p.place[0];
	p.seg[0].len = 256;
	CONF_EQ(c, sluice_map_burst(p.dom, p.seg, 1), 1, "a buffer mapped");
	CONF_EQ(c, conf_xfer(c, 0, p.seg[0].iova, 4, true, 0), 0, "the status");
	CONF_EQ(c, page[0], 0, "the buffer while the device has it");
	CONF_OK(c, sluice_unmap(p.dom, p.seg[0].iova, 256));
	CONF_EQ(c, page[0], c->dev[0].word[0], "the buffer after its unmap");
	page[0] = 0x5a5a5a5a;
	/* The copy is still there for the device; whatever it is told, the buffer is its owner's. */
	(void)conf_xfer(c, 0, p.seg[0].iova, 4, true, 0);
	CONF_EQ(c, page[0], 0x5a5a5a5a, "the buffer after a late write");
	forget_events(c);
}

static void
copy(struct conf *c)
{
	copied(c, "copy");
}

static void
hybrid(struct conf *c)
{
	struct sluice_domain_conf conf = { .copy_max = 4096, .copy_max_read = 4096 };
	struct pages p;
	uint64_t pa, iova;
	void *place;

	copied(c, "hybrid");
	make(c, &p, "hybrid");
	CONF_OK(c, sluice_domain_tune(p.dom, &conf));
	place = conf_mem(c, 3 * 4096, 4096, &pa);
	CONF_OK(c, sluice_map(p.dom, pa, 3 * 4096, SLUICE_RW, &iova));
	CONF_CHECK(c, conf_write(c, 0, iova, place), "a long buffer is mapped");
	CONF_OK(c, sluice_unmap(p.dom, iova, 3 * 4096));
	CONF_CHECK(c, !conf_write(c, 0, iova, place), "reached after its unmap");
	forget_events(c);
}

/* Mapped once, for good: that is what these are compared for. */
static void
pools(struct conf *c)
{
	static const char *const policy[] = { "static", "hugepool" };
	struct pages p;

	for (unsigned int i = 0; i < CONF_DIM(policy); i++) {
		make(c, &p, policy[i]);
		map_all(c, &p);
		for (unsigned int k = 0; k < PAGES; k++)
			CONF_OK(c, sluice_unmap(p.dom, p.seg[k].iova, 4096));
		CONF_CHECK(c, conf_write(c, 0, p.seg[0].iova, p.place[0]), "%s unmaps", policy[i]);
		conf_no_event(c);
	}
}

static void
switched(struct conf *c)
{
	static const char *const policy[] = { "strict-async", "strict", "deferred", "strict-batched",
					      "strict-async", "deferred", "strict" };
	struct pages p;

	make(c, &p, "strict");
	for (unsigned int i = 0; i < CONF_DIM(policy); i++) {
		map_all(c, &p);
		/* Half of them under the old policy. */
		for (unsigned int k = 0; k < PAGES / 2; k++)
			CONF_OK(c, sluice_unmap(p.dom, p.seg[k].iova, 4096));
		CONF_OK(c, sluice_domain_set_policy(p.dom, policy[i]));
		sluice_engine_release(c->engine);
		for (unsigned int k = 0; k < PAGES / 2; k++)
			CONF_CHECK(c, !conf_write(c, 0, p.seg[k].iova, p.place[k]),
				   "page %u reached after the change to %s", k, policy[i]);
		forget_events(c);
		for (unsigned int k = PAGES / 2; k < PAGES; k++)
			CONF_OK(c, sluice_unmap(p.dom, p.seg[k].iova, 4096));
		CONF_OK(c, sluice_domain_drain(p.dom));
		sluice_engine_release(c->engine);
		none_reached(c, &p, "after the drain");
	}
}

static const struct conf_case cases[] = {
	{ "policy.strict-batched", "one SYNC for a burst, and nothing of it is reached afterwards",
	  .run = batched },
	{ "policy.contiguous", "a burst has neighbouring addresses and goes as a whole or not at all",
	  .run = contiguous },
	{ "policy.strict-async", "what a cookie came for is not reached any more", .run = async },
	{ "policy.deferred-single", "one queue for all is empty after the drain", .run = single },
	{ "policy.rollover", "without a timer nothing is reached after a flush that was asked for",
	  .run = rollover },
	{ "policy.persistent", "mappings that were kept are gone after the drain",
	  .run = persistent },
	{ "policy.copy", "the device works on a copy, which it keeps, and never on the buffer",
	  .run = copy },
	{ "policy.hybrid", "short buffers are copied, long ones are mapped and unmapped strictly",
	  .run = hybrid },
	{ "policy.pools", "what was mapped once stays mapped", .run = pools },
	{ "policy.switch", "a change of policy leaves nothing stale behind, whichever it is",
	  .run = switched },
};

CONF_GROUP(policy);
