/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Output files that appear whole or not at all.
 */
#ifndef SHARED_OUTFILE_H
#define SHARED_OUTFILE_H

#include <stdio.h>

#include "place.h"

struct outfile {
	const char *path;   /**< NULL: no output is wanted; "-": stdout */
	struct place at;
	int stream;         /**< stdout, a device or a pipe, which is written to directly; -1: a
				file */
	bool is_stdout;
	bool synced;        /**< the file is on the disk before it gets its name */
};

/**
 * Make sure, before anything runs, that @p path can be written. A device or a pipe is opened; it
 * will be written to and never replaced. A file is not changed yet.
 * @param path may be NULL: then there is nothing to do.
 * @param why PLACE_WHY bytes.
 * @return 0; or -1 with one line in @p why, and nothing to close.
 */
int outfile_open(struct outfile *of, const char *path, char *why);

/** The same for a file in the open folder @p dir, one of many that can be made again and are not
 * synced. */
int outfile_open_in(struct outfile *of, int dir, const char *name, char *why);

/**
 * Write all of the data. A file is written beside the target under a temporary name, synced and
 * renamed, so that a reader sees the old file or the new one. Further calls replace the file, or
 * append to the stream.
 * @return 0; or -errno with one line in @p why (-EPIPE: a stream's reader went away).
 */
int outfile_put(struct outfile *of, const void *data, size_t len, char *why);

void outfile_close(struct outfile *of);

/** Do both lead to one file? A device such as /dev/null may be both. */
bool outfile_same(const struct outfile *a, const struct outfile *b);
/** Does it lead to the file @p path, or to the one that will be there? */
bool outfile_is(const struct outfile *of, const char *path);
/** Does it lead to the regular file that is open as @p fd? */
bool outfile_is_fd(const struct outfile *of, int fd);

/** Remove the temporary file that is being written, if any. May be called in a signal handler. */
void outfile_abandon(void);

#endif
