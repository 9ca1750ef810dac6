/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The reference model, configuration: what an SMMU may still believe of a stream (IHI 0070 §3.21).
 *
 * 1. Anything that can be reached may be fetched and kept at any moment, used or not. So after each
 *    change of memory the model adds what is reachable now to what may be cached.
 * 2. A CFGI command, once SYNC is complete, takes away what it names; what memory says now can be
 *    fetched again at once.
 * 3. An access may use, at each step, anything that may be cached, or what memory says now. The set
 *    of ways in which it can end is what the architecture allows. One way: determined, which is the
 *    usual case after proper invalidation. More: stale answers are legal.
 *
 * Mixtures of an old and a new structure, which the architecture allows as well while words of it
 * are being written, are left out: nothing runs while the tool writes.
 */
#include <stdlib.h>
#include <string.h>

#include "diff.h"

#define CFG_MAX 24u
#define VAS_MAX 96u

struct ste {
	uint64_t w[2];
};

struct stream {
	struct ste ste[CFG_MAX]; /* may be cached */
	struct model_cd cd[CFG_MAX];
	unsigned int nb_ste, nb_cd;
};

struct model {
	const struct world *w;
	const struct diff_case *c;
	struct model_tlb *tlb;
	struct stream s[DEVS_MAX];
	bool l1[3];        /* which level-1 descriptors may be cached, by OP_L1's how */
	uint64_t va[VAS_MAX];
	unsigned int nb_va;
	bool overflow;     /* too many possibilities to go on telling */
};

struct model *
model_create(const struct world *w)
{
	struct model *m = calloc(1, sizeof(*m));

	if (m != NULL)
		m->tlb = model_tlb_create(w);
	if (m == NULL || m->tlb == NULL) {
		free(m);
		return NULL;
	}
	m->w = w;
	return m;
}

void
model_destroy(struct model *m)
{
	if (m == NULL)
		return;
	model_tlb_destroy(m->tlb);
	free(m);
}

void
model_reset(struct model *m, const struct diff_case *c)
{
	memset(m->s, 0, sizeof(m->s));
	memset(m->l1, 0, sizeof(m->l1));
	model_tlb_reset(m->tlb);
	m->c = c;
	m->nb_va = 0;
	m->overflow = false;
	for (unsigned int i = 0; i < c->nb_ops; i++) {
		uint64_t page = c->op[i].x & ~UINT64_C(4095);
		unsigned int k = 0;

		if (c->op[i].kind != OP_DMA)
			continue;
		while (k < m->nb_va && m->va[k] != page)
			k++;
		if (k == m->nb_va && k < VAS_MAX)
			m->va[m->nb_va++] = page;
		else if (k == VAS_MAX)
			m->overflow = true;
	}
	model_changed(m);
}

/* ---- what may be cached ---------------------------------------------------------------------- */

static void
add_ste(struct model *m, struct stream *s, const uint64_t w[2])
{
	for (unsigned int i = 0; i < s->nb_ste; i++)
		if (memcmp(s->ste[i].w, w, sizeof(s->ste[i].w)) == 0)
			return;
	if (s->nb_ste == CFG_MAX)
		m->overflow = true;
	else
		memcpy(s->ste[s->nb_ste++].w, w, sizeof(s->ste[0].w));
}

static void
add_cd(struct model *m, struct stream *s, const struct model_cd *cd)
{
	for (unsigned int i = 0; i < s->nb_cd; i++)
		if (memcmp(&s->cd[i], cd, sizeof(*cd)) == 0)
			return;
	if (s->nb_cd == CFG_MAX)
		m->overflow = true;
	else
		s->cd[s->nb_cd++] = *cd;
}

/* A legal stage-1 STE (§5.2), for an SMMU with neither stage 2 nor substreams. */
static bool
is_s1(const struct ste *e)
{
	return (e->w[0] & SMMU_STE_0_V) && !(e->w[1] & SMMU_STE_1_S1STALLD) &&
	       smmu_field_get(SMMU_STE_0_CONFIG, e->w[0]) == SMMU_STE_CONFIG_S1;
}

static const uint64_t *
cd_at(const struct model *m, const struct ste *e)
{
	return world_mem(m->w, e->w[0] & SMMU_STE_0_S1CONTEXTPTR);
}

static void
stream_changed(struct model *m, unsigned int dev)
{
	struct stream *s = &m->s[dev];

	/* Only through a level-1 descriptor that leads somewhere. */
	if (m->l1[0])
		add_ste(m, s, m->w->ste[dev]);
	for (unsigned int i = 0; i < s->nb_ste; i++) {
		const uint64_t *p = is_s1(&s->ste[i]) ? cd_at(m, &s->ste[i]) : NULL;
		struct model_cd cd;

		if (p == NULL)
			continue;
		memcpy(cd.w, p, sizeof(cd.w));
		add_cd(m, s, &cd);
	}
}

void
model_changed(struct model *m)
{
	struct model_cd done[DEVS_MAX * 4];
	unsigned int n = 0;

	m->l1[m->w->l1] = true;
	for (unsigned int d = 0; d < m->c->devs; d++)
		stream_changed(m, d);
	/* Each context once: most streams share theirs with others. */
	for (unsigned int d = 0; d < m->c->devs; d++)
		for (unsigned int i = 0; i < m->s[d].nb_cd; i++) {
			const struct model_cd *cd = &m->s[d].cd[i];
			unsigned int k = 0;

			while (k < n && memcmp(&done[k], cd, sizeof(*cd)) != 0)
				k++;
			if (k < n)
				continue;
			if (n < sizeof(done) / sizeof(done[0]))
				done[n++] = *cd;
			for (unsigned int v = 0; v < m->nb_va; v++)
				if (!model_tlb_fill(m->tlb, cd, m->va[v]))
					m->overflow = true;
		}
}

/* ---- what commands take away ----------------------------------------------------------------- */

static void
drop(struct model *m, uint32_t sid, uint32_t mask, bool ste, bool l1)
{
	for (unsigned int d = 0; d < m->c->devs; d++) {
		if ((dev_stream(d) ^ sid) & mask)
			continue;
		/* CFGI_STE takes the CDs of the stream with it (§4.3.1). */
		m->s[d].nb_cd = 0;
		if (ste)
			m->s[d].nb_ste = 0;
	}
	/* All streams of this tool are under one level-1 descriptor. */
	if (l1 && ((sid ^ dev_stream(0)) & mask & ~UINT32_C(255)) == 0)
		memset(m->l1, 0, sizeof(m->l1));
}

void
model_cmd(struct model *m, uint64_t w0, uint64_t w1)
{
	uint32_t sid = (uint32_t)smmu_field_get(SMMU_CMD_0_SID, w0);
	unsigned int range = (unsigned int)smmu_field_get(SMMU_CFGI_1_RANGE, w1);

	switch (smmu_field_get(SMMU_CMD_0_OP, w0)) {
	case SMMU_CMD_CFGI_STE:
		drop(m, sid, UINT32_MAX, true, !(w1 & SMMU_CFGI_1_LEAF));
		break;
	case SMMU_CMD_CFGI_STE_RANGE:
		drop(m, sid, range == SMMU_CFGI_RANGE_ALL ? 0 :
		     ~(uint32_t)((UINT64_C(2) << range) - 1), true, true);
		break;
	case SMMU_CMD_CFGI_CD:
	case SMMU_CMD_CFGI_CD_ALL:
		drop(m, sid, UINT32_MAX, false, false);
		break;
	default:
		model_tlb_cmd(m->tlb, w0, w1);
		break;
	}
	model_changed(m);
}

/* ---- an access ------------------------------------------------------------------------------- */

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

static void
outcome_silent(struct access *a)
{
	struct outcome o;

	memset(&o, 0, sizeof(o));
	o.end = END_FAULT;
	outcome_add(a, &o);
}

/* A record (§7.3). @p m1, @p m3: which bits of words 1 and 3 the type defines; word 2 is whole. */
void
outcome_event(struct access *a, unsigned int id, uint64_t w1, uint64_t w2, uint64_t w3,
	      uint64_t m1, uint64_t m3)
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
	/* SSID is UNKNOWN when SSV is 0. */
	o.evmask[0] = ~SMMU_EVT_0_SSID;
	o.evmask[1] = m1;
	o.evmask[2] = UINT64_MAX;
	o.evmask[3] = m3;
	outcome_add(a, &o);
}

static void
access_ste(struct model *m, const struct ste *e, struct access *a)
{
	unsigned int config = (unsigned int)smmu_field_get(SMMU_STE_0_CONFIG, e->w[0]);
	struct stream *s = &m->s[a->dev];
	const uint64_t *p;

	a->bypass = false;
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
		if (a->va >> 44 == 0) {
			outcome_ok(a, a->va);
			return;
		}
		outcome_event(a, SMMU_EVT_F_ADDR_SIZE,
			      (a->write ? 0 : SMMU_EVT_1_RNW) | (a->priv ? SMMU_EVT_1_PNU : 0) |
				      (a->inst ? SMMU_EVT_1_IND : 0) |
				      smmu_field_prep(SMMU_EVT_1_CLASS, SMMU_EVT_CLASS_IN),
			      a->va, 0, ~SMMU_EVT_1_STAG, 0);
		return;
	}
	if (!is_s1(e)) {
		outcome_event(a, SMMU_EVT_C_BAD_STE, 0, 0, 0, 0, 0);
		return;
	}
	p = cd_at(m, e);
	if (p == NULL) /* REASON is UNKNOWN without GPCF */
		outcome_event(a, SMMU_EVT_F_CD_FETCH, 0, 0, e->w[0] & SMMU_STE_0_S1CONTEXTPTR,
			      ~SMMU_EVT_1_REASON, SMMU_EVT_3_FETCHADDR);
	else
		model_tlb_access(m->tlb, (const struct model_cd *)(const void *)p, a);
	for (unsigned int i = 0; i < s->nb_cd; i++)
		model_tlb_access(m->tlb, &s->cd[i], a);
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
	a.bypass = false;
	if (m->l1[1]) /* Span = 0; CR2.RECINVSID is set */
		outcome_event(&a, SMMU_EVT_C_BAD_STREAMID, 0, 0, 0, 0, 0);
	if (m->l1[2])
		outcome_event(&a, SMMU_EVT_F_STE_FETCH, 0, 0,
			      HOLE_PA + dev_stream(o->dev) * SMMU_STE_BYTES, ~SMMU_EVT_1_REASON,
			      SMMU_EVT_3_FETCHADDR);
	return m->overflow || a.overflow ? 0 : a.n;
}
