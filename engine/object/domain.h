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
#include "../flush/flush.h"
#include "../iova/iova.h"
#include "../window/names.h"
#include "../pgtable/run.h"

struct policy_ops;

/** A counter with one writer: readers see old or new, never torn; no locked instruction. */
#define STAT_ADD(field, n)   RELAXED_SET(field, RELAXED_GET(field) + (n))
#define STAT_SET(field, v)   RELAXED_SET(field, v)
#define STAT_GET(field)      RELAXED_GET(field)

/** Counters that only their worker writes (plain add, no read-modify-write on the bus). */
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
	struct flush_ring ring;      /* the engine reads and writes part of it: see flush.h */
	struct dom_lcore_stats st;   /* readers: anybody, relaxed */
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
	/* First: found by the lcore alone, without an addition. */
	struct dom_lcore *lc[RTE_MAX_LCORE]; /* NULL: that lcore is not a worker */
	/* Read once on every map and unmap; replaced when the policy is (switch.c). */
	dom_map_fn map;
	dom_unmap_fn unmap;
	uint64_t iova_base;
	uint64_t pte_attr[4];      /* by SLUICE_READ | SLUICE_WRITE; 0: not allowed */
	uint64_t pte_one[4];       /* the same, of a mapping of one page */
	uint64_t pa_limit;         /* first physical address that is too large */
	_Atomic(uint64_t *) *leaf; /* [nb_chunks] last-level table of each chunk, NULL: not yet */
	uint64_t *names;           /* [nb_pages] names.h */
	uint32_t nb_pages;         /* window, in pages */
	uint16_t tag;              /* ASID */
	struct sluice_iommu *iommu;
	/* Who is told beside the IOMMU; NULL: no device with ATS (ats.h). Control calls write it. */
	struct ats_list *_Atomic ats_list;
	struct dom_span *_Atomic span; /* the other IOMMUs that it is behind; NULL: none (span.h) */
	struct iova_space iova;
	struct dom_workers *_Atomic workers; /* the same, packed, for the engine; see epoch.h */

	/* The engine's: which flushes are in flight (flush.c). */
	struct flush_state flush __rte_cache_aligned;

	/* Cold. */
	_Atomic uint32_t robbing; /* stock.c */
	TAILQ_ENTRY(sluice_domain) next;
	const struct policy_ops *policy; /* with map and unmap; use domain_policy() */
	void *priv;     /* the policy's own */
	struct trim *trim; /* trim.c: tables that were given up and not freed yet; d->lock */
	struct shadowed *shadowed; /* shadowed.c; NULL: the hardware walks the tables itself */
	struct ats_dom *ats; /* ats.h; NULL until the first device with ATS; set before ats_list */
	bool rings;     /* its workers have flush rings; e->lock */
	bool shut;      /* they take nothing in: the policy is not theirs, or on its way; e->lock */
	enum sluice_domain_type type;
	struct sluice_domain_conf conf; /* with the defaults filled in */
	bool own_batch, own_deadline; /* those that somebody asked for: no policy's; d->lock */
	struct lpae pt;
	struct sluice_hwdom hw;
	unsigned int nb_devices;
	uint32_t slot; /* in the engine's set of domains with something due */
	bool served; /* in the engine's list; e->lock */
	bool leaving;  /* nobody else is to begin anything with it (reclaim.c, 2); e->lock */
	uint32_t pins; /* so many are at it; e->lock */
	bool unplugged; /* the hardware has forgotten it: nothing is left but to free it */
	struct dom_lcore_stats gone; /* of workers that left */
	uint64_t gone_queued;
	pthread_mutex_t lock; /* map_fixed, unmap_fixed, set_policy, tune */
};

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
	bool dumps;    /* has a poll of its own, which answers domain_dump() (flush.h, 10) */
	bool live;     /* may be exchanged for another such while mappings live (switch.c) */
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
	/* Everything that waits for an invalidation, released and waited for. NULL: as for rings. */
	int (*drain)(struct sluice_domain *d);
	/* Stale windows, if it measures them itself: sluice_domain_stale_hist() and _reset(). */
	const struct sluice_hist *(*stale)(const struct sluice_domain *d);
	void (*stale_reset)(struct sluice_domain *d);
	/* sluice_domain_trim(), where the window is not the allocator's. NULL: as for all. d->lock. */
	int (*trim)(struct sluice_domain *d);
};

extern const struct policy_ops policy_passthrough, policy_strict, policy_strict_batched,
	policy_deferred, policy_strict_async, policy_contiguous, policy_blocked, policy_copy,
	policy_hybrid, policy_static, policy_hugepool, policy_persistent;
extern const struct policy_ops policy_deferred_single, policy_rollover;

/** Does the engine give domains with this policy a turn? */
static inline bool
policy_polled(const struct policy_ops *p)
{
	return p->ring || p->poll != NULL;
}

/* What another lcore published comes with everything that was written before: its rings were set up,
 * and a barrier executed on every thread, before a policy is put in (switch.c, 1). A race
 * detector does not know that barrier. */
#if SLUICE_TSAN
#define DOM_LOAD(field) __atomic_load_n(&(field), __ATOMIC_ACQUIRE)
#else
#define DOM_LOAD(field) RELAXED_GET(field)
#endif

static inline const struct policy_ops *
domain_policy(const struct sluice_domain *d)
{
	return DOM_LOAD(d->policy);
}

/** Is there a flush queue that domain_dump() can empty? */
static inline bool
domain_dumps(const struct sluice_domain *d)
{
	return DOM_LOAD(d->rings) || domain_policy(d)->dumps;
}

/** The policy that a domain behind @p iommu gets when @p p is asked for (E1). */
const struct policy_ops *policy_clamp(const struct policy_ops *p, const struct sluice_iommu *iommu);

/** @return the policy of that name, or NULL. */
const struct policy_ops *policy_find(const char *name);

/* map.c: what policies are made of. */

/** Map through the window. Shared by every policy that uses the page table. */
int window_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot,
	       uint64_t *iova, struct dom_lcore *dl);

/** An IOVA of @p pages, from the magazines or the space. @return 0 with *pfn set; -ENOSPC; -ENOMEM. */
int window_get(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pages, uint32_t *pfn);

/* Do @p len bytes at @p addr lie in one page? No bytes do not: len - 1 wraps. */
static inline bool
one_page(uint64_t addr, size_t len)
{
	return len - 1 < 4096 - (addr & 4095);
}

/* Is this entry a whole mapping of one page? */
static inline bool
window_is_one(const uint64_t *pte)
{
	const uint64_t whole = LPAE_VALID | LPAE_SW_FIRST | LPAE_SW_LAST;

	return (lpae_pte_load(pte) & whole) == whole;
}

/* The last-level table of a page. Relaxed: who got the IOVA from the allocator got the table with
 * it (iova.c, 3); who made the IOVA up sees the table or NULL. */
static inline uint64_t *
domain_leaf(const struct sluice_domain *d, uint32_t pfn)
{
	uint64_t *const *leaf = (uint64_t *const *)(const void *)d->leaf; /* relaxed.h */

	return RELAXED_GET(leaf[pfn / IOVA_CHUNK_PAGES]);
}

static inline uint64_t *
domain_pte(const struct sluice_domain *d, uint32_t pfn)
{
	return &domain_leaf(d, pfn)[pfn % IOVA_CHUNK_PAGES];
}

/** Is there one whole mapping of 2 … IOVA_CHUNK_PAGES pages? @return 0 with *pte its first; -errno. */
int window_check_run(const struct sluice_domain *d, uint32_t pfn, uint32_t pages, uint64_t **pte);

/** Map @p len bytes, in two pages or more, at IOVAs that the caller took, with an allowed protection.
 * @return 0. */
int window_set_run(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pfn, uint32_t pages,
		   uint64_t pa, size_t len, unsigned int prot, uint64_t *iova);

/* Of more than one page, or where there is none: map.c. */
int window_clear_run(struct sluice_domain *d, uint32_t pfn, uint64_t iova, size_t len,
		     uint32_t *pages);
/* The same, one page included, for a caller that looks at the names of all pieces itself. */
int window_clear_claimed(struct sluice_domain *d, uint32_t pfn, uint32_t pages);
void window_free_run(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pfn, uint32_t pages);

/**
 * The page of an address, for an unmap.
 * @return what is no page of the window if either is out of range: an address below the window
 *   wraps; a length of two pages and more gets in the way, one of 2^52 and more certainly
 *   (names.h, 3). What it may then be is another page of the window: the name says no.
 */
static inline uint64_t
window_pfn(const struct sluice_domain *d, uint64_t iova, size_t len)
{
	return (iova - d->iova_base) >> 12 | len >> 13;
}

/**
 * Is [iova, iova+len) a mapping of one page, whole and alone? Then it is cleared; page @p pfn is
 * window_pfn() and in the window. Its name says it all: the entry need not be looked at.
 * @return false: it is something else, or nothing, and nothing changed.
 */
static inline bool
window_clear_one(struct sluice_domain *d, uint64_t pfn, uint64_t iova, size_t len)
{
	uint64_t *pte;

	if (__builtin_expect(!name_claim(d->names, pfn, name_of(iova, len)), 0))
		return false;
	pte = domain_leaf(d, (uint32_t)pfn);
	/* Another lcore unmapped it at the same time, by mistake, and a trim took the table. */
	if (__builtin_expect(pte == NULL, 0))
		return false;
	lpae_pte_store(pte + pfn % IOVA_CHUNK_PAGES, 0);
	return true;
}

/* What is not one page, or an error: map.c. */
int window_clear_slow(struct sluice_domain *d, uint64_t iova, size_t len, uint32_t *pfn,
		      uint32_t *pages);

/**
 * First half of an unmap: check that [iova, iova+len) is one whole mapping, clear its entries.
 * Inline for one page: the policies are what makes an unmap, and nothing is to be saved and
 * restored between the two halves.
 * @return 0 with *pfn and *pages set; -EINVAL; -ENOENT: nothing changed.
 */
static inline int
window_clear(struct sluice_domain *d, uint64_t iova, size_t len, uint32_t *pfn_out,
	     uint32_t *pages_out)
{
	uint64_t pfn = window_pfn(d, iova, len);

	if (__builtin_expect(pfn >= d->nb_pages || !window_clear_one(d, pfn, iova, len), 0))
		return window_clear_slow(d, iova, len, pfn_out, pages_out);
	*pfn_out = (uint32_t)pfn;
	*pages_out = 1;
	return 0;
}

/** Second half: the IOVA may be used again. */
static inline void
window_free(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pfn, uint32_t pages)
{
	if (__builtin_expect(pages == 1, 1))
		iova_put(&d->iova, &dl->mag[0], 0, pfn);
	else
		window_free_run(d, dl, pfn, pages);
}

/** Map @p len bytes, in one page, at an IOVA that the caller took, with d->pte_one[] of an allowed
 * protection. */
static inline int
window_set_one(struct sluice_domain *d, struct dom_lcore *dl, uint32_t pfn, uint64_t pa,
	       size_t len, uint64_t attr, uint64_t *iova)
{
	uint64_t offset = pa & 4095;

	name_put(d->names, pfn, name_of(pa, len));
	lpae_pte_store(domain_pte(d, pfn), (pa - offset) | attr);
	*iova = d->iova_base + ((uint64_t)pfn << 12) + offset;
	STAT_ADD(dl->st.maps, 1);
	return 0;
}

/** What the calling lcore has of a domain; NULL: it is not a worker. */
static inline struct dom_lcore *
domain_mine(const struct sluice_domain *d)
{
	size_t lcore = rte_lcore_id(); /* widened once, by the load */

	return __builtin_expect(lcore < RTE_MAX_LCORE, 1) ? d->lc[lcore] : NULL;
}

/** Give every worker of @p d a flush ring; nobody uses them yet. e->lock. @return 0 or -ENOMEM. */
int domain_rings_init(struct sluice_domain *d);

/** Give a domain the batch and deadline that @p p would have had, as far as nobody asked for others.
 * d->lock is held. */
void domain_defaults(struct sluice_domain *d, const struct policy_ops *p);

/** A setting that sluice_domain_tune() may change at any time. */
#define DOM_CONF(d, field) RELAXED_GET((d)->conf.field)

/** Does any device of the domain cache translations (ATS)? All that a domain without pays. */
static inline bool
domain_has_ats(const struct sluice_domain *d)
{
	/* Relaxed: who goes on loads it anew (ats.c). After the IOMMU's invalidation: ats.h, 3c. */
	return __builtin_expect(atomic_load_explicit(&d->ats_list, memory_order_relaxed) != NULL, 0);
}

/**
 * Tell all devices of the domain what the IOMMU was told, and wait (ats.h). The IOMMU's
 * invalidation is complete. Any thread; of those without an lcore id one at a time in a domain.
 * @param n up to SLUICE_INV_BURST.
 * @return 0: no device can reach it any more (some may be in quarantine now); -ETIMEDOUT, -EIO:
 * that
 *   is not so, nothing may be reclaimed.
 */
int ats_inv_sync(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n);

/** Is the domain behind more than one IOMMU? All that one behind one pays. */
static inline bool
domain_spans(const struct sluice_domain *d)
{
	/* Relaxed: who goes on loads it anew; span.h, 3. */
	return __builtin_expect(atomic_load_explicit(&d->span, memory_order_relaxed) != NULL, 0);
}

/** sluice_inv_sync() in all IOMMUs of the domain: issued to all, then waited for (span.h, 1). */
int span_inv_sync(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n);

/** The flush that is about to be noted (flush_started()), in the other IOMMUs. Engine. */
void span_start(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n);

/** Is the oldest flush complete in the other IOMMUs, too? What failed is begun again. Engine. */
bool span_done(struct sluice_domain *d, uint64_t now);

/** Invalidate in the IOMMUs, and wait: no device's own cache. @return as sluice_inv_sync(). */
static inline int
domain_tlb_sync(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n)
{
	return domain_spans(d) ? span_inv_sync(d, inv, n) : sluice_inv_sync(d->iommu, inv, n);
}

/** Invalidate and wait, until no device behind the domain can hold the translations. As strict. */
static inline int
domain_inv_sync(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n)
{
	int ret = domain_tlb_sync(d, inv, n);

	return domain_has_ats(d) && ret == 0 ? ats_inv_sync(d, inv, n) : ret;
}

/** Make, and give up, what one worker has of a domain. @return 0 or -ENOMEM. */
int domain_worker_add(struct sluice_domain *d, unsigned int lcore);
void domain_worker_del(struct sluice_domain *d, unsigned int lcore);

#endif
