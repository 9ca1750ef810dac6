/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * hugepool: static (static.c), with pools mapped by blocks of 2 MiB and more where they reach over
 * one: fewer entries of the IOTLB, and one level less to walk. What is in no pool is mapped page by
 * page, for a block around it would show a device what lies beside it.
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
