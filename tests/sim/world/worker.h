/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What a worker's calls share: how long one may last, and whether others were in one.
 */
#ifndef SIM_WORKER_H
#define SIM_WORKER_H

#include <inttypes.h>

#include "world.h"

/* How long a call may last. */
struct call {
	uint64_t start;
	uint64_t nth;  /* of all workers' calls */
	bool alone;    /* no other worker was in a call when it began */
};

/* One that waits for nothing: time may jump on. */
static inline struct call
call_look(void)
{
	/* Stores that nobody sees yet are of a call that is not over for others. */
	bool alone = world.calls++ == 0;

	for (unsigned int i = 0; alone && i < world.plan.v[PLAN_workers]; i++)
		alone = sim_stored(world.worker[i].fiber) == sim_visible(world.worker[i].fiber);
	return (struct call){ sim_now(), ++world.called, alone };
}

static inline struct call
call_begin(void)
{
	sim_progress();
	return call_look();
}

static inline void
call_end(struct call c, const char *what)
{
	uint64_t ns = sim_now() - c.start;

	world.calls--;
	SIM_CHECK(ns <= world_bound(), "%s took %" PRIu64 " ns: more than any wait may", what, ns);
}

/* worker.c: maps, and unmaps of what is mapped */
void worker_map(struct worker *w);
void worker_unmap(struct worker *w);
/** One mapping, now or by cookies. */
void unmap_wait(struct worker *w, struct map *m);
void unmap_later(struct worker *w, struct map *m);
void worker_drain(struct worker *w);

/* odd.c: everything else */
void worker_wrong(struct worker *w);
void worker_large(struct worker *w);
void worker_leave(struct worker *w);
/** Take cookies. @return how many. */
unsigned int worker_completed(struct worker *w, unsigned int k);

#endif
