/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The identification registers (IHI 0070 §6.3.1-6.3.8). Only this file decides whether the
 * registers are those of an SMMUv3, and whether this driver can drive it.
 */
#include <errno.h>

#include "../regs/regs.h"
#include "idr.h"
#include "smmuv3_hw.h"

#define REFUSE(...) sluice_fail(ENODEV, "smmuv3: " __VA_ARGS__)

static int
check_idr0(uint32_t r)
{
	uint64_t endian = smmu_field_get(SMMU_IDR0_TTENDIAN, r);

	if ((r & (SMMU_IDR0_S1P | SMMU_IDR0_S2P)) == 0)
		return REFUSE("IDR0 0x%08x: no translation (S1P = S2P = 0)", r);
	if ((smmu_field_get(SMMU_IDR0_TTF, r) & SMMU_IDR0_TTF_AARCH64) == 0)
		return REFUSE("IDR0 0x%08x: no AArch64 page tables (TTF)", r);
	if (endian != SMMU_TTENDIAN_MIXED && endian != SMMU_TTENDIAN_LE)
		return REFUSE("IDR0 0x%08x: no little-endian page tables (TTENDIAN = %u)", r,
			      (unsigned int)endian);
	/* A cleared entry would stay in this processor's cache, and the hardware would go on
	 * reading the old one from memory after every invalidation: even strict would not be
	 * strict. */
	if ((r & SMMU_IDR0_COHACC) == 0)
		return REFUSE("IDR0 0x%08x: its accesses are not coherent with the processor's caches "
			      "(COHACC = 0), and nothing here cleans cache lines: an unmap would not "
			      "reach it", r);
	if (smmu_field_get(SMMU_IDR0_ST_LEVEL, r) > 1)
		return REFUSE("IDR0 0x%08x: ST_LEVEL is reserved", r);
	if (smmu_field_get(SMMU_IDR0_STALL_MODEL, r) == SMMU_STALL_MODEL_FORCED)
		return REFUSE("IDR0 0x%08x: every fault stalls (STALL_MODEL 2), unsupported", r);
	if (smmu_field_get(SMMU_IDR0_STALL_MODEL, r) > SMMU_STALL_MODEL_FORCED)
		return REFUSE("IDR0 0x%08x: STALL_MODEL is reserved", r);
	return 0;
}

static int
check_idr1(uint32_t r)
{
	if ((r & (SMMU_IDR1_TABLES_PRESET | SMMU_IDR1_QUEUES_PRESET)) != 0)
		return REFUSE("IDR1 0x%08x: preset tables or queues are not supported", r);
	if (smmu_field_get(SMMU_IDR1_SIDSIZE, r) > 32)
		return REFUSE("IDR1 0x%08x: SIDSIZE is beyond 32", r);
	if (smmu_field_get(SMMU_IDR1_CMDQS, r) > SMMU_QS_MAX ||
	    smmu_field_get(SMMU_IDR1_EVENTQS, r) > SMMU_QS_MAX)
		return REFUSE("IDR1 0x%08x: a queue beyond 2^%u entries", r, SMMU_QS_MAX);
	if (smmu_field_get(SMMU_IDR1_CMDQS, r) < 1)
		return REFUSE("IDR1 0x%08x: a command queue of one entry is too small", r);
	return 0;
}

/* Pages, and the blocks of levels 2 and 1 that exist without DS (Arm DDI 0487, D8.3). */
static void
read_formats(struct smmu_idr *idr, uint32_t r5)
{
	const uint32_t s1 = idr->s1p ? 1u << SLUICE_FORMAT_LPAE_S1_4K : 0;
	const uint32_t s2 = idr->s2p ? 1u << SLUICE_FORMAT_LPAE_S2_4K : 0;

	if ((r5 & SMMU_IDR5_GRAN4K) != 0) {
		idr->formats |= s1 | s2;
		idr->page_sizes |= UINT64_C(1) << 12 | UINT64_C(1) << 21 | UINT64_C(1) << 30;
	}
	if ((r5 & SMMU_IDR5_GRAN16K) != 0) {
		idr->formats |= (s1 | s2) << 1;
		idr->page_sizes |= UINT64_C(1) << 14 | UINT64_C(1) << 25;
	}
	if ((r5 & SMMU_IDR5_GRAN64K) != 0) {
		idr->formats |= (s1 | s2) << 2;
		idr->page_sizes |= UINT64_C(1) << 16 | UINT64_C(1) << 29;
	}
}

int
smmu_idr_read(struct sluice_regs *regs, struct smmu_idr *idr)
{
	uint32_t r0 = regs_read32(regs, SMMU_IDR0), r1 = regs_read32(regs, SMMU_IDR1);
	uint32_t r3 = regs_read32(regs, SMMU_IDR3), r5 = regs_read32(regs, SMMU_IDR5);
	uint32_t aidr = regs_read32(regs, SMMU_AIDR);
	int rc;

	if ((r0 == 0 && r1 == 0) || r0 == UINT32_MAX)
		return REFUSE("IDR0 reads 0x%08x: nothing answers at these registers", r0);
	if (smmu_field_get(SMMU_AIDR_ARCHMAJOR, aidr) != 0)
		return REFUSE("AIDR 0x%08x: not version 3 of the architecture", aidr);
	rc = check_idr0(r0);
	if (rc == 0)
		rc = check_idr1(r1);
	if (rc != 0)
		return rc;
	if ((r5 & (SMMU_IDR5_GRAN4K | SMMU_IDR5_GRAN16K | SMMU_IDR5_GRAN64K)) == 0)
		return REFUSE("IDR5 0x%08x: no granule at all (GRAN4K, 16K, 64K)", r5);

	*idr = (struct smmu_idr){
		.s1p = r0 & SMMU_IDR0_S1P,
		.s2p = r0 & SMMU_IDR0_S2P,
		.hyp = r0 & SMMU_IDR0_HYP,
		.asid16 = r0 & SMMU_IDR0_ASID16,
		.vmid16 = r0 & SMMU_IDR0_VMID16,
		.msi = r0 & SMMU_IDR0_MSI,
		.ats = r0 & SMMU_IDR0_ATS,
		.pri = r0 & SMMU_IDR0_PRI,
		.stall = smmu_field_get(SMMU_IDR0_STALL_MODEL, r0) == SMMU_STALL_MODEL_BOTH,
		.two_level = smmu_field_get(SMMU_IDR0_ST_LEVEL, r0) == 1,
		.ril = r3 & SMMU_IDR3_RIL,
		.sid_bits = (uint8_t)smmu_field_get(SMMU_IDR1_SIDSIZE, r1),
		.cmdqs = (uint8_t)smmu_field_get(SMMU_IDR1_CMDQS, r1),
		.evtqs = (uint8_t)smmu_field_get(SMMU_IDR1_EVENTQS, r1),
	};
	read_formats(idr, r5);
	/* Without DS and VAX, tables reach 48 bits (§3.4.1); a reserved code counts as that too. */
	idr->oas_code = (uint8_t)RTE_MIN(smmu_field_get(SMMU_IDR5_OAS, r5), (uint64_t)SMMU_OAS_48);
	idr->oas = (uint8_t)smmu_oas_bits(idr->oas_code);
	idr->ias = 48;
	return 0;
}
