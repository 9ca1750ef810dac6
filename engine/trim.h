/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What sluice_domain_trim() leaves behind.
 */
#ifndef ENGINE_TRIM_H
#define ENGINE_TRIM_H

struct sluice_domain;

/** Free what is still retired. The hardware does not use the domain any more; before
 * lpae_fini(). */
void trim_fini(struct sluice_domain *d);

#endif
