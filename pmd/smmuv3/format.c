/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The codes of page-table formats in STEs and CDs (IHI 0070 §3.4, §5.2, §5.4), and the sizes of an
 * address space that the hardware walks (Arm DDI 0487, D8.2: start levels of stage 1 and of stage
 * 2).
 */
#include <errno.h>

#include "smmuv3.h"

/* T0SZ and S2T0SZ go up to 39; more needs IDR3.STT. */
#define IAS_MIN 25u

const struct smmu_format smmu_formats[SLUICE_FORMATS] = {
	[SLUICE_FORMAT_LPAE_S1_4K] = { false, 12, SMMU_CD_TG0_4K, SMMU_TLBI_TG_4K },
	[SLUICE_FORMAT_LPAE_S1_16K] = { false, 14, SMMU_CD_TG0_16K, SMMU_TLBI_TG_16K },
	[SLUICE_FORMAT_LPAE_S1_64K] = { false, 16, SMMU_CD_TG0_64K, SMMU_TLBI_TG_64K },
	/* The codes of S2TG are those of TG0 (§5.2). */
	[SLUICE_FORMAT_LPAE_S2_4K] = { true, 12, SMMU_CD_TG0_4K, SMMU_TLBI_TG_4K },
	[SLUICE_FORMAT_LPAE_S2_16K] = { true, 14, SMMU_CD_TG0_16K, SMMU_TLBI_TG_16K },
	[SLUICE_FORMAT_LPAE_S2_64K] = { true, 16, SMMU_CD_TG0_64K, SMMU_TLBI_TG_64K },
};

/* Address bits that one entry of the root table covers. */
static unsigned int
root_shift(const struct smmu_format *f, unsigned int start)
{
	return f->shift + (3 - start) * (f->shift - 3u);
}

/* Stage 1: granule and size determine the start level, with as few levels as possible. */
static bool
start_fits_s1(const struct smmu_format *f, const struct sluice_hwdom *hd)
{
	unsigned int shift = root_shift(f, hd->start);

	return hd->ias > shift && hd->ias <= shift + f->shift - 3u;
}

/* Stage 2: up to 16 concatenated tables at the start level. The upper start levels need enough
 * output address bits. Level 3 as the start of 4 KiB tables needs IDR3.STT. */
static bool
start_fits_s2(const struct smmu_format *f, const struct sluice_hwdom *hd, unsigned int oas)
{
	unsigned int shift = root_shift(f, hd->start);

	if (hd->ias <= shift || hd->ias > shift + f->shift - 3u + 4)
		return false;
	switch (f->shift) {
	case 12: return hd->start == 0 ? oas >= 44 : hd->start <= 2;
	case 14: return hd->start == 1 ? oas >= 42 : hd->start != 0;
	default: return hd->start == 1 ? oas >= 44 : hd->start != 0;
	}
}

uint64_t
smmu_s2_sl0(const struct sluice_hwdom *hd)
{
	return (smmu_formats[hd->format].shift == 12 ? 2u : 3u) - hd->start;
}

int
smmu_format_check(const struct smmu *s, const struct sluice_hwdom *hd)
{
	const struct smmu_format *f;
	unsigned int most;
	uint64_t root;

	if (hd->format >= SLUICE_FORMATS || (s->idr.formats & 1u << hd->format) == 0)
		return sluice_fail(EINVAL, "smmuv3: page-table format %u is none that this SMMU walks "
				   "(IDR0.S1P, S2P; IDR5.GRAN4K, 16K, 64K)", hd->format);
	f = &smmu_formats[hd->format];
	most = f->s2 ? RTE_MIN(s->idr.ias, s->idr.oas) : s->idr.ias;
	if (hd->ias < IAS_MIN || hd->ias > most)
		return sluice_fail(EINVAL, "smmuv3: %u input address bits of stage %u: %u to %u "
				   "are possible", hd->ias, f->s2 ? 2 : 1, IAS_MIN, most);
	if (hd->start > 3 || !(f->s2 ? start_fits_s2(f, hd, s->idr.oas) : start_fits_s1(f, hd)))
		return sluice_fail(EINVAL, "smmuv3: stage %u tables of %u KiB for %u input address "
				   "bits cannot begin at level %u", f->s2 ? 2 : 1, 1u << (f->shift - 10),
				   hd->ias, hd->start);
	/* Aligned to its size, that of all concatenated tables together, and to at least 64
	 * bytes. */
	root = UINT64_C(8) << (hd->ias - root_shift(f, hd->start));
	root = RTE_MAX(root, UINT64_C(64));
	if ((hd->ttb & (root - 1)) != 0 || hd->ttb >> s->idr.oas != 0)
		return sluice_fail(EINVAL, "smmuv3: root table 0x%jx is not aligned to its %ju "
				   "bytes within %u bits", (uintmax_t)hd->ttb, (uintmax_t)root,
				   s->idr.oas);
	return 0;
}
