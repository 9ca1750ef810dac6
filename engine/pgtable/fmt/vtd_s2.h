/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The bits of Intel VT-d's second-stage paging entries (D51397, 3.7 and 9.8). There is no bit for
 * "valid": an entry that allows neither reading nor writing is not present. An access needs the
 * permission of every level, so entries that point to a table allow both.
 *
 * What is not named here stays 0: execute (2), memory type (6:3), accessed and dirty (8, 9), and
 * 62, which is reserved.
 */
#ifndef FMT_VTD_S2_H
#define FMT_VTD_S2_H

#include <stdint.h>

#define VTD_S2_R     (UINT64_C(1) << 0)
#define VTD_S2_W     (UINT64_C(1) << 1)
/* Above the last level: this entry maps a block. Reserved at the topmost of four levels, and where
 * the hardware has no blocks of that size (CAP.SSLPS). */
#define VTD_S2_PS    (UINT64_C(1) << 7)
/* Pages and blocks: an access snoops the processor's caches, even if the device says that it need
 * not. Reserved without ECAP.SC, and always in an entry that points to a table. */
#define VTD_S2_SNP   (UINT64_C(1) << 11)
#define VTD_S2_ADDR  UINT64_C(0x000ffffffffff000)

/* Hardware ignores bits 61:52, 63 and 10 of every entry. vtd_s2_4k.h says what they mean. */
#define VTD_S2_FIRST (UINT64_C(1) << 55)
#define VTD_S2_LAST  (UINT64_C(1) << 56)
#define VTD_S2_KEPT  (UINT64_C(1) << 57)

#endif
