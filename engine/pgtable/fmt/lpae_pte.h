/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The bits of an entry that the hot path uses, of VMSAv8-64 descriptors. Two marks say where a
 * mapping begins and ends, so an unmap can check that it gets exactly one whole mapping, with no
 * other table. A bit of the first entry says that the mapping is kept (policy/persistent.h).
 */
#ifndef FMT_LPAE_PTE_H
#define FMT_LPAE_PTE_H

#include "lpae.h"

#define PTE_VALID LPAE_VALID
#define PTE_ADDR  LPAE_ADDR
#define PTE_FIRST LPAE_FIRST
#define PTE_LAST  LPAE_LAST
#define PTE_KEPT  LPAE_KEPT
/* The bit that distinguishes a read-only entry from a writable one: AP[2] in stage 1, S2AP[1] in
 * stage 2. */
#define PTE_WRITE LPAE_AP_RO

#endif
