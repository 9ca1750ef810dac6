/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A domain's settings (struct sluice_domain_conf): their defaults and limits, and putting them in
 * force.
 */
#ifndef OBJECT_CONF_H
#define OBJECT_CONF_H

#include "domain.h"

/** A policy's own defaults, or those of all policies. */
uint32_t batch_of(const struct policy_ops *p);
uint32_t deadline_of(const struct policy_ops *p);

/** Fill in the defaults of what is 0, and check the rest. @return 0; -EINVAL: sluice_error() says
 * what is wrong. */
int conf_check(struct sluice_domain_conf *c, const struct policy_ops *p,
	       const struct sluice_iommu *iommu, const struct pt_format *f);

/** Take over from @p from what may be tuned and is not 0, each whole: others may be reading it. */
void conf_tuned(struct sluice_domain_conf *to, const struct sluice_domain_conf *from);

/** Take over from @p from what may be tuned and is not 0, each whole: others may be reading it. */
void conf_tuned(struct sluice_domain_conf *to, const struct sluice_domain_conf *from);

/** Put a deadline in force: how often the engine looks follows from it. */
void deadline_set(struct sluice_domain *d, uint32_t us);

#endif
