/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The set-up and the hardware of late_hw.h.
 */
#include "late_hw.h"

#define DELAY 20u /* turns that the hardware lets pass before a submission, at most */

struct late_hw hw;
struct sluice_engine *engine;
struct sluice_domain *dom;

static struct fake *fake;
static struct poller poller;
static pthread_t hardware;
static _Atomic uint64_t submit_seed;

static uint64_t
hw_submit(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	(void)queue;
	if (hw.conf.refuse) {
		uint64_t s = atomic_fetch_add_explicit(&submit_seed, 1, memory_order_relaxed) + 1;

		if (rnd(&s) % 50 == 0)
			return 0;
	}
	uint64_t seq = atomic_fetch_add_explicit(&hw.ticket, 1, memory_order_relaxed) + 1;
	struct hw_slot *s = &hw.slot[seq % HW_QUEUE];

	/* Room: acquire, pairs with the release of done in hw_loop(). */
	while (seq - atomic_load_explicit(&hw.done, memory_order_acquire) > HW_QUEUE)
		sched_yield();
	s->n = n;
	memcpy(s->inv, inv, n * sizeof(*inv));
	atomic_store_explicit(&s->full, seq, memory_order_release);
	return seq;
}

/* No room, now and then: for the engine's turn alone. */
static uint64_t
hw_try(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	static _Atomic uint64_t tries;
	uint64_t s = atomic_fetch_add_explicit(&tries, 1, memory_order_relaxed) + 1;

	return rnd(&s) % 4 == 0 ? SLUICE_INV_FULL : hw_submit(queue, inv, n);
}

static uint64_t
hw_done(void *queue)
{
	(void)queue;
	return atomic_load_explicit(&hw.done, memory_order_acquire);
}

static int
hw_result(void *queue, uint64_t seq)
{
	(void)queue;
	return atomic_load_explicit(&hw.bad[seq % HW_RESULTS], memory_order_relaxed) ? -EIO : 0;
}

static unsigned int
hw_faults(void *queue, struct sluice_fault *f, unsigned int n)
{
	(void)queue, (void)f, (void)n;
	return 0;
}

/* The device uses a page: the TLB has what the table says. */
static void
hw_touch(uint32_t pfn)
{
	uint64_t pa;

	if (pgtable_walk(&dom->pt, dom->iova_base + ((uint64_t)pfn << 12), &pa) == 0)
		atomic_store_explicit(&hw.tlb[pfn], pa, memory_order_relaxed);
}

static void
hw_invalidate(const struct sluice_inv *v)
{
	bool all = v->op == SLUICE_INV_DOMAIN;
	uint32_t pfn = all ? 0 : (uint32_t)((v->iova - dom->iova_base) >> 12);
	uint32_t pages = all ? dom->nb_pages : v->pages;

	if (pfn + (uint64_t)pages > dom->nb_pages) {
		printf("FAIL beyond the window: op %u, %#" PRIx64 "+%u\n", v->op, v->iova, v->pages);
		abort();
	}
	for (uint32_t i = pfn; i < pfn + pages; i++) {
		if (!all)
			hw.seen += hw.word[i];
		atomic_store_explicit(&hw.tlb[i], 0, memory_order_relaxed);
		if (rnd(&hw.seed) % 4 == 0)
			hw_touch(i);
	}
}

static void
hw_execute(const struct hw_slot *s, uint64_t seq)
{
	bool bad = hw.conf.refuse && rnd(&hw.seed) % 20 == 0;

	atomic_store_explicit(&hw.bad[seq % HW_RESULTS], bad, memory_order_relaxed);
	atomic_fetch_add_explicit(&hw.refused, bad, memory_order_relaxed);
	for (unsigned int i = 0; i < s->n && !bad; i++) {
		if (s->inv[i].tag != dom->hw.tag)
			continue;
		hw_invalidate(&s->inv[i]);
		hw.executed++;
	}
}

static void *
hw_loop(void *arg)
{
	uint64_t next = 1, wait = 0;

	(void)arg;
	while (!atomic_load_explicit(&hw.stop, memory_order_acquire)) {
		struct hw_slot *s = &hw.slot[next % HW_QUEUE];

		for (unsigned int i = 0; i < hw.conf.touches; i++)
			hw_touch(hw.conf.page(&hw.seed));
		if (atomic_load_explicit(&s->full, memory_order_acquire) != next) {
			sched_yield();
			continue;
		}
		if (wait == 0)
			wait = 1 + rnd(&hw.seed) % DELAY;
		if (--wait != 0)
			continue;
		hw_execute(s, next);
		atomic_store_explicit(&hw.done, next++, memory_order_release);
	}
	return NULL;
}

void
hw_up(const struct hw_conf *conf, const struct sluice_domain_conf *dc)
{
	memset(&hw, 0, sizeof(hw));
	hw.seed = 12345;
	hw.conf = *conf;
	fake = fake_open("clock=tsc");
	fake->iommu->fast = (struct sluice_iommu_fast){ hw_submit, hw_try,    hw_done,
							hw_result, hw_faults, NULL };
	fake->iommu->sync_timeout =
		sluice_clock_from_ns(&fake->iommu->clock, UINT64_C(20000000000));
	engine = sluice_engine_create();
	if (engine == NULL || sluice_engine_add_iommu(engine, fake->iommu) != 0)
		exit(99);
	dom = sluice_domain_create(fake->iommu, dc);
	if (dom == NULL || dom->nb_pages > HW_PAGES ||
	    pthread_create(&hardware, NULL, hw_loop, NULL) != 0)
		exit(99);
	poller_start(&poller, engine);
}

void
hw_stop_polling(void)
{
	poller_stop(&poller);
}

void
hw_stop(void)
{
	atomic_store(&hw.stop, true);
	pthread_join(hardware, NULL);
}

int
hw_down(void)
{
	int ret = sluice_domain_destroy(dom);

	if (ret == 0)
		ret = sluice_engine_del_iommu(engine, fake->iommu);
	if (ret == 0)
		ret = sluice_engine_destroy(engine);
	if (ret == 0)
		fake_close(fake);
	return ret;
}
