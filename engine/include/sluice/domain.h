/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Domains: address spaces, their unmap policy and their counters.
 */
#ifndef SLUICE_DOMAIN_H
#define SLUICE_DOMAIN_H

#include <sluice/common.h>
#include <sluice/hist.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a domain is to the hardware. */
enum sluice_domain_type {
	SLUICE_DOMAIN_PAGING,   /**< translated through a page table */
	SLUICE_DOMAIN_IDENTITY, /**< IOVA = physical address, nothing is protected */
	SLUICE_DOMAIN_BLOCKED,  /**< all DMA aborts */
};

/** How a domain is to be made. Zero-initialise, then set what matters: 0 means the default. */
struct sluice_domain_conf {
	enum sluice_domain_type type;
	const char *policy; /**< unmap policy by name; NULL: "strict". See sluice_policy_name(). */
	uint64_t iova_base;   /**< start of the IOVA window, multiple of 2 MiB (default 4 GiB) */
	uint64_t iova_size;   /**< its length, multiple of 2 MiB (default 64 GiB + 2 GiB) */
	uint32_t batch;       /**< flush queue: flush at this many entries; power of two (256;
				strict-async 32) */
	uint32_t ring;        /**< flush queue capacity; power of two >= batch (4 x batch) */
	uint32_t deadline_us; /**< flush queue: the stale window ends by then, as long as the engine is
				polled (10000; strict-async 50) */
	uint32_t range_max;   /**< a flush of up to this many entries invalidates their ranges, of
				more the whole domain (default 16; UINT32_MAX: always ranges) */
};

/** Defaults of struct sluice_domain_conf. The batch and deadline are those of Linux's per-CPU
 * flush queue (256 entries, 10 ms). */
#define SLUICE_IOVA_BASE_DEFAULT   (UINT64_C(4) << 30)
#define SLUICE_IOVA_SIZE_DEFAULT   (UINT64_C(66) << 30)
#define SLUICE_BATCH_DEFAULT       256u
#define SLUICE_DEADLINE_US_DEFAULT 10000u
#define SLUICE_RANGE_MAX_DEFAULT   16u

#define SLUICE_ASYNC_BATCH_DEFAULT       32u
#define SLUICE_ASYNC_DEADLINE_US_DEFAULT 50u

/** Why a flush was started. */
enum sluice_flush_cause {
	SLUICE_FLUSH_FULL,     /**< the batch was reached */
	SLUICE_FLUSH_DEADLINE, /**< the oldest entry grew too old */
	SLUICE_FLUSH_DRAIN,    /**< somebody asked for it */
	SLUICE_FLUSH_ROLLOVER, /**< IOVA space was short */
	SLUICE_FLUSH_SWITCH,   /**< the policy changed */
	SLUICE_FLUSH_CAUSES,
};

/** Counters of one domain, summed over its workers. They add up:
 * maps = unmaps + live; queued = released + pending. */
struct sluice_domain_stats {
	uint64_t maps, unmaps;             /**< successful calls */
	uint64_t map_pages, unmap_pages;   /**< 4 KiB pages of those */
	uint64_t live;                     /**< mappings that exist now */
	uint64_t map_errors, unmap_errors; /**< calls that returned an error */
	uint64_t queued, released, pending; /**< flush queue entries */
	uint64_t flushes[SLUICE_FLUSH_CAUSES];
	uint64_t flush_errors;             /**< flushes that failed: nothing was reclaimed */
	uint64_t deadline_misses;          /**< entries whose stale window outlasted the deadline */
	uint64_t oldest_ns;                /**< age of the oldest entry that is pending, at least */
	uint64_t exposed_bytes;            /**< memory of pending entries, at most */
	uint64_t pending_max;              /**< the most entries seen pending at once */
	uint64_t ring_full;                /**< unmaps that found their flush ring full and waited */
	uint64_t invs;                     /**< invalidations submitted (ranges or whole domain) */
	uint64_t syncs;                    /**< submissions that had a SYNC of their own to wait for */
	uint64_t table_bytes;              /**< memory held by page tables */
};

/**
 * Create a domain behind @p iommu, which an engine must serve (sluice_engine_add_iommu()).
 * Asking for a deferred policy where the hardware lacks SLUICE_CAP_DEFERRED gives "strict".
 * @param conf NULL: all defaults.
 * @return the domain, or NULL with rte_errno: EINVAL (sluice_error() names the field); ENOMEM;
 *   ENOTSUP identity on hardware without bypass; ENOSPC no more domains; ENXIO no engine.
 */
SLUICE_API struct sluice_domain *sluice_domain_create(struct sluice_iommu *iommu,
						      const struct sluice_domain_conf *conf);

/**
 * Free a domain: flush queues are drained first. No worker may be using it.
 * @return 0; -EBUSY a device is attached; -ETIMEDOUT or -EIO the drain failed and the domain's
 *   memory was kept (the hardware may still use it).
 */
SLUICE_API int sluice_domain_destroy(struct sluice_domain *dom);

/** The name of the policy in force, which may be stricter than the one asked for. */
SLUICE_API const char *sluice_domain_policy(const struct sluice_domain *dom);

/**
 * Change the policy while workers map and unmap. Both must be of those that share one kind of
 * mapping: strict, strict-batched, deferred, strict-async. To a policy that waits: new unmaps
 * are strict at once, what is queued is flushed, then this returns: from then on nothing is stale.
 * From one: everything is set up before any unmap takes it. Capabilities are checked as at creation,
 * so that the policy in force may be stricter than the one asked for. Control path; any lcore.
 * @return 0; -EINVAL no such policy; -EBUSY not one that can be changed so; -ENOMEM; -ETIMEDOUT, -EIO
 *   what was queued is not flushed yet (the old policy stays reported, but unmaps are strict).
 */
SLUICE_API int sluice_domain_set_policy(struct sluice_domain *dom, const char *policy);

/**
 * Change sizes, deadlines and thresholds at run time: batch, deadline_us and range_max of @p conf, 0 in
 * one leaves it. @return 0; -EINVAL, nothing changed.
 */
SLUICE_API int sluice_domain_tune(struct sluice_domain *dom, const struct sluice_domain_conf *conf);

/** What they are now, and what the domain was made with. */
SLUICE_API void sluice_domain_conf(struct sluice_domain *dom, struct sluice_domain_conf *conf);

/** Fill @p st with a recent state of the counters. Exact when no worker is active. */
SLUICE_API void sluice_domain_stats(const struct sluice_domain *dom,
				    struct sluice_domain_stats *st);

/**
 * The stale window of every entry that went through a flush queue, ns, from the unmap's return
 * (the engine's last look at the ring before it: never less than the truth) to the completion of
 * its invalidation. Engine's lcore, or when nothing runs.
 */
SLUICE_API const struct sluice_hist *sluice_domain_stale_hist(const struct sluice_domain *dom);

/** Forget the stale-window histogram. Engine's lcore, or when nothing runs. */
SLUICE_API void sluice_domain_stale_reset(struct sluice_domain *dom);

/**
 * Have everything in the flush queues of the domain invalidated and released, and wait for it.
 * Any lcore, while the engine is polled elsewhere; on the engine's own lcore it polls by itself.
 * @return 0; -ETIMEDOUT; -EIO.
 */
SLUICE_API int sluice_domain_drain(struct sluice_domain *dom);

/** Names of the unmap policies, NULL after the last. @param i from 0. */
SLUICE_API const char *sluice_policy_name(unsigned int i);

#ifdef __cplusplus
}
#endif
#endif
