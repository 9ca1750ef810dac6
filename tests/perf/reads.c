/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * How often a walk reads the page table, by level, for each page that a device writes through a
 * mapping of its own (G10). A count, not a time: the same on every machine. So it is noted, not timed.
 */
#include <stdio.h>
#include <string.h>

#include <rte_common.h>
#include <rte_pause.h>

#include "bench.h"
#include "hw.h"
#include "par.h"

#define RUN     64u
#define RUNS    64u
#define LEVELS  4u
#define STREAM  7u

struct reads {
	struct hw *h;
	struct sluice_domain *d;
	struct sluice_dma *dma;
	int bad;
};

/* Map RUN pages, have the device write a line into each, unmap them; RUNS times. */
static uint64_t
transfers(void *arg, uint64_t n)
{
	static const uint8_t line[64];
	struct reads *r = arg;
	struct sluice_dma_desc d[RUN];
	struct sluice_dma_cpl cpl[RUN];
	struct sluice_seg seg[RUN];

	for (uint64_t k = 0; k < n; k++) {
		unsigned int put = 0, got = 0;

		for (unsigned int i = 0; i < RUN; i++)
			seg[i] = (struct sluice_seg){ .pa = r->h->pa + (k * RUN + i) % HW_PAGES * 4096,
						      .len = 4096, .prot = SLUICE_RW };
		r->bad |= sluice_map_burst(r->d, seg, RUN) != RUN;
		for (unsigned int i = 0; i < RUN; i++)
			d[i] = (struct sluice_dma_desc){ .iova = seg[i].iova,
							 .dev_mem = (void *)(uintptr_t)line,
							 .len = sizeof(line),
							 .flags = SLUICE_DMA_TO_HOST };
		while (got < RUN) {
			put += sluice_dma_submit(r->dma, d + put, (uint16_t)(RUN - put));
			got += sluice_dma_completed(r->dma, cpl + got, (uint16_t)(RUN - got));
			rte_pause();
		}
		for (unsigned int i = 0; i < RUN; i++)
			r->bad |= cpl[i].status;
		r->bad |= sluice_unmap_burst(r->d, seg, RUN) != RUN;
	}
	return 0;
}

static void
counters(struct sluice_iommu *iommu, uint64_t level[LEVELS])
{
	struct sluice_xstat xs[256];
	unsigned int n = RTE_MIN(sluice_iommu_xstats(iommu, xs, RTE_DIM(xs)), RTE_DIM(xs));

	for (unsigned int l = 0; l < LEVELS; l++) {
		char name[32];

		level[l] = 0;
		snprintf(name, sizeof(name), "emu_walk_reads_l%u", l);
		for (unsigned int i = 0; i < n; i++)
			if (strcmp(xs[i].name, name) == 0)
				level[l] = xs[i].value;
	}
}

static bool
count(struct hw *h, const char *policy)
{
	struct reads r = { .h = h, .d = hw_domain(h, policy, 0) };
	struct sluice_device *dev;
	uint64_t a[LEVELS], b[LEVELS], runs = bench_opts.smoke ? 2 : RUNS;
	uint32_t stream = STREAM;
	bool ok;

	if (r.d == NULL)
		return false;
	dev = sluice_device_add(h->iommu, &stream, 1);
	ok = dev != NULL && sluice_device_attach(dev, r.d) == 0 &&
	     (r.dma = sluice_dma_open(dev, "emu,seed=1")) != NULL;
	counters(h->iommu, a);
	if (ok)
		hw_run(h, transfers, &r, runs);
	counters(h->iommu, b);
	bench_note("reads: %s: page-table reads a page: levels 0-2 %.4f, level 3 %.4f", policy,
		   (double)(b[0] - a[0] + b[1] - a[1] + b[2] - a[2]) / (double)(runs * RUN),
		   (double)(b[3] - a[3]) / (double)(runs * RUN));
	ok = ok && r.bad == 0 && b[3] != a[3];
	if (r.dma != NULL)
		ok = sluice_dma_close(r.dma) == 0 && ok;
	if (dev != NULL)
		ok = sluice_device_remove(dev) == 0 && ok;
	return bench_check(ok, "reads: %s: %s", policy, sluice_error()) && hw_domain_down(r.d, policy);
}

bool
bench_reads(void)
{
	static const char *const policy[] = { "contiguous", "strict", "deferred" };
	struct hw h;
	bool ok;

	if (par_lcores() < 2) {
		bench_note("reads: hardware beside a worker needs two lcores; left out");
		return true;
	}
	ok = hw_up(&h, "");
	for (unsigned int i = 0; i < RTE_DIM(policy) && ok; i++)
		ok = count(&h, policy[i]);
	return hw_down(&h, "reads") && ok;
}
