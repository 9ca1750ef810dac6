/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The engine's side of the flush rings (ring.h): starting flushes, releasing what they covered,
 * emptying the queues for a thread that waits.
 */
#ifndef FLUSH_FLUSH_H
#define FLUSH_FLUSH_H

#include "../object/domain.h"

/** One more wish for a flush, @p cause of DRAIN … SWITCH: 16 bits each of flush_state.wishes. */
static inline uint64_t
flush_wish(enum sluice_flush_cause cause)
{
	return UINT64_C(1) << 16 * (cause - SLUICE_FLUSH_DRAIN);
}

/** After a look: may the domain be left alone (f->sleep)? Engine (11). */
void flush_rest(struct sluice_domain *d, uint64_t now);

/** Look at the domain all the time again: it has something to do, or may have. Engine (11). */
static inline void
flush_awake(struct flush_state *f)
{
	f->sleep = FLUSH_AWAKE;
	f->idle_looks = 0;
}

/** Are there flushes in flight? Engine. */
static inline bool
flush_in_flight(const struct flush_state *f)
{
	return f->head != f->tail;
}

/**
 * The engine's part, for one domain: start flushes that are due, release those that completed.
 * @param now clock ticks. @return work done.
 */
unsigned int flush_poll(struct sluice_domain *d, uint64_t now, bool look);

/**
 * Is the oldest flush that is in flight complete, in other IOMMUs and in devices, too? A flush that
 * failed is begun again, a late one is counted. Engine.
 */
bool flush_is_done(struct sluice_domain *d, uint64_t now);

/** domain_inv_try() in the first IOMMU, for a flush to be started. @return its number; 0: it was
 * not submitted. */
uint64_t flush_submit(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n);

/** A flush of @p n invalidations was submitted as @p seq: note it. Engine. */
void flush_started(struct sluice_domain *d, uint64_t seq, unsigned int n, uint64_t now,
		   enum sluice_flush_cause cause);

/**
 * How old an entry may be when its flush starts, so that the flush is complete by the deadline. A
 * flush is taken to last twice as long as the last ones did, and an age is known to within one
 * look. Engine.
 */
uint64_t flush_patience(const struct flush_state *f);

/** Note that a flush took so many ticks. A longer one counts at once, a shorter one little by
 * little: the deadline is a bound, not an average. Engine. */
static inline void
flush_took(struct flush_state *f, uint64_t ticks)
{
	f->took = ticks > f->took || f->tail == 0 ? ticks : f->took - f->took / 8 + ticks / 8;
}

/** The cause of the wish that is served first. @return SLUICE_FLUSH_CAUSES: there is none. */
static inline enum sluice_flush_cause
flush_wished(const struct flush_state *f)
{
	uint64_t wishes = atomic_load_explicit(&f->wishes, memory_order_acquire);

	return __builtin_expect(wishes == 0, 1) ? SLUICE_FLUSH_CAUSES :
	       SLUICE_FLUSH_DRAIN + (enum sluice_flush_cause)__builtin_ctzll(wishes) / 16;
}

/** Is there a wish for a rollover (10)? */
static inline bool
flush_waited(const struct flush_state *f)
{
	const uint64_t mask = UINT64_C(0xffff) << 16 * (SLUICE_FLUSH_ROLLOVER - SLUICE_FLUSH_DRAIN);

	return (atomic_load_explicit(&f->wishes, memory_order_relaxed) & mask) != 0;
}

/**
 * policy_ops.stats of policies that have a queue of their own, in which every unmap waits for a
 * flush.
 * @param released entries that came out of it, @param pages of how many pages.
 */
static inline void
flush_own_stats(const struct sluice_domain *d, struct sluice_domain_stats *st, uint64_t released,
		uint64_t pages)
{
	/* Workers go on between one load and the other. */
	st->queued = st->unmaps;
	st->released = RTE_MIN(released, st->queued);
	st->pending = st->queued - st->released;
	st->exposed_bytes = st->pending == 0 ? 0 :
			    (st->unmap_pages - RTE_MIN(domain_pages_4k(d, pages), st->unmap_pages)) * 4096;
}

#endif
