/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Page tables that come back: what sluice_domain_trim() leaves behind, and who trims for others.
 */
#ifndef ENGINE_TRIM_H
#define ENGINE_TRIM_H

struct sluice_domain;
struct sluice_domain_conf;
struct sluice_iommu;

/** Trim all domains that have their tables in the memory of @p iommu, for a control call that found
 * too little of it. Holds no lock, nor may the caller. rte_errno stays. @return pages freed. */
unsigned int tables_reclaim(struct sluice_iommu *iommu);

/** Nobody trims @p d for others from now on. @return 0; -EAGAIN: one does, and this thread is in a
 * callback of the engine's, where it cannot wait for that. */
int tables_leave(struct sluice_domain *d);

/** Undo that. */
void tables_stay(struct sluice_domain *d);

/** sluice_domain_create(), once. */
struct sluice_domain *domain_create(struct sluice_iommu *iommu, const struct sluice_domain_conf *conf);

/** Free what is still retired. The hardware does not use the domain any more; before
 * pgtable_fini(). */
void trim_fini(struct sluice_domain *d);

#endif
