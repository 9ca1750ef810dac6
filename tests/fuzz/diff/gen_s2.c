/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stage 2 in cases: address spaces of its own that devices use alone, or below one of stage 1,
 * whose tables and contexts then are at addresses that it translates. The arena is mapped to itself
 * for that, pages of data to other pages of data.
 */
#include "gen.h"

#define FAR_MIN 34u /* input bits from which on stage 1 may lead to the upper half of stage 2 */

static unsigned int
in_bits(const struct gen *g, unsigned int space)
{
	return 64u - g->c->space[space].tsz;
}

/* Does it reach the arena? */
static bool
reaches(const struct gen *g, unsigned int space)
{
	return (ARENA_PA + ARENA_LEN - 1) >> in_bits(g, space) == 0;
}

static uint64_t
attr(struct gen *g)
{
	static const uint8_t mem[] = { 0x5, 0xa, 0x1, 0x0 };
	uint64_t a = SMMU_TTD_AF | smmu_field_prep(SMMU_TTD_SH, SMMU_SH_ISH) |
		     (uint64_t)(percent(g, 90) ? 0xf : mem[below(g, 4)]) << 2;

	unsigned int ap = percent(g, 80) ? 3 : below(g, 4); /* S2AP: none, read, write, both */

	if (percent(g, 4))
		a &= ~SMMU_TTD_AF;
	if (ap == 2 && g->conf->qemu != 0)
		ap = 1;
	if (g->conf->qemu == 0 && percent(g, 8))
		a |= SMMU_TTD_UXN;
	return a | (uint64_t)ap << 6;
}

#define PLAIN                                                  \
	(SMMU_TTD_AF | UINT64_C(0xf) << 2 | UINT64_C(3) << 6 | \
	 smmu_field_prep(SMMU_TTD_SH, SMMU_SH_ISH))

uint64_t
gen_far(struct gen *g, unsigned int space)
{
	return in_bits(g, space) >= FAR_MIN ? UINT64_C(1) << (in_bits(g, space) - 1) : 0;
}

void
gen_s2_map(struct gen *g, unsigned int space, uint64_t ipa, unsigned int level)
{
	struct op *o = gen_add(g, OP_MAP);

	o->space = (uint8_t)space;
	o->level = (uint8_t)level;
	o->page = (uint16_t)below(g, DATA_PAGES);
	o->x = ipa;
	o->y = attr(g);
}

/* Is its start table one, not several side by side, and not too large for the addresses? */
static bool
one_table(const struct space *s)
{
	unsigned int shift = gran_shift(s->gran, s->start);

	return 64u - s->tsz > shift && 64u - s->tsz <= shift + 9 + 2u * s->gran;
}

/* ---- STEs ------------------------------------------------------------------------------------ */

static uint64_t
word2(struct gen *g, unsigned int space)
{
	static const uint8_t tg[GRANS] = { 0, 2, 1 };
	const struct space *s = &g->c->space[space];
	unsigned int sl0 = s->gran == 0 ? 2u - s->start : 3u - s->start;

	return smmu_field_prep(SMMU_STE_2_S2VMID, g->vmid[space]) |
	       smmu_field_prep(SMMU_STE_2_S2T0SZ, s->tsz) | smmu_field_prep(SMMU_STE_2_S2SL0, sl0) |
	       smmu_field_prep(SMMU_STE_2_S2IR0, SMMU_CD_RGN_WBWA) |
	       smmu_field_prep(SMMU_STE_2_S2OR0, SMMU_CD_RGN_WBWA) |
	       smmu_field_prep(SMMU_STE_2_S2SH0, SMMU_SH_ISH) |
	       smmu_field_prep(SMMU_STE_2_S2TG, tg[s->gran]) |
	       smmu_field_prep(SMMU_STE_2_S2PS, SMMU_OAS_44) | SMMU_STE_2_S2AA64 | SMMU_STE_2_S2R |
	       (g->ptw ? SMMU_STE_2_S2PTW : 0);
}

static void
shape_of(uint64_t z, struct space *s)
{
	static const uint8_t gran[4] = { 0, 2, 1, 0 };
	unsigned int sl0 = (unsigned int)smmu_field_get(SMMU_STE_2_S2SL0, z);

	s->gran = gran[smmu_field_get(SMMU_STE_2_S2TG, z)];
	s->tsz = (uint8_t)smmu_field_get(SMMU_STE_2_S2T0SZ, z);
	s->start = (uint8_t)((s->gran == 0 ? 2u : 3u) - RTE_MIN(sl0, 2u));
}

/* S2T0SZ at a limit: of what there is, or of what @p z's start level takes. */
static unsigned int
limit(struct gen *g, uint64_t z)
{
	static const uint8_t edge[4] = { 19, 20, 39, 40 };
	unsigned int bits;
	struct space s;

	if (percent(g, 50))
		return edge[below(g, 4)];
	shape_of(z, &s);
	/* One bit too few, one bit, 16 tables, 32. */
	bits = below(g, 2) + (percent(g, 50) ? 0 : 9 + 2u * s.gran + 4);
	return (64 - gran_shift(s.gran, s.start) - bits) & 63;
}

/* Another shape of the tables, legal or not; for QEMU none with tables side by side. */
static void
another_shape(struct gen *g, struct op *o)
{
	struct space s = { .s2 = true };
	uint64_t z = o->z;

	switch (below(g, 5)) {
	case 0:
		z = smmu_field_set(z, SMMU_STE_2_S2TG, below(g, 4));
		break;
	case 1:
	case 2:
		z = smmu_field_set(z, SMMU_STE_2_S2SL0, below(g, 4));
		break;
	default:
		z = smmu_field_set(z, SMMU_STE_2_S2T0SZ,
				   percent(g, 40) ? below(g, 64) : limit(g, z));
		/* From the last level that there is, or S2SL0 is wrong as well. */
		if (smmu_field_get(SMMU_STE_2_S2T0SZ, z) >= 39)
			z = smmu_field_set(z, SMMU_STE_2_S2SL0, 0);
		break;
	}
	shape_of(z, &s);
	if (g->conf->qemu == 0 || one_table(&s))
		o->z = z;
}

/* What a hypervisor could get wrong, or do for once. */
static void
mistake(struct gen *g, struct op *o)
{
	switch (below(g, 15)) {
	case 0:
		if (g->conf->qemu == 0) /* which QEMU does not survive */
			o->z &= ~SMMU_STE_2_S2AA64;
		break;
	case 1:
		o->z |= SMMU_STE_2_S2ENDI;
		break;
	case 2:
		o->z |= SMMU_STE_2_S2S;
		break;
	case 3:
		if (g->conf->qemu == 0)
			o->z |= percent(g, 50) ? SMMU_STE_2_S2HA
					       : SMMU_STE_2_S2HA | SMMU_STE_2_S2HD;
		break;
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		another_shape(g, o);
		break;
	case 9: /* C_BAD_STE when S2PS does not reach it, F_WALK_EABT else */
		if (g->conf->qemu != 0 && (o->x & UINT64_C(2)))
			break; /* root tables stay where they are */
		o->t0 = -2;
		if (percent(g, 50))
			o->z = smmu_field_set(o->z, SMMU_STE_2_S2PS, SMMU_OAS_32);
		break;
	case 10:
		o->z |= SMMU_STE_2_S2AFFD;
		break;
	case 11:
		o->z = smmu_field_set(o->z, SMMU_STE_2_S2VMID, below(g, 6));
		break;
	case 12: /* what leads beyond is F_ADDR_SIZE */
		if (g->conf->qemu == 0 && percent(g, 50)) {
			o->z = smmu_field_set(o->z, SMMU_STE_2_S2PS, SMMU_OAS_32);
			break;
		}
		if (g->conf->qemu == 0 || smmu_field_get(SMMU_STE_2_S2T0SZ, o->z) >= 64 - 36)
			o->z = smmu_field_set(o->z, SMMU_STE_2_S2PS, SMMU_OAS_36);
		break;
	case 13:
		if (g->conf->qemu == 0)
			o->z |= SMMU_STE_2_S2PTW;
		break;
	default:
		if (g->conf->qemu == 0 || !(o->x & UINT64_C(2)))
			o->z &= ~SMMU_STE_2_S2R;
		break;
	}
}

void
gen_s2_ste(struct gen *g, struct op *o, unsigned int dev, bool wrong)
{
	unsigned int space = g->of_dev[dev], s2 = space;

	if (space < SPACES) {
		o->z = smmu_field_prep(SMMU_STE_2_S2VMID, gen_vmid(g, space));
		if (g->home[space] == 0)
			return;
		s2 = g->home[space];
		o->x = smmu_field_set(o->x, SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_NESTED);
	} else {
		o->x = SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_S2);
	}
	o->z = word2(g, s2);
	o->t0 = (int16_t)root_slot(s2);
	if (wrong)
		mistake(g, o);
}

/* ---- a case begins --------------------------------------------------------------------------- */

void
gen_s2_space(struct gen *g, unsigned int i)
{
	struct space *s = &g->c->space[i];
	bool small = percent(g, 8);

	s->gran = (uint8_t)below(g, GRANS);
	s->s2 = true;
	do {
		s->start = (uint8_t)below(g, 4);
		s->tsz = (uint8_t)(20 + below(g, small ? 20 : 14));
	} while (!s2_space_fits(s) || (g->conf->qemu != 0 && !one_table(s)));
	g->vmid[i] = (uint16_t)(percent(g, 90) ? 1 + i - SPACES : 1 + below(g, 300));
}

/* Its tables: pages of data somewhere else, a few addresses of its own, and the arena. */
void
gen_s2_fill(struct gen *g, unsigned int i)
{
	struct op *o;

	for (unsigned int k = 0; k < g->nb_va[i]; k++)
		if (percent(g, 93))
			gen_s2_map(g, i, g->va[i][k], 3);
	if (!reaches(g, i))
		return;
	for (unsigned int n = below(g, 16); n > 0; n--)
		gen_s2_map(g, i, gen_data_ipa(g), 3);
	o = gen_add(g, OP_IDENT);
	o->space = (uint8_t)i;
	o->level = percent(g, 60) ? 3 : 2;
	o->y = PLAIN;
}

/* ---- changes --------------------------------------------------------------------------------- */

/* Does QEMU do tables right: is each that stage 2 may lead to in one page of it? */
static bool
table_in_page(const struct gen *g, unsigned int space)
{
	for (unsigned int i = 0; g->conf->qemu != 0 && i < SPACES; i++)
		if (g->home[i] == space && g->c->space[i].gran > g->c->space[space].gran)
			return false;
	return true;
}

/* What a context or a table of stage 1 is at: not writable, not readable, gone, or elsewhere. */
static void
change_table(struct gen *g, unsigned int space)
{
	bool roots = g->conf->qemu == 0 && percent(g, 50);
	unsigned int slot = roots ? below(g, SPACES) : root_slot(ALLSPACES) + below(g, 60);
	bool cd = percent(g, 12) || (!table_in_page(g, space) && percent(g, 15));
	uint64_t pa = ARENA_PA + (cd ? CD_OFF : TAB_OFF + slot * TAB_SIZE);
	uint64_t page = UINT64_C(1) << gran_page(g->c->space[space].gran);
	struct op *o;
	unsigned int pick = below(g, 10);

	if (!cd && !table_in_page(g, space))
		return;
	if (g->ptw && percent(g, 50))
		pick = 4;
	o = gen_add(g, OP_DESC);
	o->space = (uint8_t)space;
	o->level = 3;
	o->x = pa;
	o->y = (pa & ~(page - 1)) | PLAIN | SMMU_TTD_TYPE_PAGE;
	if (pick == 0)
		o->y = 0;
	else if (pick == 1)
		o->y &= ~(UINT64_C(1) << 6); /* written, but not read */
	else if (pick == 2)
		o->y &= ~(UINT64_C(2) << 6); /* which is all that it takes */
	else if (pick == 3)
		o->y &= ~SMMU_TTD_AF;
	else if (pick == 4 && g->conf->qemu == 0)
		o->y &= ~(UINT64_C(0xf) << 2); /* Device memory, for S2PTW */
	else if (pick == 5)                    /* the next slot's table in its place */
		o->y ^= pa >= ARENA_PA + TAB_OFF ? TAB_SIZE : 0;
	else if (pick == 6)
		o->y = HOLE_PA | PLAIN | SMMU_TTD_TYPE_PAGE;
	gen_s2_tlbi_after(g, space, pa, 3);
}

static void
change_desc(struct gen *g, unsigned int space, uint64_t ipa)
{
	unsigned int start = g->c->space[space].start, level, pick = below(g, 8);
	struct op *o = gen_add(g, OP_DESC);

	level = percent(g, 75) ? 3 : start + below(g, 4 - start);
	if (g->conf->qemu != 0 &&
	    (ipa ^ ARENA_PA) >> gran_shift(g->c->space[space].gran, level) == 0)
		level = 3; /* root tables stay */
	o->space = (uint8_t)space;
	o->level = (uint8_t)level;
	o->x = ipa;
	o->y = pick < 5                 ? 0
	       : pick == 5              ? 2 | SMMU_TTD_AF
	       : level < 3 && pick == 6 ? HOLE_PA | SMMU_TTD_TYPE_TABLE
					: 1 & (level == 3);
	if (level == 3 && percent(g, 20)) /* beyond 36 bits, or beyond OAS */
		o->y = UINT64_C(1) << (percent(g, 50) ? 37 : 45) | PLAIN | 3;
	gen_s2_tlbi_after(g, space, ipa, level);
}

void
gen_s2_change(struct gen *g)
{
	unsigned int space = SPACES + below(g, S2SPACES), pick = below(g, 20), level = 3;
	uint64_t ipa = percent(g, 50) || !reaches(g, space) ? some_va(g, space) : gen_data_ipa(g);
	struct op *o;

	if (gen_far(g, space) != 0 && percent(g, 25))
		ipa = gen_data_ipa(g) | gen_far(g, space);
	if (pick < 8) {
		gen_s2_map(g, space, ipa, 3);
	} else if (pick < 9) { /* not where the arena is: all of its tables would be gone */
		ipa = some_va(g, space);
		level = ipa >> 32 == 0 ? 3 : gen_block_level(g, space);
		gen_s2_map(g, space, ipa, level);
	} else if (pick < 11) {
		level = 2;
		o = gen_add(g, OP_RELINK);
		o->space = (uint8_t)space;
		o->level = 2;
		o->page = (uint16_t)below(g, DATA_PAGES);
		o->x = ipa;
		o->y = attr(g);
	} else if (pick < 14) {
		change_desc(g, space, ipa);
		return;
	} else if (pick < 18 && reaches(g, space)) {
		change_table(g, space);
		return;
	} else {
		gen_s2_tlbi_random(g);
		return;
	}
	gen_s2_tlbi_after(g, space, ipa, level);
}
