/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * deferred-single: deferred, with one queue for all workers (deferred_single.h). Here are the
 * workers' side and the control calls.
 */
#include <errno.h>

#include "../base/deadline.h"
#include "../base/heap.h"
#include "../base/mem.h"
#include "../flush/flush.h"
#include "../window/window.h"
#include "deferred_single.h"
#include "policy.h"

#define SINGLE_BATCH       32768u   /* Linux: dma-iommu.c, IOVA_SINGLE_FQ_SIZE */
#define SINGLE_DEADLINE_US 1000000u /* … IOVA_SINGLE_FQ_TIMEOUT */
#define POLITE_TURNS 4096u /* turns that a newcomer yields to earlier waiters */

SINGLE_UNSEEN static void
put(struct single *s, uint64_t e)
{
	/* There is always room (5). */
	(void)rte_ring_mp_enqueue_bulk_elem(s->q, &e, sizeof(e), 1, NULL); /* rel-queue */
}

/* ---- worker ---------------------------------------------------------------------------------- */

/* Take room for one entry. `freed` is loaded first, so it is never beyond `taken`. */
static bool
room_take(struct single *s)
{
	uint64_t freed = atomic_load_explicit(&s->freed, memory_order_acquire); /* acq-freed */
	uint64_t t = atomic_load_explicit(&s->taken, memory_order_relaxed);

	do {
		if (__builtin_expect(t - freed >= s->size, 0))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&s->taken, &t, t + 1, memory_order_seq_cst,
							memory_order_relaxed)); /* 5, sleep */
	return true;
}

/* The queue is full: wait for room, up to a deadline. @return 0 or -EAGAIN. */
static __rte_noinline int
room_wait(struct sluice_domain *d, struct single *s, struct dom_lcore *dl)
{
	struct sluice_iommu *iommu = d->iommu;
	struct deadline end = deadline_begin(&iommu->clock, iommu->sync_timeout);
	uint64_t polls = d->wait->turns(d);
	uint32_t others = atomic_fetch_add_explicit(&s->waiting, 1, memory_order_relaxed) & ~SINGLE_ASLEEP;
	uint32_t let_in = atomic_load_explicit(&s->let_in, memory_order_relaxed);
	int ret = 0;

	STAT_ADD(dl->st.ring_full, 1);
	bitset_set(d->due, d->slot);
	for (unsigned int turn = 1;; turn++) {
		bool polite = others != 0 && turn < POLITE_TURNS &&
			      let_in == atomic_load_explicit(&s->let_in, memory_order_relaxed);

		if (!polite && room_take(s)) {
			atomic_fetch_add_explicit(&s->let_in, 1, memory_order_relaxed);
			break;
		}
		ret = d->wait->turn(d, turn);
		if (ret == 0 && deadline_passed(&end))
			ret = d->wait->failed(d, polls, EAGAIN);
		if (ret != 0)
			break;
	}
	atomic_fetch_sub_explicit(&s->waiting, 1, memory_order_relaxed);
	return ret;
}

static __rte_noinline void
wake(struct sluice_domain *d, struct single *s)
{
	uint64_t now = sluice_clock_ticks(&d->iommu->clock);

	if ((atomic_fetch_and_explicit(&s->waiting, ~SINGLE_ASLEEP, memory_order_seq_cst) & SINGLE_ASLEEP) == 0)
		return;
	atomic_store_explicit(&s->woke, now, memory_order_relaxed);
	bitset_set(d->due, d->slot);
}

static int
single_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	struct single *s = d->priv;
	uint32_t pfn, pages;
	uint64_t e;
	bool free = (atomic_load_explicit(&s->waiting, memory_order_relaxed) & ~SINGLE_ASLEEP) == 0;
	int ret = free && room_take(s) ? 0 : room_wait(d, s, dl);

	if (ret == 0) {
		ret = window_clear(d, iova, len, &pfn, &pages);
		if (ret != 0)
			single_room_free(s, 1);
	}
	if (ret != 0) {
		STAT_ADD(dl->st.unmap_errors, 1);
		return ret;
	}
	e = flush_entry(pfn, pages);
	STAT_ADD(dl->st.unmaps, 1);
	STAT_ADD(dl->st.unmap_more, pages - 1);
	if (SLUICE_TSAN)
		atomic_fetch_add_explicit(&s->taken, 0, memory_order_release); /* 6 */
	put(s, e);
	if (__builtin_expect(atomic_load_explicit(&s->waiting, memory_order_seq_cst) & SINGLE_ASLEEP, 0))
		wake(d, s);
	return 0;
}

/* ---- control --------------------------------------------------------------------------------- */

static int
single_init(struct sluice_domain *d)
{
	uint32_t size = d->conf.ring;
	ssize_t q = rte_ring_get_memsize(2 * size);
	struct single *s = q < 0 ? NULL :
			   heap_zalloc("sluice_single", sizeof(*s) + (size_t)q, RTE_CACHE_LINE_SIZE);

	if (s == NULL)
		return -ENOMEM;
	s->ent = sluice_host_alloc(size * sizeof(*s->ent));
	if (s->ent == NULL || rte_ring_init(s->q, "sluice_single", 2 * size, RING_F_SC_DEQ) != 0) {
		sluice_host_free(s->ent, size * sizeof(*s->ent));
		heap_free(s);
		return -ENOMEM;
	}
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		iova_mag_init(&s->mag[o]);
	s->size = size;
	s->look_time = sluice_clock_ticks(&d->iommu->clock);
	d->priv = s;
	return 0;
}

static void
single_fini(struct sluice_domain *d)
{
	struct single *s = d->priv;

	if (s == NULL)
		return;
	sluice_host_free(s->ent, s->size * sizeof(*s->ent));
	heap_free(s);
	d->priv = NULL;
}

static void
single_stats(const struct sluice_domain *d, struct sluice_domain_stats *st)
{
	const struct single *s = d->priv;

	flush_own_stats(d, st, STAT_GET(s->released), STAT_GET(s->pages_released));
}

const struct policy_ops policy_deferred_single = {
	.name = "deferred-single",
	.type = SLUICE_DOMAIN_PAGING,
	.plain = true,
	.deferred = true,
	.flush_waits = true,
	.batch = SINGLE_BATCH,
	.deadline_us = SINGLE_DEADLINE_US,
	.map = window_map,
	.unmap = single_unmap,
	.init = single_init,
	.fini = single_fini,
	.poll = single_poll,
	.rest = single_rest,
	.stats = single_stats,
};
