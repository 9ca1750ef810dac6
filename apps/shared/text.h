/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Bytes that others chose: names of files, device strings, what a library says of them.
 */
#ifndef SHARED_TEXT_H
#define SHARED_TEXT_H

#include <stddef.h>

/**
 * Make @p s harmless to a terminal, in place: each control character, each sign that turns the
 * direction of writing, and each byte that is no UTF-8 becomes one '?'.
 * @param keep characters that stay as they are, such as "\n".
 */
void text_clean(char *s, const char *keep);

/**
 * Copy @p s as valid UTF-8: bytes that are none become U+FFFD. @p dst is cut between characters.
 * @return the length that all of it would have had.
 */
size_t text_utf8(char *dst, size_t size, const char *s);

#endif
