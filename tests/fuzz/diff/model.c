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

#include "model.h"

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
	free(m->tlb);
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
add_ste(struct model *m, struct stream *s, const uint64_t w[STE_WORDS])
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

const uint64_t *
model_read(const struct world *w, uint64_t pa, bool *known)
{
	uint64_t off = pa - ARENA_PA;

	/* What DMA has written, and memory that is not ours: the parties' differ. */
	if ((off >= DATA_OFF && off < DATA_OFF + DATA_LEN) || (off >= OUT_OFF && off < ARENA_LEN) ||
	    (off >= ARENA_LEN && pa < NOTHING_PA))
		*known = false;
	return *known ? world_mem(w, pa) : NULL;
}

/* What an STE says: V, Config, and the stages, if they are legal (§5.2; no substreams). */
bool
ste_legal(const struct model *m, const struct ste *e, struct s2 *s2)
{
	uint64_t config = smmu_field_get(SMMU_STE_0_CONFIG, e->w[0]);
	bool legal;

	legal = s2_decode(e->w, config == SMMU_STE_CONFIG_S2 || config == SMMU_STE_CONFIG_NESTED,
			  s2);
	if (!m->w->s2p) {
		s2->vmid = 0;
		legal = config <= SMMU_STE_CONFIG_S1;
	}
	return legal && (e->w[0] & SMMU_STE_0_V) &&
	       !((config & 1) && (e->w[1] & SMMU_STE_1_S1STALLD));
}

/* Does it have a CD? */
bool
ste_uses_s1(const struct ste *e)
{
	uint64_t config = smmu_field_get(SMMU_STE_0_CONFIG, e->w[0]);

	return config == SMMU_STE_CONFIG_S1 || config == SMMU_STE_CONFIG_NESTED;
}

static void
context_add(struct contexts *all, const struct s2 *s2, const struct model_cd *cd)
{
	struct context c;

	memset(&c, 0, sizeof(c));
	memcpy(&c.s2, s2, sizeof(c.s2));
	if (cd != NULL)
		c.cd = *cd;
	c.s1 = cd != NULL;
	for (unsigned int i = 0; i < all->n; i++)
		if (memcmp(&all->c[i], &c, sizeof(c)) == 0)
			return;
	if (all->n == sizeof(all->c) / sizeof(all->c[0]))
		all->overflow = true;
	else
		memcpy(&all->c[all->n++], &c, sizeof(c));
}

/* The CDs that memory has for it, by every way that stage 2 may go. */
static void
fetch_cds(struct model *m, struct stream *s, const struct ste *e, const struct s2 *s2)
{
	struct s2_ways o;

	s2_translate(m->tlb, s2, e->w[0] & SMMU_STE_0_S1CONTEXTPTR, true, &o);
	m->overflow |= o.overflow;
	for (unsigned int i = 0; i < o.n; i++) {
		bool known = true;
		const uint64_t *p = o.w[i].id == 0 && s2_reads(s2, &o.w[i]) ?
				    model_read(m->w, o.w[i].pa, &known) : NULL;
		struct model_cd cd;

		m->overflow |= !known;
		if (p == NULL)
			continue;
		memcpy(cd.w, p, sizeof(cd.w));
		add_cd(m, s, &cd);
	}
}

static void
stream_changed(struct model *m, unsigned int dev, struct contexts *all)
{
	struct stream *s = &m->s[dev];
	struct s2 s2;

	/* Only through a level-1 descriptor that leads somewhere. */
	if (m->l1[0])
		add_ste(m, s, m->w->ste[dev]);
	for (unsigned int i = 0; i < s->nb_ste; i++)
		if (ste_legal(m, &s->ste[i], &s2) && ste_uses_s1(&s->ste[i]))
			fetch_cds(m, s, &s->ste[i], &s2);
	for (unsigned int i = 0; i < s->nb_ste; i++) {
		if (!ste_legal(m, &s->ste[i], &s2))
			continue;
		for (unsigned int k = 0; ste_uses_s1(&s->ste[i]) && k < s->nb_cd; k++)
			context_add(all, &s2, &s->cd[k]);
		if (!ste_uses_s1(&s->ste[i]) && s2.on)
			context_add(all, &s2, NULL);
	}
}

void
model_changed(struct model *m)
{
	struct contexts *all = &m->contexts;

	m->l1[m->w->l1] = true;
	/* Each context once: most streams share theirs with others. */
	all->n = 0;
	for (unsigned int d = 0; d < m->c->devs; d++)
		stream_changed(m, d, all);
	m->overflow |= all->overflow;
	for (unsigned int i = 0; i < all->n; i++) {
		const struct context *c = &all->c[i];

		for (unsigned int v = 0; v < m->nb_va; v++) {
			struct s2_ways o = { .overflow = false };

			if (c->s1)
				m->overflow |= !model_walk_fill(m->tlb, &c->s2, &c->cd, m->va[v]);
			else if (m->va[v] >> MODEL_OAS == 0)
				s2_translate(m->tlb, &c->s2, m->va[v], true, &o);
			m->overflow |= o.overflow;
		}
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
