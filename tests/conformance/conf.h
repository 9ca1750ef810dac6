/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What cases are written with: the machine under test, devices that make DMA, tables made by
 * hand, commands, events, and checks. A check that fails ends the case at once (longjmp); what the
 * case took is given back by the runner, so cases free nothing.
 */
#ifndef CONF_H
#define CONF_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#include <sluice/raw.h>
#include <sluice/sluice.h>

#include "../../pmd/smmuv3/smmuv3_hw.h"
#include "conformance.h"

#define CONF_DEVS    3u
#define CONF_WORDS   64u   /* words of a device's own buffer that are used */
#define CONF_EVENTS  256u
#define CONF_MEMS    512u
#define CONF_DOMAINS 16u
#define CONF_ASID    0xf0u /* ASIDs from here on: far from those the driver hands out, and 8 bits */

#define CONF_DIM(a) (sizeof(a) / sizeof((a)[0]))

/* A device that makes DMA. */
struct conf_dev {
	struct sluice_device *dev;
	struct sluice_dma *dma;
	struct sluice_dma_info info;
	uint32_t sid;
	uint32_t word[CONF_WORDS]; /* what its own buffer holds */
	unsigned int turn;
	bool loaded;
};

/* What is under test, from its registers. */
struct conf_hw {
	uint32_t idr0, idr1, idr3, idr5, aidr;
	bool qemu;     /* QEMU's model, by its identification registers */
	bool qemu_s1;  /* … without stage 2: 7.2 */
	bool qemu_10;  /* … before 11: 7.2 and 10.x */
	bool emu;      /* the emulated SMMU of this project */
	bool tlb, cfg; /* it is known that translations, configurations stay cached */
	unsigned int oas, sid_bits;
};

struct conf_event {
	uint64_t w[4];
	struct sluice_fault f; /* as the driver understood it */
};

struct conf {
	struct conf_options opt;
	const char *args; /* of the case that the machine was opened for */
	char line[512];   /* conf_machine() */
	struct sluice_iommu *iommu;
	struct sluice_iommu_info info;
	struct sluice_engine *engine;
	struct conf_dev dev[CONF_DEVS];
	unsigned int nb_devs;
	struct conf_hw hw;
	uint64_t has; /* CONF_NEED_* that are met */

	/* the case that runs */
	jmp_buf out;
	struct conf_result *res;
	uint64_t rng;
	bool renew;  /* registers were changed: open anew afterwards */
	bool quiet;  /* errors in GERROR are the case's own */
	struct conf_event ev[CONF_EVENTS];
	unsigned int nb_ev;
	struct { void *va; size_t size; } mem[CONF_MEMS];
	unsigned int nb_mem;
	struct sluice_domain *dom[CONF_DOMAINS];
	unsigned int nb_dom;
	uint32_t *scratch; /* one page for the runner's own DMA */
	uint64_t scratch_pa;
};

/* ---- verdicts (run.c) ------------------------------------------------------------------------ */

void conf_fail(struct conf *c, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), noreturn));
void conf_skip(struct conf *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));
/** A remark that is printed beside the verdict. */
void conf_note(struct conf *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define CONF_CHECK(c, cond, ...)                                                                   \
	do {                                                                                       \
		if (!(cond))                                                                       \
			conf_fail(c, __FILE__, __LINE__, __VA_ARGS__);                             \
	} while (0)

/** Both as 64-bit numbers. */
#define CONF_EQ(c, got, want, what)                                                                \
	do {                                                                                       \
		uint64_t got_ = (uint64_t)(got), want_ = (uint64_t)(want);                         \
		CONF_CHECK(c, got_ == want_, "%s: %#" PRIx64 ", expected %#" PRIx64, what, got_,   \
			   want_);                                                                 \
	} while (0)

/** A control call that returns 0 or -errno. */
#define CONF_OK(c, call)                                                                           \
	do {                                                                                       \
		int rc_ = (call);                                                                  \
		CONF_CHECK(c, rc_ == 0, "%s returned %d: %s", #call, rc_, sluice_error());         \
	} while (0)

/**
 * What happened without an invalidation. Caching is allowed, not required: so it is demanded only
 * of models that are known to do it, and noted elsewhere.
 */
void conf_stale(struct conf *c, bool known, bool stale, const char *what);

uint32_t conf_random(struct conf *c);

/* ---- the machine (machine.c) ----------------------------------------------------------------- */

/** Memory for the rest of the case, zeroed. Never NULL. @param align 0: a cache line. */
void *conf_mem(struct conf *c, size_t size, size_t align, uint64_t *pa);

/** A domain for the rest of the case. @param policy NULL: strict. */
struct sluice_domain *conf_domain(struct conf *c, enum sluice_domain_type type, const char *policy);

/** A counter of the iommu by name. */
uint64_t conf_counter(struct conf *c, const char *name);

/** Milliseconds of a clock that only goes forward. */
uint64_t conf_ms(void);

/* internal */
int conf_machine_open(struct conf *c, const char *args);
void conf_machine_close(struct conf *c);
void conf_step(struct conf *c);

/* ---- registers, commands, entries (raw.c) ---------------------------------------------------- */

uint32_t conf_reg(struct conf *c, uint32_t off);
uint64_t conf_reg64(struct conf *c, uint32_t off);
/** Write, and let emulated hardware react. */
void conf_set_reg(struct conf *c, uint32_t off, uint32_t v);
void conf_set_reg64(struct conf *c, uint32_t off, uint64_t v);
/** Poll until the bits of @p mask are @p v, at most a second. @return whether they are. */
bool conf_poll(struct conf *c, uint32_t off, uint32_t mask, uint32_t v);
/** Write CR0 and wait for its acknowledgement. */
void conf_cr0(struct conf *c, uint32_t v);

/** One command and a SYNC. @return 0, -EIO when it was refused. */
int conf_cmd(struct conf *c, uint64_t w0, uint64_t w1);
/** … that must be accepted. */
void conf_cmd_ok(struct conf *c, uint64_t w0, uint64_t w1);
void conf_cfgi_ste(struct conf *c, unsigned int d);
void conf_tlbi_all(struct conf *c);

void conf_ste_abort(uint64_t w[8]);
void conf_ste_bypass(uint64_t w[8]);
void conf_ste_s1(uint64_t w[8], uint64_t cd_pa);
/** Store the STE of a device's stream; nothing is told. */
void conf_ste_store(struct conf *c, unsigned int d, const uint64_t w[8]);
/** Store it, CFGI_STE, SYNC. */
void conf_ste_set(struct conf *c, unsigned int d, const uint64_t w[8]);

/* ---- events (event.c) ------------------------------------------------------------------------ */

/** Drain the event queue into c->ev. @return how many are there now. */
unsigned int conf_events(struct conf *c);
/** There is none, and forget nothing. */
void conf_no_event(struct conf *c);
/** Exactly one, of which all bits but those of @p ignore are those of @p want. */
void conf_one_event(struct conf *c, const uint64_t want[4], const uint64_t ignore[4]);
/** The usual ones. All are checked in every bit that the architecture defines. */
void conf_config_event(struct conf *c, uint8_t id, unsigned int d);
void conf_fetch_event(struct conf *c, uint8_t id, unsigned int d, uint64_t addr);
/** @param read the access read. @param fetch for F_WALK_EABT. */
void conf_fault_event(struct conf *c, uint8_t id, unsigned int d, uint64_t iova, bool read,
		      uint64_t fetch);

/* ---- DMA (dma.c) ----------------------------------------------------------------------------- */

/**
 * The device writes 4 bytes to @p iova. Where do they land? @param place n words of host memory.
 * @return its index, or -1 when none of them changed.
 */
int conf_land(struct conf *c, unsigned int d, uint64_t iova, void *const place[], unsigned int n);
/** … in @p place or nowhere. @return whether it did. */
bool conf_write(struct conf *c, unsigned int d, uint64_t iova, void *place);
/** The device reads 4 bytes. @return whether it got what is at @p place. */
bool conf_read(struct conf *c, unsigned int d, uint64_t iova, void *place);
/** One transfer with the device's own buffer. @return its status. */
int conf_xfer(struct conf *c, unsigned int d, uint64_t iova, uint32_t len, bool to_host,
	      unsigned int word);
/** … in two halves. */
void conf_xfer_start(struct conf *c, unsigned int d, uint64_t iova, uint32_t len, bool to_host,
		     unsigned int word);
int conf_xfer_end(struct conf *c, unsigned int d);
/**
 * Have the device's own buffer hold words that tell where they come from (dev->word[]). Done by
 * conf_land() and conf_read(); before conf_xfer() cases ask for it.
 */
void conf_dma_load(struct conf *c, unsigned int d);

/* ---- address spaces by hand (space.c) -------------------------------------------------------- */

struct conf_space {
	unsigned int granule; /* log2: 12, 14, 16 */
	unsigned int bits;    /* input address bits, 64 - TxSZ */
	bool high;            /* TTB1 */
	uint16_t asid;
	uint64_t *root;
	uint64_t root_pa;
	uint64_t cd[8];       /* as it was made; change, then conf_space_cd() */
	uint64_t *cd_mem;
	uint64_t cd_pa;
};

/** Empty tables and a CD for them. */
void conf_space_make(struct conf *c, struct conf_space *s, unsigned int granule, unsigned int bits,
		     uint16_t asid);
/** Store s->cd to memory; nothing is told. */
void conf_space_cd(struct conf_space *s);
/** Size, log2, of what a descriptor of @p level covers; the first level of a walk. */
unsigned int conf_space_shift(const struct conf_space *s, unsigned int level);
unsigned int conf_space_start(const struct conf_space *s);
/** The descriptor for @p iova at @p level; tables above it are made. */
uint64_t *conf_space_desc(struct conf *c, struct conf_space *s, uint64_t iova, unsigned int level);
/** A page or block, by level, with the usual attributes. */
uint64_t conf_space_leaf(const struct conf_space *s, uint64_t pa, unsigned int level);
void conf_space_map(struct conf *c, struct conf_space *s, uint64_t iova, uint64_t pa,
		    unsigned int level);
/** Have a device's stream use it: STE, CFGI_STE, SYNC. */
void conf_space_attach(struct conf *c, struct conf_space *s, unsigned int d);
/** One mapped page at 4 KiB granule, 48 bits: where most cases begin. @return its memory. */
void *conf_space_page(struct conf *c, struct conf_space *s, uint64_t iova, uint16_t asid,
		      uint64_t *pa);
void conf_pte(uint64_t *desc, uint64_t v);

/* ---- stage 2 by hand (s2.c) ------------------------------------------------------------------ */

#define CONF_VMID 7u /* far from those of STEs that use none: 0 */

struct conf_s2 {
	unsigned int granule; /* log2: 12, 14, 16 */
	unsigned int bits;    /* input address bits, 64 - S2T0SZ */
	unsigned int start;   /* level of S2TTB; several tables side by side where it takes them */
	uint64_t *root;
	uint64_t root_pa;
	uint64_t w2;          /* word 2 of STEs that use it; change it before */
};

/** Empty tables. */
void conf_s2_make(struct conf *c, struct conf_s2 *s, unsigned int granule, unsigned int bits,
		  unsigned int start);
unsigned int conf_s2_shift(const struct conf_s2 *s, unsigned int level);
/** The descriptor for @p ipa at @p level; tables above it are made. */
uint64_t *conf_s2_desc(struct conf *c, struct conf_s2 *s, uint64_t ipa, unsigned int level);
/** A page or block: write-back, read and write, inner shareable, AF. */
uint64_t conf_s2_leaf(const struct conf_s2 *s, uint64_t pa, unsigned int level);
void conf_s2_map(struct conf *c, struct conf_s2 *s, uint64_t ipa, uint64_t pa, unsigned int level);
/** All memory that the case has taken so far to itself, what is mapped already apart. */
void conf_s2_identity(struct conf *c, struct conf_s2 *s);
/** Make an STE use it: @p config SMMU_STE_CONFIG_S2 or _NESTED. */
void conf_s2_ste(const struct conf_s2 *s, uint64_t w[8], uint64_t config);
/** Have a device's stream use it alone, or below stage 1: STE, CFGI_STE, SYNC. */
void conf_s2_attach(struct conf *c, const struct conf_s2 *s, unsigned int d);
void conf_s2_nest(struct conf *c, const struct conf_s2 *s, const struct conf_space *s1,
		  unsigned int d);
/** TLBI_S12_VMALL of its VMID. */
void conf_s2_tlbi(struct conf *c, const struct conf_s2 *s);
/** @p op with VMID @p vmid. */
uint64_t conf_s2_cmd(uint64_t op, uint64_t vmid);
/**
 * Exactly one event, of a fault of stage 2. @param cls SMMU_EVT_CLASS_*. @param ipa what was being
 * translated; for F_WALK_EABT the address of the descriptor.
 */
void conf_s2_event(struct conf *c, uint8_t id, unsigned int d, uint64_t iova, bool read,
		   uint64_t cls, uint64_t ipa);

/* ---- groups ---------------------------------------------------------------------------------- */

struct conf_group {
	const struct conf_case *cases;
	unsigned int n;
};

#define CONF_GROUP(id) const struct conf_group conf_group_##id = { cases, CONF_DIM(cases) }

extern const struct conf_group conf_group_api, conf_group_ats, conf_group_cd, conf_group_cfgi,
	conf_group_cmdq, conf_group_policy, conf_group_evtq, conf_group_fault, conf_group_format, conf_group_hitless, conf_group_ident, conf_group_reset,
	conf_group_nested, conf_group_s2walk, conf_group_stage2, conf_group_ste, conf_group_strtab, conf_group_tlbi, conf_group_walk;

#endif
