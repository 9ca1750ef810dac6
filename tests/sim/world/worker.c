/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A worker: maps, unmaps, waits for cookies, and holds every answer against what was promised.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../rt/tls.h"
#include "worker.h"

/* No other live mapping of the domain may have an address of this one. */
static void
check_alone(const struct worker *me, const struct map *mine)
{
	for (unsigned int k = 0; k < world.plan.v[PLAN_workers]; k++)
		for (unsigned int i = 0; i < WORLD_MAPS; i++) {
			const struct map *m = &world.worker[k].map[i];

			if (m == mine || !m->live || m->domain != mine->domain)
				continue;
			for (unsigned int a = 0; a < m->n; a++)
				for (unsigned int b = 0; b < mine->n; b++)
					SIM_CHECK(m->seg[a].iova + m->seg[a].len <= mine->seg[b].iova ||
						  mine->seg[b].iova + mine->seg[b].len <= m->seg[a].iova,
						  "worker %u got IOVA %#" PRIx64 ", which worker %u has",
						  me->id, mine->seg[b].iova, k);
		}
}

/* Do its devices see copies? Then an address leads elsewhere. */
static bool
is_copied(unsigned int domain)
{
	const char *p = world.domain[domain].policy;

	return strcmp(p, "copy") == 0 || strcmp(p, "hybrid") == 0;
}

static struct map *
map_slot(struct worker *w)
{
	for (unsigned int i = 0; i < world.plan.v[PLAN_live] && i < WORLD_MAPS; i++)
		if (!w->map[i].taken)
			return &w->map[i];
	return NULL;
}

/* Choose memory for the pieces. @return how many. */
static unsigned int
choose(struct worker *w, struct map *m)
{
	static const unsigned int sizes[] = { 1, 1, 1, 2, 3, 4, 6 };
	unsigned int want = sim_one_in(4) ? 1 + sim_rnd(WORLD_SEGS) : 1;

	m->n = 0;
	for (unsigned int i = 0; i < want; i++) {
		unsigned int n = sizes[sim_rnd(sizeof(sizes) / sizeof(sizes[0]))];
		int at = page_find(w, n, m->domain);
		uint32_t off = sim_one_in(8) ? 8 * sim_rnd(256) : 0;

		if (at < 0)
			break;
		page_take(w, (unsigned int)at, n, m->domain);
		m->page[i] = (unsigned int)at;
		m->pages[i] = n;
		m->seg[i] = (struct sluice_seg){
			.pa = w->pa + (uint64_t)at * 4096 + off, .len = n * 4096 - off,
			.prot = sim_one_in(3) ? SLUICE_READ : SLUICE_RW };
		m->n++;
	}
	return m->n;
}

/* The chunks of 2 MiB that [iova, iova+pages) lies in. */
static uint64_t
chunks(uint64_t iova, uint64_t pages)
{
	uint64_t at = ((iova - WORLD_IOVA) >> 12) + pages - 1, set = 0;

	for (uint64_t c = (iova - WORLD_IOVA) >> 21; c <= at >> 9 && c < 64; c++)
		set |= UINT64_C(1) << c;
	return set;
}

/* The chunks of a domain's window in which something is mapped, or its unmap is not complete. */
static uint64_t
chunks_used(unsigned int domain, const struct map *but)
{
	uint64_t set = 0;

	for (unsigned int i = 0; i < world.plan.v[PLAN_workers]; i++) {
		const struct worker *w = &world.worker[i];

		for (unsigned int p = w->head[domain]; p != w->tail[domain]; p++)
			set |= chunks(w->pending[domain][p % 512].iova, w->pending[domain][p % 512].pages);
		for (unsigned int k = 0; k < WORLD_MAPS; k++)
			for (unsigned int j = 0; w->map[k].taken && &w->map[k] != but &&
					w->map[k].domain == domain && j < w->map[k].n; j++)
				set |= chunks(w->map[k].seg[j].iova, w->map[k].pages[j]);
		if (w->large != 0 && w->large_in == domain)
			set |= chunks(w->large_at, w->large);
	}
	return set;
}

/* Is there space for sure? A chunk of the window is free, and no other worker is in a call, with
 * IOVAs in hand. Control calls are no excuse, nor are stocks and queues. */
static bool
has_space(const struct map *m, unsigned int done, struct call c)
{
	const struct domain *d = &world.domain[m->domain];
	unsigned int nb = (world.plan.v[PLAN_window] & ~1u) / 2;
	uint64_t used;

	if (!c.alone || world.called != c.nth || world.plan.v[PLAN_faults] != 0 || d->policy[0] == 'c' ||
	    d->policy[0] == 'h')
		return false;
	used = chunks_used(m->domain, m);
	for (unsigned int i = 0; i < done; i++)
		used |= chunks(m->seg[i].iova, m->pages[i]);
	return (unsigned int)__builtin_popcountll(used) < nb;
}

static void
map_failed(struct worker *w, struct map *m, unsigned int from, int err, struct call c)
{
	if (from < m->n) {
		SIM_CHECK(err != ENOSPC || !has_space(m, from, c), "no space is left, and nothing is in some "
			  "2 of %u MiB", world.plan.v[PLAN_window]);
		SIM_CHECK(err == ENOSPC || err == ENOMEM || err == E2BIG || world_excused(err),
			  "map: %s: %s", strerror(err), sluice_error());
		if (err == ENOSPC)
			sometimes(map_refused_space);
	}
	/* No device can reach what was not mapped. */
	for (unsigned int i = from; i < m->n; i++) {
		page_release(w, m->page[i], m->pages[i]);
		if (m->pages[i] > 1)
			sometimes(map_failed_rolled_back);
	}
	m->n = from;
}

void
worker_drain(struct worker *w)
{
	unsigned int k = sim_rnd(world.plan.v[PLAN_domains]);
	struct known known = known_now();
	struct call c = call_begin();
	int ret = sluice_domain_drain(world.domain[k].d);

	(void)w;
	call_end(c, "a drain");
	sim_note("drain of domain %u: %d", k, ret);
	SIM_CHECK(ret == 0 || world_excused(-ret), "drain: %s", sluice_error());
	if (ret == 0) {
		sometimes(drain);
		page_drained(k, &known);
	}
}

void
worker_map(struct worker *w)
{
	struct map *m = map_slot(w);
	unsigned int done;
	int err = 0;

	if (m == NULL)
		return;
	m->domain = (uint8_t)sim_rnd(world.plan.v[PLAN_domains]);
	if (choose(w, m) == 0) {
		worker_drain(w);
		return;
	}
	m->taken = true;
	struct call c = call_begin();

	if (m->n == 1 && !sim_one_in(4)) {
		err = -sluice_map(world.domain[m->domain].d, m->seg[0].pa, m->seg[0].len,
				  m->seg[0].prot, &m->seg[0].iova);
		done = err == 0;
	} else {
		done = sluice_map_burst(world.domain[m->domain].d, m->seg, m->n);
		err = done < m->n ? sim_errno() : 0;
		sometimes(burst);
	}
	call_end(c, "a map");
	sim_barrier(); /* the driver's before its doorbell */
	sim_note("map of domain %u: %u of %u, iova %#jx, page %u, %u bytes: %d", m->domain, done, m->n,
		 done != 0 ? (uintmax_t)m->seg[0].iova : 0, m->page[0], m->seg[0].len, err);
	map_failed(w, m, done, err, c);
	if (done == 0) {
		m->taken = false;
		return;
	}
	sometimes(map);
	m->gen++;
	m->live = true;
	check_alone(w, m);
	for (unsigned int i = 0; i < m->n && !is_copied(m->domain); i++)
		caches_check_iova(m->domain, m->seg[i].iova, m->seg[i].pa, m->pages[i]);
}

/* A piece whose unmap returned 0. */
static void
returned(struct worker *w, const struct map *m, unsigned int i, bool strict)
{
	if (strict) {
		page_release(w, m->page[i], m->pages[i]);
		return;
	}
	page_set(w, m->page[i], m->pages[i], PAGE_EXPOSED);
}

static void
unmap_result(struct worker *w, struct map *m, unsigned int done, int err, bool strict)
{
	for (unsigned int i = 0; i < done; i++)
		returned(w, m, i, strict);
	if (done == m->n) {
		m->taken = false;
		return;
	}
	SIM_CHECK(err == EAGAIN || world_excused(err), "unmap: %s: %s", strerror(err), sluice_error());
	if (err == EAGAIN) {
		/* Nothing has changed for the rest. */
		sometimes(unmap_busy);
		for (unsigned int i = done; i < m->n; i++) {
			m->page[i - done] = m->page[i];
			m->pages[i - done] = m->pages[i];
			m->seg[i - done] = m->seg[i];
		}
		m->n -= done;
		m->live = true;
		return;
	}
	/* A device may still reach it: never used again. */
	sometimes(unmap_failed);
	for (unsigned int i = done; i < m->n; i++)
		page_set(w, m->page[i], m->pages[i], PAGE_LOST);
	m->taken = false;
}

/* Does an unmap that begins now promise that nothing is stale when it returns? */
static bool
strict_now(const struct domain *d)
{
	return !d->switching && policy_is_strict(sluice_domain_policy(d->d));
}

void
unmap_wait(struct worker *w, struct map *m)
{
	struct domain *d = &world.domain[m->domain];
	bool strict = strict_now(d);
	struct call c = call_begin();
	unsigned int done;
	int err = 0;

	m->live = false;
	m->gen++;
	if (m->n == 1 && !sim_one_in(4)) {
		err = -sluice_unmap(d->d, m->seg[0].iova, m->seg[0].len);
		done = err == 0;
	} else {
		done = sluice_unmap_burst(d->d, m->seg, m->n);
		err = done < m->n ? sim_errno() : 0;
	}
	call_end(c, "an unmap");
	sim_note("unmap of domain %u: %u of %u, iova %#jx%s%s", m->domain, done, m->n,
		 (uintmax_t)m->seg[0].iova, strict ? ", strict" : "", err ? ", failed" : "");
	sometimes(unmap);
	unmap_result(w, m, done, err, strict && strict_now(d));
}

void
unmap_later(struct worker *w, struct map *m)
{
	struct domain *d = &world.domain[m->domain];
	unsigned int later = 0, done, k = m->domain;
	bool strict = strict_now(d);
	struct call c = call_begin();
	int err = 0;

	m->live = false;
	m->gen++;
	for (unsigned int i = 0; i < m->n; i++)
		m->seg[i].cookie = w->tail[k] + i;
	if (m->n == 1) {
		int ret = sluice_unmap_async(d->d, m->seg[0].iova, m->seg[0].len, m->seg[0].cookie);

		done = ret >= 0;
		later = ret == 1;
		err = ret < 0 ? -ret : 0;
	} else {
		done = sluice_unmap_async_burst(d->d, m->seg, m->n, &later);
		err = done < m->n ? sim_errno() : 0;
	}
	call_end(c, "an asynchronous unmap");
	sim_note("unmap_async of domain %u: %u of %u, %u later, iova %#jx", m->domain, done, m->n,
		 later, (uintmax_t)m->seg[0].iova);
	sometimes(unmap_async);
	SIM_CHECK(later <= done, "more cookies than pieces");
	for (unsigned int i = 0; i < later; i++) {
		w->pending[k][w->tail[k]++ % 512] = (struct pending){ m->page[i], m->pages[i], m->seg[i].iova };
		page_set(w, m->page[i], m->pages[i], PAGE_PENDING);
	}
	/* What is left is as after unmap_burst(). */
	for (unsigned int i = later; i < m->n; i++) {
		m->page[i - later] = m->page[i];
		m->pages[i - later] = m->pages[i];
		m->seg[i - later] = m->seg[i];
	}
	m->n -= later;
	unmap_result(w, m, done - later, err, strict && strict_now(d));
}

void
worker_unmap(struct worker *w)
{
	unsigned int at = sim_rnd(WORLD_MAPS);

	for (unsigned int i = 0; i < WORLD_MAPS; i++) {
		struct map *m = &w->map[(at + i) % WORLD_MAPS];

		if (!m->taken || !m->live)
			continue;
		/* Some of those to come, or all at the end. */
		if (w->tail[m->domain] - w->head[m->domain] < 500 && sim_rnd(4) != 0)
			unmap_later(w, m);
		else
			unmap_wait(w, m);
		return;
	}
}

/* A mapping that nobody can undo any more: its memory is never used again. */
static void
give_up(struct worker *w, struct map *m)
{
	for (unsigned int i = 0; i < m->n; i++)
		page_set(w, m->page[i], m->pages[i], PAGE_LOST);
	m->live = m->taken = false;
}

/* Everything that this worker still has goes back. */
static void
clear(struct worker *w)
{
	uint64_t start = sim_now();
	unsigned int domains = world.plan.v[PLAN_domains], refused = 0;

	for (unsigned int i = 0; i < WORLD_MAPS;) {
		struct map *m = &w->map[i];

		if (!m->taken) {
			i++;
			continue;
		}
		if (sim_rnd(2) != 0)
			unmap_later(w, m);
		else
			unmap_wait(w, m);
		for (unsigned int k = 0; k < domains; k++)
			(void)worker_completed(w, k);
		/* Where the hardware is dead a ring stays full. */
		if (world.reset && m->taken && ++refused > 3)
			give_up(w, m);
		SIM_CHECK(sim_now() - start < 100 * world_bound(), "an unmap is refused for ever");
	}
	for (unsigned int k = 0; k < domains; k++) {
		uint64_t since = sim_now();

		sluice_unmap_kick(world.domain[k].d);
		while (w->head[k] != w->tail[k]) {
			if (worker_completed(w, k) != 0)
				since = sim_now();
			else
				sim_idle();
			if (sim_now() - since <= (world.reset ? 1 : 4) * world_bound())
				continue;
			SIM_CHECK(world.trouble, "cookies of worker %u did not come", w->id);
			return; /* the hardware's end is in close.c */
		}
	}
}

void
worker_main(void *arg)
{
	struct worker *w = arg;

	sim_lcore_set(w->fiber);
	for (unsigned int i = 0; i < world.plan.v[PLAN_ops]; i++) {
		if (world.plan.v[PLAN_large] != 0 && sim_one_in(world.plan.v[PLAN_large]))
			worker_large(w);
		switch (sim_rnd(16)) {
		case 0: case 1: case 2: case 3: case 4: case 5:
			worker_map(w);
			break;
		case 6: case 7: case 8: case 9: case 10:
			worker_unmap(w);
			break;
		case 11: case 12:
			for (unsigned int k = 0; k < world.plan.v[PLAN_domains]; k++)
				(void)worker_completed(w, k);
			break;
		case 13:
			sluice_unmap_kick(world.domain[sim_rnd(world.plan.v[PLAN_domains])].d);
			break;
		case 14:
			if (sim_one_in(3))
				worker_drain(w);
			break;
		default:
			if (world.plan.v[PLAN_control] != 0 && sim_one_in(3))
				worker_leave(w);
			else if (sim_one_in(3))
				worker_wrong(w);
			else
				sim_sleep(sim_rnd(2000));
			break;
		}
		sim_progress();
		sim_step();
	}
	clear(w);
	w->done = true;
}
