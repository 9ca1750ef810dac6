/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * How rollover begins a round: the snapshot, and the tables given back (rollover.h, 2 to 4, 7, 8).
 */
#include <errno.h>

#include <rte_pause.h>

#include "../base/deadline.h"
#include "rollover.h"
#include "../flush/flush.h"
#include "../window/window.h"

#define IDLER_SPINS 1000u          /* looks until a busy worker counts as not idle */
#define GRACE_NS    UINT64_C(100000) /* how long to wait for calls to end */

static struct ro_worker *
worker(const struct rollover *s, unsigned int lcore)
{
	return atomic_load_explicit(&s->worker[lcore], memory_order_acquire);
}

static bool
marked(const uint8_t *touched, uint32_t chunk)
{
	return __atomic_load_n(&touched[chunk], __ATOMIC_RELAXED) != 0;
}

bool
ro_touched(const struct rollover *s, uint32_t chunk)
{
	bool any = marked(s->passed, chunk);

	for (unsigned int i = 0; i < RTE_MAX_LCORE && !any; i++) {
		const struct ro_worker *w = worker(s, i);

		any = w != NULL && marked(w->touched, chunk);
	}
	return any;
}

/* The rows of marks: one of each worker, and one for all. */
struct marks {
	unsigned int n;
	uint8_t *row[RTE_MAX_LCORE + 1];
};

static void
marks_collect(struct rollover *s, struct marks *m)
{
	m->n = 0;
	m->row[m->n++] = s->passed;
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++) {
		const struct ro_worker *w = worker(s, i);

		if (w != NULL)
			m->row[m->n++] = w->touched;
	}
}

static bool
marks_test(const struct marks *m, uint32_t chunk)
{
	bool any = false;

	for (unsigned int i = 0; i < m->n; i++)
		any |= marked(m->row[i], chunk);
	return any;
}

/* 2: clear the marks of a chunk. @return whether it had one. */
static bool
marks_clear(const struct marks *m, uint32_t chunk)
{
	bool any = false;

	for (unsigned int i = 0; i < m->n; i++)
		if (marked(m->row[i], chunk)) /* acq-row */
			any |= __atomic_exchange_n(&m->row[i][chunk], 0, __ATOMIC_ACQUIRE) != 0;
	return any;
}

static uint64_t
pte_acquire(const uint64_t *pte)
{
	return atomic_load_explicit((const _Atomic uint64_t *)pte, memory_order_acquire);
}

/* Find out from the entries of a chunk that this thread owns which pages are not available. */
static void
chunk_look(struct sluice_domain *d, struct rollover *s, uint32_t c)
{
	const uint64_t *leaf = domain_leaf(d, c * IOVA_CHUNK_PAGES);

	for (unsigned int w = 0; w < 8; w++) {
		uint64_t bits = 0;

		for (unsigned int b = 0; leaf != NULL && b < 64; b++) /* acq-entry */
			bits |= (uint64_t)(pte_acquire(&leaf[w * 64 + b]) != 0) << b;
		atomic_store_explicit(&s->used[c].free[w], bits, memory_order_relaxed);
	}
}

/* 8, before the flush: unlink a table. @return whether there was room to remember it. */
static bool
table_retire(struct sluice_domain *d, struct rollover *s, uint32_t c)
{
	/* Only a table that no other chunk shares. */
	if (s->nb_retired == s->nb_chunks || pt_format_chunks(d->pt.fmt) != 1)
		return false;
	s->cached = true;
	atomic_store_explicit(&d->leaf[c], NULL, memory_order_release);
	s->retired[s->nb_retired++] = pgtable_leaf_unlink(&d->pt, d->iova_base + ((uint64_t)c << PT_CHUNK_SHIFT));
	return true;
}

/* 2: make the snapshot for round @p next. @return how many chunks it has. */
static uint32_t
snapshot(struct sluice_domain *d, struct rollover *s, uint64_t next, uint32_t tables)
{
	uint32_t ready = 0, idle = 0;
	struct marks m;

	marks_collect(s, &m);
	for (uint32_t c = 0; c < s->nb_chunks; c++) {
		/* acq-state */
		uint64_t state = atomic_load_explicit(&s->state[c], memory_order_acquire);
		unsigned int kind = state & ((1u << RO_STATE_BITS) - 1);
		uint64_t all = ~UINT64_C(0), any = 0;

		if (kind == RO_BUSY || (kind == RO_USED && !marks_test(&m, c)))
			continue;
		/* First take it away from workers that may still want it in this round. */
		if (!atomic_compare_exchange_strong_explicit(&s->state[c], &state,
							     ro_state(next, RO_USED),
							     memory_order_acquire,
							     memory_order_relaxed))
			continue;
		/* READY and not marked: not used since, so the old snapshot still holds. */
		if (marks_clear(&m, c) || kind == RO_USED)
			chunk_look(d, s, c);
		for (unsigned int w = 0; w < 8; w++) {
			uint64_t used = atomic_load_explicit(&s->used[c].free[w], memory_order_relaxed);

			all &= used;
			any |= used;
		}
		if (all == ~UINT64_C(0))
			continue;
		if (any == 0 && domain_leaf(d, c * IOVA_CHUNK_PAGES) != NULL &&
		    (idle < tables || !table_retire(d, s, c)))
			idle++;
		atomic_store_explicit(&s->state[c], ro_state(next, RO_READY), memory_order_release);
		ready++;
	}
	atomic_store_explicit(&s->idle, idle, memory_order_relaxed);
	return ready;
}

/* 7: put idle workers' chunks where the next snapshot finds them. @return whether there was any. */
static bool
rob_idlers(struct rollover *s, const struct ro_worker *me)
{
	unsigned int lcore[RTE_MAX_LCORE], n = 0;
	bool any = false, seen;

	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++) {
		struct ro_worker *w = worker(s, i);

		if (w == NULL || w == me || RELAXED_GET(w->chunk) == NO_CHUNK)
			continue;
		__atomic_store_n(&w->closed, 1, __ATOMIC_RELAXED);
		lcore[n++] = i;
	}
	if (n == 0)
		return false;
	seen = epoch_barrier() == 0; /* if it is refused, no worker is known to be idle */
	for (unsigned int i = 0; i < n; i++) {
		struct ro_worker *w = worker(s, lcore[i]);
		unsigned int spins = 0;

		while (seen && __atomic_load_n(&w->busy, __ATOMIC_ACQUIRE) != 0 &&
		       spins++ < IDLER_SPINS)
			rte_pause();
		if (seen && spins <= IDLER_SPINS && w->chunk != NO_CHUNK) {
			ro_chunk_leave(s, w);
			any = true;
		}
		__atomic_store_n(&w->closed, 0, __ATOMIC_RELEASE);
	}
	return any;
}

/* 8, after the flush: free the retired tables. @return how many were freed: all or none. */
static uint32_t
tables_free(struct sluice_domain *d, struct rollover *s, const struct ro_worker *me)
{
	const struct sluice_clock *clock = &d->iommu->clock;
	struct deadline end;
	uint32_t n = s->nb_retired;

	if (n == 0 || s->cached || epoch_barrier() != 0)
		return 0;
	end = deadline_begin(clock, sluice_clock_from_ns(clock, GRACE_NS));
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++) {
		struct ro_worker *w = worker(s, i);

		for (unsigned int turn = 1; w != NULL && w != me &&
		     __atomic_load_n(&w->busy, __ATOMIC_ACQUIRE) != 0; turn++) {
			if (deadline_passed(&end) || d->wait->turn(d, turn) != 0)
				return 0;
		}
	}
	while (s->nb_retired > 0)
		pgtable_table_free(&d->pt, s->retired[--s->nb_retired]);
	return n;
}

/* Wait while another worker wraps. @return 0: look again; -ENOSPC: it takes too long. */
static int
wrap_wait(struct sluice_domain *d, struct ro_worker *me, uint64_t round)
{
	struct rollover *s = d->priv;
	struct deadline end = deadline_begin(&d->iommu->clock, 2 * d->iommu->sync_timeout);
	int ret = 0;

	if (me != NULL)
		ro_exit(me); /* 7 */
	for (unsigned int turn = 1; ro_round(s) == round &&
	     atomic_load_explicit(&s->wrapping, memory_order_acquire) != 0; turn++) {
		if (d->wait->turn(d, turn) != 0 || deadline_passed(&end)) {
			ret = -ENOSPC;
			break;
		}
	}
	if (me != NULL)
		ro_enter(me);
	return ret;
}

/* Let workers that waited for this round, and were slow to notice that it began, take their
 * chunks before it is over; otherwise a fast worker could starve them. The wait is bounded, for
 * nothing but fairness depends on it. */
static void
let_holders_go(struct sluice_domain *d, struct rollover *s, uint64_t round)
{
	struct deadline end = deadline_begin(&d->iommu->clock, d->iommu->sync_timeout);

	for (unsigned int turn = 1;
	     atomic_load_explicit(&s->held[round % ROLLOVER_HELD], memory_order_relaxed) != 0 && !deadline_passed(&end);
	     turn++)
		if (d->wait->turn(d, turn) != 0)
			break;
}

int
ro_wrap(struct sluice_domain *d, struct ro_worker *me, uint64_t round, uint32_t tables, bool rob)
{
	struct rollover *s = d->priv;
	uint32_t ready;
	int ret = 0;

	if (atomic_exchange_explicit(&s->wrapping, 1, memory_order_acquire) != 0)
		return wrap_wait(d, me, round);
	if (ro_round(s) == round) {
		let_holders_go(d, s, round);
		if (rob)
			(void)rob_idlers(s, me);
		ready = snapshot(d, s, round + 1, tables);
		if (ready == 0 && rob_idlers(s, me))
			ready = snapshot(d, s, round + 1, tables);
		if (ready == 0 || domain_flush_wait(d, SLUICE_FLUSH_ROLLOVER) != 0) {
			ret = -ENOSPC;
		} else {
			s->cached = false;
			/* rel-round */
			atomic_store_explicit(&s->round, round + 1, memory_order_release);
			(void)tables_free(d, s, me);
		}
	}
	atomic_store_explicit(&s->wrapping, 0, memory_order_release);
	return ret;
}

int
rollover_trim(struct sluice_domain *d)
{
	uint64_t before = atomic_load_explicit(&d->pt.tables, memory_order_relaxed), after;
	struct rollover *s = d->priv;
	bool more = true;

	/* Each wrap retires as many tables as it has room for. */
	while (more) {
		after = atomic_load_explicit(&d->pt.tables, memory_order_relaxed);
		more = ro_wrap(d, NULL, ro_round(s), 0, true) == 0 &&
		       atomic_load_explicit(&d->pt.tables, memory_order_relaxed) < after;
	}
	after = atomic_load_explicit(&d->pt.tables, memory_order_relaxed);
	return after < before ? (int)(before - after) : 0;
}
