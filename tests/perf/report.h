/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Showing results: a table for people, JSON for programs.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>

/** Round trip between two lcores before and after, ns; 0: one lcore. */
struct report_machine {
	char line[512], lcores[256];
	double ping_pong[2];
};

void report_table(const struct report_machine *m);

/** @return false, with a line on stderr, when the file cannot be written. */
bool report_json(const struct report_machine *m, const char *path);

/** The machine changed too much between the two round trips for the figures to be kept. */
bool report_unquiet(const struct report_machine *m);

#endif
