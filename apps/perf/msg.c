/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One line an error: whatever the text holds, it leaves as a single line and a single write, and
 * without anything that a terminal would act upon.
 */
#include <stdarg.h>
#include <stdio.h>

#include "../shared/text.h"
#include "msg.h"

static char last[256];

static void
say(const char *prefix, const char *fmt, va_list ap)
{
	char line[8192]; /* a path of any length, and what is wrong with it */

	vsnprintf(line, sizeof(line), fmt, ap);
	for (char *c = line; *c != '\0'; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	text_clean(line, "");
	if (prefix[0] == '\0')
		snprintf(last, sizeof(last), "%.255s", line);
	fprintf(stderr, "sluice-perf: %s%s\n", prefix, line);
}

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
