/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One line on stderr for an error or a note.
 */
#ifndef SHARED_ERROR_LINE_H
#define SHARED_ERROR_LINE_H

#include <stdarg.h>
#include <stddef.h>

/**
 * Print @p fore and the text on stderr as one line, in a single write. Whatever the text holds, it
 * has no line breaks then and nothing that a terminal would act upon.
 * @param copy receives the text without @p fore, cut to @p size bytes; may be NULL.
 */
void error_line(const char *fore, const char *fmt, va_list ap, char *copy, size_t size);

#endif
