/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Memory of the code under test: one arena at a fixed address, so that the same run has the same
 * addresses. Freed memory is filled with a pattern and not handed out again within a run; a touch of
 * it, or of what was never handed out, ends the run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rt.h"

#define GRAIN 16u
#define ZONE  64u /* between two pieces: not to be touched */

/* Pieces larger than this are sparse: the upper half of the arena, with a state for each CHUNK. */
#define LARGE ((size_t)32 << 20)
#define CHUNK ((size_t)64 << 10)
#define HALF  (RT_ARENA_SIZE / 2)

/* Each grain's state. */
#define NONE 0
#define LIVE 1
#define FREED 2
#define POISON 3

struct piece {
	size_t size;
	uint64_t serial;
	uint64_t magic;
	uint64_t pad[5];
};
_Static_assert(sizeof(struct piece) == ZONE, "a piece's header is its zone");

#define MAGIC UINT64_C(0x51ce0a11ed5eed5a)

uintptr_t rt_arena_base;
static uint8_t *state;
static uint8_t large_state[HALF / CHUNK];
static size_t used, large_used;
static size_t live;
static uint64_t count, fail_at;

void
rt_arena_init(void)
{
	if (rt_arena_base != 0)
		return;
	rt_arena_base = (uintptr_t)rt_map(UINT64_C(0x10) << 32, RT_ARENA_SIZE);
	state = rt_map(0, RT_ARENA_SIZE / GRAIN);
}

void
rt_arena_reset(void)
{
	if (used != 0) {
		rt_forget((void *)rt_arena_base, used);
		rt_forget(state, used / GRAIN + 1);
	}
	if (large_used != 0) {
		rt_forget((void *)(rt_arena_base + HALF), large_used);
		rt_fill(large_state, NONE, large_used / CHUNK);
	}
	used = 4096;
	large_used = 0;
	live = 0;
	count = fail_at = 0;
}

/* @return the piece's size, rounded. */
static size_t
large_size(size_t size)
{
	return (size + 2 * CHUNK - 1) & ~(CHUNK - 1);
}

static void *
large_alloc(size_t size)
{
	size_t off = large_used, len = large_size(size);
	struct piece *h = (struct piece *)(rt_arena_base + HALF + off + CHUNK - sizeof(*h));

	if (len + CHUNK > HALF - off)
		return NULL;
	large_used += len + CHUNK;
	*h = (struct piece){ .size = size, .serial = count, .magic = MAGIC };
	rt_fill(large_state + off / CHUNK + 1, LIVE, len / CHUNK);
	live += size;
	return h + 1;
}

static void
large_free(void *p)
{
	struct piece *h = (struct piece *)p - 1;
	size_t off = (uintptr_t)p - rt_arena_base - HALF;

	SIM_CHECK(off < large_used && h->magic == MAGIC && large_state[off / CHUNK] != FREED,
		  "free of %p: it was freed before, or is no allocation", p);
	rt_fill(large_state + off / CHUNK, FREED, large_size(h->size) / CHUNK);
	live -= h->size;
	rt_forget(p, large_size(h->size));
}

void *
sim_alloc(size_t size, size_t align)
{
	uintptr_t at;
	struct piece *h;

	if (++count == fail_at)
		return NULL;
	if (size > LARGE)
		return large_alloc(size);
	if (align < ZONE)
		align = ZONE;
	at = (rt_arena_base + used + sizeof(*h) + align - 1) & ~(align - 1);
	if (at + size + ZONE > rt_arena_base + HALF)
		return NULL;
	used = at + size + ZONE - rt_arena_base;
	used = (used + GRAIN - 1) & ~(size_t)(GRAIN - 1);
	h = (struct piece *)(at - sizeof(*h));
	h->size = size;
	h->serial = count;
	h->magic = MAGIC;
	rt_fill(state + (at - rt_arena_base) / GRAIN, LIVE, (size + GRAIN - 1) / GRAIN);
	live += size;
	return (void *)at;
}

void
sim_free(void *p)
{
	struct piece *h = (struct piece *)((uintptr_t)p - sizeof(*h));
	size_t off = (uintptr_t)p - rt_arena_base;

	if (p == NULL)
		return;
	if (off - HALF < HALF) {
		large_free(p);
		return;
	}
	SIM_CHECK(off < used && h->magic == MAGIC && state[off / GRAIN] != FREED,
		  "free of %p: it was freed before, or is no allocation", p);
	rt_fill(state + off / GRAIN, FREED, (h->size + GRAIN - 1) / GRAIN);
	live -= h->size;
	rt_fill(p, 0xdb, h->size);
}

size_t
sim_alloc_size(const void *p)
{
	const struct piece *h = (const struct piece *)p - 1;
	size_t off = (uintptr_t)p - rt_arena_base;

	if (off >= RT_ARENA_SIZE || off < sizeof(*h) || off % ZONE != 0)
		return 0;
	return h->magic == MAGIC ? h->size : 0;
}

uint64_t
sim_alloc_fail(uint64_t nth)
{
	fail_at = nth == 0 ? 0 : count + nth;
	return count;
}

size_t
sim_alloc_live(void)
{
	return live;
}

void
sim_poison(const void *p, size_t len, bool on)
{
	rt_fill(state + ((uintptr_t)p - rt_arena_base) / GRAIN, on ? POISON : LIVE, len / GRAIN);
}

void
rt_arena_check(uintptr_t addr, unsigned int size, uintptr_t pc, bool write)
{
	static const char *const what[] = { "was never handed out", "", "was freed",
					    "is not to be touched" };
	size_t off = addr - rt_arena_base;
	uint8_t a, b;

	if (off >= RT_ARENA_SIZE)
		return;
	if (__builtin_expect(off >= HALF, 0)) {
		a = large_state[(off - HALF) / CHUNK];
		b = large_state[(off - HALF + size - 1) / CHUNK];
	} else {
		a = state[off / GRAIN];
		b = state[(off + size - 1) / GRAIN];
	}
	if (__builtin_expect(a == LIVE && b == LIVE, 1))
		return;
	if (rt.cur != NULL && rt.cur->lenient && a != NONE && a != FREED && b != NONE && b != FREED)
		return;
	sim_fail("%s of %u bytes at %p, which %s (%s)", write ? "store" : "load", size,
		 (void *)addr, what[a != LIVE ? a : b], rt_place(pc));
}

void
sim_lenient(bool on)
{
	if (rt.cur != NULL)
		rt.cur->lenient = on;
}
