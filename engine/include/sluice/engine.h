/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The engine: the polled loop on one lcore, and the workers it serves. Control calls on one engine
 * (its domains, devices, workers) come one at a time, except sluice_domain_drain(), _stats() and
 * sluice_worker_register(), which may come at any time from anywhere.
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
	uint16_t token;   /**< what its answer names: the tag of a stalled transaction (SLUICE_FAULT_STALL),
			       the group of a page request (SLUICE_FAULT_PAGE_REQUEST) */
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
/** No fault of the hardware's: the device with this (first) stream was quarantined, see
 * sluice_device_quarantined(). Kind SLUICE_FAULT_OTHER, code 0. */
#define SLUICE_FAULT_QUARANTINED (1u << 3)
#define SLUICE_FAULT_PAGE_REQUEST (1u << 4) /**< of a device, which waits for an answer to its group */
#define SLUICE_FAULT_LAST (1u << 5) /**< page request: the last of its group */
#define SLUICE_FAULT_READ (1u << 6) /**< page request: wants to read; with neither: a stop marker */
#define SLUICE_FAULT_EXEC (1u << 7) /**< an instruction fetch, or wants to execute */
#define SLUICE_FAULT_PRIV (1u << 8) /**< privileged */

/**
 * Called with a burst of faults, from sluice_engine_poll() at the end of a turn, and from nowhere
 * else: not within somebody's map, unmap or wait, even where that polls in a poller's place, nor in a
 * relax hook's poll. Until the next sluice_engine_poll() faults stay in the hardware's queue.
 * It may map, unmap and make control calls. What could end by the engine's next turn only is refused
 * with -EAGAIN at once: a drain, a live change of policy, an unmap whose flush ring is full; a map
 * that would wait for IOVAs in flush queues is -ENOSPC. sluice_engine_poll() returns 0 within it.
 * While it runs no flush is started or released: it should be short.
 */
typedef void (*sluice_fault_cb)(const struct sluice_fault *f, unsigned int n, void *arg);

/** Counters of an engine. received = the sum over faults[]; see also sluice_iommu_xstats(). */
struct sluice_engine_stats {
	uint64_t polls, empty_polls; /**< calls of sluice_engine_poll(); those that found nothing */
	uint64_t fault_received;     /**< faults drained */
	uint64_t faults[SLUICE_FAULT_KINDS];
	uint64_t fault_overflows;    /**< times the hardware said that it dropped faults */
	uint64_t recoveries;         /**< command queue errors repaired */
	uint64_t quarantined;        /**< devices that had to be quarantined, ever */
};

/**
 * Make an engine. Control path. Changing what is polled rests on membarrier(2). Should the system
 * refuse it later on (a filter of system calls, say), control calls that need it return -ENOTSUP and
 * leave everything as it was; while nobody polls (sluice_engine_release()), or the caller does
 * himself, the calls below and sluice_domain_create() and _destroy() do without it.
 * @return it, or NULL with rte_errno: ENOMEM; ENOTSUP the system refuses membarrier(2).
 */
SLUICE_API struct sluice_engine *sluice_engine_create(void);

/** @return 0; -EBUSY an iommu is still served or a worker registered. */
SLUICE_API int sluice_engine_destroy(struct sluice_engine *e);

/** Have @p e serve @p iommu. @return 0; -EBUSY it is served already; -ENOSPC too many; -ENOMEM;
 * -ENOTSUP (sluice_engine_create()). */
SLUICE_API int sluice_engine_add_iommu(struct sluice_engine *e, struct sluice_iommu *iommu);

/** Stop serving. @return 0; -EBUSY domains exist; -ENOENT; -ENOMEM; -ENOTSUP. */
SLUICE_API int sluice_engine_del_iommu(struct sluice_engine *e, struct sluice_iommu *iommu);

/** The policy of devices without a default of their own, see sluice_device_default_policy(); NULL:
 * none. Control path. @return 0; -EINVAL no such policy. */
SLUICE_API int sluice_engine_set_default(struct sluice_engine *e, const char *policy);

/** Faults go to @p cb from now on (NULL: they are counted only). Not while polling. */
SLUICE_API void sluice_engine_set_fault_cb(struct sluice_engine *e, sluice_fault_cb cb, void *arg);

/**
 * One turn of the loop: start flushes that are due, release what completed, drain faults, mend
 * the command queue. One lcore at a time; does not look for NULL. It waits for nothing: a flush that finds
 * no room in a command queue is put off to a later turn, and counted (flush_puts_off of struct
 * sluice_domain_stats).
 * @return how much it did: 0 means that the turn was empty, or that this was called within a turn, from
 *   a callback.
 */
SLUICE_API unsigned int sluice_engine_poll(struct sluice_engine *e);

/**
 * The calling thread stops polling: control calls that must poll (drain, destroy) may do it
 * themselves, and another thread may poll. Call it when a polling loop ends; in a fault callback it
 * takes effect after the turn.
 */
SLUICE_API void sluice_engine_release(struct sluice_engine *e);

/**
 * Register an lcore as a worker: it may then call sluice_map() and sluice_unmap() on every
 * domain of every iommu that the engine serves. Control path, any thread.
 * @param lcore_id 0 … RTE_MAX_LCORE-1. @return 0; -EINVAL; -EEXIST; -ENOMEM; -ENOTSUP.
 */
SLUICE_API int sluice_worker_register(struct sluice_engine *e, unsigned int lcore_id);

/**
 * Unregister a worker, which must be quiet. What it left in flush rings is drained first; cookies
 * that it did not take (sluice_unmap_completed()) are void then: all they stand for is released.
 * @return 0; -ENOENT; -ETIMEDOUT or -EIO the drain failed, -ENOTSUP: the worker stays registered.
 */
SLUICE_API int sluice_worker_unregister(struct sluice_engine *e, unsigned int lcore_id);

/** Fill @p st. Exact when nobody polls. @return 0; -EINVAL NULL. */
SLUICE_API int sluice_engine_get_stats(const struct sluice_engine *e, struct sluice_engine_stats *st);

#ifdef __cplusplus
}
#endif
#endif
