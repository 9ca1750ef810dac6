/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Another thread's work at a chosen instruction of this one's: the processor stops after each
 * instruction of a call, and before its Nth something else runs there, as a whole. What two threads
 * meet once in a million tries, every time, in the code as it is compiled.
 */
#ifndef STEPS_H
#define STEPS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

#include "engine/base/tsan.h"

#if defined(__SANITIZE_ADDRESS__)
#define STEPS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STEPS_ASAN 1
#endif
#endif

#if defined(__x86_64__) && !SLUICE_TSAN
#define STEPS_CAN 1
#else
#define STEPS_CAN 0
#endif
#define STEPS_SKIP "SKIP: stops after each instruction: for x86-64, and without a race detector"

/* At which instructions: all of them in the code that is used. Where ASan looks at each access, most
 * instructions are its own, and none of them is a moment of ours; of them a part is enough to have
 * it look at all that is done. A prime: no loop's length. */
#ifdef STEPS_ASAN
#define STEPS_EACH 7u
#else
#define STEPS_EACH 1u
#endif

static volatile unsigned int steps_seen, steps_at;
static volatile bool steps_on;
static void (*steps_other)(void);

#if STEPS_CAN
#define STEPS_TRAP_FLAG 0x100

/* After each instruction; and once from raise(), which begins it. */
static inline void
steps_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	(void)sig, (void)info;
	u->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)STEPS_TRAP_FLAG;
	if (!steps_on)
		return;
	if (steps_seen++ == steps_at) {
		steps_on = false; /* nothing more to see */
		steps_other();
	} else {
		u->uc_mcontext.gregs[REG_EFL] |= STEPS_TRAP_FLAG;
	}
}

/** Call @p one, and @p other before its instruction @p at. @return false: it ended before that. */
static inline bool
steps_run(void (*one)(void), void (*other)(void), unsigned int at)
{
	const struct sigaction on = { .sa_sigaction = steps_trap, .sa_flags = SA_SIGINFO };
	struct sigaction old;

	sigaction(SIGTRAP, &on, &old);
	steps_other = other;
	steps_seen = 0;
	steps_at = at;
	steps_on = true;
	raise(SIGTRAP);
	one();
	steps_on = false;
	sigaction(SIGTRAP, &old, NULL);
	return steps_seen == at + 1;
}
#else
static inline bool
steps_run(void (*one)(void), void (*other)(void), unsigned int at)
{
	(void)one, (void)other, (void)at;
	return false;
}
#endif

#endif
