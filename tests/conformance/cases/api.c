/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The public interface's promises, kept on this hardware with real DMA.
 */
#include <errno.h>

#include "../conf.h"

static void
forget_events(struct conf *c)
{
	conf_events(c);
	c->nb_ev = 0;
}

static void
map_unmap(struct conf *c)
{
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, "strict");
	uint64_t pa, iova;
	uint8_t *page = conf_mem(c, 4096, 4096, &pa);

	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	for (unsigned int i = 0; i < 3; i++) {
		CONF_OK(c, sluice_map(dom, pa + 0x123 * 4, 64, SLUICE_RW, &iova));
		CONF_EQ(c, iova & 4095, 0x123 * 4, "the offset in the page");
		CONF_CHECK(c, conf_write(c, 0, iova + 8, page + 0x123 * 4 + 8), "a mapping");
		conf_no_event(c);
		CONF_OK(c, sluice_unmap(dom, iova, 64));
		CONF_CHECK(c, !conf_write(c, 0, iova + 8, page + 0x123 * 4 + 8),
			   "reached after a strict unmap");
		forget_events(c);
	}
}

static void
remap(struct conf *c)
{
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, "strict");
	uint64_t pa[2], iova, first = 0;
	void *place[2];

	for (unsigned int i = 0; i < 2; i++)
		place[i] = conf_mem(c, 4096, 4096, &pa[i]);
	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	/* The address comes back sooner or later, and then it means the other page. */
	for (unsigned int i = 0; i < 8; i++) {
		CONF_OK(c, sluice_map(dom, pa[i % 2], 4096, SLUICE_RW, &iova));
		CONF_EQ(c, conf_land(c, 0, iova, place, 2), i % 2, "where a write lands");
		CONF_OK(c, sluice_unmap(dom, iova, 4096));
		if (i == 0)
			first = iova;
		else if (iova == first)
			conf_note(c, "an IOVA came back after %u", i);
	}
	conf_no_event(c);
}

static void
deferred(struct conf *c)
{
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, "deferred");
	struct sluice_domain_stats st;
	uint64_t pa, iova;
	void *page = conf_mem(c, 4096, 4096, &pa);

	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	CONF_OK(c, sluice_map(dom, pa, 4096, SLUICE_RW, &iova));
	CONF_CHECK(c, conf_write(c, 0, iova, page), "a mapping");
	CONF_OK(c, sluice_unmap(dom, iova, 4096));
	sluice_domain_get_stats(dom, &st);
	if (strcmp(sluice_domain_policy(dom), "deferred") == 0)
		conf_stale(c, c->hw.tlb, conf_write(c, 0, iova, page), "before the flush");
	forget_events(c);
	CONF_OK(c, sluice_domain_drain(dom));
	sluice_engine_release(c->engine);
	CONF_CHECK(c, !conf_write(c, 0, iova, page), "reached after the flush");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, iova, false, 0);
	sluice_domain_get_stats(dom, &st);
	CONF_EQ(c, st.queued, st.released, "unmaps queued and released");
}

static void
read_only(struct conf *c)
{
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);
	uint64_t pa, iova;
	uint8_t *page = conf_mem(c, 4096, 4096, &pa);

	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	CONF_OK(c, sluice_map(dom, pa, 4096, SLUICE_READ, &iova));
	CONF_CHECK(c, !conf_write(c, 0, iova, page), "a read-only mapping is written");
	conf_fault_event(c, SMMU_EVT_F_PERMISSION, 0, iova, false, 0);
	if (c->dev[0].info.flags & SLUICE_DMA_READS)
		CONF_CHECK(c, conf_read(c, 0, iova + 4, page + 4),
			   "a read-only mapping is not read");
	conf_no_event(c);
	CONF_OK(c, sluice_unmap(dom, iova, 4096));
}

static void
across_pages(struct conf *c)
{
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);
	uint64_t pa[2], iova[2];
	uint32_t *mem[2];

	conf_dma_load(c, 0);
	/* 256 bytes over a page's edge, into memory that is one piece for the device only. */
	for (unsigned int i = 0; i < 2; i++)
		mem[i] = conf_mem(c, 3 * 4096, 4096, &pa[i]);
	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	CONF_OK(c, sluice_map_fixed(dom, 0x200000, pa[0], 4096, SLUICE_RW));
	CONF_OK(c, sluice_map_fixed(dom, 0x201000, pa[1] + 4096, 4096, SLUICE_RW));
	CONF_EQ(c, conf_xfer(c, 0, 0x200f80, 256, true, 0), 0, "the status");
	CONF_CHECK(c, memcmp(&mem[0][0xf80 / 4], c->dev[0].word, 128) == 0, "the first half");
	CONF_CHECK(c, memcmp(&mem[1][4096 / 4], &c->dev[0].word[32], 128) == 0, "the second half");
	conf_no_event(c);
	/* A run that the driver maps as one. */
	for (unsigned int i = 0; i < 2; i++)
		CONF_OK(c, sluice_map(dom, pa[i] + 0xf80, 4096, SLUICE_RW, &iova[i]));
	memset(mem[0], 0, 8192);
	CONF_EQ(c, conf_xfer(c, 0, iova[0] + 4096 - 128, 128, true, 0), 0, "the status");
	CONF_CHECK(c, memcmp(&mem[0][(0xf80 + 4096 - 128) / 4], c->dev[0].word, 128) == 0, "a run");
	conf_no_event(c);
	for (unsigned int i = 0; i < 2; i++)
		CONF_OK(c, sluice_unmap(dom, iova[i], 4096));
	CONF_OK(c, sluice_unmap_fixed(dom, 0x200000, 8192));
}

static void
fixed(struct conf *c, uint64_t size)
{
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);
	uint64_t pa, base, iova = 0x80000000, got;
	uint8_t *page = conf_mem(c, 4096, 4096, &pa);

	/* The block around the page; most of it need not be memory. */
	base = pa & ~(size - 1);
	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	CONF_OK(c, sluice_map_fixed(dom, iova, base, size, SLUICE_RW));
	CONF_EQ(c, sluice_map_fixed(dom, iova + (pa - base), pa, 4096, SLUICE_RW), -EEXIST,
		"mapping what is mapped");
	CONF_OK(c, sluice_iova_to_pa(dom, iova + (pa - base) + 0x10, &got));
	CONF_EQ(c, got, pa + 0x10, "the table's own answer");
	CONF_CHECK(c, conf_write(c, 0, iova + (pa - base), page), "a fixed mapping");
	CONF_CHECK(c, conf_write(c, 0, iova + (pa - base) + 0xffc, page + 0xffc), "its last word");
	conf_no_event(c);
	CONF_OK(c, sluice_unmap_fixed(dom, iova, size));
	CONF_CHECK(c, !conf_write(c, 0, iova + (pa - base), page), "reached after its unmap");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, iova + (pa - base), false, 0);
}

static void fixed_4k(struct conf *c) { fixed(c, UINT64_C(1) << 12); }
static void fixed_2m(struct conf *c) { fixed(c, UINT64_C(1) << 21); }
static void fixed_1g(struct conf *c) { fixed(c, UINT64_C(1) << 30); }

static void
top(struct conf *c)
{
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);
	uint64_t pa, iova = (UINT64_C(1) << c->info.ias) - 4096;
	uint8_t *page = conf_mem(c, 4096, 4096, &pa);

	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	CONF_OK(c, sluice_map_fixed(dom, 0, pa, 4096, SLUICE_RW));
	CONF_OK(c, sluice_map_fixed(dom, iova, pa, 4096, SLUICE_RW));
	CONF_CHECK(c, conf_write(c, 0, 0, page), "address 0");
	CONF_CHECK(c, conf_write(c, 0, iova + 0xffc, page + 0xffc), "the highest address");
	CONF_EQ(c, sluice_map_fixed(dom, iova + 4096, pa, 4096, SLUICE_RW), -EINVAL,
		"mapping beyond the highest");
	conf_no_event(c);
	CONF_OK(c, sluice_unmap_fixed(dom, 0, 4096));
	CONF_OK(c, sluice_unmap_fixed(dom, iova, 4096));
}

static void
identity(struct conf *c)
{
	struct sluice_domain *id = conf_domain(c, SLUICE_DOMAIN_IDENTITY, NULL);
	uint64_t pa, iova;
	void *page = conf_mem(c, 4096, 4096, &pa);

	CONF_OK(c, sluice_device_attach(c->dev[0].dev, id));
	CONF_OK(c, sluice_map(id, pa, 4096, SLUICE_RW, &iova));
	CONF_EQ(c, iova, pa, "an identity mapping's address");
	CONF_CHECK(c, conf_write(c, 0, iova, page), "an identity domain stops a write");
	CONF_OK(c, sluice_unmap(id, iova, 4096));
	CONF_OK(c, sluice_device_detach(c->dev[0].dev));
	CONF_CHECK(c, !conf_write(c, 0, pa, page), "reached after detach");
	conf_no_event(c);
}

static void
blocked(struct conf *c)
{
	struct sluice_domain *no = conf_domain(c, SLUICE_DOMAIN_BLOCKED, NULL);
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);
	uint64_t pa, iova;
	void *page = conf_mem(c, 4096, 4096, &pa);

	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	CONF_OK(c, sluice_map(dom, pa, 4096, SLUICE_RW, &iova));
	CONF_CHECK(c, conf_write(c, 0, iova, page), "a mapping");
	CONF_OK(c, sluice_device_attach(c->dev[0].dev, no));
	CONF_CHECK(c, !conf_write(c, 0, iova, page) && !conf_write(c, 0, pa, page),
		   "a blocked domain lets a write through");
	conf_no_event(c);
	CONF_EQ(c, sluice_map(no, pa, 4096, SLUICE_RW, &iova), -EINVAL,
		"mapping in a blocked domain");
	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	CONF_CHECK(c, conf_write(c, 0, iova, page), "a mapping survives while nobody is attached");
	CONF_OK(c, sluice_unmap(dom, iova, 4096));
}

static void
detach(struct conf *c)
{
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);
	struct conf_dev *dev = &c->dev[0];
	unsigned int n = dev->info.depth < 64 ? dev->info.depth : 64, landed = 0;
	uint64_t pa;
	uint32_t *mem = conf_mem(c, 64 * 4096, 4096, &pa);

	conf_dma_load(c, 0);
	CONF_OK(c, sluice_device_attach(dev->dev, dom));
	CONF_OK(c, sluice_map_fixed(dom, 0x100000, pa, 64 * 4096, SLUICE_RW));
	for (unsigned int p = 0; p < n; p++)
		conf_xfer_start(c, 0, 0x100000 + p * 4096u, 4, true, p);
	CONF_OK(c, sluice_device_detach(dev->dev));
	/* The hardware uses the new configuration: the memory is ours from here on. */
	for (unsigned int p = 0; p < n; p++) {
		landed += mem[p * 1024] == dev->word[p];
		mem[p * 1024] = 0x0badc0de;
	}
	for (unsigned int p = 0; p < n; p++)
		(void)conf_xfer_end(c, 0);
	for (unsigned int p = 0; p < n; p++)
		CONF_EQ(c, mem[p * 1024], 0x0badc0de, "a word written after detach returned");
	conf_no_event(c);
	CONF_CHECK(c, sluice_device_domain(dev->dev) == NULL, "a detached device has a domain");
	conf_note(c, "%u of %u transfers were before it", landed, n);
}

static void
isolation(struct conf *c)
{
	struct sluice_domain *dom[2];
	uint64_t pa[2], iova[2];
	void *place[2];

	for (unsigned int i = 0; i < 2; i++) {
		dom[i] = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);
		place[i] = conf_mem(c, 4096, 4096, &pa[i]);
		CONF_OK(c, sluice_device_attach(c->dev[i].dev, dom[i]));
		CONF_OK(c, sluice_map(dom[i], pa[i], 4096, SLUICE_RW, &iova[i]));
	}
	/* The same address, as it were, means another page to each. */
	for (unsigned int i = 0; i < 2; i++)
		CONF_EQ(c, conf_land(c, i, iova[i], place, 2), i, "whose page was written");
	CONF_OK(c, sluice_unmap(dom[0], iova[0], 4096));
	CONF_EQ(c, conf_land(c, 1, iova[1], place, 2), 1, "the other device, after the unmap");
	CONF_CHECK(c, conf_land(c, 0, iova[0], place, 2) < 0, "the first device, after the unmap");
	forget_events(c);
	CONF_OK(c, sluice_unmap(dom[1], iova[1], 4096));
}

static void
shared(struct conf *c)
{
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);
	uint64_t pa, iova;
	void *page = conf_mem(c, 4096, 4096, &pa);

	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	CONF_OK(c, sluice_device_attach(c->dev[1].dev, dom));
	CONF_OK(c, sluice_map(dom, pa, 4096, SLUICE_RW, &iova));
	CONF_CHECK(c, conf_write(c, 0, iova, page) && conf_write(c, 1, iova, page), "two devices");
	CONF_EQ(c, sluice_domain_destroy(dom), -EBUSY, "destroying a domain in use");
	CONF_OK(c, sluice_device_detach(c->dev[0].dev));
	CONF_CHECK(c, !conf_write(c, 0, iova, page), "the detached one");
	CONF_CHECK(c, conf_write(c, 1, iova, page), "the one that stays");
	CONF_OK(c, sluice_unmap(dom, iova, 4096));
	CONF_CHECK(c, !conf_write(c, 1, iova, page), "the one that stays, after the unmap");
	forget_events(c);
}

static void
reused_asid(struct conf *c)
{
	uint64_t pa[2];
	void *place[2];

	for (unsigned int i = 0; i < 2; i++)
		place[i] = conf_mem(c, 4096, 4096, &pa[i]);
	/* Whatever ASID the next domain gets: nothing of the one before is found under it. */
	for (unsigned int i = 0; i < 6; i++) {
		struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);

		CONF_OK(c, sluice_map_fixed(dom, 0x300000, pa[i % 2], 4096, SLUICE_RW));
		CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
		CONF_EQ(c, conf_land(c, 0, 0x300000, place, 2), i % 2, "where a write lands");
		CONF_OK(c, sluice_device_detach(c->dev[0].dev));
		c->nb_dom--;
		CONF_OK(c, sluice_domain_destroy(dom));
	}
	conf_no_event(c);
}

static void
honest(struct conf *c)
{
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, "strict");
	uint64_t pa, iova;
	uint8_t *mem = conf_mem(c, 4 * 4096, 4096, &pa);

	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	CONF_OK(c, sluice_map(dom, pa, 4 * 4096, SLUICE_RW, &iova));
	CONF_EQ(c, sluice_unmap(dom, iova, 4096), -EINVAL, "unmapping a part");
	CONF_EQ(c, sluice_unmap(dom, iova + 4096, 3 * 4096), -EINVAL, "unmapping the rest");
	CONF_CHECK(c, conf_write(c, 0, iova, mem) && conf_write(c, 0, iova + 0x3000, mem + 0x3000),
		   "a refused unmap took something away");
	CONF_OK(c, sluice_unmap(dom, iova, 4 * 4096));
	CONF_EQ(c, sluice_unmap(dom, iova, 4 * 4096), -ENOENT, "unmapping it again");
	conf_no_event(c);
}

static const struct conf_case cases[] = {
	{ "api.map-unmap", "a mapping is reached until its strict unmap returns, and not after",
	  .run = map_unmap },
	{ "api.remap", "an address that is mapped again leads to the new page", .run = remap },
	{ "api.deferred", "a deferred unmap is complete when the drain returns, and counted",
	  .run = deferred },
	{ "api.read-only", "a mapping for reading is read, and a write to it faults",
	  .run = read_only },
	{ "api.across-pages", "a transfer over several pages finds each of them",
	  .run = across_pages },
	{ "api.fixed-4k", "a fixed mapping of 4 KiB, and nothing after its unmap",
	  .run = fixed_4k },
	{ "api.fixed-2m", "a fixed mapping of 2 MiB, and nothing after its unmap",
	  .run = fixed_2m },
	{ "api.fixed-1g", "a fixed mapping of 1 GiB, and nothing after its unmap",
	  .run = fixed_1g },
	{ "api.ends", "the lowest and the highest address of the input range can be mapped",
	  .run = top },
	{ "api.identity", "an identity domain passes addresses as they are, until the detach",
	  .run = identity },
	{ "api.blocked",
	  "a blocked domain stops everything without an event, and leaves mappings of "
	  "other domains",
	  .run = blocked },
	{ "api.detach", "when detach returns no transfer reaches memory any more", .run = detach },
	{ "api.isolation", "two devices in two domains do not see each other's pages",
	  .needs = CONF_NEED_DEV2, .run = isolation },
	{ "api.shared", "two devices share a domain, and one's detach leaves the other's mappings",
	  .needs = CONF_NEED_DEV2, .run = shared },
	{ "api.reused-asid", "a destroyed domain leaves nothing that a new one could find",
	  .run = reused_asid },
	{ "api.honest",
	  "an unmap that does not agree with one mapping is refused, and changes nothing",
	  .run = honest },
};

CONF_GROUP(api);
