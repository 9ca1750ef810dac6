/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The identification registers, decoded and checked.
 */
#ifndef SMMUV3_IDR_H
#define SMMUV3_IDR_H

#include <stdbool.h>
#include <stdint.h>

struct sluice_regs;

struct smmu_idr {
	bool s1p, s2p, hyp, asid16, vmid16, msi, two_level, ril, ats;
	bool stall, pri; /* faults can be answered */
	uint8_t sid_bits, cmdqs, evtqs; /* log2 */
	uint8_t oas_code, oas, ias;
	uint32_t formats;    /* bits 1 << enum sluice_format */
	uint64_t page_sizes; /* pages and blocks of those formats */
};

/**
 * Read and decode them. @return 0; -ENODEV with sluice_fail() called: a field has an impossible
 * value, or this driver cannot drive the hardware.
 */
int smmu_idr_read(struct sluice_regs *regs, struct smmu_idr *idr);

#endif
