/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Text from outside: names of files, device strings, and messages that quote them.
 */
#ifndef SHARED_TEXT_H
#define SHARED_TEXT_H

#include <stddef.h>

/**
 * Make @p s harmless to a terminal, in place: each control character, each character that changes
 * the direction of writing, and each byte that is no UTF-8 becomes one '?'.
 * @param keep characters that stay as they are, such as "\n".
 */
void text_clean(char *s, const char *keep);

/**
 * Copy @p s as valid UTF-8: a byte that is none becomes U+FFFD. If @p dst is too short it is cut
 * between characters.
 * @return the length of the whole text.
 */
size_t text_utf8(char *dst, size_t size, const char *s);

#endif
