/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the generator's files share: the case under way, choices, addresses.
 */
#ifndef DIFF_GEN_H
#define DIFF_GEN_H

#include <rte_common.h>

#include "diff.h"

#define POOL   16u /* addresses of a space */
#define BLOCKS 3u  /* … of which so many are in blocks */

struct gen {
	uint64_t rng;
	const struct gen_conf *conf;
	struct diff_case *c;
	uint64_t va[ALLSPACES][POOL]; /* canonical, 4 KiB aligned */
	unsigned int nb_va[ALLSPACES];
	struct {
		uint64_t va;
		uint8_t level;
	} block[SPACES][BLOCKS];   /* addresses in blocks */
	unsigned int nb_block[SPACES];
	uint8_t of_dev[DEVS_MAX];  /* the space each device is meant to be in */
	uint16_t asid[SPACES];
	uint8_t home[SPACES];      /* the space of stage 2 below it, 0: none */
	uint16_t vmid[ALLSPACES];  /* of stage 2; at 0 that of stage 1 alone */
	uint16_t page[POOL];       /* pages of data that stage 1 led to lately */
	unsigned int nb_page;
	bool ptw;                 /* stage 2 is S2PTW's */
	bool twins[SPACES / 2];    /* 2 i and 2 i + 1 have one shape, and the same addresses */
};

static inline uint64_t
rnd(struct gen *g)
{
	g->rng ^= g->rng >> 12;
	g->rng ^= g->rng << 25;
	g->rng ^= g->rng >> 27;
	return g->rng * UINT64_C(0x2545f4914f6cdd1d);
}

static inline unsigned int
below(struct gen *g, unsigned int n)
{
	return (unsigned int)((rnd(g) >> 32) % n);
}

static inline bool
percent(struct gen *g, unsigned int p)
{
	return below(g, 100) < p;
}

/* Does whoever is compared do this right? Always without QEMU; see the list in deviate.c. */
static inline bool
right_from(const struct gen *g, unsigned int version)
{
	return g->conf->qemu == 0 || g->conf->qemu >= version;
}

#define HIGH_HALF 800u  /* addresses from 2^48, TTB1 */
#define AF_FAULTS 1000u /* AF, AFFD */
#define IPS_LEAF  1000u /* pages beyond CD.IPS */

/** Append an operation; a spare one when the case is full. */
struct op *gen_add(struct gen *g, enum op_kind kind);
void gen_cmd(struct gen *g, uint64_t w0, uint64_t w1);

/** @p in, brought into the half and the size of the space. */
static inline uint64_t
canonical(const struct space *s, uint64_t in)
{
	in &= (UINT64_C(1) << (64 - s->tsz)) - 1;
	return s->high ? in | ~((UINT64_C(1) << (64 - s->tsz)) - 1) : in;
}

static inline uint64_t
some_va(struct gen *g, unsigned int space)
{
	return g->va[space][below(g, g->nb_va[space])];
}

/** Remember an address for transfers, when there is room. */
void gen_add_va(struct gen *g, unsigned int space, uint64_t va);

/* gen_inv.c */
/** After a change at @p va, @p level: the right invalidation, a wrong one, or none. */
void gen_tlbi_after(struct gen *g, unsigned int space, uint64_t va, unsigned int level);
void gen_tlbi_random(struct gen *g);
/** A CFGI that covers the device; @p cd_only: its context alone changed. */
void gen_cfgi(struct gen *g, unsigned int dev, bool cd_only);

static inline uint16_t
gen_vmid(const struct gen *g, unsigned int space)
{
	return g->vmid[space < SPACES ? g->home[space] : space];
}

static inline uint64_t
by_vmid(const struct gen *g, unsigned int op, unsigned int space)
{
	return op | smmu_field_prep(SMMU_TLBI_0_VMID, gen_vmid(g, space));
}

static inline uint64_t
by_asid(const struct gen *g, unsigned int op, unsigned int space)
{
	return by_vmid(g, op, space) | smmu_field_prep(SMMU_TLBI_0_ASID, g->asid[space]);
}

/** A space for a device. */
static inline unsigned int
some_space(struct gen *g)
{
	return below(g, g->c->s2 ? ALLSPACES : SPACES);
}

/** The IPA of a page of data that stage 1 led to lately, or of any. */
static inline uint64_t
gen_data_ipa(struct gen *g)
{
	unsigned int n = RTE_MIN(g->nb_page, POOL);
	unsigned int page = n != 0 && percent(g, 80) ? g->page[below(g, n)] : below(g, DATA_PAGES);

	return ARENA_PA + DATA_OFF + page * UINT64_C(4096);
}

/** … at stage 2. */
void gen_s2_tlbi_after(struct gen *g, unsigned int space, uint64_t ipa, unsigned int level);
void gen_s2_tlbi_random(struct gen *g);

/* gen_s2.c */
void gen_s2_space(struct gen *g, unsigned int space);
void gen_s2_fill(struct gen *g, unsigned int space);
void gen_s2_map(struct gen *g, unsigned int space, uint64_t ipa, unsigned int level);
/** Complete an STE of stage 1: by stage 2, or to one of stage 2 alone. */
void gen_s2_ste(struct gen *g, struct op *o, unsigned int dev, bool wrong);
void gen_s2_change(struct gen *g);
/** The upper half of what it translates; 0: it is too small for that. */
uint64_t gen_far(struct gen *g, unsigned int space);

/* gen_change.c */
unsigned int gen_block_level(struct gen *g, unsigned int space);
void gen_map(struct gen *g, unsigned int space, uint64_t va, unsigned int level);
void gen_cd(struct gen *g, unsigned int slot, bool mistake);
#define STE_RIGHT 99u
void gen_ste(struct gen *g, unsigned int dev, unsigned int kind);
/** Any one change, with what follows it. */
void gen_change(struct gen *g);

#endif
