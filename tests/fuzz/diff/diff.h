/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the files of sluice-diff share: a case (address spaces and operations), the memory that all
 * parties see, the reference model's answers, and the two implementations under comparison.
 */
#ifndef DIFF_H
#define DIFF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <sluice/sluice.h>

#include "../../../pmd/smmuv3/smmuv3_hw.h"

/* ---- memory: one arena, at the same physical address for everybody --------------------------- */

#define ARENA_PA   UINT64_C(0x41000000)
#define ARENA_LEN  UINT64_C(0x1000000)
#define CD_OFF     UINT64_C(0)         /* context descriptors, 64 bytes each */
#define CD_SLOTS   16u
#define DATA_OFF   UINT64_C(0x10000)   /* what DMA is about; frames of 64 KiB */
#define DATA_PAGES 384u                /* of 4 KiB */
#define DATA_LEN   (DATA_PAGES * UINT64_C(4096))
#define TAB_OFF    UINT64_C(0x200000)  /* tables, 64 KiB apart whatever their size */
#define TAB_SLOTS  200u
#define TAB_SIZE   UINT64_C(0x10000)
#define OUT_OFF    UINT64_C(0xf00000)  /* where devices' buffers are copied to, a page each */
#define NOTHING_PA UINT64_C(0x48000000) /* from here on nothing answers, in none of them */
#define HOLE_PA    UINT64_C(0x200000000) /* where tables are put that are not to be found */

/* ---- a case ---------------------------------------------------------------------------------- */

#define DEVS_MAX  24u
#define SPACES    4u  /* … of stage 1 */
#define S2SPACES  2u  /* … of stage 2: numbers SPACES and up */
#define ALLSPACES (SPACES + S2SPACES)
#define S2_TABLES 4u  /* table slots for the start tables of one of those, side by side */
#define OPS_MAX   600u
#define GRANS     3u  /* 4, 16, 64 KiB */
#define XFER_MAX  64u /* bytes of one transfer, and its place in the device's buffer */
#define XFERS_MAX 31u /* of each direction and device in a case */

static inline unsigned int
gran_page(unsigned int g)
{
	return 12 + 2 * g;
}

/** Bits of an address below a descriptor of @p level (IHI 0070 §3.4; DDI 0487 D8). */
static inline unsigned int
gran_shift(unsigned int g, unsigned int level)
{
	return gran_page(g) + (3 - level) * (9 + 2 * g);
}

/** An address space: root table in table slot root_slot(), used as TTB0 or TTB1, or S2TTB. */
struct space {
	uint8_t gran, tsz;
	bool high; /**< the upper half: TTB1 */
	bool s2;   /**< of stage 2, from level @c start */
	uint8_t start;
};

static inline unsigned int
root_slot(unsigned int space)
{
	return space < SPACES ? space : SPACES + (space - SPACES) * S2_TABLES;
}

/** First level of its walk (DDI 0487 D8.2). */
static inline unsigned int
space_start(const struct space *s)
{
	unsigned int bits = 9 + 2u * s->gran;

	return s->s2 ? s->start : 4 - (64u - s->tsz - gran_page(s->gran) + bits - 1) / bits;
}

/** Do its start tables fit into the slots that are kept for them, is its geometry legal (§5.2)? */
static inline bool
s2_space_fits(const struct space *s)
{
	unsigned int shift = gran_shift(s->gran, s->start), bits = 64u - s->tsz;

	return s->tsz >= 20 && s->tsz <= 39 && !(s->gran != 0 && s->start == 0) &&
	       !(s->gran == 0 && s->start == 3) && bits > shift &&
	       bits <= shift + 13 + 2 * s->gran && bits - shift + 3 <= 18;
}

enum op_kind {
	OP_STE,    /* dev: x, y, z = words 0 to 2 (the pointer relative to the arena); t0 = table
		    * slot of S2TTB, -1 none, -2 hole */
	OP_CD,     /* slot: x = word 0, t0, t1 = table slots of TTB0, TTB1, -1 none, -2 hole */
	OP_L1,     /* how: 0 as the driver has it, 1 empty, 2 into the hole */
	OP_MAP,    /* space, level, page, x = address, y = attributes */
	OP_DESC,   /* space, level, x = address, y = descriptor */
	OP_RELINK, /* space, level, page, x = address, y: a new copy of the table below level */
	OP_CMD,    /* x, y */
	OP_DMA,    /* dev, write, x = address, len */
	OP_IDENT,  /* space, level, y = attributes: what is not mapped of the arena is itself */
	OP_KINDS,
};

struct op {
	uint8_t kind;
	uint8_t dev;   /* OP_CD: slot; OP_L1: how */
	uint8_t space;
	uint8_t level;
	int16_t t0, t1;
	uint16_t page;
	uint8_t len;
	bool write;
	uint64_t x, y, z;
};

struct diff_case {
	uint64_t seed;
	unsigned int devs;
	char emu[200];             /**< further keys of the emulated SMMU */
	struct space space[ALLSPACES];
	bool s2;                   /**< it uses stage 2 */
	unsigned int nb_ops;
	struct op op[OPS_MAX];
};

/* op.c: cases as text */
void op_print(FILE *f, const struct diff_case *c, const struct op *o);
void case_print(FILE *f, const struct diff_case *c);
/** @return 0, or -1 with a line on stderr. */
int case_read(const char *path, struct diff_case *c);

/* gen.c */
struct gen_conf {
	unsigned int devs, ops;
	unsigned int qemu; /**< leave out what QEMU of this version does differently; 0: nothing */
	bool s2;           /**< all sides have both stages */
};
void case_generate(struct diff_case *c, uint64_t seed, const struct gen_conf *g);

/* ---- the world: what every party's memory is meant to be ------------------------------------- */

#define STE_WORDS 4u

struct side;

struct world {
	uint8_t *mem;               /**< the arena as it should be, but for what DMA wrote */
	uint64_t ste[DEVS_MAX][STE_WORDS];
	unsigned int l1;            /**< OP_L1's how */
	unsigned int tabs;          /**< table slots in use */
	uint32_t salt;              /**< tells data of this case from the last one's */
	const struct diff_case *c;
	struct side *side[2];
	unsigned int nb_sides;
	bool s2p;                   /**< IDR0.S2P, of all sides alike */
};

static inline uint32_t
dev_stream(unsigned int dev)
{
	return (dev + 1) << 3;
}

/** What word @p w of data page @p page holds at first. Never what a device writes. */
static inline uint32_t
data_tag(const struct world *w, unsigned int page, unsigned int word)
{
	return 0x80000000u | (w->salt & 0xfff) << 19 | page << 10 | word;
}

/** What a device has at @p word of its buffer, to be written. */
static inline uint32_t
own_tag(unsigned int dev, unsigned int word)
{
	return 0x40000000u | dev << 12 | word;
}

static inline uint64_t *
world_mem(const struct world *w, uint64_t pa)
{
	return pa - ARENA_PA < ARENA_LEN ? (uint64_t *)(void *)(w->mem + (pa - ARENA_PA)) : NULL;
}

int world_reset(struct world *w, const struct diff_case *c);
/** Carry out an operation that changes memory. @return 0; 1 it does not apply; -1 a side failed. */
int world_apply(struct world *w, const struct op *o);

/* ---- the reference model: what the architecture allows --------------------------------------- */

enum { END_OK, END_FAULT, END_ABORT };

/** One way in which an access may end. */
struct outcome {
	uint8_t end;
	bool event;
	bool bypass;    /**< by an STE that translates nothing */
	bool s2_only;   /**< by one of stage 2 alone */
	bool lost;      /**< by a deviation: the record may be missing */
	uint64_t pa;    /**< END_OK */
	uint64_t ev[4];
	uint64_t evmask[4]; /**< what the architecture says of the record; the rest is UNKNOWN */
};
#define OUTCOMES_MAX 64u

struct model;

struct model *model_create(const struct world *w);
void model_destroy(struct model *m);
/** A case begins: nothing is cached, @p c tells which addresses will be used. */
void model_reset(struct model *m, const struct diff_case *c);
/** Memory changed: whatever can be reached now can be cached from now on. */
void model_changed(struct model *m);
/** A command was executed, and a SYNC: what it names is not cached any more. */
void model_cmd(struct model *m, uint64_t w0, uint64_t w1);
/** @return how many ways there are; 0: too many to tell. */
unsigned int model_access(struct model *m, const struct op *o, struct outcome *out);

/** Is this command legal (§4.4.1.1)? @param s2p IDR0.S2P */
bool model_legal(uint64_t w0, uint64_t w1, bool s2p);

/* ---- the implementations --------------------------------------------------------------------- */

/** What a transfer came to. */
struct seen {
	bool landed;       /**< the bytes arrived at, or came from, data page @c page */
	uint16_t page;
	int32_t status;    /**< as the device tells it, when it does */
	unsigned int nb_events;
	uint64_t ev[4][4]; /**< of its stream, in this round; the first few */
	uint32_t value;    /**< a read's first word */
};

struct side {
	const char *name;
	bool qemu;
	bool tells;        /**< devices report faults */
	bool s2p;          /**< IDR0.S2P and S1P */
	unsigned int version; /**< of QEMU: major * 100 + minor */
	struct sluice_iommu *iommu;
	unsigned int devs;
	struct sluice_device *dev[DEVS_MAX];
	struct sluice_dma *dma[DEVS_MAX];
	uint8_t *arena;
	uint8_t *data;     /**< data pages as they should be here */
	uint64_t l1;       /**< the driver's level-1 descriptor */
	uint64_t transfers, events;
};

/** @return 0; 77 when @p args cannot be had on this machine; -1. Lines on stderr. */
int side_open(struct side *s, const char *name, const char *args, unsigned int devs);
void side_close(struct side *s);
int side_reset(struct side *s, const struct world *w);
int side_l1(struct side *s, unsigned int how);
int side_ste(struct side *s, unsigned int dev, const uint64_t w[STE_WORDS]);
void side_poke(struct side *s, uint64_t off, const void *p, size_t len);
/** @return 0 or the -errno of the call. */
int side_cmd(struct side *s, uint64_t w0, uint64_t w1);

/** A transfer on its way. */
struct xfer {
	const struct op *op;
	unsigned int slot; /**< place in the device's buffer, in XFER_MAX */
	struct seen seen[2];
};
/** Do all of them, one a device at most, at the same time. @return 0, or -1 with a line. */
int side_round(struct side *s, unsigned int which, struct xfer *x, unsigned int n);
/** Bring home what devices have read. @param buf devs * 4096 bytes. */
int side_collect(struct side *s, uint8_t *buf);

/* ---- deviations ------------------------------------------------------------------------------ */

/** Take out of @p o what this side is known to do otherwise; see --list-deviations. */
void deviate(const struct side *s, struct outcome *o);
void deviations_print(FILE *f);

/* ---- running and shrinking ------------------------------------------------------------------- */

/** What was found. */
struct verdict {
	bool bad;
	unsigned int op;    /**< index of the operation that showed it */
	unsigned int side;
	bool open_ended;    /**< more than one answer would have been right */
	char text[1200];
};

struct totals {
	uint64_t cases, ops, rounds, transfers, faults, events;
	/* answers by what the model allows: one way, through; one way, refused; several; it lost
	 * count, and the transfer was left out */
	uint64_t must_pass, must_fault, may_be_stale, cut;
	uint64_t by_event[256];
	uint64_t s2_class[4]; /**< of stage 2, by CLASS */
};

struct runner {
	struct world world;
	struct model *model;
	struct totals *totals;
	uint8_t *home; /**< devices' buffers, copied out */
};

int runner_init(struct runner *r, struct side *const *side, unsigned int n, struct totals *t);
void runner_fini(struct runner *r);
/** @return 0 with @p v filled, or -1: a side failed for other reasons (a line on stderr). */
int run_case(struct runner *r, const struct diff_case *c, struct verdict *v);

/** Make @p c smaller while it still fails on the same side. @return runs made. */
unsigned int shrink(struct runner *r, struct diff_case *c, struct verdict *v, double seconds);

double now_s(void);

#endif
