/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Who makes DMA: channels of devices that move bytes through translated addresses. Works like
 * a DPDK dmadev: submit a burst of descriptors, collect completions in order.
 */
#ifndef SLUICE_DMA_H
#define SLUICE_DMA_H

#include <sluice/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One transfer between host memory (by IOVA, translated) and the device's own memory. */
struct sluice_dma_desc {
	uint64_t iova;     /**< address for the device */
	void *dev_mem;     /**< the device's side: source of a write to the host, sink of a read */
	uint32_t len;      /**< bytes */
	uint16_t flags;    /**< SLUICE_DMA_TO_HOST or 0 */
	uint16_t rsvd;
	uint64_t cookie;   /**< comes back in the completion */
};

#define SLUICE_DMA_TO_HOST (1u << 0) /**< the device writes host memory; else it reads it */

/** How a transfer ended. */
struct sluice_dma_cpl {
	uint64_t cookie;
	uint32_t done;   /**< bytes moved before the end or the fault */
	int32_t status;  /**< 0; -EFAULT the IOMMU refused; -EIO the access aborted on the bus */
};

/** Counters of a channel. */
struct sluice_dma_stats {
	uint64_t submitted, completed;   /**< descriptors */
	uint64_t bytes;                  /**< bytes moved */
	uint64_t faults;                 /**< descriptors that ended with a fault */
	uint64_t probes, probe_hits;     /**< accesses tried on purpose; those that got through */
};

/**
 * Open a channel of a DMA maker for a device. Control path.
 * @param devargs "NAME[,key=value…]": "emu[,ring=N][,probe=1][,stream=I][,seed=N]": an emulated device
 *   (needs emulated hardware); ring: descriptors, a power of two (1024); probe: keep touching
 *   addresses that were used before; stream: index of the device's StreamID.
 * @return the channel, or NULL with rte_errno EINVAL, ENOTSUP or ENOMEM and sluice_error() set.
 */
SLUICE_API struct sluice_dma *sluice_dma_open(struct sluice_device *dev, const char *devargs);

/** Close a channel; nothing may be in flight. @return 0; -EBUSY. */
SLUICE_API int sluice_dma_close(struct sluice_dma *dma);

/** Submit up to @p n transfers, in order. One lcore. @return how many were taken. */
SLUICE_API uint16_t sluice_dma_submit(struct sluice_dma *dma, const struct sluice_dma_desc *d,
				      uint16_t n);

/** Collect up to @p n completions, in order. One lcore. @return how many. */
SLUICE_API uint16_t sluice_dma_completed(struct sluice_dma *dma, struct sluice_dma_cpl *c,
					 uint16_t n);

/** Turn deliberate probing of used addresses on or off. */
SLUICE_API int sluice_dma_probe(struct sluice_dma *dma, bool on);

/** Fill @p st. Exact when nothing is in flight. */
SLUICE_API void sluice_dma_stats(const struct sluice_dma *dma, struct sluice_dma_stats *st);

#ifdef __cplusplus
}
#endif
#endif
