/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the files of the reference model share: accesses under way, what caches may hold, walks.
 */
#ifndef DIFF_MODEL_H
#define DIFF_MODEL_H

#include "diff.h"

#define FAN 64u /* places that one walk may be in at one level */

struct model_cd {
	uint64_t w[3];
};

struct access {
	unsigned int dev;
	uint64_t va;
	bool write, priv, inst, bypass, s2_only;
	struct outcome *out;
	unsigned int n;
	bool overflow;
};

/* model_access.c */
void outcome_ok(struct access *a, uint64_t pa);
void outcome_silent(struct access *a);
void outcome_event(struct access *a, unsigned int id, uint64_t w1, uint64_t w2, uint64_t w3,
		   uint64_t m1, uint64_t m3);

/** RnW, PnU, InD of an access, as records have them. */
static inline uint64_t
access_flags(const struct access *a)
{
	return (a->write ? 0 : SMMU_EVT_1_RNW) | (a->priv ? SMMU_EVT_1_PNU : 0) |
	       (a->inst ? SMMU_EVT_1_IND : 0);
}

/** Output bits by an IPS or PS code: both implementations have OAS = IAS = 44. */
#define MODEL_OAS 44u
static inline unsigned int
model_ps(uint64_t code)
{
	unsigned int bits = smmu_oas_bits(code);

	return bits < MODEL_OAS ? bits : MODEL_OAS;
}

/** What memory says at @p pa. NULL: nothing is there. @p known: false where that cannot be told. */
const uint64_t *model_read(const struct world *w, uint64_t pa, bool *known);

/* ---- what caches may hold (model_tlb.c) ------------------------------------------------------ */

/** What an entry leads from and to. */
enum kind {
	K_S1,  /**< VA to PA: stage 1 alone, or both stages in one entry */
	K_IPA, /**< VA to IPA: stage 1 of both */
	K_S2,  /**< IPA to PA */
};

/** A leaf in a TLB. */
struct entry {
	uint64_t base; /* VA or IPA */
	uint64_t pa;   /* or IPA */
	uint64_t ipa;  /* K_S1 of both stages: that between them */
	uint16_t vmid, asid;
	uint8_t kind, gran, level; /* of stage 1, K_S2: of stage 2 */
	uint8_t bits;              /* log2 of what it covers */
	uint8_t perm;              /* AP[2:1] << 0, UXN << 2, PXN << 3 */
	uint8_t perm2;             /* S2AP << 0, device memory << 2, XN[1] << 3 */
	bool global, aset, both;
};

/** What a walk cache may hold: for @c base a walk goes on in the table at @c pa. */
struct table {
	uint64_t base, pa;
	uint16_t vmid, asid;
	uint8_t kind, gran, level; /* of the descriptor that leads to it */
	uint8_t bits;
};

#define LEAVES_MAX 8192u
#define TABLES_MAX 8192u
#define HASH_SIZE  16384u

struct model_tlb {
	const struct world *w;
	unsigned int nb_leaves, nb_tables;
	struct entry leaf[LEAVES_MAX];
	struct table table[TABLES_MAX];
	/* indices + 1, by hash of all bytes, and once more by where they are for (chained) */
	uint16_t leaf_at[HASH_SIZE], table_at[HASH_SIZE];
	uint16_t by_base[HASH_SIZE], next[TABLES_MAX];
	uint16_t leaf_by_base[HASH_SIZE], leaf_next[LEAVES_MAX];
};

struct model_tlb *model_tlb_create(const struct world *w);
void model_tlb_reset(struct model_tlb *t);
/** @return false: too much. */
bool model_add_leaf(struct model_tlb *t, const struct entry *e);
bool model_add_table(struct model_tlb *t, const struct table *e);
void model_tlb_cmd(struct model_tlb *t, uint64_t w0, uint64_t w1);

/** VA[55] and VA[47:0]: what tells one translation from another. */
static inline uint64_t
canon(uint64_t va)
{
	return (va & ((UINT64_C(1) << 48) - 1)) | (va & (UINT64_C(1) << 55));
}

static inline uint64_t
low_bits(unsigned int n)
{
	return n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
}

/** What pages and blocks have for log2 of their size, of any granule. */
#define LEAF_SIZES 7u
extern const uint8_t model_leaf_size[LEAF_SIZES];

/** The leaf behind @p after for @p base, of 2^@p bits bytes; -1: the first, none. */
int model_leaf_next(const struct model_tlb *t, int after, unsigned int kind, uint64_t base,
		    unsigned int bits);
/** The table behind @p after for @p base, a descriptor of @p level; -1: the first, none. */
int model_table_next(const struct model_tlb *t, int after, unsigned int kind, uint64_t base,
		     unsigned int level);

/* ---- stage 2 (model_s2.c) -------------------------------------------------------------------- */

/** Stage 2 of a stream. */
struct s2 {
	bool on;
	uint16_t vmid; /**< of stage 1, too */
	unsigned int gran, start, tsz, ps;
	uint64_t ttb;
	bool affd, record, ptw;
};

/** @return whether words 2 and 3 of an STE are legal, for one that uses stage 2 or not (§5.2). */
bool s2_decode(const uint64_t ste[STE_WORDS], bool use, struct s2 *s);

/** One way in which stage 2 may end. */
struct s2_way {
	uint8_t id;   /**< 0: done; else the event, of which pa is FetchAddr */
	uint8_t perm; /**< as perm2 of an entry */
	uint8_t bits; /**< log2 of what goes the same way */
	uint64_t pa;
};
struct s2_ways {
	struct s2_way w[FAN];
	unsigned int n;
	bool overflow;
};

/** Every way from @p ipa, by memory and by caches. @p fill: note what it leaves in them. */
void s2_translate(struct model_tlb *t, const struct s2 *s, uint64_t ipa, bool fill,
		  struct s2_ways *out);
/** Does stage 2 let an access through? @param perm as perm2 of an entry */
bool s2_allowed(uint8_t perm, const struct access *a);
/** May stage 1's own accesses (CDs, descriptors) be made through @p way? (§5.2, S2PTW) */
bool s2_reads(const struct s2 *s, const struct s2_way *way);
/** A stage 2 fault of an access. @p cls what was being translated, @p id 0: F_PERMISSION. */
void s2_fault(struct access *a, const struct s2 *s, const struct s2_way *way, uint64_t cls,
	      uint64_t ipa);
/** An access that only stage 2 translates. */
void s2_access(struct model_tlb *t, const struct s2 *s, struct access *a);

/* ---- contexts (model_cd.c) ------------------------------------------------------------------- */

/** A context, decoded for the half that an address is in. */
struct half {
	unsigned int gran, start, tsz;
	uint64_t ttb;
	bool off;
};

/** @return whether it is legal; @p h: what it says for @p va. */
bool cd_decode(const struct model_cd *cd, uint64_t va, struct half *h);
/** Is @p va in what TxSZ, EPDx and TBIx leave of its half? */
bool cd_reaches(const struct model_cd *cd, const struct half *h, uint64_t va);

/* ---- stage 1, alone or above stage 2 (model_walk.c) ------------------------------------------ */

/** Remember what a walk from @p cd to @p va can leave in caches. @return false: too much. */
bool model_walk_fill(struct model_tlb *t, const struct s2 *s2, const struct model_cd *cd,
		     uint64_t va);
/** Every way in which an access through @p cd can end. */
void model_walk_access(struct model_tlb *t, const struct s2 *s2, const struct model_cd *cd,
		       struct access *a);

/* ---- configuration (model.c) ----------------------------------------------------------------- */

#define CFG_MAX 24u
#define VAS_MAX 96u

struct ste {
	uint64_t w[STE_WORDS];
};

struct stream {
	struct ste ste[CFG_MAX]; /* may be cached */
	struct model_cd cd[CFG_MAX];
	unsigned int nb_ste, nb_cd;
};

/* A context: what TLBs know it by, and what it does. */
struct context {
	struct s2 s2;
	struct model_cd cd;
	bool s1;
};

struct contexts {
	struct context c[DEVS_MAX * 6];
	unsigned int n;
	bool overflow;
};

struct model {
	const struct world *w;
	const struct diff_case *c;
	struct model_tlb *tlb;
	struct stream s[DEVS_MAX];
	bool l1[3]; /* which level-1 descriptors may be cached, by OP_L1's how */
	uint64_t va[VAS_MAX];
	unsigned int nb_va;
	bool overflow; /* too many possibilities to go on telling */
	struct contexts contexts;
};

/** What an STE says: V, Config, and the stages, if they are legal (§5.2; no substreams). */
bool ste_legal(const struct model *m, const struct ste *e, struct s2 *s2);
/** Does it have a CD? */
bool ste_uses_s1(const struct ste *e);

#endif
