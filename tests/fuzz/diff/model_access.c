/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The reference model, an access: every way in which it can end, by what memory says and by what
 * may be cached, in the order in which an SMMU looks at things (IHI 0070 §7.3, priority of faults).
 */
#include <string.h>

#include "model.h"

static void
outcome_add(struct access *a, const struct outcome *o)
{
	for (unsigned int i = 0; i < a->n; i++)
		if (memcmp(&a->out[i], o, sizeof(*o)) == 0)
			return;
	if (a->n == OUTCOMES_MAX)
		a->overflow = true;
	else
		a->out[a->n++] = *o;
}

void
outcome_ok(struct access *a, uint64_t pa)
{
	struct outcome o;

	memset(&o, 0, sizeof(o));
	o.end = pa < NOTHING_PA ? END_OK : END_ABORT;
	o.pa = pa;
	outcome_add(a, &o);
}

void
outcome_silent(struct access *a)
{
	struct outcome o;

	memset(&o, 0, sizeof(o));
	o.end = END_FAULT;
	outcome_add(a, &o);
}

/* A record (§7.3). @p m1, @p m3: which bits of words 1 and 3 the type defines; word 2 is whole. */
void
outcome_event(struct access *a, unsigned int id, uint64_t w1, uint64_t w2, uint64_t w3, uint64_t m1,
	      uint64_t m3)
{
	struct outcome o;

	memset(&o, 0, sizeof(o));
	o.end = END_FAULT;
	o.event = true;
	o.ev[0] = id | smmu_field_prep(SMMU_EVT_0_SID, dev_stream(a->dev));
	o.ev[1] = w1;
	o.ev[2] = w2;
	o.ev[3] = w3;
	o.bypass = a->bypass;
	o.s2_only = a->s2_only;
	/* SSID is UNKNOWN when SSV is 0. */
	o.evmask[0] = ~SMMU_EVT_0_SSID;
	o.evmask[1] = m1;
	o.evmask[2] = UINT64_MAX;
	o.evmask[3] = m3;
	outcome_add(a, &o);
}

/* Through the CD of @p e: as it is in memory, by every way that stage 2 may go, or in a cache. */
static void
access_s1(struct model *m, const struct ste *e, const struct s2 *s2, struct access *a)
{
	uint64_t at = e->w[0] & SMMU_STE_0_S1CONTEXTPTR;
	const struct stream *s = &m->s[a->dev];
	struct s2_ways o;

	s2_translate(m->tlb, s2, at, false, &o);
	a->overflow |= o.overflow;
	for (unsigned int i = 0; i < o.n; i++) {
		const struct s2_way *way = &o.w[i];
		struct model_cd cd;
		const uint64_t *p;
		bool known = true;

		if (way->id != 0 || !s2_reads(s2, way)) {
			s2_fault(a, s2, way, SMMU_EVT_CLASS_CD, at);
			continue;
		}
		p = model_read(m->w, way->pa, &known);
		a->overflow |= !known;
		if (p == NULL) { /* REASON is UNKNOWN without GPCF */
			outcome_event(a, SMMU_EVT_F_CD_FETCH, 0, 0, way->pa & SMMU_EVT_3_FETCHADDR,
				      ~SMMU_EVT_1_REASON, SMMU_EVT_3_FETCHADDR);
			continue;
		}
		memcpy(cd.w, p, sizeof(cd.w));
		model_walk_access(m->tlb, s2, &cd, a);
	}
	for (unsigned int i = 0; i < s->nb_cd; i++)
		model_walk_access(m->tlb, s2, &s->cd[i], a);
}

static void
access_ste(struct model *m, const struct ste *e, struct access *a)
{
	unsigned int config = (unsigned int)smmu_field_get(SMMU_STE_0_CONFIG, e->w[0]);
	struct s2 s2;

	a->bypass = a->s2_only = false;
	if (!(e->w[0] & SMMU_STE_0_V)) {
		outcome_event(a, SMMU_EVT_C_BAD_STE, 0, 0, 0, 0, 0);
		return;
	}
	if (!(config & 4)) {
		outcome_silent(a);
		return;
	}
	a->priv = smmu_field_get(SMMU_STE_1_PRIVCFG, e->w[1]) == SMMU_STE_PRIVCFG_PRIV;
	a->bypass = config == SMMU_STE_CONFIG_BYPASS;
	a->inst = !a->write && smmu_field_get(SMMU_STE_1_INSTCFG, e->w[1]) == 3;
	if (config == SMMU_STE_CONFIG_BYPASS) {
		if (a->va >> MODEL_OAS == 0) {
			outcome_ok(a, a->va);
			return;
		}
		outcome_event(a, SMMU_EVT_F_ADDR_SIZE,
			      access_flags(a) |
				      smmu_field_prep(SMMU_EVT_1_CLASS, SMMU_EVT_CLASS_IN),
			      a->va, 0, ~SMMU_EVT_1_STAG, 0);
		return;
	}
	if (!ste_legal(m, e, &s2))
		outcome_event(a, SMMU_EVT_C_BAD_STE, 0, 0, 0, 0, 0);
	else if (ste_uses_s1(e))
		access_s1(m, e, &s2, a);
	else
		s2_access(m->tlb, &s2, a);
}

unsigned int
model_access(struct model *m, const struct op *o, struct outcome *out)
{
	struct access a = { .dev = o->dev, .va = o->x, .write = o->write, .out = out };
	const struct stream *s = &m->s[o->dev];

	for (unsigned int i = 0; i < s->nb_ste; i++)
		access_ste(m, &s->ste[i], &a);
	if (m->l1[0]) {
		struct ste now;

		memcpy(now.w, m->w->ste[o->dev], sizeof(now.w));
		access_ste(m, &now, &a);
	}
	a.bypass = a.s2_only = false;
	if (m->l1[1]) /* Span = 0; CR2.RECINVSID is set */
		outcome_event(&a, SMMU_EVT_C_BAD_STREAMID, 0, 0, 0, 0, 0);
	if (m->l1[2])
		outcome_event(&a, SMMU_EVT_F_STE_FETCH, 0, 0,
			      HOLE_PA + dev_stream(o->dev) * SMMU_STE_BYTES, ~SMMU_EVT_1_REASON,
			      SMMU_EVT_3_FETCHADDR);
	return m->overflow || a.overflow ? 0 : a.n;
}
