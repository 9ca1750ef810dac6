/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the program does: each function is one of its ways, and returns the exit status.
 */
#ifndef SIM_CAMPAIGN_H
#define SIM_CAMPAIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "world/plan.h"

struct options {
	enum { MODE_NONE, MODE_CAMPAIGN, MODE_REPLAY, MODE_SHRINK, MODE_NAMED } mode;
	uint64_t seed;         /* replay, shrink */
	uint64_t first, nb;    /* campaign */
	const char *set;       /* NULL: as the seed has it */
	const char *file;      /* named: the list */
	const char *only;      /* named: this one; NULL: all */
	const char *json;
	unsigned int jobs;
	uint32_t hang_s;
	uint32_t events;
	uint32_t tries;
	bool trace, any, stop;
	/** What runs a plan: world_run(), or a test's. */
	void (*run)(const struct plan *p);
};

#define EXIT_OK        0
#define EXIT_VIOLATION 1
#define EXIT_USAGE     2

/* From so many seeds on everything must have happened that can. */
#define CAMPAIGN_COVERS 1000u

/** Fill in @p o. @return 0, or the status to end with: its words have been said. */
int options_read(struct options *o, int argc, char **argv, int *status);
/** The plan of a seed with the user's settings. */
void options_plan(const struct options *o, uint64_t seed, struct plan *p);

int campaign(const struct options *o);
int replay(const struct options *o);
int shrink(const struct options *o);
int named(const struct options *o);

/** A bar on a terminal, on stderr; nothing elsewhere. */
void bar_show(uint64_t done, uint64_t nb, uint64_t violations);
void bar_clear(void);

#endif
