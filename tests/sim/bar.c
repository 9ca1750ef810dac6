/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "campaign.h"

#define WIDTH 30u

void
bar_show(uint64_t done, uint64_t nb, uint64_t violations)
{
	char bar[WIDTH + 1];

	if (isatty(STDERR_FILENO) != 1)
		return;
	for (unsigned int i = 0; i < WIDTH; i++)
		bar[i] = nb != 0 && i < WIDTH * done / nb ? '#' : '.';
	bar[WIDTH] = '\0';
	fprintf(stderr, "\r\033[K[%s] %" PRIu64 " of %" PRIu64 ", %" PRIu64 " violations", bar, done,
		nb, violations);
	fflush(stderr);
}

void
bar_clear(void)
{
	if (isatty(STDERR_FILENO) == 1)
		fputs("\r\033[K", stderr);
}
