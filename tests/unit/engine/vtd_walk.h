/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A walk of VT-d's second stage by the text (D51397: 3.7 translation and reserved bits, 9.8
 * entries), which knows nothing of engine/pgtable/.
 */
#ifndef VTD_WALK_H
#define VTD_WALK_H

#include "rig.h"

#define K4   UINT64_C(0x1000)
#define M2   UINT64_C(0x200000)
#define G1   UINT64_C(0x40000000)
/* 9.8: read, write; a block; snoop. */
#define R    UINT64_C(1)
#define W    UINT64_C(2)
#define PS   UINT64_C(0x80)
#define SNP  UINT64_C(0x800)
#define ADDR UINT64_C(0x000ffffffffff000)
/* Ignored in every entry: 61:52, 63, 10. */
#define IGN  UINT64_C(0xbff0000000000400)
#define NONE UINT64_MAX

/* What the text calls the hardware's capabilities, and the fake was opened with. */
struct unit {
	unsigned int haw;    /* host address width */
	unsigned int levels; /* of the context entry's AW */
	bool sc, m2, g1;     /* ECAP.SC; CAP.SSLPS */
};

/* One translation. @c pa is NONE where nothing is mapped. */
struct seen {
	uint64_t pa, size, entry;
	bool write, snoop;
	unsigned int tables; /* that were walked */
	uint64_t word[5];    /* the entries, by level */
};

static inline uint64_t
word(const struct sluice_iommu *iommu, uint64_t table, uint64_t i)
{
	struct sluice_mem_span span = sluice_mem_span(iommu->mem);
	const uint64_t *p = sluice_span_va(&span, table + 8 * i, 8);

	assert_non_null(p);
	return *p;
}

/* 3.7: what is reserved in a present entry of a level, 4 being the root of 48 bits. */
static inline uint64_t
reserved(const struct unit *u, unsigned int level, uint64_t e)
{
	bool leaf = level == 1 || (e & PS) != 0;
	uint64_t bits = UINT64_C(1) << 62;

	bits |= ((UINT64_C(1) << 52) - 1) & ~((UINT64_C(1) << u->haw) - 1);
	if (level == 4 || (level == 3 && !u->g1) || (level == 2 && !u->m2))
		bits |= PS;
	if (level > 1 && leaf)
		bits |= ((UINT64_C(1) << (12 + 9 * (level - 1))) - 1) & ~UINT64_C(0xfff);
	if (!leaf || !u->sc)
		bits |= SNP;
	return bits;
}

/* 3.7: nine bits of the input a level, down to a page or to PS. */
static inline struct seen
walk(const struct sluice_domain *d, const struct unit *u, uint64_t addr)
{
	struct seen s = { .pa = NONE, .write = true };
	uint64_t table = d->hw.ttb;

	if (addr >> (12 + 9 * u->levels) != 0)
		return s;
	assert_int_equal(table & 0xfff, 0);
	for (unsigned int level = u->levels; level > 0; level--) {
		unsigned int shift = 12 + 9 * (level - 1);
		uint64_t e = word(d->iommu, table, addr >> shift & 511);

		s.tables++;
		s.word[level] = s.entry = e;
		if ((e & (R | W)) == 0)
			return s;
		assert_int_equal(e & reserved(u, level, e), 0);
		assert_int_equal(e & R, R);
		s.write = s.write && (e & W) != 0;
		table = e & ADDR;
		if (level > 1 && (e & PS) == 0)
			continue;
		s.size = UINT64_C(1) << shift;
		s.pa = table | (addr & (s.size - 1));
		s.snoop = (e & SNP) != 0;
		return s;
	}
	return s;
}

/* Every entry of every table: empty, or acceptable to the hardware; and nothing in it but what the
 * text has for pages and tables, and in what hardware ignores. @return how many. */
static inline unsigned int
acceptable(const struct sluice_iommu *iommu, const struct unit *u, uint64_t table,
	   unsigned int level)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < 512; i++) {
		uint64_t e = word(iommu, table, i);
		uint64_t known = R | W | SNP | ADDR | IGN | (level > 1 ? PS : 0);

		if (e == 0)
			continue;
		n++;
		assert_int_not_equal(e & (R | W), 0);
		assert_int_equal(e & reserved(u, level, e), 0);
		assert_int_equal(e & ~known, 0);
		if (level == 1 || (e & PS) != 0)
			continue;
		assert_int_equal(e & (R | W), R | W); /* else no page below could be written */
		n += acceptable(iommu, u, e & ADDR, level - 1);
	}
	return n;
}

#endif
