/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Devices: DMA masters behind an IOMMU, known by their streams.
 */
#ifndef SLUICE_DEVICE_H
#define SLUICE_DEVICE_H

#include <sluice/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Make a device known. Until it is attached to a domain its DMA is blocked.
 * @param streams StreamIDs (source-ids) the device uses, @p n of them (1..8).
 * @return the device, or NULL with rte_errno: EINVAL no or too many streams, or a StreamID
 *   beyond the hardware's; EEXIST a stream belongs to another device; ENOMEM.
 */
SLUICE_API struct sluice_device *sluice_device_add(struct sluice_iommu *iommu,
						   const uint32_t *streams, unsigned int n);

/** Block the device's DMA and forget it. @return 0 or what blocking returned; -ENOMEM. */
SLUICE_API int sluice_device_remove(struct sluice_device *dev);

/**
 * Attach all streams of a device to a domain; what was attached before is replaced. On failure
 * the streams already switched are put back; one that cannot be put back is blocked.
 * @return 0; -EINVAL domain of another iommu; -ENOTSUP the hardware cannot; -ETIMEDOUT; -EIO;
 *   -EPERM the device is in quarantine, or untrusted (sluice_device_set_untrusted()); with ATS (sluice_device_ats()) also -EREMOTEIO it did not
 *   answer, and is in quarantine now, and -ENOMEM.
 */
SLUICE_API int sluice_device_attach(struct sluice_device *dev, struct sluice_domain *dom);

/** Block the device's DMA. @return 0; -ETIMEDOUT; -EIO. */
SLUICE_API int sluice_device_detach(struct sluice_device *dev);

/**
 * Let a device cache translations (PCIe ATS) whenever it is attached to a page table, or not (as
 * from the beginning). Its cache is then part of every invalidation of that domain. Control path.
 * @return 0; -ENOTSUP no SLUICE_CAP_ATS; -EREMOTEIO the device did not answer and was quarantined;
 *   -EPERM it is in quarantine; -ENOMEM; -ETIMEDOUT; -EIO.
 */
SLUICE_API int sluice_device_ats(struct sluice_device *dev, bool on);

/**
 * Was the device quarantined? When one does not answer the invalidation of what it caches, it is
 * found by asking halves of the domain's devices, and blocked for good: nothing it has cached helps
 * it any more, and the unmap or flush that met it completes for the others. It is told of by this,
 * by sluice_engine_get_stats() and by the fault callback (SLUICE_FAULT_QUARANTINED). It stays blocked
 * until it is removed, and is one like any other when it is added again: after a reset. Any thread.
 */
SLUICE_API bool sluice_device_quarantined(const struct sluice_device *dev);

/**
 * The policy that a domain for this device is to get: @p requested, else the device's default, else
 * its engine's, else what the backend recommends, else "strict"; of an untrusted device always
 * "strict". Capabilities are seen to when the domain is made. @param requested NULL: nothing.
 */
SLUICE_API const char *sluice_device_default_policy(const struct sluice_device *dev,
						    const char *requested);

/** The device's own default; NULL: none. Control path. @return 0; -EINVAL no such policy. */
SLUICE_API int sluice_device_set_default(struct sluice_device *dev, const char *policy);

/**
 * Trust a device no longer (or again): it is attached only to domains that were made with
 * sluice_domain_conf.untrusted, or blocked. Control path.
 * @return 0; -EBUSY it is in another domain now.
 */
SLUICE_API int sluice_device_set_untrusted(struct sluice_device *dev, bool untrusted);

/** The domain the device is attached to, NULL when its DMA is blocked. */
SLUICE_API struct sluice_domain *sluice_device_domain(const struct sluice_device *dev);

/** The i-th StreamID of the device; 0 with rte_errno EINVAL beyond the number that it has. */
SLUICE_API uint32_t sluice_device_stream(const struct sluice_device *dev, unsigned int i);

#ifdef __cplusplus
}
#endif
#endif
