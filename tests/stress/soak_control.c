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

uint64_t
control_rnd(uint64_t below)
{
	return soak_rnd(&soak.rng) % below;
}

bool
control_ok(int ret, const char *what)
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
		.policy = policies[control_rnd(RTE_DIM(policies))], .iova_size = 4 << 20,
		.batch = 1u << control_rnd(6), .ring = 32u << control_rnd(3), .deadline_us = 10 + (uint32_t)control_rnd(300),
		.range_max = 1 + (uint32_t)control_rnd(64),
	};

	dom->d = sluice_domain_create(soak.iommu, &c);
	if (dom->d == NULL)
		control_ok(-rte_errno, "domain_create");
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
	} else if (control_ok(sluice_domain_drain(dom->d), "drain")) {
		domain_adds_up(dom);
		done = control_ok(sluice_domain_destroy(dom->d), "domain_destroy");
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
	const char *to = policies[control_rnd(RTE_DIM(policies))];

	atomic_fetch_add(&dom->changes, 1);
	if (control_ok(sluice_domain_set_policy(dom->d, to), "set_policy")) {
		SOAK_CHECK(strcmp(sluice_domain_policy(dom->d), to) == 0, "%s", to);
		soak.switches++;
	}
	atomic_fetch_add(&dom->changes, 1);
}

static void
domain_tune(struct domain *dom)
{
	const struct sluice_domain_conf c = { .batch = 1u << control_rnd(6),
					      .deadline_us = 5 + (uint32_t)control_rnd(1000),
					      .range_max = 1 + (uint32_t)control_rnd(64) };
	int ret = sluice_domain_tune(dom->d, &c);

	SOAK_CHECK(ret == 0, "tune: %s", sluice_error());
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
	if (!control_ok(sluice_worker_unregister(soak.e, w->id), "worker_unregister"))
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
	switch (control_rnd(4)) {
	case 0:
		emu_inject(soak.iommu->emu, EMU_INJECT_CERROR_ILL, 1 + control_rnd(3));
		break;
	case 1:
		emu_inject(soak.iommu->emu, EMU_INJECT_CERROR_ABT, 1);
		break;
	default:
		soak.hang = !soak.hang;
		emu_inject(soak.iommu->emu, EMU_INJECT_SYNC_HANG, soak.hang);
	}
}

/* Detach all devices of a domain, then destroy it. */
static void
domain_leave(unsigned int slot)
{
	const struct sluice_domain *d = soak.dom[slot].d;

	for (unsigned int k = 0; k < SOAK_DEVICES; k++)
		if (soak.dev[k].dev != NULL && d != NULL && sluice_device_domain(soak.dev[k].dev) == d)
			(void)control_ok(sluice_device_detach(soak.dev[k].dev), "detach");
	for (unsigned int k = 0; k < SOAK_DEVICES; k++)
		if (soak.dev[k].dev != NULL && d != NULL && sluice_device_domain(soak.dev[k].dev) == d)
			return; /* it could not be detached */
	(void)domain_end(slot);
}

static void
device_comes_or_goes(unsigned int i)
{
	if (soak.dev[i].dev == NULL)
		device_make(i);
	else if (control_rnd(4) == 0)
		(void)device_end(i);
	else
		device_attach(i);
}

static void
worker_comes_or_goes(struct worker *w)
{
	if (!w->here)
		worker_comes(w);
	else if (control_rnd(8) == 0 && !worker_goes(w) && soak.free_running) {
		w->stop = false; /* it could not: it goes on */
		SOAK_CHECK(pthread_create(&w->thread, NULL, worker_loop, w) == 0, "thread");
	}
}

void
control_op(void)
{
	unsigned int slot = (unsigned int)control_rnd(SOAK_DOMAINS), i = (unsigned int)control_rnd(SOAK_DEVICES);
	struct domain *dom = &soak.dom[slot];
	struct worker *w = &soak.w[control_rnd(SOAK_WORKERS)];

	RTE_PER_LCORE(_lcore_id) = LCORE_ID_ANY;
	/* Nothing hangs for ever. */
	if (soak.hang && control_rnd(8) == 0) {
		soak.hang = false;
		emu_inject(soak.iommu->emu, EMU_INJECT_SYNC_HANG, 0);
	}
	switch (control_rnd(16)) {
	case 0:
		if (control_rnd(8) == 0)
			domain_leave(slot);
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
		device_comes_or_goes(i);
		break;
	case 6:
		if (soak.dev[i].dev != NULL && control_rnd(4) == 0)
			(void)control_ok(sluice_device_detach(soak.dev[i].dev), "detach");
		break;
	case 7:
		if (control_rnd(8) == 0)
			inject();
		break;
	case 8:
		worker_comes_or_goes(w);
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
		 free_running ? 20000 : 100, (unsigned int)control_rnd(1000), (unsigned int)control_rnd(1000),
		 (unsigned int)control_rnd(2), (unsigned int)control_rnd(2), (unsigned int)control_rnd(2), 64u << control_rnd(6), seed,
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
