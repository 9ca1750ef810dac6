/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The end: when the workers are done everything drains, the counters add up, and all is given back.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "pmd/emu/core/emu.h"
#include "../rt/tls.h"
#include "world.h"

static bool
workers_done(void)
{
	for (unsigned int i = 0; i < world.plan.v[PLAN_workers]; i++)
		if (!world.worker[i].done)
			return false;
	return true;
}

/* Hardware that answers no more is switched off: then everything can be closed. */
static void
stop_iommu(const char *why)
{
	int ret;

	SIM_CHECK(world.trouble || world_excused(ETIMEDOUT), "%s: %s", why, sluice_error());
	sometimes(stopped_iommu);
	world.broken = true;
	/* Hardware that stands still itself acknowledges nothing; the call may be repeated. */
	for (unsigned int i = 0;; i++) {
		sim_progress();
		ret = sluice_iommu_stop(world.iommu);
		sim_note("iommu_stop after %s: %d", why, ret);
		if (ret == 0)
			return;
		SIM_CHECK(ret == -ETIMEDOUT && i < 10000, "iommu_stop: %s", sluice_error());
	}
}

static void
note_stats(const struct sluice_domain_stats *st)
{
#define FLUSH(cause, name)                                                                         \
	if (st->flushes[SLUICE_FLUSH_##cause] != 0)                                                \
		sometimes(flush_##name)
	FLUSH(FULL, full);
	FLUSH(DEADLINE, deadline);
	FLUSH(DRAIN, drain);
	FLUSH(ROLLOVER, rollover);
	FLUSH(SWITCH, switch);
	FLUSH(IDLE, idle);
	if (st->flush_errors != 0)
		sometimes(flush_error);
	if (st->flush_puts_off != 0)
		sometimes(flush_put_off);
	if (st->ring_full != 0)
		sometimes(ring_full);
	if (st->deadline_misses != 0)
		sometimes(deadline_missed);
	if (st->reuses != 0)
		sometimes(reused);
}

static void
check_domain(unsigned int k)
{
	struct sluice_domain_stats st;
	uint64_t lost = 0, cookies = 0;

	SIM_CHECK(sluice_domain_get_stats(world.domain[k].d, &st) == 0, "stats");
	note_stats(&st);
	for (unsigned int i = 0; i < world.plan.v[PLAN_workers]; i++) {
		const struct worker *w = &world.worker[i];

		cookies += w->tail[k] - w->head[k];
		for (unsigned int j = 0; j < world.plan.v[PLAN_pages]; j++)
			lost += w->page[j].state == PAGE_LOST;
	}
	SIM_CHECK(st.maps == st.unmaps + st.live, "%" PRIu64 " maps, %" PRIu64 " unmaps, %" PRIu64
		  " live", st.maps, st.unmaps, st.live);
	SIM_CHECK(st.queued == st.released + st.pending, "%" PRIu64 " queued, %" PRIu64
		  " released, %" PRIu64 " pending", st.queued, st.released, st.pending);
	if (world.broken)
		return;
	SIM_CHECK(st.pending == 0, "drained, and %" PRIu64 " entries are pending", st.pending);
	SIM_CHECK(cookies == 0, "%" PRIu64 " cookies have not come", cookies);
	SIM_CHECK(st.live == 0 || lost != 0, "%" PRIu64 " mappings are live that nobody has", st.live);
}

static void
remove_devices(void)
{
	for (unsigned int i = 0; i < world.plan.v[PLAN_devices]; i++) {
		struct device *dev = &world.device[i];
		int ret;

		dev->changes++;
		dev->domain = -1;
		if (sluice_device_quarantined(dev->dev))
			sometimes(quarantined);
		sim_progress();
		ret = sluice_device_remove(dev->dev);
		if (ret != 0) {
			stop_iommu("device_remove");
			sim_progress();
			ret = sluice_device_remove(dev->dev);
		}
		SIM_CHECK(ret == 0, "device_remove: %d, %s", ret, sluice_error());
		dev->dev = NULL;
		if (dev->atc != NULL)
			emu_atc_destroy(world.emu, dev->atc);
		dev->atc = NULL;
	}
}

static void
drain_all(void)
{
	for (unsigned int k = 0; k < world.plan.v[PLAN_domains]; k++) {
		struct known known = known_now();
		int ret;

		sim_progress();
		ret = sluice_domain_drain(world.domain[k].d);

		/* A fault of a moment ago may have made one flush fail. */
		if (ret != 0 && world.trouble) {
			sim_progress();
			ret = sluice_domain_drain(world.domain[k].d);
		}
		if (ret != 0) {
			stop_iommu("drain");
			/* The engine itself may stand still, for a second at most. */
			for (unsigned int i = 0; i < 10000 && ret != 0; i++) {
				sim_progress();
				ret = sluice_domain_drain(world.domain[k].d);
				SIM_CHECK(ret == 0 || world_excused(-ret), "drain after stop: %s",
					  sluice_error());
			}
			SIM_CHECK(ret == 0, "drain after stop: %s", sluice_error());
		}
		page_drained(k, &known);
	}
}

/* The cookies that came late, if hardware was in trouble. */
static void
last_cookies(void)
{
	uint64_t cookie[64];

	for (unsigned int i = 0; i < world.plan.v[PLAN_workers]; i++) {
		struct worker *w = &world.worker[i];

		sim_lcore_set(w->fiber);
		for (unsigned int k = 0; k < world.plan.v[PLAN_domains]; k++)
			while (w->head[k] != w->tail[k]) {
				unsigned int n = sluice_unmap_completed(world.domain[k].d, cookie, 64);

				if (n == 0)
					break;
				for (unsigned int j = 0; j < n; j++) {
					const struct pending *p = &w->pending[k][w->head[k] % 512];

					SIM_CHECK(cookie[j] == w->head[k], "cookie %" PRIu64
						  " came, %u was due", cookie[j], w->head[k]);
					w->head[k]++;
					page_release(w, p->page, p->pages);
				}
			}
	}
	sim_lcore_set(sim_self());
}

void
close_main(void *arg)
{
	int ret;

	(void)arg;
	sim_lcore_set(sim_self());
	while (!workers_done())
		sim_idle();
	world.closing = true;
	/* What a fault or the control thread began comes to its end. */
	while (world.controlling)
		sim_idle();
	chaos_end();
	sim_sleep(100000);
	drain_all();
	last_cookies();
	remove_devices();
	for (unsigned int k = 0; k < world.plan.v[PLAN_domains]; k++)
		check_domain(k);
	for (unsigned int i = 0; i < world.plan.v[PLAN_workers]; i++) {
		sim_progress();
		ret = sluice_worker_unregister(world.engine, world.worker[i].fiber);
		SIM_CHECK(ret == 0, "worker_unregister: %d, %s", ret, sluice_error());
	}
	for (unsigned int k = 0; k < world.plan.v[PLAN_domains]; k++) {
		sim_progress();
		ret = sluice_domain_destroy(world.domain[k].d);
		if (ret != 0) {
			stop_iommu("domain_destroy");
			sim_progress();
			ret = sluice_domain_destroy(world.domain[k].d);
		}
		SIM_CHECK(ret == 0, "domain_destroy: %d, %s", ret, sluice_error());
	}
	if (world.peer != NULL)
		SIM_CHECK(sluice_domain_destroy(world.only) == 0, "%s", sluice_error());
	sluice_iommu_mem_free(world.iommu, world.va, world.pages * 4096);
	SIM_CHECK(sluice_engine_del_iommu(world.engine, world.iommu) == 0, "%s", sluice_error());
	if (world.peer != NULL)
		SIM_CHECK(sluice_engine_del_iommu(world.engine, world.peer) == 0, "%s", sluice_error());
	world.closed = true;
	while (!world.engine_left)
		sim_idle();
	ret = sluice_engine_destroy(world.engine);
	SIM_CHECK(ret == 0, "engine_destroy: %s", sluice_error());
}
