/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * hugepool: static (static.c), with pools mapped in blocks of 2 MiB and more where a pool covers
 * one. That takes fewer IOTLB entries and one level less to walk. Memory that is in no pool is
 * mapped page by page, since a block around it would show a device its neighbours.
 */
#include "pool.h"
#include "policy.h"

const struct policy_ops policy_hugepool = {
	.name = "hugepool",
	.type = SLUICE_DOMAIN_PAGING,
	.map = pool_map,
	.unmap = pool_unmap,
	.init = pool_init_blocks,
	.fini = pool_fini,
	.stats = pool_stats,
	.pool = pool_add,
};
