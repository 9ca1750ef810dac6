/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Pools of shadow memory (copypool.h): how they are made and given to workers, and where a slot
 * comes from when a list is empty.
 */
#include <errno.h>

#include "../base/heap.h"
#include "../base/mem.h"
#include "../window/stock.h"
#include "copypool.h"
#include "../window/window.h"

static const uint8_t class_pages[COPYPOOL_CLASSES] = { 1, 2, 5, 9, COPYPOOL_PAGES };

static int
init(struct sluice_domain *d, bool mapped)
{
	struct copypool_domain *sd = heap_zalloc("sluice_copypool", sizeof(*sd), 0);

	if (sd == NULL)
		return -ENOMEM;
	if (mapped) {
		sd->by_chunk_size = d->nb_pages / IOVA_CHUNK_PAGES * sizeof(*sd->by_chunk);
		sd->by_chunk = sluice_host_alloc(sd->by_chunk_size);
		if (sd->by_chunk == NULL) {
			heap_free(sd);
			return -ENOMEM;
		}
	}
	d->priv = sd;
	return 0;
}

int
copypool_init_mapped(struct sluice_domain *d)
{
	return init(d, true);
}

int
copypool_init_unmapped(struct sluice_domain *d)
{
	return init(d, false);
}

static void
pool_free(struct sluice_domain *d, struct copypool *s)
{
	sluice_mem_free(d->iommu->mem, s->va, (size_t)s->pages << PT_SHIFT);
	sluice_host_free(s->slot, s->slots_size);
	heap_free(s);
}

void
copypool_fini(struct sluice_domain *d)
{
	struct copypool_domain *sd = d->priv;
	struct copypool *s, *next;

	if (sd == NULL)
		return;
	for (s = atomic_load_explicit(&sd->pools, memory_order_relaxed); s != NULL; s = next) {
		next = atomic_load_explicit(&s->next, memory_order_relaxed);
		pool_free(d, s);
	}
	sluice_host_free((void *)sd->by_chunk, sd->by_chunk_size);
	heap_free(sd);
	d->priv = NULL;
}

/* 3: map the pool at its two places in the window. @return 0; -errno with the reason said. */
static int
pool_map(struct sluice_domain *d, struct copypool *s, struct copypool **by_chunk)
{
	uint32_t side = RTE_ALIGN_CEIL(s->pages, IOVA_CHUNK_PAGES), pfn;
	int ret = iova_run_get(&d->iova, 2 * side, &pfn);

	if (ret != 0) {
		/* Chunks may become whole with what idle workers have in stock (A20). */
		stock_take_all(d);
		ret = iova_run_get(&d->iova, 2 * side, &pfn);
	}
	if (ret != 0)
		return sluice_fail(-ret, ret == -ENOMEM ?
				   "the IOMMU's memory is too small for page tables of %u KiB of "
				   "copy pool" :
				   "the IOVA window is too small, or too full, for %u KiB of copy "
				   "pool, twice", s->pages << (PT_SHIFT - 10));
	for (unsigned int w = 0; w < 2; w++) {
		uint64_t attr = d->pte_attr[w ? SLUICE_RW : SLUICE_READ];
		uint32_t at = pfn + w * side;

		s->iova[w] = d->iova_base + ((uint64_t)at << PT_SHIFT);
		for (uint32_t i = 0; i < s->pages; i++)
			pte_store(domain_pte(d, at + i), (s->pa + ((uint64_t)i << PT_SHIFT)) | attr);
	}
	for (uint32_t i = 0; i < 2 * side; i += IOVA_CHUNK_PAGES)
		by_chunk[(pfn + i) / IOVA_CHUNK_PAGES] = s;
	s->by_chunk = by_chunk;
	return 0;
}

static int
pool_make(struct sluice_domain *d, struct copypool_domain *sd, unsigned int lcore,
	  struct copypool **out)
{
	struct copypool *s = heap_zalloc_socket("sluice_copypool", sizeof(*s), RTE_CACHE_LINE_SIZE,
					      (int)rte_lcore_to_socket_id(lcore));
	int ret = 0;

	if (s == NULL)
		return sluice_fail(ENOMEM, "no memory for a copy pool in DPDK's heap");
	s->span = sluice_mem_span(d->iommu->mem);
	s->pages = (uint32_t)((d->conf.copy_pool + PT_OFFSET) >> PT_SHIFT);
	s->slots_size = s->pages * sizeof(*s->slot);
	s->slot = sluice_host_alloc(s->slots_size);
	if (s->slot == NULL)
		ret = sluice_fail(ENOMEM, "the system has no memory for the slots of a copy pool");
	if (ret == 0)
		s->va = sluice_mem_alloc(d->iommu->mem, (size_t)s->pages << PT_SHIFT, PT_PAGE, &s->pa);
	if (ret == 0 && s->va == NULL)
		ret = sluice_fail(ENOMEM, "copy pool: %s", sluice_error());
	if (ret == 0 && sd->by_chunk != NULL)
		ret = pool_map(d, s, sd->by_chunk);
	if (ret != 0) {
		pool_free(d, s);
		return ret;
	}
	for (uint32_t i = 0; i < s->pages; i++)
		s->slot[i] = (struct copypool_slot){ .class = COPYPOOL_UNCUT,
						   .page = i,
						   .home = s,
						   .va = s->va + ((size_t)i << PT_SHIFT),
						   .pa = s->pa + ((uint64_t)i << PT_SHIFT) };
	*out = s;
	return 0;
}

int
copypool_worker_init(struct sluice_domain *d, struct dom_lcore *dl, unsigned int lcore)
{
	struct copypool_domain *sd = d->priv;
	struct copypool *first = atomic_load_explicit(&sd->pools, memory_order_relaxed), *s;
	int ret;

	/* 5: a pool that no worker has. */
	for (s = first; s != NULL; s = atomic_load_explicit(&s->next, memory_order_relaxed))
		if (!s->taken)
			break;
	if (s == NULL) {
		ret = pool_make(d, sd, lcore, &s);
		if (ret != 0)
			return ret;
		atomic_store_explicit(&s->next, first, memory_order_relaxed);
		/* release: pairs with the acquire in copypool_find_pa(), which sees the pool
		 * complete. */
		atomic_store_explicit(&sd->pools, s, memory_order_release);
	}
	s->taken = true;
	dl->priv = s;
	return 0;
}

void
copypool_worker_fini(struct sluice_domain *d, struct dom_lcore *dl)
{
	struct copypool *s = dl->priv;

	(void)d;
	if (s != NULL)
		s->taken = false;
	dl->priv = NULL;
}

static struct copypool_slot *
cut(struct copypool *s, unsigned int class)
{
	struct copypool_slot *p = &s->slot[s->cut];
	uint32_t n = class_pages[class];

	if (n > s->pages - s->cut)
		return NULL;
	p->class = (uint8_t)class;
	for (uint32_t i = 1; i < n; i++) {
		p[i].class = COPYPOOL_INSIDE;
		p[i].next = p;
	}
	STAT_SET(s->cut, s->cut + n);
	return p;
}

struct copypool_slot *
copypool_take_slow(struct copypool *s, unsigned int class)
{
	/* acquire: pairs with the release in copypool_put(). */
	struct copypool_slot *p = atomic_exchange_explicit(&s->returned, NULL, memory_order_acquire);

	while (p != NULL) {
		struct copypool_slot *next = p->next;

		p->next = s->free[p->class];
		s->free[p->class] = p;
		p = next;
	}
	if (s->free[class] == NULL && (p = cut(s, class)) != NULL)
		return p;
	for (; class < COPYPOOL_CLASSES; class++) {
		p = s->free[class];
		if (p != NULL) {
			s->free[class] = p->next;
			return p;
		}
	}
	return NULL;
}

struct copypool_slot *
copypool_find_pa(const struct sluice_domain *d, uint64_t pa)
{
	const struct copypool_domain *sd = d->priv;
	struct copypool *s = atomic_load_explicit(&sd->pools, memory_order_acquire);

	for (; s != NULL; s = atomic_load_explicit(&s->next, memory_order_relaxed)) {
		uint64_t page = (pa - s->pa) >> PT_SHIFT;

		if (page < s->pages)
			return s->slot[page].class < COPYPOOL_CLASSES ? &s->slot[page] : NULL;
	}
	return NULL;
}

void
copypool_stats(const struct sluice_domain *d, struct sluice_domain_stats *st)
{
	const struct copypool_domain *sd = d->priv;
	const struct copypool *s = atomic_load_explicit(&sd->pools, memory_order_acquire);

	for (; s != NULL; s = atomic_load_explicit(&s->next, memory_order_relaxed)) {
		st->copies += STAT_GET(s->copies);
		st->copy_bytes += STAT_GET(s->bytes);
		st->copy_large += STAT_GET(s->large);
		st->copy_empty += STAT_GET(s->empty);
		st->kept_bytes += (uint64_t)s->pages << PT_SHIFT;
	}
}
