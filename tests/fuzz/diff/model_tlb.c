/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The reference model, caches of translations: what TLBs and walk caches may hold, and what a TLBI
 * must take away (IHI 0070 §4.4).
 *
 * Entries of NS-EL1 are tagged with a VMID, whether stage 2 is used or not, where there is stage 2
 * (§3.17). TLBI_NH_* take what stage 1 is part of, entries of both stages included; TLBI_S2_IPA
 * takes what leads from an IPA, and may leave entries of both stages (§4.4.3).
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

const uint8_t model_leaf_size[LEAF_SIZES] = { 12, 14, 16, 21, 25, 29, 30 };

struct model_tlb *
model_tlb_create(const struct world *w)
{
	struct model_tlb *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->w = w;
	return t;
}

static void
forget_places(struct model_tlb *t)
{
	memset(t->leaf_at, 0, sizeof(t->leaf_at));
	memset(t->table_at, 0, sizeof(t->table_at));
	memset(t->by_base, 0, sizeof(t->by_base));
	memset(t->leaf_by_base, 0, sizeof(t->leaf_by_base));
}

void
model_tlb_reset(struct model_tlb *t)
{
	t->nb_leaves = t->nb_tables = 0;
	forget_places(t);
}

/* ---- sets ------------------------------------------------------------------------------------ */

static unsigned int
hash(const void *p, size_t len)
{
	uint64_t h = 0, v;

	for (size_t i = 0; i + 8 <= len; i += 8) {
		memcpy(&v, (const uint8_t *)p + i, 8);
		h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return (unsigned int)(h >> 40) % HASH_SIZE;
}

/* Its place among @p at: found, or where it would go. */
static uint16_t *
place(uint16_t *at, const void *all, const void *e, size_t size)
{
	unsigned int i = hash(e, size);

	while (at[i] != 0 && memcmp((const uint8_t *)all + (at[i] - 1u) * size, e, size) != 0)
		i = (i + 1) % HASH_SIZE;
	return &at[i];
}

static unsigned int
base_hash(unsigned int kind, uint64_t base, unsigned int level)
{
	uint64_t key[2] = { base, (uint64_t)kind << 8 | level };

	return hash(key, sizeof(key));
}

static void
chain_leaf(struct model_tlb *t, unsigned int i)
{
	const struct entry *e = &t->leaf[i];
	unsigned int h = base_hash(e->kind, e->base, e->bits);

	t->leaf_next[i] = t->leaf_by_base[h];
	t->leaf_by_base[h] = (uint16_t)(i + 1);
}

bool
model_add_leaf(struct model_tlb *t, const struct entry *e)
{
	uint16_t *at = place(t->leaf_at, t->leaf, e, sizeof(*e));

	if (*at != 0)
		return true;
	if (t->nb_leaves == LEAVES_MAX)
		return false;
	t->leaf[t->nb_leaves++] = *e;
	*at = (uint16_t)t->nb_leaves;
	chain_leaf(t, t->nb_leaves - 1);
	return true;
}

int
model_leaf_next(const struct model_tlb *t, int after, unsigned int kind, uint64_t base,
		unsigned int bits)
{
	unsigned int i =
		after < 0 ? t->leaf_by_base[base_hash(kind, base, bits)] : t->leaf_next[after];

	while (i != 0) {
		const struct entry *e = &t->leaf[i - 1];

		if (e->kind == kind && e->base == base && e->bits == bits)
			return (int)i - 1;
		i = t->leaf_next[i - 1];
	}
	return -1;
}

static void
chain(struct model_tlb *t, unsigned int i)
{
	const struct table *e = &t->table[i];
	unsigned int h = base_hash(e->kind, e->base, e->level);

	t->next[i] = t->by_base[h];
	t->by_base[h] = (uint16_t)(i + 1);
}

bool
model_add_table(struct model_tlb *t, const struct table *e)
{
	uint16_t *at = place(t->table_at, t->table, e, sizeof(*e));

	if (*at != 0)
		return true;
	if (t->nb_tables == TABLES_MAX)
		return false;
	t->table[t->nb_tables++] = *e;
	*at = (uint16_t)t->nb_tables;
	chain(t, t->nb_tables - 1);
	return true;
}

int
model_table_next(const struct model_tlb *t, int after, unsigned int kind, uint64_t base,
		 unsigned int level)
{
	unsigned int i = after < 0 ? t->by_base[base_hash(kind, base, level)] : t->next[after];

	while (i != 0) {
		const struct table *e = &t->table[i - 1];

		if (e->kind == kind && e->base == base && e->level == level)
			return (int)i - 1;
		i = t->next[i - 1];
	}
	return -1;
}

/* After some went: where each is now. */
static void
renumber(struct model_tlb *t)
{
	forget_places(t);
	for (unsigned int i = 0; i < t->nb_leaves; i++) {
		*place(t->leaf_at, t->leaf, &t->leaf[i], sizeof(t->leaf[i])) = (uint16_t)(i + 1);
		chain_leaf(t, i);
	}
	for (unsigned int i = 0; i < t->nb_tables; i++) {
		*place(t->table_at, t->table, &t->table[i], sizeof(t->table[i])) =
			(uint16_t)(i + 1);
		chain(t, i);
	}
}

/* ---- TLBI (§4.4) ----------------------------------------------------------------------------- */

struct scope {
	uint64_t first, last; /* canonical addresses, inclusive */
	uint16_t vmid, asid;
	bool every_vmid, any; /* VMID, ASID */
	bool s1, s2;          /* what stage 1 is part of; what leads from an IPA */
	bool by_asid_only;    /* global entries stay */
	unsigned int tg, ttl; /* 0: any; else granule + 1, level */
	bool leaf;
};

/* A range in the units that TG names; without TG the one leaf that holds the address. */
static void
scope_va(struct scope *s, uint64_t w0, uint64_t w1)
{
	uint64_t va = w1 & SMMU_TLBI_1_ADDR, bytes = 4096, half = va & (UINT64_C(1) << 55);

	s->tg = (unsigned int)smmu_field_get(SMMU_TLBI_1_TG, w1);
	if (s->tg != 0) {
		unsigned int g = s->tg - 1;

		s->ttl = (unsigned int)smmu_field_get(SMMU_TLBI_1_TTL, w1);
		if (g == 1 && s->ttl == 1) /* as 0 without DS (§4.4.1) */
			s->ttl = 0;
		bytes = (smmu_field_get(SMMU_TLBI_0_NUM, w0) + 1)
			<< (smmu_field_get(SMMU_TLBI_0_SCALE, w0) + gran_page(g));
		va &= ~low_bits(gran_page(g));
	}
	s->first = canon(va);
	s->last = s->first + bytes - 1;
	/* Not beyond the half in which it begins. */
	if (s->last > (half | low_bits(48)))
		s->last = half | low_bits(48);
	s->leaf = w1 & SMMU_TLBI_1_LEAF;
}

static bool
covers(const struct scope *s, uint64_t base, unsigned int bits, unsigned int gran)
{
	return (s->tg == 0 || s->tg == gran + 1) && base <= s->last &&
	       s->first <= base + low_bits(bits);
}

static bool
names_leaf(const struct scope *s, const struct entry *e)
{
	/* Globals do not go with an ASID, but do go with an address under any ASID. */
	bool who = e->kind == K_S2 ? s->s2
				   : s->s1 && (s->any ||
					       (e->global ? !s->by_asid_only : e->asid == s->asid));

	return who && (s->every_vmid || e->vmid == s->vmid) &&
	       covers(s, e->base, e->bits, e->gran) && (s->ttl == 0 || s->ttl == e->level);
}

static bool
names_table(const struct scope *s, const struct table *e)
{
	bool who = e->kind == K_S2 ? s->s2 : s->s1 && (s->any || e->asid == s->asid);

	return who && !s->leaf && (s->every_vmid || e->vmid == s->vmid) &&
	       covers(s, e->base, e->bits, e->gran);
}

static void
drop(struct model_tlb *t, const struct scope *s)
{
	unsigned int n = 0, m = 0;

	for (unsigned int i = 0; i < t->nb_leaves; i++)
		if (!names_leaf(s, &t->leaf[i]))
			t->leaf[n++] = t->leaf[i];
	for (unsigned int i = 0; i < t->nb_tables; i++)
		if (!names_table(s, &t->table[i]))
			t->table[m++] = t->table[i];
	if (n == t->nb_leaves && m == t->nb_tables)
		return;
	t->nb_leaves = n;
	t->nb_tables = m;
	renumber(t);
}

bool
model_legal(uint64_t w0, uint64_t w1, bool s2p)
{
	uint64_t op = smmu_field_get(SMMU_CMD_0_OP, w0), range = w0 & 0x01f1f000;
	struct scope s = { .tg = 0 };

	if (op == SMMU_CMD_TLBI_S12_VMALL)
		return s2p;
	if (op == SMMU_CMD_TLBI_S2_IPA && !s2p)
		return false;
	if (op != SMMU_CMD_TLBI_NH_VA && op != SMMU_CMD_TLBI_NH_VAA && op != SMMU_CMD_TLBI_S2_IPA)
		return op != 0;
	scope_va(&s, w0, w1);
	return s.tg == 0 || range != 0 || s.ttl != 0; /* NUM, SCALE, a level (§4.4.1.1) */
}

void
model_tlb_cmd(struct model_tlb *t, uint64_t w0, uint64_t w1)
{
	struct scope s = { .first = 0,
			   .last = UINT64_MAX,
			   .s1 = true,
			   .asid = (uint16_t)smmu_field_get(SMMU_TLBI_0_ASID, w0),
			   .vmid = (uint16_t)smmu_field_get(SMMU_TLBI_0_VMID, w0) };

	switch (smmu_field_get(SMMU_CMD_0_OP, w0)) {
	case SMMU_CMD_TLBI_NSNH_ALL:
		s.every_vmid = s.any = s.s2 = true;
		break;
	case SMMU_CMD_TLBI_S12_VMALL:
		s.any = s.s2 = true;
		break;
	case SMMU_CMD_TLBI_S2_IPA:
		s.s1 = false;
		s.s2 = true;
		scope_va(&s, w0, w1 & (UINT64_C(0xfff) | SMMU_EVT_3_IPA));
		break;
	case SMMU_CMD_TLBI_NH_ALL:
		s.any = true;
		break;
	case SMMU_CMD_TLBI_NH_ASID:
		s.by_asid_only = true;
		break;
	case SMMU_CMD_TLBI_NH_VAA:
		s.any = true;
		scope_va(&s, w0, w1);
		break;
	case SMMU_CMD_TLBI_NH_VA:
		scope_va(&s, w0, w1);
		break;
	default:
		return;
	}
	/* Without stage 2 there are no VMIDs, and the field is ignored. */
	s.every_vmid |= !t->w->s2p;
	drop(t, &s);
}
