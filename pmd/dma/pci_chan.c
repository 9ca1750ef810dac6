/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A DMA channel over a PCI device that makes one transfer at a time: a short queue in software in
 * front of it, moved on by whoever submits or collects. Every transfer has a deadline.
 */
#include <stdlib.h>
#include <string.h>

#include "../../engine/object/device.h"
#include "../regs/number.h"
#include "pci_chan.h"

#define TIMEOUT_MS 5000u
#define INDEX_MAX  255u

/* ---- the device ------------------------------------------------------------------------------ */

/* What can be said of a transfer without asking the device. @return 0 or -errno. */
static int
judge(const struct pci_kind *k, const struct sluice_dma_desc *d)
{
	if (d->dev_mem != NULL ||
	    (!(d->flags & SLUICE_DMA_TO_HOST) && !(k->info.flags & SLUICE_DMA_READS)))
		return -ENOTSUP;
	return d->len > k->info.max_len || d->dev_off > k->info.own_len ||
	       d->len > k->info.own_len - d->dev_off ? -EINVAL : 0;
}

static void
finish(struct pci_chan *c, int status)
{
	const struct sluice_dma_desc *d = &c->desc[c->head % PCI_CHAN_DEPTH];
	uint32_t done = status == 0 ? d->len : 0;

	c->cpl[c->head++ % PCI_CHAN_DEPTH] = (struct sluice_dma_cpl){
		.cookie = d->cookie, .done = done, .status = status,
	};
	c->busy = false;
	c->st.bytes += done;
	c->st.faults += status == -EFAULT;
}

static bool
begin(struct pci_chan *c, int *status)
{
	const struct sluice_dma_desc *d = &c->desc[c->head % PCI_CHAN_DEPTH];
	const struct sluice_clock *clk = &c->iommu->clock;
	uint64_t latency = 0;

	*status = judge(c->kind, d);
	if (*status != 0 || d->len == 0)
		return true;
	if (!c->pci.regs->warps)
		latency = sluice_clock_from_ns(clk, c->kind->info.latency_ns);
	c->end = deadline_begin(clk, latency + sluice_clock_from_ns(clk, c->timeout_ns));
	c->next_poll = c->end.start + latency;
	c->busy = true;
	return c->kind->begin(c, d, status);
}

/* As far as it goes without waiting. */
static void
move_on(struct pci_chan *c)
{
	int status;

	while (c->head != c->tail) {
		if (c->busy ? !c->kind->poll(c, &status) : !begin(c, &status))
			return;
		finish(c, status);
	}
}

/* ---- the worker ------------------------------------------------------------------------------ */

uint16_t
pci_chan_submit(struct sluice_dma *dma, const struct sluice_dma_desc *d, uint16_t n)
{
	struct pci_chan *c = dma->priv;
	uint32_t room = PCI_CHAN_DEPTH - (c->tail - c->collected);

	if (n > room)
		n = (uint16_t)room;
	for (uint16_t i = 0; i < n; i++)
		c->desc[c->tail++ % PCI_CHAN_DEPTH] = d[i];
	c->st.submitted += n;
	move_on(c);
	return n;
}

uint16_t
pci_chan_completed(struct sluice_dma *dma, struct sluice_dma_cpl *cpl, uint16_t n)
{
	struct pci_chan *c = dma->priv;
	uint16_t got = 0;

	move_on(c);
	while (got < n && c->collected != c->head)
		cpl[got++] = c->cpl[c->collected++ % PCI_CHAN_DEPTH];
	c->st.completed += got;
	return got;
}

void
pci_chan_stats(const struct sluice_dma *dma, struct sluice_dma_stats *st)
{
	const struct pci_chan *c = dma->priv;

	*st = c->st;
}

void
pci_chan_info(const struct sluice_dma *dma, struct sluice_dma_info *info)
{
	const struct pci_chan *c = dma->priv;

	*info = c->kind->info;
	if (c->pci.regs->warps)
		info->latency_ns = 0;
}

/* ---- control --------------------------------------------------------------------------------- */

static int
check_keys(const struct rte_kvargs *kv)
{
	for (unsigned int i = 0; kv != NULL && i < kv->count; i++)
		if (strcmp(kv->pairs[i].key, "index") != 0 &&
		    strcmp(kv->pairs[i].key, "timeout_ms") != 0)
			return sluice_fail(EINVAL, "unknown key '%s': use index, timeout_ms",
					   kv->pairs[i].key);
	return 0;
}

/* Find the device that the keys name; @p p NULL: just its StreamID. */
static int
find(struct sluice_iommu *iommu, const struct rte_kvargs *kv, const struct pci_kind *kind,
     struct sluice_pci *p, uint32_t *stream)
{
	struct sluice_regs *regs = iommu->regs;
	uint64_t index;
	int ret;

	if ((ret = check_keys(kv)) != 0 ||
	    (ret = kv_number(kv, "index", 0, 0, INDEX_MAX, &index)) != 0)
		return ret;
	if (regs == NULL || regs->ops->pci_open == NULL)
		return sluice_fail(ENOTSUP, "dma maker %s needs PCI devices: regs=%s has none",
				   kind->name, iommu->info.regs);
	return regs->ops->pci_open(regs, kind->vendor, kind->device, (unsigned int)index, p,
				   stream);
}

int
pci_chan_stream(struct sluice_iommu *iommu, struct rte_kvargs *kv, uint32_t *stream,
		const struct pci_kind *kind)
{
	return find(iommu, kv, kind, NULL, stream);
}

static int
check_stream(const struct sluice_device *dev, const struct pci_kind *kind, uint32_t stream)
{
	for (unsigned int i = 0; i < dev->nb_streams; i++)
		if (dev->stream[i] == stream)
			return 0;
	return sluice_fail(EINVAL, "this %s has StreamID %#x, which is none of the device's "
			   "(%#x%s)", kind->name, stream, dev->stream[0],
			   dev->nb_streams > 1 ? ", …" : "");
}

int
pci_chan_open(struct sluice_dma *dma, struct rte_kvargs *kv, const struct pci_kind *kind)
{
	struct pci_chan *c;
	uint64_t ms;
	uint32_t stream;
	int ret;

	if ((ret = kv_number(kv, "timeout_ms", TIMEOUT_MS, 1, 600000, &ms)) != 0 ||
	    (ret = find(dma->iommu, kv, kind, NULL, &stream)) != 0 ||
	    (ret = check_stream(dma->dev, kind, stream)) != 0)
		return ret;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return sluice_fail(ENOMEM, "no memory for a DMA channel");
	c->kind = kind;
	c->iommu = dma->iommu;
	c->timeout_ns = ms * 1000000;
	ret = find(dma->iommu, kv, kind, &c->pci, NULL);
	if (ret == 0) {
		ret = kind->check(c);
		if (ret != 0)
			c->pci.regs->ops->pci_close(&c->pci);
	}
	if (ret != 0) {
		free(c);
		return ret;
	}
	dma->priv = c;
	return 0;
}

int
pci_chan_close(struct sluice_dma *dma)
{
	struct pci_chan *c = dma->priv;

	if (c->tail != c->collected)
		return sluice_fail(EBUSY, "transfers in flight: collect their completions first");
	if (c->kind->release != NULL)
		c->kind->release(c);
	c->pci.regs->ops->pci_close(&c->pci);
	free(c);
	dma->priv = NULL;
	return 0;
}
