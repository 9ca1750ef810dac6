/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What differs between the DPDK releases that this builds with, 22.11 to 25.11, in one place.
 */
#ifndef SLUICE_COMPAT_H
#define SLUICE_COMPAT_H

/* rte_is_power_of_2() and its kin: in rte_common.h at first, in rte_bitops.h since 24.07, and
 * neither header brings the other everywhere. */
#include <rte_bitops.h>
#include <rte_common.h>

#endif
