/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Making the ownership map, and keeping it right where a policy copies.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "../shared/devargs.h"
#include "msg.h"
#include "watch.h"

/* Choose the range of the map: the buffers or, where devices probe, all of the IOMMU's memory.
 * Of that memory only the addresses of the buffers are known, so the range reaches as far to
 * either side as the memory is long. */
static void
span(struct perf_bench *b)
{
	uint64_t all;

	b->watch_pa = b->pool_pa;
	b->watch_len = b->pool_size;
	b->watch_all = b->o->probe_stale &&
		       devargs_get(b->info.settings, "mem_mb", &all) == 0;
	if (!b->watch_all)
		return;
	all <<= 20;
	b->watch_pa = b->pool_pa > all ? b->pool_pa - all : 0;
	b->watch_len = b->pool_pa + all - b->watch_pa;
}

int
perf_watch_open(struct perf_bench *b)
{
	size_t pages;
	int rc;

	span(b);
	pages = RTE_ALIGN_CEIL(b->watch_len / PERF_PAGE, RTE_CACHE_LINE_SIZE);
	b->watch = aligned_alloc(RTE_CACHE_LINE_SIZE, pages);
	if (b->watch == NULL)
		return perf_failed("out of memory");
	memset(b->watch, SLUICE_WATCH_OWNER, pages);
	rc = sluice_iommu_watch(b->iommu, b->watch_pa, b->watch_len, b->watch);
	if (rc != 0 && rc != -ENOTSUP)
		return perf_failed("cannot watch the buffers: %s", rte_strerror(-rc));
	return 0;
}

void
perf_watch_close(struct perf_bench *b)
{
	if (b->watch != NULL)
		sluice_iommu_watch(b->iommu, b->watch_pa, 0, NULL);
}

void
perf_watch_reset(struct perf_bench *b)
{
	memset(b->watch, SLUICE_WATCH_OWNER, b->watch_len / PERF_PAGE);
}

static void
copy_set(struct perf_worker *w, uint64_t seq, uint8_t whose)
{
	const struct perf_bench *b = w->bench;
	uint64_t page = (w->ring.copy_pa[seq & (b->nb_bufs - 1)] - b->watch_pa) / PERF_PAGE;

	for (uint32_t i = 0; i < b->buf_size / PERF_PAGE; i++)
		atomic_store_explicit((_Atomic uint8_t *)(void *)&b->watch[page + i], whose,
				      memory_order_relaxed);
}

void
perf_watch_copy_idle(struct perf_worker *w, uint64_t seq)
{
	uint64_t *at = &w->ring.copy_pa[seq & (w->bench->nb_bufs - 1)];

	if (*at != 0)
		copy_set(w, seq, SLUICE_WATCH_COPYPOOL);
	*at = 0;
}

void
perf_watch_mapped(struct perf_worker *w, const struct sluice_seg *s, uint32_t n)
{
	const struct perf_bench *b = w->bench;
	uint64_t pa;

	for (uint32_t i = 0; w->plan.watches_copies && i < n; i++) {
		if (sluice_iova_to_pa(w->dom, s[i].iova, &pa) != 0 || pa == s[i].pa ||
		    pa < b->watch_pa || pa - b->watch_pa > b->watch_len - b->buf_size)
			continue;
		w->ring.copy_pa[s[i].cookie & (b->nb_bufs - 1)] = pa;
		copy_set(w, s[i].cookie, SLUICE_WATCH_DEVICE);
		perf_own(w, s[i].cookie, SLUICE_WATCH_OWNER);
	}
	/* The control of a policy that copies: the buffer is in the device's reach, and still its
	 * owner's. */
	for (uint32_t i = 0; b->in_place && i < n; i++)
		perf_own(w, s[i].cookie, SLUICE_WATCH_OWNER);
}
