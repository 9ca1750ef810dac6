/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Ending on a signal: on each one that ends a program by default and can be caught.
 */
#ifndef SHARED_STOP_H
#define SHARED_STOP_H

#include <stdatomic.h>

/**
 * From now on such a signal sets @p asked, and the program ends at its own next step. Signals
 * within a second after the first one change nothing; a later signal ends the program at once,
 * without leaving a temporary file behind. A write to a closed pipe or to a file that grows too
 * large fails instead of ending the program. Signals that the program was started with as ignored
 * (nohup) stay ignored.
 * @param late is called by another thread if the program has not ended a second after the first
 * signal. It saves the results and does not return; it returns if waiting is right.
 */
void stop_watch(atomic_bool *asked, void (*late)(void));

#endif
