/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Batches of free IOVAs between lcores: what one lcore has too many of, another takes as it is.
 *
 * 1. A batch is 64 page numbers of one order. Full batches of an order are a stack, empty ones
 *    are another; both are Treiber stacks of indices, with a tag against ABA.
 * 2. A magazine that overflows fills a batch with one copy and pushes it; one that ran dry pops
 *    one. So neither costs more than a copy of 256 bytes and two compare-and-exchanges, however
 *    scattered the IOVAs are; sorting them back into their chunks is for when space is short.
 * 3. The number of batches is fixed: when all are full, the bitmaps take the rest.
 */
#ifndef ENGINE_DEPOT_H
#define ENGINE_DEPOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define DEPOT_BATCH   64u
#define DEPOT_BATCHES 256u /* 16 Ki IOVAs; 68 KiB, touched as they are used */
#define DEPOT_ORDERS  10u

struct depot_batch {
	_Atomic uint32_t next;
	uint32_t pfn[DEPOT_BATCH];
};

struct depot {
	_Atomic uint64_t full[DEPOT_ORDERS]; /* tag << 32 | index */
	_Atomic uint64_t empty;
	_Atomic uint32_t fresh;              /* batches never used begin here */
	struct depot_batch *batch;           /* [DEPOT_BATCHES] */
};

/** @return 0 or -ENOMEM. */
int depot_init(struct depot *d);
void depot_fini(struct depot *d);

/** Leave, take DEPOT_BATCH page numbers. @return false: no room; none there. Any thread. */
bool depot_put(struct depot *d, unsigned int order, const uint32_t *pfn);
bool depot_get(struct depot *d, unsigned int order, uint32_t *pfn);

/** How many page numbers of @p order are here. Exact while no thread changes it. */
uint32_t depot_count(const struct depot *d, unsigned int order);

#endif
