/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Who owns each page. A page that its owner has back is watched: a device that reaches it, or code
 * of the engine or of the driver that touches it, ends the run at that very step.
 */
#include <inttypes.h>
#include <string.h>

#include "world.h"

static uint8_t *
va_of(struct worker *w, unsigned int page)
{
	return w->va + (size_t)page * 4096;
}

static void
watch(struct worker *w, unsigned int page, uint8_t who)
{
	world.owned[(w->va - world.va) / 4096 + page] = who;
}

void
page_take(struct worker *w, unsigned int page, unsigned int n, unsigned int domain)
{
	for (unsigned int i = page; i < page + n; i++) {
		static const uint64_t salt = UINT64_C(0xabcdef0000000000);
		struct page *p = &w->page[i];

		SIM_CHECK(p->state == PAGE_FREE || p->state == PAGE_EXPOSED, "page in use is taken");
		p->exposed = p->state == PAGE_EXPOSED;
		if (!p->exposed)
			sim_poison(va_of(w, i), 4096, false);
		p->state = PAGE_LIVE;
		p->domain = (uint8_t)domain;
		p->tag = salt ^ (sim_steps() << 12) ^ (uint64_t)w->id << 8 ^ i;
		/* The owner's stores, made visible as a driver does before its doorbell. */
		memset(va_of(w, i), 0x11, 64);
		memcpy(va_of(w, i), &p->tag, 8);
		watch(w, i, SLUICE_WATCH_DEVICE);
	}
}

void
page_release(struct worker *w, unsigned int page, unsigned int n)
{
	for (unsigned int i = page; i < page + n; i++) {
		if (w->page[i].exposed) {
			w->page[i].exposed = false;
			page_set(w, i, 1, PAGE_EXPOSED);
			continue;
		}
		if (w->page[i].state != PAGE_FREE)
			caches_check_page(w->pa + (uint64_t)i * 4096);
		w->page[i].state = PAGE_FREE;
		watch(w, i, SLUICE_WATCH_OWNER);
		memset(va_of(w, i), 0xdd, 64);
		sim_poison(va_of(w, i), 4096, true);
	}
}

void
page_set(struct worker *w, unsigned int page, unsigned int n, enum page_state s)
{
	for (unsigned int i = page; i < page + n; i++) {
		w->page[i].state = s;
		w->page[i].since = sim_steps();
		w->page[i].stores = sim_stored(w->fiber);
	}
}

void
fixed_watch(bool live)
{
	for (unsigned int i = 0; i < world.fixed.pages; i++)
		world.owned[(world.fixed.va - world.va) / 4096 + i] =
			live ? SLUICE_WATCH_DEVICE : SLUICE_WATCH_OWNER;
	world.fixed.gen++;
}

struct known
known_now(void)
{
	struct known k = { .step = sim_steps() };

	for (unsigned int i = 0; i < world.plan.v[PLAN_workers]; i++)
		k.stores[i] = sim_visible(world.worker[i].fiber);
	return k;
}

void
page_drained(unsigned int domain, const struct known *known)
{
	for (unsigned int k = 0; k < world.plan.v[PLAN_workers]; k++) {
		struct worker *w = &world.worker[k];

		for (unsigned int i = 0; i < world.plan.v[PLAN_pages]; i++)
			if (w->page[i].state == PAGE_EXPOSED && w->page[i].domain == domain &&
			    w->page[i].since < known->step &&
			    w->page[i].stores <= known->stores[k]) {
				w->page[i].exposed = false;
				page_release(w, i, 1);
			}
	}
}

int
page_find(struct worker *w, unsigned int n, unsigned int domain)
{
	unsigned int pages = world.plan.v[PLAN_pages], run = 0, at = sim_rnd(pages);

	for (unsigned int i = 0; i < 2 * pages; i++, at++) {
		enum page_state s;

		if (at == pages) {
			at = 0;
			run = 0;
		}
		s = w->page[at].state;
		/* What is exposed in another domain is not mapped in this one: who reaches it, and
		 * by which, could not be told apart. */
		run = s == PAGE_FREE || (s == PAGE_EXPOSED && w->page[at].domain == domain) ? run + 1 : 0;
		if (run == n)
			return (int)(at + 1 - n);
	}
	return -1;
}
