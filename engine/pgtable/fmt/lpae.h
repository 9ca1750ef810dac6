/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The bits of VMSAv8-64 descriptors (Arm DDI 0487 D8.3), stage 1 and stage 2, any granule: what the
 * last level's entries are made of. A file beside this one adds the granule.
 */
#ifndef FMT_LPAE_H
#define FMT_LPAE_H

#include <stdint.h>

#define LPAE_VALID     (UINT64_C(1) << 0)
#define LPAE_TABLE     (UINT64_C(1) << 1) /* above the last level: a table; there: a page */
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

/* What the hot path knows of an entry. Hardware ignores bits 58:55 in both stages: where one mapping
 * begins and ends, so that an unmap can tell that it names exactly one whole mapping without any
 * table beside this one; and in a first entry whether the mapping is kept (policy/persistent.h). */
#define PTE_VALID LPAE_VALID
#define PTE_ADDR  LPAE_ADDR
#define PTE_FIRST (UINT64_C(1) << 55)
#define PTE_LAST  (UINT64_C(1) << 56)
#define PTE_KEPT  (UINT64_C(1) << 57)
/* Of two entries that differ in what a device may do, one has this bit and the other has not: AP[2],
 * S2AP[1]. */
#define PTE_WRITE LPAE_AP_RO

#endif
