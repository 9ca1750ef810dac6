/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The soak's control: domains, devices, workers, policies come, go and change; the hardware is made
 * to fail; and at the end everything must add up.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>

#include "engine/driver.h"
#include "pmd/emu/core/emu.h"
#include "soak.h"

struct soak soak;
_Atomic unsigned int soak_failures;

uint64_t
soak_rnd(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * UINT64_C(0x2545f4914f6cdd1d);
}

void
soak_fail(const char *fmt, ...)
{
	va_list ap;

	if (atomic_fetch_add(&soak_failures, 1) >= 10)
		return;
	va_start(ap, fmt);
	printf("FAIL ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

static uint64_t
rnd(uint64_t below)
{
	return soak_rnd(&soak.rng) % below;
}

/* What fails while SYNCs hang, or because one command was refused, is no failure of ours. */
static bool
ok(int ret, const char *what)
{
	if (ret == 0)
		return true;
	soak.failed++;
	SOAK_CHECK(ret == -ETIMEDOUT || ret == -EIO, "%s: %d %s", what, ret, sluice_error());
	return false;
}

/* ---- domains ------------------------------------------------------------------------------- */

static const char *const policies[] = { "strict", "deferred", "strict-async", "strict-batched" };

static void
domain_make(struct domain *dom)
{
	struct sluice_domain_conf c = {
		.policy = policies[rnd(RTE_DIM(policies))], .iova_size = 4 << 20,
		.batch = 1u << rnd(6), .ring = 32u << rnd(3), .deadline_us = 10 + (uint32_t)rnd(300),
		.range_max = 1 + (uint32_t)rnd(64),
	};

	dom->d = sluice_domain_create(soak.iommu, &c);
	if (dom->d == NULL)
		ok(-rte_errno, "domain_create");
	dom->maps = dom->unmaps = dom->errors = dom->uncertain = 0;
	dom->cookies_given = dom->cookies_taken = dom->cookies_void = 0;
}

static void
domain_adds_up(struct domain *dom)
{
	struct sluice_domain_stats st;

	sluice_domain_get_stats(dom->d, &st);
	SOAK_CHECK(st.maps == dom->maps, "%" PRIu64 " maps", st.maps);
	SOAK_CHECK(st.unmaps >= dom->unmaps && st.unmaps <= dom->unmaps + dom->uncertain,
		   "%" PRIu64 " unmaps, not %" PRIu64, st.unmaps, dom->unmaps);
	SOAK_CHECK(st.maps == st.unmaps + st.live, "live %" PRIu64, st.live);
	SOAK_CHECK(st.unmap_errors == dom->errors, "%" PRIu64 " errors, not %" PRIu64, st.unmap_errors,
		   dom->errors);
	SOAK_CHECK(st.queued == st.released && st.pending == 0, "%" PRIu64 " pending", st.pending);
	SOAK_CHECK(st.exposed_bytes == 0, "%" PRIu64, st.exposed_bytes);
	SOAK_CHECK(dom->cookies_taken + dom->cookies_void <= dom->cookies_given, "cookies");
}

/* @return false: something could not be invalidated; it stays. */
static bool
domain_end(unsigned int slot)
{
	struct domain *dom = &soak.dom[slot];
	bool done = false;

	pthread_rwlock_wrlock(&dom->lock);
	if (dom->d == NULL) {
		done = true;
	} else if (ok(sluice_domain_drain(dom->d), "drain")) {
		domain_adds_up(dom);
		done = ok(sluice_domain_destroy(dom->d), "domain_destroy");
	}
	if (done && dom->d != NULL) {
		dom->d = NULL;
		for (unsigned int i = 0; i < SOAK_WORKERS; i++) {
			worker_released(&soak.w[i], slot, true);
			soak.w[i].order[slot] = soak.w[i].taken[slot] = 0;
		}
		soak.churned++;
	}
	pthread_rwlock_unlock(&dom->lock);
	return done;
}

static void
policy_change(struct domain *dom)
{
	const char *to = policies[rnd(RTE_DIM(policies))];

	atomic_fetch_add(&dom->changes, 1);
	if (ok(sluice_domain_set_policy(dom->d, to), "set_policy")) {
		SOAK_CHECK(strcmp(sluice_domain_policy(dom->d), to) == 0, "%s", to);
		soak.switches++;
	}
	atomic_fetch_add(&dom->changes, 1);
}

static void
domain_tune(struct domain *dom)
{
	const struct sluice_domain_conf c = { .batch = 1u << rnd(6),
					      .deadline_us = 5 + (uint32_t)rnd(1000),
					      .range_max = 1 + (uint32_t)rnd(64) };
	int ret = sluice_domain_tune(dom->d, &c);

	SOAK_CHECK(ret == 0, "tune: %s", sluice_error());
}

/* ---- devices ------------------------------------------------------------------------------- */

static void
device_make(unsigned int i)
{
	uint32_t stream = (i + 1) * 8;
	char args[64];

	snprintf(args, sizeof(args), "emu,probe=1,ring=64,seed=%u", i + 1);
	soak.dev[i].slot = -1;
	soak.dev[i].dev = sluice_device_add(soak.iommu, &stream, 1);
	SOAK_CHECK(soak.dev[i].dev != NULL || rte_errno == ETIMEDOUT || rte_errno == EIO,
		   "device_add: %s", sluice_error());
	if (soak.dev[i].dev == NULL)
		return;
	soak.dev[i].dma = sluice_dma_open(soak.dev[i].dev, args);
	SOAK_CHECK(soak.dev[i].dma != NULL, "dma_open: %s", sluice_error());
}

/* Transfers to what workers use, or used. */
static void
device_use(unsigned int i)
{
	struct sluice_dma_desc d[4];
	struct sluice_dma_cpl c[16];

	for (unsigned int k = 0; k < RTE_DIM(d); k++)
		d[k] = (struct sluice_dma_desc){
			.iova = atomic_load(&soak.recent[rnd(SOAK_WORKERS)][rnd(SOAK_RECENT)]),
			.len = 64, .flags = rnd(2) ? SLUICE_DMA_TO_HOST : 0 };
	(void)sluice_dma_submit(soak.dev[i].dma, d, RTE_DIM(d));
	(void)sluice_dma_completed(soak.dev[i].dma, c, RTE_DIM(c));
}

static void
device_attach(unsigned int i)
{
	unsigned int slot = (unsigned int)rnd(SOAK_DOMAINS);
	struct domain *dom = &soak.dom[slot];

	if (dom->d == NULL)
		return;
	soak.attaches++;
	(void)ok(sluice_device_attach(soak.dev[i].dev, dom->d), "attach");
}

static void
dma_quiet(unsigned int i)
{
	struct sluice_dma_cpl c[16];
	struct sluice_dma_stats st;

	do {
		(void)sluice_dma_completed(soak.dev[i].dma, c, RTE_DIM(c));
		sluice_dma_get_stats(soak.dev[i].dma, &st);
		if (!soak.free_running)
			sluice_iommu_step(soak.iommu, 64);
	} while (st.submitted != st.completed);
}

static bool
device_end(unsigned int i)
{
	if (soak.dev[i].dev == NULL)
		return true;
	if (soak.dev[i].dma != NULL) {
		dma_quiet(i);
		SOAK_CHECK(sluice_dma_close(soak.dev[i].dma) == 0, "%s", sluice_error());
		soak.dev[i].dma = NULL;
	}
	if (!ok(sluice_device_remove(soak.dev[i].dev), "device_remove")) {
		char args[64];

		snprintf(args, sizeof(args), "emu,probe=1,ring=64,seed=%u", i + 1);
		soak.dev[i].dma = sluice_dma_open(soak.dev[i].dev, args);
		return false;
	}
	soak.dev[i].dev = NULL;
	return true;
}

/* ---- workers ------------------------------------------------------------------------------- */

static void *
worker_loop(void *arg)
{
	struct worker *w = arg;

	while (!atomic_load_explicit(&w->stop, memory_order_acquire)) {
		for (unsigned int i = 0; i < 16; i++)
			worker_op(w);
		if (soak_rnd(&w->rng) % 4 == 0)
			sched_yield();
	}
	return NULL;
}

static void
worker_comes(struct worker *w)
{
	SOAK_CHECK(sluice_worker_register(soak.e, w->id) == 0, "%s", sluice_error());
	w->here = true;
	w->stop = false;
	if (soak.free_running)
		SOAK_CHECK(pthread_create(&w->thread, NULL, worker_loop, w) == 0, "thread");
}

/* What it has mapped stays mapped, for it or until the domain goes; its cookies are void. */
static bool
worker_goes(struct worker *w)
{
	if (soak.free_running && w->here && !w->stop) {
		w->stop = true;
		pthread_join(w->thread, NULL);
	}
	if (!w->here)
		return true;
	if (!ok(sluice_worker_unregister(soak.e, w->id), "worker_unregister"))
		return false;
	w->here = false;
	for (unsigned int slot = 0; slot < SOAK_DOMAINS; slot++) {
		struct domain *dom = &soak.dom[slot];

		pthread_rwlock_wrlock(&dom->lock);
		atomic_fetch_add(&dom->cookies_void, w->order[slot] - w->taken[slot]);
		for (unsigned int i = 0; i < SOAK_PAGES; i++)
			if (w->page[i].state == PAGE_ASYNC && w->page[i].slot == slot &&
			    w->page[i].order != UINT64_MAX)
				w->page[i].state = PAGE_LIMBO;
		worker_released(w, slot, false);
		w->order[slot] = w->taken[slot] = 0;
		pthread_rwlock_unlock(&dom->lock);
	}
	return true;
}

/* ---- the hardware -------------------------------------------------------------------------- */

static void
inject(void)
{
	soak.injected++;
	switch (rnd(4)) {
	case 0:
		emu_inject(soak.iommu->emu, EMU_INJECT_CERROR_ILL, 1 + rnd(3));
		break;
	case 1:
		emu_inject(soak.iommu->emu, EMU_INJECT_CERROR_ABT, 1);
		break;
	default:
		soak.hang = !soak.hang;
		emu_inject(soak.iommu->emu, EMU_INJECT_SYNC_HANG, soak.hang);
	}
}

void
control_op(void)
{
	unsigned int slot = (unsigned int)rnd(SOAK_DOMAINS), i = (unsigned int)rnd(SOAK_DEVICES);
	struct domain *dom = &soak.dom[slot];
	struct worker *w = &soak.w[rnd(SOAK_WORKERS)];

	RTE_PER_LCORE(_lcore_id) = LCORE_ID_ANY;
	/* Nothing hangs for ever. */
	if (soak.hang && rnd(8) == 0) {
		soak.hang = false;
		emu_inject(soak.iommu->emu, EMU_INJECT_SYNC_HANG, 0);
	}
	switch (rnd(16)) {
	case 0:
		if (rnd(8) != 0)
			break;
		for (unsigned int k = 0; k < SOAK_DEVICES; k++)
			if (soak.dev[k].dev != NULL && dom->d != NULL &&
			    sluice_device_domain(soak.dev[k].dev) == dom->d)
				(void)ok(sluice_device_detach(soak.dev[k].dev), "detach");
		for (unsigned int k = 0; k < SOAK_DEVICES; k++)
			if (soak.dev[k].dev != NULL && dom->d != NULL &&
			    sluice_device_domain(soak.dev[k].dev) == dom->d)
				return; /* it could not be detached */
		(void)domain_end(slot);
		break;
	case 1:
	case 2:
	case 3:
		if (dom->d != NULL)
			policy_change(dom);
		break;
	case 4:
		if (dom->d != NULL)
			domain_tune(dom);
		break;
	case 5:
		if (soak.dev[i].dev == NULL)
			device_make(i);
		else if (rnd(4) == 0)
			(void)device_end(i);
		else
			device_attach(i);
		break;
	case 6:
		if (soak.dev[i].dev != NULL && rnd(4) == 0)
			(void)ok(sluice_device_detach(soak.dev[i].dev), "detach");
		break;
	case 7:
		if (rnd(8) == 0)
			inject();
		break;
	case 8:
		if (!w->here)
			worker_comes(w);
		else if (rnd(8) == 0 && !worker_goes(w) && soak.free_running) {
			w->stop = false; /* it could not: it goes on */
			SOAK_CHECK(pthread_create(&w->thread, NULL, worker_loop, w) == 0, "thread");
		}
		break;
	case 9:
		pthread_rwlock_wrlock(&dom->lock);
		if (dom->d == NULL)
			domain_make(dom);
		pthread_rwlock_unlock(&dom->lock);
		break;
	default:
		if (soak.dev[i].dma != NULL)
			device_use(i);
	}
}

static void
relax(void *iommu)
{
	sluice_iommu_step(iommu, 16);
}

void
soak_up(uint64_t seed, bool free_running)
{
	uint64_t s = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	char args[256];

	memset(&soak, 0, sizeof(soak));
	soak.rng = s;
	soak.free_running = free_running;
	/* A different machine each time. */
	snprintf(args, sizeof(args), "smmuv3,regs=emu,mem_mb=48,sync_timeout_us=%u,sync_ns=%u,"
		 "tlbi_ns=%u,ril=%u,msi=%u,shuffle=%u,iotlb=%u,seed=%" PRIu64 "%s",
		 free_running ? 20000 : 100, (unsigned int)rnd(1000), (unsigned int)rnd(1000),
		 (unsigned int)rnd(2), (unsigned int)rnd(2), (unsigned int)rnd(2), 64u << rnd(6), seed,
		 free_running ? "" : ",step=1");
	soak.iommu = sluice_iommu_open(args);
	if (soak.iommu == NULL) {
		soak_fail("%s: %s", args, sluice_error());
		return;
	}
	if (!free_running)
		sluice_iommu_set_relax(soak.iommu, relax, soak.iommu);
	soak.e = sluice_engine_create();
	SOAK_CHECK(sluice_engine_add_iommu(soak.e, soak.iommu) == 0, "%s", sluice_error());
	soak.mem = sluice_iommu_mem_alloc(soak.iommu, sizeof(soak.owned) * 4096, 4096, &soak.pa);
	SOAK_CHECK(sluice_iommu_watch(soak.iommu, soak.pa, sizeof(soak.owned) * 4096, soak.owned) == 0,
		   "%s", sluice_error());
	for (unsigned int i = 0; i < SOAK_DOMAINS; i++)
		pthread_rwlock_init(&soak.dom[i].lock, NULL);
	for (unsigned int i = 0; i < SOAK_WORKERS; i++) {
		soak.w[i].id = i + 1;
		soak.w[i].rng = soak_rnd(&soak.rng) | 1;
	}
}

void
soak_begin(void)
{
	/* What the driver keeps of a stream that was there once is no leak. */
	for (unsigned int i = 0; i < SOAK_DEVICES; i++) {
		device_make(i);
		SOAK_CHECK(device_end(i), "device %u stays", i);
	}
	soak.mem_used = sluice_mem_used(soak.iommu->mem);
}

static uint64_t
xstat(const char *name)
{
	struct sluice_xstat xs[128];
	unsigned int n = sluice_iommu_xstats(soak.iommu, xs, RTE_DIM(xs));

	for (unsigned int i = 0; i < n && i < RTE_DIM(xs); i++)
		if (strcmp(xs[i].name, name) == 0)
			return xs[i].value;
	soak_fail("no counter %s", name);
	return 0;
}

void
soak_down(void)
{
	RTE_PER_LCORE(_lcore_id) = LCORE_ID_ANY;
	soak.hang = false;
	emu_inject(soak.iommu->emu, EMU_INJECT_SYNC_HANG, 0);
	emu_inject(soak.iommu->emu, EMU_INJECT_CERROR_ILL, 0);
	SOAK_CHECK(sluice_iommu_sync(soak.iommu) == 0, "the hardware does not recover: %s",
		   sluice_error());
	for (unsigned int i = 0; i < SOAK_WORKERS; i++)
		SOAK_CHECK(worker_goes(&soak.w[i]), "worker %u stays", i);
	for (unsigned int i = 0; i < SOAK_DEVICES; i++)
		SOAK_CHECK(device_end(i), "device %u stays", i);
	for (unsigned int i = 0; i < SOAK_DOMAINS; i++) {
		SOAK_CHECK(soak.dom[i].d == NULL || soak.dom[i].cookies_given ==
			   soak.dom[i].cookies_taken + soak.dom[i].cookies_void, "cookies lost");
		SOAK_CHECK(domain_end(i), "domain %u stays", i);
		pthread_rwlock_destroy(&soak.dom[i].lock);
	}
	for (unsigned int i = 0; i < sizeof(soak.owned); i++)
		SOAK_CHECK(soak.owned[i] == 0, "page %u is nobody's", i);
	SOAK_CHECK(sluice_mem_used(soak.iommu->mem) == soak.mem_used, "%zu bytes leaked",
		   sluice_mem_used(soak.iommu->mem) - soak.mem_used);
	SOAK_CHECK(xstat("emu_stale_accesses") == 0, "%" PRIu64, xstat("emu_stale_accesses"));
}
