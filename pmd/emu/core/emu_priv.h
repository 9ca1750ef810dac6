/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the emulated SMMUv3's own source files share: its state, and small helpers for shared
 * memory and counters. Everything here belongs to the thread that holds the step lock, except
 * where it says otherwise.
 */
#ifndef EMU_PRIV_H
#define EMU_PRIV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_cycles.h>

#include "../../smmuv3/smmuv3_hw.h"
#include "emu.h"

/* What this SMMU implements of CR0, besides ATSCHK when it has ATS: no PRI, no VMID wildcards
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
#define EMU_ASIDS      65536u
#define EMU_WORLDS     2u    /* EL1; EL2, with or without E2H */

/* ---- translation caches ---------------------------------------------------------------------- */

/*
 * A granule is GRAN_4K, _16K or _64K: pages of 4 KiB << 2 * granule, tables of as many bytes.
 *
 * A key says everything that has to match, so that a lookup is one comparison a way:
 * VA[47:12] with the bits below the leaf clear, ASID (0 when global), level, which half (VA[55]),
 * global and then its ASET, granule, StreamWorld, valid.
 */
#define GRAN_4K  0u
#define GRAN_16K 1u
#define GRAN_64K 2u
#define GRANS    3u
#define GRAN_PAGE_SHIFT(g) (12u + 2u * (g))
#define GRAN_IDX_BITS(g)   (9u + 2u * (g))
/** Bits of an address below a descriptor of @p level: 12 to 39, 14 to 47, 16 to 55. */
#define GRAN_SHIFT(g, level) (GRAN_PAGE_SHIFT(g) + (3u - (level)) * GRAN_IDX_BITS(g))

#define TLB_KEY_ASID(asid) ((uint64_t)(asid) << 36)
#define TLB_KEY_LEVEL(lvl) ((uint64_t)(lvl) << 52)
#define TLB_KEY_HI         SMMU_BIT(54)
#define TLB_KEY_GLOBAL     SMMU_BIT(55)
#define TLB_KEY_ASET       SMMU_BIT(56)
#define TLB_KEY_GRAN(g)    ((uint64_t)(g) << 57)
#define TLB_KEY_EL2        SMMU_BIT(59) /* StreamWorld: EL2 or EL2-E2H; else EL1 */
#define TLB_KEY_VALID      SMMU_BIT(63)
#define TLB_VPN            SMMU_FIELD(35, 0)

#define TLB_WAYS 4u

/** One set, two cache lines; what a hit compares is in the first. */
struct tlb_set {
	uint64_t key[TLB_WAYS];
	uint64_t val[TLB_WAYS];   /**< physical address [51:12] | EMU_PERM_* */
	uint64_t epoch[TLB_WAYS]; /**< of the insertion; older than an invalidation: dead */
	uint64_t rsvd[TLB_WAYS];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct tlb_set) == 128, "two cache lines");

/** A cached table descriptor of level 0..2: where the next level's table is. */
struct wc_entry {
	uint64_t key;
	uint64_t epoch;
	uint64_t next; /**< table address [47:12] | EMU_APT_* of all tables on the way */
};

/* Who may do what: unprivileged and privileged read, write, execute. */
#define EMU_PERM_UR 0x01u
#define EMU_PERM_UW 0x02u
#define EMU_PERM_UX 0x04u
#define EMU_PERM_PR 0x08u
#define EMU_PERM_PW 0x10u
#define EMU_PERM_PX 0x20u

/* Hierarchical limits collected from table descriptors (Arm DDI 0487, D8.4). */
#define EMU_APT_NOUNPRIV 0x1u
#define EMU_APT_RO       0x2u
#define EMU_APT_UXN      0x4u
#define EMU_APT_PXN      0x8u

/* ---- configuration, decoded ------------------------------------------------------------------ */

enum ste_kind { STE_ABORT, STE_BYPASS, STE_S1 };

struct emu_ste {
	uint32_t sid;
	bool cached;
	uint8_t fault;  /**< event that every access gets, or 0 */
	uint8_t kind;   /**< enum ste_kind */
	uint8_t priv;   /**< PRIVCFG: traffic counts as privileged */
	uint8_t inst;   /**< INSTCFG: reads count as instruction fetches */
	uint8_t eats;   /**< EATS; 0 without ATS */
	bool el2;       /**< StreamWorld, by STRW */
	uint64_t cdptr;
};

struct emu_cd {
	uint32_t sid;
	bool cached;
	uint8_t fault;
	uint8_t tsz[2];   /**< T0SZ, T1SZ */
	uint8_t gran[2];  /**< GRAN_*, of TG0, TG1 */
	uint8_t start[2]; /**< level at which the walk begins */
	bool epd[2], tbi[2], had[2];
	bool affd, wxn, pan, aset, abort, record;
	bool one;         /**< StreamWorld EL2 without E2H: one table, no ASID, no privileges */
	uint8_t ips;      /**< effective, bits */
	uint16_t asid;    /**< 0 where there are none */
	uint64_t world;   /**< TLB_KEY_EL2 or 0 */
	uint64_t ttb[2];
};

struct emu_l1std {
	uint32_t idx;
	bool cached;
	uint64_t val;
};

/* ---- one access ------------------------------------------------------------------------------ */

/** A transaction on its way through the SMMU. */
struct emu_req {
	uint64_t iova;
	uint32_t sid;
	bool write;
	bool probe;
	bool pnu, ind; /**< after the STE's overrides */
	bool quiet;    /**< of ATS: configuration errors are not recorded (CR2.REC_CFG_ATS is 0) */
};

/** What a walk found. */
struct emu_walk {
	uint64_t pa;    /**< of the leaf's first byte */
	uint64_t fetch; /**< of the descriptor that could not be read */
	uint8_t gran;
	uint8_t level;
	uint8_t shift;  /**< offset bits of the leaf */
	uint8_t perm;
	uint8_t fault;  /**< event number, or 0 */
	bool global;
};

/* ---- the whole ------------------------------------------------------------------------------- */

/** An invalidation that was consumed and has not taken effect. */
struct emu_pend {
	uint64_t due;
	uint64_t cmd[2];
	bool lost; /**< an ATC_INV that will not be answered: due is when that is found out */
};

/** How a Translation Request ended (§3.9.1.2). */
enum emu_treq {
	EMU_TREQ_SUCCESS,
	EMU_TREQ_UR, /**< Unsupported Request: no ATS here */
	EMU_TREQ_CA, /**< Completer Abort */
};

/** What a Success carries. */
struct emu_treq_cpl {
	uint64_t pa;        /**< of the first byte */
	unsigned int shift; /**< log2 of the bytes it is good for */
	bool r, w;
};

/** An endpoint, as far as ATS is concerned. Belongs to whoever holds the step lock. */
struct emu_ep {
	TAILQ_ENTRY(emu_ep) next;
	TAILQ_HEAD(, emu_atc) atcs;
	uint32_t sid;
	uint32_t late_ns; /**< it answers an invalidation after so long */
	bool on;          /**< ATS Control, Enable */
	bool dead;        /**< see EMU_INJECT_ATC_DEAD */
};

struct emu_smmu {
	/* hot: looked at in every unit */
	uint8_t *regs;
	uint32_t cons;       /**< CMDQ: index and wrap of the next command */
	uint32_t cons_pub;   /**< as last stored to CMDQ_CONS */
	uint32_t cons_reg;   /**< the same with ERR */
	uint32_t cmdq_mask;  /**< 2 * entries - 1 */
	bool cmdq_on;        /**< CMDQEN acknowledged and no CMDQ_ERR */
	bool cmdq_err;
	bool sync_wait;      /**< the command at cons is a SYNC that has not completed */
	bool sync_timed;     /**< everything before it is done: sync_due is set */
	bool smmuen;         /**< acknowledged */
	bool step_mode;
	bool atschk;         /**< CR0.ATSCHK, acknowledged */
	bool atc_failed;     /**< an ATC_INV timed out since the last SYNC */
	uint32_t ctl_left;   /**< units until the control registers are looked at */
	uint32_t pend_head, pend_tail;
	uint8_t *cmdq_va;    /**< the whole queue, when all of it is memory */
	TAILQ_HEAD(, emu_master) masters;
	TAILQ_HEAD(, emu_ep) eps;
	struct sluice_mem_span mem;
	uint64_t epoch;      /**< counts invalidations of an ASID or of everything */
	uint64_t all_inv[EMU_WORLDS]; /**< epoch of the last invalidation of a whole world */
	uint64_t *asid_inv;  /**< the same for each ASID: EL1's, then EL2's */
	struct tlb_set *tlb;
	uint32_t tlb_mask, tlb_rr;
	uint8_t tlb_levels[GRANS]; /**< bit n: leaves of level n may be cached */
	bool tlb_global;     /**< global leaves may be cached */
	bool tlb_world[EMU_WORLDS]; /**< leaves or tables of that world may be cached */
	struct emu_ste *ste;
	struct emu_cd *cd;
	uint32_t cfg_mask;
	uint64_t watch_pa, watch_len;
	const uint8_t *watch_owned;
	struct emu_stats st; /**< one writer, any reader: relaxed atomics */

	/* warm */
	uint64_t sync_due;
	uint64_t sync_cmd[2];
	uint64_t cmdq_base;
	uint64_t sync_ticks, tlbi_ticks;
	struct wc_entry *wc;
	uint32_t wc_mask;
	uint8_t wc_grans;    /**< bit n: tables of granule n may be cached; 4K: not kept */
	struct emu_l1std *l1std;
	struct emu_ste ste_scratch; /**< what is not cached */
	struct emu_cd cd_scratch;
	bool evtq_on;
	uint32_t evtq_prod;  /**< with OVFLG */
	uint32_t evtq_cons;  /**< as last read */
	uint32_t evtq_mask;
	uint64_t evtq_base;
	uint64_t strtab_base;
	uint8_t st_log2, st_split;
	bool st_2lvl, recinvsid, e2h;
	uint64_t rng;
	struct emu_pend pend[EMU_PEND];

	/* cold: control registers */
	struct emu_conf conf;
	uint64_t clock_hz;
	uint32_t cr0ack, irqack, gerror, gbpa;
	uint32_t cr0_wait, irq_wait, gbpa_wait; /**< units until the acknowledgement, +1; 0: none */
	uint32_t gbpa_new;
	uint64_t guard_val[EMU_NB_GUARDS];
	bool guard_on[EMU_NB_GUARDS];
	uint32_t reg_mask[EMU_REG_LINES][16]; /**< what is not RES0, by word; see res0.c */
	uint32_t res0_line, res0_reg_line;    /**< to be looked at next */
	void (*pulse)(void *arg, enum emu_line line); /**< the wired outputs, or NULL */
	void *pulse_arg;

	/* written by other threads */
	_Alignas(64) _Atomic uint32_t lock; /**< held by emu_step() and by its changers */
	_Atomic uint32_t want;              /**< how many others want the lock: emu_step() yields */
	_Atomic uint64_t inj_ill;           /**< TLBIs until one is illegal; 0: none */
	_Atomic bool inj_abt, inj_sync_hang, inj_evtq_abt, inj_ack_hang;
	_Alignas(64) _Atomic uint64_t vclock; /**< virtual nanoseconds; emu_step() writes it */
};

/* ---- helpers --------------------------------------------------------------------------------- */

/* Shared memory: structures and descriptors are naturally aligned 64-bit words that the driver
 * may rewrite at any moment, so each is one relaxed load; what orders them is PROD's acquire. */
static inline uint64_t
emu_ld64(void *p)
{
	return atomic_load_explicit((_Atomic uint64_t *)p, memory_order_relaxed);
}

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

/** Release: whoever reads the new value also sees what was written before it. */
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

/** Add to a counter that one thread writes and any thread reads. */
static inline void
emu_count(uint64_t *c, uint64_t n)
{
	_Atomic uint64_t *a = (_Atomic uint64_t *)(void *)c;

	atomic_store_explicit(a, atomic_load_explicit(a, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline uint64_t
emu_now(struct emu_smmu *e)
{
	return e->step_mode ? atomic_load_explicit(&e->vclock, memory_order_relaxed) : rte_rdtsc();
}

/** xorshift64*: the seeded source of every choice. */
static inline uint32_t
emu_random(struct emu_smmu *e)
{
	e->rng ^= e->rng >> 12;
	e->rng ^= e->rng << 25;
	e->rng ^= e->rng >> 27;
	return (uint32_t)((e->rng * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

/** The memory of [pa, pa + len), NULL where nothing answers. */
static inline void *
emu_pa(const struct emu_smmu *e, uint64_t pa, uint64_t len)
{
	return sluice_span_va(&e->mem, pa, len);
}

/* emu.c: hold off emu_step() */
void emu_lock(struct emu_smmu *e);
void emu_unlock(struct emu_smmu *e);

/* regs.c */
void emu_regs_reset(struct emu_smmu *e);
bool emu_regs_poll(struct emu_smmu *e);
void emu_gerror(struct emu_smmu *e, uint32_t bit);
bool emu_gerror_active(struct emu_smmu *e, uint32_t bit);
void emu_msi(struct emu_smmu *e, uint64_t addr, uint32_t data, uint32_t abt_bit);
/** An edge on a wired output, if there are any. */
void emu_pulse(struct emu_smmu *e, enum emu_line line);
/** Send an interrupt of IRQ_CTRL bit @p en, whose CFG0 register is @p cfg0, by all there is. */
void emu_irq(struct emu_smmu *e, uint32_t en, uint32_t cfg0, uint32_t abt_bit);

/* res0.c */
void emu_res0_init(struct emu_smmu *e);
/** What is not RES0 in the register of @p size bytes at @p off. */
uint64_t emu_res0_mask(const struct emu_smmu *e, uint32_t off, unsigned int size);
/** Look at the registers around @p off now. */
void emu_res0_now(struct emu_smmu *e, uint32_t off);
/** @return whether something was put back to zero. */
bool emu_res0_poll(struct emu_smmu *e);

/* cmdq.c */
void emu_cmdq_enable(struct emu_smmu *e);
void emu_cmdq_disable(struct emu_smmu *e);
bool emu_cmdq_work(struct emu_smmu *e);

/* cmd.c */
/** @return SMMU_CERROR_NONE or SMMU_CERROR_ILL. */
uint32_t emu_cmd_check(struct emu_smmu *e, const uint64_t cmd[2]);
void emu_cmd_invalidate(struct emu_smmu *e, const uint64_t cmd[2]);

/* config.c */
int emu_config_init(struct emu_smmu *e);
void emu_config_fini(struct emu_smmu *e);
/** NULL: the fetch failed, the event was recorded. */
const struct emu_ste *emu_config_ste_miss(struct emu_smmu *e, const struct emu_req *r);
const struct emu_cd *emu_config_cd_miss(struct emu_smmu *e, const struct emu_req *r,
					const struct emu_ste *ste);
void emu_config_inv_ste(struct emu_smmu *e, uint32_t sid, uint32_t mask, bool leaf);
void emu_config_inv_cd(struct emu_smmu *e, uint32_t sid);

/* walk.c */
void emu_walk(struct emu_smmu *e, const struct emu_cd *cd, uint64_t va, bool fresh, bool count,
	      struct emu_walk *w);

/* tlb.c */
int emu_tlb_init(struct emu_smmu *e);
void emu_tlb_fini(struct emu_smmu *e);
void emu_tlb_insert(struct emu_smmu *e, const struct emu_cd *cd, uint64_t va,
		    const struct emu_walk *w);
/** @param world 0: EL1, 1: EL2. */
void emu_tlb_inv_all(struct emu_smmu *e, unsigned int world);
void emu_tlb_inv_asid(struct emu_smmu *e, uint16_t asid, unsigned int world);

#define EMU_ANY_ASID   0x10000u
#define EMU_GRANS_ALL  ((1u << GRANS) - 1)
#define EMU_TTL(level) ((unsigned int)(level) << GRANS)
#define EMU_TTL_OF(what) ((what) >> GRANS & 3)
#define EMU_IN_EL2     (1u << (GRANS + 2))

/**
 * Drop leaves (or tables) that cover some of @p n units of 4 KiB from @p va.
 * @param asid globals and those of this ASID, or EMU_ANY_ASID.
 * @param what bit g: what came from tables of granule g; | EMU_TTL(level): only leaves of that
 *   level; | EMU_IN_EL2: of EL2's world, not EL1's. Scalars, because this is on the path of every
 *   command.
 */
void emu_tlb_inv_va(struct emu_smmu *e, uint64_t va, uint64_t n, uint32_t asid, unsigned int what);
void emu_wc_inv(struct emu_smmu *e, uint64_t va, uint64_t n, uint32_t asid, unsigned int what);

/* ats.c */
enum emu_treq emu_ats_request(struct emu_smmu *e, uint32_t sid, uint64_t iova, bool probe,
			      struct emu_treq_cpl *c);
/** A Translated transaction: may it go to that physical address? Records what says no. */
bool emu_ats_translated(struct emu_smmu *e, uint32_t sid, uint64_t pa, bool write);
/** An ATC's answer to a probe: count it when the tables, read afresh, contradict. */
void emu_ats_check_stale(struct emu_smmu *e, uint32_t sid, uint64_t iova, uint64_t pa, bool write);

/* atc.c */
void emu_atc_fini(struct emu_smmu *e);
void emu_atc_inject(struct emu_smmu *e, enum emu_inject what, uint64_t arg);
void emu_atc_inv(struct emu_smmu *e, const uint64_t cmd[2]);
/** How long the endpoint takes to answer an invalidation, ns. @param lost it will not at all. */
uint64_t emu_atc_answers(const struct emu_smmu *e, uint32_t sid, bool *lost);

/* access.c */
/** A probe that hit: count it when the tables, read afresh, contradict. */
void emu_check_stale_hit(struct emu_smmu *e, const struct emu_cd *cd, uint64_t va, uint64_t pa,
			 uint8_t need);
/** Read 8 bytes that others may be writing. */
uint64_t emu_peek(void *host);

/* event.c */
void emu_evtq_enable(struct emu_smmu *e);
void emu_evtq_disable(struct emu_smmu *e);
/** Record event @p id for @p r; @p cls and @p fetch where that event has them. */
void emu_event(struct emu_smmu *e, const struct emu_req *r, uint8_t id, uint32_t cls,
	       uint64_t fetch);

/** Log2 of how many units of 4 KiB a leaf, or what a table of the next level maps, has. */
static inline unsigned int
emu_level_shift(unsigned int gran, unsigned int level)
{
	return GRAN_SHIFT(gran, level) - 12;
}

/**
 * Position of a leaf or table of @p level in a cache with @p mask + 1 places. @p shift is its
 * emu_level_shift().
 */
static inline uint32_t
emu_cache_index(uint64_t vpn, uint16_t asid, unsigned int level, unsigned int shift, uint32_t mask)
{
	return (uint32_t)((vpn >> shift) + asid * 0x9e5u + (3 - level) * 0x155u) & mask;
}

/** @return whether an entry of that epoch survived. */
static inline bool
emu_cache_alive(const struct emu_smmu *e, uint64_t key, uint64_t epoch)
{
	unsigned int world = (key >> 59) & 1;

	if (epoch < e->all_inv[world])
		return false;
	return (key & TLB_KEY_GLOBAL) ||
	       epoch >= e->asid_inv[((key >> 36) & 0xffff) + world * EMU_ASIDS];
}

#endif
