/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * VMSAv8-64 with 64 KiB pages, stage 1 and stage 2. The two differ only in attributes, which each
 * domain holds (sluice_domain.pte_attr), so one compilation serves both.
 */
#ifndef FMT_LPAE_64K_H
#define FMT_LPAE_64K_H

#include "lpae_pte.h"

#define PT_NAME  lpae_64k
#define PT_SHIFT 16

#endif
