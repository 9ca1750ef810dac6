/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The inside of the runtime, for its own files.
 */
#ifndef SIM_RT_H
#define SIM_RT_H

#include "sim.h"

/* What happens at a step. */
enum rt_op {
	RT_LOAD, RT_STORE, RT_RMW, RT_FENCE, RT_RELAXED_GET, RT_RELAXED_SET, RT_PAUSE, RT_IDLE, RT_LOCK,
	RT_NOTE, RT_SWITCH, RT_DRAIN, RT_OPS,
};

/* A store that only its fiber sees: memory shows it while the fiber runs. */
struct rt_store {
	uintptr_t addr;
	uint64_t old, val; /* of [addr]; val only while the fiber does not run */
	uint8_t size;
};

#define RT_BUFFER 64u

struct sim_fiber {
	void *sp;
	uint8_t *stack;
	uint8_t *tls;        /* emulated thread-local storage */
	const char *name;
	void (*fn)(void *);
	void *arg;
	unsigned int id;
	bool done, daemon, lenient;
	uint64_t not_before; /* it stands still until then */
	uint64_t steps, steps_at_pause;
	uint64_t round;      /* of the last pause */
	int64_t prio;        /* SIM_PCT */
	uint64_t time;       /* SIM_TIME: its own, 1/16 ns */
	uint64_t posted;     /* … when the last of its posted stores arrives */
	void *held;          /* … the line that came last, and until when it stays here for sure */
	uint64_t held_until;
	bool device;         /* … it is hardware (line.h) */
	unsigned int nb_store, cap;
	uint64_t visible; /* stores that have become so, ever */
	struct rt_store store[RT_BUFFER];
};

struct rt {
	struct sim_conf conf;
	struct sim_fiber fiber[SIM_FIBERS];
	unsigned int nb;
	struct sim_fiber *cur; /* NULL: none, the caller of sim_run() */
	void *main_sp;
	uint64_t now, step, next; /* next: the step at which a switch is considered */
	uint64_t rng_sched, rng_world;
	uint64_t round, jump, coarse_until;
	int64_t low;           /* SIM_PCT: the lowest priority given so far */
	uint64_t change[64];   /* … steps at which priorities change */
	unsigned int at_change;
	unsigned int starved;
	uint64_t starve_until;
	struct sim_fiber *behind[SIM_FIBERS]; /* SIM_TIME: a heap of those that do not run, by time */
	unsigned int nb_behind;
	uint64_t hash;
	bool running;
};
extern struct rt rt;

#define RT_STACK ((size_t)128 << 10)
#define RT_TLS   4096u

static inline uint64_t
rt_random(uint64_t *state)
{
	/* splitmix64 */
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint32_t
rt_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)(((rt_random(state) >> 32) * n) >> 32);
}

/* fiber.c */
void rt_fiber_make(struct sim_fiber *f);
/** Go on with @p f; NULL: with the caller of sim_run(). */
void rt_fiber_switch(struct sim_fiber *f);
void rt_stacks_init(void);

/* store.c */
void rt_store_note(uintptr_t addr, unsigned int size);
void rt_store_leave(struct sim_fiber *f);
void rt_store_enter(struct sim_fiber *f);
/** Make the oldest @p n stores of @p f visible. */
void rt_store_drain(struct sim_fiber *f, unsigned int n);

/* sched.c */
void rt_drain_some(void);
void rt_point(enum rt_op op, uintptr_t addr, uint64_t val, uintptr_t pc);
void rt_paused(enum rt_op op, uintptr_t pc);

/* time.c */
void rt_time_point(struct sim_fiber *f);
void rt_time_run(void);

/* arena.c */
void rt_arena_init(void);
void rt_arena_reset(void);
void rt_arena_check(uintptr_t addr, unsigned int size, uintptr_t pc, bool write);
extern uintptr_t rt_arena_base;
#define RT_ARENA_SIZE ((size_t)4 << 30)

/* wrap.c: the system's own memory. */
void *rt_map(uintptr_t at, size_t n);
void rt_forget(void *p, size_t n);
/* memset(), of which nobody is to know. */
void rt_fill(void *p, int c, size_t n);

/* trace.c */
void rt_trace(enum rt_op op, uintptr_t addr, uint64_t val, uintptr_t pc);
void rt_trace_reset(void);
/** The place of an address of code: "file.c:line". For failures: it takes a while. */
const char *rt_place(uintptr_t pc);

/* line_count.c */
#define RT_LINE 64u
void rt_line_note(uintptr_t line, uintptr_t pc, uint64_t wait);
/** Begin anew. */
void rt_line_account(void);
void rt_line_unname(void);

/* line.c */
enum rt_line_op { RT_LINE_READ, RT_LINE_WRITE, RT_LINE_RMW };
void rt_line_access(uintptr_t addr, unsigned int size, enum rt_line_op op, uintptr_t pc);
/** A full fence: the stores that were posted have arrived. */
void rt_line_fence(void);
void rt_line_tsc(void);
/** What a pause costs, 1/16 ns; how far one fiber may run ahead of the others. */
extern uint64_t rt_line_pause, rt_line_ahead;

/* Is @p addr on the running fiber's own stack? */
static inline bool
rt_on_stack(uintptr_t addr)
{
	return rt.cur != NULL && addr - (uintptr_t)rt.cur->stack < RT_STACK;
}

#endif
