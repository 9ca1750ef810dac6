/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The reference model, stage 1: every way in which a walk can end (IHI 0070 §3.4; DDI 0487 D8).
 * Above stage 2 each descriptor's address goes through it first, and so does the output in the end,
 * once stage 1 allows the access (§7.3, priority of faults).
 */
#include <string.h>

#include "model.h"

/* A walk under way. */
struct walk {
	struct model_tlb *t;
	const struct s2 *s2;
	const struct model_cd *cd;
	struct half h;
	uint64_t va;
	uint16_t asid;
	struct access *a; /* NULL: fill caches */
	bool fits;
};

/* ---- walks begin -------------------------------------------------------------------------- */

static bool
begin(struct walk *w, struct model_tlb *t, const struct s2 *s2, const struct model_cd *cd,
      uint64_t va, struct access *a)
{
	*w = (struct walk){ .t = t, .s2 = s2, .cd = cd, .va = va, .a = a, .fits = true };
	w->asid = (uint16_t)smmu_field_get(SMMU_CD_0_ASID, cd->w[0]);
	return cd_decode(cd, va, &w->h);
}

/* ---- faults and permissions ------------------------------------------------------------------ */

static uint8_t
perm_of(uint64_t d)
{
	return (uint8_t)((d & SMMU_TTD_AP1 ? 1 : 0) | (d & SMMU_TTD_AP2 ? 2 : 0) |
			 (d & SMMU_TTD_UXN ? 4 : 0) | (d & SMMU_TTD_PXN ? 8 : 0));
}

/* DDI 0487 D8.4, without WXN, UWXN, PAN and hierarchical limits, which cases do not have. */
static bool
allowed(uint8_t perm, const struct access *a)
{
	bool unpriv = perm & 1, ro = perm & 2;

	if (a->inst)
		return a->priv ? !(perm & 8) && !(unpriv && !ro) : !(perm & 4);
	return (a->priv || unpriv) && !(a->write && ro);
}

static void
fault(struct walk *w, unsigned int id, uint64_t fetch)
{
	bool eabt = id == SMMU_EVT_F_WALK_EABT;
	struct access *a = w->a;

	if (a == NULL)
		return;
	/* CD.R is about translation faults only (§5.5). STAG, or REASON, is UNKNOWN; so is IPA. */
	if (eabt || (w->cd->w[0] & SMMU_CD_0_R))
		outcome_event(a, id,
			      access_flags(a) |
				      smmu_field_prep(SMMU_EVT_1_CLASS, eabt ? SMMU_EVT_CLASS_TTD
									     : SMMU_EVT_CLASS_IN),
			      a->va, fetch, ~SMMU_EVT_1_STAG, eabt ? SMMU_EVT_3_FETCHADDR : 0);
	else
		outcome_silent(a);
}

/* ---- the output ------------------------------------------------------------------------------ */

/* What a leaf (found, or cached) makes of an access: stage 1's permission, then stage 2. */
static void
finish(struct walk *w, uint64_t out, uint8_t perm)
{
	struct access *a = w->a;
	struct s2_ways o;

	if (!allowed(perm, a)) {
		fault(w, SMMU_EVT_F_PERMISSION, 0);
		return;
	}
	s2_translate(w->t, w->s2, out, false, &o);
	a->overflow |= o.overflow;
	for (unsigned int i = 0; i < o.n; i++)
		if (o.w[i].id == 0 && s2_allowed(o.w[i].perm, a))
			outcome_ok(a, o.w[i].pa);
		else
			s2_fault(a, w->s2, &o.w[i], SMMU_EVT_CLASS_IN, out);
}

/* What both stages make of this address, of which @p e is what stage 1 says. */
static void
keep_both(struct walk *w, struct entry e, uint64_t out)
{
	unsigned int bits = e.bits;
	struct s2_ways o;

	s2_translate(w->t, w->s2, out, true, &o);
	w->fits &= !o.overflow;
	for (unsigned int i = 0; i < o.n; i++) {
		if (o.w[i].id != 0)
			continue;
		e.kind = K_S1;
		e.both = true;
		e.bits = (uint8_t)(o.w[i].bits < bits ? o.w[i].bits : bits);
		e.base = canon(w->va) & ~low_bits(e.bits);
		e.ipa = out & ~low_bits(e.bits);
		e.pa = o.w[i].pa & ~low_bits(e.bits);
		e.perm2 = o.w[i].perm;
		w->fits &= model_add_leaf(w->t, &e);
	}
}

/* What a leaf leaves in TLBs: itself, and what both stages make of this address. */
static void
keep_leaf(struct walk *w, unsigned int level, uint64_t d, uint64_t out)
{
	unsigned int bits = gran_shift(w->h.gran, level);
	struct entry e;

	memset(&e, 0, sizeof(e));
	e.kind = w->s2->on ? K_IPA : K_S1;
	e.base = canon(w->va) & ~low_bits(bits);
	e.pa = out;
	e.vmid = w->s2->vmid;
	e.global = !(d & SMMU_TTD_NG);
	e.aset = e.global && (w->cd->w[0] & SMMU_CD_0_ASET);
	e.asid = e.global ? 0 : w->asid;
	e.gran = (uint8_t)w->h.gran;
	e.level = (uint8_t)level;
	e.bits = (uint8_t)bits;
	e.perm = perm_of(d);
	e.perm2 = 3;
	w->fits &= model_add_leaf(w->t, &e);
	if (w->s2->on)
		keep_both(w, e, out | (w->va & low_bits(bits)));
}

/* A leaf in a TLB, and what stage 2 makes of its output now. */
static void
keep_cached(struct walk *w)
{
	for (unsigned int k = 0; w->s2->on && k < LEAF_SIZES; k++) {
		unsigned int bits = model_leaf_size[k];

		for (int i = -1;
		     (i = model_leaf_next(w->t, i, K_IPA, canon(w->va) & ~low_bits(bits), bits)) >=
		     0;) {
			const struct entry *e = &w->t->leaf[i];

			if (e->vmid == w->s2->vmid && (e->global || e->asid == w->asid))
				keep_both(w, *e, e->pa | (w->va & low_bits(bits)));
		}
	}
}

/* ---- walks ----------------------------------------------------------------------------------- */

/* Where walks may be at one level: tables, at an address that stage 2 translates or at one that
 * it has translated. */
struct front {
	struct {
		uint64_t at;
		bool pa;
	} f[FAN];
	unsigned int n;
};

static void
front_add(struct walk *w, struct front *f, uint64_t at, bool pa)
{
	for (unsigned int i = 0; i < f->n; i++)
		if (f->f[i].at == at && f->f[i].pa == pa)
			return;
	if (f->n == FAN) {
		w->fits = false;
		return;
	}
	f->f[f->n].at = at;
	f->f[f->n++].pa = pa;
}

/* A walk cache: for this address and those around it the walk goes on in a table at @p pa. */
static void
keep_table(struct walk *w, enum kind kind, unsigned int level, unsigned int bits, uint64_t pa)
{
	struct table e;

	memset(&e, 0, sizeof(e));
	e.kind = (uint8_t)kind;
	e.base = canon(w->va) & ~low_bits(bits);
	e.pa = pa;
	e.vmid = w->s2->vmid;
	e.asid = w->asid;
	e.gran = (uint8_t)w->h.gran;
	e.level = (uint8_t)level;
	e.bits = (uint8_t)bits;
	w->fits &= model_add_table(w->t, &e);
}

/* One descriptor, read. */
static void
descriptor(struct walk *w, unsigned int level, uint64_t d, struct front *below)
{
	uint64_t out = d & SMMU_TTD_ADDR & ~low_bits(gran_page(w->h.gran));
	unsigned int bits = gran_shift(w->h.gran, level);
	bool table = level < 3 && (d & SMMU_TTD_TABLE);
	bool block = level == 2 || (level == 1 && w->h.gran == 0);

	if (!(d & SMMU_TTD_V) || (!table && level < 3 && !block) ||
	    (level == 3 && !(d & SMMU_TTD_TABLE))) {
		fault(w, SMMU_EVT_F_TRANSLATION, 0);
		return;
	}
	if (!table)
		out &= ~low_bits(bits);
	if (out >> model_ps(smmu_field_get(SMMU_CD_0_IPS, w->cd->w[0]))) {
		fault(w, SMMU_EVT_F_ADDR_SIZE, 0);
		return;
	}
	if (table) {
		front_add(w, below, out, false);
		if (w->a == NULL)
			keep_table(w, w->s2->on ? K_IPA : K_S1, level, bits, out);
		return;
	}
	if (!(d & SMMU_TTD_AF) && !(w->cd->w[0] & SMMU_CD_0_AFFD))
		fault(w, SMMU_EVT_F_ACCESS, 0);
	else if (w->a == NULL)
		keep_leaf(w, level, d, out);
	else
		finish(w, out | (w->va & low_bits(bits)), perm_of(d));
}

static void
fetch(struct walk *w, unsigned int level, uint64_t pa, struct front *below)
{
	bool known = true;
	const uint64_t *p = model_read(w->t->w, pa, &known);

	w->fits &= known;
	if (p != NULL)
		descriptor(w, level, *p, below);
	else if (known)
		fault(w, SMMU_EVT_F_WALK_EABT, pa);
}

/* The descriptor at index @p idx of a table that has an address of stage 2's input. */
static void
fetch_ipa(struct walk *w, unsigned int level, uint64_t at, uint64_t idx, struct front *below)
{
	struct s2_ways o;

	s2_translate(w->t, w->s2, at + idx * 8, w->a == NULL, &o);
	w->fits &= !o.overflow;
	for (unsigned int i = 0; i < o.n; i++) {
		const struct s2_way *way = &o.w[i];

		if (way->id != 0 || !s2_reads(w->s2, way)) {
			if (w->a != NULL)
				s2_fault(w->a, w->s2, way, SMMU_EVT_CLASS_TTD, at + idx * 8);
			continue;
		}
		fetch(w, level, way->pa, below);
		/* Both stages in one entry: as far as the piece of the table that stage 2 leads
		 * to goes. What a descriptor led to, that is; the root's address is none. */
		if (w->a == NULL && w->s2->on && level != w->h.start) {
			unsigned int page = gran_page(w->h.gran);

			keep_table(w, K_S1, level - 1,
				   (way->bits < page ? way->bits : page) - 3 +
					   gran_shift(w->h.gran, level),
				   way->pa - idx * 8);
		}
	}
}

/* Tables that caches may know for the address below a descriptor of @p level. */
static void
cached_tables(struct walk *w, struct front *below, unsigned int level)
{
	const struct model_tlb *t = w->t;

	for (unsigned int kind = K_S1; kind <= (w->s2->on ? K_IPA : K_S1); kind++)
		for (unsigned int bits = gran_shift(w->h.gran, level), least = bits - 4;
		     bits >= least; bits--)
			for (int i = -1;
			     (i = model_table_next(t, i, kind, canon(w->va) & ~low_bits(bits),
						   level)) >= 0;)
				if (t->table[i].bits == bits && t->table[i].vmid == w->s2->vmid &&
				    t->table[i].asid == w->asid && t->table[i].gran == w->h.gran)
					front_add(w, below, t->table[i].pa, kind == K_S1);
}

/*
 * Follow every walk of the address that memory and caches allow. Without an access: note what it
 * leaves in caches; with one: note how it ends.
 */
static void
walk(struct walk *w)
{
	const struct half *h = &w->h;
	uint64_t in = w->va & low_bits(64 - h->tsz);
	unsigned int top = 64 - h->tsz - gran_shift(h->gran, h->start);
	struct front f = { .n = 0 };

	front_add(w, &f, h->ttb & ~low_bits(top + 3 < 6 ? 6 : top + 3), false);
	for (unsigned int level = h->start; level < 4; level++) {
		struct front below = { .n = 0 };
		uint64_t idx = in >> gran_shift(h->gran, level);

		if (level != h->start)
			idx &= low_bits(9 + 2 * h->gran);
		for (unsigned int i = 0; i < f.n; i++)
			if (f.f[i].pa)
				fetch(w, level, f.f[i].at + idx * 8, &below);
			else
				fetch_ipa(w, level, f.f[i].at, idx, &below);
		if (level < 3)
			cached_tables(w, &below, level);
		f = below;
	}
}

bool
model_walk_fill(struct model_tlb *t, const struct s2 *s2, const struct model_cd *cd, uint64_t va)
{
	struct walk w;

	if (!begin(&w, t, s2, cd, va, NULL) || !cd_reaches(cd, &w.h, va))
		return true;
	walk(&w);
	keep_cached(&w);
	return w.fits;
}

void
model_walk_access(struct model_tlb *t, const struct s2 *s2, const struct model_cd *cd,
		  struct access *a)
{
	struct walk w;

	if (!begin(&w, t, s2, cd, a->va, a)) {
		outcome_event(a, SMMU_EVT_C_BAD_CD, 0, 0, 0, 0, 0);
		return;
	}
	if (!cd_reaches(cd, &w.h, a->va)) {
		fault(&w, SMMU_EVT_F_TRANSLATION, 0);
		return;
	}
	walk(&w);
	a->overflow |= !w.fits;
	for (unsigned int i = 0; i < t->nb_leaves; i++) {
		const struct entry *e = &t->leaf[i];
		struct s2_way way = { .perm = e->perm2 };

		if (e->kind == K_S2 || (e->kind == K_IPA && !s2->on) || e->vmid != s2->vmid ||
		    (e->global ? e->aset != !!(cd->w[0] & SMMU_CD_0_ASET) : e->asid != w.asid) ||
		    (canon(a->va) & ~low_bits(e->bits)) != e->base)
			continue;
		if (e->kind == K_IPA)
			finish(&w, e->pa | (a->va & low_bits(e->bits)), e->perm);
		else if (!allowed(e->perm, a))
			fault(&w, SMMU_EVT_F_PERMISSION, 0);
		else if (s2_allowed(way.perm, a))
			outcome_ok(a, e->pa | (a->va & low_bits(e->bits)));
		else
			s2_fault(a, s2, &way, SMMU_EVT_CLASS_IN,
				 e->ipa | (a->va & low_bits(e->bits)));
	}
}
