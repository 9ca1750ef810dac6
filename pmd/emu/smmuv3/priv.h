/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The inside of the emulated SMMUv3, for its own source files: its state, and small helpers for
 * registers. All of it belongs to the thread that holds the step lock, unless a comment says
 * otherwise.
 */
#ifndef EMU_SMMUV3_PRIV_H
#define EMU_SMMUV3_PRIV_H

#include <stddef.h>

#include "../../smmuv3/smmuv3_hw.h"
#include "../core/tlb.h"
#include "emu_smmuv3.h"

/* The bits of CR0 that this SMMU implements, besides ATSCHK with ATS: no PRI, no VMID wildcards
 * (those bits are RES0). */
#define EMU_CR0_MASK (SMMU_CR0_SMMUEN | SMMU_CR0_EVENTQEN | SMMU_CR0_CMDQEN)

#define EMU_IRQ_CTRL_MASK (SMMU_IRQ_CTRL_GERROR_IRQEN | SMMU_IRQ_CTRL_EVENTQ_IRQEN)
#define EMU_GBPA_MASK                                                                              \
	(SMMU_GBPA_UPDATE | SMMU_GBPA_ABORT | SMMU_GBPA_INSTCFG | SMMU_GBPA_PRIVCFG |              \
	 SMMU_GBPA_SHCFG | SMMU_GBPA_ALLOCCFG | SMMU_GBPA_MTCFG | SMMU_GBPA_MEMATTR)

#define EMU_ID_REGS    0xfd0u /* ID_REGS, 12 words */
#define EMU_REG_LINES  11u    /* of 64 bytes, with registers that software writes */
#define EMU_CTL_PERIOD 64u   /* units between looks at the control registers, free-running */
#define EMU_NB_GUARDS  32u   /* room for the table in regs.c */
#define EMU_PEND       256u  /* invalidations in flight; power of two */

/* Hierarchical limits collected from table descriptors (Arm DDI 0487, D8.4). */
#define EMU_APT_NOUNPRIV 0x1u
#define EMU_APT_RO       0x2u
#define EMU_APT_UXN      0x4u
#define EMU_APT_PXN      0x8u

/* ---- configuration, decoded ------------------------------------------------------------------ */

/** The order matters: kinds that translate come after those that do not, stage 1 last. */
enum ste_kind { STE_ABORT, STE_BYPASS, STE_S2, STE_S1, STE_NESTED };

/** Stage 2, as words 1 to 3 of an STE describe it. */
struct emu_s2 {
	struct emu_tag tag; /**< the IPA space of its VMID */
	uint64_t ttb;
	uint8_t tsz;        /**< S2T0SZ */
	uint8_t gran;       /**< GRAN_*, of S2TG */
	uint8_t start;      /**< level at which the walk begins, of S2SL0 */
	uint8_t ps;         /**< effective S2PS, bits */
	bool affd, ptw, fwb;
	bool record;        /**< S2R */
};

struct emu_ste {
	_Alignas(64) uint32_t sid;
	bool cached;
	uint8_t fault;  /**< event that every access gets, or 0 */
	uint8_t kind;   /**< enum ste_kind */
	uint8_t priv;   /**< PRIVCFG: traffic counts as privileged */
	uint8_t inst;   /**< INSTCFG: reads count as instruction fetches */
	uint8_t eats;   /**< EATS; 0 without ATS */
	bool el2;       /**< StreamWorld, by STRW */
	uint16_t vmid;  /**< 0 where there are none */
	uint64_t cdptr; /**< an IPA under stage 2 */
	struct emu_s2 s2; /**< of STE_S2 and STE_NESTED */
};

struct emu_cd {
	_Alignas(64) uint32_t sid;
	bool cached;
	uint8_t fault;
	uint8_t tsz[2];   /**< T0SZ, T1SZ */
	uint8_t gran[2];  /**< GRAN_*, of TG0, TG1 */
	uint8_t start[2]; /**< level at which the walk begins */
	bool epd[2], tbi[2], had[2];
	bool affd, wxn, pan, abort, record;
	bool one;         /**< StreamWorld EL2 without E2H: one table, no ASID, no privileges */
	uint8_t ips;      /**< effective, bits */
	struct emu_tag tag; /**< ASID (0 where there are none), ASET, StreamWorld and VMID */
	uint64_t ttb[2];
};

struct emu_l1std {
	uint32_t idx;
	bool cached;
	uint64_t val;
};

/** What a walk found. */
struct emu_walk {
	struct emu_leaf leaf;
	uint64_t fetch; /**< of the descriptor that could not be read */
	uint8_t fault;  /**< event number, or 0 */
	bool s2;        /**< the fault is stage 2's */
	uint8_t cls;    /**< of a fault of stage 2: what was being translated */
	uint64_t ipa;   /**< the same: its address */
};

/** In emu_leaf.note, of stage 2: the memory is of a Device type. */
#define EMU_NOTE_DEVICE 1u

/*
 * Spaces of the caches (§3.17): VAs of NS-EL1 and IPAs of each VMID, VAs of EL2, which has none.
 * VMID 0, the only one without stage 2, and EL2 are the quick ones.
 */
#define EMU_SPACE_EL2   1u
#define EMU_SPACES(bits) (2u * (1u << (bits)) + 2) /* with VMIDs of so many bits */

static inline uint32_t
emu_space_va(uint16_t vmid)
{
	return 2u * vmid;
}

static inline uint32_t
emu_space_ipa(uint16_t vmid)
{
	return 2u * vmid + 3;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/** An invalidation that was consumed and has not taken effect. */
struct emu_pend {
	uint64_t due;
	uint64_t cmd[2];
	bool lost; /**< an ATC_INV without an answer; due is the end of its timeout */
};

struct emu_cmdq {
	uint32_t cons;       /**< index and wrap of the next command */
	uint32_t cons_pub;   /**< as last stored to CMDQ_CONS */
	uint32_t cons_reg;   /**< the same with ERR */
	uint32_t mask;       /**< 2 * entries - 1 */
	bool on;             /**< CMDQEN acknowledged and no CMDQ_ERR */
	bool err;
	bool sync_wait;      /**< the command at cons is a SYNC that has not completed */
	bool sync_timed;     /**< everything before it is done: sync_due is set */
	bool atc_failed;     /**< an ATC_INV timed out since the last SYNC */
	uint32_t pend_head, pend_tail;
	uint8_t *va;         /**< the whole queue, when all of it is memory */
	uint64_t sync_due;
	uint64_t held_until; /**< EMU_INJECT_CONS_HOLD; 0: no */
	uint64_t sync_cmd[2];
	uint64_t base;
	uint64_t sync_ticks, tlbi_ticks;
	struct emu_pend pend[EMU_PEND];
};

struct emu_evtq {
	bool on;
	uint32_t prod;       /**< with OVFLG */
	uint32_t cons;       /**< as last read */
	uint32_t mask;
	uint64_t base;
};

/** The place of the configuration in memory, and the caches of it. */
struct emu_config {
	struct emu_ste *ste;
	struct emu_cd *cd;
	uint32_t mask;
	struct emu_l1std *l1std;
	uint64_t strtab_base;
	uint8_t st_log2, st_split;
	bool st_2lvl;
	struct emu_ste ste_scratch; /**< holds an STE that is not cached */
	struct emu_cd cd_scratch;
	uint8_t cd_fault;           /**< why the last CD could not be fetched: event number */
};

/** Control registers. */
struct emu_ctl {
	uint32_t cr0ack, irqack, gerror, gbpa;
	uint32_t cr0_wait, irq_wait, gbpa_wait; /**< units until the acknowledgement, +1; 0: none */
	uint32_t gbpa_new;
	uint64_t guard_val[EMU_NB_GUARDS];
	bool guard_on[EMU_NB_GUARDS];
	void (*pulse)(void *arg, enum emu_line line); /**< the wired outputs, or NULL */
	void *pulse_arg;
};

/** The bits that are not RES0, by word, and the next line to look at; see res0.c. */
struct emu_res0 {
	uint32_t mask[EMU_REG_LINES][16];
	uint32_t line, reg_line;
};

/** A translation that was inserted while conf.tlbi_racy; see racy.c. */
struct emu_fill {
	struct emu_tag tag;
	struct emu_leaf leaf;
	uint64_t va;
	bool noted; /**< inserted with what only emu_tlb_insert_noted() keeps */
	bool open;  /**< not invalidated since */
	bool there; /**< was cached before the invalidation that is being executed */
};

#define EMU_FILLS 256u

struct emu_smmu {
	struct emu core;     /**< first: smmu_of() */

	/* hot: read in every unit or access */
	uint8_t *regs;
	uint32_t ctl_left;   /**< units until the control registers are looked at */
	bool smmuen;         /**< acknowledged */
	bool atschk;         /**< CR0.ATSCHK, acknowledged */
	bool recinvsid, e2h; /**< of CR2 */
	struct emu_cmdq cmdq;
	struct emu_tlb tlb;
	struct emu_config cfg;
	struct emu_evtq evtq;
	struct emu_smmuv3_stats st; /**< as those of the core, whose place in it is not used */

	/* cold */
	struct emu_ctl ctl;
	struct emu_res0 res0;
	struct emu_fill fill[EMU_FILLS]; /**< the latest */
	uint32_t fills;
	struct emu_smmuv3_conf conf;
};
_Static_assert(offsetof(struct emu_smmu, core) == 0, "one pointer for both");

/** The SMMU of a core. */
static inline struct emu_smmu *
smmu_of(struct emu *e)
{
	return (struct emu_smmu *)(void *)e;
}

/* ---- helpers --------------------------------------------------------------------------------- */

/** Pairs with the release of the driver's register stores. */
static inline uint32_t
emu_reg32(struct emu_smmu *e, uint32_t off)
{
	return atomic_load_explicit((_Atomic uint32_t *)(void *)(e->regs + off),
				    memory_order_acquire);
}

static inline uint64_t
emu_reg64(struct emu_smmu *e, uint32_t off)
{
	return atomic_load_explicit((_Atomic uint64_t *)(void *)(e->regs + off),
				    memory_order_acquire);
}

/** Release: a thread that reads the new value also sees what was written before it. */
static inline void
emu_set_reg32(struct emu_smmu *e, uint32_t off, uint32_t v)
{
	atomic_store_explicit((_Atomic uint32_t *)(void *)(e->regs + off), v,
			      memory_order_release);
}

static inline void
emu_set_reg64(struct emu_smmu *e, uint32_t off, uint64_t v)
{
	atomic_store_explicit((_Atomic uint64_t *)(void *)(e->regs + off), v,
			      memory_order_release);
}

/* reset.c */
/** Registers of an SMMU that was made just now, whose page is zero. */
void emu_regs_reset(struct emu_smmu *e);
/** EMU_INJECT_RESET: everything is as in the beginning. */
void emu_reset(struct emu_smmu *e);

/* regs.c */
/** The part of a reset that control registers have. */
void emu_ctl_reset(struct emu_smmu *e);
bool emu_regs_poll(struct emu_smmu *e);
void emu_gerror(struct emu_smmu *e, uint32_t bit);
bool emu_gerror_active(struct emu_smmu *e, uint32_t bit);
void emu_msi(struct emu_smmu *e, uint64_t addr, uint32_t data, uint32_t abt_bit);
/** An edge on a wired output, if there are any. */
void emu_pulse(struct emu_smmu *e, enum emu_line line);
/** Send an interrupt of IRQ_CTRL bit @p en with CFG0 register @p cfg0, by MSI and by wire. */
void emu_irq(struct emu_smmu *e, uint32_t en, uint32_t cfg0, uint32_t abt_bit);

/* res0.c */
void emu_res0_init(struct emu_smmu *e);
/** The bits that are not RES0 in the register of @p size bytes at @p off. */
uint64_t emu_res0_mask(const struct emu_smmu *e, uint32_t off, unsigned int size);
/** Look at the registers around @p off now. */
void emu_res0_now(struct emu_smmu *e, uint32_t off);
/** @return whether something was set back to zero. */
bool emu_res0_poll(struct emu_smmu *e);

/* cmdq.c */
void emu_cmdq_enable(struct emu_smmu *e);
void emu_cmdq_disable(struct emu_smmu *e);
bool emu_cmdq_work(struct emu_smmu *e);

/* cmd.c */
/** @return SMMU_CERROR_NONE or SMMU_CERROR_ILL. */
uint32_t emu_cmd_check(struct emu_smmu *e, const uint64_t cmd[2]);
void emu_cmd_invalidate(struct emu_smmu *e, const uint64_t cmd[2]);

/* racy.c */
/** Remember an insertion. */
void emu_racy_fill(struct emu_smmu *e, const struct emu_tag *tag, uint64_t va,
		   const struct emu_leaf *l, bool noted);
/** Around an invalidation: what it drops may come back. */
void emu_racy_before(struct emu_smmu *e);
void emu_racy_after(struct emu_smmu *e);

/* config.c */
int emu_config_init(struct emu_smmu *e);
void emu_config_fini(struct emu_smmu *e);
/** NULL: the fetch failed, the event was recorded. */
const struct emu_ste *emu_config_ste_miss(struct emu_smmu *e, const struct emu_req *r);
/** The same; cfg.cd_fault says why. */
const struct emu_cd *emu_config_cd_miss(struct emu_smmu *e, const struct emu_req *r,
					const struct emu_ste *ste);
void emu_config_inv_ste(struct emu_smmu *e, uint32_t sid, uint32_t mask, bool leaf);
void emu_config_inv_cd(struct emu_smmu *e, uint32_t sid);

/* walk.c */
/**
 * Stage 1.
 * @param s2 what the tables' addresses go through, or NULL.
 * @param fresh read the tables only, and cache nothing.
 * @param count count the reads for the workload.
 */
void emu_walk(struct emu_smmu *e, const struct emu_cd *cd, const struct emu_s2 *s2, uint64_t va,
	      bool fresh, bool count, struct emu_walk *w);

/* s2_walk.c */
/** Stage 2, of an IPA in range. */
void emu_s2_walk(struct emu_smmu *e, const struct emu_s2 *s2, uint64_t ipa, bool fresh, bool count,
		 struct emu_walk *w);

/* s2.c */
/** @return whether it is legal. */
bool emu_s2_decode(const struct emu_smmu *e, struct emu_s2 *s2, uint16_t vmid, const uint64_t w[4]);
/**
 * The leaf of an IPA, cached or by a walk; its permissions are the caller's to check.
 * @param cls for the fault. @return whether it was cached.
 */
bool emu_s2_leaf(struct emu_smmu *e, const struct emu_s2 *s2, uint64_t ipa, uint8_t cls, bool fresh,
		 bool count, struct emu_walk *w);
/** Translate the address of the SMMU's own read of @p ipa. @return false: a fault. */
bool emu_s2_fetch(struct emu_smmu *e, const struct emu_s2 *s2, uint64_t ipa, uint8_t cls,
		  bool fresh, bool count, struct emu_walk *w, uint64_t *pa);
/** Record a fault of stage 2, if S2R says so. */
void emu_s2_fault(struct emu_smmu *e, const struct emu_req *r, const struct emu_s2 *s2,
		  const struct emu_walk *w);
/**
 * Both stages of @p va, for accesses that need some of @p need. Without a fault, and with one that
 * is stage 2's lack of permission, the leaf is of both. @return whether that can be cached.
 */
bool emu_nested_walk(struct emu_smmu *e, const struct emu_ste *ste, const struct emu_cd *cd,
		     uint64_t va, uint8_t need, bool fresh, bool count, struct emu_walk *w);
/** Translate by all stages of the stream, from the tables alone. */
void emu_walk_fresh(struct emu_smmu *e, const struct emu_ste *ste, const struct emu_cd *cd,
		    uint64_t va, uint8_t need, struct emu_walk *w);

/* translate.c */
enum emu_access emu_translate(struct emu *core, struct emu_req *r);
/**
 * A probe hit the IOTLB: count it if the tables, read again, contradict.
 * @param cd NULL: there is no stage 1.
 */
void emu_check_stale_hit(struct emu_smmu *e, const struct emu_ste *ste, const struct emu_cd *cd,
			 uint64_t va, uint64_t pa, uint8_t need);

/* ats.c */
enum emu_treq emu_ats_request(struct emu *core, uint32_t sid, uint64_t iova, bool probe,
			      struct emu_treq_cpl *c);
bool emu_ats_translated(struct emu *core, uint32_t sid, uint64_t pa, bool write);
void emu_ats_check_stale(struct emu *core, uint32_t sid, uint64_t iova, uint64_t pa, bool write);
/** An ATC_INV takes effect. */
void emu_ats_invalidate(struct emu_smmu *e, const uint64_t cmd[2]);

/* event.c */
void emu_evtq_enable(struct emu_smmu *e);
void emu_evtq_disable(struct emu_smmu *e);
/** Record event @p id for @p r; @p cls and @p fetch where that event has them. */
void emu_event(struct emu_smmu *e, const struct emu_req *r, uint8_t id, uint32_t cls,
	       uint64_t fetch);
/** Record the fault of stage 2 that a walk ended in. */
void emu_event_s2(struct emu_smmu *e, const struct emu_req *r, const struct emu_walk *w);

#endif
