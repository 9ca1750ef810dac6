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
	gen_cmd(g, (space >= SPACES ? by_vmid(g, SMMU_CMD_TLBI_S2_IPA, space) :
		    any ? by_vmid(g, SMMU_CMD_TLBI_NH_VAA, space) :
		    by_asid(g, SMMU_CMD_TLBI_NH_VA, space)) |
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
		gen_cmd(g, percent(g, 50) ? by_vmid(g, SMMU_CMD_TLBI_NH_ALL, space) :
					   SMMU_CMD_TLBI_NSNH_ALL, 0);
		break;
	case 1:
		gen_cmd(g, by_asid(g, SMMU_CMD_TLBI_NH_ASID, space), 0);
		break;
	case 2:
		gen_cmd(g, by_vmid(g, SMMU_CMD_TLBI_NH_VAA, space), page | !table);
		break;
	case 3:
	case 4:
		tlbi_range(g, space, va, level, table ? percent(g, 20) : true, percent(g, 20));
		break;
	default:
		gen_cmd(g, by_asid(g, SMMU_CMD_TLBI_NH_VA, space), page | !table);
	}
}

/* One that may or may not be about anything here. */
void
gen_tlbi_random(struct gen *g)
{
	unsigned int a = below(g, SPACES), b = below(g, SPACES);

	switch (below(g, 6)) {
	case 0:
		gen_cmd(g, by_asid(g, SMMU_CMD_TLBI_NH_VA, a),
		    (some_va(g, b) & ~UINT64_C(4095)) | below(g, 2));
		break;
	case 1:
		gen_cmd(g, by_vmid(g, SMMU_CMD_TLBI_NH_ASID, a) |
				   smmu_field_prep(SMMU_TLBI_0_ASID, below(g, 8)), 0);
		break;
	case 2:
		tlbi_range(g, a, some_va(g, b), 2 + below(g, 2), below(g, 2), false);
		break;
	case 3:
		gen_cmd(g, by_vmid(g, SMMU_CMD_TLBI_NH_VAA, a), (some_va(g, a) & ~UINT64_C(4095)) | below(g, 2));
		break;
	case 4:
		gen_cmd(g, SMMU_CMD_PREFETCH_CONFIG |
				   (uint64_t)dev_stream(below(g, g->c->devs)) << 32, 0);
		break;
	default:
		gen_cmd(g, by_asid(g, SMMU_CMD_TLBI_NH_VA, a),
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

/* ---- stage 2 --------------------------------------------------------------------------------- */

static void
tlbi_ipa(struct gen *g, unsigned int space, uint64_t ipa, unsigned int level)
{
	if (percent(g, 50))
		tlbi_range(g, space, ipa, level, level < 3 ? percent(g, 20) : true, false);
	else
		gen_cmd(g, by_vmid(g, SMMU_CMD_TLBI_S2_IPA, space),
			(ipa & ~UINT64_C(4095)) | (level == 3));
}

void
gen_s2_tlbi_random(struct gen *g)
{
	unsigned int a = SPACES + below(g, S2SPACES), b = SPACES + below(g, S2SPACES);

	switch (below(g, 6)) {
	case 0:
		gen_cmd(g, by_vmid(g, SMMU_CMD_TLBI_S12_VMALL, a), 0);
		break;
	case 1:
		gen_cmd(g, by_vmid(g, SMMU_CMD_TLBI_NH_ALL, a), 0);
		break;
	case 2:
		tlbi_ipa(g, a, some_va(g, b), 2 + below(g, 2));
		break;
	case 3:
		tlbi_ipa(g, a, gen_data_ipa(g), 3);
		break;
	case 4: /* nobody's VMID, or somebody's */
		gen_cmd(g, (percent(g, 50) ? SMMU_CMD_TLBI_S12_VMALL : SMMU_CMD_TLBI_NH_ALL) |
				   smmu_field_prep(SMMU_TLBI_0_VMID, below(g, 4)), 0);
		break;
	default:
		gen_cmd(g, by_vmid(g, SMMU_CMD_TLBI_NH_VAA, a),
			(some_va(g, below(g, SPACES)) & ~UINT64_C(4095)) | below(g, 2));
	}
}

/* Entries of both stages are not IPAs': something of stage 1 has to follow (§4.4.3). */
void
gen_s2_tlbi_after(struct gen *g, unsigned int space, uint64_t ipa, unsigned int level)
{
	unsigned int how = below(g, 100);

	if (how < 15) {
		gen_cmd(g, percent(g, 60) ? by_vmid(g, SMMU_CMD_TLBI_S12_VMALL, space) :
					   SMMU_CMD_TLBI_NSNH_ALL, 0);
	} else if (how < 65) {
		tlbi_ipa(g, space, ipa, level);
		gen_cmd(g, by_vmid(g, SMMU_CMD_TLBI_NH_ALL, space), 0);
	} else if (how < 75) {
		tlbi_ipa(g, space, ipa, level);
	} else if (how < 85) {
		gen_s2_tlbi_random(g);
	}
}

/* ---- configuration --------------------------------------------------------------------------- */

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
