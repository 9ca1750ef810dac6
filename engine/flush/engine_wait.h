/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Waiting for the engine, for the rooms below the polled loop: what a waiting thread needs of the
 * loop is a table of functions (sluice_domain.wait), which domain_create() installs. So a policy or
 * a flush can wait for an engine without knowing what an engine is made of.
 */
#ifndef FLUSH_ENGINE_WAIT_H
#define FLUSH_ENGINE_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include <sluice/domain.h>

struct sluice_domain;
struct engine_watch;

struct engine_wait {
	/**
	 * Spend one turn of waiting for the domain's engine: poll it when that is this thread's
	 * job, or when no thread polls it.
	 * @return 0; -EAGAIN this thread is in a turn of that engine (a callback): nothing can come
	 *   of waiting here, and nothing was spent.
	 */
	int (*turn)(struct sluice_domain *d, unsigned int turn);
	/** Turns that were begun so far. The difference shows whether the engine is polled. */
	uint64_t (*turns)(const struct sluice_domain *d);
	/** Waiting failed. @param polls turns() before it. @return @p err negative, with an error
	 * line that says whether the engine made any turn. */
	int (*failed)(const struct sluice_domain *d, uint64_t polls, int err);
	/** Is this thread in a turn of the engine? */
	bool (*in_turn)(const struct sluice_domain *d);
	/** Make a turn if no thread polls: for a thread that calls and does not wait. */
	void (*stand_in)(struct sluice_domain *d);
	/** Something that this worker asks for has not come: stand in, and watch the engine.
	 * @return 0; -ETIMEDOUT no turn was made for the SYNC timeout, sluice_error() says so. */
	int (*watch)(struct sluice_domain *d, struct engine_watch *w);
};

/**
 * Have all that is queued in the domain flushed and released, and wait for it, bounded (ring.h,
 * 10). No lock: workers may call it. Only where the engine gives turns (domain_flush_waits()).
 * @param cause what is counted; of a rollover IOVAs come back to the shared space.
 * @return 0; -EAGAIN in a callback of the engine; -ETIMEDOUT.
 */
int domain_flush_wait(struct sluice_domain *d, enum sluice_flush_cause cause);

#endif
