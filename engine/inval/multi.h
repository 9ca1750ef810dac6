/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A domain behind several IOMMUs (A15): one page table, attached behind each, with a tag of each
 * one's own. What is invalidated is invalidated in all of them: issued to all, then waited for in
 * all.
 *
 * 1. Strict. The first IOMMU and then every other one gets the submission; only then the
 *    first one's completion is waited for, and the others', which have been at work meanwhile.
 * 2. Flushes. A flush is complete when it is in all instances: each slot in flight has a sequence
 *    number of each. Instances complete in their own order, so that a later flush may be complete
 *    in one of them before an earlier one is in another; slots are released in order all the same
 *    (ring.h, 6). What one of them refused, or had no room for, is begun again there, as the whole
 *    domain, and nothing is released before.
 * 3. One more (control). Its context is made, then `n` published with release, then every thread
 *    executes a barrier (`seen`); only then can a device behind it be attached. Who invalidates and did not
 *    see it yet had cleared his PTEs before that barrier: nothing behind the new one has seen them,
 *    or will.
 */
#ifndef ENGINE_MULTI_H
#define ENGINE_MULTI_H

#include "../object/domain.h"

struct multi_peer {
	struct sluice_iommu *iommu;
	struct sluice_hwdom hw;
	bool unplugged;                  /* the hardware has forgotten it */
	bool seen;                       /* by everybody who invalidates (3) */
	uint64_t seq[FLUSH_INFLIGHT];    /* engine; 0: to be submitted again */
};

struct dom_multi {
	_Atomic uint32_t n; /* (3) */
	uint32_t nb[FLUSH_INFLIGHT]; /* engine: of those in flight, how many peers each has */
	struct multi_peer peer[ENGINE_MAX_IOMMUS - 1];
};

/** The backend's side of a domain behind @p iommu, or NULL. Control. */
struct sluice_hwdom *multi_hw(struct sluice_domain *d, const struct sluice_iommu *iommu);

/** Take it down in all but the first IOMMU. Control. @return 0 or -errno: what is done is done. */
int multi_unplug(struct sluice_domain *d);

/** After that: forget it. */
void multi_free(struct sluice_domain *d);

#endif
