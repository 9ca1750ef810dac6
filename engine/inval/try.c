/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A submission that waits for nothing, not even for room (A19).
 */
#include "inval.h"

uint64_t
domain_inv_try(struct sluice_domain *d, struct sluice_iommu *iommu, const struct sluice_inv *inv,
	       unsigned int n)
{
	struct flush_state *f = &d->flush;
	uint32_t turn = f->turn; /* the present one: only a turn of the engine comes here */
	uint64_t seq = SLUICE_INV_FULL;

	/* A submission that comes after one which found no room does not get what has become free
	 * since: a domain that needs more room than others would wait for ever. */
	if (__builtin_expect(iommu->full_turn != turn, 1))
		seq = iommu->fast.inv_try(iommu->fast.queue, inv, n);
	if (__builtin_expect(seq != SLUICE_INV_FULL, 1)) {
		f->put_off = false;
		return seq;
	}
	iommu->full_turn = turn;
	/* Once, however many turns it takes. */
	STAT_ADD(f->puts_off, !f->put_off);
	f->put_off = true;
	return seq;
}
