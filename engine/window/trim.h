/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Page tables that are given back: what sluice_domain_trim() leaves behind, and trims on behalf of
 * other domains.
 */
#ifndef ENGINE_TRIM_H
#define ENGINE_TRIM_H

struct sluice_domain;
struct sluice_domain_conf;
struct sluice_iommu;

/** Trim all domains that have their tables in the memory of @p iommu, for a control call that found
 * too little of it. The caller must hold no lock. rte_errno and the line of sluice_error() are
 * preserved. @return pages freed. */
unsigned int tables_reclaim(struct sluice_iommu *iommu);

/** From now on no thread trims @p d on behalf of others. @return 0; -EAGAIN: one is doing so now,
 * and this thread is in a callback of the engine, where it cannot wait. */
int tables_leave(struct sluice_domain *d);

/** Undo tables_leave(). */
void tables_stay(struct sluice_domain *d);

/** One try of sluice_domain_create(). */
struct sluice_domain *domain_create(struct sluice_iommu *iommu, const struct sluice_domain_conf *conf);

/** Free the tables that are still retired. The hardware must no longer use the domain. Call it
 * before pgtable_fini(). */
void trim_fini(struct sluice_domain *d);

#endif
