/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * How operating systems' kernels map and unmap, as far as that is publicly described, on the same
 * emulated SMMU and under the same account of cache lines. Written from descriptions: it is
 * nobody's code, and a lower bound of what a kernel does (no DMA API, no devices, no page pinning).
 */
#ifndef SCALE_KERNEL_LIKE_H
#define SCALE_KERNEL_LIKE_H

#include <stdint.h>

struct kernel;
struct scale_queue;

enum kernel_kind {
	/** One lock for the command queue, held over commands, SYNC and doorbell; then the caller
	 * waits for its own SYNC. So it is in VT-d drivers, and was in Linux's for SMMUv3 until 5.3. */
	KERNEL_STRICT_LOCK,
	/** Space by compare-and-exchange; the first of those that meet writes the doorbell for all
	 * (Linux's SMMUv3 driver from 5.4 on). A SYNC each. */
	KERNEL_STRICT_OWNER,
	/** Queues of 256 for each processor, flushed by it under the queue's lock, all of the domain
	 * at once; the command queue as KERNEL_STRICT_OWNER. */
	KERNEL_DEFERRED,
};

struct kernel *kernel_new(enum kernel_kind kind, const struct scale_queue *q, unsigned int cpus);
uint64_t kernel_map(struct kernel *k, unsigned int cpu, uint64_t pa, unsigned int pages);
void kernel_unmap(struct kernel *k, unsigned int cpu, uint64_t iova, unsigned int pages);
/** Everything adds up. */
void kernel_check(struct kernel *k);

#endif
