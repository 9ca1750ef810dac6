/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One line an error: whatever the text holds, it leaves as a single line and a single write.
 */
#include <stdarg.h>
#include <stdio.h>

#include "msg.h"

static void
say(const char *prefix, const char *fmt, va_list ap)
{
	char line[1024];

	vsnprintf(line, sizeof(line), fmt, ap);
	for (char *c = line; *c != '\0'; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	fprintf(stderr, "sluice-perf: %s%s\n", prefix, line);
}

int
perf_usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	return PERF_EXIT_USAGE;
}

int
perf_failed(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	return PERF_EXIT_FAILED;
}

void
perf_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("note: ", fmt, ap);
	va_end(ap);
}
