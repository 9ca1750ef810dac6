/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The emulated SMMUv3: the other side of the registers. It shares nothing with the driver but
 * the encodings (pmd/smmuv3/smmuv3_hw.h), a register page and memory.
 *
 * The page is memory, and keeps what is stored until the SMMU looks: what a register does not take
 * (guarded, read-only, reserved) can be read back for some steps before it is undone.
 *
 * Threads: the driver's side only touches the register page and memory. emu_step() and
 * everything it calls (DMA, probes) runs on one thread at a time. emu_inject() and counters may be
 * used from any thread.
 */
#ifndef EMU_H
#define EMU_H

#include "../../../engine/driver.h"

struct emu_smmu;

/** Translation granules: page sizes of tables. */
#define EMU_GRAN_4K  (1u << 0)
#define EMU_GRAN_16K (1u << 1)
#define EMU_GRAN_64K (1u << 2)

/** What to emulate. emu_conf_default() first, then change. */
struct emu_conf {
	/* capabilities */
	uint8_t sid_bits;     /**< IDR1.SIDSIZE (16) */
	uint8_t oas;          /**< output address bits: 32,36,40,42,44,48 (44) */
	uint8_t cmdq_max_log2, evtq_max_log2; /**< IDR1.CMDQS, EVENTQS (19) */
	uint8_t gran;         /**< IDR5.GRAN*: EMU_GRAN_* (all) */
	bool ril;             /**< IDR3.RIL (true) */
	bool msi;             /**< IDR0.MSI (true); an SMMU has these, wired interrupts, or both */
	bool wired;           /**< wired interrupts (true); see emu_wire() */
	bool two_level;       /**< IDR0.ST_LEVEL (true); without: at most 6 StreamID bits (§6.3.2) */
	bool hyp;             /**< IDR0.Hyp (false): EL2's StreamWorlds and commands, CR2.E2H. The
				   architecture has it only beside stage 2 (§6.3.1), which is not
				   here: for software that runs at EL2 and wants no more */
	bool ats;             /**< IDR0.ATS (false) */
	bool cohacc;          /**< IDR0.COHACC (true); false: says so, and is as coherent as ever */
	/* timing, ns */
	uint32_t sync_ns;     /**< a SYNC takes at least this long once everything before is done */
	uint32_t tlbi_ns;     /**< every TLBI/CFGI takes this long; they overlap */
	uint32_t ack_delay;   /**< steps before CR0ACK, IRQ_CTRLACK, GBPA.Update answer (1) */
	uint32_t cons_lag;    /**< CONS is published every so many commands (16), and idle */
	uint32_t atc_timeout_ns; /**< an ATC_INV not answered by then has failed (100000) */
	/* caches, entries (powers of two; 0: no caching) */
	uint32_t iotlb;       /**< (4096) */
	uint32_t walk_cache;  /**< (256) */
	uint32_t cfg_cache;   /**< (64) */
	/* determinism */
	bool step;            /**< virtual clock: step_ns per emu_step() unit, no TSC is read */
	uint32_t step_ns;     /**< (10) */
	uint64_t seed;        /**< of every random choice (1) */
	bool shuffle;         /**< execute invalidations between SYNCs out of order */
	/* broken on purpose: who claims to notice stale accesses shows on it that he would */
	bool sync_early;      /**< a SYNC is complete as soon as it is consumed, whatever TLBIs before
				   it are still under way (false) */
};

void emu_conf_default(struct emu_conf *c);

/**
 * Make an SMMU over a register page (128 KiB, 64 KiB aligned, zeroed) and memory.
 * @return NULL with rte_errno EINVAL (settings out of range, or that no SMMU may have together) or
 *   ENOMEM.
 */
struct emu_smmu *emu_create(const struct emu_conf *c, void *regs, struct sluice_mem_span mem);
void emu_destroy(struct emu_smmu *e);

/**
 * Work: registers, commands, attached masters. Stops at the first idle unit.
 * @return units in which something was done or is still under way; 0 when idle.
 */
int emu_step(struct emu_smmu *e, unsigned int budget);

/** The virtual clock, for struct sluice_clock; NULL when not in step mode. */
const _Atomic uint64_t *emu_virtual_clock(const struct emu_smmu *e);

/* ---- the device's side ---------------------------------------------------------------------- */

/** How an access ended. */
enum emu_access {
	EMU_OK,
	EMU_FAULT, /**< the SMMU terminated it (an event may have been recorded) */
	EMU_ABORT, /**< it left the SMMU but nothing answers at that physical address */
};

/**
 * One device access of @p len bytes at @p iova, split at page boundaries as needed: translated,
 * checked against the ownership map, performed. emu_step()'s thread.
 * @param done receives the bytes moved before the end; may be NULL.
 */
enum emu_access emu_dma(struct emu_smmu *e, uint32_t sid, uint64_t iova, void *dev_mem,
			uint32_t len, bool write_host, uint32_t *done);

/**
 * Touch (read 8 bytes of) an address on purpose. Never writes. Like emu_dma(), events included,
 * but counted as a probe: its faults, IOTLB hits, misses and walk reads are not the workload's.
 */
enum emu_access emu_probe(struct emu_smmu *e, uint32_t sid, uint64_t iova);

/* ---- wired interrupts ------------------------------------------------------------------------ */

/** Interrupt outputs, each of one source; all are edges (§3.18). */
enum emu_line {
	EMU_LINE_EVENTQ, /**< the event queue is not empty any more; IRQ_CTRL.EVENTQ_IRQEN */
	EMU_LINE_GERROR, /**< an error became active; IRQ_CTRL.GERROR_IRQEN */
	EMU_LINE_SYNC,   /**< a CMD_SYNC with CS = SIG_IRQ is complete */
	EMU_LINES,
};

/**
 * Connect the wired interrupt outputs: @p pulse is called at each edge, on emu_step()'s thread and
 * after what it is about can be seen. It must not call back into this SMMU; storing to an eventfd
 * or a flag is meant. Any thread; NULL disconnects. Edges are counted whoever listens.
 */
void emu_wire(struct emu_smmu *e, void (*pulse)(void *arg, enum emu_line line), void *arg);

/* ---- ATS: an endpoint with a translation cache ---------------------------------------------- */

/** An address translation cache (ATC) of the endpoint with some StreamID. */
struct emu_atc;

/**
 * Give the endpoint an ATC. Any thread.
 * @param entries power of two. @return NULL with rte_errno EINVAL or ENOMEM.
 */
struct emu_atc *emu_atc_create(struct emu_smmu *e, uint32_t sid, uint32_t entries);
void emu_atc_destroy(struct emu_smmu *e, struct emu_atc *a);

/**
 * The endpoint's ATS Control register, Enable (PCIe, ATS extended capability): whether it may ask
 * for translations, and use them. Any thread. @return 0 or -ENOMEM.
 */
int emu_ats_enable(struct emu_smmu *e, uint32_t sid, bool on);

/** As emu_dma() and emu_probe(), through the ATC. Where ATS is refused they go untranslated. */
enum emu_access emu_atc_dma(struct emu_smmu *e, struct emu_atc *a, uint64_t iova, void *dev_mem,
			    uint32_t len, bool write_host, uint32_t *done);
enum emu_access emu_atc_probe(struct emu_smmu *e, struct emu_atc *a, uint64_t iova);

/** Something that emu_step() drives: an emulated device. */
struct emu_master {
	TAILQ_ENTRY(emu_master) next;
	/** Do up to @p budget units of work. @return units done. */
	unsigned int (*step)(struct emu_master *m, struct emu_smmu *e, unsigned int budget);
};

/** Safe against a concurrent emu_step(): returns when the change has taken effect. */
void emu_master_add(struct emu_smmu *e, struct emu_master *m);
void emu_master_del(struct emu_smmu *e, struct emu_master *m);

/** Who owns host memory; see sluice_iommu_watch(). */
int emu_watch(struct emu_smmu *e, uint64_t pa, uint64_t len, const uint8_t *owned);

/* ---- faults on request ---------------------------------------------------------------------- */

enum emu_inject {
	EMU_INJECT_CERROR_ILL,   /**< treat the next arg-th (1: the very next) TLBI as illegal */
	EMU_INJECT_CERROR_ABT,   /**< the next command fetch aborts */
	EMU_INJECT_SYNC_HANG,    /**< SYNCs never complete (arg 1), or do again (arg 0) */
	EMU_INJECT_EVTQ_ABT,     /**< the next event write aborts */
	EMU_INJECT_ACK_HANG,     /**< CR0ACK and the other ACKs never answer (arg 1), or do again */
	EMU_INJECT_ATC_DEAD,     /**< EMU_INJECT_ARG(StreamID, 1): it answers no ATC_INV and uses what
				      it cached also after ATS was turned off; 0: cured */
	EMU_INJECT_ATC_LATE,     /**< EMU_INJECT_ARG(StreamID, ns): it answers so late; 0: at once */
};
/** For those that name an endpoint: not from the thread that is in emu_step(). */
#define EMU_INJECT_ARG(sid, v) ((uint64_t)(uint32_t)(v) << 32 | (uint32_t)(sid))
void emu_inject(struct emu_smmu *e, enum emu_inject what, uint64_t arg);

/* ---- what the driver cannot see ------------------------------------------------------------- */

struct emu_stats {
	uint64_t steps, idle_steps;
	uint64_t cmds, syncs, tlbis, cfgis;
	uint64_t cerrors;
	uint64_t accesses, bytes;         /**< device accesses (per page piece) and bytes moved */
	uint64_t faults, probe_faults;
	uint64_t probes, probe_hits;
	uint64_t iotlb_hits, iotlb_misses;
	uint64_t walk_reads[4];           /**< descriptor reads by level 0..3 */
	uint64_t ste_reads, cd_reads;
	uint64_t stale_accesses;          /**< accesses to pages whose owner had them back */
	uint64_t stale_hits;              /**< IOTLB hits of probes that the tables contradict */
	uint64_t events, events_dropped;
	uint64_t guarded_writes;          /**< stores to registers that were guarded: dropped */
	uint64_t reserved_writes;         /**< words with RES0 bits stored: put back to zero */
	uint64_t mem_aborts;              /**< physical addresses where nothing answers */
	uint64_t atc_hits, atc_fills;     /**< accesses by what an ATC held; translations it got */
	uint64_t atc_invs, atc_timeouts;  /**< ATC_INV commands; those without an answer in time */
	uint64_t shadow_accesses;         /**< accesses to idle shadow memory; sluice_iommu_watch() */
	uint64_t msis;                    /**< interrupts sent as writes */
	uint64_t wired[EMU_LINES];        /**< edges on the wired outputs */
};
void emu_get_stats(const struct emu_smmu *e, struct emu_stats *st);

#endif
