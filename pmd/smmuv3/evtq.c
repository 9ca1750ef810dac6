/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Draining the event queue (IHI 0070 §3.5.1, §7.2, §7.4).
 */
#include <errno.h>
#include <string.h>

#include <rte_atomic.h>
#include <rte_branch_prediction.h>

#include "smmuv3.h"

int
evtq_init(struct evtq *q, struct sluice_mem *mem, struct sluice_regs *regs, uint8_t log2size)
{
	size_t bytes = (size_t)SMMU_EVT_BYTES << log2size;

	memset(q, 0, sizeof(*q));
	q->regs = regs;
	q->log2size = log2size;
	q->mask = (1u << log2size) - 1;
	q->recs = sluice_mem_alloc(mem, bytes, RTE_MAX(bytes, (size_t)RTE_CACHE_LINE_SIZE), &q->pa);
	return q->recs != NULL ? 0 : -ENOMEM;
}

void
evtq_free(struct evtq *q, struct sluice_mem *mem)
{
	if (q->recs != NULL)
		sluice_mem_free(mem, (void *)(uintptr_t)q->recs,
				(size_t)SMMU_EVT_BYTES << q->log2size);
	q->recs = NULL;
}

static void
count(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

unsigned int
evtq_burst(struct evtq *q, struct sluice_fault *f, unsigned int n)
{
	/* Acquire: pairs with the hardware's write of PROD, after it wrote the records. */
	uint32_t prod = regs_read32(q->regs, SMMU_EVENTQ_PROD);
	uint32_t pos_mask = 2 * q->mask + 1;
	uint32_t avail = (prod - q->cons) & pos_mask;
	bool lost = ((prod ^ q->ovflg) & SMMU_EVENTQ_OVFLG) != 0;
	uint64_t unknown = 0;

	if (likely(avail == 0 && !lost))
		return 0;
	/* After a reset PROD is anything, and the records are old ones. */
	if (unlikely((regs_read32(q->regs, SMMU_CR0ACK) & (uint32_t)SMMU_CR0_EVENTQEN) == 0))
		return 0;
	rte_io_rmb();
	if (unlikely(avail > q->mask + 1)) {
		/* PROD cannot be more than a lap ahead, so these records cannot be trusted. Begin
		 * again from where PROD is now. */
		count(&q->bad_prod, 1);
		q->cons = prod & pos_mask;
		avail = 0;
		lost = true;
	}
	n = RTE_MIN(n, avail);
	for (unsigned int i = 0; i < n; i++) {
		const uint64_t *rec = &q->recs[(size_t)((q->cons + i) & q->mask) * SMMU_EVT_DWORDS];

		unknown += !evt_decode(rec, &f[i]);
	}
	if (unlikely(lost)) {
		/* Acknowledge the overflow together with the records that make room (§7.4). */
		q->ovflg = prod & (uint32_t)SMMU_EVENTQ_OVFLG;
		count(&q->overflows, 1);
	}
	count(&q->events, n);
	if (unlikely(unknown != 0))
		count(&q->unknown, unknown);
	q->cons = (q->cons + n) & pos_mask;
	/* The records must have been read before the hardware may overwrite them. */
	rte_io_mb();
	regs_write32(q->regs, SMMU_EVENTQ_CONS, q->cons | q->ovflg);
	return n;
}

unsigned int
smmu_fault_burst(void *queue, struct sluice_fault *f, unsigned int n)
{
	struct smmu *s = queue;
	unsigned int done = 0, got;

	do {
		got = evtq_burst(&s->evtq, f + done, RTE_MIN(n - done, EVTQ_BURST));
		done += got;
	} while (got == EVTQ_BURST && done < n);
	return done;
}
