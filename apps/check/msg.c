/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What goes wrong, in one line on stderr, behind the lines of the cases that are done.
 */
#include <stdarg.h>

#include "../shared/error_line.h"
#include "check.h"

#define TOOL "sluice-check: "

int
check_usage(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	error_line(TOOL, fmt, ap, NULL, 0);
	va_end(ap);
	return CHECK_USAGE;
}

int
check_failed(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	error_line(TOOL, fmt, ap, NULL, 0);
	va_end(ap);
	return CHECK_FAILED;
}
