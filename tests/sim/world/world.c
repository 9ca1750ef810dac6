/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Makes the world, starts its fibers, and takes it apart again: everything adds up, and nothing is
 * left.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/driver.h"
#include "pmd/emu/smmuv3/emu_smmuv3.h"
#include "../rt/tls.h"
#include "world.h"

struct world world;

uint64_t sometimes_count[SOMETIMES_NB];
const char *const sometimes_name[SOMETIMES_NB] = {
#define X(n) #n,
	SOMETIMES(X)
#undef X
};

static const char *const policies[WORLD_POLICIES] = {
	"strict", "strict-batched", "deferred", "strict-async", "deferred-single", "rollover",
	"contiguous", "persistent", "copy", "hybrid",
};

bool
policy_is_strict(const char *name)
{
	return strcmp(name, "deferred") != 0 && strcmp(name, "deferred-single") != 0 &&
	       strcmp(name, "rollover") != 0 && strcmp(name, "persistent") != 0;
}

bool
world_excused(int err)
{
	if (err == ENOTSUP)
		return (world.plan.v[PLAN_faults] & FAULT_NO_MEMBARRIER) != 0;
	if (err == ENOMEM)
		return (world.plan.v[PLAN_faults] & FAULT_NO_MEMORY) != 0;
	if (err == ETIMEDOUT)
		return world.trouble ||
		       (world.plan.v[PLAN_faults] & (FAULT_ENGINE_STOPS | FAULT_WORKER_STOPS)) != 0;
	return err == EIO && world.trouble;
}

uint64_t
world_bound(void)
{
	/* Each wait has the deadline of a SYNC, and a call has a few of them; who stands still for
	 * up to ten seconds has no bound but that. */
	uint64_t ns = (uint64_t)world.plan.v[PLAN_timeout_us] * 1000 * 40 + 100000000;

	return world.reset ? ns : world.plan.v[PLAN_faults] != 0 ? ns + UINT64_C(40000000000) : ns;
}

void
world_ctl_lock(void)
{
	while (world.ctl)
		sim_idle();
	world.ctl = true;
}

void
world_ctl_unlock(void)
{
	world.ctl = false;
}

/* ---- hardware and engine --------------------------------------------------------------------- */

/* Has the hardware done anything that others wait for, or may come to wait for? */
static bool
hw_moved(void)
{
	struct emu_smmuv3_stats st;
	uint64_t now;

	emu_smmuv3_get_stats(world.emu, &st);
	now = st.cmds + st.syncs + st.msis + st.cerrors + st.atc_timeouts;
	if (world.peer != NULL) {
		emu_smmuv3_get_stats(world.peer->emu, &st);
		now += st.cmds + st.syncs + st.msis;
	}
	if (now == world.hw_moves)
		return false;
	world.hw_moves = now;
	return true;
}

static void
hw_main(void *arg)
{
	(void)arg;
	sim_daemon();
	sim_unbuffered(); /* the hardware's caches are looked through at any step (caches.c) */
	sim_lcore_set(sim_self());
	while (!world.closed) {
		(void)sluice_iommu_step(world.iommu, 1 + sim_rnd(4));
		if (world.peer != NULL && sim_one_in(2))
			(void)sluice_iommu_step(world.peer, 1 + sim_rnd(4));
		if (sim_one_in(2))
			device_turn();
		if (hw_moved()) {
			sim_progress();
			sim_step();
		} else {
			sim_idle();
		}
	}
}

static void
engine_main(void *arg)
{
	(void)arg;
	sim_daemon();
	sim_lcore_set(sim_self());
	/* A turn that did something is no progress for the clock: devices cause faults all the time,
	 * and what others wait for moves the hardware or a worker. */
	while (!world.closed) {
		(void)sluice_engine_poll(world.engine);
		sim_idle();
	}
	sluice_engine_release(world.engine);
	world.engine_left = true;
}

/* ---- making ---------------------------------------------------------------------------------- */

static struct sluice_iommu *
iommu_open(unsigned int tlbi_ns, uint64_t seed, const char *more)
{
	const uint32_t *v = world.plan.v;
	struct sluice_iommu *iommu;
	char args[400];

	snprintf(args, sizeof(args),
		 "smmuv3,regs=emu,mem_mb=%u,sync_ns=%u,tlbi_ns=%u,cons_lag=%u,ril=%u,shuffle=%u,"
		 "iotlb=%u,walk_cache=16,cfg_cache=4,seed=%" PRIu64 ",cmdq_log2=%u,evtq_log2=3,sid_bits=6,"
		 "strtab=linear,sync=%s,sync_timeout_us=%u,ats=%u%s%s",
		 v[PLAN_ram_mb], v[PLAN_sync_ns], tlbi_ns, v[PLAN_cons_lag], v[PLAN_ril] != 0,
		 v[PLAN_shuffle] != 0, 1u << (v[PLAN_iotlb] > 12 ? 12 : v[PLAN_iotlb]), seed, v[PLAN_cmdq_log2],
		 v[PLAN_by_cons] ? "cons" : "msi", v[PLAN_timeout_us], v[PLAN_ats] != 0,
		 v[PLAN_racy] ? ",tlbi_racy=1,quirk=repeat-tlbi-cfgi" : "", more);
	if (v[PLAN_racy])
		sometimes(racy);
	iommu = sluice_iommu_open(args);
	SIM_CHECK(iommu != NULL, "%s: %s", args, sluice_error());
	return iommu;
}

static void
make_iommu(void)
{
	const uint32_t *v = world.plan.v;

	world.iommu = iommu_open(v[PLAN_tlbi_ns], world.plan.seed + 1, v[PLAN_peer] ? ",mem=board" : "");
	world.emu = world.iommu->emu;
	world.engine = sluice_engine_create();
	SIM_CHECK(world.engine != NULL && sluice_engine_add_iommu(world.engine, world.iommu) == 0,
		  "engine: %s", sluice_error());
	if (v[PLAN_callback] != 0)
		sluice_engine_set_fault_cb(world.engine, world_told, NULL);
	if (v[PLAN_peer] == 0)
		return;
	world.peer = iommu_open(3 * v[PLAN_tlbi_ns], world.plan.seed + 2, ",mem=board");
	SIM_CHECK(sluice_engine_add_iommu(world.engine, world.peer) == 0, "%s", sluice_error());
	world.only = sluice_domain_create(world.peer, &(struct sluice_domain_conf){
		.policy = "strict", .iova_size = 2 << 20 });
	SIM_CHECK(world.only != NULL, "%s", sluice_error());
}

int
peer_add(unsigned int domain)
{
	int ret = sluice_domain_add_iommu(world.domain[domain].d, world.peer);

	SIM_CHECK(ret == 0 || ret == -ENOMEM || world_excused(-ret), "add_iommu: %s", sluice_error());
	world.domain[domain].peer = ret == 0;
	if (ret == 0)
		sometimes(peer_added);
	return ret;
}

static void
make_domain(unsigned int i)
{
	const uint32_t *v = world.plan.v;
	struct sluice_domain_conf conf = {
		.policy = policies[(v[PLAN_policy] + i * WORLD_POLICY_STEP) % WORLD_POLICIES],
		.iova_base = WORLD_IOVA,
		.iova_size = (uint64_t)(v[PLAN_window] & ~1u) << 20,
		.batch = v[PLAN_batch],
		.ring = v[PLAN_batch] != 0 ? v[PLAN_batch] * 2 : 0,
		.deadline_us = v[PLAN_deadline_us],
		.copy_pool = 64 << 10,
		.copy_max = 4096,
		.keep_max = 4,
	};

	/* Each worker's shadow memory has its place in the window. */
	if (conf.policy[0] == 'c' || conf.policy[0] == 'h')
		conf.iova_size += UINT64_C(64) << 20;
	world.domain[i].d = sluice_domain_create(world.iommu, &conf);
	SIM_CHECK(world.domain[i].d != NULL, "domain with %s: %s", conf.policy, sluice_error());
	world.domain[i].policy = conf.policy;
}

static void
make_memory(void)
{
	const uint32_t *v = world.plan.v;
	uint64_t each = (uint64_t)v[PLAN_pages] * 4096;

	world.pages = (uint64_t)v[PLAN_workers] * v[PLAN_pages] + WORLD_FIXED;
	world.va = sluice_iommu_mem_alloc(world.iommu, world.pages * 4096, 4096, &world.pa);
	SIM_CHECK(world.va != NULL, "%s", sluice_error());
	world.owned = sim_alloc(world.pages, 64);
	SIM_CHECK(sluice_iommu_watch(world.iommu, world.pa, world.pages * 4096, world.owned) == 0,
		  "%s", sluice_error());
	if (world.peer != NULL)
		SIM_CHECK(sluice_iommu_watch(world.peer, world.pa, world.pages * 4096, world.owned) == 0,
			  "%s", sluice_error());
	world.fixed.va = world.va + v[PLAN_workers] * each;
	world.fixed.pa = world.pa + v[PLAN_workers] * each;
	world.fixed.pages = WORLD_FIXED;
	fixed_watch(false);
	world.fixed.pages = 0;
	for (unsigned int i = 0; i < v[PLAN_workers]; i++) {
		struct worker *w = &world.worker[i];

		w->id = i;
		w->va = world.va + i * each;
		w->pa = world.pa + i * each;
		page_release(w, 0, v[PLAN_pages]);
	}
}

static void
make_devices(void)
{
	const uint32_t *v = world.plan.v;

	for (unsigned int i = 0; i < v[PLAN_devices]; i++) {
		struct device *dev = &world.device[i];

		dev->stream = (i + 1) * 8;
		dev->domain = (int)(i % v[PLAN_domains]);
		dev->peer = world.peer != NULL && i >= v[PLAN_ats] && i % 2 != 0;
		dev->emu = dev->peer ? world.peer->emu : world.emu;
		dev->dev = sluice_device_add(dev->peer ? world.peer : world.iommu, &dev->stream, 1);
		SIM_CHECK(dev->dev != NULL, "%s", sluice_error());
		if (i < v[PLAN_ats] && (world.iommu->caps & SLUICE_CAP_ATS) != 0) {
			dev->atc = emu_atc_create(world.emu, dev->stream, 16);
			SIM_CHECK(dev->atc != NULL, "no ATC");
			SIM_CHECK(sluice_device_ats(dev->dev, true) == 0, "%s", sluice_error());
		}
		if (dev->peer && !world.domain[dev->domain].peer)
			SIM_CHECK(peer_add((unsigned int)dev->domain) == 0, "%s", sluice_error());
		SIM_CHECK(sluice_device_attach(dev->dev, world.domain[dev->domain].d) == 0, "%s",
			  sluice_error());
	}
}

static void
spawn(void)
{
	const uint32_t *v = world.plan.v;
	static char names[WORLD_WORKERS][12];

	world.engine_fiber = sim_fibers();
	sim_spawn("engine", engine_main, NULL);
	world.hw_fiber = sim_fibers();
	sim_spawn("hardware", hw_main, NULL);
	for (unsigned int i = 0; i < v[PLAN_workers]; i++) {
		struct worker *w = &world.worker[i];

		snprintf(names[i], sizeof(names[i]), "worker%u", i);
		w->fiber = sim_fibers();
		SIM_CHECK(sluice_worker_register(world.engine, w->fiber) == 0, "%s", sluice_error());
		sim_spawn(names[i], worker_main, w);
	}
	world.controlling = v[PLAN_control] != 0;
	if (world.controlling)
		sim_spawn("control", control_main, NULL);
	if (v[PLAN_faults] != 0)
		sim_spawn("chaos", chaos_main, NULL);
	sim_spawn("close", close_main, NULL);
}

/* ---- a run ----------------------------------------------------------------------------------- */

const char *
world_wrong(const struct plan *p)
{
	static const struct {
		enum plan_field f;
		uint32_t most;
	} room[] = { { PLAN_workers, WORLD_WORKERS }, { PLAN_domains, WORLD_DOMAINS },
		     { PLAN_devices, WORLD_DEVICES }, { PLAN_pages, WORLD_PAGES },
		     { PLAN_live, WORLD_MAPS }, { PLAN_faults, WORLD_FAULTS }, { PLAN_sched, SIM_STARVE },
		     { PLAN_policy, WORLD_POLICIES - 1 } };
	static char why[64];

	for (unsigned int i = 0; i < sizeof(room) / sizeof(room[0]); i++)
		if (p->v[room[i].f] > room[i].most) {
			snprintf(why, sizeof(why), "%s=%u: at most %u", plan_name(room[i].f),
				 p->v[room[i].f], room[i].most);
			return why;
		}
	return NULL;
}

/* How far time jumps at once. Each worker that waits has some hundred turns of the engine in one
 * deadline of a SYNC, as the engine looks after errors once in so many turns: and where a device is
 * dead the queue stops for each of them in turn. */
static uint64_t
jump(const struct plan *p)
{
	uint64_t share = p->v[PLAN_ats] != 0 ? 1 + p->v[PLAN_workers] / 2 : 1;

	return p->v[PLAN_timeout_us] * UINT64_C(1000) / 3000 / share;
}

static void
setup(const struct plan *p)
{
	struct sim_conf conf = {
		.seed = p->schedule, .sched = (enum sim_sched)p->v[PLAN_sched], .stick = p->v[PLAN_stick],
		.depth = p->v[PLAN_depth], .length = 20000 + 4000 * p->v[PLAN_workers] * p->v[PLAN_ops] / 10,
		.buffer = p->v[PLAN_buffer], .drain = p->v[PLAN_drain], .jump = jump(p),
		.max_steps = 30000000,
		.max_ns = UINT64_C(4000000000000),
	};

	memset(&world, 0, sizeof(world));
	world.plan = *p;
	/* A large mapping must go when it is to go, and the second IOMMU is not stopped by itself: both
	 * where no hardware fails. Many workers with large ones take turns for too long. */
	if ((p->v[PLAN_faults] & ~FAULT_NO_MEMBARRIER) != 0)
		world.plan.v[PLAN_peer] = world.plan.v[PLAN_large] = 0;
	if (p->v[PLAN_workers] > 4)
		world.plan.v[PLAN_large] = 0;
	/* The engine, the hardware, the workers, and three more. */
	sim_lcores = p->v[PLAN_workers] + 5;
	sim_begin(&conf);
}

static void
relax(void *arg)
{
	(void)arg;
	(void)sluice_iommu_step(world.iommu, 16);
	if (world.peer != NULL)
		(void)sluice_iommu_step(world.peer, 16);
}

void
world_run(const struct plan *p)
{
	SIM_CHECK(world_wrong(p) == NULL, "%s", world_wrong(p));
	setup(p);
	make_iommu();
	for (unsigned int i = 0; i < p->v[PLAN_domains]; i++)
		make_domain(i);
	make_memory();
	make_devices();
	/* From now on the hardware is driven by its own fiber, and by nobody who waits. */
	(void)sluice_iommu_step(world.iommu, 1);
	if (world.peer != NULL)
		(void)sluice_iommu_step(world.peer, 1);
	spawn();
	(void)sim_run();
	SIM_CHECK(world.closed, "the run ended, and nobody closed it");
	sluice_iommu_set_relax(world.iommu, relax, NULL);
	if (world.peer != NULL) {
		sluice_iommu_set_relax(world.peer, relax, NULL);
		SIM_CHECK(sluice_iommu_close(world.peer) == 0, "close: %s", sluice_error());
		world.peer = NULL;
	}
	SIM_CHECK(sluice_iommu_close(world.iommu) == 0, "close: %s", sluice_error());
	sim_free(world.owned);
	SIM_CHECK(sim_alloc_live() == 0 || world.broken, "%zu bytes are left", sim_alloc_live());
}
