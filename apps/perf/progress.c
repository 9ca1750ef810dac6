/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The bar moves between runs only: a write to a terminal during a run would show in its worst case.
 */
#include <stdio.h>
#include <unistd.h>

#include "progress.h"

#define WIDTH 30u

void
perf_progress_start(struct perf_progress *p, unsigned int total)
{
	p->done = 0;
	p->total = total;
	p->tty = isatty(STDERR_FILENO) == 1;
}

void
perf_progress_show(struct perf_progress *p, const char *what)
{
	unsigned int full = p->total != 0 ? WIDTH * p->done / p->total : 0;
	char bar[WIDTH + 1];

	p->done++;
	if (!p->tty)
		return;
	for (unsigned int i = 0; i < WIDTH; i++)
		bar[i] = i < full ? '#' : '.';
	bar[WIDTH] = '\0';
	fprintf(stderr, "\r\033[K[%s] run %u of %u: %s", bar, p->done, p->total, what);
	fflush(stderr);
}

void
perf_progress_clear(struct perf_progress *p)
{
	if (p->tty)
		fputs("\r\033[K", stderr);
}
