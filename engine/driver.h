/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What a backend (PMD) implements, and what it may use of the engine. A backend attaches three
 * kinds of domain (paging, identity, blocked), reports capabilities as flags, and has a few fast
 * operations. It never hears of strictness, flush queues, groups or ownership.
 *
 * There are two tables, as in DPDK: const control operations, and a flat row of fast-path function
 * pointers that is copied into struct sluice_iommu when the backend is opened.
 */
#ifndef SLUICE_DRIVER_H
#define SLUICE_DRIVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_kvargs.h>

#include <sluice/dma.h>
#include <sluice/engine.h>
#include <sluice/iommu.h>
#include <sluice/raw.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/span.h"

/* ---- errors ------------------------------------------------------------------------------ */

/**
 * Set this thread's sluice_error() line, which may quote the one before, and rte_errno.
 * @param err positive errno. @return -err, so that a control call can return it.
 */
int sluice_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** A control call was given NULL for @p what. @return -EINVAL. */
int sluice_null(const char *what);

/* ---- page-table formats --------------------------------------------------------------------- */

/**
 * The page-table formats that backends report and domains use: VMSAv8-64 (Arm DDI 0487 D8), stage 1
 * and stage 2, by granule; VT-d's second stage (D51397, 3.7), which snoops if the hardware has
 * ECAP.SC. A domain that asks for none gets the first of these that the hardware walks. Only
 * engine/pgtable/fmt knows the bits of a format.
 */
enum sluice_format {
	SLUICE_FORMAT_LPAE_S1_4K, SLUICE_FORMAT_LPAE_S1_16K, SLUICE_FORMAT_LPAE_S1_64K,
	SLUICE_FORMAT_LPAE_S2_4K, SLUICE_FORMAT_LPAE_S2_16K, SLUICE_FORMAT_LPAE_S2_64K,
	SLUICE_FORMAT_VTD_S2_4K_SNP,
	SLUICE_FORMAT_VTD_S2_4K,
	SLUICE_FORMATS,
};

/* ---- invalidations ------------------------------------------------------------------------- */

enum sluice_inv_op {
	SLUICE_INV_RANGE,  /**< [iova, iova + pages * 4 KiB) of address space @c tag */
	SLUICE_INV_DOMAIN, /**< everything of address space @c tag */
	SLUICE_INV_ATC,    /**< what a device (@c stream) cached of [iova, iova + 2^flags pages) */
};

#define SLUICE_INV_LEAF   (1u << 7) /**< no page table was removed: walk caches may stay */
#define SLUICE_INV_NESTED (1u << 6) /**< RANGE, DOMAIN: struct sluice_hwdom has a parent */
/** RANGE, DOMAIN: the format of the domain's tables (enum sluice_format), struct sluice_hwdom. */
#define SLUICE_INV_FORMAT(format) ((unsigned int)(format))
_Static_assert(SLUICE_FORMATS <= 1u << 5, "a format in the low five bits of flags");

/** What SLUICE_INV_FORMAT() put into @p flags of a RANGE or DOMAIN. */
static inline enum sluice_format
sluice_inv_format(unsigned int flags)
{
	return (enum sluice_format)(flags & 0x1f);
}

/** One invalidation; 16 bytes. */
struct sluice_inv {
	union {
		struct {
			uint8_t op;    /**< enum sluice_inv_op */
			uint8_t flags; /**< SLUICE_INV_LEAF, sluice_inv_flags(); ATC: log2 of the
					    pages, SLUICE_ATC_ALL: everything */
			uint16_t tag;  /**< address-space tag of the domain (ASID, VMID) */
		};
		uint32_t head; /**< all three at once; each domain holds its own */
	};
	union {
		uint32_t pages;  /**< RANGE: length in 4 KiB pages, 1 … 2^31 */
		uint32_t stream; /**< ATC: StreamID */
	};
	uint64_t iova;  /**< RANGE: start, 4 KiB aligned; ATC: aligned to the size */
};
_Static_assert(sizeof(struct sluice_inv) == 16, "two to a vector register pair");

/** The most invalidations that a backend takes in one submission. */
#define SLUICE_INV_BURST 64u
/**
 * The most SLUICE_INV_ATC in one submission. They are submitted separately, because an ATC_INV may
 * be sent only when the TLB invalidation of the same range is complete: a device that asked in
 * between would get the old translation again.
 */
#define SLUICE_ATC_BURST (SLUICE_INV_BURST - 1u)
/** struct sluice_inv, flags of SLUICE_INV_ATC: 2^52 pages are the whole address space. */
#define SLUICE_ATC_ALL 52u
/** inv_try() returns this if there is no room; it is never a sequence number. */
#define SLUICE_INV_FULL UINT64_MAX

/* ---- answers to faults -------------------------------------------------------------------- */

enum sluice_answer {
	SLUICE_ANSWER_SUCCESS, /**< the address is mapped now: try again */
	SLUICE_ANSWER_INVALID, /**< it will not be mapped: do not try again; if stalled: abort */
	SLUICE_ANSWER_FAILURE, /**< no page request is answered any more; if stalled: as INVALID */
};

/** The answer to one stalled fault, or to one group of page requests. */
struct sluice_response {
	uint32_t stream, pasid; /**< as in the fault */
	uint16_t token;         /**< as in the fault */
	uint16_t flags;         /**< as in the fault: SLUICE_FAULT_PASID, _STALL or _PAGE_REQUEST */
	uint8_t answer;         /**< enum sluice_answer */
};

/* ---- the fast row ------------------------------------------------------------------------- */

struct sluice_iommu_fast {
	/**
	 * Put @p n invalidations (0 … SLUICE_INV_BURST) and a SYNC into the queue. The hardware
	 * sees all that the caller wrote to page tables before it executes the invalidation.
	 * Lock-free from any lcore; it waits (bounded) only while the queue is full.
	 * @return the sequence number to wait for; 0: the queue is dead or stayed full, and nothing
	 *   was submitted.
	 */
	uint64_t (*inv_submit)(void *queue, const struct sluice_inv *inv, unsigned int n);
	/**
	 * The same for callers that must not wait: the engine in its turn.
	 * @return the sequence number; 0: the queue is dead; SLUICE_INV_FULL: there is no room at
	 *   present, and nothing was submitted.
	 */
	uint64_t (*inv_try)(void *queue, const struct sluice_inv *inv, unsigned int n);
	/**
	 * The highest sequence number that is complete. Every submission with a lower or equal
	 * number is complete too. Later loads of the caller are ordered after the completion
	 * (acquire).
	 */
	uint64_t (*inv_done)(void *queue);
	/**
	 * How a complete submission ended: 0; -EIO: the hardware refused one of its commands, which
	 * did not execute (the command queue was repaired and went on); -ETIMEDOUT: a device did
	 * not answer one of its ATC invalidations, and it is not known which device. It costs one
	 * load while no command has ever failed.
	 */
	int (*inv_result)(void *queue, uint64_t seq);
	/** Drain up to @p n events. One lcore at a time. @return how many. */
	unsigned int (*fault_burst)(void *queue, struct sluice_fault *f, unsigned int n);
	void *queue; /**< first argument of all of these and of the next one */
	/**
	 * Answer up to @p n stalled transactions and groups of page requests, in order and without
	 * a wait. They are done when the next submission of invalidations is complete. Any lcore.
	 * NULL: the hardware has neither stalls nor page requests.
	 * @return how many were taken; fewer than @p n: there is no room at present, the queue is
	 *   dead, or the hardware does not have the kind of the next one.
	 */
	unsigned int (*respond_burst)(void *queue, const struct sluice_response *r, unsigned int n);
};

/* ---- control ------------------------------------------------------------------------------- */

struct sluice_iommu;

/** A backend's side of a paging domain. */
struct sluice_hwdom {
	uint64_t ttb;   /**< in: physical address of the root table */
	uint8_t format; /**< in: enum sluice_format, one of sluice_iommu.formats */
	uint8_t ias;    /**< in: input address bits */
	uint8_t start;  /**< in: the root table's level, 0 … 3; stage 2: it may be concatenated */
	uint16_t tag;   /**< out: the tag invalidations carry (ASID; stage 2: VMID) */
	void *priv;     /**< the backend's own */
	/**
	 * in: the stage-2 address space under this stage 1, of the same iommu, which outlives it;
	 * NULL: none. It then translates the addresses of the stage-1 tables, ttb included, and of
	 * the backend's own structures in sluice_iommu.mem. So before it attaches, the caller maps
	 * these one to one in the parent, best the whole of sluice_mem_span().
	 */
	struct sluice_hwdom *parent;
};

/** The flags of every invalidation of @p hd, without SLUICE_INV_LEAF. */
static inline uint8_t
sluice_inv_flags(const struct sluice_hwdom *hd)
{
	return (uint8_t)(SLUICE_INV_FORMAT(hd->format) |
			 (hd->parent != NULL ? SLUICE_INV_NESTED : 0));
}

struct sluice_iommu_ops {
	const char *name; /**< "smmuv3" */
	/**
	 * Open the register source, reset, bring up. Fills iommu->fast, ->caps, ->info, ->mem,
	 * ->clock, ->priv. @return 0 or -errno with sluice_fail() called.
	 */
	int (*open)(struct sluice_iommu *iommu, struct rte_kvargs *kv);
	/**
	 * Make the hardware block all DMA and stop using its memory, permanently and without a
	 * command queue. It waits, bounded; if it failed it may be called again. Afterwards control
	 * operations succeed without access to the hardware. NULL: there is nothing to stop.
	 * @return 0; -errno: the hardware may still use its memory.
	 */
	int (*stop)(struct sluice_iommu *iommu);
	/** Free everything. The iommu must be stopped. */
	void (*close)(struct sluice_iommu *iommu);
	/** Make a paging domain: allocate its tag, build its context. @return 0 or -errno. */
	int (*hwdom_init)(struct sluice_iommu *iommu, struct sluice_hwdom *hd);
	/** Invalidate all of the domain, wait, free its tag. @return 0; -errno: the tag is kept. */
	int (*hwdom_fini)(struct sluice_iommu *iommu, struct sluice_hwdom *hd);
	/** Attach a stream to a domain of one of three kinds, in place of what was there: return
	 * when the hardware uses the new configuration. @return 0; -errno: nothing changed. */
	int (*attach_paging)(struct sluice_iommu *iommu, uint32_t stream, struct sluice_hwdom *hd);
	int (*attach_identity)(struct sluice_iommu *iommu, uint32_t stream);
	int (*attach_blocked)(struct sluice_iommu *iommu, uint32_t stream);
	/** Make @p hd translate accesses of a stream with @p pasid (1 … 2^20 - 1). It replaces a
	 * table without a gap. Both NULL: no PASIDs. @return as attach_paging(). */
	int (*attach_pasid)(struct sluice_iommu *iommu, uint32_t stream, uint32_t pasid,
			    struct sluice_hwdom *hd);
	/** Make accesses with it fault; the TLB and the device then hold nothing of it. */
	int (*detach_pasid)(struct sluice_iommu *iommu, uint32_t stream, uint32_t pasid);
	/**
	 * Begin attach_blocked() of a stream with a page table, with ATS off, and do not wait: the
	 * engine's turn uses it for a quarantine. Set with SLUICE_CAP_ATS. Any thread may call it,
	 * also more than once. @return 0 with *seq: the stream is blocked when that submission is
	 * complete with result 0 (*seq 0: it is blocked already); -EAGAIN: not now (no room, or a
	 * control call is running), nothing changed; else -errno: it cannot be blocked.
	 */
	int (*block)(struct sluice_iommu *iommu, uint32_t stream, uint64_t *seq);
	/**
	 * Turn the address translation service of a stream on, while a page table is attached, or
	 * off. On: the device's cache is emptied before use. Off: the device is told, its cache is
	 * emptied, and its translated accesses are refused. An attach leaves ATS off. It waits for
	 * two SYNCs and an answer of the device. NULL, or no SLUICE_CAP_ATS: there is no ATS.
	 * @return 0; -EREMOTEIO: off, but the device did not answer; else -errno: not off.
	 */
	int (*ats)(struct sluice_iommu *iommu, uint32_t stream, bool on);
	/**
	 * For a mirror: an IOMMU that keeps a copy of the tables and must be told of each map
	 * (zPCI's RPCIT). NULL: the hardware walks the tables itself. Fast path, from any lcore; it
	 * sees what the caller wrote to the tables before. An unmap needs only the invalidation.
	 * @param pages 4 KiB pages from @p iova on that were mapped.
	 * @return 0; -ENOMEM: no room for the copy, but refresh() may make some; else -errno. In
	 *   both cases some of the pages may be in the copy.
	 */
	int (*map_sync)(struct sluice_iommu *iommu, struct sluice_hwdom *hd, uint64_t iova,
			uint64_t pages);
	/** Discard the copy, rebuild it from the tables. Set with map_sync. @return 0, -errno. */
	int (*refresh)(struct sluice_iommu *iommu, struct sluice_hwdom *hd);
	/** Look for hardware errors and repair what can be repaired (GERROR, CERROR). Any thread may
	 * call it; it never blocks. The engine calls it now and then, and so does every long wait.
	 * @return how many errors were handled. */
	unsigned int (*service)(struct sluice_iommu *iommu);
	/** Why nothing can be invalidated any more: a constant clause for error messages, or NULL. */
	const char *(*broken)(const struct sluice_iommu *iommu);
	/** Counters; contract of sluice_iommu_xstats(). */
	unsigned int (*xstats)(struct sluice_iommu *iommu, struct sluice_xstat *xs, unsigned int n);
	/** Emulated hardware only, else NULL: sluice_iommu_step(), sluice_iommu_watch(). */
	int (*step)(struct sluice_iommu *iommu, unsigned int budget);
	int (*watch)(struct sluice_iommu *iommu, uint64_t pa, uint64_t len, const uint8_t *owned);
	const struct sluice_raw_ops *raw; /**< <sluice/raw.h>; or NULL */
};

/** Direct access to the hardware; contracts in <sluice/raw.h>. Arguments are checked already. */
struct sluice_raw_ops {
	void (*info)(struct sluice_iommu *iommu, struct sluice_raw_info *info);
	uint64_t (*reg_read)(struct sluice_iommu *iommu, uint32_t off, unsigned int size);
	void (*reg_write)(struct sluice_iommu *iommu, uint32_t off, unsigned int size, uint64_t v);
	int (*cmds)(struct sluice_iommu *iommu, const uint64_t *words, unsigned int n);
	int (*entry_read)(struct sluice_iommu *iommu, enum sluice_raw_entry kind, uint32_t stream,
			  uint64_t *words);
	int (*entry_write)(struct sluice_iommu *iommu, enum sluice_raw_entry kind, uint32_t stream,
			   const uint64_t *words);
	int (*entry_change)(struct sluice_iommu *iommu, enum sluice_raw_entry kind, uint32_t stream,
			    const uint64_t *words);
	int (*events)(struct sluice_iommu *iommu, uint64_t *words, struct sluice_fault *f,
		      unsigned int n);
	int (*reset)(struct sluice_iommu *iommu);
};

/** Units of work that emulated hardware does at a time if the application does not step it. */
#define SLUICE_DRIVE_BUDGET 16u

/** One IOMMU. The fast row is read only after open(), and until it is stopped. */
struct sluice_iommu {
	struct sluice_iommu_fast fast;
	struct sluice_clock clock;
	uint64_t caps;
	uint32_t formats;      /**< bits 1 << enum sluice_format: what the hardware walks */
	uint64_t sync_timeout; /**< ticks; a SYNC that takes longer is lost */
	void (*relax)(void *); /**< called during waits, or NULL; only sluice_relax() calls it */
	void *relax_arg;
	/** Emulated, and the application does not step it, so waits do. open() sets this;
	 * sluice_iommu_step() or a relax hook clears it. */
	_Atomic bool undriven;
	/* cold */
	const struct sluice_iommu_ops *ops;
	void *priv;             /**< the backend's own */
	struct sluice_mem *mem; /**< made by the register source */
	struct sluice_iommu_info info;
	struct sluice_engine *engine; /**< the engine that serves it */
	void *emu;              /**< the emulated hardware behind regs, for pmd/dma; or NULL */
	void *regs;             /**< struct sluice_regs, for pmd/dma; or NULL */
	unsigned int nb_domains, nb_devices;
	uint32_t full_turn;     /**< the engine's turn when the queue was full; domain_inv_try() */
	_Atomic unsigned int nb_dmas; /**< open channels */
	_Atomic uint64_t steps; /**< calls of sluice_iommu_step() */
	bool stopped;           /**< no device reaches any memory any more */
	/* ats.c: devices quarantined so far; and first streams (+ 1) of those not reported yet. */
	_Atomic uint64_t quarantines;
	_Atomic uint64_t quarantine_news[16];
};

/** Call the relax hook, if there is one. @return whether there is. */
bool sluice_relax(struct sluice_iommu *iommu);

/** Is this thread in a relax hook? */
bool sluice_relaxing(void);

/** Step emulated hardware that the application does not step. Otherwise nothing happens. */
static inline void
sluice_drive(struct sluice_iommu *iommu)
{
	if (unlikely(atomic_load_explicit(&iommu->undriven, memory_order_relaxed)))
		(void)iommu->ops->step(iommu, SLUICE_DRIVE_BUDGET);
}

/**
 * The end of the error message for a wait that failed and began when iommu->steps was @p steps: "",
 * or that the hardware is emulated and was not stepped meanwhile.
 */
const char *sluice_unstepped(const struct sluice_iommu *iommu, uint64_t steps);

/**
 * Wait until @p seq is complete; meanwhile call relax or pause, and ops->service if it takes long.
 * @return 0; -EIO: one of its commands was refused; -ETIMEDOUT: sync_timeout has passed.
 */
int sluice_inv_wait(struct sluice_iommu *iommu, uint64_t seq);

/** Set the error message for a SYNC that did not complete. @return -ETIMEDOUT. */
int sluice_sync_lost(const struct sluice_iommu *iommu);

/** Submit and wait. @return as sluice_inv_wait(); -EIO also if nothing could be submitted. */
int sluice_inv_sync(struct sluice_iommu *iommu, const struct sluice_inv *inv, unsigned int n);

/* ---- registries ----------------------------------------------------------------------------- */

/** A backend registers itself before main(). */
struct sluice_backend {
	TAILQ_ENTRY(sluice_backend) next;
	const struct sluice_iommu_ops *ops;
};
void sluice_backend_register(struct sluice_backend *b);

#define SLUICE_REGISTER_BACKEND(id, ops_ptr)                                                       \
	static struct sluice_backend backend_##id = { .ops = (ops_ptr) };                          \
	RTE_INIT(backend_init_##id) { sluice_backend_register(&backend_##id); }

/** A DMA maker: a kind of device that makes DMA. */
struct sluice_dma_ops {
	const char *name; /**< "emu" */
	/** Fill dma->priv. @return 0 or -errno with sluice_fail() called. */
	int (*open)(struct sluice_dma *dma, struct rte_kvargs *kv);
	int (*close)(struct sluice_dma *dma);
	uint16_t (*submit)(struct sluice_dma *dma, const struct sluice_dma_desc *d, uint16_t n);
	uint16_t (*completed)(struct sluice_dma *dma, struct sluice_dma_cpl *c, uint16_t n);
	int (*probe)(struct sluice_dma *dma, bool on);
	void (*stats)(const struct sluice_dma *dma, struct sluice_dma_stats *st);
	/** The StreamID that open() with these keys will use. NULL: -ENOTSUP. */
	int (*stream)(struct sluice_iommu *iommu, struct rte_kvargs *kv, uint32_t *stream);
	/** NULL: nothing is known. */
	void (*info)(const struct sluice_dma *dma, struct sluice_dma_info *info);
};

struct sluice_dma {
	const struct sluice_dma_ops *ops;
	void *priv;
	struct sluice_iommu *iommu;
	struct sluice_device *dev;
};

struct sluice_dma_maker {
	TAILQ_ENTRY(sluice_dma_maker) next;
	const struct sluice_dma_ops *ops;
};
void sluice_dma_maker_register(struct sluice_dma_maker *m);

#define SLUICE_REGISTER_DMA(id, ops_ptr)                                                           \
	static struct sluice_dma_maker dma_maker_##id = { .ops = (ops_ptr) };                      \
	RTE_INIT(dma_maker_init_##id) { sluice_dma_maker_register(&dma_maker_##id); }

#endif
