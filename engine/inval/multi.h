/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A domain behind several IOMMUs (A15): one page table, attached behind each of them, each with a
 * tag of its own.
 *
 * What callers get. An invalidation, or a flush, is complete when it is complete in every IOMMU of
 * the domain. It is issued to all of them before the first one is waited for, so that they work at
 * the same time. A domain behind one IOMMU pays one load for this. An IOMMU may be added while
 * workers map and unmap.
 *
 * 1. Strict. The first IOMMU and then every other one gets the submission. Only then is the first
 *    one's completion waited for, and then the others', which have been at work meanwhile.
 * 2. Flushes. A flush is complete when it is complete in all instances: each slot in flight has a
 *    sequence number of each. Instances complete in their own order, so a later flush may be
 *    complete in one of them before an earlier one is in another; slots are released in order all
 *    the same (ring.h, 6). What one instance refused, or had no room for, is begun again there, as
 *    the whole domain, and nothing is released before.
 * 3. Adding an IOMMU (control). Its context is made, then `n` is published with release, then
 *    membarrier(2) makes every thread run a full barrier (`seen`). Only then can a device behind
 *    the new one be attached. A thread that invalidates and did not see the new IOMMU had cleared
 *    its PTEs before that barrier: nothing behind the new one has seen them, or will.
 *
 *        worker, late                 control call
 *        clear PTE
 *        load n: without the new one  n + 1 (release)
 *        invalidate in the old ones   membarrier(2)
 *                                     attach a device: its walks see the PTE clear
 */
#ifndef ENGINE_MULTI_H
#define ENGINE_MULTI_H

#include "../object/domain.h"

struct multi_peer {
	struct sluice_iommu *iommu;
	struct sluice_hwdom hw;
	bool unplugged;                  /* the hardware has forgotten it */
	bool seen;                       /* by every thread that invalidates (3) */
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
