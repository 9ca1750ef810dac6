/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * IOMMUs that do not walk the page table but keep a copy of it (A8), and the address ranges to
 * which such hardware is limited.
 */
#ifndef ENGINE_MIRROR_H
#define ENGINE_MIRROR_H

#include "../object/domain.h"

/**
 * Fill in the window where it is 0: the default, or what of it the hardware can translate.
 * @return 0; -EINVAL the window that was asked for does not fit (sluice_error() says into what).
 */
int aperture_fit(struct sluice_domain_conf *c, const struct sluice_iommu *iommu,
		 const struct pt_format *f);

/**
 * Have the domain's maps tell the hardware, if it wants to be told. After the policy's init.
 * @return 0; -ENOTSUP not with this policy; -ENOMEM: sluice_fail() was called.
 */
int mirror_init(struct sluice_domain *d);

/** The policy that this domain must have in place of @p base: with maps that sync, if its IOMMU is
 * a mirror. */
const struct policy_ops *mirror_ops(struct sluice_domain *d, const struct policy_ops *base);
void mirror_fini(struct sluice_domain *d);

/** Tell the hardware of mapped pages; nothing to do for hardware that walks the tables. Any lcore.
 * @return what sluice_iommu_ops.map_sync() returns, after one refresh and one more try. */
int mirror_sync(struct sluice_domain *d, uint64_t iova, uint64_t pages);

#endif
