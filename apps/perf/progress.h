/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A progress bar on stderr, when that is a terminal.
 */
#ifndef PERF_PROGRESS_H
#define PERF_PROGRESS_H

#include <stdbool.h>

struct perf_progress {
	unsigned int done, total;
	bool tty;
};

void perf_progress_start(struct perf_progress *p, unsigned int total);
/** The next run begins. */
void perf_progress_show(struct perf_progress *p, const char *what);
/** Wipe the bar, so that a line of text can follow. */
void perf_progress_clear(struct perf_progress *p);

#endif
