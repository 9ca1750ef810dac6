/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * rollover, the policy without timer or queue: IOVAs in order, one flush per wrap. rollover.h
 * explains it. Here are the calls of workers, and the control path.
 */
#include <errno.h>
#include <sched.h>

#include "../base/heap.h"
#include "rollover.h"
#include "../flush/flush.h"
#include "../window/window.h"
#include "policy.h"

/* ---- worker ---------------------------------------------------------------------------------- */

void
ro_enter_slow(struct ro_worker *w)
{
	do {
		ro_exit(w);
		while (__atomic_load_n(&w->closed, __ATOMIC_ACQUIRE) != 0) /* 7 */
			sched_yield();
		RELAXED_SET(w->busy, 1);
		atomic_thread_fence(memory_order_seq_cst);
	} while (__atomic_load_n(&w->closed, __ATOMIC_ACQUIRE) != 0);
}

void
ro_chunk_leave(struct rollover *s, struct ro_worker *w)
{
	uint64_t left = 0;

	w->word = 8;
	if (w->chunk == NO_CHUNK)
		return;
	for (unsigned int i = 0; i < 8; i++)
		left |= w->bits[i];
	/* Marked before it can be taken, so that the next snapshot looks at it. */
	if (left != 0)
		ro_touch(s->passed, w->chunk);
	ro_chunk_done(s, w->chunk);
	RELAXED_SET(w->chunk, NO_CHUNK);
}

/* The worker's chunk has no room for what it wants: get the next one. */
static int
chunk_next(struct sluice_domain *d, struct rollover *s, struct ro_worker *w)
{
	uint32_t chunk;
	int ret;

	ro_chunk_leave(s, w);
	ret = ro_chunk_get(d, w, &chunk);
	if (ret != 0)
		return ret;
	w->word = 0;
	for (unsigned int i = 0; i < 8; i++)
		w->bits[i] = ~atomic_load_explicit(&s->used[chunk].free[i], memory_order_relaxed);
	RELAXED_SET(w->chunk, chunk);
	return 0;
}

static int
page_get(struct sluice_domain *d, struct rollover *s, struct ro_worker *w, uint32_t *pfn)
{
	for (;;) {
		for (; w->word < 8; w->word++) {
			uint64_t bits = w->bits[w->word];

			if (bits == 0)
				continue;
			*pfn = w->chunk * IOVA_CHUNK_PAGES + w->word * 64 +
			       (uint32_t)__builtin_ctzll(bits);
			w->bits[w->word] = bits & (bits - 1);
			return 0;
		}
		int ret = chunk_next(d, s, w);

		if (ret != 0)
			return ret;
	}
}

/* Get up to a chunk of pages in a row; pages before them are passed over. Every chunk may have free
 * pages and none of them so many in a row: after a few rounds this is given up. */
static int
run_get(struct sluice_domain *d, struct rollover *s, struct ro_worker *w, uint32_t pages,
	uint32_t *pfn)
{
	uint64_t last = ro_round(s) + ROLLOVER_WRAPS;

	for (;;) {
		uint32_t n = 0;

		for (uint32_t i = w->word * 64; i < IOVA_CHUNK_PAGES; i++) {
			n = (w->bits[i / 64] >> (i % 64)) & 1 ? n + 1 : 0;
			if (n < pages)
				continue;
			*pfn = w->chunk * IOVA_CHUNK_PAGES + i + 1 - pages;
			w->word = i / 64;
			w->bits[w->word] &= ~UINT64_C(1) << (i % 64);
			return 0;
		}
		if (ro_round(s) > last)
			return -ENOSPC;
		int ret = chunk_next(d, s, w);

		if (ret != 0)
			return ret;
	}
}

static int
map_fail(struct dom_lcore *dl, int ret)
{
	STAT_ADD(dl->st.map_errors, 1);
	return ret;
}

static int
map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
    struct dom_lcore *dl)
{
	uint64_t pages = pt_pages(pa, len);
	struct rollover *s = d->priv;
	struct ro_worker *w = dl->priv;
	uint32_t pfn, first, n;
	int ret;

	/* The same checks as in map.c. */
	if (len - 1 >= PT_MAX_LEN || prot > 3 || d->pte_attr[prot] == 0 ||
	    pa >= d->pa_limit || len > d->pa_limit - pa)
		return map_fail(dl, -EINVAL);
	if (pages == 1) {
		ret = page_get(d, s, w, &pfn);
		return ret != 0 ? map_fail(dl, ret) :
				  window_set_one(d, dl, pfn, pa, len, d->pte_one[prot], iova);
	}
	if (pages <= IOVA_CHUNK_PAGES) {
		ret = run_get(d, s, w, (uint32_t)pages, &pfn);
		return ret != 0 ? map_fail(dl, ret) :
				  window_set_run(d, dl, pfn, (uint32_t)pages, pa, len, prot, iova);
	}
	n = (uint32_t)((pages + IOVA_CHUNK_PAGES - 1) / IOVA_CHUNK_PAGES);
	ret = ro_row_get(d, w, n, &first);
	if (ret == -ENOSPC && w->chunk != NO_CHUNK) {
		/* This worker's own chunk may be what interrupts the row. */
		ro_chunk_leave(s, w);
		ret = ro_row_get(d, w, n, &first);
	}
	if (ret != 0)
		return map_fail(dl, ret);
	ret = window_set_run(d, dl, first * IOVA_CHUNK_PAGES, (uint32_t)pages, pa, len, prot, iova);
	/* The last chunk may have unused pages. */
	ro_touch(s->passed, first + n - 1);
	while (n > 0)
		ro_chunk_done(s, first + --n);
	return ret;
}

static int
rollover_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
	     struct dom_lcore *dl)
{
	int ret;

	ro_enter(dl->priv);
	ret = map(d, pa, len, prot, iova, dl);
	ro_exit(dl->priv);
	return ret;
}

/* Clear all but one page, and find errors. @return pages, or -errno. */
static __rte_noinline int64_t
clear_slow(struct sluice_domain *d, uint64_t iova, size_t len)
{
	uint64_t pfn = (iova - d->iova_base) >> PT_SHIFT, pages = pt_pages(iova, len);
	uint32_t at, n;
	uint64_t *pte;
	int ret;

	if (pages <= 1 || pages > IOVA_CHUNK_PAGES || pfn >= d->nb_pages) {
		ret = window_clear_slow(d, iova, len, &at, &n);
		return ret != 0 ? ret : (int64_t)n;
	}
	pte = domain_leaf(d, (uint32_t)pfn);
	if (pte == NULL)
		return -ENOENT;
	pte += pfn % IOVA_CHUNK_PAGES;
	/* With this policy a mapping may lie anywhere in its chunk. */
	if (pfn % IOVA_CHUNK_PAGES + pages > IOVA_CHUNK_PAGES ||
	    !pte_run_check(pte, (uint32_t)pages, true, true))
		return pte_load(pte) == 0 ? -ENOENT : -EINVAL;
	if (!name_claim(d->names, pfn, name_of_run(iova, len, pages)))
		return name_error(d->names, pfn);
	for (uint64_t i = 0; i < pages; i++) /* rel-entry */
		atomic_store_explicit((_Atomic uint64_t *)&pte[i], 0, memory_order_release);
	return (int64_t)pages;
}

/* Check and clear. @return pages, or -errno. */
static inline int64_t
clear(struct sluice_domain *d, uint64_t iova, size_t len)
{
	uint64_t pfn = window_pfn(d, iova, len), *pte;

	if (__builtin_expect(pfn >= d->nb_pages ||
			     !name_claim(d->names, pfn, name_of(iova, len)), 0))
		return clear_slow(d, iova, len);
	pte = domain_leaf(d, (uint32_t)pfn);
	if (__builtin_expect(pte == NULL, 0))
		return -ENOENT; /* for the same reason as in window_clear_one() */
	atomic_store_explicit((_Atomic uint64_t *)&pte[pfn % IOVA_CHUNK_PAGES], 0,
			      memory_order_release); /* rel-entry */
	return 1;
}

static int
rollover_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	struct ro_worker *w = dl->priv;
	uint32_t chunk = (uint32_t)((iova - d->iova_base) >> PT_CHUNK_SHIFT);
	int64_t pages;

	ro_enter(w);
	pages = clear(d, iova, len);
	if (pages < 0) {
		STAT_ADD(dl->st.unmap_errors, 1);
		ro_exit(w);
		return (int)pages;
	}
	ro_touch(w->touched, chunk);
	for (int64_t i = IOVA_CHUNK_PAGES; __builtin_expect(i < pages, 0); i += IOVA_CHUNK_PAGES)
		ro_touch(w->touched, ++chunk);
	ro_exit(w);
	STAT_ADD(dl->st.unmaps, 1);
	STAT_ADD(dl->st.unmap_more, (uint64_t)pages - 1);
	STAT_ADD(w->more, (uint64_t)pages - 1);
	/* Only this worker writes it. */
	atomic_store_explicit(&w->tail, atomic_load_explicit(&w->tail, memory_order_relaxed) + 1,
			      memory_order_release); /* rel-count */
	return 0;
}

/* ---- control --------------------------------------------------------------------------------- */

static void
rollover_fini(struct sluice_domain *d)
{
	struct rollover *s = d->priv;

	if (s == NULL)
		return;
	/* The hardware does not use the domain any more. */
	while (s->nb_retired > 0)
		pgtable_table_free(&d->pt, s->retired[--s->nb_retired]);
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++) {
		struct ro_worker *w = atomic_load_explicit(&s->worker[i], memory_order_relaxed);

		if (w != NULL)
			sluice_host_free(w->touched, s->nb_chunks);
		heap_free(w);
	}
	sluice_host_free((void *)s->state, s->nb_chunks * sizeof(*s->state));
	sluice_host_free(s->used, s->nb_chunks * sizeof(*s->used));
	sluice_host_free(s->passed, s->nb_chunks);
	sluice_host_free((void *)s->retired, s->nb_chunks * sizeof(*s->retired));
	heap_free(s);
	d->priv = NULL;
}

static int
rollover_init(struct sluice_domain *d)
{
	struct rollover *s = heap_zalloc("sluice_rollover", sizeof(*s), RTE_CACHE_LINE_SIZE);

	if (s == NULL)
		return -ENOMEM;
	d->priv = s;
	s->nb_chunks = d->iova.nb_chunks;
	s->state = sluice_host_alloc(s->nb_chunks * sizeof(*s->state)); /* READY for round 0 */
	s->used = sluice_host_alloc(s->nb_chunks * sizeof(*s->used));   /* with nothing mapped */
	s->passed = sluice_host_alloc(s->nb_chunks);
	s->retired = sluice_host_alloc(s->nb_chunks * sizeof(*s->retired));
	if (s->state == NULL || s->used == NULL || s->passed == NULL || s->retired == NULL) {
		rollover_fini(d);
		return -ENOMEM;
	}
	/* This policy owns the whole window, so the shared space must have no chunk to give. */
	while (bitset_take(&d->iova.uncut, 0) != BITSET_NONE)
		;
	return 0;
}

static struct ro_worker *
worker_make(const struct rollover *s, unsigned int lcore)
{
	struct ro_worker *w = heap_zalloc_socket("sluice_ro_worker", sizeof(*w), RTE_CACHE_LINE_SIZE,
						 (int)rte_lcore_to_socket_id(lcore));

	if (w == NULL)
		return NULL;
	w->touched = sluice_host_alloc(s->nb_chunks);
	if (w->touched == NULL) {
		heap_free(w);
		return NULL;
	}
	w->chunk = NO_CHUNK;
	return w;
}

static int
rollover_worker_init(struct sluice_domain *d, struct dom_lcore *dl, unsigned int lcore)
{
	struct rollover *s = d->priv;
	struct ro_worker *w = atomic_load_explicit(&s->worker[lcore], memory_order_relaxed);

	if (w == NULL) {
		w = worker_make(s, lcore);
		if (w == NULL)
			return sluice_fail(ENOMEM, "no memory for marks of %u chunks of the IOVA "
					   "window, in DPDK's heap or the system", s->nb_chunks);
		/* release: pairs with the acquire of worker() in rollover_wrap.c. */
		atomic_store_explicit(&s->worker[lcore], w, memory_order_release);
	}
	w->word = 8;
	w->more = 0;
	atomic_store_explicit(&w->tail, 0, memory_order_relaxed);
	w->seen = w->sealed = w->sealed_more = w->released = w->released_more = w->gap = 0;
	w->nb_notes = 0;
	w->look_time = sluice_clock_ticks(&d->iommu->clock);
	dl->priv = w;
	return 0;
}

static void
rollover_worker_fini(struct sluice_domain *d, struct dom_lcore *dl)
{
	struct ro_worker *w = dl->priv;

	ro_enter(w);
	ro_chunk_leave(d->priv, w);
	ro_exit(w);
	dl->priv = NULL;
}

static void
rollover_stats(const struct sluice_domain *d, struct sluice_domain_stats *st)
{
	const struct rollover *s = d->priv;

	flush_own_stats(d, st, STAT_GET(s->released), STAT_GET(s->released_pages));
}

const struct policy_ops policy_rollover = {
	.name = "rollover",
	.type = SLUICE_DOMAIN_PAGING,
	.plain = true,
	.deferred = true,
	.flush_waits = true,
	.map = rollover_map,
	.unmap = rollover_unmap,
	.init = rollover_init,
	.fini = rollover_fini,
	.worker_init = rollover_worker_init,
	.worker_fini = rollover_worker_fini,
	.poll = rollover_poll,
	.stats = rollover_stats,
	.trim = rollover_trim,
};
