/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The engine: the polled loop on one lcore, and the workers that it serves. Control calls on one
 * engine (its domains, devices, workers) must come one at a time, except sluice_domain_drain(),
 * _stats() and sluice_worker_register(), which any thread may call at any time.
 */
#ifndef SLUICE_ENGINE_H
#define SLUICE_ENGINE_H

#include <sluice/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One fault as the hardware reported it. */
struct sluice_fault {
	uint32_t stream;  /**< StreamID */
	uint32_t pasid;   /**< SubstreamID, valid with SLUICE_FAULT_PASID */
	uint64_t iova;    /**< input address, if the kind has one */
	uint64_t addr;    /**< fetch address or IPA, if the kind has one */
	uint8_t code;     /**< the hardware's event number */
	uint8_t kind;     /**< enum sluice_fault_kind */
	uint16_t flags;   /**< SLUICE_FAULT_* */
	uint16_t token;   /**< identifies it in its answer: the tag of a stalled transaction
			       (SLUICE_FAULT_STALL), the group of a page request
			       (SLUICE_FAULT_PAGE_REQUEST) */
};

/** What kind of fault, whatever the hardware. */
enum sluice_fault_kind {
	SLUICE_FAULT_OTHER,
	SLUICE_FAULT_TRANSLATION, /**< nothing mapped there */
	SLUICE_FAULT_PERMISSION,
	SLUICE_FAULT_ACCESS,      /**< access flag clear */
	SLUICE_FAULT_ADDR_SIZE,
	SLUICE_FAULT_CONFIG,      /**< a stream or context that is not set up */
	SLUICE_FAULT_ABORT,       /**< external abort while walking or fetching */
	SLUICE_FAULT_KINDS,
};

#define SLUICE_FAULT_WRITE (1u << 0)
#define SLUICE_FAULT_PASID (1u << 1)
#define SLUICE_FAULT_STALL (1u << 2) /**< the transaction waits for an answer */
/** Not a fault from the hardware: the device with this (first) stream was quarantined, see
 * sluice_device_quarantined(). The kind is SLUICE_FAULT_OTHER, the code 0. */
#define SLUICE_FAULT_QUARANTINED (1u << 3)
#define SLUICE_FAULT_PAGE_REQUEST (1u << 4) /**< a device waits for an answer to its group */
#define SLUICE_FAULT_LAST (1u << 5) /**< page request: the last of its group */
#define SLUICE_FAULT_READ (1u << 6) /**< page request: wants to read; with neither: a stop marker */
#define SLUICE_FAULT_EXEC (1u << 7) /**< an instruction fetch, or wants to execute */
#define SLUICE_FAULT_PRIV (1u << 8) /**< privileged */

/**
 * Receives a burst of faults. Only sluice_engine_poll() calls it, at the end of a turn. It is never
 * called within a map, an unmap or a wait, even if that polls in place of a poller, nor within a
 * relax hook's poll; until the next sluice_engine_poll() faults stay in the hardware's queue. The
 * callback may map, unmap and make control calls. A call that would have to wait for the engine's
 * next turn fails at once: -EAGAIN for a drain, a live change of policy, or an unmap whose flush
 * ring is full; -ENOSPC for a map that would wait for IOVAs in flush queues. sluice_engine_poll()
 * returns 0 within it. While it runs no flush is started or released, so it should be short.
 */
typedef void (*sluice_fault_cb)(const struct sluice_fault *f, unsigned int n, void *arg);

/** Counters of an engine. fault_received is the sum of faults[]. See also sluice_iommu_xstats(). */
struct sluice_engine_stats {
	uint64_t polls, empty_polls; /**< calls of sluice_engine_poll(); those that found nothing */
	uint64_t fault_received;     /**< faults drained */
	uint64_t faults[SLUICE_FAULT_KINDS];
	uint64_t fault_overflows;    /**< times the hardware reported dropped faults */
	uint64_t recoveries;         /**< command queue errors repaired */
	uint64_t quarantined;        /**< devices quarantined so far */
};

/**
 * Make an engine. Control path. Changes of what is polled need membarrier(2). If the system refuses
 * it later (through a filter of system calls, say), control calls that need it return -ENOTSUP and
 * change nothing. The calls below, sluice_domain_create() and _destroy() do not need it while no
 * thread polls (sluice_engine_release()), or while the calling thread is the one that polls.
 * @return the engine, or NULL with rte_errno: ENOMEM; ENOTSUP the system refuses membarrier(2).
 */
SLUICE_API struct sluice_engine *sluice_engine_create(void);

/** Free an engine. @return 0; -EBUSY it still serves an iommu, or a worker is registered. */
SLUICE_API int sluice_engine_destroy(struct sluice_engine *e);

/** Make @p e serve @p iommu. @return 0; -EBUSY it is served already; -ENOSPC too many; -ENOMEM;
 * -ENOTSUP (sluice_engine_create()). */
SLUICE_API int sluice_engine_add_iommu(struct sluice_engine *e, struct sluice_iommu *iommu);

/** Stop serving. @return 0; -EBUSY domains exist; -ENOENT; -ENOMEM; -ENOTSUP. */
SLUICE_API int sluice_engine_del_iommu(struct sluice_engine *e, struct sluice_iommu *iommu);

/** Set the policy of devices without a default of their own, see sluice_device_default_policy();
 * NULL: none. Control path. @return 0; -EINVAL no such policy. */
SLUICE_API int sluice_engine_set_default(struct sluice_engine *e, const char *policy);

/** Set the fault callback (NULL: faults are only counted). Not while the engine is polled. */
SLUICE_API void sluice_engine_set_fault_cb(struct sluice_engine *e, sluice_fault_cb cb, void *arg);

/**
 * One turn of the loop: start flushes that are due, release what has completed, drain faults,
 * repair the command queue. One lcore at a time; NULL is not checked. It waits for nothing: a flush
 * that finds no room in a command queue is put off to a later turn and counted (flush_puts_off of
 * struct sluice_domain_stats).
 * @return how much was done; 0: the turn was empty, or this was called within a turn, from a
 * callback.
 */
SLUICE_API unsigned int sluice_engine_poll(struct sluice_engine *e);

/**
 * State that the calling thread stops polling. Control calls that need turns (drain, destroy) then
 * poll by themselves, and another thread may poll. Call it when a polling loop ends; in a fault
 * callback it takes effect after the turn.
 */
SLUICE_API void sluice_engine_release(struct sluice_engine *e);

/**
 * Register an lcore as a worker: it may then call sluice_map() and sluice_unmap() on every
 * domain of every iommu that the engine serves. Control path, any thread.
 * @param lcore_id 0 … RTE_MAX_LCORE-1. @return 0; -EINVAL; -EEXIST; -ENOMEM; -ENOSPC an IOVA window
 *   does not hold its copy pool; -ENOTSUP. sluice_error() names the domain's policy and what was
 *   short.
 */
SLUICE_API int sluice_worker_register(struct sluice_engine *e, unsigned int lcore_id);

/**
 * Unregister a worker, which must be in no call. Its flush rings are drained first. Cookies that it
 * did not take (sluice_unmap_completed()) become void; the memory of all of them is released.
 * @return 0; -ENOENT; -ETIMEDOUT or -EIO the drain failed, -ENOTSUP: the worker stays registered.
 */
SLUICE_API int sluice_worker_unregister(struct sluice_engine *e, unsigned int lcore_id);

/** Fill @p st. Exact when no thread polls. @return 0; -EINVAL NULL. */
SLUICE_API int sluice_engine_get_stats(const struct sluice_engine *e, struct sluice_engine_stats *st);

#ifdef __cplusplus
}
#endif
#endif
