/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Registers and queues of the SMMUv3 (IHI 0070 §3.5, §6); part of smmuv3_hw.h.
 */
#ifndef SMMUV3_HW_REGS_H
#define SMMUV3_HW_REGS_H

#include "hw_field.h"

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
/** The bits of CR0 that are not RES0, and so are mirrored in CR0ACK. */
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

#endif
