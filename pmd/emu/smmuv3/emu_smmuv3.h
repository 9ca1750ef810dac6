/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The emulated SMMUv3: the hardware's side of the registers. It shares nothing with the driver but
 * the encodings (pmd/smmuv3/smmuv3_hw.h), a register page and memory.
 *
 * The page is plain memory. A store that a register does not accept (guarded, read-only, reserved)
 * can be read back for some steps, until the SMMU looks and undoes it.
 */
#ifndef EMU_SMMUV3_H
#define EMU_SMMUV3_H

#include "../core/emu.h"

/** Translation granules: page sizes of tables. */
#define EMU_GRAN_4K  (1u << 0)
#define EMU_GRAN_16K (1u << 1)
#define EMU_GRAN_64K (1u << 2)

/** What to emulate. emu_smmuv3_conf_default() first, then change. */
struct emu_smmuv3_conf {
	/* capabilities */
	uint8_t sid_bits;     /**< IDR1.SIDSIZE (16) */
	uint8_t oas;          /**< output address bits: 32,36,40,42,44,48 (44) */
	uint8_t cmdq_max_log2, evtq_max_log2; /**< IDR1.CMDQS, EVENTQS (19) */
	uint8_t gran;         /**< IDR5.GRAN*: EMU_GRAN_* (all) */
	bool ril;             /**< IDR3.RIL (true) */
	bool msi;             /**< IDR0.MSI (true); an SMMU has these, wired interrupts, or both */
	bool wired;           /**< wired interrupts (true); see emu_smmuv3_wire() */
	bool two_level;       /**< IDR0.ST_LEVEL (true); else at most 6 StreamID bits (§6.3.2) */
	bool s1, s2;          /**< IDR0.S1P, S2P (true): one at least */
	bool vmid16;          /**< IDR0.VMID16 (true) */
	bool hyp;             /**< IDR0.Hyp (true): EL2's StreamWorlds and commands, CR2.E2H. With
				   both stages only (§6.3.1), and there to stay from v3.2 on, which
				   is what ril means */
	bool ats;             /**< IDR0.ATS (false) */
	bool cohacc;          /**< IDR0.COHACC (true); false changes only the register */
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
	/* broken on purpose: shows that a test for stale accesses can fail */
	bool sync_early;      /**< a SYNC is complete as soon as it is consumed, even if TLBIs
				   before it are still pending (false) */
	bool tlbi_racy;       /**< as with NVIDIA's erratum T264-SMMU-3: an invalidation of a TLB
				   entry that traffic uses may leave it there, by chance; the next
				   one drops it (false) */
};

void emu_smmuv3_conf_default(struct emu_smmuv3_conf *c);

/**
 * Make an SMMU over a register page (128 KiB, 64 KiB aligned, zeroed) and memory.
 * @return NULL with rte_errno EINVAL (settings out of range, or a combination that no SMMU may
 *   have) or ENOMEM.
 */
struct emu *emu_smmuv3_create(const struct emu_smmuv3_conf *c, void *regs,
			      struct sluice_mem_span mem);

/* ---- wired interrupts ------------------------------------------------------------------------ */

/** Interrupt outputs, each of one source; all are edges (§3.18). */
enum emu_line {
	EMU_LINE_EVENTQ, /**< the event queue is not empty any more; IRQ_CTRL.EVENTQ_IRQEN */
	EMU_LINE_GERROR, /**< an error became active; IRQ_CTRL.GERROR_IRQEN */
	EMU_LINE_SYNC,   /**< a CMD_SYNC with CS = SIG_IRQ is complete */
	EMU_LINES,
};

/**
 * Connect the wired interrupt outputs: @p pulse is called at each edge, on emu_step()'s thread,
 * after the cause of the interrupt is visible. It must not call back into this SMMU, but may write
 * to an eventfd or a flag. Any thread; NULL disconnects. Edges are always counted.
 */
void emu_smmuv3_wire(struct emu *e, void (*pulse)(void *arg, enum emu_line line), void *arg);

/* ---- what the driver cannot see ------------------------------------------------------------- */

struct emu_smmuv3_stats {
	struct emu_stats core;
	uint64_t cmds, syncs, tlbis, cfgis;
	uint64_t cerrors;
	uint64_t ste_reads, cd_reads;
	uint64_t events, events_dropped;
	uint64_t guarded_writes;          /**< stores to registers that were guarded: dropped */
	uint64_t reserved_writes;         /**< words with RES0 bits stored: put back to zero */
	uint64_t atc_invs, atc_timeouts;  /**< ATC_INV commands; those without an answer in time */
	uint64_t msis;                    /**< interrupts sent as writes */
	uint64_t wired[EMU_LINES];        /**< edges on the wired outputs */
};
void emu_smmuv3_get_stats(const struct emu *e, struct emu_smmuv3_stats *st);

#endif
