/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Context descriptors (IHI 0070 §5.4): stage 1 through TTB0.
 */
#include <string.h>

#include "smmuv3.h"

/* Page tables use attribute 1; the others are set only to make dumps readable. */
#define MAIR_VALUE                                                                                 \
	((uint64_t)SMMU_MAIR_NORMAL_NC | (uint64_t)SMMU_MAIR_NORMAL_WB << 8 |                      \
	 (uint64_t)SMMU_MAIR_DEVICE_nGnRE << 16)

void
cd_s1(uint64_t cd[ENTRY_WORDS], uint64_t ttb, unsigned int ias, uint64_t tg, uint64_t ips,
      uint16_t asid)
{
	memset(cd, 0, ENTRY_WORDS * sizeof(*cd));
	cd[0] = smmu_field_prep(SMMU_CD_0_T0SZ, 64 - ias) |
		smmu_field_prep(SMMU_CD_0_TG0, tg) |
		SMMU_CD_0_EPD1 | /* the upper half of the address space is not translated */
		SMMU_CD_0_V | smmu_field_prep(SMMU_CD_0_IPS, ips) | SMMU_CD_0_AA64 |
		/* Faults end the transaction with an abort, and are recorded. */
		SMMU_CD_0_R | SMMU_CD_0_A |
		/* The ASID is private: the processor's broadcast invalidations do not affect it. */
		SMMU_CD_0_ASET | smmu_field_prep(SMMU_CD_0_ASID, asid) |
		/* Walks are cache coherent (IDR0.COHACC). */
		smmu_field_prep(SMMU_CD_0_IR0, SMMU_CD_RGN_WBWA) |
		smmu_field_prep(SMMU_CD_0_OR0, SMMU_CD_RGN_WBWA) |
		smmu_field_prep(SMMU_CD_0_SH0, SMMU_SH_ISH);
	cd[1] = ttb & SMMU_CD_1_TTB0;
	cd[3] = MAIR_VALUE;
}

void
cd_used(const uint64_t cd[ENTRY_WORDS], uint64_t used[ENTRY_WORDS])
{
	memset(used, 0, ENTRY_WORDS * sizeof(*used));
	used[0] = SMMU_CD_0_V;
	if ((cd[0] & SMMU_CD_0_V) == 0)
		return;
	memset(used, 0xff, ENTRY_WORDS * sizeof(*used));
	/* If a half of the address space is not walked, its base and size do not matter. */
	if ((cd[0] & SMMU_CD_0_EPD0) != 0) {
		used[0] &= ~(SMMU_CD_0_T0SZ | SMMU_CD_0_TG0 | SMMU_CD_0_IR0 | SMMU_CD_0_OR0 |
			     SMMU_CD_0_SH0);
		used[1] &= ~SMMU_CD_1_TTB0;
	}
	if ((cd[0] & SMMU_CD_0_EPD1) != 0) {
		used[0] &= ~(SMMU_CD_0_T1SZ | SMMU_CD_0_TG1 | SMMU_CD_0_IR1 | SMMU_CD_0_OR1 |
			     SMMU_CD_0_SH1);
		used[2] &= ~SMMU_CD_2_TTB1;
	}
}
