/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Commands, events and page requests (IHI 0070 §4, §7.3, §8); part of smmuv3_hw.h.
 */
#ifndef SMMUV3_HW_CMDS_H
#define SMMUV3_HW_CMDS_H

#include "hw_field.h"

/* ---- commands (§4) --------------------------------------------------------------------------- */

#define SMMU_CMD_PREFETCH_CONFIG 0x01u
#define SMMU_CMD_PREFETCH_ADDR   0x02u
#define SMMU_CMD_CFGI_STE        0x03u
#define SMMU_CMD_CFGI_STE_RANGE  0x04u /* with RANGE_ALL: CFGI_ALL */
#define SMMU_CMD_CFGI_CD         0x05u
#define SMMU_CMD_CFGI_CD_ALL     0x06u
#define SMMU_CMD_CFGI_VMS_PIDM   0x07u
#define SMMU_CMD_TLBI_NH_ALL     0x10u
#define SMMU_CMD_TLBI_NH_ASID    0x11u
#define SMMU_CMD_TLBI_NH_VA      0x12u
#define SMMU_CMD_TLBI_NH_VAA     0x13u
#define SMMU_CMD_TLBI_EL2_ALL    0x20u
#define SMMU_CMD_TLBI_EL2_ASID   0x21u
#define SMMU_CMD_TLBI_EL2_VA     0x22u
#define SMMU_CMD_TLBI_EL2_VAA    0x23u
#define SMMU_CMD_TLBI_S12_VMALL  0x28u
#define SMMU_CMD_TLBI_S2_IPA     0x2au
#define SMMU_CMD_TLBI_NSNH_ALL   0x30u
#define SMMU_CMD_ATC_INV         0x40u
#define SMMU_CMD_PRI_RESP        0x41u
#define SMMU_CMD_RESUME          0x44u
#define SMMU_CMD_STALL_TERM      0x45u
#define SMMU_CMD_SYNC            0x46u

#define SMMU_CMD_0_OP         SMMU_FIELD(7, 0)
#define SMMU_CMD_0_SSEC       SMMU_BIT(10)
#define SMMU_CMD_0_SSV        SMMU_BIT(11)
#define SMMU_CMD_0_SSID       SMMU_FIELD(31, 12)
#define SMMU_CMD_0_SID        SMMU_FIELD(63, 32)

#define SMMU_CFGI_1_LEAF      SMMU_BIT(0)
#define SMMU_CFGI_1_RANGE     SMMU_FIELD(4, 0) /* 2^(RANGE+1) StreamIDs */
#define SMMU_CFGI_RANGE_ALL   31u
#define SMMU_PREFETCH_1_SIZE  SMMU_FIELD(4, 0)
#define SMMU_PREFETCH_1_ADDR  SMMU_FIELD(63, 12)

#define SMMU_TLBI_0_NUM       SMMU_FIELD(16, 12)
#define SMMU_TLBI_0_SCALE     SMMU_FIELD(24, 20)
#define SMMU_TLBI_0_VMID      SMMU_FIELD(47, 32)
#define SMMU_TLBI_0_ASID      SMMU_FIELD(63, 48)
#define SMMU_TLBI_1_LEAF      SMMU_BIT(0)
#define SMMU_TLBI_1_TTL       SMMU_FIELD(9, 8)
#define SMMU_TLBI_1_TG        SMMU_FIELD(11, 10)
#define SMMU_TLBI_TG_NONE      0u
#define SMMU_TLBI_TG_4K        1u
#define SMMU_TLBI_TG_16K       2u
#define SMMU_TLBI_TG_64K       3u
#define SMMU_TLBI_1_ADDR      SMMU_FIELD(63, 12)

#define SMMU_ATC_0_GLOBAL     SMMU_BIT(9)
#define SMMU_ATC_1_SIZE       SMMU_FIELD(5, 0) /* 4096 << SIZE bytes */
#define SMMU_ATC_SIZE_ALL     52u
#define SMMU_ATC_1_ADDR       SMMU_FIELD(63, 12)

#define SMMU_PRI_RESP_1_PRGINDEX SMMU_FIELD(8, 0)
#define SMMU_PRI_RESP_1_RESP     SMMU_FIELD(13, 12)
#define SMMU_PRI_RESP_FAILURE    0u
#define SMMU_PRI_RESP_INVALID    1u
#define SMMU_PRI_RESP_SUCCESS    2u

#define SMMU_RESUME_0_AC      SMMU_BIT(12) /* 1: retry */
#define SMMU_RESUME_0_AB      SMMU_BIT(13) /* AC=0: 1 abort, 0 RAZ/WI */
#define SMMU_RESUME_1_STAG    SMMU_FIELD(15, 0)

#define SMMU_SYNC_0_CS        SMMU_FIELD(13, 12)
#define SMMU_SYNC_CS_NONE      0u
#define SMMU_SYNC_CS_IRQ       1u /* the MSI write when MSIADDRESS is not 0 */
#define SMMU_SYNC_CS_SEV       2u
#define SMMU_SYNC_0_MSH       SMMU_FIELD(23, 22)
#define SMMU_SYNC_0_MSIATTR   SMMU_FIELD(27, 24)
#define SMMU_MEMATTR_WB        0xfu /* MSIATTR, STE.MEMATTR, GBPA.MEMATTR */
#define SMMU_SYNC_0_MSIDATA   SMMU_FIELD(63, 32)
#define SMMU_SYNC_1_MSIADDRESS SMMU_FIELD(51, 2)

/* ---- events (§7.3) --------------------------------------------------------------------------- */

#define SMMU_EVT_F_UUT               0x01u
#define SMMU_EVT_C_BAD_STREAMID      0x02u
#define SMMU_EVT_F_STE_FETCH         0x03u
#define SMMU_EVT_C_BAD_STE           0x04u
#define SMMU_EVT_F_BAD_ATS_TREQ      0x05u
#define SMMU_EVT_F_STREAM_DISABLED   0x06u
#define SMMU_EVT_F_TRANSL_FORBIDDEN  0x07u
#define SMMU_EVT_C_BAD_SUBSTREAMID   0x08u
#define SMMU_EVT_F_CD_FETCH          0x09u
#define SMMU_EVT_C_BAD_CD            0x0au
#define SMMU_EVT_F_WALK_EABT         0x0bu
#define SMMU_EVT_F_TRANSLATION       0x10u
#define SMMU_EVT_F_ADDR_SIZE         0x11u
#define SMMU_EVT_F_ACCESS            0x12u
#define SMMU_EVT_F_PERMISSION        0x13u
#define SMMU_EVT_F_TLB_CONFLICT      0x20u
#define SMMU_EVT_F_CFG_CONFLICT      0x21u
#define SMMU_EVT_E_PAGE_REQUEST      0x24u
#define SMMU_EVT_F_VMS_FETCH         0x25u

#define SMMU_EVT_0_ID         SMMU_FIELD(7, 0)
#define SMMU_EVT_0_SSV        SMMU_BIT(11)
#define SMMU_EVT_0_SSID       SMMU_FIELD(31, 12)
#define SMMU_EVT_0_SID        SMMU_FIELD(63, 32)
#define SMMU_EVT_1_STAG       SMMU_FIELD(15, 0)
#define SMMU_EVT_1_REASON     SMMU_FIELD(15, 0)
#define SMMU_EVT_1_GPCF       SMMU_BIT(16)
#define SMMU_EVT_1_STALL      SMMU_BIT(31)
#define SMMU_EVT_1_PNU        SMMU_BIT(33)
#define SMMU_EVT_1_IND        SMMU_BIT(34)
#define SMMU_EVT_1_RNW        SMMU_BIT(35)
#define SMMU_EVT_1_NSIPA      SMMU_BIT(38)
#define SMMU_EVT_1_S2         SMMU_BIT(39)
#define SMMU_EVT_1_CLASS      SMMU_FIELD(41, 40)
#define SMMU_EVT_CLASS_CD      0u
#define SMMU_EVT_CLASS_TTD     1u
#define SMMU_EVT_CLASS_IN      2u
#define SMMU_EVT_1_TTRNW      SMMU_BIT(44)
/* F_BAD_ATS_TREQ: what the Translation Request asked for, before the STE's overrides. */
#define SMMU_EVT_1_ATS_SPAN   SMMU_FIELD(3, 0) /* in units of STU */
#define SMMU_EVT_1_ATS_PRIV   SMMU_BIT(28)
#define SMMU_EVT_1_ATS_X      SMMU_BIT(29)
#define SMMU_EVT_1_ATS_W      SMMU_BIT(30)
#define SMMU_EVT_1_ATS_R      SMMU_BIT(31)
#define SMMU_EVT_2_INPUTADDR  SMMU_FIELD(63, 0)
#define SMMU_EVT_3_IPA        SMMU_FIELD(51, 12)
#define SMMU_EVT_3_FETCHADDR  SMMU_FIELD(51, 3)

/* ---- page requests (§8) ---------------------------------------------------------------------- */

#define SMMU_PRI_0_SID        SMMU_FIELD(31, 0)
#define SMMU_PRI_0_SSID       SMMU_FIELD(51, 32)
#define SMMU_PRI_0_PRIV       SMMU_BIT(58)
#define SMMU_PRI_0_X          SMMU_BIT(59)
#define SMMU_PRI_0_R          SMMU_BIT(60)
#define SMMU_PRI_0_W          SMMU_BIT(61)
#define SMMU_PRI_0_LAST       SMMU_BIT(62)
#define SMMU_PRI_0_SSV        SMMU_BIT(63)
#define SMMU_PRI_1_PRGINDEX   SMMU_FIELD(8, 0)
#define SMMU_PRI_1_ADDR       SMMU_FIELD(63, 12)

#endif
