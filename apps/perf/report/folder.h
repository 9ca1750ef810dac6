/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A folder that holds what this program put there, and perhaps other people's files: those are
 * never replaced.
 */
#ifndef PERF_REPORT_FOLDER_H
#define PERF_REPORT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../shared/place.h"

#define REPORT_FILES_MAX 48u

/** What was put there: by name, size and content, so that a file that somebody changed, or put in
 * the place of one, is known to be theirs. */
struct report_entry {
	char name[32];
	uint64_t size, hash;
};

struct report_folder {
	struct place at; /**< the folder, in its parent */
	int dir;         /**< the folder itself, -1: none */
	bool made;       /**< by this run */
	struct report_entry entry[REPORT_FILES_MAX];
	unsigned int n;
};

/**
 * Open the folder @p path, or make it. One that exists must be this user's, must not be writable by
 * everybody, and must be empty or hold a list of what was put there.
 * @param why PLACE_WHY bytes. @return 0; or -1, @p why filled.
 */
int report_folder_open(struct report_folder *f, const char *path, char *why);

/** Does @p name not exist, or is it one that was put there and is as it was put? @return 0; or -1,
 * @p why filled. */
int report_folder_free(const struct report_folder *f, const char *name, char *why);

/** Put a file there. @return 0; or -1, @p why filled: nothing was changed. */
int report_folder_put(struct report_folder *f, const char *name, const void *data, size_t len,
		      char *why);

/** Remove a file that was put there, if there is one. @return as report_folder_put(). */
int report_folder_remove(struct report_folder *f, const char *name, char *why);

/** Close it; remove it if it was made by this run and holds nothing. */
void report_folder_close(struct report_folder *f);

#endif
