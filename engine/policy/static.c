/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * static: memory that was mapped once stays mapped until the domain is destroyed. A map is an
 * addition, an unmap is bookkeeping, and nothing is ever invalidated. A device may reach all of
 * that memory at any time; the stale window never ends, so it is not measured. Drivers with
 * registered memory work like this.
 */
#include "pool.h"
#include "policy.h"

const struct policy_ops policy_static = {
	.name = "static",
	.type = SLUICE_DOMAIN_PAGING,
	.map = pool_map,
	.unmap = pool_unmap,
	.init = pool_init_pages,
	.fini = pool_fini,
	.stats = pool_stats,
	.pool = pool_add,
};
