/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Invalidations for cases: the right one in any of its forms, a wrong one, none.
 */
#include "gen.h"

/*
 * A range that holds what is at @p va and @p level: at its first place, its last, or between. Now
 * and then with a promise about the level, to which alignment belongs (§4.4.1.1).
 */
static void
tlbi_range(struct gen *g, unsigned int space, uint64_t va, unsigned int level, bool leaf, bool any)
{
	const struct space *s = &g->c->space[space];
	unsigned int scale = percent(g, 70) ? 0 : below(g, 12), num = below(g, 8), ttl = 0, shift;
	uint64_t start, before;

	if (level < 3 && percent(g, 60)) {
		ttl = level;
		scale = gran_shift(s->gran, level) - gran_page(s->gran);
	} else if (percent(g, 25)) {
		ttl = s->gran == 1 && percent(g, 30) ? 1 : 3; /* 16 KiB: 1 is no promise */
	}
	/* That is no range, CERROR_ILL, which QEMU executes. */
	if (num == 0 && scale == 0 && (ttl == 0 || (s->gran == 1 && ttl == 1)) &&
	    (g->conf->qemu != 0 || percent(g, 95)))
		num = 1;
	shift = gran_page(s->gran) + scale;
	start = va & ~((UINT64_C(1) << shift) - 1);
	before = percent(g, 40) ? num : below(g, num + 1);
	if ((canonical(s, start) ^ start) == 0 && start >= before << shift)
		start -= before << shift;
	gen_cmd(g, (any ? SMMU_CMD_TLBI_NH_VAA : by_asid(SMMU_CMD_TLBI_NH_VA, g->asid[space])) |
			   smmu_field_prep(SMMU_TLBI_0_NUM, num) |
			   smmu_field_prep(SMMU_TLBI_0_SCALE, scale),
	    start | smmu_field_prep(SMMU_TLBI_1_TG, s->gran + 1u) |
		    smmu_field_prep(SMMU_TLBI_1_TTL, ttl) | leaf);
}

/* The right invalidation for a change at @p va. @p level < 3: more than a page may have gone. */
static void
tlbi_right(struct gen *g, unsigned int space, uint64_t va, unsigned int level)
{
	bool table = level < 3;
	uint64_t page = va & ~UINT64_C(4095);

	switch (below(g, 8)) {
	case 0:
		gen_cmd(g, percent(g, 50) ? SMMU_CMD_TLBI_NH_ALL : SMMU_CMD_TLBI_NSNH_ALL, 0);
		break;
	case 1:
		gen_cmd(g, by_asid(SMMU_CMD_TLBI_NH_ASID, g->asid[space]), 0);
		break;
	case 2:
		gen_cmd(g, SMMU_CMD_TLBI_NH_VAA, page | !table);
		break;
	case 3:
	case 4:
		tlbi_range(g, space, va, level, table ? percent(g, 20) : true, percent(g, 20));
		break;
	default:
		gen_cmd(g, by_asid(SMMU_CMD_TLBI_NH_VA, g->asid[space]), page | !table);
	}
}

/* One that may or may not be about anything here. */
void
gen_tlbi_random(struct gen *g)
{
	unsigned int a = below(g, SPACES), b = below(g, SPACES);

	switch (below(g, 6)) {
	case 0:
		gen_cmd(g, by_asid(SMMU_CMD_TLBI_NH_VA, g->asid[a]),
		    (some_va(g, b) & ~UINT64_C(4095)) | below(g, 2));
		break;
	case 1:
		gen_cmd(g, by_asid(SMMU_CMD_TLBI_NH_ASID, below(g, 8)), 0);
		break;
	case 2:
		tlbi_range(g, a, some_va(g, b), 2 + below(g, 2), below(g, 2), false);
		break;
	case 3:
		gen_cmd(g, SMMU_CMD_TLBI_NH_VAA, (some_va(g, a) & ~UINT64_C(4095)) | below(g, 2));
		break;
	case 4:
		gen_cmd(g, SMMU_CMD_PREFETCH_CONFIG |
				   (uint64_t)dev_stream(below(g, g->c->devs)) << 32, 0);
		break;
	default:
		gen_cmd(g, by_asid(SMMU_CMD_TLBI_NH_VA, g->asid[a]),
		    (some_va(g, a) & ~UINT64_C(4095)) + ((uint64_t)below(g, 3) << 12));
	}
}

/* After a change: the right thing, the wrong thing, or nothing. */
void
gen_tlbi_after(struct gen *g, unsigned int space, uint64_t va, unsigned int level)
{
	unsigned int how = below(g, 100);

	if (how < 65)
		tlbi_right(g, space, va, level);
	else if (how < 80)
		gen_tlbi_random(g);
}

void
gen_cfgi(struct gen *g, unsigned int dev, bool cd_only)
{
	uint64_t sid = (uint64_t)dev_stream(dev) << 32;

	if (cd_only && percent(g, 60)) {
		gen_cmd(g, (percent(g, 50) ? SMMU_CMD_CFGI_CD : SMMU_CMD_CFGI_CD_ALL) | sid, 1);
		return;
	}
	switch (below(g, 8)) {
	case 0:
		gen_cmd(g, SMMU_CMD_CFGI_STE_RANGE, SMMU_CFGI_RANGE_ALL);
		break;
	case 1:
		gen_cmd(g, SMMU_CMD_CFGI_STE_RANGE | (sid & ~(UINT64_C(63) << 32)), 5);
		break;
	case 2:
		gen_cmd(g, SMMU_CMD_CFGI_STE | sid, 0);
		break;
	default:
		gen_cmd(g, SMMU_CMD_CFGI_STE | sid, 1);
	}
}
