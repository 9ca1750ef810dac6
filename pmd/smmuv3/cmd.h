/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The commands that the driver issues: one small function builds each of them.
 */
#ifndef SMMUV3_CMD_H
#define SMMUV3_CMD_H

#include <stdbool.h>

#include "smmuv3_hw.h"

/** One command, with the layout of the queue (IHI 0070 §4.1). */
struct smmu_cmd {
	uint64_t w[2];
};
_Static_assert(sizeof(struct smmu_cmd) == SMMU_CMD_BYTES, "a command is 16 bytes");

/* Shifts of the two fields on the fast path, as constants. */
#define CMD_ASID_SHIFT    48
#define CMD_MSIDATA_SHIFT 32

/** First word of every SYNC of a queue; MSIData is added to it. §4.7.3 */
static inline uint64_t
cmd_sync_word0(bool msi)
{
	uint64_t w = SMMU_CMD_SYNC;

	if (!msi)
		return w;
	return w | smmu_field_prep(SMMU_SYNC_0_CS, SMMU_SYNC_CS_IRQ) |
	       smmu_field_prep(SMMU_SYNC_0_MSH, SMMU_SH_ISH) |
	       smmu_field_prep(SMMU_SYNC_0_MSIATTR, SMMU_MEMATTR_WB);
}

/** Invalidate every configuration structure. §4.3.2 */
static inline struct smmu_cmd
cmd_cfgi_all(void)
{
	return (struct smmu_cmd){ { SMMU_CMD_CFGI_STE_RANGE, SMMU_CFGI_RANGE_ALL } };
}

/** Invalidate one STE, the CDs reached through it, and (not leaf) its level-1 entry. §4.3.1 */
static inline struct smmu_cmd
cmd_cfgi_ste(uint32_t sid, bool leaf)
{
	return (struct smmu_cmd){ { SMMU_CMD_CFGI_STE | smmu_field_prep(SMMU_CMD_0_SID, sid),
				    leaf ? SMMU_CFGI_1_LEAF : 0 } };
}

/** Invalidate one CD as cached for one stream. §4.3.3 */
static inline struct smmu_cmd
cmd_cfgi_cd(uint32_t sid, uint32_t ssid, bool leaf)
{
	return (struct smmu_cmd){ { SMMU_CMD_CFGI_CD | smmu_field_prep(SMMU_CMD_0_SID, sid) |
				    smmu_field_prep(SMMU_CMD_0_SSID, ssid),
				    leaf ? SMMU_CFGI_1_LEAF : 0 } };
}

/** Invalidate every Non-secure EL1 entry. §4.4.4 */
static inline struct smmu_cmd
cmd_tlbi_nsnh_all(void)
{
	return (struct smmu_cmd){ { SMMU_CMD_TLBI_NSNH_ALL, 0 } };
}

/** Invalidate every EL2 entry. §4.4.2 */
static inline struct smmu_cmd
cmd_tlbi_el2_all(void)
{
	return (struct smmu_cmd){ { SMMU_CMD_TLBI_EL2_ALL, 0 } };
}

/** Invalidate one stage-1 address space. §4.4.3.2 */
static inline struct smmu_cmd
cmd_tlbi_asid(uint16_t vmid, uint16_t asid)
{
	return (struct smmu_cmd){ { SMMU_CMD_TLBI_NH_ASID | (uint64_t)asid << CMD_ASID_SHIFT |
				    smmu_field_prep(SMMU_TLBI_0_VMID, vmid), 0 } };
}

/** Invalidate all translations of stage 1 over one stage-2 address space. §4.4.3 */
static inline struct smmu_cmd
cmd_tlbi_nh_all(uint16_t vmid)
{
	return (struct smmu_cmd){ { SMMU_CMD_TLBI_NH_ALL |
				    smmu_field_prep(SMMU_TLBI_0_VMID, vmid), 0 } };
}

/** Invalidate one stage-2 address space, and each stage 1 over it. §4.4.5 */
static inline struct smmu_cmd
cmd_tlbi_vmall(uint16_t vmid)
{
	return (struct smmu_cmd){ { SMMU_CMD_TLBI_S12_VMALL |
				    smmu_field_prep(SMMU_TLBI_0_VMID, vmid), 0 } };
}

/** Invalidate the page, or the leaf that holds it, at one address. §4.4.3.3 */
static inline struct smmu_cmd
cmd_tlbi_va(uint16_t vmid, uint16_t asid, uint64_t iova, bool leaf)
{
	return (struct smmu_cmd){ { SMMU_CMD_TLBI_NH_VA | (uint64_t)asid << CMD_ASID_SHIFT |
				    smmu_field_prep(SMMU_TLBI_0_VMID, vmid),
				    (iova & SMMU_TLBI_1_ADDR) | leaf } };
}

/** The same by an intermediate physical address. §4.4.5 */
static inline struct smmu_cmd
cmd_tlbi_ipa(uint16_t vmid, uint64_t ipa, bool leaf)
{
	return (struct smmu_cmd){ { SMMU_CMD_TLBI_S2_IPA | smmu_field_prep(SMMU_TLBI_0_VMID, vmid),
				    (ipa & SMMU_TLBI_1_ADDR) | leaf } };
}

/**
 * Extend @p c from one page to @p num << @p scale pages of granule @p tg. §4.4.1.1. One page with
 * scale 0 cannot be expressed as a range (NUM = SCALE = TTL = 0 is illegal) and keeps the plain
 * form.
 */
static inline struct smmu_cmd
cmd_tlbi_range(struct smmu_cmd c, unsigned int num, unsigned int scale, unsigned int tg)
{
	if (num == 1 && scale == 0)
		return c;
	c.w[0] |= smmu_field_prep(SMMU_TLBI_0_NUM, num - 1) |
		  smmu_field_prep(SMMU_TLBI_0_SCALE, scale);
	c.w[1] |= smmu_field_prep(SMMU_TLBI_1_TG, tg);
	return c;
}

/**
 * Invalidate what the endpoint behind @p sid has cached of [iova, iova + 4096 << size), without a
 * PASID; size 52 is everything. §4.5.1
 */
static inline struct smmu_cmd
cmd_atc_inv(uint32_t sid, uint64_t iova, unsigned int size)
{
	return (struct smmu_cmd){ { SMMU_CMD_ATC_INV | smmu_field_prep(SMMU_CMD_0_SID, sid),
				    (iova & SMMU_ATC_1_ADDR) |
					    smmu_field_prep(SMMU_ATC_1_SIZE, size) } };
}

/** Retry or abort a stalled transaction; §4.6.1. */
static inline struct smmu_cmd
cmd_resume(uint32_t sid, uint16_t stag, bool retry)
{
	return (struct smmu_cmd){ { SMMU_CMD_RESUME | smmu_field_prep(SMMU_CMD_0_SID, sid) |
				    (retry ? SMMU_RESUME_0_AC : SMMU_RESUME_0_AB),
				    smmu_field_prep(SMMU_RESUME_1_STAG, stag) } };
}

/** Answer a group of page requests, of a PASID when @p ssv. @p resp SMMU_PRI_RESP_…; §4.5.2. */
static inline struct smmu_cmd
cmd_pri_resp(uint32_t sid, bool ssv, uint32_t ssid, uint16_t group, uint64_t resp)
{
	uint64_t pasid = ssv ? SMMU_CMD_0_SSV | smmu_field_prep(SMMU_CMD_0_SSID, ssid) : 0;

	return (struct smmu_cmd){ { SMMU_CMD_PRI_RESP | smmu_field_prep(SMMU_CMD_0_SID, sid) |
				    pasid,
				    smmu_field_prep(SMMU_PRI_RESP_1_PRGINDEX, group) |
				    smmu_field_prep(SMMU_PRI_RESP_1_RESP, resp) } };
}

/** A SYNC in the middle of a burst: it waits for all before it and signals nothing. §4.7.3 */
static inline struct smmu_cmd
cmd_sync_silent(void)
{
	return (struct smmu_cmd){ { SMMU_CMD_SYNC, 0 } };
}

/**
 * A filler, which has no effect: a prefetch of the configuration of the highest StreamID, which no
 * stream table here reaches (§4.2: no effect, no error). On other tables it would be a hint.
 */
static inline struct smmu_cmd
cmd_filler(void)
{
	return (struct smmu_cmd){ { SMMU_CMD_PREFETCH_CONFIG |
				    smmu_field_prep(SMMU_CMD_0_SID, UINT32_MAX), 0 } };
}

#endif
