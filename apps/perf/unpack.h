/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A file as a stream of its bytes: plain, or unpacked from gzip or zstd data. It is read from front
 * to end in bounded memory, so that it may be a pipe.
 */
#ifndef PERF_UNPACK_H
#define PERF_UNPACK_H

#include <stdint.h>
#include <stdio.h>

#define PERF_MAGIC_BYTES 4u

/** The largest zstd window that is accepted, log2: zstd's own default limit. */
#define PERF_ZSTD_WINDOW_LOG 27

struct perf_unpack;

/**
 * Open @p path; "-" is standard input.
 * @return NULL with errno ENOMEM, or one of fopen()'s.
 */
struct perf_unpack *perf_unpack_open(const char *path);
void perf_unpack_close(struct perf_unpack *u);

/**
 * Look at the first bytes, which the stream delivers all the same.
 * @return how many there are, up to PERF_MAGIC_BYTES.
 */
unsigned int perf_unpack_magic(const struct perf_unpack *u, uint8_t magic[PERF_MAGIC_BYTES]);

/**
 * Make a stream of the unpacked bytes; may be called once. The stream's error indicator is set
 * where the bytes break off. It may be closed at any time before perf_unpack_close().
 * @return NULL with errno.
 */
FILE *perf_unpack_stream(struct perf_unpack *u);

/** @return why no more bytes can be read, or NULL. */
const char *perf_unpack_why(const struct perf_unpack *u);

#endif
