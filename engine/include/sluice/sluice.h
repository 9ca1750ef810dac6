/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * All of sluice's public interface.
 *
 * NULL: control calls refuse it with -EINVAL (constructors and getters with NULL or 0, and
 * rte_errno EINVAL) unless their description gives it a meaning. The fast path does not check:
 * <sluice/map.h>, sluice_engine_poll(), sluice_dma_submit(), sluice_dma_completed(),
 * <sluice/hist.h>.
 *
 * fork(): as with DPDK, the child may call none of these functions; it may call exec or _exit. The
 * hardware stays the parent's, which goes on undisturbed. In the child a lock that another thread
 * held stays held for ever, and the hardware would not walk page tables that the child writes. Do
 * not fork between a map and its unmap if the buffer's pages would be copied on write: the device
 * goes on using the page that was there first.
 *
 * Signal handlers: none of these functions is async-signal-safe. A handler that interrupts one on
 * the same thread could find a lock taken or a flush ring half written; let it set a flag that a
 * loop checks. A signal does no harm to a call that it interrupts; no call returns early because of
 * it.
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
