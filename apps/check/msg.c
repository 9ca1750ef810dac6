/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What goes wrong, in one line on stderr.
 */
#include <stdarg.h>

#include "../shared/text.h"
#include "check.h"

static void
say(const char *fmt, va_list ap)
{
	char line[8192]; /* a path of any length, and what is wrong with it */

	fflush(stdout);
	vsnprintf(line, sizeof(line), fmt, ap);
	text_clean(line, "");
	fprintf(stderr, "sluice-check: %s\n", line);
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
