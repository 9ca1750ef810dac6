/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Editing device strings. The library checks their keys and values.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devargs.h"

/* Find ",key=", ",key," or ",key" at the end. @return its comma, or NULL. */
static const char *
find(const char *s, const char *key)
{
	size_t n = strlen(key);

	for (s = strchr(s, ','); s != NULL; s = strchr(s + 1, ','))
		if (strncmp(s + 1, key, n) == 0 &&
		    (s[1 + n] == '=' || s[1 + n] == ',' || s[1 + n] == '\0'))
			return s;
	return NULL;
}

bool
devargs_has(const char *s, const char *key)
{
	return find(s, key) != NULL;
}

int
devargs_get(const char *s, const char *key, uint64_t *v)
{
	size_t n = strlen(key);
	const char *at = s;
	char *end;

	/* A list of settings starts with a key, a device string does not. */
	if (strncmp(s, key, n) != 0 || s[n] != '=') {
		at = find(s, key);
		if (at == NULL || at[1 + n] != '=')
			return -1;
		at++;
	}
	at += n + 1;
	*v = strtoull(at, &end, 0);
	return end != at && (*end == ',' || *end == '\0') ? 0 : -1;
}

int
devargs_set(char *buf, size_t size, const char *key, uint64_t v)
{
	char *at = (char *)(uintptr_t)find(buf, key);
	size_t len;
	int n;

	if (at != NULL) {
		char *next = strchr(at + 1, ',');

		if (next != NULL)
			memmove(at, next, strlen(next) + 1);
		else
			*at = '\0';
	}
	len = strlen(buf);
	n = snprintf(buf + len, size - len, ",%s=%" PRIu64, key, v);
	return n > 0 && (size_t)n < size - len ? 0 : -1;
}

bool
devargs_emulated(const char *s)
{
	const char *at = find(s, "regs");
	size_t n;

	if (at == NULL)
		return true;
	at += strlen(",regs");
	n = strcspn(at, ",");
	return n == 4 && strncmp(at, "=emu", 4) == 0;
}

bool
devargs_ends_with_us(const char *s)
{
	const char *at = s != NULL ? find(s, "regs") : NULL;

	if (s == NULL || devargs_emulated(s))
		return true;
	return strncmp(at, ",regs=qtest", 11) == 0 && (at[11] == ',' || at[11] == '\0');
}
