/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Which lcore polls the engine, and which one steps the hardware, is decided here and nowhere else.
 */
#include <sched.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include "hw.h"

#define STEP_BUDGET 32u
/* Turns of the hardware per turn of the engine. An idle turn of the engine takes a few ns, and each
 * ns between two turns of the hardware makes a SYNC's round trip longer. */
#define STEPS_PER_POLL 8u
/* Moving bytes takes microseconds, which delay a flush. So a turn of the hardware does few units of
 * work, and after a turn of LONG_TURN units the engine is next. A SYNC by itself is two units. */
#define SERVE_BUDGET 8u
#define LONG_TURN    4
/* Turns from one look at the clock to the next. So many turns take microseconds, and looking at the
 * clock then adds nothing to a SYNC's time. */
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

/* Every waiting worker runs this; only one of them is the engine's lcore. */
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

/* Note for how long this lcore may not have run. @param last TSC of the last look. @return now. */
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
	/* The last stretch counts too: the workers may have given up while this lcore was away. */
	look(b, last);
}
