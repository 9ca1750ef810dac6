/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * UTF-8 by RFC 3629 (no overlong forms, no surrogates), and the characters that a terminal acts
 * upon.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "text.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* @return the length of the character at s; 0 if it is none. The NUL behind s ends any sequence. */
static size_t
character(const char *s, uint32_t *cp)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t min;
	} form[] = { { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 },
		     { 0xf8, 0xf0, 0x10000 } };
	const uint8_t *b = (const uint8_t *)s;

	for (size_t n = 0; n < sizeof(form) / sizeof(form[0]); n++) {
		if ((b[0] & form[n].mask) != form[n].lead)
			continue;
		*cp = b[0] & (uint8_t)~form[n].mask;
		for (size_t i = 1; i <= n; i++) {
			if ((b[i] & 0xc0) != 0x80)
				return 0;
			*cp = *cp << 6 | (b[i] & 0x3f);
		}
		if (*cp < form[n].min || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
			return 0;
		return n + 1;
	}
	return 0;
}

/* C0, DEL, C1; line and paragraph separators; marks, embeddings and isolates of direction. */
static bool
acts(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x200e || cp == 0x200f ||
	       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

void
text_clean(char *s, const char *keep)
{
	char *to = s;
	uint32_t cp;
	size_t n;

	while (*s != '\0') {
		n = character(s, &cp);
		if (n == 0 || (acts(cp) && (n > 1 || strchr(keep, *s) == NULL))) {
			*to++ = '?';
			s += n != 0 ? n : 1;
			continue;
		}
		memmove(to, s, n);
		to += n;
		s += n;
	}
	*to = '\0';
}

size_t
text_utf8(char *dst, size_t size, const char *s)
{
	size_t all = 0, at = 0, n, put;
	const char *from;
	uint32_t cp;

	while (*s != '\0') {
		n = character(s, &cp);
		from = n != 0 ? s : replacement;
		put = n != 0 ? n : sizeof(replacement) - 1;
		if (all == at && at + put < size) {
			memcpy(dst + at, from, put);
			at += put;
		}
		all += put;
		s += n != 0 ? n : 1;
	}
	if (size != 0)
		dst[at] = '\0';
	return all;
}
