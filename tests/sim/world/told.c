/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The engine's fault callback.
 */
#include <errno.h>

#include "world.h"

/* The engine's callback asks for what it must not get: a turn within the turn, a wait for one. */
void
world_told(const struct sluice_fault *f, unsigned int n, void *arg)
{
	static bool inside;
	int ret;

	(void)arg;
	/* However the streams are changed meanwhile, the hardware finds whole entries. */
	for (unsigned int i = 0; i < n && world.plan.v[PLAN_faults] == 0; i++)
		SIM_CHECK(f[i].kind != SLUICE_FAULT_ABORT && f[i].kind != SLUICE_FAULT_ADDR_SIZE &&
			  f[i].kind != SLUICE_FAULT_ACCESS, "stream %u: fault of kind %u, code %#x",
			  f[i].stream, f[i].kind, f[i].code);
	SIM_CHECK(sim_self() == world.engine_fiber || world.closed, "a callback on another thread");
	SIM_CHECK(!inside, "a callback within a callback");
	if (world.closing)
		return;
	inside = true;
	sometimes(told);
	SIM_CHECK(sluice_engine_poll(world.engine) == 0, "a turn within a turn did something");
	ret = sluice_domain_drain(world.domain[sim_rnd(world.plan.v[PLAN_domains])].d);
	SIM_CHECK(ret == 0 || ret == -EAGAIN || world_excused(-ret), "drain in a callback: %s",
		  sluice_error());
	inside = false;
}
