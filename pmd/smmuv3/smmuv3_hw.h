/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The encodings of the SMMUv3 architecture (Arm IHI 0070, v3.0-v3.3, Non-secure interface) in the
 * specification's own names: registers, stream table, context descriptors, commands, events,
 * descriptors. Nothing but encodings: the one header that the driver and the emulated hardware
 * share.
 *
 * A field is a mask of a 32-bit register or of a 64-bit word; SMMU_<STRUCT>_<n>_ fields belong
 * to word n of that structure, little-endian.
 */
#ifndef SMMUV3_HW_H
#define SMMUV3_HW_H

#include <stdint.h>

#define SMMU_BIT(n)      (UINT64_C(1) << (n))
/** The mask of bits h … l. */
#define SMMU_FIELD(h, l) ((~UINT64_C(0) >> (63 - (h))) & (~UINT64_C(0) << (l)))

/** @return @p v at the place of @p mask; bits that do not fit are dropped. */
static inline uint64_t
smmu_field_prep(uint64_t mask, uint64_t v)
{
	return (v << __builtin_ctzll(mask)) & mask;
}

/** @return the field @p mask of @p word. */
static inline uint64_t
smmu_field_get(uint64_t mask, uint64_t word)
{
	return (word & mask) >> __builtin_ctzll(mask);
}

/** @return @p word with its field @p mask set to @p v. */
static inline uint64_t
smmu_field_set(uint64_t word, uint64_t mask, uint64_t v)
{
	return (word & ~mask) | smmu_field_prep(mask, v);
}

/* ---- register pages (§6.1): two of 64 KiB ---------------------------------------------------- */

#define SMMU_REGS_SIZE 0x20000u
#define SMMU_PAGE1     0x10000u

/* ---- page 0 (§6.2), offsets ------------------------------------------------------------------ */

#define SMMU_IDR0             0x000u
#define SMMU_IDR1             0x004u
#define SMMU_IDR2             0x008u
#define SMMU_IDR3             0x00cu
#define SMMU_IDR4             0x010u
#define SMMU_IDR5             0x014u
#define SMMU_IIDR             0x018u
#define SMMU_AIDR             0x01cu
#define SMMU_CR0              0x020u
#define SMMU_CR0ACK           0x024u
#define SMMU_CR1              0x028u
#define SMMU_CR2              0x02cu
#define SMMU_STATUSR          0x040u
#define SMMU_GBPA             0x044u
#define SMMU_AGBPA            0x048u
#define SMMU_IRQ_CTRL         0x050u
#define SMMU_IRQ_CTRLACK      0x054u
#define SMMU_GERROR           0x060u
#define SMMU_GERRORN          0x064u
#define SMMU_GERROR_IRQ_CFG0  0x068u /* 64 */
#define SMMU_GERROR_IRQ_CFG1  0x070u
#define SMMU_GERROR_IRQ_CFG2  0x074u
#define SMMU_STRTAB_BASE      0x080u /* 64 */
#define SMMU_STRTAB_BASE_CFG  0x088u
#define SMMU_CMDQ_BASE        0x090u /* 64 */
#define SMMU_CMDQ_PROD        0x098u
#define SMMU_CMDQ_CONS        0x09cu
#define SMMU_EVENTQ_BASE      0x0a0u /* 64 */
#define SMMU_EVENTQ_IRQ_CFG0  0x0b0u /* 64 */
#define SMMU_EVENTQ_IRQ_CFG1  0x0b8u
#define SMMU_EVENTQ_IRQ_CFG2  0x0bcu
#define SMMU_PRIQ_BASE        0x0c0u /* 64 */
#define SMMU_PRIQ_IRQ_CFG0    0x0d0u /* 64 */
#define SMMU_PRIQ_IRQ_CFG1    0x0d8u
#define SMMU_PRIQ_IRQ_CFG2    0x0dcu
#define SMMU_IDR6             0x190u
#define SMMU_CMDQ_CONTROL_PAGE_BASE(n)   (0x4000u + 32u * (n)) /* 64 */
#define SMMU_CMDQ_CONTROL_PAGE_CFG(n)    (0x4008u + 32u * (n))
#define SMMU_CMDQ_CONTROL_PAGE_STATUS(n) (0x400cu + 32u * (n))

/* page 1 */
#define SMMU_EVENTQ_PROD      (SMMU_PAGE1 + 0xa8u)
#define SMMU_EVENTQ_CONS      (SMMU_PAGE1 + 0xacu)
#define SMMU_PRIQ_PROD        (SMMU_PAGE1 + 0xc8u)
#define SMMU_PRIQ_CONS        (SMMU_PAGE1 + 0xccu)

/* ---- identification (§6.3.1-6.3.9) ----------------------------------------------------------- */

#define SMMU_IDR0_S2P         SMMU_BIT(0)
#define SMMU_IDR0_S1P         SMMU_BIT(1)
#define SMMU_IDR0_TTF         SMMU_FIELD(3, 2)
#define SMMU_IDR0_TTF_AARCH64 2u
#define SMMU_IDR0_COHACC      SMMU_BIT(4)
#define SMMU_IDR0_BTM         SMMU_BIT(5)
#define SMMU_IDR0_HTTU        SMMU_FIELD(7, 6)
#define SMMU_IDR0_DORMHINT    SMMU_BIT(8)
#define SMMU_IDR0_HYP         SMMU_BIT(9)
#define SMMU_IDR0_ATS         SMMU_BIT(10)
#define SMMU_IDR0_NS1ATS      SMMU_BIT(11)
#define SMMU_IDR0_ASID16      SMMU_BIT(12)
#define SMMU_IDR0_MSI         SMMU_BIT(13)
#define SMMU_IDR0_SEV         SMMU_BIT(14)
#define SMMU_IDR0_ATOS        SMMU_BIT(15)
#define SMMU_IDR0_PRI         SMMU_BIT(16)
#define SMMU_IDR0_VMW         SMMU_BIT(17)
#define SMMU_IDR0_VMID16      SMMU_BIT(18)
#define SMMU_IDR0_CD2L        SMMU_BIT(19)
#define SMMU_IDR0_VATOS       SMMU_BIT(20)
#define SMMU_IDR0_TTENDIAN    SMMU_FIELD(22, 21)
#define SMMU_TTENDIAN_MIXED   0u
#define SMMU_TTENDIAN_LE      2u
#define SMMU_TTENDIAN_BE      3u
#define SMMU_IDR0_ATSRECERR   SMMU_BIT(23)
#define SMMU_IDR0_STALL_MODEL SMMU_FIELD(25, 24)
#define SMMU_STALL_MODEL_BOTH      0u /* stall and terminate */
#define SMMU_STALL_MODEL_TERMINATE 1u
#define SMMU_STALL_MODEL_FORCED    2u
#define SMMU_IDR0_TERM_MODEL  SMMU_BIT(26)
#define SMMU_IDR0_ST_LEVEL    SMMU_FIELD(28, 27)
#define SMMU_IDR0_RME_IMPL    SMMU_BIT(30)

#define SMMU_IDR1_SIDSIZE         SMMU_FIELD(5, 0)
#define SMMU_IDR1_SSIDSIZE        SMMU_FIELD(10, 6)
#define SMMU_IDR1_PRIQS           SMMU_FIELD(15, 11)
#define SMMU_IDR1_EVENTQS         SMMU_FIELD(20, 16)
#define SMMU_IDR1_CMDQS           SMMU_FIELD(25, 21)
#define SMMU_IDR1_ATTR_PERMS_OVR  SMMU_BIT(26)
#define SMMU_IDR1_ATTR_TYPES_OVR  SMMU_BIT(27)
#define SMMU_IDR1_REL             SMMU_BIT(28)
#define SMMU_IDR1_QUEUES_PRESET   SMMU_BIT(29)
#define SMMU_IDR1_TABLES_PRESET   SMMU_BIT(30)
#define SMMU_IDR1_ECMDQ           SMMU_BIT(31)
#define SMMU_QS_MAX               19u /* IDR1.CMDQS, EVENTQS, PRIQS at most */

#define SMMU_IDR3_HAD         SMMU_BIT(2)
#define SMMU_IDR3_PBHA        SMMU_BIT(3)
#define SMMU_IDR3_XNX         SMMU_BIT(4)
#define SMMU_IDR3_PPS         SMMU_BIT(5)
#define SMMU_IDR3_MPAM        SMMU_BIT(7)
#define SMMU_IDR3_FWB         SMMU_BIT(8)
#define SMMU_IDR3_STT         SMMU_BIT(9)
#define SMMU_IDR3_RIL         SMMU_BIT(10)
#define SMMU_IDR3_BBML        SMMU_FIELD(12, 11)
#define SMMU_IDR3_E0PD        SMMU_BIT(13)
#define SMMU_IDR3_PTWNNC      SMMU_BIT(14)

#define SMMU_IDR5_OAS         SMMU_FIELD(2, 0)
#define SMMU_OAS_32           0u /* the codes of OAS, IPS, S2PS */
#define SMMU_OAS_36           1u
#define SMMU_OAS_40           2u
#define SMMU_OAS_42           3u
#define SMMU_OAS_44           4u
#define SMMU_OAS_48           5u
#define SMMU_OAS_52           6u
#define SMMU_IDR5_GRAN4K      SMMU_BIT(4)
#define SMMU_IDR5_GRAN16K     SMMU_BIT(5)
#define SMMU_IDR5_GRAN64K     SMMU_BIT(6)
#define SMMU_IDR5_DS          SMMU_BIT(7)
#define SMMU_IDR5_VAX         SMMU_FIELD(11, 10)
#define SMMU_IDR5_STALL_MAX   SMMU_FIELD(31, 16)

#define SMMU_IDR6_LOG2NUMQ    SMMU_FIELD(19, 16) /* CMDQ_CONTROL_PAGE_LOG2NUMQ */
#define SMMU_IDR6_LOG2NUMP    SMMU_FIELD(27, 24) /* CMDQ_CONTROL_PAGE_LOG2NUMP */

#define SMMU_IIDR_IMPLEMENTER SMMU_FIELD(11, 0)
#define SMMU_IIDR_REVISION    SMMU_FIELD(15, 12)
#define SMMU_IIDR_VARIANT     SMMU_FIELD(19, 16)
#define SMMU_IIDR_PRODUCTID   SMMU_FIELD(31, 20)
#define SMMU_AIDR_ARCHMINOR   SMMU_FIELD(3, 0)
#define SMMU_AIDR_ARCHMAJOR   SMMU_FIELD(7, 4) /* 0: SMMUv3 */

/** @return address bits of an OAS, IPS or S2PS code (reserved codes: 52). */
static inline unsigned int
smmu_oas_bits(uint64_t code)
{
	static const uint8_t bits[8] = { 32, 36, 40, 42, 44, 48, 52, 52 };

	return bits[code & 7];
}

/* ---- control (§6.3.9-6.3.26) ----------------------------------------------------------------- */

#define SMMU_CR0_SMMUEN       SMMU_BIT(0)
#define SMMU_CR0_PRIQEN       SMMU_BIT(1)
#define SMMU_CR0_EVENTQEN     SMMU_BIT(2)
#define SMMU_CR0_CMDQEN       SMMU_BIT(3)
#define SMMU_CR0_ATSCHK       SMMU_BIT(4)
#define SMMU_CR0_VMW          SMMU_FIELD(8, 6)
/** What is not RES0 in CR0 and so mirrored in CR0ACK. */
#define SMMU_CR0_MASK         (SMMU_FIELD(4, 0) | SMMU_CR0_VMW)

#define SMMU_CR1_QUEUE_IC     SMMU_FIELD(1, 0)
#define SMMU_CR1_QUEUE_OC     SMMU_FIELD(3, 2)
#define SMMU_CR1_QUEUE_SH     SMMU_FIELD(5, 4)
#define SMMU_CR1_TABLE_IC     SMMU_FIELD(7, 6)
#define SMMU_CR1_TABLE_OC     SMMU_FIELD(9, 8)
#define SMMU_CR1_TABLE_SH     SMMU_FIELD(11, 10)
#define SMMU_CR1_CACHE_NC     0u /* the codes of CR1.*_IC, *_OC */
#define SMMU_CR1_CACHE_WB     1u
#define SMMU_CR1_CACHE_WT     2u

#define SMMU_SH_NSH           0u /* the codes of every *_SH, SH0, CSH, MSH */
#define SMMU_SH_OSH           2u
#define SMMU_SH_ISH           3u

#define SMMU_CR2_E2H          SMMU_BIT(0)
#define SMMU_CR2_RECINVSID    SMMU_BIT(1)
#define SMMU_CR2_PTM          SMMU_BIT(2)
#define SMMU_CR2_REC_CFG_ATS  SMMU_BIT(3)

#define SMMU_GBPA_MEMATTR     SMMU_FIELD(3, 0)
#define SMMU_GBPA_MTCFG       SMMU_BIT(4)
#define SMMU_GBPA_ALLOCCFG    SMMU_FIELD(11, 8)
#define SMMU_GBPA_SHCFG       SMMU_FIELD(13, 12)
#define SMMU_GBPA_PRIVCFG     SMMU_FIELD(17, 16)
#define SMMU_GBPA_INSTCFG     SMMU_FIELD(19, 18)
#define SMMU_GBPA_ABORT       SMMU_BIT(20)
#define SMMU_GBPA_UPDATE      SMMU_BIT(31)

#define SMMU_IRQ_CTRL_GERROR_IRQEN SMMU_BIT(0)
#define SMMU_IRQ_CTRL_PRIQ_IRQEN   SMMU_BIT(1)
#define SMMU_IRQ_CTRL_EVENTQ_IRQEN SMMU_BIT(2)
#define SMMU_IRQ_CTRL_MASK         SMMU_FIELD(2, 0)
#define SMMU_IRQ_CFG0_ADDR         SMMU_FIELD(51, 2)
#define SMMU_IRQ_CFG2_MEMATTR      SMMU_FIELD(3, 0)
#define SMMU_IRQ_CFG2_SH           SMMU_FIELD(5, 4)
#define SMMU_PRIQ_IRQ_CFG2_LO      SMMU_BIT(31)

/** GERROR and GERRORN: an error is active while its two bits differ (§7.5). */
#define SMMU_GERROR_CMDQ_ERR           SMMU_BIT(0)
#define SMMU_GERROR_EVENTQ_ABT_ERR     SMMU_BIT(2)
#define SMMU_GERROR_PRIQ_ABT_ERR       SMMU_BIT(3)
#define SMMU_GERROR_MSI_CMDQ_ABT_ERR   SMMU_BIT(4)
#define SMMU_GERROR_MSI_EVENTQ_ABT_ERR SMMU_BIT(5)
#define SMMU_GERROR_MSI_PRIQ_ABT_ERR   SMMU_BIT(6)
#define SMMU_GERROR_MSI_GERROR_ABT_ERR SMMU_BIT(7)
#define SMMU_GERROR_SFM_ERR            SMMU_BIT(8)
#define SMMU_GERROR_CMDQP_ERR          SMMU_BIT(9)
#define SMMU_GERROR_MASK               (SMMU_FIELD(9, 2) | SMMU_GERROR_CMDQ_ERR)

#define SMMU_STRTAB_BASE_ADDR      SMMU_FIELD(51, 6)
#define SMMU_STRTAB_BASE_RA        SMMU_BIT(62)
#define SMMU_STRTAB_CFG_LOG2SIZE   SMMU_FIELD(5, 0)
#define SMMU_STRTAB_CFG_SPLIT      SMMU_FIELD(10, 6)
#define SMMU_STRTAB_CFG_FMT        SMMU_FIELD(17, 16)
#define SMMU_STRTAB_FMT_LINEAR     0u
#define SMMU_STRTAB_FMT_2LVL       1u

/* ---- queues (§3.5, §6.3.26-6.3.34) ----------------------------------------------------------- */

#define SMMU_Q_BASE_LOG2SIZE  SMMU_FIELD(4, 0)
#define SMMU_Q_BASE_ADDR      SMMU_FIELD(51, 5)
#define SMMU_Q_BASE_RA_WA     SMMU_BIT(62) /* RA: CMDQ; WA: EVENTQ, PRIQ */
#define SMMU_CMDQ_PROD_WR     SMMU_FIELD(19, 0)
#define SMMU_CMDQ_CONS_RD     SMMU_FIELD(19, 0)
#define SMMU_CMDQ_CONS_ERR    SMMU_FIELD(30, 24)
#define SMMU_EVENTQ_PROD_WR   SMMU_FIELD(19, 0)
#define SMMU_EVENTQ_OVFLG     SMMU_BIT(31) /* PROD: OVFLG; CONS: OVACKFLG (PRIQ alike) */
#define SMMU_EVENTQ_CONS_RD   SMMU_FIELD(19, 0)

#define SMMU_CMD_BYTES        16u
#define SMMU_CMD_DWORDS       2u
#define SMMU_EVT_BYTES        32u
#define SMMU_EVT_DWORDS       4u
#define SMMU_PRI_BYTES        16u

/** CMDQ_CONS.ERR (§7.1). */
#define SMMU_CERROR_NONE         0u
#define SMMU_CERROR_ILL          1u
#define SMMU_CERROR_ABT          2u
#define SMMU_CERROR_ATC_INV_SYNC 3u

/** ECMDQ (§3.5.6): registers of one queue, and their own flags. */
#define SMMU_ECMDQ_BASE          0x0u /* 64 */
#define SMMU_ECMDQ_PROD          0x8u
#define SMMU_ECMDQ_CONS          0xcu
#define SMMU_ECMDQ_PROD_ERRACK   SMMU_BIT(23)
#define SMMU_ECMDQ_PROD_EN       SMMU_BIT(31)
#define SMMU_ECMDQ_CONS_ERR      SMMU_BIT(23)
#define SMMU_ECMDQ_CONS_REASON   SMMU_FIELD(26, 24)
#define SMMU_ECMDQ_CONS_ENACK    SMMU_BIT(31)
#define SMMU_ECMDQ_PAGE_PRESET   SMMU_BIT(0)
#define SMMU_ECMDQ_PAGE_GS       SMMU_FIELD(2, 1)
#define SMMU_ECMDQ_PAGE_ADDR     SMMU_FIELD(51, 16)

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
/* What a Translation Request asked for, in F_BAD_ATS_TREQ: before the STE's overrides. */
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
