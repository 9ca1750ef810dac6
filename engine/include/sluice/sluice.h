/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * All of sluice's public interface.
 */
#ifndef SLUICE_H
#define SLUICE_H

#include <sluice/common.h>
#include <sluice/device.h>
#include <sluice/dma.h>
#include <sluice/domain.h>
#include <sluice/engine.h>
#include <sluice/hist.h>
#include <sluice/iommu.h>
#include <sluice/map.h>

#endif
