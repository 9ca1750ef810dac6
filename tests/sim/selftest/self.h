/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the self-tests share: small programs of a few fibers, run with many seeds.
 */
#ifndef SIM_SELF_H
#define SIM_SELF_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../rt/sim.h"

/** A program: what it begins with, its fibers, and whether what is looked for has happened. */
struct self_prog {
	void (*reset)(void);
	void (*fiber[8])(void *);
	bool (*seen)(void);
};

/** Stores are kept for a while; time is as in small worlds. */
struct sim_conf self_conf(enum sim_sched sched, uint32_t buffer);
/** Run it once. */
void self_run(const struct self_prog *p, const struct sim_conf *conf);
/** @return in how many of the seeds 1 … n it was seen. */
unsigned int self_count(const struct self_prog *p, struct sim_conf conf, unsigned int n);
/** In how many seeds, of n with each way of choosing fibers? */
unsigned int self_count_all(const struct self_prog *p, uint32_t buffer, unsigned int n);
/** Run @p fn in a fiber of a child process. @return why the run ended; "" if it ended well; the
 * signal's name if it crashed. */
const char *self_why(void (*fn)(void *));

#define SELF_NAME(sched) ((const char *const[]){ "random", "priorities", "starve", "time" }[sched])

#endif
