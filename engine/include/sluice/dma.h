/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * DMA makers: channels of devices that move bytes through translated addresses. A channel works
 * like a DPDK dmadev: submit a burst of descriptors, collect completions in order.
 */
#ifndef SLUICE_DMA_H
#define SLUICE_DMA_H

#include <sluice/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One transfer between host memory (by IOVA, translated) and the device's own memory. */
struct sluice_dma_desc {
	uint64_t iova;     /**< the address in host memory, for the device */
	void *dev_mem;     /**< the device's side: source of a write to the host, sink of a read;
				NULL: the device's own buffer (sluice_dma_get_info()), at dev_off */
	uint32_t len;      /**< bytes */
	uint16_t flags;    /**< SLUICE_DMA_TO_HOST or 0 */
	uint16_t dev_off;  /**< offset in the device's own buffer, bytes, if dev_mem is NULL */
	uint64_t cookie;   /**< comes back in the completion */
};

#define SLUICE_DMA_TO_HOST (1u << 0) /**< the device writes host memory; else it reads it */

/** How a transfer ended. */
struct sluice_dma_cpl {
	uint64_t cookie;
	uint32_t done;   /**< bytes moved before the end or the fault */
	int32_t status;  /**< 0; -EFAULT the IOMMU refused it; -EIO the access aborted on the bus;
				-EINVAL, -ENOTSUP this maker cannot make such a transfer, and
				nothing was done; -ETIMEDOUT the device missed its deadline */
};

#define SLUICE_DMA_TELLS (1u << 0) /**< status and done say whether the IOMMU let a transfer
					through. Without this flag status is always 0: look at the
					data and at the event queue */
#define SLUICE_DMA_READS (1u << 1) /**< the device can read host memory */
#define SLUICE_DMA_ANY_MEM (1u << 2) /**< dev_mem may be given */
#define SLUICE_DMA_PATTERN (1u << 3) /**< the device's own buffer is constant: 78 56 34 12 (hex),
					over and over, from the start in each transfer */

/** What a channel can do. */
struct sluice_dma_info {
	uint32_t flags;      /**< SLUICE_DMA_TELLS, … */
	uint32_t max_len;    /**< bytes of the longest transfer */
	uint32_t own_len;    /**< bytes of the device's own buffer: dev_off + len <= own_len */
	uint32_t depth;      /**< transfers that may be in flight */
	uint64_t latency_ns; /**< the least time of a transfer, by design of the device */
};

/** Counters of a channel. */
struct sluice_dma_stats {
	uint64_t submitted, completed;   /**< descriptors */
	uint64_t bytes;                  /**< bytes moved */
	uint64_t faults;                 /**< descriptors that ended with a fault */
	uint64_t probes, probe_hits;     /**< accesses made on purpose; those that got through */
};

/**
 * Open a channel of a DMA maker for a device. Control path.
 * @param devargs "NAME[,key=value…]":
 *   "emu[,ring=N][,probe=1][,stream=I][,index=N][,seed=N]": an emulated device (needs emulated
 *   hardware); ring: descriptors, a power of two (1024); probe: keep touching addresses that were
 *   used before; stream: index of the device's StreamID; index: like the N-th PCI device, see
 *   sluice_dma_stream(). With ",ats=1[,atc=N][,atc_dead=1][,atc_late_ns=N]" the device has an
 *   address translation cache of N entries, a power of two (64), and uses it once
 *   sluice_device_ats() has turned that on; it never answers an invalidation (atc_dead), or only
 *   after so many nanoseconds.
 *   "edu[,index=N][,timeout_ms=N]": the N-th (from 0) "edu" PCI device on the machine whose IOMMU
 *   this is; a transfer takes 100 ms, and the deadline begins after that (5000).
 *   "testdev[,index=N]": the N-th "iommu-testdev" PCI device; it only writes.
 *   The StreamID of a PCI device must be one of @p dev's: ask sluice_dma_stream() for it.
 * @return the channel, or NULL with rte_errno EINVAL, ENODEV, EBUSY (the device is in use),
 *   ENOTSUP or ENOMEM and sluice_error() set.
 */
SLUICE_API struct sluice_dma *sluice_dma_open(struct sluice_device *dev, const char *devargs);

/**
 * The StreamID that sluice_dma_open() with the same @p devargs will use; no device need exist yet.
 * For "emu" any StreamID will do: index=N (0) gets (N + 1) << 3, the requester id of
 * the N-th PCI device of a small machine.
 * @return 0; -EINVAL, -ENODEV, -ENOTSUP with sluice_error() set.
 */
SLUICE_API int sluice_dma_stream(struct sluice_iommu *iommu, const char *devargs, uint32_t *stream);

/** Fill @p info. @return 0; -EINVAL if a pointer is NULL. */
SLUICE_API int sluice_dma_get_info(const struct sluice_dma *dma, struct sluice_dma_info *info);

/** Close a channel; nothing may be in flight. @return 0; -EBUSY. */
SLUICE_API int sluice_dma_close(struct sluice_dma *dma);

/** Submit up to @p n transfers, in order. One lcore at a time; NULL is not checked.
 * @return how many were taken. */
SLUICE_API uint16_t sluice_dma_submit(struct sluice_dma *dma, const struct sluice_dma_desc *d,
				      uint16_t n);

/** Collect up to @p n completions, in order. One lcore at a time; NULL is not checked.
 * @return how many. */
SLUICE_API uint16_t sluice_dma_completed(struct sluice_dma *dma, struct sluice_dma_cpl *c,
					 uint16_t n);

/** Turn deliberate probing of used addresses on or off. */
SLUICE_API int sluice_dma_probe(struct sluice_dma *dma, bool on);

/** Fill @p st. Exact when nothing is in flight. @return 0; -EINVAL NULL. */
SLUICE_API int sluice_dma_get_stats(const struct sluice_dma *dma, struct sluice_dma_stats *st);

#ifdef __cplusplus
}
#endif
#endif
