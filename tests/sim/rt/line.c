/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Who owns each cache line, and what it costs to get it. The numbers are those of line.h.
 */
#include "line.h"
#include "rt.h"

#define OTHERS  65536u /* lines outside of the arena: static data */
#define NOBODY  0u
#define HW      255u

struct line {
	uint64_t free_at;    /* 2: when the last transfer has arrived, 1/16 ns */
	uint64_t readers[2]; /* bits of fibers */
	uint8_t owner;       /* 1 + the fiber that has written it; 0: none */
	bool shared;         /* it was read since, or has readers and no owner */
};

uint64_t rt_line_pause = 20 * 16, rt_line_ahead;

static struct line_conf conf;
static struct line *lines; /* of the arena */
static struct {
	uintptr_t at;
	struct line l;
} other[OTHERS];
static uintptr_t mmio;
static size_t mmio_len;
static struct line_counts counts;
static uint64_t waited[SIM_FIBERS]; /* 1/16 ns */
static uint64_t bells[SIM_FIBERS];
static uintptr_t ram;
static size_t ram_len;

void
line_begin(const struct line_conf *c)
{
	size_t len = RT_ARENA_SIZE / RT_LINE * sizeof(*lines);

	if (lines == NULL)
		lines = rt_map(0, len);
	else
		rt_forget(lines, len);
	rt_fill(other, 0, sizeof(other));
	conf = *c;
	rt_line_pause = 16 * (uint64_t)c->pause;
	rt_line_ahead = 16 * (uint64_t)c->ahead;
	mmio = mmio_len = 0;
	rt_line_unname();
	line_count();
}

void
line_mmio(const volatile void *base, size_t len)
{
	mmio = (uintptr_t)base;
	mmio_len = len;
}

void
line_device(const void *p, size_t len)
{
	rt.cur->device = true;
	ram = (uintptr_t)p;
	ram_len = len;
}

void
line_work(uint64_t ns)
{
	if (rt.cur != NULL)
		rt.cur->time += 16 * ns;
}

/* ---- counting -------------------------------------------------------------------------------- */

void
line_count(void)
{
	counts = (struct line_counts){ 0 };
	rt_fill(waited, 0, sizeof(waited));
	rt_fill(bells, 0, sizeof(bells));
	rt_line_account();
}

struct line_counts
line_counts(void)
{
	return counts;
}

uint64_t
line_waited(unsigned int fiber)
{
	return waited[fiber] / 16;
}

uint64_t
line_doorbells(unsigned int fiber)
{
	return bells[fiber];
}

/* ---- accesses -------------------------------------------------------------------------------- */

static struct line *
find(uintptr_t addr)
{
	uintptr_t at = addr / RT_LINE;
	size_t i;

	if (addr - rt_arena_base < RT_ARENA_SIZE)
		return &lines[(addr - rt_arena_base) / RT_LINE];
	for (i = at % OTHERS; other[i].at != at; i = (i + 1) % OTHERS)
		if (other[i].at == 0) {
			other[i].at = at;
			break;
		}
	return &other[i].l;
}

static inline bool
holds(const struct line *l, unsigned int id)
{
	return (l->readers[id / 64] >> (id % 64) & 1) != 0;
}

static void
hold(struct line *l, unsigned int id)
{
	l->readers[id / 64] |= UINT64_C(1) << (id % 64);
}

/* 2. @return when it has arrived. */
static uint64_t
transfer(struct line *l, struct sim_fiber *f, uintptr_t addr, uintptr_t pc)
{
	uint64_t from = l->free_at > f->time ? l->free_at : f->time;
	uint64_t at = from + 16 * (uint64_t)conf.transfer;

	counts.transfers++;
	rt_line_note(addr / RT_LINE, pc, at - f->time);
	f->held = l;
	l->free_at = f->held_until = at + 16 * (uint64_t)conf.hold;
	return at;
}

static void
reads(struct line *l, struct sim_fiber *f, uintptr_t addr, uintptr_t pc)
{
	uint64_t at = f->time;

	/* Its own, but perhaps still on its way here for a store of its own: forwarded. */
	if (l->owner == f->id + 1 || holds(l, f->id) || (f->held == l && at <= f->held_until))
		return;
	if (l->owner != NOBODY && !l->shared) {
		at = transfer(l, f, addr, pc);
		l->shared = true;
		if (l->owner != HW)
			hold(l, l->owner - 1);
		l->owner = NOBODY;
	} else if (l->shared) {
		counts.fetches++;
		at = (l->free_at > at ? l->free_at : at) + 16 * (uint64_t)conf.fetch;
	}
	l->shared = true;
	hold(l, f->id);
	waited[f->id] += at - f->time;
	f->time = at;
}

static void
writes(struct line *l, struct sim_fiber *f, uintptr_t addr, bool rmw, uintptr_t pc)
{
	uint64_t me[2] = { 0, 0 }, at = f->time;

	me[f->id / 64] = UINT64_C(1) << (f->id % 64);
	/* Somebody may wait for it already, and gets it later. */
	if (rmw && l->owner != f->id + 1 && f->held == l && at <= f->held_until)
		return;
	if (l->owner != f->id + 1) {
		if (l->owner != NOBODY || (l->readers[0] & ~me[0]) != 0 || (l->readers[1] & ~me[1]) != 0)
			at = transfer(l, f, addr, pc);
		l->owner = (uint8_t)(f->id + 1);
		l->readers[0] = l->readers[1] = 0;
		l->shared = false;
	} else if (rmw && f->held == l && f->posted > at && l->free_at > at) {
		/* For a store of its own it is still on its way here. */
		at = f->posted;
	}
	if (!rmw && !conf.stores_wait) {
		/* 4. */
		if (at > f->posted)
			f->posted = at;
		return;
	}
	waited[f->id] += at - f->time;
	f->time = at;
	if (rmw)
		rt_line_fence();
}

/* 5. */
static void
device(uintptr_t addr, bool write)
{
	struct line *l;

	if (!write || addr - ram >= ram_len)
		return;
	l = find(addr);
	if (l->owner == HW || (l->owner == NOBODY && !l->shared))
		return;
	l->owner = HW;
	l->readers[0] = l->readers[1] = 0;
	l->shared = false;
	counts.device_writes++;
}

void
rt_line_access(uintptr_t addr, unsigned int size, enum rt_line_op op, uintptr_t pc)
{
	struct sim_fiber *f = rt.cur;
	struct line *l;

	(void)size;
	if (addr - mmio < mmio_len) {
		if (f->device)
			return;
		f->time += 16 * (uint64_t)(op == RT_LINE_READ ? conf.reg_read : conf.doorbell);
		*(op == RT_LINE_READ ? &counts.reg_reads : &counts.doorbells) += 1;
		bells[f->id] += op != RT_LINE_READ;
		return;
	}
	if (f->device) {
		device(addr, op != RT_LINE_READ);
		return;
	}
	f->time += conf.access_16th;
	/* Its own stack and thread-local variables. */
	if (addr - (uintptr_t)f->stack < RT_STACK + RT_TLS)
		return;
	l = find(addr);
	if (op == RT_LINE_READ)
		reads(l, f, addr, pc);
	else
		writes(l, f, addr, op == RT_LINE_RMW, pc);
}

void
rt_line_fence(void)
{
	struct sim_fiber *f = rt.cur;

	if (f == NULL || f->posted <= f->time)
		return;
	waited[f->id] += f->posted - f->time;
	f->time = f->posted;
}

void
rt_line_tsc(void)
{
	if (rt.cur != NULL && !rt.cur->device)
		rt.cur->time += 16 * (uint64_t)conf.clock;
}
