/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The bits of VMSAv8-64 descriptors (Arm DDI 0487 D8.3) in the last level, for stage 1 and stage 2
 * and any granule. The files beside this one add the granule.
 */
#ifndef FMT_LPAE_H
#define FMT_LPAE_H

#include <stdint.h>

#define LPAE_VALID     (UINT64_C(1) << 0)
#define LPAE_TABLE     (UINT64_C(1) << 1) /* above the last level: a table; in it: a page */
#define LPAE_AF        (UINT64_C(1) << 10)
#define LPAE_SH_INNER  (UINT64_C(3) << 8)
#define LPAE_ADDR      UINT64_C(0x0000fffffffff000)

/* Stage 1. */
#define LPAE_ATTR(i)   ((uint64_t)(i) << 2)
#define LPAE_AP_UNPRIV (UINT64_C(1) << 6)
#define LPAE_AP_RO     (UINT64_C(1) << 7)
#define LPAE_NG        (UINT64_C(1) << 11)
#define LPAE_XN        (UINT64_C(3) << 53)

/* Stage 2 (D8.4, D8.6): MemAttr, S2AP, and XN, whose upper bit alone means "never". */
#define LPAE_S2_MEMATTR_WB (UINT64_C(0xf) << 2)
#define LPAE_S2AP_READ     (UINT64_C(1) << 6)
#define LPAE_S2AP_WRITE    (UINT64_C(1) << 7)
#define LPAE_S2_XN         (UINT64_C(1) << 54)

/* MAIR index of normal write-back memory; the backend's MAIR must agree (attr 1 = 0xff). */
#define LPAE_MAIR_IDX_WB 1

/* Hardware ignores bits 58:55 in both stages. lpae_pte.h says what they mean. */
#define LPAE_FIRST (UINT64_C(1) << 55)
#define LPAE_LAST  (UINT64_C(1) << 56)
#define LPAE_KEPT  (UINT64_C(1) << 57)

#endif
