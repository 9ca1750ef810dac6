/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The register sources that regs.c knows by name.
 */
#ifndef REGS_SOURCES_H
#define REGS_SOURCES_H

#include "regs.h"

extern const struct sluice_regs_ops sluice_regs_emu;

#endif
