/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What sluice-perf says on stderr: one line per error, with the tool's name in front.
 */
#ifndef PERF_MSG_H
#define PERF_MSG_H

/** Exit statuses. */
#define PERF_EXIT_OK     0
#define PERF_EXIT_FAILED 1 /**< the run itself went wrong, or its result is not to be trusted */
#define PERF_EXIT_USAGE  2 /**< bad arguments, bad input, a system that is not set up */

/** Print "sluice-perf: …" on stderr. @return PERF_EXIT_USAGE. */
int perf_usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Print "sluice-perf: …" on stderr. @return PERF_EXIT_FAILED. */
int perf_failed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** The last line that one of these two printed, without the tool's name; "" if there was none. */
const char *perf_msg_last(void);

/** Print "sluice-perf: note: …" on stderr. */
void perf_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
