/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Translation tables made by hand (Arm DDI 0487, D8), of every granule and size, and the context
 * descriptor that leads to them. None of it is the driver's code.
 */
#include "conf.h"

unsigned int
conf_space_shift(const struct conf_space *s, unsigned int level)
{
	return s->granule + (3 - level) * (s->granule - 3);
}

unsigned int
conf_space_start(const struct conf_space *s)
{
	unsigned int level = 3;

	while (level > 0 && s->bits > conf_space_shift(s, level - 1))
		level--;
	return level;
}

void
conf_space_cd(struct conf_space *s)
{
	for (unsigned int i = 8; i-- > 0; )
		__atomic_store_n(&s->cd_mem[i], s->cd[i], __ATOMIC_RELEASE);
}

static uint64_t
tg(const struct conf_space *s, bool high)
{
	static const uint8_t code[2][3] = {
		{ SMMU_CD_TG0_4K, SMMU_CD_TG0_16K, SMMU_CD_TG0_64K },
		{ SMMU_CD_TG1_4K, SMMU_CD_TG1_16K, SMMU_CD_TG1_64K },
	};

	return code[high][(s->granule - 12) / 2];
}

void
conf_space_make(struct conf *c, struct conf_space *s, unsigned int granule, unsigned int bits,
		uint16_t asid)
{
	unsigned int start;
	size_t bytes;

	memset(s, 0, sizeof(*s));
	s->granule = granule;
	s->bits = bits;
	s->asid = asid;
	start = conf_space_start(s);
	/* Aligned to its own size; a page is more than enough below that. */
	bytes = (size_t)8 << (bits - conf_space_shift(s, start));
	s->root = conf_mem(c, bytes < 4096 ? 4096 : bytes, bytes < 4096 ? 4096 : bytes,
			   &s->root_pa);
	s->cd_mem = conf_mem(c, SMMU_CD_BYTES, SMMU_CD_BYTES, &s->cd_pa);
	s->cd[0] = smmu_field_prep(SMMU_CD_0_T0SZ, 64 - bits) |
		   smmu_field_prep(SMMU_CD_0_TG0, tg(s, false)) |
		   smmu_field_prep(SMMU_CD_0_IR0, SMMU_CD_RGN_WBWA) |
		   smmu_field_prep(SMMU_CD_0_OR0, SMMU_CD_RGN_WBWA) |
		   smmu_field_prep(SMMU_CD_0_SH0, SMMU_SH_ISH) | SMMU_CD_0_EPD1 | SMMU_CD_0_V |
		   (c->hw.idr5 & SMMU_IDR5_OAS) << 32 | SMMU_CD_0_AA64 | SMMU_CD_0_R | SMMU_CD_0_A |
		   SMMU_CD_0_ASET | smmu_field_prep(SMMU_CD_0_ASID, asid);
	s->cd[1] = s->root_pa;
	s->cd[3] = (uint64_t)SMMU_MAIR_NORMAL_WB << 8;
	conf_space_cd(s);
}

void
conf_pte(uint64_t *desc, uint64_t v)
{
	__atomic_store_n(desc, v, __ATOMIC_RELEASE);
}

uint64_t *
conf_space_desc(struct conf *c, struct conf_space *s, uint64_t iova, unsigned int level)
{
	unsigned int l = conf_space_start(s), stride = s->granule - 3;
	uint64_t *table = s->root;
	uint64_t in = iova & ((UINT64_C(1) << s->bits) - 1);

	CONF_CHECK(c, level >= l && level <= 3, "no level %u in %u bits", level, s->bits);
	for (;; l++) {
		uint64_t i = in >> conf_space_shift(s, l), *d;

		if (l != conf_space_start(s))
			i &= (UINT64_C(1) << stride) - 1;
		d = &table[i];
		if (l == level)
			return d;
		if ((*d & SMMU_TTD_V) == 0) {
			uint64_t pa;

			conf_mem(c, (size_t)1 << s->granule, (size_t)1 << s->granule, &pa);
			conf_pte(d, pa | SMMU_TTD_TYPE_TABLE);
		}
		table = sluice_raw_mem(c->iommu,
				       *d & SMMU_TTD_ADDR & ~((UINT64_C(1) << s->granule) - 1),
				       (size_t)1 << s->granule);
		CONF_CHECK(c, table != NULL, "a table that is not ours at level %u", l);
	}
}

uint64_t
conf_space_leaf(const struct conf_space *s, uint64_t pa, unsigned int level)
{
	/* AttrIndx 1, unprivileged access, inner shareable, AF, not global. */
	return (pa & ~((UINT64_C(1) << conf_space_shift(s, level)) - 1)) |
	       (level == 3 ? SMMU_TTD_TYPE_PAGE : SMMU_TTD_TYPE_BLOCK) |
	       smmu_field_prep(SMMU_TTD_ATTRINDX, 1) | SMMU_TTD_AP1 |
	       smmu_field_prep(SMMU_TTD_SH, SMMU_SH_ISH) | SMMU_TTD_AF | SMMU_TTD_NG;
}

void
conf_space_map(struct conf *c, struct conf_space *s, uint64_t iova, uint64_t pa, unsigned int level)
{
	conf_pte(conf_space_desc(c, s, iova, level), conf_space_leaf(s, pa, level));
}

void
conf_space_attach(struct conf *c, struct conf_space *s, unsigned int d)
{
	uint64_t w[8];

	conf_ste_s1(w, s->cd_pa);
	conf_ste_set(c, d, w);
}

void *
conf_space_page(struct conf *c, struct conf_space *s, uint64_t iova, uint16_t asid, uint64_t *pa)
{
	uint64_t page_pa;
	void *page = conf_mem(c, 4096, 4096, &page_pa);

	conf_space_make(c, s, 12, 48, asid);
	conf_space_map(c, s, iova, page_pa, 3);
	if (pa != NULL)
		*pa = page_pa;
	return page;
}
