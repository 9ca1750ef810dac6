/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Memory for real hardware is one physically contiguous piece. It comes from EAL's pool if that has
 * such a piece, as with pages of 1 GiB, and else from the kernel's huge pages.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_memzone.h>

#include "host.h"

#define MEM_MB_DEFAULT 64u
#define MEM_MB_LEAST   4u
#define MEM_ALIGN      (UINT32_C(2) << 20)

static bool
from_eal(uint64_t mb, struct host_mem *m)
{
	static _Atomic uint32_t serial;
	char name[RTE_MEMZONE_NAMESIZE];

	if (!rte_eal_has_hugepages() || rte_eal_iova_mode() != RTE_IOVA_PA)
		return false;
	snprintf(name, sizeof(name), "sluice_regs_%u",
		 atomic_fetch_add_explicit(&serial, 1, memory_order_relaxed));
	m->mz = rte_memzone_reserve_aligned(name, mb << 20, SOCKET_ID_ANY, RTE_MEMZONE_IOVA_CONTIG,
					    MEM_ALIGN);
	if (m->mz == NULL)
		return false;
	if (m->mz->iova == RTE_BAD_IOVA) {
		rte_memzone_free(m->mz);
		m->mz = NULL;
		return false;
	}
	m->va = m->mz->addr;
	m->len = m->mz->len;
	m->pa = m->mz->iova;
	memset(m->va, 0, m->len);
	return true;
}

int
host_mem_take(uint64_t mb, struct host_mem *m)
{
	uint64_t most = mb != 0 ? mb : MEM_MB_DEFAULT, least = mb != 0 ? mb : MEM_MB_LEAST;
	int ret;

	memset(m, 0, sizeof(*m));
	if (!from_eal(most, m)) {
		ret = host_hugepages_take(least << 20, most << 20, m);
		if (ret == -EPERM)
			return sluice_fail(EPERM, "physical addresses are hidden "
					   "(/proc/self/pagemap): only root sees them");
		if (ret != 0)
			return sluice_fail(ENOMEM, "mem_mb=%" PRIu64 ": the free huge pages hold "
					   "no such contiguous piece: reserve more "
					   "(/proc/sys/vm/nr_hugepages)", least);
	}
	m->mem = sluice_mem_create(m->va, m->pa, m->len);
	if (m->mem == NULL) {
		ret = -rte_errno;
		host_mem_give(m);
		return ret;
	}
	return 0;
}

void
host_mem_give(struct host_mem *m)
{
	sluice_mem_destroy(m->mem);
	if (m->mz != NULL)
		rte_memzone_free(m->mz);
	else if (m->va != NULL)
		host_hugepages_give(m);
	memset(m, 0, sizeof(*m));
}
