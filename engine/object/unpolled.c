/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * An engine that is not polled, or not any more: what a thread gets that waits for it.
 *
 * What callers get. An engine does nothing by itself, so silence must not be the only answer. A
 * thread that asks for completions waits for nothing and may ask for ever. So:
 *
 * 1. If no thread is registered to poll, the asking thread makes a turn itself, as every waiting
 *    thread does (engine_wait_turn()).
 * 2. If a thread is registered to poll (the last one that did, until sluice_engine_release()) and
 *    makes no turn for the SYNC timeout, the asking thread gets -ETIMEDOUT and an error line that
 *    says so. The registered thread's turn is not taken over: it may be in the middle of one.
 */
#include <errno.h>

#include "../base/wait.h"
#include "engine.h"

/* Calls between looks at the engine's counter: it lies on a line that each turn writes. */
#define WATCH_CALLS 64u

static unsigned int
timeout_us(const struct sluice_iommu *iommu)
{
	return (unsigned int)(sluice_clock_to_ns(&iommu->clock, iommu->sync_timeout) / 1000);
}

static int
fail_unpolled(const struct sluice_domain *d, int err)
{
	return sluice_fail(err, "the engine has made no turn for %u us (sync_timeout_us), and what waits "
			   "for it will not come: call sluice_engine_poll() over and over on one lcore, "
			   "and sluice_engine_release() when that ends", timeout_us(d->iommu));
}

static int
watch(struct sluice_domain *d, struct engine_watch *w)
{
	struct sluice_engine *e = d->iommu->engine;
	uint64_t polls, now;

	engine_stand_in(e);
	if (w->calls++ % WATCH_CALLS == 0) {
		polls = engine_turns(e);
		now = sluice_clock_ticks(&d->iommu->clock);
		if (w->since == 0 || polls != w->polls) {
			w->polls = polls;
			w->since = now;
			w->stuck = false;
		} else if (!w->stuck && now - w->since > d->iommu->sync_timeout) {
			w->stuck = true;
			(void)fail_unpolled(d, ETIMEDOUT);
		}
	}
	return w->stuck ? -ETIMEDOUT : 0;
}

static int
wait_failed(const struct sluice_domain *d, uint64_t polls, int err)
{
	const char *why = sluice_broken(d->iommu);

	if (why != NULL)
		return sluice_fail(err, "%s: %s", d->iommu->info.backend, why);
	if (engine_turns(d->iommu->engine) == polls)
		return fail_unpolled(d, err);
	return sluice_fail(err, "the flush queue did not drain within %u us (twice sync_timeout_us): "
			   "SYNCs do not complete, or, of emulated hardware, whoever steps it "
			   "(sluice_iommu_step(), sluice_iommu_set_relax()) is starved, or nobody does",
			   2 * timeout_us(d->iommu));
}

static uint64_t
turns(const struct sluice_domain *d)
{
	return engine_turns(d->iommu->engine);
}

static bool
in_turn(const struct sluice_domain *d)
{
	return engine_in_turn(d->iommu->engine);
}

static void
stand_in(struct sluice_domain *d)
{
	engine_stand_in(d->iommu->engine);
}

/* The doors of engine_wait.h. */
const struct engine_wait engine_wait = {
	.turn = engine_wait_turn,
	.turns = turns,
	.failed = wait_failed,
	.in_turn = in_turn,
	.stand_in = stand_in,
	.watch = watch,
};
