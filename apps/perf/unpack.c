/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Packed files. zlib and libzstd do the work; fopencookie() makes a stream of the C library from
 * the result. What was unpacked before a break is delivered before the break is reported.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

#include "unpack.h"

#define IN_BYTES   65536u
#define GZIP_BITS  (15 + 16) /* zlib: the largest window, gzip's header and trailer */
#define GZIP_FIRST 0x1fu

struct perf_unpack {
	FILE *raw;
	/* Decodes from in[] to out, until one of them is used up. @return the bytes at out; on an
	 * error why[] is set. */
	size_t (*decode)(struct perf_unpack *u, uint8_t *out, size_t room);
	z_stream gzip;
	ZSTD_DStream *zstd;
	bool inside; /* in a gzip member or a zstd frame: the file must not end here */
	uint8_t head[PERF_MAGIC_BYTES];
	unsigned int nb_head, head_at; /* bytes of head[]: read in advance, and delivered */
	size_t in_at, in_len;
	char why[128];
	uint8_t in[IN_BYTES];
};

static size_t
plain(struct perf_unpack *u, uint8_t *out, size_t room)
{
	size_t n = u->in_len - u->in_at;

	n = n < room ? n : room;
	memcpy(out, u->in + u->in_at, n);
	u->in_at += n;
	return n;
}

/* Between two members, and behind the last one, zeros are padding. @return whether a member
 * begins. */
static bool
next_member(struct perf_unpack *u)
{
	while (u->in_at < u->in_len && u->in[u->in_at] == 0)
		u->in_at++;
	if (u->in_at == u->in_len)
		return false;
	if (u->in[u->in_at] == GZIP_FIRST)
		return true;
	snprintf(u->why, sizeof(u->why), "bytes that are no gzip data follow the gzip data");
	return false;
}

static size_t
gzip(struct perf_unpack *u, uint8_t *out, size_t room)
{
	z_stream *z = &u->gzip;
	int rc;

	if (!u->inside && !next_member(u))
		return 0;
	u->inside = true;
	z->next_in = u->in + u->in_at;
	z->avail_in = (uInt)(u->in_len - u->in_at);
	z->next_out = out;
	z->avail_out = (uInt)room;
	rc = inflate(z, Z_NO_FLUSH);
	u->in_at = u->in_len - z->avail_in;
	if (rc == Z_STREAM_END) {
		u->inside = false;
		inflateReset(z);
	} else if (rc != Z_OK && rc != Z_BUF_ERROR) { /* Z_BUF_ERROR: more input is needed */
		snprintf(u->why, sizeof(u->why), "damaged gzip data: %s",
			 z->msg != NULL ? z->msg : zError(rc));
	}
	return room - z->avail_out;
}

static size_t
zstd(struct perf_unpack *u, uint8_t *out, size_t room)
{
	ZSTD_inBuffer src = { u->in, u->in_len, u->in_at };
	ZSTD_outBuffer dst = { out, room, 0 };
	size_t rc;

	if (!u->inside && src.pos == src.size)
		return 0; /* else the decoder would expect another frame */
	rc = ZSTD_decompressStream(u->zstd, &dst, &src);
	u->in_at = src.pos;
	u->inside = rc != 0;
	if (ZSTD_isError(rc))
		snprintf(u->why, sizeof(u->why), "damaged zstd data: %s", ZSTD_getErrorName(rc));
	return dst.pos;
}

/* Read more of the file. @return false at its end, or with why[] set when it cannot be read. */
static bool
fill(struct perf_unpack *u)
{
	u->in_at = 0;
	errno = 0;
	u->in_len = fread(u->in, 1, sizeof(u->in), u->raw);
	if (u->in_len == 0 && ferror(u->raw))
		snprintf(u->why, sizeof(u->why), "%s", strerror(errno != 0 ? errno : EIO));
	return u->in_len > 0;
}

/* @return the bytes at @p out; 0 at the end, or with why[] set on an error. */
static size_t
unpack(struct perf_unpack *u, uint8_t *out, size_t room)
{
	size_t n = 0;

	while (n == 0 && u->why[0] == '\0') {
		/* Before reading: a decoder may still hold output when its input is used up. */
		n = u->decode(u, out, room);
		if (n > 0 || u->in_at < u->in_len || fill(u))
			continue;
		if (u->inside && u->why[0] == '\0')
			snprintf(u->why, sizeof(u->why), "the %s data end too early",
				 u->decode == gzip ? "gzip" : "zstd");
		break;
	}
	return n;
}

/* ---- the stream ------------------------------------------------------------------------------ */

static ssize_t
stream_read(void *cookie, char *buf, size_t size)
{
	struct perf_unpack *u = cookie;
	size_t n = u->nb_head - u->head_at;

	if (n > 0) {
		n = n < size ? n : size;
		memcpy(buf, u->head + u->head_at, n);
		u->head_at += (unsigned int)n;
		return (ssize_t)n;
	}
	n = unpack(u, (uint8_t *)buf, size < IN_BYTES ? size : IN_BYTES);
	if (n == 0 && u->why[0] != '\0') {
		errno = EIO;
		return -1;
	}
	return (ssize_t)n;
}

FILE *
perf_unpack_stream(struct perf_unpack *u)
{
	return fopencookie(u, "r", (cookie_io_functions_t){ .read = stream_read });
}

static bool
begin(struct perf_unpack *u)
{
	static const uint8_t zstd_magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
	size_t n = 1;

	fill(u);
	u->decode = plain;
	if (u->in_len >= 2 && u->in[0] == GZIP_FIRST && u->in[1] == 0x8b) {
		u->decode = gzip;
		if (inflateInit2(&u->gzip, GZIP_BITS) != Z_OK)
			return false;
	} else if (u->in_len >= 4 && memcmp(u->in, zstd_magic, 4) == 0) {
		u->decode = zstd;
		u->zstd = ZSTD_createDStream();
		if (u->zstd == NULL ||
		    ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax,
							PERF_ZSTD_WINDOW_LOG)))
			return false;
	}
	for (; n > 0 && u->nb_head < sizeof(u->head); u->nb_head += (unsigned int)n)
		n = unpack(u, u->head + u->nb_head, sizeof(u->head) - u->nb_head);
	return true;
}

struct perf_unpack *
perf_unpack_open(const char *path)
{
	struct perf_unpack *u = calloc(1, sizeof(*u));
	int err;

	if (u == NULL)
		return NULL;
	u->raw = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	if (u->raw != NULL && begin(u))
		return u;
	err = u->raw == NULL ? errno : ENOMEM;
	perf_unpack_close(u);
	errno = err;
	return NULL;
}

void
perf_unpack_close(struct perf_unpack *u)
{
	if (u->decode == gzip)
		inflateEnd(&u->gzip);
	ZSTD_freeDStream(u->zstd);
	if (u->raw != NULL && u->raw != stdin)
		fclose(u->raw);
	free(u);
}

unsigned int
perf_unpack_magic(const struct perf_unpack *u, uint8_t magic[PERF_MAGIC_BYTES])
{
	memcpy(magic, u->head, sizeof(u->head));
	return u->nb_head;
}

const char *
perf_unpack_why(const struct perf_unpack *u)
{
	return u->why[0] != '\0' ? u->why : NULL;
}
