/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The hardware's lcore, and what the others do meanwhile. Who polls the engine and who steps the
 * hardware is decided here and nowhere else.
 */
#include <sched.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include "hw.h"

#define STEP_BUDGET 32u
/* Turns of the hardware to one of the engine: an idle turn is a few ns, and every ns between two
 * of them is on a SYNC's way back. */
#define STEPS_PER_POLL 8u
/* Moving bytes takes microseconds, and those are on the way of a flush: few units of work a turn of
 * the hardware, and after one that had them the engine is next. A SYNC by itself is two units. */
#define SERVE_BUDGET 8u
#define LONG_TURN    4
/* Turns from one look at the clock to the next: together they take microseconds, and looking takes
 * none of a SYNC's time. */
#define TURNS_PER_LOOK 64u

static void
poll_once(struct perf_bench *b)
{
	if (b->polling)
		return;
	b->polling = true;
	sluice_engine_poll(b->engine);
	b->polling = false;
}

void
perf_hw_tick(void *bench)
{
	struct perf_bench *b = bench;

	sluice_iommu_step(b->iommu, STEP_BUDGET);
	if (b->engine != NULL)
		poll_once(b);
}

/* Any waiting worker gets here; only one of them is the engine's lcore. */
static void
relax_inline(void *bench)
{
	struct perf_bench *b = bench;

	if (rte_lcore_id() == b->layout.engine_lcore)
		poll_once(b);
	if (b->layout.oversubscribed)
		sched_yield();
	else
		rte_pause();
}

static void
relax_yield(void *bench)
{
	(void)bench;
	sched_yield();
}

void
perf_hw_relax_workers(struct perf_bench *b)
{
	void (*fn)(void *) = NULL;

	if (b->layout.kind == PERF_LAYOUT_STEP)
		fn = perf_hw_tick;
	else if (b->layout.kind == PERF_LAYOUT_INLINE)
		fn = relax_inline;
	else if (b->layout.oversubscribed)
		fn = relax_yield;
	sluice_iommu_set_relax(b->iommu, fn, b);
}

void
perf_hw_relax_control(struct perf_bench *b)
{
	sluice_iommu_set_relax(b->iommu, perf_hw_tick, b);
}

void
perf_hw_idle(struct perf_bench *b)
{
	if (b->layout.kind == PERF_LAYOUT_STEP)
		perf_hw_tick(b);
	else if (b->layout.kind == PERF_LAYOUT_INLINE)
		relax_inline(b);
	else if (b->layout.oversubscribed)
		sched_yield();
	else
		rte_pause();
}

/* @return now; between @p last and that this lcore may not have run. */
static uint64_t
look(struct perf_bench *b, uint64_t last)
{
	uint64_t now = rte_rdtsc();

	b->hw_away = RTE_MAX(b->hw_away, now - last);
	return now;
}

void
perf_hw_serve(struct perf_bench *b, const atomic_uint *running, uint64_t since)
{
	bool engine_too = b->layout.engine_lcore == b->layout.hw_lcore;
	uint64_t last = since;
	unsigned int turns = 0;

	/* Acquire: pairs with the conductor's release of 0, after which it touches nothing. */
	while (atomic_load_explicit(running, memory_order_acquire) != 0) {
		int turn = 0, did = 0;

		if (++turns % TURNS_PER_LOOK == 0)
			last = look(b, last);

		for (unsigned int i = 0; i < STEPS_PER_POLL && turn < LONG_TURN; i++) {
			turn = sluice_iommu_step(b->iommu, SERVE_BUDGET);
			did |= turn;
		}
		if (engine_too)
			poll_once(b);
		if (did == 0 && b->layout.oversubscribed)
			sched_yield();
	}
	/* Who was away when everybody gave up finds that it is over. */
	look(b, last);
}
