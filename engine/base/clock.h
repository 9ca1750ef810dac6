/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The clock of one iommu: the TSC, or the virtual time of stepped hardware.
 */
#ifndef ENGINE_CLOCK_H
#define ENGINE_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

#include <rte_cycles.h>

/** The clock that waits and deadlines of one iommu use. */
struct sluice_clock {
	const _Atomic uint64_t *virt; /**< virtual ns of stepped hardware, or NULL: the TSC */
	uint64_t hz;                  /**< ticks per second of what sluice_clock_ticks() returns */
	uint64_t ns_2_32;             /**< ns a tick, times 2^32; 0 until sluice_clock_ready() */
};

/** hz is set and will not change. Rounded up: a time told in ns is never less than the truth. */
static inline void
sluice_clock_ready(struct sluice_clock *c)
{
	c->ns_2_32 = (uint64_t)((((unsigned __int128)1000000000u << 32) + c->hz - 1) / c->hz);
}

static inline uint64_t
sluice_clock_ticks(const struct sluice_clock *c)
{
	return c->virt ? atomic_load_explicit(c->virt, memory_order_relaxed) : rte_rdtsc();
}

static inline uint64_t
sluice_clock_from_ns(const struct sluice_clock *c, uint64_t ns)
{
	return (uint64_t)((unsigned __int128)ns * c->hz / 1000000000u);
}

static inline uint64_t
sluice_clock_to_ns(const struct sluice_clock *c, uint64_t ticks)
{
	/* A product of 128 bits is two instructions, a quotient a hundred. */
	return (uint64_t)(c->ns_2_32 != 0 ? (unsigned __int128)ticks * c->ns_2_32 >> 32 :
					    (unsigned __int128)ticks * 1000000000u / c->hz);
}

#endif
