/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A deadline by the clock of one iommu: the bound that every wait on the hardware has.
 */
#ifndef ENGINE_DEADLINE_H
#define ENGINE_DEADLINE_H

#include <stdbool.h>

#include "clock.h"

/* A virtual clock stands still when nothing steps the hardware. A wait by such a clock ends after
 * this many TSC cycles (10 to 20 s) whatever the clock says, or it would never end. */
#define DEADLINE_FROZEN (UINT64_C(1) << 35)

/** All zero: not begun, which deadline_look() mends. */
struct deadline {
	const struct sluice_clock *clock;
	uint64_t start, ticks; /* of the clock: when it began, how long it is */
	uint64_t tsc;          /* when it began, by the TSC; virtual clocks only */
};

/** Begin a deadline of @p ticks of @p clock from now on. */
static inline struct deadline
deadline_begin(const struct sluice_clock *clock, uint64_t ticks)
{
	return (struct deadline){ .clock = clock, .start = sluice_clock_ticks(clock),
				  .ticks = ticks, .tsc = clock->virt != NULL ? rte_rdtsc() : 0 };
}

/** @return whether the deadline has passed: more than its ticks ago it began. */
static inline bool
deadline_passed(const struct deadline *d)
{
	if (sluice_clock_ticks(d->clock) - d->start > d->ticks)
		return true;
	return d->clock->virt != NULL && rte_rdtsc() - d->tsc > DEADLINE_FROZEN;
}

/**
 * For loops that look at the clock only now and then, and not at all when the first turns are
 * enough: the first look begins the deadline. @return whether it has passed.
 */
static inline bool
deadline_look(struct deadline *d, const struct sluice_clock *clock, uint64_t ticks)
{
	if (d->clock != NULL)
		return deadline_passed(d);
	*d = deadline_begin(clock, ticks);
	return false;
}

#endif
