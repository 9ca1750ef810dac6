/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A file as a stream of its bytes, whether they lie there plainly, in gzip or in zstd data. It is
 * read from front to end, in bounded memory, so that a pipe will do as well.
 */
#ifndef PERF_UNPACK_H
#define PERF_UNPACK_H

#include <stdint.h>
#include <stdio.h>

#define PERF_MAGIC_BYTES 4u

/** The largest zstd window that is accepted, log2: what zstd itself takes unless it is told. */
#define PERF_ZSTD_WINDOW_LOG 27

struct perf_unpack;

/**
 * Open @p path, "-" being standard input.
 * @return NULL with errno ENOMEM, or as fopen().
 */
struct perf_unpack *perf_unpack_open(const char *path);
void perf_unpack_close(struct perf_unpack *u);

/**
 * The first bytes, which the stream delivers all the same.
 * @return how many there are, up to PERF_MAGIC_BYTES.
 */
unsigned int perf_unpack_magic(const struct perf_unpack *u, uint8_t magic[PERF_MAGIC_BYTES]);

/**
 * A stream of the unpacked bytes; once. Its error indicator is set where they break off. It may
 * be closed at any time before perf_unpack_close().
 * @return NULL with errno.
 */
FILE *perf_unpack_stream(struct perf_unpack *u);

/** @return why the bytes cannot be read on, or NULL. */
const char *perf_unpack_why(const struct perf_unpack *u);

#endif
