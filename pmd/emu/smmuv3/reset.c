/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Reset (IHI 0070 §6.3): what the SMMU is, and how it is before anybody has used it.
 */
#include "priv.h"

static uint32_t
oas_code(unsigned int bits)
{
	uint32_t code = 0;

	while (code < SMMU_OAS_48 && smmu_oas_bits(code) < bits)
		code++;
	return code;
}

/* Identification. */
static void
identify(struct emu_smmu *e)
{
	static const uint8_t cidr[4] = { 0x0d, 0xf0, 0x05, 0xb1 };
	const struct emu_smmuv3_conf *c = &e->conf;
	uint64_t idr0;

	/* 64-bit tables, little-endian, coherent; no substreams, stalls, split-stage ATS (what says
	 * so is RES0 without both stages). */
	idr0 = (c->s1 ? SMMU_IDR0_S1P | SMMU_IDR0_ASID16 : 0) | (c->s2 ? SMMU_IDR0_S2P : 0) |
	       (c->vmid16 ? SMMU_IDR0_VMID16 : 0) | (c->msi ? SMMU_IDR0_MSI : 0) |
	       (c->cohacc ? SMMU_IDR0_COHACC : 0) | (c->hyp ? SMMU_IDR0_HYP : 0) |
	       (c->ats ? SMMU_IDR0_ATS : 0) |
	       (c->ats && c->s1 && c->s2 ? SMMU_IDR0_NS1ATS : 0) |
	       smmu_field_prep(SMMU_IDR0_TTF, SMMU_IDR0_TTF_AARCH64) |
	       smmu_field_prep(SMMU_IDR0_TTENDIAN, SMMU_TTENDIAN_LE) |
	       smmu_field_prep(SMMU_IDR0_STALL_MODEL, SMMU_STALL_MODEL_TERMINATE) |
	       smmu_field_prep(SMMU_IDR0_ST_LEVEL, c->two_level);
	emu_set_reg32(e, SMMU_IDR0, (uint32_t)idr0);
	emu_set_reg32(e, SMMU_IDR1,
		      (uint32_t)(smmu_field_prep(SMMU_IDR1_SIDSIZE, c->sid_bits) |
				 smmu_field_prep(SMMU_IDR1_EVENTQS, c->evtq_max_log2) |
				 smmu_field_prep(SMMU_IDR1_CMDQS, c->cmdq_max_log2) |
				 SMMU_IDR1_ATTR_PERMS_OVR));
	/* Range invalidation came with v3.2, which also promises FWB (of stage 2) and BBML 1 or 2;
	 * v3.1 promises HAD, and XNX with stage 2. */
	emu_set_reg32(e, SMMU_IDR3,
		      (uint32_t)(SMMU_IDR3_HAD | (c->s2 ? SMMU_IDR3_XNX : 0) |
				 (c->ril ? SMMU_IDR3_RIL | SMMU_IDR3_FWB |
						   smmu_field_prep(SMMU_IDR3_BBML, 2) : 0)));
	emu_set_reg32(e, SMMU_IDR5,
		      (uint32_t)((c->gran & EMU_GRAN_4K ? SMMU_IDR5_GRAN4K : 0) |
				 (c->gran & EMU_GRAN_16K ? SMMU_IDR5_GRAN16K : 0) |
				 (c->gran & EMU_GRAN_64K ? SMMU_IDR5_GRAN64K : 0) |
				 smmu_field_prep(SMMU_IDR5_OAS, oas_code(c->oas))));
	emu_set_reg32(e, SMMU_AIDR, c->ril ? 2 : 1);
	for (unsigned int i = 0; i < 4; i++)
		emu_set_reg32(e, EMU_ID_REGS + 0x20 + 4 * i, cidr[i]);
}

void
emu_regs_reset(struct emu_smmu *e)
{
	identify(e);
	emu_ctl_reset(e);
}

/*
 * CR0, IRQ_CTRL, their acknowledgements, GERROR and GERRORN become 0, and GBPA what it was in the
 * beginning. Queue indices and most others become UNKNOWN, which is 0 here. A store of the driver
 * that comes in the middle of it may survive, as at any moment.
 */
void
emu_reset(struct emu_smmu *e)
{
	e->smmuen = e->atschk = e->recinvsid = e->e2h = false;
	e->cmdq = (struct emu_cmdq){ .sync_ticks = e->cmdq.sync_ticks,
				     .tlbi_ticks = e->cmdq.tlbi_ticks };
	e->evtq = (struct emu_evtq){ .on = false };
	emu_config_inv_ste(e, 0, 0, false);
	emu_tlb_inv_but(&e->tlb, EMU_NO_SPACE);
	for (uint32_t off = 0; off < SMMU_REGS_SIZE; off += sizeof(uint64_t))
		emu_set_reg64(e, off, 0);
	emu_regs_reset(e);
}
