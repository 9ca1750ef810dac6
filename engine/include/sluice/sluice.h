/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * All of sluice's public interface.
 *
 * NULL: control calls refuse it with -EINVAL (constructors and getters with NULL or 0, and rte_errno EINVAL)
 * unless they say what it means. The fast path does not look: <sluice/map.h>, sluice_engine_poll(),
 * sluice_dma_submit(), sluice_dma_completed(), <sluice/hist.h>.
 *
 * fork(): as with DPDK, nothing of this may be called in the child. It has no part in the hardware:
 * registers and memory that are shared stay the parent's, which goes on undisturbed; a lock that another
 * thread held is held for ever there; and what the child wrote to a page table would not be what the
 * hardware walks. exec, or _exit, is what a child may do; do not fork between a map and its unmap if
 * the buffer's pages would be copied on write: the device goes on using the parent's first page.
 *
 * Signal handlers: no function of this is async-signal-safe. A handler that interrupted one on the same
 * thread could find a lock taken or a flush ring half-way; let it set a flag that a loop looks at. A
 * signal does no harm to a call that it interrupts: none returns early because of it.
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
