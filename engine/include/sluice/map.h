/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The fast path: mapping and unmapping for DMA.
 */
#ifndef SLUICE_MAP_H
#define SLUICE_MAP_H

#include <sluice/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the device may do with a mapping. Write implies read (VMSAv8-64 stage 1). */
#define SLUICE_READ  (1u << 0)
#define SLUICE_WRITE (1u << 1)
#define SLUICE_RW    (SLUICE_READ | SLUICE_WRITE)

/**
 * Map [pa, pa+len) for the device. No lock, no allocation, no system call. The mapping is
 * visible to the device once the caller's doorbell, with its usual write barrier, is.
 * @param pa physical address, any alignment. @param len bytes, 1 … 2 GiB.
 * @param prot SLUICE_READ or SLUICE_RW.
 * @param iova receives the address for the device; same offset in the page as @p pa.
 * @return 0; -ENXIO this lcore did not register as a worker; -EINVAL len, prot, an address
 *   beyond the hardware's, or a blocked domain; -ENOSPC no IOVA; -ENOMEM no page-table page.
 */
SLUICE_API int sluice_map(struct sluice_domain *dom, uint64_t pa, size_t len, unsigned int prot,
			  uint64_t *iova);

/**
 * Undo one sluice_map(), with the same @p len. When the device can no longer reach the memory
 * depends on the domain's policy; strict: when this returns 0. All or nothing: on -ENXIO, -EINVAL,
 * -ENOENT and -EAGAIN nothing changed.
 * @return 0; -ENXIO this lcore is not a worker; -EINVAL @p iova or @p len is outside the window
 *   or does not agree with one whole mapping; -ENOENT nothing is mapped there; -EAGAIN (deferred)
 *   the flush ring stayed full for the SYNC timeout; -ETIMEDOUT or -EIO
 *   the invalidation failed: the translation is gone from the table but a device may still hold
 *   it, so neither the IOVA nor the memory may be used again.
 */
SLUICE_API int sluice_unmap(struct sluice_domain *dom, uint64_t iova, size_t len);

/**
 * Map at a fixed IOVA outside the window that sluice_map() uses, with the largest blocks that fit
 * (4 KiB, 2 MiB, 1 GiB). Control path: takes a lock, allocates.
 * @param iova, pa, size multiples of 4096.
 * @return 0; -EINVAL; -EEXIST something is mapped there; -ENOMEM.
 */
SLUICE_API int sluice_map_fixed(struct sluice_domain *dom, uint64_t iova, uint64_t pa,
				uint64_t size, unsigned int prot);

/**
 * Unmap what sluice_map_fixed() mapped and wait until no device can reach it, whatever the
 * policy. Blocks are not split. Control path.
 * @return 0; -EINVAL; -ENOENT a page of it is not mapped; -ERANGE it cuts a block: nothing was
 *   unmapped; -ETIMEDOUT, -EIO as sluice_unmap().
 */
SLUICE_API int sluice_unmap_fixed(struct sluice_domain *dom, uint64_t iova, uint64_t size);

/**
 * What the page table says of an address. Control path.
 * @return 0 with *pa set; -ENOENT.
 */
SLUICE_API int sluice_iova_to_pa(struct sluice_domain *dom, uint64_t iova, uint64_t *pa);

#ifdef __cplusplus
}
#endif
#endif
