/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * VT-d second stage, which has pages of 4 KiB and no others. Entries that snoop and entries that do
 * not differ only in attributes, which each domain holds (sluice_domain.pte_attr).
 */
#ifndef FMT_VTD_S2_4K_H
#define FMT_VTD_S2_4K_H

#include "vtd_s2.h"

#define PT_NAME  vtd_s2_4k
#define PT_SHIFT 12

/* The bits of an entry that the hot path uses; lpae_pte.h says what the marks are for. Whatever is
 * mapped can be read, so that bit is in every entry. */
#define PTE_VALID VTD_S2_R
#define PTE_ADDR  VTD_S2_ADDR
#define PTE_FIRST VTD_S2_FIRST
#define PTE_LAST  VTD_S2_LAST
#define PTE_KEPT  VTD_S2_KEPT
#define PTE_WRITE VTD_S2_W

#endif
