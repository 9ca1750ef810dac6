/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * VMSAv8-64 with 16 KiB pages, stage 1 and stage 2. The two differ only in attributes, which each
 * domain holds (sluice_domain.pte_attr), so one compilation serves both.
 */
#ifndef FMT_LPAE_16K_H
#define FMT_LPAE_16K_H

#include "lpae_pte.h"

#define PT_NAME  lpae_16k
#define PT_SHIFT 14

#endif
