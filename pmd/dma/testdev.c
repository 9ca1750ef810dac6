/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The DMA maker "testdev": QEMU's iommu-testdev PCI device (from 11.0). It writes a fixed pattern
 * through the IOMMU at once, and reports whether that faulted. It then reads an address of our
 * choice without the IOMMU, and compares that with the pattern. We give it a page that never holds
 * the pattern, and check the data ourselves.
 *
 * Registers: QEMU's docs/specs/iommu-testdev.
 */
#include <errno.h>

#include <rte_atomic.h>

#include "pci_chan.h"

#define TD_RUN     0x00u /* reading it runs the transfer */
#define TD_IOVA_LO 0x04u
#define TD_IOVA_HI 0x08u
#define TD_LEN     0x0cu
#define TD_RESULT  0x10u
#define TD_ARM     0x14u
#define TD_ATTRS   0x18u
#define TD_PA_LO   0x1cu
#define TD_PA_HI   0x20u

#define TD_ATTRS_NONSECURE 0xau /* address space "non-secure", valid */

#define TD_OK       0u
#define TD_FAULT    0xdead0002u
#define TD_RD_FAIL  0xdead0003u /* the write was done, and our page cannot be read */
#define TD_MISMATCH 0xdead0004u /* the write was done, and our page does not hold the pattern */

#define TD_LEN_MAX 4096u

static int
testdev_check(struct pci_chan *c)
{
	uint32_t len;

	pci_write(&c->pci, TD_LEN, 4, TD_LEN_MAX);
	len = (uint32_t)pci_read(&c->pci, TD_LEN, 4);
	if (len != TD_LEN_MAX)
		return sluice_fail(ENODEV, "testdev: its length register reads %#x, expected %#x",
				   len, TD_LEN_MAX);
	c->scratch = sluice_mem_alloc(c->iommu->mem, TD_LEN_MAX, TD_LEN_MAX, &c->scratch_pa);
	return c->scratch != NULL ? 0 : sluice_fail(ENOMEM, "no memory for a DMA channel");
}

static void
testdev_release(struct pci_chan *c)
{
	sluice_mem_free(c->iommu->mem, c->scratch, TD_LEN_MAX);
}

static bool
testdev_begin(struct pci_chan *c, const struct sluice_dma_desc *d, int *status)
{
	rte_io_wmb(); /* tables are in memory before the doorbell */
	pci_write(&c->pci, TD_IOVA_LO, 4, (uint32_t)d->iova);
	pci_write(&c->pci, TD_IOVA_HI, 4, (uint32_t)(d->iova >> 32));
	pci_write(&c->pci, TD_PA_LO, 4, (uint32_t)c->scratch_pa);
	pci_write(&c->pci, TD_PA_HI, 4, (uint32_t)(c->scratch_pa >> 32));
	pci_write(&c->pci, TD_LEN, 4, d->len);
	pci_write(&c->pci, TD_ATTRS, 4, TD_ATTRS_NONSECURE);
	pci_write(&c->pci, TD_ARM, 4, 1);
	(void)pci_read(&c->pci, TD_RUN, 4);
	switch ((uint32_t)pci_read(&c->pci, TD_RESULT, 4)) {
	case TD_OK:
	case TD_RD_FAIL:
	case TD_MISMATCH:
		*status = 0;
		break;
	case TD_FAULT:
		*status = -EFAULT;
		break;
	default: /* not armed, bad attributes, or no device */
		*status = -EIO;
	}
	rte_io_rmb(); /* the data is read after the result */
	return true;
}

/* A transfer is over when begin() returns, so there is nothing to poll. */
static bool
testdev_poll(struct pci_chan *c, int *status)
{
	(void)c;
	*status = -EIO;
	return true;
}

static const struct pci_kind testdev_kind = {
	.name = "testdev",
	.vendor = 0x1b36,
	.device = 0x0005,
	.check = testdev_check,
	.release = testdev_release,
	.begin = testdev_begin,
	.poll = testdev_poll,
	.info = { .flags = SLUICE_DMA_TELLS | SLUICE_DMA_PATTERN, .max_len = TD_LEN_MAX,
		  .own_len = TD_LEN_MAX, .depth = PCI_CHAN_DEPTH },
};

static int
testdev_open(struct sluice_dma *dma, struct rte_kvargs *kv)
{
	return pci_chan_open(dma, kv, &testdev_kind);
}

static int
testdev_stream(struct sluice_iommu *iommu, struct rte_kvargs *kv, uint32_t *stream)
{
	return pci_chan_stream(iommu, kv, stream, &testdev_kind);
}

static const struct sluice_dma_ops testdev_ops = {
	.name = "testdev",
	.open = testdev_open,
	.close = pci_chan_close,
	.submit = pci_chan_submit,
	.completed = pci_chan_completed,
	.stats = pci_chan_stats,
	.stream = testdev_stream,
	.info = pci_chan_info,
};

SLUICE_REGISTER_DMA(testdev, &testdev_ops)
