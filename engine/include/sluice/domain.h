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

/** How the hardware treats a domain. */
enum sluice_domain_type {
	SLUICE_DOMAIN_PAGING,   /**< translated through a page table */
	SLUICE_DOMAIN_IDENTITY, /**< IOVA = physical address, nothing is protected */
	SLUICE_DOMAIN_BLOCKED,  /**< all DMA aborts */
};

/** Settings of a new domain. Zero-initialise it, then set what matters: 0 means the default. */
struct sluice_domain_conf {
	enum sluice_domain_type type;
	const char *policy; /**< unmap policy by name; NULL: "strict". See sluice_policy_name(). */
	const char *format; /**< page-table format by name: "lpae-s1-4k", "lpae-s2-4k", … -16k,
				-64k; "vtd-s2-4k-snp", "vtd-s2-4k" (no backend walks these two yet);
				NULL: the backend's own choice. See sluice_iommu_format() */
	struct sluice_domain *parent; /**< stage 1 formats: a domain of a stage 2 format, behind the
				same IOMMU alone, that translates what this one maps to.
				sluice_map() takes the parent's IOVAs for physical addresses then.
				The IOMMU's memory is mapped one to one in the parent, outside of
				its window, when its first child is made; it outlives its children,
				whose making and ending do not run at once (NULL) */
	uint64_t iova_base;   /**< start of the IOVA window, multiple of 2 MiB (default 4 GiB); of
				32 and 512 MiB with pages of 16 and 64 KiB */
	uint64_t iova_size;   /**< its length, a multiple of the same (default 64 GiB + 2 GiB) */
	uint32_t batch;       /**< flush queue: flush at this many entries; power of two (256;
				strict-async 32) */
	uint32_t ring;        /**< flush queue capacity; power of two >= batch (4 x batch) */
	uint32_t deadline_us; /**< flush queue: the stale window ends by then, as long as the engine
				is polled (10000; strict-async 50). Idle domains cost the engine
				nothing. The domains that are busy within one deadline are flushed
				one by one, so their number is limited; entries that are late are
				counted */
	uint32_t range_max;   /**< a flush of up to this many entries invalidates their ranges, a
				larger one the whole domain (default 16; UINT32_MAX: always ranges) */
	bool untrusted;       /**< devices of this domain are not trusted: it is strict, whatever
				policy is set, and pages that hold more than the buffer are bounced */
	uint64_t copy_pool;   /**< copy, hybrid, untrusted: shadow memory of each worker, bytes, a
				multiple of 4096 up to 1 GiB (8 MiB) */
	uint32_t copy_max;    /**< hybrid: SLUICE_RW buffers up to this long are copied, in and out;
				bytes, at most SLUICE_COPY_MAX (default: estimated when the
				domain is made) */
	uint32_t copy_max_read; /**< the same for SLUICE_READ, which is copied in only (default:
				estimated; if copy_max is given, twice that) */
	uint32_t keep_max;    /**< persistent: mappings that each worker keeps, at most
				SLUICE_KEEP_MAX (1024) */
};

/** Defaults of struct sluice_domain_conf. The batch and deadline are those of Linux's per-CPU
 * flush queue (256 entries, 10 ms). */
#define SLUICE_IOVA_BASE_DEFAULT   (UINT64_C(4) << 30)
#define SLUICE_IOVA_SIZE_DEFAULT   (UINT64_C(66) << 30)
#define SLUICE_BATCH_DEFAULT       256u
#define SLUICE_DEADLINE_US_DEFAULT 10000u
#define SLUICE_RANGE_MAX_DEFAULT   16u

/**
 * What a domain keeps beyond its live mappings, at most, and when it is given back:
 * - IOVAs in stock (every policy with a window but rollover): SLUICE_STOCK_MAX of each of ten
 *   sizes for each worker, and those released in its flush ring (deferred, strict-async), up to
 *   conf.ring. rollover: the rest of one part of 2 MiB for each worker. A map of the domain that
 *   finds no other IOVA gets them, whether their worker is idle or not.
 * - Last-level page tables, 4 KiB each. rollover: SLUICE_ROLLOVER_TABLES and one for each worker;
 *   more, left when much was mapped at once, are freed at a later wrap. Other policies: one for
 *   each 2 MiB of the window that was in use, so iova_size / 512 bytes. Maps of the domain reuse
 *   them directly. Others get them by sluice_domain_trim(). A control call that is short of memory
 *   trims all domains of this memory and tries once more: sluice_domain_create() (which leaves
 *   enough for a first map), sluice_iommu_mem_alloc(), sluice_map_fixed(), sluice_domain_pool(),
 *   sluice_worker_register(). A map does not trim: its -ENOMEM means that the application should.
 *   Tables that a trim must set aside until an idle worker moves come back later (see there).
 * - Upper page tables: one for each GiB of the window that was used, and two. Freed with the
 * domain.
 * - The names of mappings, in the process's own memory: 4 KiB for each 2 MiB of the window that was
 *   ever in use. Freed with the domain. If the system does not overcommit memory
 *   (vm.overcommit_memory = 2), all of it counts from the start, iova_size / 512 bytes.
 * - Copy pools (copy, hybrid, untrusted): conf.copy_pool for each worker, of the most that there
 *   were at once. A new worker gets the pool of one that has left; else freed with the domain.
 * - Kept mappings. persistent: conf.keep_max for each worker; evicted by a map that finds no IOVA,
 *   and by sluice_domain_drain(). What hardware did not invalidate keeps its IOVAs until a later
 *   eviction or drain; with that, up to SLUICE_KEEP_MAX + 1 for each worker. static, hugepool: their pools, and each page of the IOMMU's
 *   memory that was mapped once. Freed with the domain.
 */

/** IOVAs of one size (a power of two of pages, up to 2 MiB) that each worker keeps in stock, at
 * most. */
#define SLUICE_STOCK_MAX 512u
/** Page tables that rollover keeps for parts of the window where nothing is mapped, at most. */
#define SLUICE_ROLLOVER_TABLES 1024u

/** The longest buffer that is ever copied, bytes. */
#define SLUICE_COPY_MAX          65536u
#define SLUICE_COPY_POOL_DEFAULT (UINT64_C(8) << 20)
/** hybrid's threshold if none can be estimated: virtual time, or hardware that does not answer. */
#define SLUICE_COPY_MAX_DEFAULT  4096u
#define SLUICE_KEEP_MAX          32767u
#define SLUICE_KEEP_MAX_DEFAULT  1024u

#define SLUICE_ASYNC_BATCH_DEFAULT       32u
#define SLUICE_ASYNC_DEADLINE_US_DEFAULT 50u

/** Why a flush was started. */
enum sluice_flush_cause {
	SLUICE_FLUSH_FULL,     /**< the batch was reached */
	SLUICE_FLUSH_DEADLINE, /**< the oldest entry grew too old */
	SLUICE_FLUSH_DRAIN,    /**< a drain was asked for */
	SLUICE_FLUSH_ROLLOVER, /**< IOVA space was short */
	SLUICE_FLUSH_SWITCH,   /**< the policy changed */
	SLUICE_FLUSH_IDLE,     /**< entries waited and nothing was in flight (strict-async) */
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
	uint64_t flush_puts_off;           /**< flushes that were put off for want of room in a
						command queue; each counts once, however long it
						took */
	uint64_t deadline_misses;          /**< entries whose stale window outlasted the deadline */
	uint64_t oldest_ns;                /**< age of the oldest entry that is pending, at least */
	uint64_t exposed_bytes;            /**< memory of pending entries, at most */
	uint64_t pending_max;              /**< the most entries seen pending at once */
	uint64_t ring_full;                /**< unmaps that waited, for their flush ring was full */
	uint64_t invs;                     /**< invalidations submitted (ranges or whole domain) */
	uint64_t syncs;                    /**< submissions with a SYNC of their own */
	uint64_t table_bytes;              /**< memory held by page tables */
	uint64_t refreshes;                /**< a mirror: times its whole copy was rebuilt for want
						of room */
	uint64_t copies;     /**< mappings that are copied, wholly or at their ends */
	uint64_t copy_bytes; /**< bytes copied for those, in and out */
	uint64_t copy_large; /**< copy: mapped strictly, because too long to be copied */
	uint64_t copy_empty; /**< the worker's shadow memory was used up, so it was mapped strictly;
				untrusted: refused */
	uint64_t reuses;     /**< persistent: maps that found a kept mapping */
	uint64_t kept_bytes; /**< memory that stays mapped, in use or not: shadow memory, pools,
				mappings that persistent keeps */
};

/**
 * Create a domain behind @p iommu, which an engine must serve (sluice_engine_add_iommu()). A
 * deferred policy becomes "strict" if the hardware lacks SLUICE_CAP_DEFERRED, and every policy does
 * with conf.untrusted. Policies that copy (copy, hybrid, untrusted) need a virtual address: buffers
 * must lie in memory of the IOMMU (sluice_iommu_mem_alloc()), or mapping them is -EINVAL.
 * @param conf NULL: all defaults.
 * @return the domain, or NULL with rte_errno: EINVAL (sluice_error() names the field); ENOMEM;
 *   EINVAL identity on hardware without bypass; ENOSPC no more domains; ENXIO no engine.
 */
SLUICE_API struct sluice_domain *sluice_domain_create(struct sluice_iommu *iommu,
						      const struct sluice_domain_conf *conf);

/**
 * Free a domain. Its flush queues are drained first. No worker may be using it.
 * @return 0; -EBUSY a device is attached; -EAGAIN in a callback of the engine, while another thread
 *   takes back the domain's page tables; -ETIMEDOUT or -EIO the drain failed and the domain's
 *   memory is kept (the hardware may still use it); -ENOTSUP (sluice_engine_create()).
 */
SLUICE_API int sluice_domain_destroy(struct sluice_domain *dom);

/**
 * Put a domain behind one more IOMMU, for the life of the domain: devices behind that one can then
 * be attached too. Both IOMMUs must share memory and engine and agree in the capability to defer,
 * and the new one must walk whatever the domain's page table may hold: its format, its blocks. Each
 * has its own tag for the domain. An invalidation is issued to all of them, then waited for.
 * Devices with ATS must be behind the first IOMMU. Control path, also while workers map and unmap.
 * @return 0; -EINVAL (sluice_error() says what differs); -EEXIST; -ENOTSUP; -ENOMEM; -ENOSPC.
 */
SLUICE_API int sluice_domain_add_iommu(struct sluice_domain *dom, struct sluice_iommu *iommu);

/** The name of the policy in force, which may be stricter than the one asked for. */
SLUICE_API const char *sluice_domain_policy(const struct sluice_domain *dom);

/**
 * Change the policy while workers map and unmap, among those that share one kind of mapping:
 * strict, strict-batched, deferred, strict-async. A change to a policy that waits makes new unmaps
 * strict at once, flushes the queued ones, and then returns: from then on nothing is stale. A
 * change to one that does not wait sets everything up before any unmap uses it. Batch and deadline
 * become the new policy's (the batch no larger than the ring), unless they were set at creation or
 * by sluice_domain_tune(). Capabilities are checked as at creation, so the policy in force may be
 * stricter than the one asked for. Control path; any lcore.
 * @return 0; -EINVAL no such policy; -EBUSY one of the two cannot be changed like this; -ENOMEM;
 *   -EAGAIN in a callback of the engine; -ETIMEDOUT, -EIO queued entries are not flushed yet (the
 *   old policy is still reported, but unmaps are strict); -ENOTSUP the system refuses membarrier(2)
 *   now: the old policy stays in force.
 */
SLUICE_API int sluice_domain_set_policy(struct sluice_domain *dom, const char *policy);

/**
 * Change sizes, deadlines and thresholds at run time: batch, deadline_us, range_max, copy_max,
 * copy_max_read and keep_max of @p conf; 0 leaves a value as it is. @return 0; -EINVAL, nothing
 * changed.
 */
SLUICE_API int sluice_domain_tune(struct sluice_domain *dom, const struct sluice_domain_conf *conf);

/** The present values of these, and the other settings from creation. @return 0; -EINVAL NULL. */
SLUICE_API int sluice_domain_get_conf(struct sluice_domain *dom, struct sluice_domain_conf *conf);

/**
 * Add a pool to a domain with policy static or hugepool: memory that is mapped once and stays
 * mapped. Each sluice_map() then chooses whether it is writable. hugepool uses blocks of 2 MiB and
 * more where the memory fills them. Any memory will do, not only the IOMMU's. Control path; at any
 * time.
 * @param pa, len multiples of 4096.
 * @return 0; -EINVAL; -ENOTSUP another policy; -EEXIST it overlaps a pool; -ENOSPC no place in the
 *   IOVA window (it takes twice its length), or 63 pools exist; -ENOMEM; -ETIMEDOUT, -EIO: memory
 *   was short, and the part already mapped could not be invalidated: a device may reach it.
 */
SLUICE_API int sluice_domain_pool(struct sluice_domain *dom, uint64_t pa, uint64_t len);

/**
 * Measure the length from which copying a buffer costs more than mapping and unmapping it strictly,
 * on the calling lcore and under the present load. The result is for copy_max and copy_max_read of
 * sluice_domain_tune(). Nothing but counters changes. It takes 1 MiB of the IOMMU's memory for a
 * while. Control path, about 10 ms.
 * @param prot SLUICE_READ or SLUICE_RW. @param bytes receives the length, 64 … SLUICE_COPY_MAX.
 * @return 0; -EINVAL prot; -ENOTSUP neither copy nor hybrid; -ENXIO not a worker; -ENOMEM;
 *   -ETIMEDOUT, -EIO an invalidation failed.
 */
SLUICE_API int sluice_domain_find_crossover(struct sluice_domain *dom, unsigned int prot,
					    uint32_t *bytes);

/** Fill @p st with a recent state of the counters. Exact when no worker is active. @return 0;
 * -EINVAL NULL. */
SLUICE_API int sluice_domain_get_stats(const struct sluice_domain *dom,
				    struct sluice_domain_stats *st);

/**
 * The stale window, ns, of every entry that went through a flush queue: from the unmap's return to
 * the completion of its invalidation. (The start is taken as the engine's last look at the ring
 * before the unmap, so the window is never too short.) persistent: the window of every kept mapping
 * until its eviction or reuse; a recent state while workers run, valid until the next call. Call it
 * on the engine's lcore, or when nothing runs.
 */
SLUICE_API const struct sluice_hist *sluice_domain_stale_hist(const struct sluice_domain *dom);

/** Reset the stale-window histogram. Call it on the engine's lcore, or when nothing runs. */
SLUICE_API void sluice_domain_stale_reset(struct sluice_domain *dom);

/**
 * Invalidate and release everything in the flush queues of the domain, and wait for it. Any lcore
 * may call it while another one polls the engine; on the engine's own lcore it polls by itself.
 * @return 0: no device reaches what was unmapped before (unmaps that returned an error apart), and
 *   nothing is pending; -ETIMEDOUT; -EIO: something is, and the next drain tries again; -EAGAIN in a callback of the engine, which cannot wait for it;
 *   persistent also -ENOTSUP (sluice_engine_create()).
 */
SLUICE_API int sluice_domain_drain(struct sluice_domain *dom);

/**
 * Free the page tables of those parts of the window where nothing is mapped: each 2 MiB whose IOVAs
 * are all free, with none in a flush queue. (IOVAs that workers have in stock are taken from them.)
 * Call it when sluice_map() returns -ENOMEM, or when a large working set is gone. Workers may map
 * and unmap meanwhile. The hardware's caches are invalidated first, and this waits for it. A table
 * is freed when no worker can be looking at it any more. An idle worker shows that by its next
 * unmap; until then, or until the next trim, the table is set aside. Control path; not while
 * another thread calls sluice_iova_to_pa() for window addresses that may not be mapped.
 * @return pages freed; -ENOMEM; -ETIMEDOUT, -EIO the invalidation failed, -ENOTSUP the system
 *   refuses membarrier(2) now: nothing was freed.
 */
SLUICE_API int sluice_domain_trim(struct sluice_domain *dom);

/** Names of the unmap policies, NULL after the last. @param i from 0. */
SLUICE_API const char *sluice_policy_name(unsigned int i);

#ifdef __cplusplus
}
#endif
#endif
