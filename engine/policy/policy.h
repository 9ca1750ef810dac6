/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What an unmap policy is to the rest of the engine: a table of functions, and which one is in force.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "../object/domain.h"

/**
 * An unmap policy: how it maps and unmaps. One small file each, in policy/. What is NULL is done
 * for it (burst.c): a burst is one call after the other, an asynchronous unmap is an unmap.
 */
struct policy_ops {
	const char *name;
	enum sluice_domain_type type; /* what it makes of a paging domain */
	bool deferred; /* an invalidation may come later: needs SLUICE_CAP_DEFERRED, else strict */
	bool ring;     /* needs flush rings, and the engine's turns (flush_poll) */
	bool eager;    /* somebody waits for the memory: flush when nothing is in flight */
	bool flush_waits;    /* has a poll of its own, which answers domain_flush_wait() (ring.h, 10) */
	bool live;     /* may be exchanged for another such while mappings live (switch.c) */
	bool plain;    /* its maps are entries of the window and nothing else: they can be undone */
	bool one_burst; /* a burst that it maps is one mapping, unmapped as a whole */
	bool copies;   /* the device gets to see copies of what is mapped */
	uint32_t batch, deadline_us; /* defaults; 0: everybody's */
	dom_map_fn map;
	dom_unmap_fn unmap;
	unsigned int (*map_burst)(struct sluice_domain *d, struct sluice_seg *seg, unsigned int n,
				  struct dom_lcore *dl);
	unsigned int (*unmap_burst)(struct sluice_domain *d, const struct sluice_seg *seg,
				    unsigned int n, struct dom_lcore *dl);
	/* As sluice_unmap_async(): 1 or 0 or -errno. */
	int (*unmap_async)(struct sluice_domain *d, uint64_t iova, size_t len, uint64_t cookie,
			   struct dom_lcore *dl);
	/* As sluice_unmap_async_burst(); *later is 0. Goes with unmap_async. */
	unsigned int (*unmap_async_burst)(struct sluice_domain *d, const struct sluice_seg *seg,
					  unsigned int n, unsigned int *later,
					  struct dom_lcore *dl);
	/* Control path: what the policy has of its own. init: the page table is there, no worker is;
	 * 0 or -errno. fini: after the last worker, when the hardware does not use the domain; also
	 * after an init that failed or never was (d->priv is NULL then). */
	int (*init)(struct sluice_domain *d);
	void (*fini)(struct sluice_domain *d);
	int (*worker_init)(struct sluice_domain *d, struct dom_lcore *dl, unsigned int lcore);
	/* The worker is quiet; nobody looks at it any more. */
	void (*worker_fini)(struct sluice_domain *d, struct dom_lcore *dl);
	/* One turn of the engine, instead of flush_poll(). @return work done. */
	unsigned int (*poll)(struct sluice_domain *d, uint64_t now, bool look);
	/* Goes with poll: flush_rest() for it. NULL: the slow round is enough for it. */
	void (*rest)(struct sluice_domain *d, uint64_t now);
	/* What it adds to the domain's counters. */
	void (*stats)(const struct sluice_domain *d, struct sluice_domain_stats *st);
	/* Everything that waits for an invalidation, released and waited for. NULL: domain_drain(). */
	int (*drain)(struct sluice_domain *d);
	/* Stale windows, if it measures them itself: sluice_domain_stale_hist() and _reset(). */
	const struct sluice_hist *(*stale)(const struct sluice_domain *d);
	void (*stale_reset)(struct sluice_domain *d);
	/* sluice_domain_pool(), without its check of the domain. NULL: it keeps no pool. */
	int (*pool)(struct sluice_domain *d, uint64_t pa, uint64_t len);
	/* sluice_domain_trim(), where the window is not the allocator's. NULL: as for all. d->lock. */
	int (*trim)(struct sluice_domain *d);
};

/* Without a page table: the same for every format. The others: set.h. */
extern const struct policy_ops policy_passthrough, policy_blocked;
#ifdef PT_FORMAT_H
extern const struct policy_ops policy_strict, policy_strict_batched, policy_strict_bounce,
	policy_deferred, policy_strict_async, policy_contiguous, policy_copy, policy_hybrid,
	policy_static, policy_hugepool, policy_persistent, policy_deferred_single, policy_rollover;
#endif

/** Does the engine give domains with this policy a turn? */
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
