/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Everything that a run leaves behind: checked before it starts, written as soon as there is
 * something to write.
 */
#ifndef PERF_OUTPUTS_H
#define PERF_OUTPUTS_H

#include "../shared/outfile.h"
#include "book.h"
#include "report/report.h"

struct perf_outputs {
	struct outfile json, csv;
	struct perf_report report;
};

/**
 * Open what @p o names. Refused are outputs that cannot be written, two that are one file, and one
 * that is an input.
 * @return 0, or an exit status with an error line printed; then nothing is left.
 */
int perf_outputs_open(struct perf_outputs *out, const struct perf_options *o);

/** Between two points: put what there is into the files. Streams get theirs at the end. Errors are
 * said by perf_outputs_write(). */
void perf_outputs_keep(struct perf_outputs *out, const struct perf_book *bk);

/**
 * Write the files, each for itself, then print the table, which goes to stderr when a file format
 * has taken stdout. @return 0, or the exit status of what could not be written, said on stderr.
 */
int perf_outputs_write(struct perf_outputs *out, const struct perf_book *bk);

/** Close all; leave no trace of a report that was not written. */
void perf_outputs_close(struct perf_outputs *out);

#endif
