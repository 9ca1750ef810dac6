/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Who goes on at each step, and what time it is.
 *
 * 1. Virtual time moves by a nanosecond a step, whoever makes it. When every fiber has paused since
 *    the last one did anything else, time jumps: further and further, at most to the end of a
 *    sleep. So a wait for hardware takes few steps, and a deadline of a second is reached.
 * 2. SIM_RANDOM: at each point (or one of `stick`) every fiber that can go on is as likely.
 *    SIM_PCT (probabilistic concurrency testing, Burckhardt et al., ASPLOS 2010): strict priorities
 *    in random order, `depth` of which change at random steps. A fiber that pauses goes behind all
 *    others. A bug that needs d changes in n fibers and k steps shows with a probability of 1 in
 *    n * k^(d - 1) at least.
 *    SIM_STARVE: random, but one fiber at a time does not go on for some ten thousand steps.
 *    SIM_TIME: time.c. 1. is not for it.
 * 3. At a switch some of the stores that only their fibers see become visible.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rt.h"

struct rt rt;
void (*sim_on_fail)(const char *why);

/* A fiber that has made more steps since its pause than a turn of a wait takes is at work. */
#define AT_WORK   1500u
#define SPIN      8192u
#define COARSE    64u
/* Time jumps twice as far each time up to this, ns, then each SLOW times: an engine that needs many
 * turns for a thing has them before the deadline of who waits for it. */
#define QUICK     4096u
#define SLOW      16u

/* ---- the choice ------------------------------------------------------------------------------ */

static bool
can_go(const struct sim_fiber *f)
{
	return !f->done && f->not_before <= rt.now;
}

static struct sim_fiber *
choose_random(void)
{
	struct sim_fiber *f[SIM_FIBERS];
	unsigned int n = 0;

	if (rt.conf.sched == SIM_STARVE && rt.step >= rt.starve_until) {
		rt.starved = rt_below(&rt.rng_sched, rt.nb + 1);
		rt.starve_until = rt.step + 1000 + rt_below(&rt.rng_sched, 40000);
	}
	/* Mostly one of the first few will do. */
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int k = rt_below(&rt.rng_sched, rt.nb);

		if (can_go(&rt.fiber[k]) && (rt.conf.sched != SIM_STARVE || k != rt.starved))
			return &rt.fiber[k];
	}
	for (unsigned int i = 0; i < rt.nb; i++)
		if (can_go(&rt.fiber[i]) && (rt.conf.sched != SIM_STARVE || i != rt.starved))
			f[n++] = &rt.fiber[i];
	if (n == 0 && rt.conf.sched == SIM_STARVE && rt.starved < rt.nb &&
	    can_go(&rt.fiber[rt.starved]))
		return &rt.fiber[rt.starved];
	return n == 0 ? NULL : f[rt_below(&rt.rng_sched, n)];
}

static struct sim_fiber *
choose_priority(void)
{
	struct sim_fiber *best = NULL;

	for (unsigned int i = 0; i < rt.nb; i++)
		if (can_go(&rt.fiber[i]) && (best == NULL || rt.fiber[i].prio > best->prio))
			best = &rt.fiber[i];
	return best;
}

/* The step of the next choice. */
static void
plan_next(void)
{
	switch (rt.conf.sched) {
	case SIM_PCT:
		rt.next = rt.at_change < rt.conf.depth ? rt.change[rt.at_change] : UINT64_MAX;
		break;
	case SIM_TIME:
		break;
	default:
		rt.next = rt.step + 1 +
			  (rt.conf.stick > 1 ? rt_below(&rt.rng_sched, 2 * rt.conf.stick - 1) : 0);
		break;
	}
}

/* Time goes to the end of the first stand-still. */
static void
skip_to_first(void)
{
	uint64_t first = UINT64_MAX;

	for (unsigned int i = 0; i < rt.nb; i++)
		if (!rt.fiber[i].done && rt.fiber[i].not_before < first)
			first = rt.fiber[i].not_before;
	if (first != UINT64_MAX && first > rt.now)
		rt.now = first;
}

static bool
all_done(void)
{
	for (unsigned int i = 0; i < rt.nb; i++)
		if (!rt.fiber[i].done)
			return false;
	return true;
}

static struct sim_fiber *
choose(void)
{
	struct sim_fiber *f;

	for (unsigned int i = 0; i < 2; i++) {
		f = rt.conf.sched == SIM_PCT ? choose_priority() : choose_random();
		if (f != NULL || all_done())
			return f;
		skip_to_first();
	}
	return NULL;
}

/* 3. No fiber's own stores are in memory now. */
void
rt_drain_some(void)
{
	for (unsigned int i = 0; i < rt.nb; i++)
		if (rt.fiber[i].nb_store != 0 && rt_below(&rt.rng_sched, rt.conf.drain) == 0)
			rt_store_drain(&rt.fiber[i], 1 + rt_below(&rt.rng_sched, rt.fiber[i].nb_store));
}

static void
consider(void)
{
	struct sim_fiber *f, *old = rt.cur;

	if (rt.conf.sched == SIM_PCT && old != NULL && rt.at_change < rt.conf.depth &&
	    rt.step >= rt.change[rt.at_change]) {
		rt.at_change++;
		old->prio = --rt.low;
	}
	f = choose();
	plan_next();
	if (f != old)
		rt_fiber_switch(f);
}

void
rt_point(enum rt_op op, uintptr_t addr, uint64_t val, uintptr_t pc)
{
	struct sim_fiber *f = rt.cur;

	if (f == NULL)
		return;
	if (rt.conf.sched == SIM_TIME) {
		rt_time_point(f);
		return;
	}
	rt.step++;
	rt.now++;
	if (++f->steps - f->steps_at_pause == AT_WORK)
		rt.jump = 1;
	rt_trace(op, addr, val, pc);
	/* It spins without a pause, perhaps for one that it keeps from going on. */
	if (rt.conf.sched == SIM_PCT && (f->steps - f->steps_at_pause) % SPIN == SPIN - 1) {
		f->prio = --rt.low;
		rt.next = rt.step;
	}
	if (__builtin_expect(rt.step >= rt.conf.max_steps || rt.now >= rt.conf.max_ns, 0))
		sim_fail("stuck: %ju steps, %ju ns, and it has not ended", (uintmax_t)rt.step,
			 (uintmax_t)rt.now);
	if (rt.step >= rt.next || f->done || f->not_before > rt.now)
		consider();
}

/* ---- pauses and time ------------------------------------------------------------------------- */

/* 1. Has everybody paused? */
static void
maybe_jump(void)
{
	uint64_t to = rt.now + rt.jump;
	bool starving = false;

	for (unsigned int i = 0; i < rt.nb; i++) {
		struct sim_fiber *f = &rt.fiber[i];

		if (f->done)
			continue;
		if (f->not_before > rt.now) {
			if (f->not_before < to)
				to = f->not_before;
			continue;
		}
		if (f->round == rt.round && f->steps - f->steps_at_pause < AT_WORK)
			continue;
		if (rt.conf.sched != SIM_STARVE || i != rt.starved)
			return;
		starving = true;
	}
	/* All the others wait, perhaps for the one that starves. */
	if (starving) {
		rt.starve_until = rt.step;
		return;
	}
	rt.now = to;
	rt.round++;
	if ((rt.jump < QUICK && rt.jump < rt.conf.jump) || (rt.round % SLOW == 0 &&
				rt.jump < (rt.now < rt.coarse_until ? COARSE * rt.conf.jump :
								      rt.conf.jump)))
		rt.jump *= 2;
	else if (rt.now >= rt.coarse_until && rt.jump > rt.conf.jump)
		rt.jump = rt.conf.jump;
}

void
rt_paused(enum rt_op op, uintptr_t pc)
{
	struct sim_fiber *f = rt.cur;

	if (f == NULL)
		return;
	if (rt.conf.sched == SIM_TIME) {
		f->time += rt_line_pause;
		rt_time_point(f);
		return;
	}
	f->round = rt.round;
	f->steps_at_pause = f->steps;
	maybe_jump();
	if (rt.conf.sched == SIM_PCT) {
		f->prio = --rt.low;
		rt.next = rt.step;
	}
	rt_point(op, 0, 0, pc);
}

void
sim_idle(void)
{
	rt_paused(RT_IDLE, (uintptr_t)__builtin_return_address(0));
}

void
sim_pause(void)
{
	rt_paused(RT_PAUSE, (uintptr_t)__builtin_return_address(0));
}

void
sim_step(void)
{
	rt_point(RT_SWITCH, 0, 0, (uintptr_t)__builtin_return_address(0));
}

void
sim_progress(void)
{
	rt.jump = 1;
}

void
sim_sleep(uint64_t ns)
{
	if (rt.cur == NULL)
		return;
	if (rt.conf.sched == SIM_TIME) {
		rt.cur->time += 16 * ns;
		rt_time_point(rt.cur);
		return;
	}
	rt.cur->not_before = rt.now + ns;
	rt.cur->round = rt.round;
	rt.cur->steps_at_pause = rt.cur->steps;
	rt_point(RT_IDLE, 0, ns, (uintptr_t)__builtin_return_address(0));
}

void
sim_coarse(uint64_t ns)
{
	if (rt.coarse_until < rt.now + ns)
		rt.coarse_until = rt.now + ns;
}

void
sim_stall(unsigned int i, uint64_t ns)
{
	if (i < rt.nb && rt.fiber[i].not_before < rt.now + ns)
		rt.fiber[i].not_before = rt.now + ns;
}

uint64_t
sim_now(void)
{
	/* Before and after a run time goes on by being asked for. */
	if (rt.cur == NULL)
		return rt.now += 20;
	return rt.conf.sched == SIM_TIME && rt.cur != NULL ? rt.cur->time / 16 : rt.now;
}

uint64_t
sim_steps(void)
{
	return rt.step;
}

/* ---- a run ----------------------------------------------------------------------------------- */

void
sim_begin(const struct sim_conf *conf)
{
	memset(&rt, 0, sizeof(rt));
	rt_stacks_init();
	rt_arena_init();
	rt_arena_reset();
	rt_trace_reset();
	rt.conf = *conf;
	if (rt.conf.buffer > RT_BUFFER)
		rt.conf.buffer = RT_BUFFER;
	if (rt.conf.depth > sizeof(rt.change) / sizeof(rt.change[0]))
		rt.conf.depth = sizeof(rt.change) / sizeof(rt.change[0]);
	rt.rng_sched = conf->seed ^ UINT64_C(0x5ca1ab1e);
	rt.rng_world = conf->seed ^ UINT64_C(0xf005ba11);
	rt.now = 1000;
	rt.jump = 1;
	rt.hash = UINT64_C(0xcbf29ce484222325);
	for (unsigned int i = 0; i < rt.conf.depth; i++) {
		uint64_t at = rt_below(&rt.rng_sched, conf->length ? conf->length : 1);
		unsigned int k = i;

		for (; k > 0 && rt.change[k - 1] > at; k--)
			rt.change[k] = rt.change[k - 1];
		rt.change[k] = at;
	}
	plan_next();
}

struct sim_fiber *
sim_spawn(const char *name, void (*fn)(void *), void *arg)
{
	struct sim_fiber *f = &rt.fiber[rt.nb];

	if (rt.nb == SIM_FIBERS)
		abort();
	f->id = rt.nb++;
	f->name = name;
	f->fn = fn;
	f->arg = arg;
	f->cap = rt.conf.buffer;
	f->time = 16 * rt.now;
	/* Random, and all different. */
	f->prio = (int64_t)(rt_random(&rt.rng_sched) >> 8) * SIM_FIBERS + f->id;
	rt_fiber_make(f);
	return f;
}

bool
sim_run(void)
{
	rt.running = true;
	rt.next = 0;
	if (rt.conf.sched == SIM_TIME)
		rt_time_run();
	else
		consider();
	rt.running = false;
	return true;
}

void
sim_daemon(void)
{
	rt.cur->daemon = true;
}

bool
sim_over(void)
{
	for (unsigned int i = 0; i < rt.nb; i++)
		if (!rt.fiber[i].done && !rt.fiber[i].daemon)
			return false;
	return true;
}

unsigned int
sim_self(void)
{
	return rt.cur != NULL ? rt.cur->id : UINT32_MAX;
}

unsigned int
sim_fibers(void)
{
	return rt.nb;
}

const char *
sim_name(unsigned int i)
{
	return i < rt.nb ? rt.fiber[i].name : "nobody";
}

uint32_t
sim_rnd(uint32_t n)
{
	return n == 0 ? 0 : rt_below(&rt.rng_world, n);
}

uint64_t
sim_hash(void)
{
	return rt.hash;
}

void
sim_fail_at(const char *file, int line, const char *fmt, ...)
{
	char why[512];
	va_list ap;
	int n = snprintf(why, sizeof(why), "%s:%d: ", file, line);

	va_start(ap, fmt);
	vsnprintf(why + n, sizeof(why) - (size_t)n, fmt, ap);
	va_end(ap);
	if (sim_on_fail != NULL)
		sim_on_fail(why);
	fflush(NULL);
	_exit(1);
}
