/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The set-up of rig.h.
 */
#include "rig.h"

void
rig_up(struct rig *r, const char *settings, const struct sluice_domain_conf *conf)
{
	as_lcore(0);
	*r = (struct rig){ .f = fake_open(settings) };
	r->iommu = r->f->iommu;
	r->e = sluice_engine_create();
	assert_non_null(r->e);
	assert_int_equal(sluice_engine_add_iommu(r->e, r->iommu), 0);
	assert_int_equal(sluice_worker_register(r->e, 0), 0);
	if (conf != NULL) {
		r->d = sluice_domain_create(r->iommu, conf);
		assert_non_null(r->d);
	}
}

void
rig_up_mt(struct rig *r, const char *more, const struct sluice_domain_conf *conf)
{
	char settings[64];

	snprintf(settings, sizeof(settings), "clock=tsc%s", more);
	rig_up(r, settings, conf);
	r->iommu->sync_timeout = sluice_clock_from_ns(&r->iommu->clock, UINT64_C(20000000000));
	r->f->log = false;
}

void
rig_workers(struct rig *r, unsigned int n)
{
	for (unsigned int lcore = 1; lcore <= n; lcore++)
		assert_int_equal(sluice_worker_register(r->e, lcore), 0);
}

void
rig_down(struct rig *r)
{
	as_lcore(0);
	r->f->immediate = true;
	r->f->refuse = 0;
	r->f->bad_from = r->f->bad_upto = 0;
	r->f->fail_at = 0;
	r->f->on_relax = NULL;
	sluice_engine_release(r->e);
	assert_int_equal(sluice_domain_destroy(r->d), 0);
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		if (r->e->worker[i])
			assert_int_equal(sluice_worker_unregister(r->e, i), 0);
	assert_int_equal(sluice_engine_del_iommu(r->e, r->iommu), 0);
	assert_int_equal(sluice_engine_destroy(r->e), 0);
	assert_int_equal(r->f->hwdoms, 0);
	/* Every table page came back. */
	assert_int_equal(sluice_mem_used(r->iommu->mem), 0);
	fake_close(r->f);
}

void
as_lcore(unsigned int lcore)
{
	RTE_PER_LCORE(_lcore_id) = lcore;
}

struct sluice_domain_stats
stats_of(const struct sluice_domain *d)
{
	struct sluice_domain_stats st;

	sluice_domain_get_stats(d, &st);
	return st;
}

uint64_t
map_ok(struct sluice_domain *d, uint64_t pa, size_t len)
{
	uint64_t iova = 0;

	assert_int_equal(sluice_map(d, pa, len, SLUICE_RW, &iova), 0);
	return iova;
}

uint64_t
map_prot(struct rig *r, uint64_t pa, size_t len, unsigned int prot)
{
	uint64_t iova = 0;

	assert_int_equal(sluice_map(r->d, pa, len, prot, &iova), 0);
	assert_int_equal(iova & 4095, pa & 4095);
	return iova;
}

uint64_t
map_unmap(struct sluice_domain *d, unsigned int n)
{
	uint64_t iova = 0;

	while (n-- > 0) {
		iova = map_ok(d, UINT64_C(0x300000000), 4096);
		assert_int_equal(sluice_unmap(d, iova, 4096), 0);
	}
	return iova;
}

void
rig_serve(void *rig)
{
	struct rig *r = rig;

	sluice_engine_poll(r->e);
	fake_complete_all(r->f);
}

static void *
poller_loop(void *arg)
{
	struct poller *p = arg;

	while (!atomic_load_explicit(&p->stop, memory_order_acquire))
		if (sluice_engine_poll(p->e) == 0)
			sched_yield();
	sluice_engine_release(p->e);
	return NULL;
}

void
poller_start(struct poller *p, struct sluice_engine *e)
{
	p->e = e;
	atomic_store(&p->stop, false);
	assert_int_equal(pthread_create(&p->thread, NULL, poller_loop, p), 0);
}

void
poller_stop(struct poller *p)
{
	atomic_store(&p->stop, true);
	pthread_join(p->thread, NULL);
}
