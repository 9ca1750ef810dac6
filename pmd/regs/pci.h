/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * PCI devices on the machine that an IOMMU's registers are on, for the DMA makers.
 */
#ifndef REGS_PCI_H
#define REGS_PCI_H

#include "regs.h"

/** One PCI function with its first BAR mapped and bus mastering on. */
struct sluice_pci {
	struct sluice_regs *regs;
	uint8_t *bar;    /**< the mapped BAR; NULL: use regs->ops->bus_read and bus_write */
	uint64_t bar_pa; /**< the BAR's bus address, if bar is NULL */
	size_t bar_len;
	uint32_t stream; /**< StreamID = requester id (bus << 8 | device << 3 | function) */
	int fd, cfg_fd;  /**< BAR and configuration space, open while the device is ours; or -1 */
};

static inline uint64_t
pci_read(struct sluice_pci *p, uint32_t off, unsigned int size)
{
	if (p->bar == NULL)
		return p->regs->ops->bus_read(p->regs, p->bar_pa + off, size);
	return size == 8 ? atomic_load_explicit((_Atomic uint64_t *)(void *)(p->bar + off),
						memory_order_acquire)
			 : atomic_load_explicit((_Atomic uint32_t *)(void *)(p->bar + off),
						memory_order_acquire);
}

static inline void
pci_write(struct sluice_pci *p, uint32_t off, unsigned int size, uint64_t v)
{
	if (p->bar == NULL)
		p->regs->ops->bus_write(p->regs, p->bar_pa + off, size, v);
	else if (size == 8)
		atomic_store_explicit((_Atomic uint64_t *)(void *)(p->bar + off), v,
				      memory_order_release);
	else
		atomic_store_explicit((_Atomic uint32_t *)(void *)(p->bar + off), (uint32_t)v,
				      memory_order_release);
}

#endif
