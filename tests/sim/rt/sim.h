/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The simulator's runtime: many fibers on one thread, virtual time, and one seed that decides which
 * of them goes on at each step. It knows nothing of IOMMUs.
 *
 * What callers get. The code under test is compiled as it ships. The compiler's instrumentation
 * (hooks.c) and the linker (wrap.c) lead each memory access, barrier, pause, clock and allocation of
 * it here. At each atomic operation, fence, relaxed access and pause the runtime may switch to
 * another fiber. The same seed and options give the same run, address by address.
 *
 * Code of the simulator itself is not instrumented: between two calls into the code under test it
 * runs as one step.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_FIBERS 80u /* at most, and lcore ids below that */

/** How the next fiber is chosen. */
enum sim_sched {
	SIM_RANDOM, /**< uniformly among those that can go on */
	SIM_PCT,    /**< the one of highest priority; few changes of priority at random steps */
	SIM_STARVE, /**< random, but one fiber after another stands still for long */
	SIM_TIME,   /**< the one that is furthest behind in time: every fiber has a processor */
	SIM_SCHEDS,
};

struct sim_conf {
	uint64_t seed;
	enum sim_sched sched;
	uint32_t stick;      /**< a switch is considered at one point of so many (1) */
	uint32_t depth;      /**< SIM_PCT: changes of priority */
	uint32_t length;     /**< SIM_PCT: … within so many steps */
	uint32_t buffer;     /**< stores that a fiber keeps to itself, at most; 0: none */
	uint32_t drain;      /**< one of so many steps makes a store visible */
	uint64_t jump;       /**< ns that time jumps at once, at most */
	uint64_t max_steps;  /**< the run is stuck after that many */
	uint64_t max_ns;     /**< … or after that much virtual time */
	bool costs;          /**< SIM_TIME: cache lines cost what line.h says */
};

/* ---- running --------------------------------------------------------------------------------- */

struct sim_fiber;

/** Begin a run: no fibers, time 0, all memory of the arena free. */
void sim_begin(const struct sim_conf *conf);
/** Add a fiber with an lcore id of its own, the number of those before it. */
struct sim_fiber *sim_spawn(const char *name, void (*fn)(void *), void *arg);
/** Run until no fiber is left but those marked with sim_daemon(). @return whether all went well. */
bool sim_run(void);
/** This fiber alone does not keep the run going. */
void sim_daemon(void);
/** This fiber is no processor: its stores are visible at once. */
void sim_unbuffered(void);
/** In a daemon: have the others ended? */
bool sim_over(void);

/** A violation: print the story if wanted, and end the process. Any fiber. */
#define sim_fail(...) sim_fail_at(__FILE_NAME__, __LINE__, __VA_ARGS__)
_Noreturn void sim_fail_at(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Called by sim_fail() before the process ends. */
extern void (*sim_on_fail)(const char *why);

#define SIM_CHECK(cond, ...) ((cond) ? (void)0 : sim_fail(__VA_ARGS__))

/* ---- within a fiber -------------------------------------------------------------------------- */

uint64_t sim_now(void);   /**< virtual ns */
uint64_t sim_steps(void);
/** Nothing to do at the moment. If that is so for all, time jumps. */
void sim_idle(void);
/** Something was done: time goes on step by step. */
void sim_progress(void);
void sim_sleep(uint64_t ns);
/** Wait, like a lock that somebody else holds. */
void sim_pause(void);
/** A point at which another fiber may go on. */
void sim_step(void);
/** Let fiber @p i stand still for @p ns, wherever it is. */
void sim_stall(unsigned int i, uint64_t ns);
/** For the next @p ns time may jump further: who is waited for stands still. */
void sim_coarse(uint64_t ns);
unsigned int sim_self(void); /**< number of the fiber; UINT_MAX outside */
unsigned int sim_fibers(void);
const char *sim_name(unsigned int i);
/** All stores of all fibers become visible (membarrier(2)); or those of this one. */
void sim_barrier_all(void);
/** Stores that fiber @p i has made, and those of them that others see. */
uint64_t sim_stored(unsigned int i);
uint64_t sim_visible(unsigned int i);
void sim_barrier(void);
/** Switch to another thread's look at memory: none. Harness code that reads what fibers share. */

/** Random numbers for the world: 0 … n - 1. Not the scheduler's, so that a run with another
 * schedule does the same. */
uint32_t sim_rnd(uint32_t n);
static inline bool
sim_one_in(uint32_t n)
{
	return sim_rnd(n) == 0;
}

/* ---- memory ---------------------------------------------------------------------------------- */

void *sim_alloc(size_t size, size_t align);
void sim_free(void *p);
/** Bytes of the allocation that begins at @p p; 0: none does. */
size_t sim_alloc_size(const void *p);
/** Fail the @p nth allocation from now on; 0: none. @return how many there were so far. */
uint64_t sim_alloc_fail(uint64_t nth);
/** Bytes allocated and not freed. */
size_t sim_alloc_live(void);
/** Mark [p, p+len), which is allocated, as not to be touched, or as usable again. */
void sim_poison(const void *p, size_t len, bool on);

/** Let this fiber touch such memory, or no more: it is about to become usable again. */
void sim_lenient(bool on);

/* ---- the story ------------------------------------------------------------------------------- */

/** Note an event of the world for the story; kept as long as the last steps are. */
void sim_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** Print each note at once, too. */
extern bool sim_trace;
/** Print the last @p n events, the rounds of waits left out. */
void sim_story(unsigned int n);
/** Print the last @p n notes. */
void sim_notes(unsigned int n);
/** Print where each fiber is. */
void sim_where(void);
/** A hash of all steps so far: equal for equal runs. */
uint64_t sim_hash(void);

#endif
