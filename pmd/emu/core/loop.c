/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The loop that drives an emulated IOMMU and its masters, in real or virtual time; changes by other
 * threads; counters.
 */
#include <rte_pause.h>

#include "core.h"

void
emu_core_init(struct emu *e, const struct emu_ops *ops, struct sluice_mem_span mem,
	      const struct emu_clock *clock)
{
	e->ops = ops;
	e->mem = mem;
	e->clock = *clock;
	TAILQ_INIT(&e->masters);
	TAILQ_INIT(&e->eps);
}

void
emu_destroy(struct emu *e)
{
	if (e == NULL)
		return;
	emu_atc_fini(e);
	e->ops->destroy(e);
}

const _Atomic uint64_t *
emu_virtual_clock(const struct emu *e)
{
	return e->clock.step ? &e->vclock : NULL;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* @return whether something was done or is pending. */
static inline bool
unit(struct emu *e)
{
	struct emu_master *m;
	bool busy;

	if (e->clock.step) /* one writer */
		atomic_store_explicit(&e->vclock,
				      atomic_load_explicit(&e->vclock, memory_order_relaxed) +
					      e->clock.step_ns,
				      memory_order_relaxed);
	busy = e->ops->work(e);
	TAILQ_FOREACH(m, &e->masters, next)
		busy |= m->step(m, e, 1) != 0;
	return busy;
}

int
emu_step(struct emu *e, unsigned int budget)
{
	unsigned int done = 0, steps = 0;

	/* A thread that wants to change something gets the lock first. */
	if (unlikely(atomic_load_explicit(&e->want, memory_order_relaxed) != 0) ||
	    atomic_exchange_explicit(&e->lock, 1, memory_order_acquire) != 0)
		return 0;
	while (steps < budget) {
		steps++;
		if (!unit(e))
			break;
		done++;
	}
	emu_count(&e->st.steps, steps);
	emu_count(&e->st.idle_steps, steps - done);
	atomic_store_explicit(&e->lock, 0, memory_order_release);
	return (int)done;
}

/* ---- changes from other threads -------------------------------------------------------------- */

void
emu_lock(struct emu *e)
{
	atomic_fetch_add_explicit(&e->want, 1, memory_order_relaxed);
	/* acquire: pairs with the release at the end of emu_step() and of emu_unlock(). */
	while (atomic_exchange_explicit(&e->lock, 1, memory_order_acquire) != 0)
		rte_pause();
	atomic_fetch_sub_explicit(&e->want, 1, memory_order_relaxed);
}

void
emu_unlock(struct emu *e)
{
	atomic_store_explicit(&e->lock, 0, memory_order_release);
}

void
emu_master_add(struct emu *e, struct emu_master *m)
{
	emu_lock(e);
	TAILQ_INSERT_TAIL(&e->masters, m, next);
	emu_unlock(e);
}

void
emu_master_del(struct emu *e, struct emu_master *m)
{
	emu_lock(e);
	TAILQ_REMOVE(&e->masters, m, next);
	emu_unlock(e);
}

void
emu_read_counters(uint64_t *to, const uint64_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)&from[i],
					     memory_order_relaxed);
}

void
emu_get_stats(const struct emu *e, struct emu_stats *st)
{
	_Static_assert(sizeof(*st) % sizeof(uint64_t) == 0, "nothing but counters");
	emu_read_counters((uint64_t *)(void *)st, (const uint64_t *)(const void *)&e->st,
			  sizeof(*st) / sizeof(uint64_t));
}
