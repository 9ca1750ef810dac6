/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The JSON library refuses a string that is no UTF-8, and the key would be lost with it. So such a
 * string is made valid first.
 */
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "text.h"

json_t *
json_text(const char *s)
{
	size_t size;
	char *copy;
	json_t *j;

	if (s == NULL)
		return json_null();
	size = text_utf8(NULL, 0, s) + 1;
	copy = malloc(size);
	if (copy == NULL)
		return json_null();
	text_utf8(copy, size, s);
	j = json_string(copy);
	free(copy);
	return j != NULL ? j : json_null();
}
