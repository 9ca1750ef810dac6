/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Changes for cases: tables, contexts, stream table entries, each followed by an invalidation or
 * not.
 */
#include "gen.h"

static uint64_t
attr(struct gen *g)
{
	uint64_t a = SMMU_TTD_AF | SMMU_TTD_NG | SMMU_TTD_AP1 | (percent(g, 12) ? SMMU_TTD_AP2 : 0);

	if (right_from(g, AF_FAULTS) && percent(g, 3))
		a &= ~SMMU_TTD_AF;
	if (g->conf->qemu != 0) /* all that its table walks look at */
		return a;
	if (percent(g, 10))
		a &= ~SMMU_TTD_NG;
	if (percent(g, 4))
		a &= ~SMMU_TTD_AP1;
	return a | (percent(g, 10) ? SMMU_TTD_UXN : 0) | (percent(g, 10) ? SMMU_TTD_PXN : 0);
}

void
gen_map(struct gen *g, unsigned int space, uint64_t va, unsigned int level)
{
	const struct space *s = &g->c->space[space];
	struct op *o = gen_add(g, OP_MAP);

	o->space = (uint8_t)space;
	o->level = (uint8_t)level;
	o->page = (uint16_t)below(g, DATA_PAGES);
	o->x = va;
	o->y = attr(g);
	g->page[g->nb_page++ % POOL] = o->page;
	if (level == 3 && space < SPACES && g->home[space] != 0 && percent(g, 20) &&
	    gen_far(g, g->home[space]) != 0) {
		o->y |= gen_far(g, g->home[space]);
		gen_s2_map(g, g->home[space], gen_far(g, g->home[space]) | (ARENA_PA + DATA_OFF +
			   o->page * UINT64_C(4096)), 3);
	}
	if (level < 3) { /* an address that is data page o->page in that block */
		uint64_t off = (UINT64_C(1) << gran_shift(s->gran, level)) - 1;

		va = canonical(s, (va & ~off) |
				  ((ARENA_PA + DATA_OFF + o->page * UINT64_C(4096)) & off));
		if (g->nb_block[space] == BLOCKS)
			return;
		gen_add_va(g, space, va);
		g->block[space][g->nb_block[space]].va = va;
		g->block[space][g->nb_block[space]++].level = (uint8_t)level;
	}
}

unsigned int
gen_block_level(struct gen *g, unsigned int space)
{
	const struct space *s = &g->c->space[space];
	unsigned int level = s->gran == 0 && percent(g, 30) ? 1 : 2;

	/* Where no granule has blocks: not valid. */
	if (g->conf->qemu == 0 && space_start(s) < level && percent(g, 15))
		return space_start(s);
	return level < space_start(s) ? 3 : level;
}

/* A block goes, comes, or is read-only from now on. (All of data are in one: they do not move.) */
static void
change_block(struct gen *g)
{
	unsigned int space = below(g, SPACES), i;
	struct op *o;

	if (g->nb_block[space] == 0)
		return;
	i = below(g, g->nb_block[space]);
	o = gen_add(g, percent(g, 40) ? OP_DESC : OP_MAP);
	o->space = (uint8_t)space;
	o->level = g->block[space][i].level;
	o->x = g->block[space][i].va;
	if (o->kind == OP_MAP)
		o->y = attr(g) ^ (percent(g, 40) ? SMMU_TTD_AP2 : 0);
	gen_tlbi_after(g, space, o->x, o->level);
}

static void
change_map(struct gen *g)
{
	unsigned int space = below(g, SPACES), level = 3;
	uint64_t va = some_va(g, space);
	unsigned int start = space_start(&g->c->space[space]);
	unsigned int pick = below(g, 20);
	struct op *o;

	if (pick < 11) {
		gen_map(g, space, va, 3);
	} else if (pick < 14) { /* a block; what is below it goes */
		level = gen_block_level(g, space);
		gen_map(g, space, va, level);
	} else if (pick < 17) { /* another table with one leaf that is new */
		level = 2;
		o = gen_add(g, OP_RELINK);
		o->space = (uint8_t)space;
		o->level = 2;
		o->page = (uint16_t)below(g, DATA_PAGES);
		o->x = va;
		o->y = attr(g);
	} else {
		o = gen_add(g, OP_DESC);
		level = percent(g, 70) ? 3 : start + below(g, 4 - start);
		o->space = (uint8_t)space;
		o->level = (uint8_t)level;
		o->x = va;
		pick = below(g, 8);
		o->y = pick < 5 ? 0 : pick == 5 ? 2 | SMMU_TTD_AF :
		       level < 3 && pick == 6 ? HOLE_PA | SMMU_TTD_TYPE_TABLE : 1 & (level == 3);
		if ((level == 3 ? right_from(g, IPS_LEAF) : g->conf->qemu == 0) &&
		    percent(g, 20)) /* beyond OAS */
			o->y = UINT64_C(1) << 45 | SMMU_TTD_AF | SMMU_TTD_AP1 | 3;
	}
	gen_tlbi_after(g, space, va, level);
}

static uint64_t
cd_word(struct gen *g, unsigned int slot, unsigned int lo, unsigned int hi)
{
	static const uint8_t tg0[] = { SMMU_CD_TG0_4K, SMMU_CD_TG0_16K, SMMU_CD_TG0_64K };
	static const uint8_t tg1[] = { SMMU_CD_TG1_4K, SMMU_CD_TG1_16K, SMMU_CD_TG1_64K };
	uint64_t w = SMMU_CD_0_V | SMMU_CD_0_AA64 | SMMU_CD_0_A | SMMU_CD_0_R |
		     smmu_field_prep(SMMU_CD_0_IPS, SMMU_OAS_44) |
		     smmu_field_prep(SMMU_CD_0_ASID, g->asid[slot]);

	if (lo == SPACES)
		w |= SMMU_CD_0_EPD0;
	else
		w |= smmu_field_prep(SMMU_CD_0_T0SZ, g->c->space[lo].tsz) |
		     smmu_field_prep(SMMU_CD_0_TG0, tg0[g->c->space[lo].gran]);
	if (hi == SPACES)
		w |= SMMU_CD_0_EPD1;
	else
		w |= smmu_field_prep(SMMU_CD_0_T1SZ, g->c->space[hi].tsz) |
		     smmu_field_prep(SMMU_CD_0_TG1, tg1[g->c->space[hi].gran]);
	return w;
}

/* What a driver could get wrong in word 0. */
static uint64_t
cd_mistake(struct gen *g, uint64_t w)
{
	switch (below(g, 12)) {
	case 0:
		return w & ~SMMU_CD_0_V;
	case 1:
		return w & ~SMMU_CD_0_AA64;
	case 2:
		return w | SMMU_CD_0_S;
	case 3:
		return w | SMMU_CD_0_HA;
	case 4:
		return w | SMMU_CD_0_ENDI;
	case 5:
		return smmu_field_set(w, SMMU_CD_0_T0SZ, 15 - below(g, 2) * 15);
	case 6:
		return smmu_field_set(w, SMMU_CD_0_T0SZ, 40 + below(g, 24));
	case 7:
		return smmu_field_set(w, SMMU_CD_0_TG0, 3);
	case 8:
		return smmu_field_set(w, SMMU_CD_0_TG1, 0);
	case 9:
		if (g->conf->qemu == 0)
			return smmu_field_set(w, SMMU_CD_0_IPS, SMMU_OAS_32);
		/* fall through */
	default:
		return w & ~SMMU_CD_0_R;
	}
}

void
gen_cd(struct gen *g, unsigned int slot, bool mistake)
{
	const struct space *s = &g->c->space[slot];
	unsigned int lo = s->high ? SPACES : slot, hi = s->high ? slot : SPACES;
	struct op *o = gen_add(g, OP_CD);

	/* The other half is now and then another space's. */
	for (unsigned int i = 0; i < SPACES; i++)
		if (g->c->space[i].high != s->high && (slot + i) % 3 == 0)
			*(s->high ? &lo : &hi) = i;
	o->dev = (uint8_t)slot;
	o->x = cd_word(g, slot, lo, hi);
	o->t0 = lo == SPACES ? -1 : (int16_t)lo;
	o->t1 = hi == SPACES ? -1 : (int16_t)hi;
	/* The twin's root: the same addresses lead elsewhere from now on. */
	if (g->twins[slot / 2] && percent(g, 50))
		*(s->high ? &o->t1 : &o->t0) = (int16_t)(slot ^ 1);
	if (!mistake)
		return;
	/* The root table is where no memory is; QEMU wants to know that of unused ones, too. */
	if (percent(g, 15) && !(g->conf->qemu != 0 && g->c->s2))
		o->t0 = -2;
	else
		o->x = cd_mistake(g, o->x);
	if (right_from(g, AF_FAULTS) && percent(g, 15))
		o->x |= SMMU_CD_0_AFFD;
	if (g->conf->qemu == 0 && percent(g, 15))
		o->x |= SMMU_CD_0_TBI0 | SMMU_CD_0_TBI1;
}

static void
change_cd(struct gen *g)
{
	unsigned int slot = below(g, SPACES), how = below(g, 100);

	gen_cd(g, slot, percent(g, 20));
	if (how < 25)
		gen_cmd(g, SMMU_CMD_CFGI_STE_RANGE, SMMU_CFGI_RANGE_ALL);
	for (unsigned int d = 0; how >= 25 && how < 80 && d < g->c->devs; d++)
		if (g->of_dev[d] == slot)
			gen_cfgi(g, d, true);
	if (percent(g, 70))
		gen_cmd(g, by_asid(g, SMMU_CMD_TLBI_NH_ASID, slot), 0);
}

void
gen_ste(struct gen *g, unsigned int dev, unsigned int kind)
{
	struct op *o = gen_add(g, OP_STE);
	uint64_t s1 = SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_S1) |
		      (CD_OFF + g->of_dev[dev] * UINT64_C(64));

	o->dev = (uint8_t)dev;
	o->x = s1;
	if (g->c->s2) {
		gen_s2_ste(g, o, dev, kind != STE_RIGHT && percent(g, 35));
		s1 = o->x;
	}
	switch (kind) {
	case 0:
		o->x = s1 & ~SMMU_STE_0_V;
		break;
	case 1:
		o->x = SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, below(g, 4));
		break;
	case 2:
		o->x = SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_BYPASS);
		o->y = smmu_field_prep(SMMU_STE_1_SHCFG, SMMU_STE_SHCFG_INCOMING);
		break;
	case 3: /* IGNORED without substreams (§5.2), but not by QEMU */
		if (g->conf->qemu == 0) {
			o->x = s1 | smmu_field_prep(SMMU_STE_0_S1CDMAX, 1 + below(g, 31)) |
			       smmu_field_prep(SMMU_STE_0_S1FMT, below(g, 4));
			o->y = smmu_field_prep(SMMU_STE_1_S1DSS, below(g, 4));
			break;
		}
		/* fall through */
	case 4:
		if (g->conf->qemu == 0 || g->of_dev[dev] < SPACES)
			o->y = SMMU_STE_1_S1STALLD;
		break;
	case 5:
		o->x = (s1 & ~SMMU_STE_0_S1CONTEXTPTR) | HOLE_PA;
		break;
	case 6: /* another context */
		g->of_dev[dev] = (uint8_t)some_space(g);
		o->x = (s1 & ~SMMU_STE_0_S1CONTEXTPTR) | (CD_OFF + g->of_dev[dev] * UINT64_C(64));
		if (g->c->s2) {
			o->x = smmu_field_set(o->x, SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_S1);
			gen_s2_ste(g, o, dev, false);
		}
		break;
	default:
		if (g->conf->qemu == 0 && percent(g, 30))
			o->y = smmu_field_prep(SMMU_STE_1_PRIVCFG, 2 + below(g, 2)) |
			       smmu_field_prep(SMMU_STE_1_INSTCFG, 2 + below(g, 2));
		break;
	}
}

static void
change_ste(struct gen *g)
{
	unsigned int dev = below(g, g->c->devs), how = below(g, 100);

	gen_ste(g, dev, below(g, 21));
	if (how < 70)
		gen_cfgi(g, dev, false);
	else if (how < 80)
		gen_cfgi(g, below(g, g->c->devs), true);
}

static void
change_l1(struct gen *g)
{
	static const uint8_t hows[] = { 0, 0, 0, 0, 1, 2 };

	gen_add(g, OP_L1)->dev = hows[below(g, 6)];
	if (percent(g, 60))
		gen_cmd(g, SMMU_CMD_CFGI_STE_RANGE, SMMU_CFGI_RANGE_ALL);
	else if (percent(g, 50))
		gen_cmd(g, SMMU_CMD_CFGI_STE | (uint64_t)dev_stream(below(g, g->c->devs)) << 32,
		    below(g, 2));
}

void
gen_change(struct gen *g)
{
	unsigned int pick;

	if (g->c->s2 && percent(g, 40)) {
		gen_s2_change(g);
		return;
	}
	pick = below(g, 100);
	if (pick < 12)
		change_block(g);
	else if (pick < 50)
		change_map(g);
	else if (pick < 66)
		change_ste(g);
	else if (pick < 78)
		change_cd(g);
	else if (pick < 80)
		change_l1(g);
	else if (pick < 82) /* reserved: CERROR_ILL, and the queue goes on */
		gen_cmd(g, 0, 0);
	else
		gen_tlbi_random(g);
}
