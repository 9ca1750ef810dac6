/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * An unmap policy, as the rest of the engine sees it: a table of functions, and which one is in
 * force.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "../object/domain.h"

/**
 * An unmap policy: how it maps and unmaps. Each is one small file in policy/. burst.c replaces what
 * is NULL: a burst becomes one call after the other, an asynchronous unmap becomes an unmap.
 */
struct policy_ops {
	const char *name;
	enum sluice_domain_type type; /* the type of its domains */
	bool deferred; /* may invalidate later: needs SLUICE_CAP_DEFERRED, else strict is used */
	bool ring;     /* needs flush rings and turns of the engine (flush_poll) */
	bool eager;    /* a caller waits for the memory: flush when nothing is in flight */
	bool flush_waits;    /* its own poll answers domain_flush_wait() (ring.h, 10) */
	bool live;     /* may be exchanged for another one that is, with live mappings (switch.c) */
	bool plain;    /* its maps are only entries of the window, so they can be undone */
	bool one_burst; /* a burst becomes one mapping, which is unmapped as a whole */
	bool copies;   /* the device sees copies of what is mapped */
	uint32_t batch, deadline_us; /* defaults; 0: the engine's */
	dom_map_fn map;
	dom_unmap_fn unmap;
	unsigned int (*map_burst)(struct sluice_domain *d, struct sluice_seg *seg, unsigned int n,
				  struct dom_lcore *dl);
	unsigned int (*unmap_burst)(struct sluice_domain *d, const struct sluice_seg *seg,
				    unsigned int n, struct dom_lcore *dl);
	/* sluice_unmap_async(): @return 1, 0 or -errno. */
	int (*unmap_async)(struct sluice_domain *d, uint64_t iova, size_t len, uint64_t cookie,
			   struct dom_lcore *dl);
	/* sluice_unmap_async_burst(); *later is 0 before. Set if unmap_async is. */
	unsigned int (*unmap_async_burst)(struct sluice_domain *d, const struct sluice_seg *seg,
					  unsigned int n, unsigned int *later,
					  struct dom_lcore *dl);
	/* Control path: data of the policy. init runs when the page table exists and no worker
	 * does; 0 or -errno. fini runs after the last worker, when the hardware no longer uses
	 * the domain; also after an init that failed or was never called (d->priv is NULL then). */
	int (*init)(struct sluice_domain *d);
	void (*fini)(struct sluice_domain *d);
	/* 0, or -errno with sluice_fail() called, which says what was short. */
	int (*worker_init)(struct sluice_domain *d, struct dom_lcore *dl, unsigned int lcore);
	/* Before worker_fini, while the worker is one of the domain's, and in no call: release what
	 * waits for an invalidation. @return 0, or -errno: it stays, idle. */
	int (*worker_leave)(struct sluice_domain *d, struct dom_lcore *dl);
	/* Nothing waits, the worker is in no call, and no other thread looks at it any more. */
	void (*worker_fini)(struct sluice_domain *d, struct dom_lcore *dl);
	/* One turn of the engine, instead of flush_poll(). @return work done. */
	unsigned int (*poll)(struct sluice_domain *d, uint64_t now, bool look);
	/* Instead of flush_rest(), if poll is set. NULL: the slow round is enough. */
	void (*rest)(struct sluice_domain *d, uint64_t now);
	/* Add its counters to the domain's. */
	void (*stats)(const struct sluice_domain *d, struct sluice_domain_stats *st);
	/* Release all that waits for an invalidation, and wait for it. NULL: domain_drain(). */
	int (*drain)(struct sluice_domain *d);
	/* sluice_domain_stale_hist() and _reset(), if it measures stale windows itself. */
	const struct sluice_hist *(*stale)(const struct sluice_domain *d);
	void (*stale_reset)(struct sluice_domain *d);
	/* sluice_domain_pool(), after the check of the domain. NULL: it has no pools. */
	int (*pool)(struct sluice_domain *d, uint64_t pa, uint64_t len);
	/* sluice_domain_trim(), if it hands out IOVAs itself; under d->lock. NULL: trim.c. */
	int (*trim)(struct sluice_domain *d);
};

/* Policies without a page table are the same for every format. The others are in set.h. */
extern const struct policy_ops policy_passthrough, policy_blocked;
#ifdef PT_FORMAT_H
extern const struct policy_ops policy_strict, policy_strict_batched, policy_strict_bounce,
	policy_deferred, policy_strict_async, policy_contiguous, policy_copy, policy_hybrid,
	policy_static, policy_hugepool, policy_persistent, policy_deferred_single, policy_rollover;
#endif

/** Does the engine give a turn to domains with this policy? */
static inline bool
policy_polled(const struct policy_ops *p)
{
	return p->ring || p->poll != NULL;
}

static inline const struct policy_ops *
domain_policy(const struct sluice_domain *d)
{
	return DOM_LOAD(d->policy);
}

/** Is there a flush queue that domain_flush_wait() can empty? */
static inline bool
domain_flush_waits(const struct sluice_domain *d)
{
	return DOM_LOAD(d->rings) || domain_policy(d)->flush_waits;
}

#endif
