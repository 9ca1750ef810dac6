/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The encodings of the SMMUv3 architecture (Arm IHI 0070, v3.0-v3.3, Non-secure interface) with the
 * specification's own names: registers, stream table, context descriptors, commands, events,
 * descriptors. It holds nothing but encodings, because the driver and the emulated hardware share
 * this header and no other.
 *
 * A field is a mask of a 32-bit register or of a 64-bit word; SMMU_<STRUCT>_<n>_ fields belong
 * to word n of that structure, little-endian.
 */
#ifndef SMMUV3_HW_H
#define SMMUV3_HW_H

#include "hw_cmds.h"
#include "hw_field.h"
#include "hw_regs.h"
#include "hw_tables.h"

#endif
