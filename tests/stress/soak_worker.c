/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The soak's workers: map, unmap in every way there is, take cookies or leave them.
 */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>

#include "soak.h"

static unsigned int
index_of(const struct worker *w, const struct page *p)
{
	return (w->id - 1) * SOAK_PAGES + (unsigned int)(p - w->page);
}

static void
own(struct worker *w, struct page *p, bool owned)
{
	__atomic_store_n(&soak.owned[index_of(w, p)], owned, __ATOMIC_SEQ_CST);
	if (!owned)
		p->state = PAGE_FREE;
}

void
worker_released(struct worker *w, unsigned int slot, bool gone)
{
	for (unsigned int i = 0; i < SOAK_PAGES; i++) {
		struct page *p = &w->page[i];

		if (p->state == PAGE_FREE || p->slot != slot)
			continue;
		if (gone || p->state == PAGE_LIMBO)
			own(w, p, false);
	}
}

/* Does the policy in force promise that what is unmapped cannot be reached any more? */
static bool
promises(const struct sluice_domain *d)
{
	return strcmp(sluice_domain_policy(d), "deferred") != 0;
}

static void
map(struct worker *w, struct domain *dom, unsigned int slot, struct page *p)
{
	uint64_t pa = soak.pa + index_of(w, p) * UINT64_C(4096);
	int ret;

	own(w, p, true);
	ret = sluice_map(dom->d, pa, 4096, soak_rnd(&w->rng) % 4 ? SLUICE_RW : SLUICE_READ, &p->iova);
	if (ret != 0) {
		SOAK_CHECK(ret == -ENOSPC || ret == -ENOMEM, "map: %d", ret);
		own(w, p, false);
		return;
	}
	p->slot = slot;
	p->state = PAGE_MAPPED;
	atomic_fetch_add(&dom->maps, 1);
	atomic_store(&soak.recent[w->id - 1][soak_rnd(&w->rng) % SOAK_RECENT], p->iova);
}

/* Cookies come in order; each frees its page. */
static void
take(struct worker *w, struct domain *dom, unsigned int slot, unsigned int most)
{
	uint64_t cookie[16];
	unsigned int n = sluice_unmap_completed(dom->d, cookie, most < 16 ? most : 16);

	for (unsigned int i = 0; i < n; i++) {
		struct page *p = &w->page[cookie[i] % SOAK_PAGES];

		SOAK_CHECK(p->state == PAGE_ASYNC && p->slot == slot &&
			   p->order == w->taken[slot], "a cookie out of order");
		w->taken[slot]++;
		atomic_fetch_add(&dom->cookies_taken, 1);
		own(w, p, false);
	}
}

static void
unmap(struct worker *w, struct domain *dom, unsigned int slot, struct page *p)
{
	uint64_t began = atomic_load(&dom->changes);
	bool sure = promises(dom->d);
	bool later = soak_rnd(&w->rng) % 3 != 0;
	int ret;

	p->order = w->order[slot];
	ret = later ? sluice_unmap_async(dom->d, p->iova, 4096, (uint64_t)(p - w->page)) :
		      sluice_unmap(dom->d, p->iova, 4096);
	switch (ret) {
	case 1:
		p->state = PAGE_ASYNC;
		w->order[slot]++;
		atomic_fetch_add(&dom->unmaps, 1);
		atomic_fetch_add(&dom->cookies_given, 1);
		break;
	case 0:
		atomic_fetch_add(&dom->unmaps, 1);
		sure &= promises(dom->d) && (began & 1) == 0 && atomic_load(&dom->changes) == began;
		p->state = PAGE_LIMBO;
		if (sure)
			own(w, p, false);
		break;
	case -EAGAIN: /* nothing changed */
		atomic_fetch_add(&dom->errors, 1);
		take(w, dom, slot, 16);
		break;
	default:
		SOAK_CHECK(ret == -ETIMEDOUT || ret == -EIO, "unmap: %d", ret);
		atomic_fetch_add(&dom->errors, 1);
		atomic_fetch_add(&dom->uncertain, 1);
		/* Not ours until the domain is gone: as if it had a cookie that never comes. */
		p->state = PAGE_ASYNC;
		p->order = UINT64_MAX;
	}
}

void
worker_op(struct worker *w)
{
	unsigned int slot = (unsigned int)(soak_rnd(&w->rng) % SOAK_DOMAINS);
	struct page *p = &w->page[soak_rnd(&w->rng) % SOAK_PAGES];
	struct domain *dom;

	RTE_PER_LCORE(_lcore_id) = w->id;
	if (p->state != PAGE_FREE)
		slot = p->slot;
	dom = &soak.dom[slot];
	pthread_rwlock_rdlock(&dom->lock);
	if (dom->d == NULL)
		goto out;
	w->ops++;
	switch (atomic_load(&p->state)) {
	case PAGE_FREE:
		map(w, dom, slot, p);
		break;
	case PAGE_MAPPED:
		unmap(w, dom, slot, p);
		break;
	case PAGE_ASYNC: /* with a taste for leaving them */
		if (soak_rnd(&w->rng) % 4 == 0)
			take(w, dom, slot, 1 + (unsigned int)(soak_rnd(&w->rng) % 16));
		else if (soak_rnd(&w->rng) % 8 == 0)
			sluice_unmap_kick(dom->d);
		break;
	case PAGE_LIMBO:
		if (soak_rnd(&w->rng) % 16 == 0 && sluice_domain_drain(dom->d) == 0)
			worker_released(w, slot, false);
	}
out:
	pthread_rwlock_unlock(&dom->lock);
}
