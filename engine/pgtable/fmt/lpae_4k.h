/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * VMSAv8-64 with 4 KiB pages, stage 1 and stage 2. The two differ only in attributes, which each
 * domain holds (sluice_domain.pte_attr), so one compilation serves both.
 */
#ifndef FMT_LPAE_4K_H
#define FMT_LPAE_4K_H

#include "lpae_pte.h"

#define PT_NAME  lpae_4k
#define PT_SHIFT 12

#endif
