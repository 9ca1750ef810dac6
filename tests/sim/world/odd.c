/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What a worker does now and then: cookies, unmaps of what is no mapping, large mappings, leaving.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../rt/tls.h"
#include "worker.h"

/* Unmap what is not a mapping: another length, a part, another address. @return what was said. */
static int
unmap_wrong(const struct domain *d, struct sluice_seg s)
{
	unsigned int later;

	switch (sim_rnd(3)) {
	case 0:
		return sluice_unmap(d->d, s.iova, s.len);
	case 1:
		return sluice_unmap_burst(d->d, &s, 1) != 0 ? 0 : -sim_errno();
	default:
		return sluice_unmap_async_burst(d->d, &s, 1, &later) != 0 ? 0 : -sim_errno();
	}
}

void
worker_wrong(struct worker *w)
{
	const struct map *m = &w->map[sim_rnd(world.plan.v[PLAN_live])];
	const struct domain *d = &world.domain[m->domain];
	struct sluice_seg s = m->seg[0];
	uint64_t pa;
	int ret;

	if (!m->live)
		return;
	switch (sim_rnd(4)) {
	case 0: /* lengths are multiples of 8 */
		s.len -= 1;
		break;
	case 1:
		s.iova += 4;
		break;
	case 2:
		s.iova += 4096;
		s.len = s.len > 4096 ? s.len - 4096 : s.len;
		s.len -= 1;
		break;
	default:
		s.iova += (uint64_t)sim_rnd(2048) * 4096 - 1024 * 4096;
		s.len = (1 + sim_rnd(3)) * 4096 - 1;
		break;
	}
	struct call c = call_begin();

	ret = unmap_wrong(d, s);
	call_end(c, "a wrong unmap");
	sim_note("wrong unmap of domain %u: iova %#jx, %u bytes: %d", m->domain, (uintmax_t)s.iova,
		 s.len, ret);
	sometimes(unmap_wrong);
	SIM_CHECK(ret == -EINVAL || ret == -ENOENT || ret == -EAGAIN || (ret < 0 && world_excused(-ret)),
		  "an unmap of what is no mapping: %d, %s", ret, ret < 0 ? sluice_error() : "done");
	if (d->policy[0] != 'c' && d->policy[0] != 'h')
		SIM_CHECK(sluice_iova_to_pa(d->d, m->seg[0].iova, &pa) == 0 && pa == m->seg[0].pa,
			  "after a wrong unmap IOVA %#jx is not mapped any more", (uintmax_t)m->seg[0].iova);
}

/* Take cookies. @return how many. */
unsigned int
worker_completed(struct worker *w, unsigned int k)
{
	uint64_t cookie[8];
	struct call c = call_look();
	unsigned int n;

	if (w->head[k] == w->tail[k] && !sim_one_in(4))
		return 0;
	n = sluice_unmap_completed(world.domain[k].d, cookie, 1 + sim_rnd(8));
	call_end(c, "a look for cookies");
	for (unsigned int i = 0; i < n; i++) {
		const struct pending *p = &w->pending[k][w->head[k] % 512];

		SIM_CHECK(w->head[k] != w->tail[k] && cookie[i] == w->head[k],
			  "worker %u got cookie %" PRIu64 " of domain %u, %u is due", w->id,
			  cookie[i], k, w->head[k]);
		w->head[k]++;
		page_release(w, p->page, p->pages);
		sometimes(cookie);
	}
	if (n != 0) {
		sim_note("%u cookies of domain %u", n, k);
		sim_progress();
	}
	return n;
}

/* Much address space for a moment: chunks are cut and joined, rounds of rollover end. No device
 * goes there. */
void
worker_large(struct worker *w)
{
	unsigned int k = sim_rnd(world.plan.v[PLAN_domains]);
	const struct domain *d = &world.domain[k];
	uint64_t pages = 1 + sim_rnd(sim_one_in(3) ? 1024 : 400), iova;
	uint64_t start = sim_now();
	struct call c;
	int ret;

	/* These copy what they map. */
	if (strcmp(d->policy, "copy") == 0 || strcmp(d->policy, "hybrid") == 0)
		return;
	c = call_begin();
	ret = sluice_map(d->d, UINT64_C(1) << 32, pages * 4096, SLUICE_READ, &iova);

	call_end(c, "a large map");
	sim_note("map of domain %u: %" PRIu64 " pages: %d", k, pages, ret);
	SIM_CHECK(ret == 0 || ret == -ENOSPC || ret == -ENOMEM || ret == -E2BIG || world_excused(-ret),
		  "large map: %s", sluice_error());
	if (ret != 0)
		return;
	sometimes(map_large);
	w->large = pages;
	w->large_at = iova;
	w->large_in = k;
	sim_sleep(sim_rnd(500));
	do {
		(void)worker_completed(w, k); /* cookies that are not taken keep the ring full */
		c = call_begin();
		ret = sluice_unmap(d->d, iova, pages * 4096);
		call_end(c, "a large unmap");
		SIM_CHECK(sim_now() - start < 100 * world_bound(), "an unmap is refused for ever");
	} while (ret == -EAGAIN);
	SIM_CHECK(ret == 0, "large unmap: %s", sluice_error());
	w->large = 0;
}

/* Unregister, register again: nothing of it must be lost. */
/* Cookies that it has not taken are void: everything was released when it had left. */
void
worker_leave(struct worker *w)
{
	int ret;

	if (sim_one_in(2))
		for (unsigned int k = 0; k < world.plan.v[PLAN_domains]; k++)
			if (w->head[k] != w->tail[k])
				return;
	world_ctl_lock();
	(void)call_begin();
	ret = sluice_worker_unregister(world.engine, w->fiber);
	SIM_CHECK(ret == 0 || world_excused(-ret), "worker_unregister: %s", sluice_error());
	sim_note("unregistered: %d", ret);
	if (ret == 0) {
		sometimes(worker_left);
		for (unsigned int k = 0; k < world.plan.v[PLAN_domains]; k++)
			for (; w->head[k] != w->tail[k]; w->head[k]++) {
				const struct pending *p = &w->pending[k][w->head[k] % 512];

				page_release(w, p->page, p->pages);
				sometimes(cookie_void);
			}
		do {
			ret = sluice_worker_register(world.engine, w->fiber);
			SIM_CHECK(ret == 0 || world_excused(-ret) || ret == -ENOMEM,
				  "worker_register: %s", sluice_error());
			/* Memory is not used again within a run: few tries. */
			if (ret != 0)
				sim_sleep(100000);
		} while (ret != 0);
	}
	world.calls--;
	world_ctl_unlock();
}
