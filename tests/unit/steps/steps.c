/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Scheduler and memory of steps.h.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_lcore.h>

#include "steps.h"

#define BUFFER     64u      /* stores that are not visible yet; more drain the oldest */
#define WAITS_MAX  2000000u /* then nobody will ever come */
#define POINTS_MAX 5000u

void steps_load(const volatile void *p, void *v, size_t n);
void steps_store(volatile void *p, const void *v, size_t n, int order);
long steps_syscall(void);
int steps_yield(void);
int steps_lock(pthread_mutex_t *m);
void steps_free(void *p);

struct store {
	volatile void *p;
	size_t n;
	uint64_t v;
};

struct fiber {
	struct steps_fiber what;
	pthread_t thread;
	sem_t go;
	bool done;
	unsigned int left; /* accesses until it stops; 0: it goes on */
	unsigned int made; /* accesses ever */
	unsigned int stores; /* that may be late */
	struct store buf[BUFFER];
	unsigned int nb;
};

void (*steps_on_free)(void *p);
void (*steps_on_barrier)(void);
void (*steps_on_rmw)(void);

static struct fiber fiber[2];
static _Thread_local struct fiber *self; /* NULL: accesses as usual */
static sem_t over;
static bool late[2];   /* stores of each */
static unsigned int second_left; /* accesses that the second makes at first; 0: all */
static unsigned int plan[3]; /* and then the first, and the second … (steps_explore_unordered()) */
static unsigned int planned; /* of those that were made */
static unsigned int only;    /* the one store of a fiber's that is late; 0: all are */
static unsigned int waits;
static const char *failure;

static void
write_now(volatile void *p, uint64_t v, size_t n)
{
	switch (n) {
	case 1: __atomic_store_n((volatile uint8_t *)p, (uint8_t)v, __ATOMIC_SEQ_CST); break;
	case 2: __atomic_store_n((volatile uint16_t *)p, (uint16_t)v, __ATOMIC_SEQ_CST); break;
	case 4: __atomic_store_n((volatile uint32_t *)p, (uint32_t)v, __ATOMIC_SEQ_CST); break;
	default: __atomic_store_n((volatile uint64_t *)p, v, __ATOMIC_SEQ_CST); break;
	}
}

/* Only one of the stores is late, and this is another. A store of the same word waits behind it. */
static bool
overtakes(struct fiber *f, volatile void *p)
{
	if (only == 0 || ++f->stores == only)
		return false;
	for (unsigned int i = 0; i < f->nb; i++)
		if (f->buf[i].p == p)
			return false;
	return true;
}

static void
drain(struct fiber *f)
{
	for (unsigned int i = 0; i < f->nb; i++)
		write_now(f->buf[i].p, f->buf[i].v, f->buf[i].n);
	f->nb = 0;
}

/* ---- scheduling: a fiber runs when its semaphore is posted, and only one is -------------------- */

static struct fiber *
peer(void)
{
	return self == &fiber[0] ? &fiber[1] : &fiber[0];
}

/* Let the other one run until it hands over. */
static void
hand_over(unsigned int left)
{
	struct fiber *me = self, *other = peer();

	other->left = left;
	sem_post(&other->go);
	while (sem_wait(&me->go) != 0)
		;
}

static void
point(void)
{
	self->made++;
	if (self->left == 0 || --self->left != 0 || peer()->done)
		return;
	unsigned int turn = planned++;

	hand_over(turn == 0 ? second_left : turn <= 3 ? plan[turn - 1] : 0);
}

int
steps_yield(void)
{
	if (self == NULL || peer()->done)
		return sched_yield();
	if (++waits > WAITS_MAX) {
		fprintf(stderr, "the fibers wait for one another\n");
		abort();
	}
	/* No store is late for ever. */
	drain(self);
	/* The first, when it waits, wants the second done; the second wants one access of the first. */
	hand_over(self == &fiber[0] ? 0 : 1);
	return 0;
}

void
steps_relax(void *arg)
{
	(void)arg;
	steps_yield();
}

bool
steps_in_second(void)
{
	return self == &fiber[1];
}

uint64_t
steps_other_sees(const void *p, size_t n)
{
	const struct fiber *other = peer();
	uint64_t v = 0;

	memcpy(&v, p, n);
	for (unsigned int i = 0; i < other->nb; i++)
		if (other->buf[i].p == p)
			v = other->buf[i].v;
	return v;
}

void
steps_failed(const char *what)
{
	failure = what;
}

/* ---- memory ---------------------------------------------------------------------------------- */

void
steps_load(const volatile void *p, void *v, size_t n)
{
	if (self != NULL) {
		point();
		for (unsigned int i = self->nb; i-- > 0;)
			if (self->buf[i].p == p) {
				memcpy(v, &self->buf[i].v, n);
				return;
			}
	}
	switch (n) {
	case 1: __atomic_load((const volatile uint8_t *)p, (uint8_t *)v, __ATOMIC_SEQ_CST); break;
	case 2: __atomic_load((const volatile uint16_t *)p, (uint16_t *)v, __ATOMIC_SEQ_CST); break;
	case 4: __atomic_load((const volatile uint32_t *)p, (uint32_t *)v, __ATOMIC_SEQ_CST); break;
	default: __atomic_load((const volatile uint64_t *)p, (uint64_t *)v, __ATOMIC_SEQ_CST); break;
	}
}

void
steps_store(volatile void *p, const void *v, size_t n, int order)
{
	uint64_t w = 0;

	memcpy(&w, v, n);
	if (self == NULL) {
		write_now(p, w, n);
		return;
	}
	point();
	if (order == __ATOMIC_SEQ_CST || (only != 0 && order == __ATOMIC_RELEASE))
		drain(self);
	if (!late[self - fiber] || order == __ATOMIC_SEQ_CST || overtakes(self, p)) {
		write_now(p, w, n);
		return;
	}
	if (self->nb == BUFFER) {
		write_now(self->buf[0].p, self->buf[0].v, self->buf[0].n);
		memmove(self->buf, self->buf + 1, --self->nb * sizeof(self->buf[0]));
	}
	self->buf[self->nb++] = (struct store){ .p = p, .n = n, .v = w };
}

int
steps_rmw(void)
{
	if (self == NULL)
		return 0;
	point();
	drain(self);
	if (steps_on_rmw != NULL)
		steps_on_rmw();
	return 0;
}

long
steps_syscall(void)
{
	if (self == NULL)
		return 0;
	point();
	drain(&fiber[0]);
	drain(&fiber[1]);
	if (steps_on_barrier != NULL)
		steps_on_barrier();
	return 0;
}

int
steps_lock(pthread_mutex_t *m)
{
	int ret;

	while ((ret = pthread_mutex_trylock(m)) == EBUSY)
		steps_yield();
	return ret;
}

void
steps_free(void *p)
{
	if (self != NULL && steps_on_free != NULL && p != NULL)
		steps_on_free(p);
	free(p);
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void *
fiber_main(void *arg)
{
	struct fiber *me = arg;
	struct fiber *other = me == &fiber[0] ? &fiber[1] : &fiber[0];

	while (sem_wait(&me->go) != 0)
		;
	self = me;
	RTE_PER_LCORE(_lcore_id) = me->what.lcore;
	me->what.run();
	self = NULL;
	drain(me);
	me->done = true;
	/* The other goes on, wherever it is; who is last says so. */
	if (other->done) {
		sem_post(&over);
	} else {
		other->left = 0;
		sem_post(&other->go);
	}
	return NULL;
}

/* @return whether the first was stopped at @p at: then there may be further points. In fiber[1].made:
 * how many the second had. */
static bool
run_once(struct steps_fiber first, struct steps_fiber second, unsigned int at)
{
	memset(fiber, 0, sizeof(fiber));
	fiber[0].what = first;
	fiber[1].what = second;
	fiber[0].left = at;
	waits = planned = 0;
	sem_init(&over, 0, 0);
	for (unsigned int i = 0; i < 2; i++) {
		sem_init(&fiber[i].go, 0, 0);
		assert_int_equal(pthread_create(&fiber[i].thread, NULL, fiber_main, &fiber[i]), 0);
	}
	sem_post(&fiber[0].go);
	while (sem_wait(&over) != 0)
		;
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(fiber[i].thread, NULL);
	return fiber[0].made >= at;
}

/* @return as run_once(). */
static bool
one_schedule(void (*up)(void), struct steps_fiber first, struct steps_fiber second,
	     void (*down)(void), unsigned int at)
{
	bool more;

	failure = NULL;
	up();
	more = run_once(first, second, at);
	down();
	if (failure != NULL)
		fail_msg("%s (stopped before access %u; the second after %u; stores seen %s)", failure,
			 at, second_left, late[0] || late[1] ? "late" : "at once");
	return more;
}

void
steps_explore(void (*up)(void), struct steps_fiber first, struct steps_fiber second,
	      void (*down)(void))
{
	for (unsigned int mode = 0; mode < 2; mode++) {
		unsigned int at = 1;

		late[0] = mode != 0;
		late[1] = false;
		second_left = 0;
		while (one_schedule(up, first, second, down, at) && at < POINTS_MAX)
			at++;
		assert_true(at < POINTS_MAX);
	}
}

void
steps_explore_twice(void (*up)(void), struct steps_fiber first, struct steps_fiber second,
		    void (*down)(void))
{
	bool more = true;

	late[0] = false;
	late[1] = true;
	for (unsigned int at = 1; more && at < POINTS_MAX; at++) {
		unsigned int points = POINTS_MAX;

		for (second_left = 1; second_left <= points; second_left++) {
			more = one_schedule(up, first, second, down, at);
			points = fiber[1].made;
		}
	}
	assert_false(more);
}

void
steps_explore_unordered(void (*up)(void), struct steps_fiber first, struct steps_fiber second,
			void (*down)(void), unsigned int made, unsigned int stores)
{
	unsigned int points = POINTS_MAX, last;

	late[0] = false;
	late[1] = true;
	second_left = made + 1; /* it stops before that one */
	for (only = 1; only <= stores; only++)
		for (unsigned int at = 1; at <= points; at++)
			for (plan[0] = 1; at + plan[0] <= points; plan[0]++) {
				last = POINTS_MAX;
				for (plan[1] = 1; made + plan[1] <= last; plan[1]++) {
					(void)one_schedule(up, first, second, down, at);
					points = fiber[0].made;
					last = fiber[1].made;
				}
			}
	only = plan[0] = plan[1] = 0;
}
