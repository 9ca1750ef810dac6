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
	const char *format; /**< page-table format by name: "lpae-s1-4k", "lpae-s2-4k", … -16k, -64k; NULL:
				the backend's own choice. See sluice_iommu_format() */
	struct sluice_domain *parent; /**< stage 1 formats: a domain of a stage 2 format, behind the same
				IOMMU alone, that translates what this one maps to. sluice_map() takes
				the parent's IOVAs for physical addresses then. The IOMMU's memory is
				mapped one to one in the parent, outside of its window, when its first
				child is made; it outlives its children, whose making and ending
				do not run at once (NULL) */
	uint64_t iova_base;   /**< start of the IOVA window, multiple of 2 MiB (default 4 GiB); of 32 and
				512 MiB with pages of 16 and 64 KiB */
	uint64_t iova_size;   /**< its length, a multiple of the same (default 64 GiB + 2 GiB) */
	uint32_t batch;       /**< flush queue: flush at this many entries; power of two (256;
				strict-async 32) */
	uint32_t ring;        /**< flush queue capacity; power of two >= batch (4 x batch) */
	uint32_t deadline_us; /**< flush queue: the stale window ends by then, as long as the engine is
				polled (10000; strict-async 50). Idle domains cost it nothing, however
				many; of those that are busy within one deadline there may be as many
				as can be flushed one by one in it: what is late is counted */
	uint32_t range_max;   /**< a flush of up to this many entries invalidates their ranges, of
				more the whole domain (default 16; UINT32_MAX: always ranges) */
	bool untrusted;       /**< a device of this domain is not trusted: strict, whatever the policy
				asked for, and pages that hold more than the buffer are bounced */
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
 * What a domain keeps beyond what is mapped, at most, and how it comes back to others:
 * - IOVAs in stock (every policy with a window but rollover): SLUICE_STOCK_MAX of each of ten
 *   sizes for each worker; and those released in its flush ring (deferred, strict-async), up to
 *   conf.ring. rollover: what is left of one part of 2 MiB for each worker. To a map of the domain
 *   that finds no other, whether their worker idles or not.
 * - Last-level page tables, 4 KiB each. rollover: SLUICE_ROLLOVER_TABLES, and one for each worker;
 *   what much memory mapped at once leaves beyond that goes at a later wrap. Others: one for each
 *   2 MiB of the window that was in use, so iova_size / 512 bytes. They come back to maps of the
 *   domain by themselves; to others by sluice_domain_trim(), which is done for all domains of this
 *   memory by a control call that finds none, before it tries once more: sluice_domain_create()
 *   (which leaves enough for a first map), sluice_iommu_mem_alloc(), sluice_map_fixed(),
 *   sluice_domain_pool(), sluice_worker_register(). Not by a map, whose -ENOMEM says that somebody
 *   should trim; and not what a trim must keep aside until an idle worker moves (there).
 * - Tables above those: one for each GiB of the window that was used, and two. With the domain.
 * - What each mapping is called, in the process's own memory: 4 KiB for each 2 MiB of the window that
 *   was ever in use. With the domain. Where the system promises no more memory than it has
 *   (vm.overcommit_memory = 2) all of it counts from the start, iova_size / 512 bytes.
 * - Copy pools (copy, hybrid, untrusted): conf.copy_pool for each of the most workers that there
 *   were at once. To a worker that comes when another has left; else with the domain.
 * - Mappings that stand. persistent: conf.keep_max for each worker; to a map that finds no IOVA,
 *   and by sluice_domain_drain(). static, hugepool: the pools that they were told of, and each
 *   page of the IOMMU's memory that was mapped once. With the domain.
 */

/** IOVAs of one size (a power of two of pages, up to 2 MiB) that each worker keeps in stock, at most. */
#define SLUICE_STOCK_MAX 512u
/** Page tables that rollover keeps for parts of the window where nothing is mapped, at most. */
#define SLUICE_ROLLOVER_TABLES 1024u

/** The longest buffer that is ever copied, bytes. */
#define SLUICE_COPY_MAX          65536u
#define SLUICE_COPY_POOL_DEFAULT (UINT64_C(8) << 20)
/** hybrid's threshold where none can be estimated: virtual time, or hardware that does not answer. */
#define SLUICE_COPY_MAX_DEFAULT  4096u
#define SLUICE_KEEP_MAX          32767u
#define SLUICE_KEEP_MAX_DEFAULT  1024u

#define SLUICE_ASYNC_BATCH_DEFAULT       32u
#define SLUICE_ASYNC_DEADLINE_US_DEFAULT 50u

/** Why a flush was started. */
enum sluice_flush_cause {
	SLUICE_FLUSH_FULL,     /**< the batch was reached */
	SLUICE_FLUSH_DEADLINE, /**< the oldest entry grew too old */
	SLUICE_FLUSH_DRAIN,    /**< somebody asked for it */
	SLUICE_FLUSH_ROLLOVER, /**< IOVA space was short */
	SLUICE_FLUSH_SWITCH,   /**< the policy changed */
	SLUICE_FLUSH_IDLE,     /**< something waited and nothing was in flight (strict-async) */
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
	uint64_t flush_puts_off;           /**< times that one found no room in a command queue and was
						put off, each once, however long that took */
	uint64_t deadline_misses;          /**< entries whose stale window outlasted the deadline */
	uint64_t oldest_ns;                /**< age of the oldest entry that is pending, at least */
	uint64_t exposed_bytes;            /**< memory of pending entries, at most */
	uint64_t pending_max;              /**< the most entries seen pending at once */
	uint64_t ring_full;                /**< unmaps that found their flush ring full and waited */
	uint64_t invs;                     /**< invalidations submitted (ranges or whole domain) */
	uint64_t syncs;                    /**< submissions that had a SYNC of their own to wait for */
	uint64_t table_bytes;              /**< memory held by page tables */
	uint64_t refreshes;                /**< a mirror: its whole copy made anew, for want of room */
	uint64_t copies;     /**< mappings that are copied, wholly or at their ends */
	uint64_t copy_bytes; /**< bytes copied for those, in and out */
	uint64_t copy_large; /**< copy: mapped strictly, for it was too long to be copied */
	uint64_t copy_empty; /**< the worker's shadow memory was used up: mapped strictly; untrusted:
				refused */
	uint64_t reuses;     /**< persistent: maps that found their mapping still standing */
	uint64_t kept_bytes; /**< memory that stays mapped, whether in use or not: shadow memory,
				pools, what persistent keeps */
};

/**
 * Create a domain behind @p iommu, which an engine must serve (sluice_engine_add_iommu()).
 * Asking for a deferred policy where the hardware lacks SLUICE_CAP_DEFERRED gives "strict"; so does
 * any policy with conf.untrusted.
 * What copies (copy, hybrid, untrusted) needs an address: buffers must lie in memory of the IOMMU
 * (sluice_iommu_mem_alloc()), or mapping them is -EINVAL.
 * @param conf NULL: all defaults.
 * @return the domain, or NULL with rte_errno: EINVAL (sluice_error() names the field); ENOMEM;
 *   EINVAL identity on hardware without bypass; ENOSPC no more domains; ENXIO no engine.
 */
SLUICE_API struct sluice_domain *sluice_domain_create(struct sluice_iommu *iommu,
						      const struct sluice_domain_conf *conf);

/**
 * Free a domain: flush queues are drained first. No worker may be using it.
 * @return 0; -EBUSY a device is attached; -EAGAIN in a callback of the engine's, while another
 *   thread takes back the domain's page tables; -ETIMEDOUT or -EIO the drain failed and the domain's
 *   memory was kept (the hardware may still use it); -ENOTSUP (sluice_engine_create()).
 */
SLUICE_API int sluice_domain_destroy(struct sluice_domain *dom);

/**
 * Put a domain behind one more IOMMU: devices behind it can then be attached, too. Both have the
 * same memory, engine and capability to defer; each has a tag of its own for it. What is unmapped
 * is invalidated in all of them at once: issued to all, then waited for. For the life of the
 * domain. Devices with ATS are behind its first IOMMU only. Control path, also while workers map
 * and unmap.
 * @return 0; -EINVAL (sluice_error() says what differs); -EEXIST; -ENOTSUP; -ENOMEM; -ENOSPC.
 */
SLUICE_API int sluice_domain_add_iommu(struct sluice_domain *dom, struct sluice_iommu *iommu);

/** The name of the policy in force, which may be stricter than the one asked for. */
SLUICE_API const char *sluice_domain_policy(const struct sluice_domain *dom);

/**
 * Change the policy while workers map and unmap. Both must be of those that share one kind of
 * mapping: strict, strict-batched, deferred, strict-async. To a policy that waits: new unmaps
 * are strict at once, what is queued is flushed, then this returns: from then on nothing is stale.
 * From one: everything is set up before any unmap takes it. Batch and deadline become the new
 * policy's (the batch no larger than the ring), unless they were asked for, at creation or by
 * sluice_domain_tune(). Capabilities are checked as at creation, so that the policy in force may be
 * stricter than the one asked for. Control path; any lcore.
 * @return 0; -EINVAL no such policy; -EBUSY not one that can be changed so; -ENOMEM; -EAGAIN in a
 *   callback of the engine's; -ETIMEDOUT, -EIO what was queued is not flushed yet (the old policy
 *   stays reported, but unmaps are strict); -ENOTSUP the system refuses membarrier(2) now: the old
 *   policy stays, and is reported.
 */
SLUICE_API int sluice_domain_set_policy(struct sluice_domain *dom, const char *policy);

/**
 * Change sizes, deadlines and thresholds at run time: batch, deadline_us, range_max, copy_max,
 * copy_max_read and keep_max of @p conf, 0 in one leaves it. @return 0; -EINVAL, nothing changed.
 */
SLUICE_API int sluice_domain_tune(struct sluice_domain *dom, const struct sluice_domain_conf *conf);

/** What they are now, and what the domain was made with. @return 0; -EINVAL NULL. */
SLUICE_API int sluice_domain_get_conf(struct sluice_domain *dom, struct sluice_domain_conf *conf);

/**
 * Tell a domain of memory that is to be mapped once, for good, readable and writable as each
 * sluice_map() then asks: policies static and hugepool. hugepool uses blocks of 2 MiB and more for
 * what of it fills them. Any memory, not only the IOMMU's. Control path; at any time.
 * @param pa, len multiples of 4096.
 * @return 0; -EINVAL; -ENOTSUP another policy; -EEXIST it overlaps a pool; -ENOSPC no place in the
 *   IOVA window (it takes twice its length), or 63 pools exist; -ENOMEM; -ETIMEDOUT, -EIO: short of
 *   memory, and what was mapped by then could not be invalidated: a device may reach it.
 */
SLUICE_API int sluice_domain_pool(struct sluice_domain *dom, uint64_t pa, uint64_t len);

/**
 * Measure from which length on copying a buffer costs more than mapping and unmapping it
 * strictly, on the calling lcore, with whatever else this machine does at present. Changes
 * nothing but counters; for copy_max and copy_max_read of sluice_domain_tune(). Takes 1 MiB of the
 * IOMMU's memory for a while. Control path, some 10 ms.
 * @param prot SLUICE_READ or SLUICE_RW. @param bytes receives the length, 64 … SLUICE_COPY_MAX.
 * @return 0; -EINVAL prot; -ENOTSUP neither copy nor hybrid; -ENXIO not a worker; -ENOMEM;
 *   -ETIMEDOUT, -EIO an invalidation failed.
 */
SLUICE_API int sluice_domain_find_crossover(struct sluice_domain *dom, unsigned int prot,
					    uint32_t *bytes);

/** Fill @p st with a recent state of the counters. Exact when no worker is active. @return 0; -EINVAL NULL. */
SLUICE_API int sluice_domain_get_stats(const struct sluice_domain *dom,
				    struct sluice_domain_stats *st);

/**
 * The stale window of every entry that went through a flush queue, ns, from the unmap's return
 * (the engine's last look at the ring before it: never less than the truth) to the completion of
 * its invalidation. persistent: of every mapping that was kept, to its eviction or its reuse; a
 * recent state while workers run, valid until the next call. Engine's lcore, or when nothing runs.
 */
SLUICE_API const struct sluice_hist *sluice_domain_stale_hist(const struct sluice_domain *dom);

/** Forget the stale-window histogram. Engine's lcore, or when nothing runs. */
SLUICE_API void sluice_domain_stale_reset(struct sluice_domain *dom);

/**
 * Have everything in the flush queues of the domain invalidated and released, and wait for it.
 * Any lcore, while the engine is polled elsewhere; on the engine's own lcore it polls by itself.
 * @return 0; -ETIMEDOUT; -EIO; -EAGAIN in a callback of the engine's, which cannot wait for it;
 *   persistent also -ENOTSUP (sluice_engine_create()).
 */
SLUICE_API int sluice_domain_drain(struct sluice_domain *dom);

/**
 * Free page tables of those parts of the window where nothing is mapped (of each 2 MiB whose
 * IOVAs are all free: none is in a flush queue; what workers have in stock is taken from them).
 * For when sluice_map() says -ENOMEM, or when a large working set is gone. Workers may map and
 * unmap meanwhile; the hardware is told first, and this waits for it. A table is freed when no
 * worker can be looking at it any more, which an idle worker's next unmap tells: until then, or
 * the next trim, it is kept aside. Control path; not while another thread asks
 * sluice_iova_to_pa() for window addresses that may not be mapped.
 * @return pages freed; -ENOMEM; -ETIMEDOUT, -EIO the hardware was not told, -ENOTSUP the system
 *   refuses membarrier(2) now: nothing was freed.
 */
SLUICE_API int sluice_domain_trim(struct sluice_domain *dom);

/** Names of the unmap policies, NULL after the last. @param i from 0. */
SLUICE_API const char *sluice_policy_name(unsigned int i);

#ifdef __cplusplus
}
#endif
#endif
