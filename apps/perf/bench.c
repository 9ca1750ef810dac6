/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Set-up and tear-down of everything that outlives one policy's run.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_errno.h>

#include "bench.h"
#include "../shared/devargs.h"
#include "hw.h"
#include "msg.h"
#include "watch.h"

/* Kept free for the stream tables, page tables and so on that a domain needs later. */
#define HEADROOM (16u << 20)
/* The size of a block. A pool that is aligned to it can be mapped by blocks. */
#define BLOCK    (2u << 20)

/* A probe cannot catch a stale access if the invalidation is over before the probe is made. So
 * with probes the emulated hardware takes longer for an invalidation than the engine for a turn,
 * and does invalidations in any order, as far as the device string leaves this open. Whether
 * that is slow enough, the control shows (control.h). */
static int
slow_down(struct perf_bench *b)
{
	static const struct {
		const char *key;
		uint64_t v;
	} slow[] = { { "tlbi_ns", 5000 }, { "sync_ns", 2000 }, { "shuffle", 1 } };
	size_t at = 0;
	int rc = 0;

	for (unsigned int i = 0; i < RTE_DIM(slow); i++) {
		if (devargs_has(b->dev, slow[i].key))
			continue;
		rc |= devargs_set(b->dev, sizeof(b->dev), slow[i].key, slow[i].v);
		at += (size_t)snprintf(b->slowed + at, sizeof(b->slowed) - at, "%s%s=%" PRIu64,
				       at != 0 ? "," : "", slow[i].key, slow[i].v);
	}
	return rc;
}

static int
devargs_make(struct perf_bench *b, const struct perf_point *pt)
{
	bool emulated = devargs_emulated(b->o->dev);
	int rc = 0;

	if (strlen(b->o->dev) >= sizeof(b->dev))
		return perf_usage_error("--dev: longer than %zu characters", sizeof(b->dev) - 1);
	strcpy(b->dev, b->o->dev);
	if (pt->sync_ns != PERF_SYNC_AS_IS)
		rc |= devargs_set(b->dev, sizeof(b->dev), "sync_ns", pt->sync_ns);
	if (b->layout.kind == PERF_LAYOUT_STEP && emulated)
		rc |= devargs_set(b->dev, sizeof(b->dev), "step", 1);
	if (emulated && !devargs_has(b->dev, "seed"))
		rc |= devargs_set(b->dev, sizeof(b->dev), "seed", b->o->seed);
	if (b->o->probe_stale && emulated)
		rc |= slow_down(b);
	if (rc != 0)
		return perf_usage_error("--dev: longer than %zu characters", sizeof(b->dev) - 1);
	return 0;
}

static int
iommu_open(struct perf_bench *b, const struct perf_point *pt)
{
	int rc = devargs_make(b, pt);

	if (rc != 0)
		return rc;
	b->iommu = sluice_iommu_open(b->dev);
	if (b->iommu == NULL) {
		/* Nothing has been measured yet, so what is wrong must be what --dev names. */
		const char *why = sluice_error()[0] ? sluice_error() : rte_strerror(rte_errno);

		return perf_usage_error("--dev %s: %s%s", b->o->dev, why, rte_errno == ETIMEDOUT ?
					"; sync_timeout_us= says how long it may take" : "");
	}
	sluice_iommu_get_info(b->iommu, &b->info);
	b->transfers = b->info.caps & SLUICE_CAP_EMULATED;
	b->virt = b->transfers && b->layout.kind == PERF_LAYOUT_STEP;
	if (devargs_get(b->info.settings, "sync_ns", &b->sync_ns) != 0 &&
	    devargs_get(b->dev, "sync_ns", &b->sync_ns) != 0)
		b->sync_ns = 0;
	sluice_iommu_set_relax(b->iommu, perf_hw_tick, b);
	return 0;
}

static int
engine_start(struct perf_bench *b)
{
	int rc;

	b->engine = sluice_engine_create();
	if (b->engine == NULL)
		return perf_failed("engine: %s", rte_strerror(rte_errno));
	rc = sluice_engine_add_iommu(b->engine, b->iommu);
	if (rc != 0)
		return perf_failed("engine: cannot serve the iommu: %s", rte_strerror(-rc));
	for (unsigned int i = 0; i < b->layout.nb_workers; i++) {
		rc = sluice_worker_register(b->engine, b->layout.worker[i]);
		if (rc != 0)
			return perf_failed("lcore %u cannot become a worker: %s",
					   b->layout.worker[i], rte_strerror(-rc));
	}
	return 0;
}

/* The ring is as long as memory allows: long frames in a small emulated RAM get a short one. */
static int
buffers_get(struct perf_bench *b)
{
	void *room = sluice_iommu_mem_alloc(b->iommu, HEADROOM, PERF_PAGE, NULL);

	b->buf_size = RTE_ALIGN_CEIL(b->wl->max_len, PERF_PAGE);
	for (b->ring = PERF_RING; b->ring > 0 && b->pool == NULL; b->ring /= 2) {
		b->nb_bufs = 2 * b->ring;
		b->pool_size = (size_t)b->layout.nb_workers * b->nb_bufs * b->buf_size;
		b->pool = sluice_iommu_mem_alloc(b->iommu, b->pool_size, BLOCK, &b->pool_pa);
		if (b->pool == NULL)
			b->pool = sluice_iommu_mem_alloc(b->iommu, b->pool_size, PERF_PAGE,
							 &b->pool_pa);
	}
	b->ring = b->nb_bufs / 2;
	if (room != NULL)
		sluice_iommu_mem_free(b->iommu, room, HEADROOM);
	if (b->pool == NULL)
		return perf_usage_error("--workload %s: no memory for buffers of %u bytes; give "
					"the device more (mem_mb=), and EAL (-m)", b->wl->name,
					b->buf_size);
	if (b->ring != PERF_RING)
		snprintf(b->host_note, sizeof(b->host_note), "memory is short: %u buffers posted "
			 "instead of %u (more with mem_mb= in --dev)", b->ring, PERF_RING);
	if (!b->transfers)
		snprintf(b->host_note, sizeof(b->host_note), "no DMA: nothing is moved or "
			 "compared, and stale accesses cannot be seen");
	return perf_watch_open(b);
}

int
perf_bench_open(struct perf_bench *b, const struct perf_options *o,
		const struct perf_workload *wl, const struct perf_layout *l,
		const struct perf_point *pt)
{
	int rc;

	memset(b, 0, sizeof(*b));
	b->o = o;
	b->wl = wl;
	b->layout = *l;
	rc = iommu_open(b, pt);
	if (rc == 0)
		rc = engine_start(b);
	if (rc == 0)
		rc = buffers_get(b);
	if (rc != 0) {
		b->failed = true;
		perf_bench_close(b);
	}
	return rc;
}

int
perf_bench_close(struct perf_bench *b)
{
	int rc = 0;

	if (b->iommu == NULL)
		return 0;
	if (b->engine != NULL) {
		for (unsigned int i = 0; i < b->layout.nb_workers && rc == 0; i++) {
			rc = sluice_worker_unregister(b->engine, b->layout.worker[i]);
			if (rc == -ENOENT) /* its registration had failed */
				rc = 0;
		}
		if (rc == 0)
			rc = sluice_engine_del_iommu(b->engine, b->iommu);
		if (rc == -ENOENT)
			rc = 0;
		if (rc == 0)
			rc = sluice_engine_destroy(b->engine);
	}
	if (rc == 0) {
		perf_watch_close(b);
		sluice_iommu_mem_free(b->iommu, b->pool, b->pool_size);
		rc = sluice_iommu_close(b->iommu);
	}
	if (rc == 0)
		free(b->watch); /* after an error the hardware may still look at it */
	b->iommu = NULL;
	if (rc == 0)
		return 0;
	return b->failed ? PERF_EXIT_FAILED : perf_failed("tear-down failed: %s",
							  rte_strerror(-rc));
}
