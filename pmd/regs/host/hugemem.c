/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Memory for real hardware: huge pages through EAL, one piece, physical addresses.
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

static const struct rte_memzone *
reserve(uint64_t mb)
{
	static _Atomic uint32_t serial;
	char name[RTE_MEMZONE_NAMESIZE];

	snprintf(name, sizeof(name), "sluice_regs_%u",
		 atomic_fetch_add_explicit(&serial, 1, memory_order_relaxed));
	return rte_memzone_reserve_aligned(name, mb << 20, SOCKET_ID_ANY, RTE_MEMZONE_IOVA_CONTIG,
					   MEM_ALIGN);
}

int
host_mem_take(uint64_t mb, struct sluice_mem **mem, const struct rte_memzone **mz)
{
	uint64_t want = mb != 0 ? mb : MEM_MB_DEFAULT;

	if (!rte_eal_has_hugepages() || rte_eal_iova_mode() != RTE_IOVA_PA)
		return sluice_fail(ENOTSUP, "real hardware needs physical addresses: start EAL with "
				   "huge pages and --iova-mode=pa");
	while ((*mz = reserve(want)) == NULL && mb == 0 && want > MEM_MB_LEAST)
		want /= 2;
	if (*mz == NULL || (*mz)->iova == RTE_BAD_IOVA) {
		if (*mz != NULL)
			rte_memzone_free(*mz);
		return sluice_fail(ENOMEM, "mem_mb=%" PRIu64 ": there is no such piece of contiguous "
				   "huge-page memory: reserve more of it, or larger pages", want);
	}
	memset((*mz)->addr, 0, (*mz)->len);
	*mem = sluice_mem_create((*mz)->addr, (*mz)->iova, (*mz)->len);
	if (*mem == NULL) {
		rte_memzone_free(*mz);
		return -rte_errno;
	}
	return 0;
}

void
host_mem_give(struct sluice_mem *mem, const struct rte_memzone *mz)
{
	sluice_mem_destroy(mem);
	if (mz != NULL)
		rte_memzone_free(mz);
}
