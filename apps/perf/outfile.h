/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Output files that appear whole or not at all.
 */
#ifndef PERF_OUTFILE_H
#define PERF_OUTFILE_H

#include <stdio.h>

struct perf_outfile {
	const char *path; /**< NULL: not wanted; "-": stdout */
	char tmp[4096];
	FILE *f;
};

/**
 * Make sure, before anything runs, that @p path can be written, and open it under another name
 * beside it. @param opt the option that named it.
 * @return 0, or an exit status with an error line printed.
 */
int perf_outfile_open(struct perf_outfile *of, const char *path, const char *opt);

/** Give it its name. @return as perf_outfile_open(). */
int perf_outfile_commit(struct perf_outfile *of);

/** Leave no trace. Allowed after a commit. */
void perf_outfile_discard(struct perf_outfile *of);

#endif
