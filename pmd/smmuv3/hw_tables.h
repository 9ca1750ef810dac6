/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Structures in memory: stream table, context descriptors, page tables (IHI 0070 §5, DDI 0487
 * D8.3); part of smmuv3_hw.h.
 */
#ifndef SMMUV3_HW_TABLES_H
#define SMMUV3_HW_TABLES_H

#include "hw_field.h"

/* ---- stream table (§5.1, §5.2) --------------------------------------------------------------- */

#define SMMU_L1STD_BYTES      8u
#define SMMU_L1STD_SPAN       SMMU_FIELD(4, 0)
#define SMMU_L1STD_SPAN_MAX   11u
#define SMMU_L1STD_L2PTR      SMMU_FIELD(51, 6)

#define SMMU_STE_BYTES        64u
#define SMMU_STE_DWORDS       8u
#define SMMU_STE_0_V            SMMU_BIT(0)
#define SMMU_STE_0_CONFIG       SMMU_FIELD(3, 1)
#define SMMU_STE_CONFIG_ABORT   0u
#define SMMU_STE_CONFIG_BYPASS  4u
#define SMMU_STE_CONFIG_S1      5u
#define SMMU_STE_CONFIG_S2      6u
#define SMMU_STE_CONFIG_NESTED  7u
#define SMMU_STE_0_S1FMT        SMMU_FIELD(5, 4)
#define SMMU_STE_S1FMT_LINEAR   0u
#define SMMU_STE_S1FMT_4K_L2    1u
#define SMMU_STE_S1FMT_64K_L2   2u
#define SMMU_STE_0_S1CONTEXTPTR SMMU_FIELD(51, 6)
#define SMMU_STE_0_S1CDMAX      SMMU_FIELD(63, 59)

#define SMMU_STE_1_S1DSS        SMMU_FIELD(1, 0)
#define SMMU_STE_S1DSS_TERMINATE 0u
#define SMMU_STE_S1DSS_BYPASS    1u
#define SMMU_STE_S1DSS_SSID0     2u
#define SMMU_STE_1_S1CIR        SMMU_FIELD(3, 2)
#define SMMU_STE_1_S1COR        SMMU_FIELD(5, 4)
#define SMMU_STE_S1C_NC          0u /* the codes of S1CIR, S1COR */
#define SMMU_STE_S1C_WBRA        1u
#define SMMU_STE_S1C_WT          2u
#define SMMU_STE_S1C_WB          3u
#define SMMU_STE_1_S1CSH        SMMU_FIELD(7, 6)
#define SMMU_STE_1_CONT         SMMU_FIELD(16, 13)
#define SMMU_STE_1_DCP          SMMU_BIT(17)
#define SMMU_STE_1_PPAR         SMMU_BIT(18)
#define SMMU_STE_1_MEV          SMMU_BIT(19)
#define SMMU_STE_1_S2FWB        SMMU_BIT(25)
#define SMMU_STE_1_S1STALLD     SMMU_BIT(27)
#define SMMU_STE_1_EATS         SMMU_FIELD(29, 28)
#define SMMU_STE_EATS_OFF        0u
#define SMMU_STE_EATS_FULL       1u
#define SMMU_STE_EATS_SPLIT      2u
#define SMMU_STE_1_STRW         SMMU_FIELD(31, 30)
#define SMMU_STE_STRW_NSEL1      0u
#define SMMU_STE_STRW_EL2        2u
#define SMMU_STE_1_MEMATTR      SMMU_FIELD(35, 32)
#define SMMU_STE_1_MTCFG        SMMU_BIT(36)
#define SMMU_STE_1_ALLOCCFG     SMMU_FIELD(40, 37)
#define SMMU_STE_1_SHCFG        SMMU_FIELD(45, 44)
#define SMMU_STE_SHCFG_INCOMING  1u
#define SMMU_STE_1_PRIVCFG      SMMU_FIELD(49, 48)
#define SMMU_STE_PRIVCFG_UNPRIV  2u
#define SMMU_STE_PRIVCFG_PRIV    3u
#define SMMU_STE_1_INSTCFG      SMMU_FIELD(51, 50)

#define SMMU_STE_2_S2VMID       SMMU_FIELD(15, 0)
#define SMMU_STE_2_S2T0SZ       SMMU_FIELD(37, 32)
#define SMMU_STE_2_S2SL0        SMMU_FIELD(39, 38)
#define SMMU_STE_2_S2IR0        SMMU_FIELD(41, 40)
#define SMMU_STE_2_S2OR0        SMMU_FIELD(43, 42)
#define SMMU_STE_2_S2SH0        SMMU_FIELD(45, 44)
#define SMMU_STE_2_S2TG         SMMU_FIELD(47, 46)
#define SMMU_STE_2_S2PS         SMMU_FIELD(50, 48)
#define SMMU_STE_2_S2AA64       SMMU_BIT(51)
#define SMMU_STE_2_S2ENDI       SMMU_BIT(52)
#define SMMU_STE_2_S2AFFD       SMMU_BIT(53)
#define SMMU_STE_2_S2PTW        SMMU_BIT(54)
#define SMMU_STE_2_S2HD         SMMU_BIT(55)
#define SMMU_STE_2_S2HA         SMMU_BIT(56)
#define SMMU_STE_2_S2S          SMMU_BIT(57)
#define SMMU_STE_2_S2R          SMMU_BIT(58)
#define SMMU_STE_3_S2TTB        SMMU_FIELD(51, 4)

/* ---- context descriptors (§5.3, §5.4) -------------------------------------------------------- */

#define SMMU_L1CD_V           SMMU_BIT(0)
#define SMMU_L1CD_L2PTR       SMMU_FIELD(51, 12)

#define SMMU_CD_BYTES         64u
#define SMMU_CD_DWORDS        8u
#define SMMU_CD_0_T0SZ        SMMU_FIELD(5, 0)
#define SMMU_CD_0_TG0         SMMU_FIELD(7, 6)
#define SMMU_CD_TG0_4K         0u
#define SMMU_CD_TG0_64K        1u
#define SMMU_CD_TG0_16K        2u
#define SMMU_CD_0_IR0         SMMU_FIELD(9, 8)
#define SMMU_CD_0_OR0         SMMU_FIELD(11, 10)
#define SMMU_CD_RGN_NC         0u /* the codes of IR0, OR0, IR1, OR1 */
#define SMMU_CD_RGN_WBWA       1u
#define SMMU_CD_RGN_WT         2u
#define SMMU_CD_RGN_WB         3u
#define SMMU_CD_0_SH0         SMMU_FIELD(13, 12)
#define SMMU_CD_0_EPD0        SMMU_BIT(14)
#define SMMU_CD_0_ENDI        SMMU_BIT(15)
#define SMMU_CD_0_T1SZ        SMMU_FIELD(21, 16)
#define SMMU_CD_0_TG1         SMMU_FIELD(23, 22)
#define SMMU_CD_TG1_16K        1u
#define SMMU_CD_TG1_4K         2u
#define SMMU_CD_TG1_64K        3u
#define SMMU_CD_0_IR1         SMMU_FIELD(25, 24)
#define SMMU_CD_0_OR1         SMMU_FIELD(27, 26)
#define SMMU_CD_0_SH1         SMMU_FIELD(29, 28)
#define SMMU_CD_0_EPD1        SMMU_BIT(30)
#define SMMU_CD_0_V           SMMU_BIT(31)
#define SMMU_CD_0_IPS         SMMU_FIELD(34, 32)
#define SMMU_CD_0_AFFD        SMMU_BIT(35)
#define SMMU_CD_0_WXN         SMMU_BIT(36)
#define SMMU_CD_0_UWXN        SMMU_BIT(37)
#define SMMU_CD_0_TBI0        SMMU_BIT(38)
#define SMMU_CD_0_TBI1        SMMU_BIT(39)
#define SMMU_CD_0_PAN         SMMU_BIT(40)
#define SMMU_CD_0_AA64        SMMU_BIT(41)
#define SMMU_CD_0_HD          SMMU_BIT(42)
#define SMMU_CD_0_HA          SMMU_BIT(43)
#define SMMU_CD_0_S           SMMU_BIT(44)
#define SMMU_CD_0_R           SMMU_BIT(45)
#define SMMU_CD_0_A           SMMU_BIT(46)
#define SMMU_CD_0_ASET        SMMU_BIT(47)
#define SMMU_CD_0_ASID        SMMU_FIELD(63, 48)
#define SMMU_CD_1_HAD0        SMMU_BIT(1)
#define SMMU_CD_1_TTB0        SMMU_FIELD(51, 4)
#define SMMU_CD_2_HAD1        SMMU_BIT(1)
#define SMMU_CD_2_TTB1        SMMU_FIELD(51, 4)
#define SMMU_CD_2_DS          SMMU_BIT(58)
#define SMMU_CD_3_MAIR        SMMU_FIELD(63, 0)

#define SMMU_MAIR_DEVICE_nGnRE 0x04u
#define SMMU_MAIR_NORMAL_NC    0x44u
#define SMMU_MAIR_NORMAL_WB    0xffu

/* ---- VMSAv8-64 translation table descriptors, 4 KiB granule (Arm DDI 0487, D8.3) ------------- */

#define SMMU_TTD_V            SMMU_BIT(0)
#define SMMU_TTD_TABLE        SMMU_BIT(1)      /* levels 0-2: a table; level 3: must be 1 */
#define SMMU_TTD_TYPE         SMMU_FIELD(1, 0)
#define SMMU_TTD_TYPE_BLOCK   1u
#define SMMU_TTD_TYPE_TABLE   3u
#define SMMU_TTD_TYPE_PAGE    3u
#define SMMU_TTD_ATTRINDX     SMMU_FIELD(4, 2)
#define SMMU_TTD_AP1          SMMU_BIT(6)      /* unprivileged access */
#define SMMU_TTD_AP2          SMMU_BIT(7)      /* read-only */
#define SMMU_TTD_SH           SMMU_FIELD(9, 8)
#define SMMU_TTD_AF           SMMU_BIT(10)
#define SMMU_TTD_NG           SMMU_BIT(11)
#define SMMU_TTD_NT           SMMU_BIT(16)
#define SMMU_TTD_ADDR         SMMU_FIELD(47, 12)
#define SMMU_TTD_DBM          SMMU_BIT(51)
#define SMMU_TTD_CONT         SMMU_BIT(52)
#define SMMU_TTD_PXN          SMMU_BIT(53)
#define SMMU_TTD_UXN          SMMU_BIT(54)
#define SMMU_TTD_SW           SMMU_FIELD(58, 55)
#define SMMU_TTD_APTABLE_NOUNPRIV SMMU_BIT(61) /* APTable[0]: no unprivileged access below */
#define SMMU_TTD_APTABLE_RO       SMMU_BIT(62) /* APTable[1]: no writes below */

#endif
