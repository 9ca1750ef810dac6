/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Makes one point of a curve: the SMMU, the engine, domains and workers; and the books that must
 * balance at the end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sluice/sluice.h>

#include "../rt/sim.h"
#include "../rt/tls.h"
#include "kernel_like.h"
#include "scale.h"

struct scale scale;

static void
relax(void *arg)
{
	(void)arg;
	(void)sluice_iommu_step(scale.iommu, 16);
}

static void
make_domains(void)
{
	const struct scale_conf *c = &scale.conf;
	struct sluice_domain_conf conf = {
		.policy = c->subject->policy != NULL ? c->subject->policy : "strict",
		.iova_size = c->domain_each ? UINT64_C(64) << 20 : UINT64_C(1) << 30,
		.copy_pool = 256 << 10,
		.copy_max = 4096,
		.batch = c->batch,
		.ring = c->ring,
	};

	scale.nb_domains = c->domain_each ? c->workers : 1;
	for (unsigned int i = 0; i < scale.nb_domains; i++) {
		scale.domain[i] = sluice_domain_create(scale.iommu, &conf);
		SIM_CHECK(scale.domain[i] != NULL, "domain: %s", sluice_error());
		scale_names(scale.domain[i]);
		if (c->subject->kind == SUBJECT_NONE)
			scale_none(scale.domain[i]);
	}
}

static void
make_worker(unsigned int i, uint64_t pa, uint64_t cap)
{
	struct scale_worker *w = &scale.worker[i];

	w->id = i;
	w->pa = pa;
	w->d = scale.domain[scale.nb_domains > 1 ? i : 0];
	w->cap = cap;
	w->unmap = malloc(cap * sizeof(*w->unmap));
	w->release = malloc(cap * sizeof(*w->release));
	w->sent_at = malloc(SCALE_SENT * sizeof(*w->sent_at));
	SIM_CHECK(w->unmap != NULL && w->release != NULL && w->sent_at != NULL, "no memory");
}

void
scale_up(void)
{
	const struct scale_conf *c = &scale.conf;
	const struct scale_subject *s = c->subject;
	struct scale_queue q;
	uint64_t pa;
	char args[160];

	snprintf(args, sizeof(args), "smmuv3,regs=emu,mem_mb=512,sync_ns=%u,tlbi_ns=0,ril=1", c->sync_ns);
	scale.iommu = sluice_iommu_open(args);
	SIM_CHECK(scale.iommu != NULL, "%s: %s", args, sluice_error());
	scale.engine = sluice_engine_create();
	SIM_CHECK(scale.engine != NULL && sluice_engine_add_iommu(scale.engine, scale.iommu) == 0, "%s",
		  sluice_error());
	SIM_CHECK(sluice_iommu_mem_alloc(scale.iommu, (size_t)c->workers * SCALE_BURST * 4096, 4096,
					 &pa) != NULL, "%s", sluice_error());
	make_domains();
	scale.n = (uint64_t)c->workers * s->ops / (c->quick ? 8 : 1);
	if (scale.n < s->least)
		scale.n = s->least;
	scale.each = scale.n / c->workers / 2;
	for (unsigned int i = 0; i < c->workers; i++)
		make_worker(i, pa + (uint64_t)i * SCALE_BURST * 4096, scale.n + SCALE_BURST);
	/* From now on the hardware is driven by its own fiber. */
	(void)sluice_iommu_step(scale.iommu, 1);
	q = scale_queue(scale.iommu);
	line_mmio(q.regs, 0x20000);
	if (s->kind == SUBJECT_KERNEL)
		scale.kernel = kernel_new(s->kernel, &q, c->workers);
}

static void
books(unsigned int i)
{
	struct sluice_domain_stats st;

	SIM_CHECK(sluice_domain_drain(scale.domain[i]) == 0, "drain: %s", sluice_error());
	SIM_CHECK(sluice_domain_get_stats(scale.domain[i], &st) == 0, "%s", sluice_error());
	SIM_CHECK(st.maps == st.unmaps && st.live == 0 && st.pending == 0 && st.flush_errors == 0 &&
		  st.unmap_errors <= st.ring_full && st.map_errors == 0,
		  "the books of %s: %" PRIu64 " maps, %" PRIu64 " unmaps, %" PRIu64 " pending, %" PRIu64
		  " + %" PRIu64 " errors", sluice_domain_policy(scale.domain[i]), st.maps, st.unmaps,
		  st.pending, st.map_errors, st.unmap_errors);
	SIM_CHECK(scale.conf.subject->policy == NULL ||
		  strcmp(sluice_domain_policy(scale.domain[i]), scale.conf.subject->policy) == 0,
		  "the policy became %s", sluice_domain_policy(scale.domain[i]));
}

void
scale_down(void)
{
	sluice_iommu_set_relax(scale.iommu, relax, NULL);
	if (scale.kernel != NULL)
		kernel_check(scale.kernel);
	else
		for (unsigned int i = 0; i < scale.nb_domains; i++)
			books(i);
	for (unsigned int i = 0; i < scale.conf.workers; i++) {
		if (scale.kernel == NULL)
			SIM_CHECK(sluice_worker_unregister(scale.engine, i) == 0, "%s", sluice_error());
		free(scale.worker[i].unmap);
		free(scale.worker[i].release);
		free(scale.worker[i].sent_at);
	}
	/* The kernel's model has moved the queue on behind the driver's back: nothing of that run is
	 * used again. */
	if (scale.kernel != NULL)
		return;
	for (unsigned int i = 0; i < scale.nb_domains; i++)
		SIM_CHECK(sluice_domain_destroy(scale.domain[i]) == 0, "%s", sluice_error());
	SIM_CHECK(sluice_engine_del_iommu(scale.engine, scale.iommu) == 0 &&
		  sluice_engine_destroy(scale.engine) == 0, "%s", sluice_error());
}

static int
by_value(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Sort what all workers saw. */
static void
percentiles(bool release, uint64_t *p50, uint64_t *p99)
{
	uint64_t n = 0, at = 0;
	uint32_t *all;

	for (unsigned int i = 0; i < scale.conf.workers; i++)
		n += release ? scale.worker[i].nb_release : scale.worker[i].nb_unmap;
	if (n == 0)
		return;
	all = malloc(n * sizeof(*all));
	SIM_CHECK(all != NULL, "no memory");
	for (unsigned int i = 0; i < scale.conf.workers; i++) {
		const struct scale_worker *w = &scale.worker[i];
		uint64_t k = release ? w->nb_release : w->nb_unmap;

		memcpy(all + at, release ? w->release : w->unmap, k * sizeof(*all));
		at += k;
	}
	qsort(all, n, sizeof(*all), by_value);
	*p50 = all[n / 2];
	*p99 = all[n * 99 / 100];
	free(all);
}

static struct scale_result
result(void)
{
	double n = (double)scale.n;
	struct scale_result r = {
		.pairs = scale.n, .ns = scale.end_ns - scale.begin_ns,
		.steps = sim_steps(), .hash = sim_hash(),
		.transfers = (double)scale.lines.transfers / n,
		.fetches = (double)scale.lines.fetches / n,
		.most = (double)scale.most / n, .wait = (double)scale.waited / n,
		.engine_wait = (double)scale.engine_waited / (double)(scale.end_ns - scale.begin_ns),
		.doorbells = (double)scale.lines.doorbells / n,
		.ringer = scale.lines.doorbells != 0 ?
				  (double)scale.ringer / (double)scale.lines.doorbells : 0,
		.reads = (double)scale.lines.reg_reads / n,
		.syncs = (double)scale.syncs / n, .cmds = (double)scale.cmds / n,
	};

	r.fair = 1;
	for (unsigned int i = 0; i < scale.conf.workers; i++) {
		const struct scale_worker *w = &scale.worker[i];
		double part = (double)(w->pairs_end - w->pairs_begin) * scale.conf.workers / n;

		r.fair = part < r.fair ? part : r.fair;
	}
	r.per_us = n * 1000 / (double)r.ns;
	percentiles(false, &r.unmap_p50, &r.unmap_p99);
	percentiles(true, &r.release_p50, &r.release_p99);
	return r;
}

struct scale_result
scale_run(const struct scale_conf *conf)
{
	static char names[SCALE_WORKERS][12];
	const struct sim_conf sim = { .seed = 1, .sched = SIM_TIME, .costs = true,
				      .max_steps = UINT64_C(100000000000),
				      .max_ns = UINT64_C(100000000000) };
	struct scale_result r;

	memset(&scale, 0, sizeof(scale));
	scale.conf = *conf;
	sim_begin(&sim);
	line_begin(&conf->line);
	scale_up();
	for (unsigned int i = 0; i < conf->workers; i++) {
		snprintf(names[i], sizeof(names[i]), "worker%u", i);
		if (scale.kernel == NULL)
			SIM_CHECK(sluice_worker_register(scale.engine, i) == 0, "%s", sluice_error());
		sim_spawn(names[i], scale_worker_main, &scale.worker[i]);
	}
	sim_spawn("hardware", scale_hw_main, NULL);
	if (scale.kernel == NULL)
		sim_spawn("engine", scale_engine_main, NULL);
	(void)sim_run();
	r = result();
	scale_down();
	return r;
}
