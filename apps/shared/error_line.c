/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Errors that stay one line, even if they quote a file name with a line break in it.
 */
#include <stdio.h>

#include "error_line.h"
#include "text.h"

void
error_line(const char *fore, const char *fmt, va_list ap, char *copy, size_t size)
{
	char line[8192]; /* enough for the longest path and what is wrong with it */

	vsnprintf(line, sizeof(line), fmt, ap);
	for (char *c = line; *c != '\0'; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	text_clean(line, "");
	if (copy != NULL)
		snprintf(copy, size, "%.*s", (int)size - 1, line);
	fprintf(stderr, "%s%s\n", fore, line);
}
