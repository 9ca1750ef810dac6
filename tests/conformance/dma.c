/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Moving bytes and telling where they went. Devices need not say whether an access was let through:
 * memory does. A word that a device writes is looked for in every place where it could have
 * landed, each of which held another one before; a word that it read is fetched out of its own
 * buffer through a stream that bypasses.
 */
#include <errno.h>

#include "conf.h"

#define DEADLINE_MS 8000u

static void
store(void *place, uint32_t v)
{
	__atomic_store_n((uint32_t *)place, v, __ATOMIC_SEQ_CST);
}

static uint32_t
load(const void *place)
{
	return __atomic_load_n((const uint32_t *)place, __ATOMIC_SEQ_CST);
}

void
conf_xfer_start(struct conf *c, unsigned int d, uint64_t iova, uint32_t len, bool to_host,
		unsigned int word)
{
	struct sluice_dma_desc t = {
		.iova = iova, .len = len, .flags = to_host ? SLUICE_DMA_TO_HOST : 0,
		.dev_off = (uint16_t)(4 * word),
	};
	uint64_t until = conf_ms() + DEADLINE_MS;

	CONF_CHECK(c, d < c->nb_devs, "no device %u", d);
	while (sluice_dma_submit(c->dev[d].dma, &t, 1) != 1) {
		CONF_CHECK(c, conf_ms() < until, "device %u takes no transfer", d);
		conf_step(c);
	}
}

int
conf_xfer_end(struct conf *c, unsigned int d)
{
	uint64_t until = conf_ms() + DEADLINE_MS;
	struct sluice_dma_cpl cpl;

	while (sluice_dma_completed(c->dev[d].dma, &cpl, 1) != 1) {
		CONF_CHECK(c, conf_ms() < until, "device %u does not finish a transfer", d);
		conf_step(c);
	}
	return cpl.status;
}

int
conf_xfer(struct conf *c, unsigned int d, uint64_t iova, uint32_t len, bool to_host,
	  unsigned int word)
{
	int status;

	conf_xfer_start(c, d, iova, len, to_host, word);
	status = conf_xfer_end(c, d);
	CONF_CHECK(c, status == 0 || status == -EFAULT || status == -EIO,
		   "device %u cannot make that transfer: %d", d, status);
	return status;
}

int
conf_land(struct conf *c, unsigned int d, uint64_t iova, void *const place[], unsigned int n)
{
	struct conf_dev *dev = &c->dev[d];
	unsigned int word = dev->turn++ % CONF_WORDS;
	int landed = -1, status;
	uint32_t was;

	conf_dma_load(c, d);
	was = ~dev->word[word];
	for (unsigned int i = 0; i < n; i++)
		store(place[i], was);
	status = conf_xfer(c, d, iova, 4, true, word);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t v = load(place[i]);

		if (v == was)
			continue;
		CONF_CHECK(c, v == dev->word[word],
			   "device %u wrote %#x to %#" PRIx64 ", memory holds %#x", d,
			   dev->word[word], iova, v);
		CONF_CHECK(c, landed < 0, "one write landed in two places");
		landed = (int)i;
	}
	if (dev->info.flags & SLUICE_DMA_TELLS)
		CONF_CHECK(c, (status == 0) == (landed >= 0),
			   "device %u is told %d of a write to %#" PRIx64 " that %s", d, status,
			   iova, landed >= 0 ? "landed" : "landed nowhere");
	return landed;
}

bool
conf_write(struct conf *c, unsigned int d, uint64_t iova, void *place)
{
	return conf_land(c, d, iova, &place, 1) == 0;
}

/* Give a stream a bypassing STE for a moment. The translation caches are left alone. */
static void
bypass(struct conf *c, unsigned int d, uint64_t saved[8])
{
	uint64_t w[8];

	CONF_OK(c, sluice_raw_entry_read(c->iommu, SLUICE_RAW_STREAM, c->dev[d].sid, saved));
	conf_ste_bypass(w);
	conf_ste_set(c, d, w);
}

bool
conf_read(struct conf *c, unsigned int d, uint64_t iova, void *place)
{
	struct conf_dev *dev = &c->dev[d];
	unsigned int word = dev->turn++ % CONF_WORDS;
	uint64_t saved[8];
	uint32_t old, src;
	int status;
	bool got;

	conf_dma_load(c, d);
	old = dev->word[word];
	do
		src = conf_random(c) | 1;
	while (src == old || src == UINT32_MAX);
	store(place, src);
	status = conf_xfer(c, d, iova, 4, false, word);
	bypass(c, d, saved);
	store(c->scratch, ~src);
	CONF_CHECK(c, conf_xfer(c, d, c->scratch_pa, 4, true, word) == 0,
		   "device %u cannot write through a stream that bypasses", d);
	conf_ste_set(c, d, saved);
	dev->word[word] = load(c->scratch);
	got = dev->word[word] == src;
	CONF_CHECK(c, got || dev->word[word] == old || dev->word[word] == 0 ||
			      dev->word[word] == UINT32_MAX,
		   "device %u read %#x, which is nowhere (%#x is)", d, dev->word[word], src);
	if (dev->info.flags & SLUICE_DMA_TELLS)
		CONF_CHECK(c, (status == 0) == got,
			   "device %u is told %d of a read of %#" PRIx64 " that %s", d, status,
			   iova, got ? "succeeded" : "read nothing");
	/* Zeros would make a poor word to be told apart. */
	if (!got && dev->word[word] != old)
		dev->loaded = false;
	return got;
}

void
conf_dma_load(struct conf *c, unsigned int d)
{
	struct conf_dev *dev = &c->dev[d];
	uint64_t saved[8];

	if (dev->loaded)
		return;
	dev->loaded = true;
	if (dev->info.flags & SLUICE_DMA_PATTERN) {
		for (unsigned int i = 0; i < CONF_WORDS; i++)
			dev->word[i] = 0x12345678;
		return;
	}
	for (unsigned int i = 0; i < CONF_WORDS; i++)
		store(&c->scratch[i], 0xd0000000u | d << 24 | conf_random(c) >> 16 << 8 | i);
	memcpy(dev->word, c->scratch, sizeof(dev->word));
	bypass(c, d, saved);
	CONF_EQ(c, conf_xfer(c, d, c->scratch_pa, CONF_WORDS * 4, false, 0), 0,
		"the status of a read through a stream that bypasses");
	/* And out again: a device that read nothing is found here, and not by every case. */
	memset(c->scratch, 0xa5, sizeof(dev->word));
	CONF_EQ(c, conf_xfer(c, d, c->scratch_pa, CONF_WORDS * 4, true, 0), 0,
		"the status of a write through a stream that bypasses");
	conf_ste_set(c, d, saved);
	CONF_CHECK(c, memcmp(dev->word, c->scratch, sizeof(dev->word)) == 0,
		   "device %u moves nothing through a stream that bypasses", d);
}
