/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The polled loop: one turn for all iommus and domains of an engine. Never blocks, takes no lock,
 * allocates nothing.
 */
#include <string.h>

#include "engine.h"
#include "wait.h"

#define FAULT_BURST   32u
/* Domains looked at (flush.h, 7) in one turn: bounds a turn however many domains there are. */
#define LOOK_DOMAINS  64u
/* Turns between looks at the hardware's error state; a register read can cost a microsecond. */
#define SERVICE_TURNS 256u
/* Turns between looks at the event queue while it is empty, for the same reason. */
#define EVENT_TURNS   8u

/* Anything whose address differs from thread to thread identifies the thread. */
static _Thread_local char myself;

static unsigned int
poll_faults(struct sluice_engine *e, struct sluice_iommu *iommu)
{
	struct sluice_fault f[FAULT_BURST];
	unsigned int n = iommu->fast.fault_burst(iommu->fast.queue, f, FAULT_BURST);

	for (unsigned int i = 0; i < n; i++)
		STAT_ADD(e->faults[f[i].kind], 1);
	if (n != 0) {
		STAT_ADD(e->fault_received, n);
		if (e->fault_cb != NULL)
			e->fault_cb(f, n, e->fault_arg);
	}
	return n;
}

unsigned int
sluice_engine_poll(struct sluice_engine *e)
{
	unsigned int work = 0;
	uint32_t turn = ++e->turn;

	if (__builtin_expect(atomic_load_explicit(&e->poller, memory_order_relaxed) !=
			     (uintptr_t)&myself, 0))
		atomic_store_explicit(&e->poller, (uintptr_t)&myself, memory_order_relaxed);
	epoch_enter(&e->epoch);
	const struct engine_view *v = atomic_load_explicit(&e->view, memory_order_acquire);

	const struct sluice_iommu *clock_of = NULL;
	uint64_t now = 0;

	for (uint32_t i = 0; i < v->nb_domains; i++) {
		struct sluice_domain *d = v->domain[i];

		if (d->iommu != clock_of) {
			clock_of = d->iommu;
			now = sluice_clock_ticks(&clock_of->clock);
		}
		bool look = i - e->look_at < LOOK_DOMAINS && now - d->flush.looked >= d->flush.look_every;

		if (look)
			d->flush.looked = now;
		work += flush_poll(d, now, look);
	}
	e->look_at = e->look_at + LOOK_DOMAINS < v->nb_domains ? e->look_at + LOOK_DOMAINS : 0;
	for (uint32_t i = 0; i < v->nb_iommus; i++) {
		if (turn % EVENT_TURNS == 0)
			work += poll_faults(e, v->iommu[i]);
		if (turn % SERVICE_TURNS == 0) {
			unsigned int mended = v->iommu[i]->ops->service(v->iommu[i]);

			STAT_ADD(e->recoveries, mended);
			work += mended;
		}
	}
	epoch_leave(&e->epoch);
	STAT_ADD(e->polls, 1);
	STAT_ADD(e->empty_polls, work == 0);
	return work;
}

void
sluice_engine_release(struct sluice_engine *e)
{
	atomic_store_explicit(&e->poller, 0, memory_order_release);
}

void
engine_wait_turn(struct sluice_engine *e, struct sluice_iommu *iommu, unsigned int turn)
{
	uintptr_t poller = atomic_load_explicit(&e->poller, memory_order_acquire);

	if (poller == 0 || poller == (uintptr_t)&myself)
		sluice_engine_poll(e);
	sluice_wait_turn(iommu, turn);
}

void
sluice_engine_stats(const struct sluice_engine *e, struct sluice_engine_stats *st)
{
	*st = (struct sluice_engine_stats){
		.polls = STAT_GET(e->polls),
		.empty_polls = STAT_GET(e->empty_polls),
		.fault_received = STAT_GET(e->fault_received),
		.recoveries = STAT_GET(e->recoveries),
	};
	for (unsigned int i = 0; i < SLUICE_FAULT_KINDS; i++)
		st->faults[i] = STAT_GET(e->faults[i]);
	for (uint32_t i = 0; i < e->nb_iommus; i++) {
		struct sluice_xstat xs[128];
		unsigned int n = sluice_iommu_xstats(e->iommu[i], xs, RTE_DIM(xs));

		for (unsigned int k = 0; k < RTE_MIN(n, RTE_DIM(xs)); k++)
			if (strcmp(xs[k].name, "evtq_overflows") == 0)
				st->fault_overflows += xs[k].value;
	}
}
