/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Setting up and taking down what is measured, and the books that must balance at the end.
 */
#include <stdio.h>
#include <stdlib.h>

#include <sluice/sluice.h>

#include "bench.h"
#include "par.h"
#include "rig.h"

/* The pair without invalidation: what is left of an unmap when nobody tells the hardware. Unsafe
 * on purpose, hence only here. */
static int
none_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	uint32_t pfn, pages;
	int ret = window_clear(d, iova, len, &pfn, &pages);

	if (__builtin_expect(ret != 0, 0)) {
		STAT_ADD(dl->st.unmap_errors, 1);
		return ret;
	}
	window_free(d, dl, pfn, pages);
	STAT_ADD(dl->st.unmaps, 1);
	STAT_ADD(dl->st.unmap_more, pages - 1);
	return 0;
}

bool
rig_up(struct rig *r, enum rig_policy policy, unsigned int workers, unsigned int domains,
       uint64_t window_mb)
{
	struct sluice_domain_conf conf = {
		.policy = policy == RIG_DEFERRED ? "deferred" : "strict",
		.iova_size = window_mb << 20,
	};
	char dev[64];
	bool ok;

	*r = (struct rig){ .nb_workers = workers };
	/* A last-level table for each 2 MiB of window, three above them, and room. */
	snprintf(dev, sizeof(dev), "fake,mem_mb=%u",
		 (unsigned int)(16 + (domains * (window_mb / 2 + 8) * 4) / 1024));
	r->dom = calloc(domains, sizeof(struct sluice_domain *));
	r->iommu = sluice_iommu_open(dev);
	r->engine = sluice_engine_create();
	ok = r->dom != NULL && r->iommu != NULL && r->engine != NULL &&
	     sluice_engine_add_iommu(r->engine, r->iommu) == 0;
	for (unsigned int i = 0; i < workers && ok; i++)
		ok = sluice_worker_register(r->engine, par_lcore(i)) == 0;
	for (; r->nb_domains < domains && ok; r->nb_domains++) {
		struct sluice_domain *d = sluice_domain_create(r->iommu, &conf);

		r->dom[r->nb_domains] = d;
		ok = d != NULL;
		if (!ok)
			break;
		if (policy == RIG_NONE)
			d->unmap = none_unmap;
	}
	return bench_check(ok, "set-up of %u domain(s): %s", domains, sluice_error());
}

bool
rig_down(struct rig *r, const char *who)
{
	bool ok = true;

	for (unsigned int i = 0; i < r->nb_domains; i++) {
		struct sluice_domain_stats st;

		ok &= sluice_domain_drain(r->dom[i]) == 0;
		sluice_domain_get_stats(r->dom[i], &st);
		ok &= bench_check(st.maps == st.unmaps && st.map_pages == st.unmap_pages &&
				  st.map_errors == 0 && st.unmap_errors == 0 && st.flush_errors == 0 &&
				  st.pending == 0 && st.queued == st.released &&
				  (st.queued == 0 || st.queued == st.unmaps),
				  "%s: domain %u's books: %lu maps, %lu unmaps, %lu queued, %lu released",
				  who, i, st.maps, st.unmaps, st.queued, st.released);
	}
	for (unsigned int i = 0; i < r->nb_workers; i++)
		ok &= sluice_worker_unregister(r->engine, par_lcore(i)) == 0;
	for (unsigned int i = 0; i < r->nb_domains; i++) {
		if (r->dom[i]->nb_pages != 0)
			ok &= bench_check(iova_space_free_pages(&r->dom[i]->iova) ==
						  r->dom[i]->nb_pages,
					  "%s: domain %u lost IOVAs", who, i);
		ok &= sluice_domain_destroy(r->dom[i]) == 0;
	}
	sluice_engine_release(r->engine);
	ok &= sluice_engine_del_iommu(r->engine, r->iommu) == 0;
	ok &= sluice_engine_destroy(r->engine) == 0;
	ok &= sluice_iommu_close(r->iommu) == 0;
	free(r->dom);
	return bench_check(ok, "%s: take-down: %s", who, sluice_error());
}
