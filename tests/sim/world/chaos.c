/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Faults, at random moments.
 */
#include <inttypes.h>

#include "pmd/emu/core/emu.h"
#include "world.h"

extern bool sim_no_membarrier;

/* Many short ones, few long ones: up to a second. */
static uint64_t
span(void)
{
	uint64_t ns = 100;

	while (ns < (sim_one_in(20) ? 100000000u : 1000000u) && sim_rnd(3) != 0)
		ns *= 10;
	return ns * (1 + sim_rnd(9));
}

static void
stop(unsigned int fiber, const char *what)
{
	uint64_t ns = span();

	sim_note("%s stops for %" PRIu64 " ns", what, ns);
	sim_stall(fiber, ns);
	/* Long ones in few steps. The engine, which looks after errors once in some hundred turns,
	 * may then have too few of them before a deadline. */
	if (fiber == world.hw_fiber || ns > 10000000) {
		world.trouble = true;
		sim_coarse(ns);
	}
}

static void
for_a_while(enum emu_inject what)
{
	uint64_t ns = span();

	emu_inject(world.emu, what, 1);
	sim_coarse(ns);
	sim_sleep(ns);
	emu_inject(world.emu, what, 0);
}

static void
hold(void)
{
	uint64_t ns = span();

	sim_coarse(ns);
	emu_inject(world.emu, EMU_INJECT_CONS_HOLD, ns);
}

static void
atc(bool dead)
{
	struct device *dev = &world.device[sim_rnd(world.plan.v[PLAN_devices])];

	if (world.plan.v[PLAN_devices] == 0 || dev->atc == NULL)
		return;
	if (dead) {
		sometimes(atc_dead);
		dev->dead = true;
		emu_inject(world.emu, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(dev->stream, 1));
		return;
	}
	sometimes(atc_late);
	dev->dead = true; /* later than a bus waits, perhaps */
	emu_inject(world.emu, EMU_INJECT_ATC_LATE, EMU_INJECT_ARG(dev->stream, 1 + sim_rnd(200000)));
}

static void
strike(uint32_t fault)
{
	sim_note("fault %#x", fault);
	if (fault & FAULTS_OF_HW)
		world.trouble = true;
	switch (fault) {
	case FAULT_WORKER_STOPS:
		sometimes(worker_stopped);
		stop(world.worker[sim_rnd(world.plan.v[PLAN_workers])].fiber, "a worker");
		break;
	case FAULT_ENGINE_STOPS:
		sometimes(engine_stopped);
		stop(world.engine_fiber, "the engine");
		break;
	case FAULT_HW_STOPS:
		sometimes(hw_stopped);
		stop(world.hw_fiber, "the hardware");
		break;
	case FAULT_NO_MEMORY:
		sometimes(no_memory);
		if (sim_one_in(2))
			sim_alloc_fail(1 + sim_rnd(4));
		else
			world.no_pages = 1 + sim_rnd(3);
		break;
	case FAULT_SYNC_HANGS:
		sometimes(sync_hung);
		for_a_while(EMU_INJECT_SYNC_HANG);
		break;
	case FAULT_BAD_COMMAND:
		sometimes(command_refused);
		emu_inject(world.emu, EMU_INJECT_CERROR_ILL, 1 + sim_rnd(4));
		break;
	case FAULT_BAD_FETCH:
		sometimes(fetch_aborted);
		emu_inject(world.emu, EMU_INJECT_CERROR_ABT, 1);
		break;
	case FAULT_ATC_DEAD:
		atc(true);
		break;
	case FAULT_ATC_LATE:
		atc(false);
		break;
	case FAULT_EVENTS:
		sometimes(event_lost);
		emu_inject(world.emu, EMU_INJECT_EVTQ_ABT, 1);
		break;
	case FAULT_SYNC_LOST:
		sometimes(sync_lost);
		emu_inject(world.emu, EMU_INJECT_SYNC_LOST, 1 + sim_rnd(3));
		break;
	case FAULT_CONS_HELD:
		sometimes(cons_held);
		hold();
		break;
	case FAULT_RESET:
		sometimes(was_reset);
		world.reset = true;
		sim_coarse(UINT64_C(100000000000)); /* nothing will come but the ends of waits */
		emu_inject(world.emu, EMU_INJECT_RESET, 1);
		break;
	case FAULT_NO_MEMBARRIER:
		sometimes(membarrier_refused);
		sim_no_membarrier = true;
		sim_sleep(span());
		sim_no_membarrier = false;
		break;
	default:
		break;
	}
}

/* One of the kinds that the plan allows. */
static uint32_t
any_fault(void)
{
	uint32_t mask = world.plan.v[PLAN_faults] & WORLD_FAULTS, fault;

	if (mask == 0)
		return 0;
	do
		fault = 1u << sim_rnd(32);
	while ((fault & mask) == 0);
	return fault;
}

void
chaos_main(void *arg)
{
	(void)arg;
	sim_daemon();
	for (unsigned int i = 0; i < world.plan.v[PLAN_strikes] && !world.closing; i++) {
		sim_sleep(1 + sim_rnd(sim_one_in(2) ? 2000 : 30000));
		if (!world.closing)
			strike(any_fault());
	}
}

void
chaos_end(void)
{
	emu_inject(world.emu, EMU_INJECT_SYNC_HANG, 0);
	sim_no_membarrier = false;
	sim_alloc_fail(0);
	world.no_pages = 0;
}
