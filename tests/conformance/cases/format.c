/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Domains of each page-table format, through the library alone: what is mapped is reached, for what is
 * allowed, and what was unmapped is not; the neighbours stay as they are.
 */
#include <errno.h>
#include <string.h>

#include "../conf.h"

#define WINDOW (UINT64_C(3) << 30)

static void
forget_events(struct conf *c)
{
	conf_events(c);
	c->nb_ev = 0;
}

static bool
offered(const struct conf *c, const char *format)
{
	const char *name;

	for (unsigned int i = 0; (name = sluice_iommu_format(c->iommu, i)) != NULL; i++)
		if (strcmp(name, format) == 0)
			return true;
	return false;
}

static struct sluice_domain *
make(struct conf *c, const char *format, const char *policy)
{
	/* Within 32 bits, which is all that stage 2 takes in where addresses have no more. */
	struct sluice_domain_conf conf = { .format = format, .policy = policy, .iova_base = WINDOW,
					   .iova_size = UINT64_C(512) << 20 };
	struct sluice_domain *dom;

	if (!offered(c, format))
		conf_skip(c, "this IOMMU does not walk it");
	CONF_CHECK(c, c->nb_dom < CONF_DOMAINS, "the case takes too many domains");
	dom = sluice_domain_create(c->iommu, &conf);
	CONF_CHECK(c, dom != NULL, "no domain: %s", sluice_error());
	c->dom[c->nb_dom++] = dom;
	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	return dom;
}

/* Three mappings that are neighbours for the allocator; the one in the middle goes. */
static void
strict(struct conf *c, const char *format, size_t page)
{
	struct sluice_domain *dom = make(c, format, "strict");
	const size_t len = 2 * page;
	uint64_t pa, iova[3], ro;
	uint8_t *buf = conf_mem(c, 3 * len, page, &pa);

	for (unsigned int turn = 0; turn < 2; turn++) {
		for (unsigned int i = 0; i < 3; i++) {
			CONF_OK(c, sluice_map(dom, pa + i * len, len, SLUICE_RW, &iova[i]));
			CONF_CHECK(c, conf_write(c, 0, iova[i] + 8, buf + i * len + 8), "its first page");
			CONF_CHECK(c, conf_write(c, 0, iova[i] + len - 64, buf + (i + 1) * len - 64),
				   "its last page");
		}
		conf_no_event(c);
		CONF_OK(c, sluice_unmap(dom, iova[1], len));
		CONF_CHECK(c, !conf_write(c, 0, iova[1] + 8, buf + len + 8), "reached after a strict unmap");
		CONF_CHECK(c, !conf_write(c, 0, iova[1] + len - 64, buf + 2 * len - 64),
			   "its last page reached after a strict unmap");
		forget_events(c);
		CONF_CHECK(c, conf_write(c, 0, iova[0] + len - 64, buf + len - 64), "the page before");
		CONF_CHECK(c, conf_write(c, 0, iova[2] + 8, buf + 2 * len + 8), "the page behind");
		conf_no_event(c);
		CONF_OK(c, sluice_unmap(dom, iova[0], len));
		CONF_OK(c, sluice_unmap(dom, iova[2], len));
	}
	CONF_OK(c, sluice_map(dom, pa, page, SLUICE_READ, &ro));
	CONF_CHECK(c, !conf_write(c, 0, ro + 8, buf + 8), "written although it is for reading only");
	forget_events(c);
	CONF_OK(c, sluice_unmap(dom, ro, page));
}

/* Everything at once: one invalidation of the whole address space. */
static void
deferred(struct conf *c, const char *format, size_t page)
{
	enum { N = 40 }; /* more than range_max */
	struct sluice_domain *dom = make(c, format, "deferred");
	uint64_t pa, iova[N];
	uint8_t *buf = conf_mem(c, page, page, &pa);

	for (unsigned int i = 0; i < N; i++) {
		CONF_OK(c, sluice_map(dom, pa, 256, SLUICE_RW, &iova[i]));
		CONF_CHECK(c, conf_write(c, 0, iova[i] + 8, buf + 8), "mapping %u", i);
	}
	conf_no_event(c);
	for (unsigned int i = 0; i < N; i++)
		CONF_OK(c, sluice_unmap(dom, iova[i], 256));
	CONF_OK(c, sluice_domain_drain(dom));
	for (unsigned int i = 0; i < N; i += 13)
		CONF_CHECK(c, !conf_write(c, 0, iova[i] + 8, buf + 8), "%u reached after the drain", i);
	forget_events(c);
}

/* A block, outside of the window, and a table that goes with it. */
static void
fixed(struct conf *c, const char *format, size_t page)
{
	struct sluice_domain *dom = make(c, format, "strict");
	uint64_t pa, at = UINT64_C(1) << 30;
	uint8_t *buf = conf_mem(c, 2 * page, page, &pa);

	for (unsigned int turn = 0; turn < 2; turn++) {
		CONF_OK(c, sluice_map_fixed(dom, at, pa, 2 * page, SLUICE_RW));
		CONF_CHECK(c, conf_write(c, 0, at + 8, buf + 8), "a fixed mapping");
		CONF_CHECK(c, conf_write(c, 0, at + page + 8, buf + page + 8), "its second page");
		conf_no_event(c);
		CONF_OK(c, sluice_unmap_fixed(dom, at, 2 * page));
		CONF_CHECK(c, !conf_write(c, 0, at + page + 8, buf + page + 8), "reached after its unmap");
		forget_events(c);
	}
}

/* Stage 1 over stage 2: an unmap of either is enough, and the other's mapping is no way round it. */
static void
nested(struct conf *c)
{
	struct sluice_domain_conf conf = { .format = "lpae-s2-4k", .iova_base = WINDOW,
					   .iova_size = UINT64_C(512) << 20 };
	struct sluice_domain *parent, *dom;
	const uint64_t ipa = UINT64_C(1) << 31;
	uint64_t pa, iova[2];
	uint8_t *buf = conf_mem(c, 2 * 4096, 4096, &pa);

	if (!offered(c, "lpae-s1-4k") || !offered(c, "lpae-s2-4k"))
		conf_skip(c, "this IOMMU has one stage");
	parent = sluice_domain_create(c->iommu, &conf);
	CONF_CHECK(c, parent != NULL, "no domain of stage 2: %s", sluice_error());
	c->dom[c->nb_dom++] = parent;
	conf = (struct sluice_domain_conf){ .format = "lpae-s1-4k", .parent = parent };
	dom = sluice_domain_create(c->iommu, &conf);
	CONF_CHECK(c, dom != NULL, "no domain over it: %s", sluice_error());
	c->dom[c->nb_dom++] = dom;
	CONF_EQ(c, sluice_domain_destroy(parent), -EBUSY, "a parent outlives its children");
	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	for (unsigned int turn = 0; turn < 2; turn++) {
		CONF_OK(c, sluice_map_fixed(parent, ipa, pa, 2 * 4096, SLUICE_RW));
		for (unsigned int i = 0; i < 2; i++) {
			CONF_OK(c, sluice_map(dom, ipa + i * 4096, 4096, SLUICE_RW, &iova[i]));
			CONF_CHECK(c, conf_write(c, 0, iova[i] + 8, buf + i * 4096 + 8), "page %u", i);
		}
		conf_no_event(c);
		CONF_OK(c, sluice_unmap(dom, iova[0], 4096));
		CONF_CHECK(c, !conf_write(c, 0, iova[0] + 8, buf + 8), "reached after stage 1's unmap");
		CONF_CHECK(c, conf_write(c, 0, iova[1] + 8, buf + 4096 + 8), "the other page");
		CONF_OK(c, sluice_unmap_fixed(parent, ipa, 2 * 4096));
		CONF_CHECK(c, !conf_write(c, 0, iova[1] + 8, buf + 4096 + 8),
			   "reached after stage 2's unmap");
		forget_events(c);
		CONF_OK(c, sluice_unmap(dom, iova[1], 4096));
	}
}

static void
all(struct conf *c, const char *format, size_t page)
{
	strict(c, format, page);
	deferred(c, format, page);
	fixed(c, format, page);
}

#define EACH(id, name, page)                                                                       \
	static void id(struct conf *c) { all(c, name, page); }
EACH(s1_4k, "lpae-s1-4k", 4096)
EACH(s1_16k, "lpae-s1-16k", 16384)
EACH(s1_64k, "lpae-s1-64k", 65536)
EACH(s2_4k, "lpae-s2-4k", 4096)
EACH(s2_16k, "lpae-s2-16k", 16384)
EACH(s2_64k, "lpae-s2-64k", 65536)

static const struct conf_case cases[] = {
	{ "format.lpae-s1-4k", "stage 1, 4 KiB pages", .run = s1_4k },
	{ "format.lpae-s1-16k", "stage 1, 16 KiB pages", .run = s1_16k },
	{ "format.lpae-s1-64k", "stage 1, 64 KiB pages", .run = s1_64k },
	{ "format.lpae-s2-4k", "stage 2, 4 KiB pages", .run = s2_4k },
	{ "format.lpae-s2-16k", "stage 2, 16 KiB pages", .run = s2_16k },
	{ "format.lpae-s2-64k", "stage 2, 64 KiB pages", .run = s2_64k },
	{ "format.nested", "stage 1 over stage 2: what either unmaps is not reached", .run = nested },
};

CONF_GROUP(format);
