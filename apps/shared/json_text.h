/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Strings for JSON.
 */
#ifndef SHARED_JSON_TEXT_H
#define SHARED_JSON_TEXT_H

#include <jansson.h>

/** @p s as a JSON string, bytes that are no UTF-8 replaced by U+FFFD; null for NULL. */
json_t *json_text(const char *s);

#endif
