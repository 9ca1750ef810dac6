/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Being told to end: every signal that would end a program by default and can be caught.
 */
#ifndef SHARED_STOP_H
#define SHARED_STOP_H

#include <stdatomic.h>

/**
 * From now on such a signal sets @p asked, and nothing is torn down behind the program's back. One
 * that comes a second or more after the first ends the program at once, without a temporary file
 * left; those that come sooner are the first one's company. A pipe whose reader went away
 * and a file that grows too large are errors of the call that writes. What the caller of the
 * program had ignored (nohup) stays ignored.
 * @param late called by another thread when the program has not ended a second after the first
 *   signal: it saves what there is and does not return, or returns if waiting is right.
 */
void stop_watch(atomic_bool *asked, void (*late)(void));

#endif
