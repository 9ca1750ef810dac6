/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stream table entries (IHI 0070 §5.2): those that this driver writes, and which of their bits the
 * hardware uses. SHCFG is "use incoming" in all of them, so no change between them needs a step for
 * it.
 */
#include <string.h>

#include "smmuv3.h"

static uint64_t
config(uint64_t code)
{
	return SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, code);
}

void
ste_abort(uint64_t ste[ENTRY_WORDS])
{
	/* Config 0b000: terminated without an event. */
	memset(ste, 0, ENTRY_WORDS * sizeof(*ste));
	ste[0] = config(SMMU_STE_CONFIG_ABORT);
	ste[1] = smmu_field_prep(SMMU_STE_1_SHCFG, SMMU_STE_SHCFG_INCOMING);
}

void
ste_bypass(uint64_t ste[ENTRY_WORDS])
{
	ste_abort(ste);
	ste[0] = config(SMMU_STE_CONFIG_BYPASS);
}

void
ste_s1(uint64_t ste[ENTRY_WORDS], uint64_t cd_pa)
{
	ste_abort(ste);
	/* One CD (S1CDMax 0), no substreams; no ATS (atc.c adds it); NS-EL1; VMID 0. */
	ste[0] = config(SMMU_STE_CONFIG_S1) | (cd_pa & SMMU_STE_0_S1CONTEXTPTR);
	/* Cacheable (IDR0.COHACC; idr.c refuses hardware without it). */
	ste[1] |= smmu_field_prep(SMMU_STE_1_S1CIR, SMMU_STE_S1C_WBRA) |
		  smmu_field_prep(SMMU_STE_1_S1COR, SMMU_STE_S1C_WBRA) |
		  smmu_field_prep(SMMU_STE_1_S1CSH, SMMU_SH_ISH);
}

void
ste_s2_words(uint64_t s2[2], const struct sluice_hwdom *hd, uint64_t ps, uint16_t vmid)
{
	s2[0] = smmu_field_prep(SMMU_STE_2_S2VMID, vmid) |
		smmu_field_prep(SMMU_STE_2_S2T0SZ, 64u - hd->ias) |
		smmu_field_prep(SMMU_STE_2_S2SL0, smmu_s2_sl0(hd)) |
		/* Walks are cache coherent (IDR0.COHACC). */
		smmu_field_prep(SMMU_STE_2_S2IR0, SMMU_CD_RGN_WBWA) |
		smmu_field_prep(SMMU_STE_2_S2OR0, SMMU_CD_RGN_WBWA) |
		smmu_field_prep(SMMU_STE_2_S2SH0, SMMU_SH_ISH) |
		smmu_field_prep(SMMU_STE_2_S2TG, smmu_formats[hd->format].tg) |
		smmu_field_prep(SMMU_STE_2_S2PS, ps) | SMMU_STE_2_S2AA64 |
		/* Refuse stage-1 tables in Device memory, since walks read ahead. */
		SMMU_STE_2_S2PTW |
		/* Faults are recorded and end the transaction. */
		SMMU_STE_2_S2R;
	s2[1] = hd->ttb & SMMU_STE_3_S2TTB;
}

void
ste_s2(uint64_t ste[ENTRY_WORDS], const uint64_t s2[2])
{
	ste_abort(ste);
	ste[0] = config(SMMU_STE_CONFIG_S2);
	ste[2] = s2[0];
	ste[3] = s2[1];
}

void
ste_nested(uint64_t ste[ENTRY_WORDS], uint64_t cd_ipa, const uint64_t s2[2])
{
	ste_s1(ste, cd_ipa);
	ste[0] = smmu_field_set(ste[0], SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_NESTED);
	ste[2] = s2[0];
	ste[3] = s2[1];
}

void
ste_eats(uint64_t ste[ENTRY_WORDS], bool on)
{
	ste[1] = smmu_field_set(ste[1], SMMU_STE_1_EATS,
				on ? SMMU_STE_EATS_FULL : SMMU_STE_EATS_OFF);
}

void
ste_used(const uint64_t ste[ENTRY_WORDS], uint64_t used[ENTRY_WORDS])
{
	uint64_t cfg = smmu_field_get(SMMU_STE_0_CONFIG, ste[0]);

	memset(used, 0, ENTRY_WORDS * sizeof(*used));
	used[0] = SMMU_STE_0_V;
	if ((ste[0] & SMMU_STE_0_V) == 0)
		return;
	used[0] |= SMMU_STE_0_CONFIG;
	if ((cfg & SMMU_STE_CONFIG_BYPASS) == 0)
		return;
	/* Used by every STE that does not abort at once. */
	used[1] = SMMU_STE_1_ALLOCCFG | SMMU_STE_1_PRIVCFG | SMMU_STE_1_INSTCFG;
	/* Incoming attributes. Stage-1 tables replace them, unless S1DSS bypasses stage 1. */
	if (cfg != SMMU_STE_CONFIG_S1 ||
	    smmu_field_get(SMMU_STE_1_S1DSS, ste[1]) == SMMU_STE_S1DSS_BYPASS)
		used[1] |= SMMU_STE_1_SHCFG | SMMU_STE_1_MTCFG | SMMU_STE_1_MEMATTR;
	if ((cfg & SMMU_STE_CONFIG_S1 & ~SMMU_STE_CONFIG_BYPASS) != 0) {
		used[0] |= SMMU_STE_0_S1FMT | SMMU_STE_0_S1CONTEXTPTR | SMMU_STE_0_S1CDMAX;
		used[1] |= SMMU_STE_1_S1DSS | SMMU_STE_1_S1CIR | SMMU_STE_1_S1COR |
			   SMMU_STE_1_S1CSH | SMMU_STE_1_S1STALLD | SMMU_STE_1_EATS |
			   SMMU_STE_1_STRW | SMMU_STE_1_PPAR | SMMU_STE_1_MEV;
		used[2] = SMMU_STE_2_S2VMID;
	}
	if ((cfg & SMMU_STE_CONFIG_S2 & ~SMMU_STE_CONFIG_BYPASS) != 0) {
		used[1] |= SMMU_STE_1_S2FWB | SMMU_STE_1_EATS | SMMU_STE_1_MEV;
		used[2] = SMMU_STE_2_S2VMID | SMMU_STE_2_S2T0SZ | SMMU_STE_2_S2SL0 |
			  SMMU_STE_2_S2IR0 | SMMU_STE_2_S2OR0 | SMMU_STE_2_S2SH0 |
			  SMMU_STE_2_S2TG | SMMU_STE_2_S2PS | SMMU_STE_2_S2AA64 |
			  SMMU_STE_2_S2ENDI | SMMU_STE_2_S2AFFD | SMMU_STE_2_S2PTW |
			  SMMU_STE_2_S2HD | SMMU_STE_2_S2HA | SMMU_STE_2_S2S | SMMU_STE_2_S2R;
		used[3] = SMMU_STE_3_S2TTB;
	}
}
