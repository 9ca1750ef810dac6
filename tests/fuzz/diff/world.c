/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The memory that all parties see: operations change it here, once, and every side's copy alike.
 */
#include <string.h>

#include "diff.h"

/* ---- writing everywhere ---------------------------------------------------------------------- */

static void
poke(struct world *w, uint64_t off, const void *p, size_t len)
{
	memcpy(w->mem + off, p, len);
	for (unsigned int i = 0; i < w->nb_sides; i++)
		side_poke(w->side[i], off, p, len);
}

static void
poke64(struct world *w, uint64_t *at, uint64_t v)
{
	poke(w, (uint64_t)((uint8_t *)at - w->mem), &v, 8);
}

static uint64_t
tab_pa(unsigned int slot)
{
	return ARENA_PA + TAB_OFF + slot * TAB_SIZE;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static uint64_t *
step(const struct space *s, uint64_t *table, uint64_t va, unsigned int level, unsigned int start)
{
	uint64_t in = va & ((UINT64_C(1) << (64 - s->tsz)) - 1);
	uint64_t idx = in >> gran_shift(s->gran, level);

	if (level != start)
		idx &= (UINT64_C(1) << (9 + 2 * s->gran)) - 1;
	return table + idx;
}

static uint64_t
next_table(const struct space *s, uint64_t d)
{
	return d & SMMU_TTD_ADDR & ~((UINT64_C(1) << gran_page(s->gran)) - 1);
}

/* The descriptor of @p va at @p level. @p make: tables on the way. NULL: there is no such place. */
static uint64_t *
find(struct world *w, const struct op *o, unsigned int level, bool make)
{
	const struct space *s = &w->c->space[o->space];
	unsigned int start = space_start(s);
	uint64_t *p = world_mem(w, tab_pa(root_slot(o->space)));

	if (level < start)
		return NULL;
	for (unsigned int l = start;; l++) {
		uint64_t *next;

		p = step(s, p, o->x, l, start);
		if (l == level)
			return p;
		next = (*p & 3) == 3 ? world_mem(w, next_table(s, *p)) : NULL;
		if (next == NULL) {
			if (!make || w->tabs == TAB_SLOTS)
				return NULL;
			next = world_mem(w, tab_pa(w->tabs));
			poke64(w, p, tab_pa(w->tabs++) | SMMU_TTD_TYPE_TABLE);
		}
		p = next;
	}
}

/* What a leaf at @p level says to reach data page @p page (at some offset in it). */
static uint64_t
leaf(const struct space *s, unsigned int level, unsigned int page, uint64_t attr)
{
	uint64_t pa = ARENA_PA + DATA_OFF + page * UINT64_C(4096);

	pa &= ~((UINT64_C(1) << gran_shift(s->gran, level)) - 1);
	return pa | attr | (level == 3 ? SMMU_TTD_TYPE_PAGE : SMMU_TTD_TYPE_BLOCK);
}

static int
map(struct world *w, const struct op *o)
{
	uint64_t *p = find(w, o, o->level, true);

	if (p == NULL)
		return 1;
	poke64(w, p, leaf(&w->c->space[o->space], o->level, o->page, o->y));
	return 0;
}

/* A new copy of the table that o->level points to, in which o->x has another leaf. */
static int
relink(struct world *w, const struct op *o)
{
	const struct space *s = &w->c->space[o->space];
	uint64_t *p = find(w, o, o->level, false), *old, *copy, d;
	size_t size = (size_t)1 << gran_page(s->gran);

	if (p == NULL || o->level == 3 || (*p & 3) != 3 || w->tabs == TAB_SLOTS)
		return 1;
	old = world_mem(w, next_table(s, *p));
	if (old == NULL)
		return 1;
	copy = world_mem(w, tab_pa(w->tabs));
	poke(w, TAB_OFF + w->tabs * TAB_SIZE, old, size);
	d = leaf(s, o->level + 1u, o->page, o->y);
	if (o->level + 1 == 3 || (o->level + 1 == 2))
		poke64(w, step(s, copy, o->x, o->level + 1u, 0xff), d);
	poke64(w, p, tab_pa(w->tabs++) | SMMU_TTD_TYPE_TABLE);
	return 0;
}

/*
 * Map what is not mapped of the arena to itself: by blocks where these are smaller than the arena
 * and data is not in them, if @p o asks for that, else by pages.
 */
static int
identity(struct world *w, const struct op *o)
{
	const struct space *s = &w->c->space[o->space];
	uint64_t block = UINT64_C(1) << gran_shift(s->gran, 2);
	uint64_t page = UINT64_C(1) << gran_page(s->gran);
	struct op at = *o;

	for (uint64_t pa = ARENA_PA; pa < ARENA_PA + ARENA_LEN; ) {
		bool large = o->level == 2 && space_start(s) <= 2 && block <= ARENA_LEN &&
			     pa >= ARENA_PA + TAB_OFF;
		uint64_t *p;

		at.x = pa;
		p = pa >> (64 - s->tsz) == 0 ? find(w, &at, large ? 2 : 3, true) : NULL;
		if (p != NULL && large && (*p & 3) == SMMU_TTD_TYPE_TABLE) {
			large = false;
			p = find(w, &at, 3, true);
		}
		if (p == NULL)
			return 1;
		if (*p == 0)
			poke64(w, p, pa | o->y | (large ? SMMU_TTD_TYPE_BLOCK :
							 SMMU_TTD_TYPE_PAGE));
		pa += large ? block : page;
	}
	return 0;
}

/* ---- operations ------------------------------------------------------------------------------ */

static uint64_t
ttb(int slot)
{
	return slot == -2 ? HOLE_PA : slot < 0 ? 0 : tab_pa((unsigned int)slot);
}

static int
set_ste(struct world *w, const struct op *o)
{
	uint64_t v[STE_WORDS] = { o->x, o->y, o->z, ttb(o->t0) };

	/* The pointer is an offset into the arena, or the hole. */
	if ((v[0] & SMMU_STE_0_S1CONTEXTPTR) < ARENA_LEN)
		v[0] += ARENA_PA;
	memcpy(w->ste[o->dev], v, sizeof(v));
	for (unsigned int i = 0; i < w->nb_sides; i++)
		if (side_ste(w->side[i], o->dev, v) != 0)
			return -1;
	return 0;
}

int
world_apply(struct world *w, const struct op *o)
{
	uint64_t cd[3];
	uint64_t *p;

	switch (o->kind) {
	case OP_STE:
		return set_ste(w, o);
	case OP_CD:
		cd[0] = o->x;
		cd[1] = ttb(o->t0);
		cd[2] = ttb(o->t1);
		poke(w, CD_OFF + o->dev * UINT64_C(64), cd, sizeof(cd));
		return 0;
	case OP_L1:
		w->l1 = o->dev;
		for (unsigned int i = 0; i < w->nb_sides; i++)
			if (side_l1(w->side[i], o->dev) != 0)
				return -1;
		return 0;
	case OP_MAP:
		return map(w, o);
	case OP_DESC:
		p = find(w, o, o->level, false);
		if (p == NULL)
			return 1;
		poke64(w, p, o->y);
		return 0;
	case OP_RELINK:
		return relink(w, o);
	case OP_IDENT:
		return identity(w, o);
	default:
		return 1;
	}
}

int
world_reset(struct world *w, const struct diff_case *c)
{
	static const uint8_t zero[TAB_SIZE];
	unsigned int used = w->c != NULL ? w->tabs : TAB_SLOTS;

	for (unsigned int i = 0; i < used; i++)
		poke(w, TAB_OFF + i * TAB_SIZE, zero, TAB_SIZE);
	poke(w, CD_OFF, zero, CD_SLOTS * 64);
	w->c = c;
	w->tabs = root_slot(c->s2 ? ALLSPACES : SPACES);
	w->l1 = 0;
	w->salt++;
	for (unsigned int p = 0; p < DATA_PAGES; p++) {
		uint32_t *word = (uint32_t *)(void *)(w->mem + DATA_OFF + p * 4096u);

		for (unsigned int i = 0; i < 1024; i++)
			word[i] = data_tag(w, p, i);
	}
	for (unsigned int d = 0; d < DEVS_MAX; d++) { /* V, Config = abort */
		memset(w->ste[d], 0, sizeof(w->ste[d]));
		w->ste[d][0] = SMMU_STE_0_V;
	}
	for (unsigned int i = 0; i < w->nb_sides; i++) {
		side_poke(w->side[i], DATA_OFF, w->mem + DATA_OFF, DATA_LEN);
		if (side_reset(w->side[i], w) != 0)
			return -1;
	}
	return 0;
}
