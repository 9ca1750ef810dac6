/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Everything that a run leaves behind: opened before it starts, committed when it has ended.
 */
#ifndef PERF_OUTPUTS_H
#define PERF_OUTPUTS_H

#include "book.h"
#include "outfile.h"

struct perf_outputs {
	struct perf_outfile json, csv;
	const char *report;
};

/** @return 0, or an exit status with an error line printed; then nothing is left open. */
int perf_outputs_open(struct perf_outputs *out, const struct perf_options *o);
/** Print the table, write the files. @return as perf_outputs_open(). */
int perf_outputs_write(struct perf_outputs *out, const struct perf_book *bk);
/** Leave no trace of what was not written. */
void perf_outputs_discard(struct perf_outputs *out);

#endif
