/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * IOMMU instances: how a backend is opened over a register source, its memory, its counters.
 */
#ifndef SLUICE_IOMMU_H
#define SLUICE_IOMMU_H

#include <sluice/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Capabilities of an IOMMU, as flags. None of them says anything about policy. */
#define SLUICE_CAP_DEFERRED   (UINT64_C(1) << 0) /**< an unmap's invalidation may come later */
#define SLUICE_CAP_RANGE_INV  (UINT64_C(1) << 1) /**< a command invalidates a range (SMMUv3 RIL) */
#define SLUICE_CAP_COHERENT   (UINT64_C(1) << 2) /**< table walks and queues are cache coherent */
#define SLUICE_CAP_SYNC_MSI   (UINT64_C(1) << 3) /**< a SYNC can complete by a write to memory */
#define SLUICE_CAP_BYPASS     (UINT64_C(1) << 4) /**< identity without a page table */
#define SLUICE_CAP_EMULATED   (UINT64_C(1) << 5) /**< emulated hardware, which must be stepped */
#define SLUICE_CAP_PRI        (UINT64_C(1) << 6) /**< page request interface */
#define SLUICE_CAP_STALL      (UINT64_C(1) << 7) /**< faulting transactions can be stalled */
#define SLUICE_CAP_ATS        (UINT64_C(1) << 8) /**< address translation service */

/** The properties of an open IOMMU. */
struct sluice_iommu_info {
	char backend[16];    /**< "smmuv3" */
	char regs[16];       /**< register source: "emu", … */
	char settings[160];  /**< the settings in force of the register source, "key=value,…" */
	uint64_t caps;       /**< SLUICE_CAP_* */
	uint8_t ias;         /**< input (IOVA) address size, bits */
	uint8_t oas;         /**< output (physical) address size, bits */
	uint8_t sid_bits;    /**< StreamID width, bits */
	uint32_t cmdq_entries; /**< command queue size, entries */
	uint32_t evtq_entries; /**< event queue size, entries */
	uint64_t page_sizes; /**< bit n set: pages or blocks of 2^n bytes */
	char recommended[24]; /**< the unmap policy that the backend recommends, "" if none */
	uint64_t aperture_base; /**< the only IOVAs that the hardware translates, from … */
	uint64_t aperture_end;  /**< … to this one; 0: all of ias bits */
};

/**
 * Open an IOMMU: find the backend, open the register source, reset and bring up the hardware.
 * Control path; one call at a time.
 * @param devargs "BACKEND[,key=value…]", e.g. "smmuv3,regs=emu,sync_ns=300".
 * @return the iommu, or NULL with rte_errno set: EINVAL unknown backend, key or value (see
 *   sluice_error()); ENOMEM; ETIMEDOUT the hardware did not answer within its deadline; ENODEV the
 *   registers are not those of such an IOMMU, or the engine cannot keep its promises on it: an
 *   SMMUv3 whose walks do not see the processor's caches (IDR0.COHACC = 0), without stage 1,
 *   without little-endian 64-bit tables or a 4 KiB granule, one that stalls every fault, or one
 *   that cannot address its memory; sluice_error() names the register and the reason.
 */
SLUICE_API struct sluice_iommu *sluice_iommu_open(const char *devargs);

/**
 * Stop the IOMMU permanently: the hardware is switched off in a state that aborts all DMA, for
 * which no command queue is needed. From then on no device can reach any memory. Drains complete,
 * and domains, devices and the IOMMU can be freed, even if the command queue is dead or hangs.
 * Control path, when no worker maps or unmaps and no other thread polls.
 * @return 0, also if it is stopped already; -EINVAL NULL; -ETIMEDOUT the hardware does not
 *   acknowledge: it may still use its memory, nothing was given up, and the call may be repeated.
 */
SLUICE_API int sluice_iommu_stop(struct sluice_iommu *iommu);

/**
 * Stop the IOMMU (sluice_iommu_stop()), free queues and tables, close the register source.
 * @return 0; -EBUSY while devices, domains, open DMA channels or an engine still use it;
 *   -ETIMEDOUT the hardware does not stop: everything is kept, since the hardware could reach freed
 *   memory. The call may be repeated; a process that ends now leaves the hardware switched on.
 */
SLUICE_API int sluice_iommu_close(struct sluice_iommu *iommu);

/** Fill @p info. @return 0; -EINVAL if a pointer is NULL. */
SLUICE_API int sluice_iommu_get_info(const struct sluice_iommu *iommu, struct sluice_iommu_info *info);

/**
 * Allocate zeroed memory that this IOMMU and the devices behind it can reach. Control path. If
 * memory is short, unused page tables of all domains are freed for it first (sluice_domain_trim()).
 * @param size bytes. @param align power of two, bytes (0 = cache line).
 * @param pa receives the physical address; may be NULL.
 * @return the address, or NULL with rte_errno EINVAL or ENOMEM.
 */
SLUICE_API void *sluice_iommu_mem_alloc(struct sluice_iommu *iommu, size_t size, size_t align,
					uint64_t *pa);

/** Give back memory from sluice_iommu_mem_alloc(), of the same @p size. NULL is allowed. */
SLUICE_API void sluice_iommu_mem_free(struct sluice_iommu *iommu, void *va, size_t size);

/**
 * Let an emulated IOMMU, and the emulated devices behind it, work for a while. Until the first
 * call, or until a relax hook is set, the library drives the hardware itself: in waits,
 * sluice_engine_poll() and sluice_dma_completed(). From then on the caller must drive it; the error
 * message of a wait that fails because the hardware was not stepped says so. One lcore at a time.
 * @param budget how many units of work at most.
 * @return units of work done (0: idle); -ENOTSUP the hardware is not emulated.
 */
SLUICE_API int sluice_iommu_step(struct sluice_iommu *iommu, unsigned int budget);

/**
 * Set the relax hook: a thread that waits for this IOMMU calls it over and over instead of pausing.
 * It is for layouts in which the waiting lcore must drive the emulated hardware itself. NULL: just
 * pause. The hook may call sluice_engine_poll(); faults then wait for a poll outside of the hook.
 * It must not map or unmap in a domain that the wait may be for. It is never called within
 * sluice_engine_poll(). Control path, when no thread waits.
 */
SLUICE_API void sluice_iommu_set_relax(struct sluice_iommu *iommu, void (*fn)(void *), void *arg);

/**
 * The time that this IOMMU's waits and deadlines use: the TSC, or the virtual clock of emulated
 * hardware that is stepped deterministically. @return nanoseconds.
 */
SLUICE_API uint64_t sluice_iommu_now_ns(const struct sluice_iommu *iommu);

#define SLUICE_WATCH_OWNER  0u /**< the owner has the page: no device may reach it */
#define SLUICE_WATCH_DEVICE 1u /**< a device has it for now */
#define SLUICE_WATCH_COPYPOOL 2u /**< it belongs to a copy pool, and holds no buffer now */

/**
 * Give emulated hardware a map of the ownership of host memory, so that it can count stale
 * accesses.
 * @p owned has one byte, SLUICE_WATCH_*, for each 4 KiB page of [pa, pa+len). A device's access to
 * an OWNER page reaches memory that was handed back or never given; it is counted as
 * emu_stale_accesses. One to a SHADOW page is counted as emu_shadow_accesses. Bytes are read with
 * relaxed atomics.
 * @return 0; -ENOTSUP the hardware is not emulated; -EINVAL pa or len not multiples of 4096.
 */
SLUICE_API int sluice_iommu_watch(struct sluice_iommu *iommu, uint64_t pa, uint64_t len,
				  const uint8_t *owned);

/**
 * Submit one bare SYNC and wait for it: the least time of a strict unmap.
 * @return 0; -ETIMEDOUT; -EIO the command queue is dead.
 */
SLUICE_API int sluice_iommu_sync(struct sluice_iommu *iommu);

/**
 * Read the counters of backend, register source and (emulated) hardware.
 * @return how many there are; only the first @p n are written. xs may be NULL if n is 0.
 */
SLUICE_API unsigned int sluice_iommu_xstats(struct sluice_iommu *iommu, struct sluice_xstat *xs,
					    unsigned int n);

/**
 * The name of the @p i-th page-table format that this IOMMU walks, for sluice_domain_conf.format.
 * The first one is what a domain gets that asks for none. @param i from 0.
 * @return NULL after the last, and if @p iommu is NULL.
 */
SLUICE_API const char *sluice_iommu_format(const struct sluice_iommu *iommu, unsigned int i);

/** The name of the @p i-th backend that is linked in; NULL after the last. @param i from 0. */
SLUICE_API const char *sluice_backend_name(unsigned int i);

#ifdef __cplusplus
}
#endif
#endif
