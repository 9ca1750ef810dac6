/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Two lcores, one step at a time: what threads meet once in a million tries, every time.
 *
 * 1. Two fibers (threads of which one runs) execute the engine, built with shim.h. The first is
 *    stopped before its Nth access to what lcores share, the second runs until it is done, then the
 *    first goes on; for each N. A fiber that waits for the other lets it make one access at a time.
 * 2. The first fiber has a store buffer. What it stores is seen by itself at once, and by the other
 *    when the buffer is drained: by a read-modify-write, a full fence, a sequentially consistent store,
 *    by waiting, at its end, or by membarrier(2), whoever calls it. In between is as late as any machine
 *    may be: x86 reorders nothing else, and a barrier that is missing shows. Every schedule is run
 *    without the buffer, too: there the order of stores shows.
 *
 * 3. Machines that let stores overtake each other are modelled for who asks (steps_explore_unordered()):
 *    one store is late, and those behind it are not. A release store waits for it.
 *
 * A model that is smaller than the machine: one stop or two, no order among plain fields. What fails here
 * is wrong; what passes is not proven.
 */
#ifndef STEPS_H
#define STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One fiber: what it does, and what rte_lcore_id() says meanwhile. */
struct steps_fiber {
	void (*run)(void);
	unsigned int lcore;
};

/**
 * Run @p first and @p second at every point of @p first, with and without late stores, each time from
 * @p up to @p down. All four are called with accesses as usual outside of @p first and @p second.
 * Fails the test when steps_failed() was called, or when the fibers wait for one another.
 */
void steps_explore(void (*up)(void), struct steps_fiber first, struct steps_fiber second,
		   void (*down)(void));

/**
 * The same with two stops: the first before its Nth access, the second after its Mth, where the first goes
 * on to its end; for each N and M. It is the second whose stores are late.
 */
void steps_explore_twice(void (*up)(void), struct steps_fiber first, struct steps_fiber second,
			 void (*down)(void));

/**
 * The same with four: the first before its Nth access, the second after its @p made, the first after M
 * more, the second after K more, where the first goes on to its end; for each N, M and K. Of the second's
 * stores one is late, and is overtaken by the others: each of its first @p stores.
 */
void steps_explore_unordered(void (*up)(void), struct steps_fiber first, struct steps_fiber second,
			     void (*down)(void), unsigned int made, unsigned int stores);

/** From a fiber: something that must never be is. The rest of the run goes on. */
void steps_failed(const char *what);

/** What a fiber waits in: f->on_relax of the fake iommu. */
void steps_relax(void *arg);

/** What the fiber that stands still takes for the value of a word that it wrote, seen by others or
 * not. */
uint64_t steps_other_sees(const void *p, size_t n);

/** Called at each membarrier(2), after it; NULL: nobody. In fibers only. */
extern void (*steps_on_barrier)(void);

/** Called before each read-modify-write or full fence; NULL: nobody. In fibers only. */
extern void (*steps_on_rmw)(void);

/** Before a read-modify-write or a full fence, and when a command queue is given something: all
 * that this fiber has stored is visible. @return 0. */
int steps_rmw(void);

/** Called with each free() of the engine, in the fiber that does it; NULL: nobody. */
extern void (*steps_on_free)(void *p);

/** Is the second fiber running, while the first one stands still? */
bool steps_in_second(void);

#endif
