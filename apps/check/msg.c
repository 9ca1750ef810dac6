/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What goes wrong, in one line on stderr.
 */
#include <stdarg.h>

#include "check.h"

static void
say(const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("sluice-check: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int
check_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return CHECK_USAGE;
}

int
check_failed(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return CHECK_FAILED;
}
