/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The peers of a map+unmap pair: stand-ins made from what is publicly known of how kernels do it
 * (Bonwick and Adams' magazines over a depot, 2001; a page-table walk from the root for each
 * call), not anybody's code. Kernels do more around it, so these are the lower bound of theirs.
 *
 * One address space. IOVAs come
 *   PEER_MAGAZINE  from a per-thread pair of magazines of 127 under an uncontended lock, with a
 *                  locked depot behind; never from a tree, since the benchmarks stay warm;
 *   PEER_MEMPOOL   from an rte_mempool with its per-lcore cache of 256, no lock.
 * The page table has 4 levels of 512 entries; each map and each unmap walks it from the root,
 * checking each entry; missing tables are installed by compare-and-exchange.
 */
#ifndef BENCH_PEER_MAP_H
#define BENCH_PEER_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum peer_iova { PEER_MAGAZINE, PEER_MEMPOOL };

struct peer_space;

/** @param order log2 of the pages that every mapping has. */
struct peer_space *peer_space_new(enum peer_iova kind, unsigned int order, uint32_t objects);
void peer_space_free(struct peer_space *s);

/** As sluice_map() and sluice_unmap(), for threads numbered by @p thread. */
int peer_map(struct peer_space *s, unsigned int thread, uint64_t pa, size_t len, uint64_t *iova);
int peer_unmap(struct peer_space *s, unsigned int thread, uint64_t iova, size_t len);

#endif
