/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Waiting until the flush queues were emptied (ring.h, 10), on any lcore and without a lock: for a
 * map that finds no IOVA (A6), for a round of rollover's, and for a control call that drains. A
 * worker that leaves meanwhile and comes back has another ring, with no mark in it: its old one was
 * empty.
 */
#include <errno.h>

#include "../base/deadline.h"
#include "flush.h"

int
domain_flush_wait(struct sluice_domain *d, enum sluice_flush_cause cause)
{
	struct sluice_iommu *iommu = d->iommu;
	struct flush_state *f = &d->flush;
	struct deadline end = deadline_begin(&iommu->clock, 2 * iommu->sync_timeout);
	uint64_t polls = d->wait->turns(d), ticket;
	int ret = 0;

	/* Several threads may wait at once, so wishes are counted. The wish comes before the
	 * ticket, because the engine looks at tickets only while there is a wish. */
	atomic_fetch_add_explicit(&f->wishes, flush_wish(cause), memory_order_release);
	ticket = atomic_fetch_add_explicit(&f->asked, 1, memory_order_acq_rel) + 1; /* rel-asked */
	bitset_set(d->due, d->slot);
	for (unsigned int turn = 1;
	     atomic_load_explicit(&f->answered, memory_order_acquire) < ticket; /* acq-answered */
	     turn++) {
		ret = d->wait->turn(d, turn);
		if (ret == 0 && deadline_passed(&end))
			ret = d->wait->failed(d, polls, ETIMEDOUT);
		else if (ret != 0)
			ret = sluice_fail(-ret, "a callback of the engine cannot wait for it");
		if (ret != 0)
			break;
	}
	atomic_fetch_sub_explicit(&f->wishes, flush_wish(cause), memory_order_release);
	return ret;
}
