/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * sluice_domain_trim() gives memory of the page table back (A5): the last-level tables of those
 * parts of the window where nothing is mapped. An unmap never frees a table: the table stays with
 * its 2 MiB and waits for the next map. So the invalidation that must come before a table is freed
 * (Linux does it within the unmap) is done apart from the hot path, when the application asks.
 *
 * 1. Choose. The trim takes tables of chunks that are uncut (where pages are larger than 4 KiB, all
 *    chunks that share the table). Every IOVA of such a chunk is free, so all its flushes are
 *    complete. The thread that takes a chunk out of `uncut` owns it alone (iova.c, 3): meanwhile
 *    no other thread cuts it or maps there.
 * 2. Unlink. The chunk's pointer and the parent's entry are cleared. Then comes an invalidation of
 *    more than leaves, because the hardware's walk caches may know the table. The chunk goes back
 *    to `uncut` when the invalidation is complete, not before: a new table would not be found
 *    through a stale walk.
 * 3. Grace. A worker that unmaps what is not mapped (which ends in an error) may have loaded the
 *    chunk's pointer before it was cleared, and may look at the table later. After the clearing,
 *    epoch_barrier() makes every thread run a barrier, so a call that begins to look after it sees
 *    no table. A call that had begun before it is over when the worker's counters have moved, since
 *    every look ends in a step of one of them. Until every worker has moved or left, the tables are
 *    retired: not linked, not cached, not freed. The trimming thread itself is in no other call.
 * 4. A worker that makes no call holds the retired tables up, and nothing else: the next trim frees
 *    them, or the end of the domain. That, and the barrier's system call, is why no map trims by
 *    itself.
 */
#include <errno.h>
#include <stdlib.h>

#include "../base/deadline.h"
#include "../base/epoch.h"
#include "stock.h"
#include "trim.h"
#include "../inval/inval.h"
#include "leaf.h"
#include "../policy/policy.h"

#define BATCH    64u
#define GRACE_NS UINT64_C(1000000) /* how long to wait for workers to move */

struct trim {
	uint32_t n;
	bool fenced; /* calls that begin from now on find none of them (3) */
	uint32_t chunk[BATCH];
	uint64_t *table[BATCH];
	uint64_t moved[RTE_MAX_LCORE]; /* counters of each worker after the barrier */
};
_Static_assert(BATCH <= SLUICE_INV_BURST, "one submission");

/* Does a last-level table exist that holds the entries of the @p per chunks from @p c on? */
static bool
has_table(const struct sluice_domain *d, uint32_t c, uint32_t per)
{
	bool any = false;

	for (uint32_t i = 0; i < per; i++)
		any |= domain_leaf(d, (c + i) * IOVA_CHUNK_PAGES) != NULL;
	return any;
}

static void
chunks_put(struct sluice_domain *d, uint32_t c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		bitset_set(&d->iova.uncut, c + i);
	atomic_fetch_sub_explicit(&d->iova.away, n, memory_order_seq_cst);
}

/* 1. @return true: the caller owns all @p n chunks; false: it owns none of them. */
static bool
chunks_take(struct sluice_domain *d, uint32_t c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!bitset_test(&d->iova.uncut, c + i))
			return false;
	for (uint32_t i = 0; i < n; i++) {
		/* Counted before it is taken, so a map that misses the chunk sees why. */
		atomic_fetch_add_explicit(&d->iova.away, 1, memory_order_seq_cst);
		if (!bitset_clear(&d->iova.uncut, c + i)) {
			atomic_fetch_sub_explicit(&d->iova.away, 1, memory_order_seq_cst);
			chunks_put(d, c, i);
			return false;
		}
	}
	return true;
}

/* 1 and the first half of 2. */
static void
collect(struct sluice_domain *d, struct trim *t)
{
	uint32_t per = pt_format_chunks(d->pt.fmt);

	for (uint32_t c = 0; c < d->iova.nb_chunks && t->n < BATCH; c += per) {
		if (!has_table(d, c, per) || !chunks_take(d, c, per))
			continue;
		/* Only once they are taken: until then they may have been cut. */
		for (uint32_t i = 0; i < per; i++)
			atomic_store_explicit(&d->leaf[c + i], NULL, memory_order_release);
		t->chunk[t->n] = c;
		t->table[t->n++] = pgtable_leaf_unlink(&d->pt, domain_iova(d, c * IOVA_CHUNK_PAGES));
		t->fenced = false;
	}
}

/* Put the collected chunks back. */
static void
chunks_back(struct sluice_domain *d, const struct trim *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		chunks_put(d, t->chunk[i], pt_format_chunks(d->pt.fmt));
}

/* 2: link the tables again, as if no trim had begun. */
static void
relink(struct sluice_domain *d, struct trim *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		pgtable_leaf_relink(&d->pt, domain_iova(d, t->chunk[i] * IOVA_CHUNK_PAGES), t->table[i]);
		for (uint32_t j = 0; j < pt_format_chunks(d->pt.fmt); j++)
			atomic_store_explicit(&d->leaf[t->chunk[i] + j],
					      t->table[i] + j * IOVA_CHUNK_PAGES,
					      memory_order_release);
	}
	chunks_back(d, t);
	t->n = 0;
}

/* The worker's progress: each of its unmaps changes this after it has looked at a table. */
static uint64_t
moved(const struct dom_lcore *dl)
{
	return STAT_GET(dl->st.unmaps) + STAT_GET(dl->st.unmap_errors);
}

/* 2. @return 0, or an error of sluice_inv_sync(): then no table was given up. */
static int
uncache(struct sluice_domain *d, struct trim *t)
{
	struct sluice_inv inv[BATCH];
	uint32_t n = t->n, per = pt_format_chunks(d->pt.fmt);
	int ret;

	for (uint32_t i = 0; i < n; i++)
		inv[i] = domain_inv_range(d, domain_iova(d, t->chunk[i] * IOVA_CHUNK_PAGES),
					  per * domain_pages_4k(d, IOVA_CHUNK_PAGES));
	if (n > DOM_CONF(d, range_max)) {
		inv[0] = domain_inv_all(d);
		n = 1;
	}
	/* Devices' caches are left out: they hold translations, and here there are none. */
	ret = domain_tlb_sync(d, inv, n);
	if (ret != 0) {
		relink(d, t);
		return ret;
	}
	chunks_back(d, t);
	return 0;
}

/* 3, first half. @return 0; -ENOTSUP: not fenced, and the next trim tries again. */
static int
fence(struct sluice_domain *d, struct trim *t)
{
	if (epoch_barrier() != 0)
		return -ENOTSUP;
	t->fenced = true;
	pthread_mutex_lock(d->lc_lock);
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		t->moved[i] = d->lc[i] != NULL ? moved(d->lc[i]) : UINT64_MAX;
	pthread_mutex_unlock(d->lc_lock);
	return 0;
}

/* 3. A worker that left was in no call; a new one began after the barrier. */
static bool
grace_over(struct sluice_domain *d, const struct trim *t)
{
	unsigned int me = rte_lcore_id();
	bool over = true;

	pthread_mutex_lock(d->lc_lock);
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		over = over && (i == me || t->moved[i] == UINT64_MAX || d->lc[i] == NULL ||
				moved(d->lc[i]) != t->moved[i]);
	pthread_mutex_unlock(d->lc_lock);
	return over;
}

static bool
grace_wait(struct sluice_domain *d, const struct trim *t)
{
	const struct sluice_clock *clock = &d->iommu->clock;
	struct deadline end = deadline_begin(clock, sluice_clock_from_ns(clock, GRACE_NS));

	for (unsigned int turn = 1; !grace_over(d, t); turn++) {
		if (deadline_passed(&end))
			return false;
		/* This waits for workers, not the engine: in a callback they might never move. */
		if (d->wait->turn(d, turn) != 0)
			return false;
	}
	return true;
}

static void
free_tables(struct sluice_domain *d, struct trim *t)
{
	while (t->n > 0)
		pgtable_table_free(&d->pt, t->table[--t->n]);
}

int
sluice_domain_trim(struct sluice_domain *d)
{
	if (d == NULL)
		return sluice_null("a domain");
	int freed = 0, ret = 0;
	struct trim *t;

	if (d->type != SLUICE_DOMAIN_PAGING)
		return 0;
	pthread_mutex_lock(&d->lock);
	if (domain_policy(d)->trim != NULL) {
		freed = domain_policy(d)->trim(d);
		pthread_mutex_unlock(&d->lock);
		return freed;
	}
	t = d->trim != NULL ? d->trim : calloc(1, sizeof(*t));
	d->trim = t;
	if (t == NULL)
		ret = -ENOMEM;
	else
		stock_take_all(d);
	while (ret == 0) {
		/* Tables may be left from the last trim, still in their grace period. */
		if (t->n == 0) {
			collect(d, t);
			if (t->n == 0)
				break;
			ret = uncache(d, t);
		}
		ret = ret == 0 && !t->fenced ? fence(d, t) : ret;
		if (ret != 0 || !grace_wait(d, t))
			break;
		freed += (int)t->n;
		free_tables(d, t);
	}
	pthread_mutex_unlock(&d->lock);
	return ret == 0 ? freed :
	       sluice_fail(-ret, ret == -ENOMEM ? "no memory to trim with" :
			   ret == -ENOTSUP ? "this system refuses membarrier(2) now: page tables are kept" :
				 "page tables that are not in use could not be invalidated");
}

void
trim_fini(struct sluice_domain *d)
{
	if (d->trim != NULL)
		free_tables(d, d->trim);
	free(d->trim);
	d->trim = NULL;
}
