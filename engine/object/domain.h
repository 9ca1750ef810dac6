/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The engine's inside of a domain: what all lcores share read-only, and what each worker owns.
 */
#ifndef ENGINE_DOMAIN_H
#define ENGINE_DOMAIN_H

#include <errno.h>
#include <pthread.h>

#include <rte_lcore.h>

#include <sluice/domain.h>
#include <sluice/map.h>

#include "../driver.h"
#include "../flush/engine_wait.h"
#include "../flush/ring.h"
#include "../flush/state.h"
#include "../iova/iova.h"
#include "../pgtable/pgtable.h"

struct policy_ops;
struct policy_set;

#define ENGINE_MAX_IOMMUS 8u /* that one engine serves, so that one domain is behind */

/** A counter with one writer: readers see old or new, never torn; no locked instruction. */
#define STAT_ADD(field, n)   RELAXED_SET(field, RELAXED_GET(field) + (n))
#define STAT_SET(field, v)   RELAXED_SET(field, v)
#define STAT_GET(field)      RELAXED_GET(field)

/** Counters that only their worker writes (plain add, no read-modify-write on the bus): 64-bit ones
 * alone, for they are summed as an array (domain_worker.c). */
struct dom_lcore_stats {
	uint64_t maps, unmaps;
	uint64_t map_more, unmap_more; /* pages beyond one each: most mappings have none */
	uint64_t map_errors, unmap_errors;
	uint64_t ring_full;
	uint64_t invs, syncs; /* submitted by this worker itself (strict) */
};

/** Does the engine that this worker waits for make turns? Worker's own; unpolled.c. */
struct engine_watch {
	uint64_t polls; /* turns that had been made … */
	uint64_t since; /* … at this time (ticks); 0: nothing was noted */
	uint32_t calls;
	bool stuck;     /* none since, for the SYNC timeout */
};

/** What one worker has of one domain. Every field: written by that worker, unless said. */
struct dom_lcore {
	struct flush_ring ring;      /* the engine reads and writes part of it: see flush/ring.h */
	struct dom_lcore_stats st;   /* readers: any thread, relaxed */
	struct iova_mag mag[IOVA_ORDERS];
	struct engine_watch watch;
	void *priv; /* the policy's own */
} __rte_cache_aligned;

/* The worker's part comes last, so that the caller's arguments stay where they are. */
typedef int (*dom_map_fn)(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot,
			  uint64_t *iova, struct dom_lcore *dl);
typedef int (*dom_unmap_fn)(struct sluice_domain *d, uint64_t iova, size_t len,
			    struct dom_lcore *dl);

struct sluice_domain {
	/* First, so that the address follows from the lcore alone, without an addition. */
	struct dom_lcore *lc[RTE_MAX_LCORE]; /* NULL: that lcore is not a worker */
	/* Read once on every map and unmap; replaced when the policy is (switch.c). */
	dom_map_fn map;
	dom_unmap_fn unmap;
	uint64_t iova_base;
	uint64_t pte_attr[4];      /* by SLUICE_READ | SLUICE_WRITE; 0: not allowed */
	uint64_t pte_one[4];       /* pte_attr[] for a mapping of one page: with both marks */
	uint64_t pa_limit;         /* first physical address that is too large */
	_Atomic(uint64_t *) *leaf; /* [nb_chunks] last-level table of each chunk, NULL: not yet */
	uint64_t *names;           /* [nb_pages] names.h */
	uint32_t nb_pages;         /* window, in pages */
	/* Heads of its invalidations (struct sluice_inv): a range whose tables stay; everything. */
	uint32_t inv_leaf, inv_all;
	uint8_t page_shift;        /* of its format */
	struct sluice_iommu *iommu;
	/* Devices that are told beside the IOMMU; NULL: none has ATS (ats.h). Control calls write
	 * it. */
	struct ats_list *_Atomic ats_list;
	struct dom_multi *_Atomic multi; /* other IOMMUs that it is behind; NULL: none (multi.h) */
	struct iova_space iova;
	struct dom_workers *_Atomic workers; /* lc[] without its gaps, for the engine's loops */

	/* The engine's: which flushes are in flight (flush.c). */
	struct flush_state flush __rte_cache_aligned;

	/* Cold. */
	_Atomic uint32_t robbing; /* stock.c */
	TAILQ_ENTRY(sluice_domain) next;
	const struct policy_set *set;    /* of its page-table format */
	const struct policy_ops *policy; /* with map and unmap; use domain_policy() */
	void *priv;     /* the policy's own */
	struct trim *trim; /* trim.c: tables that were given up and not freed yet; d->lock */
	struct mirror *mirror; /* mirror.c; NULL: the hardware walks the tables itself */
	struct ats_dom *ats; /* ats.h; NULL until the first device with ATS; set before ats_list */
	bool rings;     /* its workers have flush rings; e->lock */
	bool shut;      /* they take nothing in: the policy is not theirs, or on its way; e->lock */
	enum sluice_domain_type type;
	struct sluice_domain_conf conf; /* with the defaults filled in */
	bool own_batch, own_deadline; /* asked for: no change of policy touches it; d->lock */
	struct pgtable pt;
	struct sluice_hwdom hw;
	unsigned int nb_devices;
	unsigned int nb_children; /* domains over this one (nest.h); lock */
	bool spanned;             /* the IOMMU's memory is mapped one to one, for them */
	const struct engine_wait *wait; /* how to wait for the engine */
	struct bitset *due; /* the engine's set of domains with something due … */
	uint32_t slot;      /* … and this domain's place in it */
	pthread_mutex_t *lc_lock; /* the engine's: workers come to lc[] and leave it under it */
	bool served; /* in the engine's list; e->lock */
	bool leaving;  /* it is being destroyed: no trim begins any more (reclaim.c, 2); e->lock */
	uint32_t pins; /* trims under way (reclaim.c, 2); e->lock */
	bool unplugged; /* the hardware has forgotten it: nothing is left but to free it */
	struct dom_lcore_stats gone; /* of workers that left */
	uint64_t gone_queued;
	pthread_mutex_t lock; /* map_fixed, unmap_fixed, set_policy, tune */
};

/* What another lcore published comes with everything that was written before: its rings were set
 * up, and a barrier executed on every thread, before a policy is put in (switch.c, 1). A race
 * detector does not know that barrier. */
#if SLUICE_TSAN
#define DOM_LOAD(field) __atomic_load_n(&(field), __ATOMIC_ACQUIRE)
#else
#define DOM_LOAD(field) RELAXED_GET(field)
#endif

/** What the calling lcore has of a domain; NULL: it is not a worker. */
static inline struct dom_lcore *
domain_mine(const struct sluice_domain *d)
{
	size_t lcore = rte_lcore_id(); /* widened once, by the load */

	return __builtin_expect(lcore < RTE_MAX_LCORE, 1) ? d->lc[lcore] : NULL;
}

/** Give every worker of @p d a flush ring, closed for now. e->lock. @return 0 or -ENOMEM. */
int domain_rings_init(struct sluice_domain *d);

/** Give a domain the batch and deadline of @p p, as far as its creator asked for none. d->lock is
 * held. */
void domain_defaults(struct sluice_domain *d, const struct policy_ops *p);

/** Pages of the domain's format in the 4 KiB pages of struct sluice_inv, and of its counters. */
static inline uint64_t
domain_pages_4k(const struct sluice_domain *d, uint64_t pages)
{
	return pages << (d->page_shift - 12);
}

/** The IOVA of a page of the window. */
static inline uint64_t
domain_iova(const struct sluice_domain *d, uint32_t pfn)
{
	return d->iova_base + ((uint64_t)pfn << d->page_shift);
}

/** The invalidation of a range of 4 KiB pages; its tables may have gone, too. */
static inline struct sluice_inv
domain_inv_range(const struct sluice_domain *d, uint64_t iova, uint64_t pages)
{
	struct sluice_inv inv = { .head = d->inv_leaf, .pages = (uint32_t)pages, .iova = iova };

	inv.flags &= (uint8_t)~SLUICE_INV_LEAF;
	return inv;
}

/** The invalidation of everything. */
static inline struct sluice_inv
domain_inv_all(const struct sluice_domain *d)
{
	return (struct sluice_inv){ .head = d->inv_all };
}

/** A setting that sluice_domain_tune() may change at any time. */
#define DOM_CONF(d, field) RELAXED_GET((d)->conf.field)

/** One more domain, or (@p n -1) one less: control calls on several domains may run at once. */
static inline void
iommu_count_domain(struct sluice_iommu *iommu, int n)
{
	__atomic_fetch_add(&iommu->nb_domains, (unsigned int)n, __ATOMIC_ACQ_REL);
}

/** Make, and give up, what one worker has of a domain. @return 0 or -ENOMEM. */
int domain_worker_add(struct sluice_domain *d, unsigned int lcore);
void domain_worker_del(struct sluice_domain *d, unsigned int lcore);

#endif
