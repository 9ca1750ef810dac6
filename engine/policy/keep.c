/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Kept mappings (persistent.h): their hash table, their order, evictions and drains.
 */
#include <errno.h>
#include <sched.h>

#include <rte_pause.h>

#include "../base/heap.h"
#include "../base/deadline.h"
#include "../base/epoch.h"
#include "../base/mem.h"
#include "persistent.h"
#include "../inval/inval.h"
#include "../window/window.h"

#define HEADS (2 * KEEP_LIMIT)

/* Spread by multiplication (2^64 / golden ratio); the upper bits are the best mixed. */
static uint32_t *
head_of(struct keep *k, uint64_t key)
{
	return &k->head[key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - 16)];
}
_Static_assert(HEADS == 1u << 16, "16 bits of the product");

void
keep_enter_slow(struct keep *k)
{
	do {
		keep_exit(k);
		while (__atomic_load_n(&k->closed, __ATOMIC_ACQUIRE) != 0) /* 4 */
			sched_yield();
		RELAXED_SET(k->busy, 1);
		atomic_thread_fence(memory_order_seq_cst);
	} while (__atomic_load_n(&k->closed, __ATOMIC_ACQUIRE) != 0);
}

/* 4, for a drain, under keep_domain.lock. @return 0, -ETIMEDOUT, -ENOTSUP. */
static int
keep_close(struct keep *k, const struct sluice_iommu *iommu)
{
	struct deadline end = deadline_begin(&iommu->clock, 2 * iommu->sync_timeout);

	__atomic_store_n(&k->closed, 1, __ATOMIC_RELAXED);
	if (epoch_barrier() != 0) {
		__atomic_store_n(&k->closed, 0, __ATOMIC_RELEASE);
		return -ENOTSUP;
	}
	while (__atomic_load_n(&k->busy, __ATOMIC_ACQUIRE) != 0) {
		sched_yield();
		/* The worker may be in an eviction, which waits for hardware, but no longer than
		 * this. */
		if (deadline_passed(&end)) {
			__atomic_store_n(&k->closed, 0, __ATOMIC_RELEASE);
			return -ETIMEDOUT;
		}
	}
	return 0;
}

static void
keep_open(struct keep *k)
{
	__atomic_store_n(&k->closed, 0, __ATOMIC_RELEASE);
}

/* A stale window of @p ticks ended. */
static void
note_stale(struct sluice_domain *d, struct keep *k, uint64_t ticks)
{
	struct keep_domain *kd = d->priv;
	uint32_t gen = RELAXED_GET(kd->gen);

	if (__builtin_expect(k->gen != gen, 0)) {
		sluice_hist_reset(&k->stale);
		STAT_SET(k->gen, gen);
	}
	sluice_hist_add(&k->stale, sluice_clock_to_ns(&d->iommu->clock, ticks));
	if (ticks > atomic_load_explicit(&d->flush.deadline, memory_order_relaxed))
		STAT_ADD(k->misses, 1);
}

/* 5: what is cleared was the oldest when it was evicted. */
static void
note_oldest(struct keep *k)
{
	uint32_t i = k->cleared != KEEP_NIL ? k->cleared : k->oldest;

	STAT_SET(k->since, i == KEEP_NIL ? 0 : k->node[i].since);
}

/* Take a node out of the order. */
static void
unlink_order(struct keep *k, uint32_t i)
{
	const struct keep_node *n = &k->node[i];

	if (n->newer != KEEP_NIL)
		k->node[n->newer].older = n->older;
	else
		k->newest = n->older;
	if (n->older != KEEP_NIL)
		k->node[n->older].newer = n->newer;
	else
		k->oldest = n->newer;
	if (n->older == KEEP_NIL)
		note_oldest(k);
	k->n--;
	STAT_SET(k->pages, k->pages - n->pages);
}

static void
node_free(struct keep *k, uint32_t i)
{
	k->node[i].chain = k->free;
	k->free = i;
}

uint32_t
keep_find(struct sluice_domain *d, struct keep *k, uint64_t key)
{
	uint32_t *link = head_of(k, key);

	for (; *link != 0; link = &k->node[*link - 1].chain) {
		uint32_t i = *link - 1;

		if (k->node[i].key != key)
			continue;
		*link = k->node[i].chain;
		unlink_order(k, i);
		note_stale(d, k, sluice_clock_ticks(&d->iommu->clock) - k->node[i].since);
		STAT_ADD(k->reused, 1);
		node_free(k, i);
		return k->node[i].pfn;
	}
	return KEEP_NIL;
}

void
keep_add(struct sluice_domain *d, struct keep *k, uint64_t key, uint32_t pfn, uint32_t pages)
{
	uint32_t i = k->free, *head = head_of(k, key);
	struct keep_node *n;

	if (i != KEEP_NIL)
		k->free = k->node[i].chain;
	else
		i = k->fresh++;
	n = &k->node[i];
	*n = (struct keep_node){ .key = key, .since = sluice_clock_ticks(&d->iommu->clock),
				 .pfn = pfn, .pages = pages, .chain = *head,
				 .newer = KEEP_NIL, .older = k->newest };
	*head = i + 1;
	if (k->newest != KEEP_NIL) {
		k->node[k->newest].newer = i;
	} else {
		k->oldest = i;
		note_oldest(k);
	}
	k->newest = i;
	k->n++;
	if (k->n + k->nb_cleared > k->most)
		STAT_SET(k->most, k->n + k->nb_cleared);
	STAT_SET(k->pages, k->pages + pages);
	STAT_ADD(k->kept, 1);
}

/* 5: take the oldest out of table and order, and clear its entries. */
static struct sluice_inv
clear_oldest(struct sluice_domain *d, struct keep *k)
{
	uint32_t i = k->oldest, *link = head_of(k, k->node[i].key);
	struct keep_node *n = &k->node[i];

	while (*link != i + 1)
		link = &k->node[*link - 1].chain;
	*link = n->chain;
	STAT_ADD(k->cleared_pages, n->pages); /* first: what is exposed is never counted too low */
	unlink_order(k, i);
	pte_run_clear(domain_pte(d, n->pfn), n->pages);
	n->chain = KEEP_NIL;
	if (k->cleared == KEEP_NIL)
		k->cleared = i;
	else
		k->node[k->cleared_last].chain = i;
	k->cleared_last = i;
	k->nb_cleared++;
	note_oldest(k);
	return (struct sluice_inv){ .head = d->inv_leaf, .pages = PT_INV_PAGES(n->pages),
				    .iova = d->iova_base + ((uint64_t)n->pfn << PT_SHIFT) };
}

/* 5: nothing that is cleared can be reached any more. @return how many that were. */
static uint32_t
release_cleared(struct sluice_domain *d, struct dom_lcore *dl)
{
	struct keep *k = dl->priv;
	uint64_t now = sluice_clock_ticks(&d->iommu->clock);
	uint32_t n = k->nb_cleared, next;

	for (uint32_t i = k->cleared; i != KEEP_NIL; i = next) {
		const struct keep_node *at = &k->node[i];

		next = at->chain;
		note_stale(d, k, now - at->since);
		window_free(d, dl, at->pfn, at->pages);
		node_free(k, i);
	}
	k->cleared = KEEP_NIL;
	k->nb_cleared = 0;
	STAT_SET(k->cleared_pages, 0);
	note_oldest(k);
	STAT_ADD(k->evicted, n);
	return n;
}

int
keep_evict(struct sluice_domain *d, struct dom_lcore *dl, uint32_t max)
{
	struct keep *k = dl->priv;
	struct sluice_inv inv[SLUICE_INV_BURST];
	bool again = k->nb_cleared != 0;
	uint32_t n = 0;
	int ret;

	while (n < max && n < SLUICE_INV_BURST && k->n != 0)
		inv[n++] = clear_oldest(d, k);
	if (k->nb_cleared == 0)
		return 0;
	if (again || n > DOM_CONF(d, range_max)) {
		inv[0] = domain_inv_all(d);
		n = 1;
	}
	ret = domain_inv_sync(d, inv, n);
	STAT_ADD(dl->st.invs, n);
	STAT_ADD(dl->st.syncs, 1);
	if (ret != 0) {
		STAT_ADD(k->errors, 1);
		return ret;
	}
	return (int)release_cleared(d, dl);
}

static int
evict_all(struct sluice_domain *d, struct dom_lcore *dl)
{
	int ret;

	do {
		ret = keep_evict(d, dl, SLUICE_INV_BURST);
	} while (ret > 0);
	return ret;
}

/* @p share: also move the IOVAs that workers have in stock to the shared space. */
static int
drain(struct sluice_domain *d, bool share)
{
	struct keep_domain *kd = d->priv;
	int ret = 0;

	pthread_mutex_lock(&kd->lock);
	for (struct keep *k = kd->all; k != NULL && ret == 0; k = k->next) {
		ret = keep_close(k, d->iommu);
		if (ret != 0)
			break;
		ret = evict_all(d, k->dl);
		for (unsigned int o = 0; share && o < IOVA_ORDERS; o++)
			iova_mag_flush(&d->iova, &k->dl->mag[o], o);
		keep_open(k);
	}
	pthread_mutex_unlock(&kd->lock);
	return ret;
}

int
keep_drain(struct sluice_domain *d)
{
	int ret = drain(d, false);

	if (ret == 0)
		return 0;
	return ret == -ENOTSUP ? epoch_refused() :
				 sluice_fail(-ret, "what was kept could not be invalidated");
}

int
keep_rollover(struct sluice_domain *d)
{
	return drain(d, true);
}

static void
free_keep(struct keep *k)
{
	if (k == NULL)
		return;
	sluice_host_free(k->head, HEADS * sizeof(*k->head));
	sluice_host_free(k->node, KEEP_LIMIT * sizeof(*k->node));
	heap_free(k);
}

int
keep_worker_init(struct sluice_domain *d, struct dom_lcore *dl, unsigned int lcore)
{
	struct keep *k = heap_zalloc_socket("sluice_keep", sizeof(*k), RTE_CACHE_LINE_SIZE,
					    (int)rte_lcore_to_socket_id(lcore));
	struct keep_domain *kd = d->priv;

	if (k == NULL)
		return sluice_fail(ENOMEM, "no memory for what it keeps in DPDK's heap");
	k->head = sluice_host_alloc(HEADS * sizeof(*k->head));
	k->node = sluice_host_alloc(KEEP_LIMIT * sizeof(*k->node));
	if (k->head == NULL || k->node == NULL) {
		free_keep(k);
		return sluice_fail(ENOMEM, "the system has no memory for %u kept mappings",
				   KEEP_LIMIT);
	}
	k->free = k->oldest = k->newest = k->cleared = KEEP_NIL;
	k->gen = kd->gen;
	k->dl = dl;
	dl->priv = k;
	pthread_mutex_lock(&kd->lock);
	k->next = kd->all;
	kd->all = k;
	pthread_mutex_unlock(&kd->lock);
	return 0;
}

int
keep_worker_leave(struct sluice_domain *d, struct dom_lcore *dl)
{
	struct keep_domain *kd = d->priv;
	int ret;

	/* A drain came before; this takes what was unmapped since. */
	pthread_mutex_lock(&kd->lock);
	ret = evict_all(d, dl);
	pthread_mutex_unlock(&kd->lock);
	return ret;
}

void
keep_worker_fini(struct sluice_domain *d, struct dom_lcore *dl)
{
	struct keep_domain *kd = d->priv;
	struct keep *k = dl->priv, **link;

	if (k == NULL)
		return;
	pthread_mutex_lock(&kd->lock);
	for (link = &kd->all; *link != k; link = &(*link)->next)
		;
	*link = k->next;
	pthread_mutex_unlock(&kd->lock);
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		iova_mag_flush(&d->iova, &dl->mag[o], o);
	keep_gone(kd, k);
	free_keep(k);
	dl->priv = NULL;
}
