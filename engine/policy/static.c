/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * static: what was mapped once stays mapped until the domain goes. A map is an addition, an unmap
 * only bookkeeping; nothing is ever invalidated, and a device may reach all of it at any time, for
 * ever: there is no stale window to be measured, for it does not end. What a driver with registered
 * memory does.
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
