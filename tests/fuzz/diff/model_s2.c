/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The reference model, stage 2: which STEs are legal (IHI 0070 §5.2), every way in which a walk of
 * its tables can end (§3.4; DDI 0487 D8), and what is told of a fault (§7.3).
 *
 * Stage 2 translates three things: the address of an access when stage 1 is bypassed or done (CLASS
 * IN), that of a stage 1 descriptor (TTD) and that of a context descriptor (CD).
 */
#include <string.h>

#include "model.h"

/* ---- configuration --------------------------------------------------------------------------- */

/* First level by S2TG and S2SL0. Level 3 of 4 KiB needs STT, level 0 of 16 KiB DS: neither is here.
 */
static bool
start_level(unsigned int gran, unsigned int sl0, unsigned int *level)
{
	static const int8_t first[GRANS][4] = { { 2, 1, 0, -1 }, { 3, 2, 1, -1 }, { 3, 2, 1, -1 } };

	*level = (unsigned int)first[gran][sl0];
	return first[gran][sl0] >= 0;
}

bool
s2_decode(const uint64_t ste[STE_WORDS], bool use, struct s2 *s)
{
	static const uint8_t tg[4] = { 0, 2, 1, 3 };
	uint64_t w = ste[2];
	unsigned int in, shift;

	memset(s, 0, sizeof(*s));
	s->vmid = (uint16_t)smmu_field_get(SMMU_STE_2_S2VMID, w);
	if (!use)
		return true;
	s->on = true;
	s->gran = tg[smmu_field_get(SMMU_STE_2_S2TG, w)];
	s->tsz = (unsigned int)smmu_field_get(SMMU_STE_2_S2T0SZ, w);
	s->ps = model_ps(smmu_field_get(SMMU_STE_2_S2PS, w));
	s->ttb = ste[3] & SMMU_STE_3_S2TTB;
	s->affd = w & SMMU_STE_2_S2AFFD;
	s->record = w & SMMU_STE_2_S2R;
	s->ptw = w & SMMU_STE_2_S2PTW;
	/* No VMSAv8-32, no HTTU, no stalls, tables are little-endian. */
	if (!(w & SMMU_STE_2_S2AA64) || (w & (SMMU_STE_2_S2HA | SMMU_STE_2_S2HD)) ||
	    (w & SMMU_STE_2_S2S) || (w & SMMU_STE_2_S2ENDI))
		return false;
	if (s->gran == 3 || s->tsz < 64 - MODEL_OAS || s->tsz > 39 || s->ttb >> s->ps ||
	    !start_level(s->gran, (unsigned int)smmu_field_get(SMMU_STE_2_S2SL0, w), &s->start))
		return false;
	/* The first level resolves at least one bit, and has at most 16 tables side by side. */
	in = 64 - s->tsz;
	shift = gran_shift(s->gran, s->start);
	return in > shift && in <= shift + 9 + 2 * s->gran + 4;
}

/* ---- walks ----------------------------------------------------------------------------------- */

static void
add(struct s2_ways *o, unsigned int id, uint64_t pa, unsigned int bits, unsigned int perm)
{
	struct s2_way w = { (uint8_t)id, (uint8_t)perm, (uint8_t)bits, pa };

	for (unsigned int i = 0; i < o->n; i++)
		if (o->w[i].id == w.id && o->w[i].perm == w.perm && o->w[i].pa == w.pa &&
		    o->w[i].bits == w.bits)
			return;
	if (o->n == FAN)
		o->overflow = true;
	else
		o->w[o->n++] = w;
}

static uint8_t
perm_of(uint64_t d)
{
	/* S2AP; MemAttr[3:2] = 0 is Device memory (DDI 0487 D8.6, without FWB); XN[1:0] = 0b10 is
	 * not executable, with XNX and without, and cases have no other but 0. */
	return (uint8_t)(((d >> 6) & 3) | ((d >> 4) & 3 ? 0 : 4) | (d & SMMU_TTD_UXN ? 8 : 0));
}

/* One descriptor. @return true: the walk goes on at @p next. */
static bool
descriptor(struct model_tlb *t, const struct s2 *s, uint64_t ipa, unsigned int level, uint64_t d,
	   bool fill, struct s2_ways *o, uint64_t *next)
{
	uint64_t out = d & SMMU_TTD_ADDR & ~low_bits(gran_page(s->gran));
	unsigned int bits = gran_shift(s->gran, level);
	bool table = level < 3 && (d & SMMU_TTD_TABLE);
	bool block = level == 2 || (level == 1 && s->gran == 0);
	struct entry e;

	if (!(d & SMMU_TTD_V) || (!table && level < 3 && !block) ||
	    (level == 3 && !(d & SMMU_TTD_TABLE))) {
		add(o, SMMU_EVT_F_TRANSLATION, 0, 0, 0);
		return false;
	}
	if (!table)
		out &= ~low_bits(bits);
	if (out >> s->ps) {
		add(o, SMMU_EVT_F_ADDR_SIZE, 0, 0, 0);
		return false;
	}
	*next = out;
	if (table)
		return true;
	if (!(d & SMMU_TTD_AF) && !s->affd) {
		add(o, SMMU_EVT_F_ACCESS, 0, 0, 0);
		return false;
	}
	add(o, 0, out | (ipa & low_bits(bits)), bits, perm_of(d));
	if (!fill)
		return false;
	memset(&e, 0, sizeof(e));
	e.kind = K_S2;
	e.base = ipa & ~low_bits(bits);
	e.pa = out;
	e.vmid = s->vmid;
	e.gran = (uint8_t)s->gran;
	e.level = (uint8_t)level;
	e.bits = (uint8_t)bits;
	e.perm2 = perm_of(d);
	o->overflow |= !model_add_leaf(t, &e);
	return false;
}

/* Where walks may be at one level: tables. */
struct front {
	uint64_t at[FAN];
	unsigned int n;
};

static void
front_add(struct front *f, uint64_t pa, struct s2_ways *o)
{
	for (unsigned int i = 0; i < f->n; i++)
		if (f->at[i] == pa)
			return;
	if (f->n == FAN)
		o->overflow = true;
	else
		f->at[f->n++] = pa;
}

static void
remember(struct model_tlb *t, const struct s2 *s, uint64_t ipa, unsigned int level, uint64_t next,
	 struct s2_ways *o)
{
	struct table e;

	memset(&e, 0, sizeof(e));
	e.kind = K_S2;
	e.base = ipa & ~low_bits(gran_shift(s->gran, level));
	e.pa = next;
	e.vmid = s->vmid;
	e.gran = (uint8_t)s->gran;
	e.level = (uint8_t)level;
	e.bits = (uint8_t)gran_shift(s->gran, level);
	o->overflow |= !model_add_table(t, &e);
}

static void
walk(struct model_tlb *t, const struct s2 *s, uint64_t ipa, bool fill, struct s2_ways *o)
{
	unsigned int top = 64 - s->tsz - gran_shift(s->gran, s->start);
	struct front f = { .n = 0 };

	front_add(&f, s->ttb & ~low_bits(top + 3 < 6 ? 6 : top + 3), o);
	for (unsigned int level = s->start; level < 4; level++) {
		unsigned int shift = gran_shift(s->gran, level);
		struct front below = { .n = 0 };
		uint64_t idx = ipa >> shift;

		if (level != s->start)
			idx &= low_bits(9 + 2 * s->gran);
		for (unsigned int i = 0; i < f.n; i++) {
			uint64_t pa = f.at[i] + idx * 8, next;
			bool known = true;
			const uint64_t *p = model_read(t->w, pa, &known);

			o->overflow |= !known;
			if (p == NULL) {
				if (known)
					add(o, SMMU_EVT_F_WALK_EABT, pa, 0, 0);
				continue;
			}
			if (!descriptor(t, s, ipa, level, *p, fill, o, &next))
				continue;
			front_add(&below, next, o);
			if (fill)
				remember(t, s, ipa, level, next, o);
		}
		for (int i = -1;
		     level < 3 &&
		     (i = model_table_next(t, i, K_S2, ipa & ~low_bits(shift), level)) >= 0;)
			if (t->table[i].vmid == s->vmid && t->table[i].gran == s->gran)
				front_add(&below, t->table[i].pa, o);
		f = below;
	}
}

void
s2_translate(struct model_tlb *t, const struct s2 *s, uint64_t ipa, bool fill, struct s2_ways *out)
{
	out->n = 0;
	out->overflow = false;
	if (!s->on) {
		add(out, 0, ipa, 64, 3);
		return;
	}
	if (ipa >> (64 - s->tsz) != 0) /* before any cache is asked */
		add(out, SMMU_EVT_F_TRANSLATION, 0, 0, 0);
	else
		walk(t, s, ipa, fill, out);
	for (unsigned int k = 0; k < LEAF_SIZES; k++) {
		unsigned int bits = model_leaf_size[k];

		for (int i = -1;
		     (i = model_leaf_next(t, i, K_S2, ipa & ~low_bits(bits), bits)) >= 0;)
			if (t->leaf[i].vmid == s->vmid)
				add(out, 0, t->leaf[i].pa | (ipa & low_bits(bits)), bits,
				    t->leaf[i].perm2);
	}
}

/* ---- faults ---------------------------------------------------------------------------------- */

bool
s2_allowed(uint8_t perm, const struct access *a)
{
	/* Reading is not part of executing: S2AP has execute-only pages (DDI 0487 D8.4). */
	return a->inst ? !(perm & 8) : perm & (a->write ? 2 : 1);
}

bool
s2_reads(const struct s2 *s, const struct s2_way *way)
{
	return (way->perm & 1) && !(s->on && s->ptw && (way->perm & 4));
}

void
s2_fault(struct access *a, const struct s2 *s, const struct s2_way *way, uint64_t cls, uint64_t ipa)
{
	unsigned int id = way->id != 0 ? way->id : SMMU_EVT_F_PERMISSION;
	uint64_t w1 = access_flags(a) | SMMU_EVT_1_S2 | smmu_field_prep(SMMU_EVT_1_CLASS, cls);
	uint64_t m1 = ~SMMU_EVT_1_STAG; /* or REASON: UNKNOWN */

	if (id == SMMU_EVT_F_WALK_EABT) {
		outcome_event(a, id, w1, a->va, way->pa & SMMU_EVT_3_FETCHADDR, m1, UINT64_MAX);
		return;
	}
	if (!s->record) { /* S2R is about translation faults only, whatever their CLASS (§5.5) */
		outcome_silent(a);
		return;
	}
	/* What the descriptor was to be accessed for; nothing is known of it elsewhere (§7.3.15).
	 */
	if (id == SMMU_EVT_F_PERMISSION) {
		if (cls == SMMU_EVT_CLASS_TTD)
			w1 |= SMMU_EVT_1_TTRNW;
		else
			m1 &= ~SMMU_EVT_1_TTRNW;
	}
	outcome_event(a, id, w1, a->va, ipa & SMMU_EVT_3_IPA, m1, UINT64_MAX);
}

void
s2_access(struct model_tlb *t, const struct s2 *s, struct access *a)
{
	struct s2_ways o;

	a->s2_only = true;
	/* With stage 1 bypassed the address is held against IAS, as stage 1's (§3.4). */
	if (a->va >> MODEL_OAS != 0) {
		outcome_event(a, SMMU_EVT_F_ADDR_SIZE,
			      access_flags(a) |
				      smmu_field_prep(SMMU_EVT_1_CLASS, SMMU_EVT_CLASS_IN),
			      a->va, 0, ~SMMU_EVT_1_STAG, 0);
		return;
	}
	s2_translate(t, s, a->va, false, &o);
	a->overflow |= o.overflow;
	for (unsigned int i = 0; i < o.n; i++)
		if (o.w[i].id == 0 && s2_allowed(o.w[i].perm, a))
			outcome_ok(a, o.w[i].pa);
		else
			s2_fault(a, s, &o.w[i], SMMU_EVT_CLASS_IN, a->va);
}
