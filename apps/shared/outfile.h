/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Output files that appear whole or not at all.
 */
#ifndef SHARED_OUTFILE_H
#define SHARED_OUTFILE_H

#include <stdio.h>

#include "place.h"

struct outfile {
	const char *path;   /**< NULL: not wanted; "-": stdout */
	struct place at;
	int stream;         /**< written as it is: stdout, a device, a pipe; -1: a file */
	bool is_stdout;
	bool synced;        /**< a file is on the disk before it has its name */
};

/**
 * Make sure, before anything runs, that @p path can be written. What is no regular file is opened
 * and will be written to, and is never replaced; of a file nothing is changed yet.
 * @param path may be NULL: then there is nothing to do. @param why PLACE_WHY bytes.
 * @return 0; or -1 with one line in @p why, and nothing to close.
 */
int outfile_open(struct outfile *of, const char *path, char *why);

/** The same for a regular file in a folder that is open, of many that can be made again: they are
 * not synced. */
int outfile_open_in(struct outfile *of, int dir, const char *name, char *why);

/**
 * Write all of it: a file under a name of its own beside the target, synced and renamed, so that a
 * reader sees the old one or the new one. May be called again: later ones replace earlier ones, or
 * follow them in a stream.
 * @return 0; or -errno with one line in @p why (-EPIPE: a stream's reader went away).
 */
int outfile_put(struct outfile *of, const void *data, size_t len, char *why);

void outfile_close(struct outfile *of);

/** Do both lead to one file? Two devices such as /dev/null do not count. */
bool outfile_same(const struct outfile *a, const struct outfile *b);
/** Does it lead to the file @p path, or to what that will be? */
bool outfile_is(const struct outfile *of, const char *path);
/** Does it lead to the regular file that is open as @p fd? */
bool outfile_is_fd(const struct outfile *of, int fd);

/** Remove the temporary file that is being written, if any. From a signal handler. */
void outfile_abandon(void);

#endif
