/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The DMA maker "edu": QEMU's educational PCI device, in every version of QEMU. It moves bytes
 * between host memory and a buffer of its own, each transfer 100 ms after it was asked for, and
 * cannot tell whether the IOMMU let them through: that shows in the data and in the event queue.
 *
 * Registers: QEMU's docs/specs/edu.
 */
#include <errno.h>

#include <rte_atomic.h>

#include "pci_chan.h"

#define EDU_ID        0x00u /* 0xRRrr00ed */
#define EDU_LIVE      0x04u /* reads as the complement of what was written */
#define EDU_DMA_SRC   0x80u
#define EDU_DMA_DST   0x88u
#define EDU_DMA_COUNT 0x90u
#define EDU_DMA_CMD   0x98u
#define EDU_CMD_RUN   (1u << 0)
#define EDU_CMD_WRITE (1u << 1) /* buffer to host; else host to buffer */

#define EDU_BUF UINT64_C(0x40000)
/* 4096 bytes, but QEMU 7.2 ends itself when a transfer touches the last one. */
#define EDU_BUF_LEN 4095u
#define EDU_LATENCY_NS UINT64_C(100000000)
#define EDU_POLL_NS    UINT64_C(500000)

static int
edu_check(struct pci_chan *c)
{
	uint32_t id = (uint32_t)pci_read(&c->pci, EDU_ID, 4), live;

	if ((id & 0xffff) != 0xed)
		return sluice_fail(ENODEV, "edu: identification 0x%08x, expected 0x....00ed", id);
	pci_write(&c->pci, EDU_LIVE, 4, id);
	live = (uint32_t)pci_read(&c->pci, EDU_LIVE, 4);
	if (live != ~id)
		return sluice_fail(ENODEV, "edu: liveness 0x%08x, expected 0x%08x", live, ~id);
	if (pci_read(&c->pci, EDU_DMA_CMD, 8) & EDU_CMD_RUN)
		return sluice_fail(EBUSY, "edu: a transfer of somebody else is under way");
	return 0;
}

/* Over when the device cleared RUN. A dead bus reads as all ones. */
static bool
edu_poll(struct pci_chan *c, int *status)
{
	uint64_t now = sluice_clock_ticks(&c->iommu->clock), cmd;

	if (now < c->next_poll)
		return false;
	cmd = pci_read(&c->pci, EDU_DMA_CMD, 8);
	if ((cmd & EDU_CMD_RUN) == 0) {
		rte_io_rmb(); /* the data is read after RUN was seen clear */
		*status = 0;
		return true;
	}
	c->next_poll = now + sluice_clock_from_ns(&c->iommu->clock, EDU_POLL_NS);
	*status = cmd == UINT64_MAX ? -EIO : -ETIMEDOUT;
	return cmd == UINT64_MAX || deadline_passed(&c->end);
}

static bool
edu_begin(struct pci_chan *c, const struct sluice_dma_desc *d, int *status)
{
	bool to_host = d->flags & SLUICE_DMA_TO_HOST;
	uint64_t own = EDU_BUF + d->dev_off, cmd;

	/* One that timed out may still be under way: it would take the new addresses. */
	cmd = pci_read(&c->pci, EDU_DMA_CMD, 8);
	if (cmd & EDU_CMD_RUN) {
		*status = cmd == UINT64_MAX ? -EIO : -ETIMEDOUT;
		return true;
	}
	rte_io_wmb(); /* data and tables are in memory before the doorbell */
	pci_write(&c->pci, EDU_DMA_SRC, 8, to_host ? own : d->iova);
	pci_write(&c->pci, EDU_DMA_DST, 8, to_host ? d->iova : own);
	pci_write(&c->pci, EDU_DMA_COUNT, 8, d->len);
	pci_write(&c->pci, EDU_DMA_CMD, 8, EDU_CMD_RUN | (to_host ? EDU_CMD_WRITE : 0));
	return false;
}

static const struct pci_kind edu_kind = {
	.name = "edu",
	.vendor = 0x1234,
	.device = 0x11e8,
	.check = edu_check,
	.begin = edu_begin,
	.poll = edu_poll,
	.info = { .flags = SLUICE_DMA_READS, .max_len = EDU_BUF_LEN, .own_len = EDU_BUF_LEN,
		  .depth = PCI_CHAN_DEPTH, .latency_ns = EDU_LATENCY_NS },
};

static int
edu_open(struct sluice_dma *dma, struct rte_kvargs *kv)
{
	return pci_chan_open(dma, kv, &edu_kind);
}

static int
edu_stream(struct sluice_iommu *iommu, struct rte_kvargs *kv, uint32_t *stream)
{
	return pci_chan_stream(iommu, kv, stream, &edu_kind);
}

static const struct sluice_dma_ops edu_ops = {
	.name = "edu",
	.open = edu_open,
	.close = pci_chan_close,
	.submit = pci_chan_submit,
	.completed = pci_chan_completed,
	.stats = pci_chan_stats,
	.stream = edu_stream,
	.info = pci_chan_info,
};

SLUICE_REGISTER_DMA(edu, &edu_ops)
