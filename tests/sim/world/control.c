/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The control thread: while workers map and unmap it changes policies, drains, trims, attaches,
 * detaches and maps at fixed addresses.
 */
#include <errno.h>
#include <string.h>

#include "../rt/tls.h"
#include "world.h"

#define FIXED_IOVA UINT64_C(0x40000000)
#define LARGE_IOVA UINT64_C(0x80000000) /* no device goes there */

static unsigned int
any_domain(void)
{
	return sim_rnd(world.plan.v[PLAN_domains]);
}

static bool
can_switch(const char *p)
{
	return strcmp(p, "strict") == 0 || strcmp(p, "strict-batched") == 0 ||
	       strcmp(p, "deferred") == 0 || strcmp(p, "strict-async") == 0;
}

static void
change_policy(void)
{
	static const char *const to[] = { "strict", "strict-batched", "deferred", "strict-async" };
	unsigned int k = any_domain();
	struct domain *d = &world.domain[k];
	const char *policy = to[sim_rnd(4)];
	struct known known = known_now();
	int ret;

	if (!can_switch(d->policy))
		return;
	d->switching = true;
	ret = sluice_domain_set_policy(d->d, policy);
	sim_note("domain %u: from %s to %s: %d", k, d->policy, policy, ret);
	if (ret != 0) {
		SIM_CHECK(ret == -ENOMEM || world_excused(-ret), "set_policy: %s", sluice_error());
		sometimes(switch_refused);
		if (ret == -ENOTSUP || ret == -ENOMEM)
			d->switching = false;
		return; /* half-way: unmaps are strict, but what is queued is not flushed */
	}
	sometimes(switched);
	SIM_CHECK(strcmp(sluice_domain_policy(d->d), policy) == 0, "policy %s is reported, %s was set",
		  sluice_domain_policy(d->d), policy);
	/* Nothing is stale from now on, if the new one waits. */
	if (policy_is_strict(policy))
		page_drained(k, &known);
	d->policy = policy;
	d->switching = false;
}

static void
drain(void)
{
	unsigned int k = any_domain();
	struct known known = known_now();
	int ret = sluice_domain_drain(world.domain[k].d);

	sim_note("drain of domain %u: %d", k, ret);
	SIM_CHECK(ret == 0 || world_excused(-ret), "drain: %s", sluice_error());
	if (ret == 0) {
		sometimes(drain);
		page_drained(k, &known);
	}
}

static void
trim(void)
{
	unsigned int k = any_domain();
	int ret = sluice_domain_trim(world.domain[k].d);

	sim_note("trim of domain %u: %d", k, ret);
	SIM_CHECK(ret >= 0 || ret == -ENOMEM || world_excused(-ret), "trim: %s", sluice_error());
	sometimes(trim);
	if (ret > 0)
		sometimes(trim_freed);
}

/* A map over what is mapped is refused, and no device sees any of it, at no time: its memory is the
 * owner's. */
static void
fixed_again(const struct fixed *f)
{
	unsigned int before = 1 + sim_rnd(4);
	int ret = sluice_map_fixed(world.domain[f->domain].d, f->iova - before * 4096ul,
				   f->pa + WORLD_FIXED / 2 * 4096ul, (before + 1 + sim_rnd(3)) * 4096ul,
				   SLUICE_RW);

	SIM_CHECK(ret == -EEXIST || ret == -ENOMEM || (ret < 0 && world_excused(-ret)),
		  "map_fixed over another: %d", ret);
	sometimes(fixed_refused);
}

/* Blocks and pages, of memory that nobody touches. */
static void
fixed_large(void)
{
	unsigned int k = any_domain();
	uint64_t iova = LARGE_IOVA + ((uint64_t)sim_rnd(600) << 12);
	uint64_t size = (1 + sim_rnd(600)) * 4096ul;
	uint64_t pa = UINT64_C(0x40000000);
	int ret = sluice_map_fixed(world.domain[k].d, iova, pa, size, SLUICE_READ);

	SIM_CHECK(ret == 0 || ret == -ENOMEM || world_excused(-ret), "map_fixed: %s", sluice_error());
	if (ret != 0)
		return;
	sometimes(fixed);
	ret = sluice_unmap_fixed(world.domain[k].d, iova, size);
	SIM_CHECK(ret == 0 || world_excused(-ret), "unmap_fixed: %s", sluice_error());
}

/* Pages that devices use meanwhile, and may not reach when the unmap has returned. */
static void
fixed(void)
{
	struct fixed *f = &world.fixed;
	int ret;

	if (sim_one_in(3)) {
		fixed_large();
		return;
	}
	f->domain = any_domain();
	f->iova = FIXED_IOVA + ((uint64_t)(8 + sim_rnd(1024)) << 12);
	f->pages = 1 + sim_rnd(WORLD_FIXED / 2);
	f->tag = UINT64_C(0xf15ed00000000000) ^ sim_steps() << 8;
	for (unsigned int i = 0; i < f->pages; i++)
		memcpy(f->va + i * 4096ul, &f->tag, 8);
	fixed_watch(true);
	ret = sluice_map_fixed(world.domain[f->domain].d, f->iova, f->pa, f->pages * 4096ul,
			       SLUICE_RW);
	SIM_CHECK(ret == 0 || ret == -ENOMEM || world_excused(-ret), "map_fixed: %s", sluice_error());
	sim_note("map_fixed in domain %u: %#jx, %u pages: %d", f->domain, (uintmax_t)f->iova,
		 f->pages, ret);
	if (ret != 0) {
		fixed_watch(false);
		return;
	}
	sometimes(fixed);
	f->live = true;
	sim_sleep(sim_rnd(2000));
	if (sim_one_in(2))
		fixed_again(f);
	sim_sleep(sim_rnd(2000));
	f->live = false;
	f->gen++;
	ret = sluice_unmap_fixed(world.domain[f->domain].d, f->iova, f->pages * 4096ul);
	sim_note("unmap_fixed: %d", ret);
	SIM_CHECK(ret == 0 || world_excused(-ret), "unmap_fixed: %s", sluice_error());
	if (ret == 0)
		fixed_watch(false);
	/* After an error a device may still reach them; the next mapping is elsewhere. */
}

static void
attach(void)
{
	struct device *dev = &world.device[sim_rnd(world.plan.v[PLAN_devices])];
	unsigned int k = any_domain();
	bool off = sim_one_in(4);
	int ret;

	if (world.plan.v[PLAN_devices] == 0 || dev->dev == NULL)
		return;
	if (dev->peer && !off && !world.domain[k].peer && peer_add(k) != 0)
		return;
	dev->changes++;
	dev->domain = -1;
	ret = off ? sluice_device_detach(dev->dev) :
		    sluice_device_attach(dev->dev, world.domain[k].d);
	sim_note("device %u %s %u: %d", dev->stream, off ? "from" : "to", k, ret);
	SIM_CHECK(ret == 0 || ret == -ENOMEM || sluice_device_quarantined(dev->dev) ||
			  world_excused(-ret), "attach: %s", sluice_error());
	if (off)
		sometimes(detach);
	else
		sometimes(attach);
	dev->changes++;
	dev->domain = ret == 0 && !off ? (int)k : -1;
}

void
control_main(void *arg)
{
	(void)arg;
	sim_lcore_set(sim_self());
	for (unsigned int i = 0; i < world.plan.v[PLAN_control] && !world.closing; i++) {
		struct sluice_domain_conf conf = { .batch = 1u << sim_rnd(4) };

		sim_sleep(sim_rnd(world.plan.v[PLAN_control] > 10 ? 500 : 3000));
		world_ctl_lock();
		sim_progress();
		switch (sim_rnd(8)) {
		case 0: case 1:
			change_policy();
			break;
		case 2:
			drain();
			break;
		case 3:
			trim();
			break;
		case 4:
			fixed();
			break;
		case 5:
			(void)sluice_domain_tune(world.domain[any_domain()].d, &conf);
			break;
		default:
			attach();
			break;
		}
		world_ctl_unlock();
		sim_progress();
	}
	world.controlling = false;
}
