/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Many cases in a few child processes: a violation ends a child, never the one that counts.
 *
 * A child runs one case after the other. If one ends it (a violation, a signal, no end in sight) that
 * is noted, and a fresh child goes on with the cases that are left. Which child runs a case, and how
 * many children there are, changes nothing: the sums and what is found are the same.
 */
#ifndef SIM_POOL_H
#define SIM_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "world/plan.h"
#include "world/world.h"

#define POOL_JOBS   256u
#define POOL_REASON 512u

/** A case that violates something. */
struct pool_find {
	uint64_t at; /* the case's number */
	struct plan plan;
	uint64_t steps; /* 0: it did not even begin */
	char reason[POOL_REASON];
};

struct pool_sum {
	uint64_t runs, violations, steps, ns;
	uint64_t hash;                  /* of all runs that went well: the sum of their hashes */
	uint64_t events[SOMETIMES_NB];  /* how often each happened */
	uint64_t seeds[SOMETIMES_NB];   /* … and in how many runs */
	double wall_s;
};

struct pool_conf {
	uint64_t nb;           /* cases 0 … nb - 1 */
	unsigned int jobs;     /* 0: as many as there are processors */
	uint32_t hang_s;       /* a case of more seconds of processor time hangs */
	bool least;            /* only the least case that violates is wanted: none above is begun */
	/** The plan of case @p at. Called in a child. */
	void (*plan_of)(struct plan *p, uint64_t at, void *arg);
	/** Run it; a violation calls sim_fail(). */
	void (*run)(const struct plan *p);
	/** Does this count? The others are passed over. NULL: all do. */
	bool (*wanted)(const struct pool_find *f, void *arg);
	/** Something was found. In the order in which it was found, unless `least`. */
	void (*found)(const struct pool_find *f, void *arg);
	/** Called a few times a second; may be NULL. */
	void (*progress)(uint64_t runs, uint64_t nb, uint64_t violations, void *arg);
	void *arg;
};

/** Run all cases. @return 0, or -errno: there are no processes to be had. */
int pool_run(const struct pool_conf *conf, struct pool_sum *sum);

#endif
