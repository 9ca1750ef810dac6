/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The reference model, context descriptors: which are legal (IHI 0070 §5.4), and what they say of
 * the half that an address is in.
 */
#include <string.h>

#include "model.h"

static unsigned int
cd_ips(const struct model_cd *cd)
{
	return model_ps(smmu_field_get(SMMU_CD_0_IPS, cd->w[0]));
}

static bool
cd_half(const struct model_cd *cd, unsigned int high, struct half *h)
{
	static const uint8_t tg[2][4] = { { 0, 2, 1, 3 }, { 3, 1, 0, 2 } };
	uint64_t w = cd->w[0];
	unsigned int bits;

	memset(h, 0, sizeof(*h));
	h->off = w & (high ? SMMU_CD_0_EPD1 : SMMU_CD_0_EPD0);
	if (h->off)
		return true;
	h->gran = tg[high][smmu_field_get(high ? SMMU_CD_0_TG1 : SMMU_CD_0_TG0, w)];
	h->tsz = (unsigned int)smmu_field_get(high ? SMMU_CD_0_T1SZ : SMMU_CD_0_T0SZ, w);
	h->ttb = cd->w[1 + high] & SMMU_CD_1_TTB0;
	if (h->gran == 3 || h->tsz < 16 || h->tsz > 39 || h->ttb >> cd_ips(cd))
		return false;
	bits = 9 + 2 * h->gran;
	h->start = 4 - (64 - h->tsz - gran_page(h->gran) + bits - 1) / bits;
	return true;
}

/* Legal (§5.4) for: stage 1, terminate only, no HTTU, little-endian, 16-bit ASIDs. */
static bool
cd_legal(const struct model_cd *cd, struct half h[2])
{
	uint64_t w = cd->w[0];

	return (w & SMMU_CD_0_V) && (w & SMMU_CD_0_AA64) && !(w & SMMU_CD_0_S) &&
	       !(w & (SMMU_CD_0_HA | SMMU_CD_0_HD)) &&
	       (!(w & SMMU_CD_0_ENDI) || ((w & SMMU_CD_0_EPD0) && (w & SMMU_CD_0_EPD1))) &&
	       cd_half(cd, 0, &h[0]) && cd_half(cd, 1, &h[1]);
}

bool
cd_reaches(const struct model_cd *cd, const struct half *h, uint64_t va)
{
	unsigned int high = (va >> 55) & 1;

	if (cd->w[0] & (high ? SMMU_CD_0_TBI1 : SMMU_CD_0_TBI0))
		va = high ? va | UINT64_C(0xff) << 56 : va & ~(UINT64_C(0xff) << 56);
	return !h->off && (high ? ~va : va) >> (64 - h->tsz) == 0;
}

bool
cd_decode(const struct model_cd *cd, uint64_t va, struct half *h)
{
	struct half both[2];

	if (!cd_legal(cd, both))
		return false;
	*h = both[(va >> 55) & 1];
	return true;
}
