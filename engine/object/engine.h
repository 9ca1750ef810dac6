/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The inside of an engine, for the rooms that change what it polls.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <pthread.h>

#include "domain.h"
#include "../base/epoch.h"

#define ENGINE_MAX_SLOTS  65536u /* domains */
#define ENGINE_MAX_BUSY   128u

/** What a poll walks over: replaced as a whole, never changed (epoch.h). */
struct engine_view {
	struct epoch_array array; /* first */
	uint32_t nb_iommus, nb_domains;
	struct sluice_iommu *iommu[ENGINE_MAX_IOMMUS];
	uint32_t nb_slots;
	struct sluice_domain **slot;    /* [nb_slots] domain[] by slot, NULL: no such domain */
	struct sluice_domain *domain[]; /* those with a flush ring */
};

struct sluice_engine {
	/* Poll. */
	struct engine_view *_Atomic view;
	struct epoch epoch;
	uint64_t polls, empty_polls;
	uint32_t look_at;   /* domain whose turn comes next */
	uint32_t nb_busy, nb_late; /* of busy[] and late[] */
	bool in_turn;       /* the poller is in the middle of a turn (poll.c, 1) */
	bool leaving;       /* and does not want to go on after it */
	uint32_t due_at;    /* slot whose turn comes next among those that are due */
	struct bitset due;  /* slots that were kicked, or have woken; workers put them in */
	uint32_t nb_awake, awake_at;
	uint32_t *awake;    /* [ENGINE_MAX_SLOTS] slots that are looked at all the time */
	uint64_t visits;    /* turns of domains, where there are many */
	sluice_fault_cb fault_cb;
	void *fault_arg;
	uint64_t fault_received, recoveries;
	uint64_t faults[SLUICE_FAULT_KINDS];
	/* Slots with a flush in flight; those that were put off, the first one first. */
	uint32_t busy[ENGINE_MAX_BUSY], late[ENGINE_MAX_BUSY];
	/* Identifies the thread that polls; 0: there is none. On a line that no turn writes. */
	_Atomic uintptr_t poller __rte_cache_aligned;
	/* Control. */
	pthread_mutex_t lock __rte_cache_aligned;
	TAILQ_HEAD(engine_domains, sluice_domain) domains; /* all of them */
	struct sluice_iommu *iommu[ENGINE_MAX_IOMMUS];
	uint32_t nb_iommus;
	struct bitset slots; /* those that are free */
	bool worker[RTE_MAX_LCORE];
	const char *policy; /* the default of devices without one, or NULL; defaults.c */
};

/**
 * Wait until no poll walks over what was replaced before the call (epoch.h). Where the system
 * refuses the barrier that is known only if no thread polls, or this one does.
 * @return 0; -ENOTSUP: not known.
 */
int engine_grace(struct sluice_engine *e) __attribute__((warn_unused_result));

/**
 * An array that is polled was replaced by another (epoch.h, 3): free it after a grace period. If
 * none is to be had it is kept behind the other one. @param less something is to go by that: then
 * the old one is to be put back, with the other one behind it.
 * @return 0; -ENOTSUP, and an error line: put @p old back.
 */
int engine_retire(struct sluice_engine *e, struct epoch_array *old, struct epoch_array *now, bool less);

/** Is no thread in a turn, and does the next one that begins a turn see what this thread did? Not
 * from within a turn. */
bool engine_unpolled(struct sluice_engine *e);

/** Put a domain in, take it out (again: no harm). Take e->lock. @return 0, -ENOMEM, -ENOTSUP. */
int engine_domain_add(struct sluice_engine *e, struct sluice_domain *d);
int engine_domain_del(struct sluice_engine *e, struct sluice_domain *d);

/** Replace what is polled after a domain began to need it. e->lock is held. @return 0, -ENOMEM,
 * -ENOTSUP. */
int engine_view_replace(struct sluice_engine *e);

/** The log type sluice.domain. */
extern int domain_log;

/** Free what nothing knows of any more: the hardware, the engine, its workers. */
void domain_free(struct sluice_domain *d);

/** Put a policy in force; what it needs is there. Control. */
void domain_publish(struct sluice_domain *d, const struct policy_ops *p);

/** Flush what is queued now and wait for it; @p cause is what is counted. @return 0; -ETIMEDOUT. */
int domain_drain(struct sluice_domain *d, enum sluice_flush_cause cause);

/** What each domain's `wait` points to: flush/engine_wait.h says what its functions do. */
extern const struct engine_wait engine_wait;

/** engine_wait.turn. */
int engine_wait_turn(struct sluice_domain *d, unsigned int turn);

/** engine_wait.stand_in, for an engine. */
void engine_stand_in(struct sluice_engine *e);

/** Turns that were begun: within a turn, its number. */
static inline uint64_t
engine_turns(const struct sluice_engine *e)
{
	return STAT_GET(e->polls);
}

/** Is this thread in a turn of the engine? */
bool engine_in_turn(const struct sluice_engine *e);

#endif
