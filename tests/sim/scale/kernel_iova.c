/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The kernel's model: its locks, and where IOVAs come from: two magazines for each processor (Bonwick
 * and Adams, 2001) under an uncontended lock, a depot of magazines under one lock.
 */
#include <stdlib.h>

#include "kernel.h"

void
qlock_take(struct qlock *l, struct node *me)
{
	struct node *before;

	atomic_store_explicit(&me->next, NULL, memory_order_relaxed);
	atomic_store_explicit(&me->wait, true, memory_order_relaxed);
	before = atomic_exchange_explicit(&l->tail, me, memory_order_acq_rel);
	if (before == NULL)
		return;
	atomic_store_explicit(&before->next, me, memory_order_release);
	while (atomic_load_explicit(&me->wait, memory_order_acquire))
		sim_pause();
}

void
qlock_give(struct qlock *l, struct node *me)
{
	struct node *next = atomic_load_explicit(&me->next, memory_order_acquire), *expect = me;

	if (next == NULL) {
		if (atomic_compare_exchange_strong_explicit(&l->tail, &expect, NULL,
							    memory_order_release, memory_order_relaxed))
			return;
		while ((next = atomic_load_explicit(&me->next, memory_order_acquire)) == NULL)
			sim_pause();
	}
	atomic_store_explicit(&next->wait, false, memory_order_release);
}

static struct magazine *
depot_swap(struct kernel *k, struct cpu *c, struct magazine **from, struct magazine **to,
	   struct magazine *m)
{
	struct magazine *got;

	qlock_take(&k->depot_lock, &c->node[2]);
	got = *from;
	if (got != NULL) {
		*from = got->next;
		m->next = *to;
		*to = m;
	}
	qlock_give(&k->depot_lock, &c->node[2]);
	return got;
}

static uint32_t
never_used(struct kernel *k, struct cpu *c)
{
	uint32_t pfn;

	qlock_take(&k->depot_lock, &c->node[2]);
	pfn = k->next_pfn;
	k->next_pfn += 1u << k->order;
	qlock_give(&k->depot_lock, &c->node[2]);
	return pfn;
}

uint32_t
iova_get(struct kernel *k, unsigned int cpu, unsigned int pages)
{
	struct cpu *c = &k->cpu[cpu];
	struct magazine *m;
	uint32_t pfn;

	/* One size at a time is measured. */
	if ((1u << k->order) < pages)
		abort();
	qlock_take(&c->lock, &c->node[1]);
	if (c->loaded->n == 0) {
		m = c->previous;
		c->previous = c->loaded;
		c->loaded = m;
		if (m->n == 0 && (m = depot_swap(k, c, &k->full, &k->empty, c->loaded)) != NULL)
			c->loaded = m;
	}
	pfn = c->loaded->n != 0 ? c->loaded->pfn[--c->loaded->n] : never_used(k, c);
	qlock_give(&c->lock, &c->node[1]);
	return pfn;
}

void
iova_put(struct kernel *k, unsigned int cpu, uint32_t pfn)
{
	struct cpu *c = &k->cpu[cpu];
	struct magazine *m;

	qlock_take(&c->lock, &c->node[1]);
	if (c->loaded->n == MAG_SIZE) {
		m = c->previous;
		c->previous = c->loaded;
		c->loaded = m;
		if (m->n == MAG_SIZE) {
			m = depot_swap(k, c, &k->empty, &k->full, m);
			if (m == NULL) {
				m = aligned_alloc(64, sizeof(*m));
				if (m == NULL)
					abort();
				qlock_take(&k->depot_lock, &c->node[2]);
				c->loaded->next = k->full;
				k->full = c->loaded;
				qlock_give(&k->depot_lock, &c->node[2]);
			}
			m->n = 0;
			c->loaded = m;
		}
	}
	c->loaded->pfn[c->loaded->n++] = pfn;
	qlock_give(&c->lock, &c->node[1]);
}
