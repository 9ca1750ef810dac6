/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Makes cases out of a seed: address spaces of every granule, devices in them, then rounds of
 * transfers with changes in between, most of them followed by the right invalidation, some by a
 * wrong one or by none.
 */
#include <string.h>

#include "gen.h"

struct op *
gen_add(struct gen *g, enum op_kind kind)
{
	static struct op spare;
	struct op *o = g->c->nb_ops < g->conf->ops ? &g->c->op[g->c->nb_ops++] : &spare;

	*o = (struct op){ .kind = (uint8_t)kind, .t0 = -1, .t1 = -1 };
	return o;
}

void
gen_cmd(struct gen *g, uint64_t w0, uint64_t w1)
{
	uint64_t op = smmu_field_get(SMMU_CMD_0_OP, w0);
	struct op *o = gen_add(g, OP_CMD);

	o->x = w0;
	o->y = w1;
	/* Where QEMU keeps what stage 2 made of the root tables' addresses: see deviate.c. */
	if (g->conf->qemu != 0 && g->c->s2 &&
	    (op == SMMU_CMD_TLBI_S12_VMALL || op == SMMU_CMD_TLBI_S2_IPA ||
	     op == SMMU_CMD_TLBI_NSNH_ALL))
		gen_cmd(g, SMMU_CMD_CFGI_STE_RANGE, SMMU_CFGI_RANGE_ALL);
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* Indices at the edges and anywhere, so that tables are shared in part. */
static uint64_t
fresh_va(struct gen *g, const struct space *s)
{
	unsigned int bits = 9 + 2u * s->gran;
	uint64_t va = 0;

	for (unsigned int level = space_start(s); level < 4; level++) {
		unsigned int pick = below(g, 4);
		uint64_t idx = pick == 0 ? 0 : pick == 1 ? 1 : pick == 2 ? (1u << bits) - 1 :
			       below(g, 1u << bits);

		va |= idx << gran_shift(s->gran, level);
	}
	va |= (uint64_t)below(g, 1u << (gran_page(s->gran) - 12)) << 12;
	if (s->s2) /* in each of the tables side by side */
		va |= (uint64_t)below(g, 16) << (gran_shift(s->gran, s->start) + bits);
	return canonical(s, va);
}

void
gen_add_va(struct gen *g, unsigned int space, uint64_t va)
{
	if (g->nb_va[space] < POOL)
		g->va[space][g->nb_va[space]++] = va;
}

static void
make_pool(struct gen *g, unsigned int space)
{
	const struct space *s = &g->c->space[space];

	while (g->nb_va[space] < 8) {
		uint64_t va = fresh_va(g, s);

		gen_add_va(g, space, va);
		/* A neighbour in the same table, and one in the table next to it. */
		if (percent(g, 50))
			gen_add_va(g, space, canonical(s, va ^ UINT64_C(1) << gran_page(s->gran)));
		if (percent(g, 25))
			gen_add_va(g, space,
				   canonical(s, va ^ UINT64_C(1) << gran_shift(s->gran, 2)));
	}
}

/* ---- transfers ------------------------------------------------------------------------------- */

static void
transfers(struct gen *g)
{
	unsigned int share = 60 + below(g, 41);

	for (unsigned int d = 0; d < g->c->devs; d++) {
		unsigned int space = g->of_dev[d];
		struct op *o;

		if (!percent(g, share))
			continue;
		if (percent(g, 5))
			space = some_space(g);
		o = gen_add(g, OP_DMA);
		o->dev = (uint8_t)d;
		o->write = percent(g, 60);
		o->len = percent(g, 80) ? 4 : (uint8_t)(4 * (1 + below(g, XFER_MAX / 4)));
		/* A place in the page of its own, so that transfers do not meet. */
		o->x = some_va(g, space) + d * UINT64_C(128) +
		       4 * below(g, (128 - o->len) / 4 + 1);
		if (percent(g, 3)) /* just beyond the space, or far */
			o->x ^= UINT64_C(1) << RTE_MIN(64u - g->c->space[space].tsz + below(g, 3),
						       right_from(g, HIGH_HALF) ? 63u : 47u);
		if (percent(g, 4)) /* what bypass would let through */
			o->x = ARENA_PA + DATA_OFF + below(g, DATA_PAGES) * UINT64_C(4096) +
			       d * UINT64_C(128);
	}
}

/* ---- a case ---------------------------------------------------------------------------------- */

static void
emulator_settings(struct gen *g)
{
	static const char *const iotlb[] = { "4096", "4096", "64", "4", "0" };
	static const char *const walk[] = { "256", "256", "2", "0" };
	static const char *const cfg[] = { "64", "64", "1", "0" };
	unsigned int lag = below(g, 3);

	snprintf(g->c->emu, sizeof(g->c->emu),
		 "iotlb=%s,walk_cache=%s,cfg_cache=%s,shuffle=%u,tlbi_ns=%u,sync_ns=%u,seed=%u",
		 iotlb[below(g, 5)], walk[below(g, 4)], cfg[below(g, 4)], below(g, 2),
		 lag == 2 ? 500 : 0, lag * 200, 1 + below(g, 1000));
}

static void
make_space(struct gen *g, unsigned int i)
{
	g->c->space[i] = (struct space){
		.gran = (uint8_t)below(g, GRANS),
		.tsz = (uint8_t)(16 + below(g, 24)),
		.high = right_from(g, HIGH_HALF) && percent(g, 25),
	};
	if (i % 2 == 0)
		g->twins[i / 2] = percent(g, 70);
	make_pool(g, i);
}

static void
begin_s2(struct gen *g)
{
	for (unsigned int i = SPACES; i < ALLSPACES; i++) {
		gen_s2_space(g, i);
		make_pool(g, i);
		for (unsigned int n = below(g, 4); n > 0; n--)
			gen_add_va(g, i, canonical(&g->c->space[i], gen_data_ipa(g)));
		/* Pages of tables are not for data. */
		for (unsigned int k = 0; k < g->nb_va[i]; k++)
			if (g->va[i][k] - (ARENA_PA + TAB_OFF) < ARENA_LEN - TAB_OFF)
				g->va[i][k] = gen_data_ipa(g);
	}
	for (unsigned int i = 0; i < SPACES; i++)
		g->home[i] = percent(g, 70) ? (uint8_t)(SPACES + below(g, S2SPACES)) : 0;
	g->vmid[0] = percent(g, 70) ? 0 : 7;
	g->ptw = g->conf->qemu == 0 && percent(g, 30);
}

void
case_generate(struct diff_case *c, uint64_t seed, const struct gen_conf *conf)
{
	struct gen g = { .rng = seed * UINT64_C(0x9e3779b97f4a7c15) | 1, .conf = conf, .c = c };

	for (int i = 0; i < 8; i++)
		rnd(&g);
	memset(c, 0, sizeof(*c));
	c->seed = seed;
	c->devs = conf->devs;
	c->s2 = conf->s2 && percent(&g, 85);
	emulator_settings(&g);
	if (c->s2)
		begin_s2(&g);
	for (unsigned int i = 0; i < SPACES; i++) {
		if (i % 2 == 1 && g.twins[i / 2]) {
			c->space[i] = c->space[i - 1];
			memcpy(g.va[i], g.va[i - 1], sizeof(g.va[i]));
			g.nb_va[i] = g.nb_va[i - 1];
		} else {
			make_space(&g, i);
		}
		g.asid[i] = (uint16_t)(percent(&g, 85) ? i + 1 : 1 + below(&g, 4));
		if (c->s2 && conf->qemu != 0 && !g.twins[i / 2]) /* one shape, one ASID */
			g.asid[i] = (uint16_t)(i + 1);
		else if (c->s2 && conf->qemu != 0 && g.asid[i] != i + 1)
			g.asid[i] = (uint16_t)((i & ~1u) + 1);
		gen_cd(&g, i, false);
		for (unsigned int k = 0; k < g.nb_va[i]; k++)
			if (percent(&g, 93))
				gen_map(&g, i, g.va[i][k], 3);
	}
	for (unsigned int i = 0; i < SPACES * 2; i++) {
		unsigned int level = gen_block_level(&g, i % SPACES);

		if (level < 3)
			gen_map(&g, i % SPACES, fresh_va(&g, &c->space[i % SPACES]), level);
	}
	for (unsigned int i = SPACES; c->s2 && i < ALLSPACES; i++)
		gen_s2_fill(&g, i);
	for (unsigned int d = 0; d < c->devs; d++) {
		g.of_dev[d] = (uint8_t)some_space(&g);
		gen_ste(&g, d, STE_RIGHT);
	}
	gen_cmd(&g, SMMU_CMD_CFGI_STE_RANGE, SMMU_CFGI_RANGE_ALL);
	while (c->nb_ops < conf->ops) {
		transfers(&g);
		for (unsigned int n = 1 + below(&g, 8); n > 0; n--)
			gen_change(&g);
	}
}
