/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Hardware and engine beside a worker.
 */
#include <stdio.h>

#include <rte_cycles.h>

#include "bench.h"
#include "hw.h"
#include "par.h"

#define STEP_BUDGET    32u
#define STEPS_PER_POLL 8u /* an idle step is a few ns, a turn of the engine more */

bool
hw_up(struct hw *h, const char *settings)
{
	char dev[160];
	bool ok;

	*h = (struct hw){ 0 };
	snprintf(dev, sizeof(dev), "smmuv3,regs=emu,mem_mb=64%s", settings);
	h->iommu = sluice_iommu_open(dev);
	h->engine = sluice_engine_create();
	ok = h->iommu != NULL && h->engine != NULL &&
	     sluice_engine_add_iommu(h->engine, h->iommu) == 0 &&
	     sluice_worker_register(h->engine, par_lcore(0)) == 0 &&
	     (h->va = sluice_iommu_mem_alloc(h->iommu, HW_PAGES * 4096, 4096, &h->pa)) != NULL;
	return bench_check(ok, "%s: %s", dev, sluice_error());
}

/* Control calls come from thread 0 while nothing is measured: it drives the hardware then. */
static void
drive(void *arg)
{
	struct hw *h = arg;

	sluice_iommu_step(h->iommu, STEP_BUDGET);
}

struct sluice_domain *
hw_domain(struct hw *h, const char *policy, uint32_t batch)
{
	struct sluice_domain_conf conf = { .policy = policy, .batch = batch };
	struct sluice_domain *d;

	sluice_iommu_set_relax(h->iommu, drive, h);
	d = sluice_domain_create(h->iommu, &conf);
	bench_check(d != NULL, "a domain with %s: %s", policy, sluice_error());
	return d;
}

bool
hw_domain_down(struct sluice_domain *d, const char *who)
{
	struct sluice_domain_stats st;
	bool ok = sluice_domain_drain(d) == 0;

	sluice_domain_get_stats(d, &st);
	/* An unmap that found its ring full of cookies was turned down, and tried again. */
	ok &= bench_check(st.live == 0 && st.pending == 0 && st.map_errors == 0 &&
			  st.unmap_errors <= st.ring_full && st.flush_errors == 0,
			  "%s: books: %lu live, %lu pending, %lu + %lu + %lu errors", who, st.live,
			  st.pending, st.map_errors, st.unmap_errors, st.flush_errors);
	return sluice_domain_destroy(d) == 0 && ok;
}

bool
hw_down(struct hw *h, const char *who)
{
	bool ok;

	sluice_iommu_set_relax(h->iommu, drive, h);
	ok = sluice_worker_unregister(h->engine, par_lcore(0)) == 0;
	sluice_engine_release(h->engine);
	ok = sluice_engine_del_iommu(h->engine, h->iommu) == 0 && ok;
	ok = sluice_engine_destroy(h->engine) == 0 && ok;
	sluice_iommu_mem_free(h->iommu, h->va, HW_PAGES * 4096);
	ok = sluice_iommu_close(h->iommu) == 0 && ok;
	return bench_check(ok, "%s: take-down: %s", who, sluice_error());
}

static uint64_t
team(void *arg, unsigned int i)
{
	struct hw *h = arg;
	uint64_t out = 0;

	if (i == 0) {
		out = h->fn(h->arg, h->n);
		/* Release: pairs with the acquire below. */
		atomic_store_explicit(&h->done, true, memory_order_release);
		return out;
	}
	while (!atomic_load_explicit(&h->done, memory_order_acquire)) {
		for (unsigned int s = 0; s < STEPS_PER_POLL; s++)
			sluice_iommu_step(h->iommu, STEP_BUDGET);
		sluice_engine_poll(h->engine);
	}
	sluice_engine_release(h->engine);
	return 0;
}

uint64_t
hw_run(struct hw *h, uint64_t (*fn)(void *arg, uint64_t n), void *arg, uint64_t n)
{
	h->fn = fn;
	h->arg = arg;
	h->n = n;
	atomic_store(&h->done, false);
	sluice_iommu_set_relax(h->iommu, NULL, NULL);
	n = par_run(team, h, 2, NULL);
	sluice_iommu_set_relax(h->iommu, drive, h);
	return n;
}
