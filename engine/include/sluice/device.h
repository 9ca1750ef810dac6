/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Devices: DMA masters behind an IOMMU, identified by their streams.
 */
#ifndef SLUICE_DEVICE_H
#define SLUICE_DEVICE_H

#include <sluice/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Add a device. Until it is attached to a domain its DMA is blocked.
 * @param streams the StreamIDs (source-ids) that the device uses, @p n of them (1..8).
 * @return the device, or NULL with rte_errno: EINVAL no or too many streams, or a StreamID that the
 *   hardware does not have; EEXIST a stream belongs to another device; ENOMEM.
 */
SLUICE_API struct sluice_device *sluice_device_add(struct sluice_iommu *iommu,
						   const uint32_t *streams, unsigned int n);

/** Block the device's DMA and remove the device. @return 0; the error of blocking it; -ENOMEM. */
SLUICE_API int sluice_device_remove(struct sluice_device *dev);

/**
 * Attach all streams of a device to a domain, in place of the one attached before. On failure the
 * streams already switched are switched back; one that cannot be switched back is blocked.
 * @return 0; -EINVAL domain of another iommu; -ENOTSUP the hardware cannot do it; -ETIMEDOUT; -EIO;
 *   -EPERM the device is in quarantine, or untrusted (sluice_device_set_untrusted()); with ATS
 *   (sluice_device_ats()) also -EREMOTEIO the device did not answer and is in quarantine now, and
 *   -ENOMEM.
 */
SLUICE_API int sluice_device_attach(struct sluice_device *dev, struct sluice_domain *dom);

/** Block the device's DMA. @return 0; -ETIMEDOUT; -EIO. */
SLUICE_API int sluice_device_detach(struct sluice_device *dev);

/**
 * Allow or forbid a device to cache translations (PCIe ATS) whenever it is attached to a page
 * table; a new device may not. Its cache is then part of every invalidation of that domain. Control
 * path.
 * @return 0; -ENOTSUP no SLUICE_CAP_ATS; -EREMOTEIO the device did not answer and was quarantined;
 *   -EPERM it is in quarantine; -ENOMEM; -ETIMEDOUT; -EIO.
 */
SLUICE_API int sluice_device_ats(struct sluice_device *dev, bool on);

/**
 * Is the device in quarantine? If a device does not answer the invalidation of its cache, the
 * engine finds it by asking halves of the domain's devices, and blocks it: its cached translations
 * are of no use to it any more, and the unmap or flush completes for the others. A quarantine is
 * reported by this function, by sluice_engine_get_stats() and by the fault callback
 * (SLUICE_FAULT_QUARANTINED). The device stays blocked until it is removed; after a reset of the
 * device it may be added again like any other. Any thread.
 */
SLUICE_API bool sluice_device_quarantined(const struct sluice_device *dev);

/**
 * The policy that a domain for this device should have: @p requested, else the device's default,
 * else the engine's default, else the backend's recommendation, else "strict"; for an untrusted
 * device always "strict". Capabilities are checked when the domain is made.
 * @param requested NULL: no request.
 */
SLUICE_API const char *sluice_device_default_policy(const struct sluice_device *dev,
						    const char *requested);

/** Set the device's own default policy; NULL: none. Control path. @return 0; -EINVAL no such
 * policy. */
SLUICE_API int sluice_device_set_default(struct sluice_device *dev, const char *policy);

/**
 * Mark a device as untrusted, or as trusted again. An untrusted device can only be attached to
 * domains made with sluice_domain_conf.untrusted, or be blocked. Control path.
 * @return 0; -EBUSY it is attached to another kind of domain now.
 */
SLUICE_API int sluice_device_set_untrusted(struct sluice_device *dev, bool untrusted);

/** The domain that the device is attached to; NULL: its DMA is blocked. */
SLUICE_API struct sluice_domain *sluice_device_domain(const struct sluice_device *dev);

/** The i-th StreamID of the device; 0 with rte_errno EINVAL if it has no i-th. */
SLUICE_API uint32_t sluice_device_stream(const struct sluice_device *dev, unsigned int i);

#ifdef __cplusplus
}
#endif
#endif
