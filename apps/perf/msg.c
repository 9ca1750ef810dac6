/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The tool's name in front of each line, and the status that belongs to it.
 */
#include <stdarg.h>

#include "../shared/error_line.h"
#include "msg.h"

#define TOOL "sluice-perf: "

static char last[256];

const char *
perf_msg_last(void)
{
	return last;
}

int
perf_usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_line(TOOL, fmt, ap, last, sizeof(last));
	va_end(ap);
	return PERF_EXIT_USAGE;
}

int
perf_failed(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_line(TOOL, fmt, ap, last, sizeof(last));
	va_end(ap);
	return PERF_EXIT_FAILED;
}

void
perf_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_line(TOOL "note: ", fmt, ap, NULL, 0);
	va_end(ap);
}
