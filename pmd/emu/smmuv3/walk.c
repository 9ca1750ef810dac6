/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The stage-1 table walk (IHI 0070 §3.4, §13; Arm DDI 0487 D8): VMSAv8-64, up to four levels of
 * 4, 16 or 64 KiB tables, and the walk cache that remembers table descriptors of the upper levels.
 */
#include "descriptor.h"

/* XNTable and PXNTable (DDI 0487, D8.3.1); the other hierarchical bits are SMMU_TTD_APTABLE_*. */
#define TTD_UXNTABLE SMMU_BIT(60)
#define TTD_PXNTABLE SMMU_BIT(59)

/* Hierarchical limits of a table descriptor (D8.4.2), unless HADx of the CD disables them. */
static unsigned int
table_limits(uint64_t d)
{
	return (d & SMMU_TTD_APTABLE_NOUNPRIV ? EMU_APT_NOUNPRIV : 0) |
	       (d & SMMU_TTD_APTABLE_RO ? EMU_APT_RO : 0) |
	       (d & TTD_UXNTABLE ? EMU_APT_UXN : 0) | (d & TTD_PXNTABLE ? EMU_APT_PXN : 0);
}

/* The same for EL2 without E2H: AP[1] counts as 1; APTable[0], PXN and PXNTable are ignored;
 * privilege makes no difference (§3.3.4). */
static uint8_t
leaf_perm_one(const struct emu_cd *cd, uint64_t d, unsigned int apt)
{
	uint8_t p = EMU_PERM_UR | EMU_PERM_PR;

	if (!(d & SMMU_TTD_AP2) && !(apt & EMU_APT_RO))
		p |= EMU_PERM_UW | EMU_PERM_PW;
	if (!(d & SMMU_TTD_UXN) && !(apt & EMU_APT_UXN) && !(cd->wxn && (p & EMU_PERM_UW)))
		p |= EMU_PERM_UX | EMU_PERM_PX;
	return p;
}

/* Permissions of a leaf (D8.4), with the CD's WXN, UWXN and PAN (§5.4). */
static uint8_t
leaf_perm(const struct emu_cd *cd, uint64_t d, unsigned int apt)
{
	bool unpriv = (d & SMMU_TTD_AP1) && !(apt & EMU_APT_NOUNPRIV);
	bool ro = (d & SMMU_TTD_AP2) || (apt & EMU_APT_RO);
	uint8_t p = EMU_PERM_PR;

	if (!ro)
		p |= EMU_PERM_PW;
	if (unpriv)
		p |= ro ? EMU_PERM_UR : EMU_PERM_UR | EMU_PERM_UW;
	if (!(d & SMMU_TTD_UXN) && !(apt & EMU_APT_UXN) && !(cd->wxn && (p & EMU_PERM_UW)))
		p |= EMU_PERM_UX;
	/* Privileged code may not execute what unprivileged code may write. */
	if (!(d & SMMU_TTD_PXN) && !(apt & EMU_APT_PXN) && !(p & EMU_PERM_UW) &&
	    !(cd->wxn && (p & EMU_PERM_PW)))
		p |= EMU_PERM_PX;
	if (cd->pan && unpriv)
		p &= (uint8_t)~(EMU_PERM_PR | EMU_PERM_PW);
	return p;
}

/* The walk's last descriptor: the translation, or its fault. */
static inline __attribute__((always_inline)) void
walk_leaf(const struct emu_cd *cd, uint64_t d, uint64_t out, unsigned int apt, unsigned int gran,
	  unsigned int sh, struct emu_walk *w)
{
	out &= ~((UINT64_C(1) << sh) - 1);
	if (out >> cd->ips) {
		w->fault = SMMU_EVT_F_ADDR_SIZE;
		return;
	}
	if (!(d & SMMU_TTD_AF) && !cd->affd) {
		w->fault = SMMU_EVT_F_ACCESS;
		return;
	}
	w->leaf.pa = out;
	w->leaf.gran = (uint8_t)gran;
	w->leaf.shift = (uint8_t)sh;
	w->leaf.perm = unlikely(cd->one) ? leaf_perm_one(cd, d, apt) : leaf_perm(cd, d, apt);
	w->leaf.global = !(d & SMMU_TTD_NG) && !cd->one;
}

/* Where the walk begins: below the lowest table that the walk cache has, or with the first one. */
static inline __attribute__((always_inline)) unsigned int
walk_cached(struct emu_smmu *e, const struct emu_cd *cd, uint64_t va, unsigned int gran,
	    unsigned int start, uint64_t *table, unsigned int *apt)
{
	const uint64_t addr = SMMU_TTD_ADDR & ~((UINT64_C(1) << GRAN_PAGE_SHIFT(gran)) - 1);

	for (int l = 2; l >= (int)start; l--) {
		const struct wc_entry *c = emu_wc_lookup(&e->tlb, &cd->tag, va, gran, (unsigned int)l);

		if (c != NULL) {
			*table = c->next & addr;
			*apt = (unsigned int)c->next & 0xf;
			return (unsigned int)l + 1;
		}
	}
	return start;
}

/*
 * Fault order within a level (§7.3.20): stage 2 of the descriptor's address, abort, invalid
 * descriptor, address size; then AF. What the walk cache remembers under stage 2 are IPAs.
 */
static inline __attribute__((always_inline)) void
walk(struct emu_smmu *e, const struct emu_cd *cd, const struct emu_s2 *s2, uint64_t va, bool fresh,
     bool count, unsigned int gran, struct emu_walk *w)
{
	const uint64_t addr = SMMU_TTD_ADDR & ~((UINT64_C(1) << GRAN_PAGE_SHIFT(gran)) - 1);
	const uint64_t idx_mask = (UINT64_C(1) << GRAN_IDX_BITS(gran)) - 1;
	unsigned int half = (va >> 55) & 1;
	unsigned int ia = 64u - cd->tsz[half];
	unsigned int start = cd->start[half];
	unsigned int level = start, apt = 0;
	uint64_t table, in = va & ((UINT64_C(1) << ia) - 1);
	uint64_t size = UINT64_C(8) << (ia - GRAN_SHIFT(gran, start));

	/* A start table below 64 bytes is aligned to 64 (§5.4, TTBx). */
	table = cd->ttb[half] & ~((size < 64 ? 64 : size) - 1);
	w->fault = 0;
	w->s2 = false;
	if (e->tlb.wc != NULL && !fresh)
		level = walk_cached(e, cd, va, gran, start, &table, &apt);
	for (;; level++) {
		unsigned int sh = GRAN_SHIFT(gran, level);
		uint64_t idx = level == start ? in >> sh : (in >> sh) & idx_mask;
		uint64_t out, d;

		w->fetch = table + idx * 8;
		if (s2 != NULL && !emu_s2_fetch(e, s2, w->fetch, SMMU_EVT_CLASS_TTD, fresh, count,
						w, &w->fetch))
			return;
		w->leaf.level = (uint8_t)level;
		if (!emu_descriptor(e, gran, level, fresh, count, w, &d))
			return;
		out = d & addr;
		if (level == 3 || !(d & SMMU_TTD_TABLE)) {
			walk_leaf(cd, d, out, apt, gran, sh, w);
			return;
		}
		if (out >> cd->ips) {
			w->fault = SMMU_EVT_F_ADDR_SIZE;
			return;
		}
		apt |= cd->had[half] ? 0 : table_limits(d);
		table = out;
		if (e->tlb.wc != NULL && !fresh)
			emu_wc_insert(&e->tlb, &cd->tag, va, gran, level, out | apt);
	}
}

/* Three copies of the walk, each with its granule's numbers in it; and of each another for tables
 * under stage 2. */
static __attribute__((noinline)) void
walk_under(struct emu_smmu *e, const struct emu_cd *cd, const struct emu_s2 *s2, uint64_t va,
	   bool fresh, bool count, unsigned int gran, struct emu_walk *w)
{
	if (gran == GRAN_4K)
		walk(e, cd, s2, va, fresh, count, GRAN_4K, w);
	else if (gran == GRAN_16K)
		walk(e, cd, s2, va, fresh, count, GRAN_16K, w);
	else
		walk(e, cd, s2, va, fresh, count, GRAN_64K, w);
}

void
emu_walk(struct emu_smmu *e, const struct emu_cd *cd, const struct emu_s2 *s2, uint64_t va,
	 bool fresh, bool count, struct emu_walk *w)
{
	unsigned int gran = cd->gran[(va >> 55) & 1];

	if (unlikely(s2 != NULL))
		walk_under(e, cd, s2, va, fresh, count, gran, w);
	else if (likely(gran == GRAN_4K))
		walk(e, cd, NULL, va, fresh, count, GRAN_4K, w);
	else if (gran == GRAN_16K)
		walk(e, cd, NULL, va, fresh, count, GRAN_16K, w);
	else
		walk(e, cd, NULL, va, fresh, count, GRAN_64K, w);
}
