/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * For tests of what goes through the command queue: the fake hardware `f` with a queue that it
 * consumes. queue_up() begins a test, queue_down() is the teardown.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fake.h"

static struct fake *f;

/** A queue of 2^@p log2size commands, whose SYNCs complete by a write to memory. */
static inline void
queue_up(unsigned int log2size)
{
	f = fake_create();
	fake_cmdq(f, log2size, true, false, 0, 0);
}

static inline int
queue_down(void **state)
{
	(void)state;
	cmdq_free(&f->s.cmdq);
	fake_destroy(f);
	return 0;
}

#endif
