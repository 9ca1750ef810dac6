/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A DMA channel over a PCI device that makes one transfer at a time: what edu and testdev share.
 */
#ifndef DMA_PCI_CHAN_H
#define DMA_PCI_CHAN_H

#include "../../engine/base/deadline.h"
#include "../regs/pci.h"

#define PCI_CHAN_DEPTH 64u

struct pci_chan;

/** A kind of device. */
struct pci_kind {
	const char *name;
	uint16_t vendor, device;
	/** Is it what its ids say, and ready? @return 0 or -errno with sluice_fail() called. */
	int (*check)(struct pci_chan *c);
	/** Release what check() took; may be NULL. */
	void (*release)(struct pci_chan *c);
	/**
	 * Begin a transfer within the limits of info. @return true: it is over, @p status says how;
	 * false: poll() will tell.
	 */
	bool (*begin)(struct pci_chan *c, const struct sluice_dma_desc *d, int *status);
	bool (*poll)(struct pci_chan *c, int *status);
	struct sluice_dma_info info;
};

/** All of it belongs to the lcore that submits and collects. */
struct pci_chan {
	const struct pci_kind *kind;
	struct sluice_iommu *iommu;
	struct sluice_pci pci;
	void *scratch;           /* the kind's own */
	uint64_t scratch_pa;
	uint64_t timeout_ns;     /* of one transfer, beyond info.latency_ns */
	struct deadline end;     /* of the transfer under way */
	uint64_t next_poll;      /* accesses are slow: not more often than this */
	bool busy;               /* desc[head] is under way */
	uint32_t tail, head, collected;
	struct sluice_dma_stats st;
	struct sluice_dma_desc desc[PCI_CHAN_DEPTH];
	struct sluice_dma_cpl cpl[PCI_CHAN_DEPTH];
};

/* The rows of struct sluice_dma_ops that do not depend on the kind; dma->priv is the channel. */
int pci_chan_open(struct sluice_dma *dma, struct rte_kvargs *kv, const struct pci_kind *kind);
int pci_chan_stream(struct sluice_iommu *iommu, struct rte_kvargs *kv, uint32_t *stream,
		    const struct pci_kind *kind);
int pci_chan_close(struct sluice_dma *dma);
uint16_t pci_chan_submit(struct sluice_dma *dma, const struct sluice_dma_desc *d, uint16_t n);
uint16_t pci_chan_completed(struct sluice_dma *dma, struct sluice_dma_cpl *c, uint16_t n);
void pci_chan_stats(const struct sluice_dma *dma, struct sluice_dma_stats *st);
void pci_chan_info(const struct sluice_dma *dma, struct sluice_dma_info *info);

#endif
