/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Giving memory of the page table back (A5): last-level tables of parts of the window where
 * nothing is mapped. No unmap frees a table: a table stays with its 2 MiB, and waits for the
 * next map. So what Linux must flush synchronously at an unmap is here done apart from it, when
 * somebody asks.
 *
 * 1. Whose tables. Chunks of the IOVA space that are uncut: every IOVA of them is free, so all
 *    their flushes are complete. Who takes the chunk out of `uncut` owns it alone (iova.c, 3):
 *    nobody cuts it meanwhile, and nobody maps there.
 * 2. Unlink. The chunk's pointer and the entry of the parent are cleared. Then an invalidation that
 *    is not for leaves alone: the hardware's walk caches may know the table. The chunk goes back to
 *    `uncut` when it is complete, not before: a new table would not be found through a stale walk.
 * 3. Grace. A worker that unmaps what is not mapped (an error, and it gets one) may have loaded the
 *    chunk's pointer before it was cleared, and look at the table later. A barrier executed by
 *    every thread (epoch_barrier()) comes after the clearing, so that a call that begins to
 *    look after it sees no table; a call that was in the middle has ended when the worker's
 *    counters have moved, for each look ends in one of them. Until every worker has moved, or
 *    left, the tables are retired: not linked, not cached, not freed. The thread that trims is
 *    in no other call.
 * 4. A worker that does nothing holds them up, and nothing else: the next trim frees them, or
 *    the end of the domain. That, and the barrier's system call, is why no map trims by itself.
 */
#include <errno.h>
#include <stdlib.h>

#include "../base/deadline.h"
#include "../base/epoch.h"
#include "stock.h"
#include "trim.h"
#include "../inval/inval.h"
#include "window.h"
#include "../policy/policy.h"

#define BATCH    64u
#define GRACE_NS UINT64_C(1000000) /* wait that long for workers to move */

struct trim {
	uint32_t n;
	bool fenced; /* who begins to look from now on finds none of them (3) */
	uint32_t chunk[BATCH];
	uint64_t *table[BATCH];
	uint64_t moved[RTE_MAX_LCORE]; /* counters of each worker after the barrier */
};
_Static_assert(BATCH <= SLUICE_INV_BURST, "one submission");

/* 1, and the first half of 2. */
static void
collect(struct sluice_domain *d, struct trim *t)
{
	for (uint32_t c = 0; c < d->iova.nb_chunks && t->n < BATCH; c++) {
		if (domain_leaf(d, c * IOVA_CHUNK_PAGES) == NULL || !bitset_test(&d->iova.uncut, c))
			continue;
		/* Before it goes: who misses it sees why. */
		atomic_fetch_add_explicit(&d->iova.away, 1, memory_order_seq_cst);
		if (!bitset_clear(&d->iova.uncut, c)) {
			atomic_fetch_sub_explicit(&d->iova.away, 1, memory_order_seq_cst);
			continue;
		}
		/* Not before: the chunk may have been cut since. */
		atomic_store_explicit(&d->leaf[c], NULL, memory_order_release);
		t->chunk[t->n] = c;
		t->table[t->n++] = lpae_leaf_unlink(&d->pt, d->iova_base + ((uint64_t)c << 21));
		t->fenced = false;
	}
}

/* The chunks that were collected, back. */
static void
chunks_back(struct sluice_domain *d, const struct trim *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		bitset_set(&d->iova.uncut, t->chunk[i]);
	atomic_fetch_sub_explicit(&d->iova.away, t->n, memory_order_seq_cst);
}

/* 2: as if nothing had been. */
static void
relink(struct sluice_domain *d, struct trim *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		lpae_leaf_relink(&d->pt, d->iova_base + ((uint64_t)t->chunk[i] << 21), t->table[i]);
		atomic_store_explicit(&d->leaf[t->chunk[i]], t->table[i], memory_order_release);
	}
	chunks_back(d, t);
	t->n = 0;
}

/* How far a worker has come: each of its unmaps changes this after it has looked at a table. */
static uint64_t
moved(const struct dom_lcore *dl)
{
	return STAT_GET(dl->st.unmaps) + STAT_GET(dl->st.unmap_errors);
}

/* 2. @return 0 or as sluice_inv_sync(): nothing was given up. */
static int
uncache(struct sluice_domain *d, struct trim *t)
{
	struct sluice_inv inv[BATCH];
	uint32_t n = t->n;
	int ret;

	for (uint32_t i = 0; i < n; i++)
		inv[i] = (struct sluice_inv){ .op = SLUICE_INV_RANGE, .tag = d->tag,
					      .pages = IOVA_CHUNK_PAGES,
					      .iova = d->iova_base + ((uint64_t)t->chunk[i] << 21) };
	if (n > DOM_CONF(d, range_max)) {
		inv[0] = (struct sluice_inv){ .op = SLUICE_INV_DOMAIN, .tag = d->tag };
		n = 1;
	}
	/* No device's cache: those hold translations, and there are none. */
	ret = domain_tlb_sync(d, inv, n);
	if (ret != 0) {
		relink(d, t);
		return ret;
	}
	chunks_back(d, t);
	return 0;
}

/* 3, first half. @return 0; -ENOTSUP: not fenced, to be tried again. */
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

/* 3. A worker that left was in no call; one that came is younger than the barrier. */
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
		/* Its workers are waited for, not the engine: in a callback they may not come. */
		if (d->wait->turn(d, turn) != 0)
			return false;
	}
	return true;
}

static void
free_tables(struct sluice_domain *d, struct trim *t)
{
	while (t->n > 0)
		lpae_table_free(&d->pt, t->table[--t->n]);
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
		/* Some may be left from the last time, waiting for grace. */
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
