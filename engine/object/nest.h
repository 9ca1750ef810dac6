/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A domain of stage 1 over one of stage 2: what its page table maps to is translated once more, by
 * its parent's.
 */
#ifndef OBJECT_NEST_H
#define OBJECT_NEST_H

#include "domain.h"
#include "../pgtable/format.h"

/** May a domain of @p f behind @p iommu have that parent?
 * @return 0; -EINVAL: sluice_error() says why. */
int nest_check(const struct sluice_iommu *iommu, const struct pt_format *f,
	       const struct sluice_domain *parent);

/** Put @p d over its conf.parent, if any, before its hardware side is made. @return 0, -errno. */
int nest_begin(struct sluice_domain *d);

/** Undo that, when the hardware has forgotten @p d; harmless without. */
void nest_end(struct sluice_domain *d);

#endif
