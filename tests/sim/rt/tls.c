/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * DPDK's own thread-local variables, for each fiber. Compiled with emulated thread-local storage, as
 * the code under test is.
 */
#include "tls.h"

__thread unsigned int per_lcore__lcore_id;
__thread int per_lcore__rte_errno;

void
sim_lcore_set(unsigned int id)
{
	per_lcore__lcore_id = id;
}

int
sim_errno(void)
{
	return per_lcore__rte_errno;
}

void
sim_errno_set(int v)
{
	per_lcore__rte_errno = v;
}
