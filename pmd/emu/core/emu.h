/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * An emulated IOMMU of any kind: the functions that drive it, make DMA through it, inject faults
 * and read counters. Each kind has a header of its own with its constructor.
 *
 * Threads: the driver's side only touches the register page and memory. emu_step() and everything
 * that it calls (DMA, probes) runs on one thread at a time. emu_inject() and counters may be used
 * from any thread.
 */
#ifndef EMU_H
#define EMU_H

#include "../../../engine/driver.h"

/** Free an emulated IOMMU; NULL is allowed. */
struct emu;

void emu_destroy(struct emu *e);

/**
 * Do work: registers, commands, attached masters. It stops at the first idle unit.
 * @return units in which something was done or is still pending; 0: idle.
 */
int emu_step(struct emu *e, unsigned int budget);

/** The virtual clock, for struct sluice_clock; NULL: not in step mode. */
const _Atomic uint64_t *emu_virtual_clock(const struct emu *e);

/* ---- the device's side ---------------------------------------------------------------------- */

/** How an access ended. */
enum emu_access {
	EMU_OK,
	EMU_FAULT, /**< the IOMMU terminated it (an event may have been recorded) */
	EMU_ABORT, /**< it left the IOMMU but nothing answers at that physical address */
};

/**
 * Make one device access of @p len bytes at @p iova, split at page boundaries: translate it, check
 * it against the ownership map, perform it. On emu_step()'s thread.
 * @param done receives the bytes moved before the end; may be NULL.
 */
enum emu_access emu_dma(struct emu *e, uint32_t sid, uint64_t iova, void *dev_mem,
			uint32_t len, bool write_host, uint32_t *done);

/**
 * Probe an address: read 8 bytes on purpose, never write. Like emu_dma(), events included, but
 * counted as a probe: its faults, IOTLB hits, misses and walk reads do not count for the workload.
 */
enum emu_access emu_probe(struct emu *e, uint32_t sid, uint64_t iova);

/* ---- ATS: an endpoint with a translation cache ---------------------------------------------- */

/** The address translation cache (ATC) of an endpoint, which is one stream. */
struct emu_atc;

/**
 * Give the endpoint an ATC. Any thread.
 * @param entries power of two. @return NULL with rte_errno EINVAL or ENOMEM.
 */
struct emu_atc *emu_atc_create(struct emu *e, uint32_t sid, uint32_t entries);
void emu_atc_destroy(struct emu *e, struct emu_atc *a);

/**
 * Set Enable in the endpoint's ATS Control register (PCIe, ATS extended capability): whether it may
 * request translations and use them. Any thread. @return 0 or -ENOMEM.
 */
int emu_ats_enable(struct emu *e, uint32_t sid, bool on);

/** emu_dma() and emu_probe() through the ATC. If ATS is refused, the access goes untranslated. */
enum emu_access emu_atc_dma(struct emu *e, struct emu_atc *a, uint64_t iova, void *dev_mem,
			    uint32_t len, bool write_host, uint32_t *done);
enum emu_access emu_atc_probe(struct emu *e, struct emu_atc *a, uint64_t iova);

/** A master: an emulated device that emu_step() drives. */
struct emu_master {
	TAILQ_ENTRY(emu_master) next;
	/** Do up to @p budget units of work. @return units done. */
	unsigned int (*step)(struct emu_master *m, struct emu *e, unsigned int budget);
};

/** Safe during a concurrent emu_step(); these return when the change has taken effect. */
void emu_master_add(struct emu *e, struct emu_master *m);
void emu_master_del(struct emu *e, struct emu_master *m);

/** Set the ownership map of host memory; see sluice_iommu_watch(). */
int emu_watch(struct emu *e, uint64_t pa, uint64_t len, const uint8_t *owned);

/* ---- faults on request ---------------------------------------------------------------------- */

enum emu_inject {
	EMU_INJECT_CERROR_ILL,   /**< the arg-th (1: the very next) invalidation is illegal */
	EMU_INJECT_CERROR_ABT,   /**< the next command fetch aborts */
	EMU_INJECT_SYNC_HANG,    /**< waits for invalidations hang (arg 1), or end again */
	EMU_INJECT_EVTQ_ABT,     /**< the next fault record cannot be written */
	EMU_INJECT_ACK_HANG,     /**< enables are not acknowledged (arg 1), or are again */
	EMU_INJECT_ATC_DEAD,     /**< EMU_INJECT_ARG(stream, 1): it answers no invalidation and uses
				      its cache even after ATS was turned off; 0: it works again */
	EMU_INJECT_ATC_LATE,     /**< EMU_INJECT_ARG(stream, ns): it answers so late; 0: at once */
	EMU_INJECT_SYNC_LOST,    /**< the arg-th (1: the very next) wait that is to signal its end
				      ends without doing so: no write to memory, no interrupt */
	EMU_INJECT_CONS_HOLD,    /**< for arg ns from the next progress of the queue on, none is
				      published, and no wait ends: the queue looks full */
	EMU_INJECT_RESET,        /**< the hardware is reset: registers, caches, what is under way */
	EMU_INJECTIONS,
};
/** The argument of injections for an endpoint; not from the thread that is in emu_step(). */
#define EMU_INJECT_ARG(sid, v) ((uint64_t)(uint32_t)(v) << 32 | (uint32_t)(sid))
void emu_inject(struct emu *e, enum emu_inject what, uint64_t arg);

/* ---- what the driver cannot see ------------------------------------------------------------- */

/** The counters that every kind has; a kind's header has its own. */
struct emu_stats {
	uint64_t steps, idle_steps;
	uint64_t accesses, bytes;         /**< device accesses (per page piece) and bytes moved */
	uint64_t faults, probe_faults;
	uint64_t probes, probe_hits;
	uint64_t iotlb_hits, iotlb_misses;
	uint64_t walk_reads[4];           /**< descriptor reads by level 0..3 */
	uint64_t stale_accesses;          /**< accesses to pages that were back with their owner */
	uint64_t stale_hits;              /**< IOTLB hits of probes that the tables contradict */
	uint64_t mem_aborts;              /**< physical addresses where nothing answers */
	uint64_t atc_hits, atc_fills;     /**< accesses with an ATC hit; ATC fills */
	uint64_t shadow_accesses;         /**< to idle shadow memory; sluice_iommu_watch() */
};
void emu_get_stats(const struct emu *e, struct emu_stats *st);

#endif
