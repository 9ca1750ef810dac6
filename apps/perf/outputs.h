/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The files that a run leaves behind. They are checked before the run starts, and written as soon
 * as there are results.
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
 * Open the outputs that @p o names. Outputs that cannot be written, two outputs that are one file
 * and an output that is an input are refused.
 * @return 0, or an exit status with an error line printed; no file is left behind then.
 */
int perf_outputs_open(struct perf_outputs *out, const struct perf_options *o);

/** Write the results so far into the files, between two points. Streams are written at the end
 * only. Errors are left to perf_outputs_write(). */
void perf_outputs_keep(struct perf_outputs *out, const struct perf_book *bk);

/**
 * Write all outputs, then print the table, which goes to stderr if JSON or CSV goes to stdout. An
 * output that cannot be written does not keep the others from being written.
 * @return 0, or an exit status with an error line printed for each output that failed.
 */
int perf_outputs_write(struct perf_outputs *out, const struct perf_book *bk);

/** Close all outputs. The folder of a report that was not written is removed. */
void perf_outputs_close(struct perf_outputs *out);

#endif
