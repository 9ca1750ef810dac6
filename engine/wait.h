/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One turn of waiting for the hardware, the same for everybody who waits.
 */
#ifndef ENGINE_WAIT_H
#define ENGINE_WAIT_H

#include "driver.h"

/** Spend one turn: relax hook, or spin, pause, yield; look for errors now and then. */
void sluice_wait_turn(struct sluice_iommu *iommu, unsigned int turn);

#endif
