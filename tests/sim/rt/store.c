/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Store buffers: what x86 allows. A fiber's stores become visible to others later, in order; its own
 * loads see them at once; read-modify-writes and full fences wait until they are visible.
 *
 * 1. While a fiber runs, memory shows what it sees: its stores are simply there.
 * 2. Each store is noted with the value that it replaces. When the fiber stops, the stores that are
 *    not visible yet are taken back, the newest first; when it goes on they are put in again, the
 *    oldest first, over whatever others have stored there meanwhile: its stores come later.
 * 3. To make the oldest one visible is to leave it in memory: forget the note. It is the fiber's
 *    next, so nothing of the same fiber is overtaken.
 *
 * A store that is noted is done right after the note, without a step in between.
 */
#include "rt.h"

static inline uint64_t
get(uintptr_t addr, unsigned int size)
{
	switch (size) {
	case 1:
		return *(const volatile uint8_t *)addr;
	case 2:
		return *(const volatile uint16_t *)addr;
	case 4:
		return *(const volatile uint32_t *)addr;
	default:
		return *(const volatile uint64_t *)addr;
	}
}

static inline void
put(uintptr_t addr, unsigned int size, uint64_t v)
{
	switch (size) {
	case 1:
		*(volatile uint8_t *)addr = (uint8_t)v;
		break;
	case 2:
		*(volatile uint16_t *)addr = (uint16_t)v;
		break;
	case 4:
		*(volatile uint32_t *)addr = (uint32_t)v;
		break;
	default:
		*(volatile uint64_t *)addr = v;
		break;
	}
}

void
rt_store_note(uintptr_t addr, unsigned int size)
{
	struct sim_fiber *f = rt.cur;

	if (f == NULL || f->cap == 0 || rt_on_stack(addr))
		return;
	/* A wide one in pieces; they become visible one by one. */
	for (; size > 8; size -= 8, addr += 8)
		rt_store_note(addr, 8);
	if (f->nb_store == f->cap)
		rt_store_drain(f, 1);
	f->store[f->nb_store++] =
		(struct rt_store){ .addr = addr, .old = get(addr, size), .size = (uint8_t)size };
}

void
rt_store_leave(struct sim_fiber *f)
{
	for (unsigned int i = f->nb_store; i-- > 0;) {
		struct rt_store *s = &f->store[i];

		s->val = get(s->addr, s->size);
		put(s->addr, s->size, s->old);
	}
}

void
rt_store_enter(struct sim_fiber *f)
{
	for (unsigned int i = 0; i < f->nb_store; i++) {
		struct rt_store *s = &f->store[i];

		s->old = get(s->addr, s->size);
		put(s->addr, s->size, s->val);
	}
}

void
rt_store_drain(struct sim_fiber *f, unsigned int n)
{
	if (n > f->nb_store)
		n = f->nb_store;
	if (n == 0)
		return;
	if (f != rt.cur)
		for (unsigned int i = 0; i < n; i++)
			put(f->store[i].addr, f->store[i].size, f->store[i].val);
	f->nb_store -= n;
	f->visible += n;
	for (unsigned int i = 0; i < f->nb_store; i++)
		f->store[i] = f->store[i + n];
}

uint64_t
sim_stored(unsigned int i)
{
	return rt.fiber[i].visible + rt.fiber[i].nb_store;
}

uint64_t
sim_visible(unsigned int i)
{
	return rt.fiber[i].visible;
}

void
sim_barrier(void)
{
	if (rt.cur != NULL)
		rt_store_drain(rt.cur, rt.cur->nb_store);
}

void
sim_unbuffered(void)
{
	sim_barrier();
	rt.cur->cap = 0;
}

void
sim_barrier_all(void)
{
	for (unsigned int i = 0; i < rt.nb; i++)
		rt_store_drain(&rt.fiber[i], rt.fiber[i].nb_store);
}
