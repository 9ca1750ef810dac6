/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The steps that every transaction takes, ordinary or ATS: lookups in the configuration caches, and
 * the range check. They are inline, because every access takes them.
 */
#ifndef EMU_LOOKUP_H
#define EMU_LOOKUP_H

#include "priv.h"

static inline const struct emu_ste *
ste_get(struct emu_smmu *e, const struct emu_req *r)
{
	const struct emu_ste *s = &e->cfg.ste[r->sid & e->cfg.mask];

	return likely(s->cached && s->sid == r->sid) ? s : emu_config_ste_miss(e, r);
}

static inline const struct emu_cd *
cd_get(struct emu_smmu *e, const struct emu_req *r, const struct emu_ste *ste)
{
	const struct emu_cd *c = &e->cfg.cd[r->sid & e->cfg.mask];

	return likely(c->cached && c->sid == r->sid) ? c : emu_config_cd_miss(e, r, ste);
}

/* Is @p va in the range of the half that VA[55] picks, and may that half be walked (§3.4.1)? */
static inline bool
in_range(const struct emu_cd *cd, uint64_t va)
{
	unsigned int half = (va >> 55) & 1;
	uint64_t v = va;

	if (cd->tbi[half])
		v = (uint64_t)((int64_t)(va << 8) >> 8);
	return !cd->epd[half] && (half ? ~v : v) >> (64 - cd->tsz[half]) == 0;
}

/** Cache what a walk found. */
static inline void
tlb_fill(struct emu_smmu *e, const struct emu_tag *tag, uint64_t va, const struct emu_leaf *l,
	 bool noted)
{
	if (noted)
		emu_tlb_insert_noted(&e->tlb, tag, va, l);
	else
		emu_tlb_insert(&e->tlb, tag, va, l);
	if (unlikely(e->conf.tlbi_racy))
		emu_racy_fill(e, tag, va, l, noted);
}

static inline __attribute__((always_inline)) bool
tlb_lookup(struct emu_smmu *e, const struct emu_cd *cd, uint64_t va, uint64_t *pa, uint8_t *perm,
	   unsigned int *shift)
{
	return emu_tlb_lookup(&e->tlb, &cd->tag, va, cd->gran[(va >> 55) & 1], pa, perm, shift);
}

#endif
